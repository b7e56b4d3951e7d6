"""The XML of a MusicXML file, piece by piece, with everything bounded.

Entities are refused by defusedxml before anything else is parsed (they can only be declared before the root element);
a document type is passed over and never loaded. What is left of XML's dangers is size, which is counted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Defused
from defusedxml import DefusedXmlException

from tunesmith.errors import FormatError
from tunesmith.formats.musicxml.read_archive import FIX

MAX_DEPTH = 100  # MusicXML itself needs a dozen
MAX_ELEMENTS = 2_000_000
MAX_STEP = 4 * 2**20  # bytes of the head, or of one measure: more would have to be held in memory at once
CHUNK = 2**16
ROOTS = ("score-partwise", "score-timewise")
HEAD_END = b"</part-list>"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")  # how UTF-16 begins


class NotXml(FormatError):
    """Not well-formed, or not of MusicXML's root: the head may be damaged, and the music after it whole."""


def pieces(data: bytes) -> Iterator[tuple[ET.Element, ET.Element]]:
    """The pieces of a score, each once it is complete, with what it is a piece of, in the order of the file.

    Pieces are the measures of a part, and what the root holds: the head, and parts (after their measures), or measures
    if the file is timewise. Nothing stays in memory but the piece at hand; `data` is MusicXML of either kind.

    Raises:
        FormatError: not XML, not MusicXML, entities in it, or more of anything than a score can have.
    """
    check_head(data)
    if data.count(b"<") - data.count(b"</") > MAX_ELEMENTS:
        raise FormatError(f"more than {MAX_ELEMENTS:,} elements, too many for a song")
    builder = ET.TreeBuilder()
    parser = ET.XMLParser(target=builder)  # noqa: S314  entities are refused above, sizes here
    used = 0
    for place, chunk, indented in _chunks(data):
        try:
            parser.feed(_without_indents(chunk) if indented else chunk)
        except ET.ParseError as error:
            raise _located(error, data, place, chunk if indented else b"") from None
        except (LookupError, ValueError) as error:
            raise FormatError(f"its text cannot be read: {error}", fix=FIX) from None
        root = builder.close()  # what is built so far: it goes on growing
        _check_depth(root)
        for found in _complete(root):
            used = place
            yield found
        if place - used > MAX_STEP:
            raise FormatError(f"{MAX_STEP // 2**20} MiB without a measure, too much for a song", fix=FIX)
    try:
        yield from _complete(parser.close(), whole=True)
    except ET.ParseError as error:
        raise not_well_formed(error) from None


def _chunks(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """The file in order: where each chunk begins, the chunk, whether it is whole lines of music.

    White space at the edges of those lines means nothing and is a third of the work; in the head, texts are kept.
    """
    head = data.find(HEAD_END)
    music = len(data) if head < 0 or data.startswith(_WIDE) else head
    place = 0
    while place < len(data):
        end = data.rfind(b"\n", place, place + CHUNK) + 1
        whole = end > 0 and (place == 0 or data[place - 1] == ord("\n"))
        end = end if end > 0 else min(place + CHUNK, len(data))
        yield place, data[place:end], whole and place > music
        place = end


def _without_indents(lines: bytes) -> bytes:
    return b"\n".join(map(bytes.strip, lines.split(b"\n")))


def _check_depth(root: ET.Element | None) -> None:
    """Refuse elements that are nested too deep: what is still open is the last child of the last child and so on."""
    depth = 0
    while root is not None and len(root):
        root, depth = root[-1], depth + 1
        if depth > MAX_DEPTH:
            raise FormatError(f"elements nested more than {MAX_DEPTH} deep", fix=FIX)


def _complete(root: ET.Element | None, whole: bool = False) -> Iterator[tuple[ET.Element, ET.Element]]:
    """Take the pieces that are complete out of the tree: all that something follows, or all of a `whole` tree."""
    if root is None or not len(root):
        return
    done = None if whole else -1
    for child in root[:done]:
        yield from ((child, measure) for measure in child if child.tag == "part")
        yield root, child
    del root[:done]
    if len(root) and root[0].tag == "part":
        part = root[0]
        yield from ((part, measure) for measure in part[:-1])
        del part[:-1]


def not_well_formed(error: ET.ParseError, indent: int = 0) -> NotXml:
    """The reason and place of an XML fault. `indent`: how far its line was moved to the left."""
    line, column = error.position
    reason = str(error).partition(":")[0]
    return NotXml(f"not well-formed XML: {reason}", where=f"line {line}, column {column + 1 + indent}", fix=FIX)


def _located(error: ET.ParseError, data: bytes, place: int, chunk: bytes) -> NotXml:
    """The same for a chunk at a place of the file, from which indents were taken."""
    row = error.position[0] - 1 - data.count(b"\n", 0, place)
    lines = chunk.split(b"\n")
    line = lines[row] if 0 <= row < len(lines) else b""
    return not_well_formed(error, len(line) - len(line.lstrip()))


class _Root:
    """What a parser builds when only the name of the root element matters."""

    name = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Remember the first element."""
        self.name = self.name or tag

    def close(self) -> None:
        """Nothing is built."""


def check_head(data: bytes) -> None:
    """Refuse entities and other documents, by reading with defusedxml up to the root element."""
    root = _Root()
    parser = Defused.DefusedXMLParser(target=root)
    place, size = 0, 512
    try:
        while place < min(len(data), MAX_STEP) and not root.name:
            parser.feed(data[place : place + size])
            place, size = place + size, 2 * size  # in growing steps, since a long token is read again at each
    except DefusedXmlException:
        raise FormatError("declares entities, which MusicXML has no use for and which could be an attack") from None
    except ET.ParseError as error:
        raise not_well_formed(error) from None
    except (LookupError, ValueError) as error:
        raise FormatError(f"its text cannot be read: {error}", fix=FIX) from None
    if root.name not in ROOTS:
        what = f"it begins with <{root.name[:40]}>" if root.name else "there is nothing in it"
        raise NotXml(f"is not MusicXML: {what}", fix=FIX)
