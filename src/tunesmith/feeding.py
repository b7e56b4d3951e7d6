"""Songs -> training rows -> batches: cut, moved to another key, told how long they still go on, put side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from tunesmith import scheme
from tunesmith.models import Song
from tunesmith.models.spec import FloatArray, IntArray
from tunesmith.scheme import viewpoints
from tunesmith.scheme import vocabulary as v

CROP = 512  # events a training row may have: longer songs are cut, each time elsewhere
LOWEST, HIGHEST = 21, 108  # transposition keeps pitches on the piano


class Songs(Protocol):
    """Songs by number: a list, or a corpus on disk."""

    def __getitem__(self, number: int, /) -> Song:
        """One song."""
        ...


class Stretch(NamedTuple):
    """Events [start, end) of a song."""

    song: int
    start: int
    end: int


Augment = Callable[[Song, int, int | None], Song]


def augment(song: Song, semitones: int, last: int | None) -> Song:
    """A stretch of a song moved by semitones and, where its `last` bar is given, told how many bars are left."""
    frames = scheme.transpose(song.frames, semitones)
    if last is not None:
        frames = scheme.tell_bars_left(frames, last)
    return Song(frames, v.transposition(semitones)[song.symbols], song.durations)


def as_it_is(song: Song, semitones: int, last: int | None) -> Song:
    """No augmentation."""
    return song


def last_bar(song: Song) -> int:
    """The number of the last bar in which something begins."""
    begun = song.symbols != v.END
    return int(song.frames[begun, viewpoints.PLACE["bar"]].max(initial=1))


def some_semitones(song: Song, most: int, random: np.random.Generator) -> int:
    """By how much to move a song, at most so many semitones either way, on the piano."""
    pitches = song.symbols[song.symbols < v.PITCH.end]
    low, high = int(pitches.min(initial=127)), int(pitches.max(initial=0))
    least, greatest = max(-most, LOWEST - low), min(most, HIGHEST - high)
    return int(random.integers(min(least, 0), max(greatest, 0) + 1))


def part_of(song: Song, start: int, end: int) -> Song:
    """The events [start, end) of a song."""
    return Song(song.frames[start:end], song.symbols[start:end], song.durations[start:end])


def stretches(songs: Songs, numbers: Sequence[int], random: np.random.Generator) -> Iterator[Stretch]:
    """Every stretch of an epoch; long songs are cut, each time elsewhere."""
    for number in numbers:
        length = len(songs[number].symbols)
        offset = int(random.integers(CROP)) if length > CROP else 0
        cuts = [0, *range(offset or CROP, length, CROP), length]
        yield from (Stretch(number, a, b) for a, b in pairwise(cuts) if b > a)


def in_batches(rows: Sequence[Stretch], size: int, random: np.random.Generator) -> list[list[int]]:
    """Rows in batches of similar length (little padding), in random order."""
    shuffled = random.permutation(len(rows)).tolist()
    pool = size * 8
    batches = []
    for start in range(0, len(shuffled), pool):
        near = sorted(shuffled[start : start + pool], key=lambda i: rows[i].end - rows[i].start)
        batches += [near[i : i + size] for i in range(0, len(near), size)]
    return [batches[i] for i in random.permutation(len(batches))]


def padded(rows: Sequence[Song], columns: int) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Rows side by side: frames (B, T, columns), symbols and durations (B, T), and weights, 0 on the padding."""
    shape = (len(rows), max(len(row.symbols) for row in rows))
    frames = np.zeros((*shape, columns), np.int16)
    symbols, durations, weight = np.zeros(shape, np.int16), np.zeros(shape, np.int16), np.zeros(shape, np.float32)
    for place, row in enumerate(rows):
        size = len(row.symbols)
        frames[place, :size], symbols[place, :size] = row.frames, row.symbols
        durations[place, :size], weight[place, :size] = row.durations, 1.0
    return frames, symbols, durations, weight
