"""Wishes that clash whatever the music: seen before a note is drawn.

Where a note or a chord has to begin, the wishes that need to know no more than where that is are asked what they leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import combinations

import numpy as np

from tunesmith.constraints.ending import Ending
from tunesmith.constraints.harmonic import Progression
from tunesmith.constraints.leaps import Leaps
from tunesmith.constraints.manner import InKey, Steady, Voices
from tunesmith.constraints.melodic import Contour, Pins, Range
from tunesmith.constraints.wish import CHORD_VOICE, NEVER, Wish
from tunesmith.models.spec import BoolArray
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import SYMBOL_MASKS, Cursor

MOST_NAMED = 4  # wishes that clash are looked for among so many at once
PLACED = (Range, InKey, Contour, Pins, Progression, Leaps)  # ask for no more than a voice and a tick
IMPLIED = (Steady, Voices)  # nobody asked for them: they are named where without them nothing clashes
Clash = tuple[tuple[str, ...], int]  # what the wishes are called, and the tick where they clash


def clash(
    wishes: Sequence[Wish], at: Callable[[int, int], Cursor], is_free: Callable[[int, int], bool]
) -> Clash | None:
    """Wishes that cannot all hold, and the tick where; None where none are seen to.

    `at`: a cursor with no history, in a voice (0 = the chord voice) at a tick; `is_free`: whether anything is written
    there, and nothing kept.
    """
    found = [*_at_ends(wishes), *_at_places(wishes, at, is_free)]
    return min(found, key=lambda one: one[1], default=None)


def clashing_text(names: Sequence[str]) -> str:
    """What is said of wishes that clash."""
    if len(names) == 1:
        return f"nothing is left to choose by {names[0]}"
    return f"{', '.join(names[:-1])} and {names[-1]} clash"


def fewest(said: Sequence[tuple[str, BoolArray]], legal: BoolArray) -> tuple[str, ...]:
    """The names of the fewest wishes that leave nothing of what is legal (n,); none where all of them leave something.

    said: name, and what it forbids (n,).
    """
    for size in range(1, MOST_NAMED + 1):
        for some in combinations(said, size):
            if not (legal & ~np.any([never for _, never in some], axis=0)).any():
                return tuple(dict.fromkeys(name for name, _ in some))
    return ()


def clash_at(wishes: Sequence[Wish], cursor: Cursor, symbol: int | None, legal: BoolArray) -> tuple[str, ...]:
    """What wishes are called that clash at a cursor: the fewest that leave nothing of what the grammar allows (n,)."""
    implied, asked = list[tuple[str, BoolArray]](), list[tuple[str, BoolArray]]()
    for wish in wishes:
        told = wish(cursor, symbol)
        if told is not None and (told == NEVER).any():
            inner = getattr(wish, "wish", wish)  # of `Elsewhere`
            (implied if isinstance(inner, IMPLIED) else asked).append((str(wish), told == NEVER))
    left = legal & ~np.any([never for _, never in implied] or [np.zeros_like(legal)], axis=0)
    names = (fewest(asked, left) if left.any() else ()) or fewest([*asked, *implied], legal)
    return names or tuple(dict.fromkeys(name for name, _ in asked)) or ("the model",)


def _at_places(
    wishes: Sequence[Wish], at: Callable[[int, int], Cursor], is_free: Callable[[int, int], bool]
) -> Iterator[Clash]:
    """Clashes where notes and chords have to begin."""
    placed = [wish for wish in wishes if isinstance(wish, PLACED)]
    for voice, tick in filter(lambda place: is_free(*place), _places(wishes)):
        cursor = at(voice, tick)
        said = [(str(wish), told == NEVER) for wish in placed if (told := wish(cursor, None)) is not None]
        names = fewest(said, SYMBOL_MASKS[cursor.mask_class])
        if names:
            yield names, tick


def _places(wishes: Sequence[Wish]) -> Iterator[tuple[int, int]]:
    """Voice and tick of every note and chord that is wished for."""
    for wish in wishes:
        if isinstance(wish, Pins):
            yield from ((wish.voice, tick) for tick in wish.ticks)
        elif isinstance(wish, Progression) and not wish.strict:  # else no voice has them, and notes may sound across
            yield from ((CHORD_VOICE, tick) for tick in wish.ticks)


def _at_ends(wishes: Sequence[Wish]) -> Iterator[Clash]:
    """Clashes of what a phrase ends on with the range, or with another ending at the same place."""
    endings = [wish for wish in wishes if isinstance(wish, Ending)]
    for number, ending in enumerate(endings):
        others = [other for other in endings[:number] if (other.voice, other.tick) == (ending.voice, ending.tick)]
        yield from (((str(o), str(ending)), ending.tick - 1) for o in others if not o.wanted & ending.wanted)
        ranges = (wish for wish in wishes if isinstance(wish, Range) and _without(ending, wish))
        yield from (((str(wish), str(ending)), ending.tick - 1) for wish in ranges)


def _without(ending: Ending, limits: Range) -> bool:
    """Whether a range has none of what a phrase in its voice may end on."""
    classes: Set[int] = {pitch % 12 for pitch in range(limits.low, limits.high + 1)}
    concerned = ending.voice != CHORD_VOICE and limits.voice in (0, ending.voice)
    return concerned and v.REST not in ending.wanted and not classes & ending.wanted
