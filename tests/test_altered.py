"""Copies with notes put in, left out or changed are found in any key, at any tempo; and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Run, abc
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

import tunesmith as ts
from tunesmith.errors import FormatError
from tunesmith.originality import LEAST_ALTERED, Index, View, lines, originality, yardstick
from tunesmith.originality.altered import LEAST_SHARE, WINDOW, Altered, altered
from tunesmith.prepare import prepare
from tunesmith.quotations.excerpts import pair
from tunesmith.score import TPQ, Meter, Note, Part, Score

Notes = list[tuple[int, int]]  # pitches and lengths in eighths


def song(notes: Notes, voice: int = 1) -> Score:
    """A melody in 4/4."""
    found, onset = [], 0
    for pitch, length in notes:
        found.append(Note(onset, length * TPQ // 2, pitch, voice=voice))
        onset += length * TPQ // 2
    return Score((Part(tuple(found)),), meters=(Meter(0, 4, 4),))


def tune(seed: int, size: int) -> Notes:
    """A walk by chance over small steps, in even and uneven lengths, as melodies are."""
    random = np.random.default_rng(seed)
    steps, lengths = random.choice([-4, -2, -1, 0, 1, 2, 3, 5], size), random.choice([2, 4, 6], size)
    pitches = [72]
    for step in steps.tolist():
        pitches.append(pitches[-1] + step if 48 <= pitches[-1] + step <= 96 else pitches[-1] - step)
    return list(zip(pitches, lengths.tolist(), strict=False))


def ornamented(every: int) -> Callable[[Notes], Notes]:
    def change(notes: Notes) -> Notes:
        found = []
        for number, (pitch, length) in enumerate(notes, 1):
            halves = [(pitch, length // 2), (pitch + 2, length // 2)]
            found += [(pitch, length)] if number % every else halves
        return found

    return change


def changed(every: int) -> Callable[[Notes], Notes]:
    return lambda notes: [(p + 2 * (n % every == 0), length) for n, (p, length) in enumerate(notes, 1)]


def left_out(every: int) -> Callable[[Notes], Notes]:
    """Every so many notes one is missing, and the one before it held for as long."""

    def change(notes: Notes) -> Notes:
        found: Notes = []
        for number, (pitch, length) in enumerate(notes, 1):
            if number % every:
                found.append((pitch, length))
            else:
                found[-1] = found[-1][0], found[-1][1] + length
        return found

    return change


# how a copy of 24 notes is changed; how many notes it then has, and how many of them are the song's
CHANGES: dict[str, tuple[Callable[[Notes], Notes], int, int]] = {
    "every eighth ornamented": (ornamented(8), 26, 24),  # the last note's ornament is outside
    "every fourth ornamented": (ornamented(4), 29, 24),
    "one changed": (changed(13), 24, 23),
    "every sixth changed": (changed(6), 23, 20),  # the last is changed
    "every sixth left out": (left_out(6), 20, 20),  # the last is left out
}
MOVES: dict[str, Callable[[Notes], Notes]] = {
    "as it was": lambda notes: notes,
    "a fifth lower": lambda notes: [(pitch - 7, length) for pitch, length in notes],
    "half as fast": lambda notes: [(pitch, 2 * length) for pitch, length in notes],
    "a third as fast, an octave higher": lambda notes: [(pitch + 12, 3 * length) for pitch, length in notes],
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("change", CHANGES)
def test_an_altered_copy_is_found_with_its_notes_bars_and_song(change: str, move: str) -> None:
    songs = [song(tune(seed, 300)) for seed in range(5)]
    alter, notes, matched = CHANGES[change]
    copy = MOVES[move](alter(tune(3, 300)[40:64]))
    before = [(1, 1), (90, 1), (2, 1), (91, 1), (3, 1)]  # nothing that could go on on either side
    (found,) = altered(song([*before, *copy, (7, 1), (99, 1), (5, 1)]), Index.of(songs))
    assert (found.first, found.notes, found.matched) == (5, notes, matched)
    assert (found.part, found.voice, found.song, found.song_part, found.song_voice) == (0, 1, 3, 0, 1)
    assert found.song_bar == 1 + sum(length for _, length in tune(3, 300)[:40]) // 8
    last = 5 + sum(length for _, length in copy[: notes - 1])
    assert found.bars == (1, 1 + last // 8)


@pytest.mark.parametrize("size", [100, WINDOW + 60, 1_500])
def test_a_long_copy_is_told_as_one(size: int) -> None:
    index = Index.of([song(tune(1, 1_600)), song(tune(2, 400))])
    copy = changed(8)(tune(1, 1_600)[10 : 10 + size])
    (found,) = altered(song([*tune(8, WINDOW - 12), *copy]), index)
    assert found.notes in range(size - 2, size + 3)
    assert found.matched >= found.notes * 7 // 8 - 2


def test_of_songs_that_have_it_the_one_left_aside_is_not_named() -> None:
    whole = tune(3, 60)
    both = Index.of([song(whole), song(changed(8)(whole))])
    assert altered(song(ornamented(8)(whole)), both, but=0)[0].song == 1
    assert altered(song(ornamented(8)(whole)), both, but=1)[0].song == 0
    assert altered(song(whole), Index.of([song(whole)]), but=0) == ()


def test_chance_has_no_altered_copies() -> None:
    index = Index.of([song(tune(seed, 200)) for seed in range(40)])
    assert not any(altered(song(tune(seed, 200)), index) for seed in range(100, 140))


@pytest.mark.parametrize("of", ["one pitch", "scale", "broken chord", "sequence"])
def test_what_is_everybodys_is_no_copy(of: str) -> None:
    notes: Notes = {
        "one pitch": [(60, 2)] * 40,
        "scale": [(60 + step, 2) for step in (0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 21, 23, 24)] * 2,
        "broken chord": [(60, 1), (64, 1), (67, 1), (64, 1)] * 10,
        "sequence": [(60 + turn + step, 2) for turn in range(8) for step in (0, 2, 4, 2)],
    }[of]
    index = Index.of([song([*tune(seed, 50), *notes, *tune(seed + 50, 50)]) for seed in range(30)])
    assert altered(song(changed(11)(notes)), index) == ()


def test_an_exact_run_is_told_once() -> None:
    whole = tune(3, 60)
    index = Index.of([song(whole), song(changed(9)(whole))])
    assert altered(song(whole), Index.of([song(whole)])) == ()
    found = originality(song(whole), index, with_altered=True)
    assert (found.longest, found.altered) == (60, ())
    assert len(altered(song(whole), index)) == 1  # but another song has it altered
    one_more = originality(song(changed(30)(whole)), index, with_altered=True)
    assert [one.matched for one in one_more.altered] == [58]


def test_other_views_and_those_who_do_not_ask_have_none() -> None:
    whole = tune(3, 60)
    piece = song(ornamented(8)(whole))
    assert originality(piece, Index.of([song(whole)])).altered == ()
    for view in (View.PITCH, View.RHYTHM):
        index = Index.of([song(whole)], view)
        assert originality(piece, index, with_altered=True).altered == ()
        assert len(index.onsets) == len(index.pitches) == 0


@pytest.mark.parametrize("piece", [Score(), song([(60, 1)]), song([(60, 1), (62, 1)]), song([(60, 1)] * 4)])
def test_with_little_there_is_nothing_to_compare(piece: Score) -> None:
    index = Index.of([song(tune(1, 30))])
    assert altered(piece, index) == altered(song(tune(1, 30)), Index.of([piece])) == ()
    assert altered(piece, Index.of([])) == ()


def test_songs_are_the_yardstick_of_each_other() -> None:
    songs = [song(tune(seed, 60)) for seed in range(4)]
    songs.append(song(ornamented(8)(tune(0, 60))))
    index = Index.of(songs)
    found = yardstick(songs, index, with_altered=True)
    assert (found.altered, found.most_altered) == (0, 1)
    assert yardstick(songs, index).altered is None


def test_a_drone_among_drones_ends() -> None:
    drone = song([(60, 1)] * 2_000)
    assert altered(drone, Index.of([drone] * 3)) == ()


many = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["keep", "change", "drop", "split"])), min_size=12, max_size=60
)


def _altered_by(notes: Notes, what: list[tuple[int, str]]) -> Notes:
    found: Notes = []
    for (pitch, length), (by, how) in zip(notes, what, strict=False):
        if how == "keep" or by > 1 or (how == "drop" and not found):
            found.append((pitch, length))
        elif how == "change":
            found.append((pitch + 1 + by, length))
        elif how == "drop":
            found[-1] = found[-1][0], found[-1][1] + length
        else:
            found += [(pitch, length // 2), (pitch + 2, length - length // 2)]
    return found


@given(st.integers(0, 3), st.integers(0, 20), many, st.integers(-5, 5), st.sampled_from([1, 2, 3]))
def test_what_is_claimed_holds_when_it_is_counted_again(
    seed: int, first: int, what: list[tuple[int, str]], key: int, slower: int
) -> None:
    songs = [song(tune(number, 90)) for number in range(4)]
    copy = _altered_by(tune(seed, 90)[first:], what)
    piece = song([*tune(77, 9), *((pitch + key, slower * length) for pitch, length in copy), *tune(78, 9)])
    found = altered(piece, Index.of(songs))
    assert found == altered(piece, Index.of(songs))
    assert list(found) == sorted(found, key=lambda one: -one.matched)
    for one in found:
        assert LEAST_ALTERED <= one.matched <= one.notes <= one.matched / LEAST_SHARE
        assert one.matched == _most_in_common(piece, songs[one.song], one)
    for one in found:
        assert not any(
            other is not one and other.first <= one.first and one.first + one.notes <= other.first + other.notes
            for other in found
        )


def _most_in_common(piece: Score, source: Score, one: Altered) -> int:
    """Notes of a stretch that a song has, where its first and some later note say key and tempo: tried with all."""
    (mine,), (theirs,) = lines(piece), lines(source)
    notes = mine.notes[one.first : one.first + one.notes]
    known = {(note.onset, note.pitch) for note in theirs.notes}
    most = 0
    for begin in theirs.notes:
        if begin.onset // (4 * TPQ) + 1 != one.song_bar:
            continue
        for a, b in ((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (2, 3), (3, 2)):
            mapped = {
                (begin.onset + (note.onset - notes[0].onset) * a // b, begin.pitch + note.pitch - notes[0].pitch)
                for note in notes
                if (note.onset - notes[0].onset) * a % b == 0
            }
            most = max(most, len(mapped & known))
    return most


TUNE = "C2E G|A2 F2 D3 E|B2 c d2 e|c2 A3 F2 D|G2 E c2 B|A3 F D2 E2|C4 z4|"
OTHER = "c2G2 E4|f6 A2|B3A c2f2|e4 B4|"
ORNATE = "C2E G|A2 FG D3 E|B2 c d2 e|c2 A3 F2 D|G2 E cd B|A3 F D2 E2|C4 z4|"


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    """Two songs that have nothing in common, and beside their folder the first with ornaments."""
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "tune.abc").write_text(abc("Tune", TUNE), "utf-8")
    (folder / "other.abc").write_text(abc("Other", OTHER), "utf-8")
    (tmp_path / "ornate.abc").write_text(abc("Ornate", ORNATE, key="C"), "utf-8")
    return folder


def test_the_command_line_tells_altered_copies(run: Run, tunes: Path) -> None:
    ran = run("check", "ornate.abc", "--against", tunes)
    assert ran.code == 0
    assert "With notes altered (these songs have 0 of each other, the most 0):" in ran.out
    (found,) = json.loads(run("check", "ornate.abc", "--against", tunes, "--json").out)
    (one,) = found["altered"]
    assert (one["song"], one["song_bar"], one["bars"], one["first"]) == ("Tune", 0, [0, 6], 0)  # half a bar comes first
    assert f"{one['matched']} of {one['notes']}" in ran.out
    assert one["notes"] - one["matched"] == 2
    assert (found["whole"]["songs"]["altered"], found["whole"]["songs"]["most_altered"]) == (0, 0)
    plain = run("check", tunes / "other.abc", "--against", tunes)
    assert "With notes altered" not in plain.out


def test_the_page_and_the_verdict_tell_altered_copies(run: Run, tunes: Path) -> None:
    run("check", "ornate.abc", "--against", tunes, "--html", "page.html")
    page = html.document_fromstring(Path("page.html").read_text("utf-8")).text_content()
    assert "Stretches with notes altered" in page
    (piece,) = ts.load_songs("ornate.abc")
    checked = ts.check(piece, ts.against(tunes))
    assert checked.verdict.startswith("its bars 0-6 are from Tune with notes altered; by runs that are not altered it ")
    assert checked.verdict[1:] in page
    (one,) = checked.whole.altered
    assert f"{one.matched} of {one.notes} notes in Tune" in page


def test_of_an_altered_stretch_the_notes_in_common_are_marked_on_both_sides(tunes: Path) -> None:
    (piece,) = ts.load_songs(tunes.parent / "ornate.abc")
    against = ts.against(tunes)
    (one,) = ts.check(piece, against).whole.altered
    found = pair(prepare(piece), against.score(one.song), one)
    assert len(found.piece.copied) == len(found.song.copied) == one.matched
    assert len(found.piece.heard) == one.notes, "all of it is played"
    assert len(found.song.heard) == one.song_notes
    other = against.score(1 - one.song)
    with pytest.raises(FormatError, match="no longer what it was"):
        pair(prepare(piece), other, one)
    assert ts.check(piece, ts.against(tunes, whole_alone=True)).whole.altered == (one,)
