"""Songs on disk: shards, duplicates, the report, and the split."""

from __future__ import annotations

import dataclasses
import errno
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from conftest import TUNES, abc
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st
from strategies import melody, scores

from tunesmith import corpus, scheme
from tunesmith.corpus import Corpus, Entry
from tunesmith.errors import CorpusError, StorageError
from tunesmith.fingerprints import fingerprint
from tunesmith.prepare import prepare, prepare_counting
from tunesmith.score import TPQ, Chord, Key, Note, Part, Repeat, Score

TUNE = (60, 62, 64, 65, 67, 65, 64, 62, 60, 67, 60)


def different(count: int) -> list[Score]:
    """Melodies none of which is another transposed."""
    random = np.random.default_rng(count)
    return [
        melody([int(p) for p in random.integers(55, 80, 20 + i % 7)], TPQ // 2, title=f"no. {i}") for i in range(count)
    ]


def ingested(songs: Iterable[Path | Score], folder: Path, **options: object) -> tuple[Corpus, list[Entry]]:
    """The corpus of these songs, and its report."""
    entries = list(corpus.ingest(songs, folder, **options))  # type: ignore[arg-type]  # options of ingest
    return Corpus(folder), entries


def statuses(entries: Iterable[Entry]) -> list[str]:
    return [entry.status for entry in entries]


# ---- shards


@pytest.mark.parametrize("shard", [1, 30, 100, 1 << 17])
def test_songs_come_back_equal_across_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    monkeypatch.setattr(corpus.shards, "SHARD_EVENTS", shard)
    songs = different(12)
    found, _ = ingested(songs, tmp_path)
    assert len(found) == 12
    shards = len(list(tmp_path.glob("events-*.npy")))
    assert shards == len(set(found.index["shard"].tolist()))
    assert 1 < shards < 12 if 1 < shard < 1000 else shards == (12 if shard == 1 else 1)
    for number in [*range(12), 7, 0, 11, 3]:  # also back and forth
        events = scheme.encode(prepare(songs[number]))
        song = found[number]
        assert np.array_equal(song.frames, scheme.frames(events))
        assert list(zip(song.symbols.tolist(), song.durations.tolist(), strict=True)) == events
    assert [len(song.symbols) for song in found] == found.index["length"].tolist()


def test_songs_are_read_from_disk_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.shards, "SHARD_EVENTS", 1)
    found, _ = ingested(different(12), tmp_path)
    for song in found:
        base = song.frames
        while base.base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)
        assert not song.frames.flags.writeable
        assert len(found._open) <= 4


def test_the_index_says_what_is_there(tmp_path: Path) -> None:
    songs = different(5)
    found, entries = ingested(songs, tmp_path)
    for row, song, entry in zip(found.index, songs, entries, strict=True):
        assert row["notes"] == song.note_count
        assert row["bars"] == entry.bars
    assert found.about["kept"] == 5
    assert found.about["notes"] == sum(len(list(song.notes())) for song in songs)
    assert found.about["events"] == sum(len(song.symbols) for song in found)


# ---- duplicates


@given(scores(max_parts=2), st.integers(-12, 12))
@example(Score((Part(),), chords=(Chord(0, TPQ, 0, 0),)), 1)  # chords alone
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_transposed_song_has_the_same_fingerprint(song: Score, semitones: int) -> None:
    try:
        moved = song.transpose(semitones)
    except ValueError:  # out of the range of pitches
        reject()
    assert fingerprint(prepare(moved)) == fingerprint(prepare(song))


def test_voices_parts_and_lengths_make_no_other_music_of_it() -> None:
    tune = melody(list(TUNE))
    (part,) = tune.parts
    mark = fingerprint(tune)
    shorter = tuple(dataclasses.replace(n, duration=TPQ // 2, voice=2) for n in part.notes)
    assert fingerprint(Score((Part(shorter),))) == mark
    assert fingerprint(Score((Part(part.notes[::2]), Part(part.notes[1::2])))) == mark
    assert fingerprint(tune.replace(repeats=(Repeat(0, tune.end),))) != mark
    assert fingerprint(Score((Part(part.notes), Part((Note(0, TPQ, 35),), drums=True)))) == mark
    assert fingerprint(Score()) == fingerprint(Score((Part(),)))


def test_duplicates_are_found_in_any_key_and_near_songs_are_not(tmp_path: Path) -> None:
    tune = melody(list(TUNE), title="Tune", keys=(Key(0, 0),))
    near = melody([*TUNE[:-1], 62], title="Near")
    slower = melody(list(TUNE), 2 * TPQ, title="Slower")
    chords = tune.replace(title="With chords", chords=(Chord(0, 4 * TPQ, 0, 0), Chord(4 * TPQ, 4 * TPQ, 7, 0)))
    other_chords = chords.replace(title="Other chords", chords=(Chord(0, 4 * TPQ, 0, 0), Chord(4 * TPQ, 4 * TPQ, 5, 0)))
    again = [s.transpose(5).replace(title=f"{s.title} again") for s in (tune, near, chords, other_chords)]
    found, entries = ingested([tune, near, slower, chords, other_chords, *again], tmp_path)
    assert statuses(entries) == ["kept"] * 5 + ["duplicate"] * 4
    assert [e.reason for e in entries[5:]] == [
        f"the same music as {name}" for name in ("Tune", "Near", "With chords", "Other chords")
    ]
    assert len(found) == 5
    assert len({e.fingerprint for e in entries}) == 5


# ---- the report


def test_the_report_has_a_line_for_every_song(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "book.abc").write_text("\n".join(abc(t, m, n) for n, (t, m) in enumerate(TUNES.items(), 1)))
    (folder / "copy.abc").write_text(abc("Copy", "A2A2 B2B2 | c2c2 d4 | dcBA GFED | F4 D4 |]", key="D"))
    (folder / "tiny.abc").write_text(abc("Tiny", "CDE|]"))
    (folder / "bad.txt").write_text("1 2 99")
    (folder / "notes.md").write_text("la la")
    (folder / ".hidden.abc").write_text("X:1")
    found, entries = ingested(corpus.find_files([folder]), tmp_path / "corpus")
    lines = {e.name: e for e in entries}
    assert set(lines) == {*TUNES, "Copy", "Tiny", "bad", "notes"}
    assert list(Corpus(tmp_path / "corpus").entries()) == entries
    assert found.names() == list(TUNES)
    assert {n: (e.status, e.reason) for n, e in lines.items() if e.status != "kept"} == {
        "bad": ("dropped", "line 1, column 5: 99 is outside 0 to 24; 0 is a rest, 1 is C3, 24 is B4"),
        "notes": ("dropped", lines["notes"].reason),
        "Tiny": ("dropped", "only 3 notes; 8 are the least"),
        "Copy": ("duplicate", "the same music as Pairs"),
    }
    assert "unknown ending '.md'" in lines["notes"].reason
    steps = lines["Steps"]
    assert (steps.bars, steps.notes, steps.voices, steps.key, steps.meter) == (4, 25, 1, "C major", "4/4")
    assert steps.path == str(folder / "book.abc")
    assert steps.sha256 == lines["Pairs"].sha256
    assert len(steps.sha256) == 64


@given(titles=st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b", "", " a", "a\n", "\x00"]), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_names_are_unique_and_printable(titles: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    songs = [song.replace(title=title) for song, title in zip(different(12), titles, strict=False)]
    found, entries = ingested(songs, tmp_path_factory.mktemp("corpus"))
    names = [e.name for e in entries]
    assert len(set(names)) == len(titles)
    assert all(name.isprintable() and name.strip() for name in names)
    assert found.names() == names


def test_a_doubtful_song_is_kept_with_a_remark(tmp_path: Path) -> None:
    (tmp_path / "two.abc").write_text(abc("Short", "CDEF GABc | cBAG FED | EGce gec | c4 C4 |]"))
    _, (entry,) = ingested([tmp_path / "two.abc"], tmp_path / "corpus")
    assert entry.status == "kept"
    assert "line 6, column 13" in entry.warning
    assert "2 bars of the tune do not add up" in entry.warning
    assert str(tmp_path) not in entry.warning


def test_notes_cut_short_are_told(tmp_path: Path) -> None:
    held = [Note(i * TPQ, (9 - i) * TPQ, 48 + 5 * i) for i in range(5)]  # the fifth would need a fifth voice
    more = [Note(TPQ * (10 + i), TPQ, 60 + i) for i in range(8)]
    four, five = (Score((Part((*held[:most], *more)),), title=f"{most}") for most in (4, 5))
    _, entries = ingested([four, five], tmp_path)
    assert statuses(entries) == ["kept", "kept"]
    assert [e.warning for e in entries] == ["", "1 note cut short: more than 4 voices in a part"]


def test_a_song_too_long_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.songs, "MAX_EVENTS", 30)
    _, entries = ingested([melody([60, 62] * 30, title="Long"), melody([60, 62] * 6, title="Fine")], tmp_path)
    assert statuses(entries) == ["dropped", "kept"]
    assert "events; 30 are the most" in entries[0].reason


# ---- files


def test_files_are_found_in_a_fixed_order_once(tmp_path: Path) -> None:
    for name in ("b/2.abc", "b/1.abc", "a.mid", ".git/x.abc", "mine.safetensors.work/songs/report.abc", "b/.x.abc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    named = tmp_path / "b" / ".x.abc"
    expected = [tmp_path / "a.mid", tmp_path / "b" / "1.abc", tmp_path / "b" / "2.abc"]
    assert corpus.find_files([tmp_path, tmp_path / "a.mid", named, tmp_path]) == [*expected, named]
    with pytest.raises(StorageError, match="no such file or folder"):
        corpus.find_files([tmp_path, tmp_path / "nothing"])


# ---- one corpus, used again


def test_a_finished_corpus_is_used_again(tmp_path: Path, songs: Path) -> None:
    files = corpus.find_files([songs])
    key = corpus.request_key(files, "plain")
    place = tmp_path / "corpus"
    assert not corpus.ready(place, key)
    _, entries = ingested(files, place, key=key)
    assert corpus.ready(place, key)
    assert list(Corpus(place).entries()) == entries
    assert not corpus.ready(place, corpus.request_key(files, "other options"))
    assert not corpus.ready(place, corpus.request_key(files[1:], "plain"))


def test_a_changed_file_changes_the_key(tmp_path: Path) -> None:
    path = tmp_path / "tune.abc"
    path.write_text(abc("Tune", TUNES["Steps"]))
    first = corpus.request_key([path], "")
    assert corpus.request_key([path], "") == first
    path.write_text(abc("Tune", TUNES["Leaps"]))
    assert corpus.request_key([path], "") != first
    path.unlink()
    assert corpus.request_key([path], "") != first


def test_an_unfinished_corpus_is_not_used(tmp_path: Path) -> None:
    work = corpus.ingest(different(6), tmp_path, key="key")
    next(work)
    work.close()  # as when it is stopped
    assert not corpus.ready(tmp_path, "key")
    with pytest.raises(CorpusError, match="cannot be opened"):
        Corpus(tmp_path)
    found, _ = ingested(different(6), tmp_path, key="key")
    assert corpus.ready(tmp_path, "key")
    assert len(found) == 6


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 3}', "null"])
def test_a_damaged_corpus_is_made_again(tmp_path: Path, content: str) -> None:
    ingested(different(3), tmp_path, key="key")
    (tmp_path / "corpus.json").write_text(content)
    assert not corpus.ready(tmp_path, "key")


def test_a_full_disk_is_raised_and_not_reported_as_a_bad_song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus.writing, "_write_array", full)
    with pytest.raises(StorageError, match="the disk is full; free some space"):
        ingested(different(3), tmp_path / "corpus")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        ingested(different(3), tmp_path / "file" / "corpus")


def test_a_corpus_is_plain_numpy_and_json(tmp_path: Path) -> None:
    ingested(different(3), tmp_path)
    for path in tmp_path.glob("*.npy"):
        assert len(np.load(path, allow_pickle=False))
    assert len([json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]) == 3


# ---- the split


class Sized:
    """Something of so many songs, all different, or grouped by how they open."""

    def __init__(self, count: int, groups: list[int] | None = None) -> None:
        self.index = np.zeros(count, corpus.INDEX)
        self.index["group"] = range(count) if groups is None else groups

    def __len__(self) -> int:
        return len(self.index)


@given(st.integers(0, 5000), st.integers(0, 2**31 - 1))
def test_the_split_is_by_song_disjoint_and_the_same_for_a_seed(count: int, seed: int) -> None:
    kept, held = corpus.split(Sized(count), seed)  # type: ignore[arg-type]  # it looks at the index alone
    assert sorted(kept + held) == list(range(count))
    assert (kept, held) == corpus.split(Sized(count), seed)  # type: ignore[arg-type]  # it looks at the index alone
    assert kept == sorted(kept)
    assert held == sorted(held)
    assert not held if count < 3 else 1 <= len(held) <= max(1, count // 4)
    assert len(kept) > len(held) or count == 0


def test_the_split_changes_with_the_seed_and_holds_out_two_of_a_dozen() -> None:
    splits = {tuple(corpus.split(Sized(12), seed)[1]) for seed in range(20)}  # type: ignore[arg-type]  # it looks at the index alone
    assert len(splits) > 10
    assert {len(held) for held in splits} == {2}


@given(st.lists(st.integers(0, 30), min_size=3, max_size=100), st.integers(0, 1000))
def test_songs_that_open_alike_are_never_parted(groups: list[int], seed: int) -> None:
    kept, held = corpus.split(Sized(len(groups), groups), seed)  # type: ignore[arg-type]  # it looks at the index alone
    assert sorted(kept + held) == list(range(len(groups)))
    assert not {groups[i] for i in kept} & {groups[i] for i in held}
    assert len(kept) >= len(groups) // 2


def test_two_versions_of_a_tune_open_alike(tmp_path: Path) -> None:
    tune = different(1)[0]
    other = tune.transpose(3).replace(repeats=(Repeat(0, tune.end),))
    found, _ = ingested([tune, *different(3)[1:], other], tmp_path)
    assert found.index["group"].tolist() == [0, 1, 2, 0]


def test_a_fault_in_one_song_of_a_book_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "book.abc").write_text("\n".join(abc(name, TUNES[name], n) for n, name in enumerate(TUNES, 1)))

    def faulty(score: Score) -> tuple[Score, int]:
        if score.title == "Pairs":
            raise ZeroDivisionError("by nothing")
        return prepare_counting(score)

    monkeypatch.setattr("tunesmith.corpus.songs.prepare_counting", faulty)
    entries = list(corpus.ingest([tmp_path / "book.abc"], tmp_path / "songs"))
    assert [e.status for e in entries].count("kept") == len(TUNES) - 1
    (lost,) = (e for e in entries if e.status == "dropped")
    assert (lost.name, lost.reason) == (
        "Pairs",
        "a fault in Tunesmith (ZeroDivisionError: by nothing); please report it",
    )
