"""What kind of music a part is: independent voices, or a line and chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Note

# Notes are chords where one of these is so. Fitted on hymns, chamber music and madrigals against piano music, with a
# margin on the side of voices: chords given to several voices are hard to read, voices made chords are lost.
CROWDED = 0.25  # the share of time with more notes at once than voices is above this;
RESTLESS = 0.35  # more than this share of onsets change the number of notes at once;
LED = 0.7  # under a higher one neighbours always move together, the highest two more seldom than this;
TOGETHER = 0.8  # neighbours under a higher one move together more often than this, while
STEADY = 0.7  # the commonest number of notes at once has less than this share of the time, and
UNEVEN = 0.1  # more than this share of onsets change the number.
USUAL = 0.7  # the usual number of notes at once is exceeded for less than the rest of the time


@dataclass(frozen=True, slots=True)
class Texture:
    """Whether notes that move together are chords (rather than voices), and the usual number of notes at once."""

    chords: bool
    usual: int


def texture(notes: Sequence[Note], most: int) -> Texture:
    """The texture of notes in order of onset, which at most `most` voices shall hold.

    That notes beginning and ending together fuse into one voice where that is the rule in the piece, and not where
    it is the exception, follows I. Karydis, A. Nanopoulos, A. Papadopoulos and E. Cambouropoulos, "VISA: the voice
    integration/segregation algorithm", ISMIR 2007.
    """
    times, changes = _sounding(notes)
    shares = times / max(times.sum(), 1)
    usual = int(np.searchsorted(np.cumsum(shares), USUAL)) + 1
    under, top = _together(notes)
    led = under == 1 and top < LED
    mostly = under > TOGETHER and shares.max(initial=0) < STEADY and changes > UNEVEN
    return Texture(bool(shares[most:].sum() > CROWDED or changes > RESTLESS or led or mostly), usual)


def _sounding(notes: Sequence[Note]) -> tuple[NDArray[np.float64], float]:
    """How many ticks one note, two notes, ... sound at once; and the share of onsets where their number changes."""
    onsets, ends = np.array([n.onset for n in notes]), np.array([n.end for n in notes])
    places = np.unique(np.concatenate([onsets, ends]))
    begun = np.searchsorted(np.sort(onsets), places, side="right")
    over = np.searchsorted(np.sort(ends), places, side="right")
    sounding = begun - over  # from each place to the next
    lengths = np.diff(places).astype(np.float64)
    times: NDArray[np.float64] = np.bincount(sounding[:-1], weights=lengths, minlength=2)[1:].astype(np.float64)
    beginning = sounding[np.isin(places, onsets)]
    return times, float((np.diff(beginning) != 0).mean()) if len(beginning) > 1 else 0.0


def _together(notes: Sequence[Note]) -> tuple[float, float]:
    """The share of neighbours that begin together which end together: those under a higher one, and the highest two."""
    rows = np.array(sorted((n.onset, n.pitch, n.end) for n in notes))
    pairs = rows[1:, 0] == rows[:-1, 0]
    under = pairs & np.append(pairs[1:], False)
    alike = rows[1:, 2] == rows[:-1, 2]
    shares = [float(alike[chosen].mean()) if chosen.any() else 0.0 for chosen in (under, pairs & ~under)]
    return shares[0], shares[1]
