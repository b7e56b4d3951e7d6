"""Viewpoints: what is known before an event is chosen, as small integers, one column of a frame each.

To add one, write a function of the cursor and add its line to `VIEWPOINTS`. A viewpoint that names pitches or
symbols says so in `kind`, so that frames can be transposed without computing them again.

Source of the idea: D. Conklin, I. H. Witten, "Multiple viewpoint systems for music prediction", Journal of New
Music Research 24 (1995).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tunesmith import theory
from tunesmith.models.spec import Anchor, Feature, IntArray, Spec
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import KEY, SYMBOL_MASKS, Cursor
from tunesmith.score import TPQ

REACH = 24  # intervals are told apart up to two octaves
INTERVALS = 2 * REACH + 3  # 0 = none, 1 = nothing began here, then the interval + REACH + 2
PITCHES = v.PITCH.size + 1  # 0 = none, then pitch + 1
GRAINS = 12  # positions in the bar are told apart to a twelfth of a quarter note
BARS_LEFT = 10  # 0 = not told, 1 to 8 bars left, 9 = more


def _interval(pitch: int, reference: int) -> int:
    if pitch < 0 or reference < 0:
        return 0
    return max(-REACH, min(REACH, pitch - reference)) + REACH + 2


def _voices(cursor: Cursor) -> int:
    return min(len(cursor.voices), 8)


def _voice(cursor: Cursor) -> int:
    """Which voice's turn it is; in the header, how many there are."""
    return min(cursor.voice + 1, 8) if cursor.voices else 0


def _family(cursor: Cursor) -> int:
    return cursor.voices[cursor.voice].family + 1 if cursor.voices else 0


def _meter(cursor: Cursor) -> int:
    return min(cursor.beats, 15) * 3 + (cursor.unit == 8) + 2 * (cursor.unit > 8)


def _position(cursor: Cursor) -> int:
    return min(cursor.position * GRAINS // TPQ, 96)


def _strength(cursor: Cursor) -> int:
    """Metrical strength: 5 at the bar line, 4 in its middle, 3 on a beat, 2 on a half beat, 1 on a quarter, else 0.

    Source: F. Lerdahl, R. Jackendoff, "A Generative Theory of Tonal Music", MIT Press 1983, ch. 4.
    """
    position, bar = cursor.position, cursor.bar_length
    compound = cursor.unit >= 8 and cursor.beats > 3 and cursor.beats % 3 == 0
    beat = (3 if compound else 1) * 4 * TPQ // cursor.unit
    if position == 0:
        return 5
    if position * 2 == bar and position % beat == 0:
        return 4
    halves = beat // 3 if compound else beat // 2
    return 3 if position % beat == 0 else 2 if position % halves == 0 else 1 if position % (halves // 2) == 0 else 0


def _bar_in_phrase(cursor: Cursor) -> int:
    return cursor.bar % 16 + 1


def _last(cursor: Cursor) -> int:
    return cursor.voices[cursor.voice].last if cursor.voices else -1


def _last_pitch(cursor: Cursor) -> int:
    own = cursor.voices[cursor.voice] if cursor.voices else None
    return 0 if own is None or own.family == 16 else own.last + 1


def _last_interval(cursor: Cursor) -> int:
    own = cursor.voices[cursor.voice] if cursor.voices else None
    return _interval(own.last, own.previous) if own else 0


def _from_first(cursor: Cursor) -> int:
    own = cursor.voices[cursor.voice] if cursor.voices else None
    return _interval(own.last, own.first) if own else 0


def _last_length(cursor: Cursor) -> int:
    return cursor.voices[cursor.voice].length if cursor.voices else 0


def _resting(cursor: Cursor) -> int:
    return int(bool(cursor.voices) and not cursor.voices[cursor.voice].holdable)


def _degree(cursor: Cursor) -> int:
    last = _last(cursor)
    return 0 if last < 0 else (last - theory.tonic(cursor.fifths, cursor.mode)) % 12 + 1


def _mode(cursor: Cursor) -> int:
    return v.MODES.index(cursor.mode)


def _joined(cursor: Cursor) -> int:
    return min(len(cursor.building), 7)


def _joined_interval(cursor: Cursor) -> int:
    """The note just joined to a chord, from the top of this voice's last chord."""
    return _interval(cursor.building[-1], _last(cursor)) if cursor.building else 0


def _grains(ticks: int) -> int:
    return max(0, min(ticks * 4 // TPQ, 16)) + 1


def _other(place: int, cursor: Cursor) -> int | None:
    """The index of the voice `place` steps below (negative: above) the one whose turn it is, chord voice aside."""
    other = cursor.voice + place
    if not 0 <= other < len(cursor.voices) or cursor.voices[other].family == 16:
        return None
    return other


def _other_interval(place: int, cursor: Cursor) -> int:
    other = _other(place, cursor)
    if other is None:
        return 0
    sounding = cursor.voices[other].sounding
    return _interval(sounding[-1], _last(cursor)) if sounding else 1


def _other_degree(place: int, cursor: Cursor) -> int:
    other = _other(place, cursor)
    if other is None or not cursor.voices[other].sounding:
        return 0
    return (cursor.voices[other].sounding[-1] - theory.tonic(cursor.fifths, cursor.mode)) % 12 + 1


def _other_left(place: int, cursor: Cursor) -> int:
    other = _other(place, cursor)
    return 0 if other is None else _grains(cursor.voices[other].end - cursor.now)


def _chord(cursor: Cursor) -> int:
    symbol = cursor.chord
    if symbol < 0:
        return 0
    root, quality = v.chord_of(symbol)
    return quality * 12 + (root - theory.tonic(cursor.fifths, cursor.mode)) % 12 + 1


def _chord_left(cursor: Cursor) -> int:
    return _grains(cursor.voices[0].end - cursor.now) if cursor.chord >= 0 else 0


def _past(bars: int, cursor: Cursor) -> tuple[int, int] | None:
    if not cursor.voices:
        return None
    return cursor.voices[cursor.voice].past.get(cursor.now - bars * cursor.bar_length)


def _past_interval(bars: int, cursor: Cursor) -> int:
    """What this voice did at this place some bars ago: the interval that would bring it back."""
    if not cursor.voices or cursor.now < bars * cursor.bar_length:
        return 0
    found = _past(bars, cursor)
    if found is None:
        return 1
    if found[0] >= v.PITCH.end:  # a chord symbol: its root
        return (v.chord_of(found[0])[0] - theory.tonic(cursor.fifths, cursor.mode)) % 12 + REACH + 2
    return _interval(found[0], _last(cursor))


def _past_length(bars: int, cursor: Cursor) -> int:
    found = _past(bars, cursor)
    return 0 if found is None else found[1]


SAME, SYMBOL, PITCHED = "same", "symbol", "pitch"  # how a column changes when music is transposed


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A column: its name, number of values, embedding width, function, and how transposition changes it."""

    name: str
    size: int
    width: int
    of: Callable[[Cursor], int]
    kind: str = SAME


OTHERS = (-2, -1, 1, 2, 3)  # voices told about: two above, three below
BARS_AGO = (1, 2, 4, 8)

VIEWPOINTS = (
    Viewpoint("previous symbol", v.SYMBOLS + 1, 48, lambda c: c.previous_symbol + 1, SYMBOL),
    Viewpoint("previous duration", v.DURATIONS + 1, 24, lambda c: c.previous_duration + 1),
    Viewpoint("style", v.STYLE.size, 4, lambda c: c.style),
    Viewpoint("voices", 9, 4, _voices),
    Viewpoint("voice", 9, 8, _voice),
    Viewpoint("family", 18, 8, _family),
    Viewpoint("meter", 48, 8, _meter),
    Viewpoint("position", 97, 24, _position),
    Viewpoint("strength", 6, 8, _strength),
    Viewpoint("bar in phrase", 17, 12, _bar_in_phrase),
    Viewpoint("last pitch", PITCHES, 32, _last_pitch, PITCHED),
    Viewpoint("last interval", INTERVALS, 16, _last_interval),
    Viewpoint("from first", INTERVALS, 16, _from_first),
    Viewpoint("last length", v.DURATIONS, 16, _last_length),
    Viewpoint("resting", 2, 2, _resting),
    Viewpoint("degree", 13, 12, _degree),
    Viewpoint("mode", len(v.MODES), 4, _mode),
    Viewpoint("joined", 8, 4, _joined),
    Viewpoint("joined interval", INTERVALS, 16, _joined_interval),
    *(Viewpoint(f"voice {p:+d} interval", INTERVALS, 16, partial(_other_interval, p)) for p in OTHERS),
    *(Viewpoint(f"voice {p:+d} degree", 13, 8, partial(_other_degree, p)) for p in OTHERS),
    *(Viewpoint(f"voice {p:+d} left", 18, 8, partial(_other_left, p)) for p in OTHERS),
    Viewpoint("chord", v.CHORD.size + 1, 24, _chord),
    Viewpoint("chord left", 18, 8, _chord_left),
    *(Viewpoint(f"{n} bars ago interval", INTERVALS, 16, partial(_past_interval, n)) for n in BARS_AGO),
    *(Viewpoint(f"{n} bars ago length", v.DURATIONS, 8, partial(_past_length, n)) for n in BARS_AGO),
)
_GRAMMAR: tuple[
    tuple[str, Callable[[Cursor], int]], ...
] = (  # columns that are no features: the grammar's, and the references of relative logits
    ("mask", lambda c: c.mask_class),
    ("floor", lambda c: c.floor),
    ("reference", lambda c: c.building[-1] if c.building else _last_pitch(c) - 1),
    ("tonic", lambda c: theory.tonic(c.fifths, c.mode) if c.phase > KEY else -1),
    ("bar", lambda c: min(c.bar, 32767)),
)
PLACE = {name: i for i, name in enumerate([*(p.name for p in VIEWPOINTS), "bars left", *(n for n, _ in _GRAMMAR)])}
COLUMNS = len(PLACE)
_FUNCTIONS: tuple[Callable[[Cursor], int], ...] = (*(p.of for p in VIEWPOINTS), lambda c: 0, *(f for _, f in _GRAMMAR))
_PITCHED = [PLACE[p.name] for p in VIEWPOINTS if p.kind == PITCHED]
_SYMBOL = [PLACE[p.name] for p in VIEWPOINTS if p.kind == SYMBOL]


def frame(cursor: Cursor, bars_left: int = 0) -> list[int]:
    """The frame at a cursor: `COLUMNS` integers. `bars_left` counts the bars to the end, 0 = not told."""
    row = [function(cursor) for function in _FUNCTIONS]
    row[PLACE["bars left"]] = bars_left
    return row


def frames(events: list[tuple[int, int]]) -> NDArray[np.int16]:
    """The frames (T, COLUMNS) of a row of events, bars left not told."""
    cursor, rows = Cursor(), []
    for symbol, duration in events:
        rows.append(frame(cursor))
        cursor.advance(symbol, duration)
    return np.array(rows, np.int16).reshape(-1, COLUMNS)


def tell_bars_left(rows: IntArray, last_bar: int) -> IntArray:
    """Frames that also tell how many bars are left, this one included, when the last bar is `last_bar`."""
    told = rows.copy()
    told[..., PLACE["bars left"]] = bars_left(rows[..., PLACE["bar"]].astype(int), last_bar)
    return told


def bars_left(bar: IntArray | int, last_bar: int) -> IntArray:
    """The value of the column "bars left" in a bar of a piece whose last bar is `last_bar`."""
    left: IntArray = np.clip(last_bar - np.asarray(bar) + 1, 1, BARS_LEFT - 1)
    return left


def transpose(rows: IntArray, semitones: int) -> IntArray:
    """Frames moved by semitones, as if the music had been transposed and then encoded."""
    if semitones == 0:
        return rows
    moved = rows.copy()
    for place in _PITCHED:
        column = moved[..., place]
        moved[..., place] = np.where(column > 0, np.clip(column + semitones, 1, v.PITCH.size), 0)
    table = np.concatenate([[0], v.transposition(semitones) + 1])
    for place in _SYMBOL:
        moved[..., place] = table[moved[..., place]]
    for name in ("floor", "reference"):
        column = moved[..., PLACE[name]]
        moved[..., PLACE[name]] = np.where(column >= 0, np.clip(column + semitones, 0, 127), -1)
    tonic = moved[..., PLACE["tonic"]]
    moved[..., PLACE["tonic"]] = np.where(tonic >= 0, (tonic + semitones) % 12, -1)
    return moved


ANCHORS = (
    Anchor("interval", PLACE["reference"], v.PITCH.first, v.PITCH.end, reach=REACH),
    Anchor("degree", PLACE["tonic"], v.PITCH.first, v.PITCH.end, modulus=12),
    Anchor("chord root", PLACE["tonic"], v.CHORD.first, v.CHORD.end, modulus=12),
)


def spec(viewpoints: frozenset[str] | None = None) -> Spec:
    """What models must know; with `viewpoints` given, only those (and the previous event) are features."""
    told = [*VIEWPOINTS, Viewpoint("bars left", BARS_LEFT, 8, lambda c: 0)]
    always = ("previous symbol", "previous duration")
    classes, masks = v.duration_masks()
    return Spec(
        features=tuple(
            Feature(p.name, PLACE[p.name], p.size, p.width)
            for p in told
            if viewpoints is None or p.name in viewpoints or p.name in always
        ),
        anchors=ANCHORS,
        columns=COLUMNS,
        mask_place=PLACE["mask"],
        floor_place=PLACE["floor"],
        floor_range=v.PITCH.end,
        symbol_masks=SYMBOL_MASKS,
        duration_classes=classes,
        duration_masks=masks,
    )
