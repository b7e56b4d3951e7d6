"""Streams of blocks: cutting them anew, and convolving them with an impulse response.

NumPy's own Fourier transform is used, not SciPy's: importing scipy.signal costs 1.5 s, more than the sound
of a short piece. NumPy stays in single precision, three times
faster, where the transform divides by its size: norm="forward" there, the default back.
"""

from __future__ import annotations

import numpy as np

from tunesmith.sound import BLOCK, CHANNELS, Audio, Stream


def reblocked(stream: Stream, frames: int = BLOCK) -> Stream:
    """The same audio in blocks of exactly `frames`, the last one shorter."""
    block, filled = np.empty((frames, CHANNELS), np.float32), 0
    for given in stream:
        start = 0
        while start < len(given):
            take = min(frames - filled, len(given) - start)
            block[filled : filled + take] = given[start : start + take]
            filled, start = filled + take, start + take
            if filled == frames:
                yield block
                block, filled = np.empty((frames, CHANNELS), np.float32), 0
    if filled:
        yield block[:filled]


class Convolver:
    """Convolves what is pushed with `kernel` (taps, 1 or 2 channels); overlap-save with one FFT size.

    The result does not depend on how the audio is cut into pushes.
    Source: A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", section 8.7.
    """

    def __init__(self, kernel: Audio) -> None:
        self._past = len(kernel) - 1  # frames of the window that are there for the kernel's reach alone
        self._size = 1 << max(12, (3 * len(kernel)).bit_length())
        self._window = np.zeros((self._size, CHANNELS), np.float32)
        self._end = self._past  # where the next frame goes
        # Both transforms below divide by their size (the fast way in NumPy), so the kernel multiplies by it.
        self._spectrum = (np.fft.rfft(kernel, self._size, axis=0) * self._size).astype(np.complex64)

    def push(self, block: Audio) -> Stream:
        """Take frames; give results, as many frames in all as full windows allow."""
        start = 0
        while start < len(block):
            take = min(self._size - self._end, len(block) - start)
            self._window[self._end : self._end + take] = block[start : start + take]
            start, self._end = start + take, self._end + take
            if self._end == self._size:
                yield self._result()

    def flush(self) -> Stream:
        """The results still owed for the frames pushed; the convolver is done then."""
        if self._end > self._past:
            self._window[self._end :] = 0
            yield self._result()

    def _result(self) -> Audio:
        bins = np.fft.rfft(self._window, axis=0, norm="forward")
        bins *= self._spectrum
        result = np.fft.irfft(bins, self._size, axis=0)[self._past : self._end].astype(np.float32)
        self._window[: self._past] = self._window[self._size - self._past :].copy()
        self._end = self._past
        return result


def convolved(stream: Stream, kernel: Audio) -> Stream:
    """The stream convolved with `kernel`, the tail (taps - 1 frames) kept."""
    convolver = Convolver(kernel)
    for block in stream:
        yield from convolver.push(block)
    yield from convolver.push(np.zeros((len(kernel) - 1, CHANNELS), np.float32))
    yield from convolver.flush()
