"""The score itself. Conventions: see the package."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunesmith import theory
from tunesmith.score.cut import MOST_STRETCHES, cut_changes, cut_chords, cut_parts, in_force, merged, route, too_much
from tunesmith.score.elements import (
    NOTE_DTYPE,
    TPQ,
    Bar,
    Chord,
    Jump,
    Key,
    Meter,
    Note,
    Part,
    Repeat,
    Tempo,
)


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
    jumps: tuple[Jump, ...] = ()
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
        return in_force(self.meters, onset) or Meter()

    def key_at(self, onset: int) -> Key:
        """The key in force at a tick (C major where the score names none)."""
        return in_force(self.keys, onset) or Key()

    def tempo_at(self, onset: int) -> Tempo:
        """The tempo in force at a tick (120 where the score names none)."""
        return in_force(self.tempos, onset) or Tempo()

    def bars(self, until: int = 0) -> Iterator[Bar]:
        """The bars from the start to the end of the last note, or to `until`. A meter change starts a new bar."""
        end, start, number = max(self.end, until), 0, 1
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
        """The music in [start, end) as a score of its own; notes that reach over an edge are cut.

        Raises:
            FormatError: see `play`.
        """
        return self.play([(start, end)])

    def unfold(self) -> Score:
        """The piece as it is played: its repeats written out, its jumps (D.C., D.S.) followed.

        Raises:
            FormatError: that would be more than any piece has (`cut.MOST_PLAYED`, `MOST_STRETCHES`).
        """
        if not self.repeats and not self.jumps:
            return self
        last = max([self.end, *(r.end for r in self.repeats)])
        spans = merged(route(last, self.repeats, self.jumps))
        if len(spans) > MOST_STRETCHES:
            raise too_much()
        return self.play(spans)

    def play(self, spans: Iterable[tuple[int, int]]) -> Score:
        """Stretches [start, end) of the piece, in ticks, put one after the other.

        Raises:
            FormatError: there would be more than `cut.MOST_PLAYED` notes, chord symbols, or changes of one kind.
        """
        spans = list(spans)
        offsets = np.cumsum([0] + [b - a for a, b in spans]).tolist()
        moves = list(zip(spans, offsets, strict=False))
        first = spans[0][0] if spans else 0
        pickup = max(0, min(self.pickup - first, offsets[-1])) if first < self.pickup else 0
        if first >= self.pickup and spans:
            bar = next((b for b in self.bars() if b.start <= first < b.end), None)
            pickup = bar.end - first if bar and bar.start < first else 0
        return self.replace(
            parts=tuple(cut_parts(self.parts, moves)),
            meters=cut_changes(self.meters, moves, lambda m, onset: Meter(onset, m.beats, m.unit), keep_onset=True),
            keys=cut_changes(self.keys, moves, lambda k, onset: Key(onset, k.fifths, k.mode)),
            tempos=cut_changes(self.tempos, moves, lambda t, onset: Tempo(onset, t.bpm)),
            chords=tuple(cut_chords(self.chords, moves)),
            pickup=pickup,
            repeats=(),
            jumps=(),
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
        """What a notebook shows; see `set_viewer`."""
        return _viewer[0](self)


def describe(score: Score) -> str:
    """One line about a score, for places that cannot show a picture."""
    title = score.title or "untitled"
    return f"{title}: {score.note_count} notes, {sum(b.number > 0 for b in score.bars())} bars, {score.key_at(0)}"


_viewer: list[Callable[[Score], str]] = [describe]


def set_viewer(viewer: Callable[[Score], str]) -> None:
    """Say how a notebook shows a score, as HTML. `api` does, since pictures belong to `formats`."""
    _viewer[0] = viewer
