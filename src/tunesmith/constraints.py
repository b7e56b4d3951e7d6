"""Wishes about the music: parameters plus `__call__`, no state.

A wish looks at the cursor and answers with a bias, added to the log-probabilities: 0 = indifferent, -inf = never.
Biases add, so the order of wishes does not matter. Asked without a symbol it answers for symbols, (SYMBOLS,);
with the symbol chosen, for durations, (DURATIONS,). None means indifferent to everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import BODY, PARTS, Cursor
from tunesmith.score import TPQ

Bias = NDArray[np.float64]
NEVER = -math.inf
CHORD_FAMILY = 16  # of the chord voice


class Wish(Protocol):
    """A wish; see the module docstring."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """The bias at this cursor."""
        ...


def _symbols(value: float = 0.0) -> Bias:
    return np.full(v.SYMBOLS, value)


@dataclass(frozen=True, slots=True)
class Steady:
    """Meter and key stay as they began."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids changes in the body."""
        if symbol is not None or cursor.phase != BODY:
            return None
        bias = _symbols()
        bias[v.KEY.first : v.KEY.end] = bias[v.METER.first : v.METER.end] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Onward:
    """No figure of at most `longest` notes goes round in circles: heard `times` in a row, it is not begun again.

    Whoever recalls what followed what, and follows it, comes into circles out of which nothing leads; songs have few.
    """

    longest: int = 4
    times: int = 3
    bias: float = -8.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Makes the note that would begin the figure again improbable, not impossible: ranges may leave no other."""
        if symbol is not None or cursor.phase != BODY or cursor.building or cursor.on_chord_voice:
            return None
        pitches = cursor.voices[cursor.voice].recall.circles(self.longest, self.times)
        if not pitches:
            return None
        bias = _symbols()
        bias[pitches] = self.bias
        return bias


@dataclass(frozen=True, slots=True)
class Sounding:
    """Silence of all voices is not begun with and does not go on: after a rest of all, one of them has a note."""

    bias: float = -12.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Makes a rest improbable where nothing sounds, nothing did, and no other voice may begin here."""
        if symbol is not None or cursor.phase not in (PARTS, BODY) or cursor.building or cursor.on_chord_voice:
            return None
        others = [own for n, own in enumerate(cursor.voices) if n != cursor.voice and own.family != CHORD_FAMILY]
        waiting = any(own.end == cursor.now for own in cursor.voices[cursor.voice + 1 :])
        if waiting or cursor.voices[cursor.voice].sounding or any(own.sounding for own in others):
            return None
        bias = _symbols()
        bias[v.REST] = self.bias
        return bias


@dataclass(frozen=True, slots=True)
class Voices:
    """The piece has just these voices: none is added once the header is written."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids more parts and voices where the body may begin."""
        if symbol is not None or cursor.phase != PARTS:
            return None
        bias = _symbols()
        bias[v.PART.first : v.PART.end] = bias[v.VOICE] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Range:
    """Pitches from `low` to `high`, both included."""

    low: int
    high: int

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids pitches outside, and joining a note that would have to lie above."""
        if symbol is not None:
            if symbol < v.PITCH.end and symbol >= self.high:
                bias = np.zeros(v.DURATIONS)
                bias[v.JOIN] = NEVER
                return bias
            return None
        bias = _symbols()
        bias[: self.low] = bias[self.high + 1 : v.PITCH.end] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class InKey:
    """Notes outside the scale get `bias` (nats; 0 = as the model likes). Minor has its raised seventh too.

    The raised sixth of minor gets half the bias.
    """

    bias: float = -4.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs pitches by the key at the cursor."""
        if symbol is not None or cursor.phase < PARTS:
            return None
        inside = set(theory.scale(cursor.fifths))
        tonic = theory.tonic(cursor.fifths, cursor.mode)
        weights = [0.0 if step in inside else self.bias for step in range(12)]
        if cursor.mode == "minor":
            weights[(tonic + 11) % 12] = 0.0
            weights[(tonic + 9) % 12] = self.bias / 2
        bias = _symbols()
        bias[: v.PITCH.end] = [weights[pitch % 12] for pitch in range(v.PITCH.end)]
        return bias


# What sounds where: whether in the chord voice, whether a rest, ticks since the bar line, duration id
Place = tuple[bool, bool, int, int]


def place_of(cursor: Cursor, symbol: int, duration: int) -> Place:
    """The place in the bar of an event about to be taken."""
    return cursor.on_chord_voice, symbol == v.REST, cursor.position, duration


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Lengths at places in the bar where the songs learned never have them get `bias` (nats).

    A slip off the beat that a small model makes now and then would otherwise take bars to mend, since no song
    learned says what comes after it.
    """

    known: frozenset[Place]
    bias: float = -4.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs durations by the position in the bar."""
        if symbol is None or cursor.phase not in (PARTS, BODY) or not self.known:
            return None
        chords, rest, position, _ = place_of(cursor, symbol, v.NONE)
        bias = np.full(v.DURATIONS, self.bias)
        bias[[v.NONE, v.JOIN]] = 0.0
        for duration in range(v.JOIN + 1, v.DURATIONS):
            # a rest may stand where a note stood
            if not self.known.isdisjoint({(chords, rest, position, duration), (chords, False, position, duration)}):
                bias[duration] = 0.0
        return bias


@dataclass(frozen=True, slots=True)
class Chords:
    """Chord symbols that the songs learned do not have, as seen from the tonic, get `bias` (nats).

    `known` holds pairs (semitones above the tonic, index into `theory.QUALITIES`); if it is empty, all are as good.
    Rests in the chord voice get the bias too unless `rests`.
    """

    known: frozenset[tuple[int, int]]
    rests: bool = False
    bias: float = -8.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs chord symbols by their degree and kind."""
        if symbol is not None or cursor.phase not in (PARTS, BODY) or not cursor.on_chord_voice:
            return None
        bias = _symbols()
        if self.known:
            tonic = theory.tonic(cursor.fifths, cursor.mode)
            bias[v.CHORD.first : v.CHORD.end] = self.bias
            for degree, quality in self.known:
                bias[v.chord_symbol((tonic + degree) % 12, quality)] = 0.0
        bias[v.REST] = 0.0 if self.rests else self.bias
        return bias


@dataclass(frozen=True)
class Length:
    """The piece has `ticks` and ends there, in every voice.

    `lengths` are the duration ids that may be used, JOIN among them where chords may be: a note is only begun if
    what is left of the piece can be filled with them. With `on_tonic`, a piece of one voice without chords ends
    on the tonic, in a note of half a bar (where that cannot be, a beat) or more and no rest after it.
    """

    ticks: int
    lengths: tuple[int, ...] = tuple(range(v.JOIN, v.DURATIONS))
    on_tonic: bool = True
    _longest: int = field(init=False, repr=False)  # ticks
    _unit: int = field(init=False, repr=False)
    _fills: bytes = field(init=False, repr=False)  # [n]: whether n units can be filled with the lengths

    def __post_init__(self) -> None:
        ticks = [v.TICKS[d] for d in self.lengths if d != v.JOIN]
        unit = math.gcd(*ticks)
        object.__setattr__(self, "_longest", max(ticks))
        object.__setattr__(self, "_unit", unit)
        object.__setattr__(self, "_fills", _fillable([t // unit for t in ticks], self.ticks // unit))

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Keeps every event inside the piece, and the end at its end."""
        if cursor.phase not in (PARTS, BODY):
            return None
        left = self.ticks - cursor.now
        last = self._last_note(cursor, left)
        return self._symbols(cursor, left, last) if symbol is None else self._durations(cursor, symbol, left, last)

    def _last_note(self, cursor: Cursor, left: int) -> int:
        """The ticks that the last note must have at least; 0 = it need not be the tonic."""
        if not self.on_tonic or v.JOIN in self.lengths or not _one_melody(cursor):
            return 0
        wanted = (cursor.bar_length // 2, 4 * TPQ // cursor.unit, self._longest)
        return next((ticks for ticks in wanted if self._closable(left, ticks)), 0)

    def fits(self, ticks: int) -> bool:
        """Whether a stretch, no longer than the piece, can be filled with the lengths allowed."""
        units, odd = divmod(ticks, self._unit)
        return 0 <= units < len(self._fills) and not odd and bool(self._fills[units])

    def _closable(self, left: int, ticks: int) -> bool:
        """Whether a stretch can be filled so that its last note has at least so many ticks."""
        return any(v.TICKS[d] >= ticks and self.fits(left - v.TICKS[d]) for d in self.lengths)

    def _symbols(self, cursor: Cursor, left: int, last: int) -> Bias:
        if left <= 0 and not cursor.building:
            bias = _symbols(NEVER)
            bias[v.END] = 0.0
            return bias
        bias = _symbols()
        bias[v.END] = NEVER
        if last and not any(v.TICKS[d] < left and self._closable(left - v.TICKS[d], last) for d in self.lengths):
            # nothing but the last note is left to choose
            tonic = theory.tonic(cursor.fifths, cursor.mode)
            bias[: v.PITCH.end] = [0.0 if p % 12 == tonic else NEVER for p in range(v.PITCH.end)]
            bias[v.REST] = NEVER
            if not _closed(cursor, v.HOLD):
                bias[v.HOLD] = NEVER
        return bias

    def _durations(self, cursor: Cursor, symbol: int, left: int, last: int) -> Bias | None:
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        bias = np.full(v.DURATIONS, NEVER)
        for duration in self.lengths:
            after = left - v.TICKS[duration]
            if duration == v.JOIN or (
                self.fits(after) if not last else self._may_follow(cursor, symbol, left, last, after)
            ):
                bias[duration] = 0.0
        return bias

    def _may_follow(self, cursor: Cursor, symbol: int, left: int, last: int, after: int) -> bool:
        """Whether a melody that is to close on the tonic may leave so much, given the symbol chosen."""
        if after == 0:
            return left >= last and symbol != v.REST and _closed(cursor, symbol)
        return after > 0 and self._closable(after, last)


def _fillable(units: Iterable[int], most: int) -> bytes:
    """[n] is 1 if n is a sum of `units` (any of them any number of times), for n up to `most`."""
    mask, found = (1 << (most + 1)) - 1, 1
    for unit in units:
        step = unit
        while step <= most:  # doubling: after k rounds up to 2^k - 1 of this unit are in
            found |= (found << step) & mask
            step *= 2
    bits = np.frombuffer(found.to_bytes(most // 8 + 1, "little"), np.uint8)
    return np.unpackbits(bits, bitorder="little")[: most + 1].tobytes()


def _one_melody(cursor: Cursor) -> bool:
    """Whether the voice whose turn it is is the only one with notes."""
    return not cursor.on_chord_voice and len(cursor.voices) - (cursor.voices[0].family == 16) == 1


def _closed(cursor: Cursor, symbol: int) -> bool:
    """Whether the melody stands on the tonic if it goes on with this symbol."""
    last = cursor.voices[cursor.voice].last if symbol == v.HOLD else symbol
    return last >= 0 and last % 12 == theory.tonic(cursor.fifths, cursor.mode)
