"""Wishes in words: what musicians write is understood, and where it is wrong the one line says so and points at it."""

from __future__ import annotations

import json
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith import theory
from tunesmith.errors import RequestError
from tunesmith.request import MAX_BARS, Request, request_file
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Key, Meter
from tunesmith.wording import (
    WORDS,
    parse_bars,
    parse_cadences,
    parse_chords,
    parse_contour,
    parse_density,
    parse_form,
    parse_key,
    parse_leap,
    parse_length,
    parse_meter,
    parse_notes,
    parse_pitch,
    parse_ranges,
)

GOOD = [
    (parse_key, "D", Key(0, 2, "major")),
    (parse_key, "F# minor", Key(0, 3, "minor")),
    (parse_key, " Bb ", Key(0, -2, "major")),
    (parse_key, "E dorian", Key(0, 2, "dorian")),
    (parse_key, "Am", Key(0, 0, "minor")),
    (parse_meter, "3/4", Meter(0, 3, 4)),
    (parse_meter, " 6/8 ", Meter(0, 6, 8)),
    (parse_meter, "2/2", Meter(0, 2, 2)),
    (parse_pitch, "C4", 60),
    (parse_pitch, "F#3", 54),
    (parse_pitch, "Bb5", 82),
    (parse_pitch, "c-1", 0),
    (parse_ranges, "C4-G5", ((0, 60, 79),)),
    (parse_ranges, "soprano C4-G5, bass E2-C4", ((1, 60, 79), (4, 40, 60))),
    (parse_ranges, "Alto: F3 - D5", ((2, 53, 74),)),
    (parse_ranges, "1 C4-G5", ((1, 60, 79),)),
    (parse_ranges, "C4-C4", ((0, 60, 60),)),
    (parse_length, "1/8", TPQ // 2),
    (parse_length, "eighth", TPQ // 2),
    (parse_length, "Quarter note", TPQ),
    (parse_length, "3/16", 3 * TPQ // 4),
    (parse_length, "1", 4 * TPQ),
    (parse_length, "0.125", TPQ // 2),
    (parse_density, "2-8", (2, 8)),
    (parse_density, " 4 ", (4, 4)),
    (parse_density, "0 - 3", (0, 3)),
    (parse_leap, "fifth", 7),
    (parse_leap, "Octave", 12),
    (parse_leap, "5", 5),
    (parse_chords, "| Dm | G7 | C |", (((2, 1),), ((7, 4),), ((0, 0),))),
    (parse_chords, "F C | % ||", (((5, 0), (0, 0)), ((5, 0), (0, 0)))),
    (parse_chords, "Bbmaj7", (((10, 5),),)),
    (parse_cadences, "tonic", (("tonic", 0),)),
    (parse_cadences, "half 8, tonic 16", (("half", 8), ("tonic", 16))),
    (parse_cadences, "Half at bar 8", (("half", 8),)),
    (parse_cadences, "half: 4", (("half", 4),)),
    (parse_form, "AABA", "AABA"),
    (parse_form, "a b a c", "ABAC"),
    (parse_form, "AA'BA", "AA'BA"),
    (parse_form, "AA\N{RIGHT SINGLE QUOTATION MARK}", "AA'"),
    (parse_contour, "0 3 5 2", (0.0, 3.0, 5.0, 2.0)),
    (parse_contour, "0, 1.5,-1", (0.0, 1.5, -1.0)),
    (parse_notes, "1=C4", ((1, Fraction(1), 60),)),
    (parse_notes, "1=C4, 8.3=G4", ((1, Fraction(1), 60), (8, Fraction(3), 67))),
    (parse_notes, "2.1.5=F#4", ((2, Fraction(3, 2), 66),)),
    (parse_bars, "5-8", (5, 8)),
    (parse_bars, "5", (5, 5)),
]
# what is written, and what the line must say: each quotes what is wrong in what was written
BAD = [
    (parse_key, "H minor", "'H minor'"),
    (parse_key, "D sharpish", "unknown mode 'sharpish'"),
    (parse_key, "G# major", "8 sharps"),
    (parse_key, "", "''"),
    (parse_meter, "0/4", "'0/4' is not a meter"),
    (parse_meter, "4/3", "'4/3'"),
    (parse_meter, "4", "'4'"),
    (parse_meter, "-3/4", "'-3/4'"),
    (parse_meter, "four/four", "'four/four'"),
    (parse_meter, "9" * 5000 + "/4", "is not a meter"),
    (parse_pitch, "H4", "'H4'"),
    (parse_pitch, "C", "'C'"),
    (parse_pitch, "G#9", "out of reach"),
    (parse_ranges, "C4", "'C4' is not a range"),
    (parse_ranges, "C4-H5", "'C4-H5'"),
    (parse_ranges, "C4-G5, bass", "'bass'"),
    (parse_ranges, "G5-C4", "'G5-C4' is upside down"),
    (parse_ranges, "violin C4-G5", "no voice 'violin'"),
    (parse_ranges, "\N{SUPERSCRIPT TWO} C4-G5", "no voice"),
    (parse_ranges, "9" * 5000 + " C4-G5", "no voice"),
    (parse_ranges, "C4-G99", "out of reach|not a pitch"),
    (parse_length, "1/0", "'1/0'"),
    (parse_length, "0", "'0'"),
    (parse_length, "-1/4", "'-1/4'"),
    (parse_length, "quaver", "'quaver'"),
    (parse_length, "1/999", "'1/999'"),
    (parse_length, "1e999999999", "1e999999999"),
    (parse_length, "nan", "'nan'"),
    (parse_density, "8-2", "'8-2'"),
    (parse_density, "0", "'0'"),
    (parse_density, "many", "'many'"),
    (parse_leap, "0", "'0'"),
    (parse_leap, "128", "'128'"),
    (parse_leap, "huge", "'huge'"),
    (parse_leap, "\N{SUPERSCRIPT TWO}", "is no interval"),
    (parse_leap, "9" * 5000, "is no interval"),
    (parse_chords, "| Dm | Gq7 | C |", r"bar 2: 'Gq7' is not a chord: \| Dm \| >>Gq7<< \| C \|"),
    (parse_chords, "Dm G | C X9", r"bar 2: .*Dm G \| C >>X9<<"),
    (parse_chords, "| % | C |", r"bar 1: '%' is not a chord: \| >>%<< \| C \|"),
    (parse_chords, "H", ">>H<<"),
    (parse_chords, "dm", ">>dm<<"),
    (parse_chords, "| |", "no chords"),
    (parse_chords, "", "no chords"),
    (parse_cadences, "plagal", "'plagal'"),
    (parse_cadences, "half 8, tonc 16", "'tonc 16'"),
    (parse_cadences, "half 8 tonic 16", "'half 8 tonic 16'"),
    (parse_cadences, "", "''"),
    (parse_form, "A1", "'A1'"),
    (parse_form, "'A", '"\'A"'),
    (parse_form, "", "''"),
    (parse_form, "A" * 33, "is no form"),
    (parse_contour, "up", "'up'"),
    (parse_contour, "3", "'3'"),
    (parse_contour, "0 nan", "'0 nan'"),
    (parse_contour, "0 inf", "'0 inf'"),
    (parse_notes, "C4", "'C4'"),
    (parse_notes, "1=C4, 2=H4", "'H4'"),
    (parse_notes, "1.=C4", "'1.=C4'"),
    (parse_bars, "8-5", "'8-5'"),
    (parse_bars, "last", "'last'"),
]


def said(error: RequestError) -> str:
    """The line a user sees: one, and with what to do."""
    assert "\n" not in str(error)
    assert error.fix
    return str(error)


@pytest.mark.parametrize(("parse", "text", "value"), GOOD, ids=[f"{p.__name__} {t}" for p, t, _ in GOOD])
def test_good_words(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text", "words"), BAD, ids=[f"{p.__name__} {t[:20]}" for p, t, _ in BAD])
def test_bad_words_are_pointed_at(parse, text, words):
    began = time.process_time()
    with pytest.raises(RequestError, match=words) as caught:
        parse(text)
    assert said(caught.value)
    assert time.process_time() - began < 1


@given(st.sampled_from([*dict.fromkeys(parse for parse, _, _ in GOOD)]), st.text(max_size=20) | st.data())
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(parse, text):
    """Also what is nearly right: a good word with some letters changed."""
    if not isinstance(text, str):
        word = text.draw(st.sampled_from([t for p, t, _ in GOOD if p is parse]))
        place = text.draw(st.integers(0, len(word)))
        text = word[:place] + text.draw(st.text(max_size=2)) + word[place + text.draw(st.integers(0, 2)) :]
    try:
        parse(text)
    except RequestError as error:
        said(error)


# requests: the same, by name

BAD_REQUESTS = [
    ({"bas": 8}, "no wish 'bas'; did you mean bars"),
    ({"cadense": "tonic"}, "did you mean cadence"),
    ({"max_copi": 8}, "did you mean max_copy"),
    ({"presets": "historical"}, "did you mean preset"),
    ({"xyzzy": 1}, "no wish 'xyzzy'; known are: bars, .*preset"),
    ({"preset": "baroque"}, "no preset 'baroque'; known is: historical"),
    ({"bars": "eight"}, "bars is 'eight'; write a whole number"),
    ({"bars": True}, "bars is True"),
    ({"bars": 8.5}, "bars is 8.5"),
    ({"rests": "no"}, "rests is 'no'; write true or false"),
    ({"tempo": "fast"}, "tempo is 'fast'; write a number"),
    ({"texture": 4}, "texture is 4; write a word"),
    ({"texture": "opera"}, "unknown texture 'opera'; choose from melody"),
    ({"bars": 0}, "bars 0 is out of range; choose from 1 to"),
    ({"bars": MAX_BARS + 1}, "out of range"),
    ({"tempo": float("nan")}, "tempo nan is out of range"),
    ({"chromatic": 1.5}, "chromatic 1.5 is out of range"),
    ({"breath": 0}, "breath 0 is out of range"),
    ({"repeats": 1}, "repeats 1 is out of range"),
    ({"particles": 0}, "particles 0 is out of range"),
    ({"max_copy": 1}, "a cap of 1 notes leaves no music; allow at least 4 notes, or 0 for no cap"),
    ({"max_copy": 3}, "a cap of 3 notes"),
    ({"max_copy": -1}, "max-copy -1 is out of range"),
    ({"key": "H"}, "'H' is not a key"),
    ({"meter": "0/4"}, "'0/4' is not a meter"),
    ({"meter": "33/4"}, "meter 33/4 cannot be composed in"),
    ({"range": "C4-F4", "form": "AABA"}, "a form needs more than the 5 semitones"),
    ({"range": "C4-B4", "form": "AABA"}, "a form needs more than the 11 semitones"),
    ({"form": "AABA", "bars": 6}, "6 bars cannot be parted in the 4 sections of AABA; ask for 8"),
    ({"form": "ABAC", "bars": 3}, "3 bars cannot be parted in the 4 sections of ABAC; ask for 4"),
    ({"cadence": "half 8", "bars": 6}, "a half cadence in bar 8 of a piece of 6 bars"),
    ({"notes": "9=C4", "bars": 8}, "a note in bar 9 of a piece of 8 bars"),
    ({"notes": "0=C4"}, "a note in bar 0"),
    ({"chords": "C | F | G | C | F", "bars": 4}, "chords for 5 bars in a piece of 4"),
    ({"chords": "| Dm | Gq | C |"}, ">>Gq<<"),
    ({"rests": False, "breath": 4}, "no rests, and a breath"),
    ({"contour": [1]}, "'1' is no contour"),
    ({"density": [8, 2]}, "'8-2' is no number of notes"),
]


@pytest.mark.parametrize(("words", "line"), BAD_REQUESTS, ids=[str(words)[:40] for words, _ in BAD_REQUESTS])
def test_bad_requests(words, line):
    with pytest.raises(RequestError, match=line) as caught:
        Request.of(words)
    assert said(caught.value)


def test_every_wish_in_words_has_good_and_bad_examples():
    known = {parse for parse, _, _ in GOOD} & {parse for parse, _, _ in BAD}
    assert set(WORDS.values()) <= known


def test_the_historical_preset():
    request = Request.of({"preset": "historical", "bars": 8})
    assert (request.texture, request.range, request.steps) == ("melody", ((0, 48, 71),), TPQ)
    assert Request.of({"preset": "historical", "steps": "1/8"}).steps == TPQ // 2, "what is said besides it counts"


def test_changed_reads_words_and_knows_names():
    request = Request().changed(key="D minor", chords="| Dm | A7 |", bars=8)
    assert (request.key, request.chords, request.bars) == (Key(0, -1, "minor"), (((2, 1),), ((9, 4),)), 8)
    with pytest.raises(RequestError, match="did you mean bars"):
        Request().changed(bas=8)


FILE = {
    "bars": 8,
    "key": "D minor",
    "meter": "3/4",
    "tempo": 90,
    "range": "C4-G5",
    "max-copy": 12,
    "rests": False,
    "contour": [0, 3, 1.5],
    "cadence": ["half 4", "tonic 8"],
    "density": "1-6",
    "chords": ["Dm", "G7 A7", "Dm", "%"],
}
TOML = """bars = 8
key = "D minor"
meter = "3/4"
tempo = 90
range = "C4-G5"
max-copy = 12
rests = false
contour = [0, 3, 1.5]
cadence = ["half 4", "tonic 8"]
density = "1-6"
chords = ["Dm", "G7 A7", "Dm", "%"]
"""
WANTED = Request(
    bars=8,
    key=Key(0, -1, "minor"),
    meter=Meter(0, 3, 4),
    tempo=90,
    range=((0, 60, 79),),
    max_copy=12,
    rests=False,
    contour=(0.0, 3.0, 1.5),
    cadence=(("half", 4), ("tonic", 8)),
    density=(1, 6),
    chords=(((2, 1),), ((7, 4), (9, 4)), ((2, 1),), ((2, 1),)),
)


@pytest.mark.parametrize("mark", ["", "\N{BYTE ORDER MARK}"])  # which editors on Windows write
@pytest.mark.parametrize(("name", "text"), [("wishes.toml", TOML), ("wishes.json", json.dumps(FILE))])
def test_request_files(tmp_path, name, text, mark):
    (tmp_path / name).write_text(mark + text, "utf-8")
    assert Request.of(request_file(tmp_path / name)) == WANTED


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.toml", "bars = ", r"a\.toml: this is no request: Invalid value.*; write TOML, such as: bars = 16"),
        ("a.toml", "bars 8", r"line 1"),
        ("a.json", '{"bars": 8', r"a\.json: this is no request: .*line 1"),
        ("a.json", '{"bars": 8, "bars": 9}', r"a\.json: this is no request: 'bars' stands there twice; write JSON"),
        ("a.json", "[8]", "this is no request; write names and values"),
        ("a.json", "[" * 100_000, "this is no request"),
        ("a.toml", "\0\1\2", "this is no request"),
        ("a.json", '{"bars": ' + "9" * 5000 + "}", "this is no request"),
    ],
)
def test_bad_request_files(tmp_path, name, text, line):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(RequestError, match=line) as caught:
        request_file(tmp_path / name)
    assert said(caught.value)


# requests that go with a piece

ROW = st.tuples(st.integers(0, 11), st.integers(0, len(theory.QUALITIES) - 1))
SMALL = st.integers(1, 4)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request that makes sense."""
    perhaps = {
        "texture": st.sampled_from(v.STYLES),
        "key": st.builds(Key, st.just(0), st.integers(-7, 7), st.sampled_from(tuple(theory.MODES))),
        "meter": st.builds(Meter, st.just(0), SMALL, st.sampled_from((2, 4, 8))),
        "tempo": st.floats(20, 400) | st.integers(20, 400),
        "temperature": st.floats(0.1, 2),
        "rhythm_temperature": st.floats(0.1, 2),
        "top_p": st.floats(0.01, 1),
        "seed": st.integers(0, 2**63 - 1),
        "pieces": st.integers(1, 1000),
        "chromatic": st.floats(0, 1),
        "range": st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50), st.integers(62, 127)), max_size=3).map(
            tuple
        ),
        "shortest": st.integers(1, 4 * TPQ),
        "density": st.tuples(SMALL, st.integers(4, 9)),
        "leap": st.integers(1, 127),
        "chords": st.lists(st.lists(ROW, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple),
        "cadence": st.lists(st.tuples(st.sampled_from(("tonic", "half")), st.integers(0, 4)), max_size=3).map(tuple),
        "form": st.sampled_from(("AABA", "AA'", "ABA'C")),
        "rests": st.just(False),
        "contour": st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5).map(tuple),
        "notes": st.lists(st.tuples(SMALL, st.fractions(1, 5, max_denominator=8), st.integers(0, 127)), max_size=3).map(
            tuple
        ),
        "repeats": st.integers(2, 1000),
        "steps": st.integers(1, 4 * TPQ),
        "max_copy": st.just(0) | st.integers(4, 1000),
        "particles": st.integers(1, 1024),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(perhaps))))
    return Request(bars=4 * draw(SMALL), **{name: draw(perhaps[name]) for name in sorted(chosen)})


@given(requests())
@settings(max_examples=200, deadline=None)
def test_a_request_comes_back_from_what_a_piece_tells(request):
    request.check()
    assert Request.back(json.loads(json.dumps(request.told()))) == request


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5
)


@given(requests(), st.sampled_from(sorted(Request().told())), JSON | st.dictionaries(st.text(max_size=5), JSON))
@settings(max_examples=200, deadline=None)
def test_a_damaged_request_is_said_so(request, name, value):
    try:
        Request.back(json.loads(json.dumps(request.told() | {name: value})))
    except RequestError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", sorted(Request().told()))
def test_a_request_without_a_wish_has_its_default(name):
    """As pieces of older programs have it, which knew fewer wishes."""
    told = {key: value for key, value in Request(bars=8).told().items() if key != name}
    assert getattr(Request.back(told), name) == getattr(Request(), name)
