"""What to learn from and how: the request, and the plan of training that follows from it and from the songs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import checkpoint
from tunesmith.checkpoint import Learned
from tunesmith.corpus import Corpus, ImportRequest
from tunesmith.errors import ModelError, RequestError
from tunesmith.models.mixture import Mixture
from tunesmith.models.rnn import Rnn
from tunesmith.score import Score
from tunesmith.train import Plan

NETWORKS = ("mixture", "rnn", "seed")
KINDS = ("mixture", "rnn", "ngram", "uniform", "seed")
TUNED = ("mixture", "rnn")  # those that can start from a network learned before
# The one dial: settings of the network by size, its learning rate, and up to how many events "auto" takes it.
SIZES: dict[str, tuple[dict[str, Any], float, float]] = {
    "small": ({"hidden": 128, "dropout": 0.6, "input_dropout": 0.3}, 8e-3, 20_000),
    "medium": ({"hidden": 256, "dropout": 0.4, "input_dropout": 0.1}, 4e-3, 400_000),
    "large": ({"hidden": 512, "layers": 2, "dropout": 0.2}, 2e-3, math.inf),
}
BATCHES = ((40, 2), (150, 4), (400, 8), (math.inf, 16))  # up to so many songs: songs a step
# The historical recipe: what its author used, where it is known (windows of 20, LSTM 256, dropout 0.2, softmax).
SEED_SETTINGS = {"hidden": 256, "layers": 1, "dropout": 0.2, "pointer": False, "relative": False, "window": 20}
SEED_WIDTH = 32
SEED_PLAN = Plan(SEED_SETTINGS, epochs=40, batch=1, rate=1.2e-2, weight_decay=0.0, transpose=0, tell=0.0)
MOST_EPOCHS = 40
BASE, SCRATCH = "base", "scratch"  # where a network may start, beside a model file
_FIX_SIZE = "leave out --size, or learn with --from scratch"
# Tuning a network that was learned before: it knows music, and is to hear no more than so many events in each stage.
# The rates: on 9 to 18 songs 3e-4 did better than 1e-3 on songs left out, on 80 and more it was the other way.
TUNING = {"dropout": 0.4, "input_dropout": 0.1}
TUNING_EVENTS, TUNING_EPOCHS = 240_000, (2, 24)
TUNING_RATES, FEW_EVENTS = (3e-4, 1e-3), 3_000  # gently where the songs have few events, faster where more
MEASURABLE = 3  # songs: of fewer none is held out
UNMEASURED = 6  # epochs of tuning where too few songs are there to hold one out
# Songs that are added later are heard among those known, so many events in all: it takes seconds.
ADDING_EVENTS, ADDING_EPOCHS, ADDING_RATE, ADDING_PATIENCE = 40_000, 6, 5e-4, 3


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """What to learn from and how. `songs`: files, folders, or scores. `output`: where the model goes (None: nowhere).

    `model`: one of `KINDS`. `start`: where its network starts: "base", the model that ships with the program,
    "scratch", or a model file. The network is tuned to the songs; where the file holds songs, these are added to them.
    `size`: of a network from scratch, one of `SIZES` or "auto". `epochs`: the most (None: by the number of songs).
    `keep_songs`: whether the model file holds the songs, which composing draws headers and ranges from; if not, a
    mixture is its network alone, for counts would give the songs away. `resume`: go on where an earlier run of the
    same request was stopped. `jobs`, `only` and `drop_near_duplicates`: see `ImportRequest`.
    """

    songs: tuple[Path | Score, ...]
    output: Path | None = None
    model: str = "mixture"
    start: str | Path = "base"
    size: str = "auto"
    epochs: int | None = None
    seed: int = 0
    keep_songs: bool = True
    step_seconds: float = 0.4
    only: str = "all"
    resume: bool = True
    jobs: int | None = None
    drop_near_duplicates: bool = False

    def importing(self) -> ImportRequest:
        """The part of the request that is about reading songs."""
        return ImportRequest(
            self.songs,
            jobs=self.jobs,
            drop_near_duplicates=self.drop_near_duplicates,
            step_seconds=self.step_seconds,
            only=self.only,
        )

    def check(self) -> None:
        """Raise `RequestError` for what makes no sense."""
        if self.model not in KINDS:
            raise RequestError(f"unknown model {self.model!r}", fix=f"choose from {', '.join(KINDS)}")
        if self.size not in ("auto", *SIZES):
            raise RequestError(f"unknown size {self.size!r}", fix=f"choose from auto, {', '.join(SIZES)}")
        if self.start != SCRATCH and self.size != "auto":
            raise RequestError("a size was asked for, but a network that was learned before has one", fix=_FIX_SIZE)
        if self.start not in (BASE, SCRATCH) and self.model not in TUNED:
            raise RequestError(f"the model {self.model!r} starts from nothing", fix=f"leave out --from {self.start}")
        if self.epochs is not None and not 1 <= self.epochs <= 100_000:
            raise RequestError(f"{self.epochs} epochs make no sense", fix="choose from 1 to 100000")
        if not 0 <= self.seed < 2**31:
            raise RequestError(f"seed {self.seed} is out of range", fix="choose from 0 to 2147483647")
        self.importing().check()


def plan_for(request: LearnRequest, songs: Corpus) -> Plan:
    """How to train on these songs: small sets get small networks and many epochs."""
    events = int(songs.about["events"])
    size = request.size
    if size == "auto":
        size = next(name for name, (_, _, most) in SIZES.items() if events <= most)
    settings, rate, _ = SIZES[size]
    # Few songs are heard often, many less often: about three million events in all, some minutes on two cores.
    epochs = request.epochs or max(15, min(MOST_EPOCHS, 3_000_000 // max(events, 1)))
    return _plan(request, songs, settings, rate, epochs, patience=max(8, epochs // 4))


def _plan(
    request: LearnRequest, songs: Corpus, settings: dict[str, Any], rate: float, epochs: int, patience: int
) -> Plan:
    """The plan, with what the number of songs decides."""
    batch = next(batch for most, batch in BATCHES if len(songs) <= most)
    refit = len(songs) <= 400
    return Plan(settings, epochs, batch, rate, patience=patience, refit=refit, seed=request.seed)


def start_of(request: LearnRequest) -> Learned | None:
    """The model to start from, which has a network; None: from scratch.

    Raises:
        StorageError: the model file cannot be opened.
        ModelError: it cannot be read, or has no network.
    """
    if request.start == SCRATCH or request.model not in TUNED:
        return None
    path = checkpoint.BASE if request.start == BASE else Path(request.start)
    try:
        before = checkpoint.load(path)
        network_of(before)
    except ModelError as error:
        raise error.at(path) from None
    return before


def network_of(learned: Learned) -> Rnn:
    """The network of a model, which may be a part of a mixture.

    Raises:
        ModelError: it has none.
    """
    parts = learned.model.parts if isinstance(learned.model, Mixture) else (learned.model,)
    network = next((part for part in parts if isinstance(part, Rnn)), None)
    if network is None:
        raise ModelError(f"the model ({learned.name}) has no network to start from", fix="learn with --from scratch")
    return network


def tuning_plan(request: LearnRequest, songs: Corpus, before: Rnn) -> Plan:
    """How to tune a network that was learned before to these songs."""
    least, most = TUNING_EPOCHS
    most = most if len(songs) >= MEASURABLE else UNMEASURED
    epochs = request.epochs or max(least, min(most, TUNING_EVENTS // max(int(songs.about["events"]), 1)))
    settings = before.settings() | TUNING
    rate = TUNING_RATES[int(songs.about["events"]) > FEW_EVENTS]
    return _plan(request, songs, settings, rate, epochs, patience=max(4, epochs // 4))


def adding_plan(request: LearnRequest, before: Rnn, events: int) -> Plan:
    """How to go on with a network that knows songs, when others are added; `events` of one epoch."""
    epochs = request.epochs or max(1, min(ADDING_EPOCHS, ADDING_EVENTS // max(events, 1)))
    return Plan(before.settings(), epochs, 4, ADDING_RATE, patience=ADDING_PATIENCE, refit=False, seed=request.seed)
