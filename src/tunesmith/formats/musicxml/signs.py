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


class Barlines:
    """What stands at the bar lines of a score, found by the tick: repeats, endings, jumps, the end."""

    def __init__(self, score: Score) -> None:
        endings = [(repeat, ending) for repeat in score.repeats for ending in repeat.endings]
        # where several begin or end at one tick, the first counts
        self._starting = {e.start: e for _, e in reversed(endings)}
        self._closing = {e.end: (r, e) for r, e in reversed(endings)}
        self._forward = {r.start for r in score.repeats if r.start > 0}
        # After the last pass an ending goes on, after the others it goes back.
        self._backward = {e.end: 1 + len(e.passes) for r, e in reversed(endings) if min(e.passes) < r.times}
        self._backward |= {r.end: r.times for r in reversed(score.repeats) if not r.endings}
        self._jumps = {place for jump in score.jumps for place in (jump.onset, jump.stop, jump.coda)}

    def left(self, bar: Measure) -> str:
        """The start of a repeat or of an ending, where one begins with this measure."""
        starting, forward = self._starting.get(bar.start), bar.start in self._forward
        if not starting and not forward:
            return ""
        return element(
            "barline",
            leaf("bar-style", "heavy-light") if forward else "",
            _ending(starting, "start", f"{_passes(starting)}.") if starting else "",
            leaf("repeat", "", direction="forward") if forward else "",
            location="left",
        )

    def right(self, bar: Measure, following: Measure | None) -> str:
        """The end of a repeat, of an ending, of the piece; a double line before a new key and where a jump leads."""
        closing, times = self._closing.get(bar.end), self._backward.get(bar.end)
        new_key = following is not None and following.key.fifths != bar.key.fifths
        double = bar.end in self._jumps or (new_key and not bar.cut)
        if not closing and not times and following is not None and not double and not bar.cut:
            return ""
        # Inside a bar a dashed line: a double one would end it where bars are not whole.
        inside = "light-light" if double else "dashed" if bar.cut else "regular"
        style = "light-heavy" if times or following is None else inside
        ending = ""
        if closing:
            repeat, last = closing
            ending = _ending(last, "discontinue" if last is repeat.endings[-1] and not times else "stop")
        again = leaf("repeat", "", direction="backward", times=times if times > 2 else None) if times else ""
        return element("barline", leaf("bar-style", style), ending, again, location="right")


def _ending(ending: Ending, kind: str, text: str = "") -> str:
    return leaf("ending", text, number=_passes(ending), type=kind)


def _passes(ending: Ending) -> str:
    return ", ".join(str(number) for number in ending.passes)
