"""Second-order filters as impulse responses, for `streams.convolved`; no recursion over samples is needed.

A stable filter's response dies away, so a few thousand taps hold it to single precision. It is found on the
unit circle: the inverse FFT of the transfer function, exact but for what wraps around, which is below -140 dB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.sound import SAMPLE_RATE, Audio


@dataclass(frozen=True, slots=True)
class Biquad:
    """A second-order filter: `b` the numerator, `a` the denominator (a0 = 1)."""

    b: tuple[float, float, float]
    a: tuple[float, float, float]


def low_pass(cutoff: float, q: float = math.sqrt(0.5)) -> Biquad:
    """A low-pass at `cutoff` Hz, 12 dB per octave (R. Bristow-Johnson, "Audio EQ Cookbook")."""
    k = math.tan(math.pi * cutoff / SAMPLE_RATE)
    norm = 1 + k / q + k * k
    return Biquad((k * k / norm, 2 * k * k / norm, k * k / norm), _poles(k, q))


def high_pass(cutoff: float, q: float, gain: float = 1.0) -> Biquad:
    """A high-pass at `cutoff` Hz; `gain` scales the numerator."""
    k = math.tan(math.pi * cutoff / SAMPLE_RATE)
    return Biquad((gain, -2 * gain, gain), _poles(k, q))


def high_shelf(cutoff: float, gain_db: float, q: float, bend: float = 0.5) -> Biquad:
    """A shelf that lifts everything above `cutoff` Hz by `gain_db`; `bend` shapes the slope."""
    k = math.tan(math.pi * cutoff / SAMPLE_RATE)
    high = 10 ** (gain_db / 20)
    middle, norm = high**bend, 1 + k / q + k * k
    b = ((high + middle * k / q + k * k) / norm, 2 * (k * k - high) / norm, (high - middle * k / q + k * k) / norm)
    return Biquad(b, _poles(k, q))


def _poles(k: float, q: float) -> tuple[float, float, float]:
    norm = 1 + k / q + k * k
    return 1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm


def impulse_response(filters: tuple[Biquad, ...], taps: int) -> Audio:
    """The first `taps` frames of the filters' response, one after the other; (taps, 1)."""
    size = 4 * taps
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response: NDArray[np.complex128] = np.ones_like(z)
    for filter_ in filters:
        response *= np.polyval(filter_.b[::-1], z) / np.polyval(filter_.a[::-1], z)
    return np.fft.irfft(response, size)[:taps, None].astype(np.float32)
