"""Sections and the order in which they are played: `*>A`, `*>B1`, and expansion lists `*>[A,A,B,B1,B,B2]`.

An expansion list says how the piece is played. Mostly that is what its repeat signs say as well; else it is written
as repeats with endings and jumps (D.C. al Fine, Coda) if that plays the same; else the piece is written out.

Source: https://www.humdrum.org/guide/ch20/ ("Strophes, Verses and Repeats").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from tunesmith.score import Ending, Jump, Repeat
from tunesmith.score.cut import merged, route

LABEL = re.compile(r"\*>([^\[\]>][^\[\]]*)$")
EXPANSION = re.compile(r"\*>\[([^\]]*)\]$")  # the default list; named ones (norep) are other ways to play
MOST_SECTIONS = 500  # that an expansion list may name
_CLOSE_WRITTEN = re.compile(r"[A-Za-z]\d*")  # [AABB] for [A,A,B,B]
_ENDING = re.compile(r"(.*\D)([1-9])$")

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch [start, end) of the piece, in ticks."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Order:
    """How a piece is played. `spans`: written out, where repeats and jumps cannot say it; else empty."""

    repeats: tuple[Repeat, ...]
    jumps: tuple[Jump, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


def sections_of(labels: list[tuple[int, str]], total: int) -> list[Section]:
    """The sections that labels at given times begin, in order; music before the first label is one without name."""
    found: list[tuple[int, str]] = [] if labels and labels[0][0] == 0 else [(0, "")]
    for time, label in labels:
        name = label.removesuffix("yy")  # of a label that is not printed
        if found and found[-1][0] == time:
            found[-1] = time, name
        elif time < total:
            found.append((time, name))
    ends = [time for time, _ in found[1:]] + [total]
    return [Section(name, start, end) for (start, name), end in zip(found, ends, strict=True)]


def endings_of(sections: list[Section]) -> dict[int, int]:
    """Where endings begin, and their numbers, as the labels say it: A1 and A2 right after each other."""
    found = {}
    for before, section in pairwise(sections):
        ending = _ENDING.match(section.name)
        if ending and (before.name == ending[1] or before.name[:-1] == ending[1]):
            found[section.start] = int(ending[2])
    return found


def names_in(expansion: str, known: set[str]) -> list[str]:
    """The sections that an expansion list names; what `known` does not hold is told by `fault_of`."""
    names = [name.strip() for name in expansion.split(",") if name.strip()]
    return _CLOSE_WRITTEN.findall(names[0]) if len(names) == 1 and names[0] not in known else names


def fault_of(names: list[str], known: set[str]) -> str:
    """What keeps an expansion list from being followed, as the rest of a sentence; empty where nothing does."""
    if not names:
        return "names no section"
    if len(names) > MOST_SECTIONS:
        return f"has more than {MOST_SECTIONS} names"
    return "" if known.issuperset(names) else "names sections that are not there"


def order_of(names: list[str], sections: list[Section], repeats: tuple[Repeat, ...]) -> Order:
    """How a piece is played by its expansion list, where its repeat signs say `repeats`."""
    places = {section.name: place for place, section in reversed(list(enumerate(sections)))}
    order = ([0] if not sections[0].name else []) + [places[name] for name in names]
    total = sections[-1].end
    wanted = merged((sections[place].start, sections[place].end) for place in order)

    def plays(repeats: tuple[Repeat, ...], jumps: tuple[Jump, ...]) -> bool:
        return merged(route(total, repeats, jumps)) == wanted

    if plays(repeats, ()):
        return Order(repeats)
    derived = _form(order, sections)
    if derived and plays(*derived):
        return Order(*derived)
    return Order((), (), tuple(wanted))


def _form(order: list[int], sections: list[Section]) -> tuple[tuple[Repeat, ...], tuple[Jump, ...]] | None:
    """Repeats and jumps that may play the sections in this order; the caller checks them."""
    repeats: list[Repeat] = []
    jumps: list[Jump] = []
    now, fresh = 0, 0  # a place in the order; the first section that has not been played
    while now < len(order):
        if order[now] > fresh:  # a section that is passed over
            return None
        if order[now] == fresh:
            now, fresh = now + 1, fresh + 1
            continue
        repeat, after, reached = _repeat(order, now, fresh, sections)
        if repeat and not (repeats and repeats[-1].end > repeat.start):  # no repeat inside another
            repeats.append(repeat)
            now, fresh = after, reached
            continue
        target, onset = sections[order[now]].start, sections[fresh - 1].end
        while now + 1 < len(order) and order[now + 1] < fresh:
            now += 1
        coda = onset if now + 1 < len(order) else None
        jumps.append(Jump(onset, target, sections[order[now]].end, coda))
        if len(jumps) > 1:  # of two ways back nobody knows which "to Coda" belongs to which
            return None
        now += 1
    return tuple(repeats), tuple(jumps)


def _repeat(order: list[int], now: int, fresh: int, sections: list[Section]) -> tuple[Repeat | None, int, int]:
    """The repeat that goes back at `now`; where the order goes on after it, and the first section not played yet.

    Sections [back, fresh) have been played once. Each further pass plays them again, or up to a `stem`, and then
    another ending: one that was played before, or the next section.
    """
    back, limit = order[now], fresh
    if order[max(0, now - limit + back) : now] != list(range(back, limit)):
        return None, now, fresh
    tails: list[int | None] = [None]  # the ending of each pass; None: on through to the end of the first pass
    stem: int | None = None
    while now < len(order) and order[now] == back:
        run = back
        now += 1
        while run + 1 < limit and now < len(order) and order[now] == run + 1:
            run, now = run + 1, now + 1
        if run + 1 == limit:
            tails.append(None)
            continue
        if now == len(order) or stem not in (None, run) or not limit <= order[now] <= fresh:
            return None, now, fresh
        stem = run
        fresh += order[now] == fresh
        tails.append(order[now])
        now += 1
    if stem is None:
        return Repeat(sections[back].start, sections[limit - 1].end, len(tails)), now, fresh
    first = Ending(sections[stem + 1].start, sections[limit - 1].end, _passes(tails, None))
    later = sorted({tail for tail in tails if tail is not None})
    endings = (first, *(Ending(sections[t].start, sections[t].end, _passes(tails, t)) for t in later))
    return Repeat(sections[back].start, endings[-1].end, len(tails), endings), now, fresh


def _passes(tails: list[int | None], tail: int | None) -> tuple[int, ...]:
    return tuple(number for number, other in enumerate(tails, 1) if other == tail)
