"""Asking whether a piece is new, from Python and from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import Run, abc

import tunesmith as ts
from tunesmith.originality import View

SCALE = "CDEF GABc|cBAG FEDC|CEGc GECE|DFAd AFDF|"
LEAPS = "C2G2 E4|c6 A2|F3A c2f2|e4 C4|"


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    """Two songs that have no run in common."""
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "scale.abc").write_text(abc("Scale", SCALE), "utf-8")
    (folder / "leaps.abc").write_text(abc("Leaps", LEAPS), "utf-8")
    return folder


def test_a_copy_in_another_key_is_found_and_said(run: Run, tunes: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.abc").write_text(abc("Copy", f"E2E2 E4|{LEAPS}"), "utf-8")
    song = next(s for s in ts.load_songs(tmp_path / "copy.abc"))
    ts.save(song.transpose(3), "copy.mid")
    ran = run("check", "copy.mid", "--against", tunes)
    assert ran.code == 0
    assert "has more of these songs than any of them has of the others" in ran.out
    assert "notes in a row of Leaps" in ran.out
    (row,) = [line.split() for line in ran.out.splitlines()[1:] if "Leaps" in line]
    assert row == ["2-5", "11", "Leaps", "1"]


def test_json_says_where_every_run_stands(run: Run, tunes: Path) -> None:
    (found,) = json.loads(run("check", tunes / "scale.abc", "--against", tunes, "--json").out)
    assert (found["whole"]["share"], found["whole"]["longest"], found["songs"]) == (1.0, 32, 2)
    (stretch,) = found["runs"]
    assert (stretch["song"], stretch["song_bar"], stretch["bars"]) == ("Scale", 1, [1, 4])
    assert found["closest"] == [{"bar": bar, "song": "Scale", "notes": 32} for bar in (1, 2, 3, 4)]
    assert found["whole"]["songs"]["most_share"] == 0


def test_new_music_is_called_as_new_as_the_songs_are(run: Run, tunes: Path, tmp_path: Path) -> None:
    (tmp_path / "new.abc").write_text(abc("New", "G4 E4|c2A2 F2D2|B,4 D4|C8|"), "utf-8")
    assert "as new as these songs are to each other" in run("check", "new.abc", "--against", tunes).out


def test_a_model_stands_for_the_songs_it_learned_from(run: Run, tunes: Path, tmp_path: Path) -> None:
    model = tmp_path / "mine.safetensors"
    learned = ts.learn(tunes, output=model, model="ngram")
    (piece,) = ts.load_songs(tunes / "scale.abc")
    by_songs = ts.check(piece, ts.against(tunes))
    for source in (model, learned):
        by_model = ts.check(piece, ts.against(source))
        assert by_model.whole.share == by_songs.whole.share == 1
        assert by_model.against.yardsticks == by_songs.against.yardsticks
        assert set(by_model.against.names) == {"Scale", "Leaps"}
    assert by_songs.views.keys() == set(View)


def test_one_song_is_no_yardstick(run: Run, tunes: Path) -> None:
    ran = run("check", tunes / "scale.abc", "--against", tunes / "leaps.abc")
    assert "0% of its notes stand in the song it was held against" in ran.out


def test_one_bad_song_does_not_stop_a_check(run: Run, tunes: Path) -> None:
    (tunes / "bad.abc").write_text("X:1\nT:Bad\nM:4/4\nK:C\n[CE\n", "utf-8")
    ran = run("check", tunes / "scale.abc", "--against", tunes)
    assert ran.code == 1
    assert "bad.abc" in ran.err
    assert "100%" in ran.out


def test_what_makes_no_sense_is_one_line(run: Run, tunes: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    silent = tmp_path / "silent.abc"
    silent.write_text(abc("Silent", "z8|"), "utf-8")
    shutil.copy(tunes / "scale.abc", tmp_path)
    assert "choose from 2 to 1000" in run("check", "scale.abc", "--against", tunes, "--least", 1).line
    assert "a model was named that keeps no songs" in run("check", "scale.abc", "--against", "base").line
    assert "no such file" in run("check", "scale.abc", "--against", "nowhere").line
    assert "no such file" in run("check", "nothing.mid", "--against", tunes).line
    assert run("check", "scale.abc", "--against", empty).code == 2
    assert "the tune has no notes" in run("check", silent, "--against", tunes).line


def test_composing_says_how_new_a_piece_is(run: Run, tunes: Path, tmp_path: Path) -> None:
    model = tmp_path / "mine.safetensors"
    ts.learn(tunes, output=model, model="ngram")
    compose = ("compose", "-m", model, "--bars", "4", "-n", "2", "--formats", "mid", "-o", "new")
    told = run(*compose).err
    made = json.loads(run(*compose, "--json").out)["pieces"]
    for number, piece in enumerate(made, 1):
        (score,) = ts.load_songs(f"new-{number}.mid")
        found = ts.check(score, ts.against(tunes))
        assert (piece["longest_run"], piece["copied"]) == (found.whole.longest, found.whole.copied)
        assert piece["verdict"] == found.verdict
        assert f"no. {number}: {piece['verdict']} (longest run in common: {piece['longest_run']} notes)" in told
    assert "longest run" not in run("compose", "--bars", "2", "--formats", "mid", "-o", "new").err
