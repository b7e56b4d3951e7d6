"""Train the base model that ships with the package, from the material of `base_material.py`.

    python tools/train_base.py MATERIAL OUTPUT.safetensors [--events 30e6] [--hidden 512] [--start FILE]

Rows are drawn class by class (`SHARES`), moved to another key, told or not told how many bars are left, and single
lines sometimes without key and meter, so that the model can do without. The state is written to OUTPUT.state every
few minutes; the same command goes on from there. With `--start` the weights of a model file are where it starts, whose
shape it then has; its report stays before this one's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from base_material import CLASSES
from safetensors import safe_open
from safetensors.numpy import save
from torch import set_num_threads

from tunesmith import checkpoint, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.evaluation import bits_of, total
from tunesmith.feeding import augment, last_bar, padded, part_of, some_semitones
from tunesmith.files import replacing
from tunesmith.models import Song
from tunesmith.models.rnn import Rnn, Settings
from tunesmith.models.rnn_torch import Batch, Trainer
from tunesmith.plans import network_of
from tunesmith.scheme import vocabulary as v
from tunesmith.train import rate_at

# of the rows drawn; a quarter of the melodies is then passed over, see `MOST_SILENCE`
SHARES = {"melody": 0.32, "lead sheet": 0.05, "voices": 0.2, "keyboard": 0.22, "song": 0.14, "ensemble": 0.07}
CROP = 384  # events of a row
BATCH = 16  # rows
POOL = 8  # batches drawn at once and sorted by length, so that little is padding
TELL, QUIET = 0.5, 0.3  # shares of rows told the bars left; of single lines without key, without meter
TRANSPOSE = 6  # semitones either way
MOST_SILENCE = 0.25  # of a single line
HELD, MEASURED = 24, 1024  # pieces of each class that are measured on, and so many events of each
SAVE_SECONDS, TELL_SECONDS = 240.0, 60.0


@dataclass(frozen=True)
class Material:
    """The arrays of `base_material`."""

    events: np.ndarray[Any, Any]
    frames: np.ndarray[Any, Any]
    pieces: np.ndarray[Any, Any]
    works: dict[int, str]

    @classmethod
    def of(cls, folder: Path) -> Material:
        """Open them."""
        names = ("events", "frames", "pieces")
        arrays = (np.load(folder / f"{name}.npy", mmap_mode="r" if name != "pieces" else None) for name in names)
        works = json.loads((folder / "works.json").read_text("utf-8"))
        return cls(*arrays, {int(number): work for number, work in works.items()})

    def song(self, number: int) -> Song:
        """A piece."""
        row = self.pieces[number]
        place = slice(int(row["start"]), int(row["start"]) + int(row["length"]))
        return Song(self.frames[place], self.events[place, 0], self.events[place, 1])


def works_held_out(material: Material, held: Path | None, before: Learned | None) -> list[str]:
    """The fingerprints of the works that nothing is learned from: where there is a start, those held out of that."""
    if held or not before:
        material = Material.of(held) if held else material
        return sorted({material.works[number] for number in held_songs(material)})
    works = before.about["report"].get("held_out")
    if not works:
        sys.exit("the start does not say which works were held out of it: name its material with --held")
    return list(works)


def held_songs(material: Material) -> list[int]:
    """The songs to hold out of a material, some of each class."""
    pieces, found = material.pieces, list[int]()
    for kind in range(len(CLASSES)):
        songs = np.unique(pieces["song"][pieces["kind"] == kind])
        found += np.random.default_rng(kind).permutation(songs)[: max(1, min(HELD, len(songs) // 10))].tolist()
    return found


def divided(material: Material, works: list[str]) -> tuple[list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """For each class the pieces to learn from, and those held out, which are of other songs."""
    pieces = material.pieces
    held = np.isin(pieces["song"], [number for number, work in material.works.items() if work in works])
    kinds = [pieces["kind"] == kind for kind in range(len(CLASSES))]
    return [np.flatnonzero(of & ~held) for of in kinds], [np.flatnonzero(of & held)[:HELD] for of in kinds]


def rows(material: Material, kept: list[np.ndarray[Any, Any]], random: np.random.Generator) -> Iterator[Song]:
    """Rows without end."""
    present = [kind for kind in range(len(CLASSES)) if len(kept[kind])]
    shares = np.array([SHARES[CLASSES[kind]] for kind in present])
    while True:
        kind = int(random.choice(present, p=shares / shares.sum()))
        number = int(random.choice(kept[kind]))
        song, whole = material.song(number), bool(material.pieces[number]["whole"])
        last = last_bar(song) if whole and random.random() < TELL else None
        semitones = some_semitones(song, TRANSPOSE, random)
        length = len(song.symbols)
        start = int(random.integers(-CROP // 2, length - CROP // 2)) if length > CROP else 0
        start = min(max(start, 0), max(length - CROP, 0))  # the first and the last rows are drawn more often
        row = augment(part_of(song, start, start + CROP), semitones, last)
        if CLASSES[kind] == "melody" and silence(row) > MOST_SILENCE:
            continue  # a singer who waits for the piano is no melody
        if CLASSES[kind] == "melody":
            quiet = random.random(2) < QUIET
            row = Song(scheme.untold(row.frames, key=bool(quiet[0]), meter=bool(quiet[1])), row.symbols, row.durations)
        yield row


def silence(song: Song) -> float:
    """The share of rests in the time of a single line."""
    ticks = np.array(v.TICKS)[song.durations]
    return float(ticks[song.symbols == v.REST].sum() / max(1, ticks.sum()))


def batch_of(songs: list[Song], columns: int) -> Batch:
    """Rows side by side."""
    return Batch(*padded(songs, columns))


def measured(trainer: Trainer, material: Material, held: list[np.ndarray[Any, Any]]) -> dict[str, float]:
    """Bits per note of each class on what was held out."""
    found = {}
    for kind, numbers in enumerate(held):
        bits = []
        for number in numbers.tolist():
            song = part_of(material.song(number), 0, MEASURED)
            bits.append(bits_of(trainer.evaluate(batch_of([song], trainer.spec.columns))[0], song))
        if bits:
            found[CLASSES[kind]] = round(total(bits).per_note, 4)
    return found


def main() -> None:
    """Train, or go on."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("material", type=Path)
    options.add_argument("output", type=Path)
    options.add_argument("--start", type=Path, help="a model file to start from")
    options.add_argument(
        "--held", type=Path, help="hold out what another material does (default: the start, or MATERIAL)"
    )
    options.add_argument("--events", type=float, default=30e6, help="to learn from in all")
    options.add_argument("--hidden", type=int, default=512)
    options.add_argument("--layers", type=int, default=1)
    options.add_argument("--dropout", type=float, default=0.1)
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    set_num_threads(given.threads)
    material, spec = Material.of(given.material), scheme.spec()
    settings = Settings(hidden=given.hidden, layers=given.layers, dropout=given.dropout)
    before = checkpoint.load(given.start) if given.start else None
    start = network_of(before) if before else None
    works = works_held_out(material, given.held, before)
    kept, held = divided(material, works)
    if start:
        settings = replace(start.shape, dropout=given.dropout)
    trainer = Trainer(spec, settings, given.seed, tensors=start.tensors() if start else None, weight_decay=0.01)
    state_path = given.output.with_suffix(".state")
    step, spent, events, history = 0, 0.0, 0.0, []
    if state_path.exists():
        with safe_open(state_path, framework="numpy") as file:
            head = json.loads(file.metadata()["base"])
            if head["of"] != [before.digest if before else "", works]:
                sys.exit(f"{state_path} is of another start or holds out other works: name another OUTPUT")
            trainer.restore({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - no dict
        step, spent, events, history = head["step"], head["spent"], head["events"], head["history"]
    began = time.monotonic() - spent
    saved = told = time.monotonic()
    nats = notes = 0.0
    while events < given.events:
        random = np.random.default_rng([given.seed, step])
        source = rows(material, kept, random)
        pool = sorted((next(source) for _ in range(BATCH * POOL)), key=lambda song: len(song.symbols))
        for place in random.permutation(POOL).tolist():
            batch = batch_of(pool[place * BATCH : (place + 1) * BATCH], spec.columns)
            rate = rate_at(given.rate, min(events / given.events, 1.0))
            result = trainer.step(batch, rate, seed=int(random.integers(2**62)))
            nats += result.symbol_nats + result.duration_nats
            notes += float((batch.weight * (batch.symbols < v.PITCH.end)).sum())
            events += result.events
        step += 1
        now = time.monotonic()
        if now - told > TELL_SECONDS:
            pace = events / (now - began)
            left = (given.events - events) / pace / 60
            line = f"{events / 1e6:.2f} M events, {pace:,.0f}/s, {nats / notes / math.log(2):.3f} bits a note"
            print(f"{line}, {left:.0f} min left", file=sys.stderr, flush=True)
            told, nats, notes = now, 0.0, 0.0
        if now - saved > SAVE_SECONDS or events >= given.events:
            history.append([events, measured(trainer, material, held)])
            print(history[-1], file=sys.stderr, flush=True)
            head = {"step": step, "spent": time.monotonic() - began, "events": events, "history": history}
            head["of"] = [before.digest if before else "", works]
            with replacing(state_path) as temporary:
                temporary.write_bytes(save(trainer.state(), {"base": json.dumps(head)}))
            saved = time.monotonic()
    report = {"events": events, "minutes": round((time.monotonic() - began) / 60), "history": history}
    report |= {"held_out": works}
    write(given.output, trainer, settings, joined(before.about["report"], report) if before else report)


def joined(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """The report of two runs, one after the other."""
    sums = {name: first[name] + then[name] for name in ("events", "minutes")}
    later = [[first["events"] + events, bits] for events, bits in then["history"]]
    return {**then, **sums, "history": [*first["history"], *later]}


def write(path: Path, trainer: Trainer, settings: Settings, report: dict[str, Any]) -> None:
    """The model file, its weights in 16 bits."""
    model = Rnn(trainer.spec, settings, {name: t.astype(np.float16) for name, t in trainer.tensors().items()})
    about = {"base": True, "seed": 0, "files": [], "report": report | {"torch": torch.__version__}}
    features = tuple(feature.name for feature in trainer.spec.features)
    checkpoint.save(Learned("rnn", model, features, LearnedSongs(), about), path, half=True)


if __name__ == "__main__":
    main()
