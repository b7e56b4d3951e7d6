"""ABC: tune books in, tunes out, and the place of every fault."""

from __future__ import annotations

import dataclasses
import json
import random
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import must_be_refused
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores, voices

from tunesmith import formats, theory
from tunesmith.errors import FormatError, SongWarning, StorageError
from tunesmith.formats import ReadOptions
from tunesmith.formats.abc import fields, read
from tunesmith.formats.abc.book import decode, tunes
from tunesmith.formats.abc.tune import read_tune
from tunesmith.formats.abc.writer import tune_text
from tunesmith.score import TPQ, Chord, Ending, Key, Meter, Note, Part, Repeat, Score, Tempo

DATA = Path(__file__).parent / "data" / "abc"
SONGS = Path(__file__).parent.parent / "examples" / "songs"


def parse(text: str) -> list[Score | FormatError]:
    """All that a book of ABC text yields."""
    return [song for source in tunes(text) for song in read_tune(source)]


def tune(music: str, *header: str, key: str = "C") -> Score:
    """The score of a tune in 4/4 and eighths that raises no doubts."""
    found = parse("\n".join(["X:1", "T:Test", "M:4/4", "L:1/8", *header, f"K:{key}", music]))
    assert len(found) == 1, found[1:]
    assert isinstance(found[0], Score), found[0]
    return found[0]


def sounds(score: Score) -> list[tuple[float, float, int]]:
    """(onset, duration, pitch) of the first part, in eighths."""
    return [(n.onset / (TPQ / 2), n.duration / (TPQ / 2), n.pitch) for n in score.parts[0].notes]


def pitches(score: Score) -> list[int]:
    return [n.pitch for n in score.parts[0].notes]


# --- properties


def carried(score: Score) -> Score:
    """What ABC carries of a score: no dynamics; spellings as the key has them where they are not known."""

    def note(n: Note) -> Note:
        key = score.key_at(n.onset)
        spelling = theory.spell(n.pitch, key.fifths, key.mode) if n.fifths is None else n.fifths
        return Note(n.onset, n.duration, n.pitch, voice=n.voice, fifths=spelling)

    def chord(c: Chord) -> Chord:
        root = theory.spell(c.root, -1) if c.fifths is None else c.fifths
        return dataclasses.replace(c, fifths=root)

    end = score.end
    return score.replace(
        parts=tuple(dataclasses.replace(p, notes=tuple(map(note, p.notes))) for p in score.parts),
        chords=tuple(map(chord, score.chords)),
        meters=tuple(m for m in score.meters if m.onset < end),
        keys=tuple(k for k in score.keys if k.onset < end),
        tempos=tuple(t for t in score.tempos if t.onset < end),
        pickup=score.pickup if score.pickup < end else 0,
    )


def reads_back(score: Score) -> None:
    text = tune_text(score)
    (found, *doubts) = parse(text)
    assert all(isinstance(doubt, SongWarning) for doubt in doubts)
    assert found == carried(score), text


@given(scores())
@settings(max_examples=80, deadline=None)
def test_generated_scores_read_back(score: Score) -> None:
    if score.note_count:
        reads_back(score)


@st.composite
def songs(draw: st.DrawFn) -> Score:
    """A melody with repeats and endings, tempo changes, odd spellings, texts, and bars cut by a meter change."""
    notes = draw(voices(size=30))
    fifths = draw(st.integers(-6, 6))
    notes = [dataclasses.replace(n, fifths=theory.spell(n.pitch, fifths)) for n in notes] or [
        Note(0, TPQ, 60, fifths=0)
    ]
    end = max(n.end for n in notes)
    # Repeats on the grid of eighths, so that some stand inside bars.
    points = sorted(draw(st.sets(st.integers(0, max(1, end // (TPQ // 2))), max_size=8)))
    repeats, at = [], 0
    while at + 1 < len(points):
        size = draw(st.integers(2, 4))
        times = [p * TPQ // 2 for p in points[at : at + size]]
        if len(times) < size:
            break
        endings = tuple(Ending(a, b, (number,)) for number, (a, b) in enumerate(pairwise(times[1:]), 1))
        count = draw(st.integers(2, 4)) if not endings else 2
        repeats.append(Repeat(times[0], times[-1], count, endings))
        at += size - draw(st.integers(0, 1))
    meter = draw(st.sampled_from(((4, 4), (3, 4), (6, 8), (9, 8), (2, 4))))
    cut = draw(st.integers(1, 20)) * TPQ // 2
    meters = [Meter(0, *meter)] + ([Meter(cut, 3, 4)] if cut >= meter[0] * 4 * TPQ // meter[1] else [])
    text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
    return Score(
        (Part(tuple(notes), draw(text).replace('"', ""), draw(st.integers(0, 127)), draw(st.booleans())),),
        tuple(m for m in meters if m.onset < end),
        (Key(0, fifths),),
        tuple(Tempo(i * TPQ, b) for i, b in enumerate(draw(st.lists(st.floats(1, 999), max_size=3))) if i * TPQ < end),
        repeats=tuple(r for r in repeats if not any(r.start < m.onset < r.end for m in meters)),
        title=draw(text),
        composer=draw(text),
        provenance=json.dumps({"seed": draw(st.integers()), "title": draw(text)}),
    )


@given(songs())
@settings(max_examples=120, deadline=None)
def test_generated_songs_read_back(score: Score) -> None:
    reads_back(score)


@given(st.lists(st.tuples(st.integers(1, 3 * TPQ), st.integers(0, 127)), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_even_lengths_that_no_note_value_has_read_back(steps: list[tuple[int, int]]) -> None:
    now, notes = 0, []
    for length, pitch in steps:
        notes.append(Note(now, length, pitch))
        now += length
    reads_back(Score((Part(tuple(notes)),), (Meter(0, 3, 4),)))


# --- reading


def eighths(ticks: int) -> int | str:
    """Ticks as eighth notes, a fraction where they are not whole."""
    share = Fraction(ticks, TPQ // 2)
    return int(share) if share.denominator == 1 else str(share)


def described(score: Score) -> dict[str, Any]:
    """A score as the expected JSON has it: times in eighth notes, what is empty left out."""

    def name(n: Note) -> str:
        assert n.fifths is not None
        return f"{theory.note_name(n.fifths)}{theory.octave(n.pitch, n.fifths)}"

    found = {
        "title": score.title,
        "composer": score.composer,
        "pickup": eighths(score.pickup),
        "meters": [[eighths(m.onset), f"{m.beats}/{m.unit}"] for m in score.meters],
        "keys": [[eighths(k.onset), str(k)] for k in score.keys],
        "tempos": [[eighths(t.onset), t.bpm] for t in score.tempos],
        "chords": [[eighths(c.onset), eighths(c.duration), c.text] for c in score.chords],
        "repeats": [
            [eighths(r.start), eighths(r.end), r.times, *([eighths(e.start), *e.passes] for e in r.endings)]
            for r in score.repeats
        ],
        "parts": [
            {"name": p.name, "program": p.program}
            | {"notes": [[eighths(n.onset), eighths(n.duration), name(n), *[n.voice][n.voice == 1 :]] for n in p.notes]}
            for p in score.parts
        ],
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("path", sorted((DATA / "valid").glob("*.abc")), ids=lambda p: p.stem)
def test_valid_files_read_as_expected(path: Path, tmp_path: Path) -> None:
    found = list(read(path, ReadOptions()))
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert [described(song) for song in found if isinstance(song, Score)] == expected
    assert len(found) == len(expected)
    for song in found:
        assert isinstance(song, Score)
        formats.write(song, tmp_path / "written.abc")
        (again, *_) = formats.read(tmp_path / "written.abc")
        assert isinstance(again, Score)
        assert [len(p.notes) for p in again.parts] == [len(p.notes) for p in song.parts]


@pytest.mark.parametrize("path", sorted((DATA / "invalid").glob("*.abc")), ids=lambda p: p.stem)
def test_broken_files_give_one_line_with_a_place(path: Path) -> None:
    must_be_refused(path)


def test_a_bad_tune_does_not_stop_the_others() -> None:
    good, bad, last = parse("X:1\nT:A\nK:C\nCDE\n\nX:2\nT:B\nK:C\nC ^ D\n\nX:3\nT:C\nK:C\nGAB\n")
    assert isinstance(good, Score) and isinstance(last, Score)
    assert (good.title, last.title) == ("A", "C")
    assert str(bad) == "line 9, column 3 (tune 2: B): '^' does not belong in a line of music"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("G", "G major"),
        ("Gmaj", "G major"),
        ("Am", "A minor"),
        ("A min", "A minor"),
        ("F#m", "F# minor"),
        ("Bb Major", "Bb major"),
        ("DDor", "D dorian"),
        ("E phrygian", "E phrygian"),
        ("F LYD", "F lydian"),
        ("GMix", "G mixolydian"),
        ("B locrian", "B locrian"),
        ("C aeolian", "C minor"),
        ("C ionian", "C major"),
        ("HP", "A mixolydian"),
        ("Hp", "A mixolydian"),
        ("D clef=bass octave=-1", "D major"),
        ("D treble-8", "D major"),
        ("D Phr ^f", "D phrygian"),
        ("D exp _b _e ^f", "D phrygian"),
        ("none", None),
        ("", None),
        ("bass", None),
    ],
)
def test_keys(field: str, expected: str | None) -> None:
    keys = tune("CDEF GABc", key=field).keys
    assert [str(key) for key in keys] == ([expected] if expected else [])


def test_accidentals_in_the_key_sound() -> None:
    assert pitches(tune("DEFG AB z2", key="D exp _b _e ^f")) == [62, 63, 66, 67, 69, 70]
    assert pitches(tune("DEFG AB z2", key="D Phr ^f =b")) == [62, 63, 66, 67, 69, 71]
    assert pitches(tune("FGAB c2 z2", key="Hp")) == [66, 67, 69, 71, 73]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1/4=120", [120]),
        ("120", [60]),  # unit note lengths, and L is 1/8
        ("C=100", [50]),
        ("C3=40", [60]),
        ("3/8=50", [75]),
        ("1/4 3/8 1/4 3/8=40", [200]),
        ('"Allegro" 1/2=60', [120]),
        ('1/4=66.5 "slow"', [66.5]),
        ('"Andante"', []),
        ("lively", []),
    ],
)
def test_tempos(field: str, expected: list[float]) -> None:
    assert [t.bpm for t in tune("CDEF GABc", f"Q:{field}").tempos] == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [("C", (4, 4)), ("C|", (2, 2)), ("2+3/8", (5, 8)), ("(2+2+3)/8", (7, 8)), ("6/8", (6, 8)), ("none", None)],
)
def test_meters(field: str, expected: tuple[int, int] | None) -> None:
    (score, *_) = parse(f"X:1\nM:{field}\nL:1/4\nK:C\nC D E F|\n")
    assert isinstance(score, Score)
    assert score.meters == ((Meter(0, *expected),) if expected else ())


@pytest.mark.parametrize(
    ("meter", "ticks"), [("2/4", TPQ // 4), ("3/4", TPQ // 2), ("6/8", TPQ // 2), ("none", TPQ // 2)]
)
def test_the_unit_note_length_follows_the_meter(meter: str, ticks: int) -> None:
    (score, *_) = parse(f"X:1\nM:{meter}\nK:C\nC|\n")
    assert isinstance(score, Score)
    assert score.parts[0].notes[0].duration == ticks


@pytest.mark.parametrize(
    ("music", "expected", "played"),
    [
        ("C4 D4 :| E4 F4 |]", [(0, 8, 2, ())], "CDCDEF"),
        ("C4 D4 |: E4 F4 :| G8 |]", [(8, 16, 2, ())], "CDEFEFG"),
        ("|: C8 :: D8 :|", [(0, 8, 2, ()), (8, 16, 2, ())], "CCDD"),
        ("|: C8 |1 D8 :|2 E8 |]", [(0, 24, 2, ((8, 16, (1,)), (16, 24, (2,))))], "CDCE"),
        ("C8 [1 D8 :|[2 E8 :|F8 |]", [(0, 24, 2, ((8, 16, (1,)), (16, 24, (2,))))], "CDCEF"),
        ("C8 |1,3 D8 :|2 E8 |]", [(0, 24, 3, ((8, 16, (1, 3)), (16, 24, (2,))))], "CDCECD"),
        ("C8 [1-2 D8 :|[3 E8 || F8 |]", [(0, 24, 3, ((8, 16, (1, 2)), (16, 24, (3,))))], "CDCDCEF"),
        ('C8 ["1" D8 :|["2" E8 |: F8 :|', [(0, 24, 2, ((8, 16, (1,)), (16, 24, (2,)))), (24, 32, 2, ())], "CDCEFF"),
        ("C8 |1 D8 :| E8 |]", [(0, 16, 2, ((8, 16, (1,)),))], "CDCE"),
        ("C8 |1 D8 |2 E8 |]", [(0, 24, 2, ((8, 16, (1,)), (16, 24, (2,))))], "CDCE"),
        ("C8 :|2 D8 |]", [(0, 8, 2, ())], "CCD"),
        ("|:: C8 ::|", [(0, 8, 3, ())], "CCC"),
        ("|: C8 | |: D8 :|", [(8, 16, 2, ())], "CDD"),
        ("C8 | D8 [1 E8 |]", [], "CDE"),
    ],
)
def test_repeats(music: str, expected: list[Any], played: str) -> None:
    score = tune(music)
    unit = TPQ // 2
    assert score.repeats == tuple(
        Repeat(a * unit, b * unit, times, tuple(Ending(x * unit, y * unit, p) for x, y, p in endings))
        for a, b, times, endings in expected
    )
    assert "".join(theory.note_name(n.fifths or 0) for n in score.unfold().parts[0].notes) == played


# --- bars that do not add up


def warned(music: str) -> tuple[Score, list[str]]:
    score, *doubts = parse(f"X:1\nT:Odd\nM:4/4\nL:1/4\nK:C\n{music}")
    assert isinstance(score, Score)
    assert all(isinstance(doubt, SongWarning) for doubt in doubts)
    return score, [str(doubt) for doubt in doubts]


@pytest.mark.parametrize(
    ("music", "lengths", "warning"),
    [
        (
            "CDEF|GAB|cdef|GFE|CDEF|",
            [4, 3, 4, 3, 4],
            "line 6, column 6 (tune 1: Odd): a bar is 3/4 long in 4/4 (2 bars",
        ),
        (
            "CDEF|\nGABcd|edcB|",
            [4, 4, 1, 4],
            "line 7, column 1 (tune 1: Odd): a bar is 5/4 long in 4/4; kept as written",
        ),
        ("CDEF|GABcdefg|c4|", [4, 4, 4, 4], "line 6, column 6 (tune 1: Odd): a bar is 2 long in 4/4"),
        ("CDEF|GA||[M:2/4]cd|", [4, 2, 2], "a bar is 1/2 long in 4/4"),
        ("CDEF|GA|", [4, 4], "a bar is 1/2 long in 4/4"),
        ("C|DEFG|ABc|", [1, 4, 4], None),
        ("CDEF|GA||Bc|defg|", [4, 4, 4], None),
        ("C|DEFG|ABc:|d|cBAG|C3|", [1, 4, 4, 4, 4], None),
        ("|:C|DEFG|[1ABc:|[2BAG|]", [1, 4, 3, 4], None),
        ("C|DEFG|ABcd:|efgf|C3|", [1, 4, 4, 4, 4], None),
    ],
)
def test_bars_that_do_not_add_up(music: str, lengths: list[int], warning: str | None) -> None:
    score, doubts = warned(music)
    assert [(bar.end - bar.start) // TPQ for bar in score.bars()] == lengths
    assert len(doubts) == (warning is not None)
    assert warning is None or warning in doubts[0]


def test_voices_out_of_step_and_stray_signs_are_told() -> None:
    _, doubts = warned("V:1\nCDEF|GABc|\nV:2\nCDE|FGABc|\n")
    assert doubts == [
        "line 9, column 1 (tune 1: Odd): a bar line stands elsewhere than in the first voice; kept as written; "
        "look at its lengths"
    ]
    _, doubts = warned("CD 'EF|")
    assert doubts == ['line 6, column 4 (tune 1: Odd): "\'" belongs to no note and is passed over']


def test_music_after_an_empty_line_is_read_and_words_are_not() -> None:
    score, doubts = warned("CDEF|\n\nGABc|\n\nThese are words | not music, ABBA\nB A G A\n")
    assert pitches(score) == [60, 62, 64, 65, 67, 69, 71, 72]
    assert doubts == []


def test_a_file_without_x_is_one_tune() -> None:
    (score,) = parse("T:Lone\nM:4/4\nK:C\nCDEF GABc|\n")
    assert isinstance(score, Score)
    assert (score.title, score.note_count) == ("Lone", 8)


# --- bad and hostile input


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "song.abc"
    path.write_bytes(b"X:1\0K:C")
    with pytest.raises(FormatError, match=r"song\.abc: is not ABC text; ABC files are plain text"):
        list(formats.read(path))
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="the file is empty"):
        list(formats.read(path))
    with pytest.raises(StorageError, match="no such file"):
        list(formats.read(tmp_path / "gone.abc"))


@pytest.mark.parametrize(
    "sign", ["[", "(", "{", "|", "(3", "C(", "&", '"', "!", "+", "[K:", "^", "X:1\n", "Z999 ", ":", "`"]
)
def test_endless_signs_are_quick(sign: str) -> None:
    started = time.perf_counter()
    found = parse("X:1\nM:4/4\nK:C\n" + sign * (100_000 // len(sign)))
    assert time.perf_counter() - started < 10
    assert all(isinstance(song, Score | FormatError) for song in found)


def mutations(data: bytes, rng: random.Random) -> bytes:
    """A file with a few bytes changed, lost, doubled or moved."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(changed))
        match rng.randrange(4):
            case 0:
                changed[at] = rng.choice(b"[](){}|:\"!+-&<>^_=,'/0123456789 CDEFGABcdefgabzZxXyKLMQV\n%\\\xe9\xff")
            case 1:
                del changed[at : at + rng.randint(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 30)]
            case 3:
                changed[at:at] = rng.choice(
                    (b"|:", b":|", b"[1", b"(3", b"&", b"[M:3/4]", b"[K:Eb]", b"X:9\n", b"[V:2]")
                )
        if not changed:
            return data
    return bytes(changed)


def test_mutated_files_read_or_say_why() -> None:
    rng = random.Random(2)
    files = [path.read_bytes() for path in sorted((DATA / "valid").glob("*.abc"))]
    read_well = 0
    for _ in range(1500):
        try:
            for song in parse(decode(mutations(rng.choice(files), rng))):
                if isinstance(song, Score):
                    read_well += 1
                    assert all(bar.end > bar.start for bar in song.bars())
                    tune_text(song)
        except FormatError as error:
            assert str(error)
    assert read_well > 500


# --- writing


def test_a_written_tune_is_readable() -> None:
    eighth = TPQ // 2
    rows = [(1, 62), (1, 67), (1, 69), (2, 71), (2, 66), (2, 67), (5, 74), (1, 71), (2, 67), (4, 67), (1, 67)]
    notes, now = [], 0
    for length, pitch in rows:
        notes.append(Note(now, length * eighth, pitch))
        now += length * eighth
    score = Score(
        (Part(tuple(notes)),),
        (Meter(0, 3, 4), Meter(13 * eighth, 2, 4)),
        (Key(0, 1), Key(13 * eighth, -1)),
        (Tempo(0, 96.5),),
        (Chord(eighth, 6 * eighth, 7, 0), Chord(9 * eighth, 4 * eighth, 2, 4, 6)),
        pickup=eighth,
        repeats=(Repeat(eighth, 13 * eighth),),
        title="A test",
        composer="trad.",
        provenance='{"seed": 1}',
    )
    assert tune_text(score).splitlines() == [
        "X:1",
        "T:A test",
        "C:trad.",
        '%%tunesmith {"seed": 1}',
        "M:3/4",
        "L:1/8",
        "Q:1/4=96.5",
        "K:G",
        "D",
        '|: "G"GA B2 F2 | "N.C."G2 "D7/F#"d4- :|',
        '[M:2/4] [K:F]"N.C."d=B G2 | G4 | G z3 |]',
    ]


@pytest.mark.parametrize(
    ("spellings", "expected"),
    [
        ((6, 6, -1), "^FF =F"),
        ((-1, 6, -1), "F^F =F"),
        ((1, 8, 1), "G^G =G"),
        ((13, 6, -8), "^^F^F _F"),
    ],
)
def test_accidentals_stand_only_where_needed(spellings: tuple[int, ...], expected: str) -> None:
    notes = []
    for place, fifths in enumerate(spellings):
        pitch = next(p for p in range(60, 72) if p % 12 == theory.pitch_class(fifths))
        notes.append(Note(place * TPQ // 2, TPQ // 2, pitch, fifths=fifths))
    assert tune_text(Score((Part(tuple(notes)),), (Meter(),))).splitlines()[-1].startswith(expected)


def test_an_accidental_in_another_octave_is_written_out() -> None:
    notes = (Note(0, TPQ, 66, fifths=6), Note(TPQ, TPQ, 77, fifths=-1), Note(2 * TPQ, TPQ, 78, fifths=6))
    assert "^F2 =f2 ^f2" in tune_text(Score((Part(notes),), (Meter(),)))


def test_repeats_that_signs_cannot_say_are_written_out() -> None:
    notes = tuple(Note(i * 4 * TPQ, 4 * TPQ, 60 + i) for i in range(4))
    nested = (Repeat(0, 16 * TPQ), Repeat(4 * TPQ, 8 * TPQ))
    score = Score((Part(notes),), (Meter(),), repeats=nested)
    (found,) = parse(tune_text(score))
    assert isinstance(found, Score)
    assert found.repeats == ()
    assert pitches(found) == [n.pitch for n in score.unfold().parts[0].notes]


def test_overlap_in_one_voice_loses_no_note() -> None:
    notes = (
        Note(0, 4 * TPQ, 60),
        Note(0, TPQ, 64),
        Note(TPQ, TPQ, 65),
        Note(3 * TPQ, 3 * TPQ, 67),
        Note(0, TPQ, 40, voice=99),
    )
    (found,) = parse(tune_text(Score((Part(notes),), (Meter(),))))
    assert isinstance(found, Score)
    assert {(n.onset, n.duration, n.pitch) for n in found.notes()} == {(n.onset, n.duration, n.pitch) for n in notes}


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (Score(), "the score has no notes"),
        (Score((Part((Note(0, 0, 60),)),)), "a note without length"),
        (Score((Part((Note(0, TPQ, 60),)),), (Meter(0, 4, 3),)), "'4/3' is not a meter that ABC can hold"),
        (Score((Part(tuple(Note(0, TPQ + i, 20 + i) for i in range(80))),)), "more than 32 voices at once"),
    ],
)
def test_what_cannot_be_written(score: Score, expected: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=expected):
        formats.write(score, tmp_path / "song.abc")
    assert not (tmp_path / "song.abc").exists()


def test_texts_survive(tmp_path: Path) -> None:
    title = "100% & <more> \\'e &amp; |: \N{MUSICAL NOTE}"
    score = Score((Part((Note(0, TPQ, 60, fifths=0),), "Ob\u00f6e %1"),), title=title, composer=":C|")
    formats.write(score, tmp_path / "song.abc")
    assert list(formats.read(tmp_path / "song.abc")) == [score]


# --- the songs that come along


@pytest.mark.parametrize("path", sorted(SONGS.glob("*.abc")), ids=lambda p: p.stem)
def test_example_songs_are_whole(path: Path) -> None:
    (score,) = formats.read(path)  # one song, no doubts
    assert isinstance(score, Score)
    assert score.title and score.composer and score.tempos and score.keys
    assert len(score.meters) == 1
    assert not score.chords
    assert score.parts[0].notes[-1].pitch % 12 == score.keys[0].tonic
    assert score.unfold().end >= 12 * score.meters[0].bar
    table = (SONGS.parent / "README.md").read_text("utf-8")
    assert f"| [`{path.name}`](songs/{path.name}) | {score.title}" in table
    reads_back(score)


def test_there_are_eighteen_songs_and_nine_of_them_in_digits() -> None:
    songs = {path.stem for path in SONGS.glob("*.abc")}
    digits = sorted((SONGS.parent / "digits").glob("*.txt"))
    assert len(songs) == 18
    assert len(digits) == 9
    assert {path.stem for path in digits} < songs
    for path in digits:
        (score,) = formats.read(path)
        assert isinstance(score, Score)
        (original,) = formats.read(SONGS / f"{path.stem}.abc")
        assert isinstance(original, Score)
        assert score.title == original.title
        tune_notes = [n.pitch for n in original.unfold().parts[0].notes]
        moved = {played - n.pitch for played, n in zip(tune_notes, score.parts[0].notes, strict=False)}
        assert len(moved) == 1  # the same melody, in another octave perhaps


def test_fields_say_what_is_wrong() -> None:
    with pytest.raises(fields.Fault, match="is not a note length"):
        fields.parse_unit("1/3")
