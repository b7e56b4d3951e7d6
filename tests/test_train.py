"""Learning: it learns, it stops, and a run that was interrupted gives the same bits as one that was not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from strategies import melody

from tunesmith import feeding, scheme, train
from tunesmith.errors import CorpusError
from tunesmith.models import Song
from tunesmith.score import TPQ, Meter
from tunesmith.train import Plan


def song(pitches: list[int]) -> Song:
    events = scheme.encode(melody(pitches, TPQ, meters=(Meter(0, 4, 4),)))
    pairs = np.array(events, np.int16)
    return Song(scheme.frames(events), pairs[:, 0], pairs[:, 1])


# scales up and down from different places: easy to learn, and the held-out ones follow the same rule
SONGS = [song([*range(p, p + 8), *range(p + 8, p, -1)] * 2) for p in (48, 50, 53, 55, 57, 60, 62, 64)]
SMALL = {"hidden": 16, "dropout": 0.1, "pointer_size": 8, "duration_size": 16}
PLAN = Plan(SMALL, epochs=6, batch=3, rate=1e-2, seed=3)
KEPT, HELD = [0, 1, 2, 4, 5, 7], [3, 6]


def run(folder, plan=PLAN, stop_after=None, kept=KEPT, held=HELD):
    """Train; stop like a killed process after so many epochs, or return the epochs and the outcome."""
    work = train.train(SONGS, kept, held, scheme.spec(), plan, folder)
    epochs = []
    while True:
        try:
            epochs.append(next(work))
        except StopIteration as end:
            return epochs, end.value
        if stop_after is not None and len(epochs) == stop_after:
            work.close()
            return epochs, None


@pytest.fixture(autouse=True)
def every_epoch_is_saved(monkeypatch):
    monkeypatch.setattr(train, "SAVE_SECONDS", -1.0)


def test_the_held_out_songs_get_cheaper(tmp_path):
    epochs, outcome = run(tmp_path, dataclasses.replace(PLAN, epochs=12))
    measured = [e.held_out for e in epochs if e.stage == "measure"]
    assert measured[-1] < 0.6 * measured[0]
    assert outcome.history == tuple((e.training, e.held_out) for e in epochs if e.stage == "measure")
    assert epochs[-1].stage == "all songs"
    assert epochs[-1].number == outcome.best_epoch


@pytest.mark.parametrize("stop_after", [1, 4, 6, 7, 9])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, stop_after):
    _, whole = run(tmp_path / "whole" if (tmp_path / "whole").mkdir() is None else tmp_path)
    (tmp_path / "cut").mkdir()
    run(tmp_path / "cut", stop_after=stop_after)
    rest, resumed = run(tmp_path / "cut")
    assert len(rest) < 12, "it went on, and did not start over"
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.history == whole.history
    assert whole.tensors.keys() == resumed.tensors.keys()
    for name, value in whole.tensors.items():
        np.testing.assert_array_equal(value, resumed.tensors[name], err_msg=name)


def test_other_songs_start_over(tmp_path):
    def first_epoch(mark):
        return next(train.train(SONGS, KEPT, HELD, scheme.spec(), PLAN, tmp_path, mark=mark)).number

    run(tmp_path, stop_after=4)
    assert first_epoch("") == 5
    assert first_epoch("others") == 1


def test_a_run_that_runs_away_says_so(tmp_path):
    with pytest.raises(CorpusError, match="ran away"):
        run(tmp_path, dataclasses.replace(PLAN, rate=1e30))


def test_another_plan_starts_over(tmp_path):
    run(tmp_path, stop_after=4)
    epochs, _ = run(tmp_path, dataclasses.replace(PLAN, seed=4))
    assert epochs[0].number == 1


def test_a_damaged_state_starts_over(tmp_path):
    run(tmp_path, stop_after=4)
    state = tmp_path / "training.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    assert run(tmp_path)[0][0].number == 1


def test_without_held_out_songs_all_epochs_are_done(tmp_path):
    epochs, outcome = run(tmp_path, kept=range(8), held=())
    assert [e.stage for e in epochs] == ["all songs"] * PLAN.epochs
    assert all(math.isnan(e.held_out) for e in epochs)
    assert outcome.history == ()


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    epochs, _ = run(tmp_path, dataclasses.replace(PLAN, rate=1e-9, patience=2, epochs=50))
    assert sum(e.stage == "measure" for e in epochs) < 50


def test_without_refit_the_best_weights_are_kept(tmp_path):
    epochs, outcome = run(tmp_path, dataclasses.replace(PLAN, refit=False))
    assert {e.stage for e in epochs} == {"measure"}
    assert outcome.best_epoch == 1 + int(np.argmin([h for _, h in outcome.history]))
    assert outcome.tensors


def test_long_songs_are_cut_and_wholly_used(monkeypatch, tmp_path):
    monkeypatch.setattr(feeding, "CROP", 10)
    monkeypatch.setattr(train, "SCORE_CROP", 10)
    for seed in range(20):
        rows = list(feeding.stretches(SONGS, [0], np.random.default_rng(seed)))
        assert [row.start for row in rows] == [0, *(row.end for row in rows[:-1])]
        assert rows[-1].end == len(SONGS[0].symbols)
        assert max(row.end - row.start for row in rows) <= 10
    assert math.isfinite(run(tmp_path)[0][0].held_out)


def test_what_was_learned_before_is_measured_and_kept_where_no_epoch_helps(tmp_path):
    _, first = run(tmp_path, dataclasses.replace(PLAN, epochs=12))

    def tuned(rate, folder):
        plan = dataclasses.replace(PLAN, epochs=2, rate=rate)
        folder.mkdir()
        work = train.train(SONGS, KEPT, HELD, scheme.spec(), plan, folder, start=first.measured)
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value

    helped, spoiled = tuned(1e-3, tmp_path / "helped"), tuned(100.0, tmp_path / "spoiled")
    assert helped.before == spoiled.before == pytest.approx(min(h for _, h in first.history), abs=1e-6)
    assert helped.best_epoch > 0
    assert min(h for _, h in helped.history) < helped.before
    assert spoiled.best_epoch == 0
    for name, value in first.measured.items():
        np.testing.assert_array_equal(value, spoiled.tensors[name])


def test_augmenting_moves_the_music_and_tells_the_end():
    moved = feeding.augment(SONGS[0], 5, feeding.last_bar(SONGS[0]))
    np.testing.assert_array_equal(moved.symbols[6:-1], SONGS[0].symbols[6:-1] + 5)
    place = scheme.viewpoints.PLACE["bars left"]
    assert moved.frames[0, place] == feeding.last_bar(SONGS[0]) == 8
    assert moved.frames[-2, place] == 1
    assert not SONGS[0].frames[:, place].any()


def test_the_learning_rate_rises_and_falls():
    rates = [train.rate_at(1.0, done) for done in np.linspace(0, 1, 50)]
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.01)
