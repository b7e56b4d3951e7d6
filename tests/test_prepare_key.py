"""Keys found: major and minor apart, in every transposition, with the plainer signature."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import melody, scores

from tunesmith.prepare import find_key
from tunesmith.prepare.keys import PROFILES
from tunesmith.score import TPQ, Key, Note, Part, Score

MAJOR = [60, 64, 67, 65, 69, 65, 62, 71, 67, 64, 62, 60]
HARMONIC_MINOR = [60, 63, 67, 68, 67, 65, 63, 62, 59, 62, 63, 60]
MELODIC_MINOR = [60, 62, 63, 65, 67, 69, 71, 72, 70, 68, 67, 65, 63, 62, 60]


@pytest.mark.parametrize("up", range(12))
@pytest.mark.parametrize(
    ("pitches", "mode", "fifths"), [(MAJOR, "major", 0), (HARMONIC_MINOR, "minor", -3), (MELODIC_MINOR, "minor", -3)]
)
def test_a_tune_in_every_transposition(pitches, mode, fifths, up):
    key = find_key(melody([p + up for p in pitches]))
    assert (key.mode, key.tonic) == (mode, up)
    assert (key.fifths - fifths - 7 * up) % 12 == 0
    assert abs(key.fifths) <= 6


@pytest.mark.parametrize("profile", PROFILES)
def test_every_published_profile_knows_its_own_keys(profile):
    """Durations in proportion to the profile itself must give that key, without help from the bass."""
    for mode, weights in PROFILES[profile].items():
        notes, onset = [], 0
        for above, weight in enumerate(weights):
            duration = max(1, round(weight * TPQ))
            notes.append(Note(onset, duration, 62 + above))
            onset += duration
        key = find_key(Score((Part(tuple(notes)),)), profile, compression=1.0, final_bass=0.0)
        assert (key.tonic, key.mode) == (2, mode)
        assert len(weights) == 12


def test_the_last_bass_note_decides_between_relatives():
    white = [62, 64, 65, 67, 69, 71, 72, 74] * 2
    notes = [Note(i * TPQ, TPQ, p) for i, p in enumerate(white)]
    end = len(white) * TPQ
    in_c = Score((Part((*notes, Note(end, TPQ, 76), Note(end, TPQ, 48, voice=2))),))
    in_a = Score((Part((*notes, Note(end, TPQ, 76), Note(end, TPQ, 45, voice=2))),))
    assert find_key(in_c) == Key(0, 0, "major")
    assert find_key(in_a) == Key(0, 0, "minor")


@given(scores(), st.integers(-6, 6))
@settings(max_examples=40, deadline=None)
def test_keys_move_with_the_music(score, semitones):
    pitches = [n.pitch for n in score.notes()]
    if not pitches or min(pitches) + semitones < 0 or max(pitches) + semitones > 127:
        return
    key, moved = find_key(score), find_key(score.transpose(semitones))
    pitched = any(p.notes and not p.drums for p in score.parts)
    assert (moved.tonic, moved.mode) == ((key.tonic + semitones * pitched) % 12, key.mode)


@pytest.mark.parametrize(
    "score",
    [
        Score(),
        Score((Part((Note(0, TPQ, 38),), drums=True),)),
    ],
    ids=["nothing", "drums"],
)
def test_without_pitches_the_key_is_plain(score):
    assert find_key(score) == Key()


def test_all_twelve_pitches_alike_still_give_a_key():
    key = find_key(melody(list(range(60, 72))))
    assert abs(key.fifths) <= 6
