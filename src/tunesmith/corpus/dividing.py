"""Which songs are learned from and which are held out."""

from __future__ import annotations

import numpy as np

from tunesmith.corpus.store import Corpus


def split(corpus: Corpus, seed: int, share: float = 0.1, most: int = 200) -> tuple[list[int], list[int]]:
    """Numbers of the songs to learn from, and of those held out: by song, before any transposition.

    Songs of one group, which open alike or are nearly the same (`INDEX`), stay together. About a tenth is held out,
    more of few songs, and none where fewer than three songs or a single group are all there is.
    """
    count, groups = len(corpus), corpus.index["group"]
    wanted = 0 if count < 3 else min(most, max(1, round(count * max(share, 0.15 if count < 40 else 0.0))))
    held: set[int] = set()
    for number in np.random.default_rng(seed).permutation(count).tolist():
        if len(held) >= wanted:
            break
        alike = np.flatnonzero(groups == groups[number]).tolist()
        if len(alike) <= max(1, count // 4):
            held.update(alike)
    return [n for n in range(count) if n not in held], sorted(held)
