"""The melody and the bass of a score.

Where there are several parts, one of them is chosen: that whose notes look most like a melody's (`salience`), or the
lowest. That features of a part tell the melody's is due to D. Rizo, P. Ponce de León, C. Pérez-Sancho, A. Pertusa and
J. Iñesta, "A pattern recognition approach for melody track selection in MIDI files", ISMIR 2006. In a part of several
notes at once, the melody is the likeliest way through them (`melody_path`); the bass is the lowest line, a skyline
(A. Uitdenbogerd and J. Zobel, "Melodic matching techniques for large databases", ACM Multimedia 1999) seen from below.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from tunesmith.errors import RequestError
from tunesmith.prepare.melody_path import best_path, over
from tunesmith.prepare.salience import salience
from tunesmith.score import Note, Part, Score, note_order

MELODY_NAMES = (
    "melody",
    "melodie",
    "melodia",
    "lead",
    "vocal",
    "voice",
    "voix",
    "singstimme",
    "gesang",
    "canto",
    "solo",
)


def melody(score: Score) -> Part:
    """The melody: one note at a time, in voice 1, with the name and program of the part that it was found in.

    A part that alone is named as one (`MELODY_NAMES`) is taken for it. Drums are left out; a score without notes has
    an empty melody. Notes of a chosen part are cut short where the next one begins.
    """
    parts = _pitched(score)
    named = [p for p in parts if any(name in p.name.lower() for name in MELODY_NAMES)]
    part = named[0] if len(named) == 1 else parts[melody_part(parts)] if parts else Part()
    return dataclasses.replace(part, notes=_alone(part.notes if _one_at_a_time(part.notes) else best_path(part.notes)))


def bass(score: Score) -> Part:
    """The bass: the lowest line of the part whose notes lie lowest, one note at a time, in voice 1.

    Drums are left out; a score without notes has an empty bass.
    """
    part = min(_pitched(score), key=_mean_pitch, default=Part())
    return dataclasses.replace(part, notes=_alone(_lowest(part.notes)))


def only(score: Score, line: str) -> Score:
    """The score with its `melody` or `bass` as the one part, or whole for "all"; chord symbols and form stay.

    Raises:
        RequestError: `line` is none of `LINES`.
    """
    if line not in LINES:
        raise RequestError(f"unknown line {line!r}", fix=f"known are: {', '.join(LINES)}")
    find = LINES[line]
    return score.replace(parts=(find(score),)) if find else score


def melody_part(parts: Sequence[Part]) -> int:
    """The place of the part, of those with notes, that most likely has the melody; names are not looked at."""
    rows = sorted(((n, number) for number, p in enumerate(parts) for n in p.notes), key=lambda row: note_order(row[0]))
    owners = np.array([number for _, number in rows])
    odds = salience([n for n, _ in rows])
    likely = np.bincount(owners, weights=1 / (1 + np.exp(-odds))) / np.bincount(owners)
    return int(likely.argmax())


LINES: dict[str, Callable[[Score], Part] | None] = {"all": None, "melody": melody, "bass": bass}


def _pitched(score: Score) -> list[Part]:
    return [p for p in score.parts if p.notes and not p.drums]


def _mean_pitch(part: Part) -> float:
    return float(np.average([n.pitch for n in part.notes], weights=[n.duration for n in part.notes]))


def _one_at_a_time(notes: Sequence[Note]) -> bool:
    return all(over(a) <= b.onset for a, b in pairwise(notes))


def _alone(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes in voice 1, each cut where the next begins."""
    ends = [n.onset for n in notes[1:]] + [n.end for n in notes[-1:]]
    cut = zip(notes, ends, strict=True)
    return tuple(dataclasses.replace(n, voice=1, duration=min(n.end, end) - n.onset) for n, end in cut)


def _lowest(notes: Iterable[Note]) -> list[Note]:
    """The lower skyline: of notes at once the lowest; none that begins above one still sounding."""
    line: list[Note] = []
    for n in sorted(notes, key=note_order):
        last = line[-1] if line else None
        if last is None or (n.onset > last.onset and (n.onset >= last.end or n.pitch < last.pitch)):
            line.append(n)
    return line
