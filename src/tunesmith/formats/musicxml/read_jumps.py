"""D.C. and D.S. of a piece, from the signs and words of all its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.formats.musicxml.read_doubts import Doubt, Doubts
from tunesmith.formats.musicxml.read_form import Layout
from tunesmith.formats.musicxml.read_part import PartReader
from tunesmith.formats.musicxml.read_signs import Route
from tunesmith.score import Jump, Repeat

MOST_ROUTES = 1_000  # signs and instructions
MOST_JUMPS = 100
ENDS = {"dacapo", "dalsegno", "tocoda", "fine"}  # take effect where their measure ends; the others where it begins


def jumps(parts: Sequence[PartReader], layout: Layout, repeats: Sequence[Repeat], doubts: Doubts) -> tuple[Jump, ...]:
    """The jumps, each with the segno, Fine, "To Coda" and coda that belong to it.

    A D.S. that is written at a repeat sign, to where the repeat begins, says the same again.
    """
    repeated = {(r.end, r.start) for r in repeats}
    routes = {(r.measure, r.kind, r.label): r for part in reversed(parts) for r in part.signs.routes}
    plan = Plan(layout, sorted(routes.values(), key=lambda r: (r.measure, r.kind))[:MOST_ROUTES], movements(layout))
    found: dict[int, Jump] = {}
    for route in plan.routes:
        if route.kind not in ("dacapo", "dalsegno"):
            continue
        jump = plan.jump(route)
        if jump is None or len(found) >= MOST_JUMPS:
            doubts.add(Doubt.JUMP, parts[0].listed.id, layout.numbers[route.measure])
        elif jump.stop is not None or (jump.onset, jump.target) not in repeated:
            found.setdefault(jump.onset, jump)
    return tuple(found[onset] for onset in sorted(found))


def movements(layout: Layout) -> list[int]:
    """Where movements begin, but the first: there measures are counted from 1 again."""
    numbers = layout.numbers
    first = [i for i, number in enumerate(numbers) if number == "1" and i]
    return [layout.starts[i - (numbers[i - 1] == "0")] for i in first]


@dataclass(slots=True)
class Plan:
    """The signs that send players elsewhere, in order, and where movements begin.

    Instructions hold for the end of their measure: there players turn, whatever note the words stand over.
    """

    layout: Layout
    routes: list[Route]
    movements: list[int]

    def times(self, kind: str) -> list[tuple[int, str]]:
        """The (tick, label) of each sign of a kind, in order."""
        later = kind in ENDS
        return [(self.layout.starts[r.measure + later], r.label) for r in self.routes if r.kind == kind]

    def jump(self, route: Route) -> Jump | None:
        """The jump that a D.C. or D.S. makes; None where it leads nowhere."""
        onset, words = self.layout.starts[route.measure + 1], route.words.lower()
        target = self.movement(route.measure) if route.kind == "dacapo" else self.segno(route.label, onset)
        if target is None or target >= onset:
            return None
        coda, fine = self.coda(target, onset), self.fine(target, onset)
        if coda and (fine is None or "fine" not in words):
            return Jump(onset, target, *coda)
        following = next((start for start in self.movements if start >= onset), None)
        return Jump(onset, target, fine, None if fine is None else following)

    def movement(self, measure: int) -> int:
        """Where the movement of a measure begins."""
        here = self.layout.starts[measure]
        return max((start for start in self.movements if start <= here), default=0)

    def segno(self, label: str, onset: int) -> int | None:
        """Where a D.S. goes: the segno of its name, or the last before it."""
        signs = [(time, name) for time, name in self.times("segno") if time < onset]
        named = [time for time, name in signs if name == label and label]
        return next(reversed(named or [time for time, _ in signs]), None)

    def fine(self, target: int, onset: int) -> int | None:
        """Where the piece ends after the jump: at Fine, or, as minuets do without a word, where the trio begins."""
        ends = (*self.times("fine"), *self.times("trio"))
        return next((time for time, _ in ends if target < time <= onset), None)

    def coda(self, target: int, onset: int) -> tuple[int, int] | None:
        """Where players leave for the coda, and where it begins; None where either is missing."""
        codas = [(time, name) for time, name in self.times("coda") if time >= onset]
        leaving = [(time, name) for time, name in self.times("tocoda") if target < time <= onset]
        if not leaving:  # the sign itself stands for "to Coda" as well
            signs = (r for r in self.routes if r.kind == "coda")
            starts = self.layout.starts
            leaving = [(starts[r.measure + 1], r.label) for r in signs if target <= starts[r.measure] < onset]
        if not codas or not leaving:
            return None
        time, name = leaving[0]
        return time, next((start for start, label in codas if label == name), codas[0][0])
