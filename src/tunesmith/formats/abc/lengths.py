"""Lengths as ABC writes them: printable note values joined by ties, tuplets, fractions of the unit note length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tunesmith.score import TPQ

WHOLE = 4 * TPQ
SMALLEST = WHOLE // 128  # ticks of the smallest printable value
TUPLETS = ((3, 2), (5, 4), (7, 4), (9, 8), (15, 8), (21, 16))  # p notes in the time of q, tried in this order
Kind = tuple[int, int]  # (p, q) of a tuplet
PLAIN: Kind = (1, 1)
_DOTTED = (7, 3, 1)  # double dotted, dotted and plain, in parts of a power of two
_VALUES = frozenset(dots << shift for dots in _DOTTED for shift in range(11))  # in units of `SMALLEST`


@dataclass(frozen=True, slots=True)
class Length:
    """A length that stands as one note: `ticks` as it sounds, and the tuplet it belongs to."""

    ticks: int
    kind: Kind = PLAIN

    @property
    def written(self) -> Fraction:
        """The value that is written, in ticks."""
        return Fraction(self.ticks * self.kind[0], self.kind[1])


def printable(ticks: int, kind: Kind = PLAIN) -> bool:
    """Whether a length is one note value with up to two dots, in a tuplet or plain."""
    units, rest = divmod(ticks * kind[0], kind[1] * SMALLEST)
    return not rest and units in _VALUES


def split(onset: int, ticks: int) -> Iterator[Length]:
    """The printable lengths that a note at `onset` ticks into its bar is written with, tied.

    What no tuplet of `TUPLETS` makes printable is written as it is: any fraction is valid ABC.
    """
    kind = _kind_of(onset, ticks)
    cut = _beat_inside(onset, ticks)
    if kind == PLAIN and ticks % SMALLEST == 0:
        yield from _values(ticks, PLAIN)
    elif kind and kind != PLAIN and printable(ticks, kind) and not (cut and ticks % SMALLEST == 0):
        yield Length(ticks, kind)
    elif cut:
        yield from split(onset, cut)
        yield from split(onset + cut, ticks - cut)
    else:
        yield from _values(ticks, kind) if kind else iter((Length(ticks),))


def _kind_of(onset: int, ticks: int) -> Kind | None:
    """The tuplet in which a note begins and ends on written values; None where there is none."""
    place = onset % TPQ
    return next(
        (k for k in (PLAIN, *TUPLETS) if place * k[0] % (k[1] * SMALLEST) == ticks * k[0] % (k[1] * SMALLEST) == 0),
        None,
    )


def _values(ticks: int, kind: Kind) -> Iterator[Length]:
    """The largest printable value, then the largest of the rest, and so on."""
    units = ticks * kind[0] // (kind[1] * SMALLEST)
    while units:
        value = max(v for v in _VALUES if v <= units)
        yield Length(value * SMALLEST * kind[1] // kind[0], kind)
        units -= value


def _beat_inside(onset: int, ticks: int) -> int:
    """Where a note that crosses a beat is cut, in ticks after its onset: at the first beat, or else at the last."""
    first = -onset % TPQ
    last = ticks - (onset + ticks) % TPQ
    if 0 < first < ticks:
        return first
    return last if 0 < last < ticks else 0


def fraction(value: Fraction, unit: int) -> str:
    """A written value as ABC has it, in parts of the unit note length (ticks): "", 2, /2, 3/2."""
    share = value / unit
    over = "" if share.numerator == 1 and share.denominator != 1 else str(share.numerator)
    if share == 1:
        return ""
    return (
        over if share.denominator == 1 else f"{over}/{'' if share.denominator == 2 and not over else share.denominator}"
    )


def tuplet_groups(lengths: list[Length]) -> Iterator[tuple[str, int]]:
    """For runs of lengths: the tuplet sign before them ("" for none), and how many they are.

    A tuplet ends as soon as what it holds is plain together: three eighths in the time of two, for example.
    """
    at = 0
    while at < len(lengths):
        kind, count, held = lengths[at].kind, 1, lengths[at].ticks
        while kind != PLAIN and held % SMALLEST and at + count < len(lengths):
            if lengths[at + count].kind != kind:
                break
            held, count = held + lengths[at + count].ticks, count + 1
        yield "" if kind == PLAIN else _sign(kind, count), count
        at += count


def _sign(kind: Kind, count: int) -> str:
    p, q = kind
    if (p, q) == (3, 2) and count == 3:
        return "(3"
    return f"({p}:{q}:{count}"
