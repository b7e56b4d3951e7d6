"""The way of a melody through a part of several notes at once: the path over its notes that gains most.

As in F. Simonetta, C. Cancino-Chacón, S. Ntalampiras and G. Widmer, "A convolutional approach to melody line
identification in symbolic scores", ISMIR 2019, with the logistic model of `salience` in place of the network. What a
note gains depends on what the part is:

- A singer with an accompaniment, in one part: the singer rests while the accompaniment plays. So each note is held
  against silence: it gains its log odds to be the melody's.
- One player's music, such as a pianist's: its upper texture is the melody as long as it sounds. So each note is held
  against the others there are: it gains the log of its share of the odds, which for a note alone is nothing to lose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tunesmith.prepare.grid import SLACK
from tunesmith.prepare.hands import left_hand, two_hands
from tunesmith.prepare.salience import salience
from tunesmith.score import TPQ, Note

# Fitted with the weights of `salience`:
GAIN = 1.0  # log odds added to every note, so that rather a note too many is taken than one too few
LEAP, LEAP_MOST = 0.1, 12  # the cost of a semitone between two notes of the line, up to an octave
REST = 1.5  # the cost of a quarter note of silence between them
# Fitted on piano music, and on the songs of voice and piano put in one part:
GOES_ON = 3.0  # added to every note of one player's, so that a rest is never cheaper than the likeliest note
DOUBLED = 0.004  # share of notes, above which notes struck twice at once tell of two players: one has one key for both

_LEAPS = LEAP * np.minimum(np.abs(np.arange(128)[:, None] - np.arange(128)[None, :]), LEAP_MOST)
Floats = NDArray[np.float64]


def best_path(notes: Sequence[Note]) -> list[Note]:
    """The melody among notes in order: one note at a time, but for `over`."""
    if _accompanied(notes):
        return _path(notes, salience(notes) + GAIN)
    if two_hands(notes):
        notes = _right_hand(notes) or notes
    return _path(notes, _among(notes, salience(notes, sung=False)) + GOES_ON)


def over(note: Note) -> int:
    """When a note makes room for the next of its line: players hold on a little."""
    return note.end - min(SLACK, note.duration // 2)


def _accompanied(notes: Sequence[Note]) -> bool:
    """Whether these are a voice and its accompaniment, put in one part.

    Where voices are written, the part was notated as one instrument's, whose voices may well share a note.
    """
    struck = Counter((n.onset, n.pitch) for n in notes)
    doubled = len(notes) - len(struck)
    return doubled > DOUBLED * len(notes) and not _voices_written(notes) and two_hands(notes)


def _right_hand(notes: Sequence[Note]) -> list[Note]:
    """The notes of the right hand, to which a written voice belongs as a whole."""
    lefts = left_hand(notes)
    if _voices_written(notes):
        of_voice: dict[int, list[bool]] = {}
        for n, left in zip(notes, lefts, strict=True):
            of_voice.setdefault(n.voice, []).append(left)
        lefts = [2 * sum(of_voice[n.voice]) > len(of_voice[n.voice]) for n in notes]
    return [n for n, left in zip(notes, lefts, strict=True) if not left]


def _voices_written(notes: Sequence[Note]) -> bool:
    return any(n.voice != notes[0].voice for n in notes)


def _among(notes: Sequence[Note], odds: Floats) -> Floats:
    """The log of each note's share of the odds of those that begin with it or sound above it."""
    shares, place = np.zeros(len(notes)), 0
    ends, held = np.zeros(128, np.int64), np.full(128, -np.inf)  # of the last note to end, by pitch
    for onset, group in groupby(notes, key=lambda n: n.onset):
        new = list(group)
        here = slice(place, place + len(new))
        above = np.logaddexp.accumulate(np.where(ends > onset, held, -np.inf)[::-1])[::-1]
        together = np.logaddexp.reduce(odds[here])
        shares[here] = odds[here] - np.logaddexp(together, above[[n.pitch for n in new]])
        for n, value in zip(new, odds[here].tolist(), strict=True):
            if over(n) > ends[n.pitch]:
                ends[n.pitch], held[n.pitch] = over(n), value
        place += len(new)
    return shares


def _path(notes: Sequence[Note], gains: Floats) -> list[Note]:
    """The notes, none overlapping, whose gains less the leaps and rests between them come to most.

    For every pitch the best path that is over by now and ended on it is kept, its value counted as if there were no
    rest but from tick 0 to its end, so that 128 comparisons a note are enough.
    """
    values, before = np.zeros(len(notes)), [-1] * len(notes)
    best, holder = np.full(128, -np.inf), [-1] * 128
    open_ends: list[tuple[int, int]] = []  # (end, note)
    for place, n in enumerate(notes):
        while open_ends and open_ends[0][0] <= n.onset:
            end, other = heappop(open_ends)
            value, pitch = values[other] + REST * end / TPQ, notes[other].pitch
            if value > best[pitch]:
                best[pitch], holder[pitch] = value, other
        ways = best - _LEAPS[n.pitch]
        last = int(ways.argmax())
        gained = ways[last] - REST * n.onset / TPQ
        if gained > 0:
            before[place] = holder[last]
        values[place] = gains[place] + max(gained, 0.0)
        heappush(open_ends, (over(n), place))
    line, place = [], int(values.argmax())
    while place >= 0:
        line.append(notes[place])
        place = before[place]
    return line[::-1]
