"""Marks of songs: equal for the same music, or for tunes that begin alike; and how much of two melodies is the same."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Score

OPENING = 16  # intervals
MAX_MELODY = 1000  # notes of a melody that are compared
GRAM = 5  # intervals in an n-gram
SKETCH = 64  # hashes of a melody


def fingerprint(score: Score) -> str:
    """A mark that is equal for scores that are the same music up to transposition.

    Of the piece as it is played it sees where which pitches begin, and the chord symbols; not how they are shared out
    among parts and voices, nor how long they are held, which for music that was played in is guesswork.
    """
    score = score.unfold()
    notes = sorted({(n.onset, n.pitch) for p in score.parts if not p.drums for n in p.notes})
    begins = notes or [(chord.onset, chord.root) for chord in score.chords] or [(0, 0)]
    start, first = begins[0]
    rows = [(onset - start, pitch - first) for onset, pitch in notes]
    rows += [(c.onset - start, 1000 + c.quality * 12 + (c.root - first) % 12) for c in score.chords]
    return hashlib.sha256(np.array(rows, "<i8").tobytes()).hexdigest()[:32]


def opening(pairs: NDArray[np.integer[Any]]) -> bytes:
    """The first intervals of a piece: equal in versions of a tune that differ in chords, rhythm, repeats or key."""
    symbols = pairs[:, 0].astype(np.int64)
    intervals = np.diff(symbols[symbols < v.PITCH.end][: OPENING + 1])
    return np.clip(intervals, -127, 127).astype(np.int8).tobytes()


def melody_of(score: Score) -> NDArray[np.int32]:
    """The melody of a score as it is written, (M, 2): pitches, and ticks from each note to the next.

    It is the first voice of the first part that has pitched notes, of chords the top note; at most `MAX_MELODY` notes.
    """
    notes = next((p.notes for p in score.parts if p.notes and not p.drums), ())
    voice = min((n.voice for n in notes), default=0)
    tops = {n.onset: n for n in notes if n.voice == voice}  # of notes in order of pitch, the last at an onset
    chosen = list(tops.values())[: MAX_MELODY + 1]
    onsets = [n.onset for n in chosen] + [n.end for n in chosen[-1:]]
    rows = [(n.pitch, later - n.onset) for n, later in zip(chosen, onsets[1:], strict=True)]
    return np.array(rows[:MAX_MELODY], np.int32).reshape(-1, 2)


def _grams(melody: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Hashes of every `GRAM` intervals in a row and the ratios of their lengths: the same in any key and tempo."""
    pitches, lengths = melody[:, 0].astype(np.int64), np.maximum(melody[:, 1], 1)
    if len(pitches) <= GRAM:
        return np.empty(0, np.uint32)
    ratios = np.round(2 * np.log2(lengths[1:] / lengths[:-1])).astype(np.int64)
    steps = np.clip(np.diff(pitches), -64, 63) * 32 + np.clip(ratios, -16, 15)
    mixed = np.zeros(len(steps) - GRAM + 1, np.uint64)
    for place in range(GRAM):
        mixed = (mixed ^ steps[place : place + len(mixed)].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(16)).astype(np.uint32)


def sketch(melody: NDArray[np.int32]) -> NDArray[np.uint32]:
    """The smallest hashes of a melody's n-grams, sorted: melodies share the more of them the more they are alike."""
    return np.unique(_grams(melody))[:SKETCH]


def likeness(first: NDArray[np.int32], second: NDArray[np.int32]) -> float:
    """How much of two melodies is the same, 0 to 1, in any key and tempo: the share of their time that agrees.

    The best alignment of one with the other, in which a note left out, put in or of another pitch counts with its
    length, and one of another length with the difference. So an ornament costs little. The alignment is that of
    M. Mongeau, D. Sankoff, "Comparison of musical sequences", Computers and the Humanities 24 (1990), without
    its splitting of notes; key and tempo are those that most of the n-grams which both have agree on.
    """
    _, a, b = np.intersect1d(_grams(first), _grams(second), return_indices=True)
    if not len(a):
        return 0.0
    shift = int(np.bincount(first[a, 0] - second[b, 0] + 128).argmax()) - 128
    ratios = np.maximum(first[a, 1], 1) / np.maximum(second[b, 1], 1)
    coarse = np.clip(np.round(4 * np.log2(ratios)), -128, 127).astype(int)
    scale = float(np.median(ratios[coarse == int(np.bincount(coarse + 128).argmax()) - 128]))
    return _aligned(first[:, 0], first[:, 1] / TPQ, second[:, 0] + shift, second[:, 1] * scale / TPQ)


def _aligned(
    pitches: NDArray[np.int32], lengths: NDArray[Any], others: NDArray[np.int32], their: NDArray[Any]
) -> float:
    """1 - the cost of the best alignment, as a share of all the time there is."""
    put_in = np.concatenate([[0.0], np.cumsum(their)])
    row = put_in.copy()
    for pitch, length in zip(pitches.tolist(), lengths.tolist(), strict=True):
        match = np.where(others == pitch, np.abs(their - length), their + length)
        best = np.empty_like(row)
        best[0] = row[0] + length
        np.minimum(row[1:] + length, row[:-1] + match, out=best[1:])
        row = np.minimum.accumulate(best - put_in) + put_in  # or notes of the other put in, one after the other
    total = float(lengths.sum()) + float(put_in[-1])
    return 1.0 - float(row[-1]) / total if total else 0.0
