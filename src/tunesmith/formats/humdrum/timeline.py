"""Time: when the tokens of each line sound.

The tokens of one line sound together, and a token lasts as its length says. So all columns that have a token on a
line must have come to the end of their last one at the same time, which is the time of the line. Where they have
not (a bar that is too short in one voice), the time on which most agree holds, notes before rests, and the others
are set right: an error is not carried on, and it is counted.

Between two lines stand bar lines and interpretations. A bar line may have notes held over it in every column (long
rests in old music): then only the meter says where it stands; see `marks`.

Times here are exact integers in parts of a tick, `scale` of them to one, which grows as lengths ask for it (11 in
the time of 8). Notes are kept in whole ticks, each rounded from its exact time, so that columns stay together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from tunesmith.errors import FormatError
from tunesmith.formats.humdrum.lengths import FINEST, WHOLE
from tunesmith.formats.humdrum.spines import Column, Sounding, Spine
from tunesmith.formats.humdrum.tokens import TIE_ENDS, TIE_STARTS, UNTIED, Token, read_token

LONGEST_PIECE = 40_000 * WHOLE  # ticks: more than a day at a usual tempo
MAX_NOTES = 250_000
_MOST_TOKENS = 100_000  # kept; a file that repeats none of its tokens is no music


@dataclass(slots=True)
class Sign:
    """A bar line ("bar", with its token) or interpretation between two lines of notes.

    It stands somewhere in [low, high] ticks: after the line before has begun, before the line after.
    """

    kind: str
    value: object
    line: int
    low: int
    high: int = -1


@dataclass(frozen=True, slots=True)
class Event:
    """A token with its lengths in parts of a tick. `tones`: (pitch, fifths, tie, length). `odd`: to be counted."""

    length: int
    tones: tuple[tuple[int, int, int, int], ...]
    token: Token
    odd: bool


Columns = list[tuple[int, Column]]  # those that hold music, with their places among the fields of a line
Playing = tuple[Column, Event, int]  # a column that begins something on this line, and its place


@dataclass(slots=True)
class Tally:
    """How often something happened, and where first: (line, field)."""

    count: int = 0
    first: tuple[int, int] = (0, 0)

    def add(self, line: int, place: int, count: int = 1) -> None:
        """Count it once more."""
        if not self.count:
            self.first = line, place
        self.count += count


@dataclass(slots=True)
class Timeline:
    """The time of the line being read, and the notes so far (they are kept in their spines)."""

    scale: int = 1
    notes: int = 0
    now: int = -1  # when the last line with notes began, in parts of a tick
    events: dict[str, Event] = field(default_factory=dict)
    signs: list[Sign] = field(default_factory=list)
    waiting: int = 0  # how many of the signs, from the end, have no time yet
    bars: bool = False  # whether one of them is a bar line
    slips: Tally = field(default_factory=Tally)
    graces: Tally = field(default_factory=Tally)
    lost: Tally = field(default_factory=Tally)

    def play(self, line: int, columns: Columns, fields: list[str]) -> None:
        """Take a line of notes.

        Raises:
            FormatError: a token that cannot be; the place is filled in.
        """
        playing: list[Playing] = []
        scale = self.scale
        for place, column in columns:
            text = fields[place]
            if text == ".":
                continue
            event = self.events.get(text) or self.learn(text, line, place, columns)
            if event.odd:
                self.count(event.token, column.spine, line, place)
            if event.length:
                playing.append((column, event, place))
        if scale != self.scale:  # it has grown with the last of them: the first ones need their lengths anew
            playing = [(column, self.learn(fields[place], line, place, columns), place) for column, _, place in playing]
        if playing:
            self.start(line, columns, playing)

    def count(self, token: Token, spine: Spine, line: int, place: int) -> None:
        """Count what a token holds that is left out."""
        if token.unpitched and spine.stroke is None:
            spine.stroke = line, place
        if token.graces:
            self.graces.add(line, place, token.graces)
        if token.lost:
            self.lost.add(line, place)

    def start(self, line: int, columns: Columns, playing: list[Playing]) -> None:
        """Begin the notes and rests of a line, all at one time."""
        now = playing[0][0].end
        if now <= self.now or any(column.end != now for column, _, _ in playing):
            now = self.settle([(column, place) for column, _, place in playing], columns, line)
        if self.waiting:
            self.place_signs(now, columns, line)
        self.now, whole = now, self.scale == 1
        tick = now if whole else self.ticks(now)
        for column, event, _ in playing:
            column.end = now + event.length
            column.rests, column.idle = not event.tones, False
            spine, layer = column.spine, column.layer
            self.notes += len(event.tones)
            for pitch, fifths, tie, length in event.tones:
                end = tick + length if whole else self.ticks(now + length)
                note = Sounding(tick, end, pitch, fifths, layer, spine.velocity, event.token.unpitched)
                if tie == UNTIED:
                    spine.notes.append(note)
                else:
                    _tie(spine, note, tie)
        if self.notes > MAX_NOTES:
            raise FormatError(f"more than {MAX_NOTES:,} notes, too many for a song", where=where(line))

    def ticks(self, time: int) -> int:
        """A time in whole ticks, to the nearest."""
        return (2 * time + self.scale) // (2 * self.scale)

    def parts(self, length: Fraction) -> int:
        """A length in ticks in parts of a tick; the scale is fine enough for it."""
        return length.numerator * (self.scale // length.denominator)

    def learn(self, text: str, line: int, place: int, columns: Columns) -> Event:
        """Read a token that has not been seen before."""
        try:
            token = read_token(text)
            parts = lcm(token.length.denominator, *[tone.length.denominator for tone in token.tones])
            if self.scale % parts:
                self.refine(parts, columns)
        except FormatError as error:
            error.where = where(line, place)
            raise
        tones = tuple([(t.pitch, t.fifths, t.tie, self.parts(t.length)) for t in token.tones])
        event = Event(self.parts(token.length), tones, token, bool(token.graces) or token.lost or token.unpitched)
        if len(self.events) < _MOST_TOKENS:
            self.events[text] = event
        return event

    def refine(self, parts: int, columns: Columns) -> None:
        """Make the parts of a tick fine enough for a length with this denominator."""
        finer = lcm(self.scale, parts)
        if finer > FINEST:
            raise FormatError("too many unlike note lengths for one piece", fix="look at this length")
        factor, self.scale = finer // self.scale, finer
        self.events.clear()
        self.now = self.now * factor if self.now > 0 else self.now
        for _, column in columns:
            column.end *= factor

    def settle(self, playing: list[tuple[Column, int]], columns: Columns, line: int) -> int:
        """The time of a line on which its columns do not agree; those that differ are counted."""
        votes: Counter[int] = Counter()
        for column, _ in playing:
            if column.end > self.now:
                votes[column.end] += 0 if column.idle else 1 if column.rests else 2
        if votes:
            now = max(votes, key=lambda time: (votes[time], time))
        else:
            now = min((column.end for _, column in columns if column.end > self.now), default=max(self.now, 0))
        for column, place in playing:
            if column.end != now and not column.idle:
                self.slips.add(line, place)
        return now

    def place_signs(self, now: int, columns: Columns, line: int) -> None:
        """Give the signs since the last line of notes the time of this one; a bar line sets short columns right."""
        tick = self.ticks(now)
        for sign in self.signs[-self.waiting :]:
            sign.high = tick
        if self.bars:
            for place, column in columns:
                if column.end < now:
                    if not column.idle:
                        self.slips.add(line, place)
                    column.end, column.idle = now, True
        self.waiting, self.bars = 0, False
        if tick > LONGEST_PIECE:
            raise FormatError("the piece would last for days", where=where(line), fix="look at its note lengths")

    def sign(self, kind: str, value: object, line: int) -> None:
        """Remember a bar line or interpretation; its time is known when the next notes come."""
        self.signs.append(Sign(kind, value, line, self.ticks(max(self.now, 0))))
        self.waiting += 1
        self.bars |= kind == "bar"

    def close(self, columns: Columns, line: int) -> int:
        """The end of the music in ticks, after its last line."""
        lasting = [(column, place) for place, column in columns if column.end > self.now] or [
            (c, p) for p, c in columns
        ]
        ends = {column.end for column, _ in lasting}
        now = ends.pop() if len(ends) == 1 else self.settle(lasting, columns, line)
        if self.waiting:
            self.place_signs(now, columns, line)
        return self.ticks(now)


def _tie(spine: Spine, note: Sounding, tie: int) -> None:
    """Begin a tied note, or lengthen the one that is tied to here; without such a one it is a note of its own."""
    tied = spine.tied.setdefault(note.pitch, [])
    if tie != TIE_STARTS:
        before = [other for other in tied if other.end == note.onset]
        held = next((other for other in before if other.layer == note.layer), before[0] if before else None)
        if held:
            held.end = note.end
            if tie == TIE_ENDS:
                tied.remove(held)
            return
    spine.notes.append(note)
    if tie != TIE_ENDS:
        tied[:] = [other for other in tied if other.end >= note.onset]
        tied.append(note)


def where(line: int, place: int | None = None) -> str:
    """A place in a file, the spine counted as the columns stand on that line."""
    return f"line {line}" if place is None else f"line {line}, spine {place + 1}"
