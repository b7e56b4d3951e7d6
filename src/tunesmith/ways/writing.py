"""Writing what is to be written into a piece, and the way back to a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tunesmith.checkpoint import Learned
from tunesmith.constraints import MaxCopy, Windows
from tunesmith.originality import LEAST
from tunesmith.request import OFF, Request
from tunesmith.sample import cap_of, perform, performing, printed
from tunesmith.scheme import Event
from tunesmith.score import Score
from tunesmith.ways.material import put_back
from tunesmith.ways.task import Task


def written(
    learned: Learned, task: Task, request: Request, numbers: Sequence[int], most: int | None = None
) -> Iterator[Score]:
    """Pieces of these numbers, from 0, one by one. `most`: see `sample.cap_of`.

    Raises:
        RequestError: a wish does not fit.
        Unsatisfiable: nothing keeps the wishes.
    """
    request = replace(request, bars=task.bars, cadence=task.cadence)
    caps = _caps(task, request, cap_of(learned, request, most))
    for number in numbers:
        random = np.random.default_rng([request.seed, number])
        made = perform(learned, task.brief, request, caps, random)
        yield _put_back(task, request, made.outcome.events)


def written_along(learned: Learned, task: Task, request: Request, cap: MaxCopy | None) -> Iterator[Score]:
    """One piece, told about bar by bar: all of it so far, whenever notes are new. `cap`: see `sample.cap_of`.

    Raises:
        RequestError, Unsatisfiable: as `written`.
    """
    request, random = replace(request, bars=task.bars, cadence=task.cadence), np.random.default_rng([request.seed, 0])
    told = list(task.material.score.notes())
    for events in performing(learned, task.brief, request, _caps(task, request, cap), random):
        piece = _put_back(task, request, events)
        notes = list(piece.notes())
        if notes != told:
            yield piece
            told = notes


def _put_back(task: Task, request: Request, events: Sequence[Event]) -> Score:
    """The piece with what is written. Chords asked for that no voice has stand above what is new."""
    piece = put_back(task.material, events, task.names)
    if not request.chords or piece.chords:
        return piece
    room = task.brief.room
    chords = (chord for chord in printed(request, room) if room.is_free(None, chord.onset))
    return piece.replace(chords=tuple(chord for chord in chords if chord.onset < piece.end))


def _caps(task: Task, request: Request, cap: MaxCopy | None) -> list[MaxCopy]:
    """The cap, and one of the piece itself, so that what is written is not what is there."""
    caps = [cap] if cap else []
    if task.anew and request.max_copy != OFF:
        size = request.max_copy or LEAST
        caps.append(MaxCopy(size, Windows.of([task.material.score], size), kept_too=True))
    return caps
