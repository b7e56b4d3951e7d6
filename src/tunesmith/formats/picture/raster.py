"""The score as a PNG picture, drawn from SVG by resvg, and text inside PNG files."""

from __future__ import annotations

import struct
import zlib

from tunesmith.formats.picture.fonts import FONT_RANGES, FONTS
from tunesmith.formats.picture.scroll import TEXT_FAMILY, WIDTH, size

MAX_HEIGHT = 16_000  # of a PNG; a longer one is made narrower, so that its pixels stay under 100 MB


def png(drawn: str) -> bytes:
    """A picture of `svg` as PNG on white.

    Text is drawn with the fonts that come along; only characters they lack make the system's fonts be searched.
    """
    import resvg_py

    height = size(drawn)[1]
    covered = all(any(low <= ord(c) <= high for low, high in FONT_RANGES) for c in set(drawn))
    image: bytes = resvg_py.svg_to_bytes(
        svg_string=drawn.replace(TEXT_FAMILY, 'font-family="Tinos, serif"'),
        width=WIDTH if height <= MAX_HEIGHT else max(1, int(WIDTH * MAX_HEIGHT / height)),
        background="white",
        skip_system_fonts=covered,
        font_files=[str(font) for font in FONTS.values()],
        serif_family="Tinos",
    )
    return bytes(image)


def with_text(image: bytes, text: str) -> bytes:
    """A PNG with an iTXt chunk "tunesmith" after its header chunk. Source: PNG specification 1.2, section 4.2.3.3."""
    if not text:
        return image
    body = b"iTXt" + b"tunesmith\0\0\0\0\0" + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 25  # the signature, and the IHDR chunk
    return image[:header] + chunk + image[header:]
