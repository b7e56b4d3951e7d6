"""From playing without a click to a score: the beats that were found become quarter notes, with a map of their tempo.

A recording that knows no tempo counts its ticks at 120 all the same. `fits_grid` tells such files from those that are
on their own grid, exactly or as people play to a click; `retime` re-expresses them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from tunesmith.prepare.beat_path import CHANCES, Floats, Ints
from tunesmith.prepare.beats import find_beats, onsets, positions
from tunesmith.prepare.grid import on_grid
from tunesmith.scheme.vocabulary import DURATION
from tunesmith.score import TPQ, Key, Note, Score, Tempo

FEWEST = 12  # onsets, below which the grid that a file gives is believed
PLAIN, NOTATED = 0.7, 0.9  # shares of onsets exactly on plain places, on any places of notation, that decide at once
FIT = 0.2  # bits an onset by which a grid must explain the onsets better than chance, in most of the piece
SURE = 0.6  # the same for a grid that is off by a constant, of which a short piece may find one by chance
WINDOW = 16  # onsets that are judged together
BEST_OF = 0.2  # share of these windows that may fit worse
ERRORS = (0.003, 0.01, 0.02, 0.03, 0.045, 0.06)  # deviations from the grid that are tried, in quarter notes

TOLERANCE = 0.015  # seconds by which a beat may miss its place in the tempo map
SHORTEST = 1e-3  # seconds a beat, against division by none
THIRDS = 0.75  # share of the divided beats that are divided in three, from which the meter is a compound one
FULL = 0.7  # share of the time to the next onset for which a note sounds that is written to reach it
SLOT = 0.06  # of a beat, within which an onset is at one of the places of `CHANCES`


def fits_grid(score: Score) -> bool:
    """Whether the onsets keep to the quarter notes that the score gives: exactly, or as one plays to a click.

    The onsets' places inside the quarter are held against two models: places that notation has, with an error and in
    shares both fitted to the piece (expectation maximisation), and anywhere. Played freely, a piece drifts through
    all phases, so that in most windows the grid explains nothing.
    """
    ticks = np.unique(np.array([n.onset for p in score.parts for n in p.notes], np.int64))
    if len(ticks) < FEWEST or _exact(ticks, {n.end for n in score.notes() if n.duration in DURATION}):
        return True
    phases = (ticks % TPQ) / TPQ
    usual = float(np.bincount((phases * 96).astype(int)).argmax()) / 96  # a grace note at the start may shift all
    return any(_explained(_gain((phases - shift) % 1)) > fit for shift, fit in ((0.0, FIT), (usual + 1 / 192, SURE)))


def _explained(gain: Floats) -> float:
    """The bits an onset that a grid gains, in all but a few windows."""
    width = min(WINDOW, len(gain))
    return float(np.quantile(np.convolve(gain, np.ones(width) / width, "valid"), BEST_OF))


def _exact(ticks: Ints, reached: AbstractSet[int]) -> bool:
    """Whether onsets are where no chance puts them: counted so finely, yet on the grid, or `reached`.

    Those reached are where a note of a length that notation has ends: a septuplet that begins beside the beat goes on
    where no grid from the beat has a place.
    """
    inside = ticks % TPQ
    plain = np.isin(inside, [round(place * TPQ) for place in CHANCES])
    finely = np.gcd.reduce(inside) < TPQ // 48
    return bool(
        plain.mean() > PLAIN or (finely and np.mean([on_grid(t) or t in reached for t in ticks.tolist()]) > NOTATED)
    )


def _gain(phases: Floats) -> Floats:
    """How much better each onset is explained by a grid than by chance, in bits."""
    away = np.abs(phases[:, None] - np.array([*CHANCES]))
    away = np.minimum(away, 1 - away)
    found = [_mixture(away, error) for error in ERRORS]
    return max(found, key=lambda gain: float(gain.mean()))


def _mixture(away: Floats, error: float) -> Floats:
    """The same for one size of error; the shares of the places, and of none of them, are fitted."""
    density = np.exp(-((away / error) ** 2) / 2) / (error * np.sqrt(2 * np.pi))
    density = np.concatenate([density, np.ones((len(away), 1))], axis=1)
    shares = np.full(density.shape[1], 1 / density.shape[1])
    for _ in range(12):
        each = density * shares
        shares = (each / each.sum(axis=1, keepdims=True)).sum(axis=0) + 0.2
        shares /= shares.sum()
    result: Floats = np.log2((density * shares).sum(axis=1))
    return result


def retime(score: Score) -> Score:
    """The score in the beats it was played in; the music keeps its pace in seconds, through a tempo map.

    Where beats are divided in three, the beat is a dotted quarter. The silence before the first beat is left out, and
    so is a meter of 4/4, which such files say by default; another is kept for its length of bar. A note that nearly
    reaches the next onset is let reach it. Music without beats (fewer than 4 onsets) comes back as it is.
    """
    beats = find_beats(score)
    if len(beats) < 2:
        return score
    scale = 1.5 if _compound(score, beats) else 1.0

    def moved(ticks: Sequence[int]) -> list[int]:
        places = np.round(positions(score.seconds(ticks), beats) * scale * TPQ)
        return [int(t) for t in np.maximum(places, 0).tolist()]

    parts = []
    for part in score.parts:
        times = zip(moved([n.onset for n in part.notes]), moved([n.end for n in part.notes]), strict=True)
        notes = [
            dataclasses.replace(n, onset=a, duration=max(1, b - a)) for n, (a, b) in zip(part.notes, times, strict=True)
        ]
        parts.append(dataclasses.replace(part, notes=tuple(notes if part.drums else _joined(notes))))
    return score.replace(
        parts=tuple(parts),
        meters=tuple(m for m in score.meters[:1] if (m.beats, m.unit) != (4, 4)),
        keys=_moved_keys(score.keys, moved([k.onset for k in score.keys])),
        tempos=tempo_map(beats, scale),
        chords=tuple(
            dataclasses.replace(c, onset=a, duration=max(1, b - a))
            for c, a, b in zip(
                score.chords, moved([c.onset for c in score.chords]), moved([c.end for c in score.chords]), strict=True
            )
        ),
        pickup=0,
    )


def _moved_keys(keys: Sequence[Key], onsets: Sequence[int]) -> tuple[Key, ...]:
    """Keys on the nearest beats; of several on one the last."""
    placed = {(t + TPQ // 2) // TPQ * TPQ: k for k, t in zip(keys, onsets, strict=True)}
    return tuple(dataclasses.replace(k, onset=t) for t, k in placed.items())


def _compound(score: Score, beats: Floats) -> bool:
    """Whether the beats are divided in three rather than in two, nearly always."""
    x = positions(onsets(score).times, beats)
    beat, phase = np.floor(x + SLOT).astype(np.int64), (x + SLOT) % 1 - SLOT
    thirds = np.isin(beat, beat[(np.abs(phase - 1 / 3) < SLOT) | (np.abs(phase - 2 / 3) < SLOT)])
    divided = np.isin(beat, beat[(phase > SLOT) & (phase < 1 - SLOT)])
    beats_in_three, beats_divided = len(np.unique(beat[thirds])), len(np.unique(beat[divided]))
    return beats_divided >= 4 and beats_in_three >= THIRDS * beats_divided


def tempo_map(beats: Floats, quarters: float = 1.0) -> tuple[Tempo, ...]:
    """Tempos by which beats, in seconds, fall where they fell, within `TOLERANCE`: as few as a greedy walk finds.

    A beat lasts so many `quarters`. From where the tempos so far have led, the straight line is followed that passes
    near most beats to come; of all that do, the tempo with the fewest decimals is taken.
    """
    times, found, start, now = beats.tolist(), [], 0, float(beats[0])
    while start < len(times) - 1:
        low, high, reached = 0.0, np.inf, start
        for i in range(start + 1, len(times)):  # periods by which the beat i, too, is near
            least, most = (times[i] - TOLERANCE - now) / (i - start), (times[i] + TOLERANCE - now) / (i - start)
            if max(low, least) > min(high, most):
                break
            low, high, reached = max(low, least), min(high, most), i
        count = reached - start
        period = min(max((times[reached] - now) / count, low), high)
        bpm = _roundest(60 * quarters / period, 60 * quarters / high, 60 * quarters / max(low, SHORTEST))
        found.append(Tempo(round(start * quarters * TPQ), bpm))
        now += count * 60 * quarters / bpm
        start = reached
    return tuple(found)


def _roundest(bpm: float, low: float, high: float) -> float:
    """Of the numbers between `low` and `high` with the fewest decimals, at most three, the nearest to a tempo."""
    for scale in (1, 10, 100, 1000):
        least, most = math.ceil(low * scale), math.floor(high * scale)
        if least <= most:
            return min(max(round(bpm * scale), least), most) / scale
    return bpm


def _joined(notes: Sequence[Note]) -> list[Note]:
    """Notes, those that sound for most of the time to the next onset made to reach it."""
    starts = np.unique(np.array([n.onset for n in notes], np.int64))
    ends = np.array([n.end for n in notes], np.int64)
    following = np.searchsorted(starts, ends)
    result = []
    for n, place in zip(notes, following.tolist(), strict=True):
        reach = int(starts[place]) - n.onset if place < len(starts) else 0
        result.append(dataclasses.replace(n, duration=reach) if n.duration >= FULL * reach > 0 else n)
    return result
