"""`<direction>` and `<sound>`: tempo, dynamics, and the signs and words that send players elsewhere."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tunesmith.formats.musicxml.read_doubts import Doubt
from tunesmith.formats.musicxml.read_lengths import VALUES, Ticks, parse_int, parse_number
from tunesmith.formats.musicxml.read_signs import LONGEST_TEXT, Place, Route
from tunesmith.score import TPQ

if TYPE_CHECKING:
    from tunesmith.formats.musicxml.read_part import PartReader

FULL_VELOCITY = 90  # MusicXML's dynamics are in percent of this MIDI velocity, its forte

# Velocities of the marks, 16 a step around mf, as MuseScore plays them: https://musescore.org/en/handbook/4/dynamics
LEVELS = {
    "pppppp": 1,
    "ppppp": 5,
    "pppp": 10,
    "ppp": 16,
    "pp": 33,
    "p": 49,
    "mp": 64,
    "mf": 80,
    "f": 96,
    "ff": 112,
    "fff": 126,
    "ffff": 127,
    "fffff": 127,
    "ffffff": 127,
    "n": 1,
}
# Marks for one note alone: its velocity, and the mark that holds after it (None: the one from before)
ACCENTS = {
    "sf": (112, None),
    "sfz": (112, None),
    "fz": (112, None),
    "rf": (112, None),
    "rfz": (112, None),
    "sffz": (126, None),
    "fp": (96, "p"),
    "sfp": (112, "p"),
    "sfpp": (112, "pp"),
    "sfzp": (112, "p"),
    "pf": (49, "f"),
}
BPM_RANGE = (0.1, 10_000.0)

# An instruction in words -> what it does; the first that fits
ROUTES = (
    (re.compile(r"\bd\.? ?c\b\.?|\bda capo\b", re.I), "dacapo"),
    (re.compile(r"\bd\.? ?s\b\.?|\bd(?:al|el) segno\b", re.I), "dalsegno"),
    (re.compile(r"^\W*(?:al |to |alla )(?:the )?coda\b", re.I), "tocoda"),
    (re.compile(r"^\W*coda\W*$", re.I), "coda"),
    (re.compile(r"^\W*segno\W*$", re.I), "segno"),
    (re.compile(r"^\W*fine\W*$", re.I), "fine"),
    (re.compile(r"^\W*trio\b", re.I), "trio"),
)
ROUTE_NAMES = ("dacapo", "dalsegno", "tocoda", "fine", "segno", "coda")
_FLOAT = re.compile(r"\d{1,9}(?:\.\d{1,40})?|\.\d{1,40}", re.ASCII)


def read_direction(part: PartReader, element: ET.Element) -> None:
    """`<direction>`: dynamics, tempo, segno and coda, and words that send players elsewhere."""
    words, kinds, marks = [], [], []
    metronome: ET.Element | None = None
    for child in (child for kind in element.iterfind("direction-type") for child in kind):
        if child.tag == "words":
            words.append(child.text or "")
        elif child.tag == "dynamics":
            marks += [mark.tag for mark in child]
        elif child.tag == "metronome":
            metronome = child
        elif child.tag in ("segno", "coda"):
            kinds.append(child.tag)
    sound = element.find("sound")
    place = _place(part, element)
    if metronome is not None and (sound is None or sound.get("tempo") is None):
        _add_tempo(part, place, _bpm(metronome, part.signs.bpm))
    if marks or (sound is not None and sound.get("dynamics") is not None):
        read_dynamics(part, place, marks, None if sound is None else sound.get("dynamics"))
    text = " ".join(" ".join(words).split())
    text = text if len(text) <= LONGEST_TEXT else ""
    if sound is not None:
        read_sound(part, sound, place=place, words=text, dynamics=False)
    if sound is None or not any(sound.get(name) for name in ROUTE_NAMES):
        kinds += [kind for pattern, kind in ROUTES if text and pattern.search(text)][:1]
        part.signs.routes += [Route(part.here[0], kind, "", text) for kind in dict.fromkeys(kinds)]


def _place(part: PartReader, element: ET.Element) -> Place:
    """Where a direction or sound takes effect: its offset counts where it says so."""
    offset = element.find("offset")
    measure, ticks = part.here
    if offset is None or (element.tag == "direction" and offset.get("sound") != "yes"):
        return measure, ticks
    return measure, max(0, ticks + offset_of(part, offset))


def offset_of(part: PartReader, element: ET.Element) -> Ticks:
    """A number of divisions, which may be negative, in ticks."""
    number = parse_number(element.text)
    return 0 if number is None else number * TPQ / (part.lengths.divisions or 1)


def read_sound(
    part: PartReader, element: ET.Element, place: Place | None = None, words: str = "", dynamics: bool = True
) -> None:
    """`<sound>`, alone in a measure or in a direction."""
    where = place or _place(part, element)
    tempo = element.get("tempo")
    if tempo is not None:
        _add_tempo(part, where, parse_float(tempo))
    if dynamics and element.get("dynamics") is not None:
        read_dynamics(part, where, [], element.get("dynamics"))
    midi = element.find("midi-instrument")
    program = None if midi is None else parse_int(midi.findtext("midi-program"))
    if program is not None and program != part.listed.program + 1:
        part.doubt(Doubt.INSTRUMENT)
    for kind in ROUTE_NAMES:
        label = element.get(kind, "no")
        if label not in ("no", ""):
            part.signs.routes.append(Route(where[0], kind, label if label != "yes" else "", words))


def parse_float(text: str) -> float | None:
    """The first number in a text; None where there is none."""
    found = _FLOAT.search(text)
    return float(found[0]) if found else None


def _add_tempo(part: PartReader, place: Place, bpm: float | None) -> None:
    if bpm is None or not BPM_RANGE[0] <= bpm <= BPM_RANGE[1]:
        part.doubt(Doubt.TEMPO)
        return
    part.signs.bpm = bpm
    part.signs.tempos.append((place, bpm))


def _bpm(metronome: ET.Element, before: float) -> float | None:
    """Quarter notes per minute of a metronome mark; "quarter = dotted quarter" goes on from the tempo before."""
    units: list[Fraction] = []
    for child in metronome:
        if child.tag == "beat-unit":
            units.append(Fraction(VALUES.get((child.text or "").strip(), TPQ)) / TPQ)
        elif child.tag == "beat-unit-dot" and units:
            units[-1] = units[-1] * Fraction(3, 2)
    if len(units) > 1:
        return before * float(units[1] / units[0])
    number = parse_float(metronome.findtext("per-minute", ""))
    return number * float(units[0]) if number is not None and units else None


def velocity_of(percent: str | None) -> int | None:
    """A MIDI velocity of MusicXML's percent of forte."""
    number = parse_float(percent or "")
    return None if number is None else max(1, min(127, round(number * FULL_VELOCITY / 100)))


def read_dynamics(part: PartReader, place: Place, marks: list[str], percent: str | None) -> None:
    """Dynamics: marks, and the loudness that the file gives for them."""
    said = velocity_of(percent)
    for mark in marks:
        if mark in ACCENTS:
            velocity, after = ACCENTS[mark]
            part.signs.accents.append((place, velocity if said is None or after else said))
            if after:
                part.signs.levels.append((place, LEVELS[after]))
            return
    level = next((LEVELS[mark] for mark in marks if mark in LEVELS), None)
    if said is not None or level is not None:
        part.signs.levels.append((place, said if said is not None else level or 1))
