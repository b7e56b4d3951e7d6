"""Commands that look at models and songs, and completion."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import click

from tunesmith import outputs
from tunesmith.cli.group import SONGS, cli, model_option, step_option
from tunesmith.errors import RequestError, TunesmithError


@cli.command(short_help="Measure how well a model predicts songs.")
@model_option
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("--notes", metavar="FILE", type=SONGS, help="Write what every note cost to this CSV file.")
@click.option("--picture", metavar="FILE", type=SONGS, help="Draw it (.png, .svg, .pdf), numbered if of several songs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@step_option
def evaluate(model: Path, songs: tuple[Path, ...], as_json: bool, step: float, **outcome: Path | None) -> None:
    """Measure how well a model predicts songs, in bits per note (symbol and duration together; fewer is better).

    \b
    Examples:
      tunesmith evaluate -m mine.safetensors other-songs/
      tunesmith evaluate -m mine.safetensors song.abc --picture surprise.png --notes surprise.csv
    """
    from tunesmith import api, console

    options, results, drawn = api.checked(api.ReadOptions(step_seconds=step)), [], 0
    place = outputs.picture_place(outcome["picture"])
    with console.Counter("measuring") as counter, outputs.note_table(outcome["notes"]) as add:
        for result in api.evaluate(model, *songs, options=options, notes=any(outcome.values())):
            for note in result.notes:
                add(note)
            if place and result.score:
                drawn += 1
                if drawn == 2:
                    place.replace(outputs.numbered(place, 1))
                api.save_surprise(result, outputs.numbered(place, drawn) if drawn > 1 else place)
            results.append(dataclasses.replace(result, notes=(), score=None))
            counter.done(result.name)
    bits = api.summed(results)
    if not bits.notes:
        first = f" (the first: {results[0].problem})" if results else ""
        raise TunesmithError(f"no song there could be measured{first}", path=songs[0])
    if as_json:
        click.echo(console.evaluation_json(results, bits))
    else:
        click.echo(console.evaluation_table(results, bits))
    if any(result.problem for result in results):
        sys.exit(outputs.IN_PART)


@cli.command(short_help="Ask whether a piece is new.")
@click.argument("piece", type=SONGS)
@click.option(
    "--against",
    "sources",
    type=SONGS,
    multiple=True,
    required=True,
    metavar="SONGS",
    help="Songs, folders, or models that keep the songs they learned from; may be given several times.",
)
@click.option("--least", type=int, default=8, show_default=True, help="Notes in a row that count as copied.")
@click.option(
    "--html", "page", metavar="FILE", type=SONGS, help="Show and play the runs beside their songs on this page."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@step_option
def check(piece: Path, sources: tuple[Path, ...], least: int, page: Path | None, as_json: bool, step: float) -> None:
    """Say what a piece has in common with songs: which runs of notes, in any key and at any tempo, and where.

    How much is usual, the songs say themselves: each is held against the others. Stretches that stand in a song but for
    some notes put in, left out or changed are listed as well.

    \b
    Examples:
      tunesmith check new-song.mid --against my-songs/
      tunesmith check new-song.mid --against mine.safetensors --html check.html
    """
    from tunesmith import api, console

    options = api.checked(api.ReadOptions(step_seconds=step))
    if page:  # before anything is read
        _ready_for(page)
    with console.Counter("reading songs") as counter:
        songs = api.against(*sources, options=options, least=least, say=counter.done)
    for problem in songs.problems:
        outputs.say(problem)
    found, problems = [], []
    for song in api.read_songs(piece, options):
        if isinstance(song, api.Score):
            found.append(api.check(song, songs, song.title or piece.stem))
        elif not api.is_warning(song):
            problems.append(song)
    outputs.complain(problems, len(found), piece)
    if page:
        with console.Steps(len(found), "drawing") as steps:
            for number, checked in enumerate(found, 1):
                api.save_check(checked, outputs.numbered(page, number) if len(found) > 1 else page)
                steps.done(checked.name)
    click.echo(console.check_json(found) if as_json else console.check_text(found))
    if problems or songs.problems:
        sys.exit(outputs.IN_PART)


def _ready_for(page: Path) -> None:
    from tunesmith import api

    if page.suffix.lower() not in (".html", ".htm"):
        raise RequestError("is no name for a page", path=page, fix="end it in .html")
    api.make_folder(page.parent)
    api.probe_writable(page)


@cli.command(short_help="Show what is in a song or model file.")
@click.argument("file", type=SONGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@step_option
def info(file: Path, as_json: bool, step: float) -> None:
    """Show what is in a file: songs with their key, meter and length, or a model with its report.

    \b
    Examples:
      tunesmith info tunebook.abc
      tunesmith info mine.safetensors --json
    """
    from tunesmith import api, console

    found = api.info(file, api.checked(api.ReadOptions(step_seconds=step)))
    click.echo(json.dumps(found, indent=1) if as_json else console.info_text(found))
    for problem in [*found.get("problems", ()), *found.get("remarks", ())]:
        outputs.say(problem)
    if found.get("problems"):
        sys.exit(outputs.IN_PART)


@cli.command(short_help="Print a script that completes commands in your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands in your shell.

    \b
    Examples:
      tunesmith completion bash > ~/.local/share/bash-completion/completions/tunesmith
      tunesmith completion fish > ~/.config/fish/completions/tunesmith.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click completes these shells"  # noqa: S101 - tells the type checker
    click.echo(found(cli, {}, "tunesmith", "_TUNESMITH_COMPLETE").source())
