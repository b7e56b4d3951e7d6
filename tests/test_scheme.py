"""The scheme: what goes in comes out, and whatever the grammar allows is music."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import melody, scores

from tunesmith import theory
from tunesmith.errors import NotCarried
from tunesmith.scheme import Cursor, carried, decode, encode, frame, frames, spec, transpose, untold, viewpoints
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.recall import Recall
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Repeat, Score

FEATURED = {
    "melody": melody([60, 62, 64, 0, 65, 67]),
    "two bars of rest inside": melody([60, 0, 0, 0, 0, 0, 0, 0, 0, 62]),
    "pickup": melody([67, 72, 72, 74, 76, 72], pickup=TPQ, meters=(Meter(0, 3, 4),)),
    "long note, tied over bars": Score((Part((Note(TPQ, 33 * TPQ // 2, 60), Note(20 * TPQ, TPQ, 64))),)),
    "triplets and quintuplets": Score(
        (Part((*(Note(i * TPQ // 3, TPQ // 3, 60 + i) for i in range(3)),)),), meters=(Meter(0, 2, 4),)
    ),
    "chords in one voice": Score((Part((Note(0, TPQ, 60), Note(0, TPQ, 64), Note(0, TPQ, 67), Note(TPQ, TPQ, 59))),)),
    "chord voice and melody": Score(
        melody([60, 64, 67, 72]).parts, chords=(Chord(0, 2 * TPQ, 0, 0), Chord(2 * TPQ, 2 * TPQ, 7, 4))
    ),
    "four voices": Score(
        tuple(Part(tuple(Note(i * TPQ, TPQ, p + i) for i in range(4)), program=48) for p in (72, 67, 60, 48))
    ),
    "meter change, bar line moved": melody(
        [60] * 14, meters=(Meter(0, 4, 4), Meter(4 * TPQ, 3, 4), Meter(8 * TPQ, 3, 4))
    ),
    "key change under a held note": Score(
        (Part((Note(0, 8 * TPQ, 60), Note(8 * TPQ, TPQ, 61))),), keys=(Key(0), Key(4 * TPQ, 3, "minor"))
    ),
}


@pytest.mark.parametrize("name", FEATURED)
def test_round_trip_of_each_feature(name):
    score = FEATURED[name]
    assert decode(encode(score)) == carried(score)
    assert carried(carried(score)) == carried(score)
    assert [n.pitch for n in carried(score).notes()] == [n.pitch for n in score.notes()]


@given(scores())
@settings(max_examples=150, deadline=None)
def test_round_trip_of_generated_scores(score):
    try:
        expected = carried(score)
    except NotCarried as error:
        assert not any(p.notes for p in score.parts) or "voice" in error.what
        return
    try:
        events = encode(score)
    except NotCarried as error:  # a gap that a change cuts off the grid
        assert "not on the grid" in error.what
        return
    assert decode(events) == expected
    rows = frames(events)
    world = spec()
    symbols, durations = np.array(events).T
    assert world.allowed_symbols(rows)[np.arange(len(events)), symbols].all(), "encode broke the grammar"
    assert world.allowed_durations(symbols)[np.arange(len(events)), durations].all()
    assert all((rows[:, f.place] < f.size).all() and (rows[:, f.place] >= 0).all() for f in world.features)


def walk(seed: int, length: int) -> list[tuple[int, int]]:
    """Events chosen at random among what the grammar allows."""
    random, cursor, world, events = np.random.default_rng(seed), Cursor(), spec(), []
    for _ in range(length):
        allowed = world.allowed_symbols(np.array(frame(cursor)))
        if not allowed.any():
            break
        symbol = int(random.choice(np.flatnonzero(allowed)))
        duration = int(random.choice(np.flatnonzero(world.allowed_durations(np.array(symbol)))))
        events.append((symbol, duration))
        cursor.advance(symbol, duration)
    return events


@given(st.integers(0, 2**32), st.integers(5, 200))
@settings(max_examples=100, deadline=None)
def test_every_row_that_the_grammar_allows_decodes(seed, length):
    events = walk(seed, length)
    score = decode(events)
    assert score.note_count <= len(events)
    try:
        assert not score.parts or decode(encode(score)) == score
    except NotCarried as error:  # a walk may stop a few ticks before a bar line, off the grid
        assert "not on the grid" in error.what


def test_a_piece_ends_only_at_a_bar_line_or_where_the_pickup_completes_it():
    for seed in range(30):
        events = walk(seed, 400)
        cursor = Cursor()
        for symbol, duration in events:
            if symbol == v.END:
                assert cursor.aligned and cursor.position in (0, cursor.bar_length - cursor.pickup)
            cursor.advance(symbol, duration)


@given(scores(), st.integers(-6, 6))
@settings(max_examples=60, deadline=None)
def test_transposing_frames_is_transposing_the_music(score, semitones):
    try:
        score = carried(score)
        events = encode(score)
    except NotCarried:
        return
    moved = encode(score.transpose(semitones))
    table = v.transposition(semitones)
    assert [(int(table[s]), d) for s, d in events] == moved
    found, expected = transpose(frames(events), semitones), frames(moved)
    # What is recalled may lie outside MIDI's range, and is brought to its edge before or after it is moved.
    for name in viewpoints.RECALLED:
        recalled = viewpoints.PLACE[name]
        at_edge = np.isin(frames(events)[:, recalled], (0, 127)) | np.isin(expected[:, recalled], (0, 127))
        for place in (recalled, viewpoints.PLACE[f"{name} interval"]):
            found[at_edge, place] = expected[at_edge, place]
    np.testing.assert_array_equal(found, expected)


def test_a_melody_costs_one_event_a_note():
    events = encode(melody([60, 62, 64, 65] * 4))
    assert len(events) == 5 + 16 + 1  # style, meter, key, tempo, part; the notes; END


def test_repeats_are_learned_as_played():
    score = melody([60, 62, 64, 65], repeats=(Repeat(0, 4 * TPQ),))
    assert [n.pitch for n in carried(score).notes()] == [60, 62, 64, 65] * 2


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (Score(), "no notes"),
        (Score((Part((Note(0, TPQ, 36),), drums=True),)), "but drums"),
        (Score((Part((Note(0, TPQ, 60), Note(TPQ // 2, TPQ, 62))),)), "bar 1: a voice overlaps itself"),
        (Score((Part((Note(0, 1234, 60),)),)), "not on the grid"),
        (melody([60], meters=(Meter(0, 99, 4),)), "meter 99/4"),
        (Score(tuple(Part((Note(0, TPQ, 60),)) for _ in range(17))), "17 voices"),
    ],
)
def test_what_cannot_be_carried_says_why(score, message):
    with pytest.raises(NotCarried, match=message):
        encode(score)


@given(st.integers(1, 200_000))
def test_lengths_add_up(units):
    ticks = units * 6
    if v.representable(ticks):
        assert sum(v.TICKS[d] for d in v.lengths_of(ticks)) == ticks
    else:
        assert ticks < TPQ * 3, "every longer multiple of 6 ticks can be written"
        with pytest.raises(ValueError, match="grid"):
            v.lengths_of(ticks)


def test_ids_keep_their_meaning():
    """A model file stores ids: if this fails, `vocabulary.VERSION` must change."""
    assert (v.VERSION, v.SYMBOLS, v.DURATIONS, viewpoints.COLUMNS) == (1, 595, 41, 62)
    assert (v.REST, v.HOLD, v.END, v.CHORD.first, v.KEY.first, v.METER.first, v.PICKUP) == (
        128,
        129,
        130,
        131,
        419,
        524,
        556,
    )
    assert len(theory.QUALITIES) <= 24
    for fifths in range(-7, 8):
        for mode in theory.MODES:
            assert v.key_of(v.key_symbol(fifths, mode)) == (fifths, mode)


@pytest.mark.parametrize("rhythm", [False, True])
@given(notes=st.lists(st.tuples(st.integers(58, 64), st.integers(2, 4)), max_size=40))
@settings(max_examples=150, deadline=None)
def test_what_is_recalled_followed_the_longest_stretch_that_was_heard_before(rhythm, notes):
    recall = Recall(rhythm)
    pitches = [pitch for pitch, _ in notes]
    intervals = [None, *(b - a for a, b in pairwise(pitches))]
    steps = [(interval, rhythm and length) for interval, (_, length) in zip(intervals, notes, strict=False)]
    for now, (pitch, duration) in enumerate(notes):
        recall.add(pitch, duration)
        fits = [
            next((n for n in range(place + 1) if steps[place - n] != steps[now - n]), place + 1) for place in range(now)
        ]
        longest = max(fits, default=0)
        found = recall.found
        assert found.length == longest
        if longest:
            then = [place for place, length in enumerate(fits) if length == longest]
            assert any(found == (pitch + pitches[p + 1] - pitches[p], notes[p + 1][1], longest) for p in then)


def test_a_tune_that_comes_back_higher_is_recalled():
    recall = Recall()
    for pitch in (60, 62, 64, 65, 67, 60, 67, 69, 71):
        recall.add(pitch, 5)
    assert recall.found == (72, 5, 2)
    before = recall.copy()
    recall.add(72, 7)
    assert recall.found == (74, 5, 3)
    assert before.found == (72, 5, 2)


@pytest.mark.parametrize(
    ("pitches", "begins_again"),
    [
        ([60, 60, 60], [60]),
        ([60, 60], []),
        ([62, 60, 62, 60, 62, 60], [62]),
        ([60, 62, 60, 62, 60], []),
        ([60, 64, 67, 60, 64, 67, 60, 64, 67], [60]),
        ([60, 60, 60, 60, 60, 60], [60, 60]),
        ([60, 62, 64, 65, 67], []),
    ],
)
def test_figures_that_go_round_in_circles_are_seen(pitches, begins_again):
    recall = Recall()
    for pitch in pitches:
        recall.add(pitch, 5)
    assert recall.circles(4, 3) == begins_again
    recall.add(pitches[-1], 7)  # another length: no circle
    assert recall.circles(4, 3) == []


def test_a_note_recalled_far_up_stays_in_the_range_of_midi():
    recall = Recall()
    for pitch in (100, 127, 110, 112, 100, 127, 124, 126):
        recall.add(pitch, 5)
    assert recall.found.pitch == 114
    for pitch in (100, 127):
        recall.add(pitch, 5)
    assert 0 <= recall.found.pitch <= 127


@pytest.mark.parametrize(
    ("told", "other"),
    [
        ({"key": True}, {"keys": (Key(0, 3, "minor"),)}),
        ({"meter": True}, {"meters": (Meter(0, 2, 2),)}),
        ({"key": True, "meter": True}, {"keys": (Key(0, -2),), "meters": (Meter(0, 2, 2),)}),
    ],
)
def test_frames_can_keep_quiet_about_key_and_meter(told, other):
    """Two pieces of the same notes that differ in what is not told have the same features."""
    one = melody([60, 62, 64, 65, 67, 64, 60, 62])
    rows = [untold(frames(encode(piece)), **told) for piece in (one, one.replace(**other))]
    columns = [feature.place for feature in spec().features] + [anchor.place for anchor in spec().anchors]
    whole = [frames(encode(piece))[:, columns] for piece in (one, one.replace(**other))]
    assert (whole[0] != whole[1]).any()
    np.testing.assert_array_equal(rows[0][:, columns], rows[1][:, columns])
