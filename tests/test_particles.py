"""Sequential Monte Carlo against exact enumeration: what is drawn has the probabilities that it should have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from tunesmith import scheme
from tunesmith.constraints import Bias, Filling, Length, Pins, Range, Steady, Voices, Wish
from tunesmith.constraints.wish import NEVER, composing, durations, symbols
from tunesmith.errors import Unsatisfiable
from tunesmith.models import State
from tunesmith.models.spec import FloatArray, IntArray
from tunesmith.particles import Drawer, Drawing, nucleus
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import DONE
from tunesmith.score import TPQ

HEAD: list[Event] = [
    (v.STYLE[0], v.NONE),
    (v.METER[2], v.UNITS[4]),  # three quarters
    (v.key_symbol(0, "major"), v.NONE),
    (v.tempo_symbol(108), v.NONE),
    (v.PART[0], v.NONE),
]
QUARTER, HALF = v.DURATION[TPQ], v.DURATION[2 * TPQ]
PITCHES, LENGTHS = (60, 62, 64), (QUARTER, HALF)


class Small:
    """A model of three pitches and two lengths: what is likely depends on the pitch before, and not a little."""

    def __init__(self) -> None:
        self.spec = scheme.spec()
        rng = np.random.default_rng(3)
        self.moves = rng.dirichlet(np.full(3, 0.7), 4)  # (pitch before or none, pitch)
        self.lengths = rng.dirichlet(np.ones(2), 3)  # (pitch, length)

    def begin(self, batch: int) -> State:
        return None

    def select(self, state: State, rows: IntArray) -> State:
        return None

    def join(self, states: object) -> State:
        return None

    def symbols(self, state: State, frames: IntArray) -> FloatArray:
        before = frames[:, self.spec.place("previous symbol")] - 1
        found = np.full((len(frames), v.SYMBOLS), -np.inf)
        for row, symbol in enumerate(before.tolist()):
            known = PITCHES.index(symbol) if symbol in PITCHES else 3
            found[row, list(PITCHES)] = np.log(0.9 * self.moves[known])
            found[row, v.END] = np.log(0.1)
        found = np.where(self.spec.allowed_symbols(frames), found, -np.inf)
        return found - np.log(np.maximum(np.exp(found).sum(1, keepdims=True), 1e-300))

    def durations(self, state: State, chosen: IntArray) -> FloatArray:
        found = np.full((len(chosen), v.DURATIONS), -np.inf)
        for row, symbol in enumerate(chosen.tolist()):
            if symbol in PITCHES:
                found[row, list(LENGTHS)] = np.log(self.lengths[PITCHES.index(symbol)])
            else:
                found[row, v.NONE] = 0.0
        return found


@dataclass(frozen=True)
class Likes:
    """A wish that is soft: the pitch 64 is liked on the first beat."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        if symbol is not None or not composing(cursor) or cursor.position:
            return None
        bias = symbols()
        bias[64] = 1.5
        return bias


@dataclass(frozen=True)
class LongAfterLow:
    """A wish about lengths: no quarter on 60 in the second bar."""

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        if symbol != 60 or cursor.bar != 2:
            return None
        bias = durations()
        bias[QUARTER] = NEVER
        return bias


def wished(log_p: FloatArray, told: list[Bias | None]) -> FloatArray:
    """Probabilities of the model that soft wishes make of it, what is forbidden taken out and nothing put in."""
    biases = [bias for bias in told if bias is not None]
    soft = np.exp(log_p + sum(np.where(np.isneginf(bias), 0.0, bias) for bias in biases))
    return np.where(np.any([np.isneginf(bias) for bias in biases], axis=0), 0.0, soft / soft.sum()) if biases else soft


def exact(model: Small, wishes: tuple[Wish, ...]) -> dict[tuple[Event, ...], float]:
    """Every piece that keeps the wishes, and its probability among them, by going through all."""
    found: dict[tuple[Event, ...], float] = {}

    def go(cursor: Cursor, events: tuple[Event, ...], p: float) -> None:
        if cursor.phase == DONE:
            found[events] = p
            return
        frame = np.array([scheme.frame(cursor)], np.int16)
        likely = wished(model.symbols(None, frame)[0], [w(cursor) for w in wishes])
        for symbol in np.flatnonzero(likely).tolist():
            lengths = wished(model.durations(None, np.array([symbol]))[0], [w(cursor, symbol) for w in wishes])
            for length in np.flatnonzero(lengths).tolist():
                then = cursor.copy()
                then.advance(symbol, length)
                go(then, (*events, (symbol, length)), p * float(likely[symbol] * lengths[length]))

    cursor = Cursor()
    for event in HEAD:
        cursor.advance(*event)
    go(cursor, (), 1.0)
    return found


BARS = 6 * TPQ  # two bars
FILLING = Filling(LENGTHS, BARS)
ALWAYS: tuple[Wish, ...] = (Steady(), Voices(), Length(BARS, FILLING))
CASES: dict[str, tuple[Wish, ...]] = {
    "soft and hard": (*ALWAYS, Likes(), LongAfterLow()),
    "a note to come": (*ALWAYS, Pins(1, (3 * TPQ, 5 * TPQ), (60, 64), FILLING)),
    "all of them": (*ALWAYS, Likes(), LongAfterLow(), Pins(1, (5 * TPQ,), (62,), FILLING)),
}


@cache
def many(name: str, particles: int, count: int = 500) -> Counter[tuple[Event, ...]]:
    """Pieces drawn with seeds 0, 1, ..., and how often each came."""
    return Counter(drawn(CASES[name], Drawing(particles), seed)[0] for seed in range(count))


def drawn(wishes: tuple[Wish, ...], drawing: Drawing, seed: int) -> tuple[tuple[Event, ...], float]:
    outcome = Drawer(Small(), wishes, drawing, np.random.default_rng(seed), scheme.frame).piece(HEAD)  # type: ignore[arg-type]  # steps alone
    return tuple(outcome.events[len(HEAD) :]), outcome.log_share


@pytest.mark.parametrize("name", CASES)
def test_the_distribution_is_the_true_conditional_one(name):
    """Pearson's chi-square against enumeration; fixed seeds; the pieces that are rare are taken together."""
    wishes = CASES[name]
    true = exact(Small(), wishes)
    whole = sum(true.values())
    found = many(name, 24)
    count = sum(found.values())
    assert set(found) <= set(true), "what was drawn keeps the wishes"
    common = [piece for piece in true if true[piece] / whole * count >= 5]
    expected = [true[piece] / whole * count for piece in common]
    seen = [float(found[piece]) for piece in common]
    if (rest := count - sum(expected)) > 1e-6:
        expected, seen = [*expected, rest], [*seen, count - sum(seen)]
    statistic = sum((s - e) ** 2 / e for s, e in zip(seen, expected, strict=True))
    freedom = len(seen) - 1
    # the 99.9% point of chi-square, by Wilson and Hilferty (1931); 24 particles leave a trace of bias
    limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * np.sqrt(2 / (9 * freedom))) ** 3
    assert freedom >= 5
    assert statistic < limit, f"{statistic:.0f} of {limit:.0f}"


def test_a_single_particle_has_another_distribution():
    """Left to right, without weights, early choices know nothing of what is to come: the test above can fail."""
    true = exact(Small(), CASES["a note to come"])
    whole = sum(true.values())

    def distance(particles: int) -> float:
        """In total variation, from the true one."""
        found = many("a note to come", particles)
        return sum(abs(found[piece] / 500 - true[piece] / whole) for piece in true) / 2

    assert distance(1) > 2 * distance(24)


def test_the_share_that_the_wishes_leave_is_estimated():
    wishes = CASES["a note to come"]
    true = np.log(sum(exact(Small(), wishes).values()))
    estimates = [drawn(wishes, Drawing(particles=100), seed)[1] for seed in range(20)]
    assert np.mean(estimates) == pytest.approx(true, abs=0.05)


def test_the_same_seed_draws_the_same():
    for particles in (1, 7):
        first, second = (drawn(CASES["all of them"], Drawing(particles=particles), 5) for _ in range(2))
        assert first == second


@dataclass(frozen=True)
class Nothing:
    """A wish that nothing keeps from the second bar on."""

    def __str__(self) -> str:
        return "silence in bar 2"

    def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
        return symbols(NEVER) if symbol is None and composing(cursor) and cursor.bar >= 2 else None


def test_what_nothing_keeps_is_said_with_its_bar_and_its_name():
    with pytest.raises(Unsatisfiable, match="bar 2: nothing is left to choose by silence in bar 2"):
        drawn((*ALWAYS, Nothing()), Drawing(particles=4), 1)


def test_wishes_that_clash_are_named_and_no_others():
    wishes = (*ALWAYS, Range(62, 64), Pins(1, (3 * TPQ,), (60,), FILLING))
    with pytest.raises(Unsatisfiable, match="bar 2: the range and the notes to keep clash"):
        drawn(wishes, Drawing(particles=4), 1)


def test_a_dead_end_is_left_by_drawing_again():
    """Few particles run into it now and then; what comes out keeps the wishes all the same."""

    @dataclass(frozen=True)
    class After:
        """Bar 2 can only begin if bar 1 ended on 60."""

        def __call__(self, cursor: Cursor, symbol: int | None = None) -> Bias | None:
            if symbol is None and cursor.now == 3 * TPQ and cursor.voices[0].last != 60:
                return symbols(NEVER)
            return None

    crossing = Pins(1, (3 * TPQ,), (62,), FILLING)
    for seed in range(40):
        events, _ = drawn((*ALWAYS, crossing, After()), Drawing(particles=8), seed)
        cursor = Cursor()
        for event in (*HEAD, *events):
            if cursor.voices and cursor.now == 3 * TPQ:
                assert cursor.voices[0].last == 60
                break
            cursor.advance(*event)


def share(temperature: float, top_p: float) -> float:
    weights = np.tile(np.array([0.1, 0.6, 0.3]) ** (1 / temperature), (2000, 1))
    chosen = nucleus(weights, top_p, np.random.default_rng(0).random(2000))
    return float((chosen == 1).mean())


def test_the_nucleus_has_the_share_asked_for():
    assert share(1.0, 1.0) == pytest.approx(0.6, abs=0.04)
    assert share(0.2, 1.0) > 0.95
    assert share(1.0, 0.5) == 1.0
    assert share(1.0, 0.8) == pytest.approx(0.667, abs=0.04)


@pytest.mark.parametrize("particles", [1, 3, 16])
def test_pieces_end_whatever_the_number_of_particles(particles):
    events, _ = drawn(ALWAYS, Drawing(particles=particles), 2)
    assert events[-1][0] == v.END


def test_what_is_told_as_it_comes_stays_and_keeps_the_wishes():
    wishes = CASES["a note to come"]
    for seed in range(20):
        random = np.random.default_rng(seed)
        told = list(Drawer(Small(), wishes, Drawing(8), random, scheme.frame).along(HEAD))  # type: ignore[arg-type]  # steps alone
        assert len(told) >= 2
        for before, after in pairwise(told):
            assert after[: len(before)] == before
        assert tuple(told[-1][len(HEAD) :]) in exact(Small(), wishes)


def test_within_a_bar_what_is_told_looks_ahead():
    """Notes before one that is wished for in the same bar are chosen by what leads there, as if all were drawn."""
    wishes = (*ALWAYS, Pins(1, (2 * TPQ,), (64,), FILLING))
    true = exact(Small(), wishes)
    first: Counter[Event] = Counter()
    for event, p in ((piece[0], p) for piece, p in true.items()):
        first[event] += p
    random = np.random.default_rng(0)
    found = Counter(
        next(Drawer(Small(), wishes, Drawing(24), random, scheme.frame).along(HEAD))[len(HEAD)]  # type: ignore[arg-type]  # steps alone
        for _ in range(500)
    )
    for event, p in first.items():
        assert found[event] / 500 == pytest.approx(p / sum(true.values()), abs=0.07)


def test_what_was_told_and_cannot_go_on_is_said():
    with pytest.raises(Unsatisfiable, match="bar 2: nothing is left to choose by silence in bar 2"):
        list(Drawer(Small(), (*ALWAYS, Nothing()), Drawing(4), np.random.default_rng(0), scheme.frame).along(HEAD))  # type: ignore[arg-type]  # steps alone
