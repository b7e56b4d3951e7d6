"""Speed of reading, beside other libraries, file by file in one process.

    python bench/rivals.py FOLDER [--files 12] [--seed 0]

Each file is read by us and at once by the other, so that both see the machine in the same state. Ours is the whole
`formats.read`, theirs the whole parse into their own score; music21 is given `forceSource`, so that it keeps no cache.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import independent
from data import collections_of, sample
from measure import machine, table

from tunesmith import formats
from tunesmith.score import Score

MOST_BYTES = 700_000  # music21 takes minutes for larger files
# ending, the other's name, how it reads
RIVALS: tuple[tuple[str, str, Callable[[Path], object]], ...] = (
    (".mid", "pretty_midi", independent.by_pretty_midi),
    (".musicxml", "music21", independent.by_music21),
    (".musicxml", "partitura", independent.by_partitura),
    (".krn", "music21", independent.by_music21),
    (".krn", "partitura", independent.by_partitura),
    (".abc", "music21", independent.by_music21),
)


def race(files: list[Path], theirs: Callable[[Path], object]) -> tuple[int, int, float, float, list[float]]:
    """Files that the other could read, notes in them, our seconds, theirs, and the ratio for each file."""
    count = notes = 0
    ours_seconds = theirs_seconds = 0.0
    ratios = []
    for path in files:
        started = time.perf_counter()
        songs = [song for song in formats.read(path) if isinstance(song, Score)]
        ours = time.perf_counter() - started
        started = time.perf_counter()
        try:
            with independent.quiet():
                theirs(path)
        except Exception:
            continue
        other = time.perf_counter() - started
        count, notes = count + 1, notes + sum(song.note_count for song in songs)
        ours_seconds, theirs_seconds = ours_seconds + ours, theirs_seconds + other
        ratios.append(other / ours)
    return count, notes, ours_seconds, theirs_seconds, ratios


def main() -> None:
    """Measure and print a Markdown table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--files", type=int, default=12)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    warnings.simplefilter("ignore")
    everything = [path for collection in collections_of(given.folder) for path in collection.songs]
    rows = []
    for ending, name, theirs in RIVALS:
        some = [p for p in everything if p.suffix == ending and p.stat().st_size <= MOST_BYTES]
        if not some:
            continue
        race(some[:1], theirs)  # imports and tables
        count, notes, ours, other, ratios = race(sample(some, given.files, given.seed), theirs)
        speeds = [f"{notes / ours:,.0f}", f"{notes / other:,.0f}"]
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        median = f"{statistics.median(ratios):.1f}"
        rows.append([ending, name, count, f"{notes:,}", *speeds, f"{other / ours:.1f}", median, spread])
    print(
        f"## Reading, beside other libraries\n\n{machine()}; files up to {MOST_BYTES // 1000} kB, seed {given.seed}\n"
    )
    columns = ["ending", "beside", "files", "notes", "ours, notes/s", "theirs, notes/s", "times faster"]
    print(table([*columns, "median of files", "spread"], rows))


if __name__ == "__main__":
    main()
