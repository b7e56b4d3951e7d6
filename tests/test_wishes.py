"""Every wish, alone and with others: a finished piece keeps it, or none is made.

Composed with a model that knows nothing, so that only the wishes bring it about, and with one that recites its songs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from holding import WISHES, Facts, broken, groups, holds, voices_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import melody
from test_sample import MARCH, knowing, only

from tunesmith import scheme, theory
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.constraints import Density, Filling, Form
from tunesmith.errors import RequestError, Unsatisfiable
from tunesmith.models import State
from tunesmith.models.spec import FloatArray, IntArray
from tunesmith.models.uniform import Uniform
from tunesmith.originality import Index, originality
from tunesmith.request import Request
from tunesmith.sample import compose
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.codec import style_of
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score

MOST_STEPS = 4000  # events for all particles: what is asked of a model before it is said that wishes clash
PLAIN = [TPQ, TPQ // 2, TPQ // 2, TPQ, 3 * TPQ // 2, TPQ // 2, 2 * TPQ, TPQ, TPQ]  # nine quarters
TRIPLE = [TPQ // 2, TPQ // 2, TPQ // 2, TPQ, TPQ // 2, 3 * TPQ // 2, TPQ, TPQ // 2, 3 * TPQ // 2]  # in 6/8


def line(pitches: list[int], lengths: list[int], voice: int = 1, times: int = 2) -> list[Note]:
    """A voice, over and over; a pitch of 0 is a rest."""
    found, now = [], 0
    for pitch, length in list(zip(pitches, lengths, strict=True)) * times:
        found += [Note(now, length, pitch, voice=voice)] * bool(pitch)
        now += length
    return found


def with_chords(score: Score, each: int) -> Score:
    """The same with chord symbols of equal length, from the first full bar on."""
    onsets = range(score.pickup, score.end - each + 1, each)
    return score.replace(chords=tuple(Chord(t, each, (0, 5, 7)[i % 3], (0, 0, 4)[i % 3]) for i, t in enumerate(onsets)))


TUNE = [67, 69, 71, 72, 74, 0, 76, 79, 64]
MELODY = Score((Part(tuple(line(TUNE, PLAIN))),), meters=(Meter(0, 4, 4),))
WALTZ = Score((Part(tuple(line(TUNE, PLAIN))),), meters=(Meter(0, 3, 4),), keys=(Key(0, 1, "major"),), pickup=TPQ)
JIG = Score((Part(tuple(line(TUNE, TRIPLE))),), meters=(Meter(0, 6, 8),), keys=(Key(0, -1, "minor"),))
FOUR = tuple(
    Part(tuple(line([p + shift for p in (0, 2, 4, 5, 7, 5, 4, 2, 0)], PLAIN)), program=48) for shift in (67, 62, 55, 43)
)
CHOIR = Score(FOUR, meters=(Meter(0, 4, 4),))
PIANO = Score(
    (
        Part(
            (
                *(Note(n.onset, n.duration, n.pitch + up) for n in line(TUNE, PLAIN) for up in (0, 4)),
                *line([48, 0, 50, 52, 53, 0, 55, 43, 48], PLAIN, voice=2),
            )
        ),
    )
)
SONGS = {
    "melody": MELODY,
    "melody in three, pickup": WALTZ,
    "melody in 6/8": JIG,
    "lead sheet": with_chords(MELODY, 2 * TPQ),
    "lead sheet in three, pickup": with_chords(WALTZ, 3 * TPQ),
    "four voices": CHOIR,
    "four voices in three, pickup": CHOIR.replace(meters=(Meter(0, 3, 4),), pickup=TPQ),
    "piano": PIANO,
}
FORMS = ("AABA", "ABAC", "AA'", "ABA'B", "AA'BA", "AB")
METERS = (Meter(0, 2, 4), Meter(0, 3, 4), Meter(0, 4, 4), Meter(0, 6, 8), Meter(0, 5, 4), Meter(0, 2, 2))


@dataclass
class Counted:
    """The model that knows nothing; it knows how often it was asked, and does not answer for ever."""

    model: Uniform
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        self.asked += 1
        assert self.asked <= MOST_STEPS, "it does not come to an end"
        return self.model.symbols(state, frames)


@cache
def facts_of(name: str) -> Facts:
    return Facts.of(scheme.carried(SONGS[name]))


@cache
def learned_from(name: str) -> Learned:
    return knowing(SONGS[name])


def composed(name: str, request: Request) -> Score:
    """A piece by a model that knows nothing, in the manner of a song."""
    learned = learned_from(name)
    counted = Learned("uniform", Counted(Uniform(scheme.spec())), (), learned.songs, {})  # type: ignore[arg-type]  # a stand-in
    return next(compose(counted, request))


class Values:
    """Values of wishes, drawn for a song; `meter` and `bars` as they are asked for."""

    def __init__(self, draw: st.DrawFn, song: str, bars: int, meter: Meter, coarse: bool = False) -> None:
        self.coarse = coarse
        self.draw, self.facts, self.bars, self.meter = draw, facts_of(song), bars, meter
        self.low, self.high = self.facts.low, self.facts.high
        self.scale = scheme.carried(SONGS[song]).keys[0]

    def of(self, name: str) -> object:
        return getattr(self, name)()

    def one(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def key(self) -> Key:
        self.scale = Key(0, self.number(-7, 7), self.one(*theory.MODES))
        return self.scale

    def range(self) -> tuple[tuple[int, int, int], ...]:
        voices = self.draw(st.sets(st.integers(0, self.facts.voices), min_size=1, max_size=2))
        found = {voice: (low, low + self.number(14, 24)) for voice in voices for low in [self.number(40, 65)]}
        self.low, self.high = found.get(1) or found.get(0) or (self.low, self.high)
        return tuple((voice, low, high) for voice, (low, high) in found.items())

    def tempo(self) -> float:
        return self.draw(st.floats(20, 400))

    def shortest(self) -> int:
        return self.one(TPQ // 2, TPQ)

    def density(self) -> tuple[int, int]:
        least = self.number(0, 2)
        return least, least + self.number(3, 7)

    def leap(self) -> int:
        return self.number(5, 12)

    def chords(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        chord = st.tuples(st.integers(0, 11), st.integers(0, len(theory.QUALITIES) - 1))
        bar = st.lists(chord, min_size=1, max_size=2).map(tuple)
        return self.draw(st.lists(bar, min_size=1, max_size=4).map(tuple))

    def cadence(self) -> tuple[tuple[str, int], ...]:
        bar = self.number(1, self.bars - 1)
        return self.one((("tonic", 0),), (("half", bar), ("tonic", 0)), (("tonic", bar),), (("half", 0),))

    def form(self) -> str:
        return self.one(*(form for form in FORMS if not self.bars % len(form.replace("'", ""))))

    def rests(self) -> bool:
        return False

    def breath(self) -> int:
        return self.number(1, self.bars - 1)

    def contour(self) -> tuple[float, ...]:
        return self.draw(st.lists(st.floats(-10, 10), min_size=2, max_size=6).map(tuple))

    def notes(self) -> tuple[tuple[int, Fraction, int], ...]:
        place = st.tuples(st.integers(1, self.bars - 1), st.integers(1, self.meter.beats))
        if self.coarse:  # lengths that lead to bar lines, and perhaps to no other beat; room between the notes
            place = st.tuples(st.integers(1, self.bars - 1), st.just(1))
        places = self.draw(st.sets(place, min_size=1, max_size=3))
        inside = [pitch for pitch in range(self.low, self.high + 1) if pitch % 12 in theory.scale(self.scale.fifths)]
        return tuple((bar, Fraction(beat), self.one(*inside)) for bar, beat in sorted(places))

    def repeats(self) -> int:
        return self.number(2, 6)

    def steps(self) -> int:
        return self.one(TPQ // 2, TPQ)

    def max_copy(self) -> int:
        return self.number(4, 8)

    def chromatic(self) -> float:
        return 0.0


class Wild(Values):
    """Values that may leave next to nothing."""

    def range(self) -> tuple[tuple[int, int, int], ...]:
        low = self.number(40, 80)
        return ((self.number(0, self.facts.voices), low, low + self.number(0, 12)),)

    def leap(self) -> int:
        return self.number(1, 2)

    def density(self) -> tuple[int, int]:
        least = self.number(0, 12)
        return least, least + self.number(int(not least), 1)

    def shortest(self) -> int:
        return self.one(TPQ, 2 * TPQ, 4 * TPQ)

    def notes(self) -> tuple[tuple[int, Fraction, int], ...]:
        return tuple((bar, beat + Fraction(self.number(0, 2), 3), pitch) for bar, beat, pitch in super().notes())


@st.composite
def wished(draw: st.DrawFn, names: tuple[str, ...], kind: type[Values] = Values) -> tuple[str, Request]:
    """A song, and a request with just these wishes."""
    fits_steps = [song for song in SONGS if "steps" not in names or "piano" not in song]
    song = draw(st.sampled_from(fits_steps))
    meter = draw(st.sampled_from(METERS)) if "meter" in names else SONGS[song].meters[0] if SONGS[song].meters else None
    bars = draw(st.sampled_from((4, 8) if "form" in names else (4, 5, 6)))
    values = kind(draw, song, bars, meter or Meter(), coarse=bool({"steps", "shortest", "leap"} & set(names)))
    options = {name: values.of(name) for name in names if name != "meter"}
    options |= {"meter": meter} if "meter" in names else {}
    options |= {"texture": style_of(scheme.carried(SONGS[song]))} if "chords" in names else {}
    return song, Request(
        bars=bars,
        seed=draw(st.integers(0, 9999)),
        particles=4 if len(names) == 1 else 8,
        max_copy=options.pop("max_copy", 0),
        **options,
    )


def kept(song: str, request: Request) -> None:
    """Compose, and hold the piece to all that was asked."""
    piece, facts = composed(song, request), facts_of(song)
    assume(len(voices_of(piece)) == facts.voices)  # a voice that rests throughout is not in a score
    assert not broken(request, piece, facts)
    assert not holds("bars", request, piece, facts)


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_alone_holds(name):
    @given(wished((name,)))
    @settings(max_examples=50, deadline=None, derandomize=True)
    def check(case):
        kept(*case)

    check()


# A model that knows nothing seldom rests: it uses a bar's notes up before its last step, where a phrase has to end. Nor
# does it know that it has to come near a note in time.
HARD = ({"density", "steps"}, {"leap", "notes"})
TOGETHER = [some for some in (*groups(2), *groups(3)) if not any(pair <= set(some) for pair in HARD)]


@given(st.sampled_from(TOGETHER).flatmap(wished))
@settings(max_examples=60, deadline=None, derandomize=True)  # with few particles, what is rare is not always found
def test_wishes_together_hold(case):
    kept(*case)


@given(st.sampled_from([names for count in (2, 3) for names in combinations(WISHES, count)]), st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_wished_is_kept_or_refused(names, data):
    """Values that leave next to nothing, wishes that clash: no piece breaks one, and it comes to an end."""
    song, request = data.draw(wished(names, Wild))
    try:
        piece = composed(song, request)
    except (Unsatisfiable, RequestError) as error:
        assert "\n" not in str(error)
        assert error.fix
        return
    assume(len(voices_of(piece)) == facts_of(song).voices)
    assert not broken(request, piece, facts_of(song))


CLASHES = {
    "no tonic in the range": ({"range": ((0, 61, 63),), "cadence": (("tonic", 0),)}, "range.*tonic|tonic.*range"),
    "a note out of the range": ({"range": ((0, 60, 72),), "notes": ((2, Fraction(1), 80),)}, "range.*keep"),
    "two notes too far apart": (
        {"leap": 2, "steps": TPQ, "notes": ((2, Fraction(1), 67), (2, Fraction(2), 76))},
        "leaps.*keep|keep.*leaps",
    ),
    "more notes than there is room for": ({"density": (9, 9), "shortest": TPQ}, "number of notes"),
    "a note between steps": ({"steps": TPQ, "notes": ((1, Fraction(3, 2), 67),)}, "keep"),
    "a note outside the key": ({"chromatic": 0.0, "notes": ((2, Fraction(1), 66),)}, "key.*keep"),
    "sections that come back and no repeats": (
        {"form": "AABA", "bars": 8, "repeats": 2, "density": (4, 9)},
        "repeats.*form",
    ),
    "a breath where a phrase ends": ({"breath": 2, "cadence": (("half", 2),)}, "cadence.*breath"),
    "a leap that no small ones make up for": (
        {"leap": 1, "steps": TPQ, "notes": ((2, Fraction(4), 67), (3, Fraction(1), 69))},
        "bar 2: .*leaps.*keep",
    ),
    "a line and a note far from it": (
        {"contour": (0.0, 0.0, 5.0), "range": ((0, 50, 80),), "notes": ((1, Fraction(1), 79),)},
        "bar 1: the contour and the notes to keep clash",
    ),
    "two endings where the form has the same music": (
        {"form": "AA", "bars": 8, "cadence": (("half", 4), ("tonic", 8))},
        "bar 4: .*half cadence.*tonic",
    ),
    "rests and none": ({"rests": False, "breath": 2}, "both cannot be"),
    "two notes at once": ({"form": "AB", "notes": ((1, Fraction(1), 60), (1, Fraction(1), 64))}, "two notes"),
    "no such beat": ({"notes": ((1, Fraction(5), 60),)}, "no beat 5"),
    "bars that cannot be filled": ({"meter": Meter(0, 3, 4), "bars": 5, "steps": 2 * TPQ}, "cannot be filled"),
    "a range narrower than the form needs": ({"form": "AB", "range": ((0, 60, 66),)}, "needs more"),
    "a range for a voice that is not there": ({"range": ((2, 60, 72),)}, "has 1"),
}


@pytest.mark.parametrize("name", CLASHES)
def test_wishes_that_clash_are_named(name):
    options, words = CLASHES[name]
    for seed in (1, 2):
        with pytest.raises((Unsatisfiable, RequestError), match=words):
            composed("melody", Request(**({"bars": 4, "seed": seed, "max_copy": 0, "particles": 8} | options)))


def test_chords_that_the_key_does_not_have_clash_with_it():
    request = Request(bars=4, chords=(((1, 0),),), chromatic=0.0, key=Key(), max_copy=0)
    with pytest.raises(Unsatisfiable, match=r"bar 1: .*key.*chords"):
        composed("lead sheet", request)


# reciting: the cap must bite


class Reciting:
    """A model that goes through songs event by event, voice by voice, and nearly never leaves them."""

    def __init__(self, songs: Sequence[Score]) -> None:
        self.spec, self.even = scheme.spec(), Uniform(scheme.spec())
        self.voice = self.spec.place("voice")
        self.lines: dict[int, list[tuple[int, int]]] = {}
        for song in songs:
            cursor = scheme.Cursor()
            for symbol, duration in scheme.encode(song):
                if symbol < v.CHORD.end and symbol != v.END:
                    self.lines.setdefault(int(scheme.frame(cursor)[self.voice]), []).append((symbol, duration))
                cursor.advance(symbol, duration)

    def begin(self, batch: int) -> list[tuple[dict[int, int], list[int]]]:
        """Of every piece: how far each voice has come, and whose turn it is."""
        return [({}, [0]) for _ in range(batch)]

    def select(self, state: State, rows: IntArray) -> State:
        return [(dict(state[i][0]), list(state[i][1])) for i in rows]

    def join(self, states: Sequence[State]) -> State:
        return [row for state in states for row in state]

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        for (_, turn), frame in zip(state, frames, strict=True):
            turn[0] = int(frame[self.voice])
        return self._likelier(self.even.symbols(None, frames), [self._next(row)[0] for row in state])

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        wanted = [self._next(row)[1] for row in state]
        for (places, turn), symbol in zip(state, symbols.tolist(), strict=True):
            if symbol < v.CHORD.end and symbol != v.END:
                places[turn[0]] = places.get(turn[0], 0) + 1
        return self._likelier(self.even.durations(None, symbols), wanted)

    def _next(self, row: tuple[dict[int, int], list[int]]) -> tuple[int, int]:
        places, (voice,) = row
        line = self.lines.get(voice, [(v.END, v.NONE)])
        return line[places.get(voice, 0) % len(line)]

    @staticmethod
    def _likelier(log_p: FloatArray, wanted: list[int]) -> FloatArray:
        rows = np.arange(len(log_p))
        log_p[rows, wanted] = np.where(np.isneginf(log_p[rows, wanted]), -np.inf, 8.0)
        return log_p - np.logaddexp.reduce(log_p, 1)[:, None]


@cache
def reciting(name: str) -> tuple[Learned, Facts]:
    """A model that recites two songs, with their rests and held notes, and what it learned from."""
    first = scheme.carried(SONGS[name])
    parts = tuple(
        Part(tuple(replace(n, pitch=n.pitch - 2 + n.onset // TPQ % 2) for n in part.notes), program=part.program)
        for part in first.parts
    )
    songs = [first, scheme.carried(first.replace(parts=parts))]
    rows = [np.array(scheme.encode(song)) for song in songs]
    model: Any = Reciting(songs)
    return Learned("reciting", model, (), LearnedSongs.of(["a", "b"], rows), {}), Facts.of(*songs)


def longest_runs(name: str, cap: int, seeds: range) -> list[int]:
    """Notes of the longest run that stands in a song, of a piece for every seed."""
    learned, facts = reciting(name)
    index, found = Index.of(facts.songs), []
    for seed in seeds:
        request = Request(bars=8, seed=seed, max_copy=cap, particles=4)
        found.append(originality(next(compose(learned, request)), index).longest)
    return found


@pytest.mark.parametrize("name", SONGS)
def test_no_run_is_longer_than_the_cap(name):
    for cap in (4, 7):
        assert max(longest_runs(name, cap, range(4))) == cap, "runs end exactly at the limit"
    assert min(longest_runs(name, 0, range(4))) > 7, "without the cap it recites"


HELD = [TPQ, 5 * TPQ // 2 + TPQ // 4, TPQ, TPQ // 2, TPQ // 4, 7 * TPQ // 2, TPQ, 2 * TPQ, TPQ, 3 * TPQ]
LONG = scheme.carried(Score((Part(tuple(line([60, 64, 62, 65, 0, 67, 69, 0, 71, 72], HELD))),)))


def alone(song: Score) -> Learned:
    """A model that recites one song."""
    model: Any = Reciting([song])
    return Learned("reciting", model, (), LearnedSongs.of(["a"], [np.array(scheme.encode(song))]), {})


def test_the_cap_holds_where_a_note_is_held_or_a_rest_follows():
    """Two events make one note of a song: neither the first, nor rests after it, hide what it becomes."""
    symbols = {symbol for symbol, _ in scheme.encode(LONG)}
    assert {v.HOLD, v.REST} <= symbols
    learned, index, found = alone(LONG), Index.of([LONG]), Counter[int]()
    for seed in range(30):
        request = Request(bars=6, seed=seed, max_copy=4, particles=4)
        found[originality(next(compose(learned, request)), index).longest] += 1
    assert max(found) == 4
    assert found[4] > 10


@pytest.mark.parametrize("name", ["melody", "four voices", "held"])
def test_no_run_comes_back_longer_than_asked(name):
    """The song is said over and over, held notes in it: as long as it is new, and no longer."""
    song = LONG if name == "held" else scheme.carried(SONGS[name])
    learned, facts = alone(song), Facts.of(song)
    for most in (4, 7):
        request = Request(bars=12, max_copy=0, repeats=most, particles=16)
        said = next(compose(learned, replace(request, repeats=None)))
        assert holds("repeats", request, said, facts), "without the wish it comes back"
        assert not holds("repeats", request, next(compose(learned, request)), facts)


def test_a_note_of_the_pickup_leaves_room_in_the_first_bar():
    song = melody([67, 72, 74, 76], 4 * TPQ, meters=(Meter(0, 3, 4),), pickup=TPQ)
    learned, made = knowing(song, MARCH.replace(meters=(Meter(0, 3, 4),), pickup=TPQ)), 0
    for seed in range(10):
        try:
            piece = only(learned, bars=4, density=(1, 8), seed=seed, particles=24)
        except Unsatisfiable:  # few of the lengths learned fit in
            continue
        made += 1
        for bar in piece.bars():
            if bar.number > 0 and bar.end <= 4 * bar.meter.bar:  # the pickup completes the last
                assert any(bar.start <= n.onset < bar.end for n in piece.notes())
    assert made >= 5


WHOLE_NOTES = Score((Part(tuple(line(TUNE, [4 * TPQ if n == TPQ else TPQ for n in PLAIN]))),), meters=(Meter(0, 2, 4),))


@pytest.mark.parametrize(
    ("song", "options"),
    [
        (CHOIR, {}),
        (PIANO, {}),
        (replace(with_chords(MELODY, 4 * TPQ), title=""), {"chords": (((0, 0),),), "key": Key()}),
        (WHOLE_NOTES, {"range": ((0, 60, 70),)}),  # less than an octave: it need not end on its tonic
    ],
    ids=["four voices", "piano", "lead sheet", "notes of two bars"],
)
def test_the_last_bar_is_never_silent(song, options):
    """A model that likes rests best would end with a bar of silence, and so with a bar too few, now and then."""
    learned = replace(knowing(song), model=Resting())
    for seed in range(24):
        piece = next(compose(learned, Request(bars=4, seed=seed, particles=3, max_copy=0, **options)))
        last = [note for note in piece.notes() if note.end > 3 * piece.meters[0].bar]
        assert last, seed


class Resting:
    """A model that rests with nine in ten of its probability wherever it may."""

    def __init__(self) -> None:
        self.spec, self.even = scheme.spec(), Uniform(scheme.spec())

    def begin(self, batch: int) -> State:
        return self.even.begin(batch)

    def select(self, state: State, rows: IntArray) -> State:
        return self.even.select(state, rows)

    def join(self, states: Sequence[State]) -> State:
        return self.even.join(states)

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        log_p = self.even.symbols(state, frames)
        rests = ~np.isneginf(log_p[:, v.REST])
        log_p[rests] += np.log(0.1)
        log_p[rests, v.REST] = np.log(0.9)
        return log_p

    def durations(self, state: State, symbols: IntArray) -> FloatArray:
        return self.even.durations(state, symbols)


@pytest.mark.parametrize("leap", [1, 2])
@pytest.mark.parametrize("shortest", [None, TPQ])
def test_small_leaps_come_to_the_notes_wished_for_in_time(leap, shortest):
    """Notes as far apart as steps allow: whoever does not set out at once, or waits on the way, does not arrive."""
    far = 67 + 4 * leap
    notes = ((1, Fraction(1), 67), (2, Fraction(1), far), (3, Fraction(1), 67))
    lengths = {"steps": TPQ} if shortest is None else {"shortest": shortest}
    for seed in range(8):
        request = Request(
            bars=3, leap=leap, notes=notes, range=((0, 66, far),), particles=1, max_copy=0, seed=seed, **lengths
        )
        begun = {note.onset // TPQ: note.pitch for note in composed("melody", request).notes()}
        assert [begun[quarter] for quarter in range(9)] == [67 + leap * min(q, 8 - q) for q in range(9)]


def cursor_in(song: str, *events: tuple[int, int]) -> scheme.Cursor:
    """A cursor after the header of a song and a few events."""
    cursor = scheme.Cursor()
    head = [event for event in scheme.encode(SONGS[song]) if event[0] >= v.CHORD.end and event[0] != v.END]
    for event in (*head, *events):
        cursor.advance(*event)
    return cursor


def test_where_every_note_that_fits_is_due_nothing_rests():
    quarter = v.DURATION[TPQ]
    filling = Filling((quarter,), 16 * TPQ)
    for least, free in ((4, False), (3, True)):
        told = Density(least, 4, 16 * TPQ, filling)(cursor_in("melody", (67, quarter)))
        assert (told is None or bool(told[v.REST] == 0.0)) is free
        assert (told is None or bool(told[v.HOLD] == 0.0)) is free


def test_as_many_notes_as_there_may_be_are_enough():
    eighth = v.DURATION[TPQ // 2]
    told = Density(0, 2, 16 * TPQ, Filling((eighth,), 16 * TPQ))(cursor_in("melody", (67, eighth), (69, eighth)))
    assert told is not None
    assert np.isneginf(told[: v.PITCH.end]).all()
    assert told[v.REST] == 0.0


def test_room_is_left_for_notes_that_are_sure_to_come():
    """Two notes a bar, and one of them is wished for on its last beat, or ends the phrase there."""
    options = {"bars": 2, "density": (0, 2), "steps": TPQ, "particles": 1, "max_copy": 0, "range": ((0, 64, 72),)}
    for seed in range(8):
        wished = ({"notes": ((1, Fraction(4), 71), (2, Fraction(4), 67))}, {"cadence": (("half", 1), ("tonic", 2))})
        for more in wished:
            request = Request(seed=seed, **options, **more)  # type: ignore[arg-type]  # fields of Request
            assert not broken(request, composed("melody", request), facts_of("melody"))


def test_a_meter_is_chosen_whose_bars_can_have_what_is_wished_for():
    """Of songs in two and in four: four quarters in a bar."""
    two = Score((Part(tuple(line(TUNE, PLAIN))),), meters=(Meter(0, 2, 4),))
    for seed in range(8):
        options = {"bars": 2, "seed": seed, "max_copy": 0, "particles": 8}
        four = next(compose(knowing(two, MELODY), Request(density=(4, 4), steps=TPQ, **options)))  # type: ignore[arg-type]  # fields of Request
        assert four.meters[0].beats == 4
        jig = Score((Part(tuple(line(TUNE, TRIPLE))),), meters=(Meter(0, 3, 8),))
        steps = next(compose(knowing(jig, MELODY), Request(steps=TPQ, breath=1, **options)))  # type: ignore[arg-type]  # fields of Request
        assert steps.meters[0].unit == 4


@pytest.mark.parametrize("name", ["melody", "four voices", "piano"])
def test_no_note_lasts_into_a_chord_without_a_voice_for_chords(name):
    chords = Request(bars=4).changed(chords="| C | F G | C | C |").chords
    for seed in range(6):
        request = Request(bars=4, chords=chords, key=Key(), meter=Meter(), seed=seed, particles=8, max_copy=0)
        piece = composed(name, request)
        assert not holds("chords", request, piece, facts_of(name))
        assert not [n for n in piece.notes() for quarter in (4, 6, 8) if n.onset < quarter * TPQ < n.end]


def test_an_ending_that_nobody_asked_for_gives_way():
    """A line that comes back with its section, and lies far from the tonic where the piece ends."""
    for seed in range(4):
        request = Request(
            bars=4, form="AA", contour=(0.0, 9.0), key=Key(), range=((0, 55, 79),), seed=seed, particles=16, max_copy=0
        )
        assert not broken(request, composed("melody", request), facts_of("melody"))


def test_what_nobody_asked_for_is_not_named_among_what_clashes():
    """Two notes of one length in a bar of four quarters, and no rests: the meter has nothing to do with it."""
    request = Request(bars=2, steps=TPQ, density=(1, 2), rests=False, particles=2, max_copy=0)
    with pytest.raises(Unsatisfiable, match="no rests") as told:
        composed("melody", request)
    assert "one meter" not in str(told.value)


def test_chords_go_on_where_the_form_has_the_same_music():
    """With an upbeat a chord sounds on into the section that comes back: it is the bar's, not the form's."""
    chords = Request(bars=4).changed(chords="| G | D |").chords
    request = Request(bars=4, form="AA", chords=chords, key=Key(0, 1, "major"), particles=16, max_copy=0)
    piece = composed("lead sheet in three, pickup", request)
    told = broken(request, piece, facts_of("lead sheet in three, pickup"))
    assert not told


def test_a_cadence_before_the_pickup_of_a_section_goes_with_the_chord_of_its_bar():
    chords = Request(bars=4).changed(chords="| G | D | G | G |").chords
    options = {"bars": 4, "form": "AB", "key": Key(0, 1, "major"), "particles": 16, "max_copy": 0}
    request = Request(chords=chords, cadence=(("half", 2),), **options)  # type: ignore[arg-type]  # fields of Request
    piece = composed("lead sheet in three, pickup", request)
    assert not broken(request, piece, facts_of("lead sheet in three, pickup"))
    with pytest.raises(Unsatisfiable, match="bar 2: the chords and the ending on the tonic in bar 2 clash"):
        composed("lead sheet in three, pickup", replace(request, cadence=(("tonic", 2),)))


def test_what_is_varied_is_less_likely_to_be_what_it_was():
    """Of a section that comes back varied, notes between the beats: `again` is what the old one gets, and no other."""
    eighth = v.DURATION[TPQ // 2]
    form = Form((0, TPQ), (-1, 0), (False, True), TPQ, given=True)
    told = form(cursor_in("melody", (67, eighth), (69, eighth), (67, eighth)))
    assert told is not None
    assert (told[69], told[70]) == (form.again, 0.0)
    assert form.again < 0


def test_a_phrase_before_a_section_ends_before_the_pickup_of_that():
    """As people sing it: the half cadence of bar 2 stands before the upbeat of the second section."""
    request = Request(bars=4, form="AB", cadence=(("half", 2), ("tonic", 4)), particles=8, max_copy=0, seed=4)
    piece = composed("melody in three, pickup", request)
    section = 2 * piece.meters[0].bar
    (last,) = (note for note in piece.notes() if note.onset < section <= note.end)
    assert piece.pickup
    assert last.end == section
    assert last.pitch % 12 in {2, 6, 9}  # the dominant of G


@pytest.mark.parametrize("name", ["melody", "four voices", "lead sheet"])
def test_wishes_that_clash_whatever_the_music_take_no_drawing(name):
    """The model is not asked for a single event more than the header."""
    learned = learned_from(name)
    asked = Counted(Uniform(scheme.spec()))
    request = Request(bars=16, chromatic=0.0, key=Key(), notes=((16, Fraction(1), 66),), max_copy=0)
    with pytest.raises(Unsatisfiable, match="bar 16"):
        next(compose(Learned("uniform", asked, (), learned.songs, {}), request))  # type: ignore[arg-type]  # a stand-in
    assert asked.asked == 0
