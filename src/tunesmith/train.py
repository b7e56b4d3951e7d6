"""The learning loop: yields an `Epoch` after every epoch, prints nothing, can stop and go on anywhere.

First some songs are held out and the network learns from the others until the held-out songs stop improving;
then it learns from all songs for as many epochs. With fewer than three songs nothing can be held out. A network that
starts from weights that were learned before (a base) is measured before its first epoch too: where no epoch improves
on that, the weights stay as they were.

Every random choice (order, transposition, dropout) is drawn from (seed, stage, epoch, step), so the state after
an epoch is all there is to remember: it is written atomically, and a run that was stopped, even by `kill -9`,
goes on to the bit-identical result (same machine, same number of threads).
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith import __version__, feeding
from tunesmith.errors import CorpusError, MissingExtra
from tunesmith.evaluation import Bits, bits_of, total
from tunesmith.feeding import Augment, Songs, augment
from tunesmith.files import replacing
from tunesmith.models import Song, Tensors
from tunesmith.models.spec import Spec
from tunesmith.scheme import vocabulary as v

if TYPE_CHECKING:
    from tunesmith.models.rnn_torch import Batch, Trainer

SCORE_CROP = 1024  # events that are measured at once
SAVE_SECONDS = 2.0  # at the least between two checkpoints


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides the result, beside the songs. Plain values.

    `settings`: of `models.rnn.Settings`. `epochs`: the most. `rate`: the highest learning rate, reached after a tenth
    of the steps and brought down by a cosine to the end of the stage. `patience`: epochs without improvement before
    stopping.
    `transpose`: semitones either way. `tell`: the share of rows told how many bars are left. `average`: see `Trainer`.
    """

    settings: dict[str, Any]
    epochs: int = 60
    batch: int = 8
    rate: float = 4e-3
    weight_decay: float = 0.02
    patience: int = 12
    transpose: int = 6
    tell: float = 0.5
    refit: bool = True
    seed: int = 0
    average: float = 0.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch is done. Bits per note: `training` with dropout and headers, `held_out` as in `evaluation`.

    `held_out` is nan where nothing is held out; `seconds_left` is an estimate.
    """

    stage: str  # "measure" or "all songs"
    number: int
    epochs: int
    training: float
    held_out: float
    best: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the learning found. `measured`: the weights that never saw the songs held out, at their best epoch; empty
    where nothing was held out. `history`: (training, held out) of every epoch of the first stage, bits per note;
    `before`: held out, of the weights it started from (nan where those are none). `best_epoch` 0: no epoch helped.
    """

    tensors: Tensors
    best_epoch: int
    history: tuple[tuple[float, float], ...]
    measured: Tensors = dataclasses.field(default_factory=dict)
    before: float = math.nan


def train(
    songs: Songs,
    kept: Sequence[int],
    held: Sequence[int],
    spec: Spec,
    plan: Plan,
    folder: Path,
    augmented: Augment = augment,
    mark: str = "",
    start: Tensors | None = None,
) -> Generator[Epoch, None, Outcome]:
    """Learn from songs[kept], measure on songs[held], then learn from all; see the module docstring.

    `folder` is where the state is kept between runs; `mark` tells the songs of one run, and what it starts from, from
    those of another. `start`: weights to start from.

    Raises:
        MissingExtra: torch is not installed.
        CorpusError: the learning ran away.
    """
    run = _Run(songs, spec, plan, folder, augmented, mark, start)
    if held:
        yield from run.stage("measure", kept, held, plan.epochs)
        if not plan.refit or not run.best:
            return run.outcome()
    epochs = run.best if held else plan.epochs
    yield from run.stage("all songs", sorted([*kept, *held]), (), epochs)
    return run.outcome()


class _Run:
    """The state of a learning run: what is saved after an epoch, and what is not."""

    def __init__(
        self,
        songs: Songs,
        spec: Spec,
        plan: Plan,
        folder: Path,
        augmented: Augment,
        mark: str = "",
        start: Tensors | None = None,
    ) -> None:
        try:
            from tunesmith.models import rnn_torch
        except ImportError as error:
            raise MissingExtra("torch, which learning needs,", "learn") from error
        self.torch = rnn_torch
        self.songs, self.spec, self.plan, self.augmented = songs, spec, plan, augmented
        self.start = start
        self.path = folder / "training.safetensors"
        self.history: list[tuple[float, float]] = []
        self.before = math.nan
        self.best = 0
        self.best_tensors: Tensors = {}
        self.subject = {
            "program": __version__,
            "plan": json.loads(json.dumps(dataclasses.asdict(plan))),
            "features": [f.name for f in spec.features],
            "songs": mark,
        }
        self.saved, self.state = _load(self.path, self.subject)
        self.trainer: Trainer | None = None
        self.stage_done = ""

    def outcome(self) -> Outcome:
        assert self.trainer is not None, "a stage has run"  # noqa: S101 - tells the type checker
        refitted = self.stage_done == "all songs"
        tensors = self.trainer.tensors() if refitted else self.best_tensors
        return Outcome(tensors, self.best, tuple(self.history), self.best_tensors, self.before)

    def stage(self, name: str, numbers: Sequence[int], held: Sequence[int], epochs: int) -> Iterator[Epoch]:
        from tunesmith.models.rnn import Settings

        plan = self.plan
        order = ("measure", "all songs")
        if self.saved and order.index(self.saved["stage"]) > order.index(name):  # done in an earlier run
            self._recall()
            return
        trainer = self.torch.Trainer(
            self.spec,
            Settings.of(plan.settings),
            plan.seed,
            tensors=self.start,
            weight_decay=plan.weight_decay,
            average=plan.average,
        )
        self.trainer, self.stage_done = trainer, name
        first = self._resume(name, trainer)
        if first == 1 and held and self.start is not None:
            self.before, self.best_tensors = self._measure(trainer, held), trainer.tensors()
        started, last_save = time.monotonic(), time.monotonic()
        for epoch in range(first, epochs + 1):
            training = self._epoch(trainer, name, (epoch, epochs), numbers)
            held_out = self._measure(trainer, held) if held else math.nan
            if not math.isfinite(training) or (held and not math.isfinite(held_out)):
                raise CorpusError("the learning ran away: its numbers are no longer finite", fix="try another --seed")
            if held:
                self._remember(epoch, training, held_out)
            finished = epoch == epochs or (bool(held) and epoch - self.best >= plan.patience)
            now = time.monotonic()
            if finished or now - last_save > SAVE_SECONDS:
                self._save(name, epoch, finished)
                last_save = now
            pace = (now - started) / (epoch - first + 1)
            left = pace * ((epochs - epoch) + (plan.epochs if held and plan.refit else 0))
            yield Epoch(name, epoch, epochs, training, held_out, self.best, left)
            if finished:
                return

    def _resume(self, name: str, trainer: Trainer) -> int:
        """The first epoch to do: after the saved one, if this stage was saved; the trainer is set back to there."""
        if not self.saved or self.saved["stage"] != name:
            return 1
        trainer.restore({k.removeprefix("state."): t for k, t in self.state.items() if k.startswith("state.")})
        self._recall()
        last = int(self.saved["epoch"])
        return self.plan.epochs + 1 if self.saved["finished"] else last + 1

    def _recall(self) -> None:
        """What an earlier run found."""
        self.best_tensors = {k.removeprefix("best."): t for k, t in self.state.items() if k.startswith("best.")}
        self.history, self.best = [tuple(h) for h in self.saved["history"]], self.saved["best"]
        self.before = self.saved["before"]

    def _remember(self, epoch: int, training: float, held_out: float) -> None:
        self.history.append((training, held_out))
        known = [h for _, h in self.history] + ([] if math.isnan(self.before) else [self.before])
        if held_out <= min(known) and self.trainer is not None:
            self.best, self.best_tensors = epoch, self.trainer.tensors()

    def _epoch(self, trainer: Trainer, stage: str, place: tuple[int, int], numbers: Sequence[int]) -> float:
        """Epoch `place[0]` of `place[1]`: the learning rate comes down to the end of the stage, however long it is."""
        plan, (epoch, epochs) = self.plan, place
        random = np.random.default_rng([plan.seed, len(stage), epoch])
        rows = list(feeding.stretches(self.songs, numbers, random))
        batches = feeding.in_batches(rows, plan.batch, random)
        nats = notes = 0.0
        for step, group in enumerate(batches):
            done = (epoch - 1 + step / len(batches)) / epochs
            batch = self._batch([self._row(rows[i], random) for i in group])
            result = trainer.step(batch, rate_at(plan.rate, done), seed=int(random.integers(2**62)))
            nats += result.symbol_nats + result.duration_nats
            notes += float((batch.weight * (batch.symbols < v.PITCH.end)).sum())
        return nats / math.log(2) / max(notes, 1.0)

    def _row(self, stretch: feeding.Stretch, random: np.random.Generator) -> Song:
        song, plan = self.songs[stretch.song], self.plan
        semitones = feeding.some_semitones(song, plan.transpose, random) if plan.transpose else 0
        last = feeding.last_bar(song) if random.random() < plan.tell else None
        return self.augmented(feeding.part_of(song, stretch.start, stretch.end), semitones, last)

    def _batch(self, rows: Sequence[Song]) -> Batch:
        return self.torch.Batch(*feeding.padded(rows, self.spec.columns))

    def _measure(self, trainer: Trainer, held: Sequence[int]) -> float:
        """Bits per note on the held-out songs, in the keys they are in."""
        found = []
        for number in held:
            song = self.songs[number]
            for start in range(0, len(song.symbols), SCORE_CROP):
                part = feeding.part_of(song, start, start + SCORE_CROP)
                log_p = trainer.evaluate(self._batch([part]))[0]
                # A later stretch has no header: `bits_of` then counts from its first sound on, as it should.
                found.append(bits_of(log_p, part))
        bits: Bits = total(found)
        return bits.per_note

    def _save(self, stage: str, epoch: int, finished: bool) -> None:
        from safetensors.numpy import save

        assert self.trainer is not None, "a stage is running"  # noqa: S101 - tells the type checker
        tensors = {f"state.{name}": value for name, value in self.trainer.state().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_tensors.items()}
        head = {
            "subject": self.subject,
            "stage": stage,
            "epoch": epoch,
            "best": self.best,
            "before": self.before,
            "history": self.history,
            "finished": finished,
        }
        data = save(tensors, {"training": json.dumps(head)})
        with replacing(self.path) as temporary:
            temporary.write_bytes(data)


def rate_at(highest: float, done: float) -> float:
    """The learning rate when a share `done` of the steps is done."""
    return highest * (
        0.1 + 0.9 * done / 0.1 if done < 0.1 else 0.01 + 0.495 * (1 + math.cos((done - 0.1) / 0.9 * math.pi))
    )


def _load(path: Path, subject: dict[str, Any]) -> tuple[dict[str, Any], Tensors]:
    """The saved state of a run of the same plan on the same songs; empty where there is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            head = json.loads((file.metadata() or {})["training"])
            if head["subject"] != subject:
                return {}, {}
            return head, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}, {}
