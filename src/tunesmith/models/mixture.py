"""A learned mixture: several models side by side, each weighed, event by event, by how sure they all are.

Of the parts' probabilities p_i the weighed geometric mean is taken, over what is allowed:

    p(x) = exp(sum_i w_i log p_i(x)) / Z        w = softplus(G z)        z = (1, c_1, ..., c_n)

c_i is how sure part i is: 1 - entropy / log(number of choices allowed), 0 = it knows nothing, 1 = certain. So what
many songs say and what this song did so far are followed each where it knows best. There is one matrix G for the
symbols and one for the durations; they are fitted on songs that no part has learned from, or the part that
remembers its songs best would be trusted most.

Sources: G. Hinton, "Training products of experts by minimizing contrastive divergence", Neural Computation 14 (2002);
weights by entropy: M. Pearce, D. Conklin, G. Wiggins, "Methods for combining statistical models of music", 2005;
C. Mattern, "Mixing strategies in data compression", 2012.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tunesmith.errors import ModelError
from tunesmith.models import MODELS, Distributions, Model, Song, State, Tensors, model_class
from tunesmith.models.spec import BoolArray, FloatArray, IntArray, Spec

FLOOR = -30.0  # the log-probability of what a part holds for impossible: the others can still overrule it
MOST_EVENTS = 4_000  # that weights are fitted on: a few numbers need no more
STEPS, RATE, PULL = 150, 0.1, 30.0  # of the fitting; `PULL`: events' worth of trust in the weights it starts from
HEADS = ("symbols", "durations")


@dataclass(frozen=True, slots=True)
class _Observed:
    """Events to fit weights on: log-probabilities (N, parts, choices), allowed (N, choices), what came (N,)."""

    log_p: FloatArray
    allowed: BoolArray
    came: IntArray


class Mixture:
    """Models of the same spec, mixed. A `Model`. `gates`: for each of `HEADS` a matrix (parts, parts + 1)."""

    def __init__(self, spec: Spec, names: Sequence[str], parts: Sequence[Model], gates: Tensors | None = None) -> None:
        self.spec, self.names, self.parts = spec, tuple(names), tuple(parts)
        self.gates = gates if gates is not None else {head: even(len(self.parts)) for head in HEADS}
        for head in HEADS:
            gate = self.gates.get(head)
            if gate is None or gate.shape != (len(parts), len(parts) + 1) or not (np.abs(gate) < 1e3).all():
                raise ModelError("the weights of the mixture are missing or make no sense")

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The mixture that `settings` and `tensors` describe.

        Raises:
            ModelError: they do not fit together.
        """
        told = settings.get("parts")
        if not isinstance(told, list) or not told:
            raise ModelError("the mixture has no parts")
        names, parts = [], []
        for number, part in enumerate(told):
            name = part.get("name") if isinstance(part, dict) else None
            if name not in MODELS or name in ("mixture", "alphabet") or not isinstance(part.get("settings"), dict):
                raise ModelError("a part of the mixture is not known to this version")
            own = f"{number}."
            inside = {key.removeprefix(own): value for key, value in tensors.items() if key.startswith(own)}
            names.append(name)
            parts.append(model_class(name).load(spec, part["settings"], inside))
        gates = {head: tensors[f"gate.{head}"] for head in HEADS if f"gate.{head}" in tensors}
        return cls(spec, names, parts, {head: gate.astype(np.float64) for head, gate in gates.items()})

    def settings(self) -> dict[str, Any]:
        """What `load` needs beside the tensors."""
        pairs = zip(self.names, self.parts, strict=True)
        return {"parts": [{"name": name, "settings": part.settings()} for name, part in pairs]}

    def tensors(self) -> Tensors:
        """The weights of all parts, and how they are mixed."""
        found = {f"{i}.{name}": value for i, part in enumerate(self.parts) for name, value in part.tensors().items()}
        return found | {f"gate.{head}": gate for head, gate in self.gates.items()}

    def begin(self, batch: int) -> State:
        """The states of all parts."""
        return [part.begin(batch) for part in self.parts]

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        """Log-probabilities (batch, symbols)."""
        found = [part.symbols(own, frames) for part, own in zip(self.parts, state, strict=True)]
        return mixed(np.stack(found, 1), self.spec.allowed_symbols(frames), self.gates["symbols"])

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations)."""
        found = [part.durations(own, symbols) for part, own in zip(self.parts, state, strict=True)]
        return mixed(np.stack(found, 1), self.spec.allowed_durations(symbols), self.gates["durations"])

    def select(self, state: State, rows: IntArray) -> State:
        """A state whose songs are copies of these rows."""
        return [part.select(own, rows) for part, own in zip(self.parts, state, strict=True)]

    def join(self, states: Sequence[State]) -> State:
        """One state of the songs of several."""
        return [part.join(own) for part, own in zip(self.parts, zip(*states, strict=True), strict=True)]

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """Log-probabilities of a whole song, stretch by stretch."""
        for together in zip(*(part.distributions(song) for part in self.parts), strict=True):
            part = together[0].part
            symbols = np.stack([found.symbols for found in together], 1)
            durations = np.stack([found.durations for found in together], 1)
            yield Distributions(
                part,
                mixed(symbols, self.spec.allowed_symbols(song.frames[part]), self.gates["symbols"]),
                mixed(durations, self.spec.allowed_durations(song.symbols[part]), self.gates["durations"]),
            )

    def fitted(self, songs: Iterable[Song]) -> Self:
        """This mixture with weights that suit these songs best, of which no part has learned."""
        observed = self._observed(songs)
        gates = {head: _fitted(gate, _joined(observed[head])) for head, gate in self.gates.items() if observed[head]}
        return type(self)(self.spec, self.names, self.parts, self.gates | gates)

    def _observed(self, songs: Iterable[Song]) -> dict[str, list[_Observed]]:
        seen: dict[str, list[_Observed]] = {head: [] for head in HEADS}
        events = 0
        for song in songs:
            for together in zip(*(part.distributions(song) for part in self.parts), strict=True):
                part = together[0].part
                symbols, durations = song.symbols[part], song.durations[part]
                allowed = self.spec.allowed_symbols(song.frames[part]), self.spec.allowed_durations(symbols)
                seen["symbols"].append(_where_open([d.symbols for d in together], allowed[0], symbols))
                seen["durations"].append(_where_open([d.durations for d in together], allowed[1], durations))
                events += len(symbols)
            if events > MOST_EVENTS:
                break
        return seen


def _where_open(log_p: Sequence[FloatArray], allowed: BoolArray, came: IntArray) -> _Observed:
    """What was seen where there was a choice."""
    choice = allowed.sum(-1) > 1
    return _Observed(np.stack(log_p, 1)[choice].astype(np.float32), allowed[choice], came[choice])


def _joined(seen: Sequence[_Observed]) -> _Observed:
    """All of it, without the choices that were never allowed."""
    allowed = np.concatenate([s.allowed for s in seen])
    used = np.flatnonzero(allowed.any(0))
    came = np.searchsorted(used, np.concatenate([s.came for s in seen]))
    return _Observed(np.concatenate([s.log_p[:, :, used] for s in seen]), allowed[:, used], came)


def start(shares: Sequence[float]) -> FloatArray:
    """Weights (parts, parts + 1) to begin from: each part has its share, whatever the parts say."""
    gate = np.zeros((len(shares), len(shares) + 1))
    gate[:, 0] = np.log(np.expm1(shares))  # softplus of it is the share
    return gate


def even(parts: int) -> FloatArray:
    """Weights to begin from where all parts are alike."""
    return start([1 / parts] * parts)


def mixed(log_p: FloatArray, allowed: BoolArray, gate: FloatArray) -> FloatArray:
    """Log-probabilities (n, choices) of the mixture of log_p (n, parts, choices); forbidden = -inf."""
    bounded = np.where(allowed[:, None], np.maximum(log_p, FLOOR), 0.0)
    weights = _softplus(_sureness(bounded, allowed) @ gate.T)
    return _normalised((weights[:, None] @ bounded)[:, 0], allowed)


def _normalised(logits: FloatArray, allowed: BoolArray) -> FloatArray:
    logits = np.where(allowed, logits, -np.inf)
    top = logits.max(-1, keepdims=True, initial=-1e300)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(logits - top).sum(-1, keepdims=True))
    found: FloatArray = np.where(allowed, logits - top - total, -np.inf)
    return found


def _sureness(bounded: FloatArray, allowed: BoolArray) -> FloatArray:
    """z (n, 1 + parts); see the module docstring."""
    likely = np.where(allowed[:, None], np.exp(bounded), 0.0)
    entropies = -(likely * bounded).sum(-1)
    most = np.log(np.maximum(allowed.sum(-1), 2))[:, None]
    sure = 1 - np.clip(entropies / most, 0, 1)
    return np.concatenate((np.ones_like(sure[:, :1]), sure), 1)


def _softplus(values: FloatArray) -> FloatArray:
    result: FloatArray = np.logaddexp(values, 0)
    return result


def _fitted(gate: FloatArray, seen: _Observed) -> FloatArray:
    """The weights that make what was seen most likely, by Adam; pulled to where they start where little was seen."""
    first, count = gate, len(seen.came)
    if not count:
        return gate
    bounded = np.where(seen.allowed[:, None], np.maximum(seen.log_p, np.float32(FLOOR)), np.float32(0))
    told, rows = _sureness(bounded, seen.allowed), np.arange(count)
    right = bounded[rows, :, seen.came]  # (N, parts)
    slope, square = np.zeros_like(gate), np.zeros_like(gate)
    for step in range(1, STEPS + 1):
        raw = told @ gate.T
        logits = np.where(seen.allowed, (_softplus(raw)[:, None] @ bounded)[:, 0], -np.inf)
        logits -= logits.max(-1, keepdims=True)
        likely = np.exp(logits)
        likely /= likely.sum(-1, keepdims=True)
        expected = (bounded @ likely[:, :, None])[:, :, 0]
        gradient = ((expected - right) / (1 + np.exp(-raw))).T @ told / count + PULL / count * (gate - first)
        slope = 0.9 * slope + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        pace = RATE * min(1.0, 2 - 2 * step / STEPS)
        gate = gate - pace * (slope / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return gate
