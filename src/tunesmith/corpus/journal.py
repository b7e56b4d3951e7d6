"""The journal of a corpus that is being made: how far each of its files had come after every song file.

So whatever stops the work, Ctrl-C or `kill -9`, it goes on after the last song file that was finished.
"""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.corpus.alike import NOTE_BYTES
from tunesmith.corpus.shards import KINDS, shard_name, size_of
from tunesmith.corpus.store import INDEX, REPORT

ROWS, MELODIES, JOURNAL = "rows.part", "melodies.part", "journal.jsonl"
LONGEST_HEAD = 1000  # bytes of the first line of a journal; it has about 80
# What is noted of a song: its row of the index, how it opens, the earlier song it is like (-1 = none), and the notes
# of its melody.
NOTED = (("opening", "u8"), ("like", "i4"), ("tones", "i4"))
ROW = np.dtype([*((name, INDEX[name]) for name in INDEX.names or ()), *NOTED])


@dataclass(slots=True)
class Place:
    """How far a corpus has come: song files done, what was written of each of its files, and the totals."""

    files: int = 0
    report: int = 0  # bytes
    rows: int = 0
    melodies: int = 0  # notes
    shard: int = 0
    pending: int = 0  # events in this shard
    kept: int = 0
    duplicate: int = 0
    dropped: int = 0
    notes: int = 0
    events: int = 0

    def line(self) -> bytes:
        """This place as a line of the journal."""
        return (json.dumps(dataclasses.asdict(self)) + "\n").encode()

    def sizes(self) -> dict[str, int]:
        """The bytes of the files other than shards."""
        melodies = self.melodies * NOTE_BYTES
        return {REPORT: self.report, ROWS: self.rows * ROW.itemsize, MELODIES: melodies}


def head(key: str) -> bytes:
    """The first line of a journal."""
    return (json.dumps({"key": key}) + "\n").encode()


def begun(folder: Path) -> bool:
    """Whether the folder holds a corpus that is being made, for whatever key."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            line = file.readline(LONGEST_HEAD)
        return not line or list(json.loads(line)) == ["key"]  # no line: the disk was full at once
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def last_place(folder: Path, key: str) -> tuple[Place, int]:
    """How far an earlier run with this key has come, and the bytes of the journal up to there.

    The beginning and 0, where there was none or what it left cannot be used.
    """
    try:
        data = (folder / JOURNAL).read_bytes()
        data = data[: data.rindex(b"\n") + 1]  # a last line without an end was never finished
        lines = data.splitlines(keepends=True)
        if key and lines[0] == head(key) and len(lines) > 1:
            place = Place(**json.loads(lines[-1]))
            if _holds(folder, place):
                return place, len(data)
    except (OSError, ValueError, TypeError):
        pass
    return Place(), 0


def _holds(folder: Path, place: Place) -> bool:
    """Whether the files are at least as long as they must be."""
    wanted = place.sizes() | {shard_name(kind, place.shard): size_of(kind, place.pending) for kind in KINDS}
    wanted |= {shard_name(kind, number): 1 for kind in KINDS for number in range(place.shard)}
    with suppress(OSError):
        return all((folder / name).stat().st_size >= size for name, size in wanted.items())
    return False
