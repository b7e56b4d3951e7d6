"""MusicXML 4.0, partwise: https://www.w3.org/2021/06/musicxml40/

`divisions` is chosen so that every time is a whole number. Every `<note>` has an `id`: notes `p1n5` (part 1, the
fifth note of `Part.notes`; what a tied note has after its first head adds `-2`, `-3`, ...), rests `p1r5`.
A voice keeps its number in `<voice>`; where it needs further numbers, because its notes overlap or lie on two
staves, the field "tunesmith-voices" says so: `{"P1": {"5": 1}}`. The same score gives the same bytes.
What is lost: changes of meter, key or tempo after the last bar; that a chord names its root as bass (C/C).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from tunesmith import __version__
from tunesmith.errors import FormatError
from tunesmith.formats import WriteOptions
from tunesmith.formats.musicxml.container import packed
from tunesmith.formats.musicxml.drums import drum
from tunesmith.formats.musicxml.marks import chord_marks, jump_marks, tempo_marks
from tunesmith.formats.musicxml.markup import element, leaf
from tunesmith.formats.musicxml.notation import hands, measures
from tunesmith.formats.musicxml.part_writer import Clock, PartWriter, instrument
from tunesmith.formats.musicxml.signs import Barlines
from tunesmith.formats.musicxml.staves import Plan, plan_part
from tunesmith.score import Part, Score

Ids = tuple[tuple[tuple[str, ...], ...], ...]

HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
LOWEST_PITCH = 12  # C0: octaves below have no number in MusicXML
MELODIC_CHANNELS = tuple(n for n in range(1, 17) if n != 10)  # MIDI's channel 10 is for drums
# General MIDI programs that share a bracket when they stand one below the other, and whether its bar lines join
# them: singers' words need the room between the staves. Single lines without an instrument count as singers.
FAMILIES = {
    range(8): "no",
    range(40, 48): "yes",
    range(48, 52): "yes",
    range(52, 56): "no",
    range(56, 64): "yes",
    range(64, 80): "yes",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A MusicXML file as text, and the ids of each note of each part in it."""

    text: str
    ids: Ids


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a score as MusicXML, compressed where the name ends in `.mxl`.

    Raises:
        FormatError: a note is too low for MusicXML (below C0), or has no length.
    """
    text = document(score, options.fermata).text.encode()
    path.write_bytes(packed(text) if path.suffix.lower() == ".mxl" else text)


def note_ids(score: Score) -> Ids:
    """The ids in the MusicXML of every note: `note_ids(score)[part][note]`, several where the note is tied."""
    return document(score).ids


@lru_cache(maxsize=4)
def document(score: Score, fermata: bool = False) -> Document:
    """The MusicXML of a score; see `write`. `fermata`: one on the last note of each part."""
    _check(score)
    parts = score.parts or (Part(),)
    bars, barlines = measures(score), Barlines(score)
    pianist = hands(parts)
    plans = [plan_part(part, score, bars, number in pianist) for number, part in enumerate(parts)]
    everywhere = [*tempo_marks(score), *jump_marks(score)]
    chords = list(chord_marks(score, bars[-1].end))
    chords_in = next((n for n, part in enumerate(parts) if not part.drums), 0)
    clock = Clock(bars, plans, everywhere + chords)
    writers = [
        PartWriter(
            score,
            number + 1,
            part,
            bars=bars,
            barlines=barlines,
            plan=plans[number],
            clock=clock,
            marks=everywhere * (number == 0) + chords * (number == chords_in),
            fermata=fermata,
        )
        for number, part in enumerate(parts)
    ]
    head = [*_head(score, plans), element("part-list", *_part_list(parts, plans, pianist))]
    root = element("score-partwise", *head, *(writer.write() for writer in writers), version="4.0")
    ids = tuple(tuple(map(tuple, writer.ids)) for writer in writers)
    return Document(HEADER + root + "\n", ids[: len(score.parts)])


def _check(score: Score) -> None:
    for part in score.parts:
        for note in part.notes:
            if note.duration > 0 and (note.pitch >= LOWEST_PITCH or part.drums):
                continue
            bar = next((b.number for b in score.bars() if b.start <= note.onset < b.end), 0)
            what = "a note has no length" if note.duration <= 0 else f"pitch {note.pitch} lies below C0"
            raise FormatError(f"{what}, which MusicXML cannot write", where=f"bar {bar}")


def _head(score: Score, plans: Sequence[Plan]) -> Iterator[str]:
    if score.title:
        yield element("work", leaf("work-title", score.title))
    fields = {"tunesmith": score.provenance, "tunesmith-voices": _voices(plans)}
    yield element(
        "identification",
        leaf("creator", score.composer, type="composer") if score.composer else "",
        element(
            "encoding",
            leaf("software", f"Tunesmith {__version__}"),
            leaf("supports", "", element="accidental", type="yes"),
            leaf("supports", "", element="beam", type="yes"),
        ),
        element(
            "miscellaneous", *(leaf("miscellaneous-field", text, name=name) for name, text in fields.items() if text)
        )
        if any(fields.values())
        else "",
    )


def _voices(plans: Sequence[Plan]) -> str:
    """Which numbers stand for which voices, where they differ, as JSON."""
    renamed = {
        f"P{number}": {str(layer.number): layer.voice for layer in plan.layers if layer.number != layer.voice}
        for number, plan in enumerate(plans, 1)
    }
    found = {part: voices for part, voices in renamed.items() if voices}
    return json.dumps(found) if found else ""


def _part_list(parts: Sequence[Part], plans: Sequence[Plan], pianist: Sequence[int]) -> Iterator[str]:
    """The parts, several of a family in a bracket, the hands of a pianist in a brace."""
    numbered = list(enumerate(zip(parts, plans, strict=True), 1))
    for (hand, family), group in groupby(numbered, key=lambda f: (f[0] - 1 in pianist, _family(*f[1]))):
        members = list(group)
        bracket = family is not None and len(members) > 1
        if family and bracket:
            symbol = leaf("group-symbol", "brace" if hand else "bracket")
            lines = leaf("group-barline", "yes" if hand else FAMILIES[family])
            yield element("part-group", symbol, lines, type="start", number=1)
        yield from (_list_part(part, number) for number, (part, _) in members)
        if bracket:
            yield leaf("part-group", "", type="stop", number=1)


def _family(part: Part, plan: Plan) -> range | None:
    alone = part.drums or plan.staves > 1
    return None if alone else next((family for family in FAMILIES if part.program in family), None)


def _list_part(part: Part, number: int) -> str:
    channel = 10 if part.drums else MELODIC_CHANNELS[(number - 1) % len(MELODIC_CHANNELS)]
    played: list[tuple[str, str, int | None]] = [(instrument(number), part.name, None)]
    if part.drums and part.notes:
        used = sorted({note.pitch for note in part.notes})
        played = [(instrument(number, pitch), drum(pitch)[0], pitch + 1) for pitch in used]
    return element(
        "score-part",
        leaf("part-name", part.name, print_object=None if part.name else "no"),
        *(element("score-instrument", leaf("instrument-name", name), id=key) for key, name, _ in played),
        *(
            element(
                "midi-instrument",
                leaf("midi-channel", channel),
                leaf("midi-program", part.program + 1),
                "" if unpitched is None else leaf("midi-unpitched", unpitched),
                id=key,
            )
            for key, _, unpitched in played
        ),
        id=f"P{number}",
    )
