"""Score pictures: what must be in them, that they draw everything, and that they repeat to the byte."""

from __future__ import annotations

import io
import threading
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from tunesmith import api, formats
from tunesmith.errors import FormatError
from tunesmith.formats import WriteOptions, musicxml, picture
from tunesmith.formats.picture import engraver, heading, raster, scroll
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score, Tempo

Q = TPQ
INK = 0.5  # darker than this is ink


def tune(bars: int = 4, **changes: object) -> Score:
    notes = tuple(Note(n * Q, Q, 60 + n % 9) for n in range(4 * bars))
    return Score((Part(notes, "Flute", 73),), title="A Tune", composer="Someone", tempos=(Tempo(0, 90.0),)).replace(
        **changes
    )


def pixels(png: bytes) -> NDArray[np.float32]:
    """The brightness of every pixel, 0 to 1: (height, width)."""
    image: NDArray[np.float32] = imread(io.BytesIO(png))
    return image[..., :3].mean(-1)


def test_every_note_has_its_place_in_the_picture() -> None:
    score = tune(9, meters=(Meter(0, 3, 4),))
    ids = {element.get("id") for element in ET.fromstring(picture.svg(score)).iter()}
    named = {i for part in musicxml.note_ids(score) for note in part for i in note}
    assert named <= ids


def test_the_same_score_gives_the_same_picture() -> None:
    first = picture.svg(tune())
    engraver.engrave_once.cache_clear()
    assert picture.svg(tune()) == first
    assert picture.png(first) == picture.png(first)


def test_a_picture_can_be_made_in_another_thread() -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(picture.svg(tune(3))))
    thread.start()
    thread.join()
    assert found[0].count('class="measure"') == 3


def test_title_and_composer_are_told_and_escaped() -> None:
    root = ET.fromstring(picture.svg(tune(title="Fish & <Chips>", composer="\x07Me")))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Fish & <Chips>" in texts
    assert " Me" in texts


def texts(svg: str) -> list[tuple[str, str]]:
    """The lines of the heading and their sizes."""
    return [
        (t.get("font-size", ""), t.text or "") for t in ET.fromstring(svg).findall("{http://www.w3.org/2000/svg}text")
    ]


def test_long_titles_and_many_credits_take_lines_of_full_size() -> None:
    credits = [f"Somebody the {n}th of Somewhere" for n in range(9)]
    title = "The Ballad of the Old Mill by the River and of Those Who Lived There, in Nine Verses, as Sung"
    found = texts(picture.svg(tune(title=title, composer="; ".join(credits))))
    titles, composers = ([line for size, line in found if size == f"{n}px"] for n in (scroll.TITLE, scroll.COMPOSER))
    assert " ".join(titles) == title
    assert " ".join(composers) == "; ".join(credits)
    assert len(titles) == 2
    assert len(composers) > 2
    assert all(line.endswith(";") for line in composers[:-1])


@pytest.mark.parametrize("text", ["word " * 500, "W" * 3000, "歌" * 900, "a; " * 900, ";" * 900, "; ; ;"])
def test_any_heading_is_of_a_few_lines_that_fit(text: str) -> None:
    found = texts(picture.svg(tune(title=text, composer=text)))
    assert len(found) <= heading.TITLE_LINES + heading.COMPOSER_LINES
    for size, line in found:
        assert scroll._fits(line, picture.WIDTH / int(size.removesuffix("px")))
    assert found[-1][1].endswith("...") == (len(text) > 9)


def test_music_signs_in_text_need_no_music_font() -> None:
    chords = (Chord(0, Q, 10, 0), Chord(Q, Q, 6, 0))
    svg = picture.svg(tune(chords=chords, keys=(Key(0, -1),)))
    assert "Leipzig" not in svg
    assert "\N{MUSIC FLAT SIGN}" in svg
    assert not any("\ue000" <= c <= "\uf8ff" for c in svg)  # private use: SMuFL


def test_a_png_is_wide_white_and_has_its_text() -> None:
    with_text = pixels(picture.png(picture.svg(tune())))
    without = pixels(picture.png(picture.svg(tune(), heading=False)))
    assert with_text.shape[1] == picture.WIDTH
    assert with_text[0].min() == 1.0
    assert (with_text < INK).sum() > (without < INK).sum() + 500  # the letters
    top = with_text[: len(with_text) - len(without)]
    assert (top < INK).any(1).sum() > 20  # rows of the title


def test_bars_in_which_all_rest_are_drawn_with_their_chords() -> None:
    chords = tuple(Chord(bar * 4 * TPQ, 4 * TPQ, 0, 0) for bar in range(40))
    drawn = scroll.svg(Score((Part((Note(0, TPQ, 60),)), Part((Note(0, TPQ, 48),))), chords=chords))
    assert drawn.count('class="measure"') == 40


def test_a_flat_in_a_chord_symbol_is_drawn() -> None:
    plain, flat = (tune(chords=(Chord(0, Q, root, 0),), keys=(Key(0, -1),)) for root in (11, 10))
    svg = picture.svg(flat)
    hidden = svg.replace("\N{MUSIC FLAT SIGN}", "")
    assert (pixels(picture.png(svg)) < INK).sum() > (pixels(picture.png(hidden)) < INK).sum() + 20
    assert "\N{MUSIC FLAT SIGN}" not in picture.svg(plain)


def test_a_very_long_score_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "MAX_HEIGHT", 1000)
    assert pixels(picture.png(picture.svg(tune(40)))).shape[0] <= 1001


def test_more_than_one_page_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scroll.OPTIONS, "pageHeight", 700)
    svg = picture.svg(tune(40))
    ids = [element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")]
    assert svg.count('class="definition-scale"') > 1
    assert len(ids) == len(set(ids))
    assert sum(str(i).startswith("p1n") for i in ids) == 160


@pytest.mark.parametrize("view", api.VIEWS)
def test_every_ending_and_every_view(view: str, tmp_path: Path) -> None:
    for ending in ("svg", "png", "pdf"):
        formats.write(tune(), tmp_path / f"a.{ending}", WriteOptions(view=view))
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_an_empty_score_has_a_picture() -> None:
    assert 'class="measure"' in picture.svg(Score())


def test_pictures_carry_what_the_piece_says_of_its_making(tmp_path):
    piece = Score((Part((Note(0, TPQ, 60),)),), provenance='{"seed": 7, "note": "<a & b>"}')
    formats.write(piece, tmp_path / "a.svg")
    formats.write(piece, tmp_path / "a.png")
    root = ET.fromstring((tmp_path / "a.svg").read_text("utf-8"))
    assert root.findtext("{http://www.w3.org/2000/svg}metadata") == piece.provenance
    image = (tmp_path / "a.png").read_bytes()
    length = int.from_bytes(image[33:37], "big")
    assert image[37:41] == b"iTXt"
    assert image[41 : 41 + length] == b"tunesmith\0\0\0\0\0" + piece.provenance.encode()
    assert zlib.crc32(image[37 : 41 + length]) == int.from_bytes(image[41 + length : 45 + length], "big")


def test_a_picture_of_thousands_of_bars_is_refused(tmp_path):
    with pytest.raises(FormatError, match="2000 bars"):
        formats.write(Score((Part((Note(20_000 * 4 * TPQ, TPQ, 60),)),)), tmp_path / "a.svg")
