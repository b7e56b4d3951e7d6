"""What a reader of MusicXML leaves out or mends, counted, so that one line tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tunesmith.errors import FormatError, SongWarning


class Doubt(Enum):
    """What may be left out (first) or doubtful (after `MENDED`): the words for one and for several."""

    GRACE = "grace note", "grace notes"
    CUE = "cue note", "cue notes"
    UNPITCHED = "note without pitch", "notes without pitch"
    PITCH = "note whose pitch cannot be read", "notes whose pitch cannot be read"
    LENGTH = "note or rest without a length", "notes or rests without a length"
    KEY = "key signature of its own kind", "key signatures of their own kind"
    METER = "meter that cannot be read", "meters that cannot be read"
    TEMPO = "tempo that cannot be read", "tempos that cannot be read"
    CHORD = "chord symbol that cannot be read", "chord symbols that cannot be read"
    INSTRUMENT = "change of instrument inside a part", "changes of instrument inside a part"
    JUMP = "D.C., D.S. or Coda that leads nowhere", "D.C., D.S. or Coda that lead nowhere"
    MENDED_CHORD = "chord symbol simplified", "chord symbols simplified"
    MENDED_SHARED = "place with several chord symbols, spread", "places with several chord symbols, spread"
    MENDED_ACCIDENTAL = "printed accidental taken to sound", "printed accidentals taken to sound"
    MENDED_MICROTONE = "microtone rounded to a semitone", "microtones rounded to a semitone"
    MENDED_LENGTH = "length read from the note value", "lengths read from the note values"
    MENDED_DIVISIONS = "part without <divisions>, its lengths guessed", "parts without <divisions>, lengths guessed"
    MENDED_BACKUP = "<backup> before the start of its measure", "<backup>s before the start of their measure"
    MENDED_PART = "part with fewer measures than the others", "parts with fewer measures than the others"
    MENDED_EMPTY = "part without measures", "parts without measures"


MOST = 10_000  # doubts of one kind: it is no score, then
USUAL = {Doubt.GRACE, Doubt.CUE, Doubt.UNPITCHED, Doubt.MENDED_CHORD, Doubt.MENDED_MICROTONE}  # but of these


@dataclass(slots=True)
class Doubts:
    """Counts of doubts, each with the place where it was first met."""

    counts: dict[Doubt, int] = field(default_factory=dict)
    places: dict[Doubt, str] = field(default_factory=dict)
    others: list[tuple[str, str]] = field(default_factory=list)  # what, place

    def add(self, doubt: Doubt, part: str, measure: str | None = None) -> None:
        """Count a doubt.

        Raises:
            FormatError: there are thousands of one kind.
        """
        count = self.counts[doubt] = self.counts.get(doubt, 0) + 1
        if count == 1:
            self.places[doubt] = f"part {part}" + (f", measure {measure}" if measure is not None else "")
        if count > MOST and doubt not in USUAL:
            raise FormatError(f"too much in it is wrong: {self._count(doubt)}", where=f"first in {self.places[doubt]}")

    def warning(self) -> SongWarning | None:
        """All doubts in one line, or None; its place is that of the first thing left out, or else mended."""
        left = [d for d in Doubt if d in self.counts and not d.name.startswith("MENDED")]
        mended = [d for d in Doubt if d in self.counts and d.name.startswith("MENDED")]
        said = []
        if left:
            said.append("left out: " + ", ".join(self._count(d) for d in left))
        if mended:
            said.append("mended: " + ", ".join(self._count(d) for d in mended))
        said += [what for what, _ in self.others]
        if not said:
            return None
        place = next((self.places[d] for d in (*left, *mended)), self.others[0][1] if self.others else "")
        return SongWarning("; ".join(said), where=f"first in {place}")

    def _count(self, doubt: Doubt) -> str:
        count = self.counts[doubt]
        return f"{count:,} {doubt.value[count > 1]}"
