"""The ingest report: every song of a small set, a summary by reason of a large one."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tunesmith import api
from tunesmith.console.progress import Bar
from tunesmith.console.tables import counted, duration, table
from tunesmith.errors import CorpusError

RECENT = 200  # files by which the time left is told
LISTED = 40  # songs listed one by one; of more there is a summary
REASONS, WARNINGS = 14, 8  # kinds of reasons, and of warnings, that a summary shows
FEWEST_COLUMNS = 80


class SongsView:
    """Takes the entries as they come: counts, sums up, writes the CSV, and keeps those that are shown.

    `report`: the CSV file (None: none). `keep_all`: all entries are kept, for JSON.
    """

    def __init__(self, bar: Bar, report: Path | None = None, keep_all: bool = False) -> None:
        self._bar, self._keep_all = bar, keep_all
        self._stack = ExitStack()
        self._table = self._stack.enter_context(api.SongTable(report)) if report else None
        self._files = self._done = 0
        self._file = ""
        self._times: deque[float] = deque(maxlen=RECENT)  # when the last files came
        self.seen = 0
        self.kept = 0
        self.doubtful = 0
        self.entries: list[api.Entry] = []
        self.summary = api.Summary()

    def close(self, *error: Any) -> None:
        """All songs have come; the CSV file is put in place, unless an error came before the last."""
        all_read = not error or error[1] is None or isinstance(error[1], CorpusError)
        self._stack.__exit__(*((None, None, None) if all_read else error))
        self._table = None

    def begin(self, files: int) -> None:
        """So many files will be read."""
        self._files = files
        self._times.append(time.monotonic())
        self._bar.task("reading songs", files or None)

    def add(self, entry: api.Entry) -> None:
        """A song was read, or not."""
        self.seen += 1
        self.kept += entry.status == "kept"
        self.doubtful += bool(entry.status == "kept" and entry.warning)
        if self._keep_all or self.seen <= LISTED:
            self.entries.append(entry)
        self.summary.add(entry)
        if self._table:
            self._table.add(entry)
        new_file = entry.path != self._file or not entry.path
        self._done, self._file = self._done + new_file, entry.path
        if new_file:
            self._times.append(time.monotonic())
        note = f"{counted(self.seen, 'song')}, {self.seen - self.kept} not kept"
        self._bar.step(note, self._line(note), advance=new_file)

    def _line(self, note: str) -> str:
        """How far it is, for a log."""
        # by the last files: those that an earlier run has read come all at once
        each = (self._times[-1] - self._times[0]) / max(1, len(self._times) - 1)
        left = each * (self._files - self._done)
        return f"reading songs: {self._done:,} of {self._files:,} files, {note}, about {duration(max(left, 0))} left"

    def text(self, found: api.Ingested, width: int | None = None) -> str:
        """The report of all songs."""
        if self.seen <= LISTED:
            rows = [[e.name, e.bars, e.notes, e.voices, e.key, e.meter, _remark(e)] for e in self.entries]
            lines = [table(["song", "bars", "notes", "voices", "key", "meter", ""], rows, width)]
        else:
            lines = self._summed_up(width)
        return "\n".join([*lines, self._totals(found)])

    def _summed_up(self, width: int | None) -> list[str]:
        lines = []
        for heading, most, statuses in (
            ("not kept, because", REASONS, ("dropped", "duplicate")),
            ("kept, with the remark", WARNINGS, ("kept",)),
        ):
            kinds = list(self.summary.kinds(*statuses))
            if kinds:
                lines += [_kinds(heading, kinds, most, width), ""]
        return lines

    def _totals(self, found: api.Ingested) -> str:
        return (
            f"{counted(found.kept, 'song')} kept, {counted(found.duplicates, 'duplicate')}, {found.dropped} dropped"
            + (f", {self.doubtful} kept with a remark" if self.doubtful else "")
            + f": {found.notes:,} notes"
        )


def _kinds(heading: str, kinds: list[api.Kind], most: int, width: int | None) -> str:
    """The kinds of reasons as a table, one line each."""
    room = max(FEWEST_COLUMNS, width or 100)
    shown = [_cut(kind.text, room // 2) for kind in kinds[:most]]
    left = room - 12 - max(map(len, [heading, *shown]))
    rows = [[kind.songs, text, _cut(_first(kind), left)] for kind, text in zip(kinds, shown, strict=False)]
    lines = table(["songs", heading, "the first"], rows, room)
    more = len(kinds) - most
    if more <= 0:
        return lines
    songs = counted(sum(kind.songs for kind in kinds[most:]), "song")
    return f"{lines}\n... and {counted(more, 'kind')} more, of {songs}; --report FILE lists every song"


def _first(kind: api.Kind) -> str:
    return f"{Path(kind.first.path).name or kind.first.name}: {kind.said}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _remark(entry: api.Entry) -> str:
    return entry.warning if entry.status == "kept" else f"{entry.status}: {entry.reason}"


class ReadingView:
    """A view of work that begins with reading songs, in a `with` block.

    `report`: a CSV file for the line of every song, in place as soon as all are read.
    """

    def __init__(self, quiet: bool = False, report: Path | None = None) -> None:
        self._bar = Bar(quiet)
        self.songs = SongsView(self._bar, report, keep_all=quiet)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)
        self.songs.close(*error)


class ImportView(ReadingView):
    """Shows what happens while songs are imported."""

    found: api.Ingested | None = None

    def show(self, events: Iterable[api.Gathered | api.Entry | api.Ingested]) -> None:
        """Show the events of `api.importing`."""
        for event in events:
            if isinstance(event, api.Entry):
                self.songs.add(event)
            elif isinstance(event, api.Gathered):
                self.songs.begin(event.files)
            else:
                self.found = event

    def text(self) -> str:
        """The report."""
        return self.songs.text(self.found, self._bar.console.width) if self.found else ""

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        totals = dataclasses.asdict(self.found) if self.found else {}
        totals.pop("held_out", None)
        return {"songs": [dataclasses.asdict(e) for e in self.songs.entries], "totals": totals}
