"""Reasons and warnings of many songs, summed up by what they have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.corpus.entries import BETWEEN_WARNINGS, KEPT, Entry

MOST_KINDS = 1000  # told apart; more can only come of reasons that quote their files
MOST_CHARACTERS = 1000  # looked at
OTHER = "other reasons"
# What differs from song to song -> what it becomes. In this order.
_PLACES = "bar|beat|byte|column|event|line|measure|note|page|part|song|spine|staff|step|tick|token|track|tune|voice"
_IN_BRACKETS = r"\((?:[^()]++|\([^()]*+\))*+\)"
RULES = (
    (re.compile(r"^first in [^:;]{1,80}: "), ""),
    (re.compile(rf"^(?:(?:{_PLACES})s? (?:[^:;()]++|{_IN_BRACKETS})*+: )+", re.IGNORECASE), ""),
    (re.compile(r"^(the same music as|nearly the same as) .*", re.DOTALL), r"\1 an earlier song"),
    (re.compile(r"; .*", re.DOTALL), ""),  # what to do about it
    (re.compile(rf"'[^']*'|\"[^\"]*\"|\[[^]]*\]|{_IN_BRACKETS}"), "..."),
    (re.compile(r"\d+(?:[.,/:]\d+)*"), "N"),
    (re.compile(r"\bN((?: [a-z]+)?) (bar|measure|note|part|place|sign|song|tie|voice)\b"), r"N\1 \2s"),
    (re.compile(r"(?:\s*\.\.\.)+"), " ..."),
)


def kind_of(reason: str) -> str:
    """What a reason says without what differs from song to song: places, numbers, names, advice."""
    reason = reason[:MOST_CHARACTERS]
    for pattern, becomes in RULES:
        reason = pattern.sub(becomes, reason)
    return reason.strip()[:200] or OTHER


@dataclass(slots=True)
class Kind:
    """A kind of reason: the `status` it led to, how many songs it befell, and the first one, by name and reason."""

    status: str
    text: str
    songs: int
    first: Entry
    said: str


class Summary:
    """Counts entries by kind of reason; its size does not grow with their number."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], Kind] = {}

    def add(self, entry: Entry) -> None:
        """Count an entry, under each kind of its warnings, or that of its reason."""
        said = _said(entry)
        for text, reason in {kind_of(reason): reason for reason in reversed(said)}.items():
            place = (entry.status, text)
            if place not in self._kinds and len(self._kinds) >= MOST_KINDS:
                place = (entry.status, OTHER)
            kind = self._kinds.setdefault(place, Kind(*place, 0, entry, reason))
            kind.songs += 1

    def kinds(self, *statuses: str) -> Iterator[Kind]:
        """The kinds of these statuses, those of most songs first."""
        chosen = [kind for kind in self._kinds.values() if kind.status in statuses]
        return iter(sorted(chosen, key=lambda kind: (-kind.songs, kind.text)))


def _said(entry: Entry) -> list[str]:
    if entry.status == KEPT:
        return entry.warning.split(BETWEEN_WARNINGS) if entry.warning else []
    return [entry.reason]
