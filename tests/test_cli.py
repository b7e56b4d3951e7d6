"""The command line: what each command makes, what goes to which stream, exit codes, and what it imports."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TUNES, Run, abc

from tunesmith import __version__, api, cli
from tunesmith.score import TPQ, Note, Part, Score, Tempo

SMALL = ("--epochs", "1", "--size", "small", "--from", "scratch")  # a network that is learned at once
COMMANDS = ("import", "learn", "compose", "continue", "rewrite", "harmonise", "vary")
COMMANDS += ("render", "convert", "check", "evaluate", "info", "completion")
READABLE = ("mid", "midi", "abc", "txt", "musicxml", "xml", "mxl")  # of what we can write
WRITABLE = sorted(e.lstrip(".") for f in api.FORMATS if f.writes for e in f.endings)
STARTS = {  # how files of each kind begin
    "abc": b"X:",
    "flac": b"fLaC",
    "html": b"<!doctype html",
    "mid": b"MThd",
    "midi": b"MThd",
    "mp3": b"ID3",
    "musicxml": b"<?xml",
    "mxl": b"PK",
    "ogg": b"OggS",
    "pdf": b"%PDF",
    "png": b"\x89PNG",
    "svg": b"<svg|<?xml",
    "txt": b"#|0|1",
    "wav": b"RIFF",
    "xml": b"<?xml",
}


def strict_json(text: str) -> Any:
    """JSON as its standard has it: Python alone reads NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def begins(path: Path) -> bool:
    """Whether a file begins as its ending says."""
    head = path.read_bytes()[:40].lower()
    return any(head.startswith(start.lower()) for start in STARTS[path.suffix.lstrip(".")].split(b"|"))


# ---- help


def test_the_first_help_shows_every_command_and_examples(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    assert ran.err == ""
    assert [line.split()[0] for line in ran.out.split("Commands:\n")[1].splitlines()] == list(COMMANDS)
    assert "tunesmith learn my-songs/ -o mine.safetensors" in ran.out
    for code in ("0 done", "1 done in part", "2 nothing", "130"):
        assert code in ran.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_holds_examples_that_are_valid(run: Run, name: str) -> None:
    ran = run(name, "--help")
    assert ran.code == 0
    assert run(name, "-h").out == ran.out
    examples = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("tunesmith ")]
    assert examples
    for example in examples:
        words = shlex.split(example.split(" > ")[0])[1:]
        assert words[0] == name
        cli.cli.commands[name].make_context(name, words[1:])  # raises where an option or value is not known


def test_no_arguments_show_the_help(run: Run) -> None:
    ran = run()
    assert ran.code in (0, 2), "as the version of click has it"
    assert "Usage: tunesmith" in ran.out + ran.err


def test_the_version(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.err) == (0, "")
    assert __version__ in ran.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    script = run("completion", shell)
    assert script.code == 0
    assert "_TUNESMITH_COMPLETE" in script.out
    words = {"COMP_WORDS": "tunesmith co", "COMP_CWORD": "co" if shell == "fish" else "1"}
    environment = os.environ | words | {"_TUNESMITH_COMPLETE": f"{shell}_complete"}
    command = [sys.executable, "-c", "from tunesmith.cli import main; main()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for name in ("compose", "convert", "completion"):
        assert name in done.stdout
    assert "render" not in done.stdout


# ---- learn


def test_learn(run: Run, home: Path, songs: Path) -> None:
    ran = run("learn", songs, "-o", "new/mine.safetensors", "--model", "ngram", "--report", "songs.csv")
    assert ran.files == [Path("new/mine.safetensors")]
    for title in TUNES:
        assert title in ran.err
    assert "5 songs kept, 0 duplicates, 0 dropped" in ran.err
    assert "bits per note on 1 song held out (fewer is better): uniform" in ran.err
    with Path("songs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["name"], r["status"], r["key"], r["meter"], r["bars"]) for r in rows] == [
        (title, "kept", "C major", "4/4", "4") for title in TUNES
    ]
    assert {p.name for p in home.rglob("*")} == {"new", "mine.safetensors", "songs.csv"}


def test_learn_as_json(run: Run, songs: Path) -> None:
    ran = run("learn", songs, "-o", "mine.safetensors", "--model", "uniform", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = strict_json(ran.out)
    assert [s["name"] for s in found["songs"]] == list(TUNES)
    assert found["report"]["songs"] == len(TUNES)
    assert set(found["report"]["bits_per_note"]) == {"uniform", "ngram", "learned"}
    assert found["output"] == "mine.safetensors"


def test_learning_a_network_shows_its_progress_and_leaves_a_curve(run: Run, home: Path, songs: Path) -> None:
    ran = run("learn", songs, "-o", "mine.safetensors", "--epochs", "3", "--size", "small", "--from", "scratch")
    assert ran.files == [Path("mine.safetensors"), Path("mine-curve.png")]
    assert begins(Path("mine-curve.png"))
    assert "epochs 1 to 3" in ran.err
    assert "this model" in ran.err
    assert {p.name for p in home.iterdir()} == {"mine.safetensors", "mine-curve.png"}, "the work is cleared away"
    assert strict_json(run("info", "mine.safetensors", "--json").out)["model"] == "mixture"


def test_one_song_gives_json_without_nan(run: Run, home: Path) -> None:
    (home / "one.abc").write_text(abc("One", TUNES["Steps"]))
    ran = run(
        "learn", "one.abc", "-o", "mine.safetensors", "--epochs", "1", "--size", "small", "--from", "scratch", "--json"
    )
    assert strict_json(ran.out)["report"]["bits_per_note"] == {}
    strict_json(run("info", "mine.safetensors", "--json").out)


def test_learning_into_the_folder_of_the_songs(run: Run, home: Path) -> None:
    for title, music in TUNES.items():
        (home / f"{title}.abc").write_text(abc(title, music))
    for _ in range(2):  # the second time, the model lies there
        ran = run("learn", ".", "-o", "mine.safetensors", "--model", "uniform", "--json")
        assert ran.code == 0
    (other,) = (s for s in strict_json(ran.out)["songs"] if s["status"] != "kept")
    assert other["path"] == "mine.safetensors"


def test_same_songs_and_seed_give_the_same_model(run: Run, songs: Path) -> None:
    for name in ("a", "b"):
        run(
            "learn",
            songs,
            "-o",
            f"{name}.safetensors",
            "--epochs",
            "1",
            "--size",
            "small",
            "--from",
            "scratch",
            "--seed",
            "3",
        )
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


# ---- compose


@pytest.fixture(scope="module")
def piece(ngram: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a piece in every format."""
    folder = tmp_path_factory.mktemp("piece")
    formats = ",".join(e for e in WRITABLE if e != "txt")
    assert cli.run(["compose", "-m", str(ngram), "-o", str(folder / "new"), "--bars", "4", "--formats", formats]) == 0
    return folder


def test_compose_writes_every_format(piece: Path) -> None:
    assert {p.name for p in piece.iterdir()} == {f"new.{e}" for e in WRITABLE if e != "txt"}
    assert all(begins(p) for p in piece.iterdir())


def test_the_same_request_gives_the_same_bytes(run: Run, ngram: Path, piece: Path) -> None:
    ran = run("compose", "-m", ngram, "-o", "new", "--bars", "4")
    assert [p.suffix.lstrip(".") for p in ran.files] == list(api.OUTPUTS), "the results, and nothing else"
    for file in ran.files:
        assert file.read_bytes() == (piece / file.name).read_bytes(), file
    others = run("compose", "-m", ngram, "-o", "again", "--bars", "4", "--formats", "flac,ogg,abc").files
    for file in others:
        assert file.read_bytes() == (piece / f"new{file.suffix}").read_bytes(), file


def test_another_seed_gives_another_piece(run: Run, ngram: Path, piece: Path) -> None:
    (other,) = run("compose", "-m", ngram, "-o", "new.abc", "--bars", "4", "--seed", "2").files
    assert other.read_bytes() != (piece / "new.abc").read_bytes()


def test_the_request_travels_inside_the_files(run: Run, ngram: Path, piece: Path) -> None:
    (song,) = strict_json(run("info", piece / "new.mid", "--json").out)["songs"]
    assert song["provenance"]["request"]["bars"] == 4
    assert song["provenance"]["request"]["seed"] == 1
    assert song["provenance"]["model"] == api.load_model(ngram).digest
    assert song["bars"] == 4
    digest = api.load_model(ngram).digest.encode()
    for ending in ("musicxml", "html", "mid", "wav", "mp3"):
        assert digest in (piece / f"new.{ending}").read_bytes(), ending


def test_what_is_asked_for_is_composed(run: Run, ngram: Path) -> None:
    wishes = ["--key", "D minor", "--meter", "3/4", "--bars", "5", "--tempo", "90"]
    ran = run("compose", "-m", ngram, "-o", "waltz.mid", *wishes)
    assert ran.files == [Path("waltz.mid")]
    (song,) = strict_json(run("info", "waltz.mid", "--json").out)["songs"]
    assert (song["key"], song["meter"], song["bars"], song["tempo"]) == ("D minor", "3/4", 5, pytest.approx(90, 0.001))


def test_several_pieces_as_json(run: Run, uniform: Path, home: Path) -> None:
    ran = run(
        "compose", "-m", uniform, "-o", "a/b/ideas", "-n", "3", "--formats", " mid, .abc,mid", "--bars", "1", "--json"
    )
    assert ran.code == 0
    pieces = strict_json(ran.out)["pieces"]
    assert [p["piece"] for p in pieces] == [1, 2, 3]
    assert [p["files"] for p in pieces] == [[f"a/b/ideas-{n}.{e}" for e in ("mid", "abc")] for n in (1, 2, 3)]
    contents = {Path(p["files"][0]).read_bytes() for p in pieces}
    assert len(contents) == 3


@pytest.mark.parametrize(
    ("output", "formats", "made"),
    [
        ("no. 5", "mid", "no. 5.mid"),
        ("v1.2", "mid", "v1.2.mid"),
        ("a.b", "mid", "a.b.mid"),
        ("song.MID", None, "song.MID"),
        ("song.mp3", "mid", "song.mid"),
        (".hidden", "mid", ".hidden.mid"),
    ],
)
def test_names_with_dots(run: Run, uniform: Path, output: str, formats: str | None, made: str) -> None:
    wanted = ["--formats", formats] if formats else []
    assert run("compose", "-m", uniform, "-o", output, "--bars", "1", *wanted).files == [Path(made)]


# ---- render, convert


def test_render(run: Run, piece: Path) -> None:
    (audio,) = run("render", piece / "new.abc", "-o", "deep/er/take.flac").files
    assert begins(audio)
    (mechanical,) = run("render", piece / "new.abc", "-o", "flat.flac", "--feel", "0").files
    assert mechanical.read_bytes() != audio.read_bytes()
    (classic,) = run("render", piece / "new.abc", "-o", "old.flac", "--sound", "classic").files
    assert classic.read_bytes() != audio.read_bytes()


def test_render_beside_the_song(run: Run, home: Path) -> None:
    (home / "tune.abc").write_text(abc("Tune", "CDEF G4|]"))
    assert run("render", "tune.abc").files == [Path("tune.wav")]


@pytest.mark.parametrize("source", [e for e in READABLE if e != "midi"])
def test_convert_in_every_direction(run: Run, home: Path, source: str) -> None:
    (home / "tune.abc").write_text(abc("Tune", "C2D2 E2F2 | G4 C4 |]"))
    if source != "abc":
        assert run("convert", "tune.abc", f"tune.{source}").code == 0
    for ending in WRITABLE:
        ran = run("convert", f"tune.{source}", f"out.{ending}")
        assert ran.files == [Path(f"out.{ending}")]
        assert ran.err == ""
        assert begins(Path(f"out.{ending}"))
    roll = run("convert", f"tune.{source}", "roll.png", "--view", "roll").files[0]
    assert roll.read_bytes() != Path("out.png").read_bytes()


def test_the_step_of_digits(run: Run, home: Path) -> None:
    (home / "tune.txt").write_text("1 3 5 6 8 10 12 13")
    for step in (0.4, 0.25):
        (song,) = strict_json(run("info", "tune.txt", "--json", "--step", step).out)["songs"]
        assert song["seconds"] == pytest.approx(8 * step)


def test_a_book_gives_numbered_files(run: Run, home: Path) -> None:
    (home / "book.abc").write_text("\n".join(abc(t, m, n) for n, (t, m) in enumerate(TUNES.items(), 1)))
    assert run("convert", "book.abc", "out.mid").files == [Path(f"out-{n}.mid") for n in range(1, len(TUNES) + 1)]


def test_a_file_may_be_converted_onto_itself(run: Run, home: Path) -> None:
    (home / "tune.abc").write_text(abc("Tune", TUNES["Leaps"]))
    assert run("convert", "tune.abc", "tune.abc").files == [Path("tune.abc")]
    assert run("info", "tune.abc").code == 0


def test_notes_cut_short_in_notation_are_told(run: Run, home: Path) -> None:
    held = Part(tuple(Note(i * TPQ, (9 - i) * TPQ, 48 + 5 * i) for i in range(5)))  # needs five voices
    api.save(Score((held,)), "five.mid")
    ran = run("convert", "five.mid", "five.musicxml")
    assert (ran.code, ran.err) == (0, "tunesmith: five.musicxml: 1 note cut short: more than 4 voices in a part\n")
    assert run("convert", "five.mid", "again.mid").err == ""


# ---- evaluate, info


def test_a_tempo_that_is_not_given_is_not_invented(run: Run, home: Path) -> None:
    score = Score((Part((Note(0, TPQ, 60),)),))
    api.save(score, "none.mid")
    api.save(score.replace(tempos=(Tempo(0, 120.0),)), "given.mid")
    assert "tempo  not given (120 assumed)\n" in run("info", "none.mid").out
    assert strict_json(run("info", "none.mid", "--json").out)["songs"][0]["tempo"] is None
    assert "tempo  120.0\n" in run("info", "given.mid").out


def test_evaluate(run: Run, ngram: Path, uniform: Path, songs: Path) -> None:
    ran = run("evaluate", "-m", ngram, songs)
    assert ran.code == 0
    assert all(title in ran.out for title in TUNES)
    known = strict_json(run("evaluate", "-m", ngram, songs, "--json").out)
    guessed = strict_json(run("evaluate", "-m", uniform, songs, "--json").out)
    assert [s["name"] for s in known["songs"]] == list(TUNES)
    assert known["all"]["notes"] == guessed["all"]["notes"] == sum(s["notes"] for s in known["songs"])
    assert known["all"]["bits_per_note"] < guessed["all"]["bits_per_note"] / 3


def test_evaluate_in_part(run: Run, home: Path, ngram: Path, songs: Path) -> None:
    (home / "bad.txt").write_text("99")
    ran = run("evaluate", "-m", ngram, songs, "bad.txt", "--json")
    assert ran.code == 1
    last = strict_json(ran.out)["songs"][-1]
    assert last["bits_per_note"] is None
    assert "99 is outside 0 to 24" in last["problem"]
    assert run("evaluate", "-m", ngram, songs, "bad.txt").code == 1


def test_info_of_a_song(run: Run, home: Path) -> None:
    (home / "tune.abc").write_text(abc("The Tune", TUNES["Pairs"], key="Am"))
    ran = run("info", "tune.abc")
    assert (ran.code, ran.err) == (0, "")
    for part in ("The Tune", "A minor", "4/4"):
        assert part in ran.out
    found = strict_json(run("info", "tune.abc", "--json").out)
    assert found["kind"] == "songs"
    assert found["songs"][0]["notes"] == 17


def test_info_of_a_model(run: Run, ngram: Path) -> None:
    ran = run("info", ngram)
    assert (ran.code, ran.err) == (0, "")
    for part in (*TUNES, "ngram", __version__, "learned from 5 songs in 5 files", "bits per note"):
        assert part in ran.out
    found = strict_json(run("info", ngram, "--json").out)
    assert found["kind"] == "model"
    assert found["digest"] in ran.out
    assert [f["name"] for f in found["about"]["files"]] == [f"{n}.abc" for n in range(5)]


def test_a_model_without_its_songs(run: Run, songs: Path) -> None:
    assert run("learn", songs, "-o", "m.safetensors", "--model", "uniform", "--no-songs").code == 0
    assert strict_json(run("info", "m.safetensors", "--json").out)["songs"] == []
    assert not any(title.encode() in Path("m.safetensors").read_bytes() for title in TUNES)
    assert run("compose", "-m", "m.safetensors", "-o", "new.mid", "--bars", "2").code == 0


# ---- what is imported, and being stopped

IMPORTS = """
import json, sys
from tunesmith.cli import run
codes = [run(words) for words in json.loads(sys.argv[1])]
print(codes, sorted({"torch", "numpy", "scipy", "soundfile", "verovio"} & set(sys.modules)), file=sys.stderr)
"""


def imported(folder: Path, *commands: list[str]) -> str:
    """The last line of a process that ran these commands: their exit codes, and the heavy modules it then has."""
    command = [sys.executable, "-c", IMPORTS, json.dumps(commands)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()[-1]


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, ["--help"], ["compose", "--help"], ["--version"], ["sing"]) == "[0, 0, 0, 2] []"


def test_no_command_but_learn_imports_torch(tmp_path: Path, rnn: Path, songs: Path) -> None:
    model, tune = str(rnn), str(songs / "0.abc")
    found = imported(
        tmp_path,
        ["compose", "-m", model, "-o", "new", "--bars", "2"],
        ["render", "new.mid", "-o", "take.ogg"],
        ["convert", tune, "tune.mid"],
        ["convert", tune, "roll.png", "--view", "roll"],
        ["evaluate", "-m", model, tune],
        ["info", model],
        ["learn", tune, "-o", "counts.safetensors", "--model", "ngram"],
    )
    assert found.startswith("[0, 0, 0, 0, 0, 0, 0] ")
    assert "numpy" in found
    assert "torch" not in found


WITHOUT = """
import sys
sys.modules["torch"] = sys.modules["matplotlib"] = None  # as if they were not installed
from tunesmith.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["learn", "{songs}", "-o", "m.safetensors"], "learn"),
        (["learn", "{songs}", "-o", "m.safetensors", "--model", "seed"], "learn"),
        (["convert", "{songs}/0.abc", "roll.png", "--view", "roll"], "plot"),
    ],
)
def test_what_is_not_installed_is_named_with_its_pip_line(
    tmp_path: Path, songs: Path, command: list[str], extra: str
) -> None:
    if "seed" in command:
        songs = tmp_path / "digits"
        songs.mkdir()
        (songs / "0.txt").write_text("1 3 5 6 8 10 12 13")
    words = [word.replace("{songs}", str(songs)) for word in command]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("tunesmith: ")
    assert last.endswith(f"is not installed; run: pip install 'tunesmith[{extra}]'")


def test_ctrl_c_ends_in_one_line(run: Run, home: Path, songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunesmith.checkpoint.save", stop)
    ran = run("learn", songs, "-o", "m.safetensors", "--model", "uniform")
    assert ran.code == 130
    assert ran.out == ""
    assert ran.err.splitlines()[-1] == "tunesmith: stopped; the same command goes on or starts again"
    assert not (home / "m.safetensors").exists()
    monkeypatch.undo()
    os.chdir(home)
    assert run("learn", songs, "-o", "m.safetensors", "--model", "uniform").code == 0


def test_a_reader_that_leaves_early_hears_no_complaint(home: Path, songs: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m tunesmith info {shlex.quote(str(songs / '0.abc'))} | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 1), "1 where click notices it"


def test_a_forged_report_is_told_as_unreadable() -> None:
    from tunesmith.console import info_text

    about = {"seed": 0, "files": [], "report": {"history": [[1, None]], "bits_per_note": 7}}
    found = {"kind": "model", "file": "m", "model": "rnn", "program": "0", "digest": "", "songs": [], "about": about}
    assert "cannot be read" in info_text(found)


def test_a_network_that_predicts_worse_than_counting_is_told_so() -> None:
    from tunesmith.console import result_text

    def told(learned: float) -> str:
        bits = {"uniform": 13.0, "ngram": 4.0, "learned": learned}
        return result_text({"history": [], "bits_per_note": bits, "ngram_songs": 9, "held_out_songs": 2})

    assert "try --model ngram" in told(4.1)
    assert "try --model ngram" not in told(3.9)


def test_a_fermata_is_printed_where_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "song.abc").write_text(abc("Steps", TUNES["Steps"]))
    for ending in ("musicxml", "svg"):
        run("convert", "song.abc", f"plain.{ending}")
        run("convert", "song.abc", f"held.{ending}", "--fermata")
        plain, held = ((tmp_path / f"{name}.{ending}").read_text() for name in ("plain", "held"))
        assert "fermata" not in plain
        assert "fermata" in held


def test_a_fault_of_ours_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    (tmp_path / "song.abc").write_text(abc("Steps", TUNES["Steps"]))
    monkeypatch.setattr(api, "info", broken)
    with pytest.raises(ZeroDivisionError):
        run("info", "song.abc")
    monkeypatch.delenv(cli.DEBUG)
    assert "a fault in Tunesmith itself (ZeroDivisionError: by" in run("info", "song.abc").line
