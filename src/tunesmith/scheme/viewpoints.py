"""Viewpoints: what is known before an event is chosen, as small integers, one column of a frame each.

To add one, add its line to `GROUPS`, and its value to what the function there gives; or a function of the cursor and
its lines. A viewpoint that names pitches or symbols says so in `kind`, so that frames can be transposed without
computing them again.

Source of the idea: D. Conklin, I. H. Witten, "Multiple viewpoint systems for music prediction", Journal of New
Music Research 24 (1995).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tunesmith import theory
from tunesmith.models.spec import Anchor, Feature, Spec
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import KEY, SYMBOL_MASKS, Cursor, Voice
from tunesmith.scheme.recall import LONGEST
from tunesmith.score import TPQ

REACH = 24  # intervals are told apart up to two octaves
INTERVALS = 2 * REACH + 3  # 0 = none, 1 = nothing began here, then the interval + REACH + 2
PITCHES = v.PITCH.size + 1  # 0 = none, then pitch + 1
GRAINS = 12  # positions in the bar are told apart to a twelfth of a quarter note
BARS_LEFT = 10  # 0 = not told, 1 to 8 bars left, 9 = more


# pitch - reference -> what the column says, by Python's rule that an index below 0 counts from the end
_INTERVAL = [max(-REACH, min(REACH, d)) + REACH + 2 for d in (*range(v.PITCH.end), *range(-v.PITCH.end, 0))]


def _interval(pitch: int, reference: int) -> int:
    return 0 if pitch < 0 or reference < 0 else _INTERVAL[pitch - reference]


_TONIC = {(fifths, mode): theory.tonic(fifths, mode) for fifths in range(-7, 8) for mode in v.MODES}
_NOBODY = Voice(-1)  # whose turn it is in the header, before there are voices
_NOBODY.holdable = True
Values = tuple[int, ...]


def _own(cursor: Cursor) -> Voice:
    """The voice whose turn it is."""
    return cursor.voices[cursor.voice] if cursor.voices else _NOBODY


def _standing(cursor: Cursor) -> Values:
    """The event before, and whose turn it is; in the header, how many voices there are."""
    voices = len(cursor.voices)
    return (
        cursor.previous_symbol + 1,
        cursor.previous_duration + 1,
        cursor.style,
        min(voices, 8),
        min(cursor.voice + 1, 8) if voices else 0,
        _own(cursor).family + 1,
    )


def _metrical(cursor: Cursor) -> Values:
    """Where in the bar, and in the phrase."""
    position = cursor.position
    return (
        min(cursor.beats, 15) * 3 + (cursor.unit == 8) + 2 * (cursor.unit > 8),
        min(position * GRAINS // TPQ, 96),
        _strength(position, cursor.beats, cursor.unit),
        cursor.bar % 16 + 1,
    )


@lru_cache(maxsize=4096)
def _strength(position: int, beats: int, unit: int) -> int:
    """Metrical strength: 5 at the bar line, 4 in its middle, 3 on a beat, 2 on a half beat, 1 on a quarter, else 0.

    Source: F. Lerdahl, R. Jackendoff, "A Generative Theory of Tonal Music", MIT Press 1983, ch. 4.
    """
    compound = unit >= 8 and beats > 3 and beats % 3 == 0
    beat = (3 if compound else 1) * 4 * TPQ // unit
    if position == 0:
        return 5
    if position * 2 == beats * 4 * TPQ // unit and position % beat == 0:
        return 4
    halves = beat // 3 if compound else beat // 2
    return 3 if position % beat == 0 else 2 if position % halves == 0 else 1 if position % (halves // 2) == 0 else 0


def _melodic(cursor: Cursor) -> Values:
    """What this voice did last, and the chord that is being built."""
    own, building = _own(cursor), cursor.building
    last = own.last
    return (
        0 if own.family == 16 else last + 1,
        _interval(last, own.previous),
        _interval(last, own.first),
        own.length,
        int(not own.holdable),
        0 if last < 0 else (last - _TONIC[cursor.fifths, cursor.mode]) % 12 + 1,
        v.MODES.index(cursor.mode),
        min(len(building), 7),
        _interval(building[-1], last) if building else 0,  # the note just joined, from the top of the last chord
    )


def _grains(ticks: int) -> int:
    """A stretch of time ahead, to a quarter of a quarter note."""
    grains = ticks * 4 // TPQ
    return grains + 1 if grains < 16 else 17


OTHERS = (-2, -1, 1, 2, 3)  # voices told about: two above, three below
_ALONE = (0,) * 3 * len(OTHERS)


def _others(cursor: Cursor) -> Values:
    """The other voices, chord voice aside: intervals from this one, degrees, and how long they still sound."""
    voices, number = cursor.voices, len(cursor.voices)
    if number < 2:
        return _ALONE
    tonic, last = _TONIC[cursor.fifths, cursor.mode], voices[cursor.voice].last
    intervals, degrees, left = [0] * len(OTHERS), [0] * len(OTHERS), [0] * len(OTHERS)
    for index, distance in enumerate(OTHERS):
        place = cursor.voice + distance
        if not 0 <= place < number or voices[place].family == 16:
            continue
        other = voices[place]
        left[index] = _grains(other.end - cursor.now)
        if other.sounding:
            intervals[index] = _interval(other.sounding[-1], last)
            degrees[index] = (other.sounding[-1] - tonic) % 12 + 1
        else:
            intervals[index] = 1
    return (*intervals, *degrees, *left)


def _chord(cursor: Cursor) -> Values:
    """The chord symbol that sounds, from the tonic, and for how long yet."""
    symbol = cursor.chord
    if symbol < 0:
        return 0, 0
    root, quality = v.chord_of(symbol)
    degree = (root - _TONIC[cursor.fifths, cursor.mode]) % 12
    return quality * 12 + degree + 1, _grains(cursor.voices[0].end - cursor.now)


BARS_AGO = (1, 2, 4, 8)


def _past(cursor: Cursor) -> Values:
    """What this voice did at this place some bars ago: the interval that would bring it back, and its length."""
    own, bar = _own(cursor), cursor.bar_length
    intervals, lengths = [0] * len(BARS_AGO), [0] * len(BARS_AGO)
    for index, bars in enumerate(BARS_AGO):
        onset = cursor.now - bars * bar
        if onset < 0 or own is _NOBODY:
            continue
        found = own.past.get(onset)
        if found is None:
            intervals[index] = 1
            continue
        symbol, lengths[index] = found
        if symbol < v.PITCH.end:
            intervals[index] = _interval(symbol, own.last)
        else:  # a chord symbol: its root
            intervals[index] = (v.chord_of(symbol)[0] - _TONIC[cursor.fifths, cursor.mode]) % 12 + REACH + 2
    return (*intervals, *lengths)


def _pitches_ago(cursor: Cursor) -> list[int]:
    """The pitch that this voice sounded here some bars ago; -1 where none began, or that was a chord symbol."""
    own, bar = _own(cursor), cursor.bar_length
    found = (own.past.get(cursor.now - bars * bar, (-1,))[0] for bars in BARS_AGO)
    return [pitch if pitch < v.PITCH.end else -1 for pitch in found]


RECALLED = ("recalled", "recalled in rhythm")
LENGTHS_RECALLED = tuple(min(n, 4) + (n > 4) + (n > 6) + (n > 8) + (n > 12) for n in range(LONGEST + 1))


def _recalled(cursor: Cursor) -> Values:
    """What came next where the latest notes of this voice were heard before, and how many steps fit."""
    own = _own(cursor)
    values: list[int] = []
    for pitch, duration, length in (own.recall.found, own.recall_in_rhythm.found):
        values += (_interval(pitch, own.last), duration, LENGTHS_RECALLED[length])
    return tuple(values)


def _grammar(cursor: Cursor) -> Values:
    """What is no feature: bars left (not told), the grammar's columns, and the references of relative logits."""
    own, floor = _own(cursor), cursor.floor
    reference = floor if cursor.building else -1 if own.family == 16 else own.last
    tonic = _TONIC[cursor.fifths, cursor.mode] if cursor.phase > KEY else -1
    recalled = own.recall.found.pitch, own.recall_in_rhythm.found.pitch, *_pitches_ago(cursor)
    return 0, cursor.mask_class, floor, reference, *recalled, tonic, min(cursor.bar, 32767)


SAME, SYMBOL, PITCHED = "same", "symbol", "pitch"  # how a column changes when music is transposed


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A column: its name, number of values, embedding width, and how transposition changes it."""

    name: str
    size: int
    width: int
    kind: str = SAME


# a function of the cursor -> the columns it fills, in the order of the values that it gives
GROUPS: tuple[tuple[Callable[[Cursor], Values], tuple[Viewpoint, ...]], ...] = (
    (
        _standing,
        (
            Viewpoint("previous symbol", v.SYMBOLS + 1, 48, SYMBOL),
            Viewpoint("previous duration", v.DURATIONS + 1, 24),
            Viewpoint("style", v.STYLE.size, 4),
            Viewpoint("voices", 9, 4),
            Viewpoint("voice", 9, 8),
            Viewpoint("family", 18, 8),
        ),
    ),
    (
        _metrical,
        (
            Viewpoint("meter", 48, 8),
            Viewpoint("position", 97, 24),
            Viewpoint("strength", 6, 8),
            Viewpoint("bar in phrase", 17, 12),
        ),
    ),
    (
        _melodic,
        (
            Viewpoint("last pitch", PITCHES, 32, PITCHED),
            Viewpoint("last interval", INTERVALS, 16),
            Viewpoint("from first", INTERVALS, 16),
            Viewpoint("last length", v.DURATIONS, 16),
            Viewpoint("resting", 2, 2),
            Viewpoint("degree", 13, 12),
            Viewpoint("mode", len(v.MODES), 4),
            Viewpoint("joined", 8, 4),
            Viewpoint("joined interval", INTERVALS, 16),
        ),
    ),
    (
        _others,
        (
            *(Viewpoint(f"voice {place:+d} interval", INTERVALS, 16) for place in OTHERS),
            *(Viewpoint(f"voice {place:+d} degree", 13, 8) for place in OTHERS),
            *(Viewpoint(f"voice {place:+d} left", 18, 8) for place in OTHERS),
        ),
    ),
    (_chord, (Viewpoint("chord", v.CHORD.size + 1, 24), Viewpoint("chord left", 18, 8))),
    (
        _past,
        (
            *(Viewpoint(f"{bars} bars ago interval", INTERVALS, 16) for bars in BARS_AGO),
            *(Viewpoint(f"{bars} bars ago length", v.DURATIONS, 8) for bars in BARS_AGO),
        ),
    ),
    (
        _recalled,
        tuple(
            viewpoint
            for name in RECALLED
            for viewpoint in (
                Viewpoint(f"{name} interval", INTERVALS, 16),
                Viewpoint(f"{name} length", v.DURATIONS, 8),
                Viewpoint(f"{name} steps", max(LENGTHS_RECALLED) + 1, 8),
            )
        ),
    ),
)
VIEWPOINTS = tuple(viewpoint for _, viewpoints in GROUPS for viewpoint in viewpoints)
REMEMBERED = (*RECALLED, *(f"{bars} bars ago" for bars in BARS_AGO))  # pitches that may come back
_OTHER_COLUMNS = ("bars left", "mask", "floor", "reference", *REMEMBERED, "tonic", "bar")  # as `_grammar` gives them
PLACE = {name: i for i, name in enumerate((*(p.name for p in VIEWPOINTS), *_OTHER_COLUMNS))}
COLUMNS = len(PLACE)
FUNCTIONS = (*(function for function, _ in GROUPS), _grammar)


ANCHORS = (
    *(Anchor(name, PLACE[name], v.PITCH.first, v.PITCH.end, reach=1) for name in REMEMBERED),
    Anchor("interval", PLACE["reference"], v.PITCH.first, v.PITCH.end, reach=REACH),
    Anchor("degree", PLACE["tonic"], v.PITCH.first, v.PITCH.end, modulus=12),
    Anchor("chord root", PLACE["tonic"], v.CHORD.first, v.CHORD.end, modulus=12),
)


def spec(viewpoints: frozenset[str] | None = None) -> Spec:
    """What models must know; with `viewpoints` given, only those (and the previous event) are features."""
    told = [*VIEWPOINTS, Viewpoint("bars left", BARS_LEFT, 8)]
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
