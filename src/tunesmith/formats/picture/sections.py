"""Long scores in sections: MusicXML cut between measures, so that engraving any length takes the same memory.

Only pages that are full are kept of a section; the next one begins with the first measure of its last page. So no
page shows where sections meet, save that a tie over the turn of the page there has its first half alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

from tunesmith.formats.picture.engraver import Options, engrave

SECTION = 1_500_000  # characters of MusicXML, about 20 pages of a quartet; Verovio needs some 60 MB for them
HEADED: Options = {"header": "encoded"}  # the first page has room for a heading: a `<credit>` holds it free
UNHEADED: Options = {"header": "none"}

_PART = re.compile(r"(<part id=[^>]*>)(.*?)</part>", re.DOTALL)
_MEASURE = re.compile(r"<measure [^>]*>.*?</measure>", re.DOTALL)
_SCORE_PART = re.compile(r"<score-part .*?</score-part>", re.DOTALL)
_NAME = re.compile(r"<part-name[^>]*?(?:/>|>.*?</part-name>)", re.DOTALL)
_ABBREVIATION = re.compile(r"<part-abbreviation[^>]*>(.*?)</part-abbreviation>", re.DOTALL)
_ATTRIBUTES = re.compile(r"<attributes>.*?</attributes>", re.DOTALL)
# what `<attributes>` may state, in the order of the schema; of clefs, keys and the like there is one a staff
_STATED = ("divisions", "key", "time", "staves", "part-symbol", "instruments", "clef", "staff-details", "transpose")
_MUSIC = ("note", "backup", "forward")


@dataclass(frozen=True, slots=True)
class Piece:
    """MusicXML, partwise, taken apart: what stands before the parts, their start tags, their measures."""

    head: str
    parts: tuple[str, ...]
    measures: tuple[tuple[str, ...], ...]  # [part][measure]

    @classmethod
    def of(cls, text: str) -> Piece:
        """Take a document of `musicxml.document` apart."""
        found = list(_PART.finditer(text))
        measures = tuple(tuple(m[0] for m in _MEASURE.finditer(part[2])) for part in found)
        return cls(text[: found[0].start()], tuple(part[1] for part in found), measures)

    @property
    def staves(self) -> int:
        """How many staves a system has."""
        starts = ("".join(part[:1]) for part in self.measures)
        return sum(int(s[1]) if (s := re.search(r"<staves>(\d+)</staves>", start)) else 1 for start in starts)

    def excerpt(self, start: int, end: int) -> str:
        """The measures from `start` up to `end` as a document of their own."""
        if start == 0:
            head, chosen = self.head, ["".join(part[:end]) for part in self.measures]
        else:
            head = _SCORE_PART.sub(_abbreviated, self.head)
            chosen = [_restated(part, start) + "".join(part[start + 1 : end]) for part in self.measures]
        parts = (f"{tag}{part}</part>" for tag, part in zip(self.parts, chosen, strict=True))
        return f"{head}{''.join(parts)}</score-partwise>\n"


def pages(piece: Piece, options: Options, section: int = SECTION) -> Iterator[str]:
    """The SVG pages of a piece, engraved with Verovio's `options`, section by section.

    Raises:
        FormatError: it cannot be engraved.
    """
    start, total = 0, len(piece.measures[0])
    sizes = [0, *accumulate(sum(len(part[n]) for part in piece.measures) for n in range(total))]
    while start < total:
        end = max((n for n in range(start + 1, total + 1) if sizes[n] - sizes[start] <= section), default=start + 1)
        found = engrave(piece.excerpt(start, end), {**options, **(UNHEADED if start else HEADED)})
        if len(found) == 1 and end < total:  # not even a page
            section *= 2
            continue
        kept = found if end == total else found[:-1]
        yield from kept
        start = end if end == total else start + sum(page.count('class="measure"') for page in kept)


def _abbreviated(score_part: re.Match[str]) -> str:
    """A part's entry as it counts after the first system: named by its abbreviation, if it has one."""
    short = _ABBREVIATION.search(score_part[0])
    name = f"<part-name>{short[1]}</part-name>" if short else '<part-name print-object="no"/>'
    return _NAME.sub(lambda _: name, score_part[0], count=1)


def _restated(part: tuple[str, ...], place: int) -> str:
    """A measure of a part with all that is in force there: clefs, key, meter (not printed unless new), divisions."""
    stated: dict[tuple[str, str], Element] = {}
    for measure in part[:place]:
        for text in _ATTRIBUTES.findall(measure):
            stated |= _signs(fromstring(text))
    for (tag, _), sign in stated.items():
        if tag == "time":
            sign.set("print-object", "no")
    first = fromstring(part[place])
    leading = [e for e in first[: _music_starts(first)] if e.tag == "attributes"]
    for own in leading:
        stated |= _signs(own)
        first.remove(own)
    attributes = Element("attributes")
    attributes.extend(sorted(stated.values(), key=lambda sign: _STATED.index(sign.tag)))
    first.insert(1 if len(first) and first[0].tag == "print" else 0, attributes)
    return tostring(first, "unicode")


def _music_starts(measure: Element) -> int:
    return next((n for n, element in enumerate(measure) if element.tag in _MUSIC), len(measure))


def _signs(attributes: Element) -> dict[tuple[str, str], Element]:
    return {(sign.tag, sign.get("number", "")): sign for sign in attributes if sign.tag in _STATED}


def with_credit(head: str, rows: int) -> str:
    """The head of a document with so many rows of a `<credit>`, for the room that they take on the first page."""
    credit = Element("credit", page="1")
    for _ in range(rows):
        SubElement(credit, "credit-words", justify="center", valign="top").text = "X"
    return head.replace("<part-list>", tostring(credit, "unicode") + "<part-list>", 1)
