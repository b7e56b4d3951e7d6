"""SVG's path data as moves, lines and curves. Source: SVG 1.1 (second edition), section 8.3."""

from __future__ import annotations

import re
from collections.abc import Iterator

Point = tuple[float, float]
Step = tuple[str, tuple[float, ...]]  # "M" x y, "L" x y, "C" x1 y1 x2 y2 x y, "Z": all absolute

NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}  # of each command
_TOKEN = re.compile(r"([MLHVCSQTZ])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z])", re.IGNORECASE)


def steps(data: str) -> Iterator[Step]:
    """The steps of path data.

    Raises:
        ValueError: it has a command that no engraved score has (an arc), or too few numbers.
    """
    here = start = (0.0, 0.0)
    control, after = here, ""  # the last curve's second control point, for smooth ones, and its command
    for command, numbers in _commands(data):
        kind = command.upper()
        at = here if command.islower() else (0.0, 0.0)
        points = _points(kind, numbers, at, here)
        if kind == "Z":
            yield "Z", ()
            here, after = start, kind
            continue
        if kind in "CSQT":
            curve, control = _curve(kind, points, here, _mirrored(control, here) if _smooth(kind, after) else here)
            yield "C", tuple(number for point in curve for number in point)
        else:
            yield "M" if kind == "M" else "L", points[-1]
        here, after = points[-1], kind
        start = here if kind == "M" else start


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Each command with its numbers; a command's letter may stand for several in a row."""
    command, waiting = "", list[float]()
    for letter, number, unknown in _TOKEN.findall(data):
        if unknown:
            raise ValueError(f"path command {unknown!r}")
        if letter:
            command, waiting = letter, []
        else:
            waiting.append(float(number))
        if command and len(waiting) == NUMBERS[command.upper()]:
            yield command, waiting
            # numbers after a move are lines
            command, waiting = {"M": "L", "m": "l"}.get(command, command), []
    if waiting:
        raise ValueError(f"path command {command!r} has {len(waiting)} numbers")


def _points(kind: str, numbers: list[float], at: Point, here: Point) -> list[Point]:
    if kind == "H":
        return [(at[0] + numbers[0], here[1])]
    if kind == "V":
        return [(here[0], at[1] + numbers[0])]
    return [(at[0] + x, at[1] + y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def _smooth(kind: str, after: str) -> bool:
    return (kind == "S" and after in ("C", "S")) or (kind == "T" and after in ("Q", "T"))


def _mirrored(point: Point, center: Point) -> Point:
    return 2 * center[0] - point[0], 2 * center[1] - point[1]


def _curve(kind: str, points: list[Point], here: Point, mirrored: Point) -> tuple[list[Point], Point]:
    """A curve as a cubic one, and the control point that a smooth one after it mirrors."""
    if kind in "CS":
        cubic = points if kind == "C" else [mirrored, *points]
        return cubic, cubic[1]
    control, end = points if kind == "Q" else (mirrored, points[0])
    # a quadratic curve's control points lie two thirds of the way to its one
    near = [(a[0] + 2 / 3 * (control[0] - a[0]), a[1] + 2 / 3 * (control[1] - a[1])) for a in (here, end)]
    return [*near, end], control
