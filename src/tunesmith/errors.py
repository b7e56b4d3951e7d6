"""Everything Tunesmith raises on purpose.

    TunesmithError                  what, with path, where and fix: one clear line
    ├── SongError                   a song cannot be used (the others go on)
    │   ├── FormatError             a file, or a place in it, cannot be read or written
    │   │   └── SongWarning         a song was read, but something in it not as written: reported, not raised
    │   ├── UnknownFormat           no format has this file-name ending
    │   └── NotCarried              the event scheme cannot carry this score
    ├── RequestError                a request that makes no sense (bars=0, unknown key, ...)
    ├── Unsatisfiable               no piece can fulfil the wishes; names the bar and the wishes
    ├── CorpusError                 nothing left to learn from, or too little
    ├── ModelError                  a model file is damaged, not ours, or of a newer version
    ├── StorageError                a file or folder cannot be opened, created or written
    └── MissingExtra                an optional dependency is not installed; names the pip line

Conventions: `what` is a sentence without a full stop, `where` a place inside the file ("line 3,
column 7", "track 2, byte 118", "bar 5"), `fix` what the user can do about it. `str(error)` is one line:

    path: where: what; fix
"""

from __future__ import annotations

from pathlib import Path
from typing import Self


class TunesmithError(Exception):
    """Base of all errors that Tunesmith raises on purpose."""

    def __init__(
        self, what: str, *, path: str | Path | None = None, where: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.path = None if path is None else str(path)
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        line = ": ".join(part for part in (self.path, self.where, self.what) if part)
        line = f"{line}; {self.fix}" if self.fix else line
        # File names may hold line breaks and control characters; an error stays one line.
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)

    def at(self, path: str | Path) -> Self:
        """The same error with `path` filled in where it was not known."""
        if self.path is None:
            self.path = str(path)
        return self


class SongError(TunesmithError):
    """A song cannot be used."""


class FormatError(SongError):
    """A file, or a place in it, cannot be read or written."""


class SongWarning(FormatError):
    """A song was read, but something in it is doubtful; readers yield it after the song."""


class UnknownFormat(SongError):
    """No format has this file-name ending."""


class NotCarried(SongError):
    """The event scheme cannot carry this score."""


class RequestError(TunesmithError):
    """A request that makes no sense."""


class Unsatisfiable(TunesmithError):
    """No piece can fulfil the wishes."""


class CorpusError(TunesmithError):
    """There is nothing to learn from, or too little."""


class ModelError(TunesmithError):
    """A model file is damaged, not ours, or of a newer version."""


class StorageError(TunesmithError):
    """A file or folder cannot be opened, created or written."""


class MissingExtra(TunesmithError):
    """An optional dependency is not installed."""

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f"{need} is not installed", fix=f"run: pip install 'tunesmith[{extra}]'")
        self.extra = extra
