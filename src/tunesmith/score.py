"""The score: what every part of Tunesmith passes to the next. Frozen; a transform returns a new one.

Conventions:
- Time is an integer number of ticks, `TPQ` = 10080 = 2^5·3^2·5·7 per quarter note: 128ths, nested triplets,
  quintuplets and septuplets are exact. Seconds exist only at the audio edge (`Score.seconds`).
- Pitch is a MIDI note number (60 = middle C); `fifths` is a spelling on the line of fifths (see `theory`).
- Onset 0 is the first tick of the piece, pickup included; with a pickup, the first full bar starts at `pickup`.
- Intervals of time are half-open: a note sounds in [onset, onset + duration).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunesmith import theory

TPQ = 10080  # ticks per quarter note
DEFAULT_VELOCITY = 80
DEFAULT_BPM = 120.0

NOTE_DTYPE = np.dtype(
    [("onset", "i8"), ("duration", "i8"), ("pitch", "i2"), ("velocity", "i2"), ("part", "i2"), ("voice", "i2")]
)


@dataclass(frozen=True, slots=True)
class Note:
    """One note with its ties merged. `onset` and `duration` in ticks, `velocity` 1 to 127, `voice` from 1."""

    onset: int
    duration: int
    pitch: int
    velocity: int = DEFAULT_VELOCITY
    voice: int = 1
    fifths: int | None = None

    @property
    def end(self) -> int:
        """The first tick after the note."""
        return self.onset + self.duration


def note_order(note: Note) -> tuple[int, int, int, int]:
    """The one order of notes in a part: onset, pitch, voice, duration."""
    return note.onset, note.pitch, note.voice, note.duration


@dataclass(frozen=True, slots=True)
class Part:
    """The notes of one instrument, in `note_order` whatever order they were given in.

    `program` is the General MIDI program, 0 to 127, 0 = piano. In a part of `drums`, pitch names a drum.
    """

    notes: tuple[Note, ...] = ()
    name: str = ""
    program: int = 0
    drums: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes, key=note_order)))


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature from `onset` on; a bar line stands at `onset`. 6/8 is beats=6, unit=8."""

    onset: int = 0
    beats: int = 4
    unit: int = 4

    @property
    def bar(self) -> int:
        """The length of a bar in ticks."""
        return self.beats * 4 * TPQ // self.unit

    @property
    def beat(self) -> int:
        """The length of the felt beat in ticks: a dotted value in compound meters (6/8, 9/8, 12/8, ...)."""
        compound = self.unit >= 8 and self.beats > 3 and self.beats % 3 == 0
        return (3 if compound else 1) * 4 * TPQ // self.unit


@dataclass(frozen=True, slots=True)
class Key:
    """A key from `onset` on: its signature in `fifths` (-7 to 7, sharps positive) and a mode of `theory.MODES`."""

    onset: int = 0
    fifths: int = 0
    mode: str = "major"

    @property
    def tonic(self) -> int:
        """The tonic's pitch class."""
        return theory.tonic(self.fifths, self.mode)

    def __str__(self) -> str:
        return theory.key_name(self.fifths, self.mode)


@dataclass(frozen=True, slots=True)
class Tempo:
    """A tempo from `onset` on, in quarter notes per minute."""

    onset: int = 0
    bpm: float = DEFAULT_BPM


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord symbol. `root` and `bass` are pitch classes, `quality` an index into `theory.QUALITIES`.

    `fifths` spells the root where known.
    """

    onset: int
    duration: int
    root: int
    quality: int
    bass: int | None = None
    fifths: int | None = None

    @property
    def end(self) -> int:
        """The first tick after the chord."""
        return self.onset + self.duration

    @property
    def text(self) -> str:
        """The chord as musicians write it: `Dm7/F`."""
        root = theory.spell(self.root, -1) if self.fifths is None else self.fifths
        bass = "" if self.bass is None else "/" + theory.note_name(theory.spell(self.bass, max(-1, min(1, root))))
        return theory.note_name(root) + theory.QUALITIES[self.quality].suffix + bass


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending (volta bracket) of a repeat: the ticks it spans and the passes (1, 2, ...) that play it."""

    start: int
    end: int
    passes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeated section [start, end), endings included, played `times` times in all.

    Without endings the section is played whole each time. With endings, a pass plays from `start` to the
    first ending, then the ending that names the pass.
    """

    start: int
    end: int
    times: int = 2
    endings: tuple[Ending, ...] = ()

    def spans(self) -> Iterator[tuple[int, int]]:
        """The stretches [start, end) in the order they are played."""
        for number in range(1, self.times + 1):
            if not self.endings:
                yield self.start, self.end
                continue
            yield self.start, self.endings[0].start
            yield from ((e.start, e.end) for e in self.endings if number in e.passes)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the piece: its number (a pickup is bar 0, the first full bar is 1), [start, end) and meter."""

    number: int
    start: int
    end: int
    meter: Meter


Timed = TypeVar("Timed", Meter, Key, Tempo, Chord)
Change = TypeVar("Change", Meter, Key, Tempo)


@dataclass(frozen=True, slots=True)
class Score:
    """A piece of music. Parts from top to bottom; changes sorted by onset; `pickup` in ticks (0 = none).

    `provenance` is what the piece says of its own making (JSON text for composed pieces, else empty).
    """

    parts: tuple[Part, ...] = ()
    meters: tuple[Meter, ...] = ()
    keys: tuple[Key, ...] = ()
    tempos: tuple[Tempo, ...] = ()
    chords: tuple[Chord, ...] = ()
    pickup: int = 0
    repeats: tuple[Repeat, ...] = ()
    title: str = ""
    composer: str = ""
    provenance: str = ""

    @property
    def end(self) -> int:
        """The first tick after the last note or chord symbol."""
        notes = max((n.end for p in self.parts for n in p.notes), default=0)
        return max(notes, max((c.end for c in self.chords), default=0))

    @property
    def note_count(self) -> int:
        """How many notes there are, drums included."""
        return sum(len(part.notes) for part in self.parts)

    def notes(self) -> Iterator[Note]:
        """All notes, part by part."""
        for part in self.parts:
            yield from part.notes

    def replace(self, **changes: object) -> Score:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # fields are checked by dataclasses

    def meter_at(self, onset: int) -> Meter:
        """The meter in force at a tick (4/4 where the score names none)."""
        return _in_force(self.meters, onset) or Meter()

    def key_at(self, onset: int) -> Key:
        """The key in force at a tick (C major where the score names none)."""
        return _in_force(self.keys, onset) or Key()

    def tempo_at(self, onset: int) -> Tempo:
        """The tempo in force at a tick (120 where the score names none)."""
        return _in_force(self.tempos, onset) or Tempo()

    def bars(self) -> Iterator[Bar]:
        """The bars from the start to the end of the last note. A meter change starts a new bar."""
        end, start, number = self.end, 0, 1
        meter = self.meter_at(0)
        if 0 < self.pickup < max(end, 1):
            yield Bar(0, 0, self.pickup, meter)
            start = self.pickup
        later = [m for m in self.meters if m.onset > 0]
        place = 0
        while start < end:
            while place < len(later) and later[place].onset <= start:
                meter, place = later[place], place + 1
            stop = start + meter.bar
            if place < len(later):
                stop = min(stop, later[place].onset)
            yield Bar(number, start, stop, meter)
            start, number = stop, number + 1

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Ticks to seconds from the start of the piece, through the tempo map."""
        tempos = [t for t in self.tempos if t.onset > 0]
        onsets = np.array([0] + [t.onset for t in tempos], np.float64)
        per_tick = 60.0 / np.array([self.tempo_at(0).bpm] + [t.bpm for t in tempos]) / TPQ
        starts = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * per_tick[:-1])])
        when = np.asarray(ticks, np.float64)
        place = np.searchsorted(onsets, when, side="right") - 1
        place = np.maximum(place, 0)
        result: NDArray[np.float64] = starts[place] + (when - onsets[place]) * per_tick[place]
        return result

    def transpose(self, semitones: int) -> Score:
        """Move everything but drums by semitones; spellings and signatures move along.

        Raises:
            ValueError: a note would leave the range of MIDI pitches, 0 to 127.
        """
        pitches = [n.pitch for p in self.parts if not p.drums for n in p.notes]
        if pitches and (min(pitches) + semitones < 0 or max(pitches) + semitones > 127):
            raise ValueError(f"transposing by {semitones} semitones leaves the range of MIDI pitches")
        moves = [(k.onset, theory.transpose_fifths(k.fifths, semitones) - k.fifths) for k in self.keys]
        default = theory.transpose_fifths(0, semitones)

        def spelling(onset: int, fifths: int | None) -> int | None:
            if fifths is None:
                return None
            return fifths + next((move for start, move in reversed(moves) if start <= onset), default)

        def moved(note: Note) -> Note:
            fifths = spelling(note.onset, note.fifths)
            return Note(note.onset, note.duration, note.pitch + semitones, note.velocity, note.voice, fifths)

        parts = tuple(p if p.drums else dataclasses.replace(p, notes=tuple(map(moved, p.notes))) for p in self.parts)
        keys = tuple(Key(k.onset, k.fifths + move, k.mode) for k, (_, move) in zip(self.keys, moves, strict=True))
        chords = tuple(
            Chord(
                c.onset,
                c.duration,
                (c.root + semitones) % 12,
                c.quality,
                None if c.bass is None else (c.bass + semitones) % 12,
                spelling(c.onset, c.fifths),
            )
            for c in self.chords
        )
        return self.replace(parts=parts, keys=keys, chords=chords)

    def slice(self, start: int, end: int) -> Score:
        """The music in [start, end) as a score of its own; notes that reach over an edge are cut."""
        return self.play([(start, end)])

    def unfold(self) -> Score:
        """The piece as it is played, its repeats written out."""
        if not self.repeats:
            return self
        spans, now = [], 0
        for repeat in sorted(self.repeats, key=lambda r: r.start):
            spans.append((now, repeat.start))
            spans.extend(repeat.spans())
            now = repeat.end
        spans.append((now, max(self.end, now)))
        return self.play(_merged(spans))

    def play(self, spans: Iterable[tuple[int, int]]) -> Score:
        """Stretches [start, end) of the piece, in ticks, put one after the other."""
        spans = list(spans)
        offsets = np.cumsum([0] + [b - a for a, b in spans]).tolist()
        moves = list(zip(spans, offsets, strict=False))
        parts = tuple(dataclasses.replace(p, notes=tuple(_cut_notes(p.notes, moves))) for p in self.parts)
        first = spans[0][0] if spans else 0
        pickup = max(0, min(self.pickup - first, offsets[-1])) if first < self.pickup else 0
        if first >= self.pickup and spans:
            bar = next((b for b in self.bars() if b.start <= first < b.end), None)
            pickup = bar.end - first if bar and bar.start < first else 0
        return self.replace(
            parts=parts,
            meters=_cut_changes(self.meters, moves, lambda m, onset: Meter(onset, m.beats, m.unit), keep_onset=True),
            keys=_cut_changes(self.keys, moves, lambda k, onset: Key(onset, k.fifths, k.mode)),
            tempos=_cut_changes(self.tempos, moves, lambda t, onset: Tempo(onset, t.bpm)),
            chords=tuple(_cut_chords(self.chords, moves)),
            pickup=pickup,
            repeats=(),
        )

    def note_array(self) -> NDArray[np.void]:
        """The notes as a structured array of `NOTE_DTYPE`, one row a note, part by part, for analysis."""
        rows = [
            (n.onset, n.duration, n.pitch, n.velocity, index, n.voice)
            for index, part in enumerate(self.parts)
            for n in part.notes
        ]
        return np.array(rows, NOTE_DTYPE)

    def _repr_html_(self) -> str:
        """What a notebook shows; `api` fills in the viewer, since pictures belong to `formats`."""
        return viewer(self)


def describe(score: Score) -> str:
    """One line about a score, for places that cannot show a picture."""
    title = score.title or "untitled"
    return f"{title}: {score.note_count} notes, {sum(b.number > 0 for b in score.bars())} bars, {score.key_at(0)}"


viewer: Callable[[Score], str] = describe


def _in_force(changes: tuple[Timed, ...], onset: int) -> Timed | None:
    found = None
    for change in changes:
        if change.onset > onset and found is not None:
            break
        if change.onset <= onset or found is None:
            found = change if change.onset <= onset else found
    return found


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches without empty ones, and with neighbours made one: a note tied from one into the other stays whole."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and found[-1][1] == start < end:
            found[-1] = found[-1][0], end
        elif start < end:
            found.append((start, end))
    return found


Moves = list[tuple[tuple[int, int], int]]


def _cut_notes(notes: tuple[Note, ...], moves: Moves) -> Iterator[Note]:
    for (start, end), offset in moves:
        for n in notes:
            a, b = max(n.onset, start), min(n.end, end)
            if a < b:
                yield Note(a - start + offset, b - a, n.pitch, n.velocity, n.voice, n.fifths)


def _cut_chords(chords: tuple[Chord, ...], moves: Moves) -> Iterator[Chord]:
    for (start, end), offset in moves:
        for c in chords:
            a, b = max(c.onset, start), min(c.end, end)
            if a < b:
                yield Chord(a - start + offset, b - a, c.root, c.quality, c.bass, c.fifths)


def _cut_changes(
    changes: tuple[Change, ...], moves: Moves, make: Callable[[Change, int], Change], keep_onset: bool = False
) -> tuple[Change, ...]:
    """Changes along the played stretches: what is in force at each start, then what changes inside.

    A change that says what is in force already is left out, unless its place matters (`keep_onset`: a meter
    sets a bar line where it stands).
    """
    result: list[Change] = []
    for (start, end), offset in moves:
        opening = _in_force(changes, start)
        inside = [(c, c.onset - start + offset) for c in changes if start < c.onset < end]
        for change, onset in ([(opening, offset)] if opening else []) + inside:
            placed = make(change, onset)
            same = bool(result) and make(result[-1], onset) == placed
            if not same or (keep_onset and change.onset > start):
                result.append(placed)
    return tuple(result)
