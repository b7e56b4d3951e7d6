"""The shape of the viewpoint LSTM: its settings, and the name and shape of every tensor, for NumPy and torch alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ModelError
from tunesmith.models import Tensors, settings_of
from tunesmith.models.spec import BoolArray, Spec

Float32 = NDArray[np.float32]

LIMIT = 1e6  # of a weight: none comes near it, and no product of weights below it leaves the range of floats
GATE_LIMIT = 0.999  # the pointer never takes everything: what was never heard stays possible


@dataclass(frozen=True, slots=True)
class Settings:
    """The shape of the network; plain values, ready for JSON.

    `window`: if given, every prediction sees the last `window` events only, from a zero state.
    `absolute=False` leaves the symbols that an anchor covers to their relative logits alone.
    """

    hidden: int = 256
    layers: int = 1
    dropout: float = 0.2
    input_dropout: float = 0.0
    absolute: bool = True
    relative: bool = True
    pointer: bool = True
    pointer_size: int = 64
    duration_size: int = 128
    window: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Settings from JSON.

        Raises:
            ModelError: a name is unknown or a value makes no sense.
        """
        made = settings_of(cls, values, "the network")
        sizes = (made.hidden, made.layers, made.pointer_size, made.duration_size, made.window)
        if not all(size is None or (isinstance(size, int) and 0 < size <= 2**16) for size in sizes):
            raise ModelError("a size of the network is not a positive whole number")
        if not (0 <= made.dropout < 1 and 0 <= made.input_dropout < 1):
            raise ModelError("a dropout of the network is not between 0 and 1")
        return made


def shapes(spec: Spec, settings: Settings) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor. Matrices are (out, in), embeddings (size, width)."""
    hidden, anchors = settings.hidden, spec.anchors if settings.relative else ()
    inputs = sum(feature.width for feature in spec.features)
    found: dict[str, tuple[int, ...]] = {f"embedding.{f.name}": (f.size, f.width) for f in spec.features}
    for layer in range(settings.layers):
        found[f"lstm{layer}.input"] = (4 * hidden, hidden if layer else inputs)
        found[f"lstm{layer}.recurrent"] = (4 * hidden, hidden)
        found[f"lstm{layer}.bias"] = (4 * hidden,)
    heads = {"symbols": spec.symbols} | {f"anchor.{anchor.name}": anchor.size for anchor in anchors}
    if settings.pointer:
        heads |= {"query": settings.pointer_size, "key": settings.pointer_size, "gate": 1}
    if spec.durations > 1:
        heads["duration.hidden"] = settings.duration_size
        found["duration.symbol"] = (spec.symbols, settings.duration_size)
        outputs = {"duration.output": spec.durations} | ({"duration.gate": 1} if settings.pointer else {})
        for name, size in outputs.items():
            found |= {f"{name}.weight": (size, settings.duration_size), f"{name}.bias": (size,)}
    for name, size in heads.items():
        found |= {f"{name}.weight": (size, hidden), f"{name}.bias": (size,)}
    return found


def checked(spec: Spec, settings: Settings, tensors: Tensors) -> dict[str, Float32]:
    """The tensors of this network as float32.

    Raises:
        ModelError: one is missing or has the wrong shape, or values that no learning gives.
    """
    found = {}
    for name, shape in shapes(spec, settings).items():
        if name not in tensors or tensors[name].shape != shape or tensors[name].dtype.kind != "f":
            raise ModelError(f"the weights '{name}' are missing or of the wrong shape")
        if not (np.abs(tensors[name].astype(np.float64)) <= LIMIT).all():  # nor where they are no numbers
            raise ModelError(f"the weights '{name}' hold values that are no numbers, or far too large")
        found[name] = np.ascontiguousarray(tensors[name], np.float32)
    return found


def covered(spec: Spec, settings: Settings) -> BoolArray:
    """The symbols (symbols,) that have no absolute logit; see `Settings.absolute`."""
    without = np.zeros(spec.symbols, bool)
    if settings.relative and not settings.absolute:
        for anchor in spec.anchors:
            without[anchor.first : anchor.last] = True
    return without
