"""From a score to what stands on paper: measures, staves, layers, written notes with ties, beams and accidentals.

Conventions:
- A measure is a bar of the score, cut where a repeat, an ending, a key or a jump begins or ends inside it.
- A layer is one line of notes on one staff, in which nothing overlaps. The first layer of a voice keeps the voice's
  number; notes that overlap inside a voice go to further layers, which take numbers that are free and leave out
  their rests.
- A keyboard part (General MIDI programs 0 to 7) that reaches from E3 or below to G4 or above, and sounds more than
  one note at a time, has two staves: its voices go by their middle pitch, those below middle C to the lower staff;
  if all lie on one side, each note goes by itself.
- A drum part has layers of its own for each voice's cymbals and drums.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, count, pairwise
from statistics import median

from tunesmith.formats.musicxml.beams import Sign, signs_of_bar
from tunesmith.formats.musicxml.drums import drum_stem
from tunesmith.formats.musicxml.rhythm import Piece
from tunesmith.score import Key, Meter, Note, Part, Score

KEYBOARDS = range(8)
HAND_REACH = 31  # semitones that hold eight of ten notes of one hand
HANDS_APART = 7  # semitones between the middle pitches of two hands
GREAT_STAFF = (52, 67)  # a keyboard part with notes at or beyond both has two staves
MIDDLE_C = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """The ticks [start, end) between two bar lines; `origin` is where its bar would begin if it were whole.

    `cut`: its bar goes on in the next measure.
    """

    number: str
    implicit: bool
    start: int
    end: int
    origin: int
    meter: Meter
    key: Key
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Notes that begin and end together, lowest first, each with its place in `Part.notes`."""

    onset: int
    end: int
    notes: tuple[tuple[int, Note], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of music on a staff (from 1).

    `number` is its voice in MusicXML, `voice` its voice in the score. `extra`: it leaves out its rests.
    `stem`: where its stems point, if not as is usual for its place among the layers of the staff.
    """

    number: int
    voice: int
    staff: int
    extra: bool
    stacks: tuple[Stack, ...]
    stem: str = ""


@dataclass(slots=True)
class Written:
    """One written chord, note (`stack`) or rest (None) at ticks [start, end) of the piece.

    `echo`: a tuplet starts here that another layer of the staff has as well, and shows.
    """

    start: int
    end: int
    sign: Sign
    stack: Stack | None
    whole_bar: bool = False
    hidden: bool = False
    echo: bool = False
    accidentals: dict[int, int] = field(default_factory=dict)  # place in `Part.notes` -> alteration to be shown


def measures(score: Score) -> list[Measure]:
    """The measures of a score, one at least."""
    edges = _edges(score)
    last = max([score.end, *edges])
    cuts = sorted(edges | {key.onset for key in score.keys})
    found: list[Measure] = []
    for bar in score.bars(last):
        origin = bar.end - bar.meter.bar if bar.number == 0 else bar.start
        stop = last if last in edges and bar.start < last < bar.end else bar.end
        inside = cuts[bisect_right(cuts, bar.start) : bisect_left(cuts, stop)]
        for start, end in pairwise([bar.start, *inside, stop]):
            implicit = bar.number == 0 or start > bar.start
            number = str(bar.number) if start == bar.start else f"X{len(found)}"
            key = score.key_at(start)
            found.append(Measure(number, implicit, start, end, origin, bar.meter, key, end < stop))
    if not found:
        meter = score.meter_at(0)
        found.append(Measure("1", False, 0, meter.bar, 0, meter, score.key_at(0)))
    return found


def _edges(score: Score) -> set[int]:
    """Where repeats, endings and jumps need a bar line."""
    found = {place for r in score.repeats for place in (r.start, r.end)}
    found |= {place for r in score.repeats for e in r.endings for place in (e.start, e.end)}
    return found | {place for j in score.jumps for place in (j.onset, j.target, j.stop, j.coda) if place is not None}


def layers(part: Part, hand: bool = False) -> list[Layer]:
    """The layers of a part, staff by staff, from high to low on each staff. A `hand` of a pianist has one staff."""
    lower = set() if hand else _lower_staff(part)
    lines: dict[tuple[int, int, str], list[tuple[int, Note]]] = defaultdict(list)
    for index, note in enumerate(part.notes):
        stem = drum_stem(note.pitch) if part.drums else ""
        lines[2 if index in lower else 1, note.voice, stem].append((index, note))
    taken = {note.voice for note in part.notes}
    kept: set[int] = set()
    found: list[Layer] = []
    order = sorted(lines, key=lambda line: (line[0], -median(n.pitch for _, n in lines[line]), line[1]))
    for staff, voice, stem in order:
        for stacks in _unravel(lines[staff, voice, stem]):
            extra = voice in kept
            hidden = extra and any(known.staff == staff for known in found)
            number = _free_number(taken, staff) if extra else voice
            found.append(Layer(number, voice, staff, hidden, tuple(stacks), stem))
            kept.add(voice)
    for staff in (1, 2) if lower else (1,):
        if not any(layer.staff == staff for layer in found):
            number = _free_number(taken, staff)
            found.append(Layer(number, number, staff, False, ()))
    return sorted(found, key=lambda layer: layer.staff)


def _free_number(taken: set[int], staff: int) -> int:
    """A number for one more voice of a staff, now taken; staves have four each, as in most programs."""
    usual = (1, 2, 3, 4) if staff == 1 else (5, 6, 7, 8)
    number = next(n for n in chain(usual, count(9)) if n not in taken)
    taken.add(number)
    return number


def hands(parts: Sequence[Part]) -> tuple[int, ...]:
    """The places of two parts that are the hands of one pianist, each in a track of its own; else nothing.

    They stand one below the other, play one keyboard, chords among it, and neither reaches further than a hand does.
    """

    def middle(part: Part) -> float:
        return median(n.pitch for n in part.notes)

    def within_reach(part: Part) -> bool:
        pitches = sorted(n.pitch for n in part.notes)
        return pitches[-1 - len(pitches) // 10] - pitches[len(pitches) // 10] <= HAND_REACH

    keyed = [p.program in KEYBOARDS and not p.drums and bool(p.notes) for p in parts]
    pairs = [
        (n, n + 1)
        for n, (upper, lower) in enumerate(pairwise(parts))
        if keyed[n] and keyed[n + 1] and upper.program == lower.program
        if _sounds_together(upper.notes) or _sounds_together(lower.notes)
        if within_reach(upper) and within_reach(lower) and middle(upper) - middle(lower) >= HANDS_APART
    ]
    return pairs[0] if len(pairs) == 1 and sum(keyed) <= 3 else ()


def _lower_staff(part: Part) -> set[int]:
    """The places in `part.notes` of the notes that belong to a lower staff."""
    pitches = [note.pitch for note in part.notes]
    if part.drums or part.program not in KEYBOARDS or not pitches:
        return set()
    if min(pitches) > GREAT_STAFF[0] or max(pitches) < GREAT_STAFF[1] or not _sounds_together(part.notes):
        return set()
    voices: dict[int, list[int]] = defaultdict(list)
    for note in part.notes:
        voices[note.voice].append(note.pitch)
    low = {voice for voice, found in voices.items() if median(found) < MIDDLE_C}
    if low and len(low) < len(voices):
        return {index for index, note in enumerate(part.notes) if note.voice in low}
    return {index for index, note in enumerate(part.notes) if note.pitch < MIDDLE_C}


def _sounds_together(notes: Sequence[Note]) -> bool:
    """Whether two notes ever sound at the same time; notes are in order of their onsets."""
    ends = accumulate((note.end for note in notes), max)
    return any(note.onset < end for note, end in zip(notes[1:], ends, strict=False))


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
    """What a layer shows in each measure, without accidentals."""
    starts = [bar.start for bar in bars]
    inside: list[list[tuple[int, int, Stack]]] = [[] for _ in bars]
    for stack in layer.stacks:
        place = bisect_right(starts, stack.onset) - 1
        while place < len(bars) and bars[place].start < stack.end:
            a, b = max(stack.onset, bars[place].start), min(stack.end, bars[place].end)
            inside[place].append((a, b, stack))
            place += 1
    return [_write_measure(bar, found, layer.extra) for bar, found in zip(bars, inside, strict=True)]


def _write_measure(bar: Measure, found: Sequence[tuple[int, int, Stack]], extra: bool) -> list[Written]:
    if not found:
        return [Written(bar.start, bar.end, Sign(Piece(bar.start, bar.end, "whole"), 0), None, whole_bar=True)]
    spans: list[tuple[int, int, bool]] = []
    stacks: list[Stack | None] = []
    now = bar.start
    for start, end, stack in [*found, (bar.end, bar.end, None)]:
        if now < start:
            spans.append((now - bar.origin, start - bar.origin, True))
            stacks.append(None)
        if stack:
            spans.append((start - bar.origin, end - bar.origin, False))
            stacks.append(stack)
        now = end
    return [
        Written(piece.start + bar.origin, piece.end + bar.origin, sign, stack, hidden=extra and stack is None)
        for sign in signs_of_bar(tuple(spans), bar.meter.beats, bar.meter.unit)
        for piece, stack in ((sign.piece, stacks[sign.span]),)
    ]
