"""MusicXML is read back here by a small reader of its own, and must hold exactly the score."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores as generated
from test_formats import musicxml_carries

from tunesmith import formats, theory
from tunesmith.errors import FormatError
from tunesmith.formats import musicxml
from tunesmith.formats.musicxml.notation import measures
from tunesmith.formats.musicxml.reader import parse
from tunesmith.formats.musicxml.rhythm import GRAIN, write_bar
from tunesmith.score import TPQ, Chord, Ending, Jump, Key, Meter, Note, Part, Repeat, Score, Tempo

Q = TPQ
QUARTERS = {
    "128th": Fraction(1, 32),
    "64th": Fraction(1, 16),
    "32nd": Fraction(1, 8),
    "16th": Fraction(1, 4),
    "eighth": Fraction(1, 2),
    "quarter": Fraction(1),
    "half": Fraction(2),
    "whole": Fraction(4),
    "breve": Fraction(8),
    "long": Fraction(16),
}


def tree(score: Score) -> ET.Element:
    return ET.fromstring(musicxml.document(score).text)


def number(element: ET.Element, path: str, default: int = 0) -> int:
    return int(element.findtext(path, str(default)))


def pitch_of(note: ET.Element, drums: dict[str, int]) -> int:
    instrument = note.find("instrument")
    if instrument is not None:
        return drums[instrument.get("id", "")]
    step = theory.NATURAL_PITCH_CLASS[note.findtext("pitch/step", "")]
    return step + number(note, "pitch/alter") + 12 * (number(note, "pitch/octave") + 1)


def read_back(root: ET.Element) -> list[Counter[tuple[int, int, int]]]:
    """The (onset, duration, pitch) of every note of every part, ties merged; checks that voices fill measures."""
    drums = {
        midi.get("id", ""): number(midi, "midi-unpitched") - 1 for midi in root.iterfind("part-list/*/midi-instrument")
    }
    found = []
    for part in root.iterfind("part"):
        tick = Q // number(part, "measure/attributes/divisions")
        notes: Counter[tuple[int, int, int]] = Counter()
        open_ties: dict[tuple[str, int, int], list[int]] = {}  # voice, pitch, end -> onsets
        start = 0
        for measure in part.iterfind("measure"):
            now, furthest, onset = start, start, start
            filled: Counter[str] = Counter()
            for element in measure:
                length = number(element, "duration") * tick
                if element.tag == "backup":
                    now -= length
                if element.tag != "note":
                    continue
                voice = element.findtext("voice", "")
                if element.find("chord") is None:
                    onset = now
                    now += length
                    filled[voice] += length
                furthest = max(furthest, now)
                if element.find("rest") is not None:
                    continue
                pitch = pitch_of(element, drums)
                ties = {tie.get("type") for tie in element.iterfind("tie")}
                began = open_ties[voice, pitch, onset].pop() if "stop" in ties else onset
                if "start" in ties:
                    open_ties.setdefault((voice, pitch, onset + length), []).append(began)
                else:
                    notes[began, onset + length - began, pitch] += 1
            assert set(filled.values()) == {furthest - start}
            start = furthest
        assert not any(open_ties.values())
        found.append(notes)
    return found


def contents(score: Score) -> list[Counter[tuple[int, int, int]]]:
    return [Counter((n.onset, n.duration, n.pitch) for n in part.notes) for part in score.parts]


def check_values(root: ET.Element) -> None:
    """Every note's value, dots and tuplet say exactly its duration; tuplets and beams open and close."""
    for part in root.iterfind("part"):
        divisions = number(part, "measure/attributes/divisions")
        for note in part.iterfind("measure/note"):
            kind = note.findtext("type")
            if kind is None:
                assert note.find("rest").get("measure") == "yes"
                continue
            written = QUARTERS[kind] * (Fraction(3, 2) if note.find("dot") is not None else 1)
            actual = number(note, "time-modification/actual-notes", 1)
            written = written * number(note, "time-modification/normal-notes", 1) / actual
            assert written == Fraction(number(note, "duration"), divisions)
        for measure in part.iterfind("measure"):
            check_groups(measure)


def check_groups(measure: ET.Element) -> None:
    beams: dict[tuple[str, str], bool] = {}
    tuplets: dict[str, bool] = {}
    for note in measure.iterfind("note"):
        voice = note.findtext("voice", "")
        for beam in note.iterfind("beam"):
            key = voice, beam.get("number", "")
            opens = beam.text in ("begin", "forward hook", "backward hook")
            assert beams.get(key, False) != opens, beam.text
            beams[key] = beam.text in ("begin", "continue")
        for mark in note.iterfind("notations/tuplet"):
            assert tuplets.get(voice, False) == (mark.get("type") == "stop")
            tuplets[voice] = mark.get("type") == "start"
    assert not any(beams.values())
    assert not any(tuplets.values())


def check_ids(score: Score, root: ET.Element) -> None:
    ids = [note.get("id") for note in root.iterfind("part/measure/note")]
    assert all(ids)
    assert len(ids) == len(set(ids))
    sounding = {n.get("id") for n in root.iterfind("part/measure/note") if n.find("rest") is None}
    named = [i for part in musicxml.note_ids(score) for note in part for i in note]
    assert len(named) == len(sounding)
    assert set(named) == sounding
    assert [len(part) for part in musicxml.note_ids(score)] == [len(part.notes) for part in score.parts]


# Scores --------------------------------------------------------------------------------------------------------

BEATS = [(Q,), (Q // 2,) * 2, (Q // 3,) * 3, (Q // 3, 2 * Q // 3), (Q // 5,) * 5, (Q // 7,) * 7, (3 * Q // 4, Q // 4)]
LENGTHS = [Q // 4, Q // 2, Q * 3 // 4, Q, Q * 3 // 2, 2 * Q, 3 * Q, 5 * Q // 2, 5 * Q]
METERS = [(4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (12, 8), (5, 4), (7, 8), (2, 2), (3, 8), (6, 4), (11, 8)]


@st.composite
def lines(draw: st.DrawFn, voice: int, tuplets: bool) -> list[Note]:
    """A voice of notes, chords and rests; tuplets fill whole beats."""
    now = 0
    notes = []
    for _ in range(draw(st.integers(1, 12))):
        values = draw(st.sampled_from(BEATS)) if tuplets else (draw(st.sampled_from(LENGTHS)),)
        for length in values:
            for pitch in draw(st.lists(st.integers(36, 96), max_size=3, unique=True)):
                notes.append(Note(now, length, pitch, voice=voice))
            now += length
    return notes


@st.composite
def scores(draw: st.DrawFn) -> Score:
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        voices = [draw(lines(voice, draw(st.booleans()))) for voice in range(1, draw(st.integers(1, 3)) + 1)]
        parts.append(Part(tuple(n for v in voices for n in v), program=draw(st.sampled_from([0, 24, 40, 41, 73]))))
    beats, unit = draw(st.sampled_from(METERS))
    meters = [Meter(0, beats, unit)]
    pickup = draw(st.sampled_from([0, 0, Q // 2, Q]))
    if draw(st.booleans()):
        meters.append(Meter(pickup + 2 * meters[0].bar, *draw(st.sampled_from(METERS))))
    keys = (Key(0, draw(st.integers(-7, 7)), draw(st.sampled_from(list(theory.MODES)))),)
    return Score(tuple(parts), tuple(meters), keys, pickup=pickup)


@given(scores())
@settings(deadline=None, max_examples=80)
def test_a_quantised_score_comes_back_and_every_value_is_true(score: Score) -> None:
    root = tree(score)
    assert read_back(root) == contents(score)
    check_values(root)
    check_ids(score, root)


@given(st.lists(st.tuples(st.integers(0, 80_000), st.integers(1, 90_000), st.integers(12, 127)), max_size=12))
@settings(deadline=None, max_examples=60)
def test_music_that_was_not_quantised_comes_back_too(found: list[tuple[int, int, int]]) -> None:
    score = Score((Part(tuple(Note(*values) for values in found)),))
    root = tree(score)
    assert read_back(root) == contents(score)
    check_ids(score, root)


def test_the_same_score_gives_the_same_bytes(tmp_path: Path) -> None:
    score = melody(60, 62)
    formats.write(score, tmp_path / "a.musicxml")
    musicxml.document.cache_clear()
    formats.write(score, tmp_path / "b.musicxml")
    assert (tmp_path / "a.musicxml").read_bytes() == (tmp_path / "b.musicxml").read_bytes()


def melody(*pitches: int, length: int = Q, **changes: object) -> Score:
    notes = tuple(Note(n * length, length, pitch) for n, pitch in enumerate(pitches))
    return Score((Part(notes, program=73),)).replace(**changes)


# Values --------------------------------------------------------------------------------------------------------

E = Q // 2  # an eighth
SPLITS = [  # meter, start and end in eighths, rest?, what it is written as
    ("4/4", 0, 8, False, ["whole"]),
    ("4/4", 2, 6, False, ["half"]),  # quarter, half, quarter is common
    ("4/4", 2, 8, False, ["half."]),
    ("4/4", 1, 3, False, ["quarter"]),  # a simple syncopation
    ("4/4", 3, 5, False, ["eighth", "eighth"]),  # but the middle of the bar is seen
    ("4/4", 2, 5, False, ["quarter", "eighth"]),
    ("4/4", 0, 5, False, ["half", "eighth"]),
    ("4/4", 0, 7, False, ["half", "quarter."]),
    ("4/4", 1, 8, False, ["quarter.", "half"]),
    ("4/4", 0, 3, False, ["quarter."]),
    ("4/4", 0, 3, True, ["quarter", "eighth"]),
    ("4/4", 2, 6, True, ["quarter", "quarter"]),
    ("4/4", 0, 6, True, ["half", "quarter"]),
    ("3/4", 0, 6, False, ["half."]),
    ("3/4", 2, 6, False, ["half"]),
    ("3/4", 1, 5, False, ["eighth", "quarter."]),
    ("3/4", 0, 4, True, ["quarter", "quarter"]),
    ("6/8", 0, 6, False, ["half."]),
    ("6/8", 1, 3, False, ["quarter"]),
    ("6/8", 2, 4, False, ["eighth", "eighth"]),
    ("6/8", 1, 5, False, ["quarter", "quarter"]),
    ("6/8", 0, 3, True, ["quarter."]),
    ("6/8", 3, 5, True, ["eighth", "eighth"]),
    ("5/8", 2, 4, False, ["eighth", "eighth"]),
    ("2/2", 2, 6, False, ["half"]),
]


@pytest.mark.parametrize(("meter", "start", "end", "rest", "expected"), SPLITS)
def test_lengths_are_cut_where_the_meter_must_be_seen(
    meter: str, start: int, end: int, rest: bool, expected: list[str]
) -> None:
    beats, unit = (int(figure) for figure in meter.split("/"))
    (pieces,) = write_bar([(start * E, end * E, rest)], Meter(0, beats, unit))
    assert [piece.kind + "." * piece.dots for piece in pieces] == expected


TUPLETS = [  # note lengths of a 4/4 bar's beginning, and the (kind, actual, normal) of each written note
    ([Q // 3] * 3, [("eighth", 3, 2)] * 3),
    ([2 * Q // 3] * 3, [("quarter", 3, 2)] * 3),
    ([4 * Q // 3] * 3, [("half", 3, 2)] * 3),
    ([Q // 6] * 3 + [Q // 2], [("16th", 3, 2)] * 3 + [("eighth", 1, 1)]),
    ([Q // 5] * 5, [("16th", 5, 4)] * 5),
    ([Q // 7] * 7, [("16th", 7, 4)] * 7),
    ([2 * Q // 5] * 5, [("eighth", 5, 4)] * 5),
    ([Q // 9] * 9, [("32nd", 9, 8)] * 9),
    ([2 * Q // 3, Q // 3], [("quarter", 3, 2), ("eighth", 3, 2)]),
    ([4 * Q // 3, 2 * Q // 3], [("half", 3, 2), ("quarter", 3, 2)]),
]


@pytest.mark.parametrize(("lengths", "expected"), TUPLETS)
def test_tuplets_are_found(lengths: list[int], expected: list[tuple[str, int, int]]) -> None:
    now, notes = 0, []
    for length in lengths:
        notes.append(Note(now, length, 72))
        now += length
    root = tree(Score((Part(tuple(notes), program=73),)))
    written = [
        (
            note.findtext("type"),
            number(note, "time-modification/actual-notes", 1),
            number(note, "time-modification/normal-notes", 1),
        )
        for note in root.iterfind("part/measure/note")
        if note.find("rest") is None
    ]
    assert written == expected
    check_values(root)


def test_a_pickup_of_one_triplet_eighth_is_part_of_a_triplet() -> None:
    notes = (Note(0, Q // 3, 67), Note(Q // 3, 4 * Q, 72))
    root = tree(Score((Part(notes, program=73),), pickup=Q // 3))
    first = root.find("part/measure")
    assert (first.get("number"), first.get("implicit")) == ("0", "yes")
    assert (first.findtext("note/type"), number(first, "note/time-modification/actual-notes")) == ("eighth", 3)


BEAMS = [  # meter, lengths, the first beam of each note
    ((4, 4), [E] * 8, ["begin", "continue", "continue", "end"] * 2),
    ((4, 4), [E, E, Q, E, E, Q], ["begin", "end", "", "begin", "end", ""]),
    ((3, 4), [E] * 6, ["begin", "end"] * 3),
    ((6, 8), [E] * 6, ["begin", "continue", "end"] * 2),
    ((7, 8), [E] * 7, ["begin", "end"] * 2 + ["begin", "continue", "end"]),
    ((4, 4), [Q // 4] * 3 + [Q // 4, 3 * Q], ["begin", "continue", "continue", "end", ""]),
]


@pytest.mark.parametrize(("meter", "lengths", "expected"), BEAMS)
def test_beams_show_the_beats(meter: tuple[int, int], lengths: list[int], expected: list[str]) -> None:
    now, notes = 0, []
    for length in lengths:
        notes.append(Note(now, length, 72))
        now += length
    root = tree(Score((Part(tuple(notes), program=73),), (Meter(0, *meter),)))
    assert [note.findtext("beam", "") for note in root.iterfind("part/measure/note")] == expected


def test_a_dotted_eighth_and_sixteenth_have_a_hook() -> None:
    notes = (Note(0, 3 * Q // 4, 72), Note(3 * Q // 4, Q // 4, 74))
    root = tree(Score((Part(notes, program=73),)))
    first, second = list(root.iterfind("part/measure/note"))[:2]
    assert [beam.text for beam in first.iterfind("beam")] == ["begin"]
    assert [beam.text for beam in second.iterfind("beam")] == ["end", "backward hook"]


# Pitches -------------------------------------------------------------------------------------------------------


def accidentals(score: Score) -> list[str]:
    return [note.findtext("accidental", "") for note in tree(score).iterfind("part/measure/note")]


def test_an_accidental_holds_to_the_bar_line_and_is_cancelled() -> None:
    assert accidentals(melody(66, 66, 65, 66, 66))[:5] == ["sharp", "", "natural", "sharp", "sharp"]
    assert accidentals(melody(66, 65, keys=(Key(0, 1),)))[:2] == ["", "natural"]
    assert accidentals(melody(66, 78))[:2] == ["sharp", "sharp"]  # another octave


def test_accidentals_reach_across_the_voices_of_a_staff() -> None:
    notes = (Note(0, Q, 66, voice=1), Note(Q, Q, 66, voice=2))
    assert [a for a in accidentals(Score((Part(notes, program=73),))) if a] == ["sharp"]


def test_a_note_keeps_its_spelling_where_it_fits() -> None:
    flat = Score((Part((Note(0, Q, 66, fifths=theory.fifths_of("G", -1)),)),))
    wrong = Score((Part((Note(0, Q, 66, fifths=0),)),))
    assert (tree(flat).findtext(".//step"), tree(flat).findtext(".//alter")) == ("G", "-1")
    assert (tree(wrong).findtext(".//step"), tree(wrong).findtext(".//alter")) == ("F", "1")


def test_octaves_follow_the_letter() -> None:
    b_sharp = Score((Part((Note(0, Q, 60, fifths=theory.fifths_of("B", 1)),)),))
    assert tree(b_sharp).findtext(".//octave") == "3"


# Staves, voices, parts -----------------------------------------------------------------------------------------


def test_a_piano_part_with_both_hands_has_two_staves() -> None:
    notes = (Note(0, Q, 76, voice=1), Note(0, Q, 43, voice=2), Note(Q, Q, 64, voice=2))
    root = tree(Score((Part(notes, program=0),)))
    assert root.findtext("part/measure/attributes/staves") == "2"
    assert [clef.findtext("sign") for clef in root.iterfind(".//clef")] == ["G", "F"]
    staves = {n.get("id"): n.findtext("staff") for n in root.iterfind(".//note") if n.find("rest") is None}
    assert staves == {"p1n1": "2", "p1n2": "1", "p1n3": "2"}  # the left hand stays on its staff


def test_one_hand_alone_or_another_instrument_has_one_staff() -> None:
    for part in (Part((Note(0, Q, 60), Note(Q, Q, 79)), program=0), Part((Note(0, Q, 40), Note(Q, Q, 79)), program=48)):
        assert tree(Score((part,))).find(".//staves") is None


def test_voices_on_one_staff_have_stems_up_and_down() -> None:
    notes = (Note(0, 4 * Q, 60, voice=2), Note(0, 4 * Q, 72, voice=1), Note(4 * Q, 4 * Q, 72, voice=1))
    root = tree(Score((Part(notes, program=73),)))
    stems = [(n.findtext("voice"), n.findtext("stem")) for n in root.iterfind(".//note") if n.find("rest") is None]
    assert stems == [("1", "up"), ("2", "down"), ("1", None)]  # alone, it goes as any melody
    assert len(root.findall(".//rest")) == 0


CLEFS = [(73, (72, 76), ("G", "2", None)), (42, (40, 45), ("F", "4", None)), (41, (57, 62), ("C", "3", None))]


@pytest.mark.parametrize(("program", "pitches", "expected"), [*CLEFS, (24, (52, 64), ("G", "2", "-1"))])
def test_the_clef_suits_the_range(program: int, pitches: tuple[int, ...], expected: tuple[str, ...]) -> None:
    notes = tuple(Note(n * Q, Q, pitch) for n, pitch in enumerate(pitches))
    clef = tree(Score((Part(notes, program=program),))).find(".//clef")
    assert tuple(clef.findtext(name) for name in ("sign", "line", "clef-octave-change")) == expected


def test_drums_are_unpitched_and_say_which() -> None:
    score = Score((Part((Note(0, Q, 36), Note(0, Q, 42), Note(Q, Q, 3)), "Kit", drums=True),))
    root = tree(score)
    assert read_back(root) == contents(score)
    assert root.findtext(".//clef/sign") == "percussion"
    assert {channel.text for channel in root.iter("midi-channel")} == {"10"}
    assert root.find(".//key") is None


def test_names_title_program_and_provenance() -> None:
    score = Score(
        (Part((Note(0, Q, 60),), "Flute <1>", 73),), title="A & B\x00", composer="C", provenance='{"seed": 1, "x": "<"}'
    )
    root = tree(score)
    assert root.findtext("work/work-title") == "A & B"
    assert root.findtext("identification/creator") == "C"
    assert root.findtext("identification/miscellaneous/miscellaneous-field") == score.provenance
    assert root.findtext("part-list/score-part/part-name") == "Flute <1>"
    assert root.findtext("part-list/score-part/midi-instrument/midi-program") == "74"


# Marks ---------------------------------------------------------------------------------------------------------


def test_tempo_is_told_in_the_felt_beat() -> None:
    root = tree(melody(60, 62, 64, meters=(Meter(0, 6, 8),), tempos=(Tempo(0, 90.0),)))
    assert root.findtext(".//metronome/beat-unit") == "quarter"
    assert root.find(".//metronome/beat-unit-dot") is not None
    assert root.findtext(".//per-minute") == "60"
    assert root.find(".//sound").get("tempo") == "90"


def test_small_changes_of_tempo_are_played_but_not_printed() -> None:
    tempos = (Tempo(0, 100.0), Tempo(Q, 101.0), Tempo(2 * Q, 60.0))
    root = tree(melody(60, 62, 64, 65, tempos=tempos))
    assert [sound.get("tempo") for sound in root.iter("sound")] == ["100", "101", "60"]
    assert [mark.text for mark in root.iter("per-minute")] == ["100", "60"]


def test_chord_symbols_stand_at_their_onset() -> None:
    sus = next(n for n, q in enumerate(theory.QUALITIES) if q.suffix == "7sus4")
    chords = (Chord(0, Q, 10, 0), Chord(Q, Q, 2, 4, bass=6), Chord(2 * Q, 2 * Q, 7, sus))
    root = tree(melody(60, length=4 * Q, chords=chords, keys=(Key(0, -1),)))
    first, second, third = root.iter("harmony")
    assert (first.findtext("root/root-step"), first.findtext("root/root-alter")) == ("B", "-1")
    assert (second.findtext("bass/bass-step"), second.findtext("bass/bass-alter")) == ("F", "1")
    assert second.findtext("kind") == "dominant"
    assert third.findtext("kind") == "suspended-fourth"
    assert third.findtext("degree/degree-value") == "7"
    divisions = number(root, ".//divisions")
    assert [number(h, "offset") for h in (first, second, third)] == [0, divisions, 2 * divisions]


def test_a_tuplet_of_several_voices_is_marked_once_where_their_rhythm_is_the_same() -> None:
    third = Q // 3
    upper = [Note(n * third, third, 72, voice=1) for n in range(6)]
    lower = [*(Note(n * third, third, 60, voice=2) for n in range(3)), Note(Q, 2 * third, 60, voice=2)]
    root = tree(Score((Part((*upper, *lower, Note(Q + 2 * third, third, 60, voice=2))),)))
    marks = [
        (note.findtext("voice"), tuplet.get("bracket"), tuplet.get("show-number"))
        for note in root.iter("note")
        for tuplet in note.iterfind("notations/tuplet[@type='start']")
    ]
    assert marks == [("1", "no", None), ("1", "no", None), ("2", "no", "none"), ("2", "yes", None)]
    modified = [note for note in root.iter("note") if note.find("time-modification") is not None]
    assert len(modified) == len(upper) + 5, "all notes still say what they are"


def test_ten_thousand_repeats_are_written_in_seconds() -> None:
    bar, count = 4 * Q, 10_000
    repeats = tuple(Repeat(n * bar, (n + 1) * bar) for n in range(count))
    started = time.process_time()
    text = musicxml.document(melody(*[60] * count, length=bar, repeats=repeats)).text
    assert time.process_time() - started < 10  # some 2; when every measure went through all repeats, 30
    assert text.count('<repeat direction="backward"') == count
    assert text.count('<repeat direction="forward"') == count - 1, "the first needs no sign"


def test_repeats_and_endings() -> None:
    bar = 4 * Q
    repeat = Repeat(bar, 4 * bar, 2, (Ending(2 * bar, 3 * bar, (1,)), Ending(3 * bar, 4 * bar, (2,))))
    root = tree(melody(60, 62, 64, 65, 67, length=bar, repeats=(repeat,)))
    found = [
        (measure.get("number"), line.get("location"), end.get("type") or end.get("direction"))
        for measure in root.iterfind("part/measure")
        for line in measure.iterfind("barline")
        for end in line
        if end.tag != "bar-style"
    ]
    assert found == [
        ("2", "left", "forward"),
        ("3", "left", "start"),
        ("3", "right", "stop"),
        ("3", "right", "backward"),
        ("4", "left", "start"),
        ("4", "right", "discontinue"),
    ]
    assert root.findall(".//bar-style")[-1].text == "light-heavy"


def test_a_repeat_inside_a_bar_cuts_the_bar() -> None:
    score = melody(*[60] * 9, pickup=Q, repeats=(Repeat(0, 8 * Q),))
    assert [(m.number, m.implicit, m.end - m.start) for m in measures(score)] == [
        ("0", True, Q),
        ("1", False, 4 * Q),
        ("2", False, 3 * Q),
        ("X3", True, Q),
    ]
    assert read_back(tree(score)) == contents(score)


def test_a_new_key_stands_where_it_begins() -> None:
    root = tree(melody(60, 62, 64, 66, 66, 66, keys=(Key(0, 0), Key(2 * Q, 2, "minor"))))
    keys = [(k.findtext("fifths"), k.findtext("mode")) for k in root.iter("key")]
    assert keys == [("0", "major"), ("2", "minor")]
    assert [m.get("implicit") for m in root.iterfind("part/measure")] == [None, "yes", None]


JUMPS = [  # jump, what is written: measure, its place there, words or sign, and what players are told
    (Jump(12 * Q), [("3", "end", "D.C.", ("dacapo", "yes"))]),
    (Jump(12 * Q, 4 * Q), [("2", "start", "segno", ("segno", "40320")), ("3", "end", "D.S.", ("dalsegno", "40320"))]),
    (
        Jump(12 * Q, 0, 8 * Q),
        [("2", "end", "Fine", ("fine", "yes")), ("3", "end", "D.C. al Fine", ("dacapo", "yes"))],
    ),
    (
        Jump(12 * Q, 4 * Q, 8 * Q, 12 * Q),
        [
            ("2", "start", "segno", ("segno", "40320")),
            ("2", "end", "To Coda", ("tocoda", "120960")),
            ("3", "end", "D.S. al Coda", ("dalsegno", "40320")),
            ("4", "start", "coda", ("coda", "120960")),
        ],
    ),
]


@pytest.mark.parametrize(("jump", "expected"), JUMPS)
def test_jumps_are_told_in_words_signs_and_sound(jump: Jump, expected: list[object]) -> None:
    found = []
    for measure in tree(melody(*range(60, 76), jumps=(jump,))).iterfind("part/measure"):
        children = list(measure)
        notes = [n for n, child in enumerate(children) if child.tag == "note"]
        for place, child in enumerate(children):
            if child.tag == "direction":
                sign = child.find("direction-type/*")
                (sound,) = child.find("sound").attrib.items()
                where = "start" if place < notes[0] else "end" if place > notes[-1] else "middle"
                found.append((measure.get("number"), where, sign.text or sign.tag, sound))
    assert found == expected


def test_a_jump_inside_a_bar_cuts_the_bar() -> None:
    score = melody(*[60] * 16, jumps=(Jump(14 * Q, Q, 6 * Q),))
    assert [(m.number, m.end - m.start) for m in measures(score)] == [
        *(("1", Q), ("X1", 3 * Q), ("2", 2 * Q), ("X3", 2 * Q)),
        *(("3", 4 * Q), ("4", 2 * Q), ("X6", 2 * Q)),
    ]
    assert read_back(tree(score)) == contents(score)


def test_an_only_ending_goes_back() -> None:
    root = tree(melody(60, 62, 64, length=4 * Q, repeats=(Repeat(0, 8 * Q, 2, (Ending(4 * Q, 8 * Q, (1,)),)),)))
    assert [repeat.get("direction") for repeat in root.iter("repeat")] == ["backward"]


def test_bars_without_notes_that_are_repeated_are_written() -> None:
    assert len(measures(melody(60, repeats=(Repeat(0, 16 * Q),)))) == 4


def test_a_chord_that_ends_before_the_next_is_followed_by_none() -> None:
    root = tree(melody(*range(60, 68), chords=(Chord(0, Q, 0, 0), Chord(4 * Q, Q, 7, 4))))
    kinds = [(harmony.findtext("kind"), harmony.get("print-object")) for harmony in root.iter("harmony")]
    assert kinds == [("major", None), ("none", None), ("dominant", None), ("none", "no")]


def test_loudness_is_told_where_it_is_not_usual() -> None:
    notes = tuple(Note(n * Q, Q, 60, velocity) for n, velocity in enumerate(range(1, 128)))
    written = [
        note.get("dynamics") for note in tree(Score((Part(notes),))).iter("note") if note.find("pitch") is not None
    ]
    assert written[79] is None
    assert [80 if text is None else round(float(text) * 90 / 100) for text in written] == list(range(1, 128))


def test_tempos_are_exact() -> None:
    tempos = tuple(Tempo(n * Q, bpm) for n, bpm in enumerate((60 / 0.7, 1e-5, 123456.789, 92.0)))
    root = tree(melody(60, 62, 64, 65, tempos=tempos))
    assert [float(sound.get("tempo")) for sound in root.iter("sound")] == [tempo.bpm for tempo in tempos]
    assert not any("e" in sound.get("tempo") for sound in root.iter("sound"))


@pytest.mark.parametrize(
    ("meter", "unit", "dots", "per_minute"),
    [
        ((4, 4), "quarter", 0, "120"),
        ((3, 2), "half", 0, "60"),
        ((6, 8), "quarter", 1, "80"),
        ((3, 1), "whole", 0, "30"),
    ],
)
def test_metronome_marks_count_felt_beats(meter: tuple[int, int], unit: str, dots: int, per_minute: str) -> None:
    root = tree(melody(60, meters=(Meter(0, *meter),), tempos=(Tempo(0, 120.0),)))
    assert root.findtext(".//beat-unit") == unit
    assert len(root.findall(".//beat-unit-dot")) == dots
    assert root.findtext(".//per-minute") == per_minute


@pytest.mark.parametrize(("bpm", "per_minute"), [(110.873, "111"), (92.5, "92.5"), (60.04, "60"), (63.0, "63")])
def test_printed_tempos_are_whole_numbers_and_sounding_ones_exact(bpm: float, per_minute: str) -> None:
    root = tree(melody(60, tempos=(Tempo(0, bpm),)))
    assert root.findtext(".//per-minute") == per_minute
    assert [float(sound.get("tempo", "")) for sound in root.iter("sound")] == [bpm]


def test_a_fermata_stands_on_the_last_notes_where_asked() -> None:
    notes = (*(Note(n * Q, Q, 72) for n in range(3)), Note(3 * Q, 2 * Q, 72), Note(0, 5 * Q, 60, voice=2))
    score = Score((Part(notes, program=73), Part((Note(0, Q, 60), Note(0, Q, 64)), program=73)))
    root = ET.fromstring(musicxml.document(score, fermata=True).text)
    fermatas = ((note.get("id"), note.find("notations/fermata")) for note in root.iter("note"))
    held = [(name, fermata.get("type")) for name, fermata in fermatas if fermata is not None]
    assert held == [("p1n5-2", "upright"), ("p1n1-2", "inverted"), ("p2n1", "upright")]
    assert not list(tree(score).iter("fermata"))


# Voices and staves ---------------------------------------------------------------------------------------------


def test_voices_that_need_more_numbers_are_told() -> None:
    notes = (Note(0, 4 * Q, 72), Note(Q, Q, 76), Note(0, 4 * Q, 48), Note(0, Q, 40, voice=3))
    root = tree(Score((Part((Note(0, Q, 60),)), Part(notes))))
    (field,) = root.iterfind("identification/miscellaneous/miscellaneous-field")
    assert field.get("name") == "tunesmith-voices"
    assert json.loads(field.text) == {"P2": {"2": 1}}


def test_ensembles_have_a_bracket_and_songs_have_none() -> None:
    high, low = Part((Note(0, Q, 72),), program=40), Part((Note(0, Q, 48),), program=42)
    piano = Part((Note(0, Q, 72), Note(0, Q, 40)))
    groups = tree(Score((Part((Note(0, Q, 60),), program=73), high, low, piano))).find("part-list")
    tags = [(child.tag, child.get("id") or child.get("type")) for child in groups]
    assert tags == [
        *(("score-part", "P1"), ("part-group", "start"), ("score-part", "P2"), ("score-part", "P3")),
        *(("part-group", "stop"), ("score-part", "P4")),
    ]
    assert tree(Score((high, piano))).find("part-list/part-group") is None


def test_rests_that_another_voice_fills_are_hidden_for_one_player_only() -> None:
    notes = (Note(0, 4 * Q, 72), Note(3 * Q, Q, 64, voice=2))
    for program, shown in ((0, []), (52, ["half", "quarter"])):
        rests = [n for n in tree(Score((Part(notes, program=program),))).iter("note") if n.find("rest") is not None]
        assert [n.findtext("type") for n in rests if n.get("print-object") is None] == shown
        assert len(rests) == 2


def test_cymbals_have_stems_up_and_drums_down() -> None:
    kit = (Note(0, Q, 49), Note(0, Q, 36), *(Note(n * E, E, 42) for n in range(8)), Note(Q, Q, 38))
    root = tree(Score((Part(kit, drums=True),)))
    assert read_back(root) == [Counter((n.onset, n.duration, n.pitch) for n in kit)]
    stems = {(n.find("instrument").get("id"), n.findtext("stem")) for n in root.iter("note") if n.find("rest") is None}
    assert stems == {("P1-D49", "up"), ("P1-D36", "down"), ("P1-D42", "up"), ("P1-D38", "down")}


# Reading back --------------------------------------------------------------------------------------------------


@given(generated())
@settings(deadline=None, max_examples=60)
def test_our_own_reader_reads_every_score_back(score: Score) -> None:
    expected = musicxml_carries(score)
    if score.end:
        found = next(parse(musicxml.document(score).text.encode()))
        assert found == expected


def test_irregular_bars_come_back() -> None:
    score = melody(*range(60, 74), meters=(Meter(0, 4, 4), Meter(7 * Q, 4, 4), Meter(9 * Q, 4, 4)), keys=(Key(0, 2),))
    assert next(parse(musicxml.document(score).text.encode())) == musicxml_carries(score)


def test_ties_of_several_voices_on_one_pitch_come_back() -> None:
    notes = (Note(0, 9 * Q, 60, voice=1), Note(2 * Q, 7 * Q, 60, voice=2), Note(5 * Q, 9 * Q, 60, voice=3))
    score = Score((Part(notes, program=42),), (Meter(),), (Key(),))
    assert next(parse(musicxml.document(score).text.encode())) == musicxml_carries(score)


# Edges ---------------------------------------------------------------------------------------------------------


def test_an_empty_score_is_one_bar_of_rest() -> None:
    root = tree(Score())
    assert len(root.findall("part/measure")) == 1
    assert root.find(".//rest").get("measure") == "yes"


@pytest.mark.parametrize("note", [Note(0, Q, 11), Note(4 * Q, 0, 60)])
def test_what_musicxml_cannot_write_is_an_error_with_its_bar(note: Note, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="bar"):
        formats.write(Score((Part((note, Note(0, 8 * Q, 60))),)), tmp_path / "x.musicxml")
    assert not list(tmp_path.iterdir())


def test_a_meter_without_note_value_still_keeps_the_ticks() -> None:
    score = melody(60, 62, 64, length=Q, meters=(Meter(0, 5, 12),))
    assert read_back(tree(score)) == contents(score)
    assert GRAIN * 32 == Q


def test_two_tracks_of_one_pianist_are_two_staves_in_a_brace() -> None:
    right = tuple(n for i in range(8) for n in (Note(i * Q, Q, 72 + i % 5), Note(i * Q, Q, 67)))
    left = tuple(Note(i * Q, Q, p) for i in range(8) for p in (45, 52, 60))  # reaches over middle C
    pianist = tree(Score((Part(right, "up"), Part(left, "down"))))
    assert [group.text for group in pianist.iterfind("part-list/part-group/group-symbol")] == ["brace"]
    assert pianist.find(".//staves") is None
    alone = tree(Score((Part(left, "down"),)).replace(parts=(Part((*left, Note(0, Q, 70))),)))
    assert alone.find("part-list/part-group") is None
    assert alone.findtext(".//staves") == "2"
    choir = tree(Score(tuple(Part(tuple(Note(i * Q, Q, p) for i in range(8))) for p in (72, 64, 55, 48))))
    assert {group.text for group in choir.iterfind("part-list/part-group/group-symbol")} == {"bracket"}
