"""Sound: score -> performance -> sampler -> effects -> loudness, in blocks, so that memory stays flat.

Conventions: audio is float32, frames by channels `(frames, 2)`, at `SAMPLE_RATE`; 1.0 is full scale (0 dBFS).
A stream is an iterator of such blocks, of any lengths; an effect is a frozen dataclass that turns a stream
into another, its state living in the generator, so one effect can serve many streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 44_100  # frames per second
CHANNELS = 2
BLOCK = 65_536  # frames; also the largest piece that is handed to an encoder at once

Audio: TypeAlias = NDArray[np.float32]  # (frames, 2)
Stream: TypeAlias = Iterator[Audio]


def decibels(ratio: float) -> float:
    """An amplitude ratio in dB; a ratio of 0 is -200 dB, so that silence stays a number."""
    return 20.0 * float(np.log10(max(ratio, 1e-10)))


def amplitude(level_db: float) -> float:
    """The amplitude ratio of a level in dB."""
    return float(10.0 ** (level_db / 20.0))
