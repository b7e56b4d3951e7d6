"""The best row of beats through the onsets of a stretch of music, by dynamic programming.

Every onset is on a beat or on a place inside one, every place of the beat has an onset or not (`CHANCES`), the tempo
changes little from beat to beat, and beats are about as fast as feet tap. The most probable row of beats of all is
found, so that no early mistake decides the rest. Sources: beats as a path over onsets, D. Ellis, "Beat Tracking by
Dynamic Programming", Journal of New Music Research 36 (2007); a running tempo and many hypotheses, S. Dixon,
"Automatic Extraction of Tempo and Beat from Expressive Performances", ibid. 30 (2001); chances of the places in a beat,
D. Temperley, "Music and Probability", MIT Press 2007, ch. 3.

Time is in seconds, costs are in nats. The figures were chosen on hymns and piano pieces played by `bench/played.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FASTEST, SLOWEST = 0.25, 1.3  # seconds from beat to beat
USUAL, OCTAVES = 0.56, 0.45  # the beat that people like best, in seconds, and the deviation, in octaves
JITTER = 0.028  # seconds by which onsets miss their place (standard deviation)
LOST = 9.0  # nats that an onset can cost at most: some are on no place at all
DRIFT = 0.06  # change of tempo from beat to beat (standard deviation of the logarithm)
AGILITY = 0.85  # share of a change that the running tempo takes over
TEMPI = np.geomspace(FASTEST / 1.2, SLOWEST * 1.2, 96)  # running tempos that are told apart, in seconds a beat
LOG_TEMPI = np.log(TEMPI)
LOG_STEP = float(LOG_TEMPI[1] - LOG_TEMPI[0])
LONGEST = 4  # beats from one beat with an onset to the next
REACH = 40  # onsets that are looked at for it
WORTH = 10.0  # nats over the best at which a running tempo is given up
CHUNK = 256  # onsets whose steps are worked out together

# place inside the beat -> the chance that it has an onset
CHANCES = {
    0.0: 0.8, 1 / 2: 0.4, 1 / 4: 0.12, 3 / 4: 0.16, 1 / 3: 0.03, 2 / 3: 0.04,
    1 / 8: 0.01, 3 / 8: 0.01, 5 / 8: 0.01, 7 / 8: 0.015, 1 / 6: 0.006, 5 / 6: 0.008,
}  # fmt: skip  # a table, read across
PHASES = 192  # steps in which a place inside the beat is looked up


@dataclass(frozen=True, slots=True)
class Onsets:
    """What is heard as one onset each: `times` in seconds, ascending, and `weights` about 1 (more is stronger)."""

    times: Floats
    weights: Floats


# --- what an onset at a place costs -------------------------------------------------------------------------------


def _surprise() -> tuple[Floats, Floats]:
    """Places inside a beat (0 to 1, both ends), and what an onset there costs more than none."""
    places = np.array([*CHANCES, 1.0])
    chances = np.array([*CHANCES.values(), CHANCES[0.0]])
    return places, np.log(1 - chances) - np.log(chances)


PLACES, PRICES = _surprise()
EMPTY = float(-sum(np.log(1 - chance) for place, chance in CHANCES.items() if place))  # of a beat with nothing inside
MISSING = float(PRICES[0] * -1)  # of a beat with no onset on it, against one that has


def _costs_by_phase() -> Floats:
    """What an onset costs, (running tempo, phase)."""
    phases = np.arange(PHASES) / PHASES
    errors = (phases[:, None] - PLACES) * TEMPI[:, None, None] / JITTER
    result: Floats = np.minimum(np.min(errors**2 / 2 + PRICES - PRICES[0], axis=-1), LOST)
    return result


COSTS = _costs_by_phase()


def _bins(periods: Floats) -> Ints:
    """The nearest of `TEMPI`."""
    steps = np.round((np.log(periods) - LOG_TEMPI[0]) / LOG_STEP)
    result: Ints = np.clip(steps, 0, len(TEMPI) - 1).astype(np.int64)
    return result


def _inside(x: Floats, bins: Ints) -> Floats:
    """What onsets cost at `x` beats from a beat, in the tempo of `bins`."""
    result: Floats = COSTS[bins, (np.round(x * PHASES) % PHASES).astype(np.int64)]
    return result


# --- the best path ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps from onsets on the beat to later ones, by onset: `at` is where those of each begin.

    `to`: onset; `beats` between; `periods`: seconds a beat; `costs`: of onsets between, of length, of empty beats.
    """

    at: list[int]
    to: Ints
    beats: Ints
    periods: Floats
    costs: Floats


def _steps(heard: Onsets, first: int, last: int) -> Steps:
    """All steps that can be made from the onsets `first` to `last`."""
    count = len(heard.times)
    start = np.arange(first, min(last, count))[:, None, None]
    ahead = np.arange(1, REACH + 1)[:, None]
    beats = np.arange(1, LONGEST + 1)
    spans = heard.times[np.minimum(start + ahead, count - 1)] - heard.times[start]
    periods = spans / beats
    usable = (start + ahead < count) & (periods >= FASTEST) & (periods <= SLOWEST)
    i, j, k = (place.astype(np.int64) for place in np.nonzero(usable))
    period, gap, onset = periods[usable], k + 1, i + first
    usual = (np.log2(period / USUAL) / OCTAVES) ** 2 / 2
    costs = _between(heard, onset, j, period) + gap * (EMPTY + usual) + k * MISSING
    at = np.searchsorted(i, np.arange(len(start) + 1)).tolist()
    return Steps(at, onset + j + 1, gap, period, costs)


def _between(heard: Onsets, onset: Ints, count: Ints, period: Floats) -> Floats:
    """What the next `count` onsets after each cost, in beats of such a period."""
    bins, costs = _bins(period), np.zeros(len(onset))
    for ahead in range(1, int(count.max(initial=0)) + 1):
        rows = np.flatnonzero(count >= ahead)
        later = onset[rows] + ahead
        x = (heard.times[later] - heard.times[onset[rows]]) / period[rows]
        costs[rows] += _inside(x, bins[rows]) * heard.weights[later]
    return costs


def _edge(heard: Onsets, i: int, before: bool) -> Floats:
    """What the onsets before the first beat, or after the last, cost; by running tempo."""
    times = heard.times[:i] if before else heard.times[i + 1 :]
    if not len(times):
        return np.zeros(len(TEMPI))
    x = np.abs(times - heard.times[i])[None, :] / TEMPI[:, None]
    phase = np.where(before, -x, x)
    beats = np.floor(x.max(axis=1)) + (1 if before else 0)
    costs = _inside(phase, np.arange(len(TEMPI))[:, None]) * (heard.weights[:i] if before else heard.weights[i + 1 :])
    result: Floats = costs.sum(axis=1) + beats * (EMPTY + MISSING)
    return result


def best_path(heard: Onsets) -> tuple[Ints, Floats]:
    """The best row of beats that have an onset: their places (beats from the first) and their times."""
    count, tempi = len(heard.times), len(TEMPI)
    best = np.full((count, tempi), np.inf, np.float32)
    came = np.zeros((count, tempi, 3), np.int8)  # how many onsets and beats back the last beat was, and its tempo
    for first in range(0, count, CHUNK):
        steps = _steps(heard, first, first + CHUNK)
        for i in range(first, min(first + CHUNK, count)):
            if heard.times[i] - heard.times[0] <= 2 * SLOWEST and i < REACH:
                opening = _edge(heard, i, before=True)
                better = opening < best[i]
                best[i, better], came[i, better] = opening[better], 0
            _advance(i, slice(*steps.at[i - first : i - first + 2]), steps, best, came)
    return _traced(heard, best, came)


def _advance(i: int, some: slice, steps: Steps, best: NDArray[np.float32], came: NDArray[np.int8]) -> None:
    """Take the steps from an onset, in all running tempos that are worth it."""
    least = best[i].min()
    if some.start == some.stop or not np.isfinite(least):
        return
    alive = np.flatnonzero(best[i] < least + WORTH)
    beats, periods = steps.beats[some, None], steps.periods[some, None]
    change = np.log(periods) - LOG_TEMPI[alive]
    # the two onsets miss their places as well, which looks like a change of tempo
    variance = DRIFT**2 * beats + 2 * (JITTER / (beats * periods)) ** 2
    cost = best[i, alive] + (steps.costs[some, None] + np.log(variance) / 2 + 3) + change**2 / (2 * variance)
    rows, columns = np.nonzero(cost < (steps.costs[some, None] + least + WORTH))
    tempo = np.round((LOG_TEMPI[alive[columns]] + change[rows, columns] * AGILITY - LOG_TEMPI[0]) / LOG_STEP)
    target = steps.to[some][rows] * len(TEMPI) + np.clip(tempo, 0, len(TEMPI) - 1).astype(np.int64)
    value = cost[rows, columns]
    order = np.argsort(-value, kind="stable")  # the least is written last
    order = order[value[order] < best.reshape(-1)[target[order]]]
    rows, columns, target = rows[order], columns[order], target[order]
    best.reshape(-1)[target] = value[order]
    came.reshape(-1, 3)[target] = np.stack([steps.to[some][rows] - i, steps.beats[some][rows], alive[columns]], axis=1)


def _traced(heard: Onsets, best: NDArray[np.float32], came: NDArray[np.int8]) -> tuple[Ints, Floats]:
    """The path that ends best, from its first beat on."""
    count = len(heard.times)
    ends = [i for i in range(max(0, count - REACH), count) if heard.times[-1] - heard.times[i] <= 2 * SLOWEST]
    totals = {i: best[i] + _edge(heard, i, before=False) for i in ends}
    i = min(totals, key=lambda end: float(totals[end].min()))
    tempo = int(totals[i].argmin())
    found, gaps = [i], []
    while came[i, tempo, 0]:
        back, beats, tempo = (int(v) for v in came[i, tempo])
        i -= back
        found.append(i)
        gaps.append(beats)
    places = np.concatenate([[0], np.cumsum(gaps[::-1], dtype=np.int64)])
    return places.astype(np.int64), heard.times[found[::-1]]
