"""MusicXML 4.0, partwise: https://www.w3.org/2021/06/musicxml40/

`divisions` is chosen so that every time is a whole number. Every `<note>` has an `id`: notes `p1n5` (part 1, the
fifth note of `Part.notes`; what a tied note has after its first head adds `-2`, `-3`, ...), rests `p1r5`.
A voice keeps its number in `<voice>`. The same score gives the same bytes.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tunesmith import __version__
from tunesmith.errors import FormatError
from tunesmith.formats import WriteOptions
from tunesmith.formats.musicxml.notation import measures
from tunesmith.formats.musicxml.part_writer import Clock, PartWriter, instrument, plan_part
from tunesmith.formats.musicxml.signs import add, drum
from tunesmith.score import Part, Score

Ids = tuple[tuple[tuple[str, ...], ...], ...]

HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
LOWEST_PITCH = 12  # C0: octaves below have no number in MusicXML
MELODIC_CHANNELS = tuple(n for n in range(1, 17) if n != 10)  # MIDI's channel 10 is for drums


@dataclass(frozen=True, slots=True)
class Document:
    """A MusicXML file as text, and the ids of each note of each part in it."""

    text: str
    ids: Ids


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a score as MusicXML.

    Raises:
        FormatError: a note is too low for MusicXML (below C0), or has no length.
    """
    path.write_bytes(document(score).text.encode())


def note_ids(score: Score) -> Ids:
    """The ids in the MusicXML of every note: `note_ids(score)[part][note]`, several where the note is tied."""
    return document(score).ids


@lru_cache(maxsize=4)
def document(score: Score) -> Document:
    """The MusicXML of a score; see `write`."""
    _check(score)
    parts = score.parts or (Part(),)
    bars = measures(score)
    plans = [plan_part(part, bars) for part in parts]
    clock = Clock(score, bars, plans)
    root = ET.Element("score-partwise", version="4.0")
    _head(root, score)
    listed = add(root, "part-list")
    chords_in = next((n for n, part in enumerate(parts, 1) if not part.drums), 1)
    ids: list[tuple[tuple[str, ...], ...]] = []
    for number, (part, plan) in enumerate(zip(parts, plans, strict=True), 1):
        _list_part(listed, part, number)
        writer = PartWriter(score, number, part, bars=bars, plan=plan, clock=clock, shows_chords=number == chords_in)
        root.append(writer.write())
        ids.append(tuple(tuple(found) for found in writer.ids))
    ET.indent(root, " ")
    return Document(HEADER + ET.tostring(root, "unicode") + "\n", tuple(ids[: len(score.parts)]))


def _check(score: Score) -> None:
    for part in score.parts:
        for note in part.notes:
            if note.duration > 0 and (note.pitch >= LOWEST_PITCH or part.drums):
                continue
            bar = next((b.number for b in score.bars() if b.start <= note.onset < b.end), 0)
            what = "a note has no length" if note.duration <= 0 else f"pitch {note.pitch} lies below C0"
            raise FormatError(f"{what}, which MusicXML cannot write", where=f"bar {bar}")


def _head(root: ET.Element, score: Score) -> None:
    if score.title:
        add(add(root, "work"), "work-title", score.title)
    identification = add(root, "identification")
    if score.composer:
        add(identification, "creator", score.composer, type="composer")
    encoding = add(identification, "encoding")
    add(encoding, "software", f"Tunesmith {__version__}")
    add(encoding, "supports", element="accidental", type="yes")
    add(encoding, "supports", element="beam", type="yes")
    if score.provenance:
        add(add(identification, "miscellaneous"), "miscellaneous-field", score.provenance, name="tunesmith")


def _list_part(listed: ET.Element, part: Part, number: int) -> None:
    entry = add(listed, "score-part", id=f"P{number}")
    add(entry, "part-name", part.name, print_object=None if part.name else "no")
    channel = 10 if part.drums else MELODIC_CHANNELS[(number - 1) % len(MELODIC_CHANNELS)]
    played: list[tuple[str, str, int | None]] = [(instrument(number), part.name, None)]
    if part.drums and part.notes:
        used = sorted({note.pitch for note in part.notes})
        played = [(instrument(number, pitch), drum(pitch)[0], pitch + 1) for pitch in used]
    for key, name, _ in played:
        add(add(entry, "score-instrument", id=key), "instrument-name", name)
    for key, _, unpitched in played:
        midi = add(entry, "midi-instrument", id=key)
        add(midi, "midi-channel", channel)
        add(midi, "midi-program", part.program + 1)
        if unpitched is not None:
            add(midi, "midi-unpitched", unpitched)
