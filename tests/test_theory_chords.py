"""The key that chords suit."""

from __future__ import annotations

import pytest

from tunesmith import theory
from tunesmith.wording import parse_chords


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("| C | Am | F | G7 |", "C major"),
        ("| Dm | G7 | C | C |", "C major"),
        ("| Am | Dm | E7 | Am |", "A minor"),
        ("| D | G | A7 | D |", "D major"),
        ("| Bb | Eb | F7 | Bb |", "Bb major"),
        ("| Em | Am | B7 | Em |", "E minor"),
        ("| Cm | Fm | G7 | Cm |", "C minor"),
    ],
)
def test_chords_say_their_key(chords, key):
    told = [chord for bar in parse_chords(chords) for chord in bar]
    assert theory.key_name(*theory.key_of_chords(told)) == key


@pytest.mark.parametrize(
    ("text", "pitch"), [("C4", 60), ("f#3", 54), ("Bb5", 82), ("C-1", 0), ("G9", 127), ("B##2", 49)]
)
def test_pitches_are_read(text, pitch):
    assert theory.parse_pitch(text) == pitch


@pytest.mark.parametrize("text", ["", "H4", "C", "C10", "A9", "4C", "C4 "[:-1] + "x"])
def test_what_is_no_pitch(text):
    with pytest.raises(ValueError, match="pitch"):
        theory.parse_pitch(text)
