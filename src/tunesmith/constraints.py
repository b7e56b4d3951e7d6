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
    """Notes outside the scale get `bias` (nats; 0 = as the model likes). Minor allows its raised sixth and seventh."""

    bias: float = -1.5

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs pitches by the key at the cursor."""
        if symbol is not None or cursor.phase < PARTS:
            return None
        inside = set(theory.scale(cursor.fifths))
        if cursor.mode == "minor":
            inside |= {(theory.tonic(cursor.fifths, "minor") + step) % 12 for step in (9, 11)}
        bias = _symbols()
        bias[: v.PITCH.end] = [0.0 if pitch % 12 in inside else self.bias for pitch in range(v.PITCH.end)]
        return bias


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Lengths at places in the bar where the songs learned never have them get `bias` (nats).

    `known` holds pairs (ticks since the bar line, duration id). A slip off the beat that a small model makes now
    and then would otherwise take bars to mend, since no song learned says what comes after it.
    """

    known: frozenset[tuple[int, int]]
    bias: float = -4.0

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs durations by the position in the bar."""
        if symbol is None or cursor.phase not in (PARTS, BODY) or not self.known:
            return None
        bias = np.full(v.DURATIONS, self.bias)
        bias[[v.NONE, v.JOIN]] = 0.0
        position = cursor.position
        for duration in range(v.JOIN + 1, v.DURATIONS):
            if (position, duration) in self.known:
                bias[duration] = 0.0
        return bias


@dataclass(frozen=True)
class Length:
    """The piece has `ticks` and ends there, in every voice.

    `lengths` are the duration ids that may be used, JOIN among them where chords may be: a note is only begun if
    what is left of the piece can be filled with them. With `on_tonic`, a piece of one voice without chords ends
    on the tonic, in a note of a beat or more (where the lengths have one) and no rest after it.
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
        beat = min(4 * TPQ // cursor.unit, self._longest)
        closing = self.on_tonic and v.JOIN not in self.lengths and _one_melody(cursor) and self._closable(left, beat)
        if symbol is None:
            return self._symbols(cursor, left, beat if closing else 0)
        return self._durations(cursor, symbol, left, beat if closing else 0)

    def fits(self, ticks: int) -> bool:
        """Whether a stretch, no longer than the piece, can be filled with the lengths allowed."""
        units, odd = divmod(ticks, self._unit)
        return 0 <= units < len(self._fills) and not odd and bool(self._fills[units])

    def _closable(self, left: int, beat: int) -> bool:
        """Whether a stretch can be filled so that its last note has at least a beat."""
        return any(v.TICKS[d] >= beat and self.fits(left - v.TICKS[d]) for d in self.lengths)

    def _symbols(self, cursor: Cursor, left: int, beat: int) -> Bias:
        if left <= 0 and not cursor.building:
            bias = _symbols(NEVER)
            bias[v.END] = 0.0
            return bias
        bias = _symbols()
        bias[v.END] = NEVER
        if beat and not any(v.TICKS[d] < left and self._closable(left - v.TICKS[d], beat) for d in self.lengths):
            # nothing but the last note is left to choose
            tonic = theory.tonic(cursor.fifths, cursor.mode)
            bias[: v.PITCH.end] = [0.0 if p % 12 == tonic else NEVER for p in range(v.PITCH.end)]
            bias[v.REST] = NEVER
            if not _closed(cursor, v.HOLD):
                bias[v.HOLD] = NEVER
        return bias

    def _durations(self, cursor: Cursor, symbol: int, left: int, beat: int) -> Bias | None:
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        bias = np.full(v.DURATIONS, NEVER)
        for duration in self.lengths:
            after = left - v.TICKS[duration]
            if duration == v.JOIN or (
                self.fits(after) if not beat else self._may_follow(cursor, symbol, left, beat, after)
            ):
                bias[duration] = 0.0
        return bias

    def _may_follow(self, cursor: Cursor, symbol: int, left: int, beat: int, after: int) -> bool:
        """Whether a melody that is to close on the tonic may leave so much, given the symbol chosen."""
        if after == 0:
            return left >= beat and symbol != v.REST and _closed(cursor, symbol)
        return after > 0 and self._closable(after, beat)


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
