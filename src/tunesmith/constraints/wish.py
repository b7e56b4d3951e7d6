"""What a wish is.

A wish is parameters plus `__call__`, no state: it looks at the cursor and answers with a bias, added to the
log-probabilities: 0 = indifferent, -inf = never. Biases add, so the order of wishes does not matter. Asked without a
symbol it answers for symbols, (SYMBOLS,); with the symbol chosen, for durations, (DURATIONS,). None means indifferent
to everything. `str()` of a wish says in a musician's words what is wished; it is what `Unsatisfiable` names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import BODY, PARTS, Cursor

Bias = NDArray[np.float64]
NEVER = -math.inf
CHORD_FAMILY = 16  # of the chord voice
CHORD_VOICE = 0  # its number; voices of notes count from 1


class Wish(Protocol):
    """A wish; see the module docstring."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """The bias at this cursor. It may be one that is kept for later: it is not to be written to."""
        ...


def symbols(value: float = 0.0) -> Bias:
    """The same bias for every symbol."""
    return np.full(v.SYMBOLS, value)


def durations(value: float = 0.0) -> Bias:
    """The same bias for every duration."""
    return np.full(v.DURATIONS, value)


def composing(cursor: Cursor) -> bool:
    """Whether the music has begun or may begin."""
    return cursor.phase in (PARTS, BODY)


def voice_number(cursor: Cursor) -> int:
    """The number of the voice whose turn it is: 0 = the chord voice, 1 = the first voice of notes, ..."""
    return cursor.voice + (cursor.voices[0].family != CHORD_FAMILY) if cursor.voices else 1


def nothing_held(here: bool) -> Bias | None:
    """What begins here begins anew."""
    if not here:
        return None
    bias = symbols()
    bias[v.HOLD] = NEVER
    return bias


@cache
def nothing_joined() -> Bias:
    """Every length, but no note above this one."""
    bias = durations()
    bias[v.JOIN] = NEVER
    bias.flags.writeable = False
    return bias


@dataclass(frozen=True)
class Filling:
    """Which stretches of time can be filled with lengths: duration ids, JOIN perhaps among them, up to `most` ticks."""

    lengths: tuple[int, ...]
    most: int
    longest: int = field(init=False, repr=False)  # ticks
    shortest: int = field(init=False, repr=False)
    _unit: int = field(init=False, repr=False)
    _fills: bytes = field(init=False, repr=False)  # [n]: whether n units can be filled with the lengths
    # what was asked before: stretches are asked for again and again, by every particle
    _within: dict[int, Bias] = field(init=False, repr=False, compare=False, default_factory=dict)
    _closable: dict[tuple[int, int], bool] = field(init=False, repr=False, compare=False, default_factory=dict)
    _splits: dict[tuple[int, int], bool] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        ticks = [v.TICKS[d] for d in self.lengths if d != v.JOIN]
        unit = math.gcd(*ticks)
        object.__setattr__(self, "longest", max(ticks))
        object.__setattr__(self, "shortest", min(ticks))
        object.__setattr__(self, "_unit", unit)
        object.__setattr__(self, "_fills", _fillable([t // unit for t in ticks], self.most // unit))

    def fits(self, ticks: int) -> bool:
        """Whether a stretch, no longer than `most`, can be filled with the lengths allowed."""
        units, odd = divmod(ticks, self._unit)
        return 0 <= units < len(self._fills) and not odd and bool(self._fills[units])

    def within(self, left: int) -> Bias:
        """The lengths, JOIN among them, after which what is left of a stretch can be filled; all others never.

        It is not to be written to.
        """
        if left not in self._within:
            bias = durations(NEVER)
            for duration in self.lengths:
                if duration == v.JOIN or self.fits(left - v.TICKS[duration]):
                    bias[duration] = 0.0
            bias.flags.writeable = False
            self._within[left] = bias
        return self._within[left]

    def closable(self, left: int, least: int) -> bool:
        """Whether a stretch can be filled so that its last event has at least so many ticks."""
        if (left, least) not in self._closable:
            lengths = [v.TICKS[d] for d in self.lengths if d != v.JOIN]
            self._closable[left, least] = any(t >= least and self.fits(left - t) for t in lengths)
        return self._closable[left, least]

    def splits(self, left: int, least: int) -> bool:
        """Whether a stretch can be filled with one event and others, of which the last has so many ticks."""
        if (left, least) not in self._splits:
            lengths = [v.TICKS[d] for d in self.lengths if d != v.JOIN]
            self._splits[left, least] = any(t < left and self.closable(left - t, least) for t in lengths)
        return self._splits[left, least]


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
