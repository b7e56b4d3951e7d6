"""Wishes that clash whatever the music: seen before a note is drawn."""

from __future__ import annotations

from collections.abc import Sequence, Set

from tunesmith.constraints.melodic import Pins, Range
from tunesmith.constraints.span import Ending
from tunesmith.constraints.wish import CHORD_VOICE, Wish
from tunesmith.scheme import vocabulary as v


def clash(wishes: Sequence[Wish]) -> tuple[Wish, Wish, int] | None:
    """Two wishes that cannot both hold, and the tick where; None where none are seen to.

    Looked at are ranges, with the notes that are to be there and with what phrases end on.
    """
    for limits in (wish for wish in wishes if isinstance(wish, Range)):
        inside = range(limits.low, limits.high + 1)
        classes = {pitch % 12 for pitch in inside}
        for wish in wishes:
            if isinstance(wish, Pins) and limits.voice in (0, wish.voice):
                outside = [tick for tick, pitch in zip(wish.ticks, wish.pitches, strict=True) if pitch not in inside]
                if outside:
                    return limits, wish, outside[0]
            elif isinstance(wish, Ending) and _without(wish, limits, classes):
                return limits, wish, wish.tick - 1
    return None


def _without(ending: Ending, limits: Range, classes: Set[int]) -> bool:
    """Whether a range that has these pitch classes has none that a phrase in its voice may end on."""
    concerned = ending.voice != CHORD_VOICE and limits.voice in (0, ending.voice)
    return concerned and v.REST not in ending.wanted and not classes & ending.wanted
