"""Wishes about the music: each its parameters plus `__call__`, no state; see `wish`.

To add one, write its dataclass in the module that it belongs to, and export it here; what words ask for it is said in
`tunesmith.wishing`.
"""

from tunesmith.constraints.copying import MaxCopy, Windows
from tunesmith.constraints.ending import Ending, chords_like, triad
from tunesmith.constraints.formal import Elsewhere, Form, Kept, KeptRhythm
from tunesmith.constraints.harmonic import Beneath, Progression
from tunesmith.constraints.leaps import Leaps
from tunesmith.constraints.manner import (
    Chords,
    Entering,
    InKey,
    Onward,
    PartWriting,
    Place,
    Rhythm,
    Sounding,
    Steady,
    Voices,
    place_of,
)
from tunesmith.constraints.melodic import Alone, Contour, Fresh, Pins, Range
from tunesmith.constraints.rhythmic import Density, Lengths, NoRests, Struck
from tunesmith.constraints.span import Length, Together
from tunesmith.constraints.wish import CHORD_FAMILY, CHORD_VOICE, NEVER, Bias, Filling, Wish

__all__ = [
    "CHORD_FAMILY",
    "CHORD_VOICE",
    "NEVER",
    "Alone",
    "Beneath",
    "Bias",
    "Chords",
    "Contour",
    "Density",
    "Elsewhere",
    "Ending",
    "Entering",
    "Filling",
    "Form",
    "Fresh",
    "InKey",
    "Kept",
    "KeptRhythm",
    "Leaps",
    "Length",
    "Lengths",
    "MaxCopy",
    "NoRests",
    "Onward",
    "PartWriting",
    "Pins",
    "Place",
    "Progression",
    "Range",
    "Rhythm",
    "Sounding",
    "Steady",
    "Struck",
    "Together",
    "Voices",
    "Windows",
    "Wish",
    "chords_like",
    "place_of",
    "triad",
]
