"""One score as one ABC tune. What cannot be said in ABC is listed in the package's docstring."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tunesmith import theory
from tunesmith.errors import FormatError
from tunesmith.formats.abc import fields
from tunesmith.formats.abc.layout import Stretch, sayable, stretches
from tunesmith.formats.abc.lengths import WHOLE, Length, fraction, split, tuplet_groups
from tunesmith.formats.abc.music import MAX_LAYERS
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score

_SIGNS = {2: "^^", 1: "^", 0: "=", -1: "_", -2: "__"}


def tune_text(score: Score) -> str:
    """The whole tune.

    Raises:
        FormatError: there is nothing to write, or something that ABC has no signs for.
    """
    if not score.note_count and not score.chords:
        raise FormatError("the score has no notes, so there is nothing to write")
    if any(note.duration < 1 or note.onset < 0 for note in score.notes()):
        raise FormatError("a note without length, or before the beginning, cannot be written as ABC")
    sheet = Sheet(score.unfold() if score.jumps or not sayable(score.repeats) else score)
    return "\n".join([*sheet.header(), *sheet.body(), ""])


@dataclass(frozen=True, slots=True)
class Group:
    """Notes of one layer that begin and end together."""

    onset: int
    end: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One written element: its onset and length, its notes (none = a rest), and whether a tie leaves it."""

    onset: int
    length: Length
    notes: tuple[Note, ...] = ()
    tied: bool = False


@dataclass(slots=True)
class Accidentals:
    """What is written in a bar so far: an accidental stands where one of the two ways of reading them needs it.

    Print and this reader carry accidentals within their octave; the standard's default is in all octaves.
    """

    signature: fields.Signature
    by_octave: dict[tuple[str, int], int] = field(default_factory=dict)
    by_letter: dict[str, int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)  # letters that are written out until the bar ends

    def sign(self, letter: str, octave: int, alter: int) -> str:
        """The accidental to write, if any."""
        usual = self.signature[letter]
        said = self.by_octave.get((letter, octave), usual), self.by_letter.get(letter, usual)
        if said == (alter, alter) and letter not in self.unsure:
            return ""
        self.by_octave[letter, octave] = self.by_letter[letter] = alter
        return _SIGNS[alter]

    def restart(self, signature: fields.Signature) -> None:
        """Another layer or key follows in this bar: whether accidentals still hold is a matter of opinion."""
        self.signature = signature
        self.unsure.update(self.by_letter)


class Sheet:
    """A score being written. `unit` is the unit note length in ticks."""

    def __init__(self, score: Score) -> None:
        end = score.end
        score = self.score = score.replace(  # what changes after the last note changes nothing
            meters=tuple(meter for meter in score.meters if meter.onset < end),
            keys=tuple(key for key in score.keys if key.onset < end),
            tempos=tuple(tempo for tempo in score.tempos if tempo.onset < end),
        )
        meter = score.meter_at(0)
        self.unit = WHOLE // (16 if meter.unit >= 16 else 4 if meter.unit <= 2 else 8)
        self.stretches = list(stretches(score))
        self.parts = [*score.parts] or [Part()]
        self.named = len(self.parts) > 1 or bool(self.parts[0].name)
        self.keys = {key.onset: f"[K:{_key(key)}]" for key in score.keys if key.onset}
        self.signs = self._signs()

    def _signs(self) -> dict[int, str]:
        """Tempos and chord symbols by onset; "N.C." where a chord ends before the next begins."""
        signs = {tempo.onset: f"[Q:{_tempo(tempo.bpm)}]" for tempo in self.score.tempos if tempo.onset}
        starts = {chord.onset for chord in self.score.chords}
        symbols = {chord.end: '"N.C."' for chord in self.score.chords if chord.end not in starts}
        symbols |= {chord.onset: f'"{_symbol(chord)}"' for chord in self.score.chords}
        return {onset: signs.get(onset, "") + symbols.get(onset, "") for onset in {*signs, *symbols}}

    def header(self) -> Iterator[str]:
        """The lines up to and with the key."""
        score = self.score
        meters = [meter for meter in score.meters if meter.onset == 0]
        keys = [key for key in score.keys if key.onset == 0]
        yield "X:1"
        yield f"T:{fields.write_text(score.title)}"
        if score.composer:
            yield f"C:{fields.write_text(score.composer)}"
        if score.provenance:
            yield f"%%tunesmith {' '.join(score.provenance.splitlines())}"
        yield f"M:{_meter(meters[-1]) if meters else 'none'}"
        yield f"L:1/{WHOLE // self.unit}"
        yield from (f"Q:{_tempo(tempo.bpm)}" for tempo in score.tempos if tempo.onset == 0)
        yield f"K:{_key(keys[-1]) if keys else 'none'}"

    def body(self) -> Iterator[str]:
        """The voices' headings, then the music, a few bars of every voice in turn."""
        for number, part in enumerate(self.parts, 1):
            if self.named:
                label = fields.write_text(part.name.replace('"', "'"))
                yield f"V:{number}" + (f' name="{label}"' if label else "")
            if part.program:
                yield f"%%MIDI program {part.program}"
            if part.drums:
                yield "%%MIDI channel 10"
        lines = [list(self.lines(part, lead=part is self.parts[0])) for part in self.parts]
        for system in zip(*lines, strict=True):
            for number, line in enumerate(system, 1):
                yield f"[V:{number}] {line}" if self.named else line

    def lines(self, part: Part, lead: bool) -> Iterator[str]:
        """The lines of a part. The first part leads: tempos and chord symbols stand there."""
        layers = _layers(part.notes)
        line: list[str] = []
        for stretch in self.stretches:
            line.append(self.bar(stretch, layers, lead))
            if stretch.breaks:
                yield " ".join(line)
                line = []
        if line:
            yield " ".join(line)

    def bar(self, stretch: Stretch, layers: list[list[Group]], lead: bool) -> str:
        """The music between two bar lines, one layer after another, with its signs."""
        within = [_within(layer, stretch) for layer in layers]
        while len(within) > 1 and not within[-1]:
            within.pop()
        accidentals = Accidentals({})
        layer_texts = []
        for number, groups in enumerate(within):
            accidentals.restart(self.signature(stretch.start))
            signs = self.signs if lead and not number else {}
            layer_texts.append(self.layer(stretch, groups, accidentals, signs, "x" if number else "z"))
        change = next((f"[M:{_meter(m)}]" for m in self.score.meters if 0 < m.onset == stretch.start), "")
        return " ".join(part for part in (stretch.opening, change, " & ".join(layer_texts), stretch.closing) if part)

    def signature(self, onset: int) -> fields.Signature:
        """What the key in force does to each letter."""
        return fields.signature_of(self.score.key_at(onset).fifths)

    def layer(
        self, stretch: Stretch, groups: list[Group], accidentals: Accidentals, signs: dict[int, str], rest: str
    ) -> str:
        """One layer of a stretch, its notes beamed by beats."""
        cuts = sorted(c for c in {*self.keys, *signs} if stretch.start < c < stretch.end)
        pieces = list(_pieces(stretch, groups, cuts))
        text, at = "", 0
        for tuplet, count in tuplet_groups([piece.length for piece in pieces]):
            for number, piece in enumerate(pieces[at : at + count]):
                if at + number and _apart(pieces[at + number - 1], piece, stretch.bar.start, stretch.bar.meter.beat):
                    text += " "
                change = self.keys.get(piece.onset, "")
                if change and piece.onset > stretch.start:
                    accidentals.restart(self.signature(piece.onset))
                text += change + signs.get(piece.onset, "") + ("" if number else tuplet)
                text += self.element(piece, accidentals, rest)
            at += count
        return text

    def element(self, piece: Piece, accidentals: Accidentals, rest: str) -> str:
        """A note, a chord or a rest with its length and tie."""
        names = [self.note(note, accidentals) for note in piece.notes]
        text = names[0] if len(names) == 1 else f"[{''.join(names)}]" if names else rest
        return text + fraction(piece.length.written, self.unit) + ("-" if piece.tied else "")

    def note(self, note: Note, accidentals: Accidentals) -> str:
        """Accidental, letter and octave of a note, spelled as it says or else as the key has it."""
        spelling = note.fifths
        if spelling is None or theory.pitch_class(spelling) != note.pitch % 12 or not -15 <= spelling <= 19:
            key = self.score.key_at(note.onset)
            spelling = theory.spell(note.pitch, key.fifths, key.mode)
        letter, alter = theory.letter_and_alter(spelling)
        octave = theory.octave(note.pitch, spelling)
        name = letter + "," * (4 - octave) if octave < 5 else letter.lower() + "'" * (octave - 5)
        return accidentals.sign(letter, octave, alter) + name


def _layers(notes: tuple[Note, ...]) -> list[list[Group]]:
    """The notes by layers: each voice its own; what overlaps inside a voice goes to layers below."""
    together: dict[tuple[int, int, int], list[Note]] = {}
    for note in notes:
        together.setdefault((note.onset, note.voice, note.end), []).append(note)
    voices = [n.voice for n in notes if 1 <= n.voice <= MAX_LAYERS]
    own = max(voices, default=1)
    layers: list[list[Group]] = [[] for _ in range(own)]
    for (onset, voice, end), members in sorted(together.items()):
        order = [voice - 1, *range(own, len(layers))] if 1 <= voice <= own else range(own, len(layers))
        free = next((layers[i] for i in order if not layers[i] or layers[i][-1].end <= onset), None)
        if free is None:
            free = []
            layers.append(free)
        free.append(Group(onset, end, tuple(members)))
    if len(layers) > MAX_LAYERS:
        raise FormatError(f"more than {MAX_LAYERS} voices at once cannot be written as ABC", fix="write MIDI")
    return layers


def _within(layer: list[Group], stretch: Stretch) -> list[Group]:
    """The groups of a layer that sound in a stretch."""
    first = bisect_right(layer, stretch.start, key=lambda group: group.end)
    return layer[first : bisect_left(layer, stretch.end, key=lambda group: group.onset)]


def _pieces(stretch: Stretch, groups: list[Group], cuts: list[int]) -> Iterator[Piece]:
    """The written elements of a layer from the start to the end of a stretch."""
    now = stretch.start
    for group in [*groups, Group(stretch.end, stretch.end, ())]:
        yield from _cut(stretch, Group(now, group.onset, ()), cuts)
        yield from _cut(stretch, group, cuts)
        now = group.end


def _cut(stretch: Stretch, group: Group, cuts: list[int]) -> Iterator[Piece]:
    """A group, or a rest, cut where something is said in its middle, and where one note value will not do."""
    start, end = max(group.onset, stretch.start), min(group.end, stretch.end)
    if start >= end:
        return
    for a, b in pairwise([start, *(c for c in cuts if start < c < end), end]):
        onset = a
        for length in split(a - stretch.bar.start, b - a):
            after = onset + length.ticks
            yield Piece(onset, length, group.notes, tied=bool(group.notes) and after < group.end)
            onset = after


def _apart(before: Piece, piece: Piece, bar: int, beat: int) -> bool:
    """Whether a space, which ends a beam, stands between two elements."""
    return (piece.onset - bar) % beat == 0 or max(before.length.ticks, piece.length.ticks) >= TPQ


def _meter(meter: Meter) -> str:
    text = f"{meter.beats}/{meter.unit}"
    try:
        fields.parse_meter(text)
    except fields.Fault as fault:
        raise FormatError(f"{fault.what} that ABC can hold") from None
    return text


_MODE_ENDINGS = {"major": "", "minor": "m"}


def _key(key: Key) -> str:
    return theory.note_name(theory.tonic_fifths(key.fifths, key.mode)) + _MODE_ENDINGS.get(key.mode, key.mode[:3])


def _tempo(bpm: float) -> str:
    short = f"{bpm:g}"
    return f"1/4={short if float(short) == bpm and 'e' not in short else repr(float(bpm))}"


def _symbol(chord: Chord) -> str:
    """A chord symbol, its root with one accidental at the most."""
    plain = chord.fifths is not None and -8 <= chord.fifths <= 12
    return chord.text if plain else dataclasses.replace(chord, fifths=None).text
