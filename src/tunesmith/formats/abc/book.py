"""A tune book: from bytes to lines, from lines to tunes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.errors import FormatError

Line = tuple[int, str]  # line number from 1, text without comment

FIELD = re.compile(r"([A-Za-z+]):(?![|:])(.*)", re.DOTALL)  # `e:|` is music, not a field
_COMMENT = re.compile(r"(?<!\\)%.*", re.DOTALL)
_BEGIN = re.compile(r"%%\s*begin(\w+)")
_SHARED = "LMQ"  # fields of a file header that are defaults of every tune below


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of one tune and the file header's fields before them."""

    line: int
    lines: tuple[Line, ...]
    shared: tuple[Line, ...]


def decode(data: bytes) -> str:
    """ABC text: UTF-16 or UTF-8 by its mark, UTF-8, or else Windows-1252, or else Latin-1.

    Raises:
        FormatError: the bytes are no text.
    """
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise FormatError("is not ABC text", fix="ABC files are plain text; look at what the file really is")


def tunes(text: str) -> Iterator[Source]:
    """The tunes of a book. A file without any `X:` but with `K:` is one tune.

    Raises:
        FormatError: there is no tune.
    """
    lines = list(_lines(text))
    starts = [i for i, (_, line) in enumerate(lines) if line.startswith("X:")]
    if not starts and any(line.startswith("K:") for _, line in lines):
        yield Source(1, tuple(lines), ())
        return
    if not starts:
        raise FormatError("holds no ABC tune", fix="a tune starts with a line X:1 and has a line K: before its music")
    shared = tuple(line for line in lines[: starts[0]] if line[1][1:2] == ":" and line[1][0] in _SHARED)
    for first, last in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Source(lines[first][0], tuple(lines[first:last]), shared)


def _lines(text: str) -> Iterator[Line]:
    """Lines without comments, `%%begin...` blocks and `+:` continuations; directives `%%...` whole."""
    block = ""  # the name of the block we are in
    held: Line | None = None  # the last line, which `+:` may lengthen
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        begin = _BEGIN.match(raw)
        if block or begin:
            block = block or (begin[1] if begin else "")
            block = "" if re.match(rf"%%\s*end{block}", raw) else block
            continue
        if raw.startswith("+:") and held:
            held = held[0], f"{held[1].rstrip()} {_COMMENT.sub('', raw[2:]).strip()}"
            continue
        text = raw if raw.startswith("%%") else _COMMENT.sub("", raw)
        if raw.strip() and not text.strip():
            continue  # a comment line is no empty line: it does not end the tune
        if held:
            yield held
        held = number, text
    if held:
        yield held
