"""What is said of pieces that were composed: how new each is, and which are the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith import api
from tunesmith.console.tables import table


def novelty(made: api.Made, kept: bool = False) -> str:
    """A line: how new a piece is. `kept`: whether something of another is kept in it, which counts as well."""
    title = made.score.title
    if made.checked is not None:
        run = f"longest run in common: {made.checked.whole.longest} notes"
        also = "; what was kept counts too" if kept else ""
        return f"{title}: {made.checked.verdict} ({run}{_base(made, ', ')}{also})"
    return f"{title}: the model keeps no songs to hold it against{_base(made, '; ')}"


def _base(made: api.Made, before: str) -> str:
    """What it may have of the base's music; a run shorter than the windows that this is known by counts as none."""
    if made.base_run is None:
        return ""
    run = f"at most {made.base_run} notes in a row" if made.base_run else "no run of 8 notes or more"
    return f"{before}in common with the music of the base: {run}"


def made_json(made: Sequence[api.Made], files: Sequence[Sequence[Path]]) -> list[dict[str, Any]]:
    """What was made, as plain values."""
    found: list[dict[str, Any]] = []
    for one, places in zip(made, files, strict=True):
        told: dict[str, Any] = {"piece": one.number, "files": [str(path) for path in places]}
        told["bits_per_note"] = round(one.bits, 3) if math.isfinite(one.bits) else None
        if one.checked is not None:
            whole = one.checked.whole
            told |= {"copied": whole.copied, "longest_run": whole.longest, "verdict": one.checked.verdict}
        if one.base_run is not None:
            told["longest_run_in_base_music"] = one.base_run
        if one.marks is not None:
            told["marks"] = {"likely": one.marks.likely, "new": one.marks.new, "form": one.marks.form}
        found.append(told)
    return found


def ranked(made: Sequence[api.Made], files: Sequence[Sequence[Path]]) -> str:
    """The best pieces, best first, and what they are ranked by."""
    rows: list[list[object]] = [
        [f"{one.number}: {places[0].stem}", one.marks.mean, one.marks.likely, one.marks.new, one.marks.form, _bits(one)]
        for one, places in zip(made, files, strict=True)
        if one.marks is not None
    ]
    return table(["piece: file", "mark", "likely", "new", "form", "bits per note"], rows)


def _bits(made: api.Made) -> object:
    """Bits per note, or nothing where the model cannot say."""
    return made.bits if math.isfinite(made.bits) else ""
