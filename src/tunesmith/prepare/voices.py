"""Voices for parts that have none: no voice overlaps itself, no part has more than `MAX_PART_VOICES`.

Three steps, a module each: `texture` says whether notes that move together are chords; `units` joins notes to chords
and makes sure that there are never more at once than voices; `lines` says which voice each belongs to.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from tunesmith.prepare.hands import left_hand
from tunesmith.prepare.lines import assign
from tunesmith.prepare.texture import texture
from tunesmith.prepare.units import Unit, fitted
from tunesmith.score import Note, Score, note_order

MAX_PART_VOICES = 4  # a part that would need more has notes cut short instead; see `shortened`


def split_voices(score: Score) -> Score:
    """Give every part voices that do not overlap themselves; parts that have them already are left alone.

    In a part of independent voices every note at once has its own, as far as `MAX_PART_VOICES` go; in one of a line
    and chords, notes that a hand plays together are in one voice. Voices are numbered from the highest down. Notes
    are cut short only where more voices would be needed; none is left out.
    """
    parts = tuple(p if p.drums else dataclasses.replace(p, notes=_in_voices(p.notes)) for p in score.parts)
    return score if parts == score.parts else score.replace(parts=parts)


def overlaps(notes: Iterable[Note]) -> bool:
    """Whether a voice overlaps itself: notes sound together that do not begin and end together."""
    ends: dict[int, tuple[int, int]] = {}
    for n in notes:
        onset, end = ends.get(n.voice, (-1, 0))
        if n.onset < end and (n.onset, n.end) != (onset, end):
            return True
        ends[n.voice] = (n.onset, n.end)
    return False


def shortened(before: Score, after: Score) -> int:
    """How many notes `split_voices` cut short on the way from one score to the other."""
    lengths = [
        Counter((i, n.onset, n.pitch, n.end) for i, p in enumerate(s.parts) for n in p.notes) for s in (before, after)
    ]
    return sum((lengths[0] - lengths[1]).values())


def separate(notes: Sequence[Note], most: int = MAX_PART_VOICES) -> tuple[Note, ...]:
    """Notes with their voices, at most `most`, 1 = the highest; the voices they had are not looked at."""
    notes = sorted(notes, key=note_order)
    kind = texture(notes, most)
    units = fitted(_chords(notes) if kind.chords else _single(notes), min(kind.usual, most), most)
    voices = assign(units, most)
    found = list(notes)
    for unit, voice in zip(units, _from_the_top(units, voices), strict=True):
        for place in unit.notes:
            n = notes[place]
            found[place] = dataclasses.replace(n, voice=voice, duration=unit.end - n.onset)
    return tuple(found)


def _in_voices(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return separate(notes) if overlaps(notes) else notes


def _single(notes: Sequence[Note]) -> list[Unit]:
    return [Unit(n.onset, n.end, n.pitch, n.pitch, (place,)) for place, n in enumerate(notes)]


def _chords(notes: Sequence[Note]) -> list[Unit]:
    """Notes that begin and end together in one hand are a unit."""
    found: dict[tuple[int, int, bool], list[int]] = {}
    for place, (n, left) in enumerate(zip(notes, left_hand(notes), strict=True)):
        found.setdefault((n.onset, n.end, left), []).append(place)
    return [
        Unit(onset, end, notes[places[0]].pitch, notes[places[-1]].pitch, tuple(places), int(left))
        for (onset, end, left), places in found.items()
    ]


def _from_the_top(units: Sequence[Unit], voices: Sequence[int]) -> list[int]:
    """The numbers of the voices from 1, those with the higher notes first, as scores are written."""
    pitches: dict[int, list[float]] = {}
    for unit, voice in zip(units, voices, strict=True):
        pitches.setdefault(voice, []).append(unit.pitch)
    order = sorted(pitches, key=lambda voice: (-sum(pitches[voice]) / len(pitches[voice]), voice))
    numbers = {voice: number for number, voice in enumerate(order, 1)}
    return [numbers[voice] for voice in voices]
