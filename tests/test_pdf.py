"""Scores as PDF: every page and word there, fonts inside, the same bytes; and long scores, engraved in sections."""

from __future__ import annotations

import base64
import re
import sys
import xml.etree.ElementTree as ET
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tunesmith import api, formats
from tunesmith.errors import FormatError, MissingExtra, RequestError
from tunesmith.formats import WriteOptions, musicxml
from tunesmith.formats.picture import engraver, heading, outline, paper, sections, sheet, signs
from tunesmith.formats.picture.walker import Walker
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score, Tempo

Q = TPQ
LONG_TITLE = "The Ballad of the Old Mill by the River and of Those Who Lived There, in Nine Verses, as Sung"


def tune(bars: int = 4, **changes: object) -> Score:
    notes = tuple(Note(n * Q, Q, 60 + n % 9) for n in range(4 * bars))
    return Score((Part(notes, "Flute", 73),), title="A Tune", composer="Someone", tempos=(Tempo(0, 90.0),)).replace(
        **changes
    )


def pdf(score: Score) -> bytes:
    return paper.pdf(score).data


def ensemble(parts: int, bars: int) -> Score:
    notes = [tuple(Note(n * Q, Q, 72 - p + n % 5) for n in range(4 * bars)) for p in range(parts)]
    return Score(tuple(Part(own, f"Voice {p}") for p, own in enumerate(notes, 1)), meters=(Meter(),))


# A small reader of the PDFs that reportlab writes: ISO 32000-1:2008 --------------------------------------------


@dataclass(frozen=True)
class Read:
    """The objects of a PDF by number, as text with their streams decoded."""

    objects: dict[int, str]

    @classmethod
    def of(cls, data: bytes) -> Read:
        assert data.startswith(b"%PDF-")
        assert data.rstrip().endswith(b"%%EOF")
        found = {int(m[1]): cls._decoded(m[2]) for m in re.finditer(rb"(?m)^(\d+) 0 obj\s(.*?)endobj", data, re.DOTALL)}
        return cls(found)

    @staticmethod
    def _decoded(body: bytes) -> str:
        head, stream, rest = body.partition(b"stream\n")
        if not stream:
            return body.decode("latin-1")
        content = rest.rpartition(b"endstream")[0].strip()
        if b"ASCII85Decode" in head:
            content = (
                base64.a85decode(content, adobe=content.startswith(b"<~"))
                if content[:2] == b"<~"
                else (base64.a85decode(content.removesuffix(b"~>")))
            )
        content = zlib.decompress(content) if b"FlateDecode" in head else content
        return head.decode("latin-1") + "stream\n" + content.decode("latin-1")

    def number(self, text: str, key: str) -> int:
        found = re.search(rf"/{key} (\d+) 0 R", text)
        assert found, (key, text[:200])
        return int(found[1])

    @property
    def pages(self) -> list[str]:
        """The content of every page, in order."""
        (tree,) = (o for o in self.objects.values() if "/Type /Pages" in o)
        kids = re.search(r"/Kids \[([^]]*)\]", tree)
        assert kids
        numbers = [int(n) for n in re.findall(r"(\d+) 0 R", kids[1])]
        return [self.objects[self.number(self.objects[n], "Contents")] for n in numbers]

    @property
    def sizes(self) -> set[tuple[float, ...]]:
        boxes = [re.search(r"/MediaBox \[([^]]*)\]", o) for o in self.objects.values() if "/Type /Page\n" in o]
        return {tuple(float(n) for n in box[1].split()) for box in boxes if box}

    @property
    def fonts(self) -> list[str]:
        return [o for o in self.objects.values() if "/Type /Font\n" in o or re.search(r"/Type /Font\s", o)]

    def maps(self) -> dict[str, dict[int, str]]:
        """The name of each font in content -> its codes' characters."""
        found = {}
        for text in self.objects.values():
            for name, number in re.findall(r"/(F\d+\+\d+) (\d+) 0 R", text):
                table = self.objects[self.number(self.objects[int(number)], "ToUnicode")]
                found[name] = {int(a, 16): chr(int(b, 16)) for a, b in re.findall(r"<(\w\w)> <(\w{4})>", table)}
        return found

    def words(self, page: int) -> str:
        """The text of a page as it would be copied; each text object on a line."""
        maps, lines = self.maps(), []
        for block in re.findall(r"BT (.*?) ET", self.pages[page], re.DOTALL):
            line, font, replaced = "", "", False
            tokens = r"/(F\d+\+\d+) \S+ Tf|\(((?:\\.|[^\\)])*)\) Tj|ActualText <FEFF(\w+)>|(EMC)"
            for name, text, actual, end in re.findall(tokens, block, re.DOTALL):
                if name:
                    font = name
                elif actual:
                    line, replaced = line + bytes.fromhex(actual).decode("utf-16-be"), True
                elif end:
                    replaced = False
                elif not replaced:
                    line += "".join(maps[font][code] for code in unescaped(text))
            lines.append(line)
        return "\n".join(lines)


def unescaped(text: str) -> bytes:
    """The bytes of a PDF string."""
    named = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 8)) if found[1][0].isdigit() else named.get(found[1], found[1])

    return re.sub(r"\\([0-7]{1,3}|.)", plain, text, flags=re.DOTALL).encode("latin-1")


# -----------------------------------------------------------------------------------------------------------------


def test_the_words_are_text_in_embedded_fonts() -> None:
    read = Read.of(pdf(tune(16, title=LONG_TITLE)))
    words = read.words(0)
    for word in (*LONG_TITLE.split(), "Someone", "Flute", "= 90"):
        assert word in words.replace("\n", " "), words
    assert "  " not in words
    embedded = [o for o in read.objects.values() if "/Type /FontDescriptor" in o]
    assert embedded
    assert all("/FontFile2 " in o for o in embedded)
    assert len(read.fonts) == len(embedded), "a font is named that is not in the file"
    for descriptor in embedded:
        font = read.objects[read.number(descriptor, "FontFile2")]
        assert font.partition("stream\n")[2].encode("latin-1")[:4] == b"\0\1\0\0", "TrueType"


def test_the_same_score_gives_the_same_bytes() -> None:
    first = pdf(tune(40, provenance='{"seed": 7}'))
    engraver._engraver.close()
    assert pdf(tune(40, provenance='{"seed": 7}')) == first
    assert pdf(tune(40, provenance='{"seed": 8}')) != first


def test_it_says_what_it_is_and_how_it_was_made() -> None:
    score = tune(title="Étude (à 2) \\ №", composer="Å. B.", provenance='{"seed": 7}')
    data = pdf(score)
    read = Read.of(data)
    (about,) = (o for o in read.objects.values() if "/Producer" in o)
    told = dict(re.findall(r"/(\w+) \(((?:\\.|[^\\)])*)\)", about))
    assert set(told) >= {"Title", "Author", "Keywords", "Creator"}
    title, author = (unescaped(told[key]) for key in ("Title", "Author"))
    assert title.decode("utf-16").removeprefix("\ufeff") == score.title
    assert author.decode("latin-1") == score.composer or author.decode("utf-16") == score.composer
    assert unescaped(told["Keywords"]).decode("latin-1") == score.provenance
    assert told["Creator"].startswith("Tunesmith")


@pytest.mark.parametrize(("name", "size"), [("a4", (595.3, 841.9)), ("letter", (612.0, 792.0))])
def test_paper_sizes(name: str, size: tuple[float, float], tmp_path: Path) -> None:
    formats.write(tune(), tmp_path / "a.pdf", WriteOptions(paper=name))
    ((_, _, width, height),) = Read.of((tmp_path / "a.pdf").read_bytes()).sizes
    assert (width, height) == pytest.approx(size, abs=0.1)


def test_papers_are_those_that_can_be_asked_for() -> None:
    assert tuple(sheet.PAPERS) == api.PAPERS
    with pytest.raises(RequestError, match="unknown paper 'a5'"):
        api.save(tune(), "a.pdf", WriteOptions(paper="a5"))


def test_a_long_score_has_numbered_pages_and_one_heading() -> None:
    read = Read.of(pdf(ensemble(4, 60).replace(title="Quartet")))
    pages = [read.words(n).splitlines() for n in range(len(read.pages))]
    assert len(pages) >= 3
    assert ["Quartet" in page for page in pages] == [True] + [False] * (len(pages) - 1)
    assert [page[-1] for page in pages[1:]] == [str(n) for n in range(2, len(pages) + 1)]
    bars = [int(word) for page in pages for word in page if word.isdigit() and word != page[-1]]
    assert bars == sorted(set(bars)), "every system but the first begins with the number of its bar"
    assert len(bars) > len(pages)


@pytest.mark.parametrize(
    "text",
    ["日本の歌", "שיר", "\U0001d11e song", "e\u0301tude", "a\x07b", "-" * 3000, "word " * 500, "(((\\", "</text>&amp;"],
)
def test_any_title_and_composer_can_be_written(text: str) -> None:
    read = Read.of(pdf(tune(title=text, composer=text)))
    assert len(read.pages) == 1
    words = read.words(0).replace("\n", "")
    start = text.replace("e\u0301", "é").replace("\x07", " ")[:20]
    assert start in words


def test_a_character_that_no_font_has_is_seen_and_copied() -> None:
    read = Read.of(pdf(tune(title="A 歌 B", composer="")))
    assert "A 歌 B" in read.words(0).splitlines()
    (span,) = re.findall(r"/ActualText <FEFF6B4C>>> BDC (.*?) EMC", read.pages[0], re.DOTALL)
    assert "Tj" in span, "something is drawn in its place"


def test_chord_symbols_are_text_with_their_accidentals() -> None:
    chords = (Chord(0, 4 * Q, 10, 4), Chord(4 * Q, 4 * Q, 3, 8))
    words = Read.of(pdf(tune(chords=chords, keys=(Key(0, -3),)))).words(0).splitlines()
    assert "B\N{MUSIC FLAT SIGN}7" in "".join(words)
    assert "E\N{MUSIC FLAT SIGN}m7b5" in "".join(words)


def test_everything_lies_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[tuple[float, float]] = []
    draw = Walker.draw

    def spying(self: Walker, page: str) -> None:
        on_paper, inside = ((int(w), int(h)) for w, h in re.findall(r'viewBox="0 0 (\d+) (\d+)"', page)[:2])
        across, down = (n // 10 for n in inside)
        assert (across, down) == on_paper, "the engraver did not make the page higher"
        for x, y in re.findall(r"<use [^>]*translate\((-?\d+), (-?\d+)\)", page):
            assert -paper.MARGIN * 10 <= int(x) <= (across - paper.MARGIN) * 10
            assert -paper.MARGIN * 10 <= int(y) <= (down - paper.MARGIN) * 10
            places.append((int(x), int(y)))
        draw(self, page)

    monkeypatch.setattr(Walker, "draw", spying)
    for parts in (1, 5, 12, 30, 45):
        before = len(places)
        pdf(ensemble(parts, 3))
        assert len(places) - before >= parts * 12


def test_what_does_not_fit_is_printed_smaller_or_on_larger_paper_and_that_is_told(tmp_path: Path) -> None:
    assert formats.write(ensemble(30, 2), tmp_path / "a.pdf") == ()
    ((_, _, width, height),) = Read.of((tmp_path / "a.pdf").read_bytes()).sizes
    assert (width, height) == pytest.approx((595.3, 841.9), abs=0.1)
    (remark,) = formats.write(ensemble(45, 2), tmp_path / "b.pdf", WriteOptions(paper="letter"))
    ((_, _, width, height),) = Read.of((tmp_path / "b.pdf").read_bytes()).sizes
    assert (width, height) == pytest.approx((792, 1224), abs=0.1)
    assert str(remark) == (
        f"{tmp_path / 'b.pdf'}: a system of 45 staves does not fit on letter: the pages are tabloid; "
        "print it smaller, or take parts out"
    )


def test_sheets_are_tried_from_the_usual_one_to_the_largest() -> None:
    usual = sheet.Sheet.first("a4", 20)
    assert (usual.name, usual.zoom, usual.remark()) == ("A4", 1.0, None)
    smaller = usual.after(0.8)
    assert (smaller.name, smaller.zoom) == ("A4", pytest.approx(0.8 * sheet.SPARE))
    larger = smaller.after(0.8)
    assert larger.name == "A3"
    assert larger.staff * larger.zoom >= sheet.LEAST_STAFF
    assert sheet.Sheet.first("a4", 70).name == "A2", "what must be too small is not tried"
    (largest, least) = (sheet.Sheet.first("letter", 500), sheet.Sheet.first("letter", 500).after(0.5))
    assert largest.name == least.name == "ANSI D"
    assert least.zoom < largest.zoom
    remark = least.remark()
    assert remark is not None
    assert "too high for print: on ANSI D, 0." in str(remark)
    while not least.last:
        least = least.after(0.9)
    assert least.tries == sheet.MOST_TRIES


def test_where_all_tries_have_failed_the_engraver_shrinks_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_TRIES", 1)
    monkeypatch.setattr(sheet, "LEAST_DISTANCE", 0.1)
    drawn: list[str] = []
    draw = Walker.draw
    monkeypatch.setattr(Walker, "draw", lambda self, page: (drawn.append(page), draw(self, page)))
    read = Read.of(pdf(ensemble(45, 2)))
    share = paper.fitting(drawn[0])
    assert share < 0.9
    places = re.findall(r"(\S+) 0 0 \1 (\S+) (\S+) cm", read.pages[0])
    scale, left, top = next(place for place in places if float(place[0]) != 1)
    assert float(scale) == pytest.approx(0.1 * share, rel=0.01)
    assert float(left) == pytest.approx(2100 * (1 - share) / 2, rel=0.01), "in the middle"
    assert float(top) == pytest.approx(0, abs=1)


def test_many_credits_take_lines_of_full_size() -> None:
    credits = [f"Somebody the {n}th of Somewhere Else" for n in range(9)]
    read = Read.of(pdf(tune(composer="; ".join(credits))))
    lines = [line for line in read.words(0).splitlines() if "Somebody" in line]
    assert 2 < len(lines) <= heading.COMPOSER_LINES
    assert [line.endswith(";") for line in lines] == [True] * (len(lines) - 1) + [False]
    assert " ".join(lines) == "; ".join(credits)
    assert read.pages[0].count(" 12 Tf") == len(lines), "in full size"


def test_an_empty_score_has_a_page() -> None:
    assert len(Read.of(pdf(Score())).pages) == 1


def test_without_reportlab_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in sys.modules if n.startswith("reportlab") or n.endswith((".lettering", ".walker"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(MissingExtra, match=r"reportlab, which PDF needs, is not installed; .*tunesmith\[pdf\]"):
        formats.write(tune(), tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()


def test_what_cannot_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraver, "_engraver", Odd())
    monkeypatch.setattr(
        sections, "engrave", lambda text, options: ('<svg viewBox="0 0 9 9"><path d="M0 0 A1 2"/></svg>',)
    )
    with pytest.raises(FormatError, match="cannot be drawn"):
        pdf(tune())


class Odd:
    """Stands where an engraver would; nothing may ask it."""


# Sections --------------------------------------------------------------------------------------------------------


def piece_of(score: Score) -> sections.Piece:
    return sections.Piece.of(signs.without_degrees(musicxml.document(score).text))


PAGE = {**paper.OPTIONS, **paper._size(sheet.Sheet("a4", 1)), "pageHeight": 1500, "unit": 8}


def found_ids(pages: list[str]) -> list[str]:
    return [i for page in pages for i in re.findall(r' id="(p\d+n[-\d]+)"', page)]


def changing() -> Score:
    """Two parts whose clefs, key and meter change under way."""
    notes = tuple(Note(n * Q, Q, 60 + n % 9) for n in range(240))
    low = tuple(Note(n * Q, Q, 40 + n % 9 + (24 if 100 < n < 140 else 0)) for n in range(240))
    return Score(
        (Part(notes, "High"), Part(low, "Low")),
        meters=(Meter(0, 4, 4), Meter(80 * Q, 3, 4), Meter(170 * Q, 4, 4)),
        keys=(Key(0, 0), Key(80 * Q, -3), Key(170 * Q, 2)),
    )


@pytest.mark.parametrize("score", [changing(), tune(71, pickup=Q)], ids=["changing", "pickup"])
def test_sections_give_the_pages_of_the_whole(score: Score) -> None:
    piece = piece_of(score)
    size = sum(len(measure) for part in piece.measures for measure in part)
    whole = list(sections.pages(piece, PAGE))
    parted = list(sections.pages(piece, PAGE, size // 3))
    assert len(whole) > 2
    assert [found_ids([page]) for page in parted] == [found_ids([page]) for page in whole]

    def drawn(page: str) -> list[str]:
        """All signs by name: clefs, keys, meters, notes, accidentals; and the bar numbers."""
        return [*re.findall(r'href="#(E\w{3})', page), *re.findall(r'class="mNum".*?>(\d+)<', page)]

    assert [drawn(page) for page in parted] == [drawn(page) for page in whole]


def test_sections_are_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def spying(text: str, options: engraver.Options) -> tuple[str, ...]:
        sizes.append(len(text))
        return engraver.engrave(text, options)

    monkeypatch.setattr(sections, "engrave", spying)
    piece = piece_of(tune(200))
    pages = list(sections.pages(piece, PAGE, 50_000))
    assert len(sizes) > 3
    assert max(sizes) < 50_000 + 3000
    assert found_ids(pages) == [f"p1n{n}" for n in range(1, 801)]
    systems = [page.count('class="system"') for page in pages]
    assert set(systems[:-1]) == {systems[0]}, "every page but the last is full"


def test_a_section_that_does_not_fill_a_page_grows() -> None:
    pages = list(sections.pages(piece_of(tune(80)), PAGE, 1000))
    assert found_ids(pages) == [f"p1n{n}" for n in range(1, 321)]
    assert len(pages) == 3


def test_a_section_states_what_is_in_force() -> None:
    piece = piece_of(changing())
    restated = [ET.fromstring(sections._restated(part, 30)) for part in piece.measures]
    for measure in restated:
        attributes = measure.find("attributes")
        assert attributes is not None
        assert [e.tag for e in attributes] == ["divisions", "key", "time", "clef"]
        assert attributes.findtext("key/fifths") == "-3"
        assert (attributes.findtext("time/beats"), attributes.find("time").get("print-object")) == ("3", "no")
        assert len(measure.findall("attributes")) == 1


def test_a_system_counts_its_staves() -> None:
    piano = Part((Note(0, Q, 40), Note(0, Q, 80)), "Piano", 0)
    assert piece_of(ensemble(3, 1)).staves == 3
    assert piece_of(Score((piano,))).staves == musicxml.document(Score((piano,))).text.count("<sign>")


# Path data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M1 2 L3 4", [("M", (1, 2)), ("L", (3, 4))]),
        ("m1 2 3 4 5 6z", [("M", (1, 2)), ("L", (4, 6)), ("L", (9, 12)), ("Z", ())]),
        ("M1,2H5V-3h-1v.5", [("M", (1, 2)), ("L", (5, 2)), ("L", (5, -3)), ("L", (4, -3)), ("L", (4, -2.5))]),
        ("M0 0c1 1 2 1 3 0s2-1 3 0", [("M", (0, 0)), ("C", (1, 1, 2, 1, 3, 0)), ("C", (4, -1, 5, -1, 6, 0))]),
        ("M0 0S2-1 3 0", [("M", (0, 0)), ("C", (0, 0, 2, -1, 3, 0))]),
        ("M0 0Q3 3 6 0T12 0", [("M", (0, 0)), ("C", (2, 2, 4, 2, 6, 0)), ("C", (8, -2, 10, -2, 12, 0))]),
        ("M5 5l1 0 0 1zl1 1", [("M", (5, 5)), ("L", (6, 5)), ("L", (6, 6)), ("Z", ()), ("L", (6, 6))]),
        ("M1e1-2E0", [("M", (10, -2))]),
    ],
)
def test_path_data(data: str, expected: list[outline.Step]) -> None:
    found = list(outline.steps(data))
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    for (_, numbers), (_, others) in zip(found, expected, strict=True):
        assert numbers == pytest.approx(others)


@pytest.mark.parametrize("data", ["M0 0A1 1 0 0 1 2 2", "M0 0L1", "M0 0 C1 2 3"])
def test_path_data_that_is_not_known(data: str) -> None:
    with pytest.raises(ValueError, match="path command"):
        list(outline.steps(data))


def test_the_glyphs_of_the_music_font_are_closed_shapes() -> None:
    page = engraver.engrave(musicxml.document(tune()).text, PAGE)[0]
    outlines = re.findall(r'<g id="E\w+-\w+"><path[^>]* d="([^"]+)"', page)
    assert len(outlines) >= 3
    for data in outlines:
        kinds = [kind for kind, _ in outline.steps(data)]
        assert kinds[0] == "M"
        assert all(after == "M" for kind, after in pairwise(kinds) if kind == "Z")
