"""Import at scale: bad files, any number of workers, stopped and gone on, near-duplicates, the report."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import jobs
import numpy as np
import pytest
from conftest import TUNES, Run, abc
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import melody

from tunesmith import corpus, formats
from tunesmith.corpus import Corpus, Entry, Limits, Summary, alike, parcel
from tunesmith.corpus.reasons import kind_of
from tunesmith.corpus.songs import song_of
from tunesmith.errors import FormatError
from tunesmith.fingerprints import likeness, melody_of, sketch
from tunesmith.scheme import encode
from tunesmith.score import TPQ, Chord, Key, Note, Part, Score

POISONED = "jobs:read_or_die"


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def walk(seed: int, notes: int = 48) -> list[int]:
    """Pitches of a melody that is like no other."""
    random = np.random.default_rng(seed)
    return [int(p) for p in 60 + np.cumsum(random.choice([-5, -4, -2, -1, 0, 1, 2, 3, 5], notes)) % 19]


def book(number: int, tunes: int = 3) -> str:
    """An ABC book of tunes that are like no others."""
    names = "CDEFGABcdefgab"
    lines = []
    for tune in range(tunes):
        random = np.random.default_rng((number, tune))
        music = " | ".join("".join(names[i] for i in random.integers(0, 14, 8)) for _ in range(8))
        lines.append(abc(f"Tune {number}.{tune}", f"{music} |]", tune + 1))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of books, with a duplicate, a file of another kind, and a bad one among them."""
    folder = tmp_path_factory.mktemp("books")
    for number in range(9):
        (folder / f"{number}.abc").write_text(book(number))
    (folder / "5-again.abc").write_text(book(5, 1))
    (folder / "bad.txt").write_text("1 2 99")
    (folder / "notes.md").write_text("la la")
    return folder


def ingested(files: list[Path], folder: Path, **options: object) -> list[Entry]:
    return list(corpus.ingest(files, folder, key="key", **options))  # type: ignore[arg-type]  # options of ingest


@pytest.fixture(scope="module")
def whole(books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of the books, made at one go in this process."""
    folder = tmp_path_factory.mktemp("whole")
    entries = ingested(corpus.find_files([books]), folder)
    assert {e.status for e in entries} == {"kept", "duplicate", "dropped"}
    return folder


# ---- workers


@pytest.mark.parametrize("workers", [1, 2])
def test_the_corpus_is_the_same_whatever_the_number_of_workers(
    books: Path, whole: Path, tmp_path: Path, workers: int
) -> None:
    entries = ingested(corpus.find_files([books]), tmp_path, jobs=workers)
    assert content(tmp_path) == content(whole)
    assert entries == list(Corpus(whole).entries())


def test_a_poisoned_file_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.ingesting, "JOB", POISONED)
    names = ["a", "hang", "crash", "leave", "eat", "fail", "z"] if sys.platform == "linux" else ["a", "hang", "z"]
    for number, name in enumerate(names):
        (tmp_path / f"{name}.abc").write_text(book(number, 1))
    limits = Limits(seconds=4.0, memory=2**29)
    files = [tmp_path / f"{name}.abc" for name in names]
    entries = ingested(files, tmp_path / "corpus", jobs=2, limits=limits)
    assert [Path(e.path).stem for e in entries] == names
    reasons = {Path(e.path).stem: e.reason for e in entries if e.status != "kept"}
    expected = {
        "hang": "took longer than 4 s",
        "leave": "crashed the reader (exit code 3)",
        "eat": "needs more than 0.5 GiB of memory",
        "fail": "a fault in Tunesmith (ZeroDivisionError: by nothing); please report it",
    }
    assert set(reasons) == set(names[1:-1])
    assert reasons.pop("crash", "crashed the reader").startswith("crashed the reader")
    assert reasons.items() <= expected.items()
    assert len(Corpus(tmp_path / "corpus")) == 2
    assert not (tmp_path / "corpus" / "parcels").exists()


def test_an_unexpected_fault_in_a_reader_is_told_and_the_others_go_on(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, options: object) -> None:
        raise AttributeError(f"nothing in {path.name}")

    monkeypatch.setattr(formats, "read", broken)
    entries = ingested([books / "1.abc", books / "2.abc"], tmp_path)
    assert [e.reason for e in entries] == [
        f"a fault in Tunesmith (AttributeError: nothing in {n}.abc); please report it" for n in (1, 2)
    ]


def test_few_small_files_are_read_here(books: Path) -> None:
    files = sorted(books.glob("*.abc"))
    assert corpus.ingesting._few(files)
    assert not corpus.ingesting._few(files * 10)
    assert not corpus.ingesting._few([*files, books / "song.mid"])
    assert not corpus.ingesting._few([*files, books / "not-there.abc"])


# ---- parcels


def test_a_song_comes_out_of_a_parcel_as_it_went_in(tmp_path: Path) -> None:
    songs = [song_of(melody(walk(n), TPQ // 2, title=t), Path("a/\udcff.abc"), encode) for n, t in enumerate("äb\n")]
    songs.append(corpus.songs.dropped(Path("no.abc"), "why"))
    with (tmp_path / "parcel").open("wb") as file:
        for song in songs:
            parcel.put(file, song)
    found = list(parcel.take(tmp_path / "parcel"))
    assert [s.entry for s in found] == [s.entry for s in songs]
    for a, b in zip(found, songs, strict=True):
        for name in parcel.ARRAYS:
            assert np.array_equal(getattr(a, name), getattr(b, name))


@given(st.integers(0, 3000), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_parcel_is_no_crash(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    path = tmp_path_factory.getbasetemp() / "parcel"
    with path.open("wb") as file:
        parcel.put(file, song_of(melody(walk(1)), Path("a"), encode))
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(data)
    with suppress(ValueError, TypeError, KeyError):
        list(parcel.take(path))


# ---- stopped, and gone on


@pytest.mark.parametrize("after", [1, 2, 3, 10, 16, 28, 29])
def test_what_was_stopped_goes_on(
    books: Path, whole: Path, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = corpus.find_files([books])
    work = corpus.ingest(files, tmp_path, key="key")
    first = [next(work) for _ in range(after)]
    work.close()
    read: list[Path] = []
    monkeypatch.setattr(corpus.ingesting, "songs_of", lambda path, *rest: read.append(path) or songs_of(path, *rest))
    songs_of = corpus.songs.songs_of
    entries = ingested(files, tmp_path)
    assert entries[:after] == first
    assert content(tmp_path) == content(whole)
    finished = len({e.path for e in first}) - 1
    assert read == files[finished:], "what was finished is not read again"


def test_many_stops_make_no_difference(
    books: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus.shards, "SHARD_EVENTS", 300)
    files = corpus.find_files([books])
    ingested(files, tmp_path / "one go")
    for after in range(1, 31, 4):
        work = corpus.ingest(files, tmp_path / "stops", key="key")
        for _ in range(after):
            next(work)
        work.close()
    ingested(files, tmp_path / "stops")
    assert content(tmp_path / "stops") == content(tmp_path / "one go")
    assert len(list((tmp_path / "stops").glob("events-*.npy"))) > 3
    assert (tmp_path / "stops" / "report.jsonl").read_bytes() == (whole / "report.jsonl").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_kill_9_loses_nothing_that_was_finished(books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    for path in books.glob("*.abc"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "kill.abc").write_text(book(77))  # the last one
    files = corpus.find_files([folder])
    program = (
        "import sys\nfrom pathlib import Path\nfrom tunesmith import corpus\n"
        "corpus.ingesting.JOB = 'jobs:read_or_die'\n"
        "list(corpus.ingest([Path(p) for p in sys.argv[2:]], Path(sys.argv[1]), key='key', jobs=1))\n"
    )
    place = tmp_path / "corpus"
    command = [sys.executable, "-c", program, str(place), *map(str, files)]
    environment = {"PYTHONPATH": str(Path(__file__).parent), jobs.LOG: str(tmp_path / "log")}
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    first = (tmp_path / "log").read_text().split()
    assert first == [path.name for path in files]
    monkeypatch.setattr(corpus.ingesting, "JOB", "jobs:read_or_die")
    monkeypatch.setitem(jobs.os.environ, jobs.LOG, str(tmp_path / "log"))
    (folder / "kill.abc").rename(folder / "last.abc")
    (tmp_path / "log").write_text("")
    files[-1] = folder / "last.abc"
    ingested(files, place, jobs=1)
    again = (tmp_path / "log").read_text().split()
    assert again[-1] == "last.abc"
    assert len(again) < len(files), "what was finished is not read again"
    ingested(files, tmp_path / "one go")
    assert content(place) == content(tmp_path / "one go")


@pytest.mark.parametrize("damage", ["torn line", "other key", "short frames", "no events", "not JSON"])
def test_what_cannot_be_gone_on_with_is_made_again(books: Path, whole: Path, tmp_path: Path, damage: str) -> None:
    files = corpus.find_files([books])
    work = corpus.ingest(files, tmp_path, key="key")
    for _ in range(12):
        next(work)
    work.close()
    journal, frames = tmp_path / "journal.jsonl", tmp_path / "frames-00000.npy"
    match damage:
        case "torn line":
            journal.write_bytes(journal.read_bytes()[:-9])
        case "other key":
            journal.write_bytes(journal.read_bytes().replace(b'"key"}', b'"other"}'))
        case "short frames":
            frames.write_bytes(frames.read_bytes()[:2000])
        case "no events":
            (tmp_path / "events-00000.npy").unlink()
        case "not JSON":
            journal.write_bytes(b"\xff\n" * 3)
    ingested(files, tmp_path)
    assert content(tmp_path) == content(whole)


def test_memory_of_this_process_does_not_grow_with_the_songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "RECENT", 600)

    def peak(count: int) -> int:
        songs = (melody(walk(n, 60), TPQ // 2, title=f"no. {n}") for n in range(count))
        tracemalloc.start()
        for _ in corpus.ingest(songs, tmp_path / str(count)):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(5)
    few, many = peak(15), peak(45)
    assert (many - few) / 30 < 2500, "some bytes a song: its name, fingerprint and sketch"


# ---- near-duplicates

THEME = walk(7)


def song(pitches: list[int], **fields: object) -> Score:
    return melody(pitches, TPQ // 2, **fields)


def ornamented(pitches: list[int]) -> Score:
    """Every eighth note with a turn before it."""
    notes: list[Note] = []
    now = 0
    for i, pitch in enumerate(pitches):
        if i % 8 == 2:
            notes += [Note(now, TPQ // 8, pitch + 2), Note(now + TPQ // 8, TPQ // 8, pitch)]
            notes.append(Note(now + TPQ // 4, TPQ // 4, pitch))
        else:
            notes.append(Note(now, TPQ // 2, pitch))
        now += TPQ // 2
    return Score((Part(tuple(notes)),), title="ornamented")


def with_bass(score: Score) -> Score:
    bass = Part(tuple(Note(i * 2 * TPQ, 2 * TPQ, 36 + i * 5 % 12) for i in range(12)), program=32)
    return score.replace(parts=(*score.parts, bass), title="with a bass")


CHANGED = [p + (3 if 20 <= i < 24 else 0) for i, p in enumerate(THEME)]
VARIANTS = {
    "transposed, a bar changed": song([p + 5 for p in CHANGED]),
    "ornamented": ornamented(THEME),
    "twice as slow": melody([*THEME[:-1], THEME[-1] + 1], TPQ),
    "other chords": song(THEME, chords=tuple(Chord(i * 4 * TPQ, 4 * TPQ, i * 7 % 12, 0) for i in range(6))),
    "with a bass": with_bass(song(THEME)),
    "without its beginning": song(THEME[5:]),
    "its beginning repeated": song(THEME[:8] + THEME),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_a_tune_are_found_and_kept_together(tmp_path: Path, name: str) -> None:
    others = [song(walk(100 + n), title=f"other {n}") for n in range(10)]
    songs = [song(THEME, title="theme"), *others, VARIANTS[name].replace(title=name)]
    entries = list(corpus.ingest(songs, tmp_path / "all"))
    assert [e.status for e in entries] == ["kept"] * 12
    assert [e.like for e in entries] == [""] * 11 + ["theme"]
    assert alike.NEAR <= entries[-1].likeness < 1.001
    assert entries[-1].warning == f"nearly the same as theme ({entries[-1].likeness:.0%})"
    groups = Corpus(tmp_path / "all").index["group"].tolist()
    assert groups == [*range(11), 0]
    dropped = list(corpus.ingest(songs, tmp_path / "fewer", drop_near=True))
    assert [e.status for e in dropped] == ["kept"] * 11 + ["duplicate"]
    assert dropped[-1].reason == entries[-1].warning


@pytest.mark.parametrize("workers", [None, 1])
def test_near_duplicates_are_found_again_after_a_stop(tmp_path: Path, workers: int | None) -> None:
    for n in range(3):
        (tmp_path / f"{n}.abc").write_text(book(n, 1))
    (tmp_path / "4.abc").write_text(book(1, 1).replace("Tune", "Copy").replace("|]", "C2 D2 |]"))
    files = corpus.find_files([tmp_path])
    work = corpus.ingest(files, tmp_path / "corpus", key="key")
    for _ in range(3):
        next(work)
    work.close()
    entries = list(corpus.ingest(files, tmp_path / "corpus", key="key", jobs=workers))
    assert [e.like for e in entries] == ["", "", "", "Tune 1.0"]


@given(st.integers(0, 1000), st.integers(-6, 6), st.sampled_from([TPQ // 4, TPQ, 3 * TPQ]))
@settings(max_examples=30, deadline=None)
def test_key_and_tempo_make_no_difference(seed: int, semitones: int, length: int) -> None:
    pitches = walk(seed)
    one, other = (melody_of(melody(p, n)) for p, n in ((pitches, TPQ), ([p + semitones for p in pitches], length)))
    assert np.array_equal(sketch(one), sketch(other))
    assert likeness(one, other) == pytest.approx(1.0)


def test_likeness_is_the_share_of_time_that_agrees() -> None:
    one = melody_of(song(THEME))
    changed = [p + (36 if 20 <= i < 24 else 0) for i, p in enumerate(THEME)]
    assert likeness(one, melody_of(song(changed))) == pytest.approx(1 - 4 / 48)
    assert likeness(one, one[:24]) == pytest.approx(1 - 24 / 72)
    assert likeness(one, melody_of(song(walk(3)))) < 0.6
    assert likeness(one, one[:0]) == 0.0


def test_the_melody_is_the_top_of_the_first_voice() -> None:
    notes = (
        Note(0, TPQ, 60),
        Note(0, TPQ, 64),
        Note(TPQ, 2 * TPQ, 62),
        Note(4 * TPQ, TPQ, 65),
        Note(0, TPQ, 40, voice=2),
    )
    drums = Part((Note(0, TPQ, 35),), drums=True)
    found = melody_of(Score((drums, Part(notes), Part((Note(0, TPQ, 80),)))))
    assert found.tolist() == [[64, TPQ], [62, 3 * TPQ], [65, TPQ]]
    assert melody_of(Score()).shape == (0, 2)


def test_the_index_finds_what_shares_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "RECENT", 100)  # sorted in every few songs
    index = alike._Index()
    rows = [np.arange(n * 10, n * 10 + 30, dtype=np.uint32) for n in range(40)]
    for number, row in enumerate(rows):
        index.add(number, row)
    assert index.candidates(rows[20])[0] == 20
    assert set(index.candidates(rows[20])) >= {20, 19, 21}
    assert index.candidates(np.array([10**6], np.uint32)) == []


def test_a_hash_that_many_have_tells_nothing() -> None:
    index = alike._Index()
    for number in range(alike.COMMON + 1):
        index.add(number, np.arange(10, dtype=np.uint32))
    assert index.candidates(np.arange(10, dtype=np.uint32)) == []


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 5)), max_size=40))
def test_groups_hold_what_opens_alike_or_is_linked(songs: list[tuple[int, int]]) -> None:
    openings = np.array([s[0] for s in songs], np.uint64)
    like = np.array([s[1] if s[1] < i else -1 for i, s in enumerate(songs)], np.int32)
    groups = alike.united(openings, like)
    for i in range(len(songs)):
        assert groups[i] <= i
        assert groups[groups[i]] == groups[i]
        assert like[i] < 0 or groups[like[i]] == groups[i]
        assert all(groups[j] == groups[i] for j in range(i) if openings[j] == openings[i])
    assert len(set(groups.tolist())) >= len(set(openings.tolist())) - int((like >= 0).sum())


# ---- the report


KINDS = {
    "N is outside N to N": ("line 3, column 5: 25 is outside 0 to 24; 0 is a rest", "line 8: 99 is outside 0 to 24"),
    "the same music as an earlier song": ("the same music as A (2)", "the same music as B: C; D"),
    "nearly the same as an earlier song": ("nearly the same as A (92%)", "nearly the same as B (71%)"),
    "unknown ending ...": ("unknown ending '.md'; readable are: .mid .abc",),
    "only N notes": ("only 3 notes; 8 are the least", "only 7 notes; 8 are the least"),
    "a note without a pitch": ("part P1, measure 5: a note without a pitch", "part Vl. 2: a note without a pitch"),
    "a bar is N long in N": (
        "line 433, column 55 (tune 27: Old Man: of Mow): a bar is 5/8 long in 6/8; kept as written; look at M:",
        "line 82, column 31 (tune 5: Polka (No. 3)): a bar is 3/4 long in 4/4; kept as written",
    ),
    "left out: N grace notes": (
        "first in part P1, measure 5: left out: 1 grace note",
        "first in part P2, measure 12: left out: 12 grace notes",
        "first in <part-list>: left out: 2 grace notes",
    ),
    "... is more than repeat signs can say": (
        "[A,A,B,B] is more than repeat signs can say",
        "line 3: [A,(B),A] is more than repeat signs can say; write it out",
    ),
    "took longer than N s": ("took longer than 60 s", "took longer than 160 s"),
    "N events": ("200,001 events; 200,000 are the most",),
    "other reasons": ("",),
}


@pytest.mark.parametrize("kind", KINDS)
def test_reasons_are_summed_up_by_what_they_have_in_common(kind: str) -> None:
    assert {kind_of(reason) for reason in KINDS[kind]} == {kind}


def test_a_summary_counts_songs_and_keeps_the_first() -> None:
    summary = Summary()
    entry = Entry("a", "a.abc", "dropped", reason="line 1: no notes")
    summary.add(entry)
    summary.add(dataclasses.replace(entry, name="b", reason="line 2: no notes"))
    summary.add(
        dataclasses.replace(entry, name="c", status="kept", reason="", warning="line 3: odd; fix | line 4: odd")
    )
    (dropped,), (kept,) = list(summary.kinds("dropped", "duplicate")), list(summary.kinds("kept"))
    assert (dropped.text, dropped.songs, dropped.first.name, dropped.said) == ("no notes", 2, "a", "line 1: no notes")
    assert (kept.text, kept.songs, kept.said) == ("odd", 1, "line 3: odd; fix")


def test_a_summary_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.reasons, "MOST_KINDS", 5)
    summary = Summary()
    for number in range(50):
        summary.add(Entry("a", "a", "dropped", reason="x" * (number + 1)))
    kinds = list(summary.kinds("dropped"))
    assert len(kinds) == 6
    assert (kinds[0].text, kinds[0].songs) == ("other reasons", 45)


def test_import_prints_every_song_of_a_small_set(run: Run, songs: Path) -> None:
    ran = run("import", songs)
    assert ran.code == 0
    assert all(title in ran.out for title in TUNES)
    assert ran.out.splitlines()[-1].startswith("5 songs kept, 0 duplicates, 0 dropped: ")
    assert "held" not in ran.out + ran.err


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of many songs, some of them bad in many ways."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(60):
        (folder / f"{number}.abc").write_text(book(number, 1))
    for number in range(60):
        (folder / f"bad {number}.txt").write_text("1 2 3 " * number + "99")
        (folder / f"other.{number}x").write_text("la")
    (folder / "copy.abc").write_text(book(5, 1))
    (folder / "tiny.abc").write_text(abc("Tiny", "CDE|]"))
    return folder


def test_import_sums_up_a_large_set(run: Run, home: Path, many: Path) -> None:
    ran = run("import", many, "--report", "songs.csv", "-o", "prepared", "--jobs", 1)
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert len(lines) + len(ran.err.splitlines()) < 40
    assert "songs  not kept, because" in lines[0]
    rows = {line.split(maxsplit=1)[0]: line for line in lines[1:] if line}
    assert "N is outside N to N" in ran.out
    assert "bad 0.txt: line 1, column 1" in ran.out
    assert rows["60"].split(maxsplit=1)[1]
    assert "60 songs kept, 1 duplicate, 121 dropped" in lines[-1]
    with Path("songs.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 182
    assert list(found[0]) == [f.name for f in dataclasses.fields(Entry)]
    assert {r["reason"] for r in found if r["name"] == "Tune 5.0 (2)"} == {"the same music as Tune 5.0"}
    again = run("import", many, "-o", "prepared")
    assert again.out == ran.out, "what was read is not read again"
    assert Corpus(home / "prepared").about["kept"] == 60
    fresh = run("import", many, "-o", "prepared", "--fresh", "--json", "--jobs", 1)
    assert fresh.code == 1
    assert json.loads(fresh.out)["totals"]["kept"] == 60
    assert len(json.loads(fresh.out)["songs"]) == 182


def test_import_of_nothing_useful(run: Run, home: Path) -> None:
    (home / "a.md").write_text("la")
    (home / "b.md").write_text("la")
    ran = run("import", "a.md", "b.md", "--report", "songs.csv")
    assert ran.line.startswith("none of the 2 songs can be learned from (the first: a: unknown ending '.md'")
    assert len((home / "songs.csv").read_text().splitlines()) == 3, "all were read, so the report is whole"
    assert "no such file" in run("import", "nothing").line


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--jobs", 0), "0 jobs make no sense; choose from 1 to 1024"),
        (("--time-limit", 0), "a time limit of 0 seconds; choose 1 to 86400"),
        (("--memory-limit", "nan"), "a memory limit of nan GiB; choose 0.25 to 1024"),
        (("--step", 99), "a step of 99 seconds"),
        (("--report", "no/such/folder/x.csv"), "no/such/folder"),
    ],
)
def test_import_refuses_what_makes_no_sense(run: Run, songs: Path, options: tuple[object, ...], line: str) -> None:
    assert line in run("import", songs, *options).line


def test_near_duplicates_in_the_command_line(run: Run, home: Path) -> None:
    tune = TUNES["Up and down"]
    (home / "a.abc").write_text(abc("A", tune))
    (home / "b.abc").write_text(abc("B", tune.replace("c4 C4", "c2 C6")))
    (home / "c.abc").write_text(abc("C", TUNES["Leaps"]))
    ran = run("import", ".")
    assert "nearly the same as A" in ran.out
    assert "3 songs kept, 0 duplicates, 0 dropped, 1 kept with a remark" in ran.out
    dropped = run("learn", ".", "-o", "m.safetensors", "--model", "uniform", "--drop-near-duplicates")
    assert "2 songs kept, 1 duplicate, 0 dropped" in dropped.err


def test_keys_say_nothing_of_a_melody() -> None:
    in_c = melody_of(song(THEME, keys=(Key(0, 0),)))
    assert np.array_equal(in_c, melody_of(song(THEME, keys=(Key(0, 3, "minor"),))))


def test_a_file_of_too_many_songs_is_a_fault_of_the_file(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus.songs, "MAX_SONGS", 2)
    request = corpus.songs.request_for(books / "1.abc", tmp_path / "parcel", None, encode)
    with pytest.raises(FormatError, match="more than 2 songs in a file"):
        corpus.songs.read_file(request)


def test_no_title_is_a_formula_in_a_spreadsheet(run: Run, home: Path) -> None:
    titles = ["=1+1", "@SUM(1)", "+1", "-1", "=".translate({0x3D: 0xFF1D}), "Plain = plain"]
    for number, title in enumerate(titles):
        (home / f"{number}.abc").write_text(abc(title, TUNES["Steps"]))
    (home / "-6.abc").write_text("X:1\n")
    run("import", *(f"{n}.abc" for n in range(6)), "--report", "songs.csv", "--", "-6.abc")
    with Path("songs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [*(f"'{title}" for title in titles[:5]), titles[5], "'-6"]
    assert rows[-1]["path"] == "'-6.abc"
    assert rows[0]["notes"] == "25"


def test_import_never_writes_among_other_files(run: Run, home: Path, songs: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "songs.npy").write_text("mine")
    for options in ((), ("--fresh",)):
        assert run("import", songs, "-o", "mine", *options).line == (
            "mine: holds other files; name a new folder for what is read"
        )
    assert (home / "mine" / "songs.npy").read_text() == "mine"
    assert run("import", songs, "-o", "new").code == 0
    (home / "new" / "mine.txt").write_text("mine")
    assert run("import", songs, "-o", "new", "--fresh").code == 0
    assert (home / "new" / "mine.txt").read_text() == "mine"


def test_a_corpus_inside_the_folder_of_songs_is_no_song(run: Run, home: Path) -> None:
    (home / "songs").mkdir()
    (home / "songs" / "1.abc").write_text(book(1))
    first = run("import", "songs", "-o", "songs/read")
    again = run("import", home / "songs", "-o", "songs/../songs/read")
    assert (first.code, again.code) == (0, 0)
    assert first.out == again.out
    assert "3 songs kept" in first.out


def test_no_worker_writes_after_the_work_was_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, books: Path
) -> None:
    monkeypatch.setattr(corpus.ingesting, "JOB", POISONED)
    files = [*sorted(books.iterdir())[:1], *(tmp_path / f"{number}" / "write.abc" for number in range(2))]
    work = corpus.ingest(files, tmp_path / "corpus", jobs=2, limits=Limits(600))
    next(work)
    while len(list((tmp_path / "corpus" / "parcels").iterdir())) < 2:
        time.sleep(0.01)
    work.close()
    assert not (tmp_path / "corpus" / "parcels").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_ends_it_in_a_line_and_the_same_command_goes_on(tmp_path: Path, many: Path) -> None:
    program = "import sys; from tunesmith import cli, corpus; corpus.ingesting.JOB = 'jobs:read_or_die'; cli.main()"
    command = [sys.executable, "-c", program, "import", str(many), "-o", str(tmp_path / "prepared"), "--jobs", "1"]
    environment = {"PYTHONPATH": str(Path(__file__).parent), jobs.LOG: str(tmp_path / "log")}
    (tmp_path / "log").touch()
    work = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while (tmp_path / "log").read_text().count("\n") < 30:
        time.sleep(0.02)
    os.killpg(work.pid, signal.SIGINT)  # as the terminal does: to the workers too
    _, told = work.communicate(timeout=60)
    assert (work.returncode, told.strip()) == (130, "tunesmith: stopped; the same command goes on or starts again")
    finished = (tmp_path / "prepared" / "journal.jsonl").read_text().count("\n") - 1
    assert 0 < finished <= (tmp_path / "log").read_text().count("\n")
    assert not (tmp_path / "prepared" / "parcels").exists()
    (tmp_path / "log").write_text("")
    again = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert "60 songs kept, 1 duplicate, 121 dropped" in again.stdout
    assert (tmp_path / "log").read_text().count("\n") == 182 - finished


@pytest.mark.parametrize("name", ["corpus.json", "journal.jsonl"])
@pytest.mark.parametrize("text", ['{"files": 3}', "[1]", "null", "mine", "[" * 10_000, '{"key": 1, "files": 2}'])
def test_a_folder_is_not_ours_because_a_file_is_named_like_ours(
    run: Run, home: Path, songs: Path, name: str, text: str
) -> None:
    (home / "mine").mkdir()
    (home / "mine" / name).write_text(text)
    (home / "mine" / "report.jsonl").write_text("mine")
    assert "holds other files" in run("import", songs, "-o", "mine", "--fresh").line
    assert content(home / "mine") == {name: text.encode(), "report.jsonl": b"mine"}


def test_a_folder_is_ours_from_the_first_moment(tmp_path: Path) -> None:
    writer = corpus.writing.Writer(tmp_path, "key")
    assert corpus.journal.begun(tmp_path) and not corpus.store.finished(tmp_path)
    writer.close()
    assert corpus.store.finished(tmp_path) and not corpus.journal.begun(tmp_path)
