"""The four ways to work on a piece: what each of them keeps, and what it writes anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

import numpy as np

from tunesmith.checkpoint import Learned
from tunesmith.constraints import Beneath, Contour, KeptRhythm, PartWriting, Range, Wish
from tunesmith.errors import RequestError
from tunesmith.framing import Gap
from tunesmith.habits import Opening, header, imagined
from tunesmith.prepare import only
from tunesmith.request import Request
from tunesmith.scheme import Event
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Score
from tunesmith.ways.checking import knows_chords, leave_out, only_in
from tunesmith.ways.material import Material, Placed, notes_of
from tunesmith.ways.outline import strongest
from tunesmith.ways.task import Task, task_of

KINDS_OF_HARMONY = ("chords", "voices")
KINDS_OF_VARYING = ("skeleton", "rhythm", "contour")
SOPRANO = 67  # the middle of the melodies that such ranges suit; under lower ones all lie lower
FOUR = ("Alto", "Tenor", "Bass")
RANGES_OF_FOUR = ((53, 74), (48, 69), (40, 64))  # as choirs sing, lowest and highest pitch of these
OF_MELODY = ("contour", "notes", "breath")  # wishes about the first voice alone
OF_VOICES = (*OF_MELODY, "range", "density", "leap", "repeats", "shortest", "steps", "rests")


def carry_on(learned: Learned, beginning: Score, request: Request) -> Task:
    """Pieces of `request.bars` bars that begin as this does, to the note.

    Raises:
        RequestError: the beginning is as long as the piece, or longer; a wish does not fit.
        NotCarried: the scheme cannot carry the beginning.
    """
    material = Material.of(beginning)
    if material.bars >= request.bars:
        what = f"the beginning has {material.bars} bars, the whole piece is to have {request.bars}"
        raise RequestError(what, fix="ask for more bars")
    only_in(request, range(material.bars + 1, request.bars + 1), "what is to come")
    body = list(material.body)
    sounded = max((p.end for p in body if p.event[0] != v.REST), default=0)
    while body and body[-1].event[0] == v.REST and body[-1].place[1] >= sounded:
        body.pop()  # what fills the last bar is no music; a voice that is silent while others play stays so
    opening = material.events(body)
    cursor = material.cursor(opening)
    last = cursor.bars_before + -(-(cursor.now - cursor.origin) // cursor.bar_length)
    end = cursor.now + (-(cursor.now - cursor.origin)) % cursor.bar_length + (request.bars - last) * cursor.bar_length
    end -= cursor.pickup  # the last bar is what the pickup leaves of it
    gaps = [(number, voice.end, end) for number, voice in enumerate(cursor.voices)]
    return task_of(learned, request, material, opening, [], gaps, end)


def rewrite(learned: Learned, piece: Score, bars: tuple[int, int], request: Request) -> Task:
    """The piece with bars (first, last) written anew; all else stays as it is.

    A note that begins before and reaches into them stays; one that begins in them is written anew to its end.

    Raises:
        RequestError: the piece does not have these bars; a wish does not fit.
        NotCarried: the scheme cannot carry the piece.
    """
    material = Material.of(piece)
    first, last = material.bar(bars[0]), material.bar(bars[1])
    if first is None or last is None or bars[0] > bars[1]:
        raise RequestError(f"bars {bars[0]}-{bars[1]} of a piece of {material.bars} bars", fix="choose bars it has")
    only_in(request, range(bars[0], bars[1] + 1), "the bars that are written anew")
    if material.chord_voice:
        leave_out(request, ("chords",), "the piece has its chords already")
    kept, gaps = list[Placed](), list[Gap]()
    for voice in range(int(material.chord_voice), material.voices):
        mine, anew = [p for p in material.body if p.place[0] == voice], list[Placed]()
        for placed in mine:
            held = placed.event[0] == v.HOLD and bool(anew) and placed.place[1] == anew[-1].end
            if (first.start <= placed.place[1] < last.end and not (placed.event[0] == v.HOLD and not anew)) or held:
                anew.append(placed)
        if anew:
            gaps.append((voice, anew[0].place[1], max(p.end for p in anew)))
        gone = {p.place for p in anew}
        kept += [p for p in mine if p.place not in gone]
    kept += [p for p in material.body if material.chord_voice and p.place[0] == 0]
    return task_of(learned, request, material, _until(material, gaps), kept, gaps, material.end)


def harmonise(learned: Learned, piece: Score, kind: str, request: Request) -> Task:
    """The melody of a piece with chord symbols ("chords"), or with three more voices under it ("voices").

    Raises:
        RequestError: there is no such kind; a wish does not fit.
        NotCarried: the scheme cannot carry the melody.
    """
    if kind not in KINDS_OF_HARMONY:
        raise RequestError(f"unknown harmony {kind!r}", fix=f"choose from {', '.join(KINDS_OF_HARMONY)}")
    leave_out(request, OF_MELODY if kind == "voices" else OF_VOICES, "the melody is kept as it is")
    melody = Material.of(only(piece, "melody").replace(chords=()))
    if kind == "chords" and not knows_chords(learned):
        raise RequestError("this model knows no chords", fix="harmonise with the base, or with one that began from it")
    if melody.voices != 1:
        raise RequestError("this is no melody: it has several voices", fix="harmonise one voice")
    if not request.cadence and _ends_on_tonic(melody):
        request = replace(request, cadence=(("tonic", 0),))  # as a melody does that is composed
    head, body = list(melody.head), melody.body
    place = next(i for i, (symbol, _) in enumerate(head) if symbol in v.PART)
    ranges: list[Wish] = []
    if kind == "chords":
        head[0] = v.STYLE[v.STYLES.index("lead sheet")], v.NONE
        head.insert(place, (v.CHORDS, v.NONE))
        body = tuple(replace(p, place=(p.place[0] + 1, *p.place[1:])) for p in body)
        gaps = [(0, 0, melody.end)]
        ranges.append(Beneath(tuple((n.onset, n.end, n.pitch) for n in notes_of(melody)[0])))
    else:
        parts = _four(learned, melody)
        head = [(v.STYLE[v.STYLES.index("voices")], v.NONE), *head[1:place], *parts]
        gaps = [(voice, 0, melody.end) for voice in (1, 2, 3)]
        down = min(0, round(mean(note.pitch for note in notes_of(melody)[0])) - SOPRANO)
        ranges = [Range(low + down, high + down, voice) for voice, (low, high) in enumerate(RANGES_OF_FOUR, 2)]
        ranges.append(PartWriting())
    return task_of(learned, request, melody, head, body, gaps, melody.end, ranges, FOUR)


def _ends_on_tonic(melody: Material) -> bool:
    """Whether the last note of a melody is its tonic, and lasts to the end."""
    last, key = notes_of(melody)[0][-1], melody.score.key_at(melody.end - 1)
    return last.end == melody.end and last.pitch % 12 == key.tonic


def vary(learned: Learned, piece: Score, kind: str, strength: float, request: Request) -> Task:
    """The piece with its outline kept and the rest written anew.

    `kind` says what the outline is: "skeleton", notes on strong beats; "rhythm", every length; "contour", the line of
    the first voice. `strength`, 0 to 1: how much of it is given up: the share of notes that are free (skeleton,
    rhythm), or how far the line may be left (contour).

    Raises:
        RequestError: there is no such kind; a wish does not fit.
        NotCarried: the scheme cannot carry the piece.
    """
    if kind not in KINDS_OF_VARYING:
        raise RequestError(f"unknown outline {kind!r}", fix=f"choose from {', '.join(KINDS_OF_VARYING)}")
    if not 0 <= strength <= 1:
        raise RequestError(f"strength is {strength:g}", fix="it goes from 0 (nearly the same) to 1 (nearly free)")
    material = Material.of(piece)
    outlined = (*OF_MELODY, "density", "cadence", *(("chords",) if material.chord_voice else ()))
    leave_out(request, outlined, "the outline of the piece is kept")
    if kind == "contour":
        line = notes_of(material)[int(material.chord_voice)]
        ticks, pitches = zip(*((n.onset, float(n.pitch)) for n in line), strict=True)
        outline = [Contour((*ticks, material.end), (*pitches, pitches[-1]), 1 + round(strength * 11))]
        gaps = [(int(material.chord_voice), 0, material.end)]
        kept = [p for p in material.body if p.place[0] != int(material.chord_voice)]
        return task_of(learned, request, material, material.head, kept, gaps, material.end, outline)
    kept = strongest(material, 1 - strength)
    free = {p.place for p in material.body} - {p.place for p in kept}
    gaps = [(p.place[0], p.place[1], p.end) for p in material.body if p.place in free and p.place[2] == 0]
    rhythm = [KeptRhythm({p.place: p.event for p in material.body if p.place in free})] if kind == "rhythm" else []
    return task_of(learned, request, material, material.head, kept, _joined(gaps), material.end, rhythm)


def _joined(gaps: Sequence[Gap]) -> list[Gap]:
    """Gaps of the same voice that touch are one."""
    found: list[Gap] = []
    for voice, start, end in sorted(gaps):
        if found and found[-1][0] == voice and found[-1][2] >= start:
            found[-1] = voice, found[-1][1], max(end, found[-1][2])
        else:
            found.append((voice, start, end))
    return found


def _until(material: Material, gaps: Sequence[Gap]) -> list[Event]:
    """The events of a piece before the first that is in a gap."""
    body: list[Placed] = []
    for placed in material.body:
        if any(voice == placed.place[0] and start <= placed.place[1] < end for voice, start, end in gaps):
            break
        body.append(placed)
    return material.events(body)


def _four(learned: Learned, melody: Material) -> list[Event]:
    """The parts of a header for four voices, the first of them the melody's."""
    heads = [header(learned, number) for number in range(len(learned.songs))]
    voices = [[e for e in head if e[0] in v.PART or e[0] == v.VOICE] for head in heads]
    four = [parts for head, parts in zip(heads, voices, strict=True) if len(parts) == 4 and (v.CHORDS, 0) not in head]
    if four:
        return four[0]
    part = next(event for event in melody.head if event[0] in v.PART)
    if learned.about.get("base"):
        head = imagined(learned, Opening("voices"), np.random.default_rng(0))
        return [event for event in head if event[0] in v.PART or event[0] == v.VOICE]
    return [part, part, part, part]
