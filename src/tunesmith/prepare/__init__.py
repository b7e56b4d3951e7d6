"""From a score as it was read to one that can be learned from: on a grid, in a key, in voices.

`prepare` is the whole of it; a score that is exact already comes out as it went in, but for a missing meter and key.
"""

from __future__ import annotations

from tunesmith.prepare.beats import find_beats
from tunesmith.prepare.folding import fold
from tunesmith.prepare.grid import on_grid, quantise
from tunesmith.prepare.keys import find_key
from tunesmith.prepare.melody import LINES, bass, melody, only
from tunesmith.prepare.meters import find_meter
from tunesmith.prepare.retime import fits_grid, retime
from tunesmith.prepare.voices import MAX_PART_VOICES, overlaps, shortened, split_voices
from tunesmith.score import Score

PRINTED = 4  # bars that a section has at least to be printed with repeat signs; shorter ones are motifs

__all__ = [
    "LINES",
    "MAX_PART_VOICES",
    "bass",
    "cut_short",
    "find_beats",
    "find_key",
    "find_meter",
    "fits_grid",
    "fold",
    "melody",
    "on_grid",
    "only",
    "overlaps",
    "prepare",
    "prepare_counting",
    "quantise",
    "retime",
    "shortened",
    "split_voices",
]


def prepare(score: Score, folded: bool = False) -> Score:
    """Find beats where it was played freely, quantise, split voices, find a meter and a key where none is given.

    `folded`: fold repeats too, before voices are split, which may go another way in every pass.
    """
    return prepare_counting(score, folded)[0]


def prepare_counting(score: Score, folded: bool = False) -> tuple[Score, int]:
    """The same, and how many notes were cut short because a part would have needed more voices than it may have."""
    score = quantise(score if fits_grid(score) else retime(score))
    if not score.meters and score.note_count:
        meter, pickup = find_meter(score)
        score = score.replace(meters=(meter,), pickup=score.pickup or pickup)
    whole = fold(score, PRINTED) if folded else score
    score = split_voices(whole)
    if not score.keys and any(not p.drums and p.notes for p in score.parts):
        score = score.replace(keys=(find_key(score),))
    return score, 0 if score.parts is whole.parts else shortened(whole, score)


def cut_short(count: int) -> str:
    """What to say of notes that were cut short."""
    notes = "1 note" if count == 1 else f"{count:,} notes"
    return f"{notes} cut short: more than {MAX_PART_VOICES} voices in a part"
