"""The meter and the pickup of a piece that does not say them.

Two published methods, each for what it is good at, joined in one log-linear model over all pairs of a meter and
a place for its first bar line:

- *which meter*: a linear discriminant of the autocorrelations of onsets and of accents at lags up to four bars.
  Source: P. Toiviainen and T. Eerola, "Autocorrelation in meter induction: The role of accent structure", Journal
  of the Acoustical Society of America 119 (2006), 1164-1170, after J. C. Brown (1993).
- *where the bar lines are* (and which meter as well): how likely each onset's time to the next is at its place in
  the bar, under each meter: a generative model turned round by Bayes' rule. Source: D. Temperley, "Music and
  Probability", MIT Press 2007, ch. 3, and "Modeling Common-Practice Rhythm", Music Perception 27 (2010), 355-376.
  Where pieces begin and end in the bar counts as evidence of the same kind.

The figures are in `meters.json`, fitted by `bench/fit_meters.py` to half of the songs of openly licensed
collections; `bench/keys_and_meters.py` reports on the other half and on collections it never saw. 2/4 and 4/4
(3/8 and 3/4, 2/2 and 4/4) can mean the same music: which one a score is written in is partly its writer's taste.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import numpy as np

from tunesmith.prepare.meter_evidence import METERS, SPANS, STEP, Counts, Evidence, evidence
from tunesmith.score import Meter, Score

EDGES = 3  # first onset, last onset, end


@dataclass(frozen=True, slots=True)
class MeterModel:
    """Log probabilities and weights; one entry per meter of `METERS` where nothing else is said.

    `places`: of each meter, log probability of a class at a place of its bar, (places, CLASSES). `edges`: of each
    meter, log probability that a piece first begins, last begins, and ends there, (3, places). `weights`: of the
    views and edges, (6,). `bias`: (meters,). `periodicity`: of each meter and entry of `Evidence.periodicity`.
    """

    places: tuple[Counts, ...]
    edges: tuple[Counts, ...]
    weights: Counts
    bias: Counts
    periodicity: Counts


def find_meter(score: Score) -> tuple[Meter, int]:
    """The meter of a quantised score and the length of its pickup in ticks (0 = none).

    4/4 without a pickup where there are too few notes to say. What the score itself says is not looked at.
    """
    seen = evidence(score)
    if seen is None:
        return Meter(), 0
    scores = log_scores(seen, the_model())
    best = max(range(len(METERS)), key=lambda index: float(scores[index].max()))
    return METERS[best], int(scores[best].argmax()) * STEP


def log_scores(seen: Evidence, model: MeterModel) -> list[Counts]:
    """Of each meter, the log score of each pickup in steps, (places,), up to a constant common to all."""
    by_meter = model.bias + model.periodicity @ seen.periodicity
    rows = features(seen, model.places, model.edges)
    return [row @ model.weights + base for row, base in zip(rows, by_meter, strict=True)]


def features(seen: Evidence, places: Sequence[Counts], edges: Sequence[Counts]) -> list[Counts]:
    """Of each meter, for each pickup in steps: log likelihoods of the views and of the edges, (places, 6).

    Onsets of a piece are far from independent, so the likelihood of n of them is divided by the root of n.
    """
    found = []
    for log_places, log_edges in zip(places, edges, strict=True):
        bar = len(log_places)
        table = seen.places[bar]
        pickups = np.arange(bar)
        place = (pickups[None, :] - pickups[:, None]) % bar  # (pickup, step): the place of a step in its bar
        columns = []
        for view, (first, end) in enumerate(pairwise(SPANS)):
            fit = table[:, first:end] @ log_places[:, first:end].T  # (step, place)
            columns.append(fit[pickups, place].sum(1) / max(1.0, float(seen.counts[view])) ** 0.5)
        columns += [log_edges[edge, (seen.edges[edge] - pickups) % bar] for edge in range(EDGES)]
        found.append(np.stack(columns, axis=1))
    return found


@lru_cache(maxsize=1)
def the_model() -> MeterModel:
    """The fitted model that comes with the program."""
    text = resources.files("tunesmith.prepare").joinpath("meters.json").read_text("utf-8")
    data = json.loads(text)
    scale = 100.0  # log probabilities are kept as whole hundredths
    return MeterModel(
        places=tuple(np.array(data["places"][_name(meter)]) / scale for meter in METERS),
        edges=tuple(np.array(data["edges"][_name(meter)]) / scale for meter in METERS),
        weights=np.array(data["weights"]),
        bias=np.array([data["bias"][_name(meter)] for meter in METERS]),
        periodicity=np.array([data["periodicity"][_name(meter)] for meter in METERS]),
    )


def _name(meter: Meter) -> str:
    return f"{meter.beats}/{meter.unit}"
