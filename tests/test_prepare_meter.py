"""Meters found: of plain rhythms, wherever they begin, in every key; and never against what a file says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores

from tunesmith import formats
from tunesmith.prepare import find_meter, prepare
from tunesmith.prepare.meter_evidence import BARS, CLASSES, LAGS, METERS, evidence
from tunesmith.prepare.meters import features, the_model
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score

E, Q, H = TPQ // 2, TPQ, 2 * TPQ


def tune(*bars: list[int], pickup: tuple[int, ...] = (), pitches: tuple[int, ...] = (0, 4, 2, 7, 5, 4)) -> Score:
    """Bars of durations, as one voice that moves up and down over the middle C."""
    onset, notes = 0, []
    for index, duration in enumerate([*pickup, *(d for bar in bars for d in bar)]):
        notes.append(Note(onset, duration, 60 + pitches[index % len(pitches)]))
        onset += duration
    return Score((Part(tuple(notes)),))


WALTZ = ([H, Q], [Q, E, E, Q], [H, Q], [3 * Q]) * 4
MARCH = ([Q, Q, Q, Q], [Q, E, E, H], [Q, Q, E, E, Q], [H, H]) * 4
JIG = ([Q, E, Q, E], [E, E, E, Q, E], [Q, E, E, E, E], [3 * E, 3 * E]) * 4


@pytest.mark.parametrize(
    ("score", "meter", "pickup"),
    [
        (tune(*WALTZ), Meter(0, 3, 4), 0),
        (tune(*WALTZ[:-1], [H], pickup=(Q,)), Meter(0, 3, 4), Q),
        (tune(*MARCH), Meter(0, 4, 4), 0),
        (tune(*MARCH[:-1], [3 * Q], pickup=(Q,)), Meter(0, 4, 4), Q),
        (tune(*JIG), Meter(0, 6, 8), 0),
        (tune(*JIG[:-1], [5 * E], pickup=(E,)), Meter(0, 6, 8), E),
    ],
    ids=["waltz", "waltz, pickup", "march", "march, pickup", "jig", "jig, pickup"],
)
def test_meters_of_plain_rhythms(score, meter, pickup):
    assert find_meter(score) == (meter, pickup)


@pytest.mark.parametrize("rests", [Q, 5 * Q, 3 * E])
def test_a_piece_that_begins_later_has_its_bar_lines_later(rests):
    score = tune(*WALTZ)
    part = score.parts[0]
    later = score.replace(
        parts=(
            dataclasses.replace(part, notes=tuple(dataclasses.replace(n, onset=n.onset + rests) for n in part.notes)),
        )
    )
    meter, pickup = find_meter(later)
    assert meter == Meter(0, 3, 4)
    assert (pickup - rests) % meter.bar == 0


@given(scores(), st.integers(-6, 6))
@settings(max_examples=40, deadline=None)
def test_transposing_changes_nothing_and_every_answer_can_be_used(score, semitones):
    pitches = [n.pitch for n in score.notes()]
    meter, pickup = find_meter(score)
    assert meter in METERS
    assert 0 <= pickup < meter.bar
    if pitches and min(pitches) + semitones >= 0 and max(pitches) + semitones <= 127:
        assert find_meter(score.transpose(semitones)) == (meter, pickup)


def test_a_bass_that_strikes_every_three_quarters_makes_a_waltz_of_even_notes():
    top = [Note(i * Q, Q, 72 + (0, 2, 4)[i % 3]) for i in range(48)]
    bass = [Note(i * 3 * Q, 3 * Q, 48 - 5 * (i % 2), voice=2) for i in range(16)]
    assert find_meter(Score((Part((*top, *bass)),)))[0] in (Meter(0, 3, 4), Meter(0, 6, 4))


def test_prepare_finds_a_meter_where_none_is_given_and_only_there():
    plain = tune(*WALTZ[:-1], [H], pickup=(Q,))
    prepared = prepare(plain)
    assert (prepared.meters, prepared.pickup) == ((Meter(0, 3, 4),), Q)
    assert prepare(prepared) == prepared
    said = plain.replace(meters=(Meter(0, 5, 4),))
    assert (prepare(said).meters, prepare(said).pickup) == ((Meter(0, 5, 4),), 0)


def test_a_pickup_that_the_file_gives_is_kept():
    assert prepare(tune(*MARCH).replace(pickup=E)).pickup == E


@pytest.mark.parametrize(
    "score",
    [
        Score(),
        Score((Part(),)),
        Score((Part((Note(0, Q, 60),)),)),
        Score(chords=(Chord(0, Q, 0, 0),)),
        Score((Part((Note(0, 1, 127), Note(10**9, 10**9, 0))),)),
        Score((Part(tuple(Note(0, Q, p) for p in range(128))),)),
        Score((Part(tuple(Note(i * 7, 3, 36) for i in range(50)), drums=True),)),
    ],
    ids=["nothing", "no notes", "one note", "chords alone", "two notes far apart", "one cluster", "drums"],
)
def test_the_least_that_a_score_can_be(score):
    meter, pickup = find_meter(score)
    assert meter in METERS
    assert pickup < meter.bar


def test_without_rhythm_the_meter_is_common_time():
    assert find_meter(Score((Part((Note(0, Q, 60), Note(Q, Q, 62))),))) == (Meter(), 0)


def test_a_midi_file_without_a_meter_gets_one(tmp_path):
    """As many exported melodies are: the reader reports no meter at all."""
    pitches = (60, 62, 67, 65)
    events = b""
    for index in range(64):  # quarter, eighth, eighth, quarter, ... : note on, note off after its length
        pitch = pitches[index % 4]
        ticks = (96, 48, 48, 96)[index % 4]
        events += bytes([0, 0x90, pitch, 64, ticks, 0x80, pitch, 0])
    track = events + bytes.fromhex("00ff2f00")
    head = b"MThd" + bytes.fromhex("00000006 0000 0001 0060")
    (tmp_path / "a.mid").write_bytes(head + b"MTrk" + len(track).to_bytes(4, "big") + track)
    score = next(iter(formats.read(tmp_path / "a.mid")))
    assert isinstance(score, Score)
    assert score.meters == ()
    assert prepare(score).meters == (Meter(0, 3, 4),)


def test_evidence_counts_every_onset_once_for_every_bar_length():
    seen = evidence(tune(*WALTZ).replace(keys=(Key(0, 3),)))
    assert seen is not None
    times = sum(len(bar) for bar in WALTZ) - 1
    assert {bar: seen.places[bar].shape for bar in BARS} == {bar: (bar, CLASSES) for bar in BARS}
    assert {float(table.sum()) for table in seen.places.values()} == {float(times)}
    assert seen.periodicity.shape == (3 * len(LAGS),)
    assert seen.periodicity.max() <= 1


def test_the_model_holds_probabilities_for_every_place_of_every_meter():
    model = the_model()
    for meter, places, edges in zip(METERS, model.places, model.edges, strict=True):
        assert places.shape == (meter.bar * 4 // TPQ, CLASSES)
        assert edges.shape == (3, len(places))
        assert np.abs(np.exp(places[:, :12]).sum(1) - 1).max() < 0.06  # kept in hundredths
    seen = evidence(tune(*MARCH))
    assert seen is not None
    assert [f.shape for f in features(seen, model.places, model.edges)] == [(len(p), 6) for p in model.places]
