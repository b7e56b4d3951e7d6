"""B3: few songs. What is learned from 3, 9 and 30 songs of a set, measured on 20 others of it.

    python bench/few_songs.py FOLDER [--sets nova,jigs] [--counts 3,9,30] [--seeds 0,1,2] [--base FILE] [--work WORK]

The sets are the eight of Pearce and the fourteen books of Nottingham. Bits per note, symbol and length together, and of
the symbols alone; the header (key, meter) is told. The files of Pearce name neither, so there they are what `prepare`
finds, for all models alike. What was measured is kept in WORK; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from data import collections_of
from measure import Line, lines_of, machine, measured, now, outcome_of, table
from melodies import SEED

from tunesmith import api, checkpoint, formats, scheme
from tunesmith.errors import TunesmithError
from tunesmith.evaluation import Bits, evaluate, total
from tunesmith.models import Model, Song
from tunesmith.models.uniform import Uniform
from tunesmith.plans import network_of
from tunesmith.prepare import prepare
from tunesmith.score import Score
from tunesmith.train import train

TESTED = 20  # songs
COLLECTIONS = ("pearce-eight", "nottingham")


def sets_of(folder: Path) -> dict[str, list[Path]]:
    """The files of each set of songs, by its name."""
    sets: dict[str, list[Path]] = {}
    for collection in collections_of(folder):
        for path in collection.songs if collection.name in COLLECTIONS else ():
            sets.setdefault(path.parent.name if path.suffix == ".mid" else path.stem, []).append(path)
    return sets


def arrays(score: Score) -> Song:
    """A prepared song as models see it."""
    return scheme.as_song(scheme.encode(score))


@lru_cache(maxsize=2)
def songs_of(files: tuple[Path, ...]) -> list[Score]:
    """The songs of a set, prepared, that the scheme can carry."""
    found = []
    for path in files:
        for song in formats.read(path):
            if isinstance(song, Score):
                try:
                    prepared = prepare(song)
                    scheme.encode(prepared)
                except TunesmithError:
                    continue
                found.append(prepared)
    return found


def seed_preset(songs: Sequence[Song], seed: int) -> Model:
    """The historical recipe on the whole vocabulary: windows of 20 events, no viewpoint but the event before."""
    from tunesmith.models.rnn import Rnn

    spec = scheme.spec(frozenset({"previous symbol", "previous duration"}))
    held = [0] if len(songs) < 6 else [0, 1]
    kept = [i for i in range(len(songs)) if i not in held]
    with tempfile.TemporaryDirectory() as folder:
        outcome = outcome_of(train(songs, kept, held, spec, replace(SEED, batch=2, seed=seed), Path(folder)))
    return Rnn.load(spec, SEED.settings, outcome.tensors)


def models_of(scores: Sequence[Score], seed: int, base: Path) -> Iterator[tuple[str, Model]]:
    """Models that learned from these songs, by name."""
    songs = [arrays(score) for score in scores]
    yield "uniform", Uniform(scheme.spec())
    yield "n-gram", api.learn(scores, model="ngram", seed=seed).model
    yield "seed preset", seed_preset(songs, seed)
    yield "from scratch", api.learn(scores, model="mixture", seed=seed, start="scratch").model
    yield "base untouched", network_of(checkpoint.load(base))
    yield "from the base", api.learn(scores, model="mixture", seed=seed, start=base).model


Task = tuple[str, tuple[Path, ...], int, int, Path, str]


def one_draw(task: Task) -> Line:
    """One draw of songs: the bits of each model on the others, and how long it learned."""
    name, files, count, seed, base, digest = task
    scores = songs_of(files)
    order = np.random.default_rng([seed, count]).permutation(len(scores)).tolist()
    known, others = order[:count], [arrays(scores[i]) for i in order[count : count + TESTED]]
    found: dict[str, list[float]] = {}
    started = now()
    for model, learned in models_of([scores[i] for i in known], seed, base):
        bits: Bits = total(evaluate(learned, others))
        found[model] = [bits.per_note, bits.symbols_per_note, round(now() - started, 1)]
        started = now()
    return {"base": digest, "set": name, "count": count, "seed": seed, "tested": len(others), "models": found}


def shown(line: Line) -> str:
    """A draw in a line."""
    bits = ", ".join(f"{name} {values[0]:.2f} ({values[2]:.0f} s)" for name, values in line["models"].items())
    return f"{line['set']} {line['count']} songs, {line['seed']}: {bits}"


def rows(found: Sequence[Line]) -> list[list[str]]:
    """The table: means over sets and seeds, the spread of the means of the seeds."""
    lines = []
    counts = sorted({line["count"] for line in found})
    for name in dict.fromkeys(name for line in found for name in line["models"]):
        cells = []
        for count in counts:
            mine = [line for line in found if line["count"] == count and name in line["models"]]
            seeds = sorted({line["seed"] for line in mine})
            means = [mean(line["models"][name][0] for line in mine if line["seed"] == seed) for seed in seeds]
            symbols = mean(line["models"][name][1] for line in mine)
            share = mean(line["models"][name][0] / line["models"]["seed preset"][0] for line in mine)
            spread = f" +- {stdev(means):.2f}" if len(means) > 1 else ""
            slowest = max(line["models"][name][2] for line in mine)
            cells += [f"{mean(means):.2f}{spread}", f"{symbols:.2f}", f"{share:.0%}", f"{slowest:.0f}"]
        lines.append([name, *cells])
    return lines


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--sets", help="names, with commas between (default: all)")
    options.add_argument("--counts", default="3,9,30")
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--base", type=Path, default=checkpoint.BASE, help="a base model file (default: that shipped)")
    options.add_argument("--work", type=Path, default=Path("out/few_songs.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    sets = sets_of(given.folder)
    base = checkpoint.load(given.base).digest[:16]
    done = {(line["set"], line["count"], line["seed"]) for line in lines_of(given.work) if line.get("base") == base}
    tasks: list[Task] = [
        (name, tuple(sets[name]), count, seed, given.base, base)
        for seed in map(int, given.seeds.split(","))
        for count in map(int, given.counts.split(","))
        for name in (given.sets.split(",") if given.sets else sorted(sets))
        if (name, count, seed) not in done
    ]
    found = [line for line in measured(given.work, tasks, one_draw, given.jobs, shown) if line.get("base") == base]
    counts = sorted({line["count"] for line in found})
    print("## Few songs\n")
    print(f"{machine()}; {len(found)} draws of {len({line['set'] for line in found})} sets, a thread each\n")
    kinds = ("bits", "symbols", "of the preset", "s at most")
    titles = [f"{count} songs: {kind}" for count in counts for kind in kinds]
    print(table(["model", *titles], rows(found)))


if __name__ == "__main__":
    main()
