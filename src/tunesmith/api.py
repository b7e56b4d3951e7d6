"""What everyone calls: load songs, learn, compose, evaluate, save.

    import tunesmith as ts

    songs = ts.load_songs("my songs/")
    model = ts.learn(songs, output="mine.safetensors")
    for piece in ts.compose(model, bars=16, key="D minor", seed=7):
        ts.save(piece, "new.mid")

Every function that takes long has a twin that yields what happens: `learning` for `learn`. The command line and
the studio import only this module and `errors`.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tunesmith import checkpoint, formats, score
from tunesmith.checkpoint import Learned
from tunesmith.comparing import Against, Checked, against, check
from tunesmith.composing import WAYS, Made, Way, bars_of, composing
from tunesmith.corpus import Entry, Gathered, ImportRequest, Ingested, Kind, Summary, importing
from tunesmith.corpus import Table as SongTable
from tunesmith.errors import MissingExtra, RequestError, SongWarning, StorageError, TunesmithError
from tunesmith.evaluation import Bits
from tunesmith.files import make_folder, probe_writable, write_atomically
from tunesmith.formats import FORMATS, ReadOptions, WriteOptions
from tunesmith.formats.digits import STEP_SECONDS
from tunesmith.inspection import (
    Evaluated,
    evaluate,
    info,
    is_warning,
    load_model,
    picture_kind,
    read_songs,
    save_curve,
    save_surprise,
    summed,
)
from tunesmith.learner import KINDS, SIZES, Event, Finished, LearnRequest, learning
from tunesmith.loading import Songs, load_songs
from tunesmith.plans import BASE, SCRATCH
from tunesmith.playing import Player
from tunesmith.prepare import LINES, bass, cut_short, fold, melody, only, prepare_counting
from tunesmith.provenance import differences, told_by
from tunesmith.quotations import save_check
from tunesmith.request import Request, request_file
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Score
from tunesmith.surprise import Surprise
from tunesmith.train import Epoch
from tunesmith.ways import KINDS_OF_HARMONY, KINDS_OF_VARYING
from tunesmith.wording import parse_bars, parse_key, parse_meter

__all__ = [
    "AUDIO",
    "BASE",
    "FORMATS",
    "KINDS",
    "KINDS_OF_HARMONY",
    "KINDS_OF_VARYING",
    "OUTPUTS",
    "SCRATCH",
    "SIZES",
    "TEXTURES",
    "UNFOLDED",
    "WAYS",
    "Against",
    "Bits",
    "Checked",
    "Entry",
    "Epoch",
    "Evaluated",
    "Event",
    "Finished",
    "Gathered",
    "ImportRequest",
    "Ingested",
    "Kind",
    "LearnRequest",
    "Learned",
    "Made",
    "MissingExtra",
    "Player",
    "ReadOptions",
    "Request",
    "Score",
    "SongTable",
    "Songs",
    "StorageError",
    "Summary",
    "Surprise",
    "Way",
    "WriteOptions",
    "against",
    "bars_of",
    "bass",
    "check",
    "checked",
    "compose",
    "composing",
    "continued",
    "differences",
    "evaluate",
    "fold",
    "get_ready",
    "harmonised",
    "importing",
    "info",
    "is_warning",
    "learn",
    "learning",
    "load_model",
    "load_songs",
    "make_folder",
    "melody",
    "only",
    "parse_bars",
    "parse_key",
    "parse_meter",
    "picture",
    "picture_kind",
    "player",
    "probe_writable",
    "read_songs",
    "request_file",
    "rewritten",
    "save",
    "save_check",
    "save_curve",
    "save_surprise",
    "summed",
    "told_by",
    "varied",
    "write_text",
]
PathLike = str | Path
VIEWS = ("score", "roll", "contour")  # what a picture can show
PAPERS = ("a4", "letter")  # of a PDF
AUDIO = next(f.endings for f in FORMATS if f.name == "audio")
TEXTURES = v.STYLES  # that a piece can have
UNFOLDED = next(f.endings for f in FORMATS if f.name == "MIDI")  # in which repeats are written out
OUTPUTS = ("musicxml", "mid", "svg", "png", "wav", "mp3", "html")


Options = TypeVar("Options", ReadOptions, WriteOptions)


def checked(options: Options) -> Options:
    """The same options, if all of them make sense, also those that the format at hand does not need.

    Raises:
        RequestError: one does not.
    """
    shortest, longest = STEP_SECONDS
    if not shortest <= options.step_seconds <= longest:
        raise RequestError(f"a step of {options.step_seconds:g} seconds", fix=f"choose {shortest:g} to {longest:g}")
    if isinstance(options, ReadOptions) and options.only not in LINES:
        raise RequestError(f"unknown line {options.only!r}", fix=f"known are: {', '.join(LINES)}")
    if isinstance(options, WriteOptions):
        from tunesmith.sound.effects import chain

        chain(options.sound)
        if not 0.0 <= options.feel <= 1.0:
            raise RequestError(f"feel is {options.feel:g}", fix="it goes from 0 (mechanical) to 1 (sloppy)")
        if options.view not in VIEWS:
            raise RequestError(f"unknown view {options.view!r}", fix=f"known are: {', '.join(VIEWS)}")
        if options.paper not in PAPERS:
            raise RequestError(f"unknown paper {options.paper!r}", fix=f"known are: {', '.join(PAPERS)}")
        if options.seed < 0:
            raise RequestError(f"seed {options.seed} is out of range", fix="choose 0 or more")
    return options


def learn(
    songs: PathLike | Score | Iterable[PathLike | Score],
    *,
    output: PathLike | None = None,
    on_event: Callable[[Event], object] | None = None,
    **options: Any,
) -> Learned:
    """Learn a style from files, folders or scores; returns the model, saved to `output` if given.

    `options` are the other fields of `LearnRequest`; `on_event` is told what happens.

    Raises:
        TunesmithError: see `learning`.
    """
    given = [songs] if isinstance(songs, str | Path | Score) else list(songs)
    sources = tuple(s if isinstance(s, Score) else Path(s) for s in given)
    request = LearnRequest(sources, Path(output) if output is not None else None, **options)
    finished = None
    for event in learning(request):
        if on_event:
            on_event(event)
        finished = event
    assert isinstance(finished, Finished), "learning ends with a model"  # noqa: S101 - tells the type checker
    return finished.learned


def compose(model: Learned | PathLike = BASE, request: Request | None = None, **options: Any) -> Iterator[Score]:
    """New pieces from a model. `options` are fields of `Request`, as values or in words (key="D minor", form="AABA").

    Each piece carries its request, seed and the model's hash as `provenance`. `composing` tells more of each.

    Raises:
        RequestError: the request makes no sense.
        Unsatisfiable: nothing fulfils it; names the bar and the wishes that clash.
    """
    return _scores(model, request, options, Way())


def continued(model: Learned | PathLike, beginning: Score | PathLike, **options: Any) -> Iterator[Score]:
    """Pieces of `bars` bars that begin as this score does, to the note; otherwise as `compose`.

    Here and below a piece may also be a file, of which the first song is meant.
    """
    return _scores(model, None, options, Way("continue", _piece(beginning)))


def player(model: Learned | PathLike = BASE, **options: Any) -> Player:
    """What continues a beginning while it is heard, bar by bar: `player(model, bars=16).on(beginning)`.

    Raises:
        RequestError: the request makes no sense.
        ModelError: the model file is none, or its songs are no music.
    """
    return Player.ready(model if isinstance(model, Learned) else load_model(model), Request().changed(**options))


def rewritten(
    model: Learned | PathLike, piece: Score | PathLike, bars: tuple[int, int] | int | str, **options: Any
) -> Iterator[Score]:
    """The piece with its bars (first, last), or one of them, or "2-3", written anew; otherwise as `compose`.

    All else stays as it is.
    """
    told = parse_bars(bars) if isinstance(bars, str) else (bars, bars) if isinstance(bars, int) else bars
    return _scores(model, None, options, Way("rewrite", _piece(piece), told))


def harmonised(
    model: Learned | PathLike, melody: Score | PathLike, kind: str = "chords", **options: Any
) -> Iterator[Score]:
    """The melody with "chords" or three more "voices"; otherwise as `compose`."""
    return _scores(model, None, options, Way("harmonise", _piece(melody), kind=kind))


def varied(
    model: Learned | PathLike, piece: Score | PathLike, kind: str = "skeleton", strength: float = 0.5, **options: Any
) -> Iterator[Score]:
    """The piece with its outline kept: "skeleton", "rhythm" or "contour"; otherwise as `compose`.

    `strength`: how much is given up, 0 to 1.
    """
    return _scores(model, None, options, Way("vary", _piece(piece), kind=kind, strength=strength))


def _piece(piece: Score | PathLike) -> Score:
    return piece if isinstance(piece, Score) else load_songs(piece)[0]


def _scores(model: Learned | PathLike, request: Request | None, options: dict[str, Any], way: Way) -> Iterator[Score]:
    learned = model if isinstance(model, Learned) else load_model(model)
    if way.piece is not None and way.name != "continue":
        options = {"bars": bars_of(way.piece)} | options
    whole = (request or Request()).changed(**options)
    whole.check()
    return (made.score for made in composing(learned, whole, way))


def save(thing: Score | Learned, path: PathLike, options: WriteOptions | None = None) -> tuple[SongWarning, ...]:
    """Write a score, in the format that the ending asks for, or a model (`.safetensors`); returns remarks.

    For a format that shows note values, music that was played in is quantised first, and put in voices; a remark says
    how many notes were cut short by that.

    Raises:
        RequestError: an option makes no sense.
        UnknownFormat: no format has this ending.
        StorageError: the file cannot be written; an older one survives.
    """
    if isinstance(thing, Learned):
        checkpoint.save(thing, Path(path))
        return ()
    path = Path(path)
    if path.is_dir():
        raise StorageError("is a folder, not a file", path=path, fix="add a file name")
    notated = formats.format_of(path).notated
    folded = options is not None and options.fold and options.view == "score"
    ready, shortened = prepare_counting(thing, folded) if notated else (thing, 0)
    remarks = formats.write(ready, path, options and checked(options))
    return (*remarks, SongWarning(cut_short(shortened), path=path)) if shortened else remarks


def get_ready(path: PathLike) -> None:
    """Start in the background what saving a file with this ending would have to wait for.

    Raises:
        UnknownFormat: no format has this ending.
    """
    formats.get_ready(Path(path))


def picture(piece: Score) -> str:
    """The score as an SVG picture, text.

    Raises:
        FormatError: there is nothing to draw.
    """
    from tunesmith.formats.picture import svg

    return svg(piece)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file at once or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    # surrogateescape: a file name in the text that is no Unicode stays the bytes that it is
    write_atomically(Path(path), lambda file: file.write(text.encode(errors="surrogateescape")))


def _in_notebook(piece: Score) -> str:
    """What a notebook shows for a score: its picture, or one line where it cannot be drawn."""
    try:
        return f'<div style="background:white;max-width:60em">{picture(piece)}</div>'
    except (TunesmithError, ImportError):
        return html.escape(score.describe(piece))


score.set_viewer(_in_notebook)
