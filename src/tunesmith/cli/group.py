"""The command that all commands belong to, and options that several have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tunesmith import __version__

SONGS = click.Path(path_type=Path)
ORDER: tuple[str, ...] = ("import", "learn", "compose", "continue", "rewrite", "harmonise", "vary")  # of the work
ORDER += ("render", "convert", "check", "evaluate", "info", "completion")


class _Commands(click.Group):
    """Commands in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.commands, key=ORDER.index)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="tunesmith")
def cli() -> None:
    """Teach it your songs; it writes new ones.

    \b
    Examples:
      tunesmith import my-songs/ --report songs.csv
      tunesmith learn my-songs/ -o mine.safetensors
      tunesmith compose -m mine.safetensors -o new-song --bars 16 --key "D minor" --seed 7
      tunesmith harmonise tune.abc --with voices -o hymn
      tunesmith check new-song.mid --against my-songs/
      tunesmith render song.abc -o song.mp3
      tunesmith convert song.mid song.musicxml
      tunesmith info new-song.mid

    File names that begin with a dash are taken as files where such a file exists.
    Exit codes: 0 done, 1 done in part, 2 nothing useful could be done, 130 stopped by Ctrl-C.
    """


def seed_option(default: int, what: str) -> Callable[[Any], Any]:
    """`--seed`, which is `what`."""
    return click.option("--seed", type=int, default=default, show_default=True, help=what)


def model_option(command: Any) -> Any:
    """`--model`."""
    return click.option(
        "-m",
        "--model",
        type=SONGS,
        default=Path("base"),
        show_default=True,
        help="The model, as written by learn, or base, which ships with the program.",
    )(command)


def step_option(command: Any) -> Any:
    """`--step`, for digits files."""
    return click.option(
        "--step", type=float, default=0.4, show_default=True, help="Seconds a step of a digits (.txt) file lasts."
    )(command)


def fermata_option(command: Any) -> Any:
    """`--fermata`, of what shows a score."""
    return click.option("--fermata", is_flag=True, help="Print a fermata on the last note of every part.")(command)


def sound_options(command: Any) -> Any:
    """`--sound` and `--feel`."""
    command = click.option(
        "--feel", type=float, default=0.3, show_default=True, help="How it is played: 0 mechanical to 1 sloppy."
    )(command)
    return click.option(
        "--sound", default="piano", show_default=True, metavar="NAME", help="piano, or classic (the historical chain)."
    )(command)


def only_option(command: Any) -> Any:
    """`--only`, a line of the songs."""
    return click.option(
        "--only", default="all", show_default=True, metavar="LINE", help="Of every song: all, melody, or bass."
    )(command)


def import_options(command: Any) -> Any:
    """What both import and learn can be told of reading songs."""
    for option in (
        click.option("--jobs", type=int, help="Processes that read songs (default: one for each core)."),
        click.option(
            "--drop-near-duplicates", is_flag=True, help="Drop songs whose melody is nearly that of an earlier one."
        ),
        click.option(
            "--report",
            type=SONGS,
            help="Write the line of every song to this CSV file; an apostrophe stands before what a spreadsheet "
            "would take for a formula.",
        ),
    ):
        command = option(command)
    return command
