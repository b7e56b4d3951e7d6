"""MIDI: bytes to scores, broken files to one clear line, and against mido."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import mido
import pytest
from conftest import must_be_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith import formats
from tunesmith.errors import FormatError, SongWarning, TunesmithError
from tunesmith.formats import midi
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score, Tempo

DATA = Path(__file__).parent / "data" / "midi"
VALID = sorted((DATA / "valid").glob("*.hex"))
INVALID = sorted((DATA / "invalid").glob("*.hex"))


def from_hex(path: Path) -> bytes:
    """The bytes of a commented hex file."""
    return bytes.fromhex(re.sub(r"#.*", "", path.read_text("utf-8")))


def described(song: Score | FormatError) -> Any:
    """A song as the expected JSON has it: what is not empty; an error or warning as its line."""
    if isinstance(song, FormatError):
        return f"{type(song).__name__}: {song.where}: {song.what}"
    parts = [
        {
            "name": part.name,
            "program": part.program,
            "drums": part.drums,
            "notes": [[n.onset, n.duration, n.pitch, n.velocity] for n in part.notes],
        }
        for part in song.parts
    ]
    rows = {
        "title": song.title,
        "pickup": song.pickup,
        "meters": [[m.onset, m.beats, m.unit] for m in song.meters],
        "keys": [[k.onset, k.fifths, k.mode] for k in song.keys],
        "tempos": [[t.onset, t.bpm] for t in song.tempos],
        "parts": parts,
    }
    return {name: row for name, row in rows.items() if row}


def load(data: bytes, folder: Path) -> list[Score | FormatError]:
    """What a file of these bytes holds."""
    path = folder / "song.mid"
    path.write_bytes(data)
    return list(formats.read(path))


def song(data: bytes, folder: Path) -> Score:
    """The one score, without its warnings."""
    (score,) = (s for s in load(data, folder) if isinstance(s, Score))
    return score


def written(score: Score, folder: Path) -> Score:
    """A score after writing and reading."""
    path = folder / "written.mid"
    formats.write(score, path)
    (again,) = formats.read(path)
    assert isinstance(again, Score)
    return again


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_valid_files_read_as_expected(path: Path, tmp_path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert [described(s) for s in load(from_hex(path), tmp_path)] == expected


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_broken_files_give_one_line_with_a_place(path: Path, tmp_path: Path) -> None:
    made = tmp_path / "song.mid"
    made.write_bytes(from_hex(path))
    must_be_refused(path, made)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"X: 1\nT: A tune\nK: C\nCDEF|", "byte 0: not a MIDI file: it does not begin with MThd"),
        (b"MT", "byte 2: the header is cut off"),
        (b"\x00\xff" * 50, "byte 0: not a MIDI file"),
    ],
)
def test_what_is_no_midi_file(data: bytes, expected: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=expected):
        load(data, tmp_path)


def test_sixty_megabytes_of_junk_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "junk.mid"
    with path.open("wb") as file:
        file.write(b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk\x7f\xff\xff\xff")
        file.truncate(60 * 2**20)
    start = time.perf_counter()
    with pytest.raises(FormatError, match="larger than 2 MiB"):
        list(formats.read(path))
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("kind", "track", "count", "expected"),
    [
        (0, bytes.fromhex("00903C50 01903C00"), 1, ""),
        (0, bytes.fromhex("00903C50") + bytes.fromhex("013C00 003C50") * 260_000, 1, "260,000 notes"),
        (1, bytes.fromhex("00903C50 013C00"), 1001, "1,001 notes in 1,001 parts"),
        (2, bytes.fromhex("00903C50 013C00"), 1001, "1,001 songs"),
        (0, bytes.fromhex("00903C50 013C00") + bytes.fromhex("01FF5103010203") * 20_001, 1, "20,001 changes"),
        (0, bytes.fromhex("00903C50 013C00 00C001") + bytes.fromhex("0001") * 20_001, 1, "20,002 changes"),
    ],
)
def test_limits(kind: int, track: bytes, count: int, expected: str, tmp_path: Path) -> None:
    header = b"MThd" + bytes([0, 0, 0, 6, 0, kind]) + count.to_bytes(2, "big") + b"\x00\x60"
    data = header + (b"MTrk" + len(track).to_bytes(4, "big") + track) * count
    if not expected:
        assert song(data, tmp_path).note_count == 1
        return
    with pytest.raises(FormatError, match=expected):
        load(data, tmp_path)


def test_every_cut_of_a_file_is_one_clear_line(tmp_path: Path) -> None:
    data = from_hex(DATA / "valid" / "parts.hex")
    for end in range(1, len(data)):
        with pytest.raises(FormatError, match=r"cut off|declares|declared"):
            load(data[:end], tmp_path)


def test_mutated_files_raise_nothing_unnamed(tmp_path: Path) -> None:
    dice = random.Random(2)
    files = [from_hex(path) for path in VALID]
    read = refused = 0
    for _ in range(3000):
        data = bytearray(dice.choice(files))
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(data))
            match dice.randrange(4):
                case 0:
                    data[place] = dice.randrange(256)
                case 1:
                    data[place] ^= 1 << dice.randrange(8)
                case 2:
                    del data[place : place + dice.randint(1, 4)]
                case _:
                    other = dice.choice(files)
                    cut = dice.randrange(len(other))
                    data[place:place] = other[cut : cut + 12]
            if not data:
                data = bytearray(b"M")
        try:
            for found in load(bytes(data), tmp_path):
                if isinstance(found, Score):
                    assert found.note_count > 0
                    assert sum(1 for _ in found.bars()) <= midi.MAX_BARS
                    found.note_array()
                    formats.write(found, tmp_path / "again.mid")
        except TunesmithError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            read += 1
    assert read > 200
    assert refused > 300


def mido_notes(path: Path) -> Counter[tuple[int, int, int, int]]:
    """Onset, duration, pitch and velocity of every note as mido reads them; for notes that do not overlap."""
    file = mido.MidiFile(path)
    notes: Counter[tuple[int, int, int, int]] = Counter()
    for track in file.tracks:
        now, sounding = 0, {}
        for message in track:
            now += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            slot = message.channel, message.note
            if slot in sounding:
                onset, velocity = sounding.pop(slot)
                scale = TPQ / file.ticks_per_beat
                notes[round(onset * scale), round((now - onset) * scale), message.note, velocity] += 1
            if message.type == "note_on" and message.velocity:
                sounding[slot] = now, message.velocity
    return notes


def score_notes(score: Score) -> Counter[tuple[int, int, int, int]]:
    return Counter((n.onset, n.duration, n.pitch, n.velocity) for n in score.notes())


@pytest.mark.parametrize("name", ["running_status", "parts", "pickup", "channels", "eight_sharps", "latin_1"])
def test_mido_reads_the_same_notes(name: str, tmp_path: Path) -> None:
    data = from_hex(DATA / "valid" / f"{name}.hex")
    score = song(data.replace(b"\x59\x02\x08", b"\x59\x02\x07"), tmp_path)  # mido refuses eight sharps
    (tmp_path / "song.mid").write_bytes(data.replace(b"\x59\x02\x08", b"\x59\x02\x07"))
    assert mido_notes(tmp_path / "song.mid") == score_notes(score)


@st.composite
def melodies(draw: st.DrawFn) -> tuple[Note, ...]:
    """Notes one after the other, with rests, on a grid that tuplets need."""
    grid = draw(st.sampled_from([TPQ // 4, TPQ // 6, TPQ // 5, TPQ // 7, 1]))
    now, notes = 0, []
    for rest, length, pitch, velocity in draw(
        st.lists(st.tuples(st.integers(0, 8), st.integers(1, 16), st.integers(0, 127), st.integers(1, 127)), min_size=1)
    ):
        notes.append(Note(now + rest * grid, length * grid, pitch, velocity))
        now = notes[-1].end
    return tuple(notes)


parts = st.builds(
    Part, melodies(), st.sampled_from(["", "Violin", "Größe"]), program=st.integers(0, 127), drums=st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(parts, min_size=1, max_size=20))
def test_what_is_written_reads_the_same_here_and_in_mido(tmp_path_factory: pytest.TempPathFactory, many: Any) -> None:
    folder = tmp_path_factory.mktemp("midi")
    score = Score(parts=tuple(many))
    assert written(score, folder) == score
    assert mido_notes(folder / "written.mid") == score_notes(score)


@given(st.integers(40, 2400))
def test_tempos_come_back_as_the_plain_number(tenths: int) -> None:
    assert midi._bpm(round(60e6 / (tenths / 10))) == tenths / 10


def test_the_division_is_the_usual_one_where_it_is_exact(tmp_path: Path) -> None:
    for duration, division in ((TPQ // 3, 480), (TPQ // 7, TPQ)):
        written(Score(parts=(Part((Note(0, duration, 60),)),)), tmp_path)
        assert mido.MidiFile(tmp_path / "written.mid").ticks_per_beat == division


def test_channels_are_shared_by_instrument_and_never_the_drums(tmp_path: Path) -> None:
    note = (Note(0, TPQ, 60),)
    many = [Part(note, program=p % 17) for p in range(40)] + [Part(note, drums=True)]
    again = written(Score(parts=tuple(many)), tmp_path)
    assert [p.program for p in again.parts] == [p.program for p in many]
    tracks = mido.MidiFile(tmp_path / "written.mid").tracks[1:]
    channels = [next(m.channel for m in track if m.type == "note_on") for track in tracks]
    assert channels[:15] == [c for c in range(16) if c != 9]
    assert channels[17:32] == channels[:15]  # the same instruments again
    assert 9 not in channels[:40]
    assert channels[40] == 9


def test_unisons_of_a_part_give_way(tmp_path: Path) -> None:
    notes = (Note(0, 4 * TPQ, 60, voice=1), Note(0, TPQ, 60, voice=2), Note(2 * TPQ, TPQ, 60, voice=2))
    again = written(Score(parts=(Part(notes),)), tmp_path)
    assert again.parts[0].notes == (Note(0, 2 * TPQ, 60), Note(2 * TPQ, TPQ, 60))


def test_chord_symbols_are_markers_for_the_eye(tmp_path: Path) -> None:
    score = Score(parts=(Part((Note(0, TPQ, 60),)),), chords=(Chord(0, TPQ, 2, 6, bass=5),))
    assert written(score, tmp_path).chords == ()
    markers = [m.text for m in mido.MidiFile(tmp_path / "written.mid").tracks[0] if m.type == "marker"]
    assert markers == ["Dm7/F"]


@pytest.mark.parametrize(
    ("pickup", "meter", "first"),
    [
        (TPQ, Meter(0, 4, 4), "1/4"),
        (TPQ // 2, Meter(0, 6, 8), "1/8"),
        (3 * TPQ // 2, Meter(0, 4, 4), "3/8"),
        (TPQ // 3, Meter(0, 4, 4), "4/4"),  # no meter lasts a triplet quaver: the same meter again says it
    ],
)
def test_a_pickup_is_a_short_first_bar(pickup: int, meter: Meter, first: str, tmp_path: Path) -> None:
    notes = (Note(0, pickup, 67), Note(pickup, meter.bar, 72))
    score = Score(parts=(Part(notes),), meters=(meter,), pickup=pickup)
    assert written(score, tmp_path) == score
    messages = [m for m in mido.MidiFile(tmp_path / "written.mid").tracks[0] if m.type == "time_signature"]
    assert [f"{m.numerator}/{m.denominator}" for m in messages] == [first, f"{meter.beats}/{meter.unit}"]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (Score(parts=(Part((Note(0, TPQ, 128),)),)), "part 1: MIDI cannot hold"),
        (Score(parts=(Part(), Part((Note(0, TPQ, 60, 200),)))), "part 2: MIDI cannot hold"),
        (Score(parts=(Part((Note(0, TPQ, 60),)),), meters=(Meter(0, 4, 3),)), "no meter of 4/3"),
        (Score(parts=(Part((Note(0, TPQ, 60),)),), keys=(Key(0, 9),)), "no key of 9 sharps"),
        (Score(parts=(Part((Note(0, TPQ, 60),)),), tempos=(Tempo(0, 2.0),)), "no tempo of 2 "),
        (Score(parts=(Part((Note(0, TPQ, 60), Note(2**42, TPQ, 60))),)), "a silence of 436,314,"),
    ],
)
def test_what_midi_has_no_number_for_is_refused(score: Score, expected: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=expected):
        formats.write(score, tmp_path / "no.mid")
    assert not list(tmp_path.iterdir())


def test_texts_survive_exactly(tmp_path: Path) -> None:
    score = Score(
        parts=(Part((Note(0, TPQ, 60),), "Gesang"),),
        title="Ländler \N{MUSICAL NOTE}",
        composer="Größer",
        provenance='{"seed": 7, "request": "two  spaces\\n"}',
    )
    assert written(score, tmp_path) == score
    assert written(score.replace(title="odd \udcff"), tmp_path).title == "odd ?"


def test_a_warning_is_not_a_dropped_song(tmp_path: Path) -> None:
    found = load(from_hex(DATA / "valid" / "overlaps.hex"), tmp_path)
    assert isinstance(found[0], Score)
    assert all(isinstance(warning, SongWarning) for warning in found[1:])


def test_a_broken_song_of_a_type_2_file_does_not_stop_the_others(tmp_path: Path) -> None:
    data = from_hex(DATA / "valid" / "songs.hex").replace(b"\x00\x90\x3c\x50", b"\x00\xf4\x3c\x50")
    first, _, third = load(data, tmp_path)
    assert isinstance(first, FormatError)
    assert first.where == "track 1, byte 30"
    assert isinstance(third, Score)
    assert third.title == "Three"
