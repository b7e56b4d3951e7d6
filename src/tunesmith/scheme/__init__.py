"""One representation for melody, chords, voices and piano: score <-> events.

- `vocabulary`: the named id ranges of symbols, and the table of lengths
- `cursor`: where we are in musical terms, and the grammar
- `codec`: `encode`, `decode`, and `carried`, what survives them
- `recall`: what a voice remembers of itself
- `viewpoints`: input features, and what models must know of them
- `arrays`: the frames that models see, and what can be done to them
"""

from tunesmith.scheme.arrays import as_song, bars_left, frame, frames, tell_bars_left, transpose, untold
from tunesmith.scheme.codec import Event, carried, decode, encode
from tunesmith.scheme.cursor import Cursor
from tunesmith.scheme.viewpoints import spec

__all__ = [
    "Cursor",
    "Event",
    "as_song",
    "bars_left",
    "carried",
    "decode",
    "encode",
    "frame",
    "frames",
    "spec",
    "tell_bars_left",
    "transpose",
    "untold",
]
