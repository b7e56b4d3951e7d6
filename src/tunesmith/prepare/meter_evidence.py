"""What the rhythm of a piece says about its meter, counted once for every bar length that may be meant.

A *line* is one voice of one part, its chords seen as their highest note. Time is counted in sixteenth notes
(`STEP`), and what stands between two sixteenths (triplets) counts with the earlier. Everything is a count of
durations and of intervals, so that transposing a piece changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.score import TPQ, Meter, Note, Score

Counts = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = TPQ // 4
LEAST_NOTES = 4  # of a line; what is shorter has no rhythm to speak of

# The meters that are told apart. 2/2 and 4/4 differ by the note values in use alone.
METERS = tuple(
    Meter(0, beats, unit)
    for beats, unit in (
        *((2, 4), (3, 4), (4, 4), (2, 2), (3, 2), (4, 2)),
        *((3, 8), (6, 8), (9, 8), (12, 8), (6, 4), (5, 4)),
    )
)
BARS = tuple(sorted({meter.bar // STEP for meter in METERS}))  # lengths of a bar, in steps

# The features of an onset whose distribution over the places of a bar is counted -> how many classes they have.
VIEWS = {
    "time to the next onset of the line": 12,
    "notes that begin together": 4,
    "interval between lowest notes": 5,
}
SPANS = tuple(np.cumsum([0, *VIEWS.values()]).tolist())  # where the classes of each view begin among all classes
CLASSES = SPANS[-1]

_TIMES = np.array([3, 4, 6, 8, 9, 12, 18, 24, 36, 48]) * (TPQ // 12)  # classes: up to a 16th, a triplet 8th, ...
_TOGETHER = np.array([2, 3, 5])  # classes: 1, 2, 3 or 4, 5 and more notes
_INTERVALS = np.array([1, 3, 5, 8])  # classes: unison, second, third, fourth and fifth, larger

# Lags of the autocorrelations, in steps: from an eighth note to four bars of 4/4.
LAGS = np.array([2, 3, 4, 6, 8, 12, 16, 18, 20, 24, 32, 36, 48, 64])
ACCENTS = ("onset", "onset of the same time to the next", "the same interval into the note")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was counted in a piece.

    `places`: for a bar length in steps, counts of shape (place in the bar, class), the bar lines at tick 0.
    `periodicity`: of every accent and lag, the share of onsets after which the accent comes again, flat, (42,).
    `edges`: the first onset, the last onset, the end, in steps. `counts`: onsets seen in each view, (3,).
    """

    places: dict[int, Counts]
    periodicity: Counts
    edges: tuple[int, int, int]
    counts: Counts


def evidence(score: Score) -> Evidence | None:
    """Count a score; None where no line is long enough. Drums count only where there is nothing else."""
    notes = _notes(score)
    lines = [line for line in _lines(notes) if len(line[0]) >= LEAST_NOTES]
    if not lines:
        return None
    seen: list[tuple[Ints, Ints]] = []  # steps, classes
    periodicity, total = np.zeros((len(ACCENTS), len(LAGS))), 0
    for onsets, pitches in lines:
        times = _time_class(np.diff(onsets))  # the last note has no time to a next
        seen.append((onsets[:-1] // STEP, times))
        periodicity += _periodicity(onsets, times, np.diff(pitches))
        total += len(onsets)
    counts = [sum(len(steps) for steps, _ in seen)]
    for view, (steps, classes) in enumerate(_together(notes), 1):
        seen.append((steps, SPANS[view] + classes))
        counts.append(len(steps))
    cells = np.concatenate([s for s, _ in seen]), np.concatenate([c for _, c in seen])
    edges = min(a[0] for a, _ in lines), max(a[-1] for a, _ in lines), max(n.end for _, _, n in notes)
    return Evidence(
        places={bar: _table(*cells, bar) for bar in BARS},
        periodicity=(periodicity / total).ravel(),
        edges=(int(edges[0]) // STEP, int(edges[1]) // STEP, int(edges[2]) // STEP),
        counts=np.array(counts, np.float64),
    )


def _notes(score: Score) -> list[tuple[int, int, Note]]:
    """Part number, voice and note of everything that is played at a pitch, or else of the drums."""
    pitched = any(part.notes for part in score.parts if not part.drums)
    parts = (pair for pair in enumerate(score.parts) if not (pitched and pair[1].drums))
    return [(index, note.voice, note) for index, part in parts for note in part.notes]


def _lines(notes: list[tuple[int, int, Note]]) -> list[tuple[Ints, Ints]]:
    """Of every line the onsets (ticks, each once) and the highest pitch at each."""
    highest: dict[tuple[int, int], dict[int, int]] = {}
    for part, voice, note in notes:
        line = highest.setdefault((part, voice), {})
        line[note.onset] = max(note.pitch, line.get(note.onset, 0))
    lines = (sorted(line.items()) for line in highest.values())
    return [(np.array([t for t, _ in line]), np.array([p for _, p in line])) for line in lines]


def _time_class(ticks: Ints) -> Ints:
    classes: Ints = np.searchsorted(_TIMES, ticks) + (ticks > _TIMES[-1])
    return classes


def _periodicity(onsets: Ints, times: Ints, intervals: Ints) -> Counts:
    """How many onsets have each accent again after each lag: (accents, lags)."""
    nothing = -1  # equal to no class
    times, intervals = np.append(times, nothing), np.insert(intervals + 128, 0, nothing)
    later = onsets[None, :] + LAGS[:, None] * STEP
    there = np.minimum(np.searchsorted(onsets, later), len(onsets) - 1)
    again = onsets[there] == later
    same = [again & (accent[there] == accent) & (accent != nothing) for accent in (times, intervals)]
    return np.array([again.sum(1), *(s.sum(1) for s in same)], np.float64)


def _together(notes: list[tuple[int, int, Note]]) -> list[tuple[Ints, Ints]]:
    """Of all parts together: how many notes begin at each onset, and how the lowest of them moves.

    Nothing in music of one voice, which says the same in its line.
    """
    all_onsets = np.array([note.onset for _, _, note in notes])
    onsets, at, together = np.unique(all_onsets, return_inverse=True, return_counts=True)
    if len(onsets) == len(notes):
        return [(onsets[:0], onsets[:0])] * 2
    lowest = np.full(len(onsets), 128)
    np.minimum.at(lowest, at, [note.pitch for _, _, note in notes])
    leaps = np.abs(np.diff(lowest))
    return [
        (onsets // STEP, np.searchsorted(_TOGETHER, together, side="right")),
        (onsets[1:] // STEP, np.searchsorted(_INTERVALS, leaps, side="right")),
    ]


def _table(steps: Ints, classes: Ints, bar: int) -> Counts:
    cells = np.bincount(steps % bar * CLASSES + classes, minlength=bar * CLASSES)
    return cells.reshape(bar, CLASSES).astype(np.float64)
