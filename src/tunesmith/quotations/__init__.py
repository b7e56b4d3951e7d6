"""A page that shows where a piece is like songs: its score with the runs marked, each beside its song, to hear too.

`excerpts` finds the bars and notes on both sides, `words` tells the difference, `marking` colours engraved notes and
sets brackets over them, `drawing` makes the pictures, `page` puts it together.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.comparing import Checked
from tunesmith.files import write_atomically

__all__ = ["save_check"]


def save_check(checked: Checked, path: str | Path) -> None:
    """Write the page (.html) of a piece that was held against songs, at once or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    from tunesmith.quotations.page import page  # with the engraver, which only this needs

    text = page(checked).encode(errors="replace")
    write_atomically(Path(path), lambda file: file.write(text))
