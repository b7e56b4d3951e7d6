"""What the tests of the command line, the API and the files on disk share: a few tunes, models of them, a runner."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunesmith import cli, formats
from tunesmith.errors import FormatError, SongWarning

os.environ[cli.DEBUG] = "1"  # what goes wrong inside must fail a test, not become a line on standard error

# title -> music; unlike each other also in other keys
TUNES = {
    "Up and down": "CDEF GABc | cBAG FEDC | EGce gece | c4 C4 |]",
    "Steps": "EFGA Bcde | edcB AGFE | GBeg gece | c8 |]",
    "Pairs": "G2G2 A2A2 | B2B2 c4 | cBAG FEDC | E4 C4 |]",
    "Leaps": "c2e2 g2e2 | d2f2 a4 | gfed cBAG | c4 C4 |]",
    "Answer": "c3d e2c2 | d3e f2d2 | e2g2 f2B2 | c6 z2 |]",
}


# A shell that runs the tests in the background has Ctrl-C ignored, and every process that they start with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def abc(title: str, music: str, number: int = 1, key: str = "C") -> str:
    """An ABC tune in 4/4, in eighths."""
    return f"X:{number}\nT:{title}\nM:4/4\nL:1/8\nK:{key}\n{music}\n"


EXPECTED = re.compile(r"(?:#|%|!!|<!--) expect: (.*?)(?: -->)?")  # the first line of a broken file


def must_be_refused(kept: Path, made: Path | None = None) -> None:
    """A broken file ends quickly and in one line, which has its name, a place, and what its first comment expects.

    `made`: the file that `kept` is the text of, where it is a binary one.
    """
    path = made or kept
    expected = EXPECTED.fullmatch(kept.read_bytes().splitlines()[0].decode())
    started = time.process_time()
    try:
        found = list(formats.read(path))
    except FormatError as raised:
        found = [raised]
    assert time.process_time() - started < 5
    (error,) = found
    assert isinstance(error, FormatError)
    assert not isinstance(error, SongWarning)
    assert expected and expected[1] in str(error)
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, and what it wrote to standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error of a command that could do nothing."""
        assert self.code == cli.NOTHING, self
        assert self.out == "", "nothing is a result"
        (line,) = self.err.splitlines()
        assert line.startswith("tunesmith: ")
        assert "Traceback" not in line
        return line.removeprefix("tunesmith: ")

    @property
    def files(self) -> list[Path]:
        """The files that a command which did all says it wrote."""
        assert self.code == cli.DONE, self
        return [Path(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        code = cli.run([str(a) for a in arguments])
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five tunes."""
    folder = tmp_path_factory.mktemp("songs")
    for number, (title, music) in enumerate(TUNES.items()):
        (folder / f"{number}.abc").write_text(abc(title, music))
    return folder


def learned(songs: Path, kind: str, *options: str) -> Path:
    """A model file, learned by the command line."""
    path = songs.parent / f"{kind}-of-{songs.name}.safetensors"
    assert cli.run(["learn", str(songs), "-o", str(path), "--model", kind, *options]) == cli.DONE
    return path


@pytest.fixture(scope="session")
def uniform(songs: Path) -> Path:
    """A model file that knows the grammar alone."""
    return learned(songs, "uniform")


@pytest.fixture(scope="session")
def ngram(songs: Path) -> Path:
    """A model file of counts."""
    return learned(songs, "ngram")


@pytest.fixture(scope="session")
def rnn(songs: Path) -> Path:
    """A model file of a small network, hardly trained."""
    return learned(songs, "rnn", "--epochs", "2", "--size", "small", "--from", "scratch")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The folder that `run` works in; afterwards it must hold no temporary files."""
    yield tmp_path
    assert not [p for p in tmp_path.rglob(".tunesmith-*") if p.exists()], "temporary files are left"
