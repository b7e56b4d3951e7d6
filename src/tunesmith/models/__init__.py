"""Models: events in, log-probabilities out. They know no music; `spec.Spec` tells them all they need.

To add a model, write a module here with a class that fulfils `Model` and add its line to `MODELS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ModelError
from tunesmith.models.spec import FloatArray, IntArray, Spec

State = Any  # whatever a model remembers of the songs it is stepping through
Tensors = dict[str, NDArray[Any]]
Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Song:
    """One song as arrays; see `spec`. frames (T, F), symbols (T,), durations (T,)."""

    frames: IntArray
    symbols: IntArray
    durations: IntArray


class Model(Protocol):
    """What every model can do. Log-probabilities are natural logarithms, float64; forbidden = -inf.

    Stepping: `begin`, then for every event `symbols` with its frames, a choice, `durations` with the
    chosen symbols. What was chosen reaches the model inside the next frame, as the features
    "previous symbol" and "previous duration" (0 = none, else id + 1), and through `durations`.
    """

    @property
    def spec(self) -> Spec:
        """The world the model lives in."""
        ...

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model that `settings` and `tensors` describe."""
        ...

    def settings(self) -> dict[str, Any]:
        """What `load` needs beside the tensors, ready for JSON."""
        ...

    def tensors(self) -> Tensors:
        """The weights or counts."""
        ...

    def begin(self, batch: int) -> State:
        """The state before the first event of `batch` songs."""
        ...

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        """Take the next frames (batch, F); log-probabilities (batch, symbols). Changes the state in place."""
        ...

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations) given the symbols (batch,) chosen. Changes the state in place."""
        ...

    def select(self, state: State, rows: IntArray) -> State:
        """A state whose songs are copies of these rows of `state`."""
        ...

    def join(self, states: Sequence[State]) -> State:
        """One state of the songs of several states, between two events; they may have had more or fewer events."""
        ...

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """What `symbols` and `durations` would give step by step in a whole song, stretch by stretch."""
        ...


class Distributions(NamedTuple):
    """Log-probabilities of the events of a stretch of a song, n of them."""

    part: slice
    symbols: FloatArray  # (n, symbols)
    durations: FloatArray  # (n, durations), given the symbols that the song has


CHUNK = 256  # events of a stretch, so that memory grows with the song and not with its square


def stretches(song: Song) -> Iterator[slice]:
    """The song in stretches of at most `CHUNK` events."""
    length = len(song.symbols)
    yield from (slice(start, min(start + CHUNK, length)) for start in range(0, length, CHUNK))


def score(model: Model, song: Song) -> FloatArray:
    """Log-probabilities (T, 2) of the symbols and durations that a whole song has."""
    found = np.empty((len(song.symbols), 2))
    for part, symbols, durations in model.distributions(song):
        rows = np.arange(len(symbols))
        found[part, 0] = symbols[rows, song.symbols[part]]
        found[part, 1] = durations[rows, song.durations[part]]
    return found


MODELS = {
    "uniform": "tunesmith.models.uniform:Uniform",
    "ngram": "tunesmith.models.ngram:Ngram",
    "rnn": "tunesmith.models.rnn:Rnn",
    "alphabet": "tunesmith.models.alphabet:Alphabet",
    "mixture": "tunesmith.models.mixture:Mixture",
}


def model_class(name: str) -> type[Model]:
    """The class of a model by its name in `MODELS`.

    Raises:
        KeyError: there is none.
    """
    module, _, attribute = MODELS[name].partition(":")
    found: type[Model] = getattr(importlib.import_module(module), attribute)
    return found


def name_of(model: Model) -> str:
    """The name in `MODELS` of the class of a model.

    Raises:
        KeyError: it is not there.
    """
    places = {place: name for name, place in MODELS.items()}
    return places[f"{type(model).__module__}:{type(model).__qualname__}"]


def settings_of(kind: type[Settings], values: Mapping[str, Any], owner: str) -> Settings:
    """The settings, a dataclass of plain values with defaults, that JSON gives.

    Raises:
        ModelError: a name is unknown, or a value is not of the kind of its default; `owner` is whose settings.
    """
    known = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass, all say
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ModelError(f"unknown setting of {owner}: {', '.join(unknown)}")
    for name, value in values.items():
        default = known[name]
        kinds = (int, float) if isinstance(default, float) else (type(default),)
        if default is not None and type(value) not in kinds:
            raise ModelError(f"the setting {name} of {owner} is of the wrong kind")
    return kind(**values)


def masked_log_softmax(logits: FloatArray, allowed: NDArray[np.bool_]) -> FloatArray:
    """Log-probabilities over the allowed entries of the last axis, -inf elsewhere, in float64."""
    masked = np.where(allowed, logits.astype(np.float64), -np.inf)
    top = masked.max(-1, keepdims=True)
    shifted = masked - np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a row with nothing allowed is -inf throughout
        found = np.where(allowed, shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)), -np.inf)
    result: FloatArray = found
    return result
