"""What is to be written into a piece: what is kept, the gaps, and what is wished for in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tunesmith.checkpoint import Learned
from tunesmith.constraints import Filling, Kept, Range, Wish
from tunesmith.framing import Frame, Gap, lengths_of
from tunesmith.habits import Habits, habits_of, imagined_habits
from tunesmith.request import Request
from tunesmith.sample import Brief
from tunesmith.scheme import Event
from tunesmith.scheme import vocabulary as v
from tunesmith.ways.checking import in_gaps, no_header, parted
from tunesmith.ways.material import Material, Placed, notes_of
from tunesmith.wishing import all_wishes

ROOM = 3  # semitones that a voice may go beyond what it had in the piece


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written into a piece. `names`: of parts that are added to it.

    `anew`: whether the piece itself counts among the songs of the cap, so that what is written is not what was there.
    """

    material: Material
    brief: Brief
    names: tuple[str, ...] = ()
    anew: bool = True
    bars: int = 1  # full bars of the whole
    cadence: tuple[tuple[str, int], ...] = ()  # asked for, or what goes without saying


def task_of(
    learned: Learned,
    request: Request,
    material: Material,
    opening: Sequence[Event],
    kept: Sequence[Placed],
    gaps: Sequence[Gap],
    end: int,
    outline: Sequence[Wish] = (),
    names: Sequence[str] = (),
) -> Task:
    """Gaps of a piece that are to be filled, up to the tick `end`."""
    request = replace(request, bars=max(material.bars, request.bars if end > material.end else 0))
    request.check()
    no_header(request)
    habits = _merged(_own(learned, opening), material)
    usual = replace(habits, lengths=tuple(sorted({*habits.lengths, *(p.event[1] for p in material.body)})))
    filling = Filling(lengths_of(usual, request, end), end)
    known = {bar.number: (bar.start, bar.end) for bar in material.score.bars(material.end)}
    coming, sounding = _following(kept, gaps, material.chord_voice), _sounding(material, kept, gaps, end)
    room = Frame(
        material.cursor(opening),
        0,
        end,
        filling,
        gaps=tuple(gaps),
        piece=material.score,
        known=known,
        coming=coming,
        sounding=sounding,
    )
    controls = material.controls if end == material.end else {}
    keeping = Kept(
        {p.place: p.event for p in kept}, tuple(parted(gaps, controls)), controls, filling, bool(request.chords)
    )
    ranges = [] if outline or names else _ranges(material, request)
    brief = Brief(opening, habits, room, (*outline, *ranges), keeping)
    in_gaps(list(all_wishes(habits, request, room)), room, kept)
    return Task(material, brief, tuple(names), not names, request.bars, request.cadence)


def _following(
    kept: Sequence[Placed], gaps: Sequence[Gap], chord_voice: bool
) -> dict[int, tuple[tuple[int, int, int], ...]]:
    """By voices, as wishes count them, the gaps with the note that is kept next: first tick, end, its pitch."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    for voice, start, end in gaps:
        notes = [p for p in kept if p.place[0] == voice and p.place[1] >= end and p.event[0] < v.PITCH.end]
        if tops := [p for p in notes if p.event[1] != v.JOIN]:
            following = min(tops, key=lambda p: p.place[1])
            found.setdefault(voice + (not chord_voice), []).append((start, end, following.event[0]))
    return {voice: tuple(stretches) for voice, stretches in found.items()}


def _sounding(material: Material, kept: Sequence[Placed], gaps: Sequence[Gap], end: int) -> frozenset[int] | None:
    """Voices that may have to sound in the last bar, as `Length` wants them: none where what is kept does, or where
    the piece is silent there as it is."""
    if end > material.end:
        return None
    last = max(bar.start for bar in material.score.bars(end))
    notes = (p for p in material.body if p.event[0] < v.PITCH.end or p.event[0] == v.HOLD)
    sounds = {p.place for p in notes if p.end > last and not (material.chord_voice and p.place[0] == 0)}
    if not sounds or any(p.place in sounds for p in kept):
        return frozenset()
    return frozenset(voice for voice, _, gap_end in gaps if gap_end > last)


def _own(learned: Learned, opening: Sequence[Event]) -> Habits:
    return habits_of(learned) if len(learned.songs) else imagined_habits(opening)


def _merged(habits: Habits, material: Material) -> Habits:
    """The habits of the songs and of the piece itself."""
    pitches = [p.event[0] for p in material.body if p.event[0] < v.PITCH.end]
    silent = any(a.event[0] == b.event[0] == v.REST for a, b in pairwise(material.body))
    return replace(habits, low=min(habits.low, *pitches), high=max(habits.high, *pitches), rhythms={}, silent=silent)


def _ranges(material: Material, request: Request) -> list[Wish]:
    """What each voice of the piece has, and a little more, where no range is asked for."""
    found: list[Wish] = []
    for voice, notes in notes_of(material).items():
        number = voice + (not material.chord_voice)
        if notes and number and not request.range:
            pitches = [note.pitch for note in notes]
            found.append(Range(max(0, min(pitches) - ROOM), min(127, max(pitches) + ROOM), number))
    return found
