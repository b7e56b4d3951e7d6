"""A voice in time: notes and rests placed one after the other, tied, in bars and layers.

Lengths are fractions of the unit note length until an element (note, chord or rest) is placed; then they are
ticks. An element is placed when the next one comes, since `>` may still change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tunesmith.formats.abc.fields import ChordSymbol, Fault, KeyField, Signature
from tunesmith.formats.abc.tokens import Fractional, times
from tunesmith.formats.form import WHOLE, Mark
from tunesmith.score import TPQ

MAX_NOTE = 128 * WHOLE  # ticks; no music has a longer one, and absurd lengths must not fill the memory
MAX_TIME = 100_000 * TPQ  # a tune of 14 hours
_NONE = Fraction(0)


@dataclass(slots=True)
class Sound:
    """One note of an element: letter and octave, pitch, spelling, length, and whether a tie leaves it."""

    place: tuple[str, int]
    pitch: int
    fifths: int
    length: Fractional
    tied: bool = False
    explicit: bool = False


@dataclass(slots=True)
class Element:
    """What takes time: sounds (none = a rest) and how far it moves the voice on."""

    sounds: list[Sound]
    length: Fractional


Placed = list[int]  # onset, duration, pitch, layer, fifths: a note whose duration may still grow by a tie


@dataclass(slots=True)
class Timeline:
    """One voice while it is read. Times in ticks; `layer` counts the `&` of a bar from 0."""

    unit: Fraction  # of a whole note
    meter: tuple[int, int] | None
    signature: Signature
    label: str = ""
    program: int = 0
    drums: bool = False
    time: int = 0
    notes: list[Placed] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    keys: list[tuple[int, KeyField]] = field(default_factory=list)
    tempos: list[tuple[int, float]] = field(default_factory=list)
    symbols: list[tuple[int, ChordSymbol | bool]] = field(default_factory=list)
    waiting: Element | None = None
    bar_start: int = 0
    bar_signature: Signature = field(default_factory=dict)
    bar_at: tuple[int, int] | None = None
    bar_end: int = 0  # where the longest layer of the bar ends so far
    layer: int = 0
    altered: dict[tuple[str, int], int] = field(default_factory=dict)
    ties: dict[int, list[tuple[Sound, Placed]]] = field(default_factory=dict)
    tuplets: list[list[int]] = field(default_factory=list)  # [notes, time, elements left]
    broken: Fractional = (1, 1)
    rounding: Fraction = _NONE
    line: int = 0
    symbol: ChordSymbol | bool = True
    stray: tuple[int, int, str] | None = None  # the first character passed over that means nothing where it stands
    scale: Fractional = (1, 1)  # ticks of the unit note length, as a fraction

    def __post_init__(self) -> None:
        self.bar_signature = self.signature
        self.set_unit(self.unit)

    def set_unit(self, unit: Fraction) -> None:
        """Take a unit note length."""
        self.unit, self.scale = unit, (WHOLE * unit.numerator, unit.denominator)

    def hold(self, element: Element, position: int) -> None:
        """Keep an element until the next comes, its length changed by tuplets and `>`; chord symbols start here."""
        if self.bar_at is None:
            self.bar_at = self.line, position + 1
        if self.symbol is not True:
            self.symbols.append((self.time, self.symbol))
            self.symbol = True
        factor, self.broken = self.broken, (1, 1)
        for tuplet in self.tuplets:
            factor = times(factor, (tuplet[1], tuplet[0]))
            tuplet[2] -= 1
        if self.tuplets:
            self.tuplets = [t for t in self.tuplets if t[2] > 0]
        self.waiting = element
        self.stretch(factor)
        above, below = element.length[0] * self.scale[0], element.length[1] * self.scale[1]
        if not below <= above <= MAX_NOTE * below:
            raise Fault("no note can be this long or this short", position + 1)

    def stretch(self, factor: Fractional) -> None:
        """Multiply the length of the element that waits."""
        if self.waiting and factor != (1, 1):
            self.waiting.length = times(self.waiting.length, factor)
            for sound in self.waiting.sounds:
                sound.length = times(sound.length, factor)

    def place(self) -> None:
        """Give the element that waits its ticks, and join what is tied."""
        element, self.waiting = self.waiting, None
        if element is None:
            return
        onset = self.time
        self.advance(self.ticks(element.length))
        passed = self.time - onset
        ties = self.ties.get(self.layer) or []
        still = [t for t in ties if t[1][0] + t[1][1] > onset] if ties else []
        for sound in element.sounds:
            same = sound.length == element.length
            duration = passed if same else round(Fraction(*sound.length) * Fraction(*self.scale))
            if not 0 < duration <= MAX_NOTE:
                raise Fault("no note can be this long or this short")
            before = _tied_to(sound, ties, onset) if ties else None
            if before:
                before[1] += duration
                ties = [t for t in ties if t[1] is not before]
            note = before or [onset, duration, sound.pitch, self.layer, sound.fifths]
            if not before:
                self.notes.append(note)
            if sound.tied:
                still.append((sound, note))
        self.ties[self.layer] = still

    def ticks(self, length: Fractional) -> int:
        """A length in ticks. What 11 notes in the time of 8 leave over is carried on, so that the bar adds up."""
        below = length[1] * self.scale[1]
        count, rest = divmod(length[0] * self.scale[0], below)
        if rest:
            self.rounding += Fraction(rest, below)
            if self.rounding >= Fraction(1, 2):
                self.rounding -= 1
                return count + 1
        return count

    def advance(self, ticks: int) -> None:
        """Move on in time."""
        self.time += ticks
        if self.time > MAX_TIME:
            raise Fault("the tune is longer than 100,000 quarter notes")

    def end_bar(self) -> None:
        """Place what waits and leave the layers."""
        self.place()
        self.time = max(self.bar_end, self.time)

    def mark(self, kind: str, value: object = None) -> None:
        """Note a point of the form."""
        self.marks.append(Mark(self.time, kind, value, self.bar_at or (self.line, 1)))

    def start_bar(self) -> None:
        """A new bar: no accidentals, first layer."""
        self.layer, self.bar_start, self.bar_end = 0, self.time, self.time
        self.bar_signature = self.signature
        self.bar_at = None
        self.forget()

    def forget(self) -> None:
        """Nothing said in the bar so far holds any longer."""
        self.altered.clear()
        self.tuplets.clear()
        self.broken, self.rounding = (1, 1), _NONE


def _tied_to(sound: Sound, ties: list[tuple[Sound, Placed]], onset: int) -> Placed | None:
    """The note that a tie joins to this sound: same pitch, ending where this begins."""
    for _, note in ties:
        if note[2] == sound.pitch and note[0] + note[1] == onset:
            return note
    return None
