"""Engraved scores with some of their notes marked: in colour, and under a bracket with a label.

The engraver's SVG is taken apart and made fit to stand in a web page many times over: every system is a picture of its
own, so that pages break between them in print; signs of the music font are collected, so that the page has each once;
ids and style sheets, which would clash, are left out. A bracket stands above all that is there, in its staff; in the
staff above it may touch notes. Lengths are the engraver's: a staff is 576 high.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

HEAD = 170  # width of a notehead
SIGN = 150  # how far signs reach above and below the place that they are drawn at
EDGE, LEFT = 220, 690  # around a picture, for what reaches further; to the left are braces and numbers of bars
GAP, TICK, LETTER = 90, 90, 300  # above what is there; the ends of a bracket; the height of a label
PER_UNIT = 10  # of the engraver's lengths go to a unit of the picture
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLACE = re.compile(r"translate\((-?[\d.]+),? *(-?[\d.]+)\)")
_NOTE = re.compile(r"p\d+n\d+(?:-\d+)?")


@dataclass(frozen=True, slots=True)
class Mark:
    """Notes to be marked, by their ids in the MusicXML. `kind` is a class for the style sheet of the page."""

    label: str
    kind: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """What something takes: from `left` to `right`, from `top` down to `bottom`."""

    left: float
    right: float
    top: float
    bottom: float


def marked(drawn: str, marks: Sequence[Mark], glyphs: dict[str, str], says: str, shift: int = 0) -> str:
    """A picture of `picture.svg` for use in a web page, with marks. A note of several has the colour of the first.

    `glyphs` collects the signs that the page must define, by id. `says`: what the picture shows, for those who do not
    see it. `shift`: what to add to numbers of bars, where it is an excerpt.
    """
    shown = Element("div", {"class": "music", "role": "img", "aria-label": says})
    for page in fromstring(re.sub(r' xmlns(?::\w+)?="[^"]*"', "", drawn)).findall("svg"):
        inner = next(child for child in page if child.get("class") == "definition-scale")
        for sign in page.findall("defs/g"):
            glyphs[_glyph(sign.get("id", ""))] = "".join(tostring(path, "unicode") for path in sign)
        _freed(inner, shift)
        width = _numbers(inner.get("viewBox", ""))[2]
        shown.extend(_system(g, marks, width) for g in inner.iter("g") if g.get("class") == "system")
    _coloured(shown, marks)
    return tostring(shown, "unicode")


def definitions(glyphs: Mapping[str, str]) -> str:
    """The signs that the pictures of a page use."""
    return "".join(f'<g id="{name}">{glyphs[name]}</g>' for name in sorted(glyphs))


def _system(system: Element, marks: Sequence[Mark], width: float) -> Element:
    """A system with its brackets as a picture of its own."""
    taken = _bracketed(system, marks)
    top = min((e.top for e in taken), default=0.0) - EDGE
    high = max((e.bottom for e in taken), default=0.0) + EDGE - top
    size = {"viewBox": f"{-LEFT} {top:.0f} {width:.0f} {high:.0f}", "style": f"--width: {width / PER_UNIT:.0f}px"}
    shown = Element("svg", size | {"font-family": "Times, serif", "aria-hidden": "true", "focusable": "false"})
    shown.append(system)
    return shown


def _freed(inner: Element, shift: int) -> None:
    """Take ids out, all but those of notes, which are in `data-note`; let signs be those of the page."""
    for element in inner.iter():
        name = element.attrib.pop("id", "")
        if _NOTE.fullmatch(name):
            element.set("data-note", name)
        if element.tag == "use":
            element.set("href", "#" + _glyph(element.get("href", "").lstrip("#")))
        if (element.get("class") or "").startswith("mNum"):
            for text in (t for t in element.iter() if t.text and t.text.isdecimal()):
                text.text = str(int(text.text or "0") + shift)


def _coloured(inner: Element, marks: Sequence[Mark]) -> None:
    """Give every note the class of its mark; the names of others go."""
    kinds = {name: mark.kind for mark in reversed(marks) for name in mark.ids}
    for note in inner.iter("g"):
        kind = kinds.get(note.get("data-note", ""))
        if kind:
            note.set("class", f"note copied {kind}")
        else:
            note.attrib.pop("data-note", None)


def _bracketed(system: Element, marks: Sequence[Mark]) -> list[Extent]:
    """Draw the brackets of a system; what it then takes."""
    notes, taken = _laid_out(system)
    spans = []
    for mark in marks:
        within = [name for name in mark.ids if name in notes]
        for staff in sorted({notes[name][0] for name in within}):
            here = [name for name in within if notes[name][0] == staff]
            places = [notes[name][1] for name in here]
            ends = mark.ids[0] in here, mark.ids[-1] in here
            right = max(places) + HEAD if ends[1] else max(extent.right for extent in taken[staff])  # it goes on
            spans.append((min(places), right, staff, ends, mark))
    for left, right, staff, ends, mark in sorted(spans, key=lambda span: (span[0], span[1] - span[0])):
        wide = max(right, left + HEAD * (1 + len(mark.label)))  # as wide as its label, if that is wider
        below = (e.top for e in taken[staff] if e.left <= wide + HEAD and e.right >= left - HEAD)
        y = min(below, default=0.0) - GAP - TICK
        system.insert(0, _bracket(left, right, y, ends, mark))  # behind the notes
        taken[staff].append(Extent(left, wide, y - LETTER, y + TICK))
    return [extent for staff in taken for extent in staff]


def _bracket(left: float, right: float, y: float, ends: tuple[bool, bool], mark: Mark) -> Element:
    """A line with a label; it has an end only where the run begins or ends, and not where a system does."""
    found = Element("g", {"class": f"bracket {mark.kind}"})
    begins, stops = (f"V{y + TICK:.0f}" if end else "" for end in ends)
    line = f"M{left:.0f} {y:.0f}{begins}M{left:.0f} {y:.0f}H{right:.0f}{stops}"
    SubElement(found, "path", {"d": line, "fill": "none", "stroke-width": "36"})
    SubElement(found, "text", {"x": f"{left:.0f}", "y": f"{y - 50:.0f}", "font-size": f"{LETTER}"}).text = mark.label
    return found


def _laid_out(system: Element) -> tuple[dict[str, tuple[int, float]], list[list[Extent]]]:
    """The staff, from 0 for the highest, and x of every note; for each staff, what is there.

    What belongs to no staff (tempo, chord symbols, endings) counts as the first's, which it stands above.
    """
    notes: dict[str, tuple[int, float]] = {}
    taken: list[list[Extent]] = []
    for measure in (g for g in system if g.get("class", "").startswith("measure")):
        number = -1
        for child in measure:
            is_staff = child.get("class") == "staff"
            number += is_staff
            staff = number if is_staff else 0
            while len(taken) <= staff:
                taken.append([])
            taken[staff] += _extents(child)
            for note in child.iter("g"):
                use = note.find(".//use") if "data-note" in note.attrib else None
                if use is not None and (place := _PLACE.match(use.get("transform", ""))):
                    notes[note.get("data-note", "")] = staff, float(place[1])
    return notes, taken


def _extents(element: Element) -> Iterator[Extent]:
    for e in element.iter():
        if e.tag == "use" and (place := _PLACE.match(e.get("transform", ""))):
            x, y = float(place[1]), float(place[2])
            yield Extent(x, x + HEAD, y - SIGN, y + SIGN)
        elif e.tag in ("path", "polygon"):
            numbers = _numbers(e.get("d") or e.get("points") or "")
            if len(numbers) >= 2 and "transform" not in e.attrib:  # a sign inside text is as high as the text
                xs, ys = numbers[::2], numbers[1::2]
                yield Extent(min(xs), max(xs), min(ys), max(ys))
        elif e.tag == "text" and e.get("x") and e.get("y"):
            x, y = float(e.get("x", "0")), float(e.get("y", "0"))
            letters = len("".join(e.itertext()))
            yield Extent(x, x + letters * LETTER / 2, y - LETTER, y)


def _glyph(name: str) -> str:
    """A sign's name without that of its picture: `E0A4` of `E0A4-e119u919`."""
    return name.partition("-")[0]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]
