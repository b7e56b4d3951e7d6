"""What stands before the music: titles, names, instruments, and what our own writer leaves for the reader."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from tunesmith.formats.musicxml.drums import DRUMS
from tunesmith.formats.musicxml.read_lengths import parse_int

DRUM_CHANNEL = 10
NO_NAMES = {"MusicXML Part", "Part"}  # what programs write where a part has no name
FALLBACK_DRUM = 38  # snare drum: a rhythm of which nothing says what plays it
_DRUM_AT = {place: pitch for pitch, (_, place, _) in reversed(DRUMS.items())}


@dataclass(slots=True)
class Listed:
    """A part in the part list: name, General MIDI program, and its instruments' drums, by instrument id."""

    id: str
    name: str = ""
    program: int = 0
    drums: bool = False
    kit: dict[str, int] = field(default_factory=dict)

    def drum(self, instrument: ET.Element | None, unpitched: ET.Element) -> int:
        """The General MIDI drum of an unpitched note: by its instrument, or else by its place on the staff."""
        name = "" if instrument is None else instrument.get("id", "")
        if name in self.kit:
            return self.kit[name]
        if len(self.kit) == 1:
            return next(iter(self.kit.values()))
        place = unpitched.findtext("display-step", "").strip() + unpitched.findtext("display-octave", "").strip()
        return _DRUM_AT.get(place, FALLBACK_DRUM)


@dataclass(slots=True)
class Head:
    """Title, composer, parts in order, our own provenance and voice numbers (part id -> number -> voice)."""

    work: str = ""
    movement: str = ""
    credit: str = ""
    composers: list[str] = field(default_factory=list)
    parts: dict[str, Listed] = field(default_factory=dict)
    provenance: str = ""
    voices: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title of the piece; a movement's after that of its work."""
        titles = [title for title in (self.work, self.movement) if title] or [self.credit]
        return ": ".join(dict.fromkeys(titles))

    def read(self, element: ET.Element) -> None:
        """Take an element that stands before the music."""
        handler = _HANDLERS.get(element.tag)
        if handler:
            handler(self, element)

    def _work(self, element: ET.Element) -> None:
        self.work = text_of(element.find("work-title"))

    def _movement(self, element: ET.Element) -> None:
        self.movement = text_of(element)

    def _credit(self, element: ET.Element) -> None:
        if element.findtext("credit-type") == "title" and not self.credit:
            self.credit = text_of(element.find("credit-words"))

    def _identification(self, element: ET.Element) -> None:
        creators = (text_of(c) for c in element.iterfind("creator") if c.get("type", "composer") == "composer")
        self.composers = list(dict.fromkeys([*self.composers, *filter(None, creators)]))
        for entry in element.iterfind("miscellaneous/miscellaneous-field"):
            if entry.get("name") == "tunesmith":
                self.provenance = entry.text or ""
            elif entry.get("name") == "tunesmith-voices":
                self.voices = parse_voices(entry.text or "")

    def _part_list(self, element: ET.Element) -> None:
        for entry in element.iterfind("score-part"):
            name = text_of(entry.find("part-name"))
            part = Listed(entry.get("id", ""), "" if name in NO_NAMES else name)
            for place, midi in enumerate(entry.iterfind("midi-instrument")):
                _read_instrument(part, midi, first=place == 0)
            self.parts[part.id] = part


def _read_instrument(part: Listed, midi: ET.Element, *, first: bool) -> None:
    program, channel = parse_int(midi.findtext("midi-program")), parse_int(midi.findtext("midi-channel"))
    drum = parse_int(midi.findtext("midi-unpitched"))
    if first and program is not None and 1 <= program <= 128:
        part.program = program - 1
    if channel == DRUM_CHANNEL:
        part.drums = True
    if drum is not None and 1 <= drum <= 128:
        part.kit[midi.get("id", "")] = drum - 1


def text_of(element: ET.Element | None) -> str:
    """The text of an element, on one line."""
    text = "" if element is None else "".join(element.itertext())
    return text if text.isprintable() and text == text.strip() else " ".join(text.split())


def parse_voices(text: str) -> dict[str, dict[int, int]]:
    """Our writer's extra voices: `{"P1": {"5": 1}}` is that voice 5 of part P1 belongs to voice 1."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {
        part: {n: v for key, v in numbers.items() if (n := parse_int(key)) and type(v) is int and v > 0}
        for part, numbers in entries
        if isinstance(numbers, dict)
    }


_HANDLERS = {
    "work": Head._work,
    "movement-title": Head._movement,
    "credit": Head._credit,
    "identification": Head._identification,
    "part-list": Head._part_list,
}
