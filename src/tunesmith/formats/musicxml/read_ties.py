"""The notes of a part while it is read, and the ties between them.

Ties are followed within a voice first, then between voices: a note may go on in another one, even in one that stands
earlier in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tunesmith.formats.musicxml.read_lengths import Ticks

MOST_WAITING = 16  # ties of one pitch that wait for their second note


@dataclass(slots=True)
class Sounding:
    """A note while a part is read; a tie may still move its end. `drum`: the pitch is a General MIDI drum."""

    measure: int
    onset: Ticks
    last: int  # the measure that it ends in
    end: Ticks
    pitch: int
    fifths: int | None
    voice: int
    velocity: int | None = None
    drum: bool = False
    merged: bool = False  # into a note that it is tied to


@dataclass(slots=True)
class Ties:
    """The ties that are open. Times are in ticks of the part, as its own notes fill it."""

    waiting: dict[int, list[tuple[Ticks, Sounding]]] = field(default_factory=dict)  # pitch -> where they lead, notes
    early: dict[tuple[int, Ticks], Sounding] = field(default_factory=dict)  # by pitch and onset: tied to what follows
    before: Ticks = 0  # where the measure before began

    def begin_measure(self, before: Ticks) -> None:
        """A measure begins; the one before it began at `before`."""
        self.before = before
        self.early.clear()

    def leave(self, note: Sounding, time: Ticks) -> None:
        """A tie leaves a note at a time: to a note that is still to come, or that another voice has had already."""
        waiting = self.waiting.setdefault(note.pitch, [])
        second = self.early.pop((note.pitch, time), None)
        if second is None or second is note:
            waiting.append((time, note))
            del waiting[:-MOST_WAITING]
            return
        note.last, note.end, second.merged = second.last, second.end, True
        self.waiting[note.pitch] = [(end, note if tied is second else tied) for end, tied in waiting]

    def into(self, pitch: int, voice: int, time: Ticks) -> Sounding | None:
        """The note whose tie leads here: of this voice first, or of any.

        Where none leads exactly here, one that ended a little before does, in this measure or the one before:
        broken chords that are held are written so.
        """
        waiting = [entry for entry in self.waiting.get(pitch, ()) if entry[0] >= self.before]
        here = [entry for entry in waiting if entry[0] == time]
        earlier = [entry for entry in waiting if entry[0] < time]
        chosen = next((entry for entry in here if entry[1].voice == voice), None)
        chosen = chosen or next(iter(here), None) or next(reversed(earlier), None)
        self.waiting[pitch] = [entry for entry in waiting if entry is not chosen]
        return chosen[1] if chosen else None
