"""Composing as users ask for it: the five ways, each piece with how new it is, the best of many, and one like another.

Every piece carries its request, seed and number, the model's hash, and what it has in common with the songs learned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunesmith import __version__, ways
from tunesmith.checkpoint import Learned
from tunesmith.comparing import Against, Checked, against, check
from tunesmith.errors import RequestError, Unsatisfiable
from tunesmith.originality import Fingerprint, View, lines
from tunesmith.prepare import prepare
from tunesmith.provenance import mark_of
from tunesmith.ranking import Marks, Usual, bits_per_note, marks_of
from tunesmith.request import Request
from tunesmith.sample import base_music
from tunesmith.sample import compose as from_nothing
from tunesmith.score import Score

WAYS = ("compose", "continue", "rewrite", "harmonise", "vary")
MOST_TITLE = 60  # characters of a title that is made longer


@dataclass(frozen=True, slots=True)
class Way:
    """How to work: `name` of `WAYS`, the `piece` worked on, and `bars` (first, last), `kind` and `strength`."""

    name: str = "compose"
    piece: Score | None = None
    bars: tuple[int, int] = (1, 1)
    kind: str = ""
    strength: float = 0.5

    def told(self) -> dict[str, Any]:
        """As JSON holds it; of the piece its hash."""
        found: dict[str, Any] = {"name": self.name}
        if self.piece is not None:
            found["of"] = mark_of(self.piece)
        if self.name == "rewrite":
            found["bars"] = list(self.bars)
        if self.name in ("harmonise", "vary"):
            found["kind"] = self.kind
        return found | ({"strength": self.strength} if self.name == "vary" else {})


@dataclass(frozen=True, slots=True)
class Made:
    """A piece, its number in the request, and what is known of it.

    `checked`: held against the songs learned, None where the model keeps none. `base_run`: notes of the longest run
    that may stand in what the base learned from, None where the model did not begin from it. `bits`: per note, as the
    model finds it. `marks`: where the best were asked for.
    """

    score: Score
    number: int
    checked: Checked | None
    base_run: int | None
    bits: float
    marks: Marks | None = None


def bars_of(piece: Score) -> int:
    """The full bars of a piece, as it is worked on; at least 1."""
    return max(1, sum(bar.number > 0 for bar in prepare(piece).bars()))


def composing(
    learned: Learned,
    request: Request,
    way: Way | None = None,
    best: int | None = None,
    only: int | None = None,
    said: Callable[[], object] = lambda: None,
    failed: Callable[[Unsatisfiable], object] = lambda error: None,
) -> Iterator[Made]:
    """Pieces one by one. `best`: of all, the so many best, best first. `only`: the piece of this number alone.

    `said` is called whenever a piece is there, `failed` with what kept one of several from being made.

    Raises:
        RequestError: the request makes no sense.
        NotCarried: the piece to work on cannot be carried.
        Unsatisfiable: nothing keeps the wishes.
    """
    way = way or Way()
    if best is not None and not 1 <= best <= request.pieces:
        raise RequestError(
            f"the best {best} of {request.pieces} pieces", fix="ask for more pieces, or for fewer of them"
        )
    made = _made(learned, request, way, only, said, failed)
    if best is None:
        yield from made
        return
    usual = Usual.of(learned)
    marked = [replace(one, marks=marks_of(one.score, one.bits, one.checked, usual)) for one in made]
    yield from sorted(marked, key=_rank)[:best]


def _rank(made: Made) -> tuple[float, int]:
    return -(made.marks.mean if made.marks else 0.0), made.number


def _made(
    learned: Learned,
    request: Request,
    way: Way,
    only: int | None,
    said: Callable[[], object],
    failed: Callable[[Unsatisfiable], object],
) -> Iterator[Made]:
    songs = against(learned, whole_alone=True) if len(learned.songs) else None
    left = list(range(request.pieces) if only is None else range(only - 1, only))
    alone, base = len(left) == 1, _base_of(learned)
    while left:
        try:
            for piece in _pieces(learned, request, way, songs, tuple(left)):
                said()
                yield _told(learned, request, way, piece, left.pop(0) + 1, songs, base)
        except Unsatisfiable as error:  # of this seed: others may do
            if alone:
                raise
            failed(Unsatisfiable(error.what, where=f"piece {left.pop(0) + 1}, {error.where}", fix=error.fix))


def _base_of(learned: Learned) -> Fingerprint | None:
    """The music of the base, where the model began from it."""
    return base_music() if learned.about.get("base") or learned.about.get("started_from") else None


def _told(
    learned: Learned,
    request: Request,
    way: Way,
    piece: Score,
    number: int,
    songs: Against | None,
    base: Fingerprint | None,
) -> Made:
    """A piece with all that is known of it."""
    titled = piece.replace(title=_title(way, request, number))
    checked = check(titled, songs) if songs else None
    run = max((base.longest(line.steps()) for line in lines(titled)), default=0) if base else None
    told = {
        "program": f"tunesmith {__version__}",
        "model": learned.digest,
        "piece": number,
        "way": way.told(),
        "request": request.told(),
        "copied": _figures(checked, run),
    }
    whole = titled.replace(provenance=json.dumps(told, sort_keys=True))
    return Made(whole, number, checked, run, bits_per_note(learned, piece))


def _pieces(
    learned: Learned, request: Request, way: Way, songs: Against | None, numbers: Sequence[int]
) -> Iterator[Score]:
    usual = songs.yardsticks[View.WHOLE] if songs else None
    most = usual.most_longest if usual and usual.songs > 1 else None
    if way.name == "compose":
        return from_nothing(learned, request, numbers, most)
    return ways.written(learned, _task(learned, request, way), request, numbers, most)


def _task(learned: Learned, request: Request, way: Way) -> ways.Task:
    if way.piece is None or way.name not in WAYS:
        raise RequestError(f"there is no piece to {way.name}", fix=f"name one; the ways are {', '.join(WAYS)}")
    if way.name == "continue":
        return ways.carry_on(learned, way.piece, request)
    if way.name == "rewrite":
        return ways.rewrite(learned, way.piece, way.bars, request)
    if way.name == "harmonise":
        return ways.harmonise(learned, way.piece, way.kind, request)
    return ways.vary(learned, way.piece, way.kind, way.strength, request)


def _title(way: Way, request: Request, number: int) -> str:
    old = way.piece.title[:MOST_TITLE] if way.piece else ""
    again = {"continue": "continued", "rewrite": "rewritten", "harmonise": "harmonised", "vary": "varied"}
    title = f"{old}, {again[way.name]}" if old else f"Song {request.seed}"
    return title + (f", no. {number}" if request.pieces > 1 else "")


def _figures(checked: Checked | None, base_run: int | None) -> dict[str, int]:
    """What a piece has in common with songs, for its provenance."""
    found: dict[str, int] = {}
    if checked:
        whole = checked.whole
        found = {"notes": whole.notes, "copied": whole.copied, "longest_run": whole.longest, "least": whole.least}
    return found | ({"longest_run_in_base_music": base_run} if base_run is not None else {})
