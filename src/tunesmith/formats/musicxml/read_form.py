"""The form of a piece from the signs of all its parts: where measures begin, and its bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.errors import FormatError
from tunesmith.formats.form import Grid, Mark, MeterField, grid
from tunesmith.formats.musicxml.read_lengths import Ticks
from tunesmith.formats.musicxml.read_part import PartReader
from tunesmith.formats.musicxml.read_signs import Place
from tunesmith.score import TPQ, Meter, Score

ROUNDED = TPQ // 96  # a measure that misses its meter by less, and has rounded lengths in it, is a whole one
MAX_TIME = 100_000 * TPQ  # a piece of 14 hours
_ORDER = {"meter": 0, "bar": 0, "close": 1, "double": 2, "ending": 3, "open": 4}  # of marks at one time


@dataclass(frozen=True, slots=True)
class Layout:
    """The measures of a piece: number, whether each goes on the bar before, and where each begins and the last ends."""

    numbers: tuple[str, ...]
    goes_on: tuple[bool, ...]
    starts: tuple[int, ...]  # one more than measures

    def time(self, place: Place) -> int:
        """The tick of a place; no offset leads beyond the end of the piece."""
        measure, ticks = place
        return self.starts[measure + 1] if ticks is None else min(round(self.starts[measure] + ticks), self.total)

    @property
    def total(self) -> int:
        """Where the last measure ends."""
        return self.starts[-1]


def lay_out(parts: Sequence[PartReader]) -> Layout:
    """Where each measure of the piece begins: it lasts as long as it does in the part that fills it most.

    Raises:
        FormatError: the piece would last for more than half a day.
    """
    longest = max(parts, key=lambda part: len(part.spans))
    meters = {place[0]: meter for part in reversed(parts) for place, meter in part.signs.meters}
    starts, bar = [0], 0
    for index in range(len(longest.spans)):
        if index in meters:
            bar = _bar(meters[index])
        starts.append(starts[-1] + _length(parts, index, bar))
        if starts[-1] > MAX_TIME:
            raise FormatError("lasts for more than half a day", where=f"measure {longest.spans[index].number}")
    numbers = tuple(span.number for span in longest.spans)
    return Layout(numbers, _going_on(longest, meters, starts), tuple(starts))


def _bar(meter: MeterField) -> int:
    return Meter(0, *meter).bar if meter else 0


def _length(parts: Sequence[PartReader], index: int, bar: int) -> int:
    """The ticks of a measure. A rest of a whole measure may be written longer than its bar; a note may not."""
    spans = [part.spans[index] for part in parts if index < len(part.spans)]
    filled: Ticks = max(span.filled for span in spans)
    rests: Ticks = max(span.rests for span in spans)
    if filled and bar:
        rests = min(rests, max(bar, filled))
    length = round(max(filled, rests)) or bar or 4 * TPQ
    return bar if bar and any(s.rounded for s in spans) and abs(length - bar) <= ROUNDED else length


def _going_on(part: PartReader, meters: dict[int, MeterField], starts: list[int]) -> tuple[bool, ...]:
    """Whether each measure completes the bar of the one before: not counted ("X1"), it fits in what is missing."""
    found: list[bool] = []
    bar = begun = 0
    for index, span in enumerate(part.spans):
        bar = _bar(meters[index]) if index in meters else bar
        counted = not (span.implicit and span.number.upper().startswith("X"))
        fits = begun < starts[index] and starts[index + 1] - begun <= bar
        found.append(index > 0 and not counted and fits and index not in meters)
        begun = begun if found[-1] else starts[index]
    return tuple(found)


def marks_of(parts: Sequence[PartReader], layout: Layout) -> list[Mark]:
    """The marks of all parts in order; at one time the uppermost part that has a kind of mark counts."""
    found: dict[tuple[int, str], Mark] = {}
    for part in parts:
        for place, meter in part.signs.meters:
            _add(found, layout, place, "meter", meter)
        for place, kind, value in part.signs.lines:
            _add(found, layout, place, kind, value)
    for index in range(1, len(layout.numbers)):
        if not layout.goes_on[index]:
            _add(found, layout, (index, 0), "bar", None)
    return sorted(found.values(), key=_order)


def _order(mark: Mark) -> tuple[int, int]:
    return mark.time, _ORDER[mark.kind]


def _add(found: dict[tuple[int, str], Mark], layout: Layout, place: Place, kind: str, value: object) -> None:
    time = layout.time(place)
    found.setdefault((time, kind), Mark(time, kind, value, (place[0], 0)))


def bars(marks: list[Mark], total: int) -> Grid:
    """The bars: a meter said again where one in force has its bar line anyway adds nothing."""
    news: list[Mark] = []
    again: list[Mark] = []
    meter: object = None
    for mark in marks:
        repeated = mark.kind == "meter" and mark.value == meter and mark.value is not None
        (again if repeated else news).append(mark)
        meter = mark.value if mark.kind == "meter" else meter
    found = grid(news, total)
    if not again:
        return found
    lines = _lines(found, total)
    needed = [mark for mark in again if mark.time not in lines]
    return grid(sorted(news + needed, key=_order), total) if needed else found


def pickup(found: Grid, part: PartReader) -> int:
    """The pickup, in ticks. A short first bar that a new meter ends is none where it is counted as the first."""
    counted = not part.spans[0].implicit and part.spans[0].number == "1"
    return 0 if counted and any(m.onset == found.pickup for m in found.meters) else found.pickup


def _lines(found: Grid, total: int) -> set[int]:
    """Where bars begin."""
    meters = [Meter(m.onset, m.beats, m.unit) for m in found.meters]
    return _starts(Score(meters=tuple(meters), pickup=found.pickup), total)


def _starts(score: Score, total: int) -> set[int]:
    lines, now, place = {0, score.pickup}, score.pickup, 0
    meters = score.meters
    meter = score.meter_at(0)
    while now < total:
        while place < len(meters) and meters[place].onset <= now:
            meter, place = meters[place], place + 1
        now += meter.bar
        if place < len(meters):
            now = min(now, meters[place].onset)
        lines.add(now)
    return lines
