"""Draws Verovio's SVG on a reportlab canvas: signs as shapes defined once, lines, and text as text.

It knows the part of SVG that Verovio uses: groups, `use`, paths, lines, simple shapes, text with spans. The style
sheet that comes with every page is the same; `BOLD`, `ITALIC` and the black strokes of `_paint` stand for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring
from reportlab.pdfgen.canvas import FILL_NON_ZERO

from tunesmith.formats.picture.lettering import Lettering
from tunesmith.formats.picture.outline import Step, steps

BOLD = frozenset(("ending", "fing", "reh", "tempo"))  # classes of groups
ITALIC = frozenset(("dir", "dynam", "mNum"))
UNSEEN = frozenset(("pgHead", "pgFoot", "placeholder"))  # these hold room free, or mark a place
OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}  # of SVG's path data, in PDF
LINE_CAPS = {"butt": 0, "round": 1, "square": 2}
LINE_JOINS = {"miter": 0, "round": 1, "bevel": 2}
_TRANSFORM = re.compile(r"(\w+)\(([^)]*)\)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)

Matrix = tuple[float, float, float, float, float, float]


class Pen(NamedTuple):
    """How lines look, as SVG says it."""

    width: str
    cap: str
    join: str
    dashes: str


PEN = (("width", "1"), ("linecap", "butt"), ("linejoin", "miter"), ("dasharray", ""))  # SVG's names and defaults


class Shape:
    """A path in the form that `Canvas.drawPath` takes; reportlab's own takes most of the time to write its numbers."""

    def __init__(self, path: Iterable[Step]) -> None:
        parts = [f"{' '.join(map(_written, numbers))} {OPERATORS[kind]}" for kind, numbers in path]
        self.encloses = len(parts) > 2
        self._code = " ".join(parts)

    def getCode(self) -> str:  # noqa: N802 - reportlab's name
        """The operators of the PDF."""
        return self._code


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style."""

    text: str
    style: str
    size: float


class Walker:
    """Draws pages on a canvas whose units are the page's and whose y grows downwards."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._letters = Lettering(canvas)
        self._draws: dict[str, Callable[[Element, str], None]] = {
            "svg": self._view,
            "g": self._group,
            "defs": self._define,
            "use": self._use,
            "path": self._path,
            "rect": self._rectangle,
            "ellipse": self._ellipse,
            "polygon": self._polygon,
            "polyline": self._polygon,
            "text": self._text,
        }

    def draw(self, page: str) -> None:
        """Draw a page.

        Raises:
            ValueError: something in it is drawn in a way that no engraved score has.
        """
        root = fromstring(page)
        self._size = _numbers(root.get("viewBox", ""))[2:]
        self._pen: Pen | None = None  # the canvas's, where known
        self._children(root, "regular")

    def _children(self, element: Element, style: str) -> None:
        for child in element:
            draw = self._draws.get(_tag(child))  # none: descriptions and style sheets
            if draw:
                draw(child, style)

    def _placed(self, element: Element, style: str, matrices: Iterator[Matrix]) -> None:
        pen = self._pen
        self._canvas.saveState()
        for matrix in matrices:
            self._canvas.transform(*matrix)
        self._children(element, style)
        self._canvas.restoreState()
        self._pen = pen

    def _view(self, element: Element, style: str) -> None:
        """A picture in the page, as large as the page allows and in its middle: SVG's "xMidYMid meet"."""
        across, down = _numbers(element.get("viewBox", ""))[2:]
        width, height = self._size
        scale = min(width / across, height / down)
        left, top = (width - scale * across) / 2, (height - scale * down) / 2
        self._placed(element, style, iter([(scale, 0, 0, scale, left, top)]))

    def _group(self, element: Element, style: str) -> None:
        kinds = (element.get("class") or "").split()
        if UNSEEN.intersection(kinds):
            return
        style = "bold" if BOLD.intersection(kinds) else "italic" if ITALIC.intersection(kinds) else style
        if element.get("transform"):
            self._placed(element, style, _matrices(element))
        else:
            self._children(element, style)

    def _define(self, element: Element, style: str) -> None:
        """The signs of the music font, each a form of the PDF, which any page may use."""
        for sign in element:
            name = _sign(sign.get("id", ""))
            if self._canvas.hasForm(name):
                continue
            points = [n for path in sign.iter() if _tag(path) == "path" for _, n in steps(path.get("d", ""))]
            xs, ys = [x for p in points for x in p[::2]] or [0], [y for p in points for y in p[1::2]] or [0]
            reach = max(map(abs, ys))  # the shapes may be mirrored
            self._canvas.beginForm(name, min(xs), -reach, max(xs), reach)
            for path in sign:
                self._placed_path(path)
            self._canvas.endForm()

    def _placed_path(self, path: Element) -> None:
        for matrix in _matrices(path):
            self._canvas.transform(*matrix)
        self._canvas.drawPath(Shape(steps(path.get("d", ""))), stroke=0, fill=1, fillMode=FILL_NON_ZERO)

    def _use(self, element: Element, style: str) -> None:
        self._canvas.saveState()
        for matrix in _matrices(element):
            self._canvas.transform(*matrix)
        self._canvas.doForm(_sign(element.get("href", "").lstrip("#")))
        self._canvas.restoreState()

    def _path(self, element: Element, style: str) -> None:
        if element.get("transform"):  # a metronome mark's note: a sign that is not defined as one
            self._canvas.saveState()
            self._placed_path(element)
            self._canvas.restoreState()
            return
        shape = Shape(steps(element.get("d", "")))
        self._canvas.drawPath(shape, fillMode=FILL_NON_ZERO, **self._paint(element, encloses=shape.encloses))

    def _rectangle(self, element: Element, style: str) -> None:
        place = [float(element.get(key, "0")) for key in ("x", "y", "width", "height")]
        self._canvas.rect(*place, **self._paint(element))

    def _ellipse(self, element: Element, style: str) -> None:
        x, y, across, down = (float(element.get(key, "0")) for key in ("cx", "cy", "rx", "ry"))
        self._canvas.ellipse(x - across, y - down, x + across, y + down, **self._paint(element))

    def _polygon(self, element: Element, style: str) -> None:
        numbers = _numbers(element.get("points", ""))
        points = zip(numbers[::2], numbers[1::2], strict=False)
        path: list[Step] = [("L" if place else "M", point) for place, point in enumerate(points)]
        closed: list[Step] = [("Z", ())] if _tag(element) == "polygon" else []
        self._canvas.drawPath(Shape(path + closed), **self._paint(element))

    def _paint(self, element: Element, encloses: bool = True) -> dict[str, int]:
        """Set how lines look; whether to fill and to stroke."""
        pen = Pen(*(element.get(f"stroke-{name}", usual) for name, usual in PEN))
        if pen != self._pen:
            self._canvas.setLineWidth(float(pen.width))
            self._canvas.setLineCap(LINE_CAPS.get(pen.cap, 0))
            self._canvas.setLineJoin(LINE_JOINS.get(pen.join, 0))
            self._canvas.setDash(_numbers(pen.dashes))
            self._pen = pen
        filled = encloses and element.get("fill") != "none" and float(element.get("fill-opacity", "1")) > 0
        # what is filled needs no line of a hundredth of a millimetre, which viewers draw a whole pixel wide
        width = 0.0 if filled and "stroke-width" not in element.attrib else float(pen.width)
        return {"fill": int(filled), "stroke": int(width * float(element.get("stroke-opacity", "1")) > 0)}

    def _text(self, element: Element, style: str) -> None:
        runs = _joined(run for run in _runs(element, style, 0.0) if run.text and run.size)
        width = sum(self._letters.width(run.text, run.style, run.size) for run in runs)
        anchor = {"middle": width / 2, "end": width}.get(element.get("text-anchor", ""), 0)
        x, y = float(element.get("x", "0")) - anchor, float(element.get("y", "0"))
        for run in runs:
            x = self._letters.draw(run.text, x, y, run.style, run.size, y_down=True)


def _runs(element: Element, style: str, size: float) -> Iterator[Run]:
    """The text of an element and its spans, in order."""
    size = float((element.get("font-size") or f"{size}").removesuffix("px"))
    if element.get("font-weight") == "bold":
        style = "bold"
    elif element.get("font-style") == "italic":
        style = "italic"
    elif "normal" in (element.get("font-style"), element.get("font-weight")):
        style = "regular"
    yield Run(element.text or "", style, size)
    for child in element:
        yield from _runs(child, style, size)
        yield Run(child.tail or "", style, size)


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Runs of one style as one, so that they are one word when copied."""
    alike = groupby(runs, lambda run: (run.style, run.size))
    return [Run("".join(run.text for run in same), style, size) for (style, size), same in alike]


def _matrices(element: Element) -> Iterator[Matrix]:
    for name, given in _TRANSFORM.findall(element.get("transform", "")):
        numbers = _numbers(given)
        if name == "translate":
            yield 1, 0, 0, 1, numbers[0], numbers[1] if len(numbers) > 1 else 0
        elif name == "scale":
            yield numbers[0], 0, 0, numbers[-1], 0, 0
        elif name == "matrix" and len(numbers) == 6:
            yield numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
        else:
            raise ValueError(f"transform {name!r}")


def _written(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.2f}"


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _sign(name: str) -> str:
    """A sign's name without the page's: `E050` of `E050-e119u919`."""
    return "sign-" + name.partition("-")[0]


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
