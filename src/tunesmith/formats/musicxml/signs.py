"""MusicXML's signs that belong to a part or a bar line: clefs, the drum kit's places, bar lines."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.formats.musicxml.markup import element, leaf
from tunesmith.formats.musicxml.notation import Measure
from tunesmith.score import Score

# clef -> sign, line, octave change, the pitches on its lowest and highest line
CLEFS = {
    "treble": ("G", 2, 0, 64, 77),
    "bass": ("F", 4, 0, 43, 57),
    "alto": ("C", 3, 0, 53, 67),
    "treble 8 below": ("G", 2, -1, 52, 65),
}
USUAL_CLEFS = ("treble", "bass")
CLEFS_BY_PROGRAM = {41: ("alto", "treble"), **dict.fromkeys(range(24, 32), ("treble 8 below",))}

# General MIDI drum -> name, place on a staff as in the treble clef, note head
DRUMS = {
    35: ("Acoustic Bass Drum", "E4", "normal"),
    36: ("Bass Drum", "F4", "normal"),
    37: ("Side Stick", "C5", "x"),
    38: ("Snare Drum", "C5", "normal"),
    39: ("Hand Clap", "C5", "x"),
    40: ("Electric Snare", "C5", "normal"),
    41: ("Low Floor Tom", "G4", "normal"),
    42: ("Closed Hi-Hat", "G5", "x"),
    43: ("High Floor Tom", "A4", "normal"),
    44: ("Pedal Hi-Hat", "D4", "x"),
    45: ("Low Tom", "B4", "normal"),
    46: ("Open Hi-Hat", "G5", "circle-x"),
    47: ("Low-Mid Tom", "D5", "normal"),
    48: ("High-Mid Tom", "E5", "normal"),
    49: ("Crash Cymbal", "A5", "x"),
    50: ("High Tom", "E5", "normal"),
    51: ("Ride Cymbal", "F5", "x"),
    53: ("Ride Bell", "F5", "diamond"),
    57: ("Crash Cymbal 2", "B5", "x"),
    59: ("Ride Cymbal 2", "F5", "x"),
}


def drum(pitch: int) -> tuple[str, str, str]:
    """Name, place and note head of a General MIDI drum."""
    return DRUMS.get(pitch, (f"Drum {pitch}", "E5", "triangle"))


def clef_for(pitches: Sequence[int], program: int, allowed: Sequence[str] = USUAL_CLEFS) -> str:
    """The clef with the fewest ledger lines, the first of equals."""
    candidates = CLEFS_BY_PROGRAM.get(program, allowed)

    def ledger(name: str) -> int:
        _, _, _, low, high = CLEFS[name]
        return sum(max(0, low - pitch, pitch - high) for pitch in pitches)

    return min(candidates, key=ledger)


def clef(name: str, staff: int | None) -> str:
    """`<clef>`; `name` is one of `CLEFS` or "percussion"."""
    if name == "percussion":
        return element("clef", leaf("sign", name), number=staff)
    sign, line, octave, _, _ = CLEFS[name]
    change = leaf("clef-octave-change", octave) if octave else ""
    return element("clef", leaf("sign", sign), leaf("line", line), change, number=staff)


def left_barline(score: Score, bar: Measure) -> str:
    """The start of a repeat or of an ending, where one begins with this measure."""
    starting = [e for r in score.repeats for e in r.endings if e.start == bar.start]
    forward = any(r.start == bar.start > 0 for r in score.repeats)
    if not starting and not forward:
        return ""
    return element(
        "barline",
        leaf("bar-style", "heavy-light") if forward else "",
        leaf("ending", "", number=_passes(starting[0].passes), type="start") if starting else "",
        leaf("repeat", "", direction="forward") if forward else "",
        location="left",
    )


def right_barline(score: Score, bar: Measure, following: Measure | None) -> str:
    """The end of a repeat, of an ending, of the piece; a double bar line before a new key and where a jump leads."""
    closing = [(r, e) for r in score.repeats for e in r.endings if e.end == bar.end]
    backward = [r.times for r in score.repeats if not r.endings and r.end == bar.end]
    # After the last pass an ending goes on, after the others it goes back.
    backward += [1 + len(e.passes) for r, e in closing if min(e.passes) < r.times]
    new_key = following is not None and following.key.fifths != bar.key.fifths
    jumps = any(bar.end in (j.onset, j.stop, j.coda) for j in score.jumps)
    double = new_key or jumps or bar.cut
    if not closing and not backward and following is not None and not double:
        return ""
    style = "light-heavy" if backward or following is None else "light-light" if double else "regular"
    ending = ""
    if closing:
        repeat, last = closing[0]
        kind = "discontinue" if last is repeat.endings[-1] and not backward else "stop"
        ending = leaf("ending", "", number=_passes(last.passes), type=kind)
    times = backward[0] if backward and backward[0] > 2 else None
    again = leaf("repeat", "", direction="backward", times=times) if backward else ""
    return element("barline", leaf("bar-style", style), ending, again, location="right")


def _passes(passes: Sequence[int]) -> str:
    return ", ".join(str(number) for number in passes)
