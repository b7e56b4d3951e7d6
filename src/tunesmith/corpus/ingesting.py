"""Songs -> corpus: here or in worker processes, in the order of the files, going on where it was stopped."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import groupby, islice
from pathlib import Path

from tunesmith import formats, scheme
from tunesmith.corpus import parcel, workers
from tunesmith.corpus.entries import Entry
from tunesmith.corpus.parcel import Prepared
from tunesmith.corpus.songs import JOB, Encoder, dropped, request_for, song_of, songs_of
from tunesmith.corpus.workers import Limits
from tunesmith.corpus.writing import Writer
from tunesmith.errors import TunesmithError
from tunesmith.files import make_folder, storage_error
from tunesmith.score import Score

PARCELS = "parcels"
# Up to so many files, each this small, of formats whose readers go through the text once, are read without workers,
# whose start would take longer than the reading.
EACH = 4  # files a worker at the least, or it is not worth its start
FEW, SMALL, TRUSTED = 40, 1 << 15, (".abc", ".txt")


def ingest(
    songs: Iterable[Path | Score],
    folder: Path,
    *,
    key: str = "",
    options: formats.ReadOptions | None = None,
    encode: Encoder = scheme.encode,
    jobs: int | None = None,
    limits: Limits | None = None,
    drop_near: bool = False,
) -> Generator[Entry]:
    """Read, prepare and encode songs, of files or as scores, into a corpus; yields a line of the report for each.

    Bad songs are reported, never raised; what stops the work (a full disk) is raised. Files are read by so many
    worker processes (`jobs`; None: one for each core, none for a few small files), each file within `limits`; the
    corpus is the same whatever their number. With a `key`, and files alone, the work goes on where an earlier run
    with this key was stopped, after its entries were yielded again. `drop_near`: a song that is nearly the same as
    an earlier one is a duplicate.

    Raises:
        StorageError: the folder cannot be written.
        TunesmithError: the worker processes do not start.
    """
    writer = None
    try:
        writer = Writer(make_folder(folder), key, drop_near)
        done = writer.place.files
        if done:
            yield from writer.entries()
        rest = islice(songs, done, None)
        with closing(_sources(rest, folder / PARCELS, options, encode, jobs, limits or Limits())) as sources:
            for found in sources:
                for song in found:
                    yield writer.add(song)
                writer.commit()
        writer.close()
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        with suppress(OSError):  # all is written, or an error is on its way already
            if writer:
                writer.release()


def _sources(
    songs: Iterable[Path | Score],
    place: Path,
    options: formats.ReadOptions | None,
    encode: Encoder,
    jobs: int | None,
    limits: Limits,
) -> Generator[Iterable[Prepared]]:
    """The songs of each file, or of each score the one."""
    for are_scores, group in groupby(songs, lambda song: isinstance(song, Score)):
        if are_scores:
            line = options.only if options else "all"
            yield from ([song_of(s, Path(), encode, line=line)] for s in group if isinstance(s, Score))
            continue
        files = [song for song in group if isinstance(song, Path)]
        if (jobs is None and _few(files)) or not (workers.possible() and workers.name_of(encode)):
            yield from (songs_of(path, options, encode) for path in files)
        else:
            count = min(jobs or workers.cores(), -(-len(files) // EACH))
            yield from _by_workers(files, place, options, encode, count, limits)


def _few(files: Sequence[Path]) -> bool:
    with suppress(OSError):
        return len(files) <= FEW and all(
            not formats.readable(path) or (path.suffix.lower() in TRUSTED and path.stat().st_size <= SMALL)
            for path in files
        )
    return False


def _by_workers(
    files: Sequence[Path],
    place: Path,
    options: formats.ReadOptions | None,
    encode: Encoder,
    jobs: int,
    limits: Limits,
) -> Iterator[Iterable[Prepared]]:
    shutil.rmtree(place, ignore_errors=True)  # of an earlier run
    make_folder(place)
    try:
        requests = (
            (request_for(path, place / str(number), options, encode), limits.seconds_for(_size(path)))
            for number, path in enumerate(files)
        )
        # Closed before the folder goes: a worker that still writes there would bring it back.
        with closing(workers.outcomes(JOB, requests, jobs, limits.memory)) as outcomes:
            for number, (path, outcome) in enumerate(zip(files, outcomes, strict=True)):
                yield [dropped(path, outcome.failure)] if outcome.failure else _taken(place / str(number))
                (place / str(number)).unlink(missing_ok=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _taken(path: Path) -> Iterator[Prepared]:
    try:
        yield from parcel.take(path)
    except ValueError as error:
        raise TunesmithError(str(error), path=path, fix="start over with --fresh") from None


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
