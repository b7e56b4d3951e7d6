"""Beats of music that was played without a click: where the quarter notes of the player are.

Onsets are gathered from all parts, `beat_path` finds the beats among them, and the beats are then fitted to all onsets:
a player's onsets miss their places, his beat goes on. Time is in seconds here.
"""

from __future__ import annotations

import numpy as np

from tunesmith.prepare.beat_path import JITTER, PLACES, PRICES, USUAL, Floats, Ints, Onsets, best_path
from tunesmith.score import Score

FEWEST = 4  # onsets that can have a beat
SPREAD = 0.035  # seconds from one note to the next inside a chord
CHORD = 0.07  # seconds that a chord may be spread over in all
PAUSE = 4.0  # seconds without an onset, over which no beat is felt to go on
EARLY = 0.12  # of a beat: an onset that much before the first beat is meant to be on it
ROUNDS = 2  # of finding places and fitting the beats to them
STEADY = 0.03  # change of tempo from beat to beat that fitting allows (standard deviation, share of a beat)


def find_beats(score: Score) -> Floats:
    """The times of the beats in seconds, ascending, the first about where the first note is, the last after all onsets.

    Fewer than 4 onsets have no beats to find: the result is empty.
    """
    heard = onsets(score)
    if len(heard.times) < FEWEST:
        return np.zeros(0)
    return _fitted_to(heard, _beats(heard))


def onsets(score: Score) -> Onsets:
    """The onsets of all parts, notes of one chord made one; stronger where notes are many, long or loud."""
    rows = sorted((n.onset, n.end, n.velocity) for n in score.notes())
    if not rows:
        return Onsets(np.zeros(0), np.zeros(0))
    ticks = np.array(rows, np.int64)
    starts, ends = score.seconds(ticks[:, 0]), score.seconds(ticks[:, 1])
    first = _chord_starts(starts)
    counts = np.diff(np.append(first, len(starts)))
    times = np.add.reduceat(starts, first) / counts
    lengths = np.minimum(np.maximum.reduceat(ends - starts, first), 2.0)
    strength = np.log1p(counts) + np.log1p(4 * lengths) + np.maximum.reduceat(ticks[:, 2], first) / 64
    return Onsets(times, np.clip(strength / float(np.median(strength)), 0.5, 1.5))


def _chord_starts(times: Floats) -> Ints:
    """Indices at which a chord begins, of ascending times."""
    found = [0]
    seconds = times.tolist()
    for i in range(1, len(seconds)):
        if seconds[i] - seconds[i - 1] > SPREAD or seconds[i] - seconds[found[-1]] > CHORD:
            found.append(i)
    return np.array(found, np.int64)


def _beats(heard: Onsets) -> Floats:
    """Beats of every stretch without a pause, and between them as many as go into the pause."""
    cuts = np.flatnonzero(np.diff(heard.times) > PAUSE) + 1
    joined: list[Floats] = []
    for times, weights in zip(np.split(heard.times, cuts), np.split(heard.weights, cuts), strict=True):
        beats = _beats_of_stretch(Onsets(times, weights), joined[-1] if joined else None)
        if joined:
            period = (beats[-1] - beats[0]) / (len(beats) - 1)
            count = max(1, round((beats[0] - joined[-1][-1]) / period))
            joined.append(np.linspace(joined[-1][-1], beats[0], count + 1)[1:-1])
        joined.append(beats)
    return np.concatenate(joined)


def _beats_of_stretch(heard: Onsets, before: Floats | None) -> Floats:
    """Beats of one stretch, at least two; of a few onsets they go on in the tempo before."""
    places, times = best_path(heard)
    if len(places) > 1:
        beats: Floats = np.interp(np.arange(places[-1] + 1), places, times)
        return beats
    period = USUAL if before is None else float(before[-1] - before[-2])
    pair: Floats = times[0] + period * np.arange(2)
    return pair


def _fitted_to(heard: Onsets, beats: Floats) -> Floats:
    """The beats on a curve that all onsets lie near to, each at its place in the beat: least squares."""
    for _ in range(ROUNDS):
        beats = _extended(beats, heard.times)
        x = positions(heard.times, beats)
        periods = np.diff(beats)[np.clip(x.astype(np.int64), 0, len(beats) - 2)]
        places = np.floor(x) + _snapped(x - np.floor(x), periods)
        fitted = _fitted(places, heard.times, heard.weights, float(np.median(periods)), len(beats))
        if np.diff(fitted).min() <= 0:  # no curve through such onsets goes forward everywhere
            break
        beats = fitted
    return _extended(beats, heard.times)


def positions(times: Floats, beats: Floats) -> Floats:
    """Times as places in beats from the first, in the first and last beat's tempo before and after."""
    k = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(beats) - 2)
    result: Floats = k + (times - beats[k]) / (beats[k + 1] - beats[k])
    return result


def _extended(beats: Floats, times: Floats) -> Floats:
    """Beats with more at both ends, so that all onsets are inside."""
    opening, closing = float(beats[1] - beats[0]), float(beats[-1] - beats[-2])
    before = max(0, int(np.ceil((beats[0] - times[0]) / opening - EARLY)))
    after = max(0, int(np.floor((times[-1] - beats[-1]) / closing)) + 1)
    head, tail = beats[0] - opening * np.arange(before, 0, -1), beats[-1] + closing * np.arange(1, after + 1)
    return np.concatenate([head, beats, tail])


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
