"""The learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunesmith.plots.drawing import COLOURS, GRID, figure, rendered

FAR = 2.0  # times the highest point of the curves: a line up there would press them flat


def loss_curve(training: Sequence[float], held_out: Sequence[float], baselines: Mapping[str, float]) -> bytes:
    """The learning curve as PNG.

    `training` and `held_out` are bits per note after each epoch, on the songs learned from and on songs left out
    (empty where none were); `baselines` are bits per note on the songs left out that simpler models reach.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    drawn = figure(8.0, 4.5, "constrained")
    axes = drawn.add_subplot()
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
    shown = [*training, *held_out]
    for (name, bits), colour in zip(baselines.items(), COLOURS[2:] * len(baselines), strict=False):
        if shown and bits > FAR * max(shown):
            axes.plot([], [], " ", label=f"{name}: {bits:.2f} (far above)")
        else:
            axes.axhline(bits, color=colour, linestyle=":", linewidth=1.5, label=f"{name}: {bits:.2f}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("bits per note")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.12)
    axes.grid(color=GRID, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if training or held_out or baselines:
        axes.legend(loc="upper right", facecolor="white", edgecolor="none", framealpha=1.0)
    return rendered([drawn], "png")
