"""The command line. Results go to standard output, progress and complaints to standard error.

Exit codes: 0 = done; 1 = done in part (convert, render, evaluate, info: not every song could be used; learning goes
on without bad songs and reports them); 2 = nothing useful could be done, and one line on standard error says why;
130 = stopped by Ctrl-C.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from tunesmith import __version__, outputs
from tunesmith.errors import RequestError, TunesmithError

DONE, NOTHING, STOPPED = 0, 2, 130
SONGS = click.Path(path_type=Path)


class _Commands(click.Group):
    """Commands in the order they are written, which is the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="tunesmith")
def cli() -> None:
    """Teach it your songs; it writes new ones.

    \b
    Examples:
      tunesmith learn my-songs/ -o mine.safetensors
      tunesmith compose -m mine.safetensors -o new-song --bars 16 --key "D minor" --seed 7
      tunesmith render song.abc -o song.mp3
      tunesmith convert song.mid song.musicxml
      tunesmith info new-song.mid

    File names that begin with a dash are taken as files where such a file exists.
    Exit codes: 0 done, 1 done in part, 2 nothing useful could be done, 130 stopped by Ctrl-C.
    """


def _seed_option(default: int, what: str) -> Callable[[Any], Any]:
    return click.option("--seed", type=int, default=default, show_default=True, help=what)


def _step_option(command: Any) -> Any:
    return click.option(
        "--step", type=float, default=0.4, show_default=True, help="Seconds a step of a digits (.txt) file lasts."
    )(command)


def _sound_options(command: Any) -> Any:
    command = click.option(
        "--feel", type=float, default=0.3, show_default=True, help="How it is played: 0 mechanical to 1 sloppy."
    )(command)
    return click.option(
        "--sound", default="piano", show_default=True, metavar="NAME", help="piano, or classic (the historical chain)."
    )(command)


@cli.command(short_help="Learn a style from songs.")
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("-o", "--output", required=True, type=SONGS, help="The model file to write (.safetensors).")
@click.option("--model", default="rnn", show_default=True, help="rnn, ngram, uniform, or seed (the historical recipe).")
@click.option("--size", default="auto", show_default=True, help="Of the network: auto, small, medium or large.")
@click.option("--epochs", type=int, help="The most epochs to train for (default: by the number of songs).")
@_seed_option(0, "Of everything random in learning.")
@click.option("--no-songs", is_flag=True, help="Leave the songs learned out of the model file.")
@click.option("--fresh", is_flag=True, help="Start over instead of going on where an earlier run was stopped.")
@click.option("--report", type=SONGS, help="Write the line of every song to this CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@_step_option
def learn(songs: tuple[Path, ...], **options: Any) -> None:
    """Learn a style from songs: files, or folders with all below them.

    \b
    Examples:
      tunesmith learn examples/songs -o bundled.safetensors
      tunesmith learn *.mid *.abc -o mine.safetensors --report songs.csv
      tunesmith learn examples/digits -o seed.safetensors --model seed

    Ctrl-C is safe: the same command goes on where it stopped.
    """
    from tunesmith import api, console

    api.checked(api.ReadOptions(step_seconds=options["step"]))
    if options["report"]:
        api.probe_writable(options["report"])  # now, not after an hour of learning
    request = api.LearnRequest(
        songs=songs,
        output=options["output"],
        model=options["model"],
        size=options["size"],
        epochs=options["epochs"],
        seed=options["seed"],
        keep_songs=not options["no_songs"],
        step_seconds=options["step"],
        resume=not options["fresh"],
    )
    keep_all = options["as_json"] or options["report"] is not None
    with console.LearnView(quiet=options["as_json"], keep_all=keep_all) as view:
        for event in api.learning(request):
            view.show(event)
    if options["report"]:
        view.write_csv(options["report"])
    pictures = [str(p) for p in view.write_curve(options["output"])]
    if options["as_json"]:
        click.echo(json.dumps(view.as_json() | {"output": str(options["output"]), "pictures": pictures}, indent=1))
    else:
        click.echo("\n".join([str(options["output"]), *pictures]))


@cli.command(short_help="Compose new pieces.")
@click.option("-m", "--model", type=SONGS, help="The model to compose with, as written by learn.")
@click.option("-o", "--output", type=SONGS, default=Path("song"), show_default=True, help="See above.")
@click.option("--bars", type=int, default=16, show_default=True, help="Length in bars.")
@click.option("--key", metavar="KEY", help='Such as D, "F# minor", "E dorian" (default: as learned).')
@click.option("--meter", metavar="METER", help="Such as 3/4 (default: as learned).")
@click.option("--tempo", type=float, help="Quarter notes a minute (default: as learned).")
@click.option("--temperature", type=float, default=1.0, show_default=True, help="0.1 safe to 2 wild; 1 as learned.")
@click.option("--rhythm-temperature", type=float, default=0.9, show_default=True, help="The same for note lengths.")
@click.option("--top-p", type=float, default=0.95, show_default=True, help="Choose among this share of probability.")
@_seed_option(1, "The same seed and request give the same piece.")
@click.option("-n", "--pieces", type=int, default=1, show_default=True, help="How many pieces.")
@click.option("--formats", metavar="LIST", help="Endings to write, such as mid,png,mp3 (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@_sound_options
def compose(**options: Any) -> None:
    """Compose new pieces in the style of a model: score, picture, MIDI, audio, and a page that plays it.

    OUTPUT is a name without an ending (all formats are written beside each other) or with one (just that format).

    \b
    Examples:
      tunesmith compose -m mine.safetensors -o new-song
      tunesmith compose -m mine.safetensors -o waltz.mp3 --meter 3/4 --bars 32 --seed 5
      tunesmith compose -m mine.safetensors -o ideas -n 10 --formats mid,png
    """
    from tunesmith import api, console

    if options["model"] is None:
        raise RequestError(
            "no model given", fix="learn one: tunesmith learn SONGS -o mine.safetensors, then add: -m mine.safetensors"
        )
    request = api.Request(
        bars=options["bars"],
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
    write = api.checked(api.WriteOptions(sound=options["sound"], feel=options["feel"], seed=options["seed"]))
    made: list[dict[str, Any]] = []
    with console.Steps(request.pieces * (1 + len(endings)), "composing") as steps:
        learned = api.load_model(options["model"])
        for number, files in outputs.written(learned, request, output, endings, write, steps.done):
            made.append({"piece": number, "files": [str(f) for f in files]})
    if options["as_json"]:
        click.echo(json.dumps({"pieces": made}, indent=1))
    else:
        click.echo("\n".join(name for piece in made for name in piece["files"]))


@cli.command(short_help="Turn a song into audio.")
@click.argument("song", type=SONGS)
@click.option("-o", "--output", type=SONGS, help="Audio file: .wav .flac .ogg .mp3 (default: beside the song, .wav).")
@_seed_option(0, "Of the performance.")
@_sound_options
@_step_option
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
@_seed_option(0, "Of the performance, where OUT is audio.")
@_sound_options
@_step_option
def convert(song: Path, output: Path, view: str, paper: str, seed: int, sound: str, feel: float, step: float) -> None:
    """Convert a song to another format; the endings of the names say which.

    A file of several songs gives numbered files: OUT-1, OUT-2, ...

    \b
    Examples:
      tunesmith convert song.abc song.mid
      tunesmith convert song.mid song.png --view roll
    """
    from tunesmith import api

    options = api.WriteOptions(sound=sound, feel=feel, seed=seed, view=view, paper=paper, step_seconds=step)
    outputs.convert_song(song, output, options, step, "converting")


@cli.command(short_help="Measure how well a model predicts songs.")
@click.option("-m", "--model", required=True, type=SONGS, help="The model, as written by learn.")
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_step_option
def evaluate(model: Path, songs: tuple[Path, ...], as_json: bool, step: float) -> None:
    """Measure how well a model predicts songs, in bits per note (symbol and duration together; fewer is better).

    \b
    Example:
      tunesmith evaluate -m mine.safetensors other-songs/
    """
    from tunesmith import api, console

    results = []
    with console.Counter("measuring") as counter:
        for result in api.evaluate(model, *songs, options=api.checked(api.ReadOptions(step_seconds=step))):
            results.append(result)
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


@cli.command(short_help="Show what is in a song or model file.")
@click.argument("file", type=SONGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_step_option
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name or title that it cannot show must not end the program
            stream.reconfigure(errors="surrogateescape" if stream.encoding.lower() == "utf-8" else "backslashreplace")
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _with_dashed_files(arguments: Sequence[str]) -> list[str]:
    """Arguments with `./` before names that begin with a dash and are files, such as a `*` finds them."""
    # lexists: a name too long or with a null byte is no file, and click says what is wrong with it
    return [f"./{a}" if len(a) > 2 and a[0] == "-" and "\0" not in a and os.path.lexists(a) else a for a in arguments]


def run(arguments: Sequence[str]) -> int:  # noqa: PLR0911 - one return for each way to end
    """Run the command line; returns the exit code. Every failure is one line on standard error."""
    try:
        result = cli.main(_with_dashed_files(arguments), prog_name="tunesmith", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except TunesmithError as error:
        return _fail(error, NOTHING)
    except click.UsageError as error:
        hint = f"see: {error.ctx.command_path} --help" if error.ctx else None
        return _fail(TunesmithError(error.format_message().rstrip("."), fix=hint), NOTHING)
    except click.ClickException as error:
        return _fail(TunesmithError(error.format_message()), NOTHING)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped; the same command goes on or starts again", STOPPED)
    except BrokenPipeError:  # `tunesmith ... | head`
        _let_go_of_output()
        return DONE
    except OSError as error:  # what nothing nearer has put into words, such as results to a full disk
        if error.filename is None:
            _let_go_of_output()
        return _fail(TunesmithError(error.strerror or str(error), path=error.filename), NOTHING)
    except MemoryError:
        return _fail("not enough memory; try fewer or shorter songs", NOTHING)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOTHING


def _let_go_of_output() -> None:
    """Standard output takes no more: what is left for it goes nowhere, also when the program ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(line: object, code: int) -> int:
    outputs.say(line)
    return code
