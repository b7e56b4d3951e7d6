"""Where the bar lines and repeat signs of a score stand on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tunesmith.formats.abc.tokens import MAX_PASSES
from tunesmith.score import Bar, Note, Part, Repeat, Score

BARS_A_LINE = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """What stands between two bar lines or repeat signs: [start, end), the bar it lies in, the signs around it."""

    start: int
    end: int
    bar: Bar
    opening: str
    closing: str
    breaks: bool  # whether the line ends after it


def sayable(repeats: tuple[Repeat, ...]) -> bool:
    """Whether repeat signs and numbered endings can say these repeats."""
    apart = all(a.end <= b.start for a, b in pairwise(repeats))
    return apart and all(0 <= r.start < r.end and _sayable(r) for r in repeats)


def _sayable(repeat: Repeat) -> bool:
    if not repeat.endings:
        return 2 <= repeat.times <= MAX_PASSES
    if any(e.start >= e.end or not e.passes or e.passes != tuple(sorted(set(e.passes))) for e in repeat.endings):
        return False
    joined = all(a.end == b.start for a, b in pairwise(repeat.endings)) and repeat.endings[-1].end == repeat.end
    passes = [number for ending in repeat.endings for number in ending.passes]
    times = max(2, max(passes) + (len(repeat.endings) == 1))
    return (
        joined and repeat.start < repeat.endings[0].start and min(passes) >= 1 and times == repeat.times <= MAX_PASSES
    )


def stretches(score: Score) -> Iterator[Stretch]:
    """The stretches of a score, from its start to the end of its last bar."""
    bars = _bars(score)
    openings, closings = _signs(score.repeats)
    total = bars[-1].end
    points = sorted({0, *(b.end for b in bars), *(t for t in (*openings, *closings) if 0 < t < total)})
    lines = {b.start for b in bars}
    place = count = 0
    for start, end in pairwise(points):
        while bars[place].end <= start:
            place += 1
        following = openings.get(end, "")
        plain = "|]" if end == total else "|" if end in lines and not following.startswith("|") else ""
        closing = closings.get(end, plain)
        closing = "|]" if closing == "||" and end == total else closing
        count += end in lines and bars[place].number > 0
        breaks = count >= BARS_A_LINE or closing not in ("", "|") or following.startswith("|")
        yield Stretch(start, end, bars[place], openings.get(start, ""), closing, breaks)
        count = 0 if breaks else count


def _bars(score: Score) -> list[Bar]:
    """The bars to write. The last is filled up, unless the pickup or a repeat that ends in it makes it whole."""
    end = max(score.end, *(r.end for r in score.repeats)) if score.repeats else score.end
    held = Score((Part((Note(0, end, 60),)),), meters=score.meters, pickup=score.pickup)
    *before, last = held.bars()
    length = end - last.start
    complete = bool(score.pickup) and last.number > 0 and length == last.meter.bar - score.pickup
    if complete or any(r.end == end for r in score.repeats):
        last = Bar(last.number, last.start, end, last.meter)
    return [*before, last]


def _signs(repeats: tuple[Repeat, ...]) -> tuple[dict[int, str], dict[int, str]]:
    """The signs that open and close stretches, by time."""
    openings: dict[int, str] = {}
    closings: dict[int, str] = {}
    for repeat in repeats:
        colons = 1 if repeat.endings else repeat.times - 1
        openings[repeat.start] = "|" + ":" * colons
        closings[repeat.end] = ":" * colons + "|"
        for ending in repeat.endings:
            openings[ending.start] = f"[{','.join(map(str, ending.passes))}"
            closings[ending.end] = ":|"
        if len(repeat.endings) > 1:
            closings[repeat.end] = "||"
    return openings, closings
