"""Composing: a model, wishes and a seed -> events that the grammar allows -> a score.

Each piece draws from a random generator of its own, (seed, number of the piece), so that piece 3 of 5 is the
same whether the others are made or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tunesmith import scheme, theory
from tunesmith.checkpoint import Learned
from tunesmith.constraints import Chords, InKey, Length, Onward, Place, Range, Rhythm, Steady, Voices, Wish, place_of
from tunesmith.errors import ModelError, RequestError, Unsatisfiable
from tunesmith.models.spec import BoolArray, FloatArray
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import DONE
from tunesmith.score import Key, Meter, Score, Tempo

MAX_BARS = 512
MOST_HEADER = 64  # events
MOST_HEARD = 20_000  # events of the songs learned that are looked through for their rhythms; a fraction of a second
CHORD_FAMILY = 16
DEFAULT_HEADER: list[Event] = [
    (v.STYLE[0], v.NONE),
    (v.METER[3], v.UNITS[4]),
    (v.key_symbol(0, "major"), v.NONE),
    (v.tempo_symbol(108), v.NONE),
    (v.PART[0], v.NONE),
]


@dataclass(frozen=True, slots=True)
class Request:
    """What to compose. What is None is as in the songs learned.

    `bars`: full bars, 1 to 512. `temperature`, of pitches and chords: 0.1 (safe) to 2 (wild), 1 = as learned.
    `rhythm_temperature`, of lengths: the same. `top_p`: the share of probability to choose among. `tempo`: quarter
    notes a minute. `chromatic`: the bias, in nats, of notes outside the key.
    """

    bars: int = 16
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
    heads = [_header(learned, i) for i in range(len(learned.songs))]
    habits = _habits(learned)
    for number in range(request.pieces):
        random = np.random.default_rng([request.seed, number])
        head = choose_header(heads, request, random)
        events = compose_events(learned, head, wishes(habits, request, head), request, random)
        score = scheme.decode(events)
        tempo = score.tempos[0] if request.tempo is None else Tempo(0, request.tempo)
        yield score.replace(tempos=(tempo,))


@dataclass(frozen=True, slots=True)
class Habits:
    """What the songs learned have in common: lowest and highest pitch, and the duration ids they use.

    `rhythms`: for a meter (beats, unit), the places in the bar where lengths stand. `chords`: degrees and kinds of
    the chord symbols; `chord_rests`: whether the chord voice ever rests.
    """

    low: int = 36
    high: int = 96
    lengths: tuple[int, ...] = tuple(range(v.JOIN, v.DURATIONS))
    rhythms: Mapping[tuple[int, int], frozenset[Place]] = field(default_factory=dict)
    chords: frozenset[tuple[int, int]] = frozenset()
    chord_rests: bool = False


def _habits(learned: Learned) -> Habits:
    symbols, durations = learned.songs.events.T
    pitches = symbols[symbols < v.PITCH.end]
    if not len(pitches):
        return Habits()
    moving = durations[(symbols < v.CHORD.end) & (durations != v.NONE)]
    lengths, counts = np.unique(moving, return_counts=True)
    # A length met once in a thousand is a slip of the pen, and leads to places from which no other leads back.
    usual = lengths[counts >= max(1, len(moving) // 1000)]
    heard = list(_heard(learned))
    rhythms: dict[tuple[int, int], set[Place]] = {}
    for meter, place, _ in heard:
        rhythms.setdefault(meter, set()).add(place)
    return Habits(
        int(pitches.min()),
        int(pitches.max()),
        tuple(int(d) for d in usual),
        {meter: frozenset(places) for meter, places in rhythms.items()},
        frozenset(chord for _, _, chord in heard if chord),
        any(place[:2] == (True, True) for _, place, _ in heard),
    )


def _heard(learned: Learned) -> Iterator[tuple[tuple[int, int], Place, tuple[int, int] | None]]:
    """Of every event that takes time: the meter, its place in the bar, and the degree and kind of a chord symbol."""
    events = 0
    for number in range(len(learned.songs)):
        song, head = learned.songs[number], _header(learned, number)
        cursor = _after(head)
        events += len(song)
        if events > MOST_HEARD:
            return
        for symbol, duration in song[len(head) :]:
            if symbol < v.CHORD.end and duration != v.JOIN:
                chord = None
                if symbol in v.CHORD:
                    root, quality = v.chord_of(symbol)
                    chord = (root - theory.tonic(cursor.fifths, cursor.mode)) % 12, quality
                yield (cursor.beats, cursor.unit), place_of(cursor, symbol, duration), chord
            cursor.advance(symbol, duration)


def wishes(habits: Habits, request: Request, head: Sequence[Event]) -> tuple[Wish, ...]:
    """The wishes of a request, with what the songs learned imply: range, note lengths and their places, chords."""
    cursor = _after(head)
    length = Length(request.bars * cursor.bar_length, habits.lengths, on_tonic=habits.high - habits.low >= 12)
    if not length.fits(length.ticks):  # the lengths learned do not fill this meter
        length = replace(length, lengths=tuple({*habits.lengths, *range(2, v.DURATIONS)}))
    rhythm = Rhythm(habits.rhythms.get((cursor.beats, cursor.unit), frozenset()))
    chords = Chords(habits.chords, habits.chord_rests)
    kept = Steady(), Voices(), Range(habits.low, habits.high), InKey(request.chromatic)
    return *kept, rhythm, chords, length, Onward()


def _after(head: Sequence[Event]) -> Cursor:
    """The cursor after a header.

    Raises:
        ModelError: it is none: a damaged or forged model file.
    """
    cursor, world = Cursor(), scheme.spec()
    for symbol, duration in head:
        allowed = world.allowed_symbols(np.array(scheme.frame(cursor)))
        if not (allowed[symbol] and world.allowed_durations(np.array(symbol))[duration]):
            break
        cursor.advance(symbol, duration)
    else:
        if any(voice.family < CHORD_FAMILY for voice in cursor.voices):
            return cursor
    raise ModelError("the songs in the model are no music", fix="learn it again, or copy it again")


def choose_header(heads: Sequence[list[Event]], request: Request, random: np.random.Generator) -> list[Event]:
    """One of the headers, one that suits the request best, with the request's wishes put in."""
    head = _suitable(heads, request, random) if heads else DEFAULT_HEADER
    if request.key is not None:
        head = _replaced(head, "key", (v.key_symbol(request.key.fifths, request.key.mode), v.NONE))
    if request.tempo is not None:
        head = _replaced(head, "tempo", (v.tempo_symbol(request.tempo), v.NONE))
    if request.meter is not None:
        event = (v.METER[request.meter.beats - 1], v.UNITS[request.meter.unit])
        if event not in head:
            head = [e for e in _replaced(head, "meter", event) if e[0] != v.PICKUP]
    return head


def _suitable(heads: Sequence[list[Event]], request: Request, random: np.random.Generator) -> list[Event]:
    """One of the headers with the meter and the mode wished for; if none has both, the meter weighs more.

    Only headers of the commonest texture are looked at: of the others too little was learned.
    """
    textures = Counter(_texture(head) for head in heads)
    heads = [head for head in heads if _texture(head) == textures.most_common(1)[0][0]]
    meter = request.meter and (v.METER[request.meter.beats - 1], v.UNITS[request.meter.unit])

    def suits(head: list[Event]) -> int:
        mode = next((v.key_of(s)[1] for s, _ in head if s in v.KEY), None)
        return 2 * (meter is None or meter in head) + (request.key is None or request.key.mode == mode)

    marks = [suits(head) for head in heads]
    best = [head for head, mark in zip(heads, marks, strict=True) if mark == max(marks)]
    return best[int(random.integers(len(best)))]


def _texture(head: Sequence[Event]) -> tuple[int, ...]:
    """The style and the parts of a header."""
    return tuple(s for s, _ in head if s in v.STYLE or s in v.PART or s == v.VOICE)


def _header(learned: Learned, song: int) -> list[Event]:
    """The events of a song learned before its first sound."""
    start, end = learned.songs.starts[song : song + 2].tolist()
    rows = learned.songs.events[start : min(end, start + MOST_HEADER)]
    sounding = np.flatnonzero(rows[:, 0] < v.CHORD.end)
    return [(int(s), int(d)) for s, d in rows[: sounding[0] if len(sounding) else None]]


def _replaced(head: list[Event], kind: str, event: Event) -> list[Event]:
    return [event if symbol in v.RANGES[kind] else (symbol, duration) for symbol, duration in head]


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
    weights = np.exp((logits - logits.max()) / temperature)
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(weights[order]), top_p) + 1)]
    return int(random.choice(kept, p=weights[kept] / weights[kept].sum()))
