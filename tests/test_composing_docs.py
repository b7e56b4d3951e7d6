"""docs/composing.md is so: its commands run and print what it shows, its Python runs, and no wish is missing."""

from __future__ import annotations

import dataclasses
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import click
import pytest

import tunesmith as ts
from tunesmith import api, checkpoint, cli, composing, sample
from tunesmith.cli import wishes
from tunesmith.originality import LEAST
from tunesmith.wording import INTERVALS

PAGE = (Path(__file__).parent.parent / "docs" / "composing.md").read_text("utf-8")
WORDS = " ".join(PAGE.split())
# files that the page shows, by the language of their blocks
FILES = {"toml": "waltz.toml", "json": "march.json", "abc": "tune.abc"}
OF_ONE_WAY = {"--keep", "--strength", "--with", "--like", "--best"}


def blocks(language: str) -> list[str]:
    """The fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
PYTHON = blocks("python")
SHOWN = re.findall(r"^\$ (.*)\n(.*)$", "".join(blocks("text")), re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all examples run, with the files that the page shows. The base is read once for all of them."""
    place = tmp_path_factory.mktemp("composing")
    for language, name in FILES.items():
        (text,) = blocks(language)
        assert f"`{name}`" in PAGE
        (place / name).write_text(text, "utf-8")
    base, load = checkpoint.load(checkpoint.BASE), api.load_model
    with pytest.MonkeyPatch.context() as patch, chdir(place):
        patch.setattr(api, "load_model", lambda name: base if str(name) == api.BASE else load(name))
        yield place


def run(words: list[str]) -> tuple[int, str, str]:
    """A command in this process: its exit code, and what it printed."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = cli.run(words[1:])
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("words", COMMANDS, ids=shlex.join)
def test_a_command_runs(words, folder):
    code, out, err = run(words)
    assert code == cli.DONE, err
    name = words[words.index("-o") + 1]
    files = [folder / line for line in out.splitlines()]
    assert files
    assert all(file.name.startswith(name) and file.stat().st_size for file in files)


@pytest.mark.parametrize("code", PYTHON, ids=[code.splitlines()[-1] for code in PYTHON])
def test_the_python_runs(code):
    names = {"ts": ts}
    exec(compile(code, "the example", "exec"), names)
    made = [thing for thing in names.values() if isinstance(thing, ts.Score)]
    assert made or code in (PYTHON[0], next(c for c in PYTHON if c.startswith("for ")))
    assert all(piece.note_count for piece in made)


@pytest.mark.parametrize(("command", "line"), SHOWN)
def test_what_clashes_is_said_as_shown(command, line, folder):
    before = sorted(folder.iterdir())
    assert run(shlex.split(command)) == (cli.NOTHING, "", line + "\n")
    assert sorted(folder.iterdir()) == before


def test_the_page_shows_both_kinds_of_errors():
    assert len(SHOWN) >= 6
    assert any(line.endswith("clash; ask for less, or try another seed") for _, line in SHOWN)


def test_like_makes_the_piece_again():
    for words in (w for w in COMMANDS if {"seven", "again"} & set(w)):
        _, _, err = run(words)
    assert "the music is the same, note for note" in err


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ts.Request)])
def test_every_field_of_a_request_has_a_python_example(field):
    assert re.search(rf"\b{field}=", "".join(PYTHON)), field


def options() -> set[str]:
    """The options of wishes, each by its longest name; of a flag the one that is not the default."""

    @wishes.wish_options(opening=True)
    def command(**_: object) -> None: ...

    found = {max(p.opts, key=len) for p in click.command()(command).params}
    return (found - {"--rests"}) | {"--no-rests"}


@pytest.mark.parametrize("option", sorted((options() - {"--pieces"}) | {"-n", "--bars"} | OF_ONE_WAY))
def test_every_option_has_a_command(option):
    assert any(option in words for words in COMMANDS), option


def test_every_way_has_a_command():
    assert {words[1] for words in COMMANDS} == set(composing.WAYS)


def test_every_texture_outline_and_interval_is_named():
    for name in (*api.TEXTURES, *api.KINDS_OF_VARYING):
        assert f"`{name}`" in PAGE
    for name, semitones in INTERVALS.items():
        assert re.search(rf"`{name}` \((a major one, )?{semitones}\)", WORDS), name


def test_the_cap_is_as_told():
    assert f"{LEAST} at least; {sample.USUAL_CAP} where the model keeps fewer than two songs" in WORDS
    assert f"held against it too, at {sample.USUAL_CAP} notes" in WORDS
    assert f"runs of fewer than {sample.base_music().size + 1} notes are not known" in WORDS
