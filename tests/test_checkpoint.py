"""Model files: what is saved comes back, a file is written whole or not at all, and its digest says what it holds."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack
from strategies import melody

from tunesmith import api, checkpoint, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.errors import ModelError, StorageError
from tunesmith.models import Song, score
from tunesmith.models.alphabet import Alphabet, small_spec
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.rnn import Rnn
from tunesmith.models.uniform import Uniform
from tunesmith.request import Request
from tunesmith.sample import compose
from tunesmith.scheme import steps
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Score

SCORES = [melody([55 + (p * 5 + i) % 12 for p in range(16 + i)], TPQ, title=f"no. {i}") for i in range(3)]


def song(piece: Score, encode: Any = scheme.encode) -> Song:
    events = encode(piece)
    pairs = np.array(events, np.int16)
    return Song(scheme.frames(events), pairs[:, 0], pairs[:, 1])


def counted() -> Ngram:
    return Ngram(scheme.spec(), Counting()).fit(song(s) for s in SCORES)


def network() -> Rnn:
    from tunesmith.models.rnn import Settings
    from tunesmith.models.rnn_torch import initial

    settings = {"hidden": 12, "pointer_size": 8, "duration_size": 8}
    world = scheme.spec(frozenset({"previous symbol", "previous duration", "voice", "bars left"}))
    return Rnn.load(world, settings, initial(world, Settings.of(settings), 3))


def digits() -> Alphabet:
    inner = small_spec(len(steps.SYMBOLS), 1, 32)
    return Alphabet(scheme.spec(), Uniform(inner), "uniform", steps.SYMBOLS, [steps.STEP])


MODELS = {"uniform": lambda: Uniform(scheme.spec()), "ngram": counted, "rnn": network, "alphabet": digits}


def learned(name: str) -> Learned:
    """A model with three songs and something to say of itself."""
    model = MODELS[name]()
    features = tuple(f.name for f in model.spec.features)
    encode = steps.encode_steps if name == "alphabet" else scheme.encode
    stored = LearnedSongs.of([s.title for s in SCORES], [np.array(encode(s)) for s in SCORES])
    about = {"seed": 5, "files": [], "report": {"history": [[1.25, None]], "title": "\N{MUSICAL NOTE} caf\u00e9"}}
    return Learned(name, model, features, stored, about)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_saved_comes_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    before = learned(name)
    saved = checkpoint.save(before, path)
    after = checkpoint.load(path)
    assert saved.digest == after.digest
    assert len(after.digest) == 64
    for field in ("name", "viewpoints", "about"):
        assert getattr(after, field) == getattr(before, field)
    assert after.model.settings() == before.model.settings()
    weights = before.model.tensors()
    assert set(after.model.tensors()) == set(weights)
    for key, tensor in after.model.tensors().items():
        assert np.array_equal(tensor, weights[key])
        assert tensor.dtype == weights[key].dtype
    assert after.songs.names == before.songs.names
    assert [after.songs[i] for i in range(3)] == [before.songs[i] for i in range(3)]
    again = tmp_path / "again.safetensors"
    assert checkpoint.save(after, again).digest == after.digest
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_scores_and_composes_the_same(name: str, tmp_path: Path) -> None:
    before = learned(name)
    checkpoint.save(before, tmp_path / "m.safetensors")
    after = checkpoint.load(tmp_path / "m.safetensors")
    for piece in SCORES:
        assert np.array_equal(score(after.model, song(piece)), score(before.model, song(piece)))
    request = Request(bars=2, seed=4)
    assert list(compose(after, request)) == list(compose(before, request))


def test_the_head_is_read_without_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = checkpoint.save(learned("ngram"), tmp_path / "m.safetensors")
    monkeypatch.setattr(checkpoint, "_built", lambda *_: pytest.fail("no model is built"))
    head = checkpoint.read_head(tmp_path / "m.safetensors")
    assert (head["model"], head["digest"], head["songs"]) == ("ngram", saved.digest, [s.title for s in SCORES])


def test_the_digest_is_of_all_that_is_composed_from() -> None:
    model, digest = learned("ngram"), checkpoint.digest_of
    other = Ngram(scheme.spec(), Counting()).fit([song(SCORES[0])])
    same = digest(model)
    assert digest(dataclasses.replace(model, about={"seed": 9, "files": [], "report": {}}, digest="old")) == same
    renamed = dataclasses.replace(model.songs, names=("a", "b", "c"))
    assert digest(dataclasses.replace(model, songs=renamed)) == same
    others = [
        digest(dataclasses.replace(model, songs=LearnedSongs())),
        digest(dataclasses.replace(model, songs=LearnedSongs.of("a", [model.songs[0]]))),
        digest(dataclasses.replace(model, model=other)),
        digest(dataclasses.replace(model, model=Ngram.load(scheme.spec(), {"order": 2}, model.model.tensors()))),
        digest(dataclasses.replace(model, viewpoints=model.viewpoints[:-1])),
        digest(learned("uniform")),
    ]
    assert len({same, *others}) == 1 + len(others)


@pytest.mark.parametrize("name", MODELS)
def test_the_digest_needs_no_file(name: str, tmp_path: Path) -> None:
    model = learned(name)
    digest = checkpoint.digest_of(model)
    assert checkpoint.save(model, tmp_path / "m.safetensors").digest == digest
    assert checkpoint.digest_of(checkpoint.load(tmp_path / "m.safetensors")) == digest


def test_there_is_no_pickle_in_a_file(tmp_path: Path) -> None:
    checkpoint.save(learned("rnn"), tmp_path / "m.safetensors")
    tensors = unpack((tmp_path / "m.safetensors").read_bytes())
    assert {name.split(".")[0] for name in tensors} == {"model", "songs"}
    assert all(tensor.dtype.kind in "fiu" for tensor in tensors.values())


def test_no_songs_is_a_model_too(tmp_path: Path) -> None:
    model = dataclasses.replace(learned("uniform"), songs=LearnedSongs())
    checkpoint.save(model, tmp_path / "m.safetensors")
    assert len(checkpoint.load(tmp_path / "m.safetensors").songs) == 0


# ---- written whole or not at all


def test_an_old_file_survives_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    checkpoint.save(learned("uniform"), path)
    before = path.read_bytes()
    write = Path.write_bytes

    def stop(target: Path, data: bytes) -> int:
        write(target, data[:100])
        assert path.read_bytes() == before, "while the new one is being written"
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(learned("ngram"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    checkpoint.save(learned("uniform"), path)
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "file").touch()
    for place in ("folder.safetensors", "nowhere/m.safetensors", "file/m.safetensors"):
        with pytest.raises(StorageError):
            checkpoint.save(learned("uniform"), tmp_path / place)
    assert {p.name for p in tmp_path.rglob("*")} == {"folder.safetensors", "file"}


# ---- what no writing of ours can make, but somebody's might


LENGTH = v.DURATION[TPQ]
TUNE = np.array([[60, LENGTH]] * 4, np.int16)
SONGS: dict[str, tuple[np.ndarray, object]] = {  # events, starts
    "symbols above": (TUNE + np.array([v.SYMBOLS, 0], np.int16), [0, 4]),
    "symbols below": (TUNE - np.array([61, 0], np.int16), [0, 4]),
    "durations above": (TUNE + np.array([0, v.DURATIONS], np.int16), [0, 4]),
    "durations below": (np.full((4, 2), -1, np.int16), [0, 4]),
    "a note without a length": (TUNE * np.array([1, 0], np.int16), [0, 4]),
    "three columns": (np.zeros((4, 3), np.int16), [0, 4]),
    "no columns": (np.zeros(4, np.int16), [0, 4]),
    "events of another type": (TUNE.astype(np.int32), [0, 4]),
    "events that are no whole numbers": (TUNE.astype(np.float32), [0, 4]),
    "no note": (np.array([[v.REST, LENGTH]] * 4, np.int16), [0, 4]),
    "a song of rests": (np.concatenate((TUNE, [[v.REST, LENGTH]])).astype(np.int16), [0, 4, 5]),
    "an empty song": (TUNE, [0, 4, 4]),
    "the end is missing": (TUNE, [0, 3]),
    "the start is missing": (TUNE, [1, 4]),
    "beyond the end": (TUNE, [0, 5]),
    "falling": (TUNE, [0, 3, 1, 4]),
    "negative": (TUNE, [0, -1, 4]),
    "far beyond the end": (TUNE, [0, 2**62, -(2**62), 4]),
    "a difference that comes round": (TUNE, [0, -(2**63), 2**63 - 1, 4]),
    "no starts": (TUNE, np.zeros(0, np.int64)),
    "starts that are no whole numbers": (TUNE, [0.0, 4.0]),
    "starts that are no numbers": (TUNE, [0.0, np.nan]),
    "starts of another type": (TUNE, np.array([0, 4], np.uint64)),
    "starts in a square": (TUNE, [[0, 4]]),
}


@pytest.mark.parametrize(("events", "starts"), SONGS.values(), ids=SONGS)
def test_songs_that_no_learning_stores_are_refused(events: np.ndarray, starts: object, tmp_path: Path) -> None:
    places = np.array(starts)
    names = tuple("abc"[: max(places.size - 1, 0)])
    path = tmp_path / "odd.safetensors"
    checkpoint.save(dataclasses.replace(learned("uniform"), songs=LearnedSongs(names, events, places)), path)
    with pytest.raises(ModelError, match=r"odd\.safetensors: the model file is damaged; "):
        checkpoint.load(path)


def test_songs_and_names_that_differ_in_number_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    for names in ((), ("a", "b")):
        stored = LearnedSongs(names, TUNE, np.array([0, 4]))
        checkpoint.save(dataclasses.replace(learned("uniform"), songs=stored), path)
        with pytest.raises(ModelError, match="the model file is damaged"):
            checkpoint.load(path)


def forged(path: Path, change: Any) -> None:
    """A model file whose words are what `change` makes of them, with every digest made right again."""
    checkpoint.save(learned("uniform"), path)
    words, tensors = checkpoint.read_head(path), unpack(path.read_bytes())
    words = change(words)
    if isinstance(words, dict):
        with suppress(KeyError):  # where what it is made of is not there
            words |= {"digest": checkpoint._digest({}, words)} if "digest" in words else {}
        words |= {"mark": checkpoint.mark_of({}, words)}
    path.write_bytes(pack(tensors, {"tunesmith": words if isinstance(words, str) else json.dumps(words)}))


def nested(depth: int) -> Any:
    return reduce(lambda inner, _: [inner], range(depth), 0)


WORDS: dict[str, Any] = {
    "nested deep": lambda w: "[" * 100_000 + "]" * 100_000,
    "nested deep inside": lambda w: json.dumps(w).replace('"seed": 5', '"seed": ' + "[" * 100_000 + "]" * 100_000),
    "nested a little too deep": lambda w: w | {"about": w["about"] | {"more": nested(900)}},
    "nested tables": lambda w: w | {"settings": reduce(lambda inner, _: {"a": inner}, range(200), {})},
    "an endless format": lambda w: json.dumps(w | {"format": float("inf")}),
    "no number as format": lambda w: json.dumps(w | {"format": float("nan")}),
    "a fraction as format": lambda w: w | {"format": 0.5},
    "a truth as format": lambda w: w | {"format": True},
    "a list as vocabulary": lambda w: w | {"vocabulary": [1]},
    "a huge number": lambda w: json.dumps(w).replace('"format": 1', '"format": ' + "9" * 5000),
    "a list": lambda w: [w],
    "a number": lambda w: 3,
    "no text": lambda w: "",
    "viewpoints that are no text": lambda w: w | {"viewpoints": [[1]]},
    "viewpoints as text": lambda w: w | {"viewpoints": "voice"},
    "settings as a list": lambda w: w | {"settings": []},
    "a song that is no text": lambda w: w | {"songs": [1, 2, 3]},
    "a song with a line break": lambda w: w | {"songs": ["a", "b", "c\nd"]},
    "a song that is no Unicode": lambda w: w | {"songs": ["a", "b", "\ud800"]},
    "a model that is no text": lambda w: w | {"model": {"a": 1}},
    "provenance as a list": lambda w: w | {"about": []},
    "provenance without a report": lambda w: w | {"about": {"seed": 1, "files": []}},
    "provenance without files": lambda w: w | {"about": {"seed": 1, "report": {}}},
    "a seed as text": lambda w: w | {"about": w["about"] | {"seed": "5"}},
    "a program that is no text": lambda w: w | {"program": 3},
    "a digest that is no text": lambda w: {**w, "songs_mark": 3},
}
NAMES = ["format", "vocabulary", "program", "model", "settings", "viewpoints", "about", "songs", "songs_mark", "digest"]
WORDS |= {f"no {name}": lambda w, name=name: {k: x for k, x in w.items() if k != name} for name in NAMES}


@pytest.mark.parametrize("change", WORDS.values(), ids=WORDS)
def test_words_that_no_learning_writes_are_one_clear_line(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    forged(path, change)
    for read in (checkpoint.read_head, checkpoint.load, api.info):
        with pytest.raises(ModelError) as caught:
            read(path)
        line = str(caught.value)
        assert line.startswith(f"{path}: ")
        assert "; " in line, "it says what to do"


def test_a_forged_file_with_the_words_as_they_were_is_read(tmp_path: Path) -> None:
    """So that the forgeries are refused for what they say."""
    path = tmp_path / "m.safetensors"
    forged(path, dict)
    assert checkpoint.load(path).songs.names == tuple(s.title for s in SCORES)


def test_odd_settings_of_every_model_are_refused(tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [{"order": 10**400}, {"hidden": -1}, {"symbols": [0], "durations": [0], "width": 1}]
    path = tmp_path / "odd.safetensors"
    for name in ("ngram", "rnn", "alphabet"):
        for settings in odd:
            forged(path, lambda w, name=name, settings=settings: w | {"model": name, "settings": settings})
            with pytest.raises(ModelError):
                checkpoint.load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(ModelError, match="is not a regular file"):
        checkpoint.load(tmp_path / "pipe.safetensors")


def test_a_kind_of_number_that_we_do_not_have_is_refused(tmp_path: Path) -> None:
    head = {"__metadata__": {"tunesmith": "{}"}, "a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    text = json.dumps(head).encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ModelError, match="not a Tunesmith model"):
        checkpoint.load(path)
    checkpoint.save(learned("uniform"), path)
    words = checkpoint.read_head(path)
    head["__metadata__"]["tunesmith"] = json.dumps(words | {"mark": checkpoint.mark_of({}, words)})  # type: ignore[index]  # a table of tables
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ModelError):
        checkpoint.load(path)


def test_the_model_on_disk_is_what_the_api_saves(tmp_path: Path) -> None:
    model = learned("uniform")
    api.save(model, tmp_path / "a.safetensors")
    checkpoint.save(model, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
