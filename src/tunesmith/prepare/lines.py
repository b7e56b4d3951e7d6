"""Which voice each unit (note or chord) belongs to: a beam search over the onsets.

Source of the method: A. McLeod and M. Steedman, "HMM-based voice separation of MIDI performance", Journal of New
Music Research 45(1), 2016: hypotheses of all voices so far, extended onset by onset, the best few kept, a link
between a voice and a note judged by pitch and by gap, voices seldom to cross. In place of probabilities stand costs
that add, as in J. Kilian and H. Hoos, "Voice separation: a local optimisation approach", ISMIR 2002; and the number
of voices is given, so that at full texture the voices are in order of pitch, which is what makes the maximal voice
contigs of E. Chew and X. Wu, "Separating voices in polyphonic music", CMMR 2004, the safe ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, groupby, pairwise
from typing import Any, NamedTuple

from tunesmith.prepare.units import Unit
from tunesmith.score import TPQ


@dataclass(frozen=True, slots=True)
class Costs:
    """What speaks against giving a unit to a voice; fitted on hymns, madrigals, quartets and other chamber music."""

    leap: float = 1.0  # a semitone from the voice's last pitch, ...
    leap_most: float = 5.0  # ... at most this
    far: float = 0.07  # a semitone from the mean pitch of the voice of late, ...
    memory: float = 0.75  # ... of which this share stays with each unit
    gap: float = 7.0  # any silence since the voice's last unit, ...
    rest: float = 0.5  # ... and each quarter note of it, ...
    rest_most: float = 5.0  # ... at most this
    enter: float = 30.0  # the first unit of a voice
    cross: float = 9.0  # another voice sounds on the wrong side
    order: float = 1.6  # another voice is silent, and was last on the wrong side


COSTS = Costs()
BEAM = 5  # hypotheses kept, ...
HOPELESS = 20.0  # ... none that costs this much more than the best
HANDS_APART = 60  # semitones put between the groups of units, so that a voice seldom changes hands
_NEVER = -1  # the end of a voice that has no unit yet


class _State(NamedTuple):
    """A hypothesis: its cost; of every voice the end, pitch and mean pitch; what was chosen, back to the start."""

    cost: float
    ends: tuple[int, ...]
    pitches: tuple[float, ...]
    means: tuple[float, ...]
    chosen: Any  # (voices of the units that began last, the same of the onset before, ...)


def assign(units: Sequence[Unit], voices: int, costs: Costs = COSTS, beam: int = BEAM) -> list[int]:
    """The voice, 0 = highest, of every unit; `units` in order of onset, never more at once than `voices`."""
    nowhere = (-math.inf,) * voices
    states = [_State(0.0, (_NEVER,) * voices, nowhere, nowhere, None)]
    for onset, together in _slices(units):
        new = [(_height(units[place]), units[place].end) for place in together]
        states = _extended(states, new, onset, costs, beam)
    found = [0] * len(units)
    chosen = states[0].chosen
    for _, together in reversed(list(_slices(units))):
        found_here, chosen = chosen
        for place, voice in zip(together, found_here, strict=True):
            found[place] = voice
    return found


def _slices(units: Sequence[Unit]) -> Iterator[tuple[int, list[int]]]:
    """The onsets, and the places of the units that begin there, the highest first."""
    for onset, group in groupby(range(len(units)), key=lambda place: units[place].onset):
        yield onset, sorted(group, key=lambda place: (-_height(units[place]), -units[place].end))


def _height(unit: Unit) -> float:
    return unit.pitch - HANDS_APART * unit.group


def _extended(
    states: Sequence[_State], new: Sequence[tuple[float, int]], onset: int, costs: Costs, beam: int
) -> list[_State]:
    """The best hypotheses after the units of one onset, each a (pitch, end), the best first."""
    level = tuple(a[0] == b[0] for a, b in pairwise(new))
    ways: list[tuple[float, int, tuple[int, ...]]] = []
    for number, state in enumerate(states):
        free = tuple([v for v, end in enumerate(state.ends) if end <= onset])
        prices = [_prices(state, pitch, onset, costs) for pitch, _ in new]
        for chosen, crossings in _choices(free, level):
            cost = state.cost + crossings * costs.cross
            for price, voice in zip(prices, chosen, strict=True):
                cost += price[voice]
            ways.append((cost, number, chosen))
    ways.sort()
    found: dict[Any, _State] = {}
    for cost, number, chosen in ways:
        after = _after(states[number], new, chosen, cost, costs.memory)
        found.setdefault((after.ends, after.pitches), after)
        if len(found) == beam or cost > ways[0][0] + HOPELESS:
            break
    return list(found.values())


@cache
def _choices(free: tuple[int, ...], level: tuple[bool, ...]) -> tuple[tuple[tuple[int, ...], int], ...]:
    """The ways to give units, from the highest down, to free voices, and how many voices cross by that: none, or one
    pair of neighbours. `level` says which neighbours have the same pitch, so that either may be above."""
    ways = []
    for chosen in combinations(free, len(level) + 1):
        ways.append((chosen, 0))
        for i, same in enumerate(level):
            ways.append(((*chosen[:i], chosen[i + 1], chosen[i], *chosen[i + 2 :]), int(not same)))
    return tuple(ways)


def _prices(state: _State, pitch: float, onset: int, costs: Costs) -> list[float]:
    """What a unit of this pitch costs in every voice that is free; of the others only the part that is for sides."""
    _, ends, pitches, means, _ = state
    cross, order, prices = costs.cross, costs.order, []
    wrong = 0.0  # for the voices above that are, or were last, below the unit
    for end, last, mean in zip(ends, pitches, means, strict=True):
        if end == _NEVER:
            prices.append(wrong + costs.enter)
            continue
        prices.append(wrong if end > onset else wrong + _link(pitch, last, mean, onset - end, costs))
        if last < pitch:
            wrong += cross if end > onset else order
    wrong = 0.0  # for the voices below that are above it
    for voice in range(len(prices) - 1, -1, -1):
        prices[voice] += wrong
        if pitches[voice] > pitch:
            wrong += cross if ends[voice] > onset else order
    return prices


def _link(pitch: float, last: float, mean: float, rest: int, costs: Costs) -> float:
    """What it costs to go on in a voice with its last pitch, its mean pitch and a rest in ticks."""
    leap, away = abs(pitch - last), abs(pitch - mean)
    price = costs.leap * (leap if leap < costs.leap_most else costs.leap_most) + costs.far * away
    return price + costs.gap + min(costs.rest * rest / TPQ, costs.rest_most) if rest else price


def _after(
    state: _State, new: Iterable[tuple[float, int]], chosen: tuple[int, ...], cost: float, memory: float
) -> _State:
    ends, pitches, means = list(state.ends), list(state.pitches), list(state.means)
    for (pitch, end), voice in zip(new, chosen, strict=True):
        means[voice] = pitch if ends[voice] == _NEVER else pitch + memory * (means[voice] - pitch)
        ends[voice], pitches[voice] = end, pitch
    return _State(cost, tuple(ends), tuple(pitches), tuple(means), (chosen, state.chosen))
