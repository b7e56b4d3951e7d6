"""What the base model learns from: pieces and single lines, drawn class by class from an imported data folder.

    python tools/base_material.py CORPUS MATERIAL [--apart OTHER_CORPUS]...

CORPUS is what `tunesmith import DATA -o CORPUS` made. Of each class the collections (the folders of DATA) are drawn
from in turn, so that the largest does not drown the others. Long pieces give windows of some bars; the melody of a
piece is also a piece of its own, and so are some of its other voices. With `--apart`, songs of which more than a fifth
of the steps also stand in another corpus are left out, so that the base model can be measured on that. MATERIAL becomes
a folder of arrays:
`events.npy` (N, 2), `frames.npy` (N, columns), `pieces.npy`, one row a piece; and `works.json`, the fingerprint of each
song that gave one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import scheme
from tunesmith.corpus import KEPT, Corpus
from tunesmith.errors import TunesmithError
from tunesmith.prepare.melody import only
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Part, Score

# class -> events wanted. Most of the notes there are stand in large works: it is by class that they are drawn.
WANTED = {
    "melody": 1_200_000,
    "lead sheet": 400_000,
    "voices": 700_000,
    "keyboard": 700_000,
    "song": 1_200_000,
    "ensemble": 300_000,
}
CLASSES = tuple(WANTED)
WINDOW = 1_200  # events, about, of a window of a long piece
MOST_WINDOWS = 3  # of a piece
LINES = 0.15  # the chance of a voice that is not the melody to be a piece of its own
LEAST_NOTES = 16
RUN = 12  # steps that make a piece known again
SHARE = 0.2  # of its runs, when they stand in the other corpus
PIECE = np.dtype([("kind", "i1"), ("start", "i8"), ("length", "i4"), ("song", "i4"), ("whole", "?")])
Runs = NDArray[np.uint64]


@dataclass(frozen=True)
class Piece:
    """A piece to learn from. `whole`: it ends where the song ends."""

    kind: int
    events: list[tuple[int, int]]
    whole: bool


def score_of(corpus: Corpus, number: int) -> Score:
    """A song of the corpus."""
    song = corpus[number]
    return scheme.decode([(int(s), int(d)) for s, d in zip(song.symbols, song.durations, strict=True)])


def runs_of(pitches: Sequence[int]) -> Runs:
    """A hash for every `RUN` steps of a line."""
    steps = np.diff(np.array(pitches, np.int64)) + 128
    if len(steps) < RUN:
        return np.empty(0, np.uint64)
    factors = np.uint64(1_000_003) ** np.arange(RUN, dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(steps.astype(np.uint64), RUN)
    return (windows * factors).sum(1, dtype=np.uint64)


def lines_of(score: Score) -> Iterator[tuple[Part, list[int]]]:
    """Each voice as a part of its own, with its pitches, the top of its chords alone."""
    for part in score.parts:
        for voice in sorted({n.voice for n in part.notes}):
            top = {n.onset: n for n in sorted(part.notes, key=lambda n: n.pitch) if n.voice == voice}
            notes = tuple(n for _, n in sorted(top.items()))
            yield Part(notes, program=part.program), [n.pitch for n in notes]


def known_runs(corpora: Sequence[Corpus]) -> Runs:
    """All runs of some corpora, sorted."""
    found = [
        runs_of(pitches)
        for corpus in corpora
        for number in range(len(corpus))
        for _, pitches in lines_of(score_of(corpus, number))
    ]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def is_known(score: Score, known: Runs) -> bool:
    """Whether much of a song stands in the other corpus."""
    for _, pitches in lines_of(score):
        runs = runs_of(pitches)
        if len(runs) >= 4 and np.isin(runs, known).mean() > SHARE:
            return True
    return False


def windows_of(score: Score, events: int, random: np.random.Generator) -> Iterator[tuple[Score, bool]]:
    """The piece, or of a long one some windows, each with whether it goes to the end."""
    if events <= 1.5 * WINDOW:
        yield score, True
        return
    bars = list(score.bars())
    size = max(4, round(len(bars) * WINDOW / events))
    starts = random.choice(max(1, len(bars) - size + 1), min(MOST_WINDOWS, len(bars) // size), replace=False)
    for start in sorted(starts.tolist()):
        last = min(start + size, len(bars)) - 1
        yield score.slice(bars[start].start, bars[last].end), last == len(bars) - 1


def pieces_of(score: Score, events: int, random: np.random.Generator, seldom: float) -> Iterator[tuple[Score, bool]]:
    """The pieces that a song gives: itself or windows of it, and some of its lines. `seldom`: the chance of lines."""
    for window, whole in windows_of(score, events, random):
        yield window, whole
        if random.random() >= seldom:
            continue
        tune = only(window, "melody").replace(chords=())
        if len(tune.parts[0].notes) >= LEAST_NOTES and (window.chords or tune.parts != window.parts):
            yield tune, whole
        lines = [line for line, pitches in lines_of(window) if len(pitches) >= LEAST_NOTES]
        for line in lines if len(lines) > 1 else ():
            if random.random() < LINES and line.notes != tune.parts[0].notes:
                yield window.replace(parts=(line,), chords=()), whole


def encoded(score: Score, whole: bool) -> Piece | None:
    """A piece as events; None where it cannot be carried. One that is cut off has no end."""
    try:
        events = scheme.encode(score)
    except TunesmithError:
        return None
    if not whole:
        events = events[:-1]
    kind = next(symbol - v.STYLE.first for symbol, _ in events if symbol in v.STYLE)
    return Piece(kind, events, whole)


Job = tuple[Path, list[int], int, float, Runs]


def work(job: Job) -> tuple[list[tuple[int, Piece, NDArray[Any]]], int]:
    """What some songs give, with frames; and how many songs stand in the other corpus."""
    folder, numbers, seed, seldom, known = job
    corpus, found, left_out = Corpus(folder), [], 0
    for number in numbers:
        score = score_of(corpus, number)
        if len(known) and is_known(score, known):
            left_out += 1
            continue
        random = np.random.default_rng([seed, number])
        for piece, whole in pieces_of(score, len(corpus[number].symbols), random, seldom):
            made = encoded(piece, whole)
            if made is not None:
                found.append((number, made, scheme.frames(made.events)))
    return found, left_out


def in_turn(corpus: Corpus, seed: int) -> list[list[int]]:
    """For each class its songs, one of each group of near-duplicates: in random order, collection by collection."""
    random = np.random.default_rng(seed)
    paths = [Path(entry.path).parent for entry in corpus.entries() if entry.status == KEPT]
    above = len(Path(os.path.commonpath(paths)).parts)
    turns: list[dict[str, list[int]]] = [{} for _ in CLASSES]
    met: set[int] = set()
    for number in random.permutation(len(corpus)).tolist():
        kind = int(corpus[number].symbols[0]) - v.STYLE.first
        group = int(corpus.index[number]["group"])
        if group not in met:
            met.add(group)
            collection = (*paths[number].parts[above:], "")[0]
            turns[kind].setdefault(collection, []).append(number)
    return [
        [n for turn in zip_longest(*(by[name] for name in sorted(by))) for n in turn if n is not None] for by in turns
    ]


def main() -> None:
    """Draw and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("corpus", type=Path)
    options.add_argument("material", type=Path)
    options.add_argument("--apart", type=Path, action="append", default=[], help="a corpus not to learn from")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    corpus = Corpus(given.corpus)
    known = known_runs([Corpus(folder) for folder in given.apart])
    print(f"{len(corpus)} songs; {len(known)} runs to keep apart from", file=sys.stderr, flush=True)
    turns, counts, left_out = in_turn(corpus, given.seed), Counter[int](), 0
    events, frames, rows, start = [], [], [], 0
    with ProcessPoolExecutor(given.jobs) as pool:
        for kind in sorted(range(len(CLASSES)), key=lambda kind: CLASSES[kind] == "melody"):  # lines come on the way
            batches = [turns[kind][i : i + 40] for i in range(0, len(turns[kind]), 40)]
            while batches and counts[kind] < WANTED[CLASSES[kind]]:
                seldom = 1.0 if counts[0] < WANTED["melody"] else 0.0
                taken, batches = batches[: 2 * given.jobs], batches[2 * given.jobs :]
                jobs: list[Job] = [(given.corpus, numbers, given.seed, seldom, known) for numbers in taken]
                for found, others in pool.map(work, jobs):
                    left_out += others
                    for number, piece, rows_of in found:
                        events.append(np.array(piece.events, np.int16))
                        frames.append(rows_of)
                        rows.append((piece.kind, start, len(piece.events), number, piece.whole))
                        counts[piece.kind] += len(piece.events)
                        start += len(piece.events)
                told = ", ".join(f"{CLASSES[k]} {n:,}" for k, n in sorted(counts.items()))
                print(f"{told}; left out {left_out}", file=sys.stderr, flush=True)
    given.material.mkdir(parents=True, exist_ok=True)
    np.save(given.material / "events.npy", np.concatenate(events))
    np.save(given.material / "frames.npy", np.concatenate(frames))
    np.save(given.material / "pieces.npy", np.array(rows, PIECE))
    kept = [entry.fingerprint for entry in corpus.entries() if entry.status == KEPT]
    works = {number: kept[number] for number in sorted({row[3] for row in rows})}
    (given.material / "works.json").write_text(json.dumps(works))
    about = {"events": {CLASSES[k]: n for k, n in counts.items()}, "pieces": len(rows), "left out": left_out}
    (given.material / "about.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
