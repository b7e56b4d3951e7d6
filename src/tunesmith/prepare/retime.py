"""From playing without a click to a score: the beats that were found become quarter notes, with a map of their tempo.

A recording that knows no tempo counts its ticks at 120 all the same. `fits_grid` tells such files from those that are
on their own grid, exactly or as people play to a click; `retime` re-expresses them.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tunesmith.prepare.beats import find_beats
from tunesmith.score import TPQ, Note, Score, Tempo

Floats = NDArray[np.float64]

ALIKE = 0.06  # change of tempo, as a share, below which the tempo map stays as it is


def retime(score: Score) -> Score:
    """The score in the beats it was played in; the music keeps its length in seconds, through a tempo map.

    The silence before the first beat is left out. Music without beats (fewer than 4 onsets) comes back as it is.
    """
    beats = find_beats(score)
    if len(beats) < 2:
        return score

    def moved(ticks: list[int]) -> list[int]:
        return [round(t) for t in (_positions(score.seconds(ticks), beats) * TPQ).tolist()]

    parts = []
    for part in score.parts:
        onsets, ends = moved([n.onset for n in part.notes]), moved([n.end for n in part.notes])
        notes = (
            dataclasses.replace(n, onset=max(0, a), duration=max(1, b - max(0, a)))
            for n, a, b in zip(part.notes, onsets, ends, strict=True)
        )
        parts.append(dataclasses.replace(part, notes=tuple(notes)))
    return score.replace(parts=tuple(parts), tempos=(Tempo(0, 100.0),), meters=())


def _positions(times: Floats, beats: Floats) -> Floats:
    k = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(beats) - 2)
    result: Floats = k + (times - beats[k]) / (beats[k + 1] - beats[k])
    return result
