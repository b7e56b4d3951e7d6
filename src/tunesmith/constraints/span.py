"""How long a piece and its sections are."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.constraints.wish import (
    CHORD_FAMILY,
    NEVER,
    Bias,
    Filling,
    composing,
    nothing_held,
    symbols,
)
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor, Voice


@dataclass(frozen=True, slots=True)
class Length:
    """The piece has `ticks` and ends there, in every voice; a note is only begun if what is left can be filled.

    In the last bar some voice has a note: a piece that ends with a bar of silence has a bar less. `sounding`: the
    voices, as the cursor counts them, of which one has it; None = all of notes, none = it may be silent, or is not.

    `given`: the chord voice is: how long its chords are is said by a `Progression`.
    """

    ticks: int
    filling: Filling
    given: bool = False
    sounding: frozenset[int] | None = None

    def __str__(self) -> str:
        return "the number of bars"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Keeps every event inside the piece, and the end at its end."""
        if not composing(cursor):
            return None
        left = self.ticks - cursor.now
        if symbol is None:
            over = left <= 0 and not cursor.building
            bias = symbols(NEVER if over else 0.0)
            bias[v.END] = 0.0 if over else NEVER
            if not over and self._last_to_sound(cursor) and not self._goes_on(left):
                bias[v.REST] = NEVER
            return bias
        if symbol >= v.CHORD.end or symbol == v.END or _given(self.given, cursor):
            return None
        bias = self.filling.within(left)
        if symbol == v.REST and self._last_to_sound(cursor):
            bias = bias.copy()
            bias[[d for d in range(v.DURATIONS) if v.TICKS[d] >= left]] = NEVER
        return bias

    def _last_to_sound(self, cursor: Cursor) -> bool:
        """Whether only the voice whose turn it is can still sound in the last bar, and nothing does or did there."""
        if self.ticks - cursor.now > self.filling.longest or not cursor.voices or cursor.on_chord_voice:
            return False
        numbers = range(len(cursor.voices)) if self.sounding is None else self.sounding
        if cursor.voice not in numbers:
            return False
        voices = [cursor.voices[n] for n in numbers if cursor.voices[n].family != CHORD_FAMILY]
        last = cursor.origin + (self.ticks - 1 - cursor.origin) // cursor.bar_length * cursor.bar_length
        waiting = any(own.end < self.ticks for own in voices if own is not cursor.voices[cursor.voice])
        return not waiting and not any(_sounds_after(own, last) for own in voices)

    def _goes_on(self, left: int) -> bool:
        """Whether a rest may leave room for a note after it."""
        rests = [v.TICKS[d] for d in self.filling.lengths if d != v.JOIN]
        return any(rest < left and self.filling.fits(left - rest) for rest in rests)


@dataclass(frozen=True, slots=True)
class Together:
    """All voices come together at these ticks: nothing sounds across them. Sections of a form begin so.

    `given`: the chord voice is, as in `Length`.
    """

    ticks: tuple[int, ...]
    filling: Filling
    words: str = "sections that begin together"
    given: bool = False

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids what would not end in time."""
        if not composing(cursor):
            return None
        tick = next((t for t in self.ticks if t > cursor.now), 0)
        if _given(self.given, cursor):
            return None
        if symbol is None:
            return nothing_held(cursor.now in self.ticks and cursor.now > 0)
        left = tick - cursor.now
        if symbol >= v.CHORD.end or symbol == v.END or left <= 0 or left > 2 * self.filling.longest:
            return None
        return self.filling.within(left)


def _sounds_after(voice: Voice, tick: int) -> bool:
    """Whether a voice has a note, begun or held, that sounds after a tick."""
    for (begin, _), (symbol, duration) in reversed(voice.events.items()):
        if begin + v.TICKS[duration] <= tick:
            return False
        if symbol != v.REST:
            return True
    return False


def _given(given: bool, cursor: Cursor) -> bool:
    """Whether it is the turn of a chord voice that is given."""
    return given and bool(cursor.voices) and cursor.on_chord_voice
