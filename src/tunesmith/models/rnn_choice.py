"""From logits and attention to the probabilities of a choice; the arithmetic of `rnn`, without weights."""

from __future__ import annotations

import numpy as np

from tunesmith.models.rnn_shape import GATE_LIMIT, Float32
from tunesmith.models.spec import BoolArray, FloatArray, IntArray


def mixed(likely: FloatArray, gate: Float32, attention: Float32, past: IntArray, allowed: BoolArray) -> FloatArray:
    """Mix what is copied from the past into probabilities (n, choices); see `rnn`.

    gate (n, 1), a logit; attention (n, steps) on past (n, steps), the choices made then; allowed (n, choices).
    """
    count, size = likely.shape
    places = past if count == 1 else past + np.arange(0, count * size, size)[:, None]
    copied = np.asarray(np.bincount(places.ravel(), attention.ravel(), likely.size), np.float64).reshape(likely.shape)
    copied *= allowed
    copied = copied * (GATE_LIMIT / (1 + np.exp(-gate.astype(np.float64))))
    result: FloatArray = (1 - copied.sum(1, keepdims=True)) * likely
    result += copied
    return result


def softmax(logits: FloatArray, allowed: BoolArray) -> FloatArray:
    """Probabilities (n, choices) over what is allowed; changes the logits in place. Zeros where nothing is allowed."""
    np.putmask(logits, ~allowed, -np.inf)
    logits -= logits.max(1, keepdims=True, initial=-1e300)
    likely: FloatArray = np.exp(logits, out=logits)
    likely /= np.maximum(likely.sum(1, keepdims=True), 1e-300)
    return likely


def log_of(likely: FloatArray) -> FloatArray:
    """Log-probabilities, -inf for 0; changes the probabilities in place."""
    with np.errstate(divide="ignore"):
        log_p: FloatArray = np.log(likely, out=likely)
    return log_p


def attention_of(scores: Float32, past: BoolArray | None) -> Float32:
    """Softmax (n, steps) over the steps that are past (all where None); zeros where there are none."""
    if past is not None:
        scores = np.where(past, scores, np.float32(-np.inf))
    weights: Float32 = scores - scores.max(1, keepdims=True, initial=-1e30)
    np.exp(weights, out=weights)
    weights /= np.maximum(weights.sum(1, keepdims=True), np.float32(1e-30))
    return weights
