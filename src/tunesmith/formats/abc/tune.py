"""One tune: its header, its voices, and the score that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from tunesmith.errors import FormatError, SongWarning
from tunesmith.formats.abc import fields
from tunesmith.formats.abc.book import FIELD, Line, Source
from tunesmith.formats.abc.fields import Fault, KeyField
from tunesmith.formats.abc.music import Voice
from tunesmith.formats.form import Grid, Mark, grid, repeats
from tunesmith.score import Chord, Key, Note, Part, Score, Tempo
from tunesmith.theory import pitch_class

MAX_VOICES = 64
DRUM_CHANNEL = 10
_NAME = re.compile(r'\b(?:name|nm)\s*=\s*(?:"([^"]*)"|(\S+))')
_MIDI = re.compile(r"%%MIDI\s+(program|channel)\s+(\d{1,3})\s*$")
_PROVENANCE = "%%tunesmith "
_NOT_WORDS = re.compile(r'"[^"]*"|![^!]*!|\[\w:[^]]*\]')
_INLINE = re.compile(r"\s*\[[A-Za-z]:")
_WORD = re.compile(r"[H-Wh-w]{2}")
_HEADER_TEXT = re.compile(r"([TC]):(.*)")  # even where it begins with | or :


def read_tune(source: Source) -> Iterator[Score | FormatError]:
    """The score of a tune, followed by a warning where it is doubtful; or why it cannot be read."""
    reader = TuneReader(source)
    try:
        score = reader.read()
    except Fault as fault:
        yield FormatError(fault.what, where=reader.where(reader.line, fault.column), fix=fault.fix)
        return
    yield score
    if reader.doubts:
        yield reader.doubts[0]


class TuneReader:
    """Reads one tune. `line` is the line being read; `doubts` are what the listener should be told."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.line = source.line
        self.number = ""
        self.titles: list[str] = []
        self.composers: list[str] = []
        self.provenance = ""
        self.meter: tuple[int, int] | None = None
        self.unit: Fraction | None = None
        self.tempo = 0, ""  # line, text
        self.key = KeyField(None, "major", fields.signature_of(0))
        self.declared: list[str] = []
        self.voices: dict[str, Voice] = {}
        self.voice: Voice | None = None
        self.doubts: list[SongWarning] = []

    def where(self, line: int, column: int = 0) -> str:
        """The place of a fault: "line 3, column 7 (tune 12: Title)"."""
        name = ": ".join(part for part in (f"tune {self.number or '?'}", *self.titles[:1]) if part)
        return f"line {line}{f', column {column}' if column else ''} ({name})"

    def read(self) -> Score:
        """The score.

        Raises:
            Fault: it cannot be read; `line` says where.
        """
        for number, text in self.source.shared:
            self.line = number
            self.header_field(text[0], text[2:])
        lines = iter(self.source.lines)
        self.read_header(lines)
        self.read_body(lines)
        for voice in self.voices.values():
            voice.end_bar()
        return self.score()

    # --- the header

    def read_header(self, lines: Iterator[Line]) -> None:
        """Fields up to and with `K:`."""
        history = False  # the text of H: may go on in lines of its own
        for self.line, text in lines:
            if text.startswith(_PROVENANCE):
                self.provenance = text[len(_PROVENANCE) :].strip()
            found = FIELD.match(text) or _HEADER_TEXT.match(text)
            if found:
                history = found[1] == "H"
                self.header_field(found[1], found[2])
                if found[1] == "K":
                    return
            elif text.strip() and not text.startswith("%%") and not history:
                break
        self.line = self.source.line
        raise Fault("the tune has no key", fix="write a line such as K:C before the music, or K:none")

    def header_field(self, name: str, text: str) -> None:
        """Take one field of the header; others than these say nothing about the notes."""
        match name:
            case "X":
                self.number = text.strip()[:16]
            case "T":
                self.titles.append(fields.parse_text(text))
            case "C":
                self.composers.append(fields.parse_text(text))
            case "M":
                self.meter = fields.parse_meter(text)
            case "L":
                self.unit = fields.parse_unit(text)
            case "Q":
                self.tempo = self.line, text
            case "V":
                self.declared.append(text)
            case "K":
                self.key = fields.parse_key(text) or self.key

    # --- the body

    def read_body(self, lines: Iterator[Line]) -> None:
        """Music lines and the fields between them; after an empty line only what is clearly music."""
        ended = False
        for text in self.declared:
            self.switch(text)
        self.voice = next(iter(self.voices.values()), None)
        for self.line, text in lines:
            field = FIELD.match(text)
            if text.startswith("%%"):
                self.read_directive(text)
            elif field:
                self.field(field[1], field[2], 3)
            elif text.strip() and not (ended and _is_text(text)):
                self.voice = self.current().play(self.line, text, self.field)
            else:
                ended = True

    def current(self) -> Voice:
        """The voice that music goes to."""
        return self.voice or self.switch("1")

    def switch(self, text: str) -> Voice:
        """The voice that a `V:` field names, made when it is new."""
        name = (text.split() or ["1"])[0]
        if name not in self.voices:
            if len(self.voices) >= MAX_VOICES:
                raise Fault(f"more than {MAX_VOICES} voices in one tune")
            unit = self.unit or fields.default_unit(self.meter)
            self.voices[name] = Voice(unit, self.meter, self.key.signature)
        voice = self.voices[name]
        label = _NAME.search(text)
        if label:
            voice.label = fields.parse_text(label[1] or label[2] or "")
        self.voice = voice
        return voice

    def field(self, name: str, text: str, column: int) -> Voice:
        """Take a field inside the music; returns the voice that goes on."""
        if name == "V":
            return self.switch(text)
        voice = self.current()
        change = _CHANGES.get(name)
        if change:
            try:
                change(voice, text)
            except Fault as fault:
                fault.column = fault.column and column
                raise
        return voice

    def read_directive(self, text: str) -> None:
        """`%%MIDI program` and `%%MIDI channel` of the current voice."""
        found = _MIDI.match(text)
        if found and found[1] == "program":
            self.current().program = min(int(found[2]), 127)
        elif found:
            self.current().drums = int(found[2]) == DRUM_CHANNEL

    # --- the score

    def score(self) -> Score:
        """What the voices make together."""
        voices = [voice for voice in self.voices.values() if voice.time]
        if not any(voice.notes or voice.symbols for voice in voices):
            self.line = self.source.line
            raise Fault("the tune has no notes")
        total = max(voice.time for voice in voices)
        opening = [Mark(0, "meter", self.meter)] if self.meter else []
        marks = opening + voices[0].marks
        bars = grid(marks, total)
        self.doubt(bars, voices)
        return Score(
            parts=tuple(_part(voice) for voice in voices),
            meters=tuple(bars.meters),
            keys=self.keys(voices[0]),
            tempos=self.tempos(voices),
            chords=_chords(voices, total),
            pickup=bars.pickup,
            repeats=repeats(marks, total),
            title=self.titles[0] if self.titles else "",
            composer="; ".join(self.composers),
            provenance=self.provenance,
        )

    def doubt(self, bars: Grid, voices: list[Voice]) -> None:
        """Remember bars that do not add up, or voices whose bar lines do not stand together."""
        faults = bars.faults()
        if faults:
            more = f" ({len(faults)} bars of the tune do not add up)" if len(faults) > 1 else ""
            fix = "kept as written; look at its lengths, or at M:"
            self.doubts.append(SongWarning(f"{faults[0]}{more}", where=self.where(*faults[0].at), fix=fix))
        stray = next((voice.stray for voice in voices if voice.stray), None)
        if stray:
            what = f"{stray[2]!r} belongs to no note and is passed over"
            self.doubts.append(SongWarning(what, where=self.where(*stray[:2])))
        times = {mark.time for mark in voices[0].marks} | {voices[0].time}
        astray = [m for voice in voices[1:] for m in voice.marks if m.time not in times and m.time < voices[0].time]
        if astray:
            what = "a bar line stands elsewhere than in the first voice"
            self.doubts.append(
                SongWarning(what, where=self.where(*astray[0].at), fix="kept as written; look at its lengths")
            )

    def keys(self, voice: Voice) -> tuple[Key, ...]:
        """The keys of the header and of the first voice."""
        found = {0: self.key} if self.key.fifths is not None else {}
        found.update(voice.keys)
        return tuple(Key(onset, key.fifths or 0, key.mode) for onset, key in sorted(found.items(), key=lambda k: k[0]))

    def tempos(self, voices: list[Voice]) -> tuple[Tempo, ...]:
        """The tempos of the header and of all voices; at one time the upper voice counts."""
        unit = self.unit or fields.default_unit(self.meter)
        found = {onset: bpm for voice in reversed(voices) for onset, bpm in voice.tempos}
        self.line, text = self.tempo  # the unit note length, on which it may depend, is known only now
        opening = fields.parse_tempo(text, unit)
        if opening is not None:
            found.setdefault(0, opening)
        return tuple(Tempo(onset, bpm) for onset, bpm in sorted(found.items()))


def _change_key(voice: Voice, text: str) -> None:
    key = fields.parse_key(text)
    if key:
        voice.place()
        voice.keys.append((voice.time, key))
        voice.signature = key.signature
        voice.altered.clear()
        if voice.time == voice.bar_start:
            voice.bar_signature = key.signature


def _change_meter(voice: Voice, text: str) -> None:
    voice.place()
    voice.meter = fields.parse_meter(text)
    voice.mark("meter", voice.meter)


def _change_unit(voice: Voice, text: str) -> None:
    voice.place()
    voice.set_unit(fields.parse_unit(text))


def _change_tempo(voice: Voice, text: str) -> None:
    voice.place()
    bpm = fields.parse_tempo(text, voice.unit)
    if bpm is not None:
        voice.tempos.append((voice.time, bpm))


def _is_text(line: str) -> bool:
    """Whether a line after an empty line is words rather than music."""
    if _INLINE.match(line):
        return False
    return "|" not in line or bool(_WORD.search(_NOT_WORDS.sub("", line)))


_CHANGES = {"K": _change_key, "M": _change_meter, "L": _change_unit, "Q": _change_tempo}


def _part(voice: Voice) -> Part:
    notes = (Note(onset, length, pitch, voice=layer + 1, fifths=at) for onset, length, pitch, layer, at in voice.notes)
    return Part(tuple(notes), voice.label, voice.program, voice.drums)


def _chords(voices: list[Voice], total: int) -> tuple[Chord, ...]:
    """The chord symbols of all voices; at one time the upper voice counts. Each lasts until the next."""
    found = {onset: symbol for voice in reversed(voices) for onset, symbol in voice.symbols}
    chords = []
    for onset, end in pairwise([*sorted(found), total]):
        symbol = found[onset]
        if not isinstance(symbol, bool) and end > onset:
            root, quality, bass = symbol
            low = None if bass is None else pitch_class(bass)
            chords.append(Chord(onset, end - onset, pitch_class(root), quality, low, root))
    return tuple(chords)
