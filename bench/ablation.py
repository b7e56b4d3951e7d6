"""What pays: one change at a time to what `melodies.py` learns from scratch, on one fold of three of its sets.

    python bench/ablation.py FOLDER [--sets jugoslav,elsass] [--only pointer] [--work WORK]

Bits per note of the pitch, as there (B1). Each network learns from nine tenths of the songs known and is measured, as
it was at its best epoch on the last tenth, on songs that had no part in either. What was measured is kept in WORK; the
same command goes on from there.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from data import collections_of
from measure import Line, lines_of, machine, measured, now, outcome_of, table
from melodies import FEATURES, NETWORK, ORDER, PLAN, SHARES, VIEWS, folds_of, held_of, songs_of

from tunesmith import scheme
from tunesmith.evaluation import pitch_bits, pitches_of
from tunesmith.feeding import padded, part_of
from tunesmith.models import Distributions, Model, Song
from tunesmith.models.mixture import HEADS, Mixture, even
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.rnn_shape import Settings
from tunesmith.models.spec import Spec
from tunesmith.scheme.viewpoints import RECALLED
from tunesmith.train import Plan, train

SETS = ("elsass", "jugoslav", "schweiz")
Change = tuple[Spec, Plan]


def without(*words: str) -> Spec:
    """The world of `melodies.py` without the viewpoints whose names have one of these words."""
    return scheme.spec(frozenset(name for name in FEATURES if not any(word in name for word in words)))


def unanchored(spec: Spec, *names: str) -> Spec:
    """A world without these relative logits."""
    return replace(spec, anchors=tuple(anchor for anchor in spec.anchors if anchor.name not in names))


def shaped(**settings: object) -> Plan:
    """The plan with other settings of the network."""
    return replace(PLAN, settings=NETWORK | settings)


WHOLE = scheme.spec(FEATURES)
PLAN_NAME = repr((PLAN, SHARES, VIEWS, ORDER, sorted(FEATURES)))  # what all changes start from
# what is changed -> the world and the plan
CHANGES: dict[str, Change] = {
    "as it is": (WHOLE, PLAN),
    "no viewpoint of what was recalled": (without("recalled"), PLAN),
    "nor logits from it": (unanchored(without("recalled"), *RECALLED), PLAN),
    "no interval from the first note": (without("from first"), PLAN),
    "no last interval": (without("last interval"), PLAN),
    "no last pitch": (without("last pitch"), PLAN),
    "no durations": (without("duration", "length"), PLAN),
    "every viewpoint the scheme has": (scheme.spec(), PLAN),
    "no pointer": (WHOLE, shaped(pointer=False)),
    "no relative logits": (WHOLE, shaped(relative=False)),
    "no absolute logits": (WHOLE, shaped(absolute=False)),
    "hidden 64": (WHOLE, shaped(hidden=64)),
    "hidden 256": (WHOLE, shaped(hidden=256)),
    "two layers": (WHOLE, shaped(layers=2)),
    "dropout 0.3": (WHOLE, shaped(dropout=0.3)),
    "dropout 0.65": (WHOLE, shaped(dropout=0.65)),
    "dropout of inputs 0": (WHOLE, shaped(input_dropout=0.0)),
    "dropout of inputs 0.3": (WHOLE, shaped(input_dropout=0.3)),
    "no transposition": (WHOLE, replace(PLAN, transpose=0)),
    "transposition by 2": (WHOLE, replace(PLAN, transpose=2)),
    "transposition by 12": (WHOLE, replace(PLAN, transpose=12)),
    "weights averaged over 100 steps": (WHOLE, replace(PLAN, average=0.99)),
    "weights averaged over 500 steps": (WHOLE, replace(PLAN, average=0.998)),
    "weight decay 0.1": (WHOLE, replace(PLAN, weight_decay=0.1)),
    "rate halved": (WHOLE, replace(PLAN, rate=PLAN.rate / 2)),
}


class Learning:
    """A network whose weights go on learning within each song: after every `STRIDE` events a step on all so far.

    Source: B. Krause, E. Kahembwe, I. Murray, S. Renals, "Dynamic Evaluation of Neural Sequence Models", 2018.
    """

    STRIDE = 8

    def __init__(self, model: Model, rate: float) -> None:
        self.model, self.rate, self.spec = model, rate, model.spec

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """As of any model."""
        from tunesmith.models.rnn_torch import Batch, Trainer

        settings = Settings.of(self.model.settings())
        trainer = Trainer(self.spec, settings, 0, tensors=self.model.tensors(), weight_decay=0.0)
        now_knowing = self.model
        for start in range(0, len(song.symbols), self.STRIDE):
            so_far = part_of(song, 0, start + self.STRIDE)
            new = slice(start, len(so_far.symbols))
            whole = list(now_knowing.distributions(so_far))
            symbols = np.concatenate([part.symbols for part in whole])[new]
            yield Distributions(new, symbols, np.concatenate([part.durations for part in whole])[new])
            trainer.step(Batch(*padded([so_far], self.spec.columns)), self.rate, seed=start)
            now_knowing = trainer.to_rnn()


def learned(songs: Sequence[Song], change: Change, seed: int = 0) -> Model:
    """The network at its best epoch; the songs it was measured on had no part in it."""
    from tunesmith.models.rnn import Rnn

    spec, plan = change
    held = held_of(songs)
    kept = [i for i in range(len(songs)) if i not in held]
    with tempfile.TemporaryDirectory() as folder:
        outcome = outcome_of(train(songs, kept, held, spec, replace(plan, refit=False, seed=seed), Path(folder)))
    return Rnn.load(spec, plan.settings, outcome.measured)


def together(songs: Sequence[Song], networks: Sequence[Model], counting: Sequence[Counting]) -> Model:
    """Networks and n-grams, weighed on the songs held out; what is of a kind shares alike."""
    held = held_of(songs)
    kept = [song for i, song in enumerate(songs) if i not in held]
    parts = [*networks, *(Ngram(WHOLE, each).fit(kept) for each in counting)]
    names = ["rnn"] * len(networks) + ["ngram"] * len(counting)
    gates = {head: even(len(parts)) for head in HEADS}
    return Mixture(WHOLE, names, parts, gates).fitted(songs[i] for i in held)


def combined(songs: Sequence[Song]) -> dict[str, Model]:
    """What is made of networks and counts, from the same two networks."""
    first, second = (learned(songs, CHANGES["as it is"], seed) for seed in range(2))

    def counts(views: Sequence[str] = VIEWS, **options: Any) -> list[Counting]:
        return [Counting(**{"order": ORDER, "reference": view} | options) for view in views]

    return {
        "with the n-grams of B1": together(songs, [first], counts()),
        "with them, of the songs alone": together(songs, [first], counts(adaptive=False)),
        "with them, up to order 3": together(songs, [first], counts(order=3)),
        "with n-grams of pitches alone": together(songs, [first], counts(VIEWS[:1])),
        "with n-grams of intervals alone": together(songs, [first], counts(VIEWS[1:])),
        "the n-grams of B1 without a network": together(songs, [], counts()),
        "two networks": together(songs, [first, second], []),
        "two networks and the n-grams of B1": together(songs, [first, second], counts()),
        "weights go on learning within the song, rate 1e-4": Learning(first, 1e-4),
        "weights go on learning within the song, rate 3e-4": Learning(first, 3e-4),
    }


Task = tuple[str, Path]
COMBINED = "combined"


def one(task: Task) -> Line:
    """One change on one set."""
    name, folder = task
    songs, started = songs_of(folder), now()
    alphabet, out = pitches_of(songs), folds_of(len(songs), 0)[0]
    known = [song for i, song in enumerate(songs) if i not in out]
    tested = [songs[i] for i in sorted(out)]
    notes = sum(int((song.symbols < 128).sum()) for song in tested)
    models = combined(known) if name == COMBINED else {name: learned(known, CHANGES[name])}
    bits = {of: sum(float(pitch_bits(m, song, alphabet).sum()) for song in tested) / notes for of, m in models.items()}
    return {"plan": PLAN_NAME, "change": name, "set": folder.name, "bits": bits, "seconds": round(now() - started, 1)}


def shown(line: Line) -> str:
    """A line of progress."""
    bits = ", ".join(f"{name} {bits:.3f}" for name, bits in line["bits"].items())
    return f"{line['set']}: {bits} ({line['seconds']:.0f} s)"


def rows(found: Sequence[Line], sets: Sequence[str]) -> list[list[str]]:
    """A row for each change that was measured on all sets: bits, their mean, and its distance from `as it is`."""
    bits = {(name, line["set"]): value for line in found for name, value in line["bits"].items()}
    names = [name for name in dict.fromkeys(n for n, _ in bits) if all((name, each) in bits for each in sets)]
    means = {name: mean(bits[name, each] for each in sets) for name in names}
    first = means.get("as it is", math.nan)
    return [
        [name, *(f"{bits[name, each]:.3f}" for each in sets), f"{means[name]:.3f}", f"{means[name] - first:+.3f}"]
        for name in names
    ]


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--sets", default=",".join(SETS))
    options.add_argument("--only", help="changes whose names have this in them, and the unchanged")
    options.add_argument("--work", type=Path, default=Path("out/ablation.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    root = next(c for c in collections_of(given.folder) if c.name == "pearce-eight")
    folders = {path.parent.name: path.parent for path in root.songs}
    sets = given.sets.split(",")
    done = {(line["change"], line["set"]) for line in lines_of(given.work) if line.get("plan") == PLAN_NAME}
    tasks: list[Task] = [
        (name, folders[each])
        for name in ("as it is", COMBINED, *list(CHANGES)[1:])
        if name == "as it is" or given.only is None or given.only in name
        for each in sets
        if (name, each) not in done
    ]
    found = [line for line in measured(given.work, tasks, one, given.jobs, shown) if line.get("plan") == PLAN_NAME]
    print("## Ablations: what pays, in predicting the pitch of the next note\n")
    print(f"{machine()}; one fold of each set, one seed; the first row is the network alone\n")
    print(table(["change", *sets, "mean", "change in bits"], rows(found, sets)))


if __name__ == "__main__":
    main()
