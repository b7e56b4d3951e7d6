"""Songs that say their meter and their key, to hide both and see whether they are found.

Every score gives up to two test pieces: its top line as a *melody*, and the whole as *polyphony*. Only scores in one
meter and one key throughout are taken. Collections of `base/` are halved by the opening intervals of the top line,
so that versions of a tune, transposed or not, are in one half: one half is for fitting, the other for reporting.
Collections of `bench/` are for reporting alone.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith import formats
from tunesmith.errors import TunesmithError
from tunesmith.score import Key, Meter, Part, Score, note_order

OPENING = 12  # intervals that say which half a tune is in
LEAST_NOTES = 16

# folder -> files tried at most, bytes a file may have, whether its bar lines are known, melody and polyphony taken
COLLECTIONS = {
    "base/open-hymnal": (1, 10**7, True, ("melody", "polyphony")),
    "base/openscore-lieder": (600, 1_500_000, True, ("melody", "polyphony")),
    "base/polish-scores": (1200, 60_000, True, ("melody", "polyphony")),
    "base/madrigals": (45, 2_000_000, True, ("melody", "polyphony")),
    "base/mutopia-pd-by": (1200, 60_000, False, ("polyphony",)),  # MIDI of LilyPond: pickups are not marked
    "bench/nottingham": (20, 10**7, True, ("melody",)),
}
_SAYS_MODE = {
    ".krn": re.compile(rb"^(?:.*\t)?\*[A-Ga-g][#-]?:", re.M),
    ".musicxml": re.compile(rb"<mode>"),
    ".abc": re.compile(rb"^K: *[A-G][#b]? *(?:m|min|minor)\b", re.M),  # a book that never says minor says no modes
}


@dataclass(frozen=True)
class Song:
    """A piece with what its file says. `pickup` in ticks, None = not known; `key` None = several or none said.

    `mode_known`: the file says the mode, not the signature alone. `fit`: it is in the half that may be fitted to.
    """

    collection: str
    kind: str
    score: Score
    meter: Meter | None
    pickup: int | None
    key: Key | None
    mode_known: bool
    fit: bool

    @property
    def hidden(self) -> Score:
        """The score without what is to be found."""
        return self.score.replace(meters=(), keys=(), pickup=0, chords=(), repeats=(), jumps=())


def options(description: str, share: float) -> argparse.Namespace:
    """The `folder`, `seed` and `share` of songs that the command line asks for."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("folder", type=Path)
    found.add_argument("--seed", type=int, default=1)
    found.add_argument("--share", type=float, default=share, help="of the files named in labelled.py")
    return found.parse_args()


def songs(root: Path, seed: int, share: float = 1.0) -> Iterator[Song]:
    """The test pieces below a data folder; of every collection a share of the files that `COLLECTIONS` allows."""
    for name, (most, size, bars_known, kinds) in COLLECTIONS.items():
        files = [f for f in sorted((root / name).rglob("*")) if formats.readable(f) and f.stat().st_size <= size]
        files = [f for f in files if not f.name.startswith(("LICENSE", "SOURCE"))]
        count = max(1, round(most * share)) if len(files) > 20 else len(files)
        for file in random.Random(seed).sample(files, min(count, len(files))):
            yield from _of_file(file, name, bars_known, kinds)


def _of_file(file: Path, collection: str, bars_known: bool, kinds: tuple[str, ...]) -> Iterator[Song]:
    pattern = _SAYS_MODE.get(file.suffix)
    mode_known = pattern is None or bool(pattern.search(file.read_bytes()))
    try:
        for score in formats.read(file):
            if isinstance(score, Score):
                yield from _of_score(score, collection, bars_known, kinds, mode_known)
    except TunesmithError:
        return  # what cannot be read is reported by bench/reading.py


def _of_score(score: Score, collection: str, bars_known: bool, kinds: tuple[str, ...], mode: bool) -> Iterator[Song]:
    parts = tuple(p for p in score.parts if not p.drums and len(p.notes) >= LEAST_NOTES)
    if not parts:
        return
    meters = {(m.beats, m.unit) for m in score.meters}
    meter = score.meters[0] if len(meters) == 1 and score.meters[0].onset == 0 else None
    key = score.keys[0] if len({(k.fifths, k.mode) for k in score.keys}) == 1 else None
    pickup = score.pickup if meter and bars_known else None
    if meter and any((m.onset - score.pickup) % meter.bar for m in score.meters[1:]):
        pickup = None  # bars that do not add up: no one answer
    melody = top_line(parts[0])
    fit = collection.startswith("base/") and _half(melody) == 0
    for kind in kinds:
        if kind == "polyphony" and len(parts) == 1 and melody.notes == parts[0].notes:
            continue
        chosen = (melody,) if kind == "melody" else parts
        whole = score.replace(parts=chosen)
        yield Song(collection.split("/")[1], kind, whole, meter, pickup, key, mode, fit)


def top_line(part: Part) -> Part:
    """The first voice of a part, of chords the highest note."""
    voice = min(n.voice for n in part.notes)
    line = {n.onset: n for n in sorted(part.notes, key=note_order) if n.voice == voice}
    return Part(tuple(line.values()))


def _half(melody: Part) -> int:
    pitches = [n.pitch for n in melody.notes[: OPENING + 1]]
    return hashlib.sha256(np.diff(pitches).astype("<i4").tobytes()).digest()[0] % 2
