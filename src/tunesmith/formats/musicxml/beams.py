"""Beams and tuplet brackets: how the values of one measure hang together. All of it follows from their rhythm."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from tunesmith.formats.musicxml.rhythm import FLAGS, Piece, Span, beam_spans, write_bar
from tunesmith.score import Meter


@dataclass(frozen=True, slots=True)
class Sign:
    """A note or rest as it is drawn: its value, the span of the measure it stands for, its beams and tuplet signs."""

    piece: Piece
    span: int
    beams: tuple[str, ...] = ()
    tuplet: str = ""  # "start" or "stop"
    bracket: bool = False  # where a tuplet starts: whether a bracket is drawn


@dataclass(slots=True)
class Draft:
    """A `Sign` in the making."""

    piece: Piece
    span: int
    rest: bool
    beams: list[str]
    tuplet: str = ""
    bracket: bool = False


@lru_cache(maxsize=4096)
def signs_of_bar(spans: tuple[Span, ...], beats: int, unit: int) -> tuple[Sign, ...]:
    """The signs of a bar, in time. Spans are as in `rhythm.write_bar`. Rhythms return often, hence the cache."""
    meter = Meter(0, beats, unit)
    drafts = [
        Draft(piece, number, spans[number][2], [])
        for number, pieces in enumerate(write_bar(spans, meter))
        for piece in pieces
    ]
    _beam(drafts, meter)
    _bracket(drafts)
    return tuple(Sign(d.piece, d.span, tuple(d.beams), d.tuplet, d.bracket) for d in drafts)


def _bracket(drafts: Iterable[Draft]) -> None:
    for tuplet, group in groupby(drafts, key=lambda d: d.piece.tuplet):
        inside = list(group)
        if tuplet and len(inside) > 1:
            first, last = inside[0], inside[-1]
            # A beam of its own shows what belongs to a tuplet as well as a bracket does.
            beamed = all(d.beams for d in inside) and first.beams[0] == "begin" and last.beams[0] == "end"
            first.tuplet, last.tuplet = "start", "stop"
            first.bracket = not beamed


def _beam(drafts: Sequence[Draft], meter: Meter) -> None:
    edges = beam_spans(meter)
    halves = _halves(drafts, meter)

    def place(d: Draft) -> tuple[object, ...]:
        if d.rest or d.piece.kind not in FLAGS:
            return ("none", d.piece.start)
        tuplet = d.piece.tuplet
        beat = bisect_right(edges, d.piece.start)
        if tuplet and bisect_right(edges, tuplet.start) != bisect_right(edges, tuplet.end - 1):
            return ("tuplet", tuplet.start)  # longer than a beat
        half = d.piece.start // (meter.bar // 2) if halves else None
        return ("half", half) if half in halves else ("beat", beat)

    for _, group in groupby(drafts, key=place):
        beamed = list(group)
        if len(beamed) > 1:
            _beam_group(beamed)


def _halves(drafts: Sequence[Draft], meter: Meter) -> set[int]:
    """The halves of a 4/4 bar that hold four plain eighths, which share one beam."""
    if (meter.beats, meter.unit) != (4, 4):
        return set()
    eighths = [d.piece.start for d in drafts if not d.rest and d.piece.kind == "eighth" and not d.piece.dots]
    plain = [start for start in eighths if start % (meter.bar // 8) == 0]
    return {half for half in (0, 1) if sum(start // (meter.bar // 2) == half for start in plain) == 4}


def _beam_group(group: Sequence[Draft]) -> None:
    flags = [FLAGS[d.piece.kind] for d in group]
    for i, d in enumerate(group):
        for level in range(1, flags[i] + 1):
            before = i > 0 and flags[i - 1] >= level
            after = i + 1 < len(group) and flags[i + 1] >= level
            if before or after:
                d.beams.append("continue" if before and after else "end" if before else "begin")
            else:
                offset = (d.piece.start - group[0].piece.start) // max(1, d.piece.end - d.piece.start)
                forward = i == 0 or (i + 1 < len(group) and offset % 2 == 0)
                d.beams.append("forward hook" if forward else "backward hook")
