"""Songs met so far, looked up by melody: which of them is nearly the same as another one.

Candidates come from sketches: for each song the `fingerprints.SKETCH` smallest hashes of its melody's n-grams
(bottom-k MinHash: A. Broder, "On the resemblance and containment of documents", 1997), in an inverted index of
sorted arrays, 8 bytes an entry. The few songs that share most hashes are compared note by note
(`fingerprints.likeness`), their melodies read back from disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tunesmith.fingerprints import likeness, sketch

NEAR = 0.7  # melodies alike by this much are nearly the same: below it, tunes of other names begin to be found
SHARED = 3  # hashes that a candidate must share
JUDGED = 4  # candidates compared note by note
COMMON = 300  # a hash that so many songs have tells nothing
NOTE_BYTES = 8  # of a melody's note
RECENT = 4_096  # entries that are not sorted in yet, at the most


@dataclass(frozen=True, slots=True)
class Near:
    """A song, by number, and how much of the melody it shares, 0 to 1."""

    number: int
    likeness: float


class Alike:
    """Songs by melody. `melodies`: a file, open for reading and writing, in which their melodies are kept."""

    def __init__(self, melodies: IO[bytes]) -> None:
        self._file = melodies
        self._starts = [0]  # where each song's melody begins, in notes
        self._index = _Index()

    def nearest(self, melody: NDArray[np.int32]) -> Near | None:
        """The song met so far that is nearly the same, the first of the most alike; None where there is none."""
        best: Near | None = None
        for number in self._index.candidates(sketch(melody)):
            found = likeness(self._melody(number), melody)
            if found >= NEAR and (best is None or found > best.likeness):
                best = Near(number, found)
        return best

    def add(self, melody: NDArray[np.int32]) -> None:
        """Remember a song; numbers are given out in order."""
        rows = np.ascontiguousarray(melody, "<i4")
        self._file.seek(0, 2)
        self._file.write(rows.tobytes())
        self._index.add(len(self._starts) - 1, sketch(rows))
        self._starts.append(self._starts[-1] + len(rows))

    def remember(self, lengths: NDArray[np.integer]) -> None:
        """Take up the melodies in the file, of so many notes each."""
        for number, length in enumerate(lengths.tolist()):
            self._starts.append(self._starts[-1] + length)
            self._index.add(number, sketch(self._melody(number)))

    def _melody(self, number: int) -> NDArray[np.int32]:
        start, end = self._starts[number : number + 2]
        self._file.seek(start * NOTE_BYTES)
        return np.frombuffer(self._file.read((end - start) * NOTE_BYTES), "<i4").reshape(-1, 2)


class _Index:
    """Which songs have a hash: two sorted arrays, and the latest entries, which are sorted in from time to time."""

    def __init__(self) -> None:
        self._hashes, self._songs = np.empty(0, np.uint32), np.empty(0, np.int32)
        self._recent: dict[int, list[int]] = {}
        self._waiting = 0

    def add(self, song: int, hashes: NDArray[np.uint32]) -> None:
        for value in hashes.tolist():
            self._recent.setdefault(value, []).append(song)
        self._waiting += len(hashes)
        if self._waiting >= RECENT:
            self._sort_in()

    def candidates(self, hashes: NDArray[np.uint32]) -> list[int]:
        """The songs that share most of these hashes, `JUDGED` at the most, those that share more first."""
        low, high = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        found = []
        for value, a, b in zip(hashes.tolist(), low.tolist(), high.tolist(), strict=True):
            songs = [*self._songs[a:b].tolist(), *self._recent.get(value, ())]
            found += songs if len(songs) <= COMMON else []
        numbers, shared = np.unique(np.array(found, np.int32), return_counts=True)
        order = np.lexsort((numbers, -shared))[:JUDGED]
        least = min(SHARED, max(1, len(hashes) // 3))
        return [int(numbers[i]) for i in order if shared[i] >= least]

    def _sort_in(self) -> None:
        pairs = [(value, song) for value, songs in self._recent.items() for song in songs]
        hashes, songs = (np.array(column, np.int64) for column in zip(*sorted(pairs), strict=True))
        places = np.searchsorted(self._hashes, hashes.astype(np.uint32), "right")  # songs of a hash stay in order
        self._hashes = np.insert(self._hashes, places, hashes.astype(np.uint32))
        self._songs = np.insert(self._songs, places, songs.astype(np.int32))
        self._recent, self._waiting = {}, 0


def united(openings: NDArray[np.uint64], like: NDArray[np.int32]) -> NDArray[np.int32]:
    """Groups of songs that open alike or are linked to an earlier one: for each song the first of its group."""
    _, first, place = np.unique(openings, return_index=True, return_inverse=True)
    groups = list(range(len(openings)))

    def root(number: int) -> int:
        while groups[number] != number:
            groups[number] = number = groups[groups[number]]
        return number

    for number, (same, near) in enumerate(zip(first[place].tolist(), like.tolist(), strict=True)):
        for other in (same, near):
            if other >= 0:
                a, b = root(number), root(other)
                groups[max(a, b)] = min(a, b)
    return np.array([root(number) for number in range(len(groups))], np.int32)
