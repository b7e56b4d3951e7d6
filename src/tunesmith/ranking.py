"""Which of many pieces are the best: as likely as music of people, new, and with things that come back.

All three are measured by the songs learned, so that the best is what is most like them in kind and least in notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tunesmith import scheme
from tunesmith.checkpoint import Learned
from tunesmith.comparing import Checked
from tunesmith.errors import TunesmithError
from tunesmith.evaluation import bits_of
from tunesmith.models import score as log_probabilities
from tunesmith.score import Score

USUAL_BITS = 2.9  # of the base, on music it has not seen; see the model card
USUAL_FORM = 0.4  # the share of bars that come back in the songs that ship with the program
STEEPNESS = 2.0  # a mark of 1/e where a figure is off by half


@dataclass(frozen=True, slots=True)
class Marks:
    """What a piece is ranked by, each from 0 to 1; see the module docstring."""

    likely: float
    new: float
    form: float

    @property
    def mean(self) -> float:
        """All three alike."""
        return (self.likely + self.new + self.form) / 3


def bits_per_note(learned: Learned, piece: Score) -> float:
    """Bits per note as the model finds a piece; nan where it cannot carry it."""
    if learned.name == "alphabet":
        return float("nan")
    try:
        song = scheme.as_song(scheme.encode(piece))
    except TunesmithError:
        return float("nan")
    return bits_of(log_probabilities(learned.model, song), song).per_note


@dataclass(frozen=True, slots=True)
class Usual:
    """How songs are that the model learned from: bits per note of unseen ones, and the share of bars that come back."""

    bits: float
    form: float

    @classmethod
    def of(cls, learned: Learned) -> Usual:
        """As the model's report and its songs say."""
        return cls(_songs_bits(learned), _songs_come_back(learned))


def marks_of(piece: Score, bits: float, checked: Checked | None, usual: Usual) -> Marks:
    """The marks of a piece of so many bits per note."""
    likely = float(np.exp(-STEEPNESS * abs(bits / usual.bits - 1))) if np.isfinite(bits) and usual.bits > 0 else 0.5
    new = 1 - checked.whole.share if checked else 1.0
    return Marks(likely, new, float(np.exp(-STEEPNESS * abs(comes_back(piece) - usual.form))))


def _songs_bits(learned: Learned) -> float:
    """Bits per note of songs that the model has not seen, as measured when it learned."""
    report = learned.about.get("report")
    measured = report.get("bits_per_note") if isinstance(report, Mapping) else None
    found = measured.get("learned") if isinstance(measured, Mapping) else None
    return float(found) if isinstance(found, int | float) else USUAL_BITS


def _songs_come_back(learned: Learned) -> float:
    songs = [scheme.decode(learned.songs[number]) for number in range(min(len(learned.songs), 50))]
    return float(np.median([comes_back(song) for song in songs])) if songs else USUAL_FORM


def comes_back(piece: Score) -> float:
    """The share of bars whose first voice has the intervals and rhythm of an earlier bar, from 0 to 1."""
    seen: set[tuple[tuple[int, int, int], ...]] = set()
    bars = again = 0
    notes = sorted((n.onset, n.pitch, n.duration) for part in piece.parts[:1] for n in part.notes if n.voice == 1)
    for bar in piece.bars():
        inside = [n for n in notes if bar.start <= n[0] < bar.end]
        if inside:
            shape = tuple((o - bar.start, p - inside[0][1], d) for o, p, d in inside)
            bars, again = bars + 1, again + (shape in seen)
            seen.add(shape)
    return again / bars if bars else 0.0
