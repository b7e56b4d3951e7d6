"""Files in, files out: one table of formats, one module each, imported on first use.

To add a format, write a module here with `read` or `write` or both, and add its line to `FORMATS`:

    def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]: ...
    def write(score: Score, path: Path, options: WriteOptions) -> None: ...  # or a list of SongWarning

`read` yields a score for every song in the file, or, for a song that cannot be read, an error that says
where and why, and goes on. A song that was read but looks doubtful is followed by a `SongWarning`. It raises
`FormatError` where the whole file cannot be read. `write` writes to exactly `path`; `formats.write` has made
that a temporary file already, so that nothing is ever half written.
Libraries' own score objects stay inside their module.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tunesmith.errors import FormatError, SongWarning, TunesmithError, UnknownFormat
from tunesmith.files import replacing
from tunesmith.score import Score


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its name, file-name endings, module here, and whether it can be read and written.

    `notated`: it shows note values, so that music that was played in should be quantised before it is written.
    """

    name: str
    endings: tuple[str, ...]
    module: str
    reads: bool
    writes: bool
    notated: bool = False


FORMATS = (
    Format("MIDI", (".mid", ".midi"), "midi", reads=True, writes=True),
    Format("ABC", (".abc",), "abc", reads=True, writes=True, notated=True),
    Format("digits", (".txt",), "digits", reads=True, writes=True),
    Format("Humdrum", (".krn",), "humdrum", reads=True, writes=False, notated=True),
    Format("MusicXML", (".musicxml", ".xml", ".mxl"), "musicxml", reads=True, writes=True, notated=True),
    Format("score picture", (".svg", ".png", ".pdf"), "picture", reads=False, writes=True, notated=True),
    Format("web page", (".html",), "page", reads=False, writes=True, notated=True),
    Format("audio", (".wav", ".flac", ".ogg", ".mp3"), "audio", reads=False, writes=True),
)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read. `step_seconds`: the length of one step of a digits file.

    `only`: "melody" or "bass" where songs are learned from by that line alone; the readers give all of it.
    """

    step_seconds: float = 0.4
    only: str = "all"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write. The audio options apply to every format with sound in it.

    `step_seconds`: the length of one step of a digits file. `sound`: "piano" or "classic" (the historical
    chain). `feel`: 0 = mechanical, 0.3 = careful, 1 = sloppy. `seed`: of the performance. `view`: what a
    picture shows: "score", "roll" (piano roll) or "contour" (pitch over time). `paper`: "a4" or "letter", of a PDF.
    `fold`: whether repeats that are written out are folded, in formats that show note values.
    `fermata`: one on the last note of every part, in MusicXML and pictures of it.
    """

    step_seconds: float = 0.4
    sound: str = "piano"
    feel: float = 0.3
    seed: int = 0
    view: str = "score"
    paper: str = "a4"
    fermata: bool = False
    fold: bool = False


def format_of(path: Path, *, reading: bool = False) -> Format:
    """The format that a file's name asks for; `reading` names only readable ones where there is none.

    Raises:
        UnknownFormat: none has this ending.
    """
    ending = path.suffix.lower()
    for entry in FORMATS:
        if ending in entry.endings:
            return entry
    known = " ".join(e for entry in FORMATS if (entry.reads if reading else entry.writes) for e in entry.endings)
    what = f"unknown ending {path.suffix!r}" if path.suffix else "the file name has no ending"
    raise UnknownFormat(what, path=path, fix=f"{'readable' if reading else 'writable'} are: {known}")


def readable(path: Path) -> bool:
    """Whether a file's name says that it can be read as songs."""
    return any(path.suffix.lower() in entry.endings and entry.reads for entry in FORMATS)


def read(path: Path, options: ReadOptions | None = None) -> Iterator[Score | FormatError]:
    """Every song of a file, in order; for a song that cannot be read, the reason.

    Raises:
        UnknownFormat: the ending is not known, or the format can only be written.
        FormatError: the whole file cannot be read.
        StorageError: the file cannot be opened.
    """
    entry = format_of(path, reading=True)
    if not entry.reads:
        if entry.name == "audio":
            raise UnknownFormat(
                "is a recording; reading recordings comes in a later version",
                path=path,
                fix="use a MIDI or ABC file of the song",
            )
        known = " ".join(e for f in FORMATS if f.reads for e in f.endings)
        raise UnknownFormat(f"{entry.name} can be written but not read yet", path=path, fix=f"readable are: {known}")
    try:
        for song in _module(entry).read(path, options or ReadOptions()):
            yield song.at(path) if isinstance(song, FormatError) else song
    except FormatError as error:
        error.fix = error.fix or "write or export the song again"
        raise error.at(path) from None
    except TunesmithError as error:
        raise error.at(path) from None


def write(score: Score, path: Path, options: WriteOptions | None = None) -> tuple[SongWarning, ...]:
    """Write a score in the format that the file's name asks for; an existing file is replaced at once or not at all.

    Returns what is to be told of it, where it was not written as one would expect.

    Raises:
        UnknownFormat: the ending is not known, or the format can only be read.
        FormatError: the format cannot hold this score.
        StorageError: the file cannot be written.
    """
    entry = format_of(path)
    if not entry.writes:
        raise UnknownFormat(f"{entry.name} can be read but not written", path=path)
    try:
        with replacing(path) as temporary:
            remarks: Sequence[SongWarning] | None = _module(entry).write(score, temporary, options or WriteOptions())
    except TunesmithError as error:
        if error.path is not None and Path(error.path).name.startswith(".tunesmith-"):
            error.path = str(path)
        raise error.at(path) from None
    return tuple(remark.at(path) for remark in remarks or ())


def get_ready(path: Path) -> None:
    """Start in the background what writing such a file would have to wait for; see `start` of its module, if any."""
    start = getattr(_module(format_of(path)), "start", lambda: None)
    with suppress(FormatError):  # writing will say so
        start()


def _module(entry: Format) -> ModuleType:
    return importlib.import_module(f"tunesmith.formats.{entry.module}")
