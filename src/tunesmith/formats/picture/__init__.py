"""Score pictures: `.svg` and `.png`, one tall picture, and `.pdf`, pages; engraved by Verovio from our own MusicXML.

`engraver` runs Verovio in a process of its own (`worker`); `scroll` makes one SVG of what it draws, `raster` a PNG
of that, `paper` a PDF. Notes keep their MusicXML ids (`musicxml.note_ids`) as SVG ids. The ids that Verovio makes
up are seeded: the same score gives the same bytes. `options.view` asks for another picture of the notes: the piano
roll ("roll") or the lines of the voices ("contour"), both from `plots`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from tunesmith.errors import SongWarning
from tunesmith.formats import WriteOptions
from tunesmith.formats.picture.engraver import start
from tunesmith.formats.picture.raster import png, with_text
from tunesmith.formats.picture.scroll import WIDTH, svg
from tunesmith.score import Score

__all__ = ["WIDTH", "png", "start", "svg", "write"]
PLOTS = {"roll": "piano_roll", "contour": "contour"}  # view -> function of `plots`


def write(score: Score, path: Path, options: WriteOptions) -> list[SongWarning]:
    """Write a picture of a score; the ending of `path` says which kind. Gives what is to be told of it.

    Raises:
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
        MissingExtra: PDF needs reportlab; a piano roll or contour needs matplotlib.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind == "pdf" and options.view not in PLOTS:
        from tunesmith.formats.picture import paper

        printed = paper.pdf(score, options.paper, options.fermata)
        path.write_bytes(printed.data)
        return [printed.remark] if printed.remark else []
    path.write_bytes(_drawn(score, kind, options))
    return []


def _drawn(score: Score, kind: str, options: WriteOptions) -> bytes:
    if options.view in PLOTS:
        from tunesmith import plots

        plot: bytes = getattr(plots, PLOTS[options.view])(score, kind)
        return plot
    drawn = svg(score, fermata=options.fermata)
    if kind == "svg":
        about = f"<metadata>{escape(score.provenance, quote=False)}</metadata>" if score.provenance else ""
        return drawn.replace(">", ">" + about, 1).encode()
    return with_text(png(drawn), score.provenance)
