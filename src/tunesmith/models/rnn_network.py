"""The mathematics of `rnn` in torch, with its gradient.

Arrays are (T, B, ...): the LSTM reads them step by step without copying. T steps of B songs.

Source of the dropout, one mask for all steps of a song: Y. Gal and Z. Ghahramani, "A Theoretically Grounded
Application of Dropout in Recurrent Neural Networks", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.models.rnn_shape import GATE_LIMIT, Settings, covered
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


class Network:
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
