"""From a request to wishes: what is asked, and what the songs learned imply where nothing is asked.

To add a wish: its dataclass in `constraints`, its words in `wording`, its field in `request`, and here what it means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tunesmith import theory
from tunesmith.constraints import (
    CHORD_VOICE,
    Alone,
    Chords,
    Contour,
    Density,
    Ending,
    Entering,
    Form,
    Fresh,
    InKey,
    Leaps,
    Length,
    Lengths,
    NoRests,
    Onward,
    PartWriting,
    Pins,
    Progression,
    Range,
    Rhythm,
    Sounding,
    Steady,
    Struck,
    Together,
    Voices,
    Wish,
    chords_like,
    triad,
)
from tunesmith.constraints.clashing import clash, clashing_text
from tunesmith.errors import RequestError, Unsatisfiable
from tunesmith.framing import Frame, letters_of
from tunesmith.habits import Habits
from tunesmith.request import Request
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ

BREATH = TPQ // 2  # the shortest rest that is a breath: an eighth
OF_FIRST = 24  # semitones of a line in the first of several voices, where no range is asked for
CHROMATIC = -4.0  # nats: what notes outside the key get where nothing is asked


def wishes(habits: Habits, request: Request, room: Frame) -> tuple[Wish, ...]:
    """The wishes of a request, with what the songs learned imply.

    Raises:
        RequestError: a wish does not fit the piece.
        Unsatisfiable: some clash whatever the music.
    """
    found = tuple(all_wishes(habits, request, room))
    if clashing := clash(found, room.at, room.is_free):
        names, tick = clashing
        raise Unsatisfiable(clashing_text(names), where=f"bar {room.number(tick)}", fix="ask for less")
    return found


def all_wishes(habits: Habits, request: Request, room: Frame) -> Iterator[Wish]:
    """The same, one by one, whether or not they clash.

    Raises:
        RequestError: a wish does not fit the piece.
    """
    yield from (Voices(), Sounding(0.0 if habits.silent else Sounding().bias))
    if not room.kept:
        yield from (Steady(), Entering())
    if not room.kept or request.range:
        yield from _ranges(habits, request, room)
    yield InKey(_bias_of(request.chromatic))
    meter = room.cursor.beats, room.cursor.unit
    free = request.shortest is None and request.steps is None
    yield Rhythm(habits.rhythms.get(meter, frozenset()) if free else frozenset())
    if not request.chords:
        yield Chords(habits.chords, habits.chord_rests)
    if not free:
        yield Lengths(room.filling.lengths)
    yield Length(room.end, room.filling, bool(request.chords), room.sounding)
    if v.STYLES[room.cursor.style] == "voices" and not room.kept:
        yield PartWriting()
    endings = list(_endings(habits, request, room))
    yield from _melodic(habits, request, room, endings)
    yield from endings
    yield from _harmony(request, room)
    yield from _form(request, room)
    yield Onward()


def _bias_of(chromatic: float | None) -> float:
    """Nats for notes outside the key: the dial says by what their probability is multiplied."""
    return CHROMATIC if chromatic is None else math.log(chromatic) if chromatic > 0 else -math.inf


def _ranges(habits: Habits, request: Request, room: Frame) -> Iterator[Wish]:
    told = {voice: (low, high) for voice, low, high in request.range}
    for voice in told:
        if voice > room.voices:
            raise RequestError(f"a range for voice {voice}: the piece has {room.voices}", fix="leave it out")
    for voice in range(1, room.voices + 1):
        low, high = told.get(voice) or told.get(0) or (habits.low, habits.high)
        yield Range(low, high, voice)


def _melodic(habits: Habits, request: Request, room: Frame, endings: Sequence[Ending]) -> Iterator[Wish]:
    pins = _pins(request, room) if request.notes else None
    if request.leap is not None:
        yield Leaps(request.leap, v.JOIN in room.filling.lengths, room.filling.shortest, _targets(pins, room))
    if request.steps is not None:
        yield Alone()
        yield Struck()
    if not request.rests:
        yield NoRests()
    if request.density is not None:
        yield Density(*request.density, room.end, room.filling, _sure(request, pins, endings))
    if request.repeats is not None:
        yield Fresh(request.repeats)
    if request.contour:
        yield from _contour(habits, request, room)
    if pins:
        yield pins


def _contour(habits: Habits, request: Request, room: Frame) -> Iterator[Wish]:
    """The line over the whole piece; a section that comes back must be near the line wherever it comes."""
    range_of = next(wish for wish in _ranges(habits, request, room) if isinstance(wish, Range))
    low, high = range_of.low, range_of.high
    if room.voices > 1 and not {0, 1} & {voice for voice, _, _ in request.range}:
        low = max(low, high - OF_FIRST)  # what is below is for the others
    bottom, top = min(request.contour), max(request.contour)
    inside = min(6, (high - low) // 2)  # so that what is in reach is in range
    scale = (high - low - 2 * inside) / (top - bottom or 1)
    pitches = tuple(low + inside + (height - bottom) * scale for height in request.contour)
    count = len(pitches)
    ticks = tuple(round(room.begin + (room.end - room.begin) * i / (count - 1)) for i in range(count))
    line = Contour(ticks, pitches)
    yield line
    length = (room.end - room.begin) // max(1, len(room.sections))
    for start, model in room.sections:
        if model >= 0:
            inner = [t for t in ticks if start < t < start + length]
            places = [start, *inner, start + length]
            yield Contour(tuple(t - start + model for t in places), tuple(line.at(t) for t in places))


def _sure(request: Request, pins: Pins | None, endings: Sequence[Ending]) -> dict[int, frozenset[int]]:
    """By voices, as wishes count them, ticks where notes are sure to begin; in equal steps phrases end with one too."""
    found: dict[int, set[int]] = {}
    if pins:
        found[pins.voice] = set(pins.ticks)
    for ending in endings if request.steps else ():
        if ending.voice != CHORD_VOICE and v.REST not in ending.wanted:
            found.setdefault(ending.voice, set()).add(ending.tick - (request.steps or 0))
    return {voice: frozenset(ticks) for voice, ticks in found.items()}


def _targets(pins: Pins | None, room: Frame) -> dict[int, tuple[tuple[int, int, int], ...]]:
    """By voices, as wishes count them, stretches before a note that is sure to come: first tick, end, its pitch."""
    if not pins:
        return dict(room.coming)
    own = tuple(zip((0, *pins.ticks), pins.ticks, pins.pitches, strict=False))
    return {**room.coming, pins.voice: (*own, *room.coming.get(pins.voice, ()))}


def _pins(request: Request, room: Frame) -> Pins:
    found: dict[int, int] = {}
    for bar, beat, pitch in request.notes:
        tick = room.tick(bar) + int((beat - 1) * 4 * TPQ / room.meter(room.tick(bar)).unit)
        if not room.tick(bar) <= tick < room.close(bar):
            raise RequestError(f"bar {bar} has no beat {float(beat):g}", fix="beats count from 1")
        for place in room.models(tick):
            if found.setdefault(place, pitch) != pitch:
                raise RequestError(f"two notes are wished for at beat {float(beat):g} of bar {bar}", fix="wish for one")
    return Pins(1, tuple(sorted(found)), tuple(found[t] for t in sorted(found)), room.filling)


def _endings(habits: Habits, request: Request, room: Frame) -> Iterator[Ending]:
    """How phrases end; without a word a melody ends on its tonic."""
    melody = room.voices == 1 and not room.chords and v.JOIN not in room.filling.lengths
    wide = all(high - low >= 12 for _, low, high in request.range) and habits.high - habits.low >= 12
    asked = request.cadence
    drawn = request.contour and (request.form or (request.leap or 12) < 3)  # a line that may lie far from the tonic
    plain = melody and wide and not request.chords and not room.kept and not drawn
    if plain and not any(bar in (0, request.bars) for _, bar in asked):
        asked = (*asked, ("tonic", 0))
    for kind, bar in asked:
        tick = room.phrase_end(bar) if bar else room.end
        words = f"the {'half cadence' if kind == 'half' else 'ending on the tonic'} in bar {bar or request.bars}"
        for place in room.models(tick, closing=True):
            again = "" if place == tick else " (where the form has the same music)"
            yield from _cadence(kind, room.key(place - 1), place, words + again, room, request)
    if request.breath is not None:
        for bar in range(request.breath, request.bars, request.breath):
            for place in filter(lambda t: room.is_free(1, t - 1), room.models(room.phrase_end(bar), closing=True)):
                yield Ending(1, place, frozenset({v.REST}), BREATH, room.filling, f"the breath after bar {bar}")


def _cadence(kind: str, key: tuple[int, str], tick: int, words: str, room: Frame, request: Request) -> Iterator[Ending]:
    """A tonic: the lowest voice has it, and the melody, the others its triad. A half cadence: the dominant's triad.

    A voice that is kept may have any of the triad.
    """
    fifths, mode = key
    home = frozenset(triad(fifths, mode, 4 if kind == "half" else 0))
    tonic = theory.tonic(fifths, mode)
    fifth = (tonic + 7) % 12 if (tonic + 7) % 12 in home else (tonic + 6) % 12  # of the locrian mode
    root = frozenset({fifth if kind == "half" else tonic})
    least = _last_length(room, tick)
    for voice in range(1, room.voices + 1):
        alone = kind == "tonic" and (voice in (1, room.voices))
        bass = room.voices > 1 and voice == room.voices
        strict = (alone or bass) and room.is_free(voice, tick - 1)
        yield Ending(voice, tick, root if strict else home, least, room.filling, words)
    if room.chords:
        names = {v.chord_symbol(next(iter(root)), quality) for quality in chords_like(home, next(iter(root)))}
        if not request.chords:
            yield Ending(CHORD_VOICE, tick, frozenset(names), 0, room.filling, words)
        elif _sounding(request, room, tick) not in names:
            where = f"bar {room.number(tick - 1)}"
            raise Unsatisfiable(clashing_text(("the chords", words)), where=where, fix="ask for less")


def _sounding(request: Request, room: Frame, tick: int) -> int:
    """The chord asked for that sounds before a tick, a symbol of the vocabulary."""
    before = [chord for begin, chord in zip(*progression(request, room), strict=True) if begin < tick]
    return before[-1] if before else v.REST


def _last_length(room: Frame, ticks: int) -> int:
    """The ticks that a last note must have at least: half a bar, where that cannot be a beat."""
    meter = room.meter(ticks - 1)
    wanted = (meter.bar // 2, 4 * TPQ // meter.unit, room.filling.longest)
    return next((least for least in wanted if room.filling.closable(ticks, least)), 0)


def _harmony(request: Request, room: Frame) -> Iterator[Wish]:
    if not request.chords:
        return
    ticks, chords = progression(request, room)
    by_tick = dict(zip(ticks, chords, strict=True))
    for tick, chord in list(by_tick.items()):
        for place in room.models(tick):
            if by_tick.get(place) != chord:
                raise RequestError("the chords differ where the form says the music is the same", fix="change one")
    yield Progression(ticks, chords, room.end, room.filling, strict=not room.chords)


def progression(request: Request, room: Frame) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where each chord begins, in ticks, and the chords as symbols of the vocabulary.

    Raises:
        RequestError: a bar cannot be shared evenly by its chords.
    """
    ticks, chords = list[int](), list[int]()
    for number in range(request.bars):
        told = request.chords[number % len(request.chords)]
        start, end = room.tick(number + 1), room.close(number + 1)
        each, odd = divmod(end - start if room.known else room.bar, len(told))
        if odd or not v.representable(each):
            raise RequestError(f"{len(told)} chords do not share a bar evenly", where=f"bar {number + 1} of the chords")
        for place, (root, quality) in enumerate(told):
            if start + place * each < end:
                ticks.append(start + place * each)
                chords.append(v.chord_symbol(root, quality))
    return tuple(ticks), tuple(chords)


def _form(request: Request, room: Frame) -> Iterator[Wish]:
    letters = letters_of(request.form)
    if not letters:
        return
    starts, models = zip(*room.sections, strict=True)
    length = room.end // len(letters)
    begins, given = tuple(start for start in starts if start), bool(request.chords)
    yield Together(begins, room.filling, "the sections of the form", given)
    yield Form(starts, models, tuple(varied for _, varied in letters), length, given=given)


def suits(request: Request, room: Frame) -> bool:
    """Whether bars of this length have room for what is wished for in each: so many notes, and whole steps or chords.

    Raises:
        RequestError: a bar cannot be shared evenly by its chords.
    """
    if request.steps and room.bar % request.steps:
        return False
    if request.chords and not all(room.filling.fits(tick) for tick in progression(request, room)[0]):
        return False
    return request.density is None or request.density[0] * room.filling.shortest <= room.bar


def needs(request: Request, kept: bool = False) -> int:
    """How many particles such a request needs, where something of a piece is `kept` or not."""
    return request.particles if request.particles is not None else 32 if request.wished or kept else 8
