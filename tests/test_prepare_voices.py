"""Voices for parts without: who sings what, chords in one hand, and what happens when there are too many."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores

from tunesmith.prepare import MAX_PART_VOICES, overlaps, shortened, split_voices
from tunesmith.prepare.hands import left_hand
from tunesmith.prepare.lines import assign
from tunesmith.prepare.texture import Texture, texture
from tunesmith.prepare.units import Unit
from tunesmith.prepare.voices import separate
from tunesmith.score import TPQ, Note, Part, Score

Q = TPQ
# The first bars of a chorale in our own setting: (pitch, quarters) of each voice.
CHORALE = (
    ((67, 1), (67, 1), (69, 1), (71, 1), (72, 2), (71, 1), (69, 1), (67, 2), (66, 1), (67, 1)),
    ((62, 1), (64, 1), (64, 0.5), (66, 0.5), (67, 1), (67, 1), (66, 1), (67, 1), (64, 1), (62, 2), (62, 2)),
    (
        (59, 1),
        (60, 0.5),
        (59, 0.5),
        (57, 1),
        (62, 1),
        (64, 1),
        (57, 1),
        (62, 1),
        (60, 1),
        (59, 1),
        (57, 1),
        (57, 1),
        (59, 1),
    ),
    ((55, 1), (52, 1), (48, 1), (47, 1), (45, 1), (50, 1), (43, 1), (48, 1), (50, 2), (50, 1), (43, 1)),
)


def line(row, voice):
    """Notes of a voice one after the other."""
    now, notes = 0, []
    for pitch, length in row:
        if pitch:
            notes.append(Note(now, int(length * Q), pitch, voice=voice))
        now += int(length * Q)
    return notes


def one_part(*lines):
    """All lines in one part, all notes in voice 1."""
    return Score((Part(tuple(dataclasses.replace(n, voice=1) for row in lines for n in row)),))


def by_voice(score):
    """Pitches in order of time, voice by voice."""
    found = {}
    for n in score.parts[0].notes:
        found.setdefault(n.voice, []).append(n.pitch)
    return found


def test_four_voices_are_found_again_and_numbered_from_the_top():
    lines = [line(row, v) for v, row in enumerate(CHORALE, 1)]
    expected = {v: [n.pitch for n in row] for v, row in enumerate(lines, 1)}
    split = split_voices(one_part(*lines))
    assert by_voice(split) == expected
    assert shortened(one_part(*lines), split) == 0


def test_a_voice_that_rests_comes_back_as_itself():
    top = line([(72, 1), (74, 1), (76, 1), (74, 1), (72, 1), (74, 1)], 1)
    middle = line([(64, 0.5), (65, 0.5), (0, 2), (65, 0.5), (67, 0.5), (64, 1), (65, 1)], 2)
    low = line([(48, 1.5), (50, 0.5), (52, 1), (50, 1.5), (48, 0.5), (47, 1)], 3)
    assert by_voice(split_voices(one_part(top, middle, low))) == {
        v: [n.pitch for n in row] for v, row in enumerate((top, middle, low), 1)
    }


def test_chords_under_a_melody_are_one_voice():
    tune = line([(72, 0.5), (74, 0.5), (76, 1), (77, 1), (76, 1), (74, 0.5), (72, 0.5), (71, 1), (72, 2)], 1)
    chords = [
        Note(i * Q, Q, p)
        for i, row in enumerate([(48, 52, 55), (), (50, 53, 57), (), (43, 50, 55), (48, 52, 55)])
        for p in row
    ]
    chords += [Note(6 * Q, 2 * Q, p) for p in (48, 52, 55)]
    split = split_voices(one_part(tune, chords))
    voices = {n.voice for n in split.notes()}
    assert voices == {1, 2}
    assert {n.voice for n in split.notes() if n.pitch >= 71} == {1}
    assert {n.voice for n in split.notes() if n.pitch <= 57} == {2}


def test_the_hands_are_told_apart_where_they_leave_the_middle():
    """A wide accompaniment that climbs above middle C while the melody is higher still."""
    left = [Note(i * Q, Q, p) for i, p in enumerate((48, 60, 64, 60, 50, 62, 65, 62))]
    right = [Note(i * Q, Q, p) for i, p in enumerate((76, 79, 84, 83, 81, 77, 74, 77))]
    notes = sorted(left + right, key=lambda n: (n.onset, n.pitch))
    assert left_hand(notes) == [n in left for n in notes]


def test_parts_whose_voices_do_not_overlap_are_left_alone():
    score = Score((Part((Note(0, Q, 60), Note(0, Q, 64), Note(Q, Q, 62, voice=3))),))
    assert split_voices(score) is score


def test_drums_are_left_alone():
    score = Score((Part((Note(0, 4 * Q, 36), Note(Q, Q, 42)), drums=True),))
    assert split_voices(score) is score


def test_synchronous_notes_join_before_any_is_cut():
    """Six notes at once; as two of them move together twice, four voices are enough."""
    held = [Note(0, 4 * Q, 40), Note(0, 3 * Q, 47), Note(0, 2 * Q, 76), Note(0, 2 * Q, 79)]
    moving = [Note(i * Q // 2, Q // 2, p + i) for i in range(4) for p in (60, 64)]
    score = one_part(held, moving)
    split = split_voices(score)
    assert not overlaps(split.parts[0].notes)
    assert shortened(score, split) == 0


def test_too_many_voices_cost_as_few_ticks_as_can_be_and_are_counted():
    """Five notes that overlap in pairs of a sixteenth, as a player with a slow finger leaves them."""
    held = [Note(0, 8 * Q, p) for p in (40,)] + [Note(Q, 7 * Q - 1, 50), Note(2 * Q, 6 * Q - 2, 60)]
    tune = [Note(3 * Q, Q + Q // 8, 70), Note(4 * Q, Q, 72)]
    score = one_part(held, tune)
    split = split_voices(score)
    assert shortened(score, split) == 1
    assert [n.duration for n in split.notes() if n.pitch == 70] == [Q]


def test_more_notes_at_once_than_voices_end_with_the_first():
    score = one_part([Note(0, Q * (i + 1), 40 + 7 * i) for i in range(7)])
    split = split_voices(score)
    assert Counter(n.pitch for n in split.notes()) == Counter(n.pitch for n in score.notes())
    assert not overlaps(split.parts[0].notes)
    assert 0 < shortened(score, split) <= 3


def row(pitch, length, count=16):
    """A pitch over and over."""
    return [Note(int(i * length * Q), int(length * Q), pitch) for i in range(int(count / length))]


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        (row(48, 1) + row(55, 1) + row(60, 1) + row(72, 0.5), Texture(chords=True, usual=4)),  # always together
        (row(48, 1) + row(55, 2) + row(60, 1) + row(72, 0.5), Texture(chords=False, usual=4)),  # each by itself
        (
            [n for p in (36, 43, 48, 55, 64) for n in row(p, 1)] + row(72, 0.5),
            Texture(chords=True, usual=6),
        ),  # too many
        # accompanied on every other beat: the number changes with every beat, though nothing moves together
        (
            [n for n in row(50, 0.5) + row(60, 1) + row(72, 1) if n.pitch == 72 or n.onset // Q % 2],
            Texture(chords=True, usual=3),
        ),
        ([Note(0, Q, 60)], Texture(chords=False, usual=1)),
    ],
)
def test_textures(notes, expected):
    assert texture(sorted(notes, key=lambda n: n.onset), 4) == expected


def test_lines_may_cross_where_one_is_held():
    """A low voice steps above a held one rather than leap to a third."""
    units = [
        Unit(0, 8 * Q, 60, 60, (0,)),
        *(Unit(i * Q, (i + 1) * Q, p, p, (i + 1,)) for i, p in enumerate((55, 57, 59, 61, 59))),
    ]
    units.sort(key=lambda u: u.onset)
    voices = dict(zip((u.notes[0] for u in units), assign(units, 4), strict=True))
    assert len({voices[i] for i in range(1, 6)}) == 1
    assert voices[0] < voices[1]


ROWS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(20, 100)), min_size=1, max_size=60)


@given(ROWS, st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_no_voice_overlaps_none_is_lost_and_none_grows(rows, most):
    notes = [Note(onset * 100, length * 100, pitch) for onset, length, pitch in rows]
    found = separate(notes, most)
    assert not overlaps(found)
    assert {n.voice for n in found} == set(range(1, max(n.voice for n in found) + 1)) <= set(range(1, most + 1))
    assert Counter((n.onset, n.pitch) for n in found) == Counter((n.onset, n.pitch) for n in notes)
    longest = dict.fromkeys(((n.onset, n.pitch) for n in notes), 0)
    for n in notes:
        longest[n.onset, n.pitch] = max(longest[n.onset, n.pitch], n.duration)
    assert all(0 < n.duration <= longest[n.onset, n.pitch] for n in found)


@given(ROWS)
@settings(max_examples=80, deadline=None)
def test_notes_are_cut_only_where_more_sound_than_there_are_voices(rows):
    notes = [Note(onset * 100, length * 100, pitch) for onset, length, pitch in rows]
    most = max(sum(n.onset <= t < n.end for n in notes) for t in {n.onset for n in notes})
    score = Score((Part(separate(notes, max(most, 1))),))
    assert shortened(Score((Part(tuple(notes)),)), score) == 0


@given(scores(lead_sheet=False), st.integers(-12, 12))
@settings(max_examples=40, deadline=None)
def test_the_same_notes_in_any_order_give_the_same_voices(score, _):
    score = score.replace(
        parts=tuple(Part(tuple(dataclasses.replace(n, voice=1) for n in p.notes)) for p in score.parts)
    )
    turned = score.replace(parts=tuple(Part(p.notes[::-1]) for p in score.parts))
    assert split_voices(score) == split_voices(turned) == split_voices(split_voices(score))


@pytest.mark.parametrize("shape", ["crowd", "pedal", "run"])
def test_bad_input_ends_soon(shape):
    """All at once; everything held to the end; a long run: 5,000 notes of each."""
    count = 5_000
    notes = {
        "crowd": [Note(0, 1 + i, i % 128) for i in range(count)],
        "pedal": [Note(i * 10, (count - i) * 10, i * 7 % 128) for i in range(count)],
        "run": [Note(i * Q // 4, Q // 2, 30 + i * 11 % 60) for i in range(count)],
    }[shape]
    start = time.process_time()
    split = split_voices(Score((Part(tuple(notes)),)))
    assert time.process_time() - start < 5
    assert split.note_count == count
    assert max(n.voice for n in split.notes()) <= MAX_PART_VOICES
