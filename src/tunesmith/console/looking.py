"""What is in files, and how well a model predicts songs, as text and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from tunesmith import api
from tunesmith.console.learning import told
from tunesmith.console.tables import counted, table

LISTED = 40  # songs of a model that are named


def evaluation_table(results: Sequence[api.Evaluated], bits: api.Bits) -> str:
    """Bits per note of every song and of all."""
    rows: list[list[object]] = []
    for r in results:
        measured = [r.bits.notes, r.bits.symbols_per_note, r.bits.per_note] if not r.problem else ["", "", ""]
        rows.append([r.name, *measured, r.problem])
    rows.append(["all", bits.notes, bits.symbols_per_note, bits.per_note, ""])
    return table(["song", "notes", "symbols", "bits per note", ""], rows)


def evaluation_json(results: Sequence[api.Evaluated], bits: api.Bits) -> str:
    """The same as JSON; what could not be measured is null."""

    def plain(b: api.Bits) -> dict[str, Any]:
        values = {"notes": b.notes, "bits_per_note": b.per_note, "symbol_bits_per_note": b.symbols_per_note}
        return {k: None if isinstance(x, float) and not math.isfinite(x) else x for k, x in values.items()}

    songs = [{"name": r.name, **plain(r.bits), "problem": r.problem} for r in results]
    return json.dumps({"songs": songs, "all": plain(bits)}, indent=1)


ASSUMED = {"tempo": "120"}  # what a song is taken to have where it says nothing


def info_text(found: dict[str, Any]) -> str:
    """What is in a file, as text."""
    if found["kind"] == "model":
        return _model_text(found)
    lines = [f"{found['file']}: {counted(len(found['songs']), 'song')}"]
    for song in found["songs"]:
        lines.append("")
        for name, value in song.items():
            if value is None and name in ASSUMED:
                lines.append(f"{name:>12}  not given ({ASSUMED[name]} assumed)")
            elif value not in ("", None, []):
                lines.append(f"{name:>12}  {_plain(value)}")
    return "\n".join(lines)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _model_text(found: dict[str, Any]) -> str:
    about = found["about"]
    songs = about["report"].get("songs", len(found["songs"]))
    lines = [
        f"{found['file']}: a model ({found['model']}) made by Tunesmith {found['program']}, seed {about['seed']}",
        f"learned from {counted(songs, 'song')} in {counted(len(about['files']), 'file')}",
        f"digest {found['digest']}",
        told(about["report"]),
    ]
    lines += [f"  {name}" for name in found["songs"][:LISTED]]
    if len(found["songs"]) > LISTED:
        lines.append(f"  ... and {len(found['songs']) - LISTED} more")
    return "\n".join(lines)
