"""Stretches of a piece put one after the other: what unfolding repeats and slicing are made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Generic, TypeVar

from tunesmith.errors import FormatError
from tunesmith.score.elements import Chord, Jump, Key, Meter, Note, Part, Repeat, Tempo

Change = TypeVar("Change", Meter, Key, Tempo)
Lasting = TypeVar("Lasting", Note, Chord)


def in_force(changes: tuple[Change, ...], onset: int) -> Change | None:
    """The last of the changes, sorted by onset, at or before a tick; None before the first."""
    place = bisect_right(changes, onset, key=lambda change: change.onset)
    return changes[place - 1] if place else None


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
MOST_PLAYED = 500_000  # notes, chord symbols, or changes once repeats are written out
MOST_STRETCHES = 50_000  # that a piece is played in


class Sounding(Generic[Lasting]):
    """What sounds in a stretch, found without going through the whole piece for each of them."""

    def __init__(self, things: Sequence[Lasting]) -> None:
        self._things: Sequence[Lasting] = things
        self._order = sorted(range(len(things)), key=lambda i: things[i].onset)
        self._onsets = [things[i].onset for i in self._order]
        self._ends = list(accumulate((things[i].end for i in self._order), max))  # all up to here have ended

    def within(self, start: int, end: int) -> Iterator[tuple[int, int, Lasting]]:
        """The (onset, duration, thing) of each in [start, end), cut at its edges, in the order of the piece."""
        first, last = bisect_right(self._ends, start), bisect_left(self._onsets, end)
        for place in sorted(self._order[first:last]):
            thing = self._things[place]
            a, b = max(thing.onset, start), min(thing.end, end)
            if a < b:
                yield a, b - a, thing

    def along(self, moves: Moves) -> Iterator[tuple[int, int, Lasting]]:
        """The same for stretches that are played one after the other.

        Raises:
            FormatError: that would be more than `MOST_PLAYED`.
        """
        count = 0
        for (start, end), offset in moves:
            for onset, duration, thing in self.within(start, end):
                count += 1
                if count > MOST_PLAYED:
                    raise too_much()
                yield onset - start + offset, duration, thing


def too_much() -> FormatError:
    """The error for a piece that is longer than any once it is played: repeats must not fill the memory."""
    what = f"more than {MOST_PLAYED:,} notes or signs once its repeats are written out, too many for a piece"
    return FormatError(what, fix="repeat less of it")


def cut_notes(notes: tuple[Note, ...], moves: Moves) -> Iterator[Note]:
    """Notes along the played stretches; what reaches over an edge is cut.

    Raises:
        FormatError: there would be more than `MOST_PLAYED`.
    """
    for onset, duration, n in Sounding(notes).along(moves):
        yield Note(onset, duration, n.pitch, n.velocity, n.voice, n.fifths)


def cut_parts(parts: tuple[Part, ...], moves: Moves) -> Iterator[Part]:
    """The parts along the played stretches.

    Raises:
        FormatError: they would have more than `MOST_PLAYED` notes.
    """
    count = 0
    for part in parts:
        played = replace(part, notes=tuple(cut_notes(part.notes, moves)))
        count += len(played.notes)
        if count > MOST_PLAYED:
            raise too_much()
        yield played


def cut_chords(chords: tuple[Chord, ...], moves: Moves) -> Iterator[Chord]:
    """Chord symbols along the played stretches.

    Raises:
        FormatError: there would be more than `MOST_PLAYED`.
    """
    for onset, duration, c in Sounding(chords).along(moves):
        yield Chord(onset, duration, c.root, c.quality, c.bass, c.fifths)


def cut_changes(
    changes: tuple[Change, ...], moves: Moves, make: Callable[[Change, int], Change], keep_onset: bool = False
) -> tuple[Change, ...]:
    """Changes along the played stretches: what is in force at each start, then what changes inside.

    A change that says what is in force already is left out, unless its place matters (`keep_onset`: a meter
    sets a bar line where it stands).

    Raises:
        FormatError: there would be more than `MOST_PLAYED`.
    """
    result: list[Change] = []
    onsets = [change.onset for change in changes]
    for (start, end), offset in moves:
        first, last = bisect_right(onsets, start), bisect_left(onsets, end)
        opening = [(changes[first - 1], offset)] if first else []
        for change, onset in opening + [(c, c.onset - start + offset) for c in changes[first:last]]:
            placed = make(change, onset)
            same = bool(result) and make(result[-1], onset) == placed
            if not same or (keep_onset and change.onset > start):
                result.append(placed)
        if len(result) > MOST_PLAYED:
            raise too_much()
    return tuple(result)
