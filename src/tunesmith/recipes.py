"""How to learn, model by model: from songs in a corpus to a model and a report of how well it predicts new ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import checkpoint, corpus, scheme
from tunesmith.checkpoint import Learned
from tunesmith.corpus import Corpus, ImportRequest
from tunesmith.errors import ModelError, RequestError
from tunesmith.evaluation import evaluate, total
from tunesmith.feeding import as_it_is
from tunesmith.files import make_folder
from tunesmith.models import Model, Song
from tunesmith.models.alphabet import Alphabet, small_spec
from tunesmith.models.mixture import Mixture
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.rnn import Rnn
from tunesmith.models.spec import Spec
from tunesmith.scheme import steps
from tunesmith.score import Score
from tunesmith.train import Epoch, Outcome, Plan, train
from tunesmith.yardsticks import compared, counted, token_scores

NETWORKS = ("mixture", "rnn", "seed")
KINDS = ("mixture", "rnn", "ngram", "uniform", "seed")
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
SCRATCH = "scratch"
_FIX_SIZE = "leave out --size, or learn with --from scratch"
# Tuning a network that was learned before: it knows music, and is to hear no more than so many events in each stage.
TUNING = {"dropout": 0.4, "input_dropout": 0.1}
TUNING_EVENTS, TUNING_EPOCHS, TUNING_RATE = 80_000, (2, 24), 1e-3
COUNTING = Counting()  # the n-gram part of a mixture


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """What to learn from and how. `songs`: files, folders, or scores. `output`: where the model goes (None: nowhere).

    `model`: one of `KINDS`. `start`: where its network starts: "scratch", or a model file with a network that is tuned
    to the songs. `size`: of a network from scratch, one of `SIZES` or "auto". `epochs`: the most (None: by the
    number of songs). `keep_songs`: whether the model file holds the songs, which composing draws headers and
    ranges from; if not, a mixture is its network alone, for counts would give the songs away. `resume`: go on where
    an earlier run of the same request was stopped. `jobs`, `only` and `drop_near_duplicates`: see `ImportRequest`.
    """

    songs: tuple[Path | Score, ...]
    output: Path | None = None
    model: str = "mixture"
    start: str | Path = "scratch"
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
        if self.start != SCRATCH and self.model not in ("mixture", "rnn"):
            raise RequestError(f"the model {self.model!r} starts from nothing", fix=f"leave out --from {self.start}")
        if self.epochs is not None and not 1 <= self.epochs <= 100_000:
            raise RequestError(f"{self.epochs} epochs make no sense", fix="choose from 1 to 100000")
        if not 0 <= self.seed < 2**31:
            raise RequestError(f"seed {self.seed} is out of range", fix="choose from 0 to 2147483647")
        self.importing().check()


def _spec_of(songs: Corpus) -> Spec:
    """The world of a model of these songs: features that never change in them are left out."""
    world = scheme.spec()
    low = np.full(world.columns, 32767)
    high = np.full(world.columns, -32768)
    for song in songs:
        np.minimum(low, song.frames.min(0), out=low)
        np.maximum(high, song.frames.max(0), out=high)
    varied = {f.name for f in world.features if low[f.place] != high[f.place]}
    return scheme.spec(frozenset(varied | {"bars left"}))


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


Result = tuple[Model, dict[str, Any]]
Recipe = Callable[[LearnRequest, Corpus, Path], Generator[Epoch, None, Result]]


@dataclass(frozen=True, slots=True)
class _Networks:
    """What training gave: the network of all songs, and the one that never saw those held out (None: none were)."""

    final: Model
    measured: Model | None
    report: dict[str, Any]
    kept: Sequence[int]
    held: Sequence[int]


def _networks(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, _Networks]:
    """Train, from scratch or from a network that was learned before."""
    before = start_of(request)
    spec = before.spec if before else _spec_of(songs)
    plan = tuning_plan(request, songs, before) if before else plan_for(request, songs)
    kept, held = corpus.split(songs, request.seed)
    start = before.tensors() if before else None
    mark = songs.about["mark"] + (checkpoint.mark_of(start) if start else "")
    outcome = yield from train(songs, kept, held, spec, plan, folder, mark=mark, start=start)
    report = compared(songs, kept, held) | {"refit": plan.refit}
    if held:
        if before:
            report["bits_per_note"]["base"] = outcome.before
        best = outcome.history[outcome.best_epoch - 1][1] if outcome.best_epoch else outcome.before
        report["bits_per_note"]["network"] = best
    report |= {"plan": dataclasses.asdict(plan), "history": outcome.history, "best_epoch": outcome.best_epoch}
    final = Rnn.load(spec, plan.settings, outcome.tensors)
    measured = Rnn.load(spec, plan.settings, outcome.measured) if held else None
    return _Networks(final, measured, report, kept, held)


def start_of(request: LearnRequest) -> Rnn | None:
    """The network to start from; None: from scratch.

    Raises:
        StorageError: the model file cannot be opened.
        ModelError: it cannot be read, or has no network.
    """
    if request.start == SCRATCH:
        return None
    try:
        return network_of(checkpoint.load(Path(request.start)))
    except ModelError as error:
        raise error.at(Path(request.start)) from None


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
    epochs = request.epochs or max(least, min(most, TUNING_EVENTS // max(int(songs.about["events"]), 1)))
    settings = before.settings() | TUNING
    return _plan(request, songs, settings, TUNING_RATE, epochs, patience=max(4, epochs // 4))


def _learn_rnn(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The network alone."""
    found = yield from _networks(request, songs, folder)
    bits = found.report["bits_per_note"]
    if "network" in bits:
        bits["learned"] = bits.pop("network")
    return found.final, found.report


def _learn_mixture(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The network and the n-grams, of the songs and of the song so far, each weighed."""
    found = yield from _networks(request, songs, folder)
    mixture = _mixture(found.final, songs, range(len(songs)))
    if found.measured is not None:
        held = [songs[i] for i in found.held]
        measured = _mixture(found.measured, songs, found.kept)
        found.report["bits_per_note"]["learned"] = _crossed(measured, held)
        mixture = Mixture(mixture.spec, mixture.names, mixture.parts, measured.fitted(held).gates)
    return mixture, found.report


def _mixture(network: Model, songs: Corpus, numbers: Sequence[int]) -> Mixture:
    spec = network.spec
    return Mixture(spec, ("rnn", "ngram"), (network, Ngram(spec, COUNTING).fit(songs[i] for i in numbers)))


def _crossed(mixture: Mixture, held: Sequence[Song]) -> float:
    """Bits per note of songs held out, each half under weights that were fitted on the other half alone."""
    halves = held[::2], held[1::2]
    found = [*evaluate(mixture.fitted(halves[1]), halves[0]), *evaluate(mixture.fitted(halves[0]), halves[1])]
    return total(found).per_note


def _learn_counted(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The n-gram and the uniform model: no epochs."""
    kept, held = corpus.split(songs, request.seed)
    report = compared(songs, kept, held)
    if held:
        report["bits_per_note"]["learned"] = report["bits_per_note"][request.model]
    model = counted(request.model, songs, range(len(songs)))
    return model, report
    yield  # a generator, like its fellows


def _learn_seed(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The historical preset, and beside it what it does on a song left out."""
    inner = small_spec(len(steps.SYMBOLS), 1, SEED_WIDTH)
    plan = dataclasses.replace(SEED_PLAN, seed=request.seed, epochs=request.epochs or SEED_PLAN.epochs)

    def dressed(outcome: Outcome) -> Alphabet:
        model = Rnn.load(inner, plan.settings, outcome.tensors)
        return Alphabet(scheme.spec(), model, "rnn", steps.SYMBOLS, [steps.STEP])

    empty = Outcome(_initial(inner, plan), 0, ())
    inside = [dressed(empty).inside(song) for song in songs]
    held, mark = corpus.split(songs, request.seed)[1][:1], songs.about["mark"]
    report: dict[str, Any] = {"held_out_songs": len(held)}
    if held:
        kept = [i for i in range(len(songs)) if i not in held]
        place = make_folder(folder / "left-out")
        outcome = yield from train(inside, kept, (), inner, plan, place, as_it_is, mark)
        report["left_out"] = token_scores(dressed(outcome).inner, [inside[i] for i in held])
    outcome = yield from train(inside, range(len(inside)), (), inner, plan, folder, as_it_is, mark)
    model = dressed(outcome)
    report["training"] = token_scores(model.inner, inside)
    report["uniform_nats"] = math.log(len(steps.SYMBOLS))
    return model, report


def _initial(spec: Spec, plan: Plan) -> dict[str, Any]:
    from tunesmith.models.rnn import Settings
    from tunesmith.models.rnn_torch import initial

    return initial(spec, Settings.of(plan.settings), plan.seed)


RECIPES: dict[str, Recipe] = {
    "mixture": _learn_mixture,
    "rnn": _learn_rnn,
    "ngram": _learn_counted,
    "uniform": _learn_counted,
    "seed": _learn_seed,
}
