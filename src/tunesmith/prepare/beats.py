"""Beats of music that was played without a click: where the quarter notes of the player are.

The onsets are explained by beats as a listener would do it: every onset is on a beat or on a place inside one, every
place of the beat has an onset or not (`CHANCES`), the tempo changes little from beat to beat, and beats are about as
fast as feet tap. Dynamic programming finds the most probable row of beats of all, so that no early mistake
decides the rest. Sources: beats as a path over onsets, D. Ellis, "Beat Tracking by Dynamic Programming", Journal of
New Music Research 36 (2007); a running tempo and several hypotheses, S. Dixon, "Automatic Extraction of Tempo and Beat
from Expressive Performances", ibid. 30 (2001); chances of places in the beat as a probabilistic model, D. Temperley,
"Music and Probability", MIT Press 2007, ch. 3.

Time is in seconds here, costs are in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPREAD = 0.035  # seconds from one note to the next inside a chord
CHORD = 0.07  # seconds that a chord may be spread over in all
FASTEST, SLOWEST = 0.25, 1.3  # seconds from beat to beat
USUAL, OCTAVES = 0.56, 0.45  # the beat that people like best, in seconds, and the deviation, in octaves
JITTER = 0.022  # seconds by which onsets miss their place (standard deviation)
LOST = 9.0  # nats that an onset can cost at most: some are on no place at all
DRIFT = 0.045  # change of tempo from beat to beat (standard deviation of the logarithm)
AGILITY = 0.5  # share of a change that the running tempo takes over
TEMPI = np.geomspace(FASTEST / 1.2, SLOWEST * 1.2, 96)  # running tempos that are told apart, in seconds a beat
LONGEST = 4  # beats from one beat with an onset to the next
EARLY = 0.12  # of a beat: an onset that much before the first beat is meant to be on it
ROUNDS = 2  # of finding places and fitting the beats to them
STEADY = 0.03  # change of tempo from beat to beat that smoothing allows (standard deviation, share of a beat)
REACH = 40  # onsets that are looked at for it

# place inside the beat -> the chance that it has an onset
CHANCES = {
    0.0: 0.8, 1 / 2: 0.4, 1 / 4: 0.12, 3 / 4: 0.16, 1 / 3: 0.03, 2 / 3: 0.04,
    1 / 8: 0.01, 3 / 8: 0.01, 5 / 8: 0.01, 7 / 8: 0.015, 1 / 6: 0.006, 5 / 6: 0.008,
}  # fmt: skip
PHASES = 192  # steps in which a place inside the beat is looked up


@dataclass(frozen=True, slots=True)
class Onsets:
    """What is heard as one onset each: `times` in seconds, ascending, and `weights` about 1 (more is stronger)."""

    times: Floats
    weights: Floats


def find_beats(score: Score) -> Floats:
    """The times of the beats in seconds, ascending, from the first at or before the first note to one after the last.

    Fewer than 4 onsets have no beats to find: the result is empty.
    """
    return track(onsets(score))


def onsets(score: Score) -> Onsets:
    """The onsets of all parts, notes of one chord made one."""
    rows = [(n.onset, n.end, n.velocity) for n in score.notes()]
    if not rows:
        return Onsets(np.zeros(0), np.zeros(0))
    ticks = np.array(sorted(rows), np.int64)
    starts, ends = score.seconds(ticks[:, 0]), score.seconds(ticks[:, 1])
    first = chord_starts(starts, SPREAD, CHORD)
    counts = np.diff(np.append(first, len(starts)))
    times = np.add.reduceat(starts, first) / counts
    lengths = np.minimum(np.maximum.reduceat(ends - starts, first), 2.0)
    strength = np.log1p(counts) + np.log1p(4 * lengths) + np.maximum.reduceat(ticks[:, 2], first) / 64
    return Onsets(times, np.clip(strength / max(float(np.median(strength)), 1e-9), 0.5, 1.5))


def chord_starts(times: Floats, spread: float, most: float) -> Ints:
    """Indices at which a new chord begins, of ascending times: after a gap over `spread`, or after `most` in all."""
    found = [0]
    for i in range(1, len(times)):
        if times[i] - times[i - 1] > spread or times[i] - times[found[-1]] > most:
            found.append(i)
    return np.array(found, np.int64)


def track(heard: Onsets) -> Floats:
    """Beats of onsets; see `find_beats`."""
    if len(heard.times) < 4:
        return np.zeros(0)
    places, times = _path(heard)
    return _smooth(heard, places, times)


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
    return np.minimum(np.min(errors**2 / 2 + PRICES - PRICES[0], axis=-1), LOST)


COSTS = _costs_by_phase()


def _bins(periods: Floats) -> Ints:
    """The nearest of `TEMPI`."""
    step = np.log(TEMPI[1] / TEMPI[0])
    return np.clip(np.round(np.log(periods / TEMPI[0]) / step), 0, len(TEMPI) - 1).astype(np.int64)


def _inside(x: Floats, bins: Ints) -> Floats:
    """What onsets cost at `x` beats from a beat, in the tempo of `bins`."""
    result: Floats = COSTS[bins, (np.round(x * PHASES) % PHASES).astype(np.int64)]
    return result


# --- the best path ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps from one onset on the beat to a later one: `to`, `beats` between, `bins` of tempo, `periods`, `costs`."""

    to: Ints
    beats: Ints
    periods: Floats
    costs: Floats


def _steps(heard: Onsets, i: int) -> Steps:
    """All steps that can be made from an onset, with what the onsets in between cost."""
    times, weights = heard.times, heard.weights
    inside = times[i + 1 : i + 1 + REACH] - times[i]
    inside = inside[: int(np.searchsorted(inside, SLOWEST * LONGEST))]
    spans, counts = np.repeat(inside, LONGEST), np.tile(np.arange(1, LONGEST + 1), len(inside))
    to = np.repeat(np.arange(len(inside)), LONGEST)
    periods = spans / counts
    usable = (periods >= FASTEST) & (periods <= SLOWEST)
    to, counts, periods = to[usable], counts[usable], periods[usable]
    x = inside / periods[:, None]
    each = _inside(x, _bins(periods)[:, None]) * weights[i + 1 : i + 1 + len(inside)]
    between = np.cumsum(each, axis=1)[np.arange(len(to)), to] - each[np.arange(len(to)), to]
    usual = (np.log2(periods / USUAL) / OCTAVES) ** 2 / 2
    costs = between + counts * (EMPTY + usual) + (counts - 1) * MISSING
    return Steps(to + i + 1, counts, periods, costs)


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


def _path(heard: Onsets) -> tuple[Ints, Floats]:
    """The best row of beats that have an onset: their places (beats from the first) and their times."""
    count, tempi = len(heard.times), len(TEMPI)
    best = np.full((count, tempi), np.inf, np.float32)
    came = np.zeros((count, tempi, 3), np.int8)  # how many onsets and beats back the last beat was, and its tempo
    for i in range(count):
        if heard.times[i] - heard.times[0] <= 2 * SLOWEST and i < REACH:
            opening = _edge(heard, i, before=True)
            better = opening < best[i]
            best[i, better], came[i, better] = opening[better], 0
        _advance(heard, i, best, came)
    return _traced(heard, best, came)


def _advance(heard: Onsets, i: int, best: Floats, came: Ints) -> None:
    """Take all steps from an onset, in all running tempos that are worth it."""
    alive = np.flatnonzero(best[i] < best[i].min() + 40)
    steps = _steps(heard, i)
    if not len(alive) or not len(steps.to):
        return
    change = np.log(steps.periods[:, None] / TEMPI[alive])
    beats = steps.beats[:, None]
    # the two onsets miss their places as well, which looks like a change of tempo
    variance = DRIFT**2 * beats + 2 * (JITTER / (beats * steps.periods[:, None])) ** 2
    cost = best[i, alive] + steps.costs[:, None] + change**2 / (2 * variance) + np.log(variance) / 2 + 3
    tempo = _bins(TEMPI[alive] * np.exp(change * AGILITY))
    to = np.broadcast_to(steps.to[:, None], cost.shape)
    flat = (to * len(TEMPI) + tempo).ravel()
    order = np.argsort(cost, axis=None)[::-1]  # the least is written last
    target, value = flat[order], cost.ravel()[order]
    better = value < best.ravel()[target]
    target, order = target[better], order[better]
    best.reshape(-1)[target] = value[better]
    rows, columns = np.divmod(order, len(alive))
    came.reshape(-1, 3)[target] = np.stack([steps.to[rows] - i, steps.beats[rows], alive[columns]], axis=1)


def _traced(heard: Onsets, best: Floats, came: Ints) -> tuple[Ints, Floats]:
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


# --- from beats on onsets to the beats that the onsets are played to ----------------------------------------------


def _smooth(heard: Onsets, places: Ints, times: Floats) -> Floats:
    """The beats, every one of them, on a curve that all onsets lie near to: a player's onsets miss, his beat does not.

    Least squares over the onsets, each at its place in the beat, and the changes of tempo.
    """
    beats = np.interp(np.arange(places[-1] + 1), places, times)
    for _ in range(ROUNDS):
        beats = _extended(beats, heard.times)
        x = _positions(heard.times, beats)
        periods = np.diff(beats)[np.minimum(x.astype(np.int64), len(beats) - 2)]
        snapped = np.floor(x) + _snapped(x - np.floor(x), periods)
        beats = _fitted(snapped, heard.times, heard.weights, float(np.median(periods)), len(beats))
    return _extended(beats, heard.times)


def _extended(beats: Floats, times: Floats) -> Floats:
    """Beats with more at both ends, so that all onsets are inside."""
    opening, closing = beats[1] - beats[0], beats[-1] - beats[-2]
    before = max(0, int(np.ceil((beats[0] - times[0]) / opening - EARLY)))
    after = max(0, int(np.floor((times[-1] - beats[-1]) / closing)) + 1)
    head, tail = beats[0] - opening * np.arange(before, 0, -1), beats[-1] + closing * np.arange(1, after + 1)
    return np.concatenate([head, beats, tail])


def _positions(times: Floats, beats: Floats) -> Floats:
    """Times as places in beats from the first; before it they are negative by no more than `EARLY`."""
    k = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(beats) - 2)
    result: Floats = k + (times - beats[k]) / (beats[k + 1] - beats[k])
    return result


def _snapped(phases: Floats, periods: Floats) -> Floats:
    """The most probable place inside the beat of each onset, 0 to 1."""
    errors = (phases[:, None] - PLACES) * periods[:, None] / JITTER
    result: Floats = PLACES[np.argmin(errors**2 / 2 + PRICES, axis=1)]
    return result


def _fitted(places: Floats, times: Floats, weights: Floats, period: float, count: int) -> Floats:
    """Beat times that pass near the onsets and change their distance little: a banded system of normal equations."""
    k = np.clip(np.floor(places).astype(np.int64), 0, count - 2)
    f = places - k
    w = weights / JITTER**2
    bands = np.zeros((3, count))  # the main diagonal and the two beside it
    np.add.at(bands[0], k, w * (1 - f) ** 2)
    np.add.at(bands[0], k + 1, w * f**2)
    np.add.at(bands[1], k, w * f * (1 - f))
    right = np.zeros(count)
    np.add.at(right, k, w * (1 - f) * times)
    np.add.at(right, k + 1, w * f * times)
    stiffness = 1 / (STEADY * period) ** 2
    for offset, row in enumerate(([1, 4, 1], [-2, -2], [1])):  # of the second difference (1, -2, 1)
        for shift, value in enumerate(row):
            bands[offset, shift : count - 2 + shift] += stiffness * value
    return _solved(bands, right)


def _solved(bands: Floats, right: Floats) -> Floats:
    """Solve a symmetric positive definite system with two bands beside the diagonal (Cholesky, L D L')."""
    d, a, b = (row.tolist() for row in bands)
    y = right.tolist()
    count = len(d)
    for i in range(count):
        for step, factor in ((1, a[i] / d[i]), (2, b[i] / d[i])):
            if i + step < count:
                d[i + step] -= factor * (a[i] if step == 1 else b[i])
                y[i + step] -= factor * y[i]
        if i + 2 < count:
            a[i + 1] -= a[i] * b[i] / d[i]
    for i in range(count - 1, -1, -1):
        rest = (a[i] * y[i + 1] if i + 1 < count else 0.0) + (b[i] * y[i + 2] if i + 2 < count else 0.0)
        y[i] = (y[i] - rest) / d[i]
    return np.array(y)
