"""Do wishes see what is to come? Bars written anew, and melodies harmonised, with particles and left to right.

    python bench/futures.py FOLDER [--songs 10] [--chorales 10] [--particles 64] [--seeds 3] [--work WORK]

Rewriting: bars 5 and 6 of songs of Nottingham, which the base has not seen, are written anew. Measured are the bits of
the two bars after them, which are kept, given what was written. Harmonising: melodies of the same songs get chord
symbols; measured are the bits of the melody given the chords. Left to right means one particle: every choice is made
without a look ahead. Voices: sopranos of chorales of the test split get three voices; faults are counted for 100
beats, beside those of Bach: fifths and octaves in parallel between any two voices, crossings, and notes out of range.
And the true voices of these chorales: nats per cell of the sixteenth grid of the lower three, as the
base finds them. What was measured is kept in WORK; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean

import numpy as np
from chorales import CHOIR, separated, voice
from data import collections_of
from few_songs import songs_of
from measure import Line, lines_of, machine, measured, now, table

from tunesmith import checkpoint, scheme, ways
from tunesmith.models import score as log_probabilities
from tunesmith.request import OFF, Request
from tunesmith.scheme import Cursor
from tunesmith.scheme import vocabulary as v
from tunesmith.score import TPQ, Key, Meter, Part, Score, Tempo

BARS = (5, 6)
AFTER = 2  # bars
RANGES = ((60, 81), (53, 74), (48, 69), (40, 64))  # soprano to bass, as choirs sing
Task = tuple[str, Score, int, int]


def placed(score: Score) -> Iterator[tuple[int, int]]:
    """For every event of a score its voice, chord voice 0 or not, and its tick."""
    cursor = Cursor()
    for symbol, duration in scheme.encode(score):
        yield cursor.voice, cursor.now
        cursor.advance(symbol, duration)


def bits(score: Score, counts: Sequence[bool]) -> float:
    """The bits of some of the events of a score, by the base."""
    log_p = log_probabilities(checkpoint.load(checkpoint.BASE).model, scheme.as_song(scheme.encode(score)))
    return float(-log_p[np.array(counts)].sum() / np.log(2))


def after_gap(score: Score) -> float:
    """Bits of the bars after those that were written anew."""
    start = next(bar.end for bar in score.bars() if bar.number == BARS[1])
    end = next(bar.end for bar in score.bars() if bar.number == BARS[1] + AFTER)
    return bits(score, [start <= tick < end for _, tick in placed(score)])


def melody_bits(score: Score) -> float:
    """Bits of the melody of a lead sheet, given its chords."""
    events = scheme.encode(score)
    body = [symbol < v.CHORD.end for symbol, _ in events]
    return bits(score, [inside and number == 1 for inside, (number, _) in zip(body, placed(score), strict=True)])


def sounding(score: Score, number: int, tick: int) -> int:
    """The pitch of a part at a tick, -1 = none."""
    notes = (n for n in score.parts[number].notes if n.onset <= tick < n.end)
    return max((n.pitch for n in notes), default=-1)


def faults(score: Score) -> dict[str, float]:
    """Faults for 100 beats."""
    ticks = sorted({n.onset for n in score.notes()})
    chords = [[sounding(score, part, tick) for part in range(4)] for tick in ticks]
    found = {"parallel fifths": 0, "parallel octaves": 0, "crossings": 0, "out of range": 0}
    for now_, then in pairwise(chords):
        for a, b in combinations(range(4), 2):
            moved = now_[a] != then[a] and now_[b] != then[b] and min(*now_, *then) >= 0
            same = (now_[a] - now_[b]) % 12 == (then[a] - then[b]) % 12
            up = (then[a] - now_[a]) * (then[b] - now_[b]) > 0
            if moved and same and up:
                found["parallel fifths"] += (now_[a] - now_[b]) % 12 == 7
                found["parallel octaves"] += (now_[a] - now_[b]) % 12 == 0
    for chord in chords:
        found["crossings"] += sum(0 <= a < b for a, b in pairwise(chord))
    for part, (low, high) in zip(score.parts, RANGES, strict=True):
        found["out of range"] += sum(not low <= n.pitch <= high for n in part.notes)
    beats = max(n.end for n in score.notes()) / TPQ
    return {name: 100 * count / beats for name, count in found.items()}


def true_voices(score: Score) -> float:
    """Nats per cell of the sixteenth grid of the lower three voices, given what is sung before by all."""
    body = [symbol < v.CHORD.end for symbol, _ in scheme.encode(score)]
    lower = [inside and number > 0 for inside, (number, _) in zip(body, placed(score), strict=True)]
    cells = 3 * max(n.end for n in score.notes()) // (TPQ // 4)
    return bits(score, lower) * float(np.log(2)) / cells


def one(task: Task) -> Line:
    """One song, one seed: the figures with particles and left to right."""
    kind, score, seed, particles = task
    learned, started = checkpoint.load(checkpoint.BASE), now()
    found: dict[str, object] = {}
    for name, number in (("particles", particles), ("left to right", 1)):
        request = Request(seed=seed, particles=number, max_copy=OFF)
        if kind == "rewrite":
            made = next(ways.written(learned, ways.rewrite(learned, score, BARS, request), request, [0]))
            found[name] = after_gap(made)
        elif kind == "chords":
            made = next(ways.written(learned, ways.harmonise(learned, score, "chords", request), request, [0]))
            found[name] = melody_bits(made)
        else:
            melody = score.replace(parts=score.parts[:1])
            made = next(ways.written(learned, ways.harmonise(learned, melody, "voices", request), request, [0]))
            found[name] = faults(made)
    if kind == "voices":
        found["Bach"], found["nats"] = faults(score), true_voices(score)
    told = {"kind": kind, "title": score.title, "seed": seed, "particles": particles, "base": learned.digest[:16]}
    return told | {"found": found, "seconds": round(now() - started, 1)}


def shown(line: Line) -> str:
    """A line of progress."""
    return f"{line['kind']} {line['title']} {line['seed']}: {line['found']} ({line['seconds']:.0f} s)"


def songs(folder: Path, count: int) -> list[Score]:
    """Songs of 16 bars or more, of one voice, without pickups that make bars hard to compare."""
    files = next(c for c in collections_of(folder) if c.name == "nottingham").songs
    found = []
    for path in files:
        for score in songs_of((path,)):
            bars = sum(bar.number > 0 for bar in score.bars())
            if (
                len(score.parts) == 1
                and bars >= 16
                and len({n.voice for n in score.notes()}) == 1
                and not score.repeats
            ):
                found.append(score.replace(chords=()))
    return [found[i] for i in np.random.default_rng(0).permutation(len(found))[:count].tolist()]


def chorales(folder: Path, count: int) -> list[Score]:
    """Chorales of the test split, as scores in C, since the file tells no key."""
    path = next(folder.rglob("Jsb16thSeparated.json"))
    found = []
    for number, row in enumerate(json.loads(path.read_text("utf-8"))["test"][:count]):
        grid = separated(row)
        parts = tuple(Part(voice(column, TPQ // 4), program=CHOIR) for column in zip(*grid, strict=True))
        told = {"meters": (Meter(0, 4, 4),), "tempos": (Tempo(0, 84.0),), "title": f"chorale {number}"}
        score = Score(parts, keys=(Key(),), **told)
        found.append(score.replace(keys=()))
    from tunesmith.prepare import find_key

    return [score.replace(keys=(find_key(score),)) for score in found]


def rows(found: Sequence[Line]) -> Iterator[list[str]]:
    """The table of what is bought by looking ahead: for each kind, over the seeds."""
    for kind, what in (
        ("rewrite", "bits of the two bars after new ones"),
        ("chords", "bits of the melody under chords"),
    ):
        lines = [line for line in found if line["kind"] == kind]
        titles = sorted({line["title"] for line in lines})
        pairs = [
            [
                mean(line["found"][name] for line in lines if line["title"] == title)
                for name in ("particles", "left to right")
            ]
            for title in titles
        ]
        better = sum(a < b for a, b in pairs)
        if pairs:
            yield [
                what,
                f"{mean(a for a, _ in pairs):.1f}",
                f"{mean(b for _, b in pairs):.1f}",
                f"{better} of {len(pairs)}",
            ]


def main() -> None:
    """Measure what is not measured yet, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--songs", type=int, default=10)
    options.add_argument("--chorales", type=int, default=10)
    options.add_argument("--particles", type=int, default=64)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--work", type=Path, default=Path("out/futures.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    base = checkpoint.load(checkpoint.BASE).digest[:16]

    def mine(line: Line) -> bool:
        return (line["base"], line["particles"]) == (base, given.particles) and line["seed"] < given.seeds

    done = {(line["kind"], line["title"], line["seed"]) for line in lines_of(given.work) if mine(line)}
    tunes, hymns = songs(given.folder, given.songs), chorales(given.folder, given.chorales)
    asked = [(kind, tune, seed) for seed in range(given.seeds) for kind in ("rewrite", "chords") for tune in tunes]
    asked += [("voices", hymn, 0) for hymn in hymns]
    tasks: list[Task] = [
        (kind, score, seed, given.particles) for kind, score, seed in asked if (kind, score.title, seed) not in done
    ]
    found = [line for line in measured(given.work, tasks, one, given.jobs, shown) if mine(line)]
    print("## Futures: what is to come, when bars are written and melodies harmonised\n")
    print(f"{machine()}; {given.particles} particles, means over {given.seeds} seeds\n")
    print(table(["", f"{given.particles} particles", "left to right", "better with particles"], list(rows(found))))
    lines = [line["found"] for line in found if line["kind"] == "voices"]
    if lines:
        nats = mean(line["nats"] for line in lines)
        print(f"\n{len(lines)} chorales; the true lower voices: {nats:.3f} nats per cell. Faults for 100 beats:\n")
        names = list(lines[0]["Bach"])
        kinds = ("particles", "left to right", "Bach")
        print(table(["", *names], [[k, *(f"{mean(line[k][n] for line in lines):.1f}" for n in names)] for k in kinds]))


if __name__ == "__main__":
    main()
