"""A look-ahead limiter that keeps the true peak, the peak of the waveform between the samples, under a ceiling.

The audio is looked at in hops of 32 frames. The gain is a straight line between the hops' edges, low enough
for the hops on both sides, gone to smoothly before a peak and let go of slowly after it.
Source of the true peak: Recommendation ITU-R BS.1770-4, annex 2 (four times oversampling), with a longer filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tunesmith.sound import CHANNELS, SAMPLE_RATE, Audio, Stream, amplitude
from tunesmith.sound.streams import reblocked

HOP = 32  # frames
STEP = 512 * HOP  # frames worked on at once
OVERSAMPLING = 4
REACH = 12  # frames on either side that the interpolation looks at


@dataclass(frozen=True, slots=True)
class Limiter:
    """Keeps the true peak below `ceiling_db` (dBFS); `ahead` and `release` in seconds."""

    ceiling_db: float = -1.2
    ahead: float = 0.006
    release: float = 0.12

    def __call__(self, stream: Stream) -> Stream:
        """The stream, as long as before, its peaks turned down."""
        gains = _Gains(amplitude(self.ceiling_db), round(self.ahead * SAMPLE_RATE / HOP), self.release)
        for block, edges in gains.follow(measured(stream)):
            if edges.min() == 1.0:
                yield block
                continue
            slope = np.arange(HOP, dtype=np.float32) / np.float32(HOP)
            gain = edges[:-1, None] + np.diff(edges)[:, None] * slope  # (hops, frames)
            yield block * gain.reshape(-1, 1)[: len(block)]


Measured = tuple[Audio, NDArray[np.float32]]  # a block of STEP frames (the last may be shorter), peak of each hop


def measured(stream: Stream) -> Iterator[Measured]:
    """The stream in blocks of `STEP` frames, with the true peak of each hop of `HOP` frames."""
    past = np.zeros((REACH, CHANNELS), np.float32)
    waiting: Audio | None = None
    for block in reblocked(stream, STEP):
        if waiting is not None:
            yield waiting, _hop_peaks(past, waiting, block[:REACH])
            past = waiting[-REACH:]
        waiting = block
    if waiting is not None:
        yield waiting, _hop_peaks(past, waiting, np.zeros((0, CHANNELS), np.float32))


def true_peak(stream: Stream) -> float:
    """The largest absolute value of the waveform between and at the samples; 1.0 = full scale."""
    return max((float(peaks.max()) for _, peaks in measured(stream)), default=0.0)


def _hop_peaks(past: Audio, block: Audio, future: Audio) -> NDArray[np.float32]:
    hops = -(-len(block) // HOP)
    padded = np.zeros((REACH + hops * HOP + REACH, CHANNELS), np.float32)
    padded[:REACH] = past
    padded[REACH : REACH + len(block)] = block
    padded[REACH + len(block) : REACH + len(block) + len(future)] = future
    windows = sliding_window_view(padded, HOP + 2 * REACH, axis=0)[::HOP]  # (hops, channels, window)
    between = np.ascontiguousarray(windows).reshape(-1, HOP + 2 * REACH) @ _interpolator()
    peaks = np.maximum(between.max(1), -between.min(1)).reshape(hops, CHANNELS).max(1)
    whole = padded[REACH : REACH + hops * HOP].reshape(hops, -1)
    highest: NDArray[np.float32] = np.maximum(peaks, np.maximum(whole.max(1), -whole.min(1)))
    return highest


@lru_cache(maxsize=1)
def _interpolator() -> NDArray[np.float32]:
    """The values between the frames of a hop, and after its last, as a matrix (window, points): one product."""
    frames = np.arange(HOP + 2 * REACH) - REACH
    points = (np.arange(HOP)[:, None] + np.arange(1, OVERSAMPLING) / OVERSAMPLING).ravel()
    distance = frames[:, None] - points[None, :]
    window = np.where(np.abs(distance) < REACH, np.cos(np.pi * distance / (2 * REACH)) ** 2, 0.0)
    return (np.sinc(distance) * window).astype(np.float32)


class _Gains:
    """The gain at the edges of hops, block by block, one block behind the measurement."""

    def __init__(self, ceiling: float, ahead: int, release: float) -> None:
        self.ceiling, self.ahead = ceiling, ahead
        self.kept = math.exp(-HOP / (release * SAMPLE_RATE))  # share of the reduction left after a hop
        self.gain = 1.0  # released gain at the last edge
        self.history = np.ones(ahead + 1)  # released gains at the last edges
        self.edge: NDArray[np.float32] = np.ones(1, np.float32)  # the gain at the edge the next block starts from

    def follow(self, blocks: Iterable[Measured]) -> Iterator[tuple[Audio, NDArray[np.float32]]]:
        """Each block with the gains at the edges of its hops, one more than there are hops."""
        waiting: tuple[Audio, NDArray[np.float32]] | None = None
        for block, peaks in blocks:
            needed = (self.ceiling / np.maximum(peaks, self.ceiling)).astype(np.float32)
            if waiting is None:
                self._start(float(needed[: self.ahead + 1].min()))
            else:
                yield waiting[0], self._edges(waiting[1], needed)
            waiting = block, needed
        if waiting is not None:
            yield waiting[0], self._edges(waiting[1], np.ones(0, np.float32))

    def _start(self, gain: float) -> None:
        """As if the piece had been this loud before its first frame."""
        self.gain = gain
        self.history[:] = gain
        self.edge = np.full(1, gain, np.float32)

    def _edges(self, needed: NDArray[np.float32], following: NDArray[np.float32]) -> NDArray[np.float32]:
        """At edge j the smallest gain needed by hops j - 1 to j + ahead, released slowly, then averaged over `ahead`.

        Every value averaged is low enough for hops j - 1 and j, so the average is too.
        """
        future = np.ones(self.ahead + 1, np.float32)
        future[: min(len(following), self.ahead + 1)] = following[: self.ahead + 1]
        lowest = sliding_window_view(np.concatenate([needed, future]), self.ahead + 2)[: len(needed)].min(1)
        released = self._released(lowest)
        joined = np.concatenate([self.history, released])
        averages = sliding_window_view(joined, self.ahead + 1)[1:].mean(1).astype(np.float32)
        edges = np.concatenate([self.edge, averages])
        self.history, self.edge = joined[-self.ahead - 1 :], edges[-1:]
        return edges

    def _released(self, lowest: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.gain > 0.99999 and lowest.min() == 1.0:
            self.gain = 1.0
            return np.ones(len(lowest))
        result = []
        for target in lowest.tolist():
            self.gain = min(target, 1.0 - (1.0 - self.gain) * self.kept)
            result.append(self.gain)
        return np.array(result)
