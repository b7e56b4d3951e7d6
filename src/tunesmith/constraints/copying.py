"""No voice copies: a cap on the notes in a row that stand in songs, in any key and at any tempo.

A run of so many notes is a window of as many steps (see `originality.lines`) less one; what songs have is known as the
hashes of all their windows of one size, so that one look-up says whether a note would make a run too long. The length
of a note goes to where the next begins, so it is only known then: whatever is added to a note, its own length, a note
held or a rest, is looked at as if the next note followed at once. Nothing that could become a copy is let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from tunesmith.constraints.wish import NEVER, Bias, composing, durations
from tunesmith.originality.fingerprint import Fingerprint, window, windows
from tunesmith.originality.lines import Steps, lines, step_of
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import Cursor
from tunesmith.score import Score

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Windows:
    """The hashes of all windows of `size` steps in songs, sorted (n,), and of all of one step less."""

    size: int
    whole: Hashes
    begun: frozenset[int]

    @classmethod
    def of(cls, songs: Iterable[Score], size: int) -> Windows:
        """Of every voice of these songs."""
        found: list[Steps] = [line.steps() for song in songs for line in lines(song)]
        return cls(size, _hashed(found, size), frozenset(_hashed(found, size - 1).tolist()))

    def has(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which windows (k,) of `size` steps stand in the songs."""
        return _among(hashes, self.whole)


def _hashed(steps: Sequence[Steps], size: int) -> Hashes:
    return np.unique(np.concatenate([windows(of_line, size) for of_line in steps] or [np.empty(0, np.uint64)]))


def _among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(hashes), bool)
    near = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[near] == hashes
    return found


@dataclass(frozen=True, slots=True)
class MaxCopy:
    """No run of more than `most` notes of a voice stands in the songs, nor, as far as it can tell, in the base's.

    `songs` has windows of `most` steps. The base's music is known by windows of a size of its own: where so many of
    them follow one another that a longer run could stand there, it counts as one. A run of one such window is the
    shortest that is known there, so that a lower cap cannot be kept to in the base's music.

    Beside what is kept of a piece it is about new notes: of them no run has more. `kept_too`: kept notes count as well,
    so that what is written does not lead into them as what was there did.
    """

    most: int
    songs: Windows
    base: Fingerprint | None = None
    most_of_base: int = 0  # notes of the base's music; 0 = as of the songs
    kept_too: bool = False

    def __str__(self) -> str:
        return "the cap on copying"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        """Forbids the lengths with which the latest notes would be a run too long."""
        if symbol is None or not composing(cursor) or not cursor.voices or cursor.on_chord_voice:
            return None
        if symbol >= v.PITCH.end and symbol not in (v.REST, v.HOLD):
            return None
        before = self._before(cursor, symbol)
        if before is None:
            return None
        onset, steps, interval, last = before
        suspicious = self._suspicious(steps)
        if not any(suspicious):
            return None
        lengths = [cursor.now + v.TICKS[d] - onset for d in range(v.JOIN + 1, v.DURATIONS)]
        ends = np.array([step_of(interval, last, length) for length in lengths], np.int64)
        bias = durations()
        rows = np.concatenate((np.broadcast_to(np.array(steps, np.int64), (len(ends), len(steps))), ends[:, None]), 1)
        bias[v.JOIN + 1 :][self._copied(rows, suspicious)] = NEVER
        return bias

    def _before(self, cursor: Cursor, symbol: int) -> tuple[int, list[int], int, int] | None:
        """What is known of the note whose length is asked for: its onset, the steps before, its interval, and the
        length of the note before it. None where too few notes are there for a run."""
        own = cursor.voices[cursor.voice]
        most = self._back + 1  # notes
        notes = [(onset, pitch) for onset, (pitch, _) in islice(reversed(own.past.items()), most)][::-1]
        if symbol < v.PITCH.end:
            notes.append((cursor.now, symbol))
        if len(notes) <= min(self.most, self._of_base if self.base else self.most):
            return None
        notes = notes[-most:]
        lengths = [b[0] - a[0] for a, b in pairwise(notes)]
        moves = [b[1] - a[1] for a, b in pairwise(notes)]
        steps = [step_of(move, a, b) for move, (a, b) in zip(moves[:-1], pairwise(lengths), strict=True)]
        return notes[-1][0], steps, moves[-1], lengths[-1]

    @property
    def about_new_notes(self) -> bool:
        """See `Elsewhere`."""
        return not self.kept_too

    @property
    def looks_back(self) -> int:
        """The notes of a run; at least the one that a rest which is kept makes longer."""
        return self._back if self.kept_too else 1

    @property
    def _back(self) -> int:
        """Notes of the longest run that may stand in the songs or in the base's music."""
        return max(self.most, self._of_base if self.base else 0)

    @property
    def _of_base(self) -> int:
        """Notes that may stand in the base's music: a run of one window of it is the shortest that is known."""
        return max(self.most_of_base or self.most, self.base.size if self.base else 0)

    def _suspicious(self, steps: Sequence[int]) -> tuple[bool, bool]:
        """Whether the steps before the last stand in the songs, and in the base's music, as far as need be."""
        count, base = len(steps), self.base
        in_songs = count >= self.most - 1 and window(steps[count - self.most + 1 :]) in self.songs.begun
        if base is None or count < self._of_base - 1:
            return in_songs, False
        starts = range(count - base.size, count - self._of_base, -1)
        return in_songs, all(base.has_one(window(steps[start : start + base.size])) for start in starts)

    def _copied(self, rows: Steps, suspicious: tuple[bool, bool]) -> NDArray[np.bool_]:
        """Which of these rows of steps (n, steps) end in what stands in the songs or in the base's music."""
        found = np.zeros(len(rows), bool)
        if suspicious[0]:
            found |= self.songs.has(windows(rows[:, -self.most :], self.most)[:, 0])
        if suspicious[1] and self.base is not None:
            found |= self.base.has(windows(rows[:, -self.base.size :], self.base.size)[:, 0])
        return found
