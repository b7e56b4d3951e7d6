"""Reading songs into a corpus as it is asked for: which, where, by how many workers, within which limits."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunesmith import formats, scheme
from tunesmith.corpus.entries import Entry
from tunesmith.corpus.finding import find_files, request_key
from tunesmith.corpus.ingesting import ingest
from tunesmith.corpus.journal import begun
from tunesmith.corpus.songs import Encoder
from tunesmith.corpus.store import Corpus, finished, ready
from tunesmith.corpus.workers import Limits
from tunesmith.corpus.writing import clear
from tunesmith.errors import CorpusError, RequestError, StorageError
from tunesmith.files import make_folder, storage_error
from tunesmith.formats.digits import STEP_SECONDS
from tunesmith.prepare import LINES
from tunesmith.score import Score

GIB = 2**30
MOST_JOBS = 1024
SECONDS, GIBS = (1.0, 86_400.0), (0.25, 1024.0)  # limits of the limits


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import and how. `songs`: files, folders, or scores. `output`: the folder of the corpus (None: it is
    not kept).

    `jobs`: worker processes (None: one for each core, none for a few small files). `time_limit`: seconds that a song
    may take, 20 more for each MiB of its file. `memory_limit`: GiB that a file may need, on Linux.
    `drop_near_duplicates`: a song whose melody is nearly that of an earlier one is dropped. `only`: "melody" or "bass",
    to take that line alone (see `prepare.only`). `resume`: go on where an earlier run of this request was stopped.
    """

    songs: tuple[Path | Score, ...]
    output: Path | None = None
    jobs: int | None = None
    time_limit: float = 60.0
    memory_limit: float = 1.5
    drop_near_duplicates: bool = False
    step_seconds: float = 0.4
    only: str = "all"
    resume: bool = True

    def check(self) -> None:
        """Raise `RequestError` for what makes no sense."""
        if not self.songs:
            raise RequestError("no songs given", fix="name files or folders")
        if self.jobs is not None and not 1 <= self.jobs <= MOST_JOBS:
            raise RequestError(f"{self.jobs} jobs make no sense", fix=f"choose from 1 to {MOST_JOBS}")
        if self.only not in LINES:
            raise RequestError(f"unknown line {self.only!r}", fix=f"known are: {', '.join(LINES)}")
        for value, (least, most), what in (
            (self.time_limit, SECONDS, "a time limit of {:g} seconds"),
            (self.memory_limit, GIBS, "a memory limit of {:g} GiB"),
            (self.step_seconds, STEP_SECONDS, "a step of {:g} seconds"),
        ):
            if not least <= value <= most:
                raise RequestError(what.format(value), fix=f"choose {least:g} to {most:g}")

    @property
    def limits(self) -> Limits:
        """What one file may take."""
        return Limits(self.time_limit, round(self.memory_limit * GIB))


@dataclass(frozen=True, slots=True)
class Gathered:
    """So many files were found, and will be read one after the other."""

    files: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """All songs were read. `near`: those kept that are nearly the same as an earlier one; `held_out`: by name.

    `known`: so many of them a model held before, to which the others are added.
    """

    kept: int
    duplicates: int
    dropped: int
    notes: int
    events: int
    held_out: tuple[str, ...] = ()
    near: int = 0
    known: int = 0

    @classmethod
    def of(cls, songs: Corpus, held_out: tuple[str, ...] = ()) -> Ingested:
        """The totals of a corpus."""
        names = ("kept", "duplicate", "dropped", "notes", "events")
        kept, duplicates, dropped, notes, events = (int(songs.about[name]) for name in names)
        return cls(kept, duplicates, dropped, notes, events, held_out, int(songs.about["near"]))


def gathered(
    request: ImportRequest, place: Path, encode: Encoder = scheme.encode
) -> Generator[Gathered | Entry, None, Corpus]:
    """Read all songs of a request into the corpus at `place`, or take the one that is there; yields every entry.

    What lies in `place` itself is no song, also where it is inside a folder of songs.

    Raises:
        StorageError: a path does not exist, or the folder cannot be written.
        CorpusError: nothing is there to learn from.
    """
    found = find_files([song for song in request.songs if not isinstance(song, Score)])
    own = place.resolve()
    files = [file for file in found if not _lies_in(file, own)]
    scores = [song for song in request.songs if isinstance(song, Score)]
    options = formats.ReadOptions(step_seconds=request.step_seconds, only=request.only)
    asked = f"{encode.__qualname__} {options} {request.limits} {request.drop_near_duplicates}"
    key = "" if scores else request_key(files, asked)  # scores have no dates by which to know them again
    yield Gathered(len(files) + len(scores))
    if key and ready(place, key):
        yield from Corpus(place).entries()
    else:
        yield from ingest(
            [*scores, *files],  # a file that holds one of the scores is the duplicate
            place,
            key=key,
            options=options,
            encode=encode,
            jobs=request.jobs,
            limits=request.limits,
            drop_near=request.drop_near_duplicates,
        )
    songs = Corpus(place)
    if not len(songs):
        raise _nothing_kept(songs, request)
    return songs


def _lies_in(file: Path, folder: Path) -> bool:
    """Whether a file stands in a folder, which is resolved, or below it."""
    parent = file.parent.resolve()
    return folder == parent or folder in parent.parents


def importing(request: ImportRequest) -> Iterator[Gathered | Entry | Ingested]:
    """Read songs, and no more: yields how many files there are, what became of every song, and the totals.

    Raises:
        RequestError: the request makes no sense.
        StorageError: a path does not exist, or the output cannot be written.
        CorpusError: nothing is there to learn from.
    """
    request.check()
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as temporary:
        place = make_folder(request.output or Path(temporary))
        _check_place(place)
        if not request.resume:
            clear(place)
        songs = yield from gathered(request, place)
        yield Ingested.of(songs)


def _check_place(place: Path) -> None:
    """Only a new folder, or one with a corpus in it, is written to: no file of the user's is ever in the way."""
    try:
        taken = any(place.iterdir()) and not (finished(place) or begun(place))
    except OSError as error:
        raise storage_error(error, place) from error
    if taken:
        raise StorageError("holds other files", path=place, fix="name a new folder for what is read")


def _nothing_kept(songs: Corpus, request: ImportRequest) -> CorpusError:
    entries = songs.entries()
    first = next(entries, None)
    count = sum(1 for _ in entries) + (first is not None)
    places = [str(song) for song in request.songs if not isinstance(song, Score)]
    readable = " ".join(e for f in formats.FORMATS if f.reads for e in f.endings)
    if first is None:
        return CorpusError("no files there", path=places[0] if places else None, fix=f"readable are: {readable}")
    if count == 1:
        return CorpusError(first.reason, path=first.path)
    what = f"none of the {count} songs can be learned from (the first: {first.name}: {first.reason})"
    return CorpusError(what, path=places[0] if len(places) == 1 else None, fix=f"readable are: {readable}")
