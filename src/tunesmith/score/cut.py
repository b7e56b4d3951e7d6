"""Stretches of a piece put one after the other: what unfolding repeats and slicing are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tunesmith.score.elements import Chord, Key, Meter, Note, Tempo

Change = TypeVar("Change", Meter, Key, Tempo)


def in_force(changes: tuple[Change, ...], onset: int) -> Change | None:
    """The last of the changes, sorted by onset, at or before a tick; None before the first."""
    return next((change for change in reversed(changes) if change.onset <= onset), None)


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches without empty ones, and with neighbours made one: a note tied from one into the other stays whole."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and found[-1][1] == start < end:
            found[-1] = found[-1][0], end
        elif start < end:
            found.append((start, end))
    return found


Moves = list[tuple[tuple[int, int], int]]  # played stretches [start, end), and where each now begins


def cut_notes(notes: tuple[Note, ...], moves: Moves) -> Iterator[Note]:
    """Notes along the played stretches; what reaches over an edge is cut."""
    for (start, end), offset in moves:
        for n in notes:
            a, b = max(n.onset, start), min(n.end, end)
            if a < b:
                yield Note(a - start + offset, b - a, n.pitch, n.velocity, n.voice, n.fifths)


def cut_chords(chords: tuple[Chord, ...], moves: Moves) -> Iterator[Chord]:
    """Chord symbols along the played stretches."""
    for (start, end), offset in moves:
        for c in chords:
            a, b = max(c.onset, start), min(c.end, end)
            if a < b:
                yield Chord(a - start + offset, b - a, c.root, c.quality, c.bass, c.fifths)


def cut_changes(
    changes: tuple[Change, ...], moves: Moves, make: Callable[[Change, int], Change], keep_onset: bool = False
) -> tuple[Change, ...]:
    """Changes along the played stretches: what is in force at each start, then what changes inside.

    A change that says what is in force already is left out, unless its place matters (`keep_onset`: a meter
    sets a bar line where it stands).
    """
    result: list[Change] = []
    for (start, end), offset in moves:
        opening = in_force(changes, start)
        inside = [(c, c.onset - start + offset) for c in changes if start < c.onset < end]
        for change, onset in ([(opening, offset)] if opening else []) + inside:
            placed = make(change, onset)
            same = bool(result) and make(result[-1], onset) == placed
            if not same or (keep_onset and change.onset > start):
                result.append(placed)
    return tuple(result)
