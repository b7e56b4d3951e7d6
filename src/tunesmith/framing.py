"""The room that wishes fill: ticks and bars, sections of a form, and the lengths there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunesmith.constraints import CHORD_FAMILY, Filling
from tunesmith.errors import RequestError
from tunesmith.habits import Habits
from tunesmith.request import Request
from tunesmith.scheme import Cursor
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import BODY, Voice
from tunesmith.score import Key, Meter, Score

Gap = tuple[int, int, int]  # voice as the cursor counts, first tick, end


@dataclass(frozen=True)
class Frame:
    """The room that wishes fill: `begin` to `end`, in ticks, in the bars of the header; what the header has."""

    cursor: Cursor  # after the opening: meter, key, voices
    begin: int
    end: int
    filling: Filling
    sections: tuple[tuple[int, int], ...] = ()  # of a form: where it starts, and where its model does
    gaps: tuple[Gap, ...] | None = None  # of a piece that is kept but for them; None where nothing is kept
    piece: Score | None = None  # that is there, with its own bars, meters and keys
    known: Mapping[int, tuple[int, int]] = field(default_factory=dict)  # its bars: start, end
    coming: Mapping[int, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)  # notes kept, see `Leaps`
    sounding: frozenset[int] | None = None  # voices that may have to sound in the last bar, see `Length`
    voices: int = field(init=False)  # of notes
    chords: bool = field(init=False)  # whether there is a chord voice

    def __post_init__(self) -> None:
        chords = self.cursor.voices[0].family == CHORD_FAMILY
        object.__setattr__(self, "chords", chords)
        object.__setattr__(self, "voices", len(self.cursor.voices) - chords)

    @property
    def kept(self) -> bool:
        """Whether something of a piece is kept, which says what its meters, keys and ranges are."""
        return self.gaps is not None

    def is_free(self, voice: int | None, tick: int) -> bool:
        """Whether nothing is kept there; `voice`: 0 = the chord voice, 1 = the first voice of notes, None = any."""
        mine = None if voice is None else voice - (not self.chords)
        return self.gaps is None or any(mine in (None, of) and start <= tick < end for of, start, end in self.gaps)

    @property
    def bar(self) -> int:
        """Ticks of a bar."""
        return self.cursor.bar_length

    def tick(self, bar: int) -> int:
        """Where a full bar begins, counted from 1: as the piece has it, or as if the meter at the cursor went on."""
        if bar in self.known:
            return self.known[bar][0]
        return self.cursor.origin + (bar - 1 - self.cursor.bars_before) * self.bar

    def close(self, bar: int) -> int:
        """Where a bar ends: the last one of the piece where the pickup completes it."""
        return self.known[bar][1] if bar in self.known else min(self.tick(bar + 1), self.end)

    def phrase_end(self, bar: int) -> int:
        """Where the phrase ends that closes in a bar: where a section begins with its pickup, before that."""
        inside = (start for start, _ in self.sections if self.tick(bar) < start < self.close(bar))
        return next(inside, self.close(bar))

    def number(self, tick: int) -> int:
        """The bar that a tick lies in."""
        found = next((bar for bar, (start, end) in self.known.items() if start <= tick < end), None)
        return (tick - self.cursor.origin) // self.bar + 1 + self.cursor.bars_before if found is None else found

    def meter(self, tick: int) -> Meter:
        """The meter at a tick."""
        return self.piece.meter_at(tick) if self.piece else Meter(0, self.cursor.beats, self.cursor.unit)

    def key(self, tick: int) -> tuple[int, str]:
        """The signature, in fifths, and the mode at a tick."""
        key = self.piece.key_at(tick) if self.piece else Key(0, self.cursor.fifths, self.cursor.mode)
        return key.fifths, key.mode

    def models(self, tick: int, closing: bool = False) -> list[int]:
        """A tick, and where the section that it lies in (or closes) had its model."""
        found = [tick]
        for start, model in self.sections:
            length = self._section
            inside = start < tick <= start + length if closing else start <= tick < start + length
            if inside and model >= 0:
                found.append(tick - start + model)
        return found

    def at(self, voice: int, tick: int) -> Cursor:
        """A cursor there that knows of no music before; `voice`: 0 = the chord voice, 1 = the first voice of notes.

        Key and voices are those of the place; bars are not: they are counted as after the opening.
        """
        cursor = self.cursor.copy()
        cursor.phase, cursor.now, cursor.building = BODY, tick, ()
        cursor.fifths, cursor.mode = self.key(tick)
        cursor.voices = [Voice(own.family) for own in cursor.voices]
        for own in cursor.voices:
            own.end = tick
        cursor.voice = voice - (not self.chords)
        return cursor

    @property
    def _section(self) -> int:
        return (self.end - self.begin) // len(self.sections)


def lengths_of(habits: Habits, request: Request, ticks: int, wide: bool = False) -> tuple[int, ...]:
    """The duration ids to compose with: those of the songs, or those asked for.

    Raises:
        RequestError: with those asked for, a piece of so many ticks cannot be filled.
    """
    usual = {*habits.lengths, *range(2, v.DURATIONS)} if wide else set(habits.lengths)
    if request.steps is not None:
        if request.steps not in v.DURATION:
            raise RequestError("steps of this length have no name", fix="write for example: 1/4, 1/8, 1/16")
        usual = {v.DURATION[request.steps]}
    if request.shortest is not None:
        usual = {d for d in usual if d == v.JOIN or v.TICKS[d] >= request.shortest}
    found = tuple(sorted(usual))
    lengths = [v.TICKS[d] for d in found if d != v.JOIN]
    if not lengths or (not wide and not Filling(found, ticks).fits(ticks)):
        if wide or request.steps is not None:
            raise RequestError("bars of this meter cannot be filled with these lengths", fix="allow shorter ones")
        return lengths_of(habits, request, ticks, wide=True)  # the lengths learned do not fill this meter
    if not Filling(found, ticks).fits(ticks):
        raise RequestError("bars of this meter cannot be filled with these lengths", fix="allow shorter ones")
    return found


def framed(habits: Habits, request: Request, opening: Cursor, end: int) -> Frame:
    """The room for a piece that ends at a tick."""
    filling = Filling(lengths_of(habits, request, end), end)
    sections: list[tuple[int, int]] = []
    letters = letters_of(request.form)
    if letters:
        length, first = end // len(letters), dict[str, int]()
        for place, (letter, _) in enumerate(letters):
            sections.append((place * length, first.get(letter, -1)))
            first.setdefault(letter, place * length)
    return Frame(opening, 0, end, filling, tuple(sections))


def letters_of(form: str | None) -> list[tuple[str, bool]]:
    """The letters of a form, and whether each is varied."""
    text = form or ""
    return [(letter, text[i + 1 : i + 2] == "'") for i, letter in enumerate(text) if letter != "'"]
