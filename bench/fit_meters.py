"""Fit the figures of `tunesmith.prepare.meters` to the fitting half of the labelled songs.

    python bench/fit_meters.py FOLDER [--seed 1]

Probabilities are smoothed counts; weights are fitted by maximum likelihood of the true meter and pickup (of the
meter alone where bar lines are not known). The half is halved again for that: a song is never weighed with
probabilities it was counted in. Writes src/tunesmith/prepare/meters.json. Needs SciPy.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from labelled import options, songs
from numpy.typing import NDArray
from scipy.optimize import minimize

from tunesmith.prepare.meter_evidence import ACCENTS, CLASSES, LAGS, METERS, SPANS, STEP, Evidence, evidence
from tunesmith.prepare.meters import EDGES, features
from tunesmith.score import Meter

TARGET = Path(__file__).parent.parent / "src" / "tunesmith" / "prepare" / "meters.json"
MOST_COUNTED = 200  # onsets of a piece that its counts are scaled down to, so that long pieces do not rule
SMOOTHING = 30.0  # counts that a place of the bar gets from all places of its metrical level
EDGE_SMOOTHING = 8.0
EDGE_PRIOR = (1.0, 0.5, 0.5, 0.1, 0.02)  # of the metrical levels, strongest first
PENALTY = 1e-3  # on the squares of the weights of autocorrelations
STEPS = 60  # of the optimiser; stopping early keeps the weights small, and 200 found no more on unseen songs

Floats = NDArray[np.float64]
ROWS = np.repeat(np.arange(len(METERS)), [m.bar // STEP for m in METERS])  # the meter of each (meter, pickup)
FIRST = np.searchsorted(ROWS, np.arange(len(METERS)))


@dataclass(frozen=True)
class Example:
    """What was counted in a song, its meter (index) and its pickup in steps (None = not known)."""

    group: str
    seen: Evidence
    meter: int
    pickup: int | None


def level(meter: Meter, place: int) -> int:
    """0 = downbeat, 1 = middle of a bar of four, 2 = beat, 3 = its division, 4 = below. `place` in steps."""
    beat, ticks = meter.beat, place * STEP
    division = beat // 3 if meter.beats > 3 and meter.beats % 3 == 0 and meter.unit >= 8 else beat // 2
    if ticks % beat == 0:
        halves = meter.bar // beat == 4 and ticks * 2 == meter.bar
        return 0 if ticks == 0 else 1 if halves else 2
    return 3 if ticks % division == 0 else 4


def probabilities(examples: list[Example]) -> tuple[list[Floats], list[Floats]]:
    """Log probabilities of classes at places, and of edges; see `MeterModel`."""
    counts = [np.zeros((m.bar // STEP, CLASSES)) for m in METERS]
    edges = [np.zeros((EDGES, m.bar // STEP)) for m in METERS]
    for example in examples:
        if example.pickup is None:
            continue
        bar = len(counts[example.meter])
        scale = min(1.0, MOST_COUNTED / example.seen.counts[0])
        counts[example.meter] += scale * np.roll(example.seen.places[bar], -example.pickup, axis=0)
        edges[example.meter][range(EDGES), (np.array(example.seen.edges) - example.pickup) % bar] += 1
    levels = [[level(m, place) for place in range(m.bar // STEP)] for m in METERS]
    shared: dict[tuple[int, int], Floats] = defaultdict(lambda: np.zeros(CLASSES))
    for meter, table, own in zip(METERS, counts, levels, strict=True):
        for place, row in enumerate(table):
            shared[meter.beat, own[place]] += row
    for meter, table, own in zip(METERS, counts, levels, strict=True):
        for place, row in enumerate(table):
            for a, z in pairwise(SPANS):
                prior = shared[meter.beat, own[place]][a:z] + 0.5
                row[a:z] = np.log((row[a:z] + SMOOTHING * prior / prior.sum()) / (row[a:z].sum() + SMOOTHING))
    for table, own in zip(edges, levels, strict=True):
        prior = np.array([EDGE_PRIOR[x] for x in own])
        total = table.sum(1, keepdims=True)
        table[:] = np.log((table + EDGE_SMOOTHING * prior / prior.sum()) / (total + EDGE_SMOOTHING))
    return counts, edges


def design(examples: list[Example], model: tuple[list[Floats], list[Floats]]) -> Floats:
    """The features of every (meter, pickup) of every example: (examples, rows, features)."""
    return np.stack([np.concatenate(features(e.seen, *model)) for e in examples])


def fit_weights(examples: list[Example], x: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights of the features, bias of the meters, weights of the autocorrelations."""
    periodicity = np.stack([e.seen.periodicity for e in examples])
    sizes = Counter(e.group for e in examples)
    importance = np.array([sizes[e.group] ** -0.5 for e in examples])
    importance /= importance.sum()
    truth = np.array([(e.meter == ROWS) if e.pickup is None else _row(e) == np.arange(len(ROWS)) for e in examples])
    shapes = (x.shape[2],), (len(METERS),), (len(METERS), periodicity.shape[1])
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def split(flat: Floats) -> list[Floats]:
        return [part.reshape(shape) for part, shape in zip(np.split(flat, cuts), shapes, strict=True)]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights, bias, lags = split(flat)
        logits = x @ weights + (bias + periodicity @ lags.T)[:, ROWS]
        all_rows, true_rows = _softmax(logits), _softmax(np.where(truth, logits, -np.inf))
        value = -(importance * (true_rows[1] - all_rows[1])).sum() + PENALTY * ((lags**2).sum() + (bias**2).sum()) / 12
        error = (all_rows[0] - true_rows[0]) * importance[:, None]
        by_meter = np.add.reduceat(error, FIRST, axis=1)
        slopes = x.reshape(-1, x.shape[2]).T @ error.ravel(), by_meter.sum(0), by_meter.T @ periodicity
        rest = np.zeros(shapes[0]), PENALTY * 2 * bias / 12, PENALTY * 2 * lags / 12
        return float(value), np.concatenate([(s + r).ravel() for s, r in zip(slopes, rest, strict=True)])

    size = int(sum(np.prod(s) for s in shapes))
    done = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    weights, bias, lags = split(done.x)
    return weights, bias, lags


def _row(example: Example) -> int:
    assert example.pickup is not None
    return int(FIRST[example.meter]) + example.pickup


def _softmax(logits: Floats) -> tuple[Floats, Floats]:
    """Probabilities, and the log of their sum before they were made to add up to one."""
    top = logits.max(1, keepdims=True)
    raw = np.exp(logits - top)
    total = raw.sum(1, keepdims=True)
    return raw / total, (top + np.log(total))[:, 0]


def examples_of(root: Path, seed: int, share: float) -> list[Example]:
    """The fitting half, counted."""
    names = [(m.beats, m.unit) for m in METERS]
    found = []
    for song in songs(root, seed, share):
        if not song.fit or song.meter is None or (song.meter.beats, song.meter.unit) not in names:
            continue
        seen = evidence(song.hidden)
        if seen is not None:
            pickup = None if song.pickup is None else song.pickup % song.meter.bar // STEP
            index = names.index((song.meter.beats, song.meter.unit))
            found.append(Example(f"{song.collection} {song.kind}", seen, index, pickup))
    return found


def main() -> None:
    """Fit and write."""
    chosen = options("Fit the meter model.", share=3.0)
    examples = examples_of(chosen.folder, chosen.seed, chosen.share)
    order = np.random.default_rng(chosen.seed).permutation(len(examples))
    a, b = ([examples[i] for i in half] for half in np.array_split(order, 2))
    x = np.concatenate([design(a, probabilities(b)), design(b, probabilities(a))])
    weights, bias, lags = fit_weights([*a, *b], x)
    places, edges = probabilities(examples)
    names = [f"{m.beats}/{m.unit}" for m in METERS]

    def whole(tables: list[Floats]) -> dict[str, list[list[int]]]:
        return {n: np.round(100 * t).astype(int).tolist() for n, t in zip(names, tables, strict=True)}

    data = {
        "about": "fitted by bench/fit_meters.py; log probabilities in hundredths; see tunesmith.prepare.meters",
        "songs": dict(sorted(Counter(e.group for e in examples).items())),
        "weights": np.round(weights, 3).tolist(),
        "bias": dict(zip(names, np.round(bias, 3).tolist(), strict=True)),
        "periodicity": dict(zip(names, np.round(lags, 2).tolist(), strict=True)),
        "edges": whole(edges),
        "places": whole(places),
    }
    text = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in data.items())
    TARGET.write_text("{\n" + text + "\n}\n", "utf-8")
    meters = Counter(names[e.meter] for e in examples)
    print(f"{len(examples)} songs: {data['songs']}\n{meters}\nweights {data['weights']}", file=sys.stderr)
    assert lags.shape == (len(METERS), len(ACCENTS) * len(LAGS))


if __name__ == "__main__":
    main()
