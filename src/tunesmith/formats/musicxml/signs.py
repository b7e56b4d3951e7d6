"""MusicXML's signs between the notes: clefs, tempo marks, chord symbols, bar lines, and the drum kit's places."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from tunesmith import theory
from tunesmith.formats.musicxml.notation import Measure
from tunesmith.score import TPQ, Chord, Score, Tempo

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
BEAT_UNITS = {TPQ // 4: "16th", TPQ // 2: "eighth", TPQ: "quarter", 2 * TPQ: "half", 4 * TPQ: "whole"}
SUSPENDED_SEVENTH = "7sus4"  # MusicXML has no kind of its own for it
PRINTED_CHANGE = 0.08  # tempo changes by a smaller share are played, not printed: played-in files have hundreds


def add(parent: ET.Element, tag: str, text: object = None, /, **attributes: object) -> ET.Element:
    """A new child element; `None` attributes are left out, `_` in their names stands for `-`."""
    given = {key.replace("_", "-"): clean(str(value)) for key, value in attributes.items() if value is not None}
    child = ET.SubElement(parent, tag, given)
    if text is not None:
        child.text = clean(str(text))
    return child


def clean(text: str) -> str:
    """Text without the characters that XML 1.0 forbids."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )


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


def add_clef(parent: ET.Element, name: str, staff: int | None) -> None:
    """`<clef>`; `name` is one of `CLEFS` or "percussion"."""
    clef = add(parent, "clef", number=staff)
    if name == "percussion":
        add(clef, "sign", name)
        return
    sign, line, octave, _, _ = CLEFS[name]
    add(clef, "sign", sign)
    add(clef, "line", line)
    if octave:
        add(clef, "clef-octave-change", octave)


def printed_tempos(score: Score) -> list[tuple[Tempo, bool]]:
    """The tempos, each with whether it is printed."""
    found: list[tuple[Tempo, bool]] = []
    shown = 0.0
    for tempo in score.tempos:
        printed = abs(tempo.bpm - shown) > PRINTED_CHANGE * shown
        shown = tempo.bpm if printed else shown
        found.append((tempo, printed))
    return found


def add_tempo(parent: ET.Element, tempo: Tempo, bar: Measure, offset: str, printed: bool) -> None:
    """A metronome mark in the felt beat, or only `<sound>` where the change is not printed."""
    beat = bar.meter.beat
    dotted = beat % 3 == 0
    unit = BEAT_UNITS.get(beat * 2 // 3 if dotted else beat)
    if not printed:
        add(add(parent, "sound", tempo=_number(tempo.bpm)), "offset", offset)
        return
    direction = add(parent, "direction", placement="above")
    metronome = add(add(direction, "direction-type"), "metronome", parentheses="no")
    add(metronome, "beat-unit", unit or "quarter")
    if unit and dotted:
        add(metronome, "beat-unit-dot")
    add(metronome, "per-minute", _number(round(tempo.bpm * TPQ / (beat if unit else TPQ), 1)))
    if offset != "0":
        add(direction, "offset", offset, sound="yes")
    add(direction, "sound", tempo=_number(tempo.bpm))


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def add_harmony(parent: ET.Element, chord: Chord, bar: Measure, offset: str) -> None:
    """A chord symbol."""
    own = chord.fifths
    usable = own is not None and theory.pitch_class(own) == chord.root % 12 and -9 <= own <= 13
    root = own if own is not None and usable else theory.spell(chord.root, bar.key.fifths, bar.key.mode)
    quality = theory.QUALITIES[chord.quality]
    harmony = add(parent, "harmony", print_frame="no")
    _step(add(harmony, "root"), "root", root)
    add(harmony, "kind", quality.kind, text=quality.suffix, use_symbols="no")
    if chord.bass is not None:
        _step(add(harmony, "bass"), "bass", theory.spell(chord.bass, root))
    if quality.suffix == SUSPENDED_SEVENTH:
        degree = add(harmony, "degree", print_object="no")
        add(degree, "degree-value", 7)
        add(degree, "degree-alter", 0)
        add(degree, "degree-type", "add")
    if offset != "0":
        add(harmony, "offset", offset)


def _step(parent: ET.Element, name: str, fifths: int) -> None:
    letter, alter = theory.letter_and_alter(fifths)
    add(parent, f"{name}-step", letter)
    if alter:
        add(parent, f"{name}-alter", alter)


def add_left_barline(parent: ET.Element, score: Score, bar: Measure) -> None:
    """The start of a repeat or of an ending, where one begins with this measure."""
    starting = [e for r in score.repeats for e in r.endings if e.start == bar.start]
    forward = any(r.start == bar.start > 0 for r in score.repeats)
    if not starting and not forward:
        return
    barline = add(parent, "barline", location="left")
    if forward:
        add(barline, "bar-style", "heavy-light")
    for ending in starting[:1]:
        add(barline, "ending", number=_passes(ending.passes), type="start")
    if forward:
        add(barline, "repeat", direction="forward")


def add_right_barline(parent: ET.Element, score: Score, bar: Measure, following: Measure | None) -> None:
    """The end of a repeat, of an ending, of the piece, or a double bar line before a new key."""
    closing = [(r, e) for r in score.repeats for e in r.endings if e.end == bar.end]
    backward = [r.times for r in score.repeats if not r.endings and r.end == bar.end]
    # The last ending goes on, unless several passes play it; the others go back.
    backward += [1 + len(e.passes) for r, e in closing if e is not r.endings[-1] or len(e.passes) > 1]
    new_key = following is not None and following.key.fifths != bar.key.fifths
    if not closing and not backward and following is not None and not new_key:
        return
    style = "light-heavy" if backward or following is None else "light-light" if new_key else "regular"
    barline = add(parent, "barline", location="right")
    add(barline, "bar-style", style)
    for repeat, ending in closing[:1]:
        kind = "discontinue" if ending is repeat.endings[-1] and not backward else "stop"
        add(barline, "ending", number=_passes(ending.passes), type=kind)
    if backward:
        add(barline, "repeat", direction="backward", times=backward[0] if backward[0] > 2 else None)


def _passes(passes: Sequence[int]) -> str:
    return ", ".join(str(number) for number in passes)
