"""From songs to a model: ingest, hold out, learn, compare, save. Yields what happens, prints nothing."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import platform
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import __version__, checkpoint, corpus, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.corpus import Corpus, Entry, Gathered, ImportRequest, Ingested
from tunesmith.errors import CorpusError, MissingExtra, RequestError
from tunesmith.files import make_folder
from tunesmith.models import Model
from tunesmith.models.alphabet import Alphabet, small_spec
from tunesmith.models.spec import Spec
from tunesmith.scheme import steps
from tunesmith.score import Score
from tunesmith.train import Epoch, Outcome, Plan, as_it_is, train
from tunesmith.yardsticks import compared, counted, token_scores

NETWORKS = ("rnn", "seed")
KINDS = ("rnn", "ngram", "uniform", "seed")
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
MOST_FILES = 100_000  # named in a model's provenance
SEED_PLAN = Plan(SEED_SETTINGS, epochs=40, batch=1, rate=1.2e-2, weight_decay=0.0, transpose=0, tell=0.0)
MOST_EPOCHS = 40


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """What to learn from and how. `songs`: files, folders, or scores. `output`: where the model goes (None: nowhere).

    `model`: one of `KINDS`. `size`: of the network, one of `SIZES` or "auto". `epochs`: the most (None: by the
    number of songs). `keep_songs`: whether the model file holds the songs, which composing draws headers and
    ranges from. `resume`: go on where an earlier run of the same request was stopped. `jobs`, `only`
    and `drop_near_duplicates`: see `ImportRequest`.
    """

    songs: tuple[Path | Score, ...]
    output: Path | None = None
    model: str = "rnn"
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
        if self.epochs is not None and not 1 <= self.epochs <= 100_000:
            raise RequestError(f"{self.epochs} epochs make no sense", fix="choose from 1 to 100000")
        if not 0 <= self.seed < 2**31:
            raise RequestError(f"seed {self.seed} is out of range", fix="choose from 0 to 2147483647")
        self.importing().check()


@dataclass(frozen=True, slots=True)
class Finished:
    """The model is learned, and saved if that was asked for. `report`: plain values, also in the model file."""

    learned: Learned
    report: dict[str, Any]


Event = Gathered | Entry | Ingested | Epoch | Finished


def learning(request: LearnRequest) -> Iterator[Event]:
    """Learn; yields how many files there are, every song's line of the report, every epoch, and at last the model.

    Raises:
        RequestError: the request makes no sense.
        StorageError: a path does not exist, or the output cannot be written.
        CorpusError: there is nothing to learn from.
        MissingExtra: torch is not installed.
    """
    request.check()
    _check_output(request)
    if request.model in NETWORKS and importlib.util.find_spec("torch") is None:
        raise MissingExtra("torch, which learning needs,", "learn")
    with _work_folder(request) as folder:
        songs = yield from _ingested(request, folder)
        learned, report = yield from _LEARN[request.model](request, songs, folder)
        if request.output is not None:
            learned = checkpoint.save(learned, request.output)
        yield Finished(learned, report)


class _work_folder:  # noqa: N801 - reads as a function
    """Where the corpus and the state of the training are while learning; kept if it is interrupted."""

    def __init__(self, request: LearnRequest) -> None:
        self._keep = request.output is not None
        if request.output is None:
            self.path = Path(tempfile.mkdtemp(prefix="tunesmith-"))
        else:
            self.path = request.output.with_name(request.output.name + ".work")
            if not request.resume:
                shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Path:
        return make_folder(self.path)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # Kept for going on after Ctrl-C (or a crash); an error in the request or the songs leaves nothing behind.
        if error is None or isinstance(error, CorpusError) or not self._keep:
            shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.rmdir()  # an error before any work leaves it empty


def _check_output(request: LearnRequest) -> None:
    """Find out before an hour of learning, not after it, that the output cannot be written."""
    if request.output is None:
        return
    if request.output.suffix != ".safetensors":
        raise RequestError("a model file ends in .safetensors", fix=f"write: -o {request.output}.safetensors")
    make_folder(request.output.parent)
    from tunesmith.files import probe_writable

    probe_writable(request.output)


def _ingested(request: LearnRequest, folder: Path) -> Generator[Event, None, Corpus]:
    encode = steps.encode_steps if request.model == "seed" else scheme.encode
    songs = yield from corpus.gathered(request.importing(), folder / "songs", encode)
    names = songs.names() if len(songs) < 10_000 else []
    held = corpus.split(songs, request.seed)[1]
    yield Ingested.of(songs, tuple(names[i] for i in held if names))
    return songs


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
    return Plan(
        settings,
        epochs=epochs,
        batch=next(batch for most, batch in BATCHES if len(songs) <= most),
        rate=rate,
        patience=max(8, epochs // 4),
        refit=len(songs) <= 400,
        seed=request.seed,
    )


Result = tuple[Learned, dict[str, Any]]


def _learn_rnn(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Event, None, Result]:
    spec, plan = _spec_of(songs), plan_for(request, songs)
    kept, held = corpus.split(songs, request.seed)
    outcome = yield from train(songs, kept, held, spec, plan, folder, mark=songs.about["mark"])
    from tunesmith.models.rnn import Rnn

    model = Rnn.load(spec, plan.settings, outcome.tensors)
    report = compared(songs, kept, held) | {"refit": plan.refit}
    if held:
        report["bits_per_note"]["learned"] = outcome.history[outcome.best_epoch - 1][1]
    report |= {"plan": dataclasses.asdict(plan), "history": outcome.history, "best_epoch": outcome.best_epoch}
    return _learned("rnn", model, request, songs, report), report


def _learn_counted(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Event, None, Result]:
    """The n-gram and the uniform model: no epochs."""
    kept, held = corpus.split(songs, request.seed)
    report = compared(songs, kept, held)
    if held:
        report["bits_per_note"]["learned"] = report["bits_per_note"][request.model]
    model = counted(request.model, songs, range(len(songs)))
    return _learned(request.model, model, request, songs, report), report
    yield  # a generator, like its fellows


def _learn_seed(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Event, None, Result]:
    """The historical preset, and beside it what it does on a song left out."""
    from tunesmith.models.rnn import Rnn

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
    return _learned("alphabet", model, request, songs, report), report


def _initial(spec: Spec, plan: Plan) -> dict[str, Any]:
    from tunesmith.models.rnn import Settings
    from tunesmith.models.rnn_torch import initial

    return initial(spec, Settings.of(plan.settings), plan.seed)


_LEARN = {"rnn": _learn_rnn, "ngram": _learn_counted, "uniform": _learn_counted, "seed": _learn_seed}


def _learned(name: str, model: Model, request: LearnRequest, songs: Corpus, report: dict[str, Any]) -> Learned:
    files = {entry.path: entry.sha256 for entry in songs.entries() if entry.status == "kept" and entry.sha256}
    about = {
        "program": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": metadata.version("torch") if request.model in NETWORKS else None,
        "seed": request.seed,
        "files": [{"name": Path(path).name, "sha256": mark} for path, mark in islice(files.items(), MOST_FILES)],
        "files_not_named": max(0, len(files) - MOST_FILES),
        "report": json.loads(json.dumps(report)),
    }
    stored = LearnedSongs()
    if not request.keep_songs:
        about["report"].pop("held_out", None)  # their names
    else:
        arrays = [np.stack([song.symbols, song.durations], 1) for song in songs]
        stored = LearnedSongs.of(songs.names(), arrays)
    features = tuple(f.name for f in model.spec.features)
    learned = Learned(name, model, features, stored, about)
    return dataclasses.replace(learned, digest=checkpoint.digest_of(learned))
