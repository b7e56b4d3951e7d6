"""What a model must know about its input: sizes and places, no music.

A song of T events is three integer arrays:
- frames (T, F): what is known before each event is chosen, one named column each;
- symbols (T,): the symbol chosen; durations (T,): the duration chosen, as ids.

A frame's columns are features (embedded), anchors (the reference of relative logits) and two grammar
columns: `mask`, a row of `symbol_masks`, and `floor`, below or at which symbols of the first range
[0, `floor_range`) are forbidden (-1 = none). Durations allowed depend on the symbol's class alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Feature:
    """An input feature: column `place` of a frame, values 0 <= x < `size`, embedded in `width` numbers."""

    name: str
    place: int
    size: int
    width: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """Relative logits: symbols in [first, last) are also scored by their distance from a reference.

    The reference is column `place` of the frame (-1 = none: these logits are 0). With `modulus`, the
    distance is (symbol - first - reference) mod modulus; otherwise clipped to [-reach, reach].
    """

    name: str
    place: int
    first: int
    last: int
    reach: int = 0
    modulus: int = 0

    @property
    def size(self) -> int:
        """The number of distinct distances."""
        return self.modulus or 2 * self.reach + 1

    def entries(self, references: IntArray) -> IntArray:
        """Where in the table of relative logits each symbol of the range is: (...) -> (..., last - first)."""
        distances = np.arange(self.last - self.first) - np.asarray(references)[..., None]
        if self.modulus:
            distances %= self.modulus
        else:
            distances = np.clip(distances, -self.reach, self.reach) + self.reach
        entries: IntArray = distances
        return entries


@dataclass(frozen=True)
class Spec:
    """The shape of a model's world; see the module docstring. Masks are True where allowed."""

    features: tuple[Feature, ...]
    anchors: tuple[Anchor, ...]
    columns: int  # F
    mask_place: int
    floor_place: int
    floor_range: int
    symbol_masks: BoolArray  # (mask classes, symbols)
    duration_classes: IntArray  # (symbols,) -> row of duration_masks
    duration_masks: BoolArray  # (duration classes, durations)

    @property
    def symbols(self) -> int:
        """The size of the symbol vocabulary."""
        return int(self.symbol_masks.shape[1])

    @property
    def durations(self) -> int:
        """The size of the duration vocabulary."""
        return int(self.duration_masks.shape[1])

    def place(self, name: str) -> int | None:
        """The column of the feature of this name; None where there is none."""
        return next((feature.place for feature in self.features if feature.name == name), None)

    def allowed_symbols(self, frames: IntArray) -> BoolArray:
        """The symbols that the grammar allows: frames (..., F) -> (..., symbols)."""
        allowed: BoolArray = self.symbol_masks[frames[..., self.mask_place]].copy()
        low = np.arange(self.floor_range) > frames[..., self.floor_place, None]
        allowed[..., : self.floor_range] &= low
        return allowed

    def allowed_durations(self, symbols: IntArray) -> BoolArray:
        """The durations that the grammar allows after these symbols: (...) -> (..., durations)."""
        allowed: BoolArray = self.duration_masks[self.duration_classes[symbols]]
        return allowed
