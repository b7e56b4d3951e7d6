"""A Humdrum file as text: its encoding, and what its reference records (`!!!OTL: title`) say."""

from __future__ import annotations

import codecs
import re

from tunesmith.errors import FormatError

_RECORD = re.compile(r"!!!([A-Z]{3}\d?)(@{0,2})([A-Za-z-]*): *(.*\S)")
_ENTITY = {"&amp;": "&", "&colon;": ":", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&apos;": "'", "&nbsp;": " "}
MOST_RECORDS = 10_000


def decode(data: bytes) -> str:
    """The text: UTF-8, with or without a byte order mark, or else Latin-1; every line ending becomes a line feed.

    Raises:
        FormatError: it is no such text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FormatError("is text in UTF-16", fix="save it as UTF-8")
    if b"\0" in data:
        raise FormatError("is not Humdrum text", fix="Humdrum files are plain text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Records:
    """The reference records of a file, in order."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str]] = []  # (code, "", "@" or "@@", text)

    def add(self, line: str) -> None:
        """Take a line that begins with `!!!`; other remarks than reference records are passed over."""
        record = _RECORD.match(line)
        # `!!!COM-rismID:` is no composer; `!!!OTL@@PL:` is a title in Polish
        known = record and (record[2] or not record[3])
        if record and known and len(self.found) < MOST_RECORDS:
            text = record[4]
            for entity, sign in _ENTITY.items():
                text = text.replace(entity, sign)
            self.found.append((record[1], record[2], text.strip()))

    def first(self, code: str) -> str:
        """The text of a code: as it stands, or else in the original language (`@@`), or else in any."""
        for wanted in ("", "@@", "@"):
            text = next((t for c, at, t in self.found if c == code and at == wanted), "")
            if text:
                return text
        return ""

    @property
    def title(self) -> str:
        """The title, after that of the work it belongs to, if any."""
        work, title = self.first("OPR"), self.first("OTL") or self.first("OMD")
        return f"{work}: {title}" if work and title and work != title else title or work

    @property
    def composer(self) -> str:
        """The composers, or those to whom it is attributed, their first names first."""
        names = [t for c, at, t in self.found if c in ("COM", "COM1", "COM2", "COM3") and not at]
        names = names or [text for text in (self.first("COM"), self.first("COA")) if text][:1]
        return "; ".join(dict.fromkeys(map(_natural, names)))


def _natural(name: str) -> str:
    """`Bach, Johann Sebastian` as it is printed."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and ", " not in first else name
