"""Marks of songs that are equal for songs that are the same music, or begin as the same tune."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.scheme import vocabulary as v

OPENING = 16  # intervals


def fingerprint(pairs: NDArray[np.integer[Any]]) -> str:
    """A mark of a row of events (T, 2) that is equal for songs equal up to transposition."""
    symbols, durations = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    body = (symbols < v.CHORD.end) & (symbols != v.END)
    symbols, durations = symbols[body], durations[body]
    pitched, chords = symbols < v.PITCH.end, symbols >= v.CHORD.first
    first = int(symbols[pitched][0]) if pitched.any() else 0
    relative = np.where(pitched, symbols - first, symbols)
    root = (symbols - v.CHORD.first - first) % 12
    relative = np.where(chords, v.CHORD.first + (symbols - v.CHORD.first) // 12 * 12 + root, relative)
    return hashlib.sha256(np.stack([relative, durations]).astype("<i4").tobytes()).hexdigest()[:32]


def opening(pairs: NDArray[np.integer[Any]]) -> bytes:
    """The first intervals of a piece: equal in versions of a tune that differ in chords, rhythm, repeats or key."""
    symbols = pairs[:, 0].astype(np.int64)
    intervals = np.diff(symbols[symbols < v.PITCH.end][: OPENING + 1])
    return np.clip(intervals, -127, 127).astype(np.int8).tobytes()
