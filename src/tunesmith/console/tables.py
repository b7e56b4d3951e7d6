"""Tables, counts and times as text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def duration(seconds: float) -> str:
    """Seconds as `2 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = None) -> str:
    """A plain table; numbers stand to the right."""
    made = Table(box=None, pad_edge=False, header_style="")
    for column in columns:
        numeric = all(isinstance(row[columns.index(column)], int | float) for row in rows)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    out = io.StringIO()
    Console(file=out, width=max(60, width or 100), color_system=None, highlight=False, markup=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def counted(number: int, what: str) -> str:
    """`1 song`, `2 songs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
