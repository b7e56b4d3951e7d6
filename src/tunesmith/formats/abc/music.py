"""Music lines: a table of tokens, and the voice that they are played into.

Lengths are fractions of the unit note length until an element (note, chord or rest) is placed; then they are
ticks. An element is placed when the next one comes, since `>` may still change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from tunesmith import theory
from tunesmith.formats.abc.fields import ChordSymbol, Fault, KeyField, Signature, parse_chord
from tunesmith.score import TPQ

WHOLE = 4 * TPQ
MAX_NOTE = 128 * WHOLE  # ticks; no music has a longer one, and absurd lengths must not fill the memory
MAX_TIME = 100_000 * TPQ  # a tune of 14 hours
MAX_COUNT = 999  # bars of rest in one Z, notes in one tuplet
MAX_PASSES = 20
MAX_NESTING = 4  # tuplets inside tuplets
MAX_LAYERS = 32  # voices by `&`

_LENGTH = r"\d*/*\d*"
TOKENS = (
    ("space", r"[ \t`\\$]+"),
    ("note", rf"(?P<sign>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})"),
    ("bar", r"(?P<line>\.?:*\[?\|+\]?:*|::+)(?:[ \t]*(?P<volta>\d[\d,.\-]*))?"),
    ("ending", r'\[[ \t]*(?:"(?P<named>\d[\d,.\-]*)"|(?P<passes>\d[\d,.\-]*))'),
    ("inline", r"\[(?P<field>[A-Za-z]):(?P<text>[^\]]*)\]"),
    ("chord", r"\["),
    ("quoted", r'"(?P<quote>[^"]*)"'),
    ("grace", r"\{[^}]*\}"),
    ("rest", rf"[zx](?P<rest_length>{_LENGTH})"),
    ("bars_rest", r"[ZX](?P<count>\d*)"),
    ("tuplet", r"\((?P<p>\d+)(?P<q>:\d*)?(?P<r>:\d*)?"),
    ("broken", r"<+|>+"),
    ("tie", r"\.?-"),
    ("spacer", rf"y{_LENGTH}"),
    ("long_overlay", r"\(&"),
    ("overlay", r"&+"),
    ("stray", r"[',]"),
    ("passed_over", r"![^!\s|:]{0,40}!|\+[^+\s|\[\]]{1,40}\+|[.~H-Wh-w()!+#*;?@]"),
)
TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in TOKENS))
_CHORD_LENGTH = re.compile(_LENGTH)
_NONE = Fraction(0)
_FIFTHS = {letter: theory.fifths_of(letter, 0) for letter in "ABCDEFG"}
_ALTER = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # the time that p notes take; 5, 7, 9: 3 in compound meters, else 2
_UNCLOSED = {'"': "the quote that opens here does not close", "{": "the brace that opens here does not close"}


@dataclass(slots=True)
class Sound:
    """One note of an element: letter and octave, pitch, spelling, length, and whether a tie leaves it."""

    place: tuple[str, int]
    pitch: int
    fifths: int
    length: tuple[int, int]
    tied: bool = False
    explicit: bool = False


@dataclass(slots=True)
class Element:
    """What takes time: sounds (none = a rest) and how far it moves the voice on."""

    sounds: list[Sound]
    length: tuple[int, int]


@dataclass(slots=True)
class Mark:
    """A point of the form: kind is bar, double, open, close, ending or meter. `at` is where its bar begins."""

    time: int
    kind: str
    value: object = None
    at: tuple[int, int] = (0, 0)  # line, column


Placed = list[int]  # onset, duration, pitch, layer, fifths: a note whose duration may still grow by a tie


@dataclass(slots=True)
class Voice:
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
    broken: tuple[int, int] = (1, 1)
    rounding: Fraction = _NONE
    line: int = 0
    symbol: ChordSymbol | bool = True
    stray: tuple[int, int, str] | None = None  # the first character passed over that means nothing where it stands
    scale: tuple[int, int] = (1, 1)  # ticks of the unit note length, as a fraction

    def __post_init__(self) -> None:
        self.bar_signature = self.signature
        self.set_unit(self.unit)

    def set_unit(self, unit: Fraction) -> None:
        """Take a unit note length."""
        self.unit, self.scale = unit, (WHOLE * unit.numerator, unit.denominator)

    def play(self, line: int, text: str, inline: Callable[[str, str, int], Voice]) -> Voice:
        """Read a music line; `inline` takes fields such as [V:2] and says which voice goes on. Returns that voice.

        Raises:
            Fault: something that is no music.
        """
        voice, position, end = self, 0, len(text)
        voice.line = line
        while position < end:
            found = TOKEN.match(text, position)
            if not found:
                raise Fault(_unexpected(text[position]), position + 1)
            kind = found.lastgroup or ""
            position = found.end()
            if kind == "inline":
                voice = inline(found["field"], found["text"], found.start() + 3)
                voice.line = line
            elif kind == "chord":
                position = voice.read_chord(text, found)
            else:
                handler = _HANDLERS.get(kind)
                if handler:
                    handler(voice, found)
        return voice

    # --- what takes time

    def read_note(self, found: re.Match[str]) -> None:
        """A note of its own."""
        self.place()
        sound = self.sound(found)
        self.hold(Element([sound], sound.length), found)

    def sound(self, found: re.Match[str]) -> Sound:
        """A note token with its accidental resolved: own, tied, earlier in the bar, or of the key."""
        sign, written, marks, length = found.group("sign", "letter", "octave", "length")
        place, natural = _place(written, marks)
        letter = place[0]
        if sign:
            alter = self.altered[place] = _ALTER[sign]
        else:
            alter = self.altered.get(place, self.signature[letter])
            for tied, note in self.ties.get(self.layer, ()):
                if tied.place == place and note[0] + note[1] == self.time:
                    alter = theory.letter_and_alter(tied.fifths)[1]
        pitch = natural + alter
        if not 0 <= pitch <= 127:
            raise Fault(f"the note {written}{marks[:9]} is outside the range of pitches", found.start() + 1)
        return Sound(place, pitch, _FIFTHS[letter] + 7 * alter, _length(length, found.start()), explicit=bool(sign))

    def read_chord(self, text: str, opening: re.Match[str]) -> int:
        """Notes in brackets; returns the position after it. The first note says how long it takes."""
        self.place()
        sounds: list[Sound] = []
        length: tuple[int, int] | None = None
        position = opening.end()
        while text[position : position + 1] != "]":
            found = TOKEN.match(text, position)
            kind = found.lastgroup if found else None
            if not found or kind not in ("note", "rest", "tie", "passed_over", "space", "quoted", "grace"):
                raise Fault("the bracket that opens here does not close", opening.start() + 1, "write chords as [CEG]")
            if kind == "note":
                sounds.append(self.sound(found))
                length = length or sounds[0].length
            elif kind == "rest":
                length = length or _length(found["rest_length"], found.start())
            elif kind == "tie" and sounds:
                sounds[-1].tied = True
            elif kind == "quoted":
                self.read_quoted(found)
            position = found.start() + 1 if found[0][0] == "+" else found.end()  # [+CE]: a habit of old books
        outside = _CHORD_LENGTH.match(text, position + 1)
        written = outside[0] if outside else ""
        if length:
            outer = _length(written, position)
            for sound in sounds:
                sound.length = _times(sound.length, outer)
            self.hold(Element(sounds, _times(length, outer)), opening)
        return position + 1 + len(written)

    def read_rest(self, found: re.Match[str]) -> None:
        """A rest, seen or not."""
        self.place()
        self.hold(Element([], _length(found["rest_length"], found.start())), found)

    def read_bars_rest(self, found: re.Match[str]) -> None:
        """Whole bars of rest."""
        self.place()
        count = _count(found["count"], "bars of rest", found.start()) if found["count"] else 1
        beats, unit = self.meter or (4, 4)
        self.hold(Element([], (1, 1)), found)
        self.waiting = None
        for number in range(count):
            if number:
                self.mark("bar")
            self.advance(beats * WHOLE // unit)
            self.bar_start = self.time if number < count - 1 else self.bar_start

    def hold(self, element: Element, found: re.Match[str]) -> None:
        """Keep an element until the next comes, its length changed by tuplets and `>`; chord symbols start here."""
        if self.bar_at is None:
            self.bar_at = self.line, found.start() + 1
        if self.symbol is not True:
            self.symbols.append((self.time, self.symbol))
            self.symbol = True
        factor, self.broken = self.broken, (1, 1)
        for tuplet in self.tuplets:
            factor = _times(factor, (tuplet[1], tuplet[0]))
            tuplet[2] -= 1
        if self.tuplets:
            self.tuplets = [t for t in self.tuplets if t[2] > 0]
        self.waiting = element
        self.stretch(factor)
        above, below = element.length[0] * self.scale[0], element.length[1] * self.scale[1]
        if not below <= above <= MAX_NOTE * below:
            raise Fault("no note can be this long or this short", found.start() + 1)

    def stretch(self, factor: tuple[int, int]) -> None:
        """Multiply the length of the element that waits."""
        if self.waiting and factor != (1, 1):
            self.waiting.length = _times(self.waiting.length, factor)
            for sound in self.waiting.sounds:
                sound.length = _times(sound.length, factor)

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

    def ticks(self, length: tuple[int, int]) -> int:
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

    # --- what changes how it sounds

    def read_tie(self, found: re.Match[str]) -> None:
        """A tie from all notes of the last element."""
        if self.waiting:
            for sound in self.waiting.sounds:
                sound.tied = True

    def read_broken(self, found: re.Match[str]) -> None:
        """Dotted rhythm: A>B, A<B, and with more signs sharper."""
        count = len(found[0])
        if count > 4:
            raise Fault("more than four > or < in a row", found.start() + 1)
        long, short = (2 ** (count + 1) - 1, 2**count), (1, 2**count)
        first, self.broken = (long, short) if found[0][0] == ">" else (short, long)
        self.stretch(first)

    def read_tuplet(self, found: re.Match[str]) -> None:
        """(p:q:r, the next r elements in the time q/p."""
        p = _count(found["p"], "notes in a tuplet", found.start())
        q = _count((found["q"] or ":")[1:] or "0", "notes in a tuplet", found.start(), least=0)
        r = _count((found["r"] or ":")[1:] or "0", "notes in a tuplet", found.start(), least=0)
        self.place()
        if len(self.tuplets) >= MAX_NESTING:
            raise Fault(f"more than {MAX_NESTING} tuplets inside each other", found.start() + 1)
        if not q and p not in (*_TUPLET_TIME, 5, 7, 9):
            raise Fault(f"a tuplet of {p} must say its time", found.start() + 1, f"write ({p}:q")
        beats, unit = self.meter or (4, 4)
        compound = unit >= 8 and beats > 3 and beats % 3 == 0
        self.tuplets.append([p, q or _TUPLET_TIME.get(p, 3 if compound else 2), r or p])

    def read_quoted(self, found: re.Match[str]) -> None:
        """A chord symbol for the next element, or a remark."""
        read = parse_chord(found["quote"])
        if self.symbol is True:
            self.symbol = read

    def read_overlay(self, found: re.Match[str]) -> None:
        """Back to the start of the bar, in another layer."""
        self.place()
        if len(found[0]) > 1:
            _refuse_long_overlay(self, found)
        self.layer += 1
        if self.layer >= MAX_LAYERS:
            raise Fault(f"more than {MAX_LAYERS} voices in one bar", found.start() + 1)
        self.bar_end, self.time = max(self.bar_end, self.time), self.bar_start
        self.signature = self.bar_signature
        self._forget()

    # --- the form

    def read_bar(self, found: re.Match[str]) -> None:
        """A bar line, with what its dots and a number after it say."""
        self.end_bar()
        line = found["line"].lstrip(".")
        before = len(line) - len(line.lstrip(":"))
        after = len(line) - len(line.rstrip(":"))
        if before == len(line):  # `::`
            before = after = 1
        if max(before, after) >= MAX_PASSES:
            raise Fault("too many colons at a repeat", found.start() + 1)
        if before:
            self.mark("close", before + 1)
        if not before and not after:
            self.mark("bar" if found["line"] == "|" else "double")
        if after:
            self.mark("open", after + 1)
        self.start_bar()
        if found["volta"]:
            self.mark("ending", _passes(found["volta"], found.start()))

    def read_ending(self, found: re.Match[str]) -> None:
        """[1 or [2,3 away from a bar line."""
        self.end_bar()
        self.mark("ending", _passes(found["named"] or found["passes"], found.start()))
        self.start_bar()

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
        self._forget()

    def _forget(self) -> None:
        self.altered.clear()
        self.tuplets.clear()
        self.broken, self.rounding = (1, 1), _NONE


def _keep_stray(voice: Voice, found: re.Match[str]) -> None:
    voice.stray = voice.stray or (voice.line, found.start() + 1, found[0])


def _refuse_long_overlay(voice: Voice, found: re.Match[str]) -> None:
    raise Fault(
        "a second voice over several bars cannot be read", found.start() + 1, "write & in every bar, or V: voices"
    )


_HANDLERS: dict[str, Callable[[Voice, re.Match[str]], None]] = {
    "note": Voice.read_note,
    "bar": Voice.read_bar,
    "ending": Voice.read_ending,
    "quoted": Voice.read_quoted,
    "rest": Voice.read_rest,
    "bars_rest": Voice.read_bars_rest,
    "tuplet": Voice.read_tuplet,
    "broken": Voice.read_broken,
    "tie": Voice.read_tie,
    "overlay": Voice.read_overlay,
    "stray": _keep_stray,
    "long_overlay": _refuse_long_overlay,
}


def _tied_to(sound: Sound, ties: list[tuple[Sound, Placed]], onset: int) -> Placed | None:
    """The note that a tie joins to this sound: same pitch, ending where this begins."""
    for _, note in ties:
        if note[2] == sound.pitch and note[0] + note[1] == onset:
            return note
    return None


@lru_cache(maxsize=1024)
def _place(written: str, marks: str) -> tuple[tuple[str, int], int]:
    """(letter, octave) of a written letter with its octave marks, and the pitch of its natural."""
    octave = (4 if written < "a" else 5) + marks.count("'") - marks.count(",")
    return (written.upper(), octave), 12 * (octave + 1) + theory.NATURAL_PITCH_CLASS[written.upper()]


def _times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] * b[0], a[1] * b[1]


@lru_cache(maxsize=4096)
def _length_of(text: str) -> tuple[int, int]:
    number, _, rest = text.partition("/")
    slashes = len(text) - len(number) - len(rest.lstrip("/"))
    below = rest.lstrip("/")
    if len(number) > 6 or len(below) > 6 or slashes > 12:
        return 0, 1
    return int(number or 1), int(below) if below else 2**slashes


def _length(text: str, position: int) -> tuple[int, int]:
    if not text:
        return 1, 1
    length = _length_of(text)
    if not all(length) or length[0] > MAX_COUNT * length[1]:
        short = text if len(text) <= 16 else text[:13] + "..."
        raise Fault(f"{short!r} is no length that a note can have", position + 1)
    return length


def _count(text: str, of: str, position: int, least: int = 1) -> int:
    number = int(text) if len(text) <= 3 else MAX_COUNT + 1
    if not least <= number <= MAX_COUNT:
        raise Fault(f"{text[:16]} {of}: from 1 to {MAX_COUNT} can be", position + 1)
    return number


def _passes(text: str, position: int) -> tuple[int, ...]:
    """`1,3` or `1-2` as passes."""
    passes: set[int] = set()
    for part in filter(None, re.split(r"[,.]", text[:64])):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()) or max(len(first), len(last)) > 2:
            raise Fault(f"{text[:16]!r} is no ending", position + 1, "write [1 or [1,3 or [1-3")
        passes.update(range(int(first), int(last or first) + 1))
    if not passes or min(passes) < 1 or max(passes) > MAX_PASSES:
        raise Fault(f"{text[:16]!r} is no ending", position + 1, f"endings are from 1 to {MAX_PASSES}")
    return tuple(sorted(passes))


def _unexpected(character: str) -> str:
    return _UNCLOSED.get(character) or f"{character!r} does not belong in a line of music"
