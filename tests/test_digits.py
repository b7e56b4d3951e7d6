"""Digits: the historical format, read and written, with the place of every fault."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from conftest import must_be_refused

from tunesmith import formats
from tunesmith.errors import FormatError, RequestError, TunesmithError
from tunesmith.formats import ReadOptions
from tunesmith.score import TPQ, Chord, Meter, Note, Part, Repeat, Score, Tempo

DATA = Path(__file__).parent / "data" / "digits"


def read(path: Path, options: ReadOptions | None = None) -> Score:
    (score,) = formats.read(path, options)
    assert isinstance(score, Score)
    return score


def melody(*notes: tuple[int, int, int]) -> Score:
    """A score of (onset, duration, pitch), in quarter notes."""
    return Score(parts=(Part(tuple(Note(int(a * TPQ), int(b * TPQ), p) for a, b, p in notes)),))


def numbers(score: Score, folder: Path) -> list[int]:
    """The numbers that a score is written as, without remarks."""
    path = folder / "written.txt"
    formats.write(score, path)
    return [
        int(word) for line in path.read_text("utf-8").splitlines() if not line.startswith("#") for word in line.split()
    ]


@pytest.mark.parametrize("path", sorted((DATA / "valid").glob("*.txt")), ids=lambda p: p.stem)
def test_valid_files_read_as_expected(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    notes = tuple(Note(step * TPQ, TPQ, pitch) for step, pitch in expected["notes"])
    assert read(path) == Score(parts=(Part(notes),), tempos=(Tempo(0, expected["bpm"]),), title=expected["title"])


@pytest.mark.parametrize("path", sorted((DATA / "invalid").glob("*.txt")), ids=lambda p: p.stem)
def test_broken_files_give_one_line_with_a_place(path: Path) -> None:
    must_be_refused(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "no notes"),
        ("1 2".encode("utf-16"), "line 1, column 1: not a text file in UTF-8"),
        (b"MThd\x00\x00\x00\x06\x00\x01", "line 1, column 1: "),
        (b"1 " * 300_000, "300,000 steps; 200,000 is the most"),
        (b"1 " * 2**20, "larger than 1 MiB"),
    ],
)
def test_what_is_no_digits_file(data: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=expected):
        read(path)


def test_a_long_run_of_zeros_is_read_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes(b"0" * 500_000 + b"x")
    start = time.perf_counter()
    with pytest.raises(FormatError, match="line 1, column 1"):
        read(path)
    assert time.perf_counter() - start < 1


def test_mutated_files_raise_nothing_unnamed(tmp_path: Path) -> None:
    dice = random.Random(3)
    whole = (DATA / "valid" / "tune.txt").read_bytes()
    path = tmp_path / "song.txt"
    read_well = 0
    for _ in range(500):
        data = bytearray(whole)
        data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            read_well += read(path).note_count > 0
        except TunesmithError as error:
            assert "\n" not in str(error)
    assert 50 < read_well < 500


def test_a_step_lasts_what_the_option_says() -> None:
    score = read(DATA / "valid" / "tune.txt", ReadOptions(step_seconds=0.25))
    assert score.seconds([TPQ, 8 * TPQ]).tolist() == [0.25, 2.0]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e-9])
def test_a_step_that_makes_no_music_is_refused(seconds: float) -> None:
    with pytest.raises(RequestError, match="a step of"):
        read(DATA / "valid" / "tune.txt", ReadOptions(step_seconds=seconds))


def test_writing_takes_the_longest_step_and_repeats_longer_notes(tmp_path: Path) -> None:
    assert numbers(melody((0, 1, 60), (1, 2, 62), (4, 1, 64)), tmp_path) == [13, 15, 15, 0, 17]
    assert numbers(melody((0, 1, 60), (1, 1.5, 62), (2.5, 0.5, 64)), tmp_path) == [13, 13, 15, 15, 15, 17]
    assert numbers(melody((0, 4, 48), (4, 4, 71)), tmp_path) == [1, 24]


def test_writing_plays_repeats_and_keeps_the_title(tmp_path: Path) -> None:
    score = melody((0, 1, 60), (1, 1, 62)).replace(repeats=(Repeat(0, 2 * TPQ),), title="Two\n times")
    assert numbers(score, tmp_path) == [13, 15, 13, 15]
    assert read(tmp_path / "written.txt").title == "Two times"


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (melody((0, 1, 60), (4, 1, 60), (4, 1, 64)), "bar 2, note 2: a second voice or a chord"),
        (melody((0, 2, 60), (1, 1, 64)), "bar 1, note 2: a second voice or a chord"),
        (melody((0, 1, 60), (9, 1, 72)), r"bar 3, note 2: MIDI pitch 72 is outside 48 to 71 \(C3 to B4\); transpose"),
        (melody((0, 1, 47)), "bar 1, note 1: MIDI pitch 47"),
        (melody((0, 1, 60), (1 + 1 / TPQ, 1, 60)), "no equal step of at least 1/64 of a bar; quantise"),
        (melody((0, 1, 60), (300_000, 1, 60)), "bar 75001, note 2: more than 200,000 steps"),
        (melody((0, 1, 60)).replace(parts=melody((0, 1, 60)).parts * 2), "2 parts with notes"),
        (Score(parts=(Part((Note(0, TPQ, 60),), drums=True),)), "drums where digits hold one melody"),
        (Score(chords=(Chord(0, TPQ, 0, 0),)), "no parts with notes"),
    ],
)
def test_what_digits_cannot_hold_is_refused(score: Score, expected: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=expected):
        formats.write(score, tmp_path / "no.txt")
    assert not list(tmp_path.iterdir())


def test_sixty_four_steps_a_bar_are_the_most(tmp_path: Path) -> None:
    score = melody((0, 1 / 16, 60), (1, 1, 60))
    assert len(numbers(score, tmp_path)) == 32
    with pytest.raises(FormatError, match="no equal step"):
        formats.write(score.replace(meters=(Meter(0, 5, 4),)), tmp_path / "no.txt")
