"""Pictures of numbers: the piano roll and the learning curve. Needs matplotlib, which is imported on use.

Figures are made without pyplot, so that nothing global is touched, and carry no date: the same input gives the
same bytes. Colours are told apart by the colour-blind too: M. Okabe, K. Ito, "Color Universal Design" (2008).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith import theory
from tunesmith.errors import MissingExtra
from tunesmith.score import Note, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
BLACK_KEYS = frozenset((1, 3, 6, 8, 10))
GRID, SHADE = "#c8c8c8", "#f2f2f2"
DOTS_PER_INCH = 100
ROLL_HEIGHT = (3.0, 9.0)  # inches, least and most
MOST_BAR_NAMES = 40  # more bar numbers than this would overlap


def loss_curve(training: Sequence[float], held_out: Sequence[float], baselines: Mapping[str, float]) -> bytes:
    """The learning curve as PNG.

    `training` and `held_out` are bits per note after each epoch, on the songs learned from and on songs left out
    (empty where none were); `baselines` are bits per note on the songs left out that simpler models reach.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure, axes = _figure(8.0, 4.5)
    from matplotlib.ticker import MaxNLocator

    lines = (("songs learned from", training, "--", "o"), ("songs left out", held_out, "-", "s"))
    for (label, values, dashes, marker), colour in zip(lines, COLOURS, strict=False):
        if values:
            epochs = range(1, len(values) + 1)
            size = 4 if len(values) <= 60 else 0
            axes.plot(epochs, values, dashes, color=colour, marker=marker, markersize=size, label=label)
    if held_out:
        best = min(range(len(held_out)), key=lambda epoch: held_out[epoch])
        axes.annotate(
            f"best {held_out[best]:.2f}",
            (best + 1, held_out[best]),
            xytext=(0, 10),
            textcoords="offset points",
            ha="center",
        )
    for (name, bits), colour in zip(baselines.items(), COLOURS[2:] * len(baselines), strict=False):
        axes.axhline(bits, color=colour, linestyle=":", linewidth=1.5, label=f"{name}: {bits:.2f}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("bits per note")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.12)
    axes.grid(color=GRID, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if training or held_out or baselines:
        axes.legend(loc="upper right", facecolor="white", edgecolor="none", framealpha=1.0)
    return _render(figure, "png")


def piano_roll(score: Score, kind: str = "svg") -> bytes:
    """The notes of a score as bars over time, one colour a part (a voice, where there is one part).

    Bar lines are grid lines.

    `kind` is "svg" or "png". Drums are drawn like pitches.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    pitches = [note.pitch for note in score.notes()] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    bars = list(score.bars())
    width = min(24.0, max(8.0, 0.5 * len(bars)))
    figure, axes = _figure(width, min(ROLL_HEIGHT[1], max(ROLL_HEIGHT[0], 0.16 * (high - low))))
    _keys(axes, low, high)
    _bar_lines(axes, score)
    lines = _lines(score)
    for (label, notes), colour in zip(lines.items(), COLOURS * len(lines), strict=False):
        axes.barh(
            [note.pitch for note in notes],
            [note.duration for note in notes],
            left=[note.onset for note in notes],
            height=0.8,
            color=colour,
            edgecolor="white",
            linewidth=0.6,
            label=label,
            zorder=3,
        )
    axes.set_xlim(0, max(bars[-1].end if bars else 1, 1))
    axes.set_ylim(low - 0.5, high + 0.5)
    if len(lines) > 1:
        figure.legend(frameon=False, ncols=4, loc="outside lower center")
    if score.title:
        axes.set_title("".join(c if c.isprintable() else " " for c in score.title), parse_math=False)
    axes.set_xlabel("bar")
    return _render(figure, kind)


def _lines(score: Score) -> dict[str, list[Note]]:
    """What has a colour of its own, by name."""
    played = [(number, part) for number, part in enumerate(score.parts, 1) if part.notes]
    found: dict[str, list[Note]] = {}
    for number, part in played:
        for note in part.notes:
            name = (part.name or f"part {number}") if len(played) > 1 else f"voice {note.voice}"
            found.setdefault(name, []).append(note)
    return found


def _keys(axes: Axes, low: int, high: int) -> None:
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=SHADE, linewidth=0, zorder=0)
    named = [pitch for pitch in range(low, high + 1) if pitch % 12 in ((0, 4, 7) if high - low < 30 else (0,))]
    axes.set_yticks(named, [theory.note_name(theory.spell(p)) + str(p // 12 - 1) for p in named])
    axes.tick_params(length=0)


def _bar_lines(axes: Axes, score: Score) -> None:
    bars = list(score.bars())
    for bar in bars:
        axes.axvline(bar.start, color=GRID, linewidth=0.8, zorder=1)
    step = next((n for n in (1, 2, 4, 8, 16) if len(bars) <= n * MOST_BAR_NAMES), len(bars) // MOST_BAR_NAMES + 1)
    named = [bar for bar in bars if bar.number % step == (1 if step > 1 else 0)]
    axes.set_xticks([bar.start for bar in named], [str(bar.number) for bar in named])


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "plot") from error
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    return figure, figure.add_subplot()


def _render(figure: Figure, kind: str) -> bytes:
    from matplotlib import rc_context

    result = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "tunesmith"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # titles in scripts that the font lacks show boxes
        figure.savefig(result, format=kind, metadata=metadata)
    return result.getvalue()
