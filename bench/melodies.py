"""B1: the pitch of the next note, on the eight melody sets of Pearce (2005), by 10-fold cross-validation.

    python bench/melodies.py FOLDER [--sets nova,kinder] [--seeds 0,1,2] [--folds 10] [--work WORK]

Bits per note of the pitch of every note of every song, the first included, over the pitches of the whole set. The
files name no key and no meter, and none is told: what `prepare` would find, it would find by looking at the whole song.
The historical recipe is slow, and is measured on the first fold alone. What was measured is kept in WORK; the same
command goes on from there. Two folds are learned at once, a thread each. The settings of what learns from scratch, and
the rate of what is tuned, were chosen on the first folds of elsass, jugoslav and schweiz (`ablation.py`), of elsass and
of bach_chorales: what these folds say is a little kind.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from data import collections_of
from measure import Line, lines_of, machine, measured, now, outcome_of, table

from tunesmith import checkpoint, formats, scheme
from tunesmith.evaluation import pitch_bits, pitches_of
from tunesmith.models import Model, Song, Tensors
from tunesmith.models.mixture import HEADS, Mixture
from tunesmith.models.mixture import start as gates_of
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.spec import Spec
from tunesmith.models.uniform import Uniform
from tunesmith.plans import SEED_SETTINGS, TUNING, TUNING_RATES, network_of
from tunesmith.prepare import prepare
from tunesmith.scheme.viewpoints import RECALLED
from tunesmith.score import Key, Meter, Score, Tempo
from tunesmith.train import Plan, train

FOLDS = 10
# what Pearce (2005) printed: table 6.6 (long-term model alone) and 7.3 (long-term+ and short-term model)
PUBLISHED = {
    "bach_chorales": (2.444, 2.347),
    "elsass": (3.115, 2.540),
    "jugoslav": (2.721, 2.588),
    "kinder": (2.428, 2.106),
    "nova": (2.861, 2.468),
    "oesterrh": (3.340, 2.651),
    "schweiz": (3.010, 2.454),
    "shanxi": (3.105, 2.681),
}
FEATURES = frozenset(
    {
        "previous symbol",
        "previous duration",
        "last pitch",
        "last interval",
        "from first",
        "last length",
        "resting",
        *(f"{recalled} {what}" for recalled in RECALLED for what in ("interval", "length", "steps")),
    }
)
NETWORK = {"hidden": 128, "dropout": 0.5, "input_dropout": 0.1}
PLAN = Plan(NETWORK, epochs=40, batch=8, rate=4e-3, patience=10, tell=0.0)
VIEWS, ORDER = ("", "interval"), 5  # what n-grams count from: nothing, since no key is told, or the note before
SHARES, SHARES_TUNED = (1 / 3, 1 / 3, 1 / 3), (0.7, 0.15, 0.15)  # of networks and n-grams, before any song says better
SHARES_BOTH = (0.45, 0.35, 0.1, 0.1)
TUNED = Plan({}, epochs=12, batch=8, rate=TUNING_RATES[1], patience=4, tell=0.0)
SEED = Plan(SEED_SETTINGS, epochs=40, batch=8, rate=4e-3, patience=10, tell=0.0, transpose=0, weight_decay=0.0)


def plain(score: Score) -> Score:
    """A melody without what was found by looking at the whole of it."""
    told = {"meters": (Meter(0, 4, 4),), "keys": (Key(),), "tempos": (Tempo(0, 108.0),)}
    return score.replace(pickup=0, chords=(), repeats=(), jumps=(), **told)


@lru_cache(maxsize=2)
def songs_of(folder: Path) -> list[Song]:
    """The melodies of a set, as arrays that say nothing of key and meter."""
    found = []
    for path in sorted(folder.glob("*.mid")):
        for score in formats.read(path):
            if isinstance(score, Score):
                song = scheme.as_song(scheme.encode(plain(prepare(score))))
                found.append(replace(song, frames=scheme.untold(song.frames, key=True, meter=True)))
    return found


def folds_of(count: int, seed: int) -> list[set[int]]:
    """The songs held out in each fold."""
    order = np.random.default_rng(seed).permutation(count)
    return [set(order[fold::FOLDS].tolist()) for fold in range(FOLDS)]


def held_of(songs: Sequence[Song], seed: int = 0) -> list[int]:
    """The tenth of the songs known that decides when to stop, and what to trust."""
    found: list[int] = np.random.default_rng(seed).permutation(len(songs))[: max(2, len(songs) // 10)].tolist()
    return found


def trained(
    songs: Sequence[Song], held: Sequence[int], spec: Spec, plan: Plan, start: Tensors | None = None
) -> tuple[Model, Model]:
    """A network that learned from all songs, and one that did not see those held out."""
    from tunesmith.models.rnn import Rnn

    kept = [i for i in range(len(songs)) if i not in held]
    with tempfile.TemporaryDirectory() as folder:
        outcome = outcome_of(train(songs, kept, held, spec, plan, Path(folder), start=start))
    return tuple(Rnn.load(spec, plan.settings, tensors) for tensors in (outcome.tensors, outcome.measured))


def models_of(songs: Sequence[Song], asked: Sequence[str], seed: int) -> Iterator[tuple[str, Model]]:
    """Models that learned from these songs, by name. A tenth is held out to decide when to stop and what to trust."""
    whole, few = scheme.spec(), scheme.spec(FEATURES)
    held = held_of(songs, seed)
    kept = [song for i, song in enumerate(songs) if i not in held]

    def mixture(final: Sequence[Model], unseen: Sequence[Model], shares: Sequence[float], adaptive: bool) -> Model:
        """Networks and n-grams, weighed on the songs held out by their counterparts that did not see those."""
        spec, names = final[0].spec, ("rnn",) * len(final) + ("ngram",) * len(VIEWS)
        gates = {head: gates_of(shares) for head in HEADS}
        counting = [Counting(order=ORDER, adaptive=adaptive, reference=view) for view in VIEWS]
        some, every = ([Ngram(spec, c).fit(known) for c in counting] for known in (kept, songs))
        fitted = Mixture(spec, names, (*unseen, *some), gates).fitted(songs[i] for i in held)
        return Mixture(spec, names, (*final, *every), fitted.gates)

    yield "uniform", Uniform(whole)
    yield "n-gram, frozen", Ngram(whole, Counting(adaptive=False)).fit(songs)
    yield "n-gram, adaptive", Ngram(whole, Counting()).fit(songs)
    if "seed" in asked:
        spec = scheme.spec(frozenset({"previous symbol", "previous duration"}))
        yield "seed preset (first fold)", trained(songs, held, spec, replace(SEED, seed=seed))[0]
    scratch: tuple[Model, Model] | None = None
    if "network" in asked:
        scratch = final, unseen = trained(songs, held, few, replace(PLAN, seed=seed))
        yield "from scratch: network, frozen", final
        yield "from scratch: network and n-grams, frozen", mixture([final], [unseen], SHARES, adaptive=False)
        yield "from scratch: network and n-grams, adaptive", mixture([final], [unseen], SHARES, adaptive=True)
    if "base" in asked:
        base = network_of(checkpoint.load(checkpoint.BASE))
        yield "base untouched", base
        plan = replace(TUNED, settings=base.settings() | TUNING, seed=seed)
        final, unseen = trained(songs, held, base.spec, plan, base.tensors())
        yield "from the base: network, frozen", final
        yield "from the base: network and n-grams, adaptive", mixture([final], [unseen], SHARES_TUNED, adaptive=True)
        if scratch:
            both = mixture([final, scratch[0]], [unseen, scratch[1]], SHARES_BOTH, adaptive=True)
            yield "from the base: with the network from scratch and n-grams, adaptive", both


Task = tuple[Path, int, int, tuple[str, ...], str]


def settings_now() -> str:
    """What makes one measurement another: the settings, and the base."""
    base = checkpoint.load(checkpoint.BASE).digest
    told = map(repr, (PLAN, TUNED, SEED, SHARES, SHARES_TUNED, SHARES_BOTH, VIEWS, ORDER, base))
    return hashlib.sha256("; ".join(told).encode()).hexdigest()[:16]


def one_fold(task: Task) -> Line:
    """One fold: the bits of each model, and the number of notes."""
    folder, seed, fold, asked, kind = task
    songs, started = songs_of(folder), now()
    alphabet, out = pitches_of(songs), folds_of(len(songs), seed)[fold]
    known = [song for i, song in enumerate(songs) if i not in out]
    bits = {
        name: sum(float(pitch_bits(model, songs[i], alphabet).sum()) for i in sorted(out))
        for name, model in models_of(known, asked, seed)
    }
    notes = sum(int((songs[i].symbols < 128).sum()) for i in out)
    about = {
        "kind": kind,
        "asked": asked,
        "set": folder.name,
        "seed": seed,
        "fold": fold,
        "notes": notes,
        "alphabet": len(alphabet),
    }
    return about | {"bits": bits, "seconds": round(now() - started, 1)}


def rows(found: Sequence[Line]) -> list[list[str]]:
    """The table: a row for each model, a column for each set, mean over the seeds, and the spread of the mean."""
    sets = sorted(PUBLISHED)
    lines = [
        ["published n-gram, frozen", *(f"{PUBLISHED[s][0]:.3f}" for s in sets), "2.878", ""],
        ["published n-gram, adaptive", *(f"{PUBLISHED[s][1]:.3f}" for s in sets), "2.479", ""],
    ]
    names = list(dict.fromkeys(name for line in found for name in line["bits"]))
    seeds = sorted({line["seed"] for line in found})
    for name in names:
        cells, by_seed = [], {seed: [] for seed in seeds}
        for each in sets:
            per_seed = []
            for seed in seeds:
                mine = [f for f in found if f["set"] == each and f["seed"] == seed and name in f["bits"]]
                if mine:
                    per_seed.append(sum(f["bits"][name] for f in mine) / sum(f["notes"] for f in mine))
                    by_seed[seed].append(per_seed[-1])
            cells.append(f"{mean(per_seed):.3f}" if per_seed else "")
        means = [mean(values) for values in by_seed.values() if len(values) == len(sets)]
        spread = f"{stdev(means):.3f}" if len(means) > 1 else ""
        lines.append([name, *cells, f"{mean(means):.3f}" if means else "", spread])
    return lines


def shown(line: Line) -> str:
    """A fold in a line."""
    bits = ", ".join(f"{name} {bits / line['notes']:.3f}" for name, bits in line["bits"].items())
    return f"{line['set']} {line['seed']}.{line['fold']}: {bits} ({line['seconds']:.0f} s)"


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--sets", default=",".join(sorted(PUBLISHED)))
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--folds", type=int, default=FOLDS)
    options.add_argument("--models", default="seed,network,base")
    options.add_argument("--work", type=Path, default=Path("out/melodies.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    root = next(c for c in collections_of(given.folder) if c.name == "pearce-eight")
    folders = {path.parent.name: path.parent for path in root.songs}
    asked = tuple(given.models.split(","))
    kind = settings_now()
    done: dict[tuple[str, int, int], set[str]] = {}
    for line in lines_of(given.work):
        if line.get("kind") == kind:
            done.setdefault((line["set"], line["seed"], line["fold"]), set()).update(line["asked"])
    tasks: list[Task] = []
    for seed in map(int, given.seeds.split(",")):
        for fold in range(given.folds):
            for each in given.sets.split(","):
                known = done.get((each, seed, fold), set())
                missing = tuple(name for name in asked if name not in known and (name != "seed" or not fold))
                if missing:
                    tasks.append((folders[each], seed, fold, missing, kind))
    found = [line for line in measured(given.work, tasks, one_fold, given.jobs, shown) if line.get("kind") == kind]
    folds = sorted({(line["seed"], line["fold"]) for line in found})
    print("## Melodies: the pitch of the next note\n")
    print(f"{machine()}; {len(folds)} of {3 * FOLDS} folds and seeds; bits per note, spread over seeds of folds\n")
    print(table(["model", *sorted(PUBLISHED), "mean", "spread"], rows(found)))


if __name__ == "__main__":
    main()
