"""Training: torch agrees with NumPy, learns, repeats and resumes to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_models_rnn import CASES, SMALL, make_song, make_spec, wild

from tunesmith.models import Song, score
from tunesmith.models.rnn import Rnn, Settings
from tunesmith.models.rnn_torch import Batch, Trainer
from tunesmith.models.spec import Spec


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> tuple[Spec, Settings]:
    return request.param


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch_of(songs: list[Song]) -> Batch:
    length = max(len(song.symbols) for song in songs)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.pad(values, [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)])

    return Batch(
        frames=np.stack([padded(song.frames) for song in songs]),
        symbols=np.stack([padded(song.symbols) for song in songs]),
        durations=np.stack([padded(song.durations) for song in songs]),
        weight=np.stack([padded(np.ones(len(song.symbols), np.float32)) for song in songs]),
    )


def trained(trainer: Trainer, batch: Batch, steps: range) -> list[float]:
    results = [trainer.step(batch, 0.01, seed=step) for step in steps]
    return [(result.symbol_nats + result.duration_nats) / result.events for result in results]


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def test_torch_and_numpy_agree_over_whole_songs(case):
    spec, settings = case
    trainer = Trainer(spec, settings, 0, tensors=wild(spec, settings))
    songs = [make_song(spec, length, length) for length in (3, 300, 120)]
    found = trainer.evaluate(batch_of(songs))
    for row, song in enumerate(songs):
        expected = score(Rnn(spec, settings, trainer.tensors()), song)
        assert expected.min() < -4  # far from uniform
        np.testing.assert_allclose(found[row, : len(song.symbols)], expected, atol=1e-4)


def test_what_is_forbidden_has_no_probability_and_padding_no_weight():
    spec = make_spec()
    trainer = Trainer(spec, SMALL, 0, tensors=wild(spec, SMALL))
    song = make_song(spec, 20)
    allowed = spec.allowed_symbols(song.frames)
    song.symbols[7] = np.flatnonzero(~allowed[7])[0]
    batch = batch_of([song, make_song(spec, 30)])
    assert np.isneginf(trainer.evaluate(batch)[0, 7, 0])
    batch.weight[0, 7] = 0
    longer = Batch(
        *(
            np.pad(x, [(0, 0), (0, 9), *[(0, 0)] * (x.ndim - 2)])
            for x in (batch.frames, batch.symbols, batch.durations, batch.weight)
        )
    )
    for one, other in zip(trainer.loss(batch), trainer.loss(longer), strict=True):
        assert torch.isfinite(one)
        torch.testing.assert_close(one, other)


def test_the_gradient_is_that_of_the_loss(case):
    spec, settings = case
    trainer = Trainer(spec, settings, 3)
    batch = batch_of([make_song(spec, 25, 1), make_song(spec, 12, 2)])
    sum(trainer.loss(batch)).backward()
    flats = trainer._flat
    rng = np.random.default_rng(0)
    for flat in flats:
        direction = torch.from_numpy(rng.standard_normal(len(flat)).astype(np.float32))
        direction /= direction.norm()
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                flat.add_(direction, alpha=sign * 0.02)
                values.append(sum(trainer.loss(batch)).item())
                flat.add_(direction, alpha=-sign * 0.02)
        expected = (values[0] - values[1]) / 0.04
        assert (flat.grad @ direction).item() == pytest.approx(expected, rel=0.03, abs=0.02)


def test_it_learns_a_song_by_heart(case):
    spec, settings = case
    batch = batch_of([make_song(spec, 30, 1)])
    trainer = Trainer(spec, settings, 0)
    losses = trained(trainer, batch, range(120))
    assert losses[-1] < losses[0] * 0.7
    song = make_song(spec, 30, 1)
    found = score(trainer.to_rnn(), song).sum(1).mean()
    assert -found < losses[0] * 0.7


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_it_repeats_and_resumes_to_the_bit(case, average):
    spec, settings = case
    batch = batch_of([make_song(spec, 40, 1), make_song(spec, 33, 2)])
    whole = Trainer(spec, settings, 7, average=average)
    losses = trained(whole, batch, range(6))
    first = Trainer(spec, settings, 7, average=average)
    assert trained(first, batch, range(3)) == losses[:3]
    kept = first.state()
    trained(first, batch, range(3, 4))  # must not reach into what was kept
    second = Trainer(spec, settings, 99, average=average)
    second.restore(kept)
    assert trained(second, batch, range(3, 6)) == losses[3:]
    assert same(second.tensors(), whole.tensors())
    assert same(second.state(), whole.state())


def test_seeds_matter():
    spec = make_spec()
    assert not same(Trainer(spec, SMALL, 1).tensors(), Trainer(spec, SMALL, 2).tensors())
    batch = batch_of([make_song(spec, 30)])
    one, two = Trainer(spec, SMALL, 1), Trainer(spec, SMALL, 1)
    one.step(batch, 0.01, seed=1)
    two.step(batch, 0.01, seed=2)
    assert not same(one.tensors(), two.tensors())


def test_training_leaves_the_random_numbers_of_the_caller_alone():
    spec = make_spec()
    before = torch.get_rng_state()
    trained(Trainer(spec, SMALL, 1), batch_of([make_song(spec, 10)]), range(2))
    assert (torch.get_rng_state() == before).all()


def test_the_average_lags_behind_the_weights():
    spec = make_spec()
    batch = batch_of([make_song(spec, 30)])
    plain, averaged = Trainer(spec, SMALL, 1), Trainer(spec, SMALL, 1, average=0.99)
    start = plain.tensors()
    for trainer in (plain, averaged):
        trained(trainer, batch, range(5))
    moved = [sum(np.abs(t.tensors()[name] - start[name]).sum() for name in start) for t in (averaged, plain)]
    assert 0 < moved[0] < moved[1]
