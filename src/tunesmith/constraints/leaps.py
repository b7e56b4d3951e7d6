"""How far a voice moves from one note to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.constraints.wish import NEVER, Bias, composing, durations, nothing_joined, symbols, voice_number
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Leaps:
    """No voice moves by more than `most` semitones from note to note; of chords, the top notes count.

    `joins`: whether there are chords, whose lower notes may be farther away. `coming`: by voices (1 = the first)
    stretches with what is sure to come after them: first tick, end, pitch. It stays in reach of notes of `shortest`
    ticks.
    """

    most: int
    joins: bool = True
    shortest: int = 1
    coming: Mapping[int, Sequence[tuple[int, int, int]]] = field(default_factory=dict)

    @property
    def looks_back(self) -> int:
        """The note before."""
        return 1

    def __str__(self) -> str:
        return "the size of leaps"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids what is too far from the note before; a lower note of a chord must be joined to a nearer one."""
        if not composing(cursor) or not cursor.voices or cursor.on_chord_voice:
            return None
        last, target = cursor.voices[cursor.voice].last, self._target(cursor)
        if symbol is None:
            return self._symbols(last, target, cursor.now)
        bias = self._durations(symbol, last)
        if target and (symbol < v.PITCH.end or last >= 0) and symbol < v.CHORD.end:
            bias = durations() if bias is None else bias.copy()
            pitch = symbol if symbol < v.PITCH.end else last
            for duration in range(v.JOIN + 1, v.DURATIONS):
                if abs(pitch - target[1]) > self._reach(target[0] - cursor.now - v.TICKS[duration]):
                    bias[duration] = NEVER
        return bias

    def _symbols(self, last: int, target: tuple[int, int] | None, now: int) -> Bias | None:
        bias = symbols()
        if last >= 0:
            bias[last + self.most + 1 : v.PITCH.end] = NEVER
            if not self.joins:
                bias[: max(0, last - self.most)] = NEVER
        if target:
            reach = self._reach(target[0] - now - self.shortest)
            bias[target[1] + reach + 1 : v.PITCH.end] = NEVER
            if not self.joins:
                bias[: max(0, target[1] - reach)] = NEVER
            if last >= 0 and abs(last - target[1]) > reach:
                bias[[v.REST, v.HOLD]] = NEVER
        return bias if last >= 0 or target else None

    def _durations(self, symbol: int, last: int) -> Bias | None:
        if last < 0 or symbol >= v.PITCH.end:
            return None
        if symbol < last - self.most:
            bias = durations(NEVER)
            bias[v.JOIN] = 0.0
            return bias
        return nothing_joined() if symbol == last + self.most else None  # nothing above it would be near enough

    def _target(self, cursor: Cursor) -> tuple[int, int] | None:
        """The end of the stretch, and the pitch that is sure to come after it."""
        coming = self.coming.get(voice_number(cursor), ())
        return next(((end, pitch) for start, end, pitch in coming if start <= cursor.now < end), None)

    def _reach(self, left: int) -> int:
        """Semitones to a note that comes so many ticks after the end of this one, through as many others as fit."""
        return self.most * (1 + max(0, left) // self.shortest)
