"""Stretches of a piece put one after the other: what unfolding repeats and slicing are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from tunesmith.score.elements import Chord, Jump, Key, Meter, Note, Repeat, Tempo

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


def played(start: int, end: int, repeats: Sequence[Repeat], again: bool = False) -> Iterator[tuple[int, int]]:
    """The stretches that playing [start, end) goes through. `again`: after a jump, when only last endings are played.

    A repeat that is entered after its beginning has been played from there before, so it is played to its end once.
    """
    now = start
    for repeat in sorted(repeats, key=lambda r: r.start):
        if repeat.end <= now or repeat.start >= end:
            continue
        yield now, max(now, repeat.start)
        spans = repeat.spans_of(repeat.times) if again or repeat.start < start else repeat.spans()
        yield from ((max(a, start), min(b, end)) for a, b in spans)
        now = max(now, min(repeat.end, end))
    yield now, end


def route(end: int, repeats: Sequence[Repeat], jumps: Sequence[Jump]) -> Iterator[tuple[int, int]]:
    """The stretches [a, b) of a piece in the order in which they are played; some may be empty."""
    now = 0
    for jump in sorted(jumps, key=lambda j: j.onset):
        if jump.onset < now:  # inside what an earlier jump has passed over
            continue
        yield from played(now, jump.onset, repeats)
        now = jump.onset
        yield from played(jump.target, now if jump.stop is None else jump.stop, repeats, again=True)
        if jump.stop is None:
            continue
        if jump.coda is None:
            return
        now = jump.coda
    yield from played(now, end, repeats)


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
