"""The n-gram model against a plain implementation, stepping against scoring, and keys that do not matter."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_models_rnn import joined_songs_go_on_alone, make_song, make_spec

from tunesmith.errors import ModelError
from tunesmith.models import Model, Song, ppm, score
from tunesmith.models.ngram import Ngram, Settings
from tunesmith.models.ppm import ESCAPE, Counts, interpolated
from tunesmith.models.uniform import Uniform

SPEC = make_spec()
CASES = [
    Settings(),
    Settings(adaptive=False),
    Settings(relative=False),
    Settings(reference="interval"),
    Settings(order=0, duration_order=0),
    Settings(order=1, duration_order=4, stream="place"),
    Settings(order=4, duration_order=2, song_order=1),
]


def stepped(model: Model, songs: list[Song]) -> tuple[np.ndarray, np.ndarray]:
    state = model.begin(len(songs))
    symbols, durations = [], []
    for t in range(len(songs[0].symbols)):
        symbols.append(model.symbols(state, np.stack([song.frames[t] for song in songs])))
        durations.append(model.durations(state, np.array([song.symbols[t] for song in songs])))
    return np.array(symbols), np.array(durations)


@pytest.fixture(params=CASES, ids=str)
def model(request: pytest.FixtureRequest) -> Ngram:
    return Ngram(SPEC, request.param).fit(make_song(SPEC, 60, seed) for seed in range(10, 25))


def steps_agree_with_scoring(model: Model, songs: list[Song], tolerance: float) -> None:
    """Stepping gives distributions over what the spec of these tests allows, and what scoring whole songs gives."""
    symbols, durations = stepped(model, songs)
    for log_p, allowed in (
        (symbols, np.stack([SPEC.allowed_symbols(song.frames) for song in songs], 1)),
        (durations, np.stack([SPEC.allowed_durations(song.symbols) for song in songs], 1)),
    ):
        np.testing.assert_allclose(np.exp(log_p).sum(-1), 1, atol=1e-9)
        assert (np.isfinite(log_p) == allowed).all()
    steps = np.arange(len(symbols))
    for row, song in enumerate(songs):
        found = np.stack((symbols[steps, row, song.symbols], durations[steps, row, song.durations]), 1)
        np.testing.assert_allclose(score(model, song), found, atol=tolerance)


def test_stepping_gives_distributions_and_agrees_with_scoring(model):
    steps_agree_with_scoring(model, [make_song(SPEC, 200, seed) for seed in (3, 12)], 1e-9)


def test_selected_songs_go_on_as_if_they_had_been_there_from_the_start(model):
    songs = [make_song(SPEC, 90, seed) for seed in (3, 12)]
    whole = stepped(model, [songs[1], songs[1], songs[0]])
    state = model.begin(2)
    for t in range(70):
        model.symbols(state, np.stack([song.frames[t] for song in songs]))
        model.durations(state, np.array([song.symbols[t] for song in songs]))
    chosen = model.select(state, np.array([1, 1, 0]))
    model.symbols(state, np.stack([song.frames[70] for song in songs]))  # must leave the copies alone
    for t in range(70, 90):
        rows = [songs[row] for row in (1, 1, 0)]
        log_p = model.symbols(chosen, np.stack([song.frames[t] for song in rows]))
        np.testing.assert_allclose(log_p, whole[0][t], atol=1e-12)
        log_p = model.durations(chosen, np.array([song.symbols[t] for song in rows]))
        np.testing.assert_allclose(log_p, whole[1][t], atol=1e-12)


def test_joined_songs_go_on_as_if_they_were_alone(model):
    joined_songs_go_on_alone(model, SPEC, 1e-12)


History = list[tuple[tuple[int, ...], int]]


def plain_ppm(
    histories: list[tuple[History, int]], context: tuple[int, ...], allowed: np.ndarray, escape: int = ESCAPE
) -> np.ndarray:
    """Interpolated PPM straight from the definition: histories, each up to an order, the more general first."""
    p = allowed / allowed.sum()
    for order in range(len(context) + 1):
        for history, most in histories:
            counts = Counter(followed for before, followed in history if before[:order] == context[:order])
            c = np.array([counts[x] if allowed[x] and order <= most else 0 for x in range(len(allowed))])
            n, types = c.sum(), escape * (c > 0).sum()
            if n:
                p = (c + types * p) / (n + types)
    return p


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_counts_agree_with_the_definition(data):
    vocabulary, order = 4, data.draw(st.integers(0, 3))
    token = st.integers(0, vocabulary - 1)
    history = data.draw(st.lists(st.tuples(st.tuples(*[token] * order), token), max_size=40))
    contexts = data.draw(st.lists(st.tuples(*[token] * order), min_size=1, max_size=4))
    allowed = np.array(data.draw(st.lists(token, min_size=1).map(lambda some: np.isin(np.arange(vocabulary), some))))
    counts = Counts.of(
        np.array([before for before, _ in history], int).reshape(len(history), order),
        np.array([followed for _, followed in history], int),
        vocabulary,
    )

    masks = np.repeat(allowed[None], len(contexts), 0)
    found = interpolated(counts.after(np.array(contexts, int).reshape(len(contexts), order)), masks)
    for row, context in zip(found, contexts, strict=True):
        np.testing.assert_allclose(row, plain_ppm([(history, order)], context, allowed), atol=1e-12)


def test_escape_method_c_is_the_case_of_one(monkeypatch):
    """The textbook's numbers: after a b a, p(a) = (2 + 2/3) / 5 of three letters."""
    monkeypatch.setattr(ppm, "ESCAPE", 1)
    counts = Counts.of(np.empty((3, 0), int), np.array([0, 1, 0]), 3)
    found = interpolated(counts.after(np.empty((1, 0), int)), np.ones((1, 3), bool))
    np.testing.assert_allclose(found, [[8 / 15, 1 / 3, 2 / 15]])


def test_a_whole_song_agrees_with_the_definition():
    """Order by order the corpus, then the song so far; streams apart, durations after their symbol's class."""
    options = Settings(order=1, duration_order=2, song_order=2, relative=False)
    songs = [make_song(SPEC, 40, seed) for seed in range(5)]
    model = Ngram(SPEC, options).fit(songs[1:])

    def observations(song: Song) -> list[list[tuple[tuple[int, ...], int]]]:
        rows: list[list[tuple[tuple[int, ...], int]]] = [[], []]
        voices = song.frames[:, SPEC.place("voice")]
        for t, (symbol, duration) in enumerate(zip(song.symbols, song.durations, strict=True)):
            before = [j for j in range(t)[::-1] if voices[j] == voices[t]]
            rows[0].append((tuple([*song.symbols[before], -1, -1][:2]), symbol))
            first = SPEC.duration_classes[symbol]
            rows[1].append(((100 + first, [*song.durations[before], -1][0]), duration))
        return rows

    corpus = [[row for song in songs[1:] for row in observations(song)[head]] for head in (0, 1)]
    own, found = observations(songs[0]), score(model, songs[0])
    masks = SPEC.allowed_symbols(songs[0].frames), SPEC.allowed_durations(songs[0].symbols)
    for head in (0, 1):
        for t, (context, followed) in enumerate(own[head]):
            p = plain_ppm([(corpus[head], head + 1), (own[head][:t], 2)], context, masks[head][t])
            assert found[t, head] == pytest.approx(np.log(p[followed]), abs=1e-9)


def transposed(song: Song, by: int) -> Song:
    """The same song with all pitches (symbols below 24), references and keys moved."""
    frames, symbols = song.frames.copy(), song.symbols + by * (song.symbols < 24)
    frames[:, 4] += by * (frames[:, 4] >= 0)
    frames[1:, 0] = symbols[:-1] + 1
    return Song(frames, symbols, song.durations)


@pytest.mark.parametrize(("anchors", "counting"), [(1, Settings()), (2, Settings(reference="interval"))])
def test_keys_do_not_matter_where_symbols_count_as_distances(anchors, counting):
    spec = replace(
        SPEC,
        symbol_masks=np.ones((4, 40), bool),
        anchors=SPEC.anchors[:anchors],
        duration_classes=np.where(np.arange(40) < 24, 0, 1),
    )
    rng = np.random.default_rng(4)
    songs = []
    for seed in range(6):
        song = make_song(spec, 80, seed)
        song.frames[:, spec.floor_place] = -1
        song.symbols[:] = np.where(rng.random(80) < 0.8, rng.integers(6, 12, 80), 30)
        song.frames[:, 4] = rng.integers(5, 12)  # one reference for all the song
        song.frames[:, 5] = -1  # and no key told, so that the anchor that would count has none
        songs.append(transposed(song, 0))
    moved = [transposed(song, by) for by, song in enumerate(songs, 1)]
    scores = {
        (option is counting, name): score(Ngram(spec, option).fit(corpus[1:]), songs[0])
        for option in (Settings(relative=False), counting)
        for name, corpus in (("same", songs), ("moved", moved))
    }
    np.testing.assert_allclose(scores[True, "same"], scores[True, "moved"])
    assert not np.allclose(scores[False, "same"], scores[False, "moved"])


@pytest.mark.parametrize("relative", [True, False])
def test_every_symbol_comes_back_from_its_token(relative):
    tokens = Ngram(SPEC, Settings(relative=relative))._tokens
    song = make_song(SPEC, 2000)
    found = tokens.of(song.symbols, song.frames)
    assert found.max() < tokens.size
    assert (tokens.symbols(found, song.frames) == song.symbols).all()
    assert (tokens.symbols(np.full(2000, tokens.start), song.frames) == -1).all()


def test_it_learns_from_songs_and_from_the_song_so_far():
    riff = make_song(SPEC, 12)
    rows = np.tile(np.arange(12), 6)
    song = Song(riff.frames[rows], riff.symbols[rows], riff.durations[rows])
    even = score(Uniform(SPEC), song).sum()
    fresh, frozen = (Ngram(SPEC, Settings(adaptive=adaptive)) for adaptive in (True, False))
    assert score(fresh, song).sum() > even * 0.7
    assert score(frozen, song).sum() == pytest.approx(even)
    assert score(frozen.fit([song]), song).sum() > even * 0.4


def test_load_brings_back_the_same_model(model):
    again = Ngram.load(SPEC, model.settings(), model.tensors())
    song = make_song(SPEC, 50, 11)
    assert (score(again, song) == score(model, song)).all()
    assert score(model, make_song(SPEC, 0)).shape == (0, 2)


def test_many_songs_do_not_drown_the_one_at_hand():
    """A riff that contradicts all songs learned from is known by heart at its sixth time."""
    options = Settings(relative=False)
    riff = make_song(SPEC, 8, 77)
    rows = np.tile(np.arange(8), 8)
    song = Song(riff.frames[rows], riff.symbols[rows], riff.durations[rows])
    corpus = [make_song(SPEC, 300, seed) for seed in range(40)]
    assert score(Ngram(SPEC, options).fit(corpus), song)[40:].mean() > -0.1


def test_a_song_remembers_a_bounded_part_of_itself(monkeypatch):
    """Stepping and scoring forget alike, and what lies too far back changes nothing."""
    monkeypatch.setattr(ppm, "REACH", 60)
    one, other = make_song(SPEC, 300, 3), make_song(SPEC, 300, 4)
    joined = Song(*(np.concatenate((b[:150], a[150:])) for a, b in zip(fields_of(one), fields_of(other), strict=True)))
    model = Ngram(SPEC, Settings(song_order=2))
    found = score(model, one)
    np.testing.assert_allclose(score(model, joined)[230:], found[230:], atol=1e-12)
    steps = np.arange(300)
    symbols, durations = stepped(model, [one])
    expected = np.stack((symbols[steps, 0, one.symbols], durations[steps, 0, one.durations]), 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    monkeypatch.undo()
    assert not np.allclose(score(model, joined)[230:], score(model, one)[230:])


def fields_of(song: Song) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return song.frames, song.symbols, song.durations


DAMAGED = {
    "no events": {"events": None},
    "no lengths": {"lengths": None},
    "too few": {"lengths": np.array([3])},
    "events too large": {"events": np.full((900, 4), 9999)},
    "events below zero": {"events": np.full((900, 4), -1)},
    "events that are no whole numbers": {"events": np.full((900, 4), np.nan)},
    "lengths that are no whole numbers": {"lengths": np.array([900.0])},
    "lengths in a square": {"lengths": np.full((30, 30), 1)},
    "a length below zero": {"lengths": np.array([901, -1])},
    "a sum that comes round": {"lengths": np.array([2**62, 2**62, 2**62, 2**62, 900])},
    "an unsigned sum that comes round": {"lengths": np.array([2**63, 2**63, 900], np.uint64)},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_damaged_counts_are_a_clear_error(model, change):
    tensors = {name: values for name, values in (model.tensors() | change).items() if values is not None}
    with pytest.raises(ModelError, match="of the n-gram model are"):
        Ngram.load(SPEC, model.settings(), tensors)


@pytest.mark.parametrize(
    "bad",
    [
        {"ordre": 3},
        {"order": -1},
        {"duration_order": 1.5},
        {"song_order": 17},
        {"order": True},
        {"adaptive": 1},
        {"stream": 3},
        {"reference": 1},
    ],
)
def test_settings_that_make_no_sense_are_a_clear_error(bad):
    with pytest.raises(ModelError):
        Settings.of(bad)


def test_an_anchor_that_is_not_there_is_a_clear_error():
    with pytest.raises(ModelError, match="counts from 'intervall', which is no anchor here"):
        Ngram(SPEC, Settings(reference="intervall"))
