"""Repeats written out are folded again: sections that return at once become repeats, with endings where they differ.

Of all ways to print the piece, dynamic programming over its cells finds one that takes the fewest bars. Then the folded
piece is unfolded and held against the original: what does not come back equal is not folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.prepare.cells import Cells, Ints, cells_of, same_music
from tunesmith.score import Ending, Jump, Repeat, Score
from tunesmith.score.cut import merged

LEAST = 2  # bars of a section that is worth a repeat
LONGEST = 1024  # cells from one pass of a section to the next: more is not looked for
MOST_TIMES = 12  # passes of a section
LONGEST_ENDING = 4  # bars of an ending, and no longer than what it ends
SIGNS, BRACKET = 1.5, 0.75  # bars that the signs of a repeat, and each ending, must save to be worth reading
RETURN = 3.0  # bars that a D.C. al Fine must save
LEAST_RETURN = 4  # bars of a beginning that comes back at the end, to be worth a D.C. al Fine
CHOICES = 16  # repeats from one cell, and beginnings that come back, that are compared


def fold(score: Score, least: int = LEAST) -> Score:
    """The score with its exact repeats folded: whole sections of at least so many bars, and a D.C. al Fine.

    `fold(score).unfold()` is the score again, but for velocities (a section keeps those of its first pass) and
    meters, keys or tempos that are said twice. A score that has repeats already comes back as it is.
    """
    if score.repeats or score.jumps or not score.note_count:
        return score
    cells = cells_of(score)
    choices = _choices(cells, least)
    plans = [*_returning(cells, choices), _cheapest(cells, choices, cells.count)]
    for plan in sorted(plans, key=lambda plan: plan.cost(cells)):
        if plan.sections or plan.again:
            folded = _folded(score, cells, plan)
            if same_music(folded.unfold(), score):
                return folded
    return score


# --- sections that return -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A section that is played several times, in cells: its passes begin every `stride` cells from `start`.

    The first `common` cells of all passes are equal; `endings` are the passes of each ending (none: whole passes are
    equal). All are as long as the first ending, but that the piece may end in the last.
    """

    start: int
    end: int
    stride: int
    common: int
    endings: tuple[tuple[int, ...], ...] = ()
    times: int = 2

    def pass_of(self, number: int) -> list[tuple[int, int]]:
        """The cells of a pass (1, 2, ...): what is common, and its ending."""
        first = self.start + (number - 1) * self.stride
        return [(first, first + self.common), (first + self.common, min(first + self.stride, self.end))]

    def printed(self) -> list[tuple[int, int]]:
        """The cells that are printed: what is common, then each ending where it is first played."""
        return [(self.start, self.start + self.common), *(self.pass_of(passes[0])[1] for passes in self.endings)]

    def cost(self, cells: Cells) -> float:
        """Ticks that are printed, and what signs are worth."""
        printed = sum(cells.length(a, b) for a, b in self.printed())
        return printed + cells.bar * (SIGNS + BRACKET * len(self.endings))


def _choices(cells: Cells, least: int) -> dict[int, list[Section]]:
    """Sections that could be folded, by the cell they start at."""
    ids, count, times = cells.ids, cells.count, np.array(cells.times)
    taken = np.zeros(count, np.int64)
    clean = np.array(cells.clean)[:-1]
    sections: dict[int, list[Section]] = {}
    for stride in range(1, min(LONGEST, count - 1) + 1):
        runs = _runs(ids[stride:] == ids[:-stride])
        starts = np.arange(count - stride)
        long = times[starts + stride] - times[starts] >= least * cells.bar
        good = (runs >= max(1, stride // 3)) & long & clean[starts] & (taken[starts] < CHOICES)
        for start in np.flatnonzero(good).tolist():
            found = list(_sections(cells, start, stride, int(runs[start]), least))
            taken[start] += bool(found)
            sections.setdefault(start, []).extend(found)
    return sections


def _runs(same: NDArray[np.bool_]) -> Ints:
    """At each place how many are true from there on without a break."""
    places = np.arange(len(same))
    breaks = np.where(same, len(same), places)
    result: Ints = np.minimum.accumulate(breaks[::-1])[::-1] - places
    return result


def _sections(cells: Cells, start: int, stride: int, run: int, least: int) -> Iterator[Section]:
    """Sections from a cell on whose passes are so far apart, with equal passes or with endings."""
    for times in range(2, min(MOST_TIMES, run // stride + 1) + 1):
        end = start + times * stride
        if cells.clean[start + stride] and cells.clean[end]:
            yield Section(start, end, stride, stride, (), times)
    common = next((c for c in range(run % stride, 0, -1) if _may_end(cells, start, stride, c, least)), 0)
    if common:
        yield from _with_endings(cells, start, stride, common)


def _may_end(cells: Cells, start: int, stride: int, common: int, least: int) -> bool:
    """Whether endings can begin after so many cells: at a bar line, with nothing sounding into them."""
    at = start + common
    opening, ending = cells.length(start, at), cells.length(at, start + stride)
    fits = cells.lines[at] and opening >= least * cells.bar and ending <= min(LONGEST_ENDING * cells.bar, opening)
    return fits and at + stride < cells.count and all(cells.clean[cut] for cut in (at, start + stride, at + stride))


def _with_endings(cells: Cells, start: int, stride: int, common: int) -> Iterator[Section]:
    """Two passes with an ending each, or more as long as what is common goes on."""
    opening = cells.ids[start : start + common]
    endings: list[tuple[list[int], list[int]]] = []  # content, passes
    for number in range(1, MOST_TIMES + 1):
        first = start + (number - 1) * stride
        at, last = first + common, min(first + stride, cells.count)
        if at >= last or not np.array_equal(cells.ids[first:at], opening):
            return
        if not (cells.clean[at] and cells.clean[last]):
            return
        content = cells.ids[at:last].tolist()
        if endings and endings[-1][0] == content:
            endings[-1][1].append(number)
        elif any(known == content for known, _ in endings):  # "1. 3." and "2. 4." is more than players want to read
            return
        else:
            endings.append((content, [number]))
        if len(endings) > 1:
            yield Section(start, last, stride, common, tuple(tuple(passes) for _, passes in endings), number)


# --- the shortest print -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """How to print a piece: its sections in order, up to cell `end`; after that come `again` cells of D.C. al Fine."""

    sections: tuple[Section, ...]
    end: int
    again: int = 0

    def printed(self) -> list[tuple[int, int]]:
        """The cells that are printed, in order."""
        return self._spans([section.printed() for section in self.sections])

    def once(self) -> list[int]:
        """The cells that are played after a D.C.: no repeats, the last ending of each."""
        spans = self._spans([section.pass_of(section.times) for section in self.sections])
        return [cell for a, b in spans for cell in range(a, b)]

    def cost(self, cells: Cells) -> float:
        """Ticks that are printed, and what signs are worth."""
        sections = sum(s.cost(cells) - cells.length(s.start, s.end) for s in self.sections)
        return cells.length(0, self.end) + sections + (RETURN * cells.bar if self.again else 0)

    def _spans(self, of_sections: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
        found, now = [], 0
        for section, spans in zip(self.sections, of_sections, strict=True):
            found += [(now, section.start), *spans]
            now = section.end
        return [(a, b) for a, b in [*found, (now, self.end)] if a < b]


def _cheapest(cells: Cells, choices: dict[int, list[Section]], end: int) -> Plan:
    """The plan that prints least of the first `end` cells; of equals, the one whose sections begin earliest."""
    cost = [0.0] * (end + 1)
    chosen: list[Section | None] = [None] * (end + 1)
    for now in range(end - 1, -1, -1):
        cost[now] = cells.length(now, now + 1) + cost[now + 1]
        for section in choices.get(now, ()):
            if section.end <= end and section.cost(cells) + cost[section.end] <= cost[now]:
                cost[now], chosen[now] = section.cost(cells) + cost[section.end], section
    sections: list[Section] = []
    now = 0
    while now < end:
        best = chosen[now]
        sections += [best] if best else []
        now = best.end if best else now + 1
    return Plan(tuple(sections), end)


def _returning(cells: Cells, choices: dict[int, list[Section]]) -> Iterator[Plan]:
    """Plans in which the beginning comes back at the end as a D.C. al Fine."""
    ids, count = cells.ids.tolist(), cells.count
    tried = 0
    for start in range(count // 2 + 1, count):
        if cells.length(start, count) < LEAST_RETURN * cells.bar or tried == CHOICES:
            return
        if cells.clean[start] and ids[start : start + LEAST] == ids[:LEAST]:
            tried += 1
            plan = _cheapest(cells, choices, start)
            once = plan.once()
            if len(once) > count - start and [ids[cell] for cell in once[: count - start]] == ids[start:]:
                yield Plan(plan.sections, start, count - start)


def _folded(score: Score, cells: Cells, plan: Plan) -> Score:
    """The score as it is printed by a plan."""
    places: dict[int, int] = {}  # cell -> where it is printed, in ticks
    now = 0
    for a, b in plan.printed():
        for cell in range(a, b):
            places[cell] = now
            now += cells.length(cell, cell + 1)

    def after(cell: int) -> int:
        return places[cell] + cells.length(cell, cell + 1)

    repeats = []
    for section in plan.sections:
        spans = [section.pass_of(passes[0])[1] for passes in section.endings]
        endings = [
            Ending(places[a], after(b - 1), passes) for (a, b), passes in zip(spans, section.endings, strict=True)
        ]
        end = endings[-1].end if endings else after(section.start + section.common - 1)
        repeats.append(Repeat(places[section.start], end, section.times, tuple(endings)))
    jumps: tuple[Jump, ...] = ()
    if plan.again:
        last = plan.once()[plan.again - 1]
        jumps = (Jump(now, 0, after(_printed_as(plan, last))),)
    printed = score.play(merged((cells.times[a], cells.times[b]) for a, b in plan.printed()))
    return printed.replace(repeats=tuple(repeats), jumps=jumps)


def _printed_as(plan: Plan, cell: int) -> int:
    """The cell that is printed for one in the last pass of a section."""
    for section in plan.sections:
        if section.start <= cell < section.end:
            inside = (cell - section.start) % section.stride
            if inside < section.common:
                return section.start + inside
            passes = next(p for p in section.endings if section.times in p)
            return section.pass_of(passes[0])[1][0] + inside - section.common
    return cell
