"""What the README says is so: its commands run, its example runs, its tables agree with the program."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import tunesmith
from tunesmith import api, cli

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
# the folders of the reader, and which of the bundled songs stand in for them
READERS_SONGS = {
    "my-songs": ("ode_to_joy", "greensleeves", "wiegenlied", "silent_night"),
    "new-songs": ("drunken_sailor",),
    "other-songs": ("frere_jacques", "jingle_bells"),
}
CRASHED = -1
LEAST_TRAINING = ["--epochs", "1"]  # added to what learns: here it counts that it runs


def blocks(language: str) -> list[str]:
    """The fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def table_after(heading: str) -> list[list[str]]:
    """The rows below the head of the first table after a heading."""
    lines = TEXT.split(f"{heading}\n", 1)[1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|")) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def coded(cell: str) -> list[str]:
    """What stands in back-quotes."""
    return re.findall(r"`([^`]+)`", cell)


COMMANDS = [
    words for block in blocks("sh") for line in block.splitlines() if (words := shlex.split(line, comments=True))
]
OURS = [words for words in COMMANDS if words[0] == "tunesmith"]
# what sets up is not run here, but looked up
LOOKED_UP = {"make", "pip", "."}


@dataclass(frozen=True)
class Ended:
    """How a command of the README ended, what it printed, and the files that were there then."""

    code: int
    out: str
    err: str
    files: frozenset[str]


def run(words: list[str]) -> Ended:
    """Run a command in this process (torch is loaded once for all) and folder."""
    arguments = [*words[1:], *(LEAST_TRAINING if words[1] == "learn" else [])]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code = cli.run(arguments)
        except Exception:  # a warning, or a fault: of this command, not of all
            code = CRASHED
            traceback.print_exc()
    return Ended(code, out.getvalue(), err.getvalue(), frozenset(p.name for p in Path.cwd().iterdir()))


def furnish(place: Path) -> None:
    """What a reader has: what is in the repository, and songs of their own."""
    for folder in ("examples", "docs/ways"):
        shutil.copytree(ROOT / folder, place / folder)
    for folder, names in READERS_SONGS.items():
        (place / folder).mkdir()
        for name in names:
            shutil.copy(ROOT / "examples" / "songs" / f"{name}.abc", place / folder)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Every command of ours in the README, run in order in one folder."""
    place = tmp_path_factory.mktemp("reader")
    furnish(place)
    with chdir(place):
        return {shlex.join(words): run(words) for words in OURS}


def outputs(words: list[str]) -> Iterator[str]:
    """The name, or the beginning of the names, of what a command writes."""
    yield from (words[i + 1] for i, word in enumerate(words) if word in ("-o", "--report", "--picture", "--notes"))
    if words[1] == "convert":
        yield words[3]


def test_there_are_commands_of_every_kind():
    assert {words[0] for words in COMMANDS} == {"tunesmith", *LOOKED_UP}
    assert {words[1] for words in OURS} == set(cli.cli.commands) - {"completion"}


@pytest.mark.parametrize("words", OURS, ids=shlex.join)
def test_a_command_runs_and_writes_what_it_names(words, ended):
    command = ended[shlex.join(words)]
    assert command.code == cli.DONE, command.err
    assert command.out, "a result"
    for output in outputs(words):
        assert any(name.startswith(output) for name in command.files), (output, sorted(command.files))


def test_make_targets_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = [words[1] for words in COMMANDS if words[0] == "make"] + re.findall(r"`make ([a-z]+)`", TEXT)
    assert {"song", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "-m venv .venv" in makefile, "the README says where the program is"


def test_the_files_of_make_song_are_named_as_it_names_them():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    listed = {name for row in table_after("## What you get") for name in coded(row[0])}
    model = Path(re.search(r"learn \S+ -o (\S+)", makefile)[1]).name
    song = Path(re.search(r"compose .* -o (\S+)", makefile)[1]).name
    assert listed >= {model, *(f"{song}.{ending}" for ending in api.OUTPUTS)}
    assert len(listed) == len(api.OUTPUTS) + 2, "besides, the learning curve"


def test_the_learning_curve_is_called_so(ended):
    stem = next(words for words in OURS if words[1] == "learn")[4].removesuffix(".safetensors")
    curve = next(name for row in table_after("## What you get") for name in coded(row[0]) if "curve" in name)
    pictures = [line for command in ended.values() for line in command.out.splitlines() if "curve" in line]
    assert f"{stem}{curve.removeprefix('bundled')}" in pictures


def test_extras_and_python_are_those_of_the_package():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = [words[2] for words in COMMANDS if words[0] == "pip"]
    extras = {extra for word in installed for extra in re.findall(r"\[(\w+)\]", word)}
    assert extras == set(package["optional-dependencies"]) - {"dev"}
    assert f"Python {package['requires-python'].removeprefix('>=')} or newer" in TEXT
    assert re.search(rf"\[{package['license']}\]\(LICENSE\)", TEXT)


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    quick = code.replace("ts.learn(", "ts.learn(epochs=1, songs=")
    assert quick != code
    exec(compile(quick, "the example", "exec"), {})
    songs, *rest = capsys.readouterr().out.splitlines()
    assert songs == f"{len(READERS_SONGS['my-songs'])} songs;"
    assert len(rest) == 2 + len(READERS_SONGS["other-songs"])
    assert len(list(tmp_path.glob("*.mid"))) == len(list(tmp_path.glob("*.png"))) == 2


def test_public_names_exist():
    named = set(re.findall(r"\bts\.(\w+)", TEXT))
    assert named
    assert named <= set(tunesmith.__all__)


def test_the_formats_table_is_the_formats_table():
    answers = {"yes": True, "no": False}
    rows = [(row[0], tuple(coded(row[1])), answers[row[2]], answers[row[3]]) for row in table_after("## Formats")]
    assert rows == [(f.name, f.endings, f.reads, f.writes) for f in api.FORMATS]


def test_every_format_says_what_is_lost():
    assert all(row[4] for row in table_after("## Formats"))


def test_options_named_exist():
    known = {option for command in cli.cli.commands.values() for p in command.params for option in p.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert named
    assert named <= known


def test_models_named_exist():
    named = re.findall(r"--model (\w+)", TEXT)
    assert named
    assert set(named) <= set(api.KINDS)


def test_exit_codes_are_those_of_the_help():
    told = re.findall(r"(\d+) ([A-Za-z -]+)", cli.cli.help.split("Exit codes:")[1])
    rows = table_after("## Exit codes")
    assert [row[0] for row in rows] == [code for code, _ in told]
    assert all(row[1].startswith(meaning) for row, (_, meaning) in zip(rows, told, strict=True))
    assert {str(code) for code in (cli.DONE, cli.NOTHING, cli.STOPPED)} <= {code for code, _ in told}


@pytest.mark.parametrize("page", sorted(p.name for p in ROOT.glob("*.md")))
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(("https://", "#")):
            assert (ROOT / link).exists(), link


def test_the_bundled_melodies_are_as_many_as_it_says():
    count = len(list((ROOT / "examples" / "songs").glob("*.abc")))
    assert re.findall(r"(\d+) bundled melodies", TEXT) == [str(count)]
