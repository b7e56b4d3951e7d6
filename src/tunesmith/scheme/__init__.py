"""One representation for melody, chords, voices and piano: score <-> events.

- `vocabulary`: the named id ranges of symbols, and the table of lengths
- `cursor`: where we are in musical terms, and the grammar
- `codec`: `encode`, `decode`, and `carried`, what survives them
- `viewpoints`: input features, and the frames that models see
"""

from tunesmith.scheme.codec import Event, carried, decode, encode
from tunesmith.scheme.cursor import Cursor
from tunesmith.scheme.viewpoints import frame, frames, spec, transpose

__all__ = ["Cursor", "Event", "carried", "decode", "encode", "frame", "frames", "spec", "transpose"]
