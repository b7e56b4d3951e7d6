"""Arrays on disk that grow: the shards of a corpus, NumPy files to which events are appended as they come."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import scheme

SHARD_EVENTS = 1 << 17  # about 13 MB of frames
INT16 = np.dtype("<i2")
KINDS = {"events": 2, "frames": scheme.viewpoints.COLUMNS}  # -> columns


def shard_name(kind: str, number: int) -> str:
    """The name of the file of a shard."""
    return f"{kind}-{number:05}.npy"


def continued(path: Path, size: int) -> IO[bytes]:
    """A file open for reading and appending after its first `size` bytes; what comes after them is cut off."""
    file = path.open("r+b" if size else "w+b")
    file.truncate(size)
    file.seek(size)
    return file


class Shards:
    """The shard that is being written, in a folder: its `number`, and how many events it has so far, `pending`."""

    def __init__(self, folder: Path, number: int = 0, pending: int = 0) -> None:
        self._folder, self.number, self.pending = folder, number, pending
        self._files: dict[str, IO[bytes]] = {}
        self._open()

    def add(self, events: NDArray[np.int16], frames: NDArray[np.int16]) -> tuple[int, int]:
        """Append a song; the number of its shard, and where it begins there."""
        if self.pending >= SHARD_EVENTS:
            self.end()
        place = self.number, self.pending
        for kind, array in (("events", events), ("frames", frames)):
            self._files[kind].write(np.ascontiguousarray(array, INT16).tobytes())
        self.pending += len(events)
        return place

    def end(self) -> None:
        """Write into the head of this shard how long it is, and begin another."""
        for kind, file in self._files.items():
            file.seek(0)
            file.write(_header(kind, self.pending))
        self.close()
        self.number, self.pending = self.number + 1, 0
        self._open()

    def finish(self) -> None:
        """There is no more to come."""
        if self.pending:
            self.end()
        self.close()
        for kind in KINDS:  # opened for events that did not come
            (self._folder / shard_name(kind, self.number)).unlink()

    def flush(self) -> None:
        """Give the system all that was written."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Close the files as they are."""
        for file in self._files.values():
            file.close()

    def hash_into(self, digest: hashlib._Hash) -> None:
        """Feed all events so far to a hash."""
        self.flush()
        for number in range(self.number + 1):
            with (self._folder / shard_name("events", number)).open("rb") as file:
                file.seek(len(_header("events", 0)))
                while block := file.read(1 << 20):
                    digest.update(block)

    def _open(self) -> None:
        for kind in KINDS:
            header = _header(kind, self.pending)
            file = continued(self._folder / shard_name(kind, self.number), size_of(kind, self.pending))
            if not self.pending:
                file.write(header)
            self._files[kind] = file


def size_of(kind: str, events: int) -> int:
    """The bytes of a shard's file with so many events; of none, 0."""
    return len(_header(kind, events)) + events * KINDS[kind] * INT16.itemsize if events else 0


def _header(kind: str, rows: int) -> bytes:
    """The head of a NumPy file; it is equally long for every number of rows, since the format leaves room for that."""
    about: dict[str, Any] = {"descr": INT16.str, "fortran_order": False, "shape": (rows, KINDS[kind])}
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, about)
    return out.getvalue()
