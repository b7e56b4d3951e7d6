"""The model that knows nothing but the grammar: whatever is allowed is equally likely.

The yardstick of all others, and what the sampler is tested with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tunesmith.models import Distributions, Song, State, Tensors, stretches
from tunesmith.models.spec import BoolArray, FloatArray, IntArray, Spec


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform over the symbols, then over the durations, that the grammar allows. A `Model`."""

    spec: Spec

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model; there is nothing to load."""
        return cls(spec)

    def settings(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def tensors(self) -> Tensors:
        """Nothing."""
        return {}

    def begin(self, batch: int) -> State:
        """Nothing to remember."""
        return None

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        """Log-probabilities (batch, symbols)."""
        return _even(self.spec.allowed_symbols(frames))

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations)."""
        return _even(self.spec.allowed_durations(symbols))

    def select(self, state: State, rows: IntArray) -> State:
        """Nothing to copy."""
        return None

    def join(self, states: Sequence[State]) -> State:
        """Nothing to join."""
        return None

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """Log-probabilities of a whole song, stretch by stretch."""
        for part in stretches(song):
            symbols, durations = self.symbols(None, song.frames[part]), self.durations(None, song.symbols[part])
            yield Distributions(part, symbols, durations)


def _even(allowed: BoolArray) -> FloatArray:
    even: FloatArray = np.where(allowed, -np.log(np.maximum(allowed.sum(-1, keepdims=True), 1)), -np.inf)
    return even
