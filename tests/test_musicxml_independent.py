"""MusicXML files against the schema, and against two independent libraries that read them: equal notes."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from musicxml_schema import faults
from strategies import scores
from test_formats import CASES

from tunesmith import formats, theory
from tunesmith.formats import WriteOptions, musicxml
from tunesmith.score import TPQ, Chord, Ending, Jump, Key, Meter, Note, Part, Repeat, Score, Tempo

Q = TPQ
Sounding = Counter[tuple[Fraction, Fraction, int]]  # onset and duration in quarters, pitch


def line(*pitches: int | None, length: int = Q, start: int = 0, voice: int = 1) -> tuple[Note, ...]:
    places = enumerate(pitches)
    return tuple(Note(start + n * length, length, p, voice=voice) for n, p in places if p is not None)


PIANO = Part(
    (
        *line(72, None, 76, 79, 77, 76, 74, 72, length=Q // 2),
        *line(67, 67, length=2 * Q),
        *line(48, 52, 55, length=Q // 3, voice=2),
        *line(43, 45, 47, start=Q, voice=2),
        Note(4 * Q, 5 * Q, 48, voice=2),
        Note(4 * Q, 5 * Q, 64, voice=2),
    ),
    "Piano",
)
VOICES = tuple(
    Part(line(*pitches, length=3 * Q // 2), name, 52)
    for name, pitches in {"Soprano": (72, 74, 71, 72), "Alto": (67, 65, 67, 67), "Bass": (48, 41, 43, 48)}.items()
)
ENTIRE = Score(
    (*VOICES, PIANO, Part(line(36, 42, 38, 42, length=Q // 2), "Kit", drums=True)),
    (Meter(0, 4, 4), Meter(5 * Q, 6, 8), Meter(8 * Q, 6, 8)),
    (Key(0, 3, "minor"), Key(5 * Q, -4), Key(6 * Q, -4, "dorian")),
    (Tempo(0, 93.7), Tempo(6 * Q, 60 / 0.7)),
    tuple(Chord(n * Q, Q * 3 // 4, n % 12, n, (n + 4) % 12) for n in range(len(theory.QUALITIES))),
    Q,
    (Repeat(Q, 17 * Q, 2, (Ending(11 * Q, 14 * Q, (1,)), Ending(14 * Q, 17 * Q, (2,)))),),
    (Jump(20 * Q, 5 * Q, 10 * Q, 23 * Q), Jump(26 * Q, 0, 18 * Q)),
    title='A "first" & <second>',
    composer="Dvořák",
    provenance='{"seed": 1}',
)
# Textures that both libraries know; drums and chord symbols mean other things to each of them.
READ_BACK = {
    "melody with pickup": Score((Part(line(67, 72, 74, 76, 77), program=73),), (Meter(0, 3, 4),), pickup=Q),
    "piano": Score((PIANO,), (Meter(),), (Key(0, -3),)),
    "choir": Score(VOICES, (Meter(0, 6, 8),), (Key(0, 7),)),
    "song": Score((VOICES[0], PIANO), (Meter(0, 5, 4),), (Key(0, -7, "minor"),), (Tempo(0, 71.5),)),
    "tuplets": Score(
        (
            Part(
                (
                    *line(60, 62, 64, 65, 67, length=Q // 5),
                    *line(60, 62, 64, length=2 * Q // 3, start=Q),
                    *line(71, 72, 74, 76, 77, 79, 81, length=Q // 7, start=3 * Q),
                    *line(60, 62, 64, 65, length=Q // 6, start=4 * Q),
                ),
                program=40,
            ),
        ),
        (Meter(),),
    ),
    "changes of meter": Score(
        (Part(line(*range(60, 76)), program=42),), (Meter(0, 4, 4), Meter(4 * Q, 3, 4), Meter(7 * Q, 2, 2))
    ),
}


# The schema ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", [pytest.param(score, id=name) for name, score, _ in CASES])
def test_every_case_of_the_formats_is_valid(score: Score) -> None:
    assert faults(musicxml.document(score).text) == []


def test_everything_at_once_is_valid() -> None:
    assert faults(musicxml.document(ENTIRE, True).text) == []


@given(scores())
@settings(deadline=None, max_examples=60)
def test_generated_scores_are_valid(score: Score) -> None:
    assert faults(musicxml.document(score, True).text) == []


@pytest.mark.parametrize("meter", [(3, 1), (4, 2), (13, 16), (5, 12), (1, 32)])
def test_odd_meters_are_valid(meter: tuple[int, int]) -> None:
    assert faults(musicxml.document(Score((PIANO,), (Meter(0, *meter),))).text) == []


def test_the_lowest_and_highest_notes_are_valid_in_every_key() -> None:
    for fifths in range(-7, 8):
        score = Score((Part((Note(0, Q, 12), Note(Q, Q, 127)), program=42),), keys=(Key(0, fifths, "minor"),))
        assert faults(musicxml.document(score).text) == []


def test_the_schema_finds_faults() -> None:
    text = musicxml.document(ENTIRE).text
    assert faults(text.replace("<voice>1</voice>", "<voice>1</voice><pitch/>", 1))


# Compressed files ----------------------------------------------------------------------------------------------


def test_a_compressed_file_holds_the_same_score(tmp_path: Path) -> None:
    for ending in ("musicxml", "xml", "mxl"):
        formats.write(ENTIRE, tmp_path / f"a.{ending}", WriteOptions(fermata=True))
    plain = (tmp_path / "a.musicxml").read_bytes()
    assert (tmp_path / "a.xml").read_bytes() == plain
    with zipfile.ZipFile(tmp_path / "a.mxl") as file:
        assert file.namelist() == ["mimetype", "META-INF/container.xml", "score.musicxml"]
        assert file.read("score.musicxml") == plain
        assert b'full-path="score.musicxml"' in file.read("META-INF/container.xml")
    packed = (tmp_path / "a.mxl").read_bytes()
    assert b"mimetypeapplication/vnd.recordare.musicxml" in packed[:100]
    formats.write(ENTIRE, tmp_path / "a.mxl", WriteOptions(fermata=True))
    assert (tmp_path / "a.mxl").read_bytes() == packed


# Independent libraries -----------------------------------------------------------------------------------------


def ours(score: Score) -> list[Sounding]:
    return [
        Counter((Fraction(n.onset, Q), Fraction(n.duration, Q), n.pitch) for n in part.notes) for part in score.parts
    ]


def by_music21(path: Path) -> list[Sounding]:
    from music21 import converter

    found: dict[str, Sounding] = {}
    for part in converter.parse(path, format="musicxml", forceSource=True).parts:
        notes = found.setdefault(str(part.id).split("-Staff")[0], Counter())
        for element in part.stripTies().flatten().notes:
            onset, length = Fraction(element.offset), Fraction(element.quarterLength)
            notes.update((onset, length, pitch.midi) for pitch in element.pitches)
    return list(found.values())


def by_partitura(path: Path) -> list[Sounding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import partitura

        loaded = partitura.load_musicxml(path)
    found = []
    for part in loaded.parts:
        divisions = int(part.quarter_duration_map(0))
        found.append(
            Counter(
                (Fraction(n.start.t, divisions), Fraction(n.duration_tied, divisions), n.midi_pitch)
                for n in part.notes_tied
            )
        )
    return found


@pytest.mark.parametrize("name", READ_BACK)
@pytest.mark.parametrize("library", [by_music21, by_partitura])
def test_independent_libraries_read_the_same_notes(name: str, library, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # one of the two above
    formats.write(READ_BACK[name], tmp_path / "song.musicxml")
    assert library(tmp_path / "song.musicxml") == ours(READ_BACK[name])
