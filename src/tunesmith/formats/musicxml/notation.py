"""From a score to what stands on paper: measures, staves, layers, written notes with ties, beams and accidentals.

Conventions:
- A measure is a bar of the score, cut where a repeat, an ending or a key begins or ends inside it.
- A layer is one line of notes on one staff, in which nothing overlaps. The first layer of a voice keeps the voice's
  number; notes that overlap inside a voice go to further layers, which leave out their rests.
- A keyboard part (General MIDI programs 0 to 7) that reaches from E3 or below to G4 or above has two staves: its
  voices go by their middle pitch, those below middle C to the lower staff; if all lie on one side, each note goes
  by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median

from tunesmith import theory
from tunesmith.formats.musicxml.rhythm import FLAGS, Piece, beam_spans, write_bar
from tunesmith.score import Key, Meter, Note, Part, Score

KEYBOARDS = range(8)
GREAT_STAFF = (52, 67)  # a keyboard part with notes at or beyond both has two staves
MIDDLE_C = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """The ticks [start, end) between two bar lines; `origin` is where its bar would begin if it were whole."""

    number: str
    implicit: bool
    start: int
    end: int
    origin: int
    meter: Meter
    key: Key


@dataclass(frozen=True, slots=True)
class Stack:
    """Notes that begin and end together, lowest first, each with its place in `Part.notes`."""

    onset: int
    end: int
    notes: tuple[tuple[int, Note], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of music: its number as MusicXML's voice, its staff from 1, whether it leaves out its rests."""

    voice: int
    staff: int
    extra: bool
    stacks: tuple[Stack, ...]


@dataclass(slots=True)
class Written:
    """One written chord, note (`stack`) or rest (None) at ticks [start, end) of the piece."""

    start: int
    end: int
    piece: Piece
    stack: Stack | None
    whole_bar: bool = False
    beams: list[str] = field(default_factory=list)
    tuplet: str = ""  # "start" or "stop"
    bracket: bool = False  # where a tuplet starts: whether a bracket is drawn
    accidentals: dict[int, int] = field(default_factory=dict)  # place in `Part.notes` -> alteration to be shown


def measures(score: Score) -> list[Measure]:
    """The measures of a score, one at least."""
    edges = {
        place for r in score.repeats for place in (r.start, r.end, *(p for e in r.endings for p in (e.start, e.end)))
    }
    edges |= {key.onset for key in score.keys}
    last = max([score.end, *(r.end for r in score.repeats)])
    found: list[Measure] = []
    for bar in score.bars():
        origin = bar.end - bar.meter.bar if bar.number == 0 else bar.start
        cuts = [bar.start, *sorted(e for e in edges if bar.start < e < bar.end), bar.end]
        for start, end in pairwise(cuts):
            if start >= last and start > bar.start:
                continue
            implicit = bar.number == 0 or start > bar.start
            number = str(bar.number) if start == bar.start else f"X{len(found)}"
            found.append(Measure(number, implicit, start, end, origin, bar.meter, score.key_at(start)))
    if not found:
        meter = score.meter_at(0)
        found.append(Measure("1", False, 0, meter.bar, 0, meter, score.key_at(0)))
    return found


def layers(part: Part) -> list[Layer]:
    """The layers of a part, staff by staff, from high to low on each staff."""
    numbered = list(enumerate(part.notes))
    lower = _lower_staff(part)
    lines: dict[tuple[int, int], list[tuple[int, Note]]] = defaultdict(list)
    for index, note in numbered:
        lines[2 if index in lower else 1, note.voice].append((index, note))
    spare = max((note.voice for note in part.notes), default=0) + 1
    kept: set[int] = set()
    found: list[Layer] = []
    order = sorted(lines, key=lambda line: (line[0], -median(n.pitch for _, n in lines[line]), line[1]))
    for staff, voice in order:
        for stacks in _unravel(lines[staff, voice]):
            extra = voice in kept
            number = spare if extra else voice
            spare += extra
            hidden = extra and any(known.staff == staff for known in found)
            found.append(Layer(number, staff, hidden, tuple(stacks)))
            kept.add(voice)
    for staff in (1, 2) if lower else (1,):
        if not any(layer.staff == staff for layer in found):
            found.append(Layer(spare, staff, False, ()))
            spare += 1
    return sorted(found, key=lambda layer: layer.staff)


def _lower_staff(part: Part) -> set[int]:
    """The places in `part.notes` of the notes that belong to a lower staff."""
    pitches = [note.pitch for note in part.notes]
    if part.drums or part.program not in KEYBOARDS or not pitches:
        return set()
    if min(pitches) > GREAT_STAFF[0] or max(pitches) < GREAT_STAFF[1]:
        return set()
    voices: dict[int, list[int]] = defaultdict(list)
    for note in part.notes:
        voices[note.voice].append(note.pitch)
    low = {voice for voice, found in voices.items() if median(found) < MIDDLE_C}
    if low and len(low) < len(voices):
        return {index for index, note in enumerate(part.notes) if note.voice in low}
    return {index for index, note in enumerate(part.notes) if note.pitch < MIDDLE_C}


def _unravel(notes: Sequence[tuple[int, Note]]) -> list[list[Stack]]:
    """Stacks in as few lines without overlap as possible; at the same onset the highest is first."""
    together: dict[tuple[int, int], list[tuple[int, Note]]] = defaultdict(list)
    for index, note in notes:
        together[note.onset, note.end].append((index, note))
    stacks = [Stack(onset, end, tuple(found)) for (onset, end), found in together.items()]
    stacks.sort(key=lambda s: (s.onset, -s.notes[-1][1].pitch, s.end))
    lines: list[list[Stack]] = []
    for stack in stacks:
        line = next((line for line in lines if line[-1].end <= stack.onset), None)
        if line is None:
            lines.append(line := [])
        line.append(stack)
    return lines


def write_layer(layer: Layer, bars: Sequence[Measure]) -> list[list[Written]]:
    """What a layer shows in each measure, without accidentals; an extra layer's empty measures are empty lists."""
    starts = [bar.start for bar in bars]
    inside: list[list[tuple[int, int, Stack]]] = [[] for _ in bars]
    for stack in layer.stacks:
        place = bisect_right(starts, stack.onset) - 1
        while place < len(bars) and bars[place].start < stack.end:
            a, b = max(stack.onset, bars[place].start), min(stack.end, bars[place].end)
            inside[place].append((a, b, stack))
            place += 1
    return [
        [] if layer.extra and not found else _write_measure(bar, found) for bar, found in zip(bars, inside, strict=True)
    ]


def _write_measure(bar: Measure, found: Sequence[tuple[int, int, Stack]]) -> list[Written]:
    if not found:
        return [Written(bar.start, bar.end, Piece(bar.start, bar.end, "whole"), None, whole_bar=True)]
    spans: list[tuple[int, int, Stack | None]] = []
    now = bar.start
    for start, end, stack in found:
        if now < start:
            spans.append((now, start, None))
        spans.append((start, end, stack))
        now = end
    if now < bar.end:
        spans.append((now, bar.end, None))
    relative = [(a - bar.origin, b - bar.origin, stack is None) for a, b, stack in spans]
    written = [
        Written(piece.start + bar.origin, piece.end + bar.origin, piece, stack)
        for pieces, (_, _, stack) in zip(write_bar(relative, bar.meter), spans, strict=True)
        for piece in pieces
    ]
    _beam(written, bar.meter)
    _bracket(written)
    return written


def _bracket(written: Iterable[Written]) -> None:
    for tuplet, group in groupby(written, key=lambda w: w.piece.tuplet):
        inside = list(group)
        if tuplet and len(inside) > 1:
            first, last = inside[0], inside[-1]
            # A beam of its own shows what belongs to a tuplet as well as a bracket does.
            beamed = all(w.beams for w in inside) and first.beams[0] == "begin" and last.beams[0] == "end"
            first.tuplet, last.tuplet = "start", "stop"
            first.bracket = not beamed


def _beam(written: Sequence[Written], meter: Meter) -> None:
    edges = beam_spans(meter)
    halves = _halves(written, meter)

    def place(w: Written) -> tuple[object, ...]:
        if w.stack is None or w.piece.kind not in FLAGS:
            return ("none", w.start)
        tuplet = w.piece.tuplet
        beat = bisect_right(edges, w.piece.start)
        if tuplet and bisect_right(edges, tuplet.start) != bisect_right(edges, tuplet.end - 1):
            return ("tuplet", tuplet.start)  # longer than a beat
        half = w.piece.start // (meter.bar // 2) if halves else None
        return ("half", half) if half in halves else ("beat", beat)

    for _, group in groupby(written, key=place):
        beamed = list(group)
        if len(beamed) > 1:
            _beam_group(beamed)


def _halves(written: Sequence[Written], meter: Meter) -> set[int]:
    """The halves of a 4/4 bar that hold four plain eighths, which share one beam."""
    if (meter.beats, meter.unit) != (4, 4):
        return set()
    eighths = [w.piece.start for w in written if w.stack and w.piece.kind == "eighth" and not w.piece.dots]
    plain = [start for start in eighths if start % (meter.bar // 8) == 0]
    return {half for half in (0, 1) if sum(start // (meter.bar // 2) == half for start in plain) == 4}


def _beam_group(group: Sequence[Written]) -> None:
    flags = [FLAGS[w.piece.kind] for w in group]
    for i, w in enumerate(group):
        for level in range(1, flags[i] + 1):
            before = i > 0 and flags[i - 1] >= level
            after = i + 1 < len(group) and flags[i + 1] >= level
            if before or after:
                w.beams.append("continue" if before and after else "end" if before else "begin")
            else:
                offset = (w.start - group[0].start) // max(1, w.end - w.start)
                forward = i == 0 or (i + 1 < len(group) and offset % 2 == 0)
                w.beams.append("forward hook" if forward else "backward hook")


def spelling(note: Note, key: Key) -> int:
    """The place on the line of fifths that a note is written with: its own where it has a usable one."""
    own = note.fifths
    if own is not None and theory.pitch_class(own) == note.pitch % 12 and abs(theory.letter_and_alter(own)[1]) <= 2:
        return own
    return theory.spell(note.pitch, key.fifths, key.mode)


def mark_accidentals(staff: Iterable[Written], key: Key) -> None:
    """Find the accidentals that one staff needs in one measure.

    An accidental holds for its letter and octave to the bar line, in all voices of the staff; a note tied over from
    before shows none.
    """
    held: dict[tuple[str, int], int] = {}
    starting = [(w, w.stack) for w in staff if w.stack is not None and w.start == w.stack.onset]
    for w, stack in sorted(starting, key=lambda found: found[0].start):
        for index, note in stack.notes:
            place = spelling(note, key)
            letter, alter = theory.letter_and_alter(place)
            line = letter, theory.octave(note.pitch, place)
            if held.get(line, signature(letter, key.fifths)) != alter:
                held[line] = w.accidentals[index] = alter


def signature(letter: str, fifths: int) -> int:
    """How a key signature alters a letter: -1, 0 or 1."""
    natural = theory.fifths_of(letter, 0)
    return -((natural + 1 - fifths) // 7)  # the scale is the line of fifths from fifths - 1 to fifths + 5
