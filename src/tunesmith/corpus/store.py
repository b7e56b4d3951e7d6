"""A corpus on disk, open for reading.

It is a folder: `events-00000.npy` (events, 2) and `frames-00000.npy` (events, columns), shard by shard, plain
memory-mapped NumPy files; `songs.npy`, one row a song (`INDEX`); `report.jsonl`, one line for every song of every
file, kept or not; `corpus.json`, written last: what was asked for, and the totals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.corpus.entries import KEPT, Entry, read_entries
from tunesmith.corpus.shards import KINDS, shard_name
from tunesmith.errors import CorpusError
from tunesmith.models import Song

INDEX = np.dtype([("shard", "i4"), ("start", "i8"), ("length", "i4"), ("notes", "i4"), ("bars", "i4"), ("group", "i4")])
REPORT, SONGS, ABOUT = "report.jsonl", "songs.npy", "corpus.json"


class Corpus:
    """A finished corpus, open for reading. `corpus[i]` is a `Song` of memory-mapped arrays."""

    def __init__(self, folder: Path) -> None:
        try:
            self.about: dict[str, Any] = json.loads((folder / ABOUT).read_text("utf-8"))
            self.index: NDArray[np.void] = np.load(folder / SONGS, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CorpusError("the prepared songs cannot be opened", path=folder, fix="prepare them again") from error
        self.folder = folder
        self._open: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> Song:
        row = self.index[number]
        events, frames = self._shard(int(row["shard"]))
        place = slice(int(row["start"]), int(row["start"]) + int(row["length"]))
        return Song(frames[place], events[place, 0], events[place, 1])

    def __iter__(self) -> Iterator[Song]:
        return (self[number] for number in range(len(self)))

    def entries(self) -> Iterator[Entry]:
        """The ingest report."""
        return read_entries(self.folder / REPORT)

    def names(self) -> list[str]:
        """The names of the songs kept, in order."""
        return [entry.name for entry in self.entries() if entry.status == KEPT]

    def _shard(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        if number not in self._open:
            # Few maps are kept open: what was read through a map counts as this process's memory.
            if len(self._open) > 3:
                self._open.clear()
            names = (self.folder / shard_name(kind, number) for kind in KINDS)
            events, frames = (np.load(name, mmap_mode="r", allow_pickle=False) for name in names)
            self._open[number] = events, frames
        return self._open[number]


def ready(folder: Path, key: str) -> bool:
    """Whether the folder holds a finished corpus for this key."""
    return _about(folder).get("key") == key


def finished(folder: Path) -> bool:
    """Whether the folder holds a finished corpus, for whatever key."""
    return {"key", "mark"} <= _about(folder).keys()


def _about(folder: Path) -> dict[str, Any]:
    """What a finished corpus says of itself; nothing where there is none."""
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}
