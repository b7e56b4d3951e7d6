"""What a piece says of itself, and whether one made like it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith import __version__
from tunesmith.checkpoint import Learned
from tunesmith.errors import RequestError
from tunesmith.request import Request
from tunesmith.score import Bar, Score

MOST_PIECES = 1000  # of a request


def mark_of(piece: Score) -> str:
    """A hash of the notes, chords, meters and keys of a piece."""
    told = repr((piece.note_array().tolist(), piece.chords, piece.meters, piece.keys, piece.pickup))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Told:
    """What a piece says of itself: its request, its number, and the model and program that made it."""

    request: Request
    number: int
    model: str
    program: str


def told_by(piece: Score) -> Told:
    """Read the provenance of a piece.

    Raises:
        RequestError: it has none, or was made in a way that needs another piece.
    """
    try:
        told = json.loads(piece.provenance or "null")
        request, number, way = told["request"], int(told["piece"]), told.get("way", {"name": "compose"})
        model, program = str(told["model"]), str(told["program"])
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise RequestError("this piece does not say how it was made", fix="name one that compose wrote") from None
    if not isinstance(way, Mapping) or way.get("name") != "compose":
        raise RequestError("this piece was made of another, which is needed too", fix="call the same command again")
    if not isinstance(request, Mapping) or not 1 <= number <= MOST_PIECES:
        raise RequestError("the request in the piece is damaged")
    return Told(Request.back(request), number, model, program)


def differences(old: Score, new: Score, told: Told, learned: Learned) -> list[str]:
    """What differs between a piece and the one made like it: a line each; none where they are the same."""
    found = []
    if told.model != learned.digest:
        found.append(f"it was made by another model ({told.model[:12]}; this is {learned.digest[:12]})")
    if told.program != f"tunesmith {__version__}":
        found.append(f"it was made by {told.program}; this is tunesmith {__version__}")
    bar = next((b.number for b in new.bars(max(old.end, new.end)) if _within(old, b) != _within(new, b)), None)
    if bar is not None:
        found.append(f"the music differs from bar {bar} on")
    if old.chords and _chords(old) != _chords(new):  # MIDI files have none to compare
        found.append("the chord symbols differ")
    return found


def _chords(piece: Score) -> list[tuple[int, int, int]]:
    return [(chord.onset, chord.root, chord.quality) for chord in piece.chords]


def _within(piece: Score, bar: Bar) -> list[tuple[int, int, int, int]]:
    numbered = ((number, n) for number, part in enumerate(piece.parts) for n in part.notes)
    return sorted((i, n.onset, n.duration, n.pitch) for i, n in numbered if bar.start <= n.onset < bar.end)
