"""The tokens of a **kern spine: notes, chords and rests.

A token is one or more notes with a space between (a chord). A note is read sign by sign, in any order: its length,
its pitch (c is middle C, cc an octave higher, C an octave lower, CC two), accidentals right behind it, and ties.
Everything else (beams, stems, slurs, articulations, ornaments, editorial marks) says nothing about pitch and time.

Source: https://www.humdrum.org/rep/kern/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tunesmith.errors import FormatError
from tunesmith.formats.humdrum.lengths import LENGTH, length_of
from tunesmith.theory import NATURAL_PITCH_CLASS, fifths_of

# how a note is tied: to the next note, to both, to the one before
UNTIED, TIE_STARTS, TIE_GOES_ON, TIE_ENDS = range(4)
_TIES = (("_", TIE_GOES_ON), ("[", TIE_STARTS), ("]", TIE_ENDS))
_PITCH = re.compile(r"(([A-Ga-g])\2*)(#+|-+|n)?")
_GRACE = re.compile("[qQ]")  # q, qq: grace notes; Q: a group of ornamental notes without time of its own
_MOST_SIGNS = 3  # accidentals of one note
_MOST_NOTES = 64  # of one chord


@dataclass(frozen=True, slots=True)
class Tone:
    """One note of a token: MIDI pitch, spelling on the line of fifths, tie, and length in ticks."""

    pitch: int
    fifths: int
    tie: int
    length: Fraction


@dataclass(frozen=True, slots=True)
class Token:
    """What one token says. `length` in ticks, 0 where time does not go on (grace notes, signs that mean nothing here).

    `graces`: how many notes are left out. `unpitched`: a stroke on a drum; its pitch is only a place on the staff.
    `lost`: it holds something that is neither a note nor a rest, or a note without length.
    """

    length: Fraction
    tones: tuple[Tone, ...] = ()
    graces: int = 0
    unpitched: bool = False
    lost: bool = False


@lru_cache(maxsize=1 << 14)
def read_token(text: str) -> Token:
    """Read a token that is not null (".").

    Raises:
        FormatError: a length or pitch that cannot be.
    """
    length = Fraction(0)
    tones: list[Tone] = []
    graces = 0
    lost = False
    notes = text.split(" ")
    if len(notes) > _MOST_NOTES:
        raise FormatError(f"a chord of {len(notes)} notes", fix="use a tab, not a space, between spines")
    for signs in notes:
        dots = signs.count(".")
        note = signs.replace(".", "") if dots else signs  # they stand behind the number, or anywhere
        pitch = None if "r" in note else _PITCH.search(note)
        if _GRACE.search(note):
            graces += pitch is not None
            continue
        found = LENGTH.search(note)
        own = length_of(found[1], found[2], dots) if found else length
        length = length or own
        if pitch and own:
            tones.append(Tone(*pitch_of(pitch[1], pitch[3] or ""), _tie(note), own))
        else:
            lost |= note != "" and ("r" not in note or not own)
    return Token(length, tuple(tones), graces, "R" in text and bool(tones), lost)


def pitch_of(letters: str, signs: str) -> tuple[int, int]:
    """The MIDI pitch, and the spelling on the line of fifths, of `ee` and `-`.

    Raises:
        FormatError: no such pitch.
    """
    letter = letters[0].upper()
    octave = 3 + len(letters) if letters[0].islower() else 4 - len(letters)
    alter = {"#": len(signs), "-": -len(signs)}.get(signs[:1], 0)
    pitch = 12 * (octave + 1) + NATURAL_PITCH_CLASS[letter] + alter
    if not 0 <= pitch <= 127 or abs(alter) > _MOST_SIGNS:
        name = letters[:12] + signs[:12]
        raise FormatError(f"{name!r} is no pitch that MIDI has", fix="c is middle C, cc an octave higher")
    return pitch, fifths_of(letter, alter)


def _tie(note: str) -> int:
    return next((tie for sign, tie in _TIES if sign in note), UNTIED)
