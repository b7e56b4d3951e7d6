"""The five ways to compose: from nothing, and with a piece that is there."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith import outputs
from tunesmith.cli.group import SONGS, cli, fermata_option, model_option, sound_options
from tunesmith.cli.wishes import NAMES, request_of, wish_options
from tunesmith.errors import RequestError, SongError, Unsatisfiable

if TYPE_CHECKING:
    from tunesmith.api import Made, Request, Score, Way


def _output_options(command: Any) -> Any:
    """Where the pieces go, and what is said of them."""
    for option in (
        sound_options,
        fermata_option,
        click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON."),
        click.option("--best", type=int, metavar="NUMBER", help="Write the best of the pieces only, in a table."),
        click.option("--formats", metavar="LIST", help="Endings to write, such as mid,png,mp3 (default: all)."),
        click.option("-o", "--output", type=SONGS, default=Path("song"), show_default=True, help="See above."),
        model_option,
    ):
        command = option(command)
    return command


@cli.command(short_help="Compose new pieces.")
@_output_options
@click.option("--bars", type=int, help="Length in bars (default: 16).")
@click.option("--like", type=SONGS, metavar="PIECE", help="As this piece was made: the same piece again.")
@wish_options(opening=True)
def compose(like: Path | None, **options: Any) -> None:
    """Compose new pieces in the style of a model: score, picture, MIDI, audio, and a page that plays it.

    Without a model of yours the base composes, in any texture. OUTPUT is a name without an ending (all formats are
    written beside each other) or with one (just that format). What is wished for holds in every piece; wishes that
    clash are named.

    \b
    Examples:
      tunesmith compose --texture voices -o hymn
      tunesmith compose -m mine.safetensors -o new-song
      tunesmith compose -m mine.safetensors -o waltz.mp3 --meter 3/4 --bars 32 --seed 5
      tunesmith compose --chords "| Dm | G7 | C | C |" --form AABA --range C4-G5 -o tune
      tunesmith compose -m mine.safetensors -o ideas -n 20 --best 3 --formats mid,png
      tunesmith compose --like new-song.mid -o again
    """
    from tunesmith import api

    if like is not None:
        _again(_one(like), like, options)
        return
    request = request_of(options)
    _write(options, request, api.Way())


@cli.command("continue", short_help="Continue a beginning.")
@click.argument("beginning", type=SONGS)
@_output_options
@click.option("--bars", type=int, help="Length of the whole in bars (default: 16).")
@wish_options(opening=False)
def continue_(beginning: Path, **options: Any) -> None:
    """Go on from a beginning, which is kept to the note.

    \b
    Examples:
      tunesmith continue sketch.mid --bars 16 -o tune
      tunesmith continue sketch.musicxml -m mine.safetensors --cadence tonic -n 5 --formats mid
    """
    from tunesmith import api

    _write(options, request_of(options), api.Way("continue", _one(beginning)), beginning)


@cli.command(short_help="Write bars of a piece anew.")
@click.argument("piece", type=SONGS)
@click.option("--bars", required=True, metavar="BARS", help="Which bars: 5-8, or 5.")
@_output_options
@wish_options(opening=False)
def rewrite(piece: Path, bars: str, **options: Any) -> None:
    """Write some bars anew; everything else stays as it is, and the new bars lead to it.

    \b
    Examples:
      tunesmith rewrite tune.musicxml --bars 5-8 -o tune2
      tunesmith rewrite tune.abc --bars 7 -m mine.safetensors -n 10 --best 3
    """
    from tunesmith import api

    score = _one(piece)
    which = api.parse_bars(bars)
    _write(options, _of_piece(options, score), api.Way("rewrite", score, which), piece)


@cli.command(short_help="Give a melody chords or voices.")
@click.argument("melody", type=SONGS)
@click.option("--with", "kind", default="chords", show_default=True, metavar="KIND", help="chords, or voices.")
@_output_options
@wish_options(opening=False)
def harmonise(melody: Path, kind: str, **options: Any) -> None:
    """Give a melody chord symbols, or three more voices under it. The melody is kept to the note.

    \b
    Examples:
      tunesmith harmonise tune.abc -o tune-chords
      tunesmith harmonise tune.abc --with voices -o hymn
    """
    from tunesmith import api

    score = _one(melody)
    if len(score.parts) > 1 or score.chords:
        outputs.say(f"{melody}: its melody is harmonised; other parts and chord symbols are left out")
    _write(options, _of_piece(options, score), api.Way("harmonise", score, kind=kind), melody)


@cli.command(short_help="Vary a piece.")
@click.argument("piece", type=SONGS)
@click.option(
    "--keep", "kind", default="skeleton", show_default=True, metavar="WHAT", help="skeleton, rhythm or contour."
)
@click.option("--strength", type=float, default=0.5, show_default=True, help="0 nearly the same to 1 nearly free.")
@_output_options
@wish_options(opening=False)
def vary(piece: Path, kind: str, strength: float, **options: Any) -> None:
    """Keep the outline of a piece (its notes on strong beats, its rhythm, or its line) and write the rest anew.

    \b
    Examples:
      tunesmith vary tune.abc -o variation
      tunesmith vary tune.abc --keep rhythm --strength 0.8 -n 3 -o variation
    """
    from tunesmith import api

    score = _one(piece)
    way = api.Way("vary", score, kind=kind, strength=strength)
    _write(options, _of_piece(options, score), way, piece)


def _one(path: Path) -> Score:
    """The first song of a file.

    Raises:
        TunesmithError: there is none that can be read.
    """
    from tunesmith import api

    found = list(api.read_songs(path))
    scores = [song for song in found if isinstance(song, api.Score)]
    problems = [song for song in found if not isinstance(song, api.Score)]
    outputs.complain(problems, len(scores), path)
    if len(scores) > 1:
        outputs.say(f"{path}: {len(scores)} songs; the first is taken")
    return scores[0].replace(title=scores[0].title or path.stem)


def _of_piece(options: dict[str, Any], piece: Score) -> Request:
    """The request for a piece that keeps its length."""
    from tunesmith import api

    return request_of({**options, "bars": api.bars_of(piece)})


def _options_of(options: dict[str, Any], request: Request) -> Any:
    from tunesmith import api

    chosen = {name: options[name] for name in ("sound", "feel", "fermata")}
    return api.checked(api.WriteOptions(**chosen, seed=request.seed))


def _write(options: dict[str, Any], request: Request, way: Way, source: Path | None = None) -> None:
    """Compose, write, and say what was made, also where not all could be. `source`: the file that is worked on."""
    from tunesmith import api, console

    endings, output = outputs.named(options["output"], options["formats"])
    write, best = _options_of(options, request), options["best"]
    shown = best or request.pieces
    outputs.spared(source, output, endings, shown)
    made: list[Made] = []
    files: list[list[Path]] = []
    problems: list[Unsatisfiable] = []
    with console.Steps(request.pieces + shown * len(endings), "composing") as steps:
        learned = api.load_model(options["model"])
        pieces = api.composing(learned, request, way, best, said=lambda: steps.done("composed"), failed=problems.append)
        try:
            for one, places in outputs.written(pieces, shown, output, endings, write, steps.done):
                made.append(one)
                files.append(places)
        except SongError as error:  # of the piece that is worked on
            raise (error.at(source) if source else error) from None
    _say_made(made, files, options, way)
    for problem in problems:
        outputs.say(problem)
    if problems:
        sys.exit(outputs.IN_PART if made else outputs.NOTHING)


def _say_made(made: Sequence[Made], files: Sequence[Sequence[Path]], options: dict[str, Any], way: Way) -> None:
    """The files, the best in a table, and how new each is."""
    from tunesmith import console

    if options["as_json"]:
        click.echo(json.dumps({"pieces": console.made_json(made, files)}, indent=1))
        return
    click.echo("\n".join(str(path) for places in files for path in places))
    if options["best"]:
        click.echo(console.ranked(made, files), err=True)
    for one in made:
        outputs.say(console.novelty(one, way.piece is not None))


def _again(piece: Score, source: Path, options: dict[str, Any]) -> None:
    """Make a piece once more as it says that it was made, and say whether it is the same."""
    from tunesmith import api, console

    told = api.told_by(piece)
    endings, output = outputs.named(options["output"], options["formats"])
    outputs.spared(source, output, endings, 1)
    for name in (*NAMES, "best", "file"):
        if options.get(name) is not None:
            word = {"file": "request", "range": "range"}.get(name, name).replace("_", "-")
            raise RequestError("--like takes all its wishes from the piece", fix=f"leave --{word} out")
    with console.Steps(1 + len(endings), "composing") as steps:
        learned = api.load_model(options["model"])
        pieces = api.composing(learned, told.request, only=told.number, said=lambda: steps.done("composed"))
        write = _options_of(options, told.request)
        one, files = next(iter(outputs.written(pieces, 1, output, endings, write, steps.done)))
    if options["as_json"]:
        click.echo(json.dumps({"pieces": console.made_json([one], [files])}, indent=1))
    else:
        click.echo("\n".join(map(str, files)))
    differing = api.differences(piece, one.score, told, learned)
    for line in differing or ["the music is the same, note for note"]:
        outputs.say(line)
