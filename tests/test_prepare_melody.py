"""Melody and bass: which part, which notes of it, and what stays of the score."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith import api, cli, formats
from tunesmith.errors import RequestError
from tunesmith.prepare import LINES, bass, melody, only
from tunesmith.prepare.hands import two_hands
from tunesmith.prepare.melody import melody_part
from tunesmith.prepare.salience import WEIGHTS, features
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Repeat, Score, note_order

Q = TPQ
TUNE = (67, 69, 71, 72, 74, 72, 71, 69, 67, 71, 74, 76, 74, 71, 69, 67)


def tune(name="", program=0):
    """A tune in quarters and eighths, sixteen notes."""
    lengths, now, notes = (Q, Q // 2, Q // 2, Q) * 4, 0, []
    for pitch, length in zip(TUNE, lengths, strict=True):
        notes.append(Note(now, length, pitch))
        now += length
    return Part(tuple(notes), name, program)


def oompah(root=48, name=""):
    """Bass and chords, twelve quarters."""
    notes = [
        Note(i * Q, Q, root) if i % 2 == 0 else Note(i * Q, Q, root + p)
        for i in range(12)
        for p in ((0,) if i % 2 == 0 else (7, 12, 16))
    ]
    return Part(tuple(notes), name)


def pitches(part):
    return [n.pitch for n in part.notes]


@pytest.mark.parametrize("place", [0, 1])
def test_the_part_with_the_tune_is_chosen_wherever_it_stands(place):
    parts = [oompah()]
    parts.insert(place, tune(program=73))
    score = Score(tuple(parts))
    assert melody_part(score.parts) == place
    assert melody(score) == tune(program=73)


def test_a_tune_below_its_accompaniment_is_found_by_its_name():
    low = dataclasses.replace(
        tune("Singstimme"), notes=tuple(dataclasses.replace(n, pitch=n.pitch - 24) for n in tune().notes)
    )
    assert melody(Score((oompah(72), low))) == low


def test_two_parts_that_are_named_alike_are_not_told_apart_by_it():
    assert pitches(melody(Score((dataclasses.replace(oompah(), name="voice"), tune("voice"))))) == list(TUNE)


def test_the_tune_is_found_among_chords_in_one_part():
    score = Score((Part((*tune().notes, *oompah().notes)),))
    assert pitches(melody(score)) == list(TUNE)


def test_a_chosen_part_loses_no_note_and_overlaps_are_cut():
    legato = Part(tuple(dataclasses.replace(n, duration=n.duration + Q // 16, voice=3) for n in tune().notes))
    found = melody(Score((legato, oompah())))
    assert pitches(found) == list(TUNE)
    assert {n.voice for n in found.notes} == {1}
    assert found.notes[:-1] == tune().notes[:-1]


def test_a_legato_tune_over_chords_in_one_part_is_whole():
    legato = [dataclasses.replace(n, duration=n.duration + Q // 16) for n in tune().notes]
    assert pitches(melody(Score((Part((*legato, *oompah().notes)),)))) == list(TUNE)


def run(top=84, count=32):
    """Sixteenths up and down a scale, far above where voices sing, in chords now and then."""
    scale = [top + step for step in (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2)]
    notes = [Note(i * Q // 4, Q // 4, scale[i % len(scale)]) for i in range(count)]
    below = [dataclasses.replace(n, pitch=n.pitch - 4) for n in notes[::8]]
    return tuple(sorted((*notes, *below), key=note_order)), [n.pitch for n in notes]


def left_hand_waltz(quarters=8, voice=1):
    """Single low notes and chords by turns."""
    return [
        Note(i * Q, Q, pitch, voice=voice) for i in range(quarters) for pitch in ((43,) if i % 3 == 0 else (55, 59, 62))
    ]


def one_part(*notes):
    return Score((Part(tuple(sorted(notes, key=note_order)), "piano"),))


def test_a_running_passage_has_no_rests_wherever_it_lies():
    for top in (62, 74, 79):
        right, line = run(top)
        assert pitches(melody(Score((Part(right, "right"), Part(tuple(left_hand_waltz()), "left"))))) == line


def test_the_right_hand_leads_where_both_are_in_one_part():
    right, line = run()
    assert pitches(melody(one_part(*right, *left_hand_waltz()))) == line


def test_the_line_rests_where_the_right_hand_does():
    right, _ = run(count=16)
    later = [dataclasses.replace(n, onset=n.onset + 8 * Q) for n in right]
    found = melody(one_part(*right, *later, *left_hand_waltz(12))).notes
    assert [(a.end, b.onset) for a, b in pairwise(found) if a.end < b.onset] == [(4 * Q, 8 * Q)]


def test_a_written_voice_belongs_to_one_hand_however_low_it_goes():
    right, line = run(top=72)
    low = [Note(8 * Q + i * Q, Q, pitch) for i, pitch in enumerate((60, 55, 52, 60))]
    found = melody(one_part(*right, *low, *left_hand_waltz(12, voice=2)))
    assert pitches(found) == [*line, 60, 55, 52, 60]


def test_a_singer_rests_while_the_accompaniment_in_the_same_part_plays():
    sung = [dataclasses.replace(n, onset=n.onset + 8 * Q) for n in tune().notes]
    doubling = [dataclasses.replace(n, velocity=50) for n in sung[::2]]
    broken = [Note(i * Q // 4, Q // 4, (64, 60, 64, 67)[i % 4]) for i in range(4 * 20)]
    bass_notes = [Note(i * Q, Q, (43, 48)[i % 2]) for i in range(20)]
    found = melody(one_part(*sung, *doubling, *broken, *bass_notes)).notes
    assert [(n.onset, n.pitch) for n in found] == [(n.onset, n.pitch) for n in sung]


def test_one_hand_is_told_from_two():
    right, _ = run()
    assert not two_hands(right)
    assert two_hands(one_part(*right, *left_hand_waltz()).parts[0].notes)


def test_the_bass_is_the_lowest_line_of_the_lowest_part():
    held = Part((Note(0, 4 * Q, 36), Note(Q, Q, 48), Note(2 * Q, Q, 31), Note(4 * Q, Q, 38), Note(4 * Q, Q, 50)), "low")
    found = bass(Score((tune(), held)))
    assert [(n.onset, n.duration, n.pitch) for n in found.notes] == [(0, 2 * Q, 36), (2 * Q, Q, 31), (4 * Q, Q, 38)]
    assert found.name == "low"


def test_drums_are_neither_melody_nor_bass():
    drums = Part((Note(0, Q, 36), Note(Q, Q, 81)), drums=True)
    assert melody(Score((drums,))).notes == bass(Score((drums,))).notes == ()
    assert pitches(bass(Score((drums, tune())))) == list(TUNE)


def test_a_score_without_notes_has_empty_lines():
    assert melody(Score()) == bass(Score()) == Part()


def test_what_else_the_score_says_stays():
    whole = Score(
        (oompah(), tune("flute", 73)),
        (Meter(0, 3, 4),),
        (Key(0, 1),),
        chords=(Chord(0, 3 * Q, 7, 0),),
        repeats=(Repeat(0, 6 * Q),),
        title="T",
    )
    assert only(whole, "melody") == whole.replace(parts=(tune("flute", 73),))
    assert only(whole, "all") is whole
    assert only(whole, "bass").title == "T"


def test_an_unknown_line_is_refused():
    with pytest.raises(RequestError, match=r"unknown line 'alto'.*all, melody, bass"):
        only(Score((tune(),)), "alto")


def test_features_are_as_many_as_weights_and_mean_what_they_say():
    notes = (Note(0, Q, 60), Note(0, Q, 67), Note(0, Q, 67), Note(0, 2 * Q, 79), Note(Q, Q, 65))
    rows = [dict(zip(WEIGHTS, values, strict=True)) for values in features(notes)]
    assert [r["nothing above sounds"] for r in rows] == [0, 0, 0, 1, 0]
    assert [r["doubled"] for r in rows] == [0, 1, 1, 0, 0]
    assert [r["octave"] for r in rows] == [0, 1, 1, 1, 0]
    assert [r["any alike"] for r in rows] == [1, 1, 1, 0, 0]
    assert [r["step after"] for r in rows] == [0, 1, 1, 0, 0]
    assert rows[0]["room below"] == 1
    assert rows[1]["room below"] == pytest.approx(7 / 12)
    assert rows[3]["length"] == 1


ROWS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(20, 100), st.integers(0, 2)), max_size=50)


@given(ROWS)
@settings(max_examples=100, deadline=None)
def test_a_line_is_one_note_at_a_time_from_the_score(rows):
    notes = [[Note(a * 100, b * 100, p) for a, b, p, part in rows if part == number] for number in range(3)]
    score = Score(tuple(Part(tuple(n)) for n in notes))
    there = Counter((n.onset, n.pitch) for n in score.notes())
    for find in filter(None, LINES.values()):
        line = find(score).notes
        assert all(a.end <= b.onset for a, b in pairwise(line))
        assert all(n.duration > 0 for n in line)
        assert Counter((n.onset, n.pitch) for n in line) <= there
        assert bool(line) == bool(rows)


def test_a_crowd_and_a_pedal_end_soon():
    count = 5_000
    start = time.process_time()
    for notes in (
        [Note(0, 1 + i, i % 128) for i in range(count)],
        [Note(i * 10, (count - i) * 10, i * 7 % 128) for i in range(count)],
    ):
        assert melody(Score((Part(tuple(notes)),))).notes
    assert time.process_time() - start < 5


@pytest.fixture
def arrangement(tmp_path):
    """A MIDI file of a tune with its accompaniment in one track."""
    path = tmp_path / "song.mid"
    formats.write(Score((Part((*tune().notes, *oompah().notes)),), (Meter(0, 3, 4),)), path)
    return path


def test_convert_takes_the_tune_alone(arrangement):
    out = arrangement.with_name("tune.mid")
    assert cli.run(["convert", str(arrangement), str(out), "--only", "melody"]) == 0
    assert pitches(next(formats.read(out)).parts[0]) == list(TUNE)
    assert cli.run(["convert", str(arrangement), str(out), "--only", "bass"]) == 0
    assert set(pitches(next(formats.read(out)).parts[0])) < {48, 55, *TUNE}


def test_learning_takes_the_tune_alone(arrangement):
    found = [
        [e for e in api.importing(api.ImportRequest((given,), only="melody")) if isinstance(e, api.Entry)]
        for given in (arrangement, next(formats.read(arrangement)))
    ]
    assert [[(e.status, e.notes, e.voices) for e in entries] for entries in found] == [[("kept", len(TUNE), 1)]] * 2
    assert pitches(api.load_songs(arrangement, options=api.ReadOptions(only="melody"))[0].parts[0]) == list(TUNE)


@pytest.mark.parametrize(
    "command", [["convert", "{}", "{}.abc"], ["learn", "{}", "-o", "{}.safetensors"], ["import", "{}"]]
)
def test_an_unknown_line_is_one_line_on_the_command_line(arrangement, command, capsys):
    assert cli.run([*(word.format(arrangement) for word in command), "--only", "alto"]) == 2
    assert capsys.readouterr().err == "tunesmith: unknown line 'alto'; known are: all, melody, bass\n"
