"""Training the viewpoint LSTM with torch: the same mathematics as `rnn`, and its gradient.

Everything random in a step comes from the seed the caller gives it, so `Trainer.state` holds all there is to
resume from, and the same seeds on the same machine and number of threads give the same weights to the last bit.
Inside, arrays are (T, B, ...): the LSTM reads them step by step without copying.

Sources: D. P. Kingma and J. Ba, "Adam", 2015; I. Loshchilov and F. Hutter, "Decoupled Weight Decay
Regularization", 2019; Y. Gal and Z. Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent
Neural Networks", 2016 (one dropout mask for all steps of a song).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.models import Tensors
from tunesmith.models.rnn import GATE_LIMIT, Rnn, Settings, checked, covered, shapes
from tunesmith.models.spec import FloatArray, IntArray, Spec

FORBIDDEN = -1e9  # a logit: exp of it is 0 in float32, and it makes no NaN on the padding
SMALLEST = 1e-30  # under the logarithm of what is copied


@dataclass(frozen=True, slots=True)
class Batch:
    """Songs, or stretches of songs, side by side, padded at the end with weight 0 (ids 0 there will do).

    frames (B, T, F), symbols (B, T), durations (B, T), weight (B, T): 0 where an event does not count.
    """

    frames: IntArray
    symbols: IntArray
    durations: IntArray
    weight: FloatArray


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
        self._network = _Network(spec, settings)

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


class _Network:
    """The mathematics of `rnn` in torch. Holds constants only; weights come with every call."""

    def __init__(self, spec: Spec, settings: Settings) -> None:
        self.spec, self.settings = spec, settings
        self.anchors = spec.anchors if settings.relative else ()
        self.absolute = torch.from_numpy(~covered(spec, settings)).float()[:, None]
        self.symbol_forbidden = torch.from_numpy(~spec.symbol_masks)
        self.duration_forbidden = torch.from_numpy(~spec.duration_masks)
        self.duration_classes = torch.from_numpy(spec.duration_classes.astype(np.int64))

    def log_probs(self, weights: dict[str, Tensor], batch: Batch, seed: int | None) -> tuple[Tensor, Tensor]:
        """Log-probabilities (T, B) of the symbols and of the durations."""
        columns = torch.from_numpy(np.ascontiguousarray(batch.frames.transpose(2, 1, 0), np.int64))  # (F, T, B)
        symbols = torch.from_numpy(np.ascontiguousarray(batch.symbols.T, np.int64))
        durations = torch.from_numpy(np.ascontiguousarray(batch.durations.T, np.int64))
        dropout = _Dropout(seed)
        outputs = self._outputs(weights, columns, dropout)
        heads = self._heads(weights, outputs)
        forbidden = self._forbidden(columns)
        log_p = self._symbol_log_p(weights, outputs, heads, columns, symbols, forbidden)
        attention = _attention(heads["query"], heads["key"]) if self.settings.pointer else None
        if attention is not None:
            log_p = _mixed(log_p, heads["gate"][..., 0], attention, forbidden, symbols)
        if self.spec.durations == 1:
            return log_p, torch.zeros_like(log_p)
        return log_p, self._duration_log_p(weights, heads, attention, symbols, durations)

    def _outputs(self, weights: dict[str, Tensor], columns: Tensor, dropout: _Dropout) -> Tensor:
        """Columns (F, T, B) of the frames -> outputs (T, B, hidden) of the last layer, with dropout."""
        settings, window = self.settings, self.settings.window
        inputs = torch.cat(
            [functional.embedding(columns[f.place], weights[f"embedding.{f.name}"]) for f in self.spec.features], -1
        )
        steps, batch = columns.shape[1:]
        if window is not None and steps > window:
            # (window, windows * B): a window starts at every event; see below for how they are put together.
            inputs = inputs.unfold(0, window, 1).permute(3, 0, 1, 2).flatten(1, 2)
        inputs = dropout(inputs, settings.input_dropout)
        for layer in range(settings.layers):
            inputs = dropout(inputs, settings.dropout if layer else 0.0)
            inputs = self._layer(weights, layer, inputs)
        if window is not None and steps > window:
            # The first window gives its outputs at all steps, the others at their last: no window needs padding.
            inputs = torch.cat((inputs[:, :batch], inputs[-1].view(-1, batch, settings.hidden)[1:]))
        return dropout(inputs, settings.dropout)

    def _layer(self, weights: dict[str, Tensor], layer: int, inputs: Tensor) -> Tensor:
        zero = inputs.new_zeros(1, inputs.shape[1], self.settings.hidden)
        names = ("input", "recurrent", "bias")
        given = [weights[f"lstm{layer}.{name}"] for name in names]
        given.append(torch.zeros_like(given[2]))  # torch has two biases, of which one is enough
        outputs: Tensor = torch.lstm(inputs, (zero, zero), given, True, 1, 0.0, False, False, False)[0]
        return outputs

    def _heads(self, weights: dict[str, Tensor], outputs: Tensor) -> dict[str, Tensor]:
        """The small heads on the outputs, one product for all: name -> (T, B, size)."""
        names = [f"anchor.{anchor.name}" for anchor in self.anchors]
        names += [name for name in ("query", "key", "gate", "duration.hidden") if f"{name}.weight" in weights]
        if not names:
            return {}
        weight = torch.cat([weights[f"{name}.weight"] for name in names])
        bias = torch.cat([weights[f"{name}.bias"] for name in names])
        sizes = [len(weights[f"{name}.bias"]) for name in names]
        parts = torch.split_with_sizes(functional.linear(outputs, weight, bias), sizes, -1)
        return dict(zip(names, parts, strict=True))

    def _symbol_log_p(
        self,
        weights: dict[str, Tensor],
        outputs: Tensor,
        heads: dict[str, Tensor],
        columns: Tensor,
        symbols: Tensor,
        forbidden: Tensor,
    ) -> Tensor:
        ranges, entries, relatives = [], [], []
        for anchor in self.anchors:
            references = columns[anchor.place].flatten()
            table = anchor.entries(np.arange(max(int(references.max()) + 1, 1)))
            ranges.append((anchor.first, anchor.last))
            entries.append(torch.from_numpy(table.astype(np.int64)).index_select(0, references.clamp_min(0)))
            relatives.append(heads[f"anchor.{anchor.name}"].flatten(0, 1) * (references >= 0)[:, None])
        weight = weights["symbols.weight"] * self.absolute if self.settings.relative else weights["symbols.weight"]
        choice = _Choice(symbols.flatten(), forbidden.flatten(0, 1), ranges, entries)
        log_p = cast(Any, _TargetLogP).apply(choice, outputs.flatten(0, 1), weight, weights["symbols.bias"], *relatives)
        return cast(Tensor, log_p.view(symbols.shape))

    def _forbidden(self, columns: Tensor) -> Tensor:
        """Columns (F, T, B) of the frames -> the symbols (T, B, symbols) that the grammar forbids."""
        forbidden = functional.embedding(columns[self.spec.mask_place], self.symbol_forbidden)
        low = torch.arange(self.spec.floor_range) <= columns[self.spec.floor_place][..., None]
        forbidden[..., : self.spec.floor_range] |= low
        return forbidden

    def _duration_log_p(
        self,
        weights: dict[str, Tensor],
        heads: dict[str, Tensor],
        attention: Tensor | None,
        symbols: Tensor,
        durations: Tensor,
    ) -> Tensor:
        hidden = torch.tanh(heads["duration.hidden"] + functional.embedding(symbols, weights["duration.symbol"]))
        logits = functional.linear(hidden, weights["duration.output.weight"], weights["duration.output.bias"])
        forbidden = functional.embedding(self.duration_classes[symbols], self.duration_forbidden)
        logits = logits.masked_fill(forbidden, FORBIDDEN)
        log_p = torch.log_softmax(logits, -1).gather(-1, durations[..., None])[..., 0]
        if attention is None:
            return log_p
        gate = functional.linear(hidden, weights["duration.gate.weight"], weights["duration.gate.bias"])[..., 0]
        return _mixed(log_p, gate, attention, forbidden, durations)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is fixed when a symbol is chosen: N events, S symbols."""

    targets: Tensor  # (N,)
    forbidden: Tensor  # (N, S)
    ranges: list[tuple[int, int]]  # an anchor: its symbols, [first, last)
    entries: list[Tensor]  # an anchor: (N, last - first), places in its table


class _TargetLogP(torch.autograd.Function):
    """log softmax of (outputs @ weight.T + bias + relative logits), grammar applied, at the targets alone.

    Written out because the (events, symbols) arrays are the largest there are: this makes one and keeps it,
    where composed operations would make and keep five.
    """

    @staticmethod
    def forward(ctx: Any, choice: _Choice, outputs: Tensor, weight: Tensor, bias: Tensor, *relatives: Tensor) -> Tensor:
        logits = torch.addmm(bias, outputs, weight.T)
        for (first, last), entry, relative in zip(choice.ranges, choice.entries, relatives, strict=True):
            logits[:, first:last] += relative.gather(1, entry)
        logits.masked_fill_(choice.forbidden, FORBIDDEN)
        probabilities = torch.softmax(logits, 1)
        total = logits.amax(1) - probabilities.amax(1).log()  # log of the sum of exp, from the largest: no underflow
        ctx.save_for_backward(outputs, weight, probabilities)
        ctx.choice, ctx.sizes = choice, [relative.shape[1] for relative in relatives]
        return logits.gather(1, choice.targets[:, None])[:, 0] - total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        outputs, weight, probabilities = ctx.saved_tensors
        choice: _Choice = ctx.choice
        gradient = gradients[0][:, None]
        slope = probabilities.mul_(-gradient)  # nothing else needs them any more
        slope.scatter_add_(1, choice.targets[:, None], gradient)
        relatives = []
        for (first, last), entry, size in zip(choice.ranges, choice.entries, ctx.sizes, strict=True):
            part = slope.new_zeros(len(slope), size)
            relatives.append(part.scatter_add_(1, entry, slope[:, first:last]))
        return None, slope @ weight, slope.T @ outputs, slope.sum(0), *relatives


class _Dropout:
    """Dropout with one mask for all steps of a song, drawn from a seed (None: no dropout)."""

    def __init__(self, seed: int | None) -> None:
        self._random = None if seed is None else torch.Generator().manual_seed(seed)

    def __call__(self, values: Tensor, rate: float) -> Tensor:
        """Values (T, B, size) with a share `rate` of each song's columns at 0 and the rest scaled up."""
        if self._random is None or not rate:
            return values
        keep = torch.rand(values.shape[1:], generator=self._random) >= rate
        return values * (keep / (1 - rate))


def _attention(query: Tensor, key: Tensor) -> Tensor:
    """Queries and keys (T, B, size) -> attention (T, B, T) of step t on the steps before it; zeros at step 0."""
    scores = ((query * query.shape[-1] ** -0.5).transpose(0, 1) @ key.permute(1, 2, 0)).transpose(0, 1).contiguous()
    steps = torch.arange(len(query))
    future = (steps >= steps[:, None])[:, None]
    return torch.softmax(scores.masked_fill(future, FORBIDDEN), -1).masked_fill(future, 0)


def _mixed(log_p: Tensor, gate: Tensor, attention: Tensor, forbidden: Tensor, choices: Tensor) -> Tensor:
    """Mix what is copied into log-probabilities (T, B) of the choices (T, B); see `rnn`.

    gate (T, B) logits; attention (T, B, T); forbidden (T, B, number of choices).
    """
    then = choices.T[None].expand(attention.shape)  # (T, B, T): the choices made at every step
    permitted = attention.masked_fill(forbidden.gather(2, then), 0)
    gate = GATE_LIMIT * torch.sigmoid(gate)
    copied = permitted.masked_fill(then != choices[:, :, None], 0).sum(-1)
    kept = torch.log1p(-gate * permitted.sum(-1))
    return torch.logaddexp(log_p + kept, (gate * copied).clamp_min(SMALLEST).log())
