"""The evaluators themselves: what they count, over what, and that it sums to one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from strategies import melody

from tunesmith import scheme
from tunesmith.evaluation import Bits, bits_of, body, pitch_bits, pitches_of
from tunesmith.models import Model, Song, score
from tunesmith.models.ngram import Ngram, Settings
from tunesmith.models.uniform import Uniform
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ


def song(pitches: list[int]) -> Song:
    return scheme.as_song(scheme.encode(melody(pitches, TPQ)))


SONGS = [song([60, 62, 64, 0, 65, 67, 60, 62, 64]), song([67, 65, 64, 62, 60, 0, 0, 60])]
MODELS: dict[str, Model] = {
    "uniform": Uniform(scheme.spec()),
    "n-gram": Ngram(scheme.spec(), Settings()).fit(SONGS[:1]),
}


def test_uniform_costs_the_logarithm_of_the_alphabet_at_every_note_the_first_one_too() -> None:
    alphabet = pitches_of(SONGS)
    assert alphabet.tolist() == [60, 62, 64, 65, 67]
    for each, notes in zip(SONGS, (8, 6), strict=True):
        np.testing.assert_allclose(pitch_bits(MODELS["uniform"], each, alphabet), [math.log2(5)] * notes)


@pytest.mark.parametrize("name", MODELS)
def test_the_pitches_of_the_alphabet_share_all_probability(name: str) -> None:
    """A note of any pitch in the place of the third: the probabilities come to one."""
    alphabet = pitches_of(SONGS)
    likely = []
    for pitch in alphabet.tolist():
        other = song([60, 62, pitch, 64])
        likely.append(2 ** -pitch_bits(MODELS[name], other, alphabet)[2])
    assert sum(likely) == pytest.approx(1.0)


def test_what_the_song_did_before_counts_and_what_it_does_later_does_not() -> None:
    alphabet = np.arange(48, 84)
    one, other = song([60, 62, 64, 65, 67]), song([60, 62, 64, 71, 50])
    found = [pitch_bits(MODELS["n-gram"], each, alphabet) for each in (one, other)]
    np.testing.assert_allclose(found[0][:3], found[1][:3])
    assert found[0][3] != pytest.approx(found[1][3])


def test_the_header_and_the_end_cost_nothing() -> None:
    each = SONGS[0]
    log_p = score(MODELS["uniform"], each)
    counted = body(each)
    assert counted.sum() == len(each.symbols) - 5 - 1  # style, meter, key, tempo, part; END
    assert each.symbols[~counted].tolist()[-1] == v.END
    bits = bits_of(log_p, each)
    assert bits.notes == 8
    assert bits.per_note == pytest.approx(-log_p[counted].sum() / math.log(2) / 8)


def test_songs_add_up_by_their_notes() -> None:
    both = Bits(10.0, 5.0, 5) + Bits(2.0, 1.0, 1)
    assert (both.per_note, both.symbols_per_note) == (3.0, 2.0)
    assert math.isnan(Bits().per_note)
