"""Bad input, through the command line: one clear line each, and exit code 2 where nothing useful could be done."""

from __future__ import annotations

import errno
import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TUNES, Ran, Run, abc
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack

from tunesmith import __version__, api, checkpoint
from tunesmith.errors import TunesmithError
from tunesmith.scheme import vocabulary as v

END = b"\x00\xff\x2f\x00"


def midi(body: bytes, tracks: int = 1, division: int = 96) -> bytes:
    """A MIDI file of type 0 with one track of these events, saying that it has so many tracks."""
    head = b"MThd\x00\x00\x00\x06" + b"".join(n.to_bytes(2, "big") for n in (0, tracks, division))
    return head + b"MTrk" + len(body).to_bytes(4, "big") + body


def played(count: int, channel: int = 0) -> bytes:
    """Quarter notes one after the other."""
    notes = [(60 + i * 5 % 12, channel) for i in range(count)]
    return b"".join(bytes([0, 0x90 | c, p, 64, 96, 0x80 | c, p, 0]) for p, c in notes)


GOOD = midi(played(16) + END)
LONGEST_DELTA = b"\xff\xff\xff\x7f" + b"\x90\x3c\x40\x60\x80\x3c\x00"  # 2^28 - 1 ticks: the longest MIDI can say
TOO_LONG_DELTA = b"\x81\x80\x80\x80\x00" + b"\x90\x3c\x40\x60\x80\x3c\x00"  # 2^28 ticks

# file name, content, and what the line must say, where in the file included
FILES: tuple[tuple[str, bytes, tuple[str, ...]], ...] = (
    ("empty.mid", b"", ("the file is empty",)),
    ("empty.abc", b"", ("the file is empty",)),
    ("empty.txt", b"", ("the file is empty",)),
    ("text.mid", b"Dear diary, today I wrote no music.", ("byte 0", "not a MIDI file")),
    ("truncated.mid", GOOD[:60], ("track 1, byte 60", "cut off", "132 bytes declared, 38 there")),
    ("silent.mid", midi(END), ("track 1", "no notes")),
    ("delta.mid", midi(played(12) + LONGEST_DELTA + END), ("track 1", "388 hours; 24 is the most")),
    ("longer.mid", midi(played(12) + TOO_LONG_DELTA + END), ("track 1, byte 118", "2^28 or more")),
    ("tracks.mid", midi(played(16) + END, tracks=65_535), ("track 2", "1 of the 65535 tracks")),
    ("keyless.abc", b"X:1\nT:No key\nM:4/4\nL:1/8\nCDEF GABc|\n", ("line 1", "No key", "no key", "write a line")),
    ("prose.abc", b"This is not a tune.\n", ()),
    ("high.txt", b"1 3 5\n25 6 7 8 9 10", ("line 2, column 1", "25 is outside 0 to 24", "0 is a rest")),
    ("low.txt", b"1 3 -5 6 7 8 9 10 11", ("line 1, column 5", "-5 is outside 0 to 24")),
    ("words.txt", b"1 3 five 6 7 8 9 10", ("line 1, column 5", "'five' is not a whole number", "write whole numbers")),
    ("take.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", ("reading recordings comes in a later version", "use a MIDI or ABC")),
    ("take.mp3", b"ID3\x04", ("reading recordings comes in a later version", "use a MIDI or ABC")),
    ("song.xyz", b"la la la", ("unknown ending '.xyz'", ".mid")),
    ("song", b"la la la", ("no ending", ".mid")),
    ("page.html", b"<p>", ("can be written but not read yet", ".mid")),
)
READING = {
    "info": ["info", "{}"],
    "convert": ["convert", "{}", "out.mid"],
    "render": ["render", "{}", "-o", "out.wav"],
    "learn": ["learn", "{}", "-o", "out.safetensors", "--model", "uniform"],
    "evaluate": ["evaluate", "-m", "{model}", "{}"],
}


def filled(command: list[str], name: object, model: object = "") -> list[str]:
    return [word.replace("{model}", str(model)).replace("{}", str(name)) for word in command]


@pytest.mark.parametrize("command", READING.values(), ids=READING)
@pytest.mark.parametrize(("name", "content", "said"), FILES, ids=[name for name, _, _ in FILES])
def test_a_file_that_is_no_song(
    run: Run, home: Path, uniform: Path, name: str, content: bytes, said: tuple[str, ...], command: list[str]
) -> None:
    (home / name).write_bytes(content)
    line = run(*filled(command, name, uniform)).line
    assert all(part in line for part in (name, *said)), line
    assert [p.name for p in home.iterdir()] == [name], "nothing else is left there"


def test_what_is_not_there(run: Run, home: Path, uniform: Path) -> None:
    for command in READING.values():
        assert run(*filled(command, "nothing.mid", uniform)).line.startswith("nothing.mid: no such file")
    assert run("compose", "-m", "nothing.safetensors").line.startswith("nothing.safetensors: no such file")


def test_drums_are_converted_but_not_learned(run: Run, home: Path, uniform: Path) -> None:
    (home / "drums.mid").write_bytes(midi(played(16, channel=9) + END))
    assert "drums.mid: no notes to learn from but drums" in run(*filled(READING["learn"], "drums.mid")).line
    assert "no notes to learn from but drums" in run(*filled(READING["evaluate"], "drums.mid", uniform)).line
    assert "drums only" in run(*filled(READING["render"], "drums.mid")).line
    assert run("convert", "drums.mid", "again.mid").files == [Path("again.mid")]


def test_latin_1_works(run: Run, home: Path) -> None:
    (home / "old.abc").write_bytes(abc("Frühling", TUNES["Pairs"]).encode("latin-1"))
    assert "Frühling" in run("info", "old.abc").out
    assert run("learn", "old.abc", "-o", "m.safetensors", "--model", "uniform").code == 0
    assert run("convert", "old.abc", "new.abc").code == 0
    assert "Frühling" in (home / "new.abc").read_text("utf-8")


def test_a_bar_that_does_not_add_up_works_with_a_remark(run: Run, home: Path) -> None:
    (home / "short.abc").write_text(abc("Short", "CDEF GABc | cBAG FED | EGce gece | c4 C4 |]"))
    for command in (["info", "short.abc"], ["convert", "short.abc", "out.mid"]):
        ran = run(*command)
        assert ran.code == 0
        (line,) = ran.err.splitlines()
        for part in ("short.abc: line 6, column", "Short", "a bar is 7/8 long in 4/4"):
            assert part in line
    ran = run("learn", "short.abc", "-o", "m.safetensors", "--model", "uniform", "--json")
    (song,) = json.loads(ran.out)["songs"]
    assert song["status"] == "kept"
    assert "a bar is 7/8 long in 4/4" in song["warning"]


def test_a_song_of_two_notes(run: Run, home: Path) -> None:
    (home / "two.abc").write_text(abc("Two", "C4 G4|]"))
    assert "two.abc: only 2 notes; 8 are the least" in run(*filled(READING["learn"], "two.abc")).line
    assert run("convert", "two.abc", "two.mid").code == 0


def test_one_song_is_learned_from_but_not_measured(run: Run, home: Path) -> None:
    (home / "one.abc").write_text(abc("One", TUNES["Leaps"]))
    ran = run("learn", "one.abc", "-o", "one.safetensors", "--model", "ngram")
    assert ran.files == [Path("one.safetensors")]
    assert "cannot be measured (3 songs are the least)" in ran.err
    assert run("compose", "-m", "one.safetensors", "-o", "new.mid", "--bars", "2").code == 0


def test_a_folder_without_songs(run: Run, home: Path, uniform: Path) -> None:
    (home / "empty").mkdir()
    assert "empty: no files there; readable are: .mid" in run(*filled(READING["learn"], "empty")).line
    assert "empty: no song there" in run(*filled(READING["evaluate"], "empty", uniform)).line
    (home / "letters").mkdir()
    for number in range(3):
        (home / "letters" / f"{number}.md").write_text("la")
    line = run(*filled(READING["learn"], "letters")).line
    assert "letters: none of the 3 songs can be learned from" in line
    assert "readable are: .mid" in line


@pytest.mark.parametrize(
    "command",
    [
        ["info", "folder"],
        ["info", "folder.mid"],
        ["info", "folder.safetensors"],
        ["convert", "folder", "out.mid"],
        ["convert", "folder.mid", "out.mid"],
        ["render", "folder.mid"],
        ["convert", "good.mid", "folder.mid"],
        ["render", "good.mid", "-o", "folder.wav"],
        ["learn", "good.mid", "-o", "folder.safetensors", "--model", "uniform"],
        ["learn", "good.mid", "-o", "out.safetensors", "--model", "uniform", "--report", "folder"],
        ["compose", "-m", "folder", "-o", "new"],
        ["compose", "-m", "folder.safetensors", "-o", "new"],
        ["compose", "-m", "{model}", "-o", "folder"],
        ["compose", "-m", "{model}", "-o", "folder.mid"],
        ["compose", "-m", "{model}", "-o", ""],
        ["compose", "-m", "{model}", "-o", "/"],
        ["evaluate", "-m", "folder.safetensors", "good.mid"],
    ],
    ids=" ".join,
)
def test_a_folder_where_a_file_should_be(run: Run, home: Path, uniform: Path, command: list[str]) -> None:
    for name in ("folder", "folder.mid", "folder.wav", "folder.safetensors"):
        (home / name).mkdir()
    (home / "good.mid").write_bytes(GOOD)
    before = sorted(p.name for p in home.rglob("*"))
    assert "is a folder" in run(*filled(command, "", uniform)).line
    assert sorted(p.name for p in home.rglob("*")) == before


WRITING = {
    "learn": ["learn", "good.mid", "-o", "{}.safetensors", "--model", "uniform"],
    "report": ["learn", "good.mid", "-o", "m.safetensors", "--model", "uniform", "--report", "{}.csv"],
    "compose": ["compose", "-m", "{model}", "-o", "{}", "--bars", "2"],
    "compose one format": ["compose", "-m", "{model}", "-o", "{}.mid", "--bars", "2"],
    "convert": ["convert", "good.mid", "{}.abc"],
    "render": ["render", "good.mid", "-o", "{}.wav"],
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("place", ["file/below", "file/far/below", "/proc/none/below", "/proc/below"])
def test_an_output_that_cannot_be_written(run: Run, home: Path, uniform: Path, command: list[str], place: str) -> None:
    (home / "good.mid").write_bytes(GOOD)
    (home / "file").write_text("in the way")
    line = run(*filled(command, place, uniform)).line
    assert line.startswith(("file", "/proc/")), line
    assert not list(home.glob("*.safetensors")), "found out before learning, not after it"


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_a_permission_denied(
    run: Run, home: Path, uniform: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "good.mid").write_bytes(GOOD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert "permission denied" in run(*filled(command, "out", uniform)).line


# ---- a full disk


def test_a_full_disk_while_a_model_is_written(
    run: Run, home: Path, songs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = ["learn", songs, "-o", "m.safetensors", "--model"]
    assert run(*learn, "uniform").code == 0
    before = (home / "m.safetensors").read_bytes()
    write = Path.write_bytes

    def fill_up(path: Path, data: bytes) -> int:
        if path.suffix != ".safetensors":
            return write(path, data)
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    ran = run(*learn, "ngram")
    assert ran.code == 2
    assert ran.out == ""
    complaint = "tunesmith: m.safetensors: the disk is full; free some space and try again"
    assert ran.err.splitlines()[-1] == complaint
    assert (home / "m.safetensors").read_bytes() == before


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails instead
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from tunesmith.cli import run
sys.exit(run(sys.argv[2:]))
"""


def limited(home: Path, most: int, *arguments: object) -> Ran:
    """Run a command in a process whose files may have so many bytes at the most."""
    command = [sys.executable, "-c", LIMITED, str(most), *map(str, arguments)]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("most", [100, 1000, 5000])  # songs, their frames, the model
def test_writing_that_really_fails(home: Path, songs: Path, uniform: Path, most: int) -> None:
    old = uniform.read_bytes()
    (home / "m.safetensors").write_bytes(old)
    ran = limited(home, most, "learn", songs, "-o", "m.safetensors", "--model", "ngram")
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "m.safetensors" in ran.err.splitlines()[-1]
    assert (home / "m.safetensors").read_bytes() == old


@pytest.mark.parametrize("ending", ["mid", "musicxml", "wav", "mp3"])
def test_a_piece_that_is_not_written_whole_is_not_written(home: Path, ending: str) -> None:
    (home / "good.mid").write_bytes(GOOD)
    (home / f"old.{ending}").write_bytes(b"old")
    assert limited(home, 50, "convert", "good.mid", f"old.{ending}").line
    assert (home / f"old.{ending}").read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_results_to_a_full_disk(home: Path) -> None:
    (home / "good.mid").write_bytes(GOOD)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tunesmith", "info", "good.mid"]
        done = subprocess.run(command, cwd=home, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "tunesmith: No space left on device\n"


# ---- model files


def foreign(**metadata: str) -> bytes:
    return pack({"a": np.zeros(3, np.float32)}, metadata or None)


def changed(file: Path, **fields: Any) -> bytes:
    """A model file with other words about itself, rightly marked."""
    head, tensors = checkpoint.read_head(file) | fields, unpack(file.read_bytes())
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}
    head |= {"digest": checkpoint._digest(weights, head)}
    return pack(tensors, {"tunesmith": json.dumps(head | {"mark": checkpoint.mark_of({}, head)})})


NOT_OURS = {
    "empty": (lambda m: b"", "the file is empty"),
    "random": (lambda m: random.Random(1).randbytes(3000), "is not a model file, or only a part of one"),
    "text": (lambda m: b"a model, honestly" * 9, "is not a model file, or only a part of one"),
    "pickle": (lambda m: pickle.dumps({"weights": [1.0, 2.0]}), "is not a model file, or only a part of one"),
    "MIDI": (lambda m: GOOD, "is not a model file, or only a part of one"),
    "foreign": (lambda m: foreign(), "is a safetensors file, but not a Tunesmith model"),
    "foreign with words": (lambda m: foreign(format="pt"), "is a safetensors file, but not a Tunesmith model"),
    "nonsense of ours": (lambda m: foreign(tunesmith="[1]"), "is a safetensors file, but not a Tunesmith model"),
    "newer": (lambda m: changed(m, format=checkpoint.FORMAT + 1, program="9.1"), "made by a newer Tunesmith (9.1)"),
    "newer words": (lambda m: changed(m, vocabulary=v.VERSION + 1), f"this is {__version__}; update with: pip"),
    "older words": (lambda m: changed(m, vocabulary=v.VERSION - 1), "an older vocabulary; learn it again"),
    "changed words": (lambda m: m.read_bytes().replace(b'"seed\\": 0', b'"seed\\": 1'), "changed or damaged"),
    "half": (lambda m: m.read_bytes()[:-300], "is not a model file, or only a part of one"),
    "start": (lambda m: m.read_bytes()[:40], "is not a model file, or only a part of one"),
}


@pytest.mark.parametrize(("content", "said"), NOT_OURS.values(), ids=NOT_OURS)
def test_a_model_file_that_is_not_ours(run: Run, home: Path, uniform: Path, content: Any, said: str) -> None:
    (home / "bad.safetensors").write_bytes(content(uniform))
    for command in (
        ["info", "bad.safetensors"],
        ["compose", "-m", "bad.safetensors", "-o", "new.mid"],
        ["evaluate", "-m", "bad.safetensors", uniform],
    ):
        line = run(*command).line
        assert line.startswith("bad.safetensors: ")
        assert said in line
        assert "; " in line, "it says what to do"


OTHER_WORDS = {
    "a model we do not have": ({"model": "transformer"}, "'transformer' is not known to this version"),
    "viewpoints we do not have": ({"viewpoints": ["moon"]}, "viewpoints that this version does not know"),
    "weights of another model": ({"model": "ngram"}, "the events of the n-gram model are missing"),
    "no songs": ({"songs": []}, "the model file is damaged"),
    "no list of songs": ({"songs": 3}, "the model file is damaged"),
}


@pytest.mark.parametrize(("fields", "said"), OTHER_WORDS.values(), ids=OTHER_WORDS)
def test_a_model_file_that_contradicts_itself(
    run: Run, home: Path, uniform: Path, fields: dict[str, Any], said: str
) -> None:
    (home / "bad.safetensors").write_bytes(changed(uniform, **fields))
    line = run("compose", "-m", "bad.safetensors", "-o", "new.mid").line
    assert said in line


@pytest.mark.parametrize("kind", ["ngram", "rnn"])
def test_no_flipped_bit_goes_unnoticed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    whole = request.getfixturevalue(kind).read_bytes()
    head = 8 + int.from_bytes(whole[:8], "little")
    draw, bad = random.Random(7), tmp_path / "bad.safetensors"
    places = [draw.randrange(8, head) for _ in range(20)] + [draw.randrange(head, len(whole)) for _ in range(20)]
    for place in [*range(8), *places]:
        data = bytearray(whole)
        data[place] ^= 1 << draw.randrange(8)
        bad.write_bytes(data)
        with pytest.raises(TunesmithError):
            api.load_model(bad)


# ---- names


def test_songs_of_the_same_name_are_both_kept(run: Run, home: Path) -> None:
    for folder, music in zip(("a", "b", "c"), TUNES.values(), strict=False):
        (home / "songs" / folder).mkdir(parents=True)
        (home / "songs" / folder / "tune.abc").write_text(abc("The Same", music))
    ran = run("learn", "songs", "-o", "m.safetensors", "--model", "uniform", "--json")
    assert [s["name"] for s in json.loads(ran.out)["songs"]] == ["The Same", "The Same (2)", "The Same (3)"]
    assert json.loads(run("info", "m.safetensors", "--json").out)["songs"] == [
        "The Same",
        "The Same (2)",
        "The Same (3)",
    ]


NAMES = [
    "my song",
    "\N{MUSICAL NOTE} tune \N{GRINNING FACE}",
    "-lead",
    "--help",
    "-o",
    "two\nlines",
    "#1 'quoted' \"song\" $HOME;",
    "no. 5",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_file_names_work(run: Run, home: Path, name: str) -> None:
    (home / f"{name}.abc").write_text(abc("Odd", TUNES["Steps"]))
    assert run("learn", f"{name}.abc", "-o", f"{name}.safetensors", "--model", "uniform").code == 0
    assert run("info", f"{name}.abc").code == 0
    assert run("info", f"{name}.safetensors").code == 0
    assert run("convert", f"{name}.abc", "--", f"{name} out.mid").code == 0
    assert run("render", f"{name}.abc", "-o", f"{name}.wav").code == 0
    assert run("compose", "-m", f"{name}.safetensors", "-o", f"{name} new", "--formats", "mid", "--bars", "1").code == 0
    assert run("evaluate", "-m", f"{name}.safetensors", f"{name}.abc").code == 0
    endings = [".abc", ".safetensors", " out.mid", ".wav", " new.mid"]
    assert {p.name for p in home.iterdir()} == {name + ending for ending in endings}


def test_a_name_that_is_no_unicode_works(home: Path, songs: Path) -> None:
    try:
        (home / "bad\udcff.abc").write_text(abc("", TUNES["Steps"]))
    except OSError:
        pytest.skip("this file system has Unicode names alone")
    learn = ["learn", "bad\udcff.abc", songs, "-o", "m.safetensors", "--model", "uniform", "--report", "songs.csv"]
    for command in (learn, ["info", "bad\udcff.abc"], ["convert", "bad\udcff.abc", "x\udcff.mid"]):
        words = [sys.executable, "-m", "tunesmith", *map(str, command)]
        done = subprocess.run(words, cwd=home, capture_output=True, check=True)
    assert b"x\xff.mid" in done.stdout
    assert b"bad\xff.abc" in (home / "songs.csv").read_bytes()


def test_a_name_that_a_terminal_cannot_show(home: Path) -> None:
    (home / "tune.abc").write_text(abc("A \N{MUSICAL NOTE}", TUNES["Steps"]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", "info", "tune.abc"],
        cwd=home,
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )
    assert b"A \\U0001f3b5" in done.stdout


def test_a_name_in_an_error_stays_on_its_line(run: Run) -> None:
    assert run("info", "two\nlines\x1b[31m.mid").line.startswith("two\N{REPLACEMENT CHARACTER}lines")
    assert "too long" in run("info", "a" * 300 + ".mid").line.lower()
    assert "too long" in run("learn", "a" * 300 + ".mid", "-o", "m.safetensors").line.lower()


# ---- options


OPTIONS = {
    "compose -m {model} --key H": "'H' is not a key; write for example: D",
    "compose -m {model} --key=": "'' is not a key",
    "compose -m {model} --meter 4/3": "'4/3' is not a meter; write for example: 3/4",
    "compose -m {model} --meter four": "'four' is not a meter",
    "compose -m {model} --meter 40/4": "meter 40/4 cannot be composed in",
    "compose -m {model} --bars 0": "bars 0 is out of range; choose from 1 to 512",
    "compose -m {model} --bars 513": "bars 513 is out of range",
    "compose -m {model} --bars two": "'two' is not a valid integer",
    "compose -m {model} --temperature nan": "temperature nan is out of range; choose from 0.1 to 2.0",
    "compose -m {model} --temperature 0": "temperature 0.0 is out of range",
    "compose -m {model} --top-p 0": "top-p 0.0 is out of range",
    "compose -m {model} --tempo nan": "tempo nan is out of range",
    "compose -m {model} --tempo 3": "tempo 3.0 is out of range; choose from 20 to 400",
    "compose -m {model} --seed -1": "seed -1 is out of range",
    "compose -m {model} -n 0": "pieces 0 is out of range",
    "compose -m {model} --sound brass": "unknown sound 'brass'; known are: piano classic",
    "compose -m {model} --feel 7": "feel is 7; it goes from 0 (mechanical) to 1 (sloppy)",
    "compose -m {model} --feel nan": "feel is nan",
    "compose -m {model} --formats xyz": "unknown format xyz; known are: abc, flac",
    "compose -m {model} --formats mid,xyz": "unknown format xyz; known are: abc, flac",
    "compose -m {model} --formats ,": "unknown format (none); known are",
    "compose -m {model} -o new.xyz": "unknown format xyz; known are",
    "compose -o new --texture brass": "unknown texture 'brass'; choose from melody, lead sheet, voices",
    "compose -m {model} -o new --texture voices": "none of the songs learned has the texture 'voices'",
    "evaluate good.mid --picture new.gif": "new.gif is not a picture; end it in one of: .png .svg .pdf",
    "compose -m {model} --loud": "No such option",
    "compose -m {model} extra": "unexpected extra argument (extra); see: tunesmith compose --help",
    "render good.mid --sound brass": "unknown sound 'brass'",
    "render good.mid --feel 7": "feel is 7",
    "render good.mid --step nan": "a step of nan seconds; choose 0.01 to 10",
    "render good.mid --seed -1": "seed -1 is out of range",
    "render good.mid -o good.pdf": "good.pdf is not an audio file; end it in one of: .wav",
    "convert good.mid out.abc --sound brass": "unknown sound 'brass'",
    "convert good.mid out.abc --feel 7": "feel is 7",
    "convert good.mid out.svg --view side": "unknown view 'side'; known are: score, roll",
    "convert good.mid out.xyz": "out.xyz: unknown ending '.xyz'",
    "convert good.mid out": "out: the file name has no ending",
    "convert good.mid": "Missing argument 'OUT'; see: tunesmith convert --help",
    "learn good.mid -o m.safetensors --model foo": "unknown model 'foo'; choose from mixture, rnn",
    "learn good.mid -o m.safetensors --from {model}": "has no network to start from; learn with --from scratch",
    "learn good.mid -o m.safetensors --from nowhere.safetensors": "nowhere.safetensors: no such file",
    "learn good.mid -o m.safetensors --from {model} --size small": "leave out --size, or learn with --from scratch",
    "learn good.mid -o m.safetensors --from {model} --model ngram": "the model 'ngram' starts from nothing",
    "learn good.mid -o m.safetensors --size huge": "unknown size 'huge'; choose from auto, small",
    "learn good.mid -o m.safetensors --epochs 0": "0 epochs make no sense; choose from 1",
    "learn good.mid -o m.safetensors --seed -1": "seed -1 is out of range",
    "learn good.mid -o m.safetensors --step inf": "a step of inf seconds",
    "learn good.mid -o model.pt": "a model file ends in .safetensors; write: -o model.pt.safetensors",
    "learn good.mid": "Missing option '-o'",
    "learn -o m.safetensors": "Missing argument 'SONGS...'",
    "evaluate -m {model} good.mid --step 0": "a step of 0 seconds",
    "info good.mid --step 99": "a step of 99 seconds",
    "completion tcsh": "'tcsh' is not one of 'bash', 'zsh', 'fish'",
    "sing": "No such command 'sing'; see: tunesmith --help",
}


@pytest.mark.parametrize("command", OPTIONS)
def test_options_and_values_that_are_not_known(run: Run, home: Path, uniform: Path, command: str) -> None:
    (home / "good.mid").write_bytes(GOOD)
    line = run(*filled(command.split(" "), "", uniform)).line
    assert OPTIONS[command] in line
    assert [p.name for p in home.iterdir()] == ["good.mid"], "nothing was begun"


# ---- one bad song among good ones


def test_one_bad_song_does_not_stop_an_import(run: Run, home: Path, songs: Path) -> None:
    for name, content, _ in FILES:
        (home / name).write_bytes(content)
    inputs = [songs, *(name for name, _, _ in FILES)]
    ran = run("learn", *inputs, "-o", "m.safetensors", "--model", "uniform", "--json")
    assert ran.code == 0
    entries = json.loads(ran.out)["songs"]
    assert [e["status"] for e in entries].count("kept") == len(TUNES)
    dropped = {Path(e["path"]).name: e["reason"] for e in entries if e["status"] == "dropped"}
    assert set(dropped) == {name for name, _, _ in FILES}, "each is in the report"
    for name, _, said in FILES:
        assert all(part in dropped[name] for part in said if part != name)


def test_one_bad_tune_of_a_book_is_named_and_the_others_work(run: Run, home: Path, uniform: Path) -> None:
    keyless = abc("Keyless", TUNES["Pairs"], 2).replace("K:C\n", "")
    book = [abc("First", TUNES["Steps"]), keyless, abc("Third", TUNES["Leaps"], 3)]
    (home / "book.abc").write_text("\n".join(book))
    for command in (["info", "book.abc"], ["convert", "book.abc", "out.mid"]):
        ran = run(*command)
        assert ran.code == 1
        (line,) = ran.err.splitlines()
        for part in ("book.abc: line 8", "Keyless", "no key"):
            assert part in line
    assert {p.name for p in home.iterdir()} == {"book.abc", "out-1.mid", "out-2.mid"}
    ran = run("evaluate", "-m", uniform, "book.abc")
    assert ran.code == 1
    assert "no key" in " ".join(ran.out.split())
    assert run("learn", "book.abc", "-o", "m.safetensors", "--model", "uniform").code == 0


def test_one_tune_that_a_format_cannot_hold_does_not_stop_the_others(run: Run, home: Path) -> None:
    book = [abc("Low", "C,,8|C,,8|]"), abc("Fits", "C4 D4|E4 F4|]", 2)]
    (home / "book.abc").write_text("\n".join(book))
    ran = run("convert", "book.abc", "out.txt")
    assert ran.code == 1
    assert "out-1.txt: bar 1, note 1: MIDI pitch 36 is outside" in ran.err
    assert ran.out == "out-2.txt\n"
