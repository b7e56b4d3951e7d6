"""MusicXML in: what it means, what our own writer's files give back, and that nothing bad comes of bad files."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import must_be_refused
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores, voices
from test_formats import CARRIED

from tunesmith import formats, theory
from tunesmith.errors import FormatError, SongWarning, TunesmithError
from tunesmith.formats import musicxml
from tunesmith.formats.musicxml import read_xml
from tunesmith.formats.musicxml.read_directions import velocity_of
from tunesmith.formats.musicxml.reader import parse
from tunesmith.score import TPQ, Chord, Ending, Jump, Key, Meter, Note, Part, Repeat, Score, Tempo

DATA = Path(__file__).parent / "data" / "musicxml"
VALID = sorted((DATA / "valid").glob("*.musicxml"))
SECONDS = 5  # that a bad file may take
MEGABYTES = 500


def quarters(ticks: int | None) -> int | str | None:
    """Ticks as quarter notes, a fraction where they are not whole."""
    if ticks is None:
        return None
    share = Fraction(ticks, TPQ)
    return int(share) if share.denominator == 1 else str(share)


def described(score: Score) -> dict[str, Any]:
    """A score as the expected JSON has it: times in quarter notes, what is empty or usual left out."""

    def note(n: Note) -> list[Any]:
        name = n.pitch if n.fifths is None else f"{theory.note_name(n.fifths)}{theory.octave(n.pitch, n.fifths)}"
        loudness = [n.velocity] if n.velocity != 80 else []
        voice = [n.voice] if n.voice != 1 or loudness else []
        return [quarters(n.onset), quarters(n.duration), name, *voice, *loudness]

    def part(p: Part) -> dict[str, Any]:
        head = {"name": p.name, "program": p.program, "drums": p.drums}
        return {key: value for key, value in head.items() if value} | {"notes": [note(n) for n in p.notes]}

    found = {
        "title": score.title,
        "composer": score.composer,
        "pickup": quarters(score.pickup),
        "meters": [[quarters(m.onset), f"{m.beats}/{m.unit}"] for m in score.meters],
        "keys": [[quarters(k.onset), str(k)] for k in score.keys],
        "tempos": [[quarters(t.onset), t.bpm] for t in score.tempos],
        "chords": [[quarters(c.onset), quarters(c.duration), c.text] for c in score.chords],
        "repeats": [
            [
                *(quarters(r.start), quarters(r.end), r.times),
                *([quarters(e.start), quarters(e.end), *e.passes] for e in r.endings),
            ]
            for r in score.repeats
        ],
        "jumps": [[quarters(time) for time in (j.onset, j.target, j.stop, j.coda)] for j in score.jumps],
        "parts": [part(p) for p in score.parts],
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_valid_files_read_as_expected(path: Path, tmp_path: Path) -> None:
    score, *doubts = formats.read(path)
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    warning = expected.pop("warning", None)
    assert isinstance(score, Score)
    assert described(score) == expected
    assert [f"{doubt.where}: {doubt.what}" for doubt in doubts] == ([warning] if warning else [])
    assert all(isinstance(doubt, SongWarning) for doubt in doubts)


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_what_was_read_can_be_written_and_read_again(path: Path, tmp_path: Path) -> None:
    (score, *_) = formats.read(path)
    assert isinstance(score, Score)
    formats.write(score, tmp_path / "again.musicxml")
    (again, *_) = formats.read(tmp_path / "again.musicxml")
    assert isinstance(again, Score)
    assert again.parts == score.parts
    assert again.unfold().note_count == score.unfold().note_count


@pytest.mark.parametrize("path", sorted((DATA / "invalid").iterdir()), ids=lambda p: p.stem)
def test_broken_files_give_one_line_with_a_reason(path: Path) -> None:
    must_be_refused(path)


# --- files that are built here


def document(*measures: str, head: str = "", name: str = "Voice") -> bytes:
    """A score of one part with these measures' contents, 4 divisions a quarter."""
    first, *others = measures
    measures = (f"<attributes><divisions>4</divisions></attributes>{first}", *others)
    content = "".join(f'<measure number="{number}">{m}</measure>' for number, m in enumerate(measures, 1))
    listed = f'<part-list><score-part id="P1"><part-name>{name}</part-name></score-part></part-list>'
    return f'<score-partwise>{head}{listed}<part id="P1">{content}</part></score-partwise>'.encode()


def tone(pitch: str = "C4", duration: int = 4, more: str = "") -> str:
    octave = f"<octave>{pitch[1]}</octave>"
    return f"<note><pitch><step>{pitch[0]}</step>{octave}</pitch><duration>{duration}</duration>{more}</note>"


def one(data: bytes) -> Score:
    """The score of a file that raises no doubts."""
    (score,) = parse(data)
    assert isinstance(score, Score)
    return score


def warned(data: bytes) -> tuple[Score, str]:
    """The score of a doubtful file and what is said about it."""
    score, doubt = parse(data)
    assert isinstance(score, Score) and isinstance(doubt, SongWarning)
    return score, str(doubt)


GOOD = document(tone() + tone("D4"), tone("E4", 8))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{name}"?>' + document(tone(), name="Bläser").decode()
    assert one(text.encode(encoding)).parts[0].name == "Bläser"


def test_a_document_type_is_passed_over_and_never_loaded(tmp_path: Path) -> None:
    away = tmp_path / "away.dtd"
    away.write_text('<!ENTITY secret "loaded">')
    for place in ('SYSTEM "http://127.0.0.1:9/partwise.dtd"', f'SYSTEM "{away.as_uri()}"', 'PUBLIC "x" "y"'):
        score = one(f"<!DOCTYPE score-partwise {place}>".encode() + GOOD)
        assert score.note_count == 3
        with pytest.raises(FormatError, match=r"undefined entity|declares entities"):
            list(parse(f"<!DOCTYPE score-partwise {place}>".encode() + document(tone(), name="&secret;")))


@pytest.mark.parametrize("broken", [b"rubbish" + GOOD, GOOD.replace(b"<score-partwise>", b"<score-part<x/>wise>", 1)])
def test_a_damaged_head_does_not_lose_the_music(broken: bytes) -> None:
    score, doubt = warned(broken)
    assert score.note_count == 3
    assert "its head is damaged, read without title and composer" in doubt


def test_provenance_comes_back() -> None:
    text = '{"seed": 3, "text": "a\\nb & <c>"}'
    score = one(musicxml.document(Score((Part((Note(0, TPQ, 60),)),), provenance=text)).text.encode())
    assert score.provenance == text


@pytest.mark.parametrize("extra", ["[]", "{", '{"P1": 3}', '{"P1": {"x": 1, "2": "y", "3": -1}}', "[" * 100_000])
def test_voice_numbers_that_make_no_sense_are_passed_over(extra: str) -> None:
    field = f'<miscellaneous-field name="tunesmith-voices">{extra}</miscellaneous-field>'
    head = f"<identification><miscellaneous>{field}</miscellaneous></identification>"
    assert one(document(tone(more="<voice>2</voice>"), head=head)).parts[0].notes[0].voice == 2


@pytest.mark.parametrize(
    ("percent", "velocity"),
    [("54.44", 49), ("88.89", 80), ("100", 90), ("0", 1), ("500", 127), ("loud", None), ("", None), (None, None)],
)
def test_velocities(percent: str | None, velocity: int | None) -> None:
    assert velocity_of(percent) == velocity


@given(st.integers(1, 127))
def test_every_velocity_comes_back_from_its_percentage(velocity: int) -> None:
    assert velocity_of(f"{velocity * 100 / 90:.2f}") == velocity


@pytest.mark.parametrize(
    ("kind", "degrees", "expected"),
    [
        *((quality.kind, "", quality.suffix) for quality in theory.QUALITIES if quality.suffix != "7sus4"),
        ("suspended-fourth", "7 0 add", "7sus4"),
        ("major", "9 0 add", "sus2"),  # as "add9" is read everywhere else
        ("major", "6 0 add", "6"),
        ("major", "7 0 add", "7"),
        ("major", "5 1 alter", "aug"),
        ("minor", "6 0 add", "m6"),
        ("minor", "7 0 add", "m7"),
        ("minor-seventh", "5 -1 alter", "m7b5"),
        ("dominant", "9 -1 add", "9"),
        ("dominant", "5 1 alter", "aug7"),
        ("minor-11th", "", "m9"),
        ("dominant-13th", "", "9"),
        ("major-13th", "", "maj9"),
        ("German", "", "7"),
        ("dominant", "11 1 add,3 0 subtract", "7"),
        ("dominant", "x y add", "7"),
    ],
)
def test_kinds_of_chords(kind: str, degrees: str, expected: str) -> None:
    names = ("degree-value", "degree-alter", "degree-type")
    rows = [row.split() for row in degrees.split(",") if row]
    inside = "".join(
        "<degree>" + "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, row, strict=True)) + "</degree>" for row in rows
    )
    symbol = f"<harmony><root><root-step>C</root-step></root><kind>{kind}</kind>{inside}</harmony>"
    (score, *_) = parse(document(symbol + tone()))
    assert isinstance(score, Score)
    assert [chord.text for chord in score.chords] == ["C" + expected]


@pytest.mark.parametrize(
    ("words", "jumps"),
    [
        ("D.C.", [(8, 0)]),
        ("D. C. al Fine", [(8, 0)]),
        ("Da Capo senza repetizione", [(8, 0)]),
        ("dc", [(8, 0)]),
        ("Menuetto D.C.", [(8, 0)]),
        ("C.D. Friedrich", []),
        ("dolce", []),
        ("D.S." + " ad libitum" * 20, []),
    ],
)
def test_words_that_send_back(words: str, jumps: list[tuple[int, int]]) -> None:
    text = f"<direction><direction-type><words>{words}</words></direction-type></direction>"
    (score, *_) = parse(document(tone("C4", 16), tone("D4", 16) + text))
    assert isinstance(score, Score)
    assert [(j.onset // TPQ, j.target // TPQ) for j in score.jumps] == jumps


def test_a_segno_that_is_nowhere_is_told() -> None:
    score, doubt = warned(document(tone(), tone() + '<sound dalsegno="s"/>'))
    assert score.jumps == ()
    assert "first in part P1, measure 2: left out: 1 D.C., D.S. or Coda that leads nowhere" in doubt


def test_lengths_that_are_rounded_do_not_shift_what_follows() -> None:
    """Eleven in the time of eight at 4 divisions a quarter: 0.36 of one each, written as 0 or 1."""
    ratio = "<time-modification><actual-notes>11</actual-notes><normal-notes>8</normal-notes></time-modification>"
    written = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    eleven = "".join(tone("D4", n, f"<type>16th</type>{ratio}") for n in written)
    score = one(document(eleven + tone("E4", 8), tone("F4", 16)))
    notes = score.parts[0].notes
    assert [n.onset for n in notes[:12]] == [round(Fraction(2 * TPQ * k, 11)) for k in range(12)]
    assert notes[12].onset == 4 * TPQ
    assert all(a.end == b.onset for a, b in pairwise(notes))


def test_a_printed_accidental_counts_where_the_pitch_forgets_it() -> None:
    score, doubt = warned(document(tone("C5", 4, "<accidental>sharp</accidental>") + tone("C5")))
    assert [n.pitch for n in score.parts[0].notes] == [73, 72]
    assert "mended: 1 printed accidental taken to sound" in doubt


def voice(number: int, *ties: str) -> str:
    return "".join(f'<tie type="{tie}"/>' for tie in ties) + f"<voice>{number}</voice>"


BACK = "<backup><duration>16</duration></backup>"
REST = "<note><rest/><duration>{}</duration><voice>{}</voice></note>"


def test_ties_lead_to_voices_that_stand_earlier_in_the_file() -> None:
    upper = REST.format(8, 1) + tone("C4", 8, voice(1, "stop", "start"))
    lower = REST.format(4, 2) + tone("C4", 4, voice(2, "start")) + REST.format(8, 2)
    score = one(document(upper + BACK + lower, tone("C4", 8, voice(2, "stop"))))
    assert [(n.onset, n.duration, n.voice) for n in score.parts[0].notes] == [(TPQ, 5 * TPQ, 2)]


def test_ties_over_a_gap_hold_a_broken_chord() -> None:
    broken = tone("C4", 1, voice(1, "start")) + tone("E4", 1, voice(1, "start")) + tone("G4", 2, voice(1))
    held = tone("C4", 12, voice(1, "stop")) + tone("E4", 12, voice(1, "stop")).replace("<note>", "<note><chord/>")
    score = one(document(broken + held))
    quarters_held = [(n.onset * 4 // TPQ, n.end * 4 // TPQ, n.pitch) for n in score.parts[0].notes]
    assert quarters_held == [(0, 16, 60), (1, 16, 64), (2, 4, 67)]
    assert score.note_count == 3


def test_a_tie_that_comes_from_far_away_is_none() -> None:
    score = one(
        document(tone("C4", 16, voice(1, "start")), tone("D4", 16), tone("D4", 16), tone("C4", 16, voice(1, "stop")))
    )
    assert [n.pitch for n in score.parts[0].notes] == [60, 62, 62, 60]


def test_changes_of_instrument_are_counted() -> None:
    change = '<sound><midi-instrument id="I"><midi-program>74</midi-program></midi-instrument></sound>'
    score, doubt = warned(document(tone() + change + tone()))
    assert (score.parts[0].program, score.note_count) == (0, 2)
    assert "left out: 1 change of instrument inside a part" in doubt


def test_no_offset_leads_out_of_the_piece() -> None:
    far = "<offset>999999999</offset>"
    chord = f"<harmony><root><root-step>C</root-step></root><kind>major</kind>{far}</harmony>"
    near = chord.replace(far, "")
    score = one(document(f'{near}<sound tempo="90">{far}</sound>{chord}{tone("C4", 16)}'))
    assert [(c.onset, c.end) for c in score.chords] == [(0, 4 * TPQ)]
    assert score.tempos == (Tempo(4 * TPQ, 90.0),)


# --- what our own writer writes


def reads_back(score: Score) -> None:
    text = musicxml.document(score).text
    found = [song for song in parse(text.encode()) if isinstance(song, Score)]  # odd bars are told besides
    assert found == [CARRIED[".musicxml"](score)], text


@given(scores())
@settings(max_examples=60, deadline=None)
def test_generated_scores_read_back(score: Score) -> None:
    if score.note_count:
        reads_back(score)


@st.composite
def songs(draw: st.DrawFn) -> Score:
    """A melody with velocities, odd spellings, tempo changes, repeats with endings and jumps, some inside bars."""
    plain = draw(voices(size=30)) or [Note(0, TPQ, 60)]
    fifths = draw(st.integers(-6, 6))
    notes = [
        Note(n.onset, n.duration, n.pitch, draw(st.integers(1, 127)), 1, theory.spell(n.pitch, fifths)) for n in plain
    ]
    end = max(n.end for n in notes)
    points = sorted(draw(st.sets(st.integers(0, max(1, end // (TPQ // 2))), max_size=8)))
    repeats, at = [], 0
    while at + 1 < len(points):
        size = draw(st.integers(2, 4))
        times = [p * TPQ // 2 for p in points[at : at + size]]
        if len(times) < size:
            break
        endings = tuple(Ending(a, b, (number,)) for number, (a, b) in enumerate(pairwise(times[1:]), 1))
        count = draw(st.integers(2, 4)) if not endings else max(2, len(endings))
        repeats.append(Repeat(times[0], times[-1], count, endings))
        at += size - draw(st.integers(0, 1))
    meter = draw(st.sampled_from(((4, 4), (3, 4), (6, 8), (5, 8))))
    return Score(
        (Part(tuple(notes), program=draw(st.integers(0, 127))),),
        (Meter(0, *meter),),
        (Key(0, fifths),),
        tuple(Tempo(i * TPQ, b) for i, b in enumerate(draw(st.lists(st.floats(1, 999), max_size=3))) if i * TPQ < end),
        repeats=tuple(r for r in repeats if len(r.endings) != 1),
        title=draw(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)),
    )


@given(songs())
@settings(max_examples=80, deadline=None)
def test_generated_songs_read_back(score: Score) -> None:
    reads_back(score)


@pytest.mark.parametrize(
    "jumps",
    [
        (Jump(8 * TPQ, 0, 4 * TPQ),),
        (Jump(8 * TPQ, 4 * TPQ),),
        (Jump(12 * TPQ, 4 * TPQ, 8 * TPQ, 12 * TPQ),),
        (Jump(6 * TPQ, 2 * TPQ, 5 * TPQ, 8 * TPQ),),
        (Jump(4 * TPQ, 0), Jump(12 * TPQ, 4 * TPQ, 8 * TPQ, 12 * TPQ)),
    ],
)
def test_jumps_read_back(jumps: tuple[Jump, ...]) -> None:
    notes = tuple(Note(n * TPQ, TPQ, 60 + n, fifths=theory.spell(60 + n)) for n in range(16))
    reads_back(Score((Part(notes),), (Meter(),), (Key(),), jumps=jumps))


def test_chords_read_back_that_leave_gaps() -> None:
    chords = tuple(Chord(n * TPQ, TPQ * 3 // 4, n % 12, n, (n + 5) % 12, theory.spell(n % 12)) for n in range(20))
    reads_back(Score((Part((Note(0, 20 * TPQ, 60, fifths=0),)),), (Meter(),), chords=chords))


# --- archives


def archive(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return data.getvalue()


def container(*names: str) -> tuple[str, bytes]:
    """The member that names the score."""
    files = "".join(f'<rootfile full-path="{name}"/>' for name in names)
    return "META-INF/container.xml", f"<container><rootfiles>{files}</rootfiles></container>".encode()


@pytest.mark.parametrize("ending", [".mxl", ".musicxml", ".xml"])
def test_archives_whatever_they_are_called(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"song{ending}"
    path.write_bytes(archive(container("scores/a.musicxml", "a.pdf"), ("a.pdf", b"%PDF"), ("scores/a.musicxml", GOOD)))
    (score,) = formats.read(path)
    assert isinstance(score, Score)
    assert score.note_count == 3
    path.write_bytes(GOOD)
    assert list(formats.read(path)) == [score]


def test_an_archive_without_a_container_or_with_names_that_lead_out_of_it() -> None:
    assert one(archive(("../x.xml", b"<x/>"), ("song.xml", GOOD))).note_count == 3


BOMB = b" " * (70 * 2**20)
ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no score": (lambda: archive(("readme.txt", b"hello")), "no score inside the archive"),
    "score missing": (lambda: archive(container("a.xml")), "no score inside: 'a.xml' is missing from the archive"),
    "nothing named": (lambda: archive(container(), ("a.xml", GOOD)), "no score inside: the container names none"),
    "container damaged": (
        lambda: archive((container()[0], b"<con"), ("a.xml", GOOD)),
        "container.xml: not well-formed",
    ),
    "entities in the container": (
        lambda: archive((container()[0], b'<!DOCTYPE c [<!ENTITY a "b">]><c>&a;</c>'), ("a.xml", GOOD)),
        "container.xml: not well-formed: EntitiesForbidden",
    ),
    "leads out": (lambda: archive(container("../a.xml"), ("../a.xml", GOOD)), "names a file outside the archive"),
    "leads to the root": (lambda: archive(container("/etc/passwd"), ("a.xml", GOOD)), "outside the archive"),
    "leads to a drive": (lambda: archive(container("C:\\a.xml"), ("a.xml", GOOD)), "outside the archive"),
    "leads out and back": (lambda: archive(container("a\\..\\..\\b.xml"), ("a.xml", GOOD)), "outside the archive"),
    "bomb": (lambda: archive(container("a.xml"), ("a.xml", BOMB)), "a.xml: unpacks to more than 64 MiB"),
    "bomb of a container": (lambda: archive((container()[0], BOMB)), "container.xml: unpacks to more than"),
    "bomb that lies": (lambda: lying(archive(container("a.xml"), ("a.xml", BOMB))), "damaged archive"),
    "too many": (lambda: archive(*((f"{n}.txt", b"") for n in range(1001))), "more than 1,000 files"),
    "bzip2": (lambda: archive(container("a.xml"), ("a.xml", GOOD), kind=zipfile.ZIP_BZIP2), "MusicXML does not know"),
    "not a score": (lambda: archive(container("a.xml"), ("a.xml", b"\x00" * 99)), "not well-formed XML"),
    "an archive in it": (lambda: archive(container("a.xml"), ("a.xml", archive(("a.xml", GOOD)))), "not well-formed"),
    "cut off": (lambda: archive(container("a.xml"), ("a.xml", GOOD))[:-30], "a damaged archive"),
    "empty": (archive, "is an empty archive, not MusicXML"),
    "encrypted": (lambda: encrypted(archive(("a.xml", GOOD))), "the archive is encrypted"),
}


def lying(data: bytes) -> bytes:
    """The archive saying that what it unpacks to is small."""
    return data.replace(len(BOMB).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def encrypted(data: bytes) -> bytes:
    """The archive saying that its only member is encrypted."""
    entry = data.index(b"PK\x01\x02") + 8
    return data[:entry] + b"\x01" + data[entry + 1 :]


@pytest.mark.parametrize("name", ARCHIVES)
def test_bad_archives(name: str) -> None:
    make, expected = ARCHIVES[name]
    started = time.process_time()
    data = make()
    made = time.process_time()
    with pytest.raises(FormatError) as caught:
        list(parse(data))
    assert time.process_time() - made < SECONDS, made - started
    assert expected in str(caught.value)


# --- files that want too much


def nested(count: int) -> bytes:
    return b"<score-partwise>" + b"<a>" * count + b"</a>" * count + b"</score-partwise>"


EVIL: dict[str, tuple[Callable[[], bytes], str]] = {
    "a PDF": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 9, "is a PDF, not MusicXML"),
    "a MIDI file": (lambda: b"MThd\x00\x00\x00\x06", "is a MIDI file, not MusicXML"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n", "is a picture, not MusicXML"),
    "nothing but zeros": (lambda: bytes(1000), "not well-formed XML"),
    "a million nested": (lambda: nested(10**6), "elements nested more than 100 deep"),
    "a million nested, never closed": (lambda: nested(10**6)[: 3 * 10**6], "elements nested more than 100 deep"),
    "nested a little too deep": (lambda: document(tone(more=("<a>" * 120 + "</a>" * 120) * 5_000)), "100 deep"),
    "a million nested in a note": (
        lambda: document(tone(more="<a>" * 10**6 + "</a>" * 10**6)),
        "elements nested more than 100 deep",
    ),
    "a tag of 60 MiB": (lambda: b"<score-partwise " + b"a" * (60 * 2**20), "is not MusicXML: there is nothing in it"),
    "a comment of 60 MiB": (lambda: GOOD[:-17] + b"<!--" + b"a" * (60 * 2**20), "4 MiB without a measure"),
    "millions of attributes": (
        lambda: document('<a b="" c="" d="" e="" f="" g=""/>' * 10**6),
        "4 MiB without a measure",
    ),
    "millions of measures": (lambda: document(*[""] * 30_000), "measure 20001: more than 20,000 measures in a part"),
    "millions of parts": (
        lambda: b"<score-partwise>" + b'<part id="a"/>' * 10**6 + b"</score-partwise>",
        "more than 500 parts",
    ),
    "thousands of signs": (
        lambda: document(*['<sound tempo="90"/>' * 60_000] * 2),
        "more than 100,000 signs in a part",
    ),
    "millions of elements": (
        lambda: document(*["<print/>" * 100_000] * 30),
        "more than 2,000,000 elements, too many for a song",
    ),
    "thousands of faults": (lambda: document("<note/>" * 100_000), "too much in it is wrong: 10,001 notes or rests"),
    "half a day": (lambda: document(*[tone("C4", 4000)] * 200), "measure 101: lasts for more than half a day"),
    "numbers without end": (
        lambda: document(tone("C4", 4).replace(">4<", ">" + "9" * 10**6 + "<")),
        "no notes",
    ),
    "exponents": (lambda: document(tone("C4", 4).replace(">4<", ">1e999999999<")), "no notes"),
    "an encoding nobody knows": (
        lambda: b'<?xml version="1.0" encoding="klingon"?>' + GOOD,
        "its text cannot be read: unknown encoding",
    ),
    "wrong encoding": (lambda: document(tone(), name="x").replace(b">x<", b">\xff\xfe<"), "invalid token"),
}


@pytest.mark.parametrize("name", EVIL)
def test_files_that_want_too_much(name: str) -> None:
    make, expected = EVIL[name]
    data = make()
    started = time.process_time()
    with pytest.raises(FormatError) as caught:
        list(parse(data))
    assert time.process_time() - started < SECONDS
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
@pytest.mark.parametrize("name", ["a million nested in a note", "millions of attributes", "millions of elements"])
def test_the_memory_that_bad_files_take(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.musicxml"
    path.write_bytes(EVIL[name][0]())
    code = "import sys\nfrom pathlib import Path\nfrom tunesmith import formats\n"
    code += "try:\n    list(formats.read(Path(sys.argv[1])))\nexcept formats.FormatError as error:\n    print(error)\n"
    code += "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"  # the most, in KiB
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    error, kibibytes = ran.stdout.splitlines()
    assert EVIL[name][1] in error
    assert int(kibibytes) < MEGABYTES * 1024


def test_memory_stays_bounded_in_long_files() -> None:
    """A piece is forgotten measure by measure, however long it is."""
    held = [len(holder) for holder, element in read_xml.pieces(document(*[tone() * 16] * 2_000))]
    assert len(held) == 2_002  # the head, the measures, the part
    assert max(held) < 100  # what one chunk of the file holds


def test_garbage_collection_goes_on_after_a_bad_file() -> None:
    import gc

    with pytest.raises(FormatError):
        list(parse(GOOD[:-5]))
    assert gc.isenabled()


def test_pathological_bar_lines_take_no_time() -> None:
    line = '<barline location="right"><bar-style>light-light</bar-style></barline>'
    meter = (
        "<attributes><divisions>10080</divisions><time><beats>1000</beats><beat-type>1</beat-type></time></attributes>"
    )
    data = document(meter + tone("C4", 1) + line, *[tone("C4", 1) + line] * 15_000)
    started = time.process_time()
    list(parse(data))
    assert time.process_time() - started < SECONDS


def test_tens_of_thousands_of_chord_symbols_take_no_time() -> None:
    beats = [
        f"<harmony><root><root-step>{step}</root-step></root><kind>major</kind></harmony>{tone(duration=1)}"
        for step in "CDEFGAB"
    ]
    data = document(*["".join(beats) * 2] * 5_400)
    started = time.process_time()
    score = one(data)
    assert time.process_time() - started < SECONDS
    assert len(score.chords) == 7 * 2 * 5_400


# --- mutations


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A file with bits flipped, bytes cut out, repeated, moved or taken from another, numbers changed."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at, size = chance.randrange(len(result) + 1), chance.choice((1, 4, 30, 300))
        match chance.randrange(7):
            case 0 if at < len(result):
                result[at] ^= 1 << chance.randrange(8)
            case 1:
                del result[at : at + size]
            case 2:
                result[at:at] = result[at : at + size]
            case 3:
                place = chance.randrange(len(other))
                result[at:at] = other[place : place + size]
            case 4:
                digits = [i for i, byte in enumerate(result) if 48 <= byte <= 57]
                if digits:
                    place = chance.choice(digits)
                    result[place : place + 1] = chance.choice((b"0", b"-1", b"99999", b"1.5", b"", b"x"))
            case 5:
                tags = [i for i, byte in enumerate(result) if byte == 60]
                if len(tags) > 1:  # an element's line is dropped or doubled: what stays is often well-formed
                    lines = bytes(result).split(b"\n")
                    place = chance.randrange(len(lines))
                    lines[place : place + 1] = [lines[place]] * chance.choice((0, 2))
                    result = bytearray(b"\n".join(lines))
            case _:
                result = result[: max(1, at)]
    return bytes(result)


def survives(data: bytes) -> bool:
    """Whether a file can be read; fails where anything but a `TunesmithError` comes of it, or it takes long."""
    started = time.process_time()
    try:
        found = list(parse(data))
        assert isinstance(found[0], Score)
        for note in found[0].notes():
            assert note.duration > 0 and note.onset >= 0 and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
        list(found[0].bars())
    except TunesmithError as error:
        assert "\n" not in str(error)
        return False
    finally:
        assert time.process_time() - started < SECONDS
    return True


def test_mutated_files_end_in_a_score_or_in_one_line() -> None:
    chance = random.Random(20)
    files = [path.read_bytes() for path in VALID]
    read = sum(survives(mutated(chance.choice(files), chance.choice(files), chance)) for _ in range(500))
    assert 50 < read < 450  # both ways are tried


def test_mutated_archives_end_in_a_score_or_in_one_line() -> None:
    chance = random.Random(21)
    files = [archive(container("a.xml"), ("a.xml", path.read_bytes())) for path in VALID]
    read = sum(survives(mutated(chance.choice(files), chance.choice(files), chance)) for _ in range(200))
    assert read < 200
