"""Every file of a data folder, read: how many, what failed and why, notes, speed, memory.

    python bench/reading.py FOLDER [--details FILE.csv]

Each collection is read by one process of its own, whose largest resident size is given. Notes are pitched notes,
drums included, ties merged; grace and cue notes are left out. A collection of books has more songs than files.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from data import Collection, collections_of
from measure import machine, table

from tunesmith import formats
from tunesmith.corpus.reasons import kind_of
from tunesmith.errors import SongWarning, TunesmithError
from tunesmith.score import Score


@dataclass
class Found:
    """What reading a collection gave. `failed` and `warned`: (file, what) pairs."""

    songs: int = 0
    notes: int = 0
    chords: int = 0
    bad_files: int = 0
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")
    peak_mib: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)
    warned: list[tuple[str, str]] = field(default_factory=list)


def read_all(collection: Collection) -> Found:
    """Read every song file of a collection."""
    found = Found()
    for path in collection.songs:
        started = time.perf_counter()
        read_one(path, found)
        taken = time.perf_counter() - started
        found.seconds += taken
        found.slowest = max(found.slowest, (taken, path.name))
    found.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def read_one(path: Path, found: Found) -> None:
    """Read a file and count what it holds."""
    before = len(found.failed)
    try:
        for song in formats.read(path):
            if isinstance(song, Score):
                found.songs += 1
                found.notes += song.note_count
                found.chords += len(song.chords)
            else:
                where = found.warned if isinstance(song, SongWarning) else found.failed
                where.append((path.name, str(song).removeprefix(f"{path}: ")))
    except TunesmithError as error:
        found.failed.append((path.name, str(error).removeprefix(f"{path}: ")))
    found.bad_files += len(found.failed) > before


def main() -> None:
    """Measure and print Markdown tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--details", type=Path, help="write every error and warning here, as CSV")
    given = options.parse_args()
    results: list[tuple[Collection, Found]] = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for collection in collections_of(given.folder):
            if collection.songs:
                results.append((collection, pool.apply(read_all, (collection,))))
    print(f"## Reading\n\n{machine()}\n")
    print(table(COLUMNS, [row(c, f) for c, f in results]))
    for title, lines in (("Not read", "failed"), ("Read with a warning", "warned")):
        print(f"### {title}\n")
        print(table(["collection", "times", "why", "for example"], reasons(results, lines)))
    if given.details:
        with given.details.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            for collection, found in results:
                out.writerows([collection.name, "failed", *line] for line in found.failed)
                out.writerows([collection.name, "warned", *line] for line in found.warned)


COLUMNS = (
    "collection",
    "other files",
    "song files",
    "read",
    "songs",
    "notes",
    "chord symbols",
    "notes/s",
    "slowest file, s",
    "peak memory, MiB",
)


def row(collection: Collection, found: Found) -> list[object]:
    """A line of the table."""
    files = len(collection.songs)
    share = f"{files - found.bad_files:,} ({(files - found.bad_files) / files:.1%})"
    counts = [f"{n:,}" for n in (found.songs, found.notes, found.chords)]
    speed = f"{found.notes / max(found.seconds, 1e-9):,.0f}"
    slowest = f"{found.slowest[0]:.1f} ({found.slowest[1]})"
    return [collection.name, collection.others, f"{files:,}", share, *counts, speed, slowest, f"{found.peak_mib:.0f}"]


def reasons(results: list[tuple[Collection, Found]], lines: str) -> list[list[object]]:
    """How often each reason was given in each collection, and one example of it."""
    rows: list[list[object]] = []
    for collection, found in results:
        said: list[tuple[str, str]] = getattr(found, lines)
        for why, times in Counter(kind_of(line) for _, line in said).most_common(12):
            name, line = next((name, line) for name, line in said if kind_of(line) == why)
            rows.append([collection.name, times, why.replace("|", "\\|"), f"{name}: {line}".replace("|", "\\|")])
    return rows


if __name__ == "__main__":
    main()
