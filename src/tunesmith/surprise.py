"""What a model expected, event by event: what each cost in bits, and where in the piece it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunesmith import scheme, theory
from tunesmith.evaluation import body
from tunesmith.models.spec import FloatArray
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Note


@dataclass(frozen=True, slots=True)
class Surprise:
    """What an event of a song cost: `bits_of_symbol` for what it is, `bits_of_length` for how long it is.

    `bar` from 1, 0 is a pickup; `beat` from 1, in units of the meter; `voice` from 1; `onset` and `length` in quarter
    notes. `what`: a note or a chord symbol by its name, "rest", "held" (what sounds goes on), or a change of key or
    meter. `pitch` of a note.
    """

    song: str
    bar: int
    beat: float
    voice: int
    onset: float
    what: str
    pitch: int | None
    length: float
    bits_of_symbol: float
    bits_of_length: float

    @property
    def bits(self) -> float:
        """Both together."""
        return self.bits_of_symbol + self.bits_of_length


def surprises(log_p: FloatArray, events: Sequence[Event], name: str = "") -> Iterator[Surprise]:
    """The cost of every event of a song that counts (see `evaluation`), from log-probabilities (T, 2) in nats."""
    cursor = Cursor()
    counted = body(scheme.as_song(list(events)))
    for place, (symbol, duration) in enumerate(events):
        if counted[place]:
            ticks = v.TICKS[duration if duration != v.JOIN else _joined(events, place)] if symbol < v.CHORD.end else 0
            yield Surprise(
                name,
                cursor.bar,
                cursor.position * cursor.unit / (4 * TPQ) + 1,
                cursor.voice + 1,
                cursor.now / TPQ,
                _called(symbol, cursor),
                symbol if symbol < v.PITCH.end else None,
                ticks / TPQ,
                *(-log_p[place] / math.log(2)).tolist(),
            )
        cursor.advance(symbol, duration)


def _joined(events: Sequence[Event], place: int) -> int:
    """The length of the chord that a joined note belongs to."""
    return next(duration for _, duration in events[place:] if duration != v.JOIN)


def _called(symbol: int, cursor: Cursor) -> str:
    if symbol < v.PITCH.end:
        fifths = theory.spell(symbol, cursor.fifths, cursor.mode)
        return theory.note_name(fifths) + str(theory.octave(symbol, fifths))
    if symbol in v.CHORD:
        root, quality = v.chord_of(symbol)
        return theory.note_name(theory.spell(root, cursor.fifths, cursor.mode)) + theory.QUALITIES[quality].suffix
    if symbol in v.KEY:
        return f"key {theory.key_name(*v.key_of(symbol))}"
    if symbol in v.METER:
        return f"meter of {symbol - v.METER.first + 1}"
    return "rest" if symbol == v.REST else "held"


def by_bits(found: Sequence[Surprise], limits: Sequence[float]) -> list[list[Note]]:
    """The notes in groups: those that cost less than the first limit, less than the second, ..., and the rest."""
    groups: list[list[Note]] = [[] for _ in (*limits, math.inf)]
    for event in found:
        if event.pitch is not None:
            group = next((place for place, most in enumerate(limits) if event.bits < most), len(limits))
            groups[group].append(Note(round(event.onset * TPQ), round(event.length * TPQ), event.pitch))
    return groups
