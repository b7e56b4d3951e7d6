"""Writing a corpus, song by song.

Everything is appended as soon as it is known, and nothing is held in memory but one song and a little about each song
met: its name, fingerprint, and sketch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.corpus.alike import Alike, united
from tunesmith.corpus.entries import DUPLICATE, KEPT, Entry, Names, read_entries
from tunesmith.corpus.journal import JOURNAL, MELODIES, ROW, ROWS, head, last_place
from tunesmith.corpus.parcel import Prepared
from tunesmith.corpus.shards import Shards, continued
from tunesmith.corpus.store import ABOUT, INDEX, REPORT, SONGS
from tunesmith.files import write_atomically
from tunesmith.fingerprints import opening
from tunesmith.scheme import vocabulary as v


class Writer:
    """Writes a corpus; with a key, goes on where an earlier writer with this key was stopped.

    `place.files` says how many song files are finished. `drop_near`: a song that is nearly the same as an earlier one
    is a duplicate.
    """

    def __init__(self, folder: Path, key: str, drop_near: bool = False) -> None:
        self.folder, self._key, self._drop_near = folder, key, drop_near
        self.place, journal = last_place(folder, key)
        if not self.place.files:
            clear(folder)
        (folder / ABOUT).unlink(missing_ok=True)
        sizes = self.place.sizes() | {JOURNAL: journal}
        self._files: dict[str, IO[bytes]] = {name: continued(folder / name, size) for name, size in sizes.items()}
        if not journal:
            self._files[JOURNAL].write(head(key))
            self._files[JOURNAL].flush()  # from here on the folder is known as ours
        self._shards = Shards(folder, self.place.shard, self.place.pending)
        self._names = Names()
        self._fingerprints: dict[str, str] = {}  # -> name
        self._kept: list[str] = []  # names by row
        self._mark = hashlib.sha256()  # of all events kept: what was learned from, to the bit
        self._alike = Alike(self._files[MELODIES])
        if self.place.files:
            self._remember()

    def entries(self) -> Iterator[Entry]:
        """The entries of the song files that are finished."""
        self._flush()
        return read_entries(self.folder / REPORT)

    def add(self, song: Prepared) -> Entry:
        """Store a song, or note why it is not stored; returns its line of the report."""
        entry = dataclasses.replace(song.entry, name=self._names.give(song.entry.name))
        if entry.status == KEPT:
            entry = self._judged(entry, song)
        line = entry.line()
        self._files[REPORT].write(line)
        self.place.report += len(line)
        setattr(self.place, entry.status, getattr(self.place, entry.status) + 1)
        return entry

    def commit(self) -> None:
        """A song file is finished: note it, so that this work is never done again."""
        self.place.files += 1
        self.place.shard, self.place.pending = self._shards.number, self._shards.pending
        self._flush()
        self._files[JOURNAL].write(self.place.line())
        self._files[JOURNAL].flush()

    def close(self) -> None:
        """All song files are finished: make it a corpus."""
        self._shards.finish()
        self.release()
        rows = self._rows()
        index = np.zeros(len(rows), INDEX)
        for name in INDEX.names or ():
            index[name] = rows[name]
        index["group"] = united(rows["opening"], rows["like"])
        _write_array(self.folder / SONGS, index)
        totals = {name: getattr(self.place, name) for name in ("kept", "duplicate", "dropped", "notes", "events")}
        totals["near"] = int((rows["like"] >= 0).sum())
        about = json.dumps({"key": self._key, "mark": self._mark.hexdigest(), **totals}, indent=1).encode()
        write_atomically(self.folder / ABOUT, lambda file: file.write(about))
        for name in (ROWS, MELODIES, JOURNAL):
            (self.folder / name).unlink()

    def release(self) -> None:
        """Close the files."""
        self._shards.close()
        for file in self._files.values():
            file.close()

    def _judged(self, entry: Entry, song: Prepared) -> Entry:
        """Duplicate, near-duplicate or new; what is kept is stored."""
        if entry.fingerprint in self._fingerprints:
            reason = f"the same music as {self._fingerprints[entry.fingerprint]}"
            return dataclasses.replace(entry, status=DUPLICATE, reason=reason)
        near = self._alike.nearest(song.melody)
        if near:
            name = self._kept[near.number]
            entry = dataclasses.replace(entry, like=name, likeness=round(near.likeness, 2))
            told = f"nearly the same as {name} ({entry.likeness:.0%})"
            if self._drop_near:
                return dataclasses.replace(entry, status=DUPLICATE, reason=told)
            entry = entry.warned(told)
        self._fingerprints[entry.fingerprint] = entry.name
        self._kept.append(entry.name)
        self._store(song, entry.bars, near.number if near else -1)
        return entry

    def _store(self, song: Prepared, bars: int, like: int) -> None:
        events = song.events
        shard, start = self._shards.add(events, song.frames)
        notes = int((events[:, 0] < v.PITCH.end).sum())
        noted = _number(opening(events)), like, len(song.melody)
        self._files[ROWS].write(np.array((shard, start, len(events), notes, bars, 0, *noted), ROW).tobytes())
        self._mark.update(np.ascontiguousarray(events, "<i2").tobytes())
        self._alike.add(song.melody)
        self.place.rows += 1
        self.place.melodies += len(song.melody)
        self.place.notes += notes
        self.place.events += len(events)

    def _rows(self) -> NDArray[np.void]:
        return np.fromfile(self.folder / ROWS, ROW, self.place.rows)

    def _flush(self) -> None:
        """Give the system all that was written: `kill -9` cannot take it any more."""
        self._shards.flush()
        for file in self._files.values():
            file.flush()

    def _remember(self) -> None:
        """Take up what an earlier writer knew."""
        for entry in self.entries():
            self._names.add(entry.name)
            if entry.status == KEPT:
                self._fingerprints[entry.fingerprint] = entry.name
                self._kept.append(entry.name)
        self._shards.hash_into(self._mark)
        self._alike.remember(self._rows()["tones"])


def clear(folder: Path) -> None:
    """Remove an earlier corpus or a part of one from a folder, and nothing else."""
    for pattern in (ABOUT, "events-*.npy", "frames-*.npy", SONGS, REPORT, ROWS, MELODIES, JOURNAL):
        for path in folder.glob(pattern):
            path.unlink()


def _number(mark: bytes) -> int:
    """A mark as a number of 64 bits."""
    return int.from_bytes(hashlib.blake2b(mark, digest_size=8).digest(), "little")


def _write_array(path: Path, array: NDArray[Any]) -> None:
    """As `np.save`, whose own writing does not say that the disk is full."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes())
