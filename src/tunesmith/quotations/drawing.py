"""The pictures of the page: the piece with all its runs, and excerpts with one, as SVG for use in HTML."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.comparing import Checked
from tunesmith.errors import TunesmithError
from tunesmith.formats import musicxml, picture
from tunesmith.originality import lines
from tunesmith.quotations.excerpts import Excerpt
from tunesmith.quotations.marking import Mark, marked
from tunesmith.quotations.words import counted, plain, shown
from tunesmith.score import Score

MOST_RUNS = 20  # that are shown beside their songs
MOST_BARS, MOST_NOTES = 500, 10_000  # of the piece that are drawn
EXCERPT_WIDTH = 960  # of an excerpt's picture, in units; the piece's is as wide as any picture
KINDS = ("k1", "k2", "k3")  # classes of the style sheet, a colour each: runs take them in turn
FURTHER, FURTHER_KIND = "+", "k0"  # the label and the class of runs that are not shown beside their songs


def piece_picture(checked: Checked, glyphs: dict[str, str]) -> str:
    """The piece with its runs marked, and what is to be said of it."""
    piece, remark = _beginning(checked.piece)
    copied = f"{checked.whole.copied} of {counted(checked.whole.notes, 'note')} marked as copied"
    says = f"Score of {plain(checked.name)}, {copied}; the list of runs says where"
    try:
        drawn = picture.svg(piece, heading=False)
        ids = musicxml.note_ids(piece)
    except TunesmithError as error:
        return f'<p class="missing">The piece cannot be drawn: {shown(str(error))}.</p>'
    return remark + marked(drawn, _marks(checked, piece, ids), glyphs, says)


def excerpt_picture(excerpt: Excerpt, number: int, glyphs: dict[str, str], says: str) -> str:
    """An excerpt with its run marked. `number`: of the run, from 1; `says`: what it shows."""
    try:
        drawn = picture.svg(excerpt.score, EXCERPT_WIDTH, heading=False)
        ids = musicxml.note_ids(excerpt.score)[0]
    except TunesmithError as error:
        return f'<p class="missing">This cannot be drawn: {shown(str(error))}.</p>'
    mark = Mark(str(number), kind_of(number), tuple(name for place in excerpt.copied for name in ids[place]))
    return marked(drawn, [mark], glyphs, says, max(0, excerpt.shown[0] - 1))


def kind_of(number: int) -> str:
    """The class of a run, by its number from 1."""
    return KINDS[(number - 1) % len(KINDS)] if number <= MOST_RUNS else FURTHER_KIND


def _marks(checked: Checked, drawn: Score, ids: Sequence[Sequence[tuple[str, ...]]]) -> list[Mark]:
    """A mark for each run, the longest first, as far as it is drawn."""
    names = {
        (number, note.voice, note.onset, note.pitch): ids[number][place]
        for number, part in enumerate(drawn.parts)
        for place, note in enumerate(part.notes)
    }
    voices = {(line.part, line.voice): line.notes for line in lines(checked.piece)}
    found = []
    for number, run in enumerate(checked.whole.runs, 1):
        notes = voices[run.part, run.voice][run.first : run.first + run.notes]
        keys = [(run.part, run.voice, note.onset, note.pitch) for note in notes]
        own = tuple(name for key in keys for name in names.get(key, ()))
        if own:
            found.append(Mark(str(number) if number <= MOST_RUNS else FURTHER, kind_of(number), own))
    return found


def _beginning(piece: Score) -> tuple[Score, str]:
    """As much of a piece as is drawn; if that is not all, what is to be said of it."""
    bars, onsets = list(piece.bars()), sorted(note.onset for note in piece.notes())
    last = onsets[MOST_NOTES] if len(onsets) > MOST_NOTES else bars[-1].end if bars else 0
    drawn = [bar for bar in bars[:MOST_BARS] if bar.end <= last] or bars[:1]
    if len(drawn) == len(bars):
        return piece, ""
    return piece.slice(0, drawn[-1].end), f"<p>Of its {counted(len(bars), 'bar')} the first {len(drawn)} are drawn.</p>"
