"""ABC notation (standard 2.1): tune books in, tunes out.

Reading: every `X:` starts a tune; one that cannot be read is yielded as a `FormatError` that says
"line L, column C (tune X: title)", and the others load. Where the standard leaves a choice, or tunes in the
wild do otherwise:

- Accidentals hold for their letter in their octave until the bar line, as in print.
- Repeats stay structure (`Score.repeats`). `:|` without `|:` goes back to the end of the previous repeat or to
  the beginning; a last ending ends at `||`, `|]`, `|:` or the end of the tune. D.C. and segno are not followed.
- A first bar shorter than the meter is the pickup. Any other bar that does not add up is kept as long as it is
  written, a `Meter` where the next bar starts puts the bar lines right again, and a `SongWarning` follows the
  score. A short bar at a repeat sign or double bar that is made whole by what follows, or by the pickup it
  goes back to, is no fault. Under `M:none`, or without `M:`, bars are not checked.
- An empty line ends a tune, as the standard has it; lines after it that are clearly music are read all the same.
- Each `V:` is a part; `&` starts another voice of it. Bars and repeats are those of the first voice.
- Quoted text that is no chord symbol is a remark. A chord symbol lasts until the next, or until "N.C.".
- `Q:120` counts unit note lengths (`L:`), as the standard has it. Words alone ("Allegro") give no tempo.
- Grace notes, decorations, slurs, lyrics, clefs, parts order (`P:`) and macros are passed over.
- Text is UTF-8, or else Windows-1252 or Latin-1; accents as \\'e, &eacute; and \\u00e9 are understood.

Writing: what is lost is velocity; a spelling that is not known (it comes back as the key spells it) or has
more than two sharps or flats; overlap within one voice (the notes move to another voice); voice numbers above
32; changes of key, meter or tempo after the last note; parts where the score has none at all; double quotes in
part names; line breaks in texts; repeats that signs cannot say (nested, or with passes that no ending plays)
are written out. All else reads back equal: `read(write(score)) == score`. `%%MIDI program` and `channel 10`
carry instruments and drums, `%%tunesmith` the provenance.

Source: https://abcnotation.com/wiki/abc:standard:v2.1
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunesmith.errors import FormatError
from tunesmith.files import read_bytes
from tunesmith.formats import ReadOptions, WriteOptions
from tunesmith.formats.abc.book import decode, tunes
from tunesmith.formats.abc.tune import read_tune
from tunesmith.formats.abc.writer import tune_text
from tunesmith.score import Score

__all__ = ["read", "write"]


def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]:
    """Every tune of a book, in order; for one that cannot be read, the reason; after a doubtful one, a warning.

    Raises:
        FormatError: the file holds no tune at all.
        StorageError: the file cannot be opened.
    """
    book = tunes(decode(read_bytes(path)))
    for source in book:
        yield from read_tune(source)


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a score as one tune, in UTF-8.

    Raises:
        FormatError: there is nothing to write, or a note without length.
    """
    path.write_text(tune_text(score), encoding="utf-8", newline="\n")
