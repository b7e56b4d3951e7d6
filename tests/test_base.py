"""The base model that ships, learning from it and from other models, adding songs, and composing without any."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Run, abc
from strategies import melody

import tunesmith as ts
from tunesmith import api, checkpoint, scheme
from tunesmith.evaluation import evaluate, total
from tunesmith.habits import TEXTURES, Opening, imagined
from tunesmith.models.mixture import Mixture
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Key, Meter, Score

ROOT = Path(__file__).parent.parent
ODD = Meter(0, 11, 8)  # which the base has hardly heard


def tune(seed: int, notes: int = 24) -> Score:
    """A melody of its own: a walk through C major."""
    random = np.random.default_rng(seed)
    steps = np.clip(np.cumsum(random.integers(-2, 3, notes)) + 7, 0, 14)
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79, 81, 83, 84]
    return melody([scale[step] for step in steps], TPQ).replace(title=f"Walk {seed}")


@pytest.fixture(scope="module")
def nameless(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that does not hold its songs."""
    path = tmp_path_factory.mktemp("nameless") / "small.safetensors"
    ts.learn(songs, output=path, model="rnn", start="scratch", size="small", epochs=2, keep_songs=False)
    return path


@pytest.fixture(scope="module")
def small(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small mixture that holds its songs."""
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    ts.learn(songs, output=path, start="scratch", size="small", epochs=2)
    return path


# ---- what ships


def test_the_base_is_the_one_of_the_model_card() -> None:
    data = checkpoint.BASE.read_bytes()
    card = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    assert hashlib.sha256(data).hexdigest() in card
    assert len(data) <= 20 * 2**20
    stored = re.findall(r"^\| ([a-z ]+) \| ([0-9.]+) \|$", card, re.MULTILINE)
    history = checkpoint.read_head(checkpoint.BASE)["about"]["report"]["history"]
    assert {name: float(bits) for name, bits in stored} == {n: round(b, 2) for n, b in history[-1][1].items()}


def test_the_base_holds_no_songs_and_reads_as_what_it_is() -> None:
    base = api.load_model()
    assert not len(base.songs)
    assert base.name == "rnn"
    assert set(base.viewpoints) == {f.name for f in scheme.spec().features}
    assert api.info("base")["digest"] == base.digest


# ---- composing without a model of one's own


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_base_composes_in_every_texture(texture: str) -> None:
    (piece,) = ts.compose("base", bars=2, texture=texture, seed=3)
    voices = sum(len({n.voice for n in p.notes}) for p in piece.parts)
    kind = TEXTURES[texture]
    assert voices <= kind.most
    assert not piece.chords or kind.chords is not False
    assert all(kind.low <= n.pitch <= kind.high for p in piece.parts for n in p.notes)
    assert sum(bar.number > 0 for bar in piece.bars()) == 2
    if texture in ("melody", "lead sheet"):
        assert scheme.codec.style_of(piece) == texture


def test_a_melody_is_what_the_base_writes_unasked() -> None:
    (unasked,), (asked,) = ts.compose(bars=2, seed=5), ts.compose("base", bars=2, texture="melody", seed=5)
    assert unasked.parts == asked.parts


def test_the_wishes_of_the_header_are_kept() -> None:
    (piece,) = ts.compose("base", bars=2, texture="voices", key="E minor", meter="3/4", tempo=90, seed=1)
    assert str(piece.key_at(0)) == "E minor"
    assert (piece.meter_at(0).beats, piece.meter_at(0).unit) == (3, 4)
    assert piece.tempo_at(0).bpm == 90


def test_compose_with_no_model_given(run: Run, home: Path) -> None:
    (made,) = run("compose", "-o", "new.mid", "--bars", "2").files
    assert made == Path("new.mid")
    (song,) = api.info(made)["songs"]
    assert song["provenance"]["model"] == api.load_model().digest


# ---- learning from a network that was learned before


@pytest.mark.parametrize("kind", ["mixture", "rnn"])
def test_tuning_is_never_worse_than_the_network_it_started_from(kind: str, songs: Path, nameless: Path) -> None:
    report = ts.learn(songs, start=nameless, model=kind, epochs=2).about["report"]
    bits = report["bits_per_note"]
    assert report["plan"]["settings"]["hidden"] == 128  # as the one it started from, whatever suits five songs
    assert bits["learned"] <= bits.get("network", bits["learned"]) <= bits["base"]
    assert len(report["history"]) == 2
    assert sum(meter["held_out"] for meter in report["by_meter"].values()) == report["held_out_songs"]


def test_where_tuning_does_not_help_the_network_stays(songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate at which nothing is learned but noise: the base is kept to the last bit."""
    monkeypatch.setattr("tunesmith.plans.TUNING_RATES", (3.0, 3.0))
    tuned = ts.learn(songs, model="rnn", epochs=1)
    assert tuned.about["report"]["best_epoch"] == 0
    base = api.load_model().model.tensors()
    for name, values in tuned.model.tensors().items():
        np.testing.assert_array_equal(values, base[name], err_msg=name)


def test_learning_starts_from_the_base_and_tells_all_four_figures(run: Run, songs: Path) -> None:
    ran = run("learn", songs, "-o", "mine.safetensors", "--epochs", "1")
    for name in ("uniform", "n-gram of", "the base untouched", "this model"):
        assert name in ran.err
    assert "than the network it started from" in ran.err


def test_one_song_is_learned_without_measuring(run: Run, songs: Path) -> None:
    ran = run("learn", songs / "0.abc", "-o", "one.safetensors", "--epochs", "1")
    assert ran.code == 0
    assert "too few songs to hold one out" in ran.err
    (piece,) = ts.compose("one.safetensors", bars=2)
    assert piece.note_count


def test_a_meter_that_the_base_never_saw() -> None:
    songs = [tune(seed, 33).replace(meters=(ODD,)) for seed in range(4)]
    model = ts.learn(songs, epochs=1)
    (piece,) = ts.compose(model, bars=2, seed=2)
    assert (piece.meter_at(0).beats, piece.meter_at(0).unit) == (11, 8)
    assert sum(bar.number > 0 for bar in piece.bars()) == 2


def test_three_hundred_songs_at_once(nameless: Path) -> None:
    model = ts.learn([tune(seed, 12) for seed in range(300)], start=nameless, model="rnn", epochs=1)
    assert len(model.songs) > 200  # walks may be near-duplicates, and equal ones are dropped
    assert model.about["report"]["held_out_songs"] >= 20


def test_a_model_of_an_older_vocabulary_is_told(run: Run, nameless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.scheme.vocabulary.VERSION", 2)
    line = run("learn", nameless, "-o", "m.safetensors", "--from", nameless).line
    assert line.startswith(f"{nameless}: was made with an older vocabulary")
    assert "older vocabulary" in run("compose", "-o", "new.mid").line


# ---- adding songs


def test_a_damaged_base_says_what_helps(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged, half = tmp_path / "base.safetensors", checkpoint.BASE.read_bytes()[:5000]
    for content in (b"", half, None):
        if content is None:
            damaged.unlink()
        else:
            damaged.write_bytes(content)
        monkeypatch.setattr(checkpoint, "BASE", damaged)
        assert "it is a part of Tunesmith: install that again" in run("compose", "-o", "song.mid").line


@pytest.mark.parametrize("texture", ["melody", "voices"])
def test_the_base_writes_in_meters_and_keys_of_many_kinds(texture: str) -> None:
    learned = api.load_model()
    heads = [imagined(learned, Opening(texture=texture), np.random.default_rng(seed)) for seed in range(40)]
    units = {duration for head in heads for symbol, duration in head if symbol in v.METER}
    keys = [symbol for head in heads for symbol, _ in head if symbol in v.KEY]
    assert v.UNITS[1] not in units
    assert len(units) > 1
    assert max(map(keys.count, keys)) <= 20
    assert {v.key_of(symbol)[1] for symbol in keys} > {"major"}


def test_songs_are_added_and_nothing_measured_is_forgotten(small: Path) -> None:
    before = api.load_model(small)
    after = ts.learn([tune(1), tune(2)], start=small)
    assert [after.songs[i] for i in range(len(before.songs))] == [before.songs[i] for i in range(len(before.songs))]
    assert after.songs.names == (*before.songs.names, "Walk 1", "Walk 2")
    assert isinstance(after.model, Mixture)
    added = after.about["report"]["added"]
    assert (added["songs"], added["known"]) == (2, len(before.songs))
    assert added["known_after"] <= added["known_before"]
    assert added["new_after"] < added["new_before"]
    known = [scheme.as_song(before.songs[i]) for i in range(len(before.songs))]
    assert total(evaluate(after.model, known)).per_note == pytest.approx(added["known_after"])
    assert after.about["started_from"] == before.digest
    assert after.about["files"] == before.about["files"]


def test_the_same_songs_again_are_nothing_new(run: Run, small: Path, songs: Path) -> None:
    ran = run("learn", songs, "-o", "more.safetensors", "--from", small)
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("tunesmith: nothing new: the model has learned from all these songs")
    assert not Path("more.safetensors").exists()


def test_adding_is_told(run: Run, small: Path) -> None:
    Path("new.abc").write_text(abc("New", "|:G2 AB|c2 BA|G2 E2|C4:|\n" * 3))
    ran = run("learn", "new.abc", "-o", "more.safetensors", "--from", small)
    assert ran.code == 0
    assert "1 song added to 5 songs" in ran.err


def test_a_file_without_songs_is_not_called_known(run: Run, small: Path) -> None:
    Path("broken.mid").write_bytes(b"MThd")
    ran = run("learn", "broken.mid", "-o", "more.safetensors", "--from", small)
    assert ran.code == 2
    assert "no song there can be learned from" in ran.err.splitlines()[-1]
    assert "nothing new" not in ran.err


def test_the_songs_known_stay_whole(run: Run, small: Path, songs: Path) -> None:
    for option in (["--only", "melody"], ["--drop-near-duplicates"]):
        assert "stay whole" in run("learn", songs, "-o", "more.safetensors", "--from", small, *option).line


def test_the_network_alone_is_added_to_alone(small: Path) -> None:
    after = ts.learn([tune(3)], start=small, model="rnn")
    assert after.name == "rnn"
    added = after.about["report"]["added"]
    assert added["known_after"] <= added["known_before"]


# ---- evaluating note by note


def test_every_note_has_its_bits_and_they_sum_up(run: Run, ngram: Path, songs: Path) -> None:
    ran = run("evaluate", "-m", ngram, songs, "--notes", "notes.csv", "--picture", "surprise.svg")
    assert ran.code == 0
    assert sorted(path.name for path in Path().glob("surprise*")) == [f"surprise-{n}.svg" for n in range(1, 6)]
    rows = [line.split(",") for line in Path("notes.csv").read_text().splitlines()]
    results = list(ts.evaluate(ngram, songs))
    for result in results:
        own = [row for row in rows[1:] if row[0] == result.name]
        assert sum(row[6] != "" for row in own) == result.bits.notes
        bits = sum(float(row[8]) + float(row[9]) for row in own)
        assert bits == pytest.approx(result.bits.symbols + result.bits.durations)


@pytest.mark.parametrize("command", ["evaluate", "learn", "import"])
def test_a_table_never_takes_the_place_of_a_song(run: Run, tmp_path: Path, ngram: Path, command: str) -> None:
    song = tmp_path / "song.abc"
    song.write_text(abc("Song", "CDEF GABc|"), "utf-8")
    before = song.read_bytes()
    options = {
        "evaluate": ("-m", ngram, "--notes"),
        "learn": ("-o", "m.safetensors", "--report"),
        "import": ("--report",),
    }
    assert run(command, song, *options[command], song).line == "song.abc is not a table; end it in .csv"
    assert song.read_bytes() == before


def test_changes_of_meter_and_key_have_their_bits_too(uniform: Path, tmp_path: Path) -> None:
    meters, keys = (Meter(0, 4, 4), Meter(4 * TPQ, 3, 4)), (Key(0, 0, "major"), Key(4 * TPQ, 1, "major"))
    ts.save(melody([60, 62, 64, 65, 67, 66, 64, 62, 60, 62], TPQ, meters=meters, keys=keys), tmp_path / "new.musicxml")
    (result,) = ts.evaluate(uniform, tmp_path / "new.musicxml", notes=True)
    assert {"meter of 3", "key G major"} <= {note.what for note in result.notes}
    assert sum(note.bits for note in result.notes) == pytest.approx(result.bits.symbols + result.bits.durations)


def test_the_place_of_every_event_is_told(uniform: Path, tmp_path: Path) -> None:
    tune = melody([60, 62, 64, 0, 67, 65, 64, 62, 60], TPQ, meters=(Meter(0, 4, 4),), keys=(Key(0, 0, "major"),))
    ts.save(tune, tmp_path / "tune.musicxml")
    (result,) = ts.evaluate(uniform, tmp_path / "tune.musicxml", notes=True)
    assert [(n.bar, n.beat, n.what) for n in result.notes][:6] == [
        (1, 1, "C4"),
        (1, 2, "D4"),
        (1, 3, "E4"),
        (1, 4, "rest"),
        (2, 1, "G4"),
        (2, 2, "F4"),
    ]


def test_one_picture_has_the_name_asked_for_and_touches_no_other(run: Run, ngram: Path, songs: Path) -> None:
    Path("surprise-1.png").write_text("mine")
    assert run("evaluate", "-m", ngram, songs / "0.abc", "--picture", "surprise.png").code == 0
    assert sorted(path.name for path in Path().glob("*.png")) == ["surprise-1.png", "surprise.png"]
    assert Path("surprise-1.png").read_text() == "mine"
