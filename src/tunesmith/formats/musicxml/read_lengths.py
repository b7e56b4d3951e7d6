"""Lengths: from MusicXML's `<duration>` in divisions, and from note values, to ticks.

A `<duration>` is exact as a rule. Where notation programs cannot divide (11 in the time of 8 at 480 divisions) they
round it; so inside a tuplet the written value counts, where it says the same but for less than one division.
A `Ticks` is an int wherever it is whole.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from xml.etree import ElementTree as ET

from tunesmith.score import TPQ

Ticks = int | Fraction

VALUES: dict[str, Ticks] = {  # in ticks; 1024ths are no whole number of them
    "1024th": Fraction(TPQ, 256),
    "512th": Fraction(TPQ, 128),
    "256th": Fraction(TPQ, 64),
    "128th": TPQ // 32,
    "64th": TPQ // 16,
    "32nd": TPQ // 8,
    "16th": TPQ // 4,
    "eighth": TPQ // 2,
    "quarter": TPQ,
    "half": 2 * TPQ,
    "whole": 4 * TPQ,
    "breve": 8 * TPQ,
    "long": 16 * TPQ,
    "maxima": 32 * TPQ,
}
LONGEST = 1000 * TPQ  # of a note or rest: absurd lengths must not fill the memory
MOST_IN_TUPLET = 1000
_NUMBER = re.compile(r"\s*([-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\s*$", re.ASCII)


@lru_cache(maxsize=4096)
def parse_number(text: str | None) -> Fraction | None:
    """A decimal number as MusicXML writes them; None where it is none."""
    found = _NUMBER.match(text or "")
    return Fraction(found[1]) if found else None


@lru_cache(maxsize=4096)
def parse_int(text: str | None) -> int | None:
    """A whole number; None where it is none."""
    number = parse_number(text)
    return int(number) if number is not None and number.denominator == 1 else None


def whole(ticks: Ticks) -> Ticks:
    """The same time, as an int where it is one."""
    return ticks.numerator if ticks.denominator == 1 else ticks


class Lengths:
    """The lengths of one part. `divisions` per quarter note; None until the file says it."""

    def __init__(self) -> None:
        self.divisions: Fraction | None = None
        self.known: dict[str | None, Ticks | None] = {}
        self.known_tuplets: dict[tuple[str | None, ...], tuple[Ticks | None, Ticks]] = {}

    def set_divisions(self, text: str | None) -> bool:
        """Take `<divisions>`; whether it makes sense."""
        number = parse_number(text)
        if number is None or number <= 0:
            return False
        self.divisions = number
        self.known, self.known_tuplets = {}, {}
        return True

    def duration(self, text: str | None) -> Ticks | None:
        """A `<duration>` in ticks; None where it is missing, not above 0, or absurd."""
        try:
            return self.known[text]
        except KeyError:
            number = parse_number(text)
            ticks = None if number is None else number * TPQ / (self.divisions or 1)
            found = whole(ticks) if ticks is not None and 0 < ticks <= LONGEST else None
            self.known[text] = found
            return found

    def in_tuplet(self, text: str | None, note: ET.Element) -> tuple[Ticks | None, Ticks]:
        """The length of a note in a tuplet, and by how much its `<duration>`, rounded, is too short."""
        dots = "." * len(note.findall("dot"))
        key = (text, note.findtext("type"), dots, *ratio_of(note))
        if key not in self.known_tuplets:
            said, value = self.duration(text), value_of(note)
            slip = Fraction(0) if said is None or value is None else Fraction(value) - Fraction(said)
            rounded = 0 < abs(slip) < TPQ / (self.divisions or Fraction(1))
            self.known_tuplets[key] = (value, whole(slip)) if rounded else (said, 0)
        return self.known_tuplets[key]


def ratio_of(note: ET.Element) -> tuple[str, str]:
    """The figures of a tuplet: so many notes in the time of so many."""
    ratio = note.find("time-modification")
    if ratio is None:
        return "1", "1"
    return ratio.findtext("actual-notes", "1"), ratio.findtext("normal-notes", "1")


def value_of(note: ET.Element) -> Ticks | None:
    """What a note's value, dots and tuplet say that its length is, in ticks; None where it has no value."""
    value = VALUES.get((note.findtext("type") or "").strip())
    if value is None:
        return None
    dots = min(len(note.findall("dot")), 8)
    actual, normal = map(parse_int, ratio_of(note))
    if actual is None or normal is None or not (0 < actual <= MOST_IN_TUPLET and 0 < normal <= MOST_IN_TUPLET):
        actual = normal = 1
    return whole(Fraction(value) * (2 ** (dots + 1) - 1) / 2**dots * normal / actual)
