"""Composing: a model, wishes and a seed -> events that the grammar allows -> a score.

Each piece draws from a random generator of its own, (seed, number of the piece), so that piece 3 of 5 is the
same whether the others are made or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tunesmith import scheme
from tunesmith.checkpoint import Learned
from tunesmith.constraints import Elsewhere, Kept, MaxCopy, Windows, Wish
from tunesmith.errors import RequestError
from tunesmith.framing import Frame, framed
from tunesmith.habits import (
    NETWORKS,
    Habits,
    after,
    choose_header,
    habits_of,
    header,
    imagined,
    imagined_habits,
)
from tunesmith.originality import LEAST, Index, yardstick
from tunesmith.originality.fingerprint import BASE_MUSIC, Fingerprint
from tunesmith.particles import Drawer, Drawing, Outcome
from tunesmith.request import OFF, Request
from tunesmith.scheme import Cursor, Event, vocabulary
from tunesmith.score import Chord, Score, Tempo
from tunesmith.wishing import needs, progression, suits, wishes

USUAL_CAP = 16  # notes: what half of all works have, at most, of the base's music, though it never heard them
MOST_HEADERS = 8  # that are drawn until one suits what is asked


@dataclass(frozen=True, slots=True)
class Brief:
    """A piece to be written: what it begins with, the room for the rest, and what is kept of another piece."""

    opening: Sequence[Event]
    habits: Habits
    room: Frame
    wishes: tuple[Wish, ...] = ()
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A piece: its score, its events, and how it came about."""

    score: Score
    outcome: Outcome


def compose(
    learned: Learned, request: Request, numbers: Sequence[int] | None = None, most: int | None = None
) -> Iterator[Score]:
    """New pieces, one by one: all, or those of these numbers, from 0. `most`: see `cap_of`.

    Raises:
        RequestError: the request makes no sense.
        Unsatisfiable: the model cannot write what is wished for.
        ModelError: the songs in the model file are no music.
    """
    request.check()
    caps: list[MaxCopy] | None = None
    for number in range(request.pieces) if numbers is None else numbers:
        random = np.random.default_rng([request.seed, number])
        brief = brief_of(learned, request, random)
        if caps is None:
            caps = [cap for cap in [cap_of(learned, request, most)] if cap]
        yield perform(learned, brief, request, caps, random).score


def brief_of(learned: Learned, request: Request, random: np.random.Generator) -> Brief:
    """A piece from nothing: a header like those of the songs, or one that the model writes itself.

    Where no meter is asked for, it is one whose bars can have what is, if one of the first few headers has such.

    Raises:
        RequestError: no header suits what is asked.
    """
    found, refused = list[Brief](), list[RequestError]()
    for _ in range(MOST_HEADERS if request.meter is None else 1):
        try:
            found.append(_brief_of(learned, request, random))
            if suits(request, found[-1].room):
                return found[-1]
        except RequestError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return found[0]


def _brief_of(learned: Learned, request: Request, random: np.random.Generator) -> Brief:
    heads, habits, asked = [header(learned, i) for i in range(len(learned.songs))], habits_of(learned), request.asked
    if heads:
        if request.texture is None and not any((vocabulary.CHORDS, vocabulary.NONE) in head for head in heads):
            asked = replace(
                asked, texture=None
            )  # songs without chord symbols: they are printed, and heard in the notes
        head = choose_header(heads, asked, random)
    else:
        head = imagined(learned, asked, random)
        habits = imagined_habits(head) if learned.name in NETWORKS else habits
    cursor = after(head)
    return Brief(head, habits, framed(habits, request, cursor, request.bars * cursor.bar_length))


def perform(
    learned: Learned, brief: Brief, request: Request, caps: Sequence[MaxCopy], random: np.random.Generator
) -> Composed:
    """Write a piece.

    Raises:
        RequestError: a wish does not fit the piece.
        Unsatisfiable: nothing keeps the wishes.
    """
    outcome = _drawer(learned, brief, request, caps, random, often=brief.kept is not None).piece(brief.opening)
    score = scheme.decode(outcome.events)
    if request.chords and not score.chords:
        score = score.replace(chords=tuple(printed(request, brief.room)))
    tempo = score.tempos[0] if request.tempo is None else Tempo(0, request.tempo)
    return Composed(score.replace(tempos=(tempo,)), outcome)


def performing(
    learned: Learned, brief: Brief, request: Request, caps: Sequence[MaxCopy], random: np.random.Generator
) -> Iterator[list[Event]]:
    """Write a piece bar by bar: all its events so far, each time; what is there stays. Raises as `perform`."""
    return _drawer(learned, brief, request, caps, random, often=False).along(brief.opening)


def _drawer(
    learned: Learned,
    brief: Brief,
    request: Request,
    caps: Sequence[MaxCopy],
    random: np.random.Generator,
    often: bool,
) -> Drawer:
    """What draws a piece. `often`: see `Drawing`."""
    room = brief.room
    last_bar = -(-(room.end - room.cursor.origin) // room.bar) + room.cursor.bars_before

    def frame(cursor: Cursor) -> Sequence[int]:
        return scheme.frame(cursor, int(scheme.bars_left(cursor.bar, last_bar)))

    wanted: list[Wish] = [*wishes(brief.habits, request, room), *brief.wishes, *caps]
    kept = brief.kept
    if kept:
        wanted = [kept, *(Elsewhere(kept, wish) for wish in wanted)]
    particles = needs(request, kept is not None)
    drawing = Drawing(particles, request.temperature, request.rhythm_temperature, request.top_p, often)
    return Drawer(learned.model, wanted, drawing, random, frame)


def printed(request: Request, room: Frame) -> Iterator[Chord]:
    """The chords asked for, to be printed above music that has no voice for them."""
    ticks, chords = progression(request, room)
    for start, end, symbol in zip(ticks, (*ticks[1:], room.end), chords, strict=True):
        yield Chord(start, end - start, *vocabulary.chord_of(symbol))


def cap_of(learned: Learned, request: Request, most: int | None = None) -> MaxCopy | None:
    """The cap on copying: as asked for, or as much as the songs learned have of each other.

    `most`: notes of the longest run that they have, where that is known.
    """
    if request.max_copy == OFF:
        return None
    songs = [scheme.decode(learned.songs[i]) for i in range(len(learned.songs))]
    cap = request.max_copy
    if cap is None:
        most = yardstick(songs, Index.of(songs)).most_longest if most is None and len(songs) > 1 else most
        cap = USUAL_CAP if most is None else max(LEAST, most)
    base = bool(learned.about.get("base") or learned.about.get("started_from"))
    of_base = 0 if request.max_copy is not None else USUAL_CAP
    return MaxCopy(cap, Windows.of(songs, cap), base_music() if base else None, of_base)


@cache
def base_music() -> Fingerprint:
    """The fingerprint of what the base learned from.

    Raises:
        ModelError: it is damaged: the program is to be installed again.
    """
    return Fingerprint.load(BASE_MUSIC)
