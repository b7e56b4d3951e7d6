"""The notes of one part, measure by measure: time, voices, chords and ties.

Times are kept as (measure, ticks from its start), since how long a measure lasts is known only when all parts are
read. Inside a measure the same place in the file's own divisions is the same place in time, so that tuplets whose
durations were rounded do not shift what `<backup>` and `<forward>` lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from xml.etree import ElementTree as ET

from tunesmith import theory
from tunesmith.formats.musicxml.read_chords import read_harmony, share
from tunesmith.formats.musicxml.read_directions import read_direction, read_dynamics, read_sound, velocity_of
from tunesmith.formats.musicxml.read_doubts import Doubt, Doubts
from tunesmith.formats.musicxml.read_head import Listed
from tunesmith.formats.musicxml.read_lengths import Lengths, Ticks, parse_int, parse_number, value_of, whole
from tunesmith.formats.musicxml.read_signs import Signs, Transposition, read_attributes, read_barline
from tunesmith.formats.musicxml.read_ties import Sounding, Ties
from tunesmith.score import TPQ

ACCIDENTALS = {"sharp": "1", "flat": "-1", "double-sharp": "2", "sharp-sharp": "2", "flat-flat": "-2"}
FIRST_NAMED_VOICE = 101  # the number of a voice whose name is no number, and up
Pitch = tuple[int, int, bool]  # MIDI number, spelling in fifths, whether a microtone was rounded


@dataclass(slots=True)
class Span:
    """A measure of a part: its number, how far its notes and its whole-measure rests reach, in ticks."""

    number: str
    implicit: bool
    filled: Ticks = 0
    rests: Ticks = 0
    rounded: bool = False  # durations in it were


class PartReader:
    """Reads one part. `measure` takes its measures in order; then `notes`, `spans` and `signs` hold the part."""

    def __init__(self, listed: Listed, doubts: Doubts, voices: dict[int, int] | None = None) -> None:
        self.listed, self.doubts = listed, doubts
        self.extra_voices = voices or {}  # voice numbers that our writer made up -> the voice they belong to
        self.lengths = Lengths()
        self.signs = Signs()
        self.transposition = Transposition()
        self.notes: list[Sounding] = []
        self.spans: list[Span] = []
        self.span = Span("?", False)  # the measure being read
        self.index = -1  # its place among the measures
        self.cursor: Ticks = 0
        self.onset: Ticks = 0  # of the last note that was no further note of a chord
        self.slip: Ticks = 0  # by how much the file's rounding makes the last length too short
        self.drift: Ticks = 0  # by how much rounding has moved the cursor from where the file counts itself
        self.places: dict[Ticks, Ticks] = {}  # where the file counts itself -> where it is, if rounding moved it
        self.local = 0  # ticks of the part before this measure, as its own notes fill it
        self.ties = Ties()
        self.known_voices: dict[str | None, int] = {}
        self.known_pitches: dict[tuple[str | None, str | None, str | None], Pitch | None] = {}

    # --- measures

    @property
    def number(self) -> str:
        """The number of the measure being read."""
        return self.span.number

    def doubt(self, doubt: Doubt) -> None:
        """Count a doubt, here."""
        self.doubts.add(doubt, self.listed.id, self.number)

    def measure(self, element: ET.Element, number: str, implicit: bool) -> None:
        """Take the next measure: an element with its notes and signs."""
        if self.spans:
            self.ties.begin_measure(self.local)
            self.local += round(max(self.span.filled, self.span.rests))
        self.span = Span(number, implicit)
        self.spans.append(self.span)
        self.index = len(self.spans) - 1
        self.cursor = self.onset = self.drift = 0
        self.places.clear()
        for child in element:
            handler = _HANDLERS.get(child.tag)
            if handler:
                handler(self, child)

    @property
    def here(self) -> tuple[int, Ticks]:
        """The place in time that the next note would have."""
        return self.index, self.cursor

    # --- time

    def length(self, note: ET.Element, found: dict[str, ET.Element], text: str | None) -> Ticks | None:
        """How long a note or rest of a `<duration>` lasts; None, and counted, where nothing says it."""
        if self.lengths.divisions is None:
            self.guess_divisions(note, text)
        if "time-modification" in found:
            ticks, self.slip = self.lengths.in_tuplet(text, note)
        else:
            ticks = self.lengths.duration(text)
        if ticks is None:
            ticks = value_of(note)
            self.doubt(Doubt.LENGTH if ticks is None else Doubt.MENDED_LENGTH)
        return ticks

    def guess_divisions(self, note: ET.Element, text: str | None) -> None:
        """Divisions from a note value and its `<duration>`, where the file does not say them."""
        self.doubt(Doubt.MENDED_DIVISIONS)
        value, number = value_of(note), parse_number(text)
        self.lengths.set_divisions("1")
        if value is not None and number is not None and number > 0:
            self.lengths.divisions = number * TPQ / Fraction(value)

    def advance(self, ticks: Ticks) -> None:
        """Move the cursor on by a note or rest."""
        self.cursor += ticks
        if type(self.cursor) is not int:
            self.cursor = whole(self.cursor)
        if self.slip or self.drift:
            self.drift = whole(self.drift + self.slip)
            self.places[whole(self.cursor - self.drift)] = self.cursor
            self.span.rounded = True

    def move(self, element: ET.Element, direction: int) -> None:
        """`<backup>` and `<forward>`."""
        text = element.findtext("duration")
        ticks = self.lengths.duration(text)
        if ticks is None:
            if (text or "").strip() not in ("0", ""):
                self.doubt(Doubt.LENGTH)
            return
        counted = whole(self.cursor - self.drift + direction * ticks)
        if counted < 0:
            if counted <= -TPQ // 32:  # less is rounding
                self.doubt(Doubt.MENDED_BACKUP)
            counted = 0
        self.cursor = self.places.get(counted, counted)
        self.drift = whole(self.cursor - counted)
        if direction > 0:
            self.fill()

    def backup(self, element: ET.Element) -> None:
        """`<backup>`: back in time, for another voice."""
        self.move(element, -1)

    def forward(self, element: ET.Element) -> None:
        """`<forward>`: on in time, without a note."""
        self.move(element, 1)

    def fill(self) -> None:
        """Remember how far the measure reaches."""
        self.span.filled = max(self.span.filled, self.cursor)

    # --- notes

    def note(self, element: ET.Element) -> None:
        """`<note>`: a note, a further note of a chord, a rest; grace and cue notes are counted."""
        found = {child.tag: child for child in element}
        self.slip = 0
        if "grace" in found:
            self.doubt(Doubt.GRACE)
            return
        text = found["duration"].text if "duration" in found else None
        length = None if "time-modification" in found else self.lengths.known.get(text)
        if length is None:
            length = self.length(element, found, text)
        if length is None:
            return
        if "chord" not in found:
            self.onset = self.cursor
            if self.signs.chords:
                share(self, self.here, length)
            self.advance(length)
        if "rest" in found:
            self.rest(found["rest"])
            return
        self.fill()
        if "cue" in found:
            self.doubt(Doubt.CUE)
        elif "pitch" in found:
            pitch = self.pitch(found["pitch"], found.get("accidental"))
            if pitch is None:
                self.doubt(Doubt.PITCH)
            else:
                self.sound(element, found, length, pitch)
        elif "unpitched" in found:
            drum = self.listed.drum(found.get("instrument"), found["unpitched"])
            self.sound(element, found, length, (drum, 0, False), drum=True)
        else:
            self.doubt(Doubt.PITCH)

    def rest(self, rest: ET.Element) -> None:
        """A rest: one of a whole measure does not say how long an unusual measure is."""
        if rest.get("measure") == "yes":
            self.span.rests = max(self.span.rests, self.cursor)
        else:
            self.fill()

    def pitch(self, element: ET.Element, accidental: ET.Element | None) -> Pitch | None:
        """The sounding pitch and its spelling; an accidental that is printed counts where `<alter>` is forgotten."""
        alter = element.findtext("alter")
        if accidental is not None and alter is None and accidental.text in ACCIDENTALS:
            alter = ACCIDENTALS[accidental.text]
            self.doubt(Doubt.MENDED_ACCIDENTAL)
        key = element.findtext("step"), alter, element.findtext("octave")
        found = self.known_pitches.get(key)
        if found is None:
            found = self.known_pitches[key] = _pitch(*key, self.transposition)
        if found is not None and found[2]:
            self.doubt(Doubt.MENDED_MICROTONE)
        return found

    def sound(
        self, element: ET.Element, found: dict[str, ET.Element], length: Ticks, pitch: Pitch, drum: bool = False
    ) -> None:
        """Add a note, or make the one longer that is tied to it."""
        measure, onset = self.index, self.onset
        end = onset + length
        ties = [child.get("type") for child in element if child.tag == "tie"] if "tie" in found else ()
        voice_element = found.get("voice")
        voice = self.voice(None if voice_element is None else voice_element.text)
        note = self.ties.into(pitch[0], voice, self.local + onset) if "stop" in ties else None
        if note is not None:
            note.last, note.end = measure, end
        else:
            dynamics = element.get("dynamics")
            velocity = None if dynamics is None else velocity_of(dynamics)
            fifths = None if drum else pitch[1]
            note = Sounding(measure, onset, measure, end, pitch[0], fifths, voice, velocity, drum)
            self.notes.append(note)
            if "notations" in found:
                self.dynamics(found["notations"])
            if "stop" in ties:
                self.ties.early[pitch[0], self.local + onset] = note
        if "start" in ties:
            self.ties.leave(note, self.local + end)
        if self.transposition.doubled and not drum and pitch[0] + self.transposition.doubled in range(128):
            low = pitch[0] + self.transposition.doubled
            self.notes.append(Sounding(measure, onset, measure, end, low, pitch[1], voice, note.velocity))

    def transpose(self, transposition: Transposition) -> None:
        """From here on, notes are written transposed, or no more."""
        self.transposition = transposition
        self.known_pitches.clear()

    def dynamics(self, notations: ET.Element) -> None:
        """Dynamics that stand at a note."""
        marks = notations.find("dynamics")
        if marks is not None:
            read_dynamics(self, (self.index, self.onset), [mark.tag for mark in marks], None)

    def voice(self, text: str | None) -> int:
        """The number of a voice: the file's own where it is one, else one of its own."""
        if text not in self.known_voices:
            number = parse_int(text) if text else 1
            if number is None or not 0 < number < 10_000:
                number = FIRST_NAMED_VOICE + len(self.known_voices)
            self.known_voices[text] = self.extra_voices.get(number, number)
        return self.known_voices[text]


@lru_cache(maxsize=4096)
def _pitch(step: str | None, alter: str | None, octave: str | None, moved: Transposition) -> Pitch | None:
    """The sounding pitch and its spelling; a microtone is rounded to the nearest semitone."""
    letter = (step or "").strip()
    height, change = parse_int(octave), parse_number(alter) if alter else Fraction(0)
    if letter not in theory.NATURAL_PITCH_CLASS or height is None or change is None:
        return None
    semitones = int(change + Fraction(1, 2) if change > 0 else change - Fraction(1, 2))
    pitch = theory.NATURAL_PITCH_CLASS[letter] + semitones + 12 * (height + 1) + moved.semitones
    if abs(change) > 4 or not 0 <= pitch <= 127:
        return None
    return pitch, theory.fifths_of(letter, semitones) + moved.fifths, change != semitones


Handler = Callable[[PartReader, ET.Element], None]
_HANDLERS: dict[str, Handler] = {
    "note": PartReader.note,
    "backup": PartReader.backup,
    "forward": PartReader.forward,
    "attributes": read_attributes,
    "direction": read_direction,
    "sound": read_sound,
    "harmony": read_harmony,
    "barline": read_barline,
}
