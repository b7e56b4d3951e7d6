"""What is shown while learning and after it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tunesmith import api
from tunesmith.console.songs import ReadingView
from tunesmith.console.tables import counted, duration, table

# the share of bits saved, at the least, and what it is called
LEARNED = ((0.1, "learned well"), (0.03, "learned something"), (0.005, "learned a little"))
HARDER = 1.1  # songs in a meter that cost so many times what all cost are hard
FEW = 30  # songs


class LearnView(ReadingView):
    """Shows what happens while learning, and keeps what the report needs."""

    def __init__(self, quiet: bool = False, report: Path | None = None) -> None:
        super().__init__(quiet, report)
        self.epochs: list[api.Epoch] = []
        self.finished: api.Finished | None = None
        self._stage = ""

    def show(self, event: api.Event) -> None:
        """Show an event of `api.learning`."""
        if isinstance(event, api.Entry):
            self.songs.add(event)
        elif isinstance(event, api.Gathered):
            self.songs.begin(event.files)
        elif isinstance(event, api.Ingested):
            self.songs.close()
            self._bar.say(f"{self.songs.text(event, self._bar.console.width)}\n{_held_out_text(event)}")
        elif isinstance(event, api.Epoch):
            self._epoch(event)
        else:
            self.finished = event
            self._bar.say(result_text(event.report))

    def _epoch(self, event: api.Epoch) -> None:
        if event.stage != self._stage:
            self._stage = event.stage
            doing = "learning, some songs held out" if event.stage == "measure" else "learning from all songs"
            self._bar.task(doing, event.epochs)
            for _ in range(event.number - 1):  # an earlier run did these
                self._bar.step("")
        self.epochs.append(event)
        held = "" if math.isnan(event.held_out) else f", {event.held_out:.2f} on songs held out (best: {event.best})"
        left = f"about {duration(event.seconds_left)} left"
        note = f"{event.training:.2f} bits a note{held}"
        self._bar.step(f"{note}, {left}", f"epoch {event.number} of {event.epochs}: {note}, {left}")

    def as_json(self) -> dict[str, Any]:
        """The report of the learning and of every song."""
        report = self.finished.report if self.finished else {}
        return {"songs": [dataclasses.asdict(e) for e in self.songs.entries], "report": report}

    def write_curve(self, model: Path) -> Iterator[Path]:
        """The learning curve as a picture beside the model, where there is a curve and matplotlib."""
        report = self.finished.report if self.finished else {}
        history = [h for h in report.get("history", ()) if not math.isnan(h[1])]
        if not history:
            return
        # the curve is the network's: its own best is no baseline
        baselines = {k: b for k, b in report["bits_per_note"].items() if k not in ("learned", "network")}
        path = model.with_name(f"{model.stem}-curve.png")  # MODEL.png may be the picture of a piece
        try:
            api.save_curve([h[0] for h in history], [h[1] for h in history], baselines, path)
        except (api.MissingExtra, api.StorageError) as error:  # the model is written: that is what counts
            self._bar.say(f"no picture of the learning curve: {error}")
            return
        yield path


def _held_out_text(found: api.Ingested) -> str:
    if found.known:
        return "the songs are added to those that the model knows, which are measured before and after"
    if not found.held_out:
        return "too few songs to hold one out: what was learned cannot be measured (3 songs are the least)"
    return f"held out for measuring first: {', '.join(found.held_out[:5])}{', ...' if len(found.held_out) > 5 else ''}"


def told(report: dict[str, Any]) -> str:
    """`result_text`, for a report that somebody else may have written."""
    try:
        return result_text(report)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return "what the file tells of its learning cannot be read"


def result_text(report: dict[str, Any]) -> str:
    """What was learned, in bits per note beside the baselines, with the curve."""
    if "training" in report:
        return _seed_text(report)
    if "added" in report:
        return _added_text(report["added"], report["best_epoch"] > 0)
    lines = []
    held = [h[1] for h in report.get("history", ()) if not math.isnan(h[1])]
    if len(held) > 1:
        lines.append(curve(held))
    bits = report["bits_per_note"]
    if bits:
        names = {
            "learned": "this model",
            "base": "the base untouched" if report.get("from_base") else "the network before tuning",
            "network": "its network alone",
            "ngram": f"n-gram of {counted(report['ngram_songs'], 'song')}",
        }
        shown = ", ".join(f"{names.get(name, name)} {value:.2f}" for name, value in bits.items())
        lines.append(
            f"bits per note on {counted(report['held_out_songs'], 'song')} held out (fewer is better): {shown}"
        )
        lines.append(verdict(report))
    return "\n".join(lines) or "learned; not measured"


def verdict(report: dict[str, Any]) -> str:
    """What the bits mean, and what would help, in plain words."""
    bits = report["bits_per_note"]
    learned, before = bits.get("learned", math.nan), bits.get("base", bits.get("uniform", math.nan))
    saved = 1 - learned / before
    said = [_grade(saved, "base" in bits)]
    if report.get("best_epoch") == 0:
        said.append("tuning did not help, so the network stays as it was")
    if learned > bits.get("ngram", math.inf):
        said.append("counting alone predicts these songs better: try --model ngram")
    said.append(_what_helps(report, learned))
    return "; ".join(part for part in said if part)


def _grade(saved: float, tuned: bool) -> str:
    """The share of surprise that learning took away, in words."""
    percent = f"{saved:.0%}"
    if not tuned:
        return f"a new song of this kind holds {percent} less surprise for it than for someone who knows nothing"
    word = next((word for least, word in LEARNED if saved >= least), "learned next to nothing that it did not know")
    return f"{word}: a new song of this kind surprises it {percent} less than the network it started from"


def _what_helps(report: dict[str, Any], learned: float) -> str:
    """Which songs would help most, where that can be told."""
    hard = [
        (found["bits_per_note"], meter)
        for meter, found in report.get("by_meter", {}).items()
        if found["bits_per_note"] > HARDER * learned and found["songs"] <= report["songs"] / 2
    ]
    if hard:
        return f"more songs in {max(hard)[1]} would help most"
    return "more songs would help" if report.get("songs", FEW) < FEW else ""


def _added_text(added: dict[str, Any], tuned: bool) -> str:
    """What songs that were added to others gave."""
    new, known = counted(added["songs"], "song"), counted(added["known"], "song")
    return (
        f"{new} added to {known}; bits per note (fewer is better): "
        f"those added {added['new_before']:.2f} before, {added['new_after']:.2f} now that they are learned; "
        f"those known {added['known_before']:.2f} before, {added['known_after']:.2f} now"
        + ("" if tuned else "; the network stays as it was, since hearing them made it forget")
    )


def _seed_text(report: dict[str, Any]) -> str:
    rows = [["songs learned from", report["training"]["nats_per_token"], report["training"]["accuracy"]]]
    if "left_out" in report:
        rows.append(["a song left out", report["left_out"]["nats_per_token"], report["left_out"]["accuracy"]])
    rows.append(["guessing", report["uniform_nats"], math.exp(-report["uniform_nats"])])
    return table(["the historical recipe on", "nats per token", "accuracy"], rows)


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
