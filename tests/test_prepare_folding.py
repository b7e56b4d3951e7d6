"""Repeats that are written out are found, folded, and come back the same when they are unfolded."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scores

import tunesmith as ts
from tunesmith import formats
from tunesmith.prepare import fold, prepare
from tunesmith.prepare.cells import same_music
from tunesmith.score import TPQ, Ending, Jump, Key, Meter, Note, Part, Repeat, Score, Tempo

BAR = 4 * TPQ
WALTZ = 3 * TPQ


def piece(letters: str, upbeats: str = "", velocity: int = 80) -> Score:
    """A piece of bars in 4/4, one a letter, equal bars for equal letters, in two parts."""
    del upbeats
    top, bass = [], []
    for bar, letter in enumerate(letters):
        pitch = 60 + ord(letter) % 32
        top += [Note(bar * BAR + i * TPQ, TPQ, pitch + (i * i * (ord(letter) % 5)) % 7, velocity) for i in range(4)]
        bass.append(Note(bar * BAR, BAR, pitch - 24, velocity))
    return Score((Part(tuple(top)), Part(tuple(bass))), (Meter(),), (Key(),), (Tempo(),))


def with_pickup(sections: list[tuple[str, int]]) -> Score:
    """In 3/4 with a pickup: each section is an upbeat and bars, the last bar an upbeat short; played so many times."""
    notes: list[Note] = []
    now = 0
    for letters, times in sections:
        for _ in range(times):
            for index, letter in enumerate(letters):
                beats = 1 if index == 0 else 2 if index == len(letters) - 1 else 3
                notes += [Note(now + i * TPQ, TPQ, 60 + (ord(letter) * (i + 3)) % 24) for i in range(beats)]
                now += beats * TPQ
    return Score((Part(tuple(notes)),), (Meter(0, 3, 4),), (Key(),), (Tempo(),), pickup=TPQ)


def bars(*spans: int) -> tuple[int, ...]:
    return tuple(span * BAR for span in spans)


def ending(first: int, last: int, *passes: int) -> Ending:
    return Ending(first * BAR, last * BAR, passes)


PLANS = {
    "no repeat": ("abcdefgh", ()),
    "a whole section": ("abcdabcd", (Repeat(*bars(0, 4)),)),
    "two bars": ("ababcdef", (Repeat(*bars(0, 2)),)),
    "one bar is too short": ("aabcdefg", ()),
    "inside": ("xyabcdabcdz", (Repeat(*bars(2, 6)),)),
    "three passes": ("abcabcabcx", (Repeat(*bars(0, 3), 3),)),
    "several in a row": ("abcdabcdefghefgh", (Repeat(*bars(0, 4)), Repeat(*bars(4, 8)))),
    "the outer one": ("abacabac", (Repeat(*bars(0, 4)),)),
    "two endings": (
        "abcdeabcdf",
        (Repeat(*bars(0, 6), 2, (ending(4, 5, 1), ending(5, 6, 2))),),
    ),
    "endings of two bars, and on": (
        "abcdpqabcdrsuvw",
        (Repeat(*bars(0, 8), 2, (ending(4, 6, 1), ending(6, 8, 2))),),
    ),
    "an ending for two passes": (
        "abcdeabcdeabcdf",
        (Repeat(*bars(0, 6), 3, (ending(4, 5, 1, 2), ending(5, 6, 3))),),
    ),
    "a section, then one with endings": (
        "abcdabcdghijkghijl",
        (Repeat(*bars(0, 4)), Repeat(*bars(4, 10), 2, (ending(8, 9, 1), ending(9, 10, 2)))),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_sections_that_return_are_folded(name):
    letters, repeats = PLANS[name]
    folded = fold(piece(letters))
    assert folded.repeats == repeats
    assert folded.unfold() == piece(letters)
    assert not folded.jumps


def test_a_beginning_that_comes_back_is_a_da_capo():
    written_out = piece("abcdefghpqrstuabcdefgh")
    folded = fold(written_out)
    assert (folded.jumps, folded.repeats) == ((Jump(14 * BAR, 0, 8 * BAR),), ())
    assert folded.unfold() == written_out


def test_a_da_capo_goes_without_the_repeats():
    written_out = piece("abcdeabcdfpqrstpqrstabcdf")
    folded = fold(written_out)
    assert folded.repeats == (
        Repeat(0, 6 * BAR, 2, (ending(4, 5, 1), ending(5, 6, 2))),
        Repeat(6 * BAR, 11 * BAR),
    )
    assert folded.jumps == (Jump(11 * BAR, 0, 6 * BAR),)
    assert folded.unfold() == written_out


def test_sections_begin_with_their_pickup():
    written_out = with_pickup([("abcde", 2), ("fghij", 2)])
    folded = fold(written_out)
    assert folded.repeats == (Repeat(0, 4 * WALTZ), Repeat(4 * WALTZ, 8 * WALTZ))
    assert folded.pickup == TPQ
    assert folded.unfold() == written_out


def test_velocities_are_of_the_first_pass_and_nothing_else_may_differ():
    first, second = piece("abcd", velocity=90), piece("abcd", velocity=50)
    moved = [Note(n.onset + 4 * BAR, n.duration, n.pitch, n.velocity) for n in second.parts[0].notes]
    low = [Note(n.onset + 4 * BAR, n.duration, n.pitch, n.velocity) for n in second.parts[1].notes]
    both = first.replace(parts=(Part((*first.parts[0].notes, *moved)), Part((*first.parts[1].notes, *low))))
    assert fold(both).repeats == (Repeat(0, 4 * BAR),)
    assert {n.velocity for n in fold(both).notes()} == {90}
    for change in ({"duration": TPQ // 2}, {"pitch": 100}, {"voice": 2}, {"onset": 4 * BAR + TPQ // 4}):
        other = [dataclasses.replace(moved[0], **change), *moved[1:]]
        changed = both.replace(parts=(Part((*first.parts[0].notes, *other)), both.parts[1]))
        assert not any(r.start == 0 and r.end == 4 * BAR for r in fold(changed).repeats)
        assert same_music(fold(changed).unfold(), changed)


@pytest.mark.parametrize("changes", [{"tempos": (Tempo(), Tempo(4 * BAR, 90.0))}, {"keys": (Key(), Key(4 * BAR, 2))}])
def test_another_key_or_tempo_is_no_repeat(changes):
    assert fold(piece("abcdabcd").replace(**changes)).repeats == ()


def test_a_note_tied_over_the_sign_is_no_repeat():
    score = piece("abcdabcd")
    tied = [dataclasses.replace(n, duration=BAR + TPQ) if n.onset == 3 * BAR else n for n in score.parts[1].notes]
    held = score.replace(parts=(score.parts[0], Part(tuple(tied))))
    assert all(r.end != 4 * BAR for r in fold(held).repeats)
    assert same_music(fold(held).unfold(), held)


def test_a_score_with_repeats_and_an_empty_one_stay():
    folded = piece("abcd").replace(repeats=(Repeat(0, 2 * BAR),))
    assert fold(folded) is folded
    assert fold(Score()) == Score()


@st.composite
def plans(draw: st.DrawFn) -> tuple[str, int]:
    """Bars as letters, of sections played so often, all bars of a section unlike each other; and the bars to print."""
    letters = iter(map(chr, range(ord("A"), ord("A") + 60)))
    played, printed = "", 0
    for _ in range(draw(st.integers(1, 3))):
        section = "".join(next(letters) for _ in range(draw(st.integers(3, 6))))
        match draw(st.sampled_from(["once", "twice", "thrice", "endings"])):
            case "endings":
                first, second = next(letters), next(letters)
                played += section + first + section + second
                printed += len(section) + 2
            case times:
                count = {"once": 1, "twice": 2, "thrice": 3}[times]
                played += section * count
                printed += len(section)
    return played, printed


def numbered(letters: str) -> Score:
    """Like `piece`, in one part, no two letters alike."""
    notes = [
        Note(bar * BAR + i * TPQ, TPQ, 40 + (ord(c) * (1 + 12 * i * i)) % 61)
        for bar, c in enumerate(letters)
        for i in range(4)
    ]
    return Score((Part(tuple(notes)),), (Meter(),), (Key(),), (Tempo(),))


@given(plans())
@settings(max_examples=100, deadline=None)
def test_repeats_by_a_plan_are_all_found(plan):
    played, printed = plan
    score = numbered(played)
    folded = fold(score)
    assert folded.end == printed * BAR
    assert folded.unfold() == score


@given(st.text("ab", min_size=1, max_size=24), st.booleans())
@settings(max_examples=150, deadline=None)
def test_folding_never_changes_the_music(letters, pickup):
    score = piece(letters)
    if pickup:
        score = score.replace(pickup=TPQ)
    assert same_music(fold(score).unfold(), score)


@given(scores(), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_any_score_said_again_comes_back(score, times):
    length = -(-score.end // TPQ) * TPQ
    again = score.play([(0, length)] * times)
    assert same_music(fold(again).unfold(), again)
    assert fold(again).end <= again.end


def test_two_thousand_bars_take_no_time():
    random = np.random.default_rng(0)
    themes = ["".join(chr(65 + int(c)) for c in random.integers(0, 58, 16)) for _ in range(40)]
    score = numbered("".join(theme * 2 for theme in themes) + "A" * 720)
    started = time.process_time()
    folded = fold(score)
    assert time.process_time() - started < 5
    assert same_music(folded.unfold(), score)
    assert sum(r.end - r.start >= 16 * BAR for r in folded.repeats) >= 40


def test_a_midi_file_is_printed_with_its_repeats(tmp_path: Path, run):
    formats.write(piece("abcdeabcdf"), tmp_path / "in.mid")
    assert run("convert", "in.mid", "folded.abc").code == 0
    assert run("convert", "in.mid", "plain.abc", "--no-fold").code == 0
    folded, plain = (next(iter(formats.read(tmp_path / f"{name}.abc"))) for name in ("folded", "plain"))
    assert isinstance(folded, Score)
    assert isinstance(plain, Score)
    assert len(folded.repeats) == 1
    assert not plain.repeats
    assert folded.unfold().note_count == plain.note_count == 50


def test_fold_is_for_everyone():
    assert ts.fold(piece("abcdabcd")).repeats == (Repeat(0, 4 * BAR),)
    assert prepare(piece("abcdabcd"), folded=True).repeats == (Repeat(0, 4 * BAR),)
    assert prepare(piece("abcdabcd")).repeats == ()
