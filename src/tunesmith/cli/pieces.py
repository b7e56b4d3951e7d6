"""Commands that write music in another form: render and convert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunesmith import outputs
from tunesmith.cli.group import (
    SONGS,
    cli,
    fermata_option,
    only_option,
    seed_option,
    sound_options,
    step_option,
)
from tunesmith.errors import RequestError


@cli.command(short_help="Turn a song into audio.")
@click.argument("song", type=SONGS)
@click.option("-o", "--output", type=SONGS, help="Audio file: .wav .flac .ogg .mp3 (default: beside the song, .wav).")
@seed_option(0, "Of the performance.")
@sound_options
@step_option
def render(song: Path, output: Path | None, seed: int, sound: str, feel: float, step: float) -> None:
    """Turn a song into audio, played by the sampled piano.

    \b
    Examples:
      tunesmith render song.mid
      tunesmith render song.abc -o song.mp3 --feel 0
      tunesmith render digits.txt -o old.wav --sound classic --step 0.3
    """
    from tunesmith import api

    output = output or song.with_suffix(".wav")
    if output.suffix.lower() not in api.AUDIO:
        raise RequestError(f"{output.name} is not an audio file", fix=f"end it in one of: {' '.join(api.AUDIO)}")
    outputs.convert_song(song, output, api.WriteOptions(sound=sound, feel=feel, seed=seed), step, "rendering")


@cli.command(short_help="Convert a song to another format.")
@click.argument("song", metavar="IN", type=SONGS)
@click.argument("output", metavar="OUT", type=SONGS)
@click.option("--view", default="score", show_default=True, help="Of a picture: score, roll (piano roll), contour.")
@click.option("--paper", default="a4", show_default=True, help="Of a PDF: a4 or letter.")
@click.option("--fold/--no-fold", default=None, help="Find repeats and print them as such (default: if IN is MIDI).")
@fermata_option
@only_option
@seed_option(0, "Of the performance, where OUT is audio.")
@sound_options
@step_option
def convert(song: Path, output: Path, step: float, fold: bool | None, only: str, **options: Any) -> None:
    """Convert a song to another format; the endings of the names say which.

    A file of several songs gives numbered files: OUT-1, OUT-2, ...

    \b
    Examples:
      tunesmith convert song.abc song.mid
      tunesmith convert song.mid song.png --view roll
      tunesmith convert arrangement.mid tune.abc --only melody
    """
    from tunesmith import api

    fold = fold if fold is not None else song.suffix.lower() in api.UNFOLDED
    write = api.WriteOptions(**options, step_seconds=step, fold=fold)
    outputs.convert_song(song, output, write, step, "converting", only)
