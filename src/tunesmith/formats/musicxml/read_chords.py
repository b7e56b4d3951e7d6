"""`<harmony>` to chord symbols: root, quality, bass.

A kind and its degrees are put together as musicians write them ("7" and a lowered fifth: "7b5") and looked up among
the chord qualities that the score knows; what it does not know becomes the nearest it does, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tunesmith import theory
from tunesmith.formats.musicxml.read_directions import offset_of
from tunesmith.formats.musicxml.read_doubts import Doubt
from tunesmith.formats.musicxml.read_lengths import Ticks, parse_int

if TYPE_CHECKING:
    from tunesmith.formats.musicxml.read_part import PartReader

# kind -> suffix; the qualities' own kinds first, then the nearest for kinds that the score does not know
SUFFIXES = {quality.kind: quality.suffix for quality in reversed(theory.QUALITIES)}
QUALITY_BY_TEXT = {text: index for index, q in enumerate(theory.QUALITIES) for text in (q.suffix, *q.spellings)}
NEAREST = {
    "dominant-11th": "9",
    "dominant-13th": "9",
    "major-11th": "maj9",
    "major-13th": "maj9",
    "minor-11th": "m9",
    "minor-13th": "m9",
    "minor-major": "mM7",  # no kind of the standard, but written
    "Neapolitan": "",
    "Italian": "7",
    "French": "7",
    "German": "7",
    "Tristan": "m7b5",
    "pedal": "5",
}
EXACT = {"minor-major", "Neapolitan"}  # of `NEAREST`: nothing is lost
TRIADS = {"", "m", "dim", "aug", "sus4", "sus2", "5"}
SIGNS = {-1: "b", 0: "", 1: "#"}
MAX_DEGREES = 12


@dataclass(frozen=True, slots=True)
class Symbol:
    """A chord symbol: root and bass on the line of fifths, index into `theory.QUALITIES`."""

    root: int
    quality: int
    bass: int | None


def read_harmony(part: PartReader, element: ET.Element) -> None:
    """`<harmony>`: a chord symbol, or "N.C.", which ends the one before."""
    offset = element.find("offset")
    measure, ticks = part.here
    place = measure, ticks if offset is None else max(0, ticks + offset_of(part, offset))
    kind = element.findtext("kind", "").strip()
    if kind == "none":
        part.signs.chords.append((place, None))
        return
    root = _place_of(element, "root", part.transposition.fifths)
    found = None if root is None else _quality(kind, element)
    if root is None or found is None:
        part.doubt(Doubt.CHORD)
        return
    quality, exact = found
    if not exact:
        part.doubt(Doubt.MENDED_CHORD)
    bass = _place_of(element, "bass", part.transposition.fifths)
    same = bass is None or theory.pitch_class(bass) == theory.pitch_class(root)
    part.signs.chords.append((place, Symbol(root, quality, None if same else bass)))


def share(part: PartReader, place: tuple[int, Ticks], length: Ticks) -> None:
    """Chord symbols that stand together before a note or rest share its time; the same one twice is one."""
    symbols = part.signs.chords
    if symbols[-1][0] != place or len(symbols) == 1 or symbols[-2][0] != place:
        return  # none, or one, which has all the time
    together = []
    while symbols and symbols[-1][0] == place:
        together.append(symbols.pop()[1])
    different = [symbol for symbol, _ in groupby(reversed(together))]
    measure, onset = place
    for turn, symbol in enumerate(different):
        symbols.append(((measure, onset + Fraction(length) * turn / len(different)), symbol))
    if len(different) > 1:
        part.doubt(Doubt.MENDED_SHARED)


def _place_of(element: ET.Element, name: str, moved: int) -> int | None:
    """The sounding root or bass on the line of fifths."""
    found = element.find(name)
    if found is None:
        return None
    place = _fifths(found.findtext(f"{name}-step", ""), found.findtext(f"{name}-alter", "0"))
    return None if place is None else place + moved


@lru_cache(maxsize=1024)
def _fifths(step: str, alter: str) -> int | None:
    letter, change = step.strip(), parse_int(alter)
    if letter not in theory.NATURAL_PITCH_CLASS or change is None or abs(change) > 3:
        return None
    return theory.fifths_of(letter, change)


def _quality(kind: str, element: ET.Element) -> tuple[int, bool] | None:
    """The index of a chord's quality, and whether it says all; None where the kind says nothing."""
    base = SUFFIXES.get(kind, NEAREST.get(kind))
    if base is None:
        sign = element.find("kind")
        own = QUALITY_BY_TEXT.get("" if sign is None else sign.get("text", "").strip(), 0)
        return (own, True) if own else None
    degrees = "".join(_degree(d, base) for d in element.findall("degree")[:MAX_DEGREES])
    for text in (base + degrees, degrees + base):  # "m" and "7": "m7"; "sus4" and "7": "7sus4"
        if text in QUALITY_BY_TEXT:
            return QUALITY_BY_TEXT[text], kind not in NEAREST or kind in EXACT
    return QUALITY_BY_TEXT[base], False


def _degree(degree: ET.Element, base: str) -> str:
    """A degree as it is written after the kind: "b5", "7", "add9"."""
    value, alter = parse_int(degree.findtext("degree-value")), parse_int(degree.findtext("degree-alter", "0"))
    kind = degree.findtext("degree-type", "").strip()
    if value is None or alter not in SIGNS:
        return "?"
    if kind == "subtract":
        return f"omit{value}"
    added = kind == "add" and base in TRIADS and alter == 0 and value not in (6, 7)
    return f"{'add' if added else SIGNS[alter]}{value}"
