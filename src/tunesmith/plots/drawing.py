"""Figures of matplotlib, which is imported on use: made without pyplot, with no date, the same bytes every time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunesmith.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# told apart by the colour-blind too: M. Okabe, K. Ito, "Color Universal Design" (2008)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
# from little to much, for the colour-blind and in grey too: viridis, turned round (S. van der Walt, N. Smith, 2015)
SEQUENCE = ("#bddf26", "#44bf70", "#21918c", "#355f8d", "#440154")
GRID, SHADE = "#c8c8c8", "#f2f2f2"
DOTS_PER_INCH = 100
LETTERS: dict[Any, object] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "tunesmith",
    "pdf.fonttype": 42,  # TrueType, whole characters: text can be copied
}
NO_DATE = {"svg": {"Date": None}, "png": {"Software": None}, "pdf": {"CreationDate": None}}


def figure(width: float, height: float, layout: str | None = None) -> Figure:
    """An empty figure; sizes in inches.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "plot") from error
    engine: Any = layout or "none"  # which stands for no engine; matplotlib lists them, and `layout` is any text
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=engine, facecolor="white")


def rendered(figures: Sequence[Figure], kind: str) -> bytes:
    """Figures as a file: "svg" or "png" of one, "pdf" of pages."""
    from matplotlib import rc_context

    result = io.BytesIO()
    with rc_context(LETTERS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # titles in scripts that the font lacks show boxes
        if kind == "pdf":
            from matplotlib.backends.backend_pdf import PdfPages

            with PdfPages(result, metadata=NO_DATE["pdf"]) as pages:
                for page in figures:
                    pages.savefig(page)
        else:
            figures[0].savefig(result, format=kind, metadata=NO_DATE[kind])
    return result.getvalue()


def shown(text: str) -> str:
    """Text as one line."""
    return "".join(c if c.isprintable() else " " for c in text)
