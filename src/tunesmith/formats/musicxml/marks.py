"""What stands over the notes of a part at a moment: tempo marks, chord symbols, segno, coda and the jumps to them.

A mark is written before the note or rest in whose time it falls, with an `<offset>` where it does not begin there.
A chord symbol lasts until the next one; where its chord ends before, "N.C." follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import zip_longest

from tunesmith import theory
from tunesmith.formats.musicxml.markup import element, leaf
from tunesmith.score import TPQ, Chord, Jump, Key, Score, Tempo

BEAT_UNITS = {TPQ // 4: "16th", TPQ // 2: "eighth", TPQ: "quarter", 2 * TPQ: "half", 4 * TPQ: "whole"}
DOTTED = {ticks * 3 // 2: name for ticks, name in BEAT_UNITS.items()}
SUSPENDED_SEVENTH = "7sus4"  # MusicXML has no kind of its own for it
PRINTED_CHANGE = 0.08  # tempo changes by a smaller share are played, not printed: played-in files have hundreds


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at a tick. `write` takes the offset from where it is written, in divisions, and gives the XML.

    `closing`: it belongs to the end of the measure that ends at `onset`, not to the beginning of the next.
    """

    onset: int
    write: Callable[[str], str]
    closing: bool = False


def tempo_marks(score: Score) -> Iterator[Mark]:
    """Every tempo of a score; small changes are told, not printed."""
    shown = 0.0
    for tempo in score.tempos:
        printed = abs(tempo.bpm - shown) > PRINTED_CHANGE * shown
        shown = tempo.bpm if printed else shown
        beat = score.meter_at(tempo.onset).beat
        yield Mark(tempo.onset, partial(_metronome, tempo, beat) if printed else partial(_change_of_tempo, tempo))


def _metronome(tempo: Tempo, beat: int, offset: str) -> str:
    """A metronome mark in the felt beat."""
    beat = beat if beat in BEAT_UNITS or beat in DOTTED else TPQ
    sign = element(
        "metronome",
        leaf("beat-unit", BEAT_UNITS.get(beat) or DOTTED[beat]),
        "<beat-unit-dot/>" if beat in DOTTED else "",
        leaf("per-minute", _printed(tempo.bpm * TPQ / beat)),
        parentheses="no",
    )
    return _direction(sign, offset, tempo=_exact(tempo.bpm))


def _printed(beats: float) -> str:
    """A whole number, as metronomes have them, but for halves, which someone wrote; players hear the exact one."""
    return f"{beats:g}" if (2 * beats).is_integer() else f"{max(1, round(beats))}"


def _change_of_tempo(tempo: Tempo, offset: str) -> str:
    return element("sound", leaf("offset", offset) if offset != "0" else "", tempo=_exact(tempo.bpm))


def _exact(value: float) -> str:
    """A number that reads back as the same float; XML Schema's decimals have no exponent."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")


def _direction(sign: str, offset: str, **sound: object) -> str:
    return element(
        "direction",
        element("direction-type", sign),
        leaf("offset", offset, sound="yes") if offset != "0" else "",
        leaf("sound", "", **sound),
        placement="above",
    )


# Chord symbols -------------------------------------------------------------------------------------------------


def chord_marks(score: Score, end: int) -> Iterator[Mark]:
    """Every chord symbol of a score whose last measure ends at `end`, and "N.C." where none follows a chord."""
    for chord, following in zip_longest(score.chords, score.chords[1:]):
        yield Mark(chord.onset, partial(_harmony, chord, score.key_at(chord.onset)))
        if chord.end < (following.onset if following else end):
            yield Mark(chord.end, partial(_no_chord, following is not None))


def chord_spelling(chord: Chord, key: Key) -> int:
    """The place on the line of fifths that a chord's root is written with: its own where it has a usable one."""
    own = chord.fifths
    if own is not None and theory.pitch_class(own) == chord.root % 12 and abs(theory.letter_and_alter(own)[1]) <= 2:
        return own
    return theory.spell(chord.root, key.fifths, key.mode)


def _harmony(chord: Chord, key: Key, offset: str) -> str:
    root = chord_spelling(chord, key)
    quality = theory.QUALITIES[chord.quality]
    seventh = leaf("degree-value", 7), leaf("degree-alter", 0), leaf("degree-type", "add")
    return element(
        "harmony",
        _step("root", root),
        leaf("kind", quality.kind, text=quality.suffix, use_symbols="no"),
        "" if chord.bass is None else _step("bass", _bass_spelling(chord.bass, root)),
        element("degree", *seventh, print_object="no") if quality.suffix == SUSPENDED_SEVENTH else "",
        leaf("offset", offset) if offset != "0" else "",
        print_frame="no",
    )


def _bass_spelling(bass: int, root: int) -> int:
    """A bass note as seen from the root, without double accidentals."""
    place = theory.spell(bass, root)
    alter = theory.letter_and_alter(place)[1]
    return place - 12 if alter > 1 else place + 12 if alter < -1 else place


def _step(name: str, fifths: int) -> str:
    letter, alter = theory.letter_and_alter(fifths)
    return element(name, leaf(f"{name}-step", letter), leaf(f"{name}-alter", alter) if alter else "")


def _no_chord(printed: bool, offset: str) -> str:
    return element(
        "harmony",
        element("root", leaf("root-step", "C", text="")),  # the schema asks for one
        leaf("kind", "none", text="N.C."),
        leaf("offset", offset) if offset != "0" else "",
        print_object=None if printed else "no",
        print_frame="no",
    )


# Jumps ---------------------------------------------------------------------------------------------------------


def jump_marks(score: Score) -> Iterator[Mark]:
    """D.C., D.S., segno, Fine, "To Coda" and coda; each segno and coda is labelled with its tick."""
    for target in sorted({jump.target for jump in score.jumps if jump.target}):
        yield Mark(target, partial(_direction, "<segno/>", segno=target))
    for place in sorted({jump.coda for jump in score.jumps if jump.coda is not None}):
        yield Mark(place, partial(_direction, "<coda/>", coda=place))
    for stop, coda in dict.fromkeys((jump.stop, jump.coda) for jump in score.jumps):
        if stop is not None and coda is None:
            yield Mark(stop, partial(_direction, leaf("words", "Fine"), fine="yes"), closing=True)
        elif stop is not None:
            yield Mark(stop, partial(_direction, leaf("words", "To Coda"), tocoda=coda), closing=True)
    for jump in score.jumps:
        yield Mark(jump.onset, partial(_jump, jump), closing=True)


def _jump(jump: Jump, offset: str) -> str:
    words = "D.S." if jump.target else "D.C."
    if jump.stop is not None:
        words += " al Fine" if jump.coda is None else " al Coda"
    if jump.target:
        return _direction(leaf("words", words), offset, dalsegno=jump.target)
    return _direction(leaf("words", words), offset, dacapo="yes")
