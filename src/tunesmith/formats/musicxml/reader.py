"""Reads MusicXML, partwise and timewise, plain and packed, into a score."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from tunesmith.errors import FormatError
from tunesmith.files import read_bytes
from tunesmith.formats import ReadOptions
from tunesmith.formats.form import Grid, repeats
from tunesmith.formats.musicxml.read_archive import unpacked
from tunesmith.formats.musicxml.read_chords import Symbol
from tunesmith.formats.musicxml.read_doubts import Doubt, Doubts
from tunesmith.formats.musicxml.read_form import Layout, bars, lay_out, marks_of, pickup
from tunesmith.formats.musicxml.read_head import Head, Listed
from tunesmith.formats.musicxml.read_jumps import jumps
from tunesmith.formats.musicxml.read_part import PartReader
from tunesmith.formats.musicxml.read_ties import Sounding
from tunesmith.formats.musicxml.read_xml import NotXml, pieces
from tunesmith.score import DEFAULT_VELOCITY, Chord, Key, Note, Part, Score, Tempo
from tunesmith.theory import pitch_class

MAX_PARTS = 500
MAX_MEASURES = 20_000  # of a part
MAX_SPANS = 500_000  # measures of all parts
MAX_NOTES = 250_000
MAX_SIGNS = 100_000

ROOT, PART_LIST = b"<score-partwise>", b"<part-list>"


def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]:
    """The score of a file, then a warning where something in it was left out or mended.

    Raises:
        FormatError: it is not MusicXML, not well-formed, too large, or has no notes.
        StorageError: the file cannot be opened.
    """
    del options
    yield from parse(read_bytes(path))


def parse(data: bytes) -> Iterator[Score | FormatError]:
    """The score of MusicXML, plain or packed; see `read`."""
    reader = _read(unpacked(data))
    yield reader.score()
    warning = reader.doubts.warning()
    if warning:
        yield warning


def _read(xml: bytes) -> Reader:
    """The reader of a file, which has read it; where only its head is damaged, the music after it."""
    reader = Reader()
    try:
        reader.take(xml)
    except NotXml as error:
        music = xml.find(PART_LIST)
        if reader.parts or music < 0:
            raise
        reader = Reader()
        reader.doubts.others.append(("its head is damaged, read without title and composer", PART_LIST.decode()))
        try:
            reader.take(ROOT + xml[music:])
        except FormatError:
            raise error from None
    return reader


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep the search for cycles of garbage, of which there are none here, from taking a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Reader:
    """Reads one file: `take` reads it, `score` puts together what it holds."""

    def __init__(self) -> None:
        self.head = Head()
        self.doubts = Doubts()
        self.parts: list[PartReader] = []
        self.by_id: dict[str, PartReader] = {}
        self.source: ET.Element | None = None  # the <part> that is being read
        self.measures = self.notes = 0

    # --- from XML

    def take(self, data: bytes) -> None:
        """Read the whole file."""
        with without_collecting():
            for holder, element in pieces(data):
                if element.tag == "measure":
                    self.measure(holder, element)
                elif element.tag == "part":
                    self.part_of(element)
                else:
                    self.head.read(element)

    def part_of(self, element: ET.Element) -> PartReader:
        """The part that an element belongs to: a new one where the element is."""
        if element is not self.source:
            self.source = element
            self.part = self.begin(element.get("id", ""))
        return self.part

    def begin(self, name: str) -> PartReader:
        """A new part."""
        if len(self.parts) >= MAX_PARTS:
            raise FormatError(f"more than {MAX_PARTS} parts")
        listed = self.head.parts.get(name) or Listed(name[:40])
        part = PartReader(listed, self.doubts, self.head.voices.get(name))
        self.parts.append(part)
        self.by_id[name] = part
        return part

    def measure(self, holder: ET.Element, element: ET.Element) -> None:
        """A measure of a part, or, timewise, of all parts."""
        number, implicit = element.get("number", "").strip()[:16], element.get("implicit") == "yes"
        if holder.tag == "part":
            self.measure_of(self.part_of(holder), element, number, implicit)
            return
        for child in element.iterfind("part"):
            name = child.get("id", "")
            self.measure_of(self.by_id.get(name) or self.begin(name), child, number, implicit)

    def measure_of(self, part: PartReader, element: ET.Element, number: str, implicit: bool) -> None:
        """A measure of one part, and whether it was one too many."""
        notes = len(part.notes)
        part.measure(element, number or str(len(part.spans) + 1), implicit)
        self.measures += 1
        self.notes += len(part.notes) - notes
        if len(part.spans) > MAX_MEASURES or self.measures > MAX_SPANS:
            raise too_much(part, f"{MAX_MEASURES:,} measures in a part, or {MAX_SPANS:,} in all")
        if self.notes > MAX_NOTES:
            raise too_much(part, f"{MAX_NOTES:,} notes")
        if part.signs.count > MAX_SIGNS:
            raise too_much(part, f"{MAX_SIGNS:,} signs in a part")

    # --- to a score

    def score(self) -> Score:
        """What the parts make together.

        Raises:
            FormatError: there are no notes and no chord symbols.
        """
        parts = [part for part in self.parts if part.spans]
        if not any(part.notes or part.signs.chords for part in parts):
            raise FormatError("no notes", fix="look whether the file holds a score at all")
        layout = lay_out(parts)
        marks = marks_of(parts, layout)
        grid = bars(marks, layout.total)
        self.doubt(grid, layout)
        repeated = repeats(marks, layout.total)
        made = tuple(_part(part, layout, self.doubts) for part in self.parts)
        return Score(
            parts=made,
            meters=tuple(grid.meters),
            keys=_keys(parts, layout),
            tempos=_tempos(parts, layout),
            chords=_chords(parts, layout),
            pickup=pickup(grid, parts[0]),
            repeats=repeated,
            jumps=jumps(parts, layout, repeated, self.doubts),
            title=self.head.title,
            composer="; ".join(self.head.composers),
            provenance=self.head.provenance,
        )

    def doubt(self, grid: Grid, layout: Layout) -> None:
        """Remember parts of unequal length, and bars that do not add up."""
        for part in self.parts:
            if not part.spans:
                self.doubts.add(Doubt.MENDED_EMPTY, part.listed.id)
            elif len(part.spans) < len(layout.numbers):
                self.doubts.add(Doubt.MENDED_PART, part.listed.id, part.number)
        faults = grid.faults()
        if faults:
            more = f" ({len(faults)} bars do not add up)" if len(faults) > 1 else ""
            place = f"measure {layout.numbers[max(0, faults[0].at[0] - 1)]}"
            self.doubts.others.append((f"{faults[0]}{more}; kept as written", place))


def too_much(part: PartReader, what: str) -> FormatError:
    """The error for a file that has more of something than any score."""
    return FormatError(f"more than {what}, too many for a song", where=f"part {part.listed.id}, measure {part.number}")


def is_drums(part: PartReader) -> bool:
    """Whether a part is for drums: by its MIDI channel, or because its notes have no pitch."""
    unpitched = sum(note.drum for note in part.notes)
    return part.listed.drums or (unpitched > 0 and (part.signs.percussion or unpitched == len(part.notes)))


def _part(part: PartReader, layout: Layout, doubts: Doubts) -> Part:
    drums = is_drums(part)
    for _ in range(0 if drums else sum(note.drum for note in part.notes)):
        doubts.add(Doubt.UNPITCHED, part.listed.id)
    loudness = Loudness(part, layout)
    heard = (note for note in part.notes if not note.merged and (drums or not note.drum))
    notes = (_note(note, layout, loudness, drums) for note in heard)
    return Part(tuple(notes), part.listed.name, part.listed.program, drums)


def _note(note: Sounding, layout: Layout, loudness: Loudness, drums: bool) -> Note:
    starts = layout.starts
    onset, end = starts[note.measure] + note.onset, starts[note.last] + note.end
    if type(onset) is not int or type(end) is not int:
        onset, end = round(onset), round(end)
    velocity = note.velocity or loudness.at(onset)
    return Note(onset, max(1, end - onset), note.pitch, velocity, note.voice, None if drums else note.fifths)


class Loudness:
    """The velocity of notes that say none themselves, from the dynamics of their part."""

    def __init__(self, part: PartReader, layout: Layout) -> None:
        levels = dict(sorted((layout.time(place), velocity) for place, velocity in part.signs.levels))
        self.times, self.levels = list(levels), list(levels.values())
        self.accents = {layout.time(place): velocity for place, velocity in part.signs.accents}

    def at(self, onset: int) -> int:
        """The velocity at a tick."""
        if onset in self.accents:
            return self.accents[onset]
        place = bisect_right(self.times, onset)
        return self.levels[place - 1] if place else DEFAULT_VELOCITY


def _keys(parts: Sequence[PartReader], layout: Layout) -> tuple[Key, ...]:
    """The keys as they sound, of the first part that has any: one with pitches, where there is one."""
    with_keys = [part for part in parts if part.signs.keys]
    chosen = next((part for part in with_keys if not is_drums(part)), with_keys[0] if with_keys else None)
    found = {layout.time(place): (fifths, mode) for place, fifths, mode in chosen.signs.keys} if chosen else {}
    return tuple(Key(onset, fifths, mode) for onset, (fifths, mode) in sorted(found.items()))


def _tempos(parts: Sequence[PartReader], layout: Layout) -> tuple[Tempo, ...]:
    """The tempos of all parts; at one time the upper part counts."""
    found = {layout.time(place): bpm for part in reversed(parts) for place, bpm in part.signs.tempos}
    return tuple(Tempo(onset, bpm) for onset, bpm in sorted(found.items()))


def _chords(parts: Sequence[PartReader], layout: Layout) -> tuple[Chord, ...]:
    """The chord symbols of all parts; at one time the upper part counts. Each lasts until the next."""
    found: dict[int, Symbol | None] = {
        layout.time(place): symbol for part in reversed(parts) for place, symbol in part.signs.chords
    }
    chords = []
    for onset, end in pairwise([*sorted(found), layout.total]):
        symbol = found[onset]
        if symbol is not None and end > onset:
            bass = None if symbol.bass is None else pitch_class(symbol.bass)
            chords.append(Chord(onset, end - onset, pitch_class(symbol.root), symbol.quality, bass, symbol.root))
    return tuple(chords)
