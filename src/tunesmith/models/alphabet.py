"""A model of a small alphabet, dressed up as one of the whole vocabulary.

The model inside knows some symbols and some durations, numbered from 0, and one feature: the previous symbol.
Outside its alphabet everything has probability 0; events it does not model (headers, closes) come at no cost,
spread evenly over what the grammar allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeGuard

import numpy as np

from tunesmith.errors import ModelError
from tunesmith.models import (
    MODELS,
    Distributions,
    Model,
    Song,
    State,
    Tensors,
    masked_log_softmax,
    model_class,
    stretches,
)
from tunesmith.models.spec import Feature, FloatArray, IntArray, Spec


def small_spec(symbols: int, durations: int, width: int) -> Spec:
    """The world of the model inside: no grammar, one feature (0 = nothing before, else symbol + 1)."""
    return Spec(
        features=(Feature("previous symbol", 0, symbols + 1, width),),
        anchors=(),
        columns=3,
        mask_place=1,
        floor_place=2,
        floor_range=0,
        symbol_masks=np.ones((1, symbols), bool),
        duration_classes=np.zeros(symbols, np.int16),
        duration_masks=np.ones((1, durations), bool),
    )


def _ids(values: object, size: int) -> TypeGuard[list[int]]:
    """Whether these are different ids below `size`, at least one."""
    if not isinstance(values, list) or not all(type(value) is int and 0 <= value < size for value in values):
        return False
    return 0 < len(values) == len(set(values))


class Alphabet:
    """`inner` knows `symbols[i]` as i and `durations[i]` as i; see the module docstring."""

    def __init__(self, spec: Spec, inner: Model, name: str, symbols: Sequence[int], durations: Sequence[int]) -> None:
        self.spec, self.inner, self._name = spec, inner, name
        self._symbols, self._durations = np.array(symbols), np.array(durations)
        previous = spec.place("previous symbol")
        if previous is None:
            raise ModelError("an alphabet needs the previous symbol among its features")
        self._previous = previous

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model that `settings` and `tensors` describe.

        Raises:
            ModelError: they make no sense.
        """
        symbols, durations, width = settings.get("symbols"), settings.get("durations"), settings.get("width")
        # Durations rise, so that the number of one is found by halving.
        if not (_ids(symbols, spec.symbols) and _ids(durations, spec.durations) and durations == sorted(durations)):
            raise ModelError("the alphabet of the model holds what is no symbol or duration, or one twice")
        if type(width) is not int or not 0 < width <= 2**16:
            raise ModelError("the width of the alphabet is not a positive whole number")
        name, inside = settings.get("name"), settings.get("inner")
        if not isinstance(name, str) or name not in MODELS or name == "alphabet" or not isinstance(inside, Mapping):
            raise ModelError("the model inside the alphabet is not known to this version")
        inner = model_class(name).load(small_spec(len(symbols), len(durations), width), inside, tensors)
        return cls(spec, inner, name, symbols, durations)

    def settings(self) -> dict[str, Any]:
        """What `load` needs beside the tensors."""
        return {
            "symbols": self._symbols.tolist(),
            "durations": self._durations.tolist(),
            "width": self.inner.spec.features[0].width,
            "name": self._name,
            "inner": self.inner.settings(),
        }

    def tensors(self) -> Tensors:
        """The weights of the model inside."""
        return self.inner.tensors()

    def begin(self, batch: int) -> State:
        """The state before the first event."""
        return self.inner.begin(batch)

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        """Log-probabilities (batch, symbols); rows of events that are not modelled are even."""
        allowed = self.spec.allowed_symbols(frames)
        found = masked_log_softmax(np.zeros(allowed.shape), allowed)
        modelled = allowed[:, self._symbols].any(1)
        # The model inside hears every step, so that its state moves on in all rows alike.
        inside = self.inner.symbols(state, self._small(frames[:, self._previous]))
        inside = masked_log_softmax(inside, allowed[:, self._symbols])
        rows = np.flatnonzero(modelled)
        found[rows] = -np.inf
        found[np.ix_(rows, self._symbols)] = inside[rows]
        return found

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations)."""
        allowed = self.spec.allowed_durations(symbols)
        places = self._places(symbols)
        known = allowed[:, self._durations].any(1) & (places >= 0)
        inside = self.inner.durations(state, np.maximum(places, 0))
        found = masked_log_softmax(np.zeros(allowed.shape), allowed)
        rows = np.flatnonzero(known)
        found[rows] = -np.inf
        found[np.ix_(rows, self._durations)] = masked_log_softmax(inside, allowed[:, self._durations])[rows]
        return found

    def select(self, state: State, rows: IntArray) -> State:
        """A state whose songs are copies of these rows."""
        return self.inner.select(state, rows)

    def join(self, states: Sequence[State]) -> State:
        """One state of the songs of several."""
        return self.inner.join(states)

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """Log-probabilities of a whole song, stretch by stretch; the truth may be -inf, outside the alphabet."""
        state = self.begin(1)
        for part in stretches(song):
            rows = [
                (self.symbols(state, song.frames[t : t + 1])[0], self.durations(state, song.symbols[t : t + 1])[0])
                for t in range(part.start, part.stop)
            ]
            symbols, durations = zip(*rows, strict=True)
            yield Distributions(part, np.stack(symbols), np.stack(durations))

    def inside(self, song: Song) -> Song:
        """The song as the model inside sees it: the events in its alphabet, in its numbers."""
        keep = np.isin(song.symbols, self._symbols) & np.isin(song.durations, self._durations)
        symbols = self._places(song.symbols[keep])
        durations = np.searchsorted(self._durations, song.durations[keep])
        return Song(self._small_rows(symbols), symbols, durations)

    def _places(self, symbols: IntArray) -> IntArray:
        """The number inside of each symbol (n,), -1 = not in the alphabet."""
        table = np.full(self.spec.symbols + 1, -1)
        table[self._symbols] = np.arange(len(self._symbols))
        places: IntArray = table[symbols]
        return places

    def _small(self, previous: IntArray) -> IntArray:
        """Frames (batch, 3) of the model inside from the feature "previous symbol" (id + 1, 0 = none)."""
        rows = np.zeros((len(previous), 3), np.int16)
        rows[:, 0] = self._places(previous.astype(np.int64) - 1) + 1
        rows[:, 2] = -1
        return rows

    def _small_rows(self, symbols: IntArray) -> IntArray:
        rows = np.zeros((len(symbols), 3), np.int16)
        rows[1:, 0] = symbols[:-1] + 1
        rows[:, 2] = -1
        return rows
