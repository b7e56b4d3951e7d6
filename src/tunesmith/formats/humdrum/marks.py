"""Where bar lines and interpretations stand, and the marks of the form that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from tunesmith.formats.form import Mark
from tunesmith.formats.humdrum.signs import bar_line
from tunesmith.formats.humdrum.timeline import Sign
from tunesmith.score import Meter

_NUMBER = re.compile(r"\d")


def placed(signs: list[Sign]) -> Iterator[tuple[int, Sign]]:
    """Each sign with its time in ticks.

    A bar line stands where the next notes begin (`high`). Where notes are held over it in every column, it may stand
    anywhere after the last notes have begun (`low`): then it stands a regular bar after the last one, if that is
    possible for it and for the next one as well.
    """
    groups = [list(group) for _, group in groupby(signs, key=lambda sign: (sign.low, sign.high))]
    barred = [group for group in groups if any(sign.kind == "bar" for sign in group)] + [[]]
    nexts = iter(barred[1:])
    start, bar = 0, 0
    for group in groups:
        low, high = group[0].low, group[0].high
        lines = sum(sign.kind == "bar" for sign in group)
        following = next(nexts) if lines else []
        held = bar > 0 and low < start + bar < high
        if held and lines == 1:
            held = bool(following) and following[0].low <= start + 2 * bar <= following[0].high
        now = min(start + bar, high) if held and lines else high
        first = True
        for sign in group:
            if sign.kind == "bar" and not first:
                now = min(now + bar, high) if held else high
            first &= sign.kind != "bar"
            if sign.kind == "meter":
                bar = Meter(0, *sign.value).bar if isinstance(sign.value, tuple) else 0
            yield now, sign
        start = now if lines else start


def measured(signs: list[Sign]) -> list[Sign]:
    """The signs without bar lines inside a bar: where bars have numbers, a plain line without one ends none."""
    numbered = any(sign.kind == "bar" and _NUMBER.search(str(sign.value)) for sign in signs)
    return [sign for sign in signs if not (numbered and sign.kind == "bar" and _is_inside(str(sign.value)))]


def _is_inside(token: str) -> bool:
    return not _NUMBER.search(token) and bar_line(token) == ["bar"]


def marks_of(signs: list[tuple[int, Sign]], endings: dict[int, int]) -> list[Mark]:
    """The marks of the form. `endings`: which ending begins at a time, where section labels say so."""
    marks = []
    for time, sign in signs:
        at = sign.line, 0
        if sign.kind == "bar":
            marks += [Mark(time, kind, 2, at) for kind in bar_line(str(sign.value))]
        elif sign.kind == "meter":
            marks.append(Mark(time, "meter", sign.value, at))
        elif sign.kind == "label" and endings:
            ending = endings.get(time)
            marks.append(Mark(time, "ending", (ending,), at) if ending else Mark(time, "double", None, at))
    # at one time: first what ends there, then what begins
    order = {"bar": 1, "double": 1, "close": 0, "open": 2, "ending": 3, "meter": 4}
    return sorted(marks, key=lambda mark: (mark.time, order[mark.kind]))
