"""Repeats and jumps, unfolded as players play them."""

from __future__ import annotations

import pytest

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
