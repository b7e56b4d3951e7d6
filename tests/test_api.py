"""The public functions, as their docstring shows them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from conftest import TUNES, abc
from strategies import melody

import tunesmith as ts
from tunesmith import api
from tunesmith.errors import (
    CorpusError,
    FormatError,
    ModelError,
    RequestError,
    SongWarning,
    StorageError,
    UnknownFormat,
)
from tunesmith.score import TPQ, Key, Meter, Note, Part, Score

SCALES = [
    melody([*range(p, p + 8), *range(p + 8, p - 1, -1)], TPQ // 2, title=f"Scale {p}", meters=(Meter(0, 4, 4),))
    for p in (50, 55, 57, 62)
]
SCALES = [song.replace(parts=(Part(song.parts[0].notes[: 12 + i]),)) for i, song in enumerate(SCALES)]  # none alike


def test_every_public_name_resolves() -> None:
    for name in ts.__all__:
        assert getattr(ts, name) is not None
    for name in api.__all__:
        assert getattr(api, name) is not None
    assert set(dir(ts)) == set(ts.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sing'"):
        ts.sing  # noqa: B018 - looking is the test


def test_from_songs_to_a_new_song(songs: Path, tmp_path: Path) -> None:
    read = ts.load_songs(songs)
    assert [song.title for song in read] == list(TUNES)
    assert read.problems == ()
    model = ts.learn(read, output=tmp_path / "mine.safetensors", model="ngram")
    (piece,) = ts.compose(model, bars=16, key="D minor", seed=7)
    assert piece.keys == (Key(0, -1, "minor"),)
    assert sum(bar.number > 0 for bar in piece.bars()) == 16
    ts.save(piece, tmp_path / "new.mid")
    assert ts.info(tmp_path / "new.mid")["songs"][0]["provenance"]["request"]["seed"] == 7
    assert ts.info(tmp_path / "mine.safetensors")["songs"] == list(TUNES)
    results = list(ts.evaluate(model, songs))
    assert [r.name for r in results] == list(TUNES)
    assert all(0 < r.bits.per_note < 4 for r in results), "it has learned them by heart"
    assert api.summed(results).notes == sum(r.bits.notes for r in results)


def test_a_model_and_its_file_compose_the_same(ngram: Path, tmp_path: Path) -> None:
    model = ts.load_model(ngram)
    pieces = list(ts.compose(model, bars=3, pieces=2))
    assert pieces == list(ts.compose(ngram, bars=3, pieces=2))
    assert pieces == list(ts.compose(str(ngram), ts.Request(bars=3), pieces=2)), "options change a request"
    ts.save(model, tmp_path / "copy.safetensors")
    assert (tmp_path / "copy.safetensors").read_bytes() == ngram.read_bytes()


def test_every_piece_says_where_it_comes_from(uniform: Path) -> None:
    first, second = ts.compose(uniform, bars=2, pieces=2, seed=5, meter="6/8")
    about = [json.loads(piece.provenance) for piece in (first, second)]
    assert [a["piece"] for a in about] == [1, 2]
    assert about[0]["model"] == ts.load_model(uniform).digest
    assert about[0]["request"]["meter"] == {"onset": 0, "beats": 6, "unit": 8}
    assert about[0]["program"] == f"tunesmith {ts.__version__}"
    assert (first.title, second.title) == ("Song 5, no. 1", "Song 5, no. 2")


def test_learning_from_scores_files_and_folders_together(songs: Path) -> None:
    def names(what: object) -> tuple[str, ...]:
        return ts.learn(what, model="uniform").songs.names  # type: ignore[arg-type]  # what is tested

    assert names(SCALES) == tuple(song.title for song in SCALES)
    assert names(SCALES[0]) == ("Scale 50",)
    assert names(str(songs / "0.abc")) == ("Up and down",)
    assert names(song for song in [SCALES[1], songs / "1.abc", str(songs / "2.abc")]) == ("Scale 55", "Steps", "Pairs")


def test_a_network_is_learned_from_scores(songs: Path) -> None:
    events: list[api.Event] = []
    model = ts.learn(ts.load_songs(songs), epochs=2, start="scratch", size="small", on_event=events.append)
    kinds = [type(event).__name__ for event in events]
    assert kinds[:7] == ["Gathered", *["Entry"] * 5, "Ingested"]
    assert kinds[-1] == "Finished"
    assert set(kinds[7:-1]) == {"Epoch"}
    assert math.isfinite(model.about["report"]["bits_per_note"]["learned"])
    assert next(ts.compose(model, bars=2)).note_count > 0


def test_learning_yields_what_happens(songs: Path, tmp_path: Path) -> None:
    request = ts.LearnRequest((songs,), tmp_path / "m.safetensors", model="uniform")
    gathered, *entries, ingested, finished = ts.learning(request)
    assert gathered == api.Gathered(5)
    assert [e.name for e in entries if isinstance(e, api.Entry)] == list(TUNES)
    assert isinstance(ingested, api.Ingested)
    assert (ingested.kept, ingested.duplicates, ingested.dropped) == (5, 0, 0)
    assert isinstance(finished, api.Finished)
    assert finished.learned.digest == ts.info(tmp_path / "m.safetensors")["digest"]


# ---- songs


def test_load_songs_tells_problems_and_goes_on(songs: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("99")
    (tmp_path / "short.abc").write_text(abc("Short", "CDEF GABc | cBAG FED | EGce gece | c4 C4 |]"))
    (tmp_path / "bare.txt").write_text("1 3 5 6 8 10 12 13")
    read = ts.load_songs(tmp_path, songs)
    assert [song.title for song in read] == ["bare", "Short", *TUNES]
    assert [type(p) for p in read.problems] == [FormatError, SongWarning]
    assert [api.is_warning(p) for p in read.problems] == [False, True]
    assert str(tmp_path / "bad.txt") in str(read.problems[0])


def test_songs_are_a_sequence(songs: Path) -> None:
    read = ts.load_songs(songs)
    assert len(read) == 5
    assert read[1].title == "Steps"
    assert [song.title for song in read[-2:]] == list(TUNES)[-2:]
    assert read[0] in read


def test_loaded_songs_are_in_voices_and_on_the_grid(tmp_path: Path) -> None:
    loose = Score((Part(tuple(Note(i * TPQ + 37 * (i % 2), TPQ - 50, 60 + i) for i in range(8))),))
    ts.save(loose, tmp_path / "played.mid")
    (song,) = ts.load_songs(tmp_path / "played.mid")
    assert [n.onset for n in song.notes()] == [i * TPQ for i in range(8)]
    assert song.keys
    assert song.title == "played"


# ---- in a notebook


def test_a_notebook_shows_the_score() -> None:
    shown = SCALES[0]._repr_html_()
    assert shown.startswith("<div")
    assert "<svg" in shown
    assert api.picture(SCALES[0]) in shown


def test_a_notebook_shows_a_line_where_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "picture", lambda piece: (_ for _ in ()).throw(FormatError("nothing to draw")))
    assert SCALES[0].replace(title="<b>")._repr_html_() == "&lt;b&gt;: 12 notes, 2 bars, C major"


# ---- errors


@pytest.mark.parametrize(
    ("key", "fifths", "mode"),
    [("C", 0, "major"), ("F# minor", 3, "minor"), ("Bb", -2, "major"), ("E dorian", 2, "dorian")],
)
def test_keys(key: str, fifths: int, mode: str) -> None:
    assert api.parse_key(key) == Key(0, fifths, mode)


@pytest.mark.parametrize("key", ["", "H", "C major minor", "c##", "dur", "\N{GRINNING FACE}"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(RequestError, match="is not a key"):
        api.parse_key(key)


@pytest.mark.parametrize("meter", ["", "4", "4/", "/4", "4/3", "0/4", "-3/4", "3/4/4", "a/b", "4:4", "4/0", "1e1/4"])
def test_what_is_no_meter(meter: str) -> None:
    with pytest.raises(RequestError, match="is not a meter"):
        api.parse_meter(meter)


def test_errors_name_what_is_wrong(songs: Path, uniform: Path, tmp_path: Path) -> None:
    piece = SCALES[0]
    with pytest.raises(StorageError, match="no such file"):
        ts.load_songs(tmp_path / "nothing")
    with pytest.raises(CorpusError, match="no songs there"):
        ts.load_songs(tmp_path)
    with pytest.raises(StorageError, match="is a folder"):
        list(api.read_songs(songs))
    with pytest.raises(RequestError, match="no songs given"):
        ts.learn([])
    with pytest.raises(CorpusError, match="only 3 notes"):
        ts.learn(melody([60, 62, 64]))
    with pytest.raises(RequestError, match="unknown model"):
        ts.learn(piece, model="transformer")
    with pytest.raises(TypeError):
        ts.learn(piece, modell="ngram")
    with pytest.raises(ModelError, match="not a model file"):
        ts.load_model(songs / "0.abc")
    with pytest.raises(RequestError, match="bars 0"):
        next(ts.compose(uniform, bars=0))
    with pytest.raises(RequestError, match="is not a key"):
        next(ts.compose(uniform, key="H"))
    with pytest.raises(UnknownFormat, match="unknown ending"):
        ts.save(piece, tmp_path / "new.xyz")
    with pytest.raises(RequestError, match="feel is 7"):
        ts.save(piece, tmp_path / "new.mid", ts.WriteOptions(feel=7))
    with pytest.raises(StorageError, match="is a folder"):
        ts.save(piece, songs)
    with pytest.raises(ts.TunesmithError):
        ts.info(tmp_path / "nothing.mid")


def test_without_the_songs_no_counts_of_them_are_kept(songs: Path) -> None:
    model = ts.learn(songs, start="scratch", epochs=1, size="small", keep_songs=False)
    assert model.name == "rnn"
    assert not len(model.songs)


def test_a_song_outside_the_digits_of_a_seed_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "digits.txt").write_text("1 3 5 6 8 10 12 13 " * 3)
    model = ts.learn(tmp_path / "digits.txt", model="seed", epochs=1)
    ts.save(melody([84, 86, 88, 90, 91, 93, 95, 96]), tmp_path / "high.mid")
    (high,) = ts.evaluate(model, tmp_path / "high.mid")
    assert "outside C3 to B4" in high.problem
    assert api.summed([high]).notes == 0


def test_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    api.write_text(path, "one \N{MUSICAL NOTE}")
    assert path.read_text("utf-8") == "one \N{MUSICAL NOTE}"
    with pytest.raises(StorageError):
        api.write_text(path / "below", "two")
