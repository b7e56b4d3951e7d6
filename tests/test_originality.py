"""Copies are found in any key, at any tempo, anywhere in the bar; and nothing else is."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.originality import Index, View, lines, originality, yardstick
from tunesmith.originality.index import CHUNK
from tunesmith.score import TPQ, Meter, Note, Part, Score

Notes = list[tuple[int, int]]  # pitches and lengths in quarters


def song(notes: Notes, start: int = 0, voice: int = 1) -> Score:
    """A melody in 4/4 that begins after `start` quarters."""
    found, onset = [], start * TPQ
    for pitch, length in notes:
        found.append(Note(onset, length * TPQ, pitch, voice=voice))
        onset += length * TPQ
    return Score((Part(tuple(found)),), meters=(Meter(0, 4, 4),))


def tune(seed: int, size: int) -> Notes:
    """Notes by chance: two such share nothing that is long."""
    random = np.random.default_rng(seed)
    return list(zip(random.integers(48, 84, size).tolist(), random.integers(1, 5, size).tolist(), strict=True))


def moved(notes: Notes, semitones: int) -> Notes:
    """The same in another key."""
    return [(pitch + semitones, length) for pitch, length in notes]


few = st.lists(st.tuples(st.integers(60, 62), st.integers(1, 2)), max_size=12)


@given(few, st.lists(few, max_size=4), st.sampled_from(View), st.integers(0, 4), st.sampled_from([1, 2, 64]))
def test_the_longest_stretch_is_the_one_that_trying_everything_finds(
    piece: Notes, songs: list[Notes], view: View, but: int, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunesmith.originality.index.CHUNK", chunk)
        _try_everything(piece, songs, view, but)


def _try_everything(piece: Notes, songs: list[Notes], view: View, but: int) -> None:
    index = Index.of([song(notes) for notes in songs], view)
    known = [(number, line.steps(view).tolist()) for number, s in enumerate(songs) for line in lines(song(s))]
    for line in lines(song(piece)):
        steps = line.steps(view)
        for left_aside in (None, but):
            found = index.longest(steps, left_aside)
            for at in range(len(steps)):
                rest = steps[at:].tolist()
                lengths = [
                    _same(rest, other[place:])
                    for number, other in known
                    if number != left_aside
                    for place in range(len(other))
                ]
                assert found.lengths[at] == max(lengths, default=0)
                if found.lengths[at]:
                    place, length = found.places[at], found.lengths[at]
                    tokens = index.vocabulary[index.tokens[place : place + length]]
                    assert tokens.tolist() == rest[:length]
                    assert index.source(place).song != left_aside


def _same(one: list[int], other: list[int]) -> int:
    """How many are alike at the beginning."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


COPIES = {
    "exact": lambda notes: notes,
    "in another key": lambda notes: moved(notes, 5),
    "half as fast": lambda notes: [(pitch, 2 * length) for pitch, length in notes],
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("size", [8, 20, CHUNK, CHUNK + 1, CHUNK + 2, 200])
def test_a_planted_copy_is_found_whole(copy: str, size: int) -> None:
    songs = [song(tune(seed, 300)) for seed in range(5)]
    copied = COPIES[copy](tune(3, 300)[40 : 40 + size])
    piece = song([*tune(90, 13), *copied, *tune(91, 20)], start=1)  # started where no bar begins
    found = originality(piece, Index.of(songs))
    assert found.longest in (size, size + 1)  # one more where what follows happens to be alike
    (run,) = found.runs
    assert (run.song, run.part, run.voice) == (3, 0, 1)
    assert run.first == 13
    assert found.copied == run.notes
    assert found.share == run.notes / (33 + size)
    assert run.song_bar == 1 + sum(length for _, length in tune(3, 300)[:40]) // 4
    before = 1 + sum(length for _, length in tune(90, 13))
    assert run.bars[0] == 1 + before // 4


def test_of_songs_that_begin_alike_the_one_that_goes_on_is_the_source() -> None:
    whole = tune(3, 200)
    both = Index.of([song(whole[:150]), song(whole)])
    found = originality(song(whole), both)
    assert [(run.notes, run.song) for run in found.runs] == [(200, 1)]


def test_a_drone_is_searched_in_a_moment() -> None:
    drone = song([(60, 1)] * 3_000)
    began = time.process_time()
    found = originality(drone, Index.of([drone]))
    assert time.process_time() - began < 20
    assert (found.longest, found.share) == (3_000, 1)
    assert [run.notes for run in found.runs] == [3_000]


def test_one_note_changed_breaks_a_copy_in_two() -> None:
    notes = tune(3, 40)
    changed = [*notes[:20], (notes[20][0] + 1, notes[20][1]), *notes[21:]]
    found = originality(song(changed), Index.of([song(notes)]))
    assert [run.notes for run in found.runs] == [20, 19]
    assert found.copied == 39


def test_rhythm_changed_and_pitches_changed_are_seen_by_their_views() -> None:
    notes = tune(3, 40)
    even = song([(pitch, 1) for pitch, _ in notes])
    flat = song([(60, length) for _, length in notes])
    for piece, view in ((even, View.PITCH), (flat, View.RHYTHM)):
        assert originality(piece, Index.of([song(notes)], view)).longest == 40
        assert originality(piece, Index.of([song(notes)])).longest < 8


def test_each_voice_is_compared_and_each_is_a_source() -> None:
    above, below = song(tune(1, 30)), song(tune(2, 30))
    both = Score((*above.parts, *below.parts), meters=above.meters)
    notes = sorted([*above.notes(), *song(tune(2, 30), voice=2).notes()], key=lambda note: note.onset)
    for choir in (both, Score((Part(tuple(notes)),), meters=above.meters)):
        found = originality(song(tune(2, 30)), Index.of([choir]))
        assert found.share == 1
        assert (found.runs[0].song_part, found.runs[0].song_voice) in ((1, 1), (0, 2))
        assert originality(choir, Index.of([below])).share == 0.5


def test_no_run_reaches_over_the_end_of_a_song() -> None:
    first, second = tune(1, 10), tune(2, 10)
    index = Index.of([song(first), song(second)])
    assert originality(song([*first, *second]), index).longest <= 11


def test_staccato_and_rests_change_nothing() -> None:
    notes = song(tune(3, 30))
    short = Score((Part(tuple(replace(n, duration=n.duration // 2) for n in notes.notes())),), meters=notes.meters)
    assert originality(short, Index.of([notes])).longest >= 29  # but how long the last note is, no other tells


def test_songs_are_the_yardstick_of_each_other() -> None:
    songs = [song(tune(seed, 60)) for seed in range(4)]
    assert yardstick(songs, Index.of(songs)).most_share == 0
    twice = [*songs, song(moved(tune(0, 60), 2))]
    measured = yardstick(twice, Index.of(twice))
    assert (measured.songs, measured.most_share, measured.most_longest) == (5, 1.0, 60)
    assert measured.share == 0


@pytest.mark.parametrize("piece", [Score(), song([(60, 1)])])
def test_without_steps_there_is_nothing_to_compare(piece: Score) -> None:
    found = originality(piece, Index.of([song(tune(1, 30))]))
    assert (found.longest, found.share, found.runs) == (0, 0.0, ())
    assert originality(song(tune(1, 30)), Index.of([piece])).longest == 0
    assert yardstick([], Index.of([])).songs == 0


def test_the_closest_song_of_every_bar() -> None:
    songs = [song([(p, 1) for p, _ in tune(seed, 32)]) for seed in range(3)]
    halves = [note for seed in (2, 0) for note in [(p, 1) for p, _ in tune(seed, 32)][:16]]
    found = originality(song(halves), Index.of(songs))
    assert {bar: number for bar, (number, _) in found.closest.items()} == {n: 2 if n < 5 else 0 for n in range(1, 9)}
