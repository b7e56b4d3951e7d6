"""One case list for every format that reads and writes: what is written reads back as what the format carries."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith import formats, theory
from tunesmith.errors import FormatError, StorageError, UnknownFormat
from tunesmith.formats import FORMATS, midi
from tunesmith.formats.abc.layout import sayable
from tunesmith.score import DEFAULT_VELOCITY, TPQ, Chord, Ending, Jump, Key, Meter, Note, Part, Repeat, Score, Tempo


def row(*pitches: int | None, length: int = TPQ, start: int = 0, velocity: int = 80, voice: int = 1) -> list[Note]:
    """Notes of one length in a row; None is a rest."""
    places = enumerate(pitches)
    return [Note(start + i * length, length, p, velocity, voice) for i, p in places if p is not None]


def one(*notes: Note) -> tuple[Part, ...]:
    return (Part(notes),)


def tune(*notes: Note, meter: tuple[int, int] = (4, 4), fifths: int = 0, mode: str = "major") -> Score:
    """A melody with a meter, a key and a tempo."""
    return Score(one(*notes), (Meter(0, *meter),), (Key(0, fifths, mode),), (Tempo(0, 120.0),))


DIGITS = Score(one(*row(48, 50, None, 60, 60, 71)), tempos=(Tempo(0, 150.0),))
CHORALE = tuple(
    Part(tuple(row(*pitches, length=2 * TPQ)), name)
    for name, pitches in {
        "Sopran": (67, 69, 71),
        "Alt": (62, 62, 62),
        "Tenor": (59, 57, 55),
        "Bass": (43, 50, 43),
    }.items()
)
XML = (".musicxml", ".xml", ".mxl")
PLAIN, ALL = (".mid", ".abc", *XML), (".mid", ".abc", ".txt", *XML)

# name, score, the endings that carry it
CASES: tuple[tuple[str, Score, tuple[str, ...]], ...] = (
    ("digits", DIGITS, ALL),
    ("digits with a title", DIGITS.replace(title="Erste Schritte, für Anna"), ALL),
    ("rest at the beginning", DIGITS.replace(parts=one(*row(None, None, 60))), ALL),
    ("melody", tune(*row(67, 69, 71, 72, None, 74, length=TPQ // 2)), PLAIN),
    ("long and short notes", tune(Note(0, 4 * TPQ, 60), Note(4 * TPQ, TPQ // 8, 62), Note(5 * TPQ, TPQ, 64)), PLAIN),
    ("tie over the bar line", tune(Note(0, 3 * TPQ, 60), Note(3 * TPQ, 2 * TPQ, 62)), PLAIN),
    ("minor key in flats", tune(*row(60, 63, 67), fifths=-3, mode="minor"), PLAIN),
    ("dorian", tune(*row(62, 65, 69), mode="dorian"), PLAIN),
    ("seven sharps", tune(*row(61, 63, 65), fifths=7), PLAIN),
    ("compound meter", tune(*row(60, 62, 64, 65, 67, 69, length=TPQ // 2), meter=(6, 8)), PLAIN),
    (
        "a jump inside a last ending",
        tune(*row(*range(60, 76))).replace(
            repeats=(Repeat(0, 16 * TPQ, 2, (Ending(4 * TPQ, 8 * TPQ, (1,)), Ending(8 * TPQ, 16 * TPQ, (2,)))),),
            jumps=(Jump(12 * TPQ, 0, 4 * TPQ, 12 * TPQ),),
        ),
        XML,
    ),
    (
        "short first bar before another meter",
        tune(*row(*range(60, 68))).replace(meters=(Meter(0, 4, 4), Meter(2 * TPQ, 3, 4))),
        XML,
    ),
    ("pickup of a quarter", tune(*row(67, 72, 74, 76, 77)).replace(pickup=TPQ), PLAIN),
    (
        "a pickup of one meter before a bar of another",
        tune(*row(64, 62, 72, 74, 76, 77)).replace(
            pickup=TPQ, meters=(Meter(0, 4, 4), Meter(TPQ, 3, 4), Meter(4 * TPQ, 4, 4))
        ),
        (".mid", *XML),
    ),
    (
        "a meter changes in the rests before a repeat sign",
        tune(*row(60, 62, 64, 65)).replace(
            meters=(Meter(0, 4, 4), Meter(4 * TPQ, 3, 4)), repeats=(Repeat(0, 7 * TPQ),)
        ),
        XML,
    ),
    (
        "a whole bar of 3/4 before 4/4, no pickup",
        tune(*row(None, 64, 62, 72, 74, 76, 77)).replace(meters=(Meter(0, 3, 4), Meter(3 * TPQ, 4, 4))),
        (".mid", *XML),
    ),
    (
        "pickup of a quaver in 6/8",
        tune(*row(67, *[72] * 6, length=TPQ // 2), meter=(6, 8)).replace(pickup=TPQ // 2),
        PLAIN,
    ),
    (
        "changes of meter and key",
        tune(*row(*[60, 62, 64, 65] * 3)).replace(
            meters=(Meter(0, 4, 4), Meter(4 * TPQ, 3, 4), Meter(7 * TPQ, 5, 8)),
            keys=(Key(0, 0, "major"), Key(4 * TPQ, -3, "minor"), Key(7 * TPQ, 2, "major")),
        ),
        PLAIN,
    ),
    (
        "changes of tempo",
        tune(*row(*range(60, 68))).replace(tempos=(Tempo(0, 92.0), Tempo(4 * TPQ, 66.5))),
        PLAIN,
    ),
    ("triplets", tune(*row(60, 62, 64, length=TPQ // 3), *row(65, 67, 69, length=TPQ // 6, start=TPQ)), PLAIN),
    ("quintuplets", tune(*row(60, 62, 64, 65, 67, length=TPQ // 5), Note(TPQ, TPQ, 60)), PLAIN),
    ("septuplets", tune(*row(*range(60, 67), length=TPQ // 7), Note(TPQ, TPQ, 60)), PLAIN),
    ("chords", tune(*row(60, 62), *row(64, 65), *row(67, 69), Note(2 * TPQ, 2 * TPQ, 72)), PLAIN),
    ("four parts", tune().replace(parts=CHORALE), PLAIN),
    (
        "instruments",
        tune().replace(
            parts=(
                Part(tuple(row(72, 74, 76, 77)), "Flute", program=73),
                Part((Note(0, 4 * TPQ, 48),), "Cello", program=42),
            )
        ),
        PLAIN,
    ),
    ("drums", tune().replace(parts=(*CHORALE[:1], Part(tuple(row(36, 38, 36, 38)), "Kit", drums=True))), PLAIN),
    ("dynamics", tune(*row(60, 62, velocity=1), *row(64, 65, start=2 * TPQ, velocity=127)), (".mid", *XML)),
    ("two voices of a part", tune(*row(72, 74, 76, 77), Note(0, 4 * TPQ, 48, voice=2)), PLAIN),
    ("repeat", tune(*row(60, 62, 64, 65)).replace(repeats=(Repeat(0, 4 * TPQ),)), PLAIN),
    (
        "repeat with endings",
        tune(*row(*range(60, 72))).replace(
            repeats=(Repeat(0, 12 * TPQ, 2, (Ending(4 * TPQ, 8 * TPQ, (1,)), Ending(8 * TPQ, 12 * TPQ, (2,)))),)
        ),
        PLAIN,
    ),
    (
        "da capo, segno, Fine and coda",
        tune(*row(*range(60, 76))).replace(
            jumps=(Jump(6 * TPQ, 0, 4 * TPQ, 6 * TPQ), Jump(14 * TPQ, 6 * TPQ, 9 * TPQ)),
        ),
        XML,
    ),
    (
        "a third time",
        tune(*row(*range(60, 72))).replace(
            repeats=(
                Repeat(0, 8 * TPQ, 3, (Ending(4 * TPQ, 6 * TPQ, (1, 2)), Ending(6 * TPQ, 8 * TPQ, (3,)))),
                Repeat(8 * TPQ, 12 * TPQ, 4),
            )
        ),
        (".mid", *XML),
    ),
    (
        "a chord that ends before the next",
        tune(*row(*range(60, 72))).replace(chords=(Chord(0, TPQ, 0, 3), Chord(4 * TPQ, 3 * TPQ, 1, 16, 8, -5))),
        (".mid", *XML),
    ),
    (
        "voices that overlap, on two staves",
        tune(*row(48, 72, 50, 74), Note(0, 4 * TPQ, 40), Note(TPQ, 5 * TPQ, 76), Note(0, 8 * TPQ, 60, voice=5)),
        (".mid", *XML),
    ),
    (
        "lead sheet",
        tune(*row(62, 65, 69, 72)).replace(
            chords=(Chord(0, 2 * TPQ, 2, 6, 5, 2), Chord(2 * TPQ, 2 * TPQ, 7, 4, None, 1))
        ),
        PLAIN,
    ),
    ("texts", tune(*row(60, 62)).replace(title="Ländler", composer="F. Größer", provenance='{"seed": 7}'), PLAIN),
    ("a song", Score(one(Note(0, TPQ, 60))), PLAIN),
)


def digits_carry(score: Score) -> Score:
    """The notes and the title, for a melody of quarter notes."""
    return Score(score.parts, tempos=(Tempo(0, 150.0),), title=score.title)


def abc_carries(score: Score) -> Score:
    """All but loudness; what has no spelling gets the one that its key implies; jumps, and what repeat signs cannot
    say, are written out."""
    if score.jumps or not sayable(score.repeats):
        score = score.unfold()

    def spelled(note: Note) -> Note:
        key = score.key_at(note.onset)
        fifths = theory.spell(note.pitch, key.fifths, key.mode)
        fifths = note.fifths if note.fifths is not None else fifths
        return dataclasses.replace(note, fifths=fifths, velocity=DEFAULT_VELOCITY)

    parts = (dataclasses.replace(p, notes=tuple(map(spelled, p.notes))) for p in score.parts)
    return score.replace(parts=tuple(parts))


def musicxml_carries(score: Score) -> Score:
    """All up to the last bar line, or the last repeat sign. What has no spelling gets one; a bass that is the root, a
    meter said again at a bar line and a pickup that nothing follows add nothing."""
    end = max((bar.end for bar in score.bars(max((r.end for r in score.repeats), default=0))), default=0)

    def spelling(onset: int, pitch: int, own: int | None) -> int:
        key = score.key_at(onset)
        return theory.spell(pitch, key.fifths, key.mode) if own is None else own

    def note(n: Note, drums: bool) -> Note:
        return dataclasses.replace(n, fifths=None if drums else spelling(n.onset, n.pitch, n.fifths))

    meters: list[Meter] = []
    for meter in score.meters:
        before = meters[-1] if meters else Meter(0, 0)
        again = (before.beats, before.unit) == (meter.beats, meter.unit)
        if meter.onset < end and not (again and (meter.onset - (before.onset or score.pickup)) % meter.bar == 0):
            meters.append(meter)
    parts = (dataclasses.replace(p, notes=tuple(note(n, p.drums) for n in p.notes)) for p in score.parts)
    chords = (
        dataclasses.replace(c, fifths=spelling(c.onset, c.root, c.fifths), bass=None if c.bass == c.root else c.bass)
        for c in score.chords
    )
    return score.replace(
        parts=tuple(parts),
        chords=tuple(chords),
        meters=tuple(meters),
        keys=tuple(key for key in score.keys if key.onset < end),
        tempos=tuple(tempo for tempo in score.tempos if tempo.onset < end),
        pickup=score.pickup if any(bar.number == 0 for bar in score.bars()) else 0,
    )


# ending -> what a format makes of a score it carries
CARRIED: dict[str, Callable[[Score], Score]] = {
    ".mid": midi.carried,
    ".abc": abc_carries,
    ".txt": digits_carry,
    **dict.fromkeys(XML, musicxml_carries),
}


@pytest.mark.parametrize(
    ("score", "ending"),
    [pytest.param(score, e, id=f"{name}-{e}") for name, score, ends in CASES for e in ends if e in CARRIED],
)
def test_what_is_written_reads_back(score: Score, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"song{ending}"
    formats.write(score, path)
    assert list(formats.read(path)) == [CARRIED[ending](score)]
    first = path.read_bytes()
    formats.write(score, path)
    assert path.read_bytes() == first  # the same bytes every time, in place of the old
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_changes_inside_a_bar_that_is_not_whole_does_not_end_it(tmp_path: Path) -> None:
    score = tune(*row(60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77)).replace(
        meters=(Meter(0, 4, 4), Meter(7 * TPQ, 4, 4)), keys=(Key(0), Key(6 * TPQ, 2))
    )
    formats.write(score, tmp_path / "song.musicxml")
    found, remark = formats.read(tmp_path / "song.musicxml")
    assert found == CARRIED[".musicxml"](score)
    assert "a bar is 3/4 long in 4/4" in str(remark)


def test_every_format_that_reads_and_writes_is_in_the_case_list() -> None:
    here = {e for entry in FORMATS if entry.reads and entry.writes for e in entry.endings}
    assert set(CARRIED) | {".midi"} == here


def test_every_ending_belongs_to_one_format() -> None:
    endings = [ending for entry in FORMATS for ending in entry.endings]
    assert len(endings) == len(set(endings))
    assert all(entry.reads or entry.writes for entry in FORMATS)


@pytest.mark.parametrize("name", ["SONG.MID", "a song.midi", "-song.mid", "\N{MUSICAL NOTE} \N{GUITAR}.mid", "x.y.mid"])
def test_odd_file_names_are_just_names(name: str, tmp_path: Path) -> None:
    formats.write(DIGITS, tmp_path / name)
    (score,) = formats.read(tmp_path / name)
    assert isinstance(score, Score)
    assert score.parts == DIGITS.parts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("song.xyz", r"unknown ending '\.xyz'; readable are: \.mid \.midi"),
        ("song", "the file name has no ending; readable are"),
        ("song.wav", "is a recording; reading recordings comes in a later version"),
        ("song.svg", "can be written but not read yet; readable are"),
    ],
)
def test_endings_that_cannot_be_read(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(UnknownFormat, match=expected):
        list(formats.read(tmp_path / name))


def test_what_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(StorageError, match=r"gone\.mid: no such file or folder"):
        list(formats.read(tmp_path / "gone.mid"))
    with pytest.raises(FormatError, match=r"folder\.mid: is a folder, not a file"):
        list(formats.read(tmp_path / "folder.mid"))
    with pytest.raises(StorageError, match=r"folder\.mid: is a folder, not a file"):
        formats.write(DIGITS, tmp_path / "folder.mid")
    with pytest.raises(StorageError, match="no such file or folder"):
        formats.write(DIGITS, tmp_path / "gone" / "song.mid")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    formats.write(DIGITS, path)
    before = path.read_bytes()
    with pytest.raises(FormatError, match=r"song\.txt: bar 1, note 1: MIDI pitch 20"):
        formats.write(tune(*row(20)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_example_in_contributing_is_the_code() -> None:
    root = Path(__file__).parent.parent
    sources = ("src/tunesmith/formats/digits.py", "src/tunesmith/formats/__init__.py", "tests/test_formats.py")
    code = "".join((root / name).read_text("utf-8") for name in sources)
    blocks = re.findall(r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if line not in code and line != "..."] == []
