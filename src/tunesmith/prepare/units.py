"""From notes to units, what a voice sounds at once, so few at a time that a given number of voices holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

CROWD = 16  # more notes beginning at once than this are no music; they are taken together in as many chords
HAND = 12  # semitones: chords that are not forced by the number of voices are no wider


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Notes of one onset and one end, which a voice sounds at once: a note or a chord.

    `low` and `high` are its outer pitches, `notes` the places of its notes in the part. `group` keeps apart what
    should not share a voice, such as the notes of two hands.
    """

    onset: int
    end: int
    low: int
    high: int
    notes: tuple[int, ...]
    group: int = 0

    @property
    def pitch(self) -> float:
        """The middle of the chord."""
        return (self.low + self.high) / 2


def fitted(units: Sequence[Unit], usual: int, most: int) -> list[Unit]:
    """Units, in order of onset, joined to chords and cut so that never more than `most` sound at once.

    Where more than `usual` sound, those that begin and end together join first. Only where more than `most` are left,
    one is cut short: whichever costs the fewest ticks, ending a held unit at once, or ending two that began together
    when the first of them ends.
    """
    done: list[Unit] = []
    active: list[Unit] = []
    for onset, new in groupby(units, key=lambda u: u.onset):
        done += [u for u in active if u.end <= onset]
        active = [u for u in active if u.end > onset]
        active = sorted([*active, *_uncrowded(list(new))], key=lambda u: (u.pitch, u.onset, u.end))
        while len(active) > usual and (pair := _chord(active, forced=len(active) > most)):
            _join(active, *pair)
        while len(active) > most:
            done += _make_room(active, onset)
    return sorted(done + active, key=lambda u: (u.onset, -u.pitch, u.end))


def _uncrowded(new: list[Unit]) -> list[Unit]:
    """The same units, or, of a crowd, a few chords of those that end at about the same time."""
    if len(new) <= CROWD:
        return new
    new.sort(key=lambda u: u.end)
    size = -(-len(new) // CROWD)
    bins = [new[i : i + size] for i in range(0, len(new), size)]
    return [_joined(*b) for b in bins]


def _joined(*units: Unit) -> Unit:
    notes = tuple(n for u in units for n in u.notes)
    low, high = min(u.low for u in units), max(u.high for u in units)
    return Unit(units[0].onset, min(u.end for u in units), low, high, notes, units[0].group)


def _join(active: list[Unit], a: Unit, b: Unit) -> None:
    """Put two neighbours together."""
    active[active.index(a)] = _joined(a, b)
    active.remove(b)


def _neighbours(active: Iterable[Unit]) -> Iterator[tuple[Unit, Unit]]:
    return ((a, b) for a, b in pairwise(active) if a.onset == b.onset)


def _chord(active: Sequence[Unit], *, forced: bool) -> tuple[Unit, Unit] | None:
    """The closest neighbours that begin and end together; only within a hand unless `forced`."""
    pairs = [(a, b) for a, b in _neighbours(active) if a.end == b.end]
    if not forced:
        pairs = [(a, b) for a, b in pairs if b.high - a.low <= HAND and a.group == b.group]
    return min(pairs, key=lambda p: (p[0].group != p[1].group, p[1].high - p[0].low), default=None)


def _make_room(active: list[Unit], onset: int) -> list[Unit]:
    """Cut the unit whose end matters least; returns what is over by that."""
    pairs = list(_neighbours(active))
    pair = min(pairs, key=lambda p: abs(p[0].end - p[1].end), default=None)
    held = min((u for u in active if u.onset < onset), key=lambda u: (u.end, -u.onset), default=None)
    if held and not (pair and abs(pair[0].end - pair[1].end) < held.end - onset):
        active.remove(held)
        return [dataclasses.replace(held, end=onset)]
    assert pair is not None, "more units than voices, none held: two begin together"  # noqa: S101 - for the type checker
    _join(active, *pair)
    return []
