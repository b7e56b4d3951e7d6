"""Humdrum **kern: scores in columns, one for each staff, read from any Humdrum file that has **kern spines.

Reading:

- Every column is followed through its splits, joins and exchanges. Each **kern spine is a part, the layers into which
  it splits are its voices; the staves of one keyboard instrument are one part. Parts come top first.
- Ties make one note, also from one layer to another. A tie that leads nowhere is passed over.
- Grace notes (q, Q) are left out and counted. Beams, slurs, stems, articulations, ornaments, fermatas, editorial and
  layout marks are passed over. Notes that are not printed (yy) sound. Strokes without pitch (R) make a drum
  part where they are at least half of it; among notes with pitch they are left out and counted.
- **dynam gives velocities to the part on its left (or of its `*part`). **mxhm, **harte and **chord give chord symbols,
  where they are known ones. Other spines (**text, **fing, **harm, ...) are passed over.
- **kern is written at sounding pitch, also for transposing instruments: `*ITrd1c2` only says how to print them. Notes
  of a spine with `*Trd1c2` have been moved away from sounding pitch (up a step and two semitones) and are moved back,
  unless all spines say the same, which is a piece transposed on purpose.
  Sources: https://doc.verovio.humdrum.org/humdrum/transposing, https://www.humdrum.org/tool/trans/.
- Bars are those of the bar lines, also invisible ones; where bars have numbers, a line without one stands inside a
  bar (a line break). A bar that does not add up is kept as long as it is written.
- Repeat signs are repeats. An expansion list (`*>[A,A,B]`) that says more becomes repeats, endings and a jump; where
  these cannot say it, the piece is written out and a warning tells so. Other lists (`*>norep[...]`) are passed over.
- Columns that do not agree on the time of a line are set right by most of them, counted, and told.
- A file may hold several pieces, one after the other. Text is UTF-8 or Latin-1.

Source: D. Huron, "Humdrum User's Guide", https://www.humdrum.org/guide/, and https://www.humdrum.org/rep/kern/
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunesmith.errors import FormatError
from tunesmith.files import read_bytes
from tunesmith.formats import ReadOptions
from tunesmith.formats.humdrum.reader import Piece
from tunesmith.formats.humdrum.score import score_of
from tunesmith.formats.humdrum.source import Records, decode
from tunesmith.score import Score

__all__ = ["read", "read_text"]

MAX_BYTES = 16 * 1024 * 1024  # an act of an opera in full score has less than 4 MB
_MOST_PIECES = 10_000


def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]:
    """The score of every piece in a file, each followed by what is doubtful in it.

    Raises:
        FormatError: it is not Humdrum, holds no notes, or cannot be read; with the line and spine.
        StorageError: the file cannot be opened.
    """
    yield from read_text(decode(read_bytes(path, MAX_BYTES)))


def read_text(text: str) -> Iterator[Score | FormatError]:
    """The same, of text; line breaks are line feeds.

    Raises:
        FormatError: as `read`.
    """
    records, piece, ended = Records(), Piece(), 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("!!!"):
            if line.startswith("!!!!SEGMENT") and piece.ended:
                yield from score_of(piece, records)
                records, piece = Records(), Piece()
            records.add(line)
        elif line and line[0] != "!" and not line.isspace():
            if piece.ended:
                yield from score_of(piece, records)
                piece, ended = Piece(), ended + 1
                if ended > _MOST_PIECES:
                    raise FormatError(f"more than {_MOST_PIECES} pieces in one file", where=f"line {number}")
            piece.take(number, line)
    if piece.begun:
        if not piece.ended:
            piece.close()
        yield from score_of(piece, records)
    elif not ended:
        raise FormatError("there is no spine", fix="a Humdrum file begins with a line such as **kern")
