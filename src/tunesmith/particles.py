"""Sequential Monte Carlo over rows of events: many pieces at once, of which those live on that can keep the wishes.

Every particle is a piece in the making. Each event is drawn from what the model finds likely, weighed by the wishes;
what share of the probability the wishes do not forbid is the particle's weight. From time to time all wait for each
other at the same tick, whatever number of events each needed to get there, and are drawn anew by their weights. So a
wish about what comes later (bars that are kept, a melody to be harmonised, an ending) chooses among beginnings, and
what is drawn has the probabilities that the model gives to pieces that keep the wishes, the nearer the more particles;
where `top_p` is below 1, the improbable is left out event by event, and no weight makes up for it.

Where no particle can go on, the latest stretch is drawn again, then a longer one; after some tries it is said which
wishes clash, and where. That redrawing leans towards what can go on.

Sources: N. Gordon, D. Salmond, A. Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state estimation", 1993;
systematic resampling: G. Kitagawa, "Monte Carlo filter and smoother", 1996; effective sample size: J. Liu, R. Chen,
1998; constraints on language models by it: A. Lew et al., "Sequential Monte Carlo steering of large language models",
2023; top-p: A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.constraints import NEVER, Wish
from tunesmith.constraints.clashing import clash_at, clashing_text
from tunesmith.errors import Unsatisfiable
from tunesmith.models import Model, State
from tunesmith.models.spec import BoolArray, FloatArray, IntArray
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme.cursor import DONE
from tunesmith.score import TPQ

FEWEST = 0.5  # resample where the effective sample size is below this share of the particles
TRIES = 10  # at the same place, later ones from farther back
REMEMBERED = ((4, 1), (16, 4), (64, 16))  # how many resting places back, every how many of them are kept
IMPOSSIBLE = -30.0  # what it counts if the wishes leave nothing but what the model holds for impossible

Frames = Callable[[Cursor], Sequence[int]]
Row = tuple[
    Any, Event
]  # (the row before or None, an event): the events of a particle, latest first: particles share their beginnings


@dataclass(frozen=True, slots=True)
class Drawing:
    """How to draw: the number of particles, temperatures of symbols and of lengths, and top-p.

    `often`: wait for each other at every quarter note rather than at bar lines: for music that is given note by note.
    """

    particles: int = 1
    temperature: float = 1.0
    rhythm_temperature: float = 1.0
    top_p: float = 1.0
    often: bool = False


@dataclass(slots=True)
class Population:
    """Particles that have come to the same tick. log_weights (particles,)."""

    state: State
    cursors: list[Cursor]
    rows: list[Row | None]
    log_weights: FloatArray
    evidence: float = 0.0  # log of the share of the model's probability that the wishes have left so far

    def chosen(self, model: Model, at: IntArray, log_weights: FloatArray, evidence: float) -> Population:
        """Copies of some particles, with new weights."""
        cursors = [self.cursors[i].copy() for i in at]
        return Population(model.select(self.state, at), cursors, [self.rows[i] for i in at], log_weights, evidence)


@dataclass(slots=True)
class Outcome:
    """A piece: its events, and an estimate of the log of the share of probability that the wishes have left."""

    events: list[Event]
    log_share: float


@dataclass(slots=True)
class _Stuck:
    """Why a particle could not go on, and where the farthest was."""

    cursor: Cursor
    symbol: int | None
    legal: BoolArray  # what the grammar allows


class Drawer:
    """What draws pieces that keep wishes: whole ones, or told as they come."""

    def __init__(
        self, model: Model, wishes: Sequence[Wish], drawing: Drawing, random: np.random.Generator, frame: Frames
    ) -> None:
        self.model, self.wishes, self.drawing, self.random, self.frame = model, wishes, drawing, random, frame
        self.stuck: _Stuck | None = None

    def piece(self, opening: Sequence[Event]) -> Outcome:
        """A piece that begins with the events of `opening` and keeps the wishes.

        Raises:
            Unsatisfiable: no piece was found that does; names the bar and the wishes that clash there.
        """
        now, past, number, tries = self._opened(opening), list[tuple[int, Population]](), 0, 0
        while not all(cursor.phase == DONE for cursor in now.cursors):
            ahead = self._advanced(now)
            if np.isneginf(ahead.log_weights).all():
                tries += 1
                if tries > TRIES:
                    raise self._unsatisfiable()
                back = number - 2 ** (tries // 2) + 1
                while past and number > back:
                    number, now = past.pop()
                continue
            if self.stuck is None or _tick(ahead) > self.stuck.cursor.now:
                tries = 0
            past = [(n, then) for n, then in past if _remembered(n, number)] + [(number, now)]
            now, number = self._resampled(ahead), number + 1
        events = _events(now.rows[self._winner(now)])
        return Outcome(events, now.evidence + _log_mean(now.log_weights))

    def along(self, opening: Sequence[Event]) -> Iterator[list[Event]]:
        """The same, told as it comes: all events so far, opening and all, whenever there is a stretch more.

        At the end of each one particle is chosen, and what has been told stays, so that a wish about what comes later
        chooses within one stretch, and nothing before.

        Raises:
            Unsatisfiable: what was told cannot go on; as `piece`.
        """
        now, tries, count = self._opened(opening), 0, self.drawing.particles
        while not all(cursor.phase == DONE for cursor in now.cursors):
            ahead = self._advanced(now)
            if np.isneginf(ahead.log_weights).all():
                tries += 1
                if tries > TRIES:
                    raise self._unsatisfiable()
                continue
            chosen = np.full(count, self._winner(ahead))
            now, tries = ahead.chosen(self.model, chosen, np.zeros(count), 0.0), 0
            yield _events(now.rows[0])

    def _winner(self, now: Population) -> int:
        """One of the particles, by their weights."""
        likely = _weights(now.log_weights)
        winner = int(np.searchsorted(np.cumsum(likely), self.random.random() * likely.sum(), side="right"))
        return min(winner, len(likely) - 1)

    def _opened(self, opening: Sequence[Event]) -> Population:
        """The particles after the opening, which the model hears and does not choose."""
        state, cursor = self.model.begin(1), Cursor()
        row: Row | None = None
        for symbol, duration in opening:
            self.model.symbols(state, np.array([self.frame(cursor)], np.int16))
            self.model.durations(state, np.array([symbol]))
            cursor.advance(symbol, duration)
            row = row, (symbol, duration)
        count = self.drawing.particles
        return Population(
            self.model.select(state, np.zeros(count, np.intp)),
            [cursor.copy() for _ in range(count)],
            [row] * count,
            np.zeros(count),
        )

    def _advanced(self, start: Population) -> Population:
        """All particles at the next resting place. Those that could not go on have the weight -inf."""
        at = np.arange(len(start.cursors))
        now = start.chosen(self.model, at, start.log_weights.copy(), start.evidence)
        until = _rest_after(now.cursors, self.drawing.often)
        active = [i for i in at.tolist() if self._goes_on(now, i, until)]
        resting = [i for i in at.tolist() if i not in set(active)]
        state = self.model.select(now.state, np.array(active, np.intp)) if resting else now.state
        parked, order = [], list(resting)
        if resting:
            parked.append(self.model.select(now.state, np.array(resting, np.intp)))
        while active:
            self._step(state, now, active)
            going = [n for n, i in enumerate(active) if self._goes_on(now, i, until)]
            if len(going) < len(active):
                done = [n for n in range(len(active)) if n not in set(going)]
                parked.append(self.model.select(state, np.array(done, np.intp)))
                order += [active[n] for n in done]
                state = self.model.select(state, np.array(going, np.intp))
                active = [active[n] for n in going]
        rows = [now.rows[i] for i in order]
        joined = self.model.join(parked) if len(parked) > 1 else parked[0]
        return Population(joined, [now.cursors[i] for i in order], rows, now.log_weights[order], now.evidence)

    @staticmethod
    def _goes_on(now: Population, i: int, until: int) -> bool:
        cursor = now.cursors[i]
        waiting = cursor.now >= until and not cursor.building
        return not (cursor.phase == DONE or waiting or np.isneginf(now.log_weights[i]))

    def _step(self, state: State, now: Population, active: Sequence[int]) -> None:
        """One event more for the particles `active`, the rows of `state`."""
        cursors = [now.cursors[i] for i in active]
        frames = np.array([self.frame(cursor) for cursor in cursors], np.int16)
        log_p = self.model.symbols(state, frames)
        legal = self.model.spec.allowed_symbols(frames)
        symbols, gained = self._choose(log_p, legal, cursors, None, self.drawing.temperature)
        log_p = self.model.durations(state, symbols)
        legal = self.model.spec.allowed_durations(symbols)
        alive = ~np.isneginf(gained)
        lengths, more = self._choose(log_p, legal, cursors, symbols, self.drawing.rhythm_temperature, alive)
        now.log_weights[list(active)] += gained + more
        for i, symbol, duration, good in zip(active, symbols.tolist(), lengths.tolist(), alive, strict=True):
            if good and not np.isneginf(now.log_weights[i]):
                now.rows[i] = now.rows[i], (symbol, duration)
                now.cursors[i].advance(symbol, duration)

    def _choose(
        self,
        log_p: FloatArray,
        legal: BoolArray,
        cursors: Sequence[Cursor],
        symbols: IntArray | None,
        temperature: float,
        alive: BoolArray | None = None,
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """A choice (n,) for each row of log_p (n, choices), and the log of the share that the wishes left (n,).

        What wishes weigh makes another model of this one; what they forbid is what a share is lost by. Were weights a
        loss too, the pieces with the fewest notes would lose least.
        """
        soft, never = np.zeros(log_p.shape), np.zeros(log_p.shape, bool)
        for row, cursor in enumerate(cursors):
            if alive is None or alive[row]:
                self._wished(cursor, None if symbols is None else int(symbols[row]), soft[row], never[row])
        logits = log_p + soft
        whole = _log_total(logits, temperature)
        logits[never] = -np.inf
        lost = np.isneginf(logits).all(1)
        if lost.any():  # the model gives no probability to what the wishes leave: all that is left is alike
            logits[lost] = np.where(legal[lost] & ~never[lost], soft[lost], -np.inf)
        dead = np.isneginf(logits).all(1)
        for row in np.flatnonzero(dead).tolist():
            if alive is None or alive[row]:
                self._note(cursors[row], None if symbols is None else int(symbols[row]), legal[row])
        logits[dead] = 0.0
        gained = np.where(lost, IMPOSSIBLE, _log_total(logits, temperature) - whole)
        gained[dead] = -np.inf
        weights = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
        return nucleus(weights, self.drawing.top_p, self.random.random(len(weights))), gained

    def _wished(self, cursor: Cursor, symbol: int | None, soft: FloatArray, never: BoolArray) -> None:
        """What the wishes weigh and forbid at a cursor, put into two rows (choices,)."""
        for wish in self.wishes:
            told = wish(cursor, symbol)
            if told is not None:
                forbidden = told == NEVER
                never |= forbidden
                np.add(soft, told, out=soft, where=~forbidden)

    def _resampled(self, now: Population) -> Population:
        """Particles drawn by their weights, if few of them carry most of the weight."""
        likely, count = _weights(now.log_weights), len(now.cursors)
        effective = float(1 / np.square(likely).sum())
        if effective >= FEWEST * count and not np.isneginf(now.log_weights).any():
            return now
        points = (self.random.random() + np.arange(count)) / count
        at = np.minimum(np.searchsorted(np.cumsum(likely), points, side="right"), count - 1)
        evidence = now.evidence + _log_mean(now.log_weights)
        return now.chosen(self.model, at, np.zeros(count), evidence)

    def _note(self, cursor: Cursor, symbol: int | None, legal: BoolArray) -> None:
        """Remember the farthest place where one could not go on."""
        if self.stuck is None or cursor.now >= self.stuck.cursor.now:
            self.stuck = _Stuck(cursor, symbol, legal)

    def _unsatisfiable(self) -> Unsatisfiable:
        if self.stuck is None:
            return Unsatisfiable("nothing is left to choose", fix="ask for less")
        fix = "ask for less, or try another seed"
        names = clash_at(self.wishes, self.stuck.cursor, self.stuck.symbol, self.stuck.legal)
        return Unsatisfiable(clashing_text(names), where=f"bar {self.stuck.cursor.bar}", fix=fix)


def nucleus(weights: FloatArray, top_p: float, points: FloatArray) -> NDArray[np.intp]:
    """A choice (n,) for each row of weights (n, choices): of the likeliest that together have the share `top_p`.

    points (n,), from 0 to 1, decide.
    """
    likely = weights / weights.sum(1, keepdims=True)
    order = np.argsort(-likely, 1, kind="stable")
    summed = np.cumsum(np.take_along_axis(likely, order, 1), 1)
    kept = np.minimum((summed < top_p).sum(1), likely.shape[1] - 1)
    rows = np.arange(len(likely))
    place = (summed <= (points * summed[rows, kept])[:, None]).sum(1)
    found: NDArray[np.intp] = order[rows, np.minimum(place, kept)]
    return found


def _rest_after(cursors: Sequence[Cursor], often: bool) -> int:
    """The tick at which all wait for each other next: the bar line, or, if `often`, a quarter note or so on."""
    first = min((cursor for cursor in cursors if cursor.phase != DONE), key=lambda cursor: cursor.now)
    step = first.bar_length // max(1, first.bar_length // TPQ) if often else first.bar_length
    return first.now + step - first.position % step


def _remembered(number: int, now: int) -> bool:
    """Whether a resting place is kept to go back to: the latest all, older ones now and then."""
    return any(now - number < back and number % every == 0 for back, every in REMEMBERED)


def _tick(now: Population) -> int:
    going = (c.now for c, w in zip(now.cursors, now.log_weights, strict=True) if not np.isneginf(w))
    return min(going, default=-1)


def _weights(log_weights: FloatArray) -> FloatArray:
    """Weights (n,) that add up to 1."""
    weights: FloatArray = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    return weights


def _log_mean(log_weights: FloatArray) -> float:
    top = float(log_weights.max())
    return top + float(np.log(np.exp(log_weights - top).mean()))


def _log_total(log_p: FloatArray, temperature: float) -> FloatArray:
    """log sum exp(log_p / temperature), (n,); 0 where nothing is possible."""
    top = log_p.max(1)
    safe = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        total: FloatArray = np.log(np.exp((log_p - safe[:, None]) / temperature).sum(1)) + safe / temperature
    return np.where(np.isneginf(top), 0.0, total)


def _events(row: Row | None) -> list[Event]:
    found: list[Any] = []
    while row is not None:
        row, event = row[0], row[1]
        found.append(event)
    return found[::-1]
