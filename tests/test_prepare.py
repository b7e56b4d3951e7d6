"""Preparing: exact scores stay, played ones land on the grid, in voices, in a key."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import melody, scores

from tunesmith import formats
from tunesmith.errors import NotCarried
from tunesmith.prepare import MAX_PART_VOICES, find_key, on_grid, overlaps, prepare, quantise
from tunesmith.scheme import decode, encode
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score


def played(score: Score, jitter: int, seed: int = 0) -> Score:
    """The score as a careful player would play it: onsets and ends off by up to `jitter` ticks."""
    random = np.random.default_rng(seed)

    def loose(n: Note) -> Note:
        onset = max(0, n.onset + int(random.integers(-jitter, jitter + 1)))
        return dataclasses.replace(n, onset=onset, duration=max(1, n.duration - int(random.integers(0, jitter + 1))))

    return score.replace(parts=tuple(Part(tuple(map(loose, p.notes))) for p in score.parts))


RHYTHMS = {
    "quarters": [TPQ] * 8,
    "eighths and quarters": [TPQ // 2, TPQ // 2, TPQ, TPQ // 2, TPQ // 2, 2 * TPQ],
    "triplets": [TPQ // 3] * 3 + [TPQ] + [TPQ // 3] * 6 + [TPQ],
    "sixteenths": [TPQ // 4] * 8 + [TPQ // 2] * 2 + [TPQ],
    "dotted": [3 * TPQ // 4, TPQ // 4] * 4,
    "swing triplets": [2 * TPQ // 3, TPQ // 3] * 4,
}


@pytest.mark.parametrize("name", RHYTHMS)
def test_played_rhythms_are_found_again(name):
    lengths = RHYTHMS[name]
    onsets = np.cumsum([0, *lengths])
    exact = Score(
        (Part(tuple(Note(int(t), d, 60 + i % 5) for i, (t, d) in enumerate(zip(onsets[:-1], lengths, strict=True)))),)
    )
    for seed in range(5):
        assert quantise(played(exact, TPQ // 40, seed)) == exact


@given(scores())
@settings(max_examples=50, deadline=None)
def test_scores_on_the_grid_stay_as_they_are(score):
    assume(all(on_grid(n.onset) and on_grid(n.end) for n in score.notes()))
    assert quantise(score) == score


ROWS = st.lists(
    st.tuples(st.integers(0, 90_000), st.integers(1, 40_000), st.integers(20, 100)), min_size=1, max_size=40
)
CHANGES = st.lists(st.integers(1, 90_000), max_size=3, unique=True)
SYMBOLS = st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 40_000)), max_size=5)


@given(ROWS, st.integers(0, 12_000), CHANGES, CHANGES, SYMBOLS)
@settings(max_examples=150, deadline=None)
def test_whatever_was_played_can_be_learned_from(rows, pickup, meters, keys, symbols):
    played_in = Score(
        (Part(tuple(Note(*row) for row in rows)),),
        meters=(Meter(0, 3, 4), *(Meter(t, 2 + i, 4) for i, t in enumerate(sorted(meters)))),
        keys=(Key(0), *(Key(t, i + 1) for i, t in enumerate(sorted(keys)))),
        chords=tuple(Chord(a, b, 0, 0) for a, b in sorted(symbols)),
        pickup=pickup,
    )
    score = prepare(played_in)
    assert not overlaps(score.parts[0].notes)
    assert max(n.voice for n in score.notes()) <= MAX_PART_VOICES
    try:
        assert decode(encode(score)).note_count > 0
    except NotCarried as error:
        pytest.fail(str(error))


@pytest.mark.parametrize("length", ["z/2", "C/2", "C3/2", "C5/2", "C7/2"])
def test_a_pickup_shorter_than_any_note_value_is_no_crash(length, tmp_path):
    """128ths before the first bar line."""
    (tmp_path / "a.abc").write_text(f"X:1\nT:x\nM:4/4\nL:1/64\nK:C\n{length} | C16D16E16F16 | G16A16B16c16 |]\n")
    song = next(iter(formats.read(tmp_path / "a.abc")))
    assert decode(encode(prepare(song))).note_count > 0


def test_a_held_bass_under_a_moving_melody_becomes_two_voices():
    bass = [Note(0, 4 * TPQ, 48)]
    top = [Note(i * TPQ, TPQ, 72 + i) for i in range(4)]
    voices = {n.pitch: n.voice for n in prepare(Score((Part((*bass, *top)),))).notes()}
    assert voices == {48: 2, 72: 1, 73: 1, 74: 1, 75: 1}


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        ([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60], Key(0, 0, "major")),
        ([69, 71, 72, 74, 76, 77, 80, 81, 76, 72, 69], Key(0, 0, "minor")),
        ([67, 69, 71, 72, 74, 76, 78, 79, 74, 71, 67], Key(0, 1, "major")),
        ([65, 67, 69, 70, 72, 74, 76, 77, 72, 69, 65], Key(0, -1, "major")),
    ],
)
def test_keys_of_plain_scales(pitches, key):
    assert find_key(melody(pitches)) == key


def test_a_key_that_the_file_gives_is_kept():
    assert prepare(melody([60, 64, 67], keys=(Key(0, 5, "lydian"),))).keys == (Key(0, 5, "lydian"),)


def test_no_change_cuts_a_note_of_a_quintuplet_inside() -> None:
    fifth = TPQ // 5
    notes = tuple(Note(i * 2 * fifth, 2 * fifth, 60 + i) for i in range(10))  # two fifths of a quarter each
    crossed = Score((Part(notes),), (Meter(0, 4, 4), Meter(3 * fifth, 3, 4)), (Key(0), Key(fifth, 1)))
    moved = quantise(crossed)
    assert [m.onset % (TPQ // 4) for m in moved.meters] == [k.onset % (TPQ // 4) for k in moved.keys] == [0, 0]
    met = crossed.replace(meters=(Meter(0, 4, 4), Meter(4 * fifth, 3, 4)), keys=(Key(0),))
    assert quantise(met) == met
