"""Altered copies: stretches of a piece that stand in a song but for notes put in, left out or changed.

Where a few notes in a row are a song's (a seed), they say which place of the song they would be, in which key and at
which tempo. Ornaments that keep the time, and notes changed, leave that as it was: further seeds of the same copy say
the same. Where several agree, the notes around are compared one by one, and the best stretch of them is kept, if it is
long, close, and rarer than what chance brings.

How rare a seed is, songs themselves say: in bits, the logarithm of how many notes there are for each place where it
stands. What repeats itself counts once, so that broken chords and sequences do not add up to a copy.

Sources: S. F. Altschul, W. Gish, W. Miller, E. W. Myers, D. J. Lipman, "Basic local alignment search tool", J. Mol.
Biol. 215 (1990): seeds, extended and held against chance; A. Wang, "An industrial-strength audio search algorithm",
ISMIR (2003): seeds that agree on where they stand; J. Bentley, "Programming pearls: algorithm design techniques", CACM
27 (1984): the segment of the largest sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.originality.fingerprint import mixed
from tunesmith.originality.index import NOWHERE, Index, Ints, bar_finder
from tunesmith.originality.lines import Line, lines, step_of
from tunesmith.score import Score

LEAST_ALTERED = 12  # notes in common that count
LEAST_MORE = 4  # of them beside the longest run in one piece: with fewer that run says it all
LEAST_SHARE = 0.7  # that they are of the notes on either side
LEAST_BITS = 16.0  # that a stretch is rarer than one note of all
SEED = 4  # notes: of their three steps the intervals, and of the first two the ratios of lengths, are a song's
# ratios of lengths that the third step may have in the song: in the piece an ornament may make its last note shorter
RATIOS = ("1", "1/2", "2", "1/3", "3", "1/4", "4", "2/3", "3/2", "3/4", "4/3", "1/6", "6", "1/8")
STEADY = np.array([step_of(0, r.denominator, r.numerator) for r in map(Fraction, RATIOS)])  # such steps, the pitch kept
MOST_PLACES = 30_000  # of a seed; a commoner one says little
MOST_VOTES = 1 << 18  # of a window, its rarest seeds first
USUAL = 10_000  # notes that stand for all other music, each seed once among them: few songs do not say what is rare
WINDOW = 256  # seeds that are counted together; a power of two. The next window begins where the last ones stand
REACH = 16  # notes from one seed to the next of a stretch, and around them that are compared
MOST_COMPARED = 300  # of a window, the rarest first
UNLIKE = 1.5  # what a note that has no like takes away, against 1 that a note in common adds


@dataclass(frozen=True, slots=True)
class Altered:
    """A stretch of a piece that stands in a song but for some notes.

    `first`: its first note in the line, counted from 0; `notes`: how many it has, of which `matched` are the song's,
    the first and the last among them; `bars`: first and last. `part` and `voice` are the line's; `song`, `song_part`,
    `song_voice` and `song_bar` say where it begins there; `song_first`: the first of the song's notes in its line;
    `song_notes`: how many those are.
    """

    part: int
    voice: int
    first: int
    notes: int
    matched: int
    bars: tuple[int, int]
    song: int
    song_part: int
    song_voice: int
    song_bar: int
    song_first: int
    song_notes: int


class _Notes(NamedTuple):
    """Notes in a row: onsets (n,) in ticks, pitches (n,)."""

    onsets: Ints
    pitches: Ints


class _Seeds(NamedTuple):
    """Seeds, by their first notes: how rare each is, one number for all that are the same, and where they stand.

    bits (seeds,), kinds (seeds,); low and high (seeds, ratios) bound places in `Index.order`, none of what is common.
    """

    bits: NDArray[np.float64]
    kinds: Ints
    low: Ints
    high: Ints


class _Votes(NamedTuple):
    """Seeds, each at a place: keys (votes,), the same for those that agree; the first notes mine (votes,), in the line;
    places (votes,) of the index, and the rows (votes,) of `Index.starts` that they are in.
    """

    keys: NDArray[np.uint64]
    mine: Ints
    places: Ints
    rows: Ints


class _Stretch(NamedTuple):
    """Seeds that agree: the first notes of the first and of the last, and the place of the first."""

    first: int
    last: int
    place: int


class _Best(NamedTuple):
    """The best of a stretch: its first note, how many, how many in common, in how long a run, and notes of the song."""

    first: int
    notes: int
    matched: int
    run: int
    others: int
    place: int

    @property
    def good(self) -> bool:
        long_enough = self.matched >= LEAST_ALTERED and self.matched - self.run >= LEAST_MORE
        return long_enough and self.matched >= LEAST_SHARE * max(self.notes, self.others)


def altered(piece: Score, index: Index, but: int | None = None) -> tuple[Altered, ...]:
    """The altered copies in a piece, the most notes in common first; the song `but` is left aside.

    None lies within another. A run of which no note is altered is none. The index is one of `View.WHOLE`.
    """
    found: list[Altered] = []
    if len(index.tokens):
        bars_of = bar_finder(piece)
        for line in lines(piece):
            found += _of_line(line, bars_of(line), index, but)
    return tuple(sorted(found, key=lambda one: (-one.matched, one.part, one.voice, one.first)))


def _of_line(line: Line, bars: Ints, index: Index, but: int | None) -> Iterator[Altered]:
    notes = _Notes(np.array([n.onset for n in line.notes], np.int64), np.array([n.pitch for n in line.notes], np.int64))
    tokens = index.tokens_of(line.steps())
    best = {
        _best(notes, stretch, index)
        for start in range(0, max(0, len(tokens) - SEED + 2), WINDOW - 2 * REACH)
        for stretch in _agreeing(notes, tokens, start, index, but)
    }
    end, good = 0, (one for one in best if one.good)
    for one in sorted(good, key=lambda one: (one.first, -one.notes, -one.matched, one.place)):
        if one.first + one.notes > end:  # else it lies within another
            end = one.first + one.notes
            within = int(bars[one.first]), int(bars[end - 1])
            source, begun = index.source(one.place), int(index.starts[index.starts <= one.place][-1])
            yield Altered(line.part, line.voice, *one[:3], within, *source, one.place - begun, one.others)


def _seeds(tokens: Ints, pitches: Ints, index: Index) -> _Seeds:
    """The seeds of notes in a row, of which the pitches are given, and the steps as tokens."""
    third = index.tokens_of(np.diff(pitches)[SEED - 2 :, None] + STEADY)
    first, second = tokens[: len(third), None], tokens[1 : 1 + len(third), None]
    low, high = index.ranges(np.stack(np.broadcast_arrays(first, second, third), axis=-1))
    places = (high - low).sum(1)
    bits = np.log2((len(index.tokens) + USUAL) / (places + 1))
    kinds = np.unique(low, axis=0, return_inverse=True)[1].ravel()
    rarest = np.argsort(places, kind="stable")
    kept = np.zeros(len(places), bool)
    kept[rarest] = (places[rarest] <= MOST_PLACES) & (np.cumsum(places[rarest]) <= MOST_VOTES)
    return _Seeds(bits, kinds, low, np.where(kept[:, None], high, low))


def _votes(notes: _Notes, seeds: _Seeds, start: int, index: Index) -> _Votes:
    """Each seed once for every place where it stands, those that agree beside each other, in the order of the line."""
    counts = (seeds.high - seeds.low).ravel()
    ordered = np.repeat(seeds.low.ravel() - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    mine = np.repeat(np.arange(start, start + len(seeds.low)), (seeds.high - seeds.low).sum(1))
    places = index.order[ordered].astype(np.int64)
    rows = np.searchsorted(index.starts, places, side="right") - 1
    keys = _keys(notes, mine, index, places, rows) & ~np.uint64(WINDOW - 1)
    by_key = np.argsort(keys | (mine - start).astype(np.uint64))
    return _Votes(keys[by_key], mine[by_key], places[by_key], rows[by_key])


def _agreeing(notes: _Notes, tokens: Ints, start: int, index: Index, but: int | None) -> Iterator[_Stretch]:
    """Where seeds of a window agree on the line, the key, the tempo and the time, and are rare together."""
    end = start + WINDOW + SEED - 2  # the steps of the last seed's whole steps end here
    seeds = _seeds(tokens[start:end], notes.pitches[start : end + 1], index)
    keys, mine, places, rows = _votes(notes, seeds, start, index)
    gaps, count = np.diff(mine), len(mine)
    new = np.append(True, (keys[1:] != keys[:-1]) | (gaps > REACH))[:count]
    more = np.where(new, SEED, np.minimum(np.append(SEED, gaps), SEED)[:count])  # notes that the seed before has not
    stretches, starts = np.cumsum(new) - 1, np.flatnonzero(new)
    bits, least = seeds.bits[mine - start] * more / SEED, LEAST_BITS + math.log2(len(index.tokens))
    rare = (np.bincount(stretches, bits) >= least) & (
        index.owners[rows[starts], 0] != (NOWHERE if but is None else but)
    )
    told = np.flatnonzero(rare[stretches])
    once = told[np.unique(stretches[told] * WINDOW + seeds.kinds[mine[told] - start], return_index=True)[1]]
    sums = np.bincount(stretches[once], bits[once], len(starts))
    ends = np.append(starts[1:], count) - 1
    for at in np.argsort(-sums, kind="stable")[: min(MOST_COMPARED, int((sums >= least).sum()))].tolist():
        yield _Stretch(int(mine[starts[at]]), int(mine[ends[at]]), int(places[starts[at]]))


def _keys(notes: _Notes, mine: Ints, index: Index, places: Ints, rows: Ints) -> NDArray[np.uint64]:
    """A number for each vote; votes have the same if they agree."""
    theirs = index.onsets[places].astype(np.int64)
    tempo = (notes.onsets[mine + 1] - notes.onsets[mine]) / (index.onsets[places + 1] - theirs)
    begins = np.floor(notes.onsets[mine] - theirs * tempo + 0.3183).astype(np.int64)  # a half could fall either way
    moved = notes.pitches[mine] - index.pitches[places]
    return mixed(mixed(tempo.view(np.uint64) + begins.astype(np.uint64)) + (rows * 256 + moved).astype(np.uint64))


def _best(notes: _Notes, stretch: _Stretch, index: Index) -> _Best:
    """The best of a stretch and its surroundings, which are taken wider as long as it reaches to their end."""
    reach, count = REACH, len(notes.onsets)
    while True:
        low, high = max(0, stretch.first - reach), min(count, stretch.last + SEED + reach)
        best = _compared(notes, stretch, low, high, index)
        if (best.first > low or low == 0) and (best.first + best.notes < high or high == count):
            return best
        reach *= 4


def _compared(notes: _Notes, stretch: _Stretch, low: int, high: int, index: Index) -> _Best:
    """The best stretch of notes `low` to `high`, each held against the note of the song at its time."""
    mine = (notes.onsets[low:high] - notes.onsets[stretch.first]) * _length(index.onsets, stretch.place)
    theirs, pitches, begin = _song(notes, stretch, mine, index)
    near = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
    like = (theirs[near] == mine) & (pitches[near] == notes.pitches[low:high])
    unlike = np.ones(len(theirs), bool)
    unlike[near[like]] = False
    others = np.full(int(unlike.sum()), -1)  # notes of the song alone
    order = np.argsort(np.append(mine, theirs[unlike]), kind="stable")
    own, like = np.append(np.arange(low, high), others)[order], np.append(like, others > 0)[order]
    start, end = _largest(np.where(like, 1.0, -UNLIKE))
    own, like = own[start:end], like[start:end]
    runs = np.diff(np.flatnonzero(np.concatenate(([True], ~like, [True])))) - 1
    matched, of_mine = int(like.sum()), int((own >= 0).sum())
    first = int(own[0])
    return _Best(first, of_mine, matched, int(runs.max()), len(own) - of_mine + matched, begin + int(near[first - low]))


def _song(notes: _Notes, stretch: _Stretch, mine: Ints, index: Index) -> tuple[Ints, Ints, int]:
    """What a song has at the onsets `mine`: onsets, pitches as they are in the piece, the place of the first.

    Onsets are counted from where the stretch begins, in ticks times the length of the other side's first note, so that
    they are whole numbers in one unit.
    """
    row = int(np.searchsorted(index.starts, stretch.place, side="right"))
    begin, end = int(index.starts[row - 1]), int(index.starts[row]) if row < len(index.starts) else len(index.tokens)
    length, onsets, zero = _length(notes.onsets, stretch.first), index.onsets[begin:end], index.onsets[stretch.place]
    low, high = np.searchsorted(onsets, int(zero) + mine[[0, -1]] // length + np.array([0, 1])).tolist()
    theirs = (onsets[low:high].astype(np.int64) - int(zero)) * length
    moved = int(notes.pitches[stretch.first]) - int(index.pitches[stretch.place])
    return theirs, index.pitches[begin + low : begin + high].astype(np.int64) + moved, begin + low


def _length(onsets: Ints, at: int) -> int:
    """From a note to the next, in ticks."""
    return int(onsets[at + 1]) - int(onsets[at])


def _largest(numbers: NDArray[np.floating[Any]]) -> tuple[int, int]:
    """The segment of the largest sum: where it begins, and after its end."""
    sums = np.append(0.0, np.cumsum(numbers))
    end = int(np.argmax(sums - np.minimum.accumulate(sums)))
    return int(end - np.argmin(sums[:end][::-1])) - 1 if end else 0, end
