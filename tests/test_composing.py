"""Composing as users ask for it: what a piece says of itself, the best of many, one like another."""

from __future__ import annotations

import dataclasses
import json
from functools import cache

import pytest
from test_cli import Run
from test_sample import MARCH, WALTZ, knowing

from tunesmith import api, checkpoint, formats
from tunesmith.composing import Way, composing
from tunesmith.errors import RequestError
from tunesmith.provenance import differences, mark_of, told_by
from tunesmith.ranking import comes_back
from tunesmith.request import Request
from tunesmith.score import TPQ, Key, Note, Part, Score


@cache
def base() -> checkpoint.Learned:
    return checkpoint.load(checkpoint.BASE)


def test_a_piece_carries_its_request_its_model_and_how_new_it_is():
    learned = dataclasses.replace(knowing(WALTZ, MARCH), digest="abc")
    made = list(composing(learned, Request(bars=8, seed=3, pieces=2, key=Key(0, 1, "major"))))
    told = json.loads(made[1].score.provenance)
    assert (told["piece"], told["model"], told["way"]) == (2, "abc", {"name": "compose"})
    assert Request.back(told["request"]) == Request(bars=8, seed=3, pieces=2, key=Key(0, 1, "major"))
    assert made[1].checked is not None
    whole = made[1].checked.whole
    assert told["copied"] == {"notes": whole.notes, "copied": whole.copied, "longest_run": whole.longest, "least": 8}
    assert whole.notes == made[1].score.note_count


def test_a_piece_of_another_says_of_which():
    made = next(composing(knowing(MARCH), Request(), Way("rewrite", MARCH, (2, 3))))
    told = json.loads(made.score.provenance)["way"]
    assert told == {"name": "rewrite", "of": mark_of(MARCH), "bars": [2, 3]}
    with pytest.raises(RequestError, match="made of another"):
        told_by(made.score)


def test_the_base_says_what_its_own_music_may_have():
    made = next(composing(base(), Request(bars=4)))
    assert made.checked is None
    assert made.base_run is not None
    assert json.loads(made.score.provenance)["copied"] == {"longest_run_in_base_music": made.base_run}


@pytest.mark.parametrize("ending", ["mid", "musicxml", "abc"])
def test_a_piece_is_made_again_from_what_it_says(tmp_path, ending):
    request = Request.of({"bars": 4, "seed": 9, "pieces": 3, "notes": "2.3=C5", "form": "AB", "leap": "octave"})
    third = list(composing(base(), request))[2].score
    path = tmp_path / f"piece.{ending}"
    api.save(third, path)
    (read,) = (song for song in formats.read(path) if isinstance(song, Score))
    told = told_by(read)
    assert (told.request, told.number) == (request, 3)
    again = next(composing(base(), told.request, only=told.number)).score
    assert again == third
    assert differences(read, again, told, base()) == []


def test_what_differs_is_said():
    piece = next(composing(base(), Request(bars=4, seed=2))).score
    told = told_by(piece)
    other = dataclasses.replace(base(), digest="other")
    assert differences(piece, piece, told, other)[0].startswith("it was made by another model")
    notes = piece.parts[0].notes
    moved = [dataclasses.replace(n, pitch=n.pitch + 1) if i == len(notes) - 1 else n for i, n in enumerate(notes)]
    changed = piece.replace(parts=(dataclasses.replace(piece.parts[0], notes=tuple(moved)),))
    assert differences(changed, piece, told, base()) == ["the music differs from bar 4 on"]
    older = dataclasses.replace(told, program="tunesmith 0.0.1")
    assert "it was made by tunesmith 0.0.1" in differences(piece, piece, older, base())[0]


@pytest.mark.parametrize("provenance", ["", "no json", "{}", '{"request": [], "piece": 1, "model": "", "program": ""}'])
def test_pieces_that_do_not_say_how_they_were_made(provenance):
    with pytest.raises(RequestError):
        told_by(WALTZ.replace(provenance=provenance))


def test_the_best_are_the_best_and_best_first():
    request = Request(bars=8, pieces=6, seed=4)
    every = list(composing(base(), request, best=6))
    means = [one.marks.mean for one in every if one.marks]
    assert means == sorted(means, reverse=True)
    assert len(means) == 6
    assert [one.score for one in composing(base(), request, best=2)] == [one.score for one in every[:2]]
    with pytest.raises(RequestError, match="the best 7 of 6 pieces"):
        next(composing(base(), request, best=7))


def test_bars_that_come_back_are_counted():
    bar = [60, 62, 64, 65]
    tune = [*bar, *(p + 5 for p in bar), 67, 64, 62, 60]
    notes = tuple(Note(i * TPQ, TPQ, p) for i, p in enumerate(tune))
    assert comes_back(Score((Part(notes),))) == pytest.approx(1 / 3)
    assert comes_back(Score()) == 0


def test_the_cap_is_what_songs_have_of_each_other():
    """Two songs that share 11 notes: a piece may have 11 in a row, and no more."""
    from tunesmith.sample import cap_of

    shared = [60, 62, 64, 60, 67, 65, 64, 62, 71, 72, 60]
    first, second = ([*shared, *tail] for tail in ([62, 61, 62], [55, 57, 59]))
    songs = [Score((Part(tuple(Note(i * TPQ, TPQ, p) for i, p in enumerate(tune))),)) for tune in (first, second)]
    cap = cap_of(knowing(*songs), Request())
    assert cap is not None
    assert cap.most == 11
    assert cap_of(knowing(*songs), Request(max_copy=0)) is None
    assert cap_of(knowing(*songs), Request(max_copy=5)).most == 5  # type: ignore[union-attr]  # a cap is asked for


def test_like_on_the_command_line(run: Run, tmp_path) -> None:
    first = run("compose", "-o", f"{tmp_path}/a.mid", "--bars", "4", "--seed", "6", "--cadence", "tonic")
    assert first.code == 0
    again = run("compose", "--like", f"{tmp_path}/a.mid", "-o", f"{tmp_path}/b.mid")
    assert again.code == 0
    assert "the music is the same, note for note" in again.err
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_ways_on_the_command_line(run: Run, tmp_path) -> None:
    song = f"{tmp_path}/tune.abc"
    api.save(MARCH.replace(title="March"), song)
    for words in (
        ("continue", song, "--bars", "6"),
        ("rewrite", song, "--bars", "2-3"),
        ("harmonise", song),
        ("harmonise", song, "--with", "voices"),
        ("vary", song, "--strength", "0.3"),
    ):
        made = run(*words, "-o", f"{tmp_path}/out.musicxml", "--particles", "2")
        assert made.code == 0, made.err
        assert made.out.strip() == f"{tmp_path}/out.musicxml"
        assert "March, " in made.err


def test_a_request_file_and_options_on_top_of_it(run: Run, tmp_path) -> None:
    (tmp_path / "wish.toml").write_text('bars = 4\nkey = "E minor"\nform = "AA"\nseed = 5\n')
    made = run("compose", "--request", f"{tmp_path}/wish.toml", "--seed", "8", "-o", f"{tmp_path}/a.mid")
    assert made.code == 0, made.err
    (piece,) = (s for s in formats.read(tmp_path / "a.mid") if isinstance(s, Score))
    request = told_by(piece).request
    assert (request.bars, request.key, request.form, request.seed) == (4, Key(0, 1, "minor"), "AA", 8)
    (tmp_path / "bad.toml").write_text("bras = 4\n")
    bad = run("compose", "--request", f"{tmp_path}/bad.toml", "-o", f"{tmp_path}/b.mid")
    assert bad.code == 2
    assert "there is no wish 'bras'; did you mean bars?" in bad.err


@pytest.mark.parametrize(
    "told",
    [
        "[" * 100_000,
        '{"piece": Infinity, "request": {}, "model": "", "program": ""}',
        '{"piece": 1, "request": {"notes": [[1, "1/0", 60]]}, "model": "", "program": ""}',
        '{"piece": 1, "request": {"notes": [[1, "1e99999999", 60]]}, "model": "", "program": ""}',
        '{"piece": 1, "request": {"key": {"onset": 0, "fifths": 99, "mode": "foo"}}, "model": "", "program": ""}',
        '{"piece": 1, "request": {"chords": [[[0, 1000]]]}, "model": "", "program": ""}',
    ],
)
def test_forged_requests_are_refused(told):
    with pytest.raises(RequestError):
        told_by(WALTZ.replace(provenance=told))


def test_the_piece_itself_is_never_written_over(run: Run, tmp_path) -> None:
    song = tmp_path / "tune-1.abc"
    api.save(MARCH, song)
    before = song.read_bytes()
    for words in (("rewrite", f"{song}", "--bars", "2", "-o", f"{tmp_path}/tune", "-n", "2", "--formats", "abc"),):
        assert "is the piece itself" in run(*words).err
    assert run("compose", "--bars", "4", "-o", f"{tmp_path}/a.mid").code == 0
    assert "is the piece itself" in run("compose", "--like", f"{tmp_path}/a.mid", "-o", f"{tmp_path}/a.mid").err
    assert song.read_bytes() == before


def test_pieces_that_cannot_be_made_do_not_lose_the_others():
    failed: list[object] = []
    request = Request(bars=4, pieces=8, shortest=TPQ, density=(4, 8))  # not in every meter that the base draws
    made = list(composing(base(), request, failed=failed.append))
    assert len(made) + len(failed) == 8
    assert made
    assert all("piece" in str(error) for error in failed)
