"""How lengths are written down: note values, dots, ties and tuplets that show the meter.

Conventions:
- A bar is a tree of strong and weak places. The level of a place is 0 on the bar line, 1 on the strongest
  places inside (the middle of 4/4, each dotted beat of 6/8), then beats, half beats, and so on.
- A note may hide a place of level c only when it starts and ends on places no weaker than c + 1, and a rest only
  when it starts and ends on stronger ones; all others are cut there and tied.
  Source: E. Gould, "Behind Bars", Faber 2011, ch. 4 (grouping) and 5 (tuplets).
- Positions are ticks from the start of the bar, as if a pickup had all its bar; spans are half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunesmith.score import TPQ, Meter

GRAIN = TPQ // 32  # a 128th, the shortest value that is written
TYPES = ("128th", "64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve", "long")
VALUES = {GRAIN << n: (name, 0) for n, name in enumerate(TYPES)} | {
    3 * GRAIN << n: (name, 1) for n, name in enumerate(TYPES[1:])
}
FLAGS = {name: 5 - n for n, name in enumerate(TYPES[:5])}  # beams: an eighth has 1

# upper figure of the time signature -> how its units are grouped, from strong to weak
GROUPS: dict[int, tuple[tuple[int, ...], ...]] = {
    4: ((2, 2),),
    5: ((3, 2),),
    6: ((3, 3),),
    7: ((2, 2, 3),),
    8: ((4, 4), (2, 2, 2, 2)),
    9: ((3, 3, 3),),
    10: ((5, 5), (3, 2, 3, 2)),
    12: ((6, 6), (3, 3, 3, 3)),
    15: ((3, 3, 3, 3, 3),),
}
TUPLETS = (3, 5, 7, 9, 15)  # notes in the time of the next smaller power of two, tried in this order
SMALLEST_WINDOW = TPQ // 8  # a tuplet takes the place of a 32nd at least
UNWRITABLE = 1 << 30  # the cost of a window that no tuplet fits


@dataclass(frozen=True, slots=True)
class Tuplet:
    """`actual` notes in the time of `normal`, over the ticks [start, end) of the bar."""

    actual: int
    normal: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One written note value over the ticks [start, end) of the bar. `kind` is MusicXML's name of the value."""

    start: int
    end: int
    kind: str
    dots: int = 0
    tuplet: Tuplet | None = None


@dataclass(frozen=True)
class Grid:
    """The levels of the places of a bar, or of a tuplet, one every `GRAIN` ticks, the closing bar line included."""

    levels: tuple[int, ...]
    binary: tuple[bool, ...]  # for each level: whether every span between its places is halved by the next

    def places(self, level: int) -> list[int]:
        """The places, in ticks, that are at least as strong as a level."""
        return [n * GRAIN for n, found in enumerate(self.levels) if found <= level]

    def keeps(self, start: int, end: int, rest: bool) -> tuple[bool, int]:
        """Whether [start, end) may be written as one value, and if not, where to cut it."""
        first, last = start // GRAIN, end // GRAIN
        inside = self.levels[first + 1 : last]
        whole = end - start in VALUES
        if not inside:
            return whole, start
        crossed = min(inside)
        weakest = max(self.levels[first], self.levels[last])
        if rest:
            allowed = weakest < crossed
        else:
            syncopated = weakest == crossed + 1 and self.binary[crossed] and inside.count(crossed) == 1
            allowed = weakest <= crossed or syncopated
        found = [n for n, level in enumerate(inside, first + 1) if level == crossed]
        cut = found[-1] if self.levels[first] <= crossed else found[0]
        return whole and allowed, cut * GRAIN

    def write(self, start: int, end: int, rest: bool) -> list[tuple[int, int]]:
        """[start, end) cut into spans that are each one note value."""
        kept, cut = self.keeps(start, end, rest)
        if kept or not start < cut < end:
            return [(start, end)]
        return self.write(start, cut, rest) + self.write(cut, end, rest)


@lru_cache(maxsize=256)
def grid(units: int, unit: int, groups: tuple[tuple[int, ...], ...] = ()) -> Grid:
    """The grid of `units` times `unit` ticks, grouped as in `GROUPS`."""
    levels = [99] * (units * unit // GRAIN + 1)

    def mark(places: Iterable[int], level: int) -> None:
        for place in places:
            levels[place // GRAIN] = min(levels[place // GRAIN], level)

    mark((0, units * unit), 0)
    depth = 1
    for row in groups:
        mark((sum(row[:n]) * unit for n in range(len(row) + 1)), depth)
        depth += 1
    while unit >= GRAIN and unit % GRAIN == 0:
        mark(range(0, len(levels) * GRAIN, unit), depth)
        unit, depth = unit // 2, depth + 1
    return Grid(tuple(levels), tuple(_halved(levels, level) for level in range(depth)))


def _halved(levels: Sequence[int], level: int) -> bool:
    text = "".join("|" if n <= level else "." if n == level + 1 else "" for n in levels)
    return all(span == "." for span in text[1:-1].split("|"))


def meter_grid(meter: Meter) -> Grid | None:
    """The grid of a meter; None where its unit is no note value."""
    unit = 4 * TPQ // meter.unit
    return grid(meter.beats, unit, GROUPS.get(meter.beats, ())) if unit in VALUES else None


def beam_spans(meter: Meter) -> list[int]:
    """Where beams end: the bar lines and the edges of beats, in rising order."""
    unit = 4 * TPQ // meter.unit
    if meter.unit < 8:
        return list(range(0, meter.bar + 1, unit))
    row = GROUPS[meter.beats][-1] if meter.beats in GROUPS else (meter.beats,)
    return [sum(row[:n]) * unit for n in range(len(row) + 1)]


@lru_cache(maxsize=64)
def windows(meter_levels: Grid) -> tuple[tuple[int, int], ...]:
    """The spans of a bar that a tuplet may fill: the spans of every level, and two beats side by side."""
    found: set[tuple[int, int]] = set()
    for level in range(max(meter_levels.levels) + 1):
        places = meter_levels.places(level)
        steps = (1, 2) if places[1] >= TPQ // 2 else (1,)
        found.update((a, b) for step in steps for a, b in zip(places, places[step:], strict=False))
    return tuple(sorted(w for w in found if w[1] - w[0] >= SMALLEST_WINDOW and w[1] - w[0] in VALUES))


Span = tuple[int, int, bool]  # start, end, whether it is a rest


def write_bar(spans: Sequence[Span], meter: Meter) -> list[list[Piece]]:
    """The pieces of each span of a bar. Spans are in order and without gaps.

    Where the times fit no note value and no tuplet (music that was not quantised), each span becomes one piece of
    the nearest value, so that the ticks stay true.
    """
    levels = meter_grid(meter)
    inside = levels is not None and spans[-1][1] <= (len(levels.levels) - 1) * GRAIN and spans[0][0] >= 0
    tuplets = _tile(spans, levels) if levels and inside else None
    if levels is None or tuplets is None:
        return [[_nearest(start, end)] for start, end, _ in spans]
    return [_write_span(span, levels, tuplets) for span in spans]


def _write_span(span: Span, levels: Grid, tuplets: Sequence[Tuplet]) -> list[Piece]:
    start, end, rest = span
    pieces: list[Piece] = []
    for tuplet in (t for t in tuplets if t.start < end and t.end > start):
        pieces += _plain(start, min(end, tuplet.start), rest, levels)
        pieces += _in_tuplet(max(start, tuplet.start), min(end, tuplet.end), rest, tuplet)
        start = tuplet.end
    return pieces + _plain(start, end, rest, levels)


def _plain(start: int, end: int, rest: bool, levels: Grid) -> list[Piece]:
    if start >= end:
        return []
    return [Piece(a, b, *VALUES.get(b - a, ("128th", 0))) for a, b in levels.write(start, end, rest)]


def _in_tuplet(start: int, end: int, rest: bool, tuplet: Tuplet) -> list[Piece]:
    actual, normal, origin = tuplet.actual, tuplet.normal, tuplet.start
    levels = grid(actual, (tuplet.end - origin) // normal)
    written = levels.write((start - origin) * actual // normal, (end - origin) * actual // normal, rest)
    return [
        Piece(origin + a * normal // actual, origin + b * normal // actual, *VALUES.get(b - a, ("128th", 0)), tuplet)
        for a, b in written
    ]


def _nearest(start: int, end: int) -> Piece:
    value = min(VALUES, key=lambda ticks: abs(ticks - (end - start)))
    return Piece(start, end, *VALUES[value])


def _tile(spans: Sequence[Span], levels: Grid) -> list[Tuplet] | None:
    """The tuplets that give every span the fewest pieces; None where none can."""
    edges = sorted({time for start, end, _ in spans for time in (start, end)})
    odd = [time for time in edges if time % GRAIN]
    if not odd:
        return []
    low, high = edges[0], edges[-1]
    fitting: list[tuple[int, Tuplet]] = []
    for start, end in windows(levels):
        # A tuplet leaves the bar only where the bar itself (a pickup) begins or ends inside a tuplet.
        outside = (start < low and not low % GRAIN) or (end > high and not high % GRAIN)
        if outside or not any(start < time < end for time in odd):
            continue
        tuplet = _fit([t for t in edges if start < t < end], start, end)
        if tuplet:
            fitting.append((_cost(spans, tuplet), tuplet))
    best = _cover(odd, 0, 0, fitting, {})
    return best[1] if best[0] < UNWRITABLE else None


def _fit(inside: Sequence[int], start: int, end: int) -> Tuplet | None:
    length = end - start
    for actual in TUPLETS:
        unit = 3 if VALUES[length][1] else 1  # a dotted length holds three, six, ... of a value
        normal = max(unit << n for n in range(4) if unit << n < actual or n == 0)
        value = length // normal
        if actual == normal or value % GRAIN:
            continue
        if all((time - start) * actual % (normal * GRAIN) == 0 for time in inside):
            return Tuplet(actual, normal, start, end)
    return None


def _cost(spans: Sequence[Span], tuplet: Tuplet) -> int:
    clipped = [(max(a, tuplet.start), min(b, tuplet.end), rest) for a, b, rest in spans]
    pieces = sum(len(_in_tuplet(a, b, rest, tuplet)) for a, b, rest in clipped if a < b)
    # A note that reaches over an edge needs one piece more outside.
    cut = sum(a < edge < b for a, b, rest in spans for edge in (tuplet.start, tuplet.end) if not rest)
    # Among equals, short tuplets: two triplets are read more easily than a sextuplet.
    return 100 * (pieces + cut) + (2 * (tuplet.end - tuplet.start) // TPQ) ** 2


def _cover(
    odd: Sequence[int],
    index: int,
    free: int,
    fitting: Sequence[tuple[int, Tuplet]],
    known: dict[tuple[int, int], tuple[int, list[Tuplet]]],
) -> tuple[int, list[Tuplet]]:
    """The cheapest row of tuplets over `odd[index:]`, none before `free`."""
    if index == len(odd):
        return 0, []
    if (index, free) not in known:
        best: tuple[int, list[Tuplet]] = (UNWRITABLE, [])
        for cost, tuplet in fitting:
            if tuplet.start < free or not tuplet.start < odd[index] < tuplet.end:
                continue
            after = next((n for n in range(index, len(odd)) if odd[n] >= tuplet.end), len(odd))
            rest, chosen = _cover(odd, after, tuplet.end, fitting, known)
            best = min(best, (cost + rest, [tuplet, *chosen]), key=lambda found: found[0])
        known[index, free] = best
    return known[index, free]
