"""What a voice remembers of itself: where its latest notes were heard before, and what came then.

The longest stretch of notes up to the last one that the voice has played before, at any pitch, is looked for among
the latest places where the same step was made; a place found goes on with the music as long as it fits. A step is an
interval or, where rhythm counts, an interval and the length of the note that it led to.

Source: the match model of lossless compression, C. Bloom, "Solving the problems of context modeling", 1998, on
intervals, as in D. Conklin and I. H. Witten, 1995 (see `viewpoints`).
"""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.scheme.vocabulary import DURATIONS

LOOKED_AT = 16  # of the latest places where the step was made
LONGEST = 32  # notes; longer stretches are not told apart


class Recalled(NamedTuple):
    """What came next, where the latest notes were heard before. `length`: how many steps fit, 0 = none did."""

    pitch: int = -1
    duration: int = 0
    length: int = 0


NOTHING = Recalled()


class Recall:
    """The notes of one voice, latest last. `rhythm`: whether steps are alike only where lengths are too."""

    __slots__ = ("_before", "_durations", "_latest", "_length", "_pitches", "_place", "_rhythm", "_steps", "found")

    def __init__(self, rhythm: bool = False) -> None:
        self._rhythm = rhythm
        self._pitches: list[int] = []
        self._durations: list[int] = []
        self._steps: list[int] = []  # the interval that led to each note; of the first note one that none has
        self._before: list[int] = []  # the place before, where the same step was made; -1 = none
        self._latest: dict[int, int] = {}  # a step -> where it was made last
        self._place, self._length = -1, 0  # where the latest notes were heard before, and how many steps fit
        self.found = NOTHING

    def copy(self) -> Recall:
        """An independent copy."""
        other = Recall(self._rhythm)
        for name in ("_pitches", "_durations", "_steps", "_before"):
            setattr(other, name, getattr(self, name).copy())
        other._latest = self._latest.copy()
        other._place, other._length, other.found = self._place, self._length, self.found
        return other

    def add(self, pitch: int, duration: int) -> None:
        """Take one more note; `found` then says what is recalled."""
        step = pitch - self._pitches[-1] if self._pitches else 1000
        if self._rhythm:
            step = step * DURATIONS + duration
        now = len(self._pitches)
        self._pitches.append(pitch)
        self._durations.append(duration)
        self._steps.append(step)
        self._before.append(self._latest.get(step, -1))
        self._latest[step] = now
        self._place, self._length = self._longest(now, step)
        self.found = NOTHING
        if self._length:
            then = self._place + 1
            upward = self._pitches[then] - self._pitches[self._place]
            self.found = Recalled(min(max(pitch + upward, 0), 127), self._durations[then], self._length)

    def circles(self, longest: int, times: int) -> list[int]:
        """The pitches that would begin figures of at most `longest` notes again, heard so many times in a row."""
        notes = list(zip(self._pitches[-longest * times :], self._durations[-longest * times :], strict=True))
        sizes = range(1, min(longest, len(notes) // times) + 1)
        return [notes[-n][0] for n in sizes if all(notes[-i] == notes[-i - n] for i in range(1, n * (times - 1) + 1))]

    def _longest(self, now: int, step: int) -> tuple[int, int]:
        """The place of the longest stretch that ends in these steps, and its length; of equal ones the latest."""
        best, longest = -1, 0
        place = self._before[now]
        for _ in range(LOOKED_AT):
            if place < 0:
                break
            length = self._fits(place, now)
            if length > longest:
                best, longest = place, length
            place = self._before[place]
        going_on = self._place + 1
        if self._length >= longest and self._length and self._steps[going_on] == step:
            return going_on, min(self._length + 1, LONGEST)
        return best, longest

    def _fits(self, place: int, now: int) -> int:
        """How many steps up to the one at `place` are those up to `now`."""
        steps, length = self._steps, 0
        while length < LONGEST and length <= place and steps[place - length] == steps[now - length]:
            length += 1
        return length
