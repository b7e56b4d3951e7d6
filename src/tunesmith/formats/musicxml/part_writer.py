"""Writes one `<part>` of MusicXML from what `notation` lays out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from tunesmith import theory
from tunesmith.formats.musicxml.beams import Sign
from tunesmith.formats.musicxml.drums import drum
from tunesmith.formats.musicxml.marks import Mark
from tunesmith.formats.musicxml.markup import element, leaf
from tunesmith.formats.musicxml.notation import Layer, Measure, Stack, Written
from tunesmith.formats.musicxml.signs import USUAL_CLEFS, Barlines, clef, clef_for
from tunesmith.formats.musicxml.staves import Plan
from tunesmith.score import DEFAULT_VELOCITY, TPQ, Note, Part, Score

ACCIDENTALS = {
    -3: "triple-flat",
    -2: "flat-flat",
    -1: "flat",
    0: "natural",
    1: "sharp",
    2: "double-sharp",
    3: "triple-sharp",
}
FORTE = 90  # the MIDI velocity that MusicXML's `dynamics` is a percentage of


class Clock:
    """Ticks to MusicXML's divisions."""

    def __init__(self, bars: Iterable[Measure], plans: Iterable[Plan], marks: Iterable[Mark]) -> None:
        times = {time for bar in bars for time in (bar.start, bar.end)}
        times |= {w.end for plan in plans for row in plan.written for measure in row for w in measure}
        times |= {mark.onset for mark in marks}
        self.grain = math.gcd(TPQ, *times)  # ticks per division
        self.divisions = TPQ // self.grain

    def __call__(self, ticks: int) -> str:
        """A length in divisions, as text."""
        return str(ticks // self.grain)


def instrument(part: int, pitch: int | None = None) -> str:
    """The id of a part's instrument, or of one of its drums."""
    return f"P{part}-I1" if pitch is None else f"P{part}-D{pitch}"


class PartWriter:
    """Writes one `<part>`, and collects the ids of its notes.

    `marks` are what stands over this part; `fermata`: one on its last note.
    """

    def __init__(
        self,
        score: Score,
        number: int,
        part: Part,
        *,
        bars: Sequence[Measure],
        barlines: Barlines,
        plan: Plan,
        clock: Clock,
        marks: Sequence[Mark],
        fermata: bool,
    ) -> None:
        self.number, self.part, self.plan, self.clock = number, part, plan, clock
        self.bars, self.barlines = bars, barlines
        self.opening = deque(sorted((m for m in marks if not m.closing), key=lambda m: m.onset))
        self.closing = deque(sorted((m for m in marks if m.closing), key=lambda m: m.onset))
        self.held = max((note.end for note in part.notes), default=0) if fermata else -1
        self.ids: list[list[str]] = [[] for _ in part.notes]
        self.unkeyed = part.drums and not all(other.drums for other in score.parts)
        self.rests = 0
        self.signatures = frozenset((*score.keys, *score.meters))  # those that the score names

    def write(self) -> str:
        """The `<part>`; fills `ids`, one list for each note of the part."""
        measures = [self._measure(place, bar) for place, bar in enumerate(self.bars)]
        return element("part", *measures, id=f"P{self.number}")

    def _measure(self, place: int, bar: Measure) -> str:
        following = self.bars[place + 1] if place + 1 < len(self.bars) else None
        return element(
            "measure",
            self.barlines.left(bar),
            self._attributes(bar, self.bars[place - 1] if place else None),
            *self._voices(bar, place),
            self.barlines.right(bar, following),
            number=bar.number,
            implicit="yes" if bar.implicit else None,
        )

    def _attributes(self, bar: Measure, before: Measure | None) -> str:
        content = [leaf("divisions", self.clock.divisions)] if before is None else []
        if bar.key.onset == bar.start and bar.key in self.signatures:
            # Drums beside other parts have no signature; alone they carry the keys of the piece.
            fifths, mode = (0, "") if self.unkeyed else (bar.key.fifths, bar.key.mode)
            content.append(element("key", leaf("fifths", fifths), leaf("mode", mode) if mode else ""))
        if bar.meter.onset == bar.start and bar.meter in self.signatures:
            figures = bar.meter.beats, bar.meter.unit
            same = before is not None and figures == (before.meter.beats, before.meter.unit)
            beats, unit = leaf("beats", figures[0]), leaf("beat-type", figures[1])
            content.append(element("time", beats, unit, print_object="no" if same else None))
        if before is None:
            content += self._staves()
        return element("attributes", *content) if content else ""

    def _staves(self) -> Iterator[str]:
        many = self.plan.staves > 1
        if many:
            yield leaf("staves", self.plan.staves)
        for staff in range(1, self.plan.staves + 1):
            stacks = [stack for layer in self.plan.layers if layer.staff == staff for stack in layer.stacks]
            pitches = [note.pitch for stack in stacks for _, note in stack.notes]
            usual = USUAL_CLEFS[staff - 1 : staff] if many else USUAL_CLEFS
            name = "percussion" if self.part.drums else clef_for(pitches, self.part.program, usual)
            yield clef(name, staff if many else None)

    def _voices(self, bar: Measure, place: int) -> Iterator[str]:
        """The notes of a measure, layer by layer; what stands over them comes with the first."""
        first = True
        for staff in range(1, self.plan.staves + 1):
            company = self.plan.company(staff, place)
            for turn, n in enumerate(company):
                alternating = "" if len(company) == 1 else "down" if turn % 2 else "up"
                stem = self.plan.layers[n].stem or alternating
                if not first:
                    yield element("backup", leaf("duration", self.clock(bar.end - bar.start)))
                for written in self.plan.written[n][place]:
                    if first:
                        yield from self._marks_over(written)
                    yield self._written(self.plan.layers[n], written, stem)
                if first:
                    while self.closing and self.closing[0].onset <= bar.end:
                        yield self.closing.popleft().write("0")
                first = False

    def _marks_over(self, written: Written) -> Iterator[str]:
        while self.opening and self.opening[0].onset < written.end:
            mark = self.opening.popleft()
            yield mark.write(self.clock(mark.onset - written.start))

    def _written(self, layer: Layer, written: Written, stem: str) -> str:
        if written.stack is None:
            return self._rest(layer, written)
        return self._chord(layer, written, written.stack, stem)

    def _rest(self, layer: Layer, written: Written) -> str:
        self.rests += 1
        return element(
            "note",
            leaf("rest", "", measure="yes" if written.whole_bar else None),
            leaf("duration", self.clock(written.end - written.start)),
            leaf("voice", layer.number),
            "" if written.whole_bar else _value(*_figures(written.sign)),
            leaf("staff", layer.staff) if self.plan.staves > 1 else "",
            _notations(written.sign.tuplet, _bracket(written)),
            print_object="no" if written.hidden else None,
            id=f"p{self.number}r{self.rests}",
        )

    def _chord(self, layer: Layer, written: Written, stack: Stack, stem: str) -> str:
        sign = written.sign
        ties = (written.start > stack.onset, written.end < stack.end)
        fermata = ("inverted" if stem == "down" else "upright") if written.end == self.held else ""
        notes = []
        for turn, (index, note) in enumerate(stack.notes):
            known = self.ids[index]
            known.append(f"p{self.number}n{index + 1}" + (f"-{len(known) + 1}" if known else ""))
            text = element(
                "note",
                "<chord/>" if turn else "",
                self._pitch(index, note),
                f"<duration>{self.clock(written.end - written.start)}</duration>",
                _ties(*ties),
                leaf("instrument", "", id=instrument(self.number, note.pitch)) if self.part.drums else "",
                f"<voice>{layer.number}</voice>",
                _value(*_figures(sign), written.accidentals.get(index)),
                f"<stem>{stem}</stem>" if stem else "",
                leaf("notehead", drum(note.pitch)[2]) if self.part.drums else "",
                f"<staff>{layer.staff}</staff>" if self.plan.staves > 1 else "",
                "" if turn else _beams(sign.beams),
                _notations("" if turn else sign.tuplet, _bracket(written), *ties, "" if turn else fermata),
                id=known[-1],
                dynamics=None if note.velocity == DEFAULT_VELOCITY else _percent(note.velocity),
            )
            notes.append(text)
        return "\n".join(notes)

    def _pitch(self, index: int, note: Note) -> str:
        return _unpitched(note.pitch) if self.part.drums else _pitch(note.pitch, self.plan.spelled[index])


# The same few texts return for most notes, hence the caches.


@lru_cache(maxsize=1024)
def _pitch(pitch: int, fifths: int) -> str:
    letter, alter = theory.letter_and_alter(fifths)
    altered = leaf("alter", alter) if alter else ""
    return element("pitch", leaf("step", letter), altered, leaf("octave", theory.octave(pitch, fifths)))


@lru_cache(maxsize=128)
def _unpitched(pitch: int) -> str:
    place = drum(pitch)[1]
    return element("unpitched", leaf("display-step", place[0]), leaf("display-octave", place[1]))


@lru_cache(maxsize=128)
def _percent(velocity: int) -> str:
    """A velocity as MusicXML's `dynamics`; two decimals are enough to read the same velocity back."""
    return f"{100 * velocity / FORTE:.2f}"


def _figures(sign: Sign) -> tuple[str, int, int, int]:
    """Value, dots, and a tuplet's actual and normal notes."""
    piece = sign.piece
    return (
        piece.kind,
        piece.dots,
        piece.tuplet.actual if piece.tuplet else 1,
        piece.tuplet.normal if piece.tuplet else 1,
    )


@lru_cache(maxsize=1024)
def _value(kind: str, dots: int, actual: int, normal: int, accidental: int | None = None) -> str:
    lines = [leaf("type", kind), *["<dot/>"] * dots]
    if accidental is not None:
        lines.append(leaf("accidental", ACCIDENTALS[accidental]))
    if actual != normal:
        lines.append(element("time-modification", leaf("actual-notes", actual), leaf("normal-notes", normal)))
    return "\n".join(lines)


@lru_cache(maxsize=1024)
def _beams(beams: tuple[str, ...]) -> str:
    return "\n".join(leaf("beam", beam, number=level) for level, beam in enumerate(beams, 1))


@lru_cache(maxsize=8)
def _ties(over: bool, on: bool, name: str = "tie") -> str:
    """Signs of a note that is tied over from before, and of one that is tied on."""
    found = [leaf(name, "", type=kind) for kind, present in (("stop", over), ("start", on)) if present]
    return "\n".join(found)


# how a tuplet is marked -> the attributes of its start
_BRACKETS = {
    "bracket": {"bracket": "yes"},
    "figure": {"bracket": "no"},
    "nothing": {"bracket": "no", "show_number": "none"},
}


def _bracket(written: Written) -> str:
    """How a tuplet is marked, where one starts."""
    return "nothing" if written.echo else "bracket" if written.sign.bracket else "figure"


@lru_cache(maxsize=128)
def _notations(tuplet: str, bracket: str, over: bool = False, on: bool = False, fermata: str = "") -> str:
    content = (
        _ties(over, on, "tied"),
        leaf("tuplet", "", type=tuplet, number=1, **_BRACKETS[bracket] if tuplet == "start" else {}) if tuplet else "",
        leaf("fermata", "", type=fermata) if fermata else "",
    )
    return element("notations", *content) if any(content) else ""
