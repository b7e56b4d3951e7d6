"""Keys, modes, chord symbols and spelling: integers and strings, no input or output.

Conventions:
- pitch: MIDI note number, 60 = C4 (middle C). Pitch class: pitch mod 12, 0 = C.
- fifths: a place on the line of fifths, 0 = C, 1 = G, -1 = F, 6 = F sharp, -6 = G flat. It names a spelling
  (letter and accidental); a key signature is the fifths of its major tonic.
  Source: D. Temperley, "The Cognition of Basic Musical Structures", MIT Press 2001, ch. 5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LETTERS_BY_FIFTHS = "FCGDAEB"  # the line of fifths from F (-1) to B (5), then the same letters a sharp higher
NATURAL_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# mode -> how far its tonic lies from the major tonic of the same signature, on the line of fifths
MODES = {
    "major": 0,
    "mixolydian": 1,
    "dorian": 2,
    "minor": 3,
    "phrygian": 4,
    "locrian": 5,
    "lydian": -1,
}
_ACCIDENTALS = {-3: "bbb", -2: "bb", -1: "b", 0: "", 1: "#", 2: "##", 3: "###"}


def letter_and_alter(fifths: int) -> tuple[str, int]:
    """The letter and accidental (-1 = flat, 1 = sharp) of a place on the line of fifths."""
    return LETTERS_BY_FIFTHS[(fifths + 1) % 7], (fifths + 1) // 7


def fifths_of(letter: str, alter: int) -> int:
    """The place on the line of fifths of a letter A-G with an accidental (-1 = flat, 1 = sharp)."""
    return LETTERS_BY_FIFTHS.index(letter) - 1 + 7 * alter


def pitch_class(fifths: int) -> int:
    """The pitch class, 0 = C, of a place on the line of fifths."""
    return fifths * 7 % 12


def note_name(fifths: int) -> str:
    """`C`, `F#`, `Bb`, ... for a place on the line of fifths."""
    letter, alter = letter_and_alter(fifths)
    return letter + _ACCIDENTALS[max(-3, min(3, alter))]


def octave(pitch: int, fifths: int) -> int:
    """The octave number that goes with a spelling: middle C is C4, and B sharp below it is B#3."""
    letter, alter = letter_and_alter(fifths)
    return (pitch - alter - NATURAL_PITCH_CLASS[letter]) // 12 - 1


def spell(pitch: int, fifths: int = 0, mode: str = "major") -> int:
    """Spell a pitch in a key: its place on the line of fifths.

    The twelve pitch classes take the window of the line that holds the key's scale and its usual
    chromatic notes: from three fifths below the major tonic to eight above (E flat to G sharp in C),
    one further up in minor, for the leading note.
    """
    low = fifths - (2 if mode in ("minor", "phrygian", "locrian") else 3)
    return low + (pitch * 7 - low) % 12


def tonic_fifths(fifths: int, mode: str = "major") -> int:
    """The tonic, on the line of fifths, of a key signature in a mode."""
    return fifths + MODES[mode]


def tonic(fifths: int, mode: str = "major") -> int:
    """The tonic's pitch class of a key signature in a mode."""
    return pitch_class(tonic_fifths(fifths, mode))


def scale(fifths: int) -> tuple[int, ...]:
    """The seven pitch classes of a key signature, in rising order from C."""
    return tuple(sorted(pitch_class(place) for place in range(fifths - 1, fifths + 6)))


def transpose_fifths(fifths: int, semitones: int) -> int:
    """The signature of a key moved by semitones, between five flats and six sharps when it changes."""
    if semitones % 12 == 0:
        return fifths
    return (fifths + 7 * semitones + 5) % 12 - 5


def key_name(fifths: int, mode: str = "major") -> str:
    """`D major`, `F# minor`, `E dorian`, ..."""
    return f"{note_name(tonic_fifths(fifths, mode))} {mode}"


_PITCH = re.compile(r"\s*([A-Ga-g])(##|bb|[#b♯♭]?)(-?\d)\s*$")


def parse_pitch(text: str) -> int:
    """Read `C4` (middle C), `F#3`, `Bb5`: a MIDI note number.

    Raises:
        ValueError: not a pitch, or none that MIDI has.
    """
    found = _PITCH.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a pitch")
    alter = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "##": 2, "bb": -2}[found[2]]
    pitch = 12 * (int(found[3]) + 1) + NATURAL_PITCH_CLASS[found[1].upper()] + alter
    if not 0 <= pitch <= 127:
        raise ValueError(f"{text!r} is a pitch out of reach")
    return pitch


_KEY = re.compile(r"\s*([A-Ga-g])([#b♯♭]?)\s*(m(?![a-z])|[A-Za-z]*)\s*$")
_MODE_WORDS = {"": "major", "maj": "major", "ionian": "major", "m": "minor", "min": "minor", "aeolian": "minor"}


def parse_key(text: str) -> tuple[int, str]:
    """Read `D`, `D major`, `F# minor`, `Bbm`, `E dorian`: (signature in fifths, mode).

    Raises:
        ValueError: not a key, or one with more than seven sharps or flats.
    """
    found = _KEY.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a key")
    word = "" if found[3] == "M" else found[3].lower()  # CM is C major, Cm is C minor
    mode = _MODE_WORDS.get(word) or next((m for m in MODES if len(word) >= 3 and m.startswith(word)), None)
    if mode is None:
        raise ValueError(f"{text!r} is not a key: unknown mode {found[3]!r}")
    alter = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[found[2]]
    fifths = fifths_of(found[1].upper(), alter) - MODES[mode]
    if not -7 <= fifths <= 7:
        raise ValueError(f"{text!r} would need {abs(fifths)} {'sharps' if fifths > 0 else 'flats'}; seven is the most")
    return fifths, mode


@dataclass(frozen=True, slots=True)
class Quality:
    """A chord quality: its notes in semitones above the root, how it is written, its MusicXML kind."""

    name: str
    intervals: tuple[int, ...]
    suffix: str
    kind: str
    spellings: tuple[str, ...] = ()


# The order is part of the model vocabulary: append, never reorder.
QUALITIES = (
    Quality("major", (0, 4, 7), "", "major", ("maj", "M", "ma")),
    Quality("minor", (0, 3, 7), "m", "minor", ("min", "mi", "-")),
    Quality("diminished", (0, 3, 6), "dim", "diminished", ("o", "°")),
    Quality("augmented", (0, 4, 8), "aug", "augmented", ("+", "#5")),
    Quality("dominant seventh", (0, 4, 7, 10), "7", "dominant", ("dom7", "dom")),
    Quality("major seventh", (0, 4, 7, 11), "maj7", "major-seventh", ("M7", "ma7", "j7", "Δ", "^7")),
    Quality("minor seventh", (0, 3, 7, 10), "m7", "minor-seventh", ("min7", "mi7", "-7")),
    Quality("diminished seventh", (0, 3, 6, 9), "dim7", "diminished-seventh", ("o7", "°7")),
    Quality("half-diminished", (0, 3, 6, 10), "m7b5", "half-diminished", ("ø", "ø7", "min7b5", "-7b5")),
    Quality("sixth", (0, 4, 7, 9), "6", "major-sixth", ("maj6", "M6", "add6")),
    Quality("minor sixth", (0, 3, 7, 9), "m6", "minor-sixth", ("min6", "-6")),
    Quality("ninth", (0, 4, 7, 10, 14), "9", "dominant-ninth", ("11", "13", "7b9", "7#9")),
    Quality("suspended fourth", (0, 5, 7), "sus4", "suspended-fourth", ("sus",)),
    Quality("suspended second", (0, 2, 7), "sus2", "suspended-second", ("add9", "add2", "2")),
    Quality("minor major seventh", (0, 3, 7, 11), "mM7", "major-minor", ("mmaj7", "minmaj7")),
    Quality("augmented seventh", (0, 4, 8, 10), "aug7", "augmented-seventh", ("+7", "7#5")),
    Quality("suspended seventh", (0, 5, 7, 10), "7sus4", "suspended-fourth", ("7sus", "9sus4")),
    Quality("fifth", (0, 7), "5", "power", ()),
    Quality("minor ninth", (0, 3, 7, 10, 14), "m9", "minor-ninth", ("min9", "-9", "m11")),
    Quality("major ninth", (0, 4, 7, 11, 14), "maj9", "major-ninth", ("M9", "ma9")),
)
_QUALITY_BY_SUFFIX = {text: index for index, q in enumerate(QUALITIES) for text in (q.suffix, *q.spellings)}
_CHORD = re.compile(r"\(?([A-G])([#b♯♭]?)([^/]*?)(?:/([A-Ga-g])([#b♯♭]?))?\)?$")
_ALTER = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


def parse_chord(text: str) -> tuple[int, int, int | None] | None:
    """Read a chord symbol: (root on the line of fifths, index into `QUALITIES`, bass on the line or None).

    None where the text is not a chord symbol (a remark, an unknown quality).
    """
    found = _CHORD.match(text.strip())
    if not found or found[3].strip() not in _QUALITY_BY_SUFFIX:
        return None
    bass = fifths_of(found[4].upper(), _ALTER[found[5]]) if found[4] else None
    return fifths_of(found[1], _ALTER[found[2]]), _QUALITY_BY_SUFFIX[found[3].strip()], bass


def key_of_chords(chords: Sequence[tuple[int, int]]) -> tuple[int, str]:
    """The key, (signature in fifths, mode), that suits chords best: (root pitch class, index into `QUALITIES`) each.

    Of major and minor keys that with most of the chords' notes in its scale; a piece that begins or ends on the tonic's
    own triad speaks for it, and so does a dominant's third in minor. Of equal ones the one with the fewest accidentals.
    """

    def suits(key: tuple[int, str]) -> tuple[float, int]:
        fifths, mode = key
        own, home = set(scale(fifths)), tonic(fifths, mode)
        leading = {(home + 11) % 12} if mode == "minor" else set()
        mark = 0.0
        for root, quality in chords:
            tones = {(root + interval) % 12 for interval in QUALITIES[quality].intervals}
            mark += len(tones & (own | leading)) / len(tones) - 0.1 * len(tones & leading - own)
        third = 3 if mode == "minor" else 4
        for root, quality in (chords[0], chords[-1]):
            mark += root == home and third in QUALITIES[quality].intervals
        return mark, -abs(fifths)

    return max(((fifths, mode) for fifths in range(-6, 7) for mode in ("major", "minor")), key=suits)
