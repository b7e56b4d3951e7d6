"""Prediction by partial matching: counts of what followed every context up to an order, and their interpolation.

An observation is a context, a row of `order` tokens with the most telling first, and the token that followed.
The probability at order k interpolates the counts c(x) after the first k tokens of the context with order
k - 1, by escape method C: with n observations of t distinct tokens,

    p_k(x) = (c(x) + t p_{k-1}(x)) / (n + t)          p_{-1} = uniform over what is allowed

Counts of what is not allowed now are left out of c, n and t, so every p_k sums to one over what is allowed.

Sources: A. Moffat, "Implementing the PPM data compression scheme", IEEE Trans. Communications 38 (1990);
M. T. Pearce, G. A. Wiggins, "Improved methods for statistical modelling of monophonic music", Journal of New
Music Research 33 (2004).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tunesmith.models.spec import BoolArray, FloatArray, IntArray

Ints = NDArray[np.int64]


class Found(NamedTuple):
    """Observations that fit contexts: three rows of the same length."""

    rows: Ints  # which context
    tokens: Ints  # what followed
    counts: Ints  # how often


@dataclass(frozen=True, slots=True)
class _Order:
    """Counts after the first k tokens: contexts are numbered, each by its parent of order k - 1 and one token."""

    contexts: Ints  # (contexts,) rising: parent * vocabulary + token
    starts: Ints  # (contexts + 1,) into the next two
    tokens: Ints
    counts: Ints


@dataclass(frozen=True, slots=True)
class Counts:
    """What followed every context in the songs learned from."""

    vocabulary: int
    orders: tuple[_Order, ...]  # 0, 1, ... order

    @classmethod
    def of(cls, contexts: IntArray, followed: IntArray, vocabulary: int) -> Self:
        """Count observations: contexts (N, order) and what followed (N,), all in [0, vocabulary)."""
        places = np.zeros(len(followed), np.int64)
        orders = [_counted(np.zeros(min(len(followed), 1), np.int64), places, followed, vocabulary)]
        for column in contexts.T:
            known, places = np.unique(places * vocabulary + column, return_inverse=True)
            orders.append(_counted(known, places, followed, vocabulary))
        return cls(vocabulary, tuple(orders))

    def after(self, contexts: IntArray) -> Iterator[Found]:
        """What followed contexts (batch, order), order by order from 0; ends where no context was seen."""
        rows = np.arange(len(contexts) if len(self.orders[0].contexts) else 0)
        places = np.zeros(len(rows), np.int64)
        for index, order in enumerate(self.orders):
            if index:
                wanted = places * self.vocabulary + contexts[rows, index - 1]
                places = np.minimum(np.searchsorted(order.contexts, wanted), len(order.contexts) - 1)
                known = order.contexts[places] == wanted
                rows, places = rows[known], places[known]
            if not len(rows):
                return
            sizes = order.starts[places + 1] - order.starts[places]
            ends = np.cumsum(sizes)
            where = np.arange(ends[-1]) + np.repeat(order.starts[places] - ends + sizes, sizes)
            yield Found(np.repeat(rows, sizes), order.tokens[where], order.counts[where])


def _counted(known: Ints, places: Ints, followed: IntArray, vocabulary: int) -> _Order:
    pairs, counts = np.unique(places * vocabulary + followed, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(len(known) + 1) * vocabulary)
    return _Order(known, starts, pairs % vocabulary, counts)


def heard(contexts: IntArray, past_contexts: IntArray, past: IntArray, before: IntArray) -> Iterator[Found]:
    """What followed contexts earlier in the same song, order by order from 0; ends where none was met.

    contexts (batch, order); past_contexts (batch, steps, order) and past (batch, steps): the song so far (a batch
    of 1 stands for all), of which row i may see the first `before[i]` steps.
    """
    rows, steps = np.nonzero(np.arange(past.shape[1]) < before[:, None])
    songs = rows if len(past) > 1 else np.zeros_like(rows)
    for index in range(contexts.shape[1] + 1):
        if index:
            same = past_contexts[songs, steps, index - 1] == contexts[rows, index - 1]
            rows, songs, steps = rows[same], songs[same], steps[same]
        if not len(rows):
            return
        yield Found(rows, past[songs, steps].astype(np.int64), np.ones(len(rows), np.int64))


def interpolated(counts: Iterator[FloatArray], allowed: BoolArray) -> FloatArray:
    """Probabilities (batch, choices) from the counts (batch, choices) of each order, 0 first."""
    likely: FloatArray = allowed / np.maximum(allowed.sum(1, keepdims=True), 1)
    for found in counts:
        usable = found * allowed
        types = np.count_nonzero(usable, 1)[:, None]
        total = usable.sum(1, keepdims=True) + types
        likely = np.where(types > 0, (usable + types * likely) / np.maximum(total, 1), likely)
    return likely
