"""What a piece has in common with songs: which runs of its notes stand in them, and where.

A run is a stretch of notes of one voice whose steps follow each other in a song too, so that it may stand there in
another key, at another tempo, at another place in the bar. Short runs are everybody's: scales, repeated notes,
cadences. From `LEAST` notes on a run counts as copied; how much of that is usual, songs say of each other
(`yardstick`). Copies that no run tells, since notes of them are altered, are looked for where that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from tunesmith.originality.altered import LEAST_MORE, Altered, altered
from tunesmith.originality.index import Index, Ints, bar_finder
from tunesmith.originality.lines import LEAST, Line, View, lines
from tunesmith.score import Score

MOST_COMPARED = 50  # songs that the yardstick is taken from


@dataclass(frozen=True, slots=True)
class Run:
    """Notes of a piece that stand in a song. `first`: their first in the line, counted from 0; `bars`: first and last.

    `part` and `voice` are the line's; `song`, `song_part`, `song_voice` and `song_bar` say where the run begins there.
    """

    part: int
    voice: int
    first: int
    notes: int
    bars: tuple[int, int]
    song: int
    song_part: int
    song_voice: int
    song_bar: int


@dataclass(frozen=True, slots=True)
class Originality:
    """How much of a piece stands in songs.

    `notes`: how many were compared; `copied`: how many of them are in runs of `least` notes or more; `longest`: notes
    of the longest run of all, the shorter ones too; `runs`: those of `least` notes or more, the longest first;
    `closest`: by bar, the song of the longest run that touches it, and its notes. `altered`: stretches that stand in a
    song but for some notes, the longest first, those left out that a run tells; none where they were not asked for.
    """

    view: View
    least: int
    notes: int
    copied: int
    longest: int
    runs: tuple[Run, ...]
    closest: dict[int, tuple[int, int]]
    altered: tuple[Altered, ...] = ()

    @property
    def share(self) -> float:
        """The share of the notes that is copied; 0 where there are none."""
        return self.copied / self.notes if self.notes else 0.0


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What songs have in common with each other: of so many songs the median and the largest of each figure.

    `altered` and `most_altered` count stretches; None where they were not asked for.
    """

    songs: int
    share: float
    most_share: float
    longest: float
    most_longest: int
    altered: float | None = None
    most_altered: int | None = None


def originality(
    piece: Score, index: Index, least: int = LEAST, but: int | None = None, with_altered: bool = False
) -> Originality:
    """Compare a piece with the songs of an index; the song `but` is left aside.

    A run is told once: one that lies within another is not. `with_altered`: look for copies with notes altered too,
    which takes longer; in `View.WHOLE` alone, in other views there are none.
    """
    bars_of = bar_finder(piece)
    runs: list[Run] = []
    told: list[Run] = []  # the shorter ones too
    copied = notes = longest = 0
    closest: dict[int, tuple[int, int]] = {}
    for line in lines(piece):
        lengths, places = index.longest(line.steps(index.view), but)
        bars = bars_of(line)
        notes += len(line.notes)
        covered = np.zeros(len(line.notes), bool)
        for first, steps in _maximal(lengths, places):
            length = steps + 1
            run = _run(line, first, length, bars, index, int(places[first]))
            told.append(run)
            longest = max(longest, length)
            for bar in range(run.bars[0], run.bars[1] + 1):
                if closest.get(bar, (0, 0))[1] < length:
                    closest[bar] = run.song, length
            if length >= least:
                covered[first : first + length] = True
                runs.append(run)
        copied += int(covered.sum())
    runs.sort(key=lambda run: (-run.notes, run.part, run.voice, run.first))
    changed = altered(piece, index, but) if with_altered and index.view is View.WHOLE else ()
    changed = tuple(one for one in changed if not any(_tells(run, one) for run in told))
    return Originality(index.view, least, notes, copied, longest, tuple(runs), dict(sorted(closest.items())), changed)


def yardstick(
    songs: Sequence[Score], index: Index, least: int = LEAST, seed: int = 0, with_altered: bool = False
) -> Yardstick:
    """The same figures for songs of an index, each compared with the others; of many, `MOST_COMPARED` by chance."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(songs))[:MOST_COMPARED]).tolist()
    found = [originality(songs[number], index, least, number, with_altered) for number in chosen]
    shares, longest = [one.share for one in found] or [0.0], [one.longest for one in found] or [0]
    usual = len(found), median(shares), max(shares), median(longest), max(longest)
    if not with_altered or index.view is not View.WHOLE:
        return Yardstick(*usual)
    counts = [len(one.altered) for one in found] or [0]
    return Yardstick(*usual, median(counts), max(counts))


def _tells(run: Run, one: Altered) -> bool:
    """Whether a run has (nearly) all that is in common already."""
    if (run.part, run.voice) != (one.part, one.voice):
        return False
    both = min(run.first + run.notes, one.first + one.notes) - max(run.first, one.first)
    return one.matched - both < LEAST_MORE


def _maximal(lengths: Ints, places: Ints) -> list[tuple[int, int]]:
    """The stretches (first, steps) that lie within no other; one followed in pieces is one."""
    found: list[tuple[int, int]] = []
    offset = None
    for first in np.flatnonzero(lengths).tolist():
        end = first + int(lengths[first])
        if found and end <= sum(found[-1]):
            continue
        if found and first <= sum(found[-1]) and places[first] - first == offset:
            found[-1] = found[-1][0], end - found[-1][0]
        else:
            found.append((first, end - first))
            offset = places[first] - first
    return found


def _run(line: Line, first: int, notes: int, bars: Ints, index: Index, place: int) -> Run:
    source = index.source(place)
    within = int(bars[first]), int(bars[first + notes - 1])
    return Run(line.part, line.voice, first, notes, within, *source)
