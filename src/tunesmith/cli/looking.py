"""Commands that look at models and songs, and completion."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tunesmith import outputs
from tunesmith.cli.group import SONGS, cli, step_option
from tunesmith.errors import TunesmithError


@cli.command(short_help="Measure how well a model predicts songs.")
@click.option("-m", "--model", required=True, type=SONGS, help="The model, as written by learn.")
@click.argument("songs", nargs=-1, required=True, type=SONGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@step_option
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
