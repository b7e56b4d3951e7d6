"""How fast the network learns, beside the machine's own matrix product, measured in the same run.

    python bench/training.py [--quick]

Counted are the multiplications and additions of the matrix products alone, forward and backward: everything else
(embeddings, gates, softmax, pointer masks, clipping, AdamW) takes time but counts for nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from measure import machine

from tunesmith.models.rnn import Settings
from tunesmith.models.rnn_torch import Batch, Trainer
from tunesmith.models.spec import Spec
from tunesmith.scheme import spec as scheme_spec

BATCH, STEPS = 64, 128
NETWORKS = {"LSTM(256)": Settings(hidden=256, layers=1), "LSTM(512) x 2": Settings(hidden=512, layers=2)}


def random_batch(spec: Spec, seed: int = 0) -> Batch:
    """Events that the grammar allows, otherwise random."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((BATCH, STEPS, spec.columns), np.int16)
    for feature in spec.features:
        frames[..., feature.place] = rng.integers(0, feature.size, (BATCH, STEPS))
    for anchor in spec.anchors:
        frames[..., anchor.place] = rng.integers(-1, anchor.modulus or anchor.last - anchor.first, (BATCH, STEPS))
    frames[..., spec.mask_place] = rng.choice(np.flatnonzero(spec.symbol_masks.any(1)), (BATCH, STEPS))
    frames[..., spec.floor_place] = -1
    symbols = (spec.allowed_symbols(frames) * rng.random((BATCH, STEPS, spec.symbols))).argmax(-1)
    durations = (spec.allowed_durations(symbols) * rng.random((BATCH, STEPS, spec.durations))).argmax(-1)
    return Batch(frames, symbols, durations, np.ones((BATCH, STEPS), np.float32))


def lstm_work(spec: Spec, settings: Settings) -> int:
    """Floating-point operations of one training step in the LSTM's products: forward, and twice that backward."""
    widths = [sum(feature.width for feature in spec.features), *[settings.hidden] * (settings.layers - 1)]
    return 3 * 2 * BATCH * STEPS * sum(4 * settings.hidden * (width + settings.hidden) for width in widths)


def model_work(spec: Spec, settings: Settings) -> int:
    """The same for the whole model: LSTM, heads, and the pointer's attention scores."""
    heads = spec.symbols + sum(anchor.size for anchor in spec.anchors) + 2 * settings.pointer_size + 1
    event = settings.hidden * (heads + settings.duration_size) + settings.duration_size * (spec.durations + 1)
    scores = STEPS * settings.pointer_size
    return lstm_work(spec, settings) + 3 * 2 * BATCH * STEPS * (event + scores)


def best_seconds(call: Callable[[], object], times: int) -> float:
    """The quickest of several runs, after one to warm up."""
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def matrix_rate(size: int = 2048) -> float:
    """Operations a second of one large float32 matrix product."""
    a = torch.randn(size, size)
    return 2 * size**3 / best_seconds(lambda: a @ a, 5)


def bare_lstm(spec: Spec, settings: Settings) -> Callable[[], None]:
    """torch's LSTM alone: forward, backward, AdamW."""
    width = sum(feature.width for feature in spec.features)
    lstm = torch.nn.LSTM(width, settings.hidden, settings.layers)
    optimizer = torch.optim.AdamW(lstm.parameters())
    inputs = torch.randn(STEPS, BATCH, width, requires_grad=True)

    def step() -> None:
        optimizer.zero_grad()
        lstm(inputs)[0].sum().backward()
        optimizer.step()

    return step


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two runs of each instead of five")
    times = 2 if parser.parse_args().quick else 5
    spec = scheme_spec()
    batch = random_batch(spec)
    print(f"## Training\n\n{machine()}\n")
    print(f"batch {BATCH} x {STEPS}, {spec.symbols} symbols, {len(spec.features)} features, ", end="")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| network | part | events/s | GFLOP/s | of the matrix product |")
    print("|---|---|---:|---:|---:|")
    for name, settings in NETWORKS.items():
        trainer = Trainer(spec, settings, 0)
        for part, call, work in (
            ("LSTM alone", bare_lstm(spec, settings), lstm_work(spec, settings)),
            ("whole model", lambda t=trainer: t.step(batch, 1e-3, seed=0), model_work(spec, settings)),
        ):
            before = matrix_rate()
            seconds = best_seconds(call, times)
            rate = max(before, matrix_rate())  # other work on the machine can only slow it down
            print(f"| {name} | {part} | {BATCH * STEPS / seconds:,.0f} | {work / seconds / 1e9:.0f} ", end="")
            print(f"| {work / seconds / rate:.0%} of {rate / 1e9:.0f} |", flush=True)


if __name__ == "__main__":
    main()
