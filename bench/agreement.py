"""The notes that we read, against those that an independent library reads in the same files.

    python bench/agreement.py FOLDER [--sample 200] [--seed 0] [--least 0.99] [--collection NAME]

Of every collection a sample of files by chance. Two notes are the same where pitch and onset are (within 3/100 of a
quarter note); agreement is 2 x the same / (ours + theirs). The two may count time from the first bar line or from
the pickup: the shift that agrees best is taken. Where one library agrees by less than `--least`, the next is asked,
and the one that agrees best counts. Files that stay below are listed, to be judged by eye; what was found is in
judged.md beside this program, and printed below the tables.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import shutil
import signal
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import independent
from data import Collection, collections_of, sample
from measure import machine, table

from tunesmith import formats
from tunesmith.errors import FormatError, SongWarning, TunesmithError
from tunesmith.formats import humdrum
from tunesmith.formats.humdrum.source import decode
from tunesmith.score import TPQ, Score

TOLERANCE = 0.03  # quarter notes; abc2midi rolls chords by 1/48
ABC2MIDI = "abc2midi" if shutil.which("abc2midi") else ""  # plays repeats, music21 does not
JUDGED = Path(__file__).parent / "judged.md"
PATIENCE_SECONDS = 600  # with the other libraries, a file; the largest scores take minutes


@dataclass
class Compared:
    """One song read by both. `reader`: who the other was; empty where nobody could, or not in time."""

    file: str
    song: int
    reader: str
    ours: int = 0
    theirs: int = 0
    same: int = 0

    @property
    def agreement(self) -> float:
        """2 x the same / (ours + theirs)."""
        return 2 * self.same / max(1, self.ours + self.theirs)


def matched(ours: independent.Notes, theirs: independent.Notes, shift: float) -> int:
    """How many notes pair off, one to one, when theirs are moved by `shift`."""
    lines: tuple[dict[int, list[float]], ...] = (defaultdict(list), defaultdict(list))
    for line, notes, move in zip(lines, (ours, theirs), (0.0, shift), strict=True):
        for onset, pitch in notes:
            line[pitch].append(onset + move)
    return sum(_pairs(sorted(found), sorted(lines[1].get(pitch, ()))) for pitch, found in lines[0].items())


def _pairs(a: list[float], b: list[float]) -> int:
    i = j = count = 0
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= TOLERANCE:
            i, j, count = i + 1, j + 1, count + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return count


def shifts(score: Score, ours: independent.Notes, theirs: independent.Notes) -> Iterator[float]:
    """Where their time may begin, in ours."""
    yield 0.0
    yield score.pickup / TPQ
    if ours and theirs:
        yield min(ours)[0] - min(theirs)[0]


def compare(job: tuple[Path, int | None], least: float) -> Compared:
    """A file, or one song of a book of tunes, read by both."""
    path, number = job
    score = _ours(path, number)
    ours = [(n.onset / TPQ, n.pitch) for n in score.notes()]
    best = Compared(path.name, number or 0, "", len(ours))
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE_SECONDS)
    try:
        for reader, theirs in _theirs(path, number):
            same = max(matched(ours, theirs, shift) for shift in shifts(score, ours, theirs))
            found = Compared(path.name, number or 0, reader, len(ours), len(theirs), same)
            best = found if not best.reader or found.agreement > best.agreement else best
            if best.agreement >= least:
                break
    except TimeoutError:
        pass
    signal.alarm(0)
    return best


def _theirs(path: Path, number: int | None) -> Iterator[tuple[str, independent.Notes]]:
    if number is None:
        yield from independent.readings(path)
        return
    try:
        with independent.quiet():
            if ABC2MIDI:
                found = ABC2MIDI, independent.by_abc2midi(_tunes(path)[number])
            else:
                found = "music21", independent.by_music21_abc(_tunes(path)[number])
    except TimeoutError:
        raise
    except Exception:
        return
    yield found


@lru_cache(maxsize=2)
def _tunes(path: Path) -> list[str]:
    return independent.abc_tunes(path)


def _ours(path: Path, number: int | None) -> Score:
    songs = _songs(path)
    found = songs[number or 0] if songs else None
    score = found if isinstance(found, Score) else Score()
    return score.unfold() if number is not None and ABC2MIDI else score


@lru_cache(maxsize=2)
def _songs(path: Path) -> list[Score | FormatError]:
    try:
        songs = humdrum.read_text(_as_written(path)) if path.suffix == ".krn" else formats.read(path)
        return [song for song in songs if not isinstance(song, SongWarning)]
    except TunesmithError:
        return []


def _as_written(path: Path) -> str:
    """A Humdrum file without expansion lists, which the other libraries do not follow."""
    return re.sub(r"(?m)(^|\t)\*>\w*\[[^\t\n]*", r"\1*", decode(path.read_bytes()))


def jobs(collection: Collection, count: int, seed: int) -> list[tuple[Path, int | None]]:
    """So many songs of a collection by chance: a file each, or tunes out of books."""
    books = [path for path in collection.songs if path.suffix == ".abc"]
    if not books:
        return [(path, None) for path in sample(collection.songs, count, seed)]
    tunes = [(path, number) for path in books for number in range(len(_tunes(path)))]
    return sorted(random.Random(seed).sample(tunes, min(count, len(tunes))))


def _give_up(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Compare and print Markdown tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--sample", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--least", type=float, default=0.99)
    options.add_argument("--collection", help="only this one")
    given = options.parse_args()
    rows, listed = [], []
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=100) as pool:
        for collection in collections_of(given.folder):
            if not collection.songs or given.collection not in (None, collection.name):
                continue
            results = list(pool.imap(partial(compare, least=given.least), jobs(collection, given.sample, given.seed)))
            both = [c for c in results if c.reader]
            agreed = 2 * sum(c.same for c in both) / max(1, sum(c.ours + c.theirs for c in both))
            whole = sum(c.agreement > 1 - 1e-9 for c in both)
            readers = ", ".join(sorted({c.reader for c in both}))
            apart = len(results) - len(both)
            counts = [len(results), len(both), apart, readers, f"{sum(c.ours for c in both):,}"]
            rows.append([collection.name, *counts, f"{agreed:.3%}", f"{whole:,}"])
            low = [c for c in results if c.agreement < given.least]
            listed += [[collection.name, c.file, c.song, c.reader, c.ours, c.theirs, f"{c.agreement:.1%}"] for c in low]
    print(f"## Agreement with independent readers\n\n{machine()}; samples of {given.sample}, seed {given.seed}\n")
    print(f"Where one library agrees by less than {given.least:.0%}, the next is asked; the best of them counts.\n")
    columns = ["collection", "songs", "compared", "theirs fails", "against", "our notes", "agreement", "alike"]
    print(table(columns, rows))
    print(f"### Songs below {given.least:.0%}, or that the other cannot read\n")
    print(table(["collection", "file", "song", "against", "our notes", "theirs", "agreement"], listed))
    print(JUDGED.read_text("utf-8"))


if __name__ == "__main__":
    main()
