"""Piano roll, contour and learning curve: what they show, for whom, and that they repeat to the byte."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from matplotlib.image import imread

from tunesmith import plots
from tunesmith.errors import MissingExtra
from tunesmith.plots import rows
from tunesmith.score import TPQ, Key, Meter, Note, Part, Score

Q = TPQ
Plot = Callable[..., bytes]
both = pytest.mark.parametrize("plot", [plots.piano_roll, plots.contour])


def tune(bars: int = 4, **changes: object) -> Score:
    notes = tuple(Note(n * Q, Q, 60 + n % 9) for n in range(4 * bars))
    return Score((Part(notes, "Flute", 73),), title="Costs $5_000").replace(**changes)


def seen(plot: Plot, score: Score, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[tuple[str, str]]]]:
    """For each figure of a PDF: how many rows it has, and the first and last bar named in each."""
    found = []

    def rendered(figures: list[object], kind: str) -> bytes:
        for figure in figures:
            named = [[t.get_text() for t in axes.get_xticklabels()] for axes in figure.axes]
            found.append((len(named), [(names[0], names[-1]) for names in named]))
        return b""

    monkeypatch.setattr(rows, "rendered", rendered)
    plot(score, "pdf")
    return found


@both
@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_a_plot_repeats_to_the_byte(plot: Plot, kind: str) -> None:
    assert plot(tune(), kind) == plot(tune(), kind)


@both
@pytest.mark.parametrize("score", [Score(), Score((Part((Note(0, Q, 0),)),)), Score((Part(drums=True),))])
@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_a_plot_of_next_to_nothing(plot: Plot, score: Score, kind: str) -> None:
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[kind]
    assert plot(score, kind).startswith(start)


@both
def test_every_part_has_its_colour(plot: Plot) -> None:
    parts = tuple(Part((Note(0, 4 * Q, 60 + 5 * n),), f"part {n}") for n in range(3))
    text = plot(Score(parts)).decode()
    assert all(colour.lower() in text for colour in plots.COLOURS[:3])
    assert plots.COLOURS[3].lower() not in text


def test_voices_of_one_part_have_their_colours_and_more_voices_than_colours_are_drawn() -> None:
    notes = tuple(Note(0, Q, 50 + voice, voice=voice) for voice in range(1, 11))
    lines = rows.lines_of(Score((Part(notes),)), drums=True)
    assert [line.name for line in lines] == [f"voice {n}" for n in range(1, 11)]
    assert [line.colour for line in lines] == [*plots.COLOURS, *plots.COLOURS[:2]]


def test_parts_of_one_name_are_told_apart() -> None:
    parts = tuple(Part((Note(0, Q, 60),), "Violin") for _ in range(2))
    assert [line.name for line in rows.lines_of(Score(parts), drums=True)] == ["Violin (1)", "Violin (2)"]


def test_drums_are_in_the_roll_and_not_in_the_contour() -> None:
    score = Score((Part((Note(0, Q, 60),), "Flute"), Part((Note(0, Q, 36),), "Kit", drums=True)))
    assert [line.name for line in rows.lines_of(score, drums=True)] == ["Flute", "Kit"]
    assert sum(len(line.notes) for line in rows.lines_of(score, drums=False)) == 1
    assert plots.COLOURS[1].lower() in plots.piano_roll(score).decode()
    assert plots.COLOURS[1].lower() not in plots.contour(score).decode()


def test_a_line_goes_on_over_short_rests_and_breaks_at_long_ones() -> None:
    def strokes(gap: int) -> int:
        svg = plots.contour(Score((Part((Note(0, Q, 60), Note(Q + gap, Q, 64))),))).decode()
        return len(re.findall(rf"<path[^>]*stroke: {plots.COLOURS[0].lower()}", svg))

    assert strokes(2 * Q) == 3  # two notes and the way between
    assert strokes(4 * Q) == 2


def test_a_note_that_crosses_rows_is_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROW_BARS", 4)
    notes = (Note(0, Q, 60), Note(15 * Q, 2 * Q, 62), Note(31 * Q, Q, 60))
    score = Score((Part(notes),))
    assert len(list(rows.rows_of(score))) == 2
    svg = plots.piano_roll(score).decode()
    drawn = re.findall(rf'<path d="[^"]*"[^>]*style="fill: {plots.COLOURS[0].lower()}', svg)
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("bars", "pickup", "firsts"),
    [(1, 0, [1]), (32, 0, [1]), (32, Q, [0]), (33, 0, [1, 21]), (100, 0, [1, 29, 57, 85]), (70, Q, [0, 25, 49])],
)
def test_long_pieces_have_rows_that_begin_with_a_phrase(bars: int, pickup: int, firsts: list[int]) -> None:
    score = Score((Part((Note(0, pickup + bars * 4 * Q, 60),)),), pickup=pickup)
    found = list(rows.rows_of(score))
    assert [row.bars[0].number for row in found] == firsts
    assert [bar for row in found for bar in row.bars] == list(score.bars())
    assert all(a.bars[-1].end == b.start for a, b in pairwise(found))


def test_the_rows_of_a_huge_piece_are_bounded() -> None:
    score = Score((Part((Note(20_000 * 4 * Q, Q, 60),)),))
    assert len(list(rows.rows_of(score))) <= rows.MOST_ROWS


def test_the_pages_of_a_pdf_hold_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = seen(plots.contour, tune(300), monkeypatch)
    assert len(pages) > 1
    assert sum(count for count, _ in pages) == len(list(rows.rows_of(tune(300))))
    assert pages[0][1][0][0] == "1"
    assert all(int(first) % rows.PHRASE == 1 for _, named in pages for first, _ in named)


@pytest.mark.parametrize(
    ("key", "span", "most", "expected"),
    [
        (Key(0, 0), (60, 64), 20, ["C4", "D4", "E4"]),
        (Key(0, -3), (60, 68), 20, ["C4", "D4", "Eb4", "F4", "G4", "Ab4"]),
        (Key(0, 4), (60, 72), 20, ["C#4", "D#4", "E4", "F#4", "G#4", "A4", "B4"]),
        (Key(0, -7), (59, 60), 20, ["Cb4"]),
        (Key(0, -3, "minor"), (48, 72), 8, ["C3", "Eb3", "G3", "C4", "Eb4", "G4", "C5"]),
        (Key(0, 2), (40, 90), 5, ["D3", "D4", "D5", "D6"]),
    ],
)
def test_the_axis_names_notes_as_the_key_spells_them(
    key: Key, span: tuple[int, int], most: int, expected: list[str]
) -> None:
    assert list(rows.names(span, key, most).values()) == expected


def test_a_row_is_spelled_in_the_key_of_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROW_BARS", 4)
    score = tune(8, keys=(Key(0, 0), Key(16 * Q, -3)), meters=(Meter(),))
    assert [str(row.key) for row in rows.rows_of(score)] == ["C major", "Eb major"]


@both
def test_a_picture_of_many_rows_is_higher(plot: Plot) -> None:
    few, many = (imread(io.BytesIO(plot(tune(bars), "png"))) for bars in (32, 100))
    assert many.shape[1] <= few.shape[1]
    assert many.shape[0] > 2 * few.shape[0]


def test_a_loss_curve_repeats_to_the_byte_and_takes_what_there_is() -> None:
    curve = plots.loss_curve([4.0, 3.0, 2.5], [4.2, 3.5, 3.6], {"uniform": 6.0, "n-gram": 3.9})
    assert curve == plots.loss_curve([4.0, 3.0, 2.5], [4.2, 3.5, 3.6], {"uniform": 6.0, "n-gram": 3.9})
    assert curve != plots.loss_curve([4.0, 3.0, 2.5], [], {})
    assert plots.loss_curve([], [], {}).startswith(b"\x89PNG")


def test_a_baseline_far_above_does_not_press_the_curves_flat() -> None:
    """It stands in the legend alone: wherever it lies up there, the curves are drawn alike, and its figure differs."""
    import io

    from PIL import Image

    far, farther = (plots.loss_curve([4.0, 3.0], [4.2, 3.5], {"uniform": bits}) for bits in (13.0, 18.0))
    left = [Image.open(io.BytesIO(data)).convert("L").crop((0, 0, 500, 450)) for data in (far, farther)]
    assert left[0].tobytes() == left[1].tobytes()
    near = Image.open(io.BytesIO(plots.loss_curve([4.0, 3.0], [4.2, 3.5], {"uniform": 6.0}))).convert("L")
    assert near.crop((0, 0, 500, 450)).tobytes() != left[0].tobytes()


@both
def test_without_matplotlib_the_error_names_the_extra(plot: Plot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"tunesmith\[plot\]"):
        plot(tune())
