"""What a score is made of. Conventions: see the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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
            yield from self.spans_of(number)

    def spans_of(self, number: int) -> Iterator[tuple[int, int]]:
        """The stretches of one pass (1, 2, ...)."""
        yield self.start, self.endings[0].start if self.endings else self.end
        yield from ((e.start, e.end) for e in self.endings if number in e.passes)


@dataclass(frozen=True, slots=True)
class Jump:
    """ "D.C.", "D.S.": at `onset` the players go back to `target` (the beginning, or the segno).

    From there they play to `stop` (Fine, or the sign "to Coda"; None: on past the jump), no repeats this time but the
    last ending of each, and then on from `coda`, or no further where there is none.
    """

    onset: int
    target: int = 0
    stop: int | None = None
    coda: int | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the piece: its number (a pickup is bar 0, the first full bar is 1), [start, end) and meter."""

    number: int
    start: int
    end: int
    meter: Meter
