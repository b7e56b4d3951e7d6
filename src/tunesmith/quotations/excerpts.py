"""The bars that a run stands in, of the piece and of the song: its voice alone, to be drawn and played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from tunesmith.errors import FormatError
from tunesmith.originality import Altered, Run, lines
from tunesmith.originality.lines import Steps
from tunesmith.quotations import words
from tunesmith.score import Bar, Note, Part, Score, Tempo

MOST_BARS = 16  # of an excerpt; of a longer run, its first
CHANGED = "the song is no longer what it was when the piece was held against it"

Heard = tuple[tuple[float, float, int], ...]  # onset and length in seconds, MIDI pitch


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Bars of one voice. `score` has them; `copied` are the places in its notes of those that belong to the run.

    `bars`: the numbers of the first and last bar of the whole run; `shown`: of the bars that are here.
    `heard`: the notes of the run that are here, as they sound.
    """

    score: Score
    copied: tuple[int, ...]
    bars: tuple[int, int]
    shown: tuple[int, int]
    heard: Heard


@dataclass(frozen=True, slots=True)
class Pair:
    """A run in the piece, where it stands in the song, and what the difference is, in words."""

    piece: Excerpt
    song: Excerpt
    difference: str


def pair(piece: Score, song: Score, run: Run | Altered) -> Pair:
    """A run, or a stretch with notes altered, and where it stands in a song; of that the notes in common are marked.

    Raises:
        FormatError: it does not stand there; the song has changed since.
    """
    line = next(line for line in lines(piece) if (line.part, line.voice) == (run.part, run.voice))
    here = line.notes[run.first : run.first + run.notes]
    if isinstance(run, Altered):
        there = _altered_notes(song, run)
        same = _in_common(here, there)
        if len(same[0]) != run.matched:
            raise FormatError(CHANGED)
    else:
        there = _source_notes(song, run, line.steps()[run.first : run.first + run.notes - 1])
        same = here, there
    # where only one of the two says its tempo, the other is heard at that too
    piece_timed = piece if piece.tempos or not song.tempos else _at_tempo(piece, song, there[0].onset)
    song_timed = song if song.tempos or not piece.tempos else _at_tempo(song, piece, here[0].onset)
    told = words.difference(
        here[0].pitch - there[0].pitch,
        _seconds(song_timed, there) / _seconds(piece_timed, here),
        (here[-1].onset - here[0].onset) / (there[-1].onset - there[0].onset),
    )
    return Pair(
        excerpt(piece_timed, run.part, run.voice, here, same[0]),
        excerpt(song_timed, run.song_part, run.song_voice, there, same[1]),
        told,
    )


def excerpt(score: Score, part: int, voice: int, run: Sequence[Note], marked: Sequence[Note]) -> Excerpt:
    """The bars that the notes of a run begin in, of their voice alone; `marked` of them count as copied."""
    bars = [bar for bar in score.bars() if bar.end > run[0].onset and bar.start <= run[-1].onset]
    shown = bars[:MOST_BARS]
    start, end = shown[0].start, shown[-1].end
    alone = Part(tuple(_in_first_voice(note) for note in score.parts[part].notes if note.voice == voice))
    bare = score.replace(
        parts=(alone,), tempos=(), chords=(), repeats=(), jumps=(), title="", composer="", provenance=""
    )
    cut = bare.slice(start, end)
    mine = {(note.onset - start, note.pitch) for note in marked}
    copied = tuple(place for place, note in enumerate(cut.parts[0].notes) if (note.onset, note.pitch) in mine)
    return Excerpt(cut, copied, _numbers(bars), _numbers(shown), _heard(score, [n for n in run if n.onset < end]))


def _source_notes(song: Score, run: Run, steps: Steps) -> tuple[Note, ...]:
    """The notes of the song that have the steps of a run, the first in the bar that it was found in."""
    start, end = next(((bar.start, bar.end) for bar in song.bars() if bar.number == run.song_bar), (0, 0))
    for line in lines(song):
        if (line.part, line.voice) != (run.song_part, run.song_voice):
            continue
        theirs = line.steps()
        for first, note in enumerate(line.notes):
            if start <= note.onset < end and np.array_equal(theirs[first : first + len(steps)], steps):
                return line.notes[first : first + run.notes]
    raise FormatError(CHANGED)


def _altered_notes(song: Score, one: Altered) -> tuple[Note, ...]:
    """The notes of the song that a stretch with notes altered stands in."""
    found = (line for line in lines(song) if (line.part, line.voice) == (one.song_part, one.song_voice))
    notes = next((line.notes[one.song_first : one.song_first + one.song_notes] for line in found), ())
    if len(notes) < one.song_notes or notes[-1].onset == notes[0].onset:
        raise FormatError(CHANGED)
    return notes


def _in_common(here: Sequence[Note], there: Sequence[Note]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """The notes on either side that the other has too; the first and the last are such notes."""
    tempo = Fraction(here[-1].onset - here[0].onset, there[-1].onset - there[0].onset)
    mine = {(Fraction(note.onset - here[0].onset), note.pitch - here[0].pitch): note for note in here}
    theirs = {((note.onset - there[0].onset) * tempo, note.pitch - there[0].pitch): note for note in there}
    return (
        tuple(note for place, note in mine.items() if place in theirs),
        tuple(note for place, note in theirs.items() if place in mine),
    )


def _in_first_voice(note: Note) -> Note:
    return Note(note.onset, note.duration, note.pitch, note.velocity, 1, note.fifths)


def _at_tempo(score: Score, other: Score, onset: int) -> Score:
    return score.replace(tempos=(Tempo(0, other.tempo_at(onset).bpm),))


def _seconds(score: Score, run: Sequence[Note]) -> float:
    """From the first onset of a run to its last."""
    first, last = score.seconds([run[0].onset, run[-1].onset]).tolist()
    return float(last - first)


def _heard(score: Score, run: Sequence[Note]) -> Heard:
    times = score.seconds([(note.onset, note.end) for note in run]).reshape(-1, 2)
    times -= times[0, 0]
    ends = [*(following for _, following in pairwise(times[:, 0].tolist())), float("inf")]
    rows = zip(times.tolist(), ends, run, strict=True)
    return tuple((round(a, 3), round(min(b, end) - a, 3), note.pitch) for (a, b), end, note in rows)


def _numbers(bars: Sequence[Bar]) -> tuple[int, int]:
    return bars[0].number, bars[-1].number
