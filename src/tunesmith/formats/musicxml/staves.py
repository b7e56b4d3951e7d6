"""The staves of a part: what its layers leave out for each other, how its notes are spelled, which accidentals show.

- A layer leaves out a measure in which it is silent and another layer of its staff is not.
- A tuplet that several layers of a staff play in the same rhythm is marked once, in the upper one.
- Where one player has several layers on a staff, rests whose time another layer fills are not shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tunesmith import theory
from tunesmith.formats.musicxml.notation import Layer, Measure, Written, layers, write_layer
from tunesmith.score import Key, Note, Part, Score

MOST_ALTERED = 3  # a triple sharp is rare, but there is a sign for it
ONE_PLAYER = (*range(32), 46)  # keyboards, mallets, organs, guitars, harp


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers of a part, what each writes (layer, measure, in time), and the spelling of each note."""

    layers: list[Layer]
    written: list[list[list[Written]]]
    spelled: list[int]

    @property
    def staves(self) -> int:
        """How many staves the part has: 1 or 2."""
        return max(layer.staff for layer in self.layers)

    def company(self, staff: int, measure: int) -> list[int]:
        """The layers that write in a measure of a staff, from high to low."""
        return [n for n, layer in enumerate(self.layers) if layer.staff == staff and self.written[n][measure]]


def plan_part(part: Part, score: Score, bars: Sequence[Measure], hand: bool = False) -> Plan:
    """Lay out a part in its measures, accidentals included; the `hand` of a pianist on one staff."""
    found = layers(part, hand)
    plan = Plan(found, [write_layer(layer, bars) for layer in found], spellings(part, score))
    for staff in range(1, plan.staves + 1):
        rows = [n for n, layer in enumerate(found) if layer.staff == staff]
        for place, bar in enumerate(bars):
            for n in _silent(plan, rows, place):
                plan.written[n][place] = []
            company = [plan.written[n][place] for n in plan.company(staff, place)]
            if len(company) > 1 and (part.drums or part.program in ONE_PLAYER):
                _hide_rests(company)
            _share_tuplets(company)
            if not part.drums:
                mark_accidentals((w for row in company for w in row), plan.spelled, bar.key)
    return plan


def _silent(plan: Plan, rows: Sequence[int], place: int) -> list[int]:
    """The layers of a staff that leave out a measure; the first is kept where all are silent."""
    silent = [n for n in rows if all(w.whole_bar for w in plan.written[n][place])]
    return silent if len(silent) < len(rows) else silent[1:]


def _hide_rests(company: Sequence[Sequence[Written]]) -> None:
    """Hide the rests of a measure whose time another layer fills: with notes, or above with rests that are shown."""
    for turn, row in enumerate(company):
        for rest in (w for w in row if w.stack is None and not w.hidden):
            for other, others in enumerate(company):
                beside = (w for w in others if w.start < rest.end and rest.start < w.end)
                if other != turn and all(w.stack or (other < turn and not w.hidden) for w in beside):
                    rest.hidden = True


def _share_tuplets(company: Sequence[Sequence[Written]]) -> None:
    """Mark the tuplets that a layer above plays in the same rhythm."""
    shown: set[tuple[tuple[int, int, bool], ...]] = set()
    for row in company:
        for tuplet, group in groupby(row, key=lambda w: w.sign.piece.tuplet):
            inside = list(group)
            rhythm = tuple((w.start, w.end, w.stack is None) for w in inside)
            if tuplet:
                inside[0].echo = rhythm in shown
                shown.add(rhythm)


def spelling(note: Note, key: Key) -> int:
    """The place on the line of fifths that a note is written with: its own where it has a usable one."""
    own = note.fifths
    usable = own is not None and theory.pitch_class(own) == note.pitch % 12
    if own is None or not usable or abs(theory.letter_and_alter(own)[1]) > MOST_ALTERED:
        own = theory.spell(note.pitch, key.fifths, key.mode)
    return own if theory.octave(note.pitch, own) >= 0 else own - 12  # the lowest C is no B sharp


def spellings(part: Part, score: Score) -> list[int]:
    """The `spelling` of every note of a part, by the key in force."""
    keys = [Key(), *score.keys]
    onsets = [-1, *(key.onset for key in score.keys)]
    return [spelling(note, keys[bisect_right(onsets, note.onset) - 1]) for note in part.notes]


def mark_accidentals(staff: Iterable[Written], spelled: Sequence[int], key: Key) -> None:
    """Find the accidentals that one staff needs in one measure. `spelled` says how each note of the part is.

    An accidental holds for its letter and octave to the bar line, in all voices of the staff; a note tied over from
    before shows none.
    """
    held: dict[tuple[str, int], int] = {}
    starting = [(w, w.stack) for w in staff if w.stack is not None and w.start == w.stack.onset]
    for w, stack in sorted(starting, key=lambda found: found[0].start):
        for index, note in stack.notes:
            place = spelled[index]
            letter, alter = theory.letter_and_alter(place)
            line = letter, theory.octave(note.pitch, place)
            if held.get(line, signature(letter, key.fifths)) != alter:
                held[line] = w.accidentals[index] = alter


def signature(letter: str, fifths: int) -> int:
    """How a key signature alters a letter: -1, 0 or 1."""
    natural = theory.fifths_of(letter, 0)
    return -((natural + 1 - fifths) // 7)  # the scale is the line of fifths from fifths - 1 to fifths + 5
