"""The XML of a MusicXML file, plain or packed (`.mxl`), element by element, with everything bounded.

Security: entities are refused by defusedxml before anything else is parsed (they can only be declared before the
root element); a document type is passed over and never loaded; an archive is never unpacked to disk, and its sizes
are counted while it is unpacked, since headers lie.

Source of the container: https://www.w3.org/2021/06/musicxml40/tutorial/compressed-mxl-files/
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TypeAlias, cast
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Defused
from defusedxml import DefusedXmlException

from tunesmith.errors import FormatError
from tunesmith.files import MAX_SONG_BYTES

MAX_DEPTH = 100  # MusicXML itself needs a dozen
MAX_ELEMENTS = 2_000_000
MAX_STEP = 4 * 2**20  # bytes of the head, or of one measure: more would have to be held in memory at once
MAX_MEMBERS = 1_000  # of an archive
CONTAINER = "META-INF/container.xml"
CHUNK = 2**16
Parser: TypeAlias = "ET.XMLPullParser[ET.Element]"
ROOTS = ("score-partwise", "score-timewise")

_PACKED = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"  # opens every entry of an archive's table of contents
_KNOWN = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"MThd": "a MIDI file", b"PK\x05\x06": "an empty archive"}
_FIX = "export the piece as MusicXML from a notation program"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


class NotXml(FormatError):
    """Not well-formed, or not of MusicXML's root: the head may be damaged, and the music after it whole."""


def unpacked(data: bytes) -> bytes:
    """The XML of a file: of an archive its score, else the file as it is.

    Raises:
        FormatError: it is something else, or an archive that is damaged, too large or without a score.
    """
    if data.startswith(_PACKED):
        return _unpack(data)
    what = next((what for magic, what in _KNOWN.items() if data.startswith(magic)), None)
    if what:
        raise FormatError(f"is {what}, not MusicXML", fix=_FIX)
    return data


def _unpack(data: bytes) -> bytes:
    if data.count(_ENTRY) > MAX_MEMBERS:
        raise FormatError(f"more than {MAX_MEMBERS:,} files in the archive", fix=_FIX)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _member(archive, _score_name(archive), MAX_SONG_BYTES)
    except _DAMAGED as error:
        raise FormatError(f"a damaged archive: {error}", fix=_FIX) from None


def _score_name(archive: zipfile.ZipFile) -> str:
    """The score that the container names; without a container, the first that looks like one."""
    names = archive.namelist()
    if CONTAINER in names:
        wanted = _rootfile(_member(archive, CONTAINER, CHUNK))
        if _leaves(wanted):
            raise FormatError(f"the container names a file outside the archive: {wanted!r}", where=CONTAINER, fix=_FIX)
        if wanted not in names:
            raise FormatError(f"no score inside: {wanted!r} is missing from the archive", where=CONTAINER, fix=_FIX)
        return wanted
    scores = (n for n in names if n.lower().endswith((".musicxml", ".xml")) and not n.startswith("META-INF/"))
    found = next((name for name in scores if not _leaves(name)), None)
    if found is None:
        raise FormatError("no score inside the archive", fix=_FIX)
    return found


def _leaves(name: str) -> bool:
    """Whether a path leads out of the folder it starts in."""
    return name.startswith(("/", "\\")) or ":" in name or ".." in posixpath.normpath(name.replace("\\", "/")).split("/")


def _rootfile(container: bytes) -> str:
    """The path of the score. The first `<rootfile>` is the score; others are its renditions."""
    try:
        tree = Defused.fromstring(container)
    except (ET.ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise FormatError(f"not well-formed: {error}", where=CONTAINER, fix=_FIX) from None
    path = next((e.get("full-path") for e in tree.iter() if e.tag.rpartition("}")[2] == "rootfile"), None)
    if not path:
        raise FormatError("no score inside: the container names none", where=CONTAINER, fix=_FIX)
    return str(path)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = archive.getinfo(name)
    if info.flag_bits & 1:
        raise FormatError("the archive is encrypted", where=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may unpack without bound
        raise FormatError("packed in a way that MusicXML does not know", where=name, fix=_FIX)
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise FormatError(f"unpacks to more than {limit / 2**20:g} MiB, too large for a song", where=name)
    return content


def pieces(data: bytes) -> Iterator[tuple[ET.Element, ET.Element]]:
    """The pieces of a score, each once it is complete, with what it is a piece of, in the order of the file.

    Pieces are the measures of a part, and what the root holds: the head, and parts (after their measures), or measures
    if the file is timewise. Nothing stays in memory but the piece at hand; `data` is MusicXML of either kind.

    Raises:
        FormatError: not XML, not MusicXML, entities in it, or more of anything than a score can have.
    """
    check_head(data)
    parser: Parser = ET.XMLPullParser(("start",))
    root: ET.Element | None = None
    count = used = 0
    for place in range(0, len(data), CHUNK):
        begun = _feed(parser, data[place : place + CHUNK])
        root = root if root is not None or not begun else begun[0]
        count += len(begun)
        if count > MAX_ELEMENTS:
            raise FormatError(f"more than {MAX_ELEMENTS:,} elements, too many for a song")
        for found in _complete(root):
            used = place
            yield found
        _check_depth(root)
        if place - used > MAX_STEP:
            raise FormatError(f"{MAX_STEP // 2**20} MiB without a measure, too much for a song", fix=_FIX)
    _close(parser)
    yield from _complete(root, whole=True)


def _check_depth(root: ET.Element | None) -> None:
    """Refuse elements that are nested too deep: what is still open is the last child of the last child and so on."""
    depth = 0
    while root is not None and len(root):
        root, depth = root[-1], depth + 1
        if depth > MAX_DEPTH:
            raise FormatError(f"elements nested more than {MAX_DEPTH} deep", fix=_FIX)


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


def _feed(parser: Parser, chunk: bytes) -> list[ET.Element]:
    """The elements that begin in the next bytes."""
    try:
        parser.feed(chunk)
        return [element for _, element in cast(Iterator[tuple[str, ET.Element]], parser.read_events())]
    except ET.ParseError as error:
        raise not_well_formed(error) from None
    except (LookupError, ValueError) as error:
        raise FormatError(f"its text cannot be read: {error}", fix=_FIX) from None


def _close(parser: Parser) -> None:
    try:
        parser.close()
    except ET.ParseError as error:
        raise not_well_formed(error) from None


def not_well_formed(error: ET.ParseError) -> NotXml:
    """The reason and place of an XML fault."""
    line, column = error.position
    reason = str(error).partition(":")[0]
    return NotXml(f"not well-formed XML: {reason}", where=f"line {line}, column {column + 1}", fix=_FIX)


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
        raise FormatError(f"its text cannot be read: {error}", fix=_FIX) from None
    if root.name not in ROOTS:
        what = f"it begins with <{root.name[:40]}>" if root.name else "there is nothing in it"
        raise NotXml(f"is not MusicXML: {what}", fix=_FIX)
