"""Commands that read songs: import and learn."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from tunesmith import outputs
from tunesmith.cli.group import SONGS, cli, import_options, only_option, seed_option, step_option


@cli.command("import", short_help="Read songs and report on every one.")
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("-o", "--output", type=SONGS, help="Keep what was read in this folder; what was stopped goes on there.")
@click.option("--time-limit", type=float, default=60.0, show_default=True, help="Seconds a song may take.")
@click.option("--memory-limit", type=float, default=1.5, show_default=True, help="GiB a file may need (on Linux).")
@click.option("--fresh", is_flag=True, help="Start over instead of going on where an earlier run was stopped.")
@import_options
@only_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@step_option
def import_(songs: tuple[Path, ...], **options: Any) -> None:
    """Read songs as learn does, and report on every one: what is kept, what is dropped and why, what is there twice.

    A summary is printed; --report has a row for every song. A file that takes too long, needs too much memory or
    crashes its reader is dropped, and the others go on.

    \b
    Examples:
      tunesmith import my-songs/
      tunesmith import my-songs/ --report songs.csv -o prepared --jobs 4
    """
    from tunesmith import api, console

    request = api.ImportRequest(
        songs=songs,
        output=options["output"],
        jobs=options["jobs"],
        time_limit=options["time_limit"],
        memory_limit=options["memory_limit"],
        drop_near_duplicates=options["drop_near_duplicates"],
        step_seconds=options["step"],
        only=options["only"],
        resume=not options["fresh"],
    )
    with console.ImportView(quiet=options["as_json"], report=options["report"]) as view:
        view.show(api.importing(request))
    click.echo(json.dumps(view.as_json(), indent=1) if options["as_json"] else view.text())
    if view.found is None or view.found.dropped:
        sys.exit(outputs.IN_PART)


@cli.command(short_help="Learn a style from songs.")
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("-o", "--output", required=True, type=SONGS, help="The model file to write (.safetensors).")
@click.option(
    "--model",
    default="mixture",
    show_default=True,
    help="mixture (network and counting, weighed), rnn (network alone), ngram (counting), uniform, or seed "
    "(the historical recipe).",
)
@click.option(
    "--from",
    "start",
    default="base",
    show_default=True,
    help="Where the network starts: base (ships with the program), scratch, or a model file, to which songs are added.",
)
@click.option("--size", default="auto", show_default=True, help="Of the network: auto, small, medium or large.")
@click.option("--epochs", type=int, help="The most epochs to train for (default: by the number of songs).")
@seed_option(0, "Of everything random in learning.")
@click.option(
    "--no-songs",
    is_flag=True,
    help="Leave the songs learned out of the model file, and the counts, which would give them away.",
)
@click.option("--fresh", is_flag=True, help="Start over instead of going on where an earlier run was stopped.")
@import_options
@only_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@step_option
def learn(songs: tuple[Path, ...], **options: Any) -> None:
    """Learn a style from songs: files, or folders with all below them.

    \b
    Examples:
      tunesmith learn examples/songs -o bundled.safetensors
      tunesmith learn *.mid *.abc -o mine.safetensors --report songs.csv
      tunesmith learn arrangements/ -o tunes.safetensors --only melody
      tunesmith learn --from mine.safetensors new-song.mid -o mine.safetensors
      tunesmith learn examples/digits -o seed.safetensors --model seed

    Ctrl-C is safe: the same command goes on where it stopped.
    """
    from tunesmith import api, console

    api.checked(api.ReadOptions(step_seconds=options["step"]))
    request = api.LearnRequest(
        songs=songs,
        output=options["output"],
        model=options["model"],
        start=options["start"],
        size=options["size"],
        epochs=options["epochs"],
        seed=options["seed"],
        keep_songs=not options["no_songs"],
        step_seconds=options["step"],
        only=options["only"],
        resume=not options["fresh"],
        jobs=options["jobs"],
        drop_near_duplicates=options["drop_near_duplicates"],
    )
    with console.LearnView(quiet=options["as_json"], report=options["report"]) as view:
        for event in api.learning(request):
            view.show(event)
    pictures = [str(p) for p in view.write_curve(options["output"])]
    if options["as_json"]:
        click.echo(json.dumps(view.as_json() | {"output": str(options["output"]), "pictures": pictures}, indent=1))
    else:
        click.echo("\n".join([str(options["output"]), *pictures]))
