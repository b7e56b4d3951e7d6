"""Composing with a model that knows nothing: whatever comes out, the wishes hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import melody

from tunesmith import scheme, theory
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.constraints import Filling
from tunesmith.constraints.wish import _fillable
from tunesmith.errors import ModelError, RequestError
from tunesmith.models.uniform import Uniform
from tunesmith.request import Request
from tunesmith.sample import compose
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score

WALTZ = melody([67, 72, 74, 76, 72, 76, 79, 72, 76, 79, 0, 72], TPQ, meters=(Meter(0, 3, 4),), pickup=TPQ)
MARCH = melody([60, 64, 67, 72, 71, 69, 67, 65] * 2, TPQ // 2, keys=(Key(0, 0, "major"),))
MINOR = melody([69, 71, 72, 74, 76, 77, 80, 81], TPQ, keys=(Key(0, 0, "minor"),), meters=(Meter(0, 6, 8),))
QUARTET = Score(tuple(Part(tuple(Note(i * TPQ, TPQ, p + i) for i in range(8)), program=48) for p in (72, 64, 55, 48)))
LEAD = Score(melody([60, 64, 67, 72]).parts, chords=(Chord(0, 2 * TPQ, 0, 0), Chord(2 * TPQ, 2 * TPQ, 7, 4)))


def knowing(*songs: Score) -> Learned:
    """A model that knows the grammar alone, and has heard these songs."""
    stored = LearnedSongs.of([str(i) for i in range(len(songs))], [np.array(scheme.encode(s)) for s in songs])
    return Learned("uniform", Uniform(scheme.spec()), (), stored, {})


def only(learned: Learned, **options: object) -> Score:
    return next(compose(learned, Request(**options)))  # type: ignore[arg-type]  # fields of Request


@given(st.integers(1, 12), st.integers(0, 10_000), st.sampled_from((WALTZ, MARCH, MINOR)))
@settings(max_examples=60, deadline=None)
def test_length_meter_key_and_close_hold(bars, seed, song):
    piece = only(knowing(song), bars=bars, seed=seed)
    learned = scheme.carried(song)
    assert piece.meters == learned.meters
    assert piece.keys == learned.keys
    assert piece.pickup == learned.pickup
    full = bars * piece.meters[0].bar
    last = max(n.end for n in piece.notes())
    assert last == full, "the last note, no rest, ends the piece"
    final = max(piece.notes(), key=lambda n: n.onset)
    assert len({n.onset for n in piece.notes()}) == piece.note_count, "a melody has no chords"
    longest = max(n.duration for n in song.notes())
    assert final.duration >= min(4 * TPQ // piece.meters[0].unit, longest)
    assert final.pitch % 12 == piece.keys[0].tonic
    low, high = (f(n.pitch for n in song.notes()) for f in (min, max))
    assert all(low <= n.pitch <= high for n in piece.notes())


@given(st.integers(1, 6), st.integers(0, 10_000), st.sampled_from((QUARTET, LEAD)))
@settings(max_examples=30, deadline=None)
def test_several_voices_end_together(bars, seed, song):
    piece = only(knowing(song), bars=bars, seed=seed)
    assert len(piece.parts) == len(song.parts)
    assert piece.end <= bars * 4 * TPQ
    assert scheme.decode(scheme.encode(piece)) == piece.replace(tempos=scheme.carried(piece).tempos)


@pytest.mark.parametrize("text", ["C", "F# minor", "Bb", "E dorian", "Gb"])
@pytest.mark.parametrize("meter", [(2, 4), (3, 4), (6, 8), (5, 4)])
def test_what_is_asked_for_is_what_comes(text, meter):
    key = Key(0, *theory.parse_key(text))
    piece = only(knowing(WALTZ, MARCH), bars=8, key=key, meter=Meter(0, *meter), tempo=93.0, seed=4)
    assert piece.keys == (key,)
    assert piece.meters == (Meter(0, *meter),)
    assert piece.tempos[0].bpm == 93.0
    assert sum(bar.number > 0 for bar in piece.bars()) == 8


def test_the_same_seed_gives_the_same_piece_and_each_piece_stands_alone():
    learned = knowing(WALTZ, MARCH)
    three = list(compose(learned, Request(bars=4, pieces=3, seed=9)))
    assert three == list(compose(learned, Request(bars=4, pieces=3, seed=9)))
    assert three[0] == only(learned, bars=4, seed=9)
    assert three[0].parts != three[1].parts
    assert three[0].parts != only(learned, bars=4, seed=10).parts


def test_without_songs_a_plain_header_is_used():
    assert only(knowing(), bars=2).note_count > 0


@pytest.mark.parametrize(
    "options",
    [
        {"bars": 0},
        {"bars": 10_000},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"rhythm_temperature": 3.0},
        {"pieces": 0},
        {"seed": -1},
        {"tempo": 3.0},
        {"meter": Meter(0, 40, 4)},
    ],
)
def test_requests_that_make_no_sense(options):
    with pytest.raises(RequestError):
        only(knowing(MARCH), **options)


def test_lengths_that_can_be_filled():
    found = _fillable([3, 5], 30)
    assert [n for n in range(31) if found[n]] == [0, 3, 5, 6, 8, 9, 10, *range(11, 31)]
    quarter = Filling((26,), 8 * TPQ)
    assert quarter.fits(4 * TPQ)
    assert not quarter.fits(TPQ // 2)


@given(st.integers(1, 8), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_melody_ends_on_a_tonic_of_a_beat_whatever_lengths_were_learned(bars, seed):
    lengths = [TPQ // 4, TPQ // 2, TPQ, 3 * TPQ // 2, TPQ // 3, TPQ // 3, TPQ // 3, TPQ // 4]
    onsets = np.cumsum([0, *lengths[:-1]]).tolist()
    song = Score((Part(tuple(Note(t, d, 60 + 2 * i) for i, (t, d) in enumerate(zip(onsets, lengths, strict=True)))),))
    piece = only(knowing(song), bars=bars, seed=seed, key=Key(0, 2, "major"))
    final = max(piece.notes(), key=lambda n: n.onset)
    assert (final.end, final.pitch % 12) == (bars * 4 * TPQ, 2)
    assert final.duration >= TPQ


@pytest.mark.parametrize("keep", [0, 1, 4])
def test_songs_that_are_no_music_are_said_so(keep):
    """A forged model file: a song without a header, or with half of one, would have no end."""
    events = np.array(scheme.encode(MARCH))[5 - keep :]
    learned = Learned("uniform", Uniform(scheme.spec()), (), LearnedSongs.of(["forged"], [events]), {})
    with pytest.raises(ModelError, match="no music"):
        only(learned)


def test_the_meter_weighs_more_than_the_mode():
    piece = only(knowing(MARCH, MINOR, WALTZ), meter=Meter(0, 3, 4), key=Key(0, 0, "minor"), bars=4)
    assert piece.pickup == TPQ, "as the waltz has it"


def test_rhythm_keeps_to_the_places_where_the_songs_have_it():
    """A model that knows nothing places dotted notes anywhere; with the songs' habits they stand where they stood."""
    lengths = [3 * TPQ // 2, TPQ // 2, TPQ, TPQ] * 4
    onsets = np.cumsum([0, *lengths[:-1]]).tolist()
    song = Score((Part(tuple(Note(t, d, 60 + i % 13) for i, (t, d) in enumerate(zip(onsets, lengths, strict=True)))),))
    usual = {(t % (4 * TPQ), d) for t, d in zip(onsets, lengths, strict=True)}
    notes = [n for seed in range(10) for n in only(knowing(song), seed=seed).notes()]
    # a note that is held is longer than any of the songs, though both its lengths stand where they stood
    assert np.mean([(n.onset % (4 * TPQ), n.duration) in usual for n in notes]) > 0.85


def test_chord_symbols_are_those_of_the_songs_seen_from_the_tonic():
    """The model knows nothing, so that only the wish keeps it to C and G7, here in D."""
    piece = only(knowing(LEAD), bars=8, seed=2, key=Key(0, 2, "major"))
    assert piece.chords
    known = [(c.root, c.quality) in {(2, 0), (9, 4)} for c in piece.chords]
    assert np.mean(known) > 0.9


def test_kinds_of_chords_that_do_not_exist_are_never_written():
    """The vocabulary has room for kinds to come; a model file without songs once wrote them."""
    assert not scheme.cursor.SYMBOL_MASKS[:, scheme.vocabulary.CHORD.first + 12 * len(theory.QUALITIES) : 419].any()


def test_the_commonest_texture_is_composed():
    for seed in range(10):
        assert not only(knowing(WALTZ, MARCH, LEAD), bars=2, seed=seed).chords


def test_minor_keeps_its_third():
    pieces = compose(knowing(MINOR), Request(bars=8, key=Key(0, -1, "minor"), meter=Meter(0, 4, 4), pieces=10))
    pitches = [n.pitch % 12 for piece in pieces for n in piece.notes()]
    assert pitches.count(6) < 0.02 * len(pitches), "no F sharp in D minor"
