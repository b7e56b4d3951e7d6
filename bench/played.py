"""Exact scores as a pianist without a click would play them: jitter, rubato, spread chords, legato and staccato."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import TPQ, Note, Part, Score

Floats = NDArray[np.float64]
NOMINAL = 60 / 120 / TPQ  # seconds a tick of a recording that knows no tempo
RESOLUTION = TPQ // 480  # of a sequencer


@dataclass(frozen=True)
class Playing:
    """How something is played. Onset jitter and chord spread in seconds (standard deviation, and width).

    `rubato` is the depth of the tempo curve: arches of four or eight bars' length reach that share above the mean
    tempo and as far below, and a random walk that returns to the mean, of half that deviation, is added.
    `lengths` is the range of the share of its note value for which a note sounds.
    """

    jitter: float = 0.02
    rubato: float = 0.0
    spread: float = 0.02
    lengths: tuple[float, float] = (0.85, 1.0)


@dataclass(frozen=True)
class Played:
    """A performance: its score in ticks at 120, and the true times of all quarter notes in seconds.

    `Note.fifths` numbers the notes of each part in the order of the score that was played, so that they can be
    told apart when they come back.
    """

    score: Score
    quarters: Floats


def play(score: Score, how: Playing, seed: int) -> Played:
    """Play a score; the same seed, the same performance."""
    random = np.random.default_rng(seed)
    quarters = _quarters(score, how.rubato, random) + random.uniform(0, 1.0)
    missed: dict[int, float] = {}  # those who play together miss together
    parts = []
    for part in score.parts:
        notes = []
        for number, n in enumerate(part.notes):
            late = missed.setdefault(n.onset, random.normal(0, how.jitter)) + random.uniform(0, how.spread)
            at, end = np.interp([n.onset / TPQ, n.end / TPQ], np.arange(len(quarters)), quarters)
            start, length = _ticks(at + late), _ticks((end - at) * random.uniform(*how.lengths))
            notes.append(Note(max(0, start), max(RESOLUTION, length), n.pitch, n.velocity, 1, number))
        parts.append(Part(tuple(notes), part.name, part.program, part.drums))
    return Played(Score(tuple(parts)), quarters)


def _ticks(seconds: float) -> int:
    return round(seconds / NOMINAL / RESOLUTION) * RESOLUTION


def _quarters(score: Score, depth: float, random: np.random.Generator) -> Floats:
    """The times of all quarter notes in seconds, one more than the score has."""
    count = score.end // TPQ + 2
    bpm = score.tempo_at(0).bpm * float(np.exp(random.normal(0, 0.08)))
    bpm = float(np.clip(bpm, 55, 170))
    arch = int(random.choice([16, 32]))
    curve = depth * np.cos(2 * np.pi * (np.arange(count) + arch / 2) / arch)
    walk, value = np.zeros(count), 0.0
    for i in range(count):
        value = 0.85 * value + random.normal(0, depth / 2 * np.sqrt(1 - 0.85**2))
        walk[i] = value
    periods = 60 / bpm * np.exp(curve + walk)
    return np.concatenate([[0.0], np.cumsum(periods)])
