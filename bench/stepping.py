"""How long one composing step takes in plain NumPy: the recurrence alone, and the whole step with all heads.

    python bench/stepping.py [--quick]

The bare recurrence is the matrix-vector product of every layer and its gates. The whole step adds the input, the
grammar, symbol and duration logits with their masks, and the pointer over `PAST` events. Beside them stands the
n-gram model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from measure import machine

from tunesmith.models import Model, Song
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as NgramSettings
from tunesmith.models.rnn import Rnn, Settings, shapes
from tunesmith.models.spec import Spec
from tunesmith.scheme import spec as scheme_spec

PAST = 200  # events the songs have when a step is measured
CASES = (
    ("LSTM(256)", 256, 1, 1),
    ("LSTM(512) x 2", 512, 2, 1),
    ("LSTM(256)", 256, 1, 64),
    ("LSTM(512) x 2", 512, 2, 64),
)


def random_song(spec: Spec, length: int, seed: int) -> Song:
    """Events that the grammar allows, otherwise random."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((length, spec.columns), np.int16)
    for feature in spec.features:
        frames[:, feature.place] = rng.integers(0, feature.size, length)
    for anchor in spec.anchors:
        frames[:, anchor.place] = rng.integers(0, anchor.modulus or anchor.last - anchor.first, length)
    frames[:, spec.mask_place] = rng.choice(np.flatnonzero(spec.symbol_masks.any(1)), length)
    frames[:, spec.floor_place] = -1
    symbols = (spec.allowed_symbols(frames) * rng.random((length, spec.symbols))).argmax(1)
    durations = (spec.allowed_durations(symbols) * rng.random((length, spec.durations))).argmax(1)
    for name, chosen in (("previous symbol", symbols), ("previous duration", durations)):
        frames[1:, spec.place(name) or 0] = chosen[:-1] + 1
    return Song(frames, symbols, durations)


def random_network(spec: Spec, settings: Settings) -> Rnn:
    """A network of small random weights."""
    rng = np.random.default_rng(0)
    return Rnn(
        spec,
        settings,
        {name: rng.standard_normal(shape, np.float32) * 0.05 for name, shape in shapes(spec, settings).items()},
    )


def microseconds(call: Callable[[int], object], times: int) -> float:
    """The median of single calls."""
    seconds = []
    for index in range(times):
        start = time.perf_counter()
        call(index)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)) * 1e6


def whole_step(model: Model, song: Song, batch: int) -> Callable[[int], None]:
    """A step of symbols and durations, from a state that has `PAST` events."""
    state = model.begin(batch)
    frames = np.repeat(song.frames[:, None], batch, 1)
    symbols = np.repeat(song.symbols[:, None], batch, 1)

    def step(index: int) -> None:
        model.symbols(state, frames[index])
        model.durations(state, symbols[index])

    for index in range(PAST):
        step(index)
    return lambda index: step(PAST + index)


def bare_recurrence(network: Rnn, batch: int) -> Callable[[int], None]:
    """The LSTM layers alone, as a sampler would run them with nothing else to do."""
    settings = network.shape
    random = np.random.default_rng(0)
    sizes = [settings.hidden * (2 if layer else 1) for layer in range(settings.layers)]
    weights = [random.standard_normal((size, 4 * settings.hidden), np.float32) * 0.05 for size in sizes]
    outputs = [np.zeros((batch, settings.hidden), np.float32) for _ in sizes]
    memories = [np.zeros((batch, settings.hidden), np.float32) for _ in sizes]

    def step(_: int) -> None:
        below = None
        for layer, weight in enumerate(weights):
            inputs = outputs[layer] if below is None else np.concatenate((below, outputs[layer]), 1)
            gates = inputs @ weight
            opening = gates[:, : 3 * settings.hidden]
            opening[:] = 1 / (1 + np.exp(-opening))
            i, f, o = np.split(opening, 3, 1)
            memories[layer] = f * memories[layer] + i * np.tanh(gates[:, 3 * settings.hidden :])
            below = outputs[layer] = o * np.tanh(memories[layer])

    return step


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="30 steps of each instead of 200")
    times = 30 if parser.parse_args().quick else 200
    spec = scheme_spec()
    song = random_song(spec, PAST + times, 0)
    print(f"## Composing step\n\n{machine()}\n")
    print(
        f"{spec.symbols} symbols, {len(spec.features)} features, pointer over {PAST} events, NumPy {np.__version__}\n"
    )
    print("| network | songs side by side | bare recurrence, us | whole step, us | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name, hidden, layers, batch in CASES:
        network = random_network(spec, Settings(hidden=hidden, layers=layers))
        bare = microseconds(bare_recurrence(network, batch), times)
        whole = microseconds(whole_step(network, song, batch), times)
        print(f"| {name} | {batch} | {bare:,.0f} | {whole:,.0f} | {whole / bare:.2f} |", flush=True)
    ngram = Ngram(spec, NgramSettings()).fit([random_song(spec, 500, seed) for seed in range(1, 21)])
    for batch in (1, 64):
        print(f"| n-gram | {batch} | | {microseconds(whole_step(ngram, song, batch), times):,.0f} | |", flush=True)


if __name__ == "__main__":
    main()
