"""Score pictures: `.svg` and `.png`, engraved by Verovio from our own MusicXML, drawn as PNG by resvg.

One picture shows all systems, one below the other. Notes keep their MusicXML ids (`musicxml.note_ids`) as SVG ids.
The ids that Verovio makes up are seeded: the same score gives the same bytes.
`options.view == "roll"` asks for the piano roll instead (`plots`).
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from html import escape
from itertools import islice
from pathlib import Path

from tunesmith.errors import FormatError
from tunesmith.formats import WriteOptions, musicxml
from tunesmith.score import Score

WIDTH = 1600  # of a picture, in units and pixels
MAX_BARS = 2000  # more would take minutes to engrave, for a picture that nothing can show
MARGIN_SHARE = 23  # the margin is this part of the width
MAX_HEIGHT = 16_000  # of a PNG; a longer one is made narrower, so that its pixels stay under 100 MB
OPTIONS = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "none",  # it may cut long titles; ours are set below
    "pageHeight": 60_000,
    "pageMarginBottom": 20,
    "pageMarginTop": 40,
    "scale": 100,
    "smuflTextFont": "none",  # otherwise every picture carries the music font
    "svgFormatRaw": True,
    "svgRemoveXlink": True,
    "svgViewBox": True,
    "unit": 7.2,
}
FONTS = tuple(Path(__file__).parent / "fonts" / f"tinos-{style}.ttf" for style in ("regular", "italic", "bold"))
FONT_RANGES = ((0x0A, 0x17F), (0x218, 0x21B), (0x370, 0x45F), (0x2010, 0x203F), (0x266D, 0x266F))
TEXT_FAMILY = 'font-family="Times, serif"'
# The music font's accidentals inside text (SMuFL's figured bass) -> the signs that text fonts have
FLAT, NATURAL, SHARP = "\N{MUSIC FLAT SIGN}", "\N{MUSIC NATURAL SIGN}", "\N{MUSIC SHARP SIGN}"
ACCIDENTALS = {"\uea63": FLAT * 2, "\uea64": FLAT, "\uea65": NATURAL, "\uea66": SHARP, "\uea67": SHARP * 2}
TEMPO_LIFT = 100  # Verovio sets a metronome mark's note so low that it may touch the staff
SPACE_ADVANCE = 150  # thousandths of the font size


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a picture of a score; the ending of `path` says which kind.

    Raises:
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
        MissingExtra: a piano roll needs matplotlib.
    """
    kind = path.suffix.lower().removeprefix(".")
    if options.view == "roll":
        from tunesmith import plots

        path.write_bytes(plots.piano_roll(score, kind))
        return
    drawn = svg(score)
    if kind == "svg":
        about = f"<metadata>{escape(score.provenance, quote=False)}</metadata>" if score.provenance else ""
        path.write_bytes(drawn.replace(">", ">" + about, 1).encode())
    else:
        path.write_bytes(_with_text(png(drawn), score.provenance))


def _with_text(image: bytes, text: str) -> bytes:
    """A PNG with an iTXt chunk "tunesmith" after its header chunk. Source: PNG specification 1.2, section 4.2.3.3."""
    if not text:
        return image
    body = b"iTXt" + b"tunesmith\0\0\0\0\0" + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 25  # the signature, and the IHDR chunk
    return image[:header] + chunk + image[header:]


def svg(score: Score, width: int = WIDTH, heading: bool = True) -> str:
    """The score as one SVG document, `width` units wide, on nothing; `heading`: with title and composer.

    Raises:
        FormatError: MusicXML cannot hold the score, or it cannot be engraved.
    """
    if sum(1 for _ in islice(score.bars(), MAX_BARS + 1)) > MAX_BARS:
        raise FormatError(
            f"more than {MAX_BARS} bars are too many for a picture", fix="convert it to .musicxml or .mid"
        )
    pages = _engrave(musicxml.document(score).text, width)
    head, top = _heading(score.title, score.composer, width) if heading else ("", 0)
    placed = []
    for page in pages:
        across, height = _size(page)
        placed.append(page.replace("<svg ", f'<svg y="{top}" width="{across}" height="{height}" ', 1))
        top += height
    sizes = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {sizes} color="black">{head}{"".join(placed)}</svg>\n'


def png(drawn: str) -> bytes:
    """A picture of `svg` as PNG on white.

    Text is drawn with the fonts that come along; only characters they lack make the system's fonts be searched.
    """
    import resvg_py

    height = _size(drawn)[1]
    covered = all(any(low <= ord(c) <= high for low, high in FONT_RANGES) for c in set(drawn))
    image: bytes = resvg_py.svg_to_bytes(
        svg_string=drawn.replace(TEXT_FAMILY, 'font-family="Tinos, serif"'),
        width=WIDTH if height <= MAX_HEIGHT else max(1, int(WIDTH * MAX_HEIGHT / height)),
        background="white",
        skip_system_fonts=covered,
        font_files=[str(font) for font in FONTS],
        serif_family="Tinos",
    )
    return bytes(image)


@lru_cache(maxsize=4)
def _engrave(text: str, width: int) -> tuple[str, ...]:
    """MusicXML as SVG pages, `width` units wide; as a rule one page."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    # Verovio's default resource path exists only in the thread that imported it.
    toolkit = verovio.toolkit(False)
    toolkit.setResourcePath(str(_resources()))
    margin = width // MARGIN_SHARE
    sizes = {"pageWidth": width, "pageMarginLeft": margin, "pageMarginRight": margin}
    toolkit.setOptions(OPTIONS | sizes | {"xmlIdSeed": width})
    # Verovio prints a chord's degrees even where they are marked as not to be printed.
    if not toolkit.loadData(re.sub(r"<degree .*?</degree>", "", text, flags=re.DOTALL)):
        raise FormatError("the score cannot be engraved")
    pages = [toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1)]
    if not pages:
        raise FormatError("the score cannot be engraved")
    # Only ids of notes and rests, glyphs and the page itself (which its style sheet names) are of use.
    unused = r'(<(?:g|tspan)) id="(?!p\d+[nr]|E[0-9A-F]{3}-)[^"]*"'
    pages = [_with_text_glyphs(re.sub(unused, r"\1", page)) for page in pages]
    return tuple(_renamed(page, number) for number, page in enumerate(pages, 1))


def _renamed(page: str, number: int) -> str:
    """Verovio gives all pages one name, which its style sheet and glyphs go by; they share a picture here."""
    name = re.search(r'<svg [^>]*id="(\w+)"', page)
    return re.sub(rf"\b{name[1]}\b", f"{name[1]}-{number}", page) if name and number > 1 else page


def _resources() -> Path:
    import verovio

    return Path(verovio.__file__).parent / "data"


def _size(drawn: str) -> tuple[int, int]:
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn)
    if not found:
        raise FormatError("the score cannot be engraved")
    return int(found[1]), int(found[2])


def _heading(title: str, composer: str, width: int) -> tuple[str, int]:
    """Title and composer as SVG text, and the height they take."""
    lines, top, margin = [], 0, width // MARGIN_SHARE
    for text, size, x, anchor in ((title, 44, width // 2, "middle"), (composer, 24, width - margin, "end")):
        if text:
            # a letter is about half as wide as high; what would be too small to read is cut
            longest = 4 * (width - 2 * margin) // size
            text = text if len(text) <= longest else text[: longest - 3] + "..."  # noqa: PLW2901 - the text shown
            fitting = min(size, 2 * (width - 2 * margin) // len(text))
            top += fitting + 24
            style = f'{TEXT_FAMILY} font-size="{fitting}px" fill="currentColor"'
            shown = escape("".join(c if c.isprintable() else " " for c in text))
            lines.append(f'<text x="{x}" y="{top}" text-anchor="{anchor}" {style}>{shown}</text>')
    return "".join(lines), top


def _with_text_glyphs(page: str) -> str:
    """Music signs inside text, as shapes at its start (metronome marks) or as Unicode characters (chord symbols).

    The music font itself would have to be installed, or carried in every picture.
    """
    start = r'<text x="(\d+)" y="(\d+)" font-size="0px">((?:<tspan[^>]*>)*)'
    glyphs = r'<tspan font-family="Leipzig" font-size="(\d+)px">([^<]+)</tspan>'
    page = re.sub(start + glyphs, _metronome, page)

    def accidental(found: re.Match[str]) -> str:
        signs = "".join(ACCIDENTALS.get(c, "") for c in found[2])
        return f'<tspan font-size="{int(found[1]) * 9 // 16}px">{signs}</tspan>'

    return re.sub(glyphs, accidental, page)


def _metronome(found: re.Match[str]) -> str:
    x, y, size = float(found[1]), int(found[2]) - TEMPO_LIFT, int(found[4])
    if any(c in ACCIDENTALS for c in found[5]):
        return found[0]
    shapes = []
    for c in found[5]:
        outline, advance = _glyph(f"{ord(c):04X}")
        if outline:
            shapes.append(f'<g transform="translate({x:.0f}, {y}) scale({size / 1000})">{outline}</g>')
        x += advance * size / 1000
    return f'{"".join(shapes)}<text x="{x:.0f}" y="{y}" font-size="0px">{found[3]}'


@lru_cache(maxsize=64)
def _glyph(code: str) -> tuple[str, int]:
    """The outline and advance of a glyph of Verovio's music font; a space where it has none."""
    file = _resources() / "Leipzig" / f"{code}.xml"
    listed = re.search(rf'c="{code}"[^>]*h-a-x="(\d+)"', (_resources() / "Leipzig.xml").read_text("utf-8"))
    path = re.search(r"<path [^>]*/>", file.read_text("utf-8")) if file.exists() else None
    return (path[0], int(listed[1])) if path and listed else ("", SPACE_ADVANCE)
