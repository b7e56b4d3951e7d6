"""Writes one `<part>` of MusicXML from what `notation` lays out."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunesmith import theory
from tunesmith.formats.musicxml.notation import (
    Layer,
    Measure,
    Stack,
    Written,
    layers,
    mark_accidentals,
    spelling,
    write_layer,
)
from tunesmith.formats.musicxml.signs import (
    USUAL_CLEFS,
    add,
    add_clef,
    add_harmony,
    add_left_barline,
    add_right_barline,
    add_tempo,
    clef_for,
    drum,
    printed_tempos,
)
from tunesmith.score import TPQ, Note, Part, Score

ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers of a part, and what each writes: layer, measure, in time."""

    layers: list[Layer]
    written: list[list[list[Written]]]

    @property
    def staves(self) -> int:
        """How many staves the part has: 1 or 2."""
        return max(layer.staff for layer in self.layers)

    def company(self, layer: int, measure: int) -> list[int]:
        """The layers that write in a measure of a layer's staff, from high to low."""
        staff = self.layers[layer].staff
        return [n for n, other in enumerate(self.layers) if other.staff == staff and self.written[n][measure]]


def plan_part(part: Part, bars: Sequence[Measure]) -> Plan:
    """Lay out a part in its measures, accidentals included."""
    found = layers(part)
    written = [write_layer(layer, bars) for layer in found]
    for staff in {layer.staff for layer in found} if not part.drums else ():
        rows = [row for row, layer in zip(written, found, strict=True) if layer.staff == staff]
        for place, bar in enumerate(bars):
            mark_accidentals((w for row in rows for w in row[place]), bar.key)
    return Plan(found, written)


class Clock:
    """Ticks to MusicXML's divisions."""

    def __init__(self, score: Score, bars: Iterable[Measure], plans: Iterable[Plan]) -> None:
        times = {time for bar in bars for time in (bar.start, bar.end)}
        times |= {w.end for plan in plans for row in plan.written for measure in row for w in measure}
        times |= {chord.onset for chord in score.chords} | {tempo.onset for tempo in score.tempos}
        self.grain = math.gcd(TPQ, *times)  # ticks per division
        self.divisions = TPQ // self.grain

    def __call__(self, ticks: int) -> str:
        """A length in divisions, as text."""
        return str(ticks // self.grain)


def instrument(part: int, pitch: int | None = None) -> str:
    """The id of a part's instrument, or of one of its drums."""
    return f"P{part}-I1" if pitch is None else f"P{part}-D{pitch}"


class PartWriter:
    """Writes one `<part>`, and collects the ids of its notes."""

    def __init__(
        self,
        score: Score,
        number: int,
        part: Part,
        *,
        bars: Sequence[Measure],
        plan: Plan,
        clock: Clock,
        shows_chords: bool,
    ) -> None:
        self.score, self.number, self.part, self.bars, self.plan, self.clock = score, number, part, bars, plan, clock
        self.ids: list[list[str]] = [[] for _ in part.notes]
        self.rests = 0
        self.chords = score.chords if shows_chords else ()
        self.tempos = printed_tempos(score) if number == 1 else []

    def write(self) -> ET.Element:
        """The `<part>`; fills `ids`, one list for each note of the part."""
        root = ET.Element("part", id=f"P{self.number}")
        for place, bar in enumerate(self.bars):
            measure = add(root, "measure", number=bar.number, implicit="yes" if bar.implicit else None)
            following = self.bars[place + 1] if place + 1 < len(self.bars) else None
            add_left_barline(measure, self.score, bar)
            self._attributes(measure, bar, self.bars[place - 1] if place else None)
            self._marks(measure, bar)
            self._voices(measure, bar, place)
            add_right_barline(measure, self.score, bar, following)
        return root

    def _attributes(self, measure: ET.Element, bar: Measure, before: Measure | None) -> None:
        attributes = ET.Element("attributes")
        if before is None:
            add(attributes, "divisions", self.clock.divisions)
        if (before is None or before.key.fifths != bar.key.fifths or before.key.mode != bar.key.mode) and (
            not self.part.drums
        ):
            key = add(attributes, "key")
            add(key, "fifths", bar.key.fifths)
            add(key, "mode", bar.key.mode)
        if before is None or (before.meter.beats, before.meter.unit) != (bar.meter.beats, bar.meter.unit):
            time = add(attributes, "time")
            add(time, "beats", bar.meter.beats)
            add(time, "beat-type", bar.meter.unit)
        if before is None:
            self._staves(attributes)
        if len(attributes):
            measure.append(attributes)

    def _staves(self, attributes: ET.Element) -> None:
        many = self.plan.staves > 1
        if many:
            add(attributes, "staves", self.plan.staves)
        for staff in range(1, self.plan.staves + 1):
            stacks = [stack for layer in self.plan.layers if layer.staff == staff for stack in layer.stacks]
            pitches = [note.pitch for stack in stacks for _, note in stack.notes]
            usual = USUAL_CLEFS[staff - 1 : staff] if many else USUAL_CLEFS
            clef = "percussion" if self.part.drums else clef_for(pitches, self.part.program, usual)
            add_clef(attributes, clef, staff if many else None)

    def _marks(self, measure: ET.Element, bar: Measure) -> None:
        for tempo, printed in self.tempos:
            if bar.start <= tempo.onset < bar.end:
                add_tempo(measure, tempo, bar, self.clock(tempo.onset - bar.start), printed)
        for chord in self.chords:
            if bar.start <= chord.onset < bar.end:
                add_harmony(measure, chord, bar, self.clock(chord.onset - bar.start))

    def _voices(self, measure: ET.Element, bar: Measure, place: int) -> None:
        first = True
        for n, layer in enumerate(self.plan.layers):
            row = self.plan.written[n][place]
            if not row:
                continue
            if not first:
                add(add(measure, "backup"), "duration", self.clock(bar.end - bar.start))
            first = False
            company = self.plan.company(n, place)
            stem = "" if len(company) == 1 else "down" if company.index(n) % 2 else "up"
            for written in row:
                if written.stack is None:
                    self._rest(measure, layer, written)
                else:
                    self._chord(measure, layer, written, written.stack, stem)

    def _rest(self, measure: ET.Element, layer: Layer, written: Written) -> None:
        self.rests += 1
        shown = "no" if layer.extra else None
        note = add(measure, "note", print_object=shown, id=f"p{self.number}r{self.rests}")
        add(note, "rest", measure="yes" if written.whole_bar else None)
        add(note, "duration", self.clock(written.end - written.start))
        add(note, "voice", layer.voice)
        if not written.whole_bar:
            _value(note, written)
        if self.plan.staves > 1:
            add(note, "staff", layer.staff)
        _notations(note, written, ())

    def _chord(self, measure: ET.Element, layer: Layer, written: Written, stack: Stack, stem: str) -> None:
        ties = ["stop"] * (written.start > stack.onset) + ["start"] * (written.end < stack.end)
        for turn, (index, source) in enumerate(stack.notes):
            known = self.ids[index]
            known.append(f"p{self.number}n{index + 1}" + (f"-{len(known) + 1}" if known else ""))
            note = add(measure, "note", id=known[-1])
            if turn:
                add(note, "chord")
            self._pitch(note, source)
            add(note, "duration", self.clock(written.end - written.start))
            for tie in ties:
                add(note, "tie", type=tie)
            if self.part.drums:
                add(note, "instrument", id=instrument(self.number, source.pitch))
            add(note, "voice", layer.voice)
            _value(note, written, written.accidentals.get(index))
            if stem:
                add(note, "stem", stem)
            if self.part.drums:
                add(note, "notehead", drum(source.pitch)[2])
            if self.plan.staves > 1:
                add(note, "staff", layer.staff)
            for level, beam in enumerate(written.beams if not turn else (), 1):
                add(note, "beam", beam, number=level)
            _notations(note, written, ties, first=not turn)

    def _pitch(self, note: ET.Element, source: Note) -> None:
        if self.part.drums:
            place = drum(source.pitch)[1]
            unpitched = add(note, "unpitched")
            add(unpitched, "display-step", place[0])
            add(unpitched, "display-octave", place[1])
            return
        fifths = spelling(source, self.score.key_at(source.onset))
        letter, alter = theory.letter_and_alter(fifths)
        pitch = add(note, "pitch")
        add(pitch, "step", letter)
        if alter:
            add(pitch, "alter", alter)
        add(pitch, "octave", theory.octave(source.pitch, fifths))


def _value(note: ET.Element, written: Written, accidental: int | None = None) -> None:
    piece = written.piece
    add(note, "type", piece.kind)
    for _ in range(piece.dots):
        add(note, "dot")
    if accidental is not None:
        add(note, "accidental", ACCIDENTALS[accidental])
    if piece.tuplet:
        ratio = add(note, "time-modification")
        add(ratio, "actual-notes", piece.tuplet.actual)
        add(ratio, "normal-notes", piece.tuplet.normal)


def _notations(note: ET.Element, written: Written, ties: Sequence[str], first: bool = True) -> None:
    tuplet = written.tuplet if first else ""
    if not ties and not tuplet:
        return
    notations = add(note, "notations")
    for tie in ties:
        add(notations, "tied", type=tie)
    if tuplet:
        bracket = ("yes" if written.bracket else "no") if tuplet == "start" else None
        add(notations, "tuplet", type=tuplet, number=1, bracket=bracket)
