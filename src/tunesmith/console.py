"""What the command line shows: progress on standard error, tables and curves as text.

On a terminal there are bars with the time left; elsewhere (a log file) a plain line now and then.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import time
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

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
from rich.table import Table

from tunesmith import api

LOG_SECONDS = 10.0  # between lines where there is no terminal
LISTED = 40  # songs listed one by one; of more only those that were not kept
NOT_KEPT_LISTED = 30


class _Bar:
    """A progress bar on a terminal, a line now and then elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.live = self.console.is_terminal and not quiet
        self.quiet = quiet
        self._last = time.monotonic()
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
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def task(self, description: str, total: float | None) -> None:
        """Begin a stretch of work of `total` steps (None: unknown)."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(description, total=total, note="")

    def step(self, note: str, line: str = "") -> None:
        """One step is done; `line` is logged now and then where there is no terminal."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, note=note)
        if line and not self.live and not self.quiet and time.monotonic() - self._last > LOG_SECONDS:
            self.say(line)

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)
            self._last = time.monotonic()


class Steps:
    """Progress over a known number of steps."""

    def __init__(self, total: int | None, doing: str) -> None:
        self._bar, self._total, self._doing = _Bar(), total, doing

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


class LearnView:
    """Shows what happens while learning, and keeps what the report needs."""

    def __init__(self, quiet: bool = False, keep_all: bool = False) -> None:
        self._bar = _Bar(quiet)
        self._keep_all = keep_all  # a CSV or JSON report shows every song; the text of a large set needs but a few
        self.seen = self.doubtful = 0
        self.entries: list[api.Entry] = []
        self.counts: Tally[str] = Tally()
        self.epochs: list[api.Epoch] = []
        self.finished: api.Finished | None = None
        self._stage = ""

    def __enter__(self) -> Self:
        self._bar.__enter__()
        self._bar.task("reading songs", None)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__()

    def show(self, event: api.Event) -> None:
        """Show an event of `api.learning`."""
        if isinstance(event, api.Entry):
            self._entry(event)
        elif isinstance(event, api.Ingested):
            self._bar.say(ingest_text(self, event, width=self._bar.console.width))
        elif isinstance(event, api.Epoch):
            self._epoch(event)
        else:
            self.finished = event
            self._bar.say(result_text(event.report))

    def _entry(self, entry: api.Entry) -> None:
        self.seen += 1
        self.doubtful += bool(entry.warning)
        if self._keep_all or self.seen <= LISTED or (entry.status != "kept" and len(self.entries) < 1000):
            self.entries.append(entry)
        self._bar.step(entry.name, f"reading songs: {self.seen}")

    def _epoch(self, event: api.Epoch) -> None:
        if event.stage != self._stage:
            self._stage = event.stage
            doing = "learning, some songs held out" if event.stage == "measure" else "learning from all songs"
            self._bar.task(doing, event.epochs)
            for _ in range(event.number - 1):  # an earlier run did these
                self._bar.step("")
        self.epochs.append(event)
        held = "" if math.isnan(event.held_out) else f", {event.held_out:.2f} on songs held out (best: {event.best})"
        left = f"about {_duration(event.seconds_left)} left"
        note = f"{event.training:.2f} bits a note{held}"
        self._bar.step(f"{note}, {left}", f"epoch {event.number} of {event.epochs}: {note}, {left}")

    def as_json(self) -> dict[str, Any]:
        """The report of the learning and of every song."""
        report = self.finished.report if self.finished else {}
        return {"songs": [dataclasses.asdict(e) for e in self.entries], "report": report}

    def write_csv(self, path: Path) -> None:
        """The line of every song, as CSV."""
        text = io.StringIO()
        rows = csv.DictWriter(text, [f.name for f in dataclasses.fields(api.Entry)])
        rows.writeheader()
        rows.writerows(dataclasses.asdict(entry) for entry in self.entries)
        api.write_text(path, text.getvalue())

    def write_curve(self, model: Path) -> Iterator[Path]:
        """The learning curve as a picture beside the model, where there is a curve and matplotlib."""
        report = self.finished.report if self.finished else {}
        history = [h for h in report.get("history", ()) if not math.isnan(h[1])]
        if not history:
            return
        baselines = {k: b for k, b in report["bits_per_note"].items() if k != "learned"}
        path = model.with_name(f"{model.stem}-curve.png")  # MODEL.png may be the picture of a piece
        try:
            api.save_curve([h[0] for h in history], [h[1] for h in history], baselines, path)
        except (api.MissingExtra, api.StorageError) as error:  # the model is written: that is what counts
            self._bar.say(f"no picture of the learning curve: {error}")
            return
        yield path


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = None) -> str:
    table = Table(box=None, pad_edge=False, header_style="")
    for column in columns:
        numeric = all(isinstance(row[columns.index(column)], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out = io.StringIO()
    Console(file=out, width=max(60, width or 100), color_system=None, highlight=False, markup=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def ingest_text(view: LearnView, found: api.Ingested, width: int | None = None) -> str:
    """The ingest report: every song of a small set, of a large one those that were not kept and a summary."""
    lines = []
    if view.seen <= LISTED:
        rows = [[e.name, e.bars, e.notes, e.voices, e.key, e.meter, _remark(e)] for e in view.entries]
        lines.append(_table(["song", "bars", "notes", "voices", "key", "meter", ""], rows, width))
    else:
        others = [e for e in view.entries if e.status != "kept"]
        lines += [f"{e.name}: {_remark(e)} ({e.path})" for e in others[:NOT_KEPT_LISTED]]
        more = found.duplicates + found.dropped - NOT_KEPT_LISTED
        if more > 0:
            lines.append(f"... and {more} more; --report FILE lists all")
    lines.append(
        f"{_counted(found.kept, 'song')} kept, {_counted(found.duplicates, 'duplicate')}, {found.dropped} dropped"
        + (f", {view.doubtful} kept with a remark" if view.doubtful else "")
        + f": {found.notes:,} notes"
    )
    if found.held_out:
        names = ", ".join(found.held_out[:5]) + (", ..." if len(found.held_out) > 5 else "")
        lines.append(f"held out for measuring first: {names}")
    else:
        lines.append("too few songs to hold one out: what was learned cannot be measured (3 songs are the least)")
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _remark(entry: api.Entry) -> str:
    if entry.status == "kept":
        return entry.warning
    return f"{entry.status}: {entry.reason}"


def _told(report: dict[str, Any]) -> str:
    """`result_text`, for a report that somebody else may have written."""
    try:
        return result_text(report)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return "what the file tells of its learning cannot be read"


def result_text(report: dict[str, Any]) -> str:
    """What was learned, in bits per note beside the baselines, with the curve."""
    if "training" in report:
        return _seed_text(report)
    lines = []
    held = [h[1] for h in report.get("history", ()) if not math.isnan(h[1])]
    if len(held) > 1:
        lines.append(curve(held))
    bits = report["bits_per_note"]
    if bits:
        names = {"learned": "this model", "ngram": f"n-gram of {_counted(report['ngram_songs'], 'song')}"}
        shown = ", ".join(f"{names.get(name, name)} {value:.2f}" for name, value in bits.items())
        lines.append(
            f"bits per note on {_counted(report['held_out_songs'], 'song')} held out (fewer is better): {shown}"
        )
        if bits.get("learned", 0.0) > bits.get("ngram", math.inf):
            lines.append("counting predicts these songs better than this model does: try --model ngram, or add songs")
    return "\n".join(lines) or "learned; not measured"


def _seed_text(report: dict[str, Any]) -> str:
    rows = [["songs learned from", report["training"]["nats_per_token"], report["training"]["accuracy"]]]
    if "left_out" in report:
        rows.append(["a song left out", report["left_out"]["nats_per_token"], report["left_out"]["accuracy"]])
    rows.append(["guessing", report["uniform_nats"], math.exp(-report["uniform_nats"])])
    return _table(["the historical recipe on", "nats per token", "accuracy"], rows)


def curve(values: Sequence[float], width: int = 60, height: int = 8) -> str:
    """A curve as text: bits per note on the held-out songs, epoch by epoch."""
    chosen = (
        [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)] if len(values) > width else values
    )
    low, high = min(chosen), max(chosen)
    steps = [round((value - low) / (high - low or 1.0) * (height - 1)) for value in chosen]
    rows = []
    for row in range(height - 1, -1, -1):
        label = f"{high:6.2f} " if row == height - 1 else f"{low:6.2f} " if row == 0 else " " * 7
        rows.append(label + "|" + "".join("*" if step == row else " " for step in steps).rstrip())
    return "\n".join([*rows, " " * 7 + "+" + "-" * len(chosen), f"{'':8}epochs 1 to {len(values)}"])


def evaluation_table(results: Sequence[api.Evaluated], bits: api.Bits) -> str:
    """Bits per note of every song and of all."""
    rows: list[list[object]] = []
    for r in results:
        measured = [r.bits.notes, r.bits.symbols_per_note, r.bits.per_note] if not r.problem else ["", "", ""]
        rows.append([r.name, *measured, r.problem])
    rows.append(["all", bits.notes, bits.symbols_per_note, bits.per_note, ""])
    return _table(["song", "notes", "symbols", "bits per note", ""], rows)


def evaluation_json(results: Sequence[api.Evaluated], bits: api.Bits) -> str:
    """The same as JSON; what could not be measured is null."""

    def plain(b: api.Bits) -> dict[str, Any]:
        values = {"notes": b.notes, "bits_per_note": b.per_note, "symbol_bits_per_note": b.symbols_per_note}
        return {k: None if isinstance(x, float) and not math.isfinite(x) else x for k, x in values.items()}

    songs = [{"name": r.name, **plain(r.bits), "problem": r.problem} for r in results]
    return json.dumps({"songs": songs, "all": plain(bits)}, indent=1)


def info_text(found: dict[str, Any]) -> str:
    """What is in a file, as text."""
    if found["kind"] == "model":
        return _model_text(found)
    lines = [f"{found['file']}: {_counted(len(found['songs']), 'song')}"]
    for song in found["songs"]:
        lines.append("")
        for name, value in song.items():
            if value not in ("", None, []):
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
        f"learned from {_counted(songs, 'song')} in {_counted(len(about['files']), 'file')}",
        f"digest {found['digest']}",
        _told(about["report"]),
    ]
    lines += [f"  {name}" for name in found["songs"][:LISTED]]
    if len(found["songs"]) > LISTED:
        lines.append(f"  ... and {len(found['songs']) - LISTED} more")
    return "\n".join(lines)
