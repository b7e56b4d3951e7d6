"""Voices that do not overlap themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from tunesmith.score import Note, Score

MAX_PART_VOICES = 4  # a part that would need more has its longest notes cut short instead


def split_voices(score: Score) -> Score:
    """Give every part voices that do not overlap themselves; parts that have them already are left alone."""
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


def _in_voices(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    if not overlaps(notes):
        return notes
    chords: dict[tuple[int, int], list[Note]] = {}
    for n in sorted(notes, key=lambda n: (n.onset, -n.end, -n.pitch)):
        chords.setdefault((n.onset, n.end), []).append(n)
    voices: list[list[list[Note]]] = []
    for chord in chords.values():
        _place(chord, voices)
    # the highest voice first, as scores are written
    voices.sort(key=lambda voice: -float(np.mean([n.pitch for chord in voice for n in chord])))
    return tuple(
        dataclasses.replace(n, voice=number) for number, voice in enumerate(voices, 1) for chord in voice for n in chord
    )


def _place(chord: list[Note], voices: list[list[list[Note]]]) -> None:
    """Put a chord into the free voice that was nearest in pitch, into a new one, or make room."""
    onset, pitch = chord[0].onset, float(np.mean([n.pitch for n in chord]))

    def distance(voice: list[list[Note]]) -> float:
        return abs(float(np.mean([n.pitch for n in voice[-1]])) - pitch)

    free = [voice for voice in voices if voice[-1][0].end <= onset]
    if free:
        min(free, key=distance).append(chord)
    elif len(voices) < MAX_PART_VOICES:
        voices.append([chord])
    else:
        busy = [voice for voice in voices if voice[-1][0].onset < onset]
        if not busy:  # more chords at once than voices: the nearest one takes these notes in, at its length
            host = min(voices, key=distance)[-1]
            host += [dataclasses.replace(n, duration=host[0].duration) for n in chord]
            return
        voice = min(busy, key=distance)
        voice[-1] = [dataclasses.replace(n, duration=onset - n.onset) for n in voice[-1]]
        voice.append(chord)
