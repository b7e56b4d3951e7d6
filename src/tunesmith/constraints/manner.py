"""How songs are: what holds for a piece though nobody wished for it. No wish is a wish to sound like the songs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tunesmith import theory
from tunesmith.constraints.wish import CHORD_FAMILY, NEVER, Bias, symbols
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import BODY, PARTS, Cursor


@dataclass(frozen=True, slots=True)
class Steady:
    """Meter and key stay as they began."""

    def __str__(self) -> str:
        return "one meter and one key"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids changes in the body."""
        if symbol is not None or cursor.phase != BODY:
            return None
        bias = symbols()
        bias[v.KEY.first : v.KEY.end] = bias[v.METER.first : v.METER.end] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class Onward:
    """No figure of at most `longest` notes goes round in circles: heard `times` in a row, it is not begun again.

    Whoever recalls what followed what, and follows it, comes into circles out of which nothing leads; songs have few.
    """

    longest: int = 4
    times: int = 3
    bias: float = -8.0

    def __str__(self) -> str:
        return "no going round in circles"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Makes the note that would begin the figure again improbable, not impossible: ranges may leave no other."""
        if symbol is not None or cursor.phase != BODY or cursor.building or cursor.on_chord_voice:
            return None
        pitches = cursor.voices[cursor.voice].recall.circles(self.longest, self.times)
        if not pitches:
            return None
        bias = symbols()
        bias[pitches] = self.bias
        return bias


@dataclass(frozen=True, slots=True)
class Sounding:
    """Silence of all voices is not begun with and does not go on: after a rest of all, one of them has a note."""

    bias: float = -30.0  # improbable beside what a range leaves that the model finds improbable too

    def __str__(self) -> str:
        return "no silence"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Makes a rest improbable where nothing sounds, nothing did, and no other voice may begin here."""
        if symbol is not None or cursor.phase not in (PARTS, BODY) or cursor.building or cursor.on_chord_voice:
            return None
        others = [own for n, own in enumerate(cursor.voices) if n != cursor.voice and own.family != CHORD_FAMILY]
        waiting = any(own.end == cursor.now for own in cursor.voices[cursor.voice + 1 :])
        if waiting or cursor.voices[cursor.voice].sounding or any(own.sounding for own in others):
            return None
        bias = symbols()
        bias[v.REST] = self.bias
        return bias


@dataclass(frozen=True, slots=True)
class Entering:
    """No voice stays away: one that has had no note for a bar begins. Wishes cost a voice nothing while it rests.

    Whatever is forbidden leaves pieces less of their probability, but for rests, so that where much is wished those
    would be chosen whose voices never come in.
    """

    bias: float = -8.0

    def __str__(self) -> str:
        return "voices that come in"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Makes a rest improbable after the first bar in a voice without a note."""
        if symbol is not None or cursor.phase != BODY or cursor.building or cursor.on_chord_voice:
            return None
        if cursor.now < cursor.bar_length or cursor.voices[cursor.voice].past:
            return None
        bias = symbols()
        bias[v.REST] = self.bias
        return bias


@dataclass(frozen=True, slots=True)
class Voices:
    """The piece has just these voices: none is added once the header is written."""

    def __str__(self) -> str:
        return "the voices of the piece"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids more parts and voices where the body may begin."""
        if symbol is not None or cursor.phase != PARTS:
            return None
        bias = symbols()
        bias[v.PART.first : v.PART.end] = bias[v.VOICE] = NEVER
        return bias


@dataclass(frozen=True, slots=True)
class InKey:
    """Notes outside the scale get `bias` (nats; 0 = as the model likes). Minor has its raised seventh too.

    The raised sixth of minor gets half the bias, and so do chord symbols with notes outside.
    """

    bias: float = -4.0

    def __str__(self) -> str:
        return "the notes of the key"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs pitches and chord symbols by the key at the cursor."""
        if symbol is not None or cursor.phase < PARTS:
            return None
        return _in_key(cursor.fifths, cursor.mode, self.bias)


@lru_cache(maxsize=256)
def _in_key(fifths: int, mode: str, outside: float) -> Bias:
    inside = set(theory.scale(fifths))
    tonic = theory.tonic(fifths, mode)
    weights = [0.0 if step in inside else outside for step in range(12)]
    if mode == "minor":
        weights[(tonic + 11) % 12] = 0.0
        weights[(tonic + 9) % 12] = outside / 2
    bias = symbols()
    bias[: v.PITCH.end] = [weights[pitch % 12] for pitch in range(v.PITCH.end)]
    for number, quality in enumerate(theory.QUALITIES):
        for root in range(12):
            tones = [weights[(root + interval) % 12] for interval in quality.intervals]
            bias[v.chord_symbol(root, number)] = min(tones) / 2
    return bias


# What sounds where: whether in the chord voice, whether a rest, ticks since the bar line, duration id
Place = tuple[bool, bool, int, int]


def place_of(cursor: Cursor, symbol: int, duration: int) -> Place:
    """The place in the bar of an event about to be taken."""
    return cursor.on_chord_voice, symbol == v.REST, cursor.position, duration


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Lengths at places in the bar where the songs learned never have them get `bias` (nats).

    A slip off the beat that a small model makes now and then would otherwise take bars to mend, since no song
    learned says what comes after it.
    """

    known: frozenset[Place]
    bias: float = -4.0

    def __str__(self) -> str:
        return "the rhythms of the songs"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs durations by the position in the bar."""
        if symbol is None or cursor.phase not in (PARTS, BODY) or not self.known:
            return None
        chords, rest, position, _ = place_of(cursor, symbol, v.NONE)
        bias = np.full(v.DURATIONS, self.bias)
        bias[[v.NONE, v.JOIN]] = 0.0
        for duration in range(v.JOIN + 1, v.DURATIONS):
            # a rest may stand where a note stood
            if not self.known.isdisjoint({(chords, rest, position, duration), (chords, False, position, duration)}):
                bias[duration] = 0.0
        return bias


@dataclass(frozen=True, slots=True)
class Chords:
    """Chord symbols that the songs learned do not have, as seen from the tonic, get `bias` (nats).

    `known` holds pairs (semitones above the tonic, index into `theory.QUALITIES`); if it is empty, all are as good.
    Rests in the chord voice get the bias too unless `rests`.
    """

    known: frozenset[tuple[int, int]]
    rests: bool = False
    bias: float = -8.0

    def __str__(self) -> str:
        return "the chords of the songs"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs chord symbols by their degree and kind."""
        if symbol is not None or cursor.phase not in (PARTS, BODY) or not cursor.on_chord_voice:
            return None
        bias = symbols()
        if self.known:
            tonic = theory.tonic(cursor.fifths, cursor.mode)
            bias[v.CHORD.first : v.CHORD.end] = self.bias
            for degree, quality in self.known:
                bias[v.chord_symbol((tonic + degree) % 12, quality)] = 0.0
        bias[v.REST] = 0.0 if self.rests else self.bias
        return bias


PERFECT = (0, 7)  # octaves and fifths, in semitones within an octave


@dataclass(frozen=True, slots=True)
class PartWriting:
    """Voices go their own ways: no fifths and octaves in parallel, and no voice above the one over it.

    Both get `bias` (nats) for each voice that it happens with.
    """

    bias: float = -4.0

    def __str__(self) -> str:
        return "voices that go their own ways"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Weighs pitches by what the voices above sing and sang; they choose first."""
        if symbol is not None or cursor.phase != BODY or cursor.building or cursor.on_chord_voice:
            return None
        own, bias = cursor.voices[cursor.voice], symbols()
        for number, other in enumerate(cursor.voices):
            if number == cursor.voice or other.family == CHORD_FAMILY or not other.sounding:
                continue
            above = number < cursor.voice
            bias[other.last + 1 : v.PITCH.end] += self.bias if above else 0.0
            bias[: other.last] += 0.0 if above else self.bias
            if above and other.onset == cursor.now and min(own.last, other.previous) >= 0:
                apart = (other.previous - own.last) % 12
                if apart in PERFECT and other.last != other.previous:
                    bias[(other.last - apart) % 12 : v.PITCH.end : 12] += self.bias
        return bias
