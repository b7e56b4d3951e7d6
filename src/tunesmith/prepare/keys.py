"""The key of a piece that does not say it.

Source of the method: C. L. Krumhansl, "Cognitive Foundations of Musical Pitch", Oxford 1990, ch. 4: the key whose
profile correlates best with the durations of the pitch classes. Three things were chosen by what they found in the
fitting half of songs that say their key (see `bench/labelled.py`); `bench/keys_and_meters.py` reports on the others:
the profile among the published ones, a power that keeps a few long notes from ruling, and the weight of the last bass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.score import Key, Note, Score

# How well each step above the tonic fits a major and a minor key, as published: name -> mode -> twelve weights.
PROFILES: dict[str, dict[str, tuple[float, ...]]] = {
    # Probe-tone ratings. C. L. Krumhansl and E. J. Kessler, Psychological Review 89 (1982), 334-368.
    "Krumhansl-Kessler": {
        "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    },
    # A revision of those. D. Temperley, "The Cognition of Basic Musical Structures", MIT Press 2001, p. 180.
    "Temperley": {
        "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    },
    # Counts in the examples of Kostka and Payne's textbook. D. Temperley, "Music and Probability", 2007, p. 85.
    "Kostka-Payne": {
        "major": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        "minor": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    },
    # Counts in Essen folk songs. B. Aarden, "Dynamic melodic expectancy", dissertation, Ohio State University 2003.
    "Aarden-Essen": {
        "major": (17.77, 0.15, 14.93, 0.16, 19.80, 11.36, 0.29, 22.06, 0.15, 8.15, 0.23, 4.95),
        "minor": (18.26, 0.74, 14.05, 16.86, 0.70, 14.44, 0.70, 18.62, 4.57, 1.93, 7.38, 1.76),
    },
    # From Budge's counts of chords, 1943. H. Bellman, "About the determination of key of a musical excerpt", 2006.
    "Bellman-Budge": {
        "major": (16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57),
        "minor": (18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21),
    },
    # Counts in 490 pieces. J. Albrecht and D. Shanahan, Music Perception 31 (2013), 59-67.
    "Albrecht-Shanahan": {
        "major": (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        "minor": (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    },
}
PROFILE = "Kostka-Payne"
COMPRESSION = 0.7  # power of the durations of pitch classes
FINAL_BASS = 0.07  # correlation that a key gains whose tonic is the last bass note; most pieces end on it


def find_key(
    score: Score, profile: str = PROFILE, compression: float = COMPRESSION, final_bass: float = FINAL_BASS
) -> Key:
    """The one key, major or minor, of a whole piece; C major where no note is pitched.

    `profile` names an entry of `PROFILES`. The signature is the one with fewer accidentals of those that sound the
    same. What the score itself says is not looked at.
    """
    notes = [n for part in score.parts if not part.drums for n in part.notes]
    if not notes:
        return Key()
    bass = _last_bass(notes) % 12
    totals = np.bincount([(n.pitch - bass) % 12 for n in notes], [n.duration for n in notes], minlength=12)
    durations = totals.astype(np.float64) ** compression
    # Tonics are counted from the bass, so that a transposed piece goes through the very same arithmetic.
    fits = {mode: _correlations(durations, weights) for mode, weights in PROFILES[profile].items()}
    mode, above = max(
        ((mode, above) for above in range(12) for mode in fits),
        key=lambda key: fits[key[0]][key[1]] + (final_bass if key[1] == 0 else 0.0),
    )
    return Key(0, _signature((bass + above) % 12, mode), mode)


def _last_bass(notes: list[Note]) -> int:
    """The lowest pitch that sounds when the last note begins."""
    last = max(n.onset for n in notes)
    return min(n.pitch for n in notes if n.end > last)


def _correlations(durations: NDArray[np.float64], profile: tuple[float, ...]) -> list[float]:
    """The correlation of twelve durations with the profile of every tonic, (12,); 0 where all are alike."""
    centred, weights = durations - durations.mean(), np.array(profile) - np.mean(profile)
    size = float(np.linalg.norm(centred) * np.linalg.norm(weights))
    if size < 1e-9:
        return [0.0] * 12
    return [float(np.roll(centred, -tonic) @ weights) / size for tonic in range(12)]


def _signature(tonic: int, mode: str) -> int:
    """The signature with the fewest accidentals whose tonic is this pitch class."""
    places = (fifths for fifths in range(-6, 7) if theory.tonic(fifths, mode) == tonic)
    return min(places, key=lambda fifths: (abs(fifths), -fifths))
