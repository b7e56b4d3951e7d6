"""Model files: what is saved comes back, a file is written whole or not at all, and its digest says what it holds."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as unpack
from strategies import melody

from tunesmith import api, checkpoint, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.errors import ModelError, StorageError
from tunesmith.models import Song
from tunesmith.models.alphabet import Alphabet, small_spec
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.rnn import Rnn
from tunesmith.models.uniform import Uniform
from tunesmith.sample import Request, compose
from tunesmith.scheme import steps
from tunesmith.score import TPQ, Score

SCORES = [melody([55 + (p * 5 + i) % 12 for p in range(16 + i)], TPQ, title=f"no. {i}") for i in range(3)]


def song(score: Score, encode: Any = scheme.encode) -> Song:
    events = encode(score)
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
    for score in SCORES:
        assert np.array_equal(after.model.score(song(score)), before.model.score(song(score)))
    request = Request(bars=2, seed=4)
    assert list(compose(after, request)) == list(compose(before, request))


def test_the_head_is_read_without_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = checkpoint.save(learned("ngram"), tmp_path / "m.safetensors")
    monkeypatch.setattr(checkpoint, "_built", lambda *_: pytest.fail("no model is built"))
    head = checkpoint.read_head(tmp_path / "m.safetensors")
    assert (head["model"], head["digest"], head["songs"]) == ("ngram", saved.digest, [s.title for s in SCORES])


def test_the_digest_is_of_the_weights_and_settings(tmp_path: Path) -> None:
    def digest(model: Learned) -> str:
        return checkpoint.save(model, tmp_path / "m.safetensors").digest

    model = learned("ngram")
    other = Ngram(scheme.spec(), Counting()).fit([song(SCORES[0])])
    same = digest(model)
    assert digest(dataclasses.replace(model, about={"seed": 9, "files": [], "report": {}})) == same
    assert digest(dataclasses.replace(model, songs=LearnedSongs())) == same
    assert digest(dataclasses.replace(model, model=other)) != same
    assert digest(learned("uniform")) != same


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


def test_events_outside_the_vocabulary_are_refused(tmp_path: Path) -> None:
    for events in (np.full((4, 2), 9999), np.full((4, 2), -1), np.zeros((4, 3))):
        stored = LearnedSongs(("odd",), events.astype(np.int16), np.array([0, 4]))
        path = tmp_path / "odd.safetensors"
        checkpoint.save(dataclasses.replace(learned("uniform"), songs=stored), path)
        with pytest.raises(ModelError, match="the model file is damaged"):
            checkpoint.load(path)


def test_songs_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    rows = np.zeros((4, 2), np.int16)
    for starts in ([0, 3], [1, 4], [0, 2, 4], [0], [0, 5]):
        stored = LearnedSongs(("odd",), rows, np.array(starts))
        path = tmp_path / "odd.safetensors"
        checkpoint.save(dataclasses.replace(learned("uniform"), songs=stored), path)
        with pytest.raises(ModelError, match="the model file is damaged"):
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
    head["__metadata__"]["tunesmith"] = json.dumps(words | {"mark": checkpoint._mark({}, words)})  # type: ignore[index]
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ModelError):
        checkpoint.load(path)


def test_the_model_on_disk_is_what_the_api_saves(tmp_path: Path) -> None:
    model = learned("uniform")
    api.save(model, tmp_path / "a.safetensors")
    checkpoint.save(model, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
