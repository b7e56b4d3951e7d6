"""The ingest report: a line for every song of every file, and its lines as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError

KEPT, DUPLICATE, DROPPED = "kept", "duplicate", "dropped"
BETWEEN_WARNINGS = " | "


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a song: a line of the ingest report.

    `status`: "kept", "duplicate" or "dropped"; `reason` says why it was not kept, `warning` what is doubtful in
    one that was. `name` is unique in the corpus. `fingerprint` is equal for songs equal up to transposition.
    `like` names an earlier song that has nearly the same melody, `likeness` (0 to 1) how much of it.
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
    like: str = ""
    likeness: float = 0.0

    def warned(self, warning: str) -> Entry:
        """The same with one warning more."""
        warnings = [self.warning, warning] if self.warning else [warning]
        return dataclasses.replace(self, warning=BETWEEN_WARNINGS.join(warnings))

    def line(self) -> bytes:
        """The entry as a line of JSON."""
        return (json.dumps(dataclasses.asdict(self), ensure_ascii=True) + "\n").encode()


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a file of such lines."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Entry(**json.loads(line))


def without_path(error: TunesmithError) -> str:
    """The error's line without the path, which the report has in a field of its own."""
    copy = type(error).__new__(type(error))
    copy.__dict__.update(error.__dict__)
    copy.path = None
    return str(copy)


class Names:
    """Names told apart: each is given out once."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._tried: dict[str, int] = {}  # numbers up to this are given out: a short cut, no more

    def add(self, name: str) -> None:
        """Remember a name that was given out."""
        self._given.add(name)

    def give(self, name: str) -> str:
        """The name, made printable, or where it was given out before the first of "name (2)", "name (3)", ... free."""
        name = "".join(c if c.isprintable() else " " for c in name).strip() or "untitled"
        unique, number = name, self._tried.get(name, 1)
        while unique in self._given:
            number += 1
            unique = f"{name} ({number})"
        if number > 1:
            self._tried[name] = number
        self._given.add(unique)
        return unique
