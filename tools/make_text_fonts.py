"""Make the fonts that text in score pictures is drawn with: `python tools/make_text_fonts.py [TARBALL]`.

Source: Tinos (SIL Open Font License 1.1, no reserved name), made to the widths of Times, which the engraver
reckons with; from the npm package below, fetched with `npm pack` unless the tarball is given. Needs fontTools.
Kept: Latin, Greek and Cyrillic without kerning and hints. Added: the flat, natural and sharp of the engraver's
own music font, Leipzig (SIL Open Font License 1.1). The same bytes every time.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import verovio
from fontTools import subset
from fontTools.merge import Merger
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path
from fontTools.ttLib import TTFont

PACKAGE = "@fontsource/tinos@5.3.0"
FOLDER = Path(__file__).parents[1] / "src/tunesmith/formats/fonts"
STYLES = {"regular": "400-normal", "italic": "400-italic", "bold": "700-normal"}
SCRIPTS = ("latin", "latin-ext", "greek", "cyrillic")
KEPT = [*range(0x20, 0x180), 0x218, 0x219, 0x21A, 0x21B, *range(0x370, 0x460), *range(0x2010, 0x2040), 0x20AC, 0x2122]
ACCIDENTALS = {0x266D: "E260", 0x266E: "E261", 0x266F: "E262"}
TIMESTAMP = 3_800_000_000  # seconds since 1904: any fixed one
LEIPZIG = Path(verovio.__file__).parent / "data" / "Leipzig"


def fetch() -> bytes:
    """The package's tarball."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True)
        return next(Path(folder).glob("*.tgz")).read_bytes()


def without_extras(data: bytes) -> bytes:
    """One script's font, cut to the characters that are kept, as TrueType."""
    font = TTFont(io.BytesIO(data))
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14]
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=KEPT)
    cutter.subset(font)
    font.flavor = None
    for table in ("GSUB", "GPOS", "GDEF", "STAT", "MVAR", "DSIG", "gasp"):
        if table in font:
            del font[table]
    result = io.BytesIO()
    font.save(result, reorderTables=False)
    return result.getvalue()


def add_accidental(font: TTFont, code: int, source: str) -> None:
    """Copy one of Leipzig's glyphs, sized to stand beside a capital."""
    svg = (LEIPZIG / f"{source}.xml").read_text()
    path = re.search(r' d="([^"]+)"', svg)
    listed = re.search(rf'c="{source}"[^>]*h-a-x="(\d+)"', (LEIPZIG.parent / "Leipzig.xml").read_text())
    assert path and listed
    size = font["head"].unitsPerEm / 1000 * 1.35
    pen = TTGlyphPen(None)
    parse_path(path[1], TransformPen(Cu2QuPen(pen, 1.0, reverse_direction=True), (size, 0, 0, size, 60, 330)))
    name = f"uni{code:04X}"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name] = pen.glyph()
    font["hmtx"][name] = (round(int(listed[1]) * size) + 120, 60)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[code] = name


def main() -> None:
    """Write the fonts and their licence."""
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else fetch()
    FOLDER.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive, tempfile.TemporaryDirectory() as folder:

        def member(name: str) -> bytes:
            file = archive.extractfile(f"package/{name}")
            assert file is not None
            return file.read()

        for style, cut in STYLES.items():
            files = []
            for script in SCRIPTS:
                files.append(str(Path(folder) / f"{style}-{script}.ttf"))
                Path(files[-1]).write_bytes(without_extras(member(f"files/tinos-{script}-{cut}.woff")))
            font = Merger().merge(files)
            for code, source in ACCIDENTALS.items():
                add_accidental(font, code, source)
            font.recalcTimestamp = False
            font["head"].created = font["head"].modified = TIMESTAMP
            font.save(FOLDER / f"tinos-{style}.ttf")
        (FOLDER / "LICENSE-Tinos.txt").write_bytes(member("LICENSE"))


if __name__ == "__main__":
    main()
