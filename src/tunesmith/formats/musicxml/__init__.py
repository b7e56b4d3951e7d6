"""MusicXML 4.0, partwise: https://www.w3.org/2021/06/musicxml40/ and what stands on paper in general.

`notation` and `rhythm` lay a score out as measures, staves, layers, values, beams and accidentals; `document`,
`part_writer` and `signs` write that as XML. `reader` and the `read_` modules read it.
"""

from __future__ import annotations

from tunesmith.formats.musicxml.document import Document, document, note_ids, write
from tunesmith.formats.musicxml.reader import read

__all__ = ["Document", "document", "note_ids", "read", "write"]
