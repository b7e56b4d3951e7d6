"""The key of a piece that does not say it."""

from __future__ import annotations

import numpy as np

from tunesmith import theory
from tunesmith.score import TPQ, Key, Score

# How well each step above the tonic fits a key. Source: D. Temperley, "The Cognition of Basic Musical
# Structures", MIT Press 2001, p. 180 (a revision of Krumhansl and Kessler's probe-tone profiles).
PROFILES = {
    "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}


def find_key(score: Score) -> Key:
    """The key of a piece: the best correlation of its pitch-class durations with the key profiles.

    The last note counts double, as most melodies close on the tonic. Source of the method: C. L. Krumhansl,
    "Cognitive Foundations of Musical Pitch", Oxford 1990, ch. 4, with Temperley's profiles.
    """
    weights = np.zeros(12)
    notes = [n for p in score.parts if not p.drums for n in p.notes]
    for n in notes:
        weights[n.pitch % 12] += n.duration
    if notes:
        final = max(notes, key=lambda n: (n.onset, -n.pitch))
        weights[final.pitch % 12] += max(final.duration, TPQ)
    if not weights.any():
        return Key()
    candidates = [
        (float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1]) if weights.std() else 0.0, -tonic, mode)
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    ]
    _, tonic, mode = max(candidates)
    return Key(0, _signature(-tonic, mode), mode)


def _signature(tonic: int, mode: str) -> int:
    """The signature with the fewest accidentals whose tonic is this pitch class."""
    places = (fifths for fifths in range(-6, 7) if theory.tonic(fifths, mode) == tonic)
    return min(places, key=lambda fifths: (abs(fifths), -fifths))
