"""The score: what every part of Tunesmith passes to the next. Frozen; a transform returns a new one.

Conventions:
- Time is an integer number of ticks, `TPQ` = 10080 = 2^5·3^2·5·7 per quarter note: 128ths, nested triplets,
  quintuplets and septuplets are exact. Seconds exist only at the audio edge (`Score.seconds`).
- Pitch is a MIDI note number (60 = middle C); `fifths` is a spelling on the line of fifths (see `theory`).
- Onset 0 is the first tick of the piece, pickup included; with a pickup, the first full bar starts at `pickup`.
- Intervals of time are half-open: a note sounds in [onset, onset + duration).
"""

from tunesmith.score.elements import (
    DEFAULT_BPM,
    DEFAULT_VELOCITY,
    NOTE_DTYPE,
    TPQ,
    Bar,
    Chord,
    Ending,
    Jump,
    Key,
    Meter,
    Note,
    Part,
    Repeat,
    Tempo,
    note_order,
)
from tunesmith.score.whole import Score, describe, set_viewer

__all__ = [
    "DEFAULT_BPM",
    "DEFAULT_VELOCITY",
    "NOTE_DTYPE",
    "TPQ",
    "Bar",
    "Chord",
    "Ending",
    "Jump",
    "Key",
    "Meter",
    "Note",
    "Part",
    "Repeat",
    "Score",
    "Tempo",
    "describe",
    "note_order",
    "set_viewer",
]
