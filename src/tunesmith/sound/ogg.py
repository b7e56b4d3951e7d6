"""Ogg files with the same bytes every time: encoders pick a random stream serial number; this sets it.

Source: RFC 3533, "The Ogg Encapsulation Format Version 0", section 6 (page header and checksum).
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

_SERIAL = slice(14, 18)
_CHECKSUM = slice(22, 26)
_HEADER = 27  # bytes before the segment table
_POLYNOMIAL = 0x04C11DB7


def _crc_table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        row = byte << 24
        for _ in range(8):
            row = (row << 1) ^ (_POLYNOMIAL if row & 0x80000000 else 0)
        rows.append(row & 0xFFFFFFFF)
    return tuple(rows)


_TABLE = _crc_table()


def _checksum(page: bytes | bytearray) -> int:
    crc, table = 0, _TABLE
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
    return crc


def _read_page(file: IO[bytes]) -> bytearray | None:
    header = file.read(_HEADER)
    if len(header) < _HEADER or header[:4] != b"OggS":
        return None
    segments = file.read(header[26])
    return bytearray(header + segments + file.read(sum(segments)))


def set_serial(path: Path, serial: int = 1) -> None:
    """Give every page of the Ogg file at `path` the stream serial number `serial`, in place, page by page.

    A page of another kind of file ends the work there.
    """
    number = serial.to_bytes(4, "little")
    with path.open("r+b") as file:
        while True:
            start = file.tell()
            page = _read_page(file)
            if page is None:
                return
            page[_SERIAL] = number
            page[_CHECKSUM] = bytes(4)
            page[_CHECKSUM] = _checksum(page).to_bytes(4, "little")
            file.seek(start)
            file.write(page)
