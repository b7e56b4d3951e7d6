"""Commands that write music: compose, render and convert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tunesmith import outputs
from tunesmith.cli.group import (
    SONGS,
    cli,
    fermata_option,
    model_option,
    only_option,
    seed_option,
    sound_options,
    step_option,
)
from tunesmith.errors import RequestError


@cli.command(short_help="Compose new pieces.")
@model_option
@click.option("-o", "--output", type=SONGS, default=Path("song"), show_default=True, help="See above.")
@click.option("--bars", type=int, default=16, show_default=True, help="Length in bars.")
@click.option("--texture", metavar="NAME", help="melody, lead sheet, voices, keyboard, song or ensemble.")
@click.option("--key", metavar="KEY", help='Such as D, "F# minor", "E dorian" (default: as learned).')
@click.option("--meter", metavar="METER", help="Such as 3/4 (default: as learned).")
@click.option("--tempo", type=float, help="Quarter notes a minute (default: as learned).")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="0.1 safe to 2 wild; 1 as learned.")
@click.option("--rhythm-temperature", type=float, default=1.0, show_default=True, help="The same for note lengths.")
@click.option("--top-p", type=float, default=0.95, show_default=True, help="Choose among this share of probability.")
@seed_option(1, "The same seed and request give the same piece.")
@click.option("-n", "--pieces", type=int, default=1, show_default=True, help="How many pieces.")
@click.option("--formats", metavar="LIST", help="Endings to write, such as mid,png,mp3 (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@fermata_option
@sound_options
def compose(**options: Any) -> None:
    """Compose new pieces in the style of a model: score, picture, MIDI, audio, and a page that plays it.

    Without a model of yours the base composes, in any texture. OUTPUT is a name without an ending (all formats are
    written beside each other) or with one (just that format).

    \b
    Examples:
      tunesmith compose --texture voices -o hymn
      tunesmith compose -m mine.safetensors -o new-song
      tunesmith compose -m mine.safetensors -o waltz.mp3 --meter 3/4 --bars 32 --seed 5
      tunesmith compose -m mine.safetensors -o ideas -n 10 --formats mid,png
    """
    from tunesmith import api, console

    request = api.Request(
        bars=options["bars"],
        texture=options["texture"],
        key=api.parse_key(options["key"]) if options["key"] is not None else None,
        meter=api.parse_meter(options["meter"]) if options["meter"] is not None else None,
        tempo=options["tempo"],
        temperature=options["temperature"],
        rhythm_temperature=options["rhythm_temperature"],
        top_p=options["top_p"],
        seed=options["seed"],
        pieces=options["pieces"],
    )
    request.check()
    endings, output = outputs.named(options["output"], options["formats"])
    write = api.checked(api.WriteOptions(**{name: options[name] for name in ("sound", "feel", "seed", "fermata")}))
    made: list[dict[str, Any]] = []
    verdicts: list[str] = []
    with console.Steps(request.pieces * (1 + len(endings)), "composing") as steps:
        learned = api.load_model(options["model"])
        songs = api.against(learned, whole_alone=True) if len(learned.songs) else None
        for piece, files in outputs.written(learned, request, output, endings, write, steps.done):
            made.append({"piece": len(made) + 1, "files": [str(f) for f in files]})
            if songs:
                found = api.check(piece, songs)
                made[-1] |= {"copied": found.whole.copied, "longest_run": found.whole.longest, "verdict": found.verdict}
                verdicts.append(f"{piece.title}: {found.verdict} (longest run in common: {found.whole.longest} notes)")
    if options["as_json"]:
        click.echo(json.dumps({"pieces": made}, indent=1))
        return
    click.echo("\n".join(name for piece in made for name in piece["files"]))
    for verdict in verdicts:
        outputs.say(verdict)


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
