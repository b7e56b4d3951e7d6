"""Repeats and jumps, unfolded as players play them."""

from __future__ import annotations

import pytest

from tunesmith.errors import FormatError
from tunesmith.score import Ending, Jump, Note, Part, Repeat, Score

ENDINGS = (Ending(2, 3, (1,)), Ending(3, 4, (2,)))

# name, repeats, jumps, the bars (of one tick each) in the order they are played
CASES = (
    ("as written", (), (), "01234567"),
    ("repeat", (Repeat(0, 4),), (), "012301234567"),
    ("three times", (Repeat(2, 4, 3),), (), "012323234567"),
    ("endings", (Repeat(0, 4, 2, ENDINGS),), (), "0120134567"),
    ("da capo", (), (Jump(8),), "0123456701234567"),
    ("da capo al fine", (), (Jump(8, 0, 4),), "012345670123"),
    ("da capo al fine, what follows is not played", (), (Jump(6, 0, 2),), "01234501"),
    ("dal segno al coda", (), (Jump(6, 2, 4, 6),), "0123452367"),
    ("no repeats after the jump", (Repeat(0, 2), Repeat(4, 6)), (Jump(6, 0, 6, 6),), "01012345450123" + "4567"),
    ("last endings after the jump", (Repeat(0, 4, 2, ENDINGS),), (Jump(8, 0, 4),), "0120134567" + "013"),
    ("the segno inside a repeat", (Repeat(0, 4, 2, ENDINGS),), (Jump(8, 1, 4),), "0120134567" + "13"),
    ("to the coda inside a repeat", (Repeat(0, 4),), (Jump(6, 0, 2, 6),), "0123012345" + "01" + "67"),
    ("repeats in the coda are played", (Repeat(6, 8),), (Jump(6, 0, 2, 6),), "012345" + "01" + "6767"),
    ("two jumps", (), (Jump(3, 0, 1, 3), Jump(6, 3, 4, 6)), "012" + "0" + "345" + "3" + "67"),
)


@pytest.mark.parametrize(("repeats", "jumps", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_unfolding(repeats: tuple[Repeat, ...], jumps: tuple[Jump, ...], expected: str) -> None:
    notes = tuple(Note(bar, 1, 60 + bar) for bar in range(8))
    score = Score((Part(notes),), repeats=repeats, jumps=jumps).unfold()
    assert "".join(str(n.pitch - 60) for n in score.parts[0].notes) == expected
    assert [n.onset for n in score.parts[0].notes] == list(range(len(expected)))
    assert (score.repeats, score.jumps) == ((), ())


def test_unfolding_what_sounds_over_edges() -> None:
    """A drone over all repeats is cut where they do not lead on."""
    notes = (Note(2, 1, 62), Note(0, 4, 40), Note(1, 2, 61), Note(0, 1, 60))
    played = Score((Part(notes),), repeats=(Repeat(1, 3),)).unfold().parts[0].notes
    cut = [(0, 3, 40), (0, 1, 60), (1, 2, 61), (2, 1, 62)]
    again = [(3, 3, 40), (3, 2, 61), (4, 1, 62)]
    assert sorted((n.onset, n.duration, n.pitch) for n in played) == sorted(cut + again)


TICKS = tuple(Note(i, 1, 60) for i in range(1000))
TOO_MUCH = (
    ("many repeats", 60_000, (Part((Note(0, 1, 60),)),), tuple(Repeat(i, i + 1) for i in range(60_000))),
    ("many notes", 1000, (Part(TICKS * 9),), (Repeat(0, 1000, 100),)),
    ("many parts", 1000, (Part(TICKS),) * 9, (Repeat(0, 1000, 100),)),
)


@pytest.mark.parametrize(("end", "parts", "repeats"), [pytest.param(*c[1:], id=c[0]) for c in TOO_MUCH])
def test_repeats_do_not_fill_the_memory(end: int, parts: tuple[Part, ...], repeats: tuple[Repeat, ...]) -> None:
    assert repeats[-1].end == end
    with pytest.raises(FormatError, match="once its repeats are written out"):
        Score(parts, repeats=repeats).unfold()


def test_many_repeats_unfold_at_once() -> None:
    """Ten thousand bars, each repeated: nothing goes through the whole piece for each of them."""
    notes = tuple(Note(i, 1, 60) for i in range(10_000))
    repeats = tuple(Repeat(i, i + 1) for i in range(10_000))
    assert Score((Part(notes),), repeats=repeats).unfold().note_count == 20_000
