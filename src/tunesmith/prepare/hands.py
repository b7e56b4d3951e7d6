"""Which hand plays which note of a keyboard part that does not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Note

# The hands part at one of these pitches: what lies below is the left hand's. Costs fitted on piano music in two staves.
PLACES = np.arange(36, 86)
REACH = 10  # semitones that a hand reaches easily
STRETCH = 1.5  # the cost of a semitone beyond
ROOM, NARROW = 3, 0.1  # semitones to the next notes that are wished for, and the cost of one that is wanting
MOVE = 0.6  # the cost of moving the place by a semitone
MIDDLE, AWAY = 61, 0.014  # where the hands part in general, and the cost of a semitone from it
_NONE = 1000
SPAN = 14  # semitones that one hand can hardly reach
OFTEN = 0.25  # share of onsets; one hand's notes, some held by the pedal, are wider at a tenth at most


def left_hand(notes: Sequence[Note]) -> list[bool]:
    """For notes in order of onset, whether the left hand plays them.

    The place between the hands is found by the Viterbi algorithm over the onsets: neither hand has to stretch, the
    place lies in a gap, and it seldom moves. A hidden Markov model of the hands, as in E. Nakamura, N. Ono and
    S. Sagayama, "Merged-output HMM for piano fingering of both hands", ISMIR 2014, reduced to one state variable.
    """
    moves = MOVE * np.abs(PLACES[:, None] - PLACES[None, :])  # (to, from)
    total = np.zeros(len(PLACES))
    back: list[NDArray[np.int8]] = []
    for pitches in _sounding(notes):
        ways = total + moves
        came_from = ways.argmin(1)
        back.append(came_from.astype(np.int8))
        total = ways[np.arange(len(PLACES)), came_from] + _strain(pitches)
    state, places = int(total.argmin()), []
    for came_from in reversed(back):
        places.append(int(PLACES[state]))
        state = int(came_from[state])
    groups = zip(reversed(places), groupby(notes, key=attrgetter("onset")), strict=True)
    return [n.pitch < place for place, (_, group) in groups for n in group]


def two_hands(notes: Sequence[Note]) -> bool:
    """Whether notes, in order of onset, are too wide for one hand often enough to be played by two."""
    wide = [pitches[-1] - pitches[0] > SPAN for pitches in _sounding(notes)]
    return sum(wide) > OFTEN * len(wide)


def _sounding(notes: Sequence[Note]) -> Iterator[tuple[int, ...]]:
    """The pitches that sound at every onset, sorted."""
    ends: dict[int, int] = {}  # by pitch, so that there are few however many notes are held
    for onset, group in groupby(notes, key=attrgetter("onset")):
        ends = {pitch: end for pitch, end in ends.items() if end > onset}
        for n in group:
            ends[n.pitch] = max(n.end, ends.get(n.pitch, 0))
        yield tuple(sorted(ends))


@lru_cache(4096)
def _strain(pitches: tuple[int, ...]) -> NDArray[np.float64]:
    """What speaks against each of `PLACES` as the place where these pitches part."""
    count = np.searchsorted(pitches, PLACES)  # how many notes are the left hand's
    padded = np.array([-_NONE, *pitches, _NONE])
    below, above = padded[count], padded[count + 1]
    left = np.where(count > 0, below - pitches[0] - REACH, 0)
    right = np.where(count < len(pitches), pitches[-1] - above - REACH, 0)
    stretch = np.maximum(left, 0) + np.maximum(right, 0)
    narrow = np.maximum(ROOM - (PLACES - below), 0) + np.maximum(ROOM - (above - PLACES), 0)
    strain: NDArray[np.float64] = STRETCH * stretch + NARROW * narrow + AWAY * np.abs(PLACES - MIDDLE)
    return strain
