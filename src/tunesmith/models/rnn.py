"""The viewpoint LSTM: a recurrent network over features, stepped and scored in plain NumPy.

For event t, with o the output of the last LSTM layer and [.] an embedding:

    x = concat([feature] for feature in frame)          o = LSTM(x)
    symbol logits    = o A + a  +  for each anchor: (o R + r)[distance of the symbol from its reference]
    duration hidden  = tanh(o D + d + [chosen symbol])  duration logits = hidden E + e
    pointer          attention over the steps j < t: softmax_j(query(o_t) . key(o_j) / sqrt(size))

A key at step j stands for the situation before event j, its value is what was chosen in it, so a situation
that comes back brings back what followed. Let c(s) be the attention on past choices of s where s is allowed
now, and m its sum. With the gate g, what is copied from the song so far is mixed in exactly:

    p(s) = (1 - g m) softmax(s) + g c(s)

so attention on choices that the grammar forbids now falls to the softmax. Symbols and durations share the
attention; each has its gate, the durations' gate knows the chosen symbol.

Sources: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997; S. Merity et al., "Pointer Sentinel
Mixture Models", 2016; E. Grave et al., "Improving Neural Language Models with a Continuous Cache", 2016.
Gates are in the order input, forget, cell, output in the tensors; `_Cell` has its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ModelError
from tunesmith.models import Distributions, Song, Tensors, stretches
from tunesmith.models.rnn_choice import attention_of, log_of, mixed, softmax
from tunesmith.models.rnn_shape import Float32, Settings, checked, covered, shapes
from tunesmith.models.spec import Anchor, FloatArray, IntArray, Spec

__all__ = ["Rnn", "RnnState", "Settings", "shapes"]

FEW = 24  # up to so many events, adding rows of tables beats the matrix product of their input


class _Cell:
    """One LSTM layer. Sigmoids are taken as tanh, so that one call serves all four gates:

    sigmoid(x) = (tanh(x / 2) + 1) / 2: the halves of x are in the weights, gates in order i, f, o, cell.
    """

    def __init__(self, weight: Float32, hidden: int) -> None:
        self.hidden = hidden
        self.weight = arranged(weight, hidden).T.copy()  # (in, 4 hidden)

    def __call__(self, inputs: Float32, gates: Float32, memory: Float32, out: Float32) -> None:
        """Add inputs @ weight to `gates` (batch, 4 hidden), update `memory`, write the output to `out`."""
        size = self.hidden
        product = inputs @ self.weight
        product += gates
        gates = np.tanh(product, out=product)
        opening = gates[:, : 3 * size]
        opening += 1.0
        opening *= 0.5
        memory *= gates[:, size : 2 * size]
        memory += gates[:, :size] * gates[:, 3 * size :]
        np.multiply(gates[:, 2 * size : 3 * size], np.tanh(memory), out=out)


def arranged(values: Float32, hidden: int) -> Float32:
    """Rows (4 hidden, ...) in the tensors' order of gates -> the order and scale of `_Cell`."""
    gate = values.reshape(4, hidden, *values.shape[1:])
    half = np.float32(0.5)
    return np.concatenate((gate[0] * half, gate[1] * half, gate[3] * half, gate[2]))


def _widened(values: NDArray[Any], axis: int, size: int) -> NDArray[Any]:
    """An array with zeros added along an axis until it has this size."""
    room = [(0, size - values.shape[axis] if at == axis else 0) for at in range(values.ndim)]
    return np.pad(values, room)


@dataclass(slots=True)
class RnnState:
    """What the network remembers of a batch of songs."""

    outputs: list[Float32]  # a layer: (batch, hidden)
    memories: list[Float32]  # a layer: (batch, hidden)
    recent: deque[Float32]  # with a window: gates (batch, 4 hidden) of the events in it
    keys: Float32  # (batch, capacity, pointer size)
    past: NDArray[np.intp]  # (2, batch, capacity): symbols and durations chosen
    attention: Float32  # (batch, steps before): of the latest event
    duration_hidden: Float32  # (batch, duration size): of the latest event
    lengths: NDArray[np.intp]  # (batch,): how many events each song has had


class Rnn:
    """The network, without torch. A `Model`."""

    def __init__(self, spec: Spec, settings: Settings, tensors: Tensors) -> None:
        self.spec, self.shape = spec, settings
        self._tensors = weights = checked(spec, settings, tensors)
        self._read_input(weights)
        self._cells = [
            _Cell(np.hstack((weights[f"lstm{layer}.input"], weights[f"lstm{layer}.recurrent"])), settings.hidden)
            if layer
            else _Cell(weights["lstm0.recurrent"], settings.hidden)
            for layer in range(settings.layers)
        ]
        self._biases = [arranged(weights[f"lstm{layer}.bias"], settings.hidden) for layer in range(settings.layers)]
        self._read_heads(weights)
        self._previous = self._read_previous() if settings.pointer else np.empty(0, np.intp)

    def _read_previous(self) -> NDArray[np.intp]:
        """The columns where a frame tells what the last event was."""
        symbol, duration = self.spec.place("previous symbol"), self.spec.place("previous duration")
        if symbol is None or (duration is None and self.spec.durations > 1):
            raise ModelError("a network with a pointer needs the previous symbol and duration among its features")
        return np.array([symbol] if duration is None else [symbol, duration])

    def _read_input(self, weights: dict[str, Float32]) -> None:
        """Tables from feature values straight to gates: the input costs a sum of rows, not a product."""
        matrix, tables, start, row = weights["lstm0.input"], [], 0, 0
        offsets = []
        for feature in self.spec.features:
            part = matrix[:, start : start + feature.width]
            tables.append(weights[f"embedding.{feature.name}"] @ arranged(part, self.shape.hidden).T)
            offsets.append(row)
            start, row = start + feature.width, row + feature.size
        self._input = np.concatenate(tables)
        self._input_offsets = np.array(offsets)
        self._input_places = np.array([feature.place for feature in self.spec.features])
        self._input_weight = arranged(matrix, self.shape.hidden).T.copy()

    def _read_heads(self, weights: dict[str, Float32]) -> None:
        """All heads on the network's output side by side: one product serves them all."""
        anchors = self.spec.anchors if self.shape.relative else ()
        names = ["symbols", *(f"anchor.{anchor.name}" for anchor in anchors)]
        names += [name for name in ("query", "key", "gate", "duration.hidden") if f"{name}.weight" in weights]
        parts = [weights[f"{name}.weight"] for name in names]
        parts[0] = np.where(covered(self.spec, self.shape)[:, None], np.float32(0), parts[0])
        ends = np.cumsum([len(part) for part in parts]).tolist()
        self._anchors = anchors
        self._head = dict(zip(names, (slice(a, b) for a, b in zip([0, *ends], ends, strict=False)), strict=True))
        # One more column is always 0: there point the entries of symbols that an anchor does not reach.
        self._head_weight = np.concatenate((*parts, np.zeros_like(parts[0][:1]))).T.copy()
        self._head_bias = np.concatenate([*(weights[f"{name}.bias"] for name in names), np.zeros(1, np.float32)])
        self._entries = [self._entries_of(anchor, ends[-1]) for anchor in anchors]
        self._anchor_places = np.array([anchor.place for anchor in anchors], np.intp)
        self._anchor_limits = np.array([len(entries) - 2 for entries in self._entries], np.intp)
        if "query" in self._head:
            self._head_weight[:, self._head["query"]] *= self.shape.pointer_size**-0.5
            self._head_bias[self._head["query"]] *= self.shape.pointer_size**-0.5
        if self.spec.durations > 1:
            names = [name for name in ("duration.output", "duration.gate") if f"{name}.weight" in weights]
            self._duration_weight = np.concatenate([weights[f"{name}.weight"] for name in names]).T.copy()
            self._duration_bias = np.concatenate([weights[f"{name}.bias"] for name in names])
            self._duration_symbol = weights["duration.symbol"]

    def _entries_of(self, anchor: Anchor, nothing: int) -> NDArray[np.intp]:
        """Columns of the heads (references + 1, last - first) for the references 0, 1, ... and, last, for -1."""
        references = np.arange(anchor.modulus or anchor.last - anchor.first + anchor.reach + 1)
        entries = anchor.entries(references) + self._head[f"anchor.{anchor.name}"].start
        return np.concatenate((entries, np.full_like(entries[:1], nothing))).astype(np.intp)

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The network that `settings` (see `Settings`) and `tensors` (see `shapes`) describe.

        Raises:
            ModelError: they do not fit together.
        """
        return cls(spec, Settings.of(settings), tensors)

    def settings(self) -> dict[str, Any]:
        """`Settings`, ready for JSON."""
        return asdict(self.shape)

    def tensors(self) -> Tensors:
        """The weights."""
        return dict(self._tensors)

    def begin(self, batch: int) -> RnnState:
        """The state before the first event."""
        shape = self.shape
        return RnnState(
            outputs=[np.zeros((batch, shape.hidden), np.float32) for _ in self._cells],
            memories=[np.zeros((batch, shape.hidden), np.float32) for _ in self._cells],
            recent=deque(maxlen=shape.window or 1),
            keys=np.zeros((batch, 64 if shape.pointer else 0, shape.pointer_size), np.float32),
            past=np.zeros((2, batch, 64 if shape.pointer else 0), np.intp),
            attention=np.empty((batch, 0), np.float32),
            duration_hidden=np.empty((batch, 0), np.float32),
            lengths=np.zeros(batch, np.intp),
        )

    def symbols(self, state: RnnState, frames: IntArray) -> FloatArray:
        """Take the next frames (batch, F); log-probabilities (batch, symbols). Changes the state in place."""
        heads = self._advance(state, frames) @ self._head_weight
        heads += self._head_bias
        state.duration_hidden = heads[:, self._head.get("duration.hidden", slice(0, 0))]
        if self.shape.pointer:
            self._remember(state, heads, frames)
        state.lengths = state.lengths + 1
        return self._symbol_log_p(heads, frames, state.attention, state.past[0, :, : state.attention.shape[1]])

    def durations(self, state: RnnState, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations) given the symbols (batch,) chosen."""
        past = state.past[1, :, : state.attention.shape[1]]
        return self._duration_log_p(state.duration_hidden, symbols, state.attention, past)

    def select(self, state: RnnState, rows: IntArray) -> RnnState:
        """A state whose songs are copies of these rows of `state`."""
        copy = self.begin(len(rows))
        copy.outputs = [output[rows] for output in state.outputs]
        copy.memories = [memory[rows] for memory in state.memories]
        copy.recent.extend(gates[rows] for gates in state.recent)
        used, capacity = int(state.lengths.max(initial=0)), state.past.shape[2]
        copy.keys = np.zeros((len(rows), capacity, state.keys.shape[2]), np.float32)
        copy.keys[:, :used] = state.keys[rows, :used]
        copy.past = np.zeros((2, len(rows), capacity), np.intp)
        copy.past[:, :, :used] = state.past[:, rows, :used]
        copy.attention, copy.duration_hidden = state.attention[rows], state.duration_hidden[rows]
        copy.lengths = state.lengths[rows]
        return copy

    def join(self, states: Sequence[RnnState]) -> RnnState:
        """One state of the songs of several, between two events."""
        joined = self.begin(sum(len(state.lengths) for state in states))
        for layer in range(len(self._cells)):
            joined.outputs[layer] = np.concatenate([state.outputs[layer] for state in states])
            joined.memories[layer] = np.concatenate([state.memories[layer] for state in states])
        for back in range(max(len(state.recent) for state in states), 0, -1):  # short songs are filled up before
            missing = (np.zeros((len(state.lengths), 4 * self.shape.hidden), np.float32) for state in states)
            gates = [s.recent[-back] if back <= len(s.recent) else m for s, m in zip(states, missing, strict=True)]
            joined.recent.append(np.concatenate(gates))
        capacity = max(state.past.shape[2] for state in states)
        joined.keys = np.concatenate([_widened(state.keys, 1, capacity) for state in states])
        joined.past = np.concatenate([_widened(state.past, 2, capacity) for state in states], 1)
        joined.lengths = np.concatenate([state.lengths for state in states])
        return joined

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """Log-probabilities of a whole song, stretch by stretch."""
        outputs = self._outputs(song.frames)
        keys = np.empty((0, 0), np.float32)
        if self.shape.pointer:
            name = self._head["key"]
            keys = outputs @ self._head_weight[:, name] + self._head_bias[name]
        yield from (self._stretch(song, outputs, keys, part) for part in stretches(song))

    def _stretch(self, song: Song, outputs: Float32, keys: Float32, part: slice) -> Distributions:
        frames, symbols = song.frames[part], song.symbols[part]
        heads = outputs[part] @ self._head_weight + self._head_bias
        attention = np.empty((len(frames), 0), np.float32)
        if self.shape.pointer:
            scores = heads[:, self._head["query"]] @ keys[: part.stop].T
            attention = attention_of(scores, np.arange(part.stop) < np.arange(part.start, part.stop)[:, None])
        values = [
            np.broadcast_to(past[: attention.shape[1]], attention.shape) for past in (song.symbols, song.durations)
        ]
        hidden = heads[:, self._head.get("duration.hidden", slice(0, 0))]
        log_p = self._symbol_log_p(heads, frames, attention, values[0])
        return Distributions(part, log_p, self._duration_log_p(hidden, symbols, attention, values[1]))

    def _gates(self, frames: IntArray) -> Float32:
        """Frames (n, F) -> the first layer's gates (n, 4 hidden) as far as the input decides."""
        if len(frames) <= FEW:
            rows = frames.take(self._input_places, 1) + self._input_offsets
            total = self._input[rows].sum(1)
        else:
            features = [(self._tensors[f"embedding.{f.name}"], f.place) for f in self.spec.features]
            total = np.concatenate([table[frames[:, place]] for table, place in features], 1) @ self._input_weight
        total += self._biases[0]
        gates: Float32 = total
        return gates

    def _advance(self, state: RnnState, frames: IntArray) -> Float32:
        gates = self._gates(frames)
        if self.shape.window is None:
            return self._step(state.outputs, state.memories, gates)
        state.recent.append(gates)
        outputs = [np.zeros_like(output) for output in state.outputs]
        memories = [np.zeros_like(memory) for memory in state.memories]
        for back, gates in zip(range(len(state.recent), 0, -1), state.recent, strict=True):
            last = self._step(outputs, memories, gates)
            before = state.lengths + 1 < back  # songs that had not begun
            for values in (*outputs, *memories) if before.any() else ():
                values[before] = 0
        return last

    def _step(self, outputs: list[Float32], memories: list[Float32], gates: Float32) -> Float32:
        """One event through all layers; changes outputs and memories in place, returns the last output."""
        self._cells[0](outputs[0], gates, memories[0], outputs[0])
        for layer in range(1, len(self._cells)):
            inputs = np.concatenate((outputs[layer - 1], outputs[layer]), 1)
            self._cells[layer](inputs, self._biases[layer], memories[layer], outputs[layer])
        return outputs[-1]

    def _outputs(self, frames: IntArray) -> Float32:
        """The last layer's outputs (T, hidden) for the frames of one song."""
        gates = self._gates(frames)
        window, size = self.shape.window, self.shape.hidden
        batch = 1 if window is None else max(1, len(frames) - window + 1)
        steps = len(frames) if window is None else min(window, len(frames))
        outputs = [np.zeros((batch, size), np.float32) for _ in self._cells]
        memories = [np.zeros((batch, size), np.float32) for _ in self._cells]
        first = np.empty((steps, size), np.float32)  # windows start at every event; the first gives all its steps
        for step in range(steps):
            first[step] = self._step(outputs, memories, gates[step : step + batch])[0]
        return np.concatenate((first, outputs[-1][1:]))

    def _symbol_log_p(self, heads: Float32, frames: IntArray, attention: Float32, past: IntArray) -> FloatArray:
        """Log-probabilities (n, symbols); past (n, steps) are the symbols that attention (n, steps) weighs."""
        logits = heads[:, self._head["symbols"]].astype(np.float64)
        rows = np.arange(len(heads))[:, None]
        references = np.minimum(frames.take(self._anchor_places, 1), self._anchor_limits)
        for index, (anchor, entries) in enumerate(zip(self._anchors, self._entries, strict=True)):
            logits[:, anchor.first : anchor.last] += heads[rows, entries[references[:, index]]]
        allowed = self.spec.allowed_symbols(frames)
        likely = softmax(logits, allowed)
        if attention.shape[1]:
            likely = mixed(likely, heads[:, self._head["gate"]], attention, past, allowed)
        return log_of(likely)

    def _remember(self, state: RnnState, heads: Float32, frames: IntArray) -> None:
        """Note what the last event was, attend to the events before this one, and add this one's key."""
        longest, rows = int(state.lengths.max(initial=0)), np.arange(len(frames))
        if longest == state.keys.shape[1]:
            state.keys = _widened(state.keys, 1, 2 * longest)
            state.past = _widened(state.past, 2, 2 * longest)
        begun = rows[state.lengths > 0]
        state.past[: len(self._previous), begun, state.lengths[begun] - 1] = frames[begun].take(self._previous, 1).T - 1
        scores = (state.keys[:, :longest] @ heads[:, self._head["query"], None])[:, :, 0]
        ragged = (state.lengths != longest).any()
        state.attention = attention_of(scores, np.arange(longest) < state.lengths[:, None] if ragged else None)
        state.keys[rows, state.lengths] = heads[:, self._head["key"]]

    def _duration_log_p(self, hidden: Float32, symbols: IntArray, attention: Float32, past: IntArray) -> FloatArray:
        """Log-probabilities (n, durations); past (n, steps) are the durations that attention (n, steps) weighs."""
        allowed, size = self.spec.allowed_durations(symbols), self.spec.durations
        if size == 1:
            return log_of(allowed.astype(np.float64))
        logits = np.tanh(hidden + self._duration_symbol[symbols]) @ self._duration_weight
        logits += self._duration_bias
        likely = softmax(logits[:, :size].astype(np.float64), allowed)
        if attention.shape[1]:
            likely = mixed(likely, logits[:, size:], attention, past, allowed)
        return log_of(likely)
