"""MusicXML that may be packed (`.mxl`): an archive is never unpacked to disk, and what it says of sizes not believed.

Source: https://www.w3.org/2021/06/musicxml40/tutorial/compressed-mxl-files/
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from io import BytesIO
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Defused
from defusedxml import DefusedXmlException

from tunesmith.errors import FormatError
from tunesmith.files import MAX_SONG_BYTES

MAX_MEMBERS = 1_000
MAX_CONTAINER = 2**16  # bytes
CONTAINER = "META-INF/container.xml"
FIX = "export the piece as MusicXML from a notation program"

_PACKED = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"  # opens every entry of an archive's table of contents
_KNOWN = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"MThd": "a MIDI file", b"PK\x05\x06": "an empty archive"}
# what reading a damaged archive may raise; NotImplementedError: a way of packing that zipfile does not know
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def unpacked(data: bytes) -> bytes:
    """The XML of a file: of an archive its score, else the file as it is.

    Raises:
        FormatError: it is something else, or an archive that is damaged, too large or without a score.
    """
    if data.startswith(_PACKED):
        return _unpack(data)
    what = next((what for magic, what in _KNOWN.items() if data.startswith(magic)), None)
    if what:
        raise FormatError(f"is {what}, not MusicXML", fix=FIX)
    return data


def _unpack(data: bytes) -> bytes:
    if data.count(_ENTRY) > MAX_MEMBERS:
        raise FormatError(f"more than {MAX_MEMBERS:,} files in the archive", fix=FIX)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _member(archive, _score_name(archive), MAX_SONG_BYTES)
    except _DAMAGED as error:
        raise FormatError(f"a damaged archive: {error}", fix=FIX) from None


def _score_name(archive: zipfile.ZipFile) -> str:
    """The score that the container names; without a container, the first that looks like one."""
    names = archive.namelist()
    if CONTAINER in names:
        wanted = _rootfile(_member(archive, CONTAINER, MAX_CONTAINER))
        if _leaves(wanted):
            raise FormatError(f"the container names a file outside the archive: {wanted!r}", where=CONTAINER, fix=FIX)
        if wanted not in names:
            raise FormatError(f"no score inside: {wanted!r} is missing from the archive", where=CONTAINER, fix=FIX)
        return wanted
    scores = (n for n in names if n.lower().endswith((".musicxml", ".xml")) and not n.startswith("META-INF/"))
    found = next((name for name in scores if not _leaves(name)), None)
    if found is None:
        raise FormatError("no score inside the archive", fix=FIX)
    return found


def _leaves(name: str) -> bool:
    """Whether a path leads out of the folder it starts in."""
    return name.startswith(("/", "\\")) or ":" in name or ".." in posixpath.normpath(name.replace("\\", "/")).split("/")


def _rootfile(container: bytes) -> str:
    """The path of the score. The first `<rootfile>` is the score; others are its renditions."""
    try:
        tree = Defused.fromstring(container)
    except (ET.ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise FormatError(f"not well-formed: {error}", where=CONTAINER, fix=FIX) from None
    path = next((e.get("full-path") for e in tree.iter() if e.tag.rpartition("}")[2] == "rootfile"), None)
    if not path:
        raise FormatError("no score inside: the container names none", where=CONTAINER, fix=FIX)
    return str(path)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = archive.getinfo(name)
    if info.flag_bits & 1:
        raise FormatError("the archive is encrypted", where=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may unpack without bound
        raise FormatError("packed in a way that MusicXML does not know", where=name, fix=FIX)
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise FormatError(f"unpacks to more than {limit / 2**20:g} MiB, too large for a song", where=name)
    return content
