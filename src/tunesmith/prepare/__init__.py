"""From a score as it was read to one that can be learned from: on a grid, in a key, in voices.

`prepare` is the whole of it; a score that is exact already comes out as it went in, but for a missing key.
"""

from __future__ import annotations

from tunesmith.prepare.grid import on_grid, quantise
from tunesmith.prepare.keys import find_key
from tunesmith.prepare.beats import find_beats
from tunesmith.prepare.retime import fits_grid, retime
from tunesmith.prepare.voices import MAX_PART_VOICES, overlaps, split_voices
from tunesmith.score import Score

__all__ = [
    "MAX_PART_VOICES",
    "find_beats",
    "find_key",
    "fits_grid",
    "on_grid",
    "overlaps",
    "prepare",
    "quantise",
    "retime",
    "split_voices",
]


def prepare(score: Score) -> Score:
    """Find the beats of what was played freely, quantise, split voices, and find a key where none is given."""
    score = split_voices(quantise(score if fits_grid(score) else retime(score)))
    if not score.keys and any(not p.drums and p.notes for p in score.parts):
        score = score.replace(keys=(find_key(score),))
    return score
