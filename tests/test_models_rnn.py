"""The network: NumPy against torch, stepping against scoring, and training that can be resumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunesmith.errors import ModelError
from tunesmith.models import Model, Song, score
from tunesmith.models.rnn import Rnn, Settings, shapes
from tunesmith.models.spec import Anchor, Feature, Spec

SYMBOLS, DURATIONS = 40, 10


def make_spec() -> Spec:
    """40 symbols: 24 pitches with a floor, 12 chords, 4 controls; masks that differ; durations by class."""
    rng = np.random.default_rng(5)
    symbol_masks = rng.random((4, SYMBOLS)) < [[1.1], [0.7], [0.5], [0.3]]
    symbol_masks[:, 30] = True
    duration_masks = rng.random((3, DURATIONS)) < [[1.1], [0.5], [0.0]]
    duration_masks[:, 0] = True
    names = ("previous symbol", "previous duration", "place", "voice")
    sizes = (SYMBOLS + 1, DURATIONS + 1, 8, 3)
    return Spec(
        features=tuple(
            Feature(name, place, size, 6) for place, (name, size) in enumerate(zip(names, sizes, strict=True))
        ),
        anchors=(
            Anchor("interval", 4, 0, 24, reach=9),
            Anchor("degree", 5, 0, 24, modulus=12),
            Anchor("root", 5, 24, 36, modulus=12),
        ),
        columns=8,
        mask_place=6,
        floor_place=7,
        floor_range=24,
        symbol_masks=symbol_masks,
        duration_classes=rng.integers(0, 3, SYMBOLS),
        duration_masks=duration_masks,
    )


def make_song(spec: Spec, length: int, seed: int = 0) -> Song:
    """A song that the grammar allows: random frames, random choices among what is allowed."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((length, spec.columns), np.int32)
    for feature in spec.features:
        frames[:, feature.place] = rng.integers(0, feature.size, length)
    for anchor in spec.anchors:
        frames[:, anchor.place] = rng.integers(-1, anchor.modulus or anchor.last - anchor.first, length)
    if spec.mask_place != spec.floor_place:
        frames[:, spec.mask_place] = rng.integers(0, len(spec.symbol_masks), length)
        frames[:, spec.floor_place] = rng.integers(-1, spec.floor_range, length)
    symbols = np.array([rng.choice(np.flatnonzero(row)) for row in spec.allowed_symbols(frames)], np.int32)
    durations = np.array([rng.choice(np.flatnonzero(row)) for row in spec.allowed_durations(symbols)], np.int32)
    for name, chosen in (("previous symbol", symbols), ("previous duration", durations)):
        place = spec.place(name)
        if place is not None:
            frames[:, place] = np.concatenate(([0], chosen[:-1] + 1))
    return Song(frames, symbols, durations)


SEED_SPEC = Spec(
    features=(Feature("previous symbol", 0, 26, 25),),
    anchors=(),
    columns=3,
    mask_place=1,
    floor_place=2,
    floor_range=0,
    symbol_masks=np.ones((1, 25), bool),
    duration_classes=np.zeros(25, int),
    duration_masks=np.ones((1, 1), bool),
)
SMALL = Settings(hidden=24, layers=1, pointer_size=8, duration_size=12)
CASES = {
    "pointer": (make_spec(), SMALL),
    "two layers": (make_spec(), replace(SMALL, layers=2)),
    "no pointer": (make_spec(), replace(SMALL, pointer=False)),
    "no relative": (make_spec(), replace(SMALL, relative=False)),
    "no absolute": (make_spec(), replace(SMALL, absolute=False)),
    "window": (make_spec(), replace(SMALL, window=5, layers=2)),
    "seed preset": (SEED_SPEC, Settings(hidden=32, layers=1, dropout=0.2, pointer=False, relative=False, window=20)),
}


def wild(spec: Spec, settings: Settings, seed: int = 1) -> dict[str, np.ndarray]:
    """Weights large enough that nothing is near uniform."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes(spec, settings).items():
        scale = 0.7 if name.startswith(("lstm", "query", "key")) else 1.5
        found[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
    return found


def stepped(model: Rnn, songs: list[Song]) -> tuple[np.ndarray, np.ndarray]:
    """All distributions (T, batch, ...) met on the way through songs of the same length."""
    state = model.begin(len(songs))
    symbols, durations = [], []
    for t in range(len(songs[0].symbols)):
        symbols.append(model.symbols(state, np.stack([song.frames[t] for song in songs])))
        durations.append(model.durations(state, np.array([song.symbols[t] for song in songs])))
    return np.array(symbols), np.array(durations)


def targets(distributions: tuple[np.ndarray, np.ndarray], song: Song, row: int) -> np.ndarray:
    steps = np.arange(len(song.symbols))
    return np.stack((distributions[0][steps, row, song.symbols], distributions[1][steps, row, song.durations]), 1)


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> tuple[Spec, Settings]:
    return request.param


def test_stepping_gives_distributions_and_agrees_with_scoring(case):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    songs = [make_song(spec, 150, seed) for seed in range(3)]
    symbols, durations = stepped(model, songs)
    for log_p, allowed in (
        (symbols, np.stack([spec.allowed_symbols(song.frames) for song in songs], 1)),
        (durations, np.stack([spec.allowed_durations(song.symbols) for song in songs], 1)),
    ):
        assert log_p.dtype == np.float64
        np.testing.assert_allclose(np.exp(log_p).sum(-1), 1, atol=1e-9)
        assert (np.isfinite(log_p) == allowed).all()
    for row, song in enumerate(songs):
        np.testing.assert_allclose(score(model, song), targets((symbols, durations), song, row), atol=1e-4)


def test_a_long_song_scores_the_same_in_chunks(case):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    song = make_song(spec, 600)
    np.testing.assert_allclose(score(model, song), targets(stepped(model, [song]), song, 0), atol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 4, 5, 6])
def test_short_songs(case, length):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    assert score(model, make_song(spec, length)).shape == (length, 2)


def test_rows_do_not_depend_on_their_neighbours(case):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    songs = [make_song(spec, 40, seed) for seed in range(4)]
    together, alone = stepped(model, songs), stepped(model, songs[2:3])
    for many, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(many[:, 2], one[:, 0], atol=1e-4)


def test_selected_songs_go_on_as_if_they_had_been_there_from_the_start(case):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    songs = [make_song(spec, 100, seed) for seed in range(3)]
    whole = stepped(model, [songs[2], songs[0], songs[2]])
    state = model.begin(3)
    for t in range(70):
        model.symbols(state, np.stack([song.frames[t] for song in songs]))
        model.durations(state, np.array([song.symbols[t] for song in songs]))
    chosen = model.select(state, np.array([2, 0, 2]))
    model.symbols(state, np.stack([song.frames[70] for song in songs]))  # must leave the copies alone
    for t in range(70, 100):
        log_p = model.symbols(chosen, np.stack([songs[row].frames[t] for row in (2, 0, 2)]))
        np.testing.assert_allclose(log_p, whole[0][t], atol=1e-4)
        log_p = model.durations(chosen, np.array([songs[row].symbols[t] for row in (2, 0, 2)]))
        np.testing.assert_allclose(log_p, whole[1][t], atol=1e-4)


def joined_songs_go_on_alone(model: Model, spec: Spec, tolerance: float) -> None:
    """Songs that have had 10, 100 and no events, side by side, hear nothing of each other."""
    songs, begun = [make_song(spec, 130, seed) for seed in range(3)], (10, 100, 0)
    states = []
    for song, events in zip(songs, begun, strict=True):
        states.append(model.begin(1))
        for t in range(events):
            model.symbols(states[-1], song.frames[t : t + 1])
            model.durations(states[-1], song.symbols[t : t + 1])
    joined = model.join(states)
    alone = [stepped(model, [song]) for song in songs]
    for step in range(30):
        at = [events + step for events in begun]
        symbols = model.symbols(joined, np.stack([song.frames[t] for song, t in zip(songs, at, strict=True)]))
        durations = model.durations(joined, np.array([song.symbols[t] for song, t in zip(songs, at, strict=True)]))
        for row, t in enumerate(at):
            np.testing.assert_allclose(symbols[row], alone[row][0][t, 0], atol=tolerance)
            np.testing.assert_allclose(durations[row], alone[row][1][t, 0], atol=tolerance)


def test_joined_songs_go_on_as_if_they_were_alone(case):
    spec, settings = case
    joined_songs_go_on_alone(Rnn(spec, settings, wild(spec, settings)), spec, 1e-4)


def test_the_pointer_copies_what_followed_the_same_situation():
    spec, settings = CASES["pointer"]
    weights = {name: np.zeros_like(values) for name, values in wild(spec, settings).items()}
    weights["gate.bias"] += 4.0
    song = make_song(spec, 30)
    free = replace(spec, symbol_masks=np.ones_like(spec.symbol_masks), floor_range=0)
    log_p = stepped(Rnn(free, settings, weights), [song])[0][-1, 0]
    heard = np.bincount(song.symbols[:-1], minlength=SYMBOLS) / 29  # attention is even: it copies what was frequent
    gate = 0.999 / (1 + np.exp(-4))
    np.testing.assert_allclose(np.exp(log_p), (1 - gate) / SYMBOLS + gate * heard, atol=1e-6)


def test_where_nothing_is_allowed_nothing_has_probability(case):
    spec, settings = case
    nothing = replace(spec, symbol_masks=np.zeros_like(spec.symbol_masks))
    model = Rnn(nothing, settings, wild(nothing, settings))
    frames = make_song(spec, 3).frames
    state = model.begin(1)
    for t in range(3):
        assert np.isneginf(model.symbols(state, frames[t : t + 1])).all()


def test_a_pointer_needs_to_be_told_what_was_chosen():
    spec, settings = CASES["pointer"]
    deaf = replace(spec, features=spec.features[1:])
    with pytest.raises(ModelError, match="previous"):
        Rnn(deaf, settings, wild(deaf, settings))


def test_weights_that_do_not_fit_are_a_clear_error(case):
    spec, settings = case
    good = wild(spec, settings)
    name = sorted(good)[0]
    for bad in (
        good | {name: good[name][1:]},
        {k: v for k, v in good.items() if k != name},
        good | {name: good[name] * np.nan},
        good | {name: np.full(good[name].shape, 1e300)},  # infinite as float32, and no warning about it
        good | {name: np.full_like(good[name], 1e30)},
        good | {name: good[name].astype(np.int64)},
    ):
        with pytest.raises(ModelError, match=name):
            Rnn(spec, settings, bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"hiden": 3},
        {"hidden": 0},
        {"hidden": "8"},
        {"layers": -1},
        {"dropout": 1.0},
        {"window": 2.5},
        {"pointer": "no"},
    ],
)
def test_settings_that_make_no_sense_are_a_clear_error(bad):
    with pytest.raises(ModelError):
        Settings.of(bad)


def test_load_brings_back_the_same_model(case):
    spec, settings = case
    model = Rnn(spec, settings, wild(spec, settings))
    again = Rnn.load(spec, model.settings(), model.tensors())
    song = make_song(spec, 30)
    assert (score(again, song) == score(model, song)).all()
