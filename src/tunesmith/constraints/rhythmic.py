"""Which lengths: how many notes, how short, with which rests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile

from tunesmith.constraints.wish import NEVER, Bias, Filling, composing, durations, symbols, voice_number
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Lengths:
    """Events have these lengths, duration ids; `Length` sees to the same, but is not what one would call it."""

    lengths: tuple[int, ...]
    words: str = "the lengths of notes"

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids others."""
        if symbol is None or not composing(cursor) or symbol >= v.CHORD.end or symbol == v.END:
            return None
        return None if cursor.voices and cursor.on_chord_voice else _of(self.lengths)


@lru_cache(maxsize=256)
def _of(lengths: tuple[int, ...]) -> Bias:
    bias = durations(NEVER)
    bias[list(lengths)] = 0.0
    bias.flags.writeable = False
    return bias


@dataclass(frozen=True, slots=True)
class NoRests:
    """No voice of notes rests."""

    def __str__(self) -> str:
        return "no rests"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids rests."""
        if symbol is not None or not composing(cursor) or (cursor.voices and cursor.on_chord_voice):
            return None
        bias = symbols()
        bias[v.REST] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Struck:
    """No note is held on: it has the length that it begins with."""

    def __str__(self) -> str:
        return "notes of one length"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids holding notes; chord symbols may last."""
        if symbol is not None or not composing(cursor) or (cursor.voices and cursor.on_chord_voice):
            return None
        bias = symbols()
        bias[v.HOLD] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Density:
    """In every full bar, in every voice, from `least` to `most` notes begin; chords count once. Up to tick `end`.

    `coming`: by voices (1 = the first) ticks where a note is sure to begin: for those there is still room.
    """

    least: int
    most: int
    end: int
    filling: Filling
    coming: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def __str__(self) -> str:
        return "the number of notes in a bar"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids the note too many, and whatever leaves no room for the notes that are due."""
        if not composing(cursor) or not cursor.voices or cursor.on_chord_voice:
            return None
        if cursor.now < cursor.origin:  # a pickup is no full bar, but a note of it may reach into one
            return self._durations(cursor, symbol, cursor.origin, 0) if symbol is not None else None
        line = cursor.now - cursor.position
        begun = sum(1 for _ in takewhile(lambda onset: onset >= line, reversed(cursor.voices[cursor.voice].past)))
        if symbol is None:
            return None if cursor.building else self._symbols(cursor, line, begun)
        return self._durations(cursor, symbol, line, begun + (symbol < v.PITCH.end))

    def _symbols(self, cursor: Cursor, line: int, begun: int) -> Bias | None:
        """Forbids the note too many, and a rest where every note that fits is due."""
        coming = self.coming.get(voice_number(cursor), frozenset())
        later = sum(cursor.now < tick < line + cursor.bar_length for tick in coming)
        full = begun + later >= self.most
        late = self.least > 0 and not self._room(cursor, line, begun, cursor.now + self.filling.shortest)
        if not full and not late:
            return None
        bias = symbols()
        if full:
            bias[: v.PITCH.end] = NEVER
        if late:
            bias[[v.REST, v.HOLD]] = NEVER
        return bias

    def _durations(self, cursor: Cursor, symbol: int, line: int, begun: int) -> Bias | None:
        """Forbids what leaves no room in the bar that begins at `line`, of which so many notes have begun."""
        if symbol >= v.CHORD.end or symbol == v.END or not self.least:
            return None
        bias = durations()
        for duration in self.filling.lengths:
            if duration != v.JOIN and not self._room(cursor, line, begun, cursor.now + v.TICKS[duration]):
                bias[duration] = NEVER
        return bias

    def _room(self, cursor: Cursor, line: int, begun: int, after: int) -> bool:
        """Whether the notes due can still begin if this event ends at the tick `after`."""
        shortest = self.filling.shortest
        while line < min(after, self.end):
            following = min(line + cursor.bar_length, self.end)
            full = following - line == cursor.bar_length
            due, room = self.least - begun, max(0, following - max(after, line)) // shortest
            if full and due > room:
                return False
            line, begun = following, 0
        return True
