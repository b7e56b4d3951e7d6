"""The ingest report as CSV, written as the songs come."""

from __future__ import annotations

import csv
import dataclasses
import io
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tunesmith.corpus.entries import Entry
from tunesmith.files import replacing

COLUMNS = tuple(field.name for field in dataclasses.fields(Entry))


class Table:
    """A CSV file of entries, one row a song, the fields of `Entry` as columns; in place once it is whole.

    Use it in a `with` block; an error inside leaves an older file as it is.

    Raises:
        StorageError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(replacing(self._path))
        self._file = self._stack.enter_context(temporary.open("wb"))
        self._write(COLUMNS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, entry: Entry) -> None:
        """Write the row of a song."""
        self._write(tuple(getattr(entry, name) for name in COLUMNS))

    def _write(self, row: tuple[object, ...]) -> None:
        text = io.StringIO()
        csv.writer(text).writerow(row)
        assert self._file is not None, "used in a with block"  # noqa: S101 - tells the type checker
        # surrogateescape: a file name that is no Unicode stays the bytes that it is
        self._file.write(text.getvalue().encode(errors="surrogateescape"))
