"""The page of a piece that was held against songs: one self-contained HTML file, which fetches nothing.

Its size is bounded: of the piece the first bars are drawn (`drawing`), of the runs the `MOST_RUNS` longest are shown
beside their songs, of each no more than a few bars (`excerpts`). Whatever cannot be shown is said in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from itertools import starmap

from tunesmith import __version__
from tunesmith.comparing import Checked
from tunesmith.errors import TunesmithError
from tunesmith.formats.page import fill
from tunesmith.originality import Altered, Run
from tunesmith.plots import COLOURS
from tunesmith.quotations.drawing import (
    FURTHER,
    FURTHER_KIND,
    KINDS,
    MOST_RUNS,
    excerpt_picture,
    kind_of,
    piece_picture,
)
from tunesmith.quotations.excerpts import Excerpt, Heard, pair
from tunesmith.quotations.marking import definitions
from tunesmith.quotations.words import bars, counted, plain, shown
from tunesmith.score import Score

# which of `COLOURS` show well on white, and on black
LIGHT, DARK = (0, 1, 2, 3), (5, 4, 2, 3)
CLASSES = (*KINDS, FURTHER_KIND)
LIST = """<h2>Where the runs stand</h2>
<p class="hint">Each plays on its own; Escape stops.</p>
<div class="wide"><table class="list">
<thead><tr><th scope="col">run</th><th scope="col">bars</th><th scope="col">notes</th><th scope="col">stand in</th>\
<th scope="col">from bar</th></tr></thead>
<tbody>{rows}</tbody>
</table></div>
"""
ALTERED = """<h2>Stretches with notes altered</h2>
<p>They stand in a song but for some notes put in, left out or changed. They are not marked above; beside the bars of
their songs the notes in common are.</p>
<div class="wide"><table class="list">
<thead><tr><th scope="col">stretch</th><th scope="col">bars</th><th scope="col">notes</th>\
<th scope="col">the song's</th><th scope="col">stand in</th><th scope="col">from bar</th></tr></thead>
<tbody>{rows}</tbody>
</table></div>
{more}"""
Source = Score | TunesmithError


def page(checked: Checked) -> str:
    """The page as HTML."""
    glyphs, sounds, sources = dict[str, str](), dict[str, Heard](), dict[int, Source]()
    numbered = list(enumerate(checked.whole.runs[:MOST_RUNS], 1))
    changed = list(enumerate(checked.whole.altered[:MOST_RUNS], len(numbered) + 1))
    articles = {True: "", False: ""}  # of altered stretches, and of runs
    both: list[tuple[int, Run | Altered]] = [*numbered, *changed]
    for number, run in both:
        if run.song not in sources:  # several runs may stand in one song
            sources[run.song] = _source(checked, run.song)
        articles[isinstance(run, Altered)] += _article(checked, number, run, sources[run.song], glyphs, sounds)
    values = {
        "version": __version__,
        "name": shown(checked.name),
        "verdict": shown(checked.verdict[:1].upper() + checked.verdict[1:] + "."),
        "summary": _summary(checked),
        "light": _colours(LIGHT),
        "dark": _colours(DARK),
        "kinds": " ".join(f".{kind} {{ color: var(--{kind}); }}" for kind in CLASSES),
        "figures": "".join(_figures(checked)),
        "score": piece_picture(checked, glyphs),
        "told": _told(checked),
        "list": LIST.format(rows="".join(starmap(partial(_row, checked), numbered))) if numbered else "",
        "altered": _altered(checked, changed) + articles[True],
        "articles": articles[False],
        "glyphs": definitions(glyphs),
        "sounds": json.dumps(sounds, separators=(",", ":")),
    }
    return fill(files("tunesmith.quotations").joinpath("page.template.html").read_text("utf-8"), values)


def _source(checked: Checked, song: int) -> Source:
    try:
        return checked.against.score(song)
    except TunesmithError as error:
        return error


def _colours(chosen: tuple[int, ...]) -> str:
    return " ".join(f"--{kind}: {COLOURS[number]};" for kind, number in zip(CLASSES, chosen, strict=True))


def _summary(checked: Checked) -> str:
    """What was compared, in a sentence."""
    songs, unread = len(checked.against.names), len(checked.against.problems)
    left_out = f" ({unread} more could not be read)" if unread else ""
    return f"{counted(checked.whole.notes, 'note')}, held against {counted(songs, 'song')}{left_out}."


def _figures(checked: Checked) -> list[str]:
    """Rows of the table of figures, one a view."""
    rows = []
    for view, found in checked.views.items():
        by = checked.against.yardsticks[view]
        usual = [f"{by.share:.0%} ({by.most_share:.0%})", f"{by.longest:g} ({by.most_longest})"]
        cells = [f"{found.share:.0%}", str(found.longest), *(usual if by.songs > 1 else ["", ""])]
        inside = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{view.value}</th>{inside}</tr>')
    return rows


def _told(checked: Checked) -> str:
    """How many runs there are."""
    found, least = len(checked.whole.runs), checked.whole.least
    if not found:
        return f"No run of {least} notes or more stands in any of these songs."
    what = f"{counted(found, 'run')} of {least} notes or more {'stands' if found == 1 else 'stand'} in these songs."
    marks = "The notes have a colour, and a bracket with the number of their run."
    if found <= MOST_RUNS:
        return f"{what} {marks}"
    return f"{what} The {MOST_RUNS} longest are shown below. {marks} A bracket with {FURTHER} is a shorter run."


def _row(checked: Checked, number: int, run: Run | Altered) -> str:
    """A row of the list of runs, or of altered stretches."""
    link = f'<a href="#run-{number}">{_tag(number)}</a>'
    common = [str(run.matched)] if isinstance(run, Altered) else []
    cells = [bars(run.bars), str(run.notes), *common, shown(checked.against.names[run.song]), str(run.song_bar)]
    return f'<tr><th scope="row">{link}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _altered(checked: Checked, numbered: Sequence[tuple[int, Altered]]) -> str:
    """The list of altered stretches, the longest first."""
    count, rows = len(checked.whole.altered), "".join(starmap(partial(_row, checked), numbered))
    more = f"<p>The {MOST_RUNS} longest of {count}.</p>" if count > MOST_RUNS else ""
    return ALTERED.format(rows=rows, more=more) if rows else ""


def _tag(number: int) -> str:
    """The number of a run, framed in its colour."""
    return f'<b class="tag {kind_of(number)}"><span>{number}</span></b>'


def _article(
    checked: Checked, number: int, run: Run | Altered, source: Source, glyphs: dict[str, str], sounds: dict[str, Heard]
) -> str:
    """A run beside its song; where the song cannot be had any more, why."""
    song = shown(checked.against.names[run.song])
    difference, sides = "", ""
    try:
        if isinstance(source, TunesmithError):
            raise source
        found = pair(checked.piece, source, run)
    except TunesmithError as error:
        sides = f'<p class="missing">The song cannot be shown: {shown(str(error))}.</p>'
    else:
        difference = f'<p class="difference">In the piece, against the song: {found.difference}.</p>'
        titles = (("piece", "The piece", checked.name), ("song", "The song", checked.against.names[run.song]))
        for (side, title, name), excerpt in zip(titles, (found.piece, found.song), strict=True):
            sounds[f"{number}-{side}"] = excerpt.heard
            sides += _side(number, f"{number}-{side}", f"{title}, {_where(excerpt)}", name, excerpt, glyphs)
    origin = f"<small>{shown(str(checked.against.origins[run.song]))}</small>"
    notes = f"{run.matched} of {run.notes} notes" if isinstance(run, Altered) else counted(run.notes, "note")
    head = f"<h3>{_tag(number)} {notes} in {song} {origin}</h3>"
    where = f"<p>{bars(run.bars, 'Bar')} of the piece; in the song from bar {run.song_bar} on.</p>"
    return f'<article id="run-{number}">{head}{where}{difference}<div class="sides">{sides}</div></article>'


def _side(number: int, key: str, title: str, name: str, excerpt: Excerpt, glyphs: dict[str, str]) -> str:
    """One of the two pictures, with its button."""
    says = f"{title}: {plain(name)}; the notes of run {number} are marked"
    play = f'<button type="button" data-sound="{key}" aria-label="Play run {number}: {title}" hidden>Play</button>'
    picture = excerpt_picture(excerpt, number, glyphs, says)
    return f"<figure><figcaption>{title} {play}</figcaption>{picture}</figure>"


def _where(excerpt: Excerpt) -> str:
    cut = f" (the first of {bars(excerpt.bars)})" if excerpt.shown != excerpt.bars else ""
    return f"{bars(excerpt.shown, 'bar')}{cut}"
