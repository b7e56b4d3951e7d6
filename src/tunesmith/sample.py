"""Composing: a model, wishes and a seed -> events that the grammar allows -> a score.

Each piece draws from a random generator of its own, (seed, number of the piece), so that piece 3 of 5 is the
same whether the others are made or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunesmith import scheme
from tunesmith.checkpoint import Learned
from tunesmith.constraints import Chords, InKey, Length, Onward, Range, Rhythm, Sounding, Steady, Voices, Wish
from tunesmith.errors import RequestError, Unsatisfiable
from tunesmith.habits import (
    NETWORKS,
    Habits,
    Opening,
    after,
    choose_header,
    drawn,
    habits_of,
    header,
    imagined,
    imagined_habits,
)
from tunesmith.models.spec import BoolArray, FloatArray
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import DONE
from tunesmith.score import Key, Meter, Score, Tempo

MAX_BARS = 512


@dataclass(frozen=True, slots=True)
class Request:
    """What to compose. What is None is as in the songs learned.

    `texture`: one of `vocabulary.STYLES`; the base, which has no songs, writes a melody where none is named. `bars`:
    full bars, 1 to 512. `temperature`, of pitches and chords: 0.1 (safe) to 2 (wild), 1 = as learned.
    `rhythm_temperature`, of lengths: the same. `top_p`: the share of probability to choose among. `tempo`: quarter
    notes a minute. `chromatic`: the bias, in nats, of notes outside the key.
    """

    bars: int = 16
    texture: str | None = None
    key: Key | None = None
    meter: Meter | None = None
    tempo: float | None = None
    temperature: float = 1.0
    rhythm_temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 1
    pieces: int = 1
    chromatic: float = -4.0

    def check(self) -> None:
        """Raise `RequestError` for what makes no sense."""
        if self.texture is not None and self.texture not in v.STYLES:
            raise RequestError(f"unknown texture {self.texture!r}", fix=f"choose from {', '.join(v.STYLES)}")
        _within("bars", self.bars, 1, MAX_BARS)
        _within("temperature", self.temperature, 0.1, 2.0)
        _within("rhythm temperature", self.rhythm_temperature, 0.1, 2.0)
        _within("top-p", self.top_p, 0.01, 1.0)
        _within("pieces", self.pieces, 1, 1000)
        _within("seed", self.seed, 0, 2**63 - 1)
        if self.tempo is not None:
            _within("tempo", self.tempo, 20, 400)
        if self.meter is not None and not (
            1 <= self.meter.beats <= v.METER.size and self.meter.unit in v.UNITS and self.meter.bar <= 8 * v.TICKS[-1]
        ):
            raise RequestError(
                f"meter {self.meter.beats}/{self.meter.unit} cannot be composed in", fix="try 4/4 or 6/8"
            )

    @property
    def opening(self) -> Opening:
        """What is asked of the beginning."""
        return Opening(self.texture, self.key, self.meter, self.tempo)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also false for nan
        raise RequestError(f"{name} {value} is out of range", fix=f"choose from {low} to {high}")


def compose(learned: Learned, request: Request) -> Iterator[Score]:
    """New pieces, one by one.

    Raises:
        RequestError: the request makes no sense.
        Unsatisfiable: the model cannot write what is wished for.
        ModelError: the songs in the model file are no music.
    """
    request.check()
    heads = [header(learned, i) for i in range(len(learned.songs))]
    habits = habits_of(learned)
    for number in range(request.pieces):
        random = np.random.default_rng([request.seed, number])
        if heads:
            head = choose_header(heads, request.opening, random)
        else:
            head = imagined(learned, request.opening, random)
            habits = imagined_habits(head) if learned.name in NETWORKS else habits
        events = compose_events(learned, head, wishes(habits, request, head), request, random)
        score = scheme.decode(events)
        tempo = score.tempos[0] if request.tempo is None else Tempo(0, request.tempo)
        yield score.replace(tempos=(tempo,))


def wishes(habits: Habits, request: Request, head: Sequence[Event]) -> tuple[Wish, ...]:
    """The wishes of a request, with what the songs learned imply: range, note lengths and their places, chords."""
    cursor = after(head)
    length = Length(request.bars * cursor.bar_length, habits.lengths, on_tonic=habits.high - habits.low >= 12)
    if not length.fits(length.ticks):  # the lengths learned do not fill this meter
        length = replace(length, lengths=tuple({*habits.lengths, *range(2, v.DURATIONS)}))
    rhythm = Rhythm(habits.rhythms.get((cursor.beats, cursor.unit), frozenset()))
    chords = Chords(habits.chords, habits.chord_rests)
    sounding = Sounding(0.0 if habits.silent else Sounding().bias)
    kept = Steady(), Voices(), sounding, Range(habits.low, habits.high), InKey(request.chromatic)
    return *kept, rhythm, chords, length, Onward()


def compose_events(
    learned: Learned, head: Sequence[Event], wanted: Sequence[Wish], request: Request, random: np.random.Generator
) -> list[Event]:
    """The events of a piece: the header as given, the rest chosen event by event.

    Raises:
        Unsatisfiable: nothing is left to choose.
    """
    model, cursor = learned.model, Cursor()
    state = model.begin(1)
    events: list[Event] = []
    while cursor.phase != DONE:
        left = int(scheme.bars_left(cursor.bar, request.bars))
        row = np.array([scheme.frame(cursor, left)], np.int16)
        log_p = model.symbols(state, row)[0]
        if len(events) < len(head):
            symbol, duration = head[len(events)]
            model.durations(state, np.array([symbol]))
        else:
            legal = model.spec.allowed_symbols(row[0])
            biases = [w(cursor) for w in wanted]
            symbol = _choose(log_p, legal, biases, request.temperature, request.top_p, random, cursor)
            log_p = model.durations(state, np.array([symbol]))[0]
            legal = model.spec.allowed_durations(np.array(symbol))
            biases = [w(cursor, symbol) for w in wanted]
            duration = _choose(log_p, legal, biases, request.rhythm_temperature, request.top_p, random, cursor)
        events.append((symbol, duration))
        cursor.advance(symbol, duration)
    return events


def _choose(
    log_p: FloatArray,
    legal: BoolArray,
    biases: Sequence[FloatArray | None],
    temperature: float,
    top_p: float,
    random: np.random.Generator,
    cursor: Cursor,
) -> int:
    """Draw from log-probabilities with the biases added, sharpened by temperature, cut at top-p.

    Where the wishes leave only what the model gives no probability (a model of a small alphabet at the end of
    a piece), what grammar and wishes allow is drawn from evenly.
    """
    bias = sum((b for b in biases if b is not None), np.zeros(len(log_p)))
    logits = log_p + bias
    if not np.isfinite(logits).any():
        logits = np.where(legal, bias, -np.inf)
    if not np.isfinite(logits).any():
        raise Unsatisfiable("nothing is left to choose", where=f"bar {cursor.bar}", fix="ask for less")
    return drawn(np.exp((logits - logits.max()) / temperature), top_p, random)
