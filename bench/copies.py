"""Copies planted in pieces: which are found, at which length; and how long it takes among how many songs.

    python bench/copies.py FOLDER [--songs 10000] [--pieces 100]

Songs are those of all collections, as they are read. Into the melody of a song of Nottingham, which is not among
those compared with, a run of notes from the first voice of one that is is planted, changed as the rows say, after its
middle note, wherever in the bar that ends. It counts as found where a run, or an altered stretch, is reported of which
8 notes or more lie in the planted stretch.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from data import collections_of
from measure import machine, now, table

from tunesmith import formats
from tunesmith.errors import TunesmithError
from tunesmith.originality import LEAST, LEAST_ALTERED, Index, lines, originality
from tunesmith.score import Note, Part, Score

LENGTHS = (8, 10, 12, 16, 24, 32)
PIECES = "nottingham"  # the collection that pieces are taken of
Notes = list[Note]
NOT_FOUND = f"""A stretch needs {LEAST_ALTERED} notes in common and, here and there, four in a row that are the song's.
Not found are altered copies of fewer notes, which chance makes too; copies that are hardly more than scales or broken
chords; copies with every third note altered, or more; copies that put in or leave out time, so that what follows comes
later or sooner; and what goes on in another key is found apart, if at all.
"""


def at(notes: Sequence[Note], onset: int) -> Notes:
    """The same notes, the first at an onset."""
    return [replace(note, onset=note.onset - notes[0].onset + onset) for note in notes]


def slower(notes: Notes) -> Notes:
    """Half as fast."""
    return [replace(n, onset=2 * n.onset, duration=2 * n.duration) for n in notes]


def one_changed(notes: Notes) -> Notes:
    """The note in the middle is a step higher."""
    middle = len(notes) // 2
    return [replace(n, pitch=n.pitch + 2) if i == middle else n for i, n in enumerate(notes)]


def sixths_changed(notes: Notes) -> Notes:
    """Every sixth note is a step higher."""
    return [n if number % 6 else replace(n, pitch=n.pitch + 2) for number, n in enumerate(notes, 1)]


def ornamented(every: int) -> Callable[[Notes], Notes]:
    """Every so many notes one is followed, in its time, by the note above it."""

    def change(notes: Notes) -> Notes:
        found = []
        for number, note in enumerate(notes, 1):
            if number % every or note.duration < 2:
                found.append(note)
                continue
            half = note.duration // 2
            found.append(replace(note, duration=half))
            found.append(replace(note, onset=note.onset + half, duration=note.duration - half, pitch=note.pitch + 2))
        return found

    return change


CHANGES: dict[str, Callable[[Notes], Notes]] = {
    "as it is": lambda notes: notes,
    "a fifth lower": lambda notes: [replace(note, pitch=note.pitch - 7) for note in notes],
    "half as fast": slower,
    "one note changed": one_changed,
    "every sixth note a step higher": sixths_changed,
    "every eighth note ornamented": ornamented(8),
    "every fourth note ornamented": ornamented(4),
}


def scores(files: Sequence[Path]) -> Iterator[Score]:
    """The songs of files that can be read."""
    for path in files:
        try:
            yield from (song for song in formats.read(path) if isinstance(song, Score))
        except TunesmithError:
            continue


def planted(piece: Notes, copy: Notes, place: int) -> tuple[Score, int]:
    """A piece with a copy after one of its notes, and the number of the first note of the copy."""
    begin = piece[place].onset + piece[place].duration
    inner = at(copy, begin)
    rest = at(piece[place + 1 :], inner[-1].onset + inner[-1].duration) if piece[place + 1 :] else []
    return Score((Part((*piece[: place + 1], *inner, *rest)),)), place + 1


def main() -> None:
    """Index, plant, look, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--songs", type=int, default=10_000)
    options.add_argument("--pieces", type=int, default=100)
    given = options.parse_args()
    collections = {c.name: c.songs for c in collections_of(given.folder)}
    pieces = list(scores(collections.pop(PIECES)))
    songs = list(islice(scores([path for files in collections.values() for path in files]), given.songs))
    began, before = now(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index = Index.of(songs)
    building, memory = now() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    random = np.random.default_rng(0)
    melodies = [line.notes for song in songs for line in lines(song)[:1]]
    tunes = [line for piece in random.permutation(len(pieces)).tolist() for line in lines(pieces[piece])[:1]]
    tunes = [line.notes for line in tunes if len(line.notes) >= 2 * LEAST][: given.pieces]
    alone, times = [], []
    for with_altered in (False, True):
        began = now()
        alone = [originality(Score((Part(tune),)), index, with_altered=with_altered) for tune in tunes]
        times.append(f"{1000 * (now() - began) / len(tunes):.1f}")
    found = {change: [_found(tunes, melodies, length, change, index) for length in LENGTHS] for change in CHANGES}
    columns = ["planted", *(f"{length} notes" for length in LENGTHS)]
    print(f"## Copies\n\n{machine()}; {len(tunes)} pieces, each with one copy planted\n\nFound as a run:\n")
    print(table(columns, [[change, *(f"{run:.0%}" for run, _ in cells)] for change, cells in found.items()]))
    print("\nFound as a run or as an altered stretch:\n")
    print(table(columns, [[change, *(f"{any_way:.0%}" for _, any_way in cells)] for change, cells in found.items()]))
    runs, stretches = (
        sum(map(bool, some)) / len(alone) for some in ([a.runs for a in alone], [a.altered for a in alone])
    )
    print(f"\nOf the pieces as they were {runs:.0%} had a run of {LEAST} notes or more in common with some song,")
    print(f"{stretches:.0%} an altered stretch.\n")
    print(NOT_FOUND)
    about = [f"{len(songs):,}", f"{len(index.tokens):,}", f"{building:.1f}", f"{memory:,.0f}", *times]
    print(table(["songs", "notes", "index built in s", "memory more, MiB", "a piece, ms", "with altered, ms"], [about]))


def _found(
    tunes: Sequence[tuple[Note, ...]],
    melodies: Sequence[tuple[Note, ...]],
    length: int,
    change: str,
    index: Index,
) -> tuple[float, float]:
    """The shares of planted copies that are found: as runs, and as runs or altered stretches."""
    random, found, any_way = np.random.default_rng(length), 0, 0
    long_enough = [melody for melody in melodies if len(melody) > length]
    for tune in tunes:
        notes = long_enough[int(random.integers(len(long_enough)))]
        first = int(random.integers(len(notes) - length))
        copy = CHANGES[change](list(notes[first : first + length]))
        piece, begin = planted(list(tune), copy, len(tune) // 2)
        end = begin + len(copy)
        told = originality(piece, index, with_altered=True)
        run, stretch = (
            any(min(end, one.first + one.notes) - max(begin, one.first) >= LEAST for one in some)
            for some in (told.runs, told.altered)
        )
        found += run
        any_way += run or stretch
    return found / len(tunes), any_way / len(tunes)


if __name__ == "__main__":
    main()
