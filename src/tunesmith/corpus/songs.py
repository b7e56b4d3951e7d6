"""From a file to songs that can be learned from: read, prepare, encode; pure work, nothing kept between files.

It is done here or in a process of its own, which writes what it found to a file (`parcel`) for the corpus to take.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import formats, scheme
from tunesmith.corpus import parcel, workers
from tunesmith.corpus.entries import DROPPED, KEPT, Entry, without_path
from tunesmith.corpus.parcel import Prepared
from tunesmith.errors import FormatError, SongWarning, TunesmithError
from tunesmith.files import read_bytes
from tunesmith.fingerprints import fingerprint, melody_of
from tunesmith.prepare import cut_short, only, prepare_counting
from tunesmith.score import Score

MIN_NOTES = 8  # shorter songs teach nothing and end at once
MAX_EVENTS = 200_000  # a song; about ten hours of four voices
MAX_SONGS = 100_000  # a file

Encoder = Callable[[Score], list[scheme.Event]]


def songs_of(path: Path, options: formats.ReadOptions | None, encode: Encoder) -> Iterator[Prepared]:
    """Every song of a file, prepared, or why it is dropped. Nothing that is wrong with a song is raised.

    Raises:
        MemoryError: there is not enough for this file.
    """
    mark = _sha256(path)
    last: Prepared | None = None
    try:
        for song in formats.read(path, options):
            if isinstance(song, SongWarning) and last is not None:
                last = last.warned(without_path(song))
                continue
            if last:
                yield last
            last = song_of(song, path, encode, mark, options.only if options else "all")
    except TunesmithError as error:
        if last:
            yield last
        last = dropped(path, without_path(error), mark)
    except MemoryError:
        raise
    except Exception as error:  # a fault of ours in one file must not stop the others
        if last:
            yield last
        last = dropped(path, _fault(error), mark)
    if last:
        yield last


def dropped(path: Path, reason: str, mark: str = "") -> Prepared:
    """What is left of a file that could not be read."""
    return Prepared(Entry(path.stem, str(path), DROPPED, reason=reason, sha256=mark))


def song_of(song: Score | FormatError, path: Path, encode: Encoder, mark: str = "", line: str = "all") -> Prepared:
    """One song, or only a `line` of it (see `prepare.only`), prepared, or why it is dropped."""
    title = song.title if isinstance(song, Score) else ""
    entry = Entry(title or path.stem, str(path), DROPPED, sha256=mark)
    if isinstance(song, FormatError):
        return Prepared(dataclasses.replace(entry, reason=without_path(song)))
    try:
        score, shortened = prepare_counting(only(song, line))
        entry = _described(score, entry)
        if 0 < entry.notes < MIN_NOTES:
            reason = f"only {entry.notes} note{'s' if entry.notes > 1 else ''}; {MIN_NOTES} are the least"
            return Prepared(dataclasses.replace(entry, reason=reason))
        found = _encoded(score, encode(score), entry)
        return found.warned(cut_short(shortened)) if shortened and found.entry.status == KEPT else found
    except TunesmithError as error:
        return Prepared(dataclasses.replace(entry, reason=without_path(error)))
    except MemoryError:
        raise
    except Exception as error:  # a fault of ours in one song of a book must not stop the others
        return Prepared(dataclasses.replace(entry, reason=_fault(error)))


def _fault(error: Exception) -> str:
    return f"a fault in Tunesmith ({type(error).__name__}: {error}); please report it"


def _encoded(score: Score, events: list[scheme.Event], entry: Entry) -> Prepared:
    if len(events) > MAX_EVENTS:
        return Prepared(dataclasses.replace(entry, reason=f"{len(events):,} events; {MAX_EVENTS:,} are the most"))
    pairs = np.array(events, np.int16)
    entry = dataclasses.replace(entry, status=KEPT, fingerprint=fingerprint(score))
    return Prepared(entry, pairs, scheme.frames(events), melody_of(score))


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


# ---- in a process of its own

JOB = f"{__name__}:read_file"


def request_for(path: Path, parcel_path: Path, options: formats.ReadOptions | None, encode: Encoder) -> dict[str, Any]:
    """What to tell a worker whose job is `JOB`, as JSON has it."""
    told = dataclasses.asdict(options) if options else None
    return {"path": str(path), "parcel": str(parcel_path), "options": told, "encode": workers.name_of(encode)}


def read_file(request: dict[str, Any]) -> dict[str, Any]:
    """The job: put the songs of a file into a parcel."""
    options = formats.ReadOptions(**request["options"]) if request["options"] else None
    with Path(request["parcel"]).open("wb") as file:
        for number, song in enumerate(songs_of(Path(request["path"]), options, workers.named(request["encode"])), 1):
            if number > MAX_SONGS:
                raise FormatError(f"more than {MAX_SONGS:,} songs in a file")
            parcel.put(file, song)
            workers.alive()
    return {}
