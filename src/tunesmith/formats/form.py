"""The form of a piece as it is written: from marks (bar lines, repeat signs, endings, meters) to bars and repeats.

Shared by the readers. `grid(marks, total)` finds meters, pickup, and bars that do not add up; `repeats(marks, total)`
the repeats, read as players do: forgiving.

`Score.bars` is regular from each `Meter` on. So a bar that is written shorter or longer gets a `Meter` where
the next bar starts, which puts the bar lines right again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from tunesmith.score import TPQ, Ending, Meter, Repeat

Place = tuple[int, int]  # line, column (or measure, 0)
MeterField = tuple[int, int] | None
WHOLE = 4 * TPQ
MOST_PASSES = 100  # of a repeat; no music asks for more, and absurd figures must not fill the memory


@dataclass(slots=True)
class Mark:
    """A point of the form, at a time in ticks. `at` is where its bar begins in the file.

    `kind` and `value`: "bar"; "double" (double or final bar line); "open" (start of a repeat; how often it is played)
    and "close" (its end; how often); "ending" (an ending starts; its passes, a tuple); "meter" ((beats, unit) or None).
    """

    time: int
    kind: str
    value: object = None
    at: Place = (0, 0)


@dataclass(slots=True)
class Boundary:
    """A time at which bar lines stand. `strong`: a repeat sign or double bar, at which a bar may be broken."""

    time: int
    at: Place
    strong: bool = False
    changes: bool = False
    meter: MeterField = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Odd:
    """A bar that does not add up: its length in ticks, its meter, whether it stands before or after a strong line."""

    length: int
    meter: Meter
    at: Place
    before: bool
    after: bool

    def __str__(self) -> str:
        return f"a bar is {Fraction(self.length, WHOLE)} long in {self.meter.beats}/{self.meter.unit}"


@dataclass(slots=True)
class Grid:
    """The bars of a tune: where its meters start, its pickup, and the bars that do not add up."""

    meters: list[Meter] = field(default_factory=list)
    pickup: int = 0
    odd: list[Odd] = field(default_factory=list)
    start: int = 0  # of the bar that is open
    start_strong: bool = True
    holds: list[int] = field(default_factory=list)  # strong lines inside the bar that is open
    opening: bool = True  # no bar has ended yet

    def step(self, line: Boundary, meter: Meter) -> None:
        """End the open bar, or parts of it, at a boundary."""
        while line.time > self.start:
            length, bar = line.time - self.start, meter.bar
            if length == bar or (length < bar and self.holds and (line.changes or line.last)):
                self.begin(line.time, line.strong)
            elif length < bar and line.strong and not line.last and not line.changes:
                self.holds.append(line.time)
                return
            elif self.opening and length < bar and not line.last:
                self.pickup = length
                self.begin(line.time, line.strong)
            elif self.holds:
                self.break_at(next((h for h in self.holds if (line.time - h) % bar == 0), self.holds[0]), meter, line)
            else:
                self.report(length, meter, line.at, line.strong or line.last)
                if length % bar and not line.last and not line.changes:
                    self.realign(line.time, meter)
                self.begin(line.time, line.strong)

    def break_at(self, hold: int, meter: Meter, line: Boundary) -> None:
        """End the open bar at a strong line inside it, for the rest does not make it whole."""
        holds = [h for h in self.holds if h > hold]
        if self.opening:
            self.pickup = hold
        else:
            self.report(hold - self.start, meter, line.at, True)
            self.realign(hold, meter)
        self.begin(hold, True)
        self.holds = holds

    def begin(self, time: int, strong: bool) -> None:
        """Open a bar."""
        self.start, self.start_strong, self.holds, self.opening = time, strong, [], False

    def realign(self, time: int, meter: Meter) -> None:
        """Say the meter again, where the next bar starts."""
        self.meters.append(Meter(time, meter.beats, meter.unit))

    def report(self, length: int, meter: Meter, at: Place, before: bool) -> None:
        """Remember a bar that does not add up."""
        self.odd.append(Odd(length, meter, at, before, self.start_strong))

    def faults(self) -> list[Odd]:
        """The bars that nothing makes whole: a short bar before a sign may be filled by a short one after another."""
        afters = {self.pickup, *(o.length for o in self.odd if o.after)}
        befores = {o.length for o in self.odd if o.before}

        def whole(odd: Odd) -> bool:
            missing = odd.meter.bar - odd.length
            return (odd.before and missing in afters) or (odd.after and missing in befores)

        return [odd for odd in self.odd if not whole(odd)]


def grid(marks: list[Mark], total: int) -> Grid:
    """The bars that the marks of a voice make, up to `total` ticks."""
    result = Grid()
    meter: Meter | None = None
    for line in _boundaries(marks, total):
        if meter:
            result.step(line, meter)
        else:
            result.begin(line.time, True)
        if line.changes:
            meter = Meter(line.time, *line.meter) if line.meter else None
            if meter:
                result.meters.append(meter)
            if line.time == 0:
                result.opening = True
    return result


def _boundaries(marks: list[Mark], total: int) -> Iterator[Boundary]:
    """The marks joined into one boundary for each time, and one at the end."""
    found: dict[int, Boundary] = {}
    for mark in marks:
        line = found.setdefault(mark.time, Boundary(mark.time, mark.at))
        if mark.kind == "meter":
            line.changes, line.meter = True, mark.value  # type: ignore[assignment]  # what a meter mark holds
        line.strong |= mark.kind not in ("bar", "meter")
    found.setdefault(total, Boundary(total, marks[-1].at if marks else (0, 0)))
    lines = [found[time] for time in sorted(found) if time <= total]
    lines[-1].last = True
    yield from lines


@dataclass(slots=True)
class Form:
    """Repeats, read mark by mark, as players do: forgiving."""

    repeats: list[Repeat] = field(default_factory=list)
    start: int = 0
    times: int = 2
    endings: list[Ending] = field(default_factory=list)
    open: tuple[int, tuple[int, ...]] | None = None  # the ending being played: where it starts, its passes
    closed: bool = False  # whether an ending had its `:|`

    def close_ending(self, time: int) -> None:
        """The ending being played stops here."""
        if self.open and time > self.open[0]:
            self.endings.append(Ending(self.open[0], time, self.open[1]))
        self.open = None

    def finish(self) -> None:
        """The repeat whose endings are all read is complete."""
        if self.endings:
            most = max(max(e.passes) for e in self.endings)
            if len(self.endings) > 1 or self.closed:
                times = most if len(self.endings) > 1 else most + 1
                self.repeats.append(Repeat(self.start, self.endings[-1].end, max(times, 2), tuple(self.endings)))
            self.start = self.endings[-1].end
        self.endings, self.closed, self.times = [], False, 2

    def read(self, mark: Mark) -> None:
        """Take the next mark."""
        if self.endings and not self.open and mark.time > self.endings[-1].end:
            self.finish()
        if mark.kind == "open":
            self.close_ending(mark.time)
            self.finish()
            self.start, self.times = mark.time, int(str(mark.value))
        elif mark.kind == "close":
            self.close(mark)
        elif mark.kind == "ending":
            self.close_ending(mark.time)
            if self.endings or mark.time > self.start:
                self.open = mark.time, mark.value  # type: ignore[assignment]  # what an ending mark holds
        elif mark.kind == "double" and self.open and self.endings and mark.time > self.open[0]:
            self.close_ending(mark.time)
            self.finish()

    def close(self, mark: Mark) -> None:
        """`:|`: the end of an ending, or of a repeat without endings."""
        if self.open:
            self.close_ending(mark.time)
            self.closed = True
        elif not self.endings and mark.time > self.start:
            self.repeats.append(Repeat(self.start, mark.time, max(self.times, int(str(mark.value)))))
            self.start, self.times = mark.time, 2


def repeats(marks: list[Mark], total: int) -> tuple[Repeat, ...]:
    """The repeats that the marks of a voice make, up to `total` ticks."""
    form = Form()
    for mark in marks:
        form.read(mark)
    form.close_ending(total)
    form.finish()
    return tuple(form.repeats)
