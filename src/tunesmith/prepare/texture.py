"""What kind of music a part is: independent voices, or a line and chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Note

# Notes are chords where one of these is so; fitted on hymns, chamber music and madrigals against piano music.
CROWDED = 0.25  # the share of time with more notes at once than voices is above this;
STEADY = 0.65  # the commonest number of notes at once has less than this share of the time,
TOGETHER = 0.8  # and of neighbours that begin together, under a higher one, more than this share end together;
LED = 0.7  # those always end together, but of the highest and the one next to it less than this share do
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
    times = _times(notes)
    shares = times / max(times.sum(), 1)
    usual = int(np.searchsorted(np.cumsum(shares), USUAL)) + 1
    under, top = _together(notes)
    fused = (under > TOGETHER and shares.max(initial=0) < STEADY) or (under == 1 and top < LED)
    return Texture(bool(shares[most:].sum() > CROWDED or fused), usual)


def _times(notes: Sequence[Note]) -> NDArray[np.int64]:
    """How many ticks one note, two notes, ... sound at once."""
    places = np.array([t for n in notes for t in (n.onset, n.end)])
    steps = np.tile([1, -1], len(notes))
    order = np.argsort(places, kind="stable")
    sounding = np.cumsum(steps[order])[:-1]
    lengths = np.diff(places[order])
    times: NDArray[np.int64] = np.bincount(sounding[lengths > 0], weights=lengths[lengths > 0], minlength=2)[1:].astype(
        np.int64
    )
    return times


def _together(notes: Sequence[Note]) -> tuple[float, float]:
    """The share of neighbours that begin together which end together: those under a higher one, and the highest two."""
    rows = np.array(sorted((n.onset, n.pitch, n.end) for n in notes))
    pairs = rows[1:, 0] == rows[:-1, 0]
    under = pairs & np.append(pairs[1:], False)
    alike = rows[1:, 2] == rows[:-1, 2]
    shares = [float(alike[chosen].mean()) if chosen.any() else 0.0 for chosen in (under, pairs & ~under)]
    return shares[0], shares[1]
