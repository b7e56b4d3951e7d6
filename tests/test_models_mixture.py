"""The mixture: exact where it can be checked by hand, and at least as good as its parts."""

from __future__ import annotations

import numpy as np
import pytest
from test_models_ngram import steps_agree_with_scoring
from test_models_rnn import make_song, make_spec

from tunesmith.errors import ModelError
from tunesmith.models import Model, score
from tunesmith.models.mixture import HEADS, Mixture, even, mixed
from tunesmith.models.ngram import Ngram, Settings
from tunesmith.models.rnn import Rnn
from tunesmith.models.rnn import Settings as NetworkSettings
from tunesmith.models.rnn_torch import initial
from tunesmith.models.uniform import Uniform

SPEC = make_spec()
LEARNED = [make_song(SPEC, 60, seed) for seed in range(10, 25)]


def parts() -> list[Model]:
    network = NetworkSettings(hidden=16, pointer_size=4, duration_size=8)
    return [
        Rnn(SPEC, network, initial(SPEC, network, 1)),
        Ngram(SPEC, Settings(adaptive=False)).fit(LEARNED),
        Ngram(SPEC, Settings()),
    ]


@pytest.fixture
def model() -> Mixture:
    rng = np.random.default_rng(2)
    gates = {head: even(3) + rng.normal(0, 0.5, (3, 4)) for head in HEADS}
    return Mixture(SPEC, ("rnn", "ngram", "ngram"), parts(), gates)


def test_stepping_gives_distributions_and_agrees_with_scoring(model: Mixture) -> None:
    steps_agree_with_scoring(model, [make_song(SPEC, 300, seed) for seed in (3, 12)], 1e-4)


def test_selected_songs_go_on_as_if_they_had_been_there_from_the_start(model: Mixture) -> None:
    songs = [make_song(SPEC, 40, seed) for seed in range(3)]
    state = model.begin(3)
    for t in range(20):
        model.symbols(state, np.stack([song.frames[t] for song in songs]))
        model.durations(state, np.array([song.symbols[t] for song in songs]))
    chosen = model.select(state, np.array([2, 0]))
    frames = np.stack([songs[i].frames[20] for i in (2, 0)])
    expected = model.symbols(state, np.stack([song.frames[20] for song in songs]))[[2, 0]]
    np.testing.assert_allclose(model.symbols(chosen, frames), expected, atol=1e-5)


def test_the_mean_is_geometric() -> None:
    allowed = np.array([[True, True, True, False]])
    log_p = np.log(np.array([[[0.5, 0.25, 0.25, 1.0], [0.1, 0.1, 0.8, 1.0]]]))
    gate = np.zeros((2, 3))
    gate[:, 0] = np.log(np.expm1([0.5, 2.0]))
    expected = np.array([0.5, 0.25, 0.25]) ** 0.5 * np.array([0.1, 0.1, 0.8]) ** 2
    found = np.exp(mixed(log_p, allowed, gate)[0])
    np.testing.assert_allclose(found, [*(expected / expected.sum()), 0], atol=1e-12)


def test_weights_follow_who_is_sure() -> None:
    """With the weights on sureness alone, a part that knows nothing says nothing."""
    allowed = np.ones((1, 4), bool)
    log_p = np.log(np.array([[[0.25] * 4, [0.97, 0.01, 0.01, 0.01]]]))
    gate = np.full((2, 3), -20.0)
    gate[0, 1] = gate[1, 2] = 40.0  # each by its own sureness
    found = np.exp(mixed(log_p, allowed, gate)[0])
    assert found.argmax() == 0
    assert found[0] > 0.99


def test_what_a_part_holds_for_impossible_the_others_can_overrule() -> None:
    allowed = np.ones((1, 2), bool)
    log_p = np.array([[[-np.inf, 0.0], [np.log(0.5), np.log(0.5)]]])
    found = mixed(log_p, allowed, even(2))
    assert np.isfinite(found).all()


def test_fitted_weights_are_better_than_those_before_and_than_each_part_alone() -> None:
    held, new = [make_song(SPEC, 80, seed) for seed in range(40, 60)], [make_song(SPEC, 80, s) for s in range(70, 80)]
    known = [Uniform(SPEC), Ngram(SPEC, Settings()).fit([*LEARNED, *held, *new]), *parts()[:1]]
    alike = Mixture(SPEC, ("uniform", "ngram", "rnn"), known)
    fitted = alike.fitted(held)

    def cost(model: Model) -> float:
        return -sum(score(model, song).sum() for song in new)

    assert cost(fitted) < cost(alike)
    assert cost(fitted) < min(cost(part) for part in known)


def test_fitting_sees_where_a_part_knows_only_what_it_learned() -> None:
    """Weights fitted on songs that a part has learned trust it; fitted on others they do not."""
    strangers = [make_song(SPEC, 80, seed) for seed in range(90, 99)]
    mixture = Mixture(SPEC, ("uniform", "ngram"), [Uniform(SPEC), parts()[1]])

    def cost(model: Model) -> float:
        return -sum(score(model, song).sum() for song in strangers)

    assert cost(mixture.fitted(strangers)) <= cost(mixture.fitted(LEARNED)) + 1e-6


def test_nothing_to_fit_on_leaves_the_weights(model: Mixture) -> None:
    for head in HEADS:
        np.testing.assert_array_equal(model.fitted([]).gates[head], model.gates[head])


def test_settings_and_tensors_give_the_same_model(model: Mixture) -> None:
    song = make_song(SPEC, 50)
    again = Mixture.load(SPEC, model.settings(), model.tensors())
    assert (score(again, song) == score(model, song)).all()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"parts": []},
        {"parts": 3},
        {"parts": ["rnn"]},
        {"parts": [{"name": "mixture", "settings": {}}]},
        {"parts": [{"name": "ngram"}]},
        {"parts": [{"name": "uniform", "settings": {}}]},  # no weights
    ],
)
def test_nonsense_is_a_model_error(settings: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        Mixture.load(SPEC, settings, {})


def test_weights_that_are_no_numbers_are_a_model_error(model: Mixture) -> None:
    tensors = model.tensors()
    tensors["gate.symbols"] = np.full((3, 4), np.nan)
    with pytest.raises(ModelError):
        Mixture.load(SPEC, model.settings(), tensors)
