"""Reports as CSV, written as the songs come: the ingest report, and what every note cost.

Titles and names of files come from anywhere, and a spreadsheet takes a cell that begins with one of `FORMULA` for
something to calculate: such texts get an apostrophe in front. Numbers stay as they are, and so does the report that
a corpus keeps.
Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tunesmith.corpus.entries import Entry
from tunesmith.errors import UnknownFormat
from tunesmith.files import replacing

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last: full-width = + - @
ENDING = ".csv"
COLUMNS = tuple(field.name for field in dataclasses.fields(Entry))


class Table:
    """A CSV file of records, `Entry` if nothing else is said, their fields as columns; in place once it is whole.

    Use it in a `with` block; an error inside leaves an older file as it is.

    Raises:
        UnknownFormat: it is not called a CSV file: it might be a song, and would be lost.
        StorageError: the file cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS) -> None:
        if path.suffix.lower() != ENDING and not path.is_dir():
            raise UnknownFormat(f"{path.name} is not a table", fix=f"end it in {ENDING}")
        self._path, self._columns = path, tuple(columns)
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(replacing(self._path))
        self._file = self._stack.enter_context(temporary.open("wb"))
        self._write(self._columns)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, record: object) -> None:
        """Write the row of a record."""
        self._write(tuple(_cell(getattr(record, name)) for name in self._columns))

    def _write(self, row: tuple[object, ...]) -> None:
        text = io.StringIO()
        csv.writer(text).writerow(row)
        assert self._file is not None, "used in a with block"  # noqa: S101 - tells the type checker
        # surrogateescape: a file name that is no Unicode stays the bytes that it is
        self._file.write(text.getvalue().encode(errors="surrogateescape"))


def _cell(value: object) -> object:
    """A value as no spreadsheet takes it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
