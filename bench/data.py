"""The data folder: which collections it holds, and which of their files are songs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith import formats


@dataclass(frozen=True)
class Collection:
    """A folder of songs: those that a format reads, and how many files are something else."""

    name: str
    songs: tuple[Path, ...]
    others: int


def collections_of(root: Path) -> list[Collection]:
    """The collections of a data folder: the folders in its `base/` and `bench/`, or else its own folders."""
    halves = [half for half in (root / "base", root / "bench") if half.is_dir()] or [root]
    folders = [f for half in halves for f in sorted(half.iterdir()) if f.is_dir() and f not in halves]
    return [_collection(folder) for folder in folders]


def _collection(folder: Path) -> Collection:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    songs = tuple(f for f in files if formats.readable(f) and not f.name.startswith("LICENSE"))
    return Collection(folder.name, songs, len(files) - len(songs))


def sample(files: Sequence[Path], count: int, seed: int) -> list[Path]:
    """So many files by chance, in order; all where there are fewer."""
    return sorted(random.Random(seed).sample(list(files), min(count, len(files))))
