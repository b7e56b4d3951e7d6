"""The uniform model: what the grammar allows, evenly."""

from __future__ import annotations

import numpy as np
import pytest
from test_models_rnn import make_song, make_spec

from tunesmith.models import model_class, name_of, score
from tunesmith.models.uniform import Uniform


def test_everything_allowed_is_equally_likely():
    spec = make_spec()
    model = Uniform(spec)
    song = make_song(spec, 50)
    state = model.select(model.begin(3), np.array([0, 1]))
    for log_p, allowed in (
        (model.symbols(state, song.frames), spec.allowed_symbols(song.frames)),
        (model.durations(state, song.symbols), spec.allowed_durations(song.symbols)),
    ):
        assert (np.isfinite(log_p) == allowed).all()
        np.testing.assert_allclose(np.exp(log_p), allowed / allowed.sum(1, keepdims=True))


def test_score_is_the_log_of_how_many_were_allowed():
    spec = make_spec()
    song = make_song(spec, 50)
    counts = np.stack((spec.allowed_symbols(song.frames).sum(1), spec.allowed_durations(song.symbols).sum(1)), 1)
    np.testing.assert_allclose(score(Uniform(spec), song), -np.log(counts))


def test_it_is_loaded_by_name():
    spec = make_spec()
    model = model_class("uniform").load(spec, {}, {})
    assert (model.settings(), model.tensors(), model.spec) == ({}, {}, spec)


def test_every_model_has_its_name():
    assert name_of(Uniform(make_spec())) == "uniform"
    with pytest.raises(KeyError):
        name_of(object())
