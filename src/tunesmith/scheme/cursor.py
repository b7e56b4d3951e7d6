"""Where we are in a row of events, in musical terms, and what the grammar allows next.

The next event always belongs to the voice that is furthest behind: the smallest end time, ties to the lower
voice number (the chord voice, where there is one, is voice 0). So a row of events needs no voice tokens, no
time shifts and no positions: the cursor derives them all.

The grammar, phase by phase:

    style   STYLE -> meter
    meter   METER -> key
    key     KEY -> tempo
    tempo   TEMPO -> parts
    parts   PICKUP* [chord part] (PART VOICE*)+ , then the first event of the body
    body    pitch | REST | HOLD | chord | METER | KEY | END

In the body: HOLD follows a note or chord of the same voice; after JOIN comes a higher pitch; METER, then KEY,
may change where all voices stand together; END closes the piece where all voices stand together at a bar line
(or, with a pickup, where the pickup completes the last bar).
"""

from __future__ import annotations

import itertools

import numpy as np

from tunesmith import theory
from tunesmith.models.spec import BoolArray
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.recall import Recall
from tunesmith.score import TPQ

STYLE, METER, KEY, TEMPO, PARTS, BODY, DONE = range(7)


def _body(chord_voice: bool, hold: bool, changes: int, end: bool) -> BoolArray:
    names = ["chord"] if chord_voice else ["pitch"]
    names += ["rest"] + ["hold"] * hold + ["end"] * end + [[], ["key"], ["key", "meter"]][changes]
    return _allow(*names)


def _allow(*names: str) -> BoolArray:
    mask = np.zeros(v.SYMBOLS, bool)
    for name in names:
        mask[v.RANGES[name].first : v.RANGES[name].end] = True
    mask[v.CHORD.first + 12 * len(theory.QUALITIES) : v.CHORD.end] = False  # room for kinds of chords to come
    return mask


def _without_chord_part(mask: BoolArray) -> BoolArray:
    mask = mask.copy()
    mask[v.CHORDS] = False
    return mask


# mask class -> symbols allowed; the cursor names its class, models apply the mask
_HEADER_MASKS = [
    _allow("style"),
    _allow("meter"),
    _allow("key"),
    _allow("tempo"),
    _allow("pickup", "part"),  # 4: no part yet
    _without_chord_part(_allow("part")),  # 5: the chord part alone
    _without_chord_part(_allow("part", "voice", "pitch", "rest")),  # 6: parts, first voice of notes
    _without_chord_part(_allow("part", "voice", "chord", "rest")),  # 7: parts, first voice of chords
    _allow("pitch"),  # 8: a chord is being built
    np.zeros(v.SYMBOLS, bool),  # 9: the piece has ended
]
_BODY_KEYS = list(itertools.product((False, True), (False, True), (0, 1, 2), (False, True)))
SYMBOL_MASKS: BoolArray = np.stack(_HEADER_MASKS + [_body(*key) for key in _BODY_KEYS])
BUILDING, ENDED = 8, 9
_BODY_CLASS = {key: index + len(_HEADER_MASKS) for index, key in enumerate(_BODY_KEYS)}


class Voice:
    """What one voice has done so far. Pitches are MIDI numbers, -1 = none; times in ticks."""

    __slots__ = (
        "end",
        "events",
        "family",
        "first",
        "holdable",
        "last",
        "length",
        "onset",
        "past",
        "previous",
        "recall",
        "recall_in_rhythm",
        "sounding",
    )

    def __init__(self, family: int) -> None:
        self.family = family  # General MIDI family, 16 = chord voice
        self.end = 0
        self.onset = 0  # of the last note or chord
        self.length = 0  # duration id of the last note, chord or rest
        self.first = self.previous = self.last = -1  # pitches: the first, the last but one, the last (top of a chord)
        self.sounding: tuple[int, ...] = ()  # pitches, or one chord symbol in the chord voice
        self.holdable = False
        self.past: dict[int, tuple[int, int]] = {}  # onset -> (top pitch, duration id)
        self.events: dict[tuple[int, int], tuple[int, int]] = {}  # (tick, notes joined before) -> the event
        self.recall, self.recall_in_rhythm = Recall(), Recall(rhythm=True)

    def copy(self) -> Voice:
        """An independent copy."""
        other = Voice(self.family)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.past, other.events = self.past.copy(), self.events.copy()
        other.recall, other.recall_in_rhythm = self.recall.copy(), self.recall_in_rhythm.copy()
        return other


class Cursor:
    """A place in a row of events. `advance` moves on; `mask_class` and `floor` say what may come next."""

    __slots__ = (
        "bar_length",
        "bars_before",
        "beats",
        "building",
        "changed",
        "fifths",
        "mode",
        "now",
        "origin",
        "phase",
        "pickup",
        "previous_duration",
        "previous_symbol",
        "style",
        "tempo",
        "unit",
        "voice",
        "voices",
    )

    def __init__(self) -> None:
        self.phase = STYLE
        self.style = self.tempo = 0
        self.beats, self.unit = 4, 4
        self.bar_length = 4 * TPQ  # of the current bar, in ticks
        self.fifths, self.mode = 0, "major"
        self.pickup = 0
        self.origin = 0  # tick of a bar line from which bars are counted
        self.bars_before = 0  # full or cut bars before `origin`
        self.voices: list[Voice] = []
        self.voice = 0  # whose turn it is
        self.now = 0  # tick at which the next event begins
        self.building: tuple[int, ...] = ()  # pitches joined so far
        self.changed = 0  # at this tick: 0 = nothing, 1 = the meter, 2 = the key
        self.previous_symbol = self.previous_duration = -1

    def copy(self) -> Cursor:
        """An independent copy, for a particle that goes its own way."""
        other = Cursor()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.voices = [voice.copy() for voice in self.voices]
        return other

    # where we are

    @property
    def bar(self) -> int:
        """The number of the current bar: 0 = pickup, 1 = first full bar."""
        if self.now < self.origin:
            return 0
        return self.bars_before + (self.now - self.origin) // self.bar_length + 1

    @property
    def position(self) -> int:
        """Ticks since the last bar line; a pickup counts as the end of a full bar."""
        return (self.now - self.origin) % self.bar_length

    @property
    def aligned(self) -> bool:
        """Whether all voices stand at the same tick, no chord half built."""
        return not self.building and all(voice.end == self.now for voice in self.voices)

    @property
    def at_close(self) -> bool:
        """Whether a piece may end here: at a bar line, or where the pickup completes the bar."""
        return self.now > self.pickup and self.position in (0, self.bar_length - self.pickup)

    @property
    def on_chord_voice(self) -> bool:
        """Whether the voice whose turn it is carries chord symbols."""
        return self.voices[self.voice].family == 16

    @property
    def chord(self) -> int:
        """The chord symbol (vocabulary id) that sounds, -1 = none."""
        if self.voices and self.voices[0].family == 16 and self.voices[0].sounding:
            return self.voices[0].sounding[0]
        return -1

    # what may come next

    @property
    def mask_class(self) -> int:
        """The row of `SYMBOL_MASKS` that says which symbols may come next."""
        if self.phase < PARTS:
            return self.phase
        if self.phase == DONE:
            return ENDED
        if self.phase == PARTS:
            return self._parts_class()
        if self.building:
            return BUILDING
        own, together = self.voices[self.voice], self.aligned
        changes = 2 - self.changed if together and self.now > 0 else 0
        return _BODY_CLASS[own.family == 16, own.holdable, changes, together and self.at_close]

    def _parts_class(self) -> int:
        if not self.voices:
            return 4
        if self.voices[-1].family == 16:
            return 5
        chords = self.voices[0].family == 16
        if len(self.voices) == v.MAX_VOICES:
            return _BODY_CLASS[chords, False, 0, False]
        return 7 if chords else 6

    @property
    def floor(self) -> int:
        """The pitch that the next one must exceed (-1 = any)."""
        return self.building[-1] if self.building else -1

    # moving on

    def advance(self, symbol: int, duration: int) -> None:
        """Take one event. The grammar is not checked here: `mask_class` has said what is allowed."""
        self.previous_symbol, self.previous_duration = symbol, duration
        if symbol < v.PITCH.end:
            self._note(symbol, duration)
        elif symbol in (v.REST, v.HOLD) or symbol in v.CHORD:
            self._pass_time(symbol, duration)
        else:
            self._control(symbol, duration)

    def _note(self, pitch: int, duration: int) -> None:
        self.phase = BODY
        own = self.voices[self.voice]
        own.events[self.now, len(self.building)] = pitch, duration
        self.building += (pitch,)
        if duration == v.JOIN:
            return
        own.sounding, self.building = self.building, ()
        own.previous, own.last = own.last, pitch
        own.first = pitch if own.first < 0 else own.first
        own.past[self.now] = (pitch, duration)
        own.recall.add(pitch, duration)
        own.recall_in_rhythm.add(pitch, duration)
        own.onset = self.now
        self._move(own, duration, holdable=True)

    def _pass_time(self, symbol: int, duration: int) -> None:
        self.phase = BODY
        own = self.voices[self.voice]
        own.events[self.now, 0] = symbol, duration
        if symbol == v.REST:
            own.sounding = ()
        elif symbol != v.HOLD:
            own.sounding, own.onset = (symbol,), self.now
            own.past[self.now] = (symbol, duration)
        self._move(own, duration, holdable=symbol != v.REST)

    def _move(self, own: Voice, duration: int, holdable: bool) -> None:
        own.end += v.TICKS[duration]
        own.length, own.holdable = duration, holdable
        ends = [voice.end for voice in self.voices]
        now = min(ends)
        self.changed = 0 if now > self.now else self.changed
        self.now, self.voice = now, ends.index(now)

    def _control(self, symbol: int, duration: int) -> None:
        if symbol in v.METER:
            self._meter(symbol - v.METER.first + 1, 4 * TPQ // v.TICKS[duration])
        elif symbol in v.KEY:
            self.fifths, self.mode = v.key_of(symbol)
            self.changed = 2
        elif symbol == v.PICKUP:
            self.pickup = self.origin = (self.pickup + v.TICKS[duration]) % self.bar_length
        elif symbol in v.PART:
            self.voices.append(Voice(symbol - v.PART.first))
        elif symbol == v.VOICE:
            self.voices.append(Voice(self.voices[-1].family))
        elif symbol in v.STYLE:
            self.style = symbol - v.STYLE.first
        elif symbol in v.TEMPO:
            self.tempo = symbol - v.TEMPO.first
        if symbol == v.END:
            self.phase = DONE
        elif self.phase < PARTS:
            self.phase += 1

    def _meter(self, beats: int, unit: int) -> None:
        if self.phase == BODY:
            self.bars_before += -(-(self.now - self.origin) // self.bar_length)
            self.origin, self.changed = self.now, 1
        self.beats, self.unit = beats, unit
        self.bar_length = beats * 4 * TPQ // unit
