"""MusicXML 4.0, partwise: https://www.w3.org/2021/06/musicxml40/ and what stands on paper in general.

`notation` and `rhythm` lay a score out as measures, staves, layers, values, beams and accidentals; `document`,
`part_writer` and `signs` write that as XML. `reader` and the `read_` modules read it.

Reading takes score-partwise and score-timewise, plain or packed (`.mxl`), whatever the ending. Where programs differ:

- Pitch is as it sounds: transposing instruments are moved, spellings and keys with them, to the key of the first part.
- A measure lasts as long as the part that fills it most. One that is shorter or longer than its meter stays so, and a
  `Meter` puts the next bar line right; a measure that is not counted ("X1") completes the bar before it.
- Lengths are exact in tuplets even where a program has rounded them.
- D.C. and D.S. come from `<sound>` or, without it, from words; they take effect at the end of their measure. Where
  measures are counted from 1 again, another movement begins: a D.C. goes back to the beginning of its own.
- Several chord symbols over one note share its time. A kind that `theory.QUALITIES` does not know becomes the nearest.
- Velocity is what a note says itself, or else that of the dynamics before it in its part; "sf" is for one note.
- In parts of drums, pitch is the General MIDI drum: of the instrument, or else of the place on the staff.
- A tie goes on in another voice, and over a gap inside a measure or two (broken chords that are held).

Left out and counted in one `SongWarning`: grace notes, cue notes, unpitched notes outside drum parts, keys and meters
of special kinds, changes of instrument inside a part, what cannot be read. Passed over: lyrics, slurs, articulations,
ornaments, hairpins, pedal, fingering, figured bass, layout. Small faults (a missing or negative duration, missing
divisions, a damaged head, parts of unequal length) are mended, and counted in the same line.
"""

from __future__ import annotations

from tunesmith.formats.musicxml.document import Document, document, note_ids, write
from tunesmith.formats.musicxml.reader import read

__all__ = ["Document", "document", "note_ids", "read", "write"]
