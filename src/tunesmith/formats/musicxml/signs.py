"""MusicXML's signs that belong to a staff or a bar line: clefs, repeats, endings."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.formats.musicxml.markup import element, leaf
from tunesmith.formats.musicxml.notation import Measure
from tunesmith.score import Ending, Score

# clef -> sign, line, octave change, the pitches on its lowest and highest line
CLEFS = {
    "treble": ("G", 2, 0, 64, 77),
    "bass": ("F", 4, 0, 43, 57),
    "alto": ("C", 3, 0, 53, 67),
    "treble 8 below": ("G", 2, -1, 52, 65),
    "bass 8 below": ("F", 4, -1, 31, 45),
}
USUAL_CLEFS = ("treble", "bass")
CLEFS_BY_PROGRAM = {
    **dict.fromkeys(range(24, 32), ("treble 8 below",)),  # guitars
    **dict.fromkeys((*range(32, 40), 43), ("bass 8 below",)),  # basses
    40: ("treble",),
    41: ("alto",),
}


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
        _ending(starting[0], "start", f"{_passes(starting[0])}.") if starting else "",
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
        ending = _ending(last, kind)
    times = backward[0] if backward and backward[0] > 2 else None
    again = leaf("repeat", "", direction="backward", times=times) if backward else ""
    return element("barline", leaf("bar-style", style), ending, again, location="right")


def _ending(ending: Ending, kind: str, text: str = "") -> str:
    return leaf("ending", text, number=_passes(ending), type=kind)


def _passes(ending: Ending) -> str:
    return ", ".join(str(number) for number in ending.passes)
