"""Prepared songs on their way from a reading process to the corpus: a file of frames, one a song.

A frame is the length of its head (4 bytes, big endian), the head as JSON (the entry, and how many rows each array
has), and the arrays' bytes (int16 and int32, little endian). Nothing in it is ever run, and every length is bounded.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import scheme
from tunesmith.corpus.entries import Entry

MAX_HEAD = 1 << 24  # bytes
MAX_ROWS = 1 << 24
# name -> columns and type, in the order in which they are written
ARRAYS = {"events": (2, "<i2"), "frames": (scheme.viewpoints.COLUMNS, "<i2"), "melody": (2, "<i4")}


def _empty(name: str) -> NDArray[Any]:
    columns, kind = ARRAYS[name]
    return np.empty((0, columns), kind)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A song as it goes into the corpus: its entry, events (T, 2), frames (T, columns) and melody (M, 2).

    The arrays are empty where the song is dropped. The melody: see `fingerprints.melody_of`.
    """

    entry: Entry
    events: NDArray[np.int16] = field(default_factory=lambda: _empty("events"))
    frames: NDArray[np.int16] = field(default_factory=lambda: _empty("frames"))
    melody: NDArray[np.int32] = field(default_factory=lambda: _empty("melody"))

    def warned(self, warning: str) -> Prepared:
        """The same with one warning more."""
        return dataclasses.replace(self, entry=self.entry.warned(warning))


def put(file: IO[bytes], song: Prepared) -> None:
    """Write one song."""
    arrays = {name: getattr(song, name) for name in ARRAYS}
    told = {"entry": dataclasses.asdict(song.entry), "rows": {name: len(a) for name, a in arrays.items()}}
    head = json.dumps(told, ensure_ascii=True).encode()
    file.write(len(head).to_bytes(4, "big") + head)
    for name, array in arrays.items():
        file.write(np.ascontiguousarray(array, ARRAYS[name][1]).tobytes())


def take(path: Path) -> Iterator[Prepared]:
    """The songs in a file that `put` has written, one at a time.

    Raises:
        ValueError: it is not such a file.
    """
    with path.open("rb") as file:
        while prefix := file.read(4):
            told = json.loads(_exactly(file, int.from_bytes(prefix, "big"), MAX_HEAD))
            arrays = {name: _array(file, name, told["rows"][name]) for name in ARRAYS}
            yield Prepared(Entry(**told["entry"]), **arrays)


def _array(file: IO[bytes], name: str, rows: int) -> NDArray[Any]:
    columns, kind = ARRAYS[name]
    size = rows * columns * np.dtype(kind).itemsize
    data = _exactly(file, size, MAX_ROWS * columns * np.dtype(kind).itemsize)
    return np.frombuffer(data, kind).reshape(rows, columns)


def _exactly(file: IO[bytes], size: int, most: int) -> bytes:
    data = file.read(size) if 0 <= size <= most else b""
    if len(data) != size:
        raise ValueError("a parcel is damaged")
    return data
