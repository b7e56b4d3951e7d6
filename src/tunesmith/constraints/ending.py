"""How a phrase ends."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

from tunesmith import theory
from tunesmith.constraints.wish import (
    CHORD_VOICE,
    NEVER,
    Bias,
    Filling,
    composing,
    durations,
    nothing_held,
    symbols,
    voice_number,
)
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Ending:
    """In a voice, what sounds last before `tick` is of these pitch classes (in the chord voice: chords), or a rest.

    It has at least `least` ticks and does not go on beyond. `voice`: 0 = the chord voice, 1 = the first voice of
    notes, ... `wanted`: pitch classes, chord symbols of the vocabulary, or REST alone.
    """

    voice: int
    tick: int
    wanted: frozenset[int]
    least: int
    filling: Filling
    words: str = "the ending"

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves what ends well, and what leaves room to end well."""
        left = self.tick - cursor.now
        if not 0 <= left <= 2 * self.filling.longest or not composing(cursor) or voice_number(cursor) != self.voice:
            return None
        if not left:
            return nothing_held(symbol is None)
        return self._symbols(cursor, left) if symbol is None else self._durations(cursor, symbol, left)

    def _symbols(self, cursor: Cursor, left: int) -> Bias | None:
        if self.filling.splits(left, self._least(cursor)):
            return None  # this event need not be the last
        bias = _enders(self.wanted, self.voice == CHORD_VOICE)
        if self._good(cursor, v.HOLD):
            bias = bias.copy()
            bias[v.HOLD] = 0.0
        return bias

    def _durations(self, cursor: Cursor, symbol: int, left: int) -> Bias | None:
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        held = cursor.now - cursor.voices[cursor.voice].onset if symbol == v.HOLD else 0
        needed = max(0, self.least - held) if self._good(cursor, symbol) else None
        return _lengths_to_end(self.filling, left, self._least(cursor), needed)

    def _least(self, cursor: Cursor) -> int:
        return min(self.least, cursor.bar_length)

    def _good(self, cursor: Cursor, symbol: int) -> bool:
        """Whether the voice ends well if what sounds last is this."""
        if symbol == v.REST:
            return v.REST in self.wanted
        if symbol == v.HOLD:
            sounding = cursor.voices[cursor.voice].sounding
            return bool(sounding) and all(self._fine(s) for s in sounding)
        return all(self._fine(s) for s in (*cursor.building, symbol))

    def _fine(self, symbol: int) -> bool:
        return (symbol if self.voice == CHORD_VOICE else symbol % 12) in self.wanted and v.REST not in self.wanted


@lru_cache(maxsize=256)
def _enders(wanted: frozenset[int], chords: bool) -> Bias:
    """What of the symbols that begin anew may end so."""
    bias = symbols(NEVER)
    bias[v.END] = 0.0
    if v.REST in wanted:
        bias[v.REST] = 0.0
    elif chords:
        bias[list(wanted)] = 0.0
    else:
        bias[: v.PITCH.end] = [0.0 if pitch % 12 in wanted else NEVER for pitch in range(v.PITCH.end)]
    bias.flags.writeable = False
    return bias


@lru_cache(maxsize=1 << 14)
def _lengths_to_end(filling: Filling, left: int, least: int, needed: int | None) -> Bias:
    """The lengths that leave room for an end of `least` ticks, or are the end, of `needed` ticks; None: cannot be."""
    bias = durations(NEVER)
    for duration in filling.lengths:
        ticks = v.TICKS[duration]
        closes = ticks == left and needed is not None and ticks >= needed
        if duration == v.JOIN or closes or (ticks < left and filling.closable(left - ticks, least)):
            bias[duration] = 0.0
    bias.flags.writeable = False
    return bias


def triad(fifths: int, mode: str, degree: int = 0) -> Set[int]:
    """The pitch classes of a triad in a key, `degree` counted from 0; in minor the dominant's third is raised."""
    tonic = theory.tonic(fifths, mode)
    scale = sorted(theory.scale(fifths), key=lambda step: (step - tonic) % 12)
    found = [scale[(degree + third) % 7] for third in (0, 2, 4)]
    if mode == "minor" and degree == 4:
        found[1] = (tonic + 11) % 12
    return set(found)


def chords_like(triad_of: Set[int], root: int) -> list[int]:
    """The kinds of chords that have this triad."""
    return [
        number
        for number, quality in enumerate(theory.QUALITIES)
        if triad_of <= {(root + interval) % 12 for interval in quality.intervals}
    ]
