"""Compressed MusicXML (`.mxl`): a zip with a container file that names the score inside.

Source: https://www.w3.org/2021/06/musicxml40/tutorial/compressed-mxl-files/
"""

from __future__ import annotations

import io
import zipfile

MIME_TYPE = "application/vnd.recordare.musicxml"
SCORE = "score.musicxml"
CONTAINER = f"""<?xml version="1.0" encoding="UTF-8"?>
<container>
 <rootfiles>
  <rootfile full-path="{SCORE}" media-type="{MIME_TYPE}+xml"/>
 </rootfiles>
</container>
"""
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first day: the same score gives the same bytes at any time
READABLE = 0o644 << 16


def packed(text: bytes) -> bytes:
    """A MusicXML file as `.mxl`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        # The type comes first and plain, so that programs can tell the file by its first bytes.
        _add(file, "mimetype", MIME_TYPE.encode(), zipfile.ZIP_STORED)
        _add(file, "META-INF/container.xml", CONTAINER.encode())
        _add(file, SCORE, text)
    return target.getvalue()


def _add(file: zipfile.ZipFile, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system, entry.external_attr, entry.compress_type = 3, READABLE, method  # 3: Unix, on every system
    file.writestr(entry, content)
