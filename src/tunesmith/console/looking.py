"""What is in files, and how well a model predicts songs, as text and JSON."""

from __future__ import annotations

import dataclasses
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


RUNS_LISTED = 20  # of a piece


def check_text(pieces: Sequence[api.Checked]) -> str:
    """What pieces have in common with songs, as text: the verdict, the figures behind it, and where the runs are."""
    return "\n\n".join(_checked_text(piece) for piece in pieces)


def _checked_text(piece: api.Checked) -> str:
    whole, lines, figures = piece.whole, [f"{piece.name}: {piece.verdict}", ""], list[list[object]]()
    for view, found in piece.views.items():
        by = piece.against.yardsticks[view]
        usual = [f"{by.share:.0%} ({by.most_share:.0%})", f"{by.longest:g} ({by.most_longest})"] if by.songs > 1 else []
        figures.append([view.value, f"{found.share:.0%}", found.longest, *(usual or ["", ""])])
    copied, longest = f"in runs of {whole.least}+", "longest run"
    lines.append(table(["", f"piece: {copied}", longest, f"songs: {copied} (most)", f"{longest} (most)"], figures))
    if whole.runs:
        names, listed = piece.against.names, whole.runs[:RUNS_LISTED]
        rows = [[_bars(run.bars), run.notes, names[run.song], run.song_bar] for run in listed]
        lines += ["", table(["bars", "notes", "stand in", "from bar"], rows)]
        if len(whole.runs) > RUNS_LISTED:
            lines.append(f"... and {counted(len(whole.runs) - RUNS_LISTED, 'more run')}")
    return "\n".join([*lines, *_altered_text(piece)])


def _altered_text(piece: api.Checked) -> list[str]:
    """Where a piece has altered copies, and how many are usual; nothing where it has none."""
    found, by = piece.whole.altered, piece.usual
    if not found:
        return []
    usual = f" (these songs have {by.altered:g} of each other, the most {by.most_altered})" if by.songs > 1 else ""
    names, listed = piece.against.names, found[:RUNS_LISTED]
    rows = [[_bars(one.bars), f"{one.matched} of {one.notes}", names[one.song], one.song_bar] for one in listed]
    lines = ["", f"With notes altered{usual}:", table(["bars", "notes", "stand in", "from bar"], rows)]
    if len(found) > RUNS_LISTED:
        lines.append(f"... and {len(found) - RUNS_LISTED} more")
    return lines


def _bars(bars: tuple[int, int]) -> str:
    return str(bars[0]) if bars[0] == bars[1] else f"{bars[0]}-{bars[1]}"


def check_json(pieces: Sequence[api.Checked]) -> str:
    """The same as JSON, with the song that each bar is closest to."""
    found = []
    for piece in pieces:
        names = piece.against.names
        runs, altered = (
            [{**dataclasses.asdict(run), "song": names[run.song]} for run in some]
            for some in (piece.whole.runs, piece.whole.altered)
        )
        views = {view.name.lower(): (of, piece.against.yardsticks[view]) for view, of in piece.views.items()}
        found.append(
            {"name": piece.name, "verdict": piece.verdict, "notes": piece.whole.notes, "least": piece.whole.least}
            | {
                view: {"copied": of.copied, "share": of.share, "longest": of.longest, "songs": dataclasses.asdict(by)}
                for view, (of, by) in views.items()
            }
            | {"songs": len(names), "runs": runs, "altered": altered}
            | {"closest": [{"bar": bar, "song": song, "notes": notes} for bar, song, notes in piece.closest]}
        )
    return json.dumps(found, indent=1)


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
    head = f"{found['file']}: a model ({found['model']}) made by Tunesmith {found['program']}, seed {about['seed']}"
    if about.get("base"):
        what = "the base, from which others begin; it keeps no songs, and MODEL_CARD.md says what it learned from"
        return "\n".join([head, what, f"digest {found['digest']}"])
    songs = about["report"].get("songs", len(found["songs"]))
    lines = [
        head,
        f"learned from {counted(songs, 'song')} in {counted(len(about['files']), 'file')}",
        f"digest {found['digest']}",
        told(about["report"]),
    ]
    lines += [f"  {name}" for name in found["songs"][:LISTED]]
    if len(found["songs"]) > LISTED:
        lines.append(f"  ... and {len(found['songs']) - LISTED} more")
    return "\n".join(lines)
