"""Integrated loudness as broadcasters measure it, in LUFS, block by block.

Source: Recommendation ITU-R BS.1770-4, annex 1 (K-weighting, 400 ms blocks, absolute and relative gate). The
filter constants for rates other than 48 kHz follow from the recommendation's analogue prototypes, as in
libebur128.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tunesmith.sound import SAMPLE_RATE, Audio, Stream, filters
from tunesmith.sound.streams import Convolver, convolved

HOP = SAMPLE_RATE // 10  # a gating block of 400 ms starts every 100 ms
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU below the loudness of what passes the absolute gate
OFFSET = -0.691  # dB; makes a full-scale 997 Hz sine in one channel -3.01 LUFS
SILENCE = -200.0  # LUFS, reported where nothing passes the gate


@lru_cache(maxsize=1)
def _weighting() -> Audio:
    """The K-weighting: a shelf for the head, and a high-pass."""
    shelf = filters.high_shelf(1681.974450955533, 3.999843853973347, 0.7071752369554196, 0.4996667741545416)
    rumble = filters.high_pass(38.13547087602444, 0.5003270373238773)
    return filters.impulse_response((shelf, rumble), 4096)


class Meter:
    """Measures the stream that flows through it."""

    def __init__(self) -> None:
        self.peak = 0.0  # the largest sample so far, 1.0 = full scale
        self.frames = 0
        self._convolver = Convolver(_weighting())
        self._part = np.zeros(0)  # weighted power of the frames of a hop not yet full
        self._hops: list[NDArray[np.float64]] = []  # weighted mean square of each hop, channels added

    def through(self, stream: Stream) -> Stream:
        """The stream unchanged; the measurements are whole when it has ended."""
        for block in stream:
            self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))
            self.frames += len(block)
            for weighted in self._convolver.push(block):
                self._add(weighted)
            yield block
        for weighted in self._convolver.flush():
            self._add(weighted)

    @property
    def loudness(self) -> float:
        """The integrated loudness in LUFS; under 400 ms, that of the whole."""
        hops = np.concatenate(self._hops) if self._hops else np.zeros(0)
        if len(hops) < 4:
            total = hops.sum() * HOP + self._part.sum()
            return _level(total / max(self.frames, 1))
        return gated(hops)

    def _add(self, weighted: Audio) -> None:
        power = np.concatenate([self._part, np.einsum("fc,fc->f", weighted, weighted, dtype=np.float64)])
        whole = len(power) // HOP * HOP
        self._hops.append(power[:whole].reshape(-1, HOP).mean(1))
        self._part = power[whole:]


def gated(hops: NDArray[np.float64]) -> float:
    """The integrated loudness in LUFS from the weighted mean squares of at least four hops of 100 ms."""
    blocks = (hops[:-3] + hops[1:-2] + hops[2:-1] + hops[3:]) / 4
    loud = blocks[blocks > _power(ABSOLUTE_GATE)]
    if not len(loud):
        return SILENCE
    return _level(float(loud[loud > _power(_level(float(loud.mean())) + RELATIVE_GATE)].mean()))


def measure(stream: Stream) -> Meter:
    """A meter through which the whole stream has gone."""
    meter = Meter()
    for _ in meter.through(stream):
        pass
    return meter


def weighted_power(audio: Audio) -> float:
    """The K-weighted mean square of a short recording, channels added."""
    weighted = np.concatenate(list(convolved(iter([audio]), _weighting())))[: len(audio)]
    return float(np.einsum("fc,fc->", weighted, weighted, dtype=np.float64) / len(audio))


def _level(power: float) -> float:
    return OFFSET + 10 * float(np.log10(power)) if power > 0 else SILENCE


def _power(level: float) -> float:
    return float(10 ** ((level - OFFSET) / 10))
