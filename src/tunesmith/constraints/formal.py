"""What comes back: sections of a form, and what is kept of a piece."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from tunesmith.constraints.wish import NEVER, Bias, Filling, Wish, composing, durations, symbols, voice_number
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.codec import Event
from tunesmith.scheme.cursor import Cursor

Place = tuple[int, int, int]  # voice (as the cursor counts), tick, notes of the chord already there


@dataclass(frozen=True, slots=True)
class Form:
    """Sections that come back: at tick `starts[k]` what began at `models[k]` comes again, `length` ticks of it.

    `models[k]` is -1 where a section is new. Where `varied[k]`, its rhythm comes back and the notes on its beats, and
    the notes between are free; what was there gets `again` (nats). `given`: the chord voice is, by a `Progression`.
    """

    starts: tuple[int, ...]
    models: tuple[int, ...]
    varied: tuple[bool, ...]
    length: int
    again: float = field(default=-1.5, kw_only=True)
    given: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return "the form"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves what the section had that comes back."""
        if not composing(cursor) or not cursor.voices or (self.given and cursor.on_chord_voice):
            return None
        section = bisect_right(self.starts, cursor.now) - 1
        if section < 0 or cursor.now >= self.starts[section] + self.length:
            return None
        if self.models[section] < 0:
            return self._unlike(cursor, section) if symbol is None else None
        then = cursor.now - self.starts[section] + self.models[section]
        event = cursor.voices[cursor.voice].events.get((then, len(cursor.building)))
        if event is None:
            return None
        if symbol is not None:
            return _only_duration(event[1]) if symbol < v.CHORD.end and symbol != v.END else None
        free = self.varied[section] and event[0] < v.PITCH.end and not self._on_beat(cursor)
        bias = _only_symbol(event[0])
        if free:
            bias[: v.PITCH.end] = 0.0
            bias[event[0]] = self.again
        return bias

    def _unlike(self, cursor: Cursor, section: int) -> Bias | None:
        """In the first bar of a section that is new, the note that would make it that of another section."""
        start, own = self.starts[section], cursor.voices[cursor.voice].events
        if section == 0 or cursor.building or cursor.now >= start + cursor.bar_length or voice_number(cursor) != 1:
            return None
        bias = None
        for other, model in zip(self.starts[:section], self.models[:section], strict=True):
            then = own.get((cursor.now - start + other, 0)) if model < 0 else None
            if then is None or cursor.now + v.TICKS[then[1]] < start + cursor.bar_length:
                continue  # not the last of that bar
            places = [place for place in own if other <= place[0] < cursor.now - start + other]
            if all(own.get((tick - other + start, joined)) == own[tick, joined] for tick, joined in places):
                bias = symbols() if bias is None else bias
                bias[then[0]] = NEVER
        return bias

    @staticmethod
    def _on_beat(cursor: Cursor) -> bool:
        compound = cursor.unit >= 8 and cursor.beats > 3 and cursor.beats % 3 == 0
        return cursor.position % (cursor.bar_length // cursor.beats * (3 if compound else 1)) == 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Events of a piece that stay as they are, by their places; `gaps` are free: voice, first tick, end.

    `controls`: changes of meter and key, by their ticks. Voices are counted as the cursor does.
    """

    events: Mapping[Place, Event]
    gaps: tuple[tuple[int, int, int], ...]
    controls: Mapping[int, tuple[Event, ...]]
    filling: Filling
    given: bool = False  # whether the chords are, and with them their lengths
    words: str = "what is kept of the piece"

    def __str__(self) -> str:
        return self.words

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves what is kept alone, and ends what comes before in time."""
        if not composing(cursor) or not cursor.voices:
            return None
        event = self.due(cursor)
        if event is not None:
            return _only_symbol(event[0]) if symbol is None else _only_duration(event[1])
        gap = next(((a, b) for voice, a, b in self.gaps if voice == cursor.voice and a <= cursor.now < b), None)
        if gap is None or (self.given and symbol is not None and cursor.on_chord_voice):
            return None
        return self._symbols(cursor.now == gap[0]) if symbol is None else self._durations(symbol, gap[1] - cursor.now)

    def due(self, cursor: Cursor) -> Event | None:
        """The event that is kept here, if one is."""
        if not composing(cursor) or not cursor.voices:
            return None
        return self._control(cursor) or self.events.get((cursor.voice, cursor.now, len(cursor.building)))

    @staticmethod
    def _symbols(begins: bool) -> Bias:
        bias = symbols()
        bias[v.METER.first : v.METER.end] = bias[v.KEY.first : v.KEY.end] = NEVER
        if begins:
            bias[v.HOLD] = NEVER  # what was kept is not made longer
        return bias

    def _durations(self, symbol: int, left: int) -> Bias | None:
        if symbol >= v.CHORD.end or symbol == v.END:
            return None
        return self.filling.within(left)

    def _control(self, cursor: Cursor) -> Event | None:
        """The change of meter or key that is due, if one is."""
        told = self.controls.get(cursor.now, ())
        if not told or not cursor.aligned:
            return None
        for event in told:
            if event[0] in v.METER and cursor.changed < 1:
                return event
            if event[0] in v.KEY and cursor.changed < 2:
                return event
        return None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A wish that holds where nothing is kept: what is kept is kept, whatever else is wished.

    A wish that looks back at notes (`looks_back` of them) holds for what is kept too, if one of those is new, but for
    kept notes one that is `about_new_notes`.
    """

    kept: Kept
    wish: Wish

    def __str__(self) -> str:
        return str(self.wish)

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """What the wish says, or nothing."""
        due = self.kept.due(cursor)
        if due is not None:
            new_alone = due[0] < v.PITCH.end and getattr(self.wish, "about_new_notes", False)
            if new_alone or self._all_kept(cursor):
                return None
        return self.wish(cursor, symbol)

    def _all_kept(self, cursor: Cursor) -> bool:
        """Whether the notes that the wish looks back at are kept."""
        back: int = getattr(self.wish, "looks_back", 0)
        onsets = islice(reversed(cursor.voices[cursor.voice].past), back)
        return all((cursor.voice, onset, 0) in self.kept.events for onset in onsets)


@dataclass(frozen=True, slots=True)
class KeptRhythm:
    """The rhythm of a piece stays as it is: notes begin, are held and rest where they did; pitches are free."""

    events: Mapping[Place, Event]

    def __str__(self) -> str:
        return "the rhythm that is kept"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Leaves notes for a note, and the length that was there."""
        if not composing(cursor) or not cursor.voices:
            return None
        event = self.events.get((cursor.voice, cursor.now, len(cursor.building)))
        if event is None:
            return None
        if symbol is not None:
            return _only_duration(event[1]) if symbol < v.CHORD.end and symbol != v.END else None
        bias = _only_symbol(event[0])
        if event[0] < v.PITCH.end:
            bias[: v.PITCH.end] = 0.0
        return bias


def _only_symbol(symbol: int) -> Bias:
    bias = symbols(NEVER)
    bias[symbol] = 0.0
    return bias


def _only_duration(duration: int) -> Bias:
    bias = durations(NEVER)
    bias[duration] = 0.0
    return bias
