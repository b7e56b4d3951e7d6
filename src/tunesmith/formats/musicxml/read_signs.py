"""The signs of a part while it is read; keys, meters, transposition, bar lines and repeats.

Each is kept with its place, (measure, ticks from its start), until all parts are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tunesmith import theory
from tunesmith.formats.form import MOST_PASSES, MeterField
from tunesmith.formats.musicxml.read_doubts import Doubt
from tunesmith.formats.musicxml.read_lengths import Ticks, parse_int
from tunesmith.score import DEFAULT_BPM

if TYPE_CHECKING:
    from tunesmith.formats.musicxml.read_chords import Symbol
    from tunesmith.formats.musicxml.read_part import PartReader

Place = tuple[int, Ticks | None]  # measure, ticks from its start; None: its end


MODES = {"ionian": "major", "aeolian": "minor", **{mode: mode for mode in theory.MODES}}
STRONG_LINES = {"light-light", "light-heavy", "heavy-light", "heavy-heavy", "heavy"}
LONGEST_TEXT = 100  # of an instruction or the number of an ending, in characters
LONGEST_METER = 1000  # beats
METER_UNITS = (1, 2, 4, 8, 16, 32, 64, 128)

_PASS = re.compile(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Transposition:
    """From written to sounding pitch: in semitones, on the line of fifths; `doubled`: an octave added, in semitones."""

    semitones: int = 0
    fifths: int = 0
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """A sign or instruction that sends players elsewhere: its kind (see `read_directions`), name and words."""

    measure: int
    kind: str
    label: str = ""
    words: str = ""


@dataclass(slots=True)
class Signs:
    """The signs of a part, in the order in which they stand in the file."""

    meters: list[tuple[Place, MeterField]] = field(default_factory=list)
    keys: list[tuple[Place, int, str]] = field(default_factory=list)
    tempos: list[tuple[Place, float]] = field(default_factory=list)
    levels: list[tuple[Place, int]] = field(default_factory=list)
    accents: list[tuple[Place, int]] = field(default_factory=list)
    chords: list[tuple[tuple[int, Ticks], Symbol | None]] = field(default_factory=list)
    lines: list[tuple[Place, str, object]] = field(default_factory=list)  # kinds and values of `form.Mark`
    routes: list[Route] = field(default_factory=list)
    percussion: bool = False  # whether the part has a percussion clef
    bpm: float = DEFAULT_BPM
    passes: int = 0  # the last pass of the last ending, for endings without a number
    inside: set[Place] | None = None  # where double lines stand in the ending that is open

    @property
    def count(self) -> int:
        """How many signs there are."""
        found = len(self.meters) + len(self.keys) + len(self.tempos) + len(self.levels) + len(self.accents)
        return found + len(self.chords) + len(self.lines) + len(self.routes)


# --- attributes


def read_attributes(part: PartReader, element: ET.Element) -> None:
    """`<attributes>`. The transposition first: keys are written transposed."""
    moved = element.find("transpose")
    if moved is not None:
        part.transpose(_transposition(moved))
    for child in element:
        if child.tag == "divisions":
            if not part.lengths.set_divisions(child.text):
                part.doubt(Doubt.MENDED_DIVISIONS)
                part.lengths.set_divisions("1")
        elif child.get("number", "1") != "1":  # a lower staff's own
            continue
        elif child.tag == "key":
            _read_key(part, child)
        elif child.tag == "time":
            _read_meter(part, child)
        elif child.tag == "clef" and child.findtext("sign", "").strip() == "percussion":
            part.signs.percussion = True


def _read_key(part: PartReader, element: ET.Element) -> None:
    fifths = parse_int(element.findtext("fifths"))
    if fifths is None or abs(fifths) > 7:
        part.doubt(Doubt.KEY)
        return
    mode = MODES.get(element.findtext("mode", "").strip(), "major")
    sounding = fifths + part.transposition.fifths
    if abs(sounding) > 7:  # B double flat major, for a clarinet in C flat: as A major, its notes too
        turn = -12 if sounding > 0 else 12
        part.transpose(replace(part.transposition, fifths=part.transposition.fifths + turn))
        sounding += turn
    part.signs.keys.append((part.here, sounding, mode))


def _read_meter(part: PartReader, element: ET.Element) -> None:
    meter = parse_meter(element)
    if meter is None and element.find("senza-misura") is None:
        part.doubt(Doubt.METER)
        return
    part.signs.meters.append((part.here, meter))


def parse_meter(element: ET.Element) -> MeterField:
    """The meter of a `<time>`: additive ("3+2") and composite ones (3/4 + 2/8) made one; None where there is none."""
    beats = [[parse_int(n) for n in (e.text or "").split("+")] for e in element.iterfind("beats")]
    units = [parse_int(e.text) for e in element.iterfind("beat-type")]
    if not beats or len(beats) != len(units):
        return None
    smallest = max(unit or 0 for unit in units)
    total = 0
    for row, unit in zip(beats, units, strict=True):
        if unit not in METER_UNITS or not all(n and n > 0 for n in row):
            return None
        total += sum(n or 0 for n in row) * smallest // unit
    return (total, smallest) if 0 < total <= LONGEST_METER else None


def _transposition(element: ET.Element) -> Transposition:
    chromatic = parse_int(element.findtext("chromatic")) or 0
    octaves = parse_int(element.findtext("octave-change")) or 0
    diatonic = parse_int(element.findtext("diatonic"))
    if max(abs(chromatic), abs(octaves), abs(diatonic or 0)) > 127:
        return Transposition()
    double = element.find("double")
    doubled = 0 if double is None else 12 if double.get("above") == "yes" else -12
    return Transposition(chromatic + 12 * octaves, _fifths_of_interval(chromatic, diatonic), doubled)


def _fifths_of_interval(semitones: int, steps: int | None) -> int:
    """An interval on the line of fifths; without its steps, the simplest of those that have so many semitones."""
    if steps:
        letter = "CDEFGAB"[steps % 7]
        natural = theory.NATURAL_PITCH_CLASS[letter] + 12 * (steps // 7)
        found = theory.fifths_of(letter, semitones - natural)
        if abs(found) <= 12:
            return found
    return (7 * semitones + 5) % 12 - 5


# --- bar lines


def read_barline(part: PartReader, element: ET.Element) -> None:
    """`<barline>`: repeats, endings, double and final bar lines."""
    location = element.get("location", "right")
    measure, ticks = part.here
    place: Place = (measure, {"left": 0, "right": None}.get(location, ticks))
    repeat, ending = element.find("repeat"), element.find("ending")
    direction = "" if repeat is None else repeat.get("direction", "")
    if ending is not None:
        if ending.get("type") == "start":
            part.signs.inside = set()
            part.signs.lines.append((place, "ending", _passes(part, ending)))
        else:
            _end_ending(part.signs)
            if direction != "backward":
                part.signs.lines.append((place, "double", None))
                part.signs.passes = 0
    if direction == "forward":
        part.signs.passes = 0 if ending is None else part.signs.passes
        part.signs.lines.append((place, "open", 2))
    elif direction == "backward" and repeat is not None:
        times = parse_int(repeat.get("times")) or 2
        part.signs.lines.append((place, "close", max(2, min(times, MOST_PASSES))))
    elif element.findtext("bar-style", "").strip() in STRONG_LINES:
        part.signs.lines.append((place, "double", None))
        if ending is None and part.signs.inside is not None:
            part.signs.inside.add(place)


def _end_ending(signs: Signs) -> None:
    """An ending says itself where it ends: no double line inside does."""
    if signs.inside:
        signs.lines = [line for line in signs.lines if line[1] != "double" or line[0] not in signs.inside]
    signs.inside = None


def _passes(part: PartReader, ending: ET.Element) -> tuple[int, ...]:
    """The passes that play an ending: "1", "1, 2", "1-3"; without a number, the next."""
    text = f"{ending.get('number', '')}".strip() or (ending.text or "")
    found: set[int] = set()
    for first, last in _PASS.findall(text[:LONGEST_TEXT]):
        found.update(range(int(first), min(int(last or first), MOST_PASSES) + 1))
    passes = tuple(sorted(n for n in found if 1 <= n <= MOST_PASSES)) or (part.signs.passes + 1,)
    part.signs.passes = passes[-1] if passes[-1] < MOST_PASSES else 0
    return passes
