"""B2: four voices, on the JSB chorales, learned from the 229 training chorales alone.

    python bench/chorales.py FOLDER [--epochs 60] [--seeds 0] [--grids sixteenth,quarter] [--work WORK]

Nats per cell of the sixteenth grid of separated voices: the joint cost of everything needed to rebuild the grid (every
event: header, notes, lengths, rests, the end), divided by the number of cells, frames x 4 voices. Held and repeated
notes cannot be told apart there, so equal cells of a voice in a row are one note first. And nats per frame of the
quarter grid of pitch sets: the same with the notes of a frame given to voices from the top, which is a bound, since
which voice sings what is paid for too. The key is not told; the meter is 4/4 for all, from the first frame on.
The epoch is chosen, and the parts of the mixture are weighed, on the validation chorales; the weights for each half of
them are those of the other half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev

from measure import machine, outcome_of, table

from tunesmith import scheme
from tunesmith.models import Model, Song, score
from tunesmith.models.mixture import Mixture
from tunesmith.models.ngram import Ngram
from tunesmith.recipes import COUNTING
from tunesmith.score import TPQ, Key, Meter, Note, Part, Score, Tempo
from tunesmith.train import Epoch, Plan, train

VOICES, CHOIR = 4, 52
SETTINGS = {"hidden": 256, "layers": 2, "dropout": 0.5, "input_dropout": 0.1}
ROWS = (
    ("published: Coconet, chronological", "0.436", "", ""),
    ("published: Transformer", "0.417", "", ""),
    ("published: relative Transformer", "0.335", "", ""),
    ("published: TonicNet, about", "", "0.396", ""),
    ("hold or unigram", "0.860", "0.915", ""),
    ("published: RNN-NADE, quarter grid", "", "", "5.56"),
)


def voice(cells: Sequence[int], step: int) -> tuple[Note, ...]:
    """The notes of a voice: equal cells in a row are one note; below 0 is a rest."""
    notes, start = [], 0
    for pitch, run in groupby(cells):
        length = len(list(run))
        if pitch >= 0:
            notes.append(Note(start * step, length * step, pitch))
        start += length
    return tuple(notes)


def song_of(grid: Sequence[Sequence[int]], step: int) -> Song:
    """A grid (frames, voices) as arrays that tell no key. Voices without a note are left out."""
    parts = [Part(voice(column, step), program=CHOIR) for column in zip(*grid, strict=True)]
    told = {"meters": (Meter(0, 4, 4),), "keys": (Key(),), "tempos": (Tempo(0, 84.0),)}
    song = scheme.as_song(scheme.encode(Score(tuple(part for part in parts if part.notes), **told)))
    return replace(song, frames=scheme.untold(song.frames, key=True))


def separated(row: Sequence[Sequence[float]]) -> list[list[int]]:
    """A chorale of the sixteenth grid."""
    return [[int(pitch) for pitch in frame] for frame in row]


def from_the_top(row: Sequence[Sequence[float]]) -> list[list[int]]:
    """A chorale of the quarter grid, its notes given to voices from the top."""
    return [[*(int(p) for p in sorted(frame, reverse=True)), *[-1] * VOICES][:VOICES] for frame in row]


def nats(model: Model, songs: Sequence[Song]) -> float:
    """The cost of all events of some songs."""
    return -sum(float(score(model, song).sum()) for song in songs)


def tell(epoch: Epoch) -> None:
    """Progress."""
    print(f"{epoch.number}: {epoch.training:.3f} {epoch.held_out:.3f} bits a note", file=sys.stderr, flush=True)


def learned(
    kept: Sequence[Song], valid: Sequence[Song], test: Sequence[Song], plan: Plan, folder: Path
) -> dict[str, tuple[float, float]]:
    """Nats on valid and test of the network and of the mixture."""
    from tunesmith.models.rnn import Rnn

    spec, songs = scheme.spec(), [*kept, *valid]
    held = range(len(kept), len(songs))
    mark = hashlib.sha256(b"".join(song.symbols.tobytes() + song.frames.tobytes() for song in songs)).hexdigest()
    outcome = outcome_of(train(songs, range(len(kept)), held, spec, plan, folder, mark=mark), tell)
    network = Rnn.load(spec, plan.settings, outcome.tensors)
    mixture = Mixture(spec, ("rnn", "ngram"), [network, Ngram(spec, COUNTING).fit(kept)])
    halves = valid[::2], valid[1::2]
    crossed = nats(mixture.fitted(halves[1]), halves[0]) + nats(mixture.fitted(halves[0]), halves[1])
    return {
        "network": (nats(network, valid), nats(network, test)),
        "mixture": (crossed, nats(mixture.fitted(valid), test)),
    }


def main() -> None:
    """Learn from both grids and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--seeds", default="0")
    options.add_argument("--grids", default="sixteenth,quarter")
    options.add_argument("--work", type=Path, default=Path("out/chorales"))
    given = options.parse_args()
    folder = next(path for path in given.folder.rglob("Jsb16thSeparated.json")).parent
    grids = {
        "sixteenth": ("Jsb16thSeparated.json", separated, TPQ // 4),
        "quarter": ("jsb-chorales-quarter.json", from_the_top, TPQ),
    }
    found: dict[tuple[str, str, str], list[float]] = {}
    for grid in given.grids.split(","):
        name, read, step = grids[grid]
        told = json.loads((folder / name).read_text("utf-8"))
        songs = {split: [song_of(read(row), step) for row in told[split]] for split in ("train", "valid", "test")}
        frames = {split: sum(len(row) for row in told[split]) for split in songs}
        for seed in map(int, given.seeds.split(",")):
            place = given.work / f"{grid}-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            plan = Plan(SETTINGS, given.epochs, 8, 4e-3, patience=given.epochs, tell=0.0, refit=False, seed=seed)
            for model, costs in learned(songs["train"], songs["valid"], songs["test"], plan, place).items():
                for split, cost in zip(("valid", "test"), costs, strict=True):
                    cells = frames[split] * (VOICES if grid == "sixteenth" else 1)
                    found.setdefault((grid, model, split), []).append(cost / cells)
    print(f"## Chorales: four voices\n\n{machine()}\n")
    rows = [list(row) for row in ROWS]
    for model in ("network", "mixture"):
        cells = [found.get(key, []) for key in ((g, model, s) for g in ("sixteenth",) for s in ("valid", "test"))]
        cells.append(found.get(("quarter", model, "test"), []))
        rows.append([f"ours: {model}", *(shown(values) for values in cells)])
    print(table(["model", "nats per cell, valid", "nats per cell, test", "quarter grid, nats per frame, test"], rows))


def shown(values: Sequence[float]) -> str:
    """Mean and spread."""
    if not values:
        return ""
    return f"{mean(values):.3f}" + (f" (spread {stdev(values):.3f})" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
