"""Songs as a suffix array of their steps, and the longest stretch that a line has in common with any of them.

All lines stand one after another, a mark of its own between any two, so that no stretch reaches over an end. Places
are sorted by the steps that follow them, by prefix doubling; a search halves the array, and never compares again what
it knows to be alike. Memory grows with the number of notes, and so does, but for a logarithm, the time; one step that
is repeated for very long takes longer, up to `MOST` steps for each.

Source: U. Manber, G. Myers, "Suffix arrays: a new method for on-line string searches", SIAM J. Comput. 22 (1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.originality.lines import Line, Steps, View, lines
from tunesmith.score import Score

Ints = NDArray[np.integer[Any]]
MOST = 1024  # steps that a stretch is followed: a power of two. What is alike for longer is found piece by piece
CHUNK = 64  # steps that are compared at once
NOWHERE = -1
SEARCHED = 1 << 14  # places that are searched for at once


class Found(NamedTuple):
    """For every step of a line: how many steps from there on a song has too, and at which place of the index.

    lengths (steps,), places (steps,), `NOWHERE` where the length is 0.
    """

    lengths: Ints
    places: Ints


class Source(NamedTuple):
    """Where a place of the index is: the song's number, part, voice, and the bar of the note that its step leaves."""

    song: int
    part: int
    voice: int
    bar: int


@dataclass(frozen=True, slots=True)
class Index:
    """Songs to compare with. N steps and marks in L lines.

    vocabulary (V,): the steps met, sorted. tokens (N,): places in the vocabulary; from V on the marks after lines.
    order (N,): places, sorted by what follows. bars (N,): of the note that a step leaves. starts (L,): the place where
    each line begins; owners (L, 3): its song, part and voice. onsets (N,) in ticks and pitches (N,) are those of the
    note that a step leaves, a mark of the last note of its line; in `View.WHOLE` alone, else there are none.
    """

    view: View
    vocabulary: Steps
    tokens: Ints
    order: Ints
    bars: Ints
    starts: Ints
    owners: Ints
    onsets: Ints
    pitches: Ints

    @classmethod
    def of(cls, songs: Iterable[Score], view: View = View.WHOLE) -> Index:
        """Index songs, numbered as they come."""
        steps, notes, starts, owners = list[Steps](), list[Ints](), list[int](), list[tuple[int, int, int]]()
        place = 0
        for number, song in enumerate(songs):
            bars_of = bar_finder(song)
            for line in lines(song):
                steps.append(line.steps(view))
                notes.append(_notes(line, bars_of(line), view))
                starts.append(place)
                owners.append((number, line.part, line.voice))
                place += len(line.notes)  # its steps, and the mark after them
        vocabulary = np.unique(np.concatenate(steps)) if steps else np.empty(0, np.int64)
        tokens = np.empty(place, np.int32)
        for number, (start, of_line) in enumerate(zip(starts, steps, strict=True)):
            tokens[start : start + len(of_line)] = np.searchsorted(vocabulary, of_line)
            tokens[start + len(of_line)] = len(vocabulary) + number
        steps.clear()  # sorting needs the room
        bars, onsets, pitches = (_joined([rows[column] for rows in notes if len(rows) > column]) for column in range(3))
        notes.clear()
        pitches = pitches.astype(np.int8)
        order = _sorted(tokens)
        places, lines_of = np.array(starts, np.int64), np.array(owners, np.int32).reshape(-1, 3)
        return cls(view, vocabulary, tokens, order, bars, places, lines_of, onsets, pitches)

    @property
    def songs(self) -> Ints:
        """The song (N,) of every place."""
        owners: Ints = self.owners[np.searchsorted(self.starts, np.arange(len(self.tokens)), side="right") - 1, 0]
        return owners

    def source(self, place: int) -> Source:
        """Where a place is."""
        line = int(np.searchsorted(self.starts, place, side="right")) - 1
        song, part, voice = self.owners[line].tolist()
        return Source(song, part, voice, int(self.bars[place]))

    def longest(self, steps: Steps, but: int | None = None) -> Found:
        """The longest stretch from every step (n,) of a line on that a song has too, the song `but` left aside."""
        tokens = self.tokens_of(steps)
        lengths, places = np.zeros(len(tokens), np.int64), np.full(len(tokens), NOWHERE)
        if not len(self.tokens):
            return Found(lengths, places)
        line = np.append(tokens, np.int32(NOWHERE))
        around = self._neighbours(but)
        for start in range(0, len(tokens), SEARCHED):
            at = np.arange(start, min(start + SEARCHED, len(tokens)))
            gap = self._gap(line, at)
            for neighbour in (near[gap] for near in around) if around else (gap - 1, gap):
                real = (neighbour >= 0) & (neighbour < len(self.order))
                near = self.order[np.where(real, neighbour, 0)].astype(np.int64)
                common = np.where(real, self._common(near, line, at, np.zeros_like(at)), 0)
                better = common > lengths[at]
                lengths[at[better]], places[at[better]] = common[better], near[better]
        self._go_on(lengths, places, line)
        return Found(lengths, places)

    def ranges(self, tokens: Ints) -> tuple[Ints, Ints]:
        """Where in `order` the places are (...) that a few tokens (..., few) follow: the first, and after the last."""
        low = np.zeros(tokens.shape[:-1], np.int64)
        if not len(self.tokens):
            return low, low
        return self._bound(tokens, False), self._bound(tokens, True)

    def _bound(self, tokens: Ints, after: bool) -> Ints:
        """How many places of `order` come before those that tokens (..., few) follow, or with them `after`."""
        low = np.zeros(tokens.shape[:-1], np.int64)
        high = np.full_like(low, len(self.order))
        while (going := low < high).any():
            middle = (low + high) // 2
            places = self.order[np.minimum(middle, len(self.order) - 1)].astype(np.int64)
            theirs = self.tokens[np.minimum(places[..., None] + np.arange(tokens.shape[-1]), len(self.tokens) - 1)]
            unlike = theirs != tokens
            at = unlike.argmax(-1)[..., None]
            less = (np.take_along_axis(theirs, at, -1) < np.take_along_axis(tokens, at, -1))[..., 0]
            first = np.where(unlike.any(-1), less, after) & going
            low = np.where(first, middle + 1, low)
            high = np.where(going & ~first, middle, high)
        return low

    def _go_on(self, lengths: Ints, places: Ints, line: Ints) -> None:
        """Where a stretch was followed as far as any is, the next goes on with it, if that is as good as its own."""
        for at in np.flatnonzero((lengths[1:] == MOST) & (lengths[:-1] == MOST)).tolist():
            following, last = places[at] + 1, at + MOST
            if self.tokens[following + MOST - 1] == line[last]:
                places[at + 1] = following

    def _gap(self, line: Ints, at: Ints) -> Ints:
        """How many places of `order` come before what follows `at` in the line."""
        low, high = np.zeros(len(at), np.int64), np.full(len(at), len(self.order))
        alike_low, alike_high = np.zeros_like(low), np.zeros_like(low)  # steps in common with what bounds the search
        while (searching := np.flatnonzero(low < high)).size:
            middle = (low[searching] + high[searching]) // 2
            places, mine = self.order[middle].astype(np.int64), at[searching]
            known = np.minimum(alike_low[searching], alike_high[searching])
            common = self._common(places, line, mine, known)
            theirs = self.tokens[np.minimum(places + common, len(self.tokens) - 1)]
            first = theirs < line[np.minimum(mine + common, len(line) - 1)]
            low[searching] = np.where(first, middle + 1, low[searching])
            high[searching] = np.where(first, high[searching], middle)
            alike_low[searching] = np.where(first, common, alike_low[searching])
            alike_high[searching] = np.where(first, alike_high[searching], common)
        return low

    def _neighbours(self, but: int | None) -> tuple[Ints, Ints] | None:
        """For every gap (N + 1,) in `order` the nearest of it before and after, -1 and N where there is none.

        None where no song is left aside: then they are those at the gap.
        """
        if but is None:
            return None
        gaps = np.arange(len(self.order) + 1)
        others = self.songs[self.order] != but
        before = np.maximum.accumulate(np.where(others, gaps[:-1], -1))
        after = np.minimum.accumulate(np.where(others, gaps[:-1], len(others))[::-1])[::-1]
        return np.append(-1, before), np.append(after, len(others))

    def tokens_of(self, steps: Steps) -> Ints:
        """Steps as tokens; `NOWHERE` where no song has them."""
        if not len(self.vocabulary):
            return np.full(np.shape(steps), NOWHERE, np.int32)
        near = np.minimum(np.searchsorted(self.vocabulary, steps), len(self.vocabulary) - 1)
        return np.where(self.vocabulary[near] == steps, near, NOWHERE).astype(np.int32)

    def _common(self, places: Ints, line: Ints, at: Ints, known: Ints) -> Ints:
        """How many steps from `places` on are those of the line from `at` on, up to `MOST`; `known` of them are.

        The line ends with a token that no place has.
        """
        lengths, reach = known.copy(), np.arange(CHUNK)
        going = np.flatnonzero(lengths < MOST)
        while going.size:
            so_far = lengths[going, None] + reach
            theirs = self.tokens[np.minimum(places[going, None] + so_far, len(self.tokens) - 1)]
            unlike = theirs != line[np.minimum(at[going, None] + so_far, len(line) - 1)]
            lengths[going] += np.where(unlike.any(1), unlike.argmax(1), CHUNK)
            going = going[~unlike.any(1) & (lengths[going] < MOST)]
        return np.minimum(lengths, MOST)


def _notes(line: Line, bars: Ints, view: View) -> Ints:
    """What an index keeps of notes: rows of bars, and where the view is the whole, of onsets and pitches."""
    if view is not View.WHOLE:
        return _narrow(bars[None])
    return _narrow(np.array([bars, [note.onset for note in line.notes], [note.pitch for note in line.notes]]))


def _narrow(numbers: Ints) -> Ints:
    """The same in 32 bits, if they are small enough: ticks of a long piece may not be."""
    return numbers.astype(np.int32) if np.abs(numbers).max(initial=0) < 1 << 31 else numbers


def _joined(rows: list[Ints]) -> Ints:
    return np.concatenate(rows) if rows else np.empty(0, np.int32)


def _sorted(tokens: Ints) -> Ints:
    """Places (N,) sorted by the `MOST` tokens that follow each.

    A place's rank is how many come before all that are not told apart from it; those told apart are left alone.
    """
    count = len(tokens)
    ranks, left = tokens.astype(np.int32), np.arange(count, dtype=np.int32)  # left: places, by rank
    reach = 0
    while reach < MOST and left.size:
        keys = ranks[left].astype(np.int64) * (int(ranks.max()) + 2)
        if reach:  # of a place beyond the end 0, which comes first
            later = np.minimum(left.astype(np.int64) + reach, count - 1)
            keys += np.where(left < count - reach, ranks[later] + 1, 0)
            del later
        by_key = np.argsort(keys, kind="stable")
        left, keys = left[by_key], keys[by_key]
        del by_key
        new = np.append(True, keys[1:] != keys[:-1])  # where others begin
        del keys
        before = ranks[left] if reach else np.zeros_like(left)
        old = np.append(True, before[1:] != before[:-1])
        at = np.arange(len(left), dtype=np.int32)
        ranks[left] = before + at[new][np.cumsum(new) - 1] - at[old][np.cumsum(old) - 1]
        left = left[~(new & np.append(new[1:], True))]
        reach = 2 * reach or 1
    order: Ints = np.argsort(ranks, kind="stable").astype(np.int32)
    return order


def bar_finder(score: Score) -> Callable[[Line], Ints]:
    """What gives the number of the bar (notes,) that each note of a line begins in; a pickup is bar 0."""
    found = [(bar.start, bar.number) for bar in score.bars()] or [(0, 1)]
    starts, numbers = np.array(found).T

    def bars_of(line: Line) -> Ints:
        onsets = [note.onset for note in line.notes]
        bars: Ints = numbers[np.searchsorted(starts, onsets, side="right") - 1]
        return bars

    return bars_of
