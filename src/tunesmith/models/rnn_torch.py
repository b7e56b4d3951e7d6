"""Training the viewpoint LSTM with torch: the same mathematics as `rnn`, and its gradient.

Everything random in a step comes from the seed the caller gives it, so `Trainer.state` holds all there is to
resume from, and the same seeds on the same machine and number of threads give the same weights to the last bit.

Sources: D. P. Kingma and J. Ba, "Adam", 2015; I. Loshchilov and F. Hutter, "Decoupled Weight Decay
Regularization", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from tunesmith.models import Tensors
from tunesmith.models.rnn import Rnn
from tunesmith.models.rnn_network import Batch, Network
from tunesmith.models.rnn_shape import Settings, checked, shapes
from tunesmith.models.spec import FloatArray, Spec

__all__ = ["Batch", "StepResult", "Trainer", "initial"]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step cost: sums of nats over the events, weighted, and the sum of the weights."""

    symbol_nats: float
    duration_nats: float
    events: float


class Trainer:
    """A network while it learns.

    `tensors` is where it starts (default: drawn from `seed`). `average` > 0 keeps an exponential average of the
    weights over about 1 / (1 - average) steps; `tensors`, `to_rnn` and `evaluate` then use the average.
    """

    def __init__(
        self,
        spec: Spec,
        settings: Settings,
        seed: int,
        *,
        tensors: Tensors | None = None,
        weight_decay: float = 0.01,
        clip: float = 1.0,
        average: float = 0.0,
    ) -> None:
        self.spec, self.settings, self.clip, self.average = spec, settings, clip, average
        start = initial(spec, settings, seed) if tensors is None else checked(spec, settings, tensors)
        # Weights lie in two flat tensors, matrices (which decay) and the rest: the optimizer then takes two steps
        # over long rows instead of two for each of some fifty tensors.
        names = sorted(start, key=lambda name: (_decays(name), name))
        self._groups = [[name for name in names if _decays(name) is decays] for decays in (True, False)]
        self._shapes = {name: start[name].shape for name in names}
        self._flat = [torch.from_numpy(_joined(start, group)).requires_grad_() for group in self._groups]
        self._average = [flat.detach().clone() for flat in self._flat] if average else []
        self._steps = 0
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [flat], "weight_decay": rate}
                for flat, rate in zip(self._flat, (weight_decay, 0.0), strict=True)
            ]
        )
        self._network = Network(spec, settings)

    def loss(self, batch: Batch, *, seed: int | None = None) -> tuple[Tensor, Tensor]:
        """Sums of nats (symbols, durations), weighted, with a gradient; dropout drawn from `seed`, none if None."""
        weight = torch.from_numpy(np.ascontiguousarray(batch.weight.T, np.float32))
        both = self._network.log_probs(self._named(self._flat), batch, seed)
        return cast(tuple[Tensor, Tensor], tuple(-torch.where(weight > 0, log_p * weight, 0.0).sum() for log_p in both))

    def step(self, batch: Batch, learning_rate: float, *, seed: int) -> StepResult:
        """Learn from a batch: one step of AdamW on the mean loss of an event, gradient clipped in norm."""
        events = float(batch.weight.sum())
        symbols, durations = self.loss(batch, seed=seed)
        for flat in self._flat:
            flat.grad = None
        cast(Any, (symbols + durations) / max(events, 1e-9)).backward()
        torch.nn.utils.clip_grad_norm_(self._flat, self.clip)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._steps += 1
        keep = min(self.average, self._steps / (self._steps + 10))  # the first weights are no part of an average
        for mean, flat in zip(self._average, self._flat, strict=False):
            mean.lerp_(flat.detach(), 1 - keep)
        return StepResult(symbols.item(), durations.item(), events)

    def evaluate(self, batch: Batch) -> FloatArray:
        """Log-probabilities (B, T, 2) of the symbols and durations, without dropout; -inf where forbidden."""
        with torch.no_grad():
            both = torch.stack(self._network.log_probs(self._named(self._average or self._flat), batch, None), -1)
        found = both.transpose(0, 1).numpy().astype(np.float64)
        masks = self.spec.allowed_symbols(batch.frames), self.spec.allowed_durations(batch.symbols)
        for head, (allowed, chosen) in enumerate(zip(masks, (batch.symbols, batch.durations), strict=True)):
            found[~np.take_along_axis(allowed, chosen[..., None], -1)[..., 0], head] = -np.inf
        return found

    def tensors(self) -> Tensors:
        """The weights, as `rnn.Rnn` loads them."""
        named = self._named(self._average or self._flat)
        return {name: tensor.detach().numpy().copy() for name, tensor in sorted(named.items())}

    def to_rnn(self) -> Rnn:
        """The network as it is now, without torch."""
        return Rnn(self.spec, self.settings, self.tensors())

    def state(self) -> Tensors:
        """All that is needed to go on to the bit-identical result."""
        state: Tensors = {"steps": np.array(self._steps)}
        for index, flat in enumerate(self._flat):
            state[f"weights{index}"] = flat.detach().numpy().copy()
            if self._average:
                state[f"average{index}"] = self._average[index].numpy().copy()
            for name, value in self._optimizer.state.get(flat, {}).items():
                state[f"optimizer{index}.{name}"] = value.numpy().copy()
        return state

    def restore(self, state: Tensors) -> None:
        """Go back to where `state` was taken, by a trainer made with the same arguments."""
        self._steps = int(state["steps"])
        with torch.no_grad():
            for index, flat in enumerate(self._flat):
                flat.copy_(torch.from_numpy(state[f"weights{index}"]))
                if self._average:
                    self._average[index].copy_(torch.from_numpy(state[f"average{index}"]))
                prefix = f"optimizer{index}."
                self._optimizer.state[flat] = {
                    name.removeprefix(prefix): torch.from_numpy(np.array(value))
                    for name, value in state.items()
                    if name.startswith(prefix)
                }

    def _named(self, flat: Sequence[Tensor]) -> dict[str, Tensor]:
        named: dict[str, Tensor] = {}
        for group, values in zip(self._groups, flat, strict=True):
            parts = torch.split_with_sizes(values, [math.prod(self._shapes[name]) for name in group])
            named |= {name: part.view(self._shapes[name]) for name, part in zip(group, parts, strict=True)}
        return named


def initial(spec: Spec, settings: Settings, seed: int) -> Tensors:
    """Weights to start from: forget gates open, pointer mostly closed, unknown symbols like any other."""
    random = np.random.default_rng(seed)
    weights: Tensors = {}
    for name, shape in shapes(spec, settings).items():
        if name.startswith("embedding."):
            values = random.standard_normal(shape) * 0.3
        elif len(shape) == 2 and name != "duration.symbol":
            bound = (settings.hidden if name.startswith("lstm") else shape[1]) ** -0.5
            values = random.uniform(-bound, bound, shape)
        else:
            values = np.zeros(shape)
        if name.endswith("gate.bias"):
            values += -2.0
        if name.startswith("lstm") and name.endswith("bias"):
            values[settings.hidden : 2 * settings.hidden] = 1.0
        weights[name] = values.astype(np.float32)
    return weights


def _decays(name: str) -> bool:
    return not name.endswith("bias") and not name.startswith("embedding.")


def _joined(tensors: Tensors, names: Sequence[str]) -> FloatArray:
    return np.concatenate([np.empty(0, np.float32), *(tensors[name].ravel() for name in names)])
