"""Songs -> event arrays on disk, and a report of every file.

A corpus is a folder: `events-00000.npy` (events, 2) and `frames-00000.npy` (events, columns), shard by shard, plain
memory-mapped NumPy files; `songs.npy`, one row a song (`INDEX`); `report.jsonl`, one line for every song of every
file, kept or not; `corpus.json`, written last: what was asked for, and the totals. Nothing is held in memory but
one shard, one song and the fingerprints of the songs met, so memory does not grow with the corpus.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import __version__, formats, scheme
from tunesmith.errors import CorpusError, FormatError, SongWarning, StorageError, TunesmithError
from tunesmith.files import make_folder, read_bytes, storage_error, write_atomically
from tunesmith.fingerprints import fingerprint, opening
from tunesmith.models import Song
from tunesmith.prepare import prepare
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Score

MIN_NOTES = 8  # shorter songs teach nothing and end at once
MAX_EVENTS = 200_000  # a song; about ten hours of four voices
SHARD_EVENTS = 1 << 17  # about 13 MB of frames
WORK = ".safetensors.work"  # how the folder of an unfinished model ends
INDEX = np.dtype([("shard", "i4"), ("start", "i8"), ("length", "i4"), ("notes", "i4"), ("bars", "i4"), ("group", "i4")])

Encoder = Callable[[Score], list[scheme.Event]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a song: a line of the ingest report.

    `status`: "kept", "duplicate" or "dropped"; `reason` says why it was not kept, `warning` what is doubtful in
    one that was. `name` is unique in the corpus. `fingerprint` is equal for songs equal up to transposition.
    """

    name: str
    path: str
    status: str
    reason: str = ""
    warning: str = ""
    bars: int = 0
    notes: int = 0
    voices: int = 0
    key: str = ""
    meter: str = ""
    fingerprint: str = ""
    sha256: str = ""


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that these files and folders stand for, folders with all below them, in a fixed order.

    Hidden files in folders are left out, and what learning keeps there while it works.

    Raises:
        StorageError: a path does not exist or cannot be opened.
    """
    found: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                found += [p for p in sorted(path.rglob("*")) if not (_hidden(p.relative_to(path)) or p.is_dir())]
            elif path.exists() or path.is_symlink():
                found.append(path)
            else:
                raise StorageError("no such file or folder", path=path)
        except OSError as error:  # a name too long, a folder that may not be looked into
            raise storage_error(error, path) from error
    return list(dict.fromkeys(found))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith(WORK) for part in path.parts)


class Corpus:
    """A finished corpus, open for reading. `corpus[i]` is a `Song` of memory-mapped arrays."""

    def __init__(self, folder: Path) -> None:
        try:
            self.about: dict[str, Any] = json.loads((folder / "corpus.json").read_text("utf-8"))
            self.index: NDArray[np.void] = np.load(folder / "songs.npy", allow_pickle=False)
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
        with (self.folder / "report.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield Entry(**json.loads(line))

    def names(self) -> list[str]:
        """The names of the songs kept, in order."""
        return [entry.name for entry in self.entries() if entry.status == "kept"]

    def _shard(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        if number not in self._open:
            # Few maps are kept open: what was read through a map counts as this process's memory.
            if len(self._open) > 3:
                self._open.clear()
            names = (self.folder / f"{kind}-{number:05}.npy" for kind in ("events", "frames"))
            events, frames = (np.load(name, mmap_mode="r", allow_pickle=False) for name in names)
            self._open[number] = events, frames
        return self._open[number]


def request_key(files: Sequence[Path], options: str) -> str:
    """A key that changes when the files, their content (by size and time) or the options change."""
    digest = hashlib.sha256(f"{__version__} {v.VERSION} {scheme.viewpoints.COLUMNS} {options}".encode())
    for path in files:
        try:
            found = path.stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
        except OSError:
            digest.update(f"{path}\0?\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def ready(folder: Path, key: str) -> bool:
    """Whether the folder holds a finished corpus for this key."""
    try:
        return bool(json.loads((folder / "corpus.json").read_text("utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def ingest(
    songs: Iterable[Path | Score],
    folder: Path,
    *,
    key: str = "",
    options: formats.ReadOptions | None = None,
    encode: Encoder = scheme.encode,
) -> Iterator[Entry]:
    """Read, prepare and encode songs, of files or as scores, into a corpus; yields a line of the report for each.

    Bad songs are reported, never raised; what stops the work (a full disk) is raised.

    Raises:
        StorageError: the folder cannot be written.
    """
    writer = None
    try:
        writer = _Writer(make_folder(folder), key)
        for song in songs:
            if isinstance(song, Score):
                yield writer.add_score(song, encode)
            else:
                yield from writer.add_file(song, options, encode)
        writer.close()
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        with suppress(OSError):  # all is written, or an error is on its way already
            if writer:
                writer.release()


class _Writer:
    """Writes a corpus song by song."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        (folder / "corpus.json").unlink(missing_ok=True)
        self.report = (folder / "report.jsonl").open("w", encoding="utf-8")
        self.names: dict[str, int] = {}
        self.fingerprints: dict[str, str] = {}
        self.openings: dict[bytes, int] = {}
        self.rows: list[tuple[int, ...]] = []
        self.events: list[NDArray[np.int16]] = []
        self.frames: list[NDArray[np.int16]] = []
        self.pending = self.shard = 0
        self.mark = hashlib.sha256()  # of all events kept: what was learned from, to the bit
        self.totals = {"kept": 0, "duplicate": 0, "dropped": 0, "notes": 0, "events": 0}

    def add_file(self, path: Path, options: formats.ReadOptions | None, encode: Encoder) -> Iterator[Entry]:
        mark = _sha256(path)
        last: Entry | None = None
        try:
            for song in formats.read(path, options):
                if isinstance(song, SongWarning) and last is not None:
                    last = dataclasses.replace(last, warning=f"{last.warning}; {_without_path(song)}".lstrip("; "))
                    continue
                if last:
                    yield self._note(last)
                last = self._add_song(song, path, encode, mark)
        except TunesmithError as error:
            if last:
                yield self._note(last)
            last = Entry(self._name(path.stem), str(path), "dropped", reason=_without_path(error), sha256=mark)
        if last:
            yield self._note(last)

    def add_score(self, score: Score, encode: Encoder) -> Entry:
        return self._note(self._add_song(score, Path(), encode, ""))

    def _add_song(self, song: Score | FormatError, path: Path, encode: Encoder, mark: str) -> Entry:
        title = song.title if isinstance(song, Score) else ""
        dropped = Entry(self._name(title or path.stem), str(path), "dropped", sha256=mark)
        if isinstance(song, FormatError):
            return dataclasses.replace(dropped, reason=_without_path(song))
        try:
            score = prepare(song)
            entry = _described(score, dropped)
            if 0 < entry.notes < MIN_NOTES:
                reason = f"only {entry.notes} note{'s' if entry.notes > 1 else ''}; {MIN_NOTES} are the least"
                return dataclasses.replace(entry, reason=reason)
            return self._keep(encode(score), entry)
        except TunesmithError as error:
            return dataclasses.replace(dropped, reason=_without_path(error))

    def _keep(self, events: list[scheme.Event], entry: Entry) -> Entry:
        if len(events) > MAX_EVENTS:
            return dataclasses.replace(entry, reason=f"{len(events):,} events; {MAX_EVENTS:,} are the most")
        pairs = np.array(events, np.int16)
        mark = fingerprint(pairs)
        if mark in self.fingerprints:
            reason = f"the same music as {self.fingerprints[mark]}"
            return dataclasses.replace(entry, status="duplicate", reason=reason, fingerprint=mark)
        self.fingerprints[mark] = entry.name
        self._store(pairs, scheme.frames(events), entry)
        return dataclasses.replace(entry, status="kept", fingerprint=mark)

    def _store(self, pairs: NDArray[np.int16], rows: NDArray[np.int16], entry: Entry) -> None:
        notes = int((pairs[:, 0] < v.PITCH.end).sum())
        group = self.openings.setdefault(opening(pairs), len(self.rows))
        self.rows.append((self.shard, self.pending, len(pairs), notes, entry.bars, group))
        self.mark.update(pairs.astype("<i2").tobytes())
        self.events.append(pairs)
        self.frames.append(rows)
        self.pending += len(pairs)
        self.totals["notes"] += notes
        self.totals["events"] += len(pairs)
        if self.pending >= SHARD_EVENTS:
            self._flush()

    def _flush(self) -> None:
        if self.pending:
            for kind, arrays in (("events", self.events), ("frames", self.frames)):
                _write_array(self.folder / f"{kind}-{self.shard:05}.npy", np.concatenate(arrays))
        self.shard, self.pending, self.events, self.frames = self.shard + 1, 0, [], []

    def _note(self, entry: Entry) -> Entry:
        self.totals[entry.status] += 1
        self.report.write(json.dumps(dataclasses.asdict(entry), ensure_ascii=True) + "\n")
        return entry

    def _name(self, name: str) -> str:
        """The name, told apart from earlier ones that are the same."""
        name = "".join(c if c.isprintable() else " " for c in name).strip() or "untitled"
        self.names[name] = self.names.get(name, 0) + 1
        if self.names[name] == 1:
            return name
        return self._name(f"{name} ({self.names[name]})")

    def close(self) -> None:
        self._flush()
        _write_array(self.folder / "songs.npy", np.array(self.rows, INDEX))
        self.report.flush()
        about = json.dumps({"key": self.key, "mark": self.mark.hexdigest(), **self.totals}, indent=1).encode()
        write_atomically(self.folder / "corpus.json", lambda file: file.write(about))

    def release(self) -> None:
        self.report.close()


def _write_array(path: Path, array: NDArray[Any]) -> None:
    """As `np.save`, whose own writing does not say that the disk is full."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes())


def _described(score: Score, entry: Entry) -> Entry:
    """The entry with what there is to say of a score."""
    parts = [p for p in score.parts if p.notes and not p.drums]
    meter = score.meter_at(0)
    return dataclasses.replace(
        entry,
        bars=sum(bar.number > 0 for bar in score.bars()),
        notes=sum(len(p.notes) for p in parts),
        voices=sum(len({n.voice for n in p.notes}) for p in parts),
        key=str(score.key_at(0)),
        meter=f"{meter.beats}/{meter.unit}",
    )


def _sha256(path: Path) -> str:
    """The hash of a file's content; empty where it cannot be read as a song (the reader says why)."""
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except TunesmithError:
        return ""


def _without_path(error: TunesmithError) -> str:
    """The error's line without the path, which the report has in a field of its own."""
    copy = type(error).__new__(type(error))
    copy.__dict__.update(error.__dict__)
    copy.path = None
    return str(copy)


def split(corpus: Corpus, seed: int, share: float = 0.1, most: int = 200) -> tuple[list[int], list[int]]:
    """Numbers of the songs to learn from, and of those held out: by song, before any transposition.

    Songs that open alike (`opening`) stay together. About a tenth is held out, more of few songs, and none where
    fewer than three songs or a single opening are all there is.
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
