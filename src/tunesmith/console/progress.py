"""Progress on standard error: a bar with the time left on a terminal, elsewhere (a log file) a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_SECONDS = 10.0  # between lines where there is no terminal
LOG_COLUMNS = 120


class Bar:
    """A progress bar on a terminal, a line now and then elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else LOG_COLUMNS)
        self.live = self.console.is_terminal and not quiet
        self.quiet = quiet
        self._begun = self._last = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=not self.live,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self.live:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:  # elsewhere it would leave an empty line
            self._progress.stop()

    def task(self, description: str, total: float | None) -> None:
        """Begin a stretch of work of `total` steps (None: unknown)."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(description, total=total, note="")

    def step(self, note: str, line: str = "", advance: float = 1) -> None:
        """One step is done; `line` is logged now and then where there is no terminal.

        The longer it takes in all, the longer from line to line: a log of hours stays one that can be read.
        """
        if self._task is not None:
            self._progress.update(self._task, advance=advance, note=note)
        now = time.monotonic()
        if line and not self.live and not self.quiet and now - self._last > max(LOG_SECONDS, (now - self._begun) / 4):
            self.say(line)

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)
            self._last = time.monotonic()


class Steps:
    """Progress over a known number of steps."""

    def __init__(self, total: int | None, doing: str) -> None:
        self._bar, self._total, self._doing = Bar(), total, doing

    def __enter__(self) -> Self:
        self._bar.__enter__()
        self._bar.task(self._doing, self._total)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__()

    def done(self, note: str) -> None:
        """One step is done."""
        self._bar.step(note, f"{self._doing}: {note}")


def Counter(doing: str) -> Steps:  # noqa: N802 - reads as a class, like its sibling
    """Progress over an unknown number of steps."""
    return Steps(None, doing)
