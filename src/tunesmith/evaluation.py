"""How well a model predicts songs: bits per note, per song and in all.

What counts: every event of the body but the closing END: notes, rests, held notes, chord symbols, symbol and
duration together, divided by the number of notes. The header (style, meter, key, tempo, voices) does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tunesmith.models import Model, Song, score
from tunesmith.models.spec import BoolArray, FloatArray, IntArray
from tunesmith.scheme import vocabulary as v


@dataclass(frozen=True, slots=True)
class Bits:
    """The cost of one or more songs in bits: of the symbols, of the durations; and how many notes they have."""

    symbols: float = 0.0
    durations: float = 0.0
    notes: int = 0

    def __add__(self, other: Bits) -> Bits:
        return Bits(self.symbols + other.symbols, self.durations + other.durations, self.notes + other.notes)

    @property
    def per_note(self) -> float:
        """Bits per note, symbol and duration together; nan without notes."""
        return (self.symbols + self.durations) / self.notes if self.notes else math.nan

    @property
    def symbols_per_note(self) -> float:
        """Bits per note of the symbols alone."""
        return self.symbols / self.notes if self.notes else math.nan


def body(song: Song) -> BoolArray:
    """Which events (T,) count; see the module docstring."""
    sounding = song.symbols < v.CHORD.end
    started = np.cumsum(sounding) > 0
    counted: BoolArray = started & (song.symbols != v.END)
    return counted


def bits_of(log_p: FloatArray, song: Song) -> Bits:
    """Bits from log-probabilities (T, 2) in nats."""
    counted = body(song)
    symbols, durations = (-log_p[counted] / math.log(2)).sum(0).tolist() if counted.any() else (0.0, 0.0)
    return Bits(symbols, durations, int((song.symbols < v.PITCH.end).sum()))


def evaluate(model: Model, songs: Iterable[Song]) -> list[Bits]:
    """The cost of each song under a model, each from a fresh start."""
    return [bits_of(score(model, song), song) for song in songs]


def total(found: Iterable[Bits]) -> Bits:
    """The sum over songs, so that long songs weigh more."""
    return sum(found, Bits())


def pitches_of(songs: Iterable[Song]) -> IntArray:
    """The pitches of some songs, rising: the alphabet over which `pitch_bits` asks."""
    found: IntArray = np.unique(np.concatenate([song.symbols[song.symbols < v.PITCH.end] for song in songs]))
    return found


def pitch_bits(model: Model, song: Song, alphabet: IntArray) -> FloatArray:
    """Bits (notes,) of the pitch of every note of a song, the first one too, given all that came before.

    The probabilities of the pitches of an `alphabet`, of which the song's are a part, are brought to a sum of one: it
    is known that a note comes, as in M. T. Pearce, "The construction and evaluation of statistical models of melodic
    structure in music perception and composition", City University London 2005, ch. 6.
    """
    found = []
    for part, symbols, _ in model.distributions(song):
        notes = song.symbols[part] < v.PITCH.end
        log_p = symbols[notes][:, alphabet]
        came = np.searchsorted(alphabet, song.symbols[part][notes])
        found.append(np.logaddexp.reduce(log_p, 1) - log_p[np.arange(len(log_p)), came])
    bits: FloatArray = np.concatenate(found) / math.log(2)
    return bits
