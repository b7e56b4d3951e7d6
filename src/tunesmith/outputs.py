"""What the commands write: which files, in which order, and what is said of those that could not be written."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.errors import FormatError, RequestError, TunesmithError, UnknownFormat

if TYPE_CHECKING:
    from tunesmith.api import Made, Score, WriteOptions

IN_PART, NOTHING = 1, 2  # exit codes


def named(output: Path, formats: str | None) -> tuple[list[str], Path]:
    """The endings to write, without dots, and the path without one."""
    from tunesmith import api

    if output.is_dir():
        fix = f"add a name for the files, such as {output / 'song'}"
        raise RequestError("is a folder", path=output, fix=fix)
    known = {e.lstrip(".") for f in api.FORMATS if f.writes for e in f.endings}
    ending = output.suffix.lstrip(".")
    bare = output.with_suffix("") if ending.lower() in known else output
    if formats is not None:
        endings = list(dict.fromkeys(e.strip().lstrip(".").lower() for e in formats.split(",") if e.strip()))
    elif ending.lower() in known or ending.isalpha():  # anything else after a dot is a part of the name, as in "no. 5"
        endings = [ending]
    else:
        endings = list(api.OUTPUTS)
    unknown = [e for e in endings if e.lower() not in known]
    if unknown or not endings:
        fix = f"known are: {', '.join(sorted(known))}"
        raise UnknownFormat(f"unknown format {', '.join(unknown) or '(none)'}", fix=fix)
    return endings, bare


def places(output: Path, endings: Sequence[str], count: int, number: int) -> list[Path]:
    """The files of piece `number`, from 1, of `count`."""
    name = f"{output.name}-{number}" if count > 1 else output.name
    return [output.with_name(f"{name}.{ending}") for ending in endings]


def spared(source: Path | None, output: Path, endings: Sequence[str], count: int) -> None:
    """Raise `RequestError` if one of the files would be written over the piece that is worked on."""
    files = (file for number in range(1, count + 1) for file in places(output, endings, count, number))
    if source is not None and source.resolve() in {file.resolve() for file in files}:
        raise RequestError("is the piece itself", path=source, fix="choose another name with -o")


def written(
    pieces: Iterable[Made],
    count: int,
    output: Path,
    endings: Sequence[str],
    options: WriteOptions,
    done: Callable[[str], object],
) -> Iterator[tuple[Made, list[Path]]]:
    """Write `count` pieces as they are made: each and its files; `done` hears of every file."""
    from tunesmith import api

    api.make_folder(output.parent)
    for file in places(output, endings, count, 1):  # before anything is written
        api.probe_writable(file)
        api.get_ready(file)
    for number, made in enumerate(pieces, 1):
        files = places(output, endings, count, number)
        _save_all(made.score, files, options, done)
        yield made, files


def _save_all(piece: Score, files: Sequence[Path], options: WriteOptions, done: Callable[[str], object]) -> None:
    """Write a piece in several formats, the sound in a thread of its own while the rest is engraved.

    Encoding sound takes the longest and leaves Python free. A web page holds sound and picture, so it comes last.
    """
    from tunesmith import api

    sounding = [f for f in files if f.suffix.lower() in api.AUDIO]
    pages = [f for f in files if f.suffix.lower() == ".html"]
    with ThreadPoolExecutor(1) as pool:
        waiting = [(pool.submit(api.save, piece, file, options), file) for file in sounding]
        try:
            for file in files:
                if file not in sounding and file not in pages:
                    api.save(piece, file, options)
                    done(file.name)
            for work, file in waiting:
                work.result()
                done(file.name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for file in pages:
        api.save(piece, file, options)
        done(file.name)


def convert_song(song: Path, output: Path, options: WriteOptions, step: float, doing: str, only: str = "all") -> None:
    """Write every song of a file, or `only` a line of it, in the format that `output` asks for.

    The files are numbered where there are several songs.
    """
    from tunesmith import api, console

    api.checked(options)
    # read before anything is written: OUT may be IN
    found = list(api.read_songs(song, api.checked(api.ReadOptions(step, only))))
    problems = [s for s in found if isinstance(s, TunesmithError)]
    scores = [s for s in found if not isinstance(s, TunesmithError)]
    written = []
    api.make_folder(output.parent)
    with console.Steps(len(scores), doing) as steps:
        for number, score in enumerate(scores, 1):
            place = output.with_stem(f"{output.stem}-{number}") if len(scores) > 1 else output
            try:
                problems += api.save(api.only(score, only), place, options)
            except FormatError as error:  # this format cannot hold this song; it may hold the others
                problems.append(error)
                continue
            written.append(place)
            steps.done(place.name)
    complain(problems, len(written), song)
    click.echo("\n".join(map(str, written)))
    if not all(map(api.is_warning, problems)):
        sys.exit(IN_PART)


def picture_place(picture: Path | None) -> Path | None:
    """Where the pictures go, if any are asked for, before anything is measured.

    Raises:
        UnknownFormat: no picture ends like this.
        StorageError: it cannot be written.
    """
    from tunesmith import api

    if picture is not None:
        api.picture_kind(picture)
        api.make_folder(picture.parent)
        api.probe_writable(picture)
    return picture


def numbered(path: Path, number: int) -> Path:
    """The file of the first song, of the second, ..."""
    return path.with_stem(f"{path.stem}-{number}")


@contextmanager
def note_table(path: Path | None) -> Iterator[Callable[[object], None]]:
    """Where to add what every note cost; nowhere, if no file is named."""
    from tunesmith import api

    if path is None:
        yield lambda note: None
        return
    api.make_folder(path.parent)
    with api.SongTable(path, [field.name for field in dataclasses.fields(api.Surprise)]) as table:
        yield table.add


def complain(problems: Sequence[TunesmithError], done: int, path: Path) -> None:
    """A line for each problem; where nothing was `done`, the one line that says so is raised."""
    from tunesmith import api

    if not done:
        problems = [p for p in problems if not api.is_warning(p)] or [TunesmithError("no song in it", path=path)]
        if len(problems) > 1:
            raise TunesmithError(f"none of its {len(problems)} songs can be used (the first: {problems[0]})", path=path)
        raise problems[0]
    for problem in problems:
        say(problem)


def say(line: object) -> None:
    """A line on standard error."""
    click.echo(f"tunesmith: {line}", err=True)
