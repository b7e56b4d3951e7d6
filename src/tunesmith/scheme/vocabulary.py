"""The vocabulary: named id ranges for symbols, a table of lengths for durations.

An event is a pair (symbol, duration). Most symbols take a length in ticks from `LENGTHS`; a control takes
`NONE`; a meter takes its beat unit and a pickup its length, neither of which moves time on. A pitch may take
`JOIN`: same onset and length as the event that follows in this voice.

`VERSION` changes whenever an id changes its meaning; ranges have room to grow, so that it seldom must.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.score import TPQ

VERSION = 1
MAX_VOICES = 16  # voices a piece may have, the chord voice included


@dataclass(frozen=True, slots=True)
class Range:
    """The ids [first, first + size) of one kind of symbol."""

    first: int
    size: int

    @property
    def end(self) -> int:
        """One past the last id."""
        return self.first + self.size

    def __contains__(self, symbol: int) -> bool:
        return self.first <= symbol < self.end

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self.first + index


SIZES = {
    "pitch": 128,
    "rest": 1,
    "hold": 1,
    "end": 1,
    "chord": 12 * 24,  # root x quality, with room for more qualities
    "key": 15 * len(theory.MODES),
    "meter": 32,  # beats in a bar, 1 to 32
    "pickup": 1,
    "tempo": 12,
    "style": 8,
    "part": 17,  # General MIDI families, and the chord voice
    "voice": 1,  # one more voice in this part
}


def _ranges() -> dict[str, Range]:
    first, found = 0, {}
    for name, size in SIZES.items():
        found[name] = Range(first, size)
        first += size
    return found


RANGES = _ranges()
PITCH, CHORD, KEY, METER = RANGES["pitch"], RANGES["chord"], RANGES["key"], RANGES["meter"]
TEMPO, STYLE, PART = RANGES["tempo"], RANGES["style"], RANGES["part"]
REST, HOLD, END = RANGES["rest"].first, RANGES["hold"].first, RANGES["end"].first
PICKUP, VOICE = RANGES["pickup"].first, RANGES["voice"].first
CHORDS = PART[16]  # the part that is the chord voice
SYMBOLS = sum(SIZES.values())

STYLES = ("melody", "lead sheet", "voices", "keyboard", "song", "ensemble")
TEMPO_BPM = (40.0, 50.0, 60.0, 72.0, 84.0, 96.0, 108.0, 120.0, 138.0, 160.0, 184.0, 208.0)
MODES = tuple(theory.MODES)

NONE, JOIN = 0, 1  # the two durations that are no lengths
_QUARTER_FRACTIONS = {  # lengths in quarter notes, as (numerator, denominator)
    "binary": [(1, 16), (1, 8), (3, 16), (1, 4), (3, 8), (1, 2), (3, 4), (7, 8), (1, 1), (5, 4), (3, 2), (7, 4)],
    "long": [(2, 1), (5, 2), (3, 1), (7, 2), (4, 1), (9, 2), (5, 1), (6, 1), (8, 1)],
    "triplet": [(1, 24), (1, 12), (1, 6), (1, 3), (2, 3), (4, 3), (8, 3)],
    "quintuplet": [(1, 5), (2, 5), (3, 5), (4, 5)],
    "septuplet": [(1, 7), (2, 7), (3, 7), (4, 7), (5, 7), (6, 7)],
    "rest of the grid": [(1, 48)],
}
LENGTHS = tuple(sorted(TPQ * a // b for group in _QUARTER_FRACTIONS.values() for a, b in group))
TICKS = (0, 0, *LENGTHS)  # duration id -> ticks
DURATION = {ticks: index + 2 for index, ticks in enumerate(LENGTHS)}  # ticks -> duration id
DURATIONS = len(TICKS)
UNITS = {unit: DURATION[4 * TPQ // unit] for unit in (1, 2, 4, 8, 16)}
GRID = TPQ // 48  # every length without quintuplets and septuplets is a multiple of this


def representable(ticks: int) -> bool:
    """Whether a length in ticks is a sum of entries of `LENGTHS`."""
    return ticks > 0 and _split(ticks) is not None


@lru_cache(maxsize=4096)
def _split(ticks: int) -> tuple[int, int, int] | None:
    """Quintuplet steps, septuplet steps and the rest of a length, or None. The residues mod 5 and 7 decide."""
    units, odd = divmod(ticks, TPQ // 1680)  # 6 ticks: the finest grain that fifths and sevenths share
    if odd:
        return None
    # TPQ/5 = 336 units, TPQ/7 = 240 units, GRID = 35 units: solve 336 a + 240 b = units (mod 35)
    fifths = next(a for a in range(5) if (336 * a - units) % 5 == 0)
    sevenths = next(b for b in range(7) if (240 * b - units) % 7 == 0)
    rest = ticks - fifths * (TPQ // 5) - sevenths * (TPQ // 7)
    return (fifths, sevenths, rest) if rest >= 0 else None


def lengths_of(ticks: int) -> list[int]:
    """Duration ids, the longest first, whose lengths add up to `ticks`.

    Raises:
        ValueError: they cannot; see `representable`.
    """
    if ticks in DURATION:
        return [DURATION[ticks]]
    parts = _split(ticks)
    if parts is None or ticks <= 0:
        raise ValueError(f"{ticks} ticks is not on the grid")
    fifths, sevenths, rest = parts
    found = []
    for length in reversed(_PLAIN):
        while rest >= length:
            found.append(DURATION[length])
            rest -= length
    found += [DURATION[count * TPQ // d] for count, d in ((fifths, 5), (sevenths, 7)) if count]
    return found


_PLAIN = tuple(ticks for ticks in LENGTHS if ticks % GRID == 0)


def key_symbol(fifths: int, mode: str) -> int:
    """The symbol of a key signature, -7 to 7 fifths, in a mode."""
    return KEY[(fifths + 7) * len(MODES) + MODES.index(mode)]


def key_of(symbol: int) -> tuple[int, str]:
    """The signature in fifths and the mode of a key symbol."""
    place, mode = divmod(symbol - KEY.first, len(MODES))
    return place - 7, MODES[mode]


def chord_symbol(root: int, quality: int) -> int:
    """The symbol of a chord: root pitch class, index into `theory.QUALITIES`."""
    return CHORD[quality * 12 + root]


def chord_of(symbol: int) -> tuple[int, int]:
    """Root pitch class and quality index of a chord symbol."""
    quality, root = divmod(symbol - CHORD.first, 12)
    return root, quality


def tempo_symbol(bpm: float) -> int:
    """The symbol of the tempo band nearest to a tempo in quarter notes per minute."""
    band = int(np.argmin([abs(np.log(max(bpm, 1.0) / b)) for b in TEMPO_BPM]))
    return TEMPO[band]


def tempo_of(symbol: int) -> float:
    """The tempo that stands for a band, in quarter notes per minute."""
    return TEMPO_BPM[symbol - TEMPO.first]


def _transposed(semitones: int) -> NDArray[np.int16]:
    table = np.arange(SYMBOLS, dtype=np.int16)
    table[: PITCH.end] = np.clip(np.arange(128) + semitones, 0, 127)
    for symbol in range(CHORD.first, CHORD.end):
        root, quality = chord_of(symbol)
        table[symbol] = chord_symbol((root + semitones) % 12, quality)
    for symbol in range(KEY.first, KEY.end):
        fifths, mode = key_of(symbol)
        table[symbol] = key_symbol(theory.transpose_fifths(fifths, semitones), mode)
    return table


_TABLES: dict[int, NDArray[np.int16]] = {}


def transposition(semitones: int) -> NDArray[np.int16]:
    """symbol -> symbol, (SYMBOLS,), for music moved by semitones. Pitches outside MIDI's range are clipped."""
    if semitones not in _TABLES:
        _TABLES[semitones] = _transposed(semitones)
    return _TABLES[semitones]


def duration_masks() -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Which durations a symbol may take: its class (SYMBOLS,), and the classes' masks (classes, DURATIONS)."""
    masks = np.zeros((4, DURATIONS), bool)
    masks[0, NONE] = True  # controls
    masks[1, 2:] = True  # rests, held notes, chords, pickups: a length
    masks[2, 1:] = True  # pitches: a length or JOIN
    masks[3, list(UNITS.values())] = True  # meters: the beat unit
    classes = np.zeros(SYMBOLS, np.int16)
    for ids in (RANGES["rest"], RANGES["hold"], CHORD, RANGES["pickup"]):
        classes[ids.first : ids.end] = 1
    classes[: PITCH.end] = 2
    classes[127] = 1  # nothing above could join it
    classes[METER.first : METER.end] = 3
    return classes, masks
