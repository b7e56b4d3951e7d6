"""What the base composes beside what people composed: pitch classes, intervals, lengths and repetition, by texture.

    python bench/composed.py FOLDER [--material MATERIAL] [--pieces 100] [--seed 1] [--textures melody] [--work WORK]

MATERIAL is what `tools/base_material.py` made of the data folder's `base/` (an hour; done where it is not there); of it
only what the base never learned from is read, and of each such piece the first `BARS` bars, for so long are the pieces
composed. A piece is described by four things: its notes by
pitch class from the tonic, the intervals within its voices, the lengths of its notes, and the share of its notes at
which a voice repeats its latest `RUN` steps (interval and length). How far a piece lies from people is, for the first
three, the Jensen-Shannon divergence in bits between it and all human pieces (of a human piece: all others) and, for
repetition, the share itself. An outlier lies further than 95 of 100 human pieces; of those by chance 5% are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from measure import Line, lines_of, machine, measured, table
from numpy.typing import NDArray

import tunesmith as ts
from tunesmith import scheme
from tunesmith.score import TPQ, Score

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from base_material import CLASSES  # noqa: E402 - found by the line above
from train_base import Material  # noqa: E402 - found by the line above

BARS, RUN, LEAST_NOTES = 16, 4, 16
REACH = 13  # semitones: an octave, and further
LENGTHS = tuple(TPQ * n // 12 for n in (1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 36, 48))  # others count as the next longer
MOST_HUMAN = 200
ASPECTS = ("pitch classes", "intervals", "lengths")


@dataclass(frozen=True)
class Described:
    """A piece in figures: a histogram for each of `ASPECTS`, and the share of repeated notes."""

    histograms: tuple[NDArray[np.float64], ...]
    repetition: float
    notes: int


def lines_in(score: Score) -> list[list[tuple[int, int, int]]]:
    """(onset, pitch, length) of each voice, the top note of its chords alone."""
    voices: dict[tuple[int, int], dict[int, tuple[int, int, int]]] = {}
    for number, part in enumerate(score.parts):
        for note in sorted(part.notes, key=lambda note: note.pitch):
            voices.setdefault((number, note.voice), {})[note.onset] = (note.onset, note.pitch, note.duration)
    return [[line[onset] for onset in sorted(line)] for line in voices.values()]


def described(score: Score) -> Described | None:
    """A piece in figures; None where it has too few notes."""
    bars = [bar for bar in score.bars() if bar.number <= BARS]
    notes = [(n.onset, n.pitch, n.duration) for part in score.parts for n in part.notes if n.onset < bars[-1].end]
    if len(notes) < LEAST_NOTES:
        return None
    classes, intervals, lengths = np.zeros(12), np.zeros(2 * REACH + 1), np.zeros(len(LENGTHS))
    for onset, pitch, length in notes:
        classes[(pitch - score.key_at(onset).tonic) % 12] += 1
        lengths[min(int(np.searchsorted(LENGTHS, length)), len(LENGTHS) - 1)] += 1
    repeated = steps_in_all = 0
    for whole in lines_in(score):
        line = [note for note in whole if note[0] < bars[-1].end]
        steps = [(b[1] - a[1], b[2]) for a, b in pairwise(line)]
        for step, _ in steps:
            intervals[max(-REACH, min(REACH, step)) + REACH] += 1
        seen = Counter[tuple[tuple[int, int], ...]]()
        for end in range(RUN, len(steps) + 1):
            run = tuple(steps[end - RUN : end])
            repeated += seen[run] > 0
            steps_in_all += 1
            seen[run] += 1
    return Described((classes, intervals, lengths), repeated / max(steps_in_all, 1), len(notes))


def divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence in bits, 0 (the same) to 1, of two histograms.

    Source: J. Lin, "Divergence measures based on the Shannon entropy", 1991.
    """
    p, q = one / max(one.sum(), 1), other / max(other.sum(), 1)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        both = [np.where(x > 0, x * np.log2(x / middle), 0.0).sum() for x in (p, q)]
    return float(sum(both) / 2)


def human(material: Material, kind: int) -> list[Described]:
    """Pieces of a class that the base never learned from."""
    works = set(ts.info("base")["about"]["report"]["held_out"])
    unheard = [number for number, work in material.works.items() if work in works]
    numbers = np.flatnonzero((material.pieces["kind"] == kind) & np.isin(material.pieces["song"], unheard))
    numbers = np.random.default_rng(0).permutation(numbers)[:MOST_HUMAN]
    found = []
    for number in numbers.tolist():
        song = material.song(number)
        events = [(int(s), int(d)) for s, d in zip(song.symbols, song.durations, strict=True)]
        found.append(described(scheme.decode(events)))
    return [piece for piece in found if piece]


def compared(mine: Sequence[Described], theirs: Sequence[Described]) -> Line:
    """For each aspect: median and 95th percentile of human distances; of ours the median, share of outliers, pooled."""
    found: Line = {}
    for place, aspect in enumerate(ASPECTS):
        whole = sum((piece.histograms[place] for piece in theirs), np.zeros_like(theirs[0].histograms[place]))
        own = [divergence(piece.histograms[place], whole - piece.histograms[place]) for piece in theirs]
        ours = [divergence(piece.histograms[place], whole) for piece in mine]
        limit = float(np.quantile(own, 0.95))
        pooled = divergence(sum((p.histograms[place] for p in mine), np.zeros_like(whole)), whole)
        outliers = float(np.mean([d > limit for d in ours]))
        found[aspect] = [float(np.median(own)), limit, float(np.median(ours)), outliers, pooled]
    own, ours = [piece.repetition for piece in theirs], [piece.repetition for piece in mine]
    low, high = np.quantile(own, (0.025, 0.975))
    outliers = float(np.mean([not low <= share <= high for share in ours]))
    found["repetition"] = [float(np.median(own)), float(high), float(np.median(ours)), outliers, float(low)]
    return found


Task = tuple[Path, str, int, int]


def one(task: Task) -> Line:
    """One texture."""
    folder, texture, pieces, seed = task
    theirs = human(Material.of(folder), CLASSES.index(texture))
    composed = ts.compose("base", texture=texture, bars=BARS, seed=seed, pieces=pieces)
    mine = [piece for piece in map(described, composed) if piece]
    notes = [float(np.median([p.notes for p in group])) for group in (theirs, mine)]
    about = {"texture": texture, "human": len(theirs), "composed": len(mine), "notes": notes}
    return about | {"aspects": compared(mine, theirs)}


def shown(line: Line) -> str:
    """A texture in a line."""
    aspects = ", ".join(f"{name} {of[3]:.0%} outliers" for name, of in line["aspects"].items())
    return f"{line['texture']}: {line['human']} human pieces, {line['composed']} composed; {aspects}"


def rows(found: Sequence[Line]) -> list[list[str]]:
    """A row for each texture and aspect."""
    lines = []
    for line in found:
        for aspect, (median, limit, ours, outliers, other) in line["aspects"].items():
            if aspect == "repetition":
                people, mine, pooled = f"{median:.0%} ({other:.0%} to {limit:.0%})", f"{ours:.0%}", ""
            else:
                people, mine, pooled = f"{median:.3f} (up to {limit:.3f})", f"{ours:.3f}", f"{other:.3f}"
            lines.append([line["texture"], aspect, people, mine, pooled, f"{outliers:.0%}"])
    return lines


def drawn(folder: Path, material: Path) -> None:
    """The material of a data folder."""
    corpora = {name: material.with_name(f"{material.name}-{name}") for name in ("base", "bench", "bundled")}
    sources = {"base": folder / "base", "bench": folder / "bench", "bundled": ROOT / "examples" / "songs"}
    for name, corpus in corpora.items():
        tunesmith = [sys.executable, "-m", "tunesmith", "import", str(sources[name]), "-o", str(corpus)]
        subprocess.run(tunesmith, check=True)
    apart = [word for name in ("bench", "bundled") for word in ("--apart", str(corpora[name]))]
    draw = [sys.executable, str(ROOT / "tools" / "base_material.py"), str(corpora["base"]), str(material), *apart]
    subprocess.run(draw, check=True)


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--material", type=Path, default=Path("out/material"))
    options.add_argument("--pieces", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--textures", default=",".join(CLASSES))
    options.add_argument("--work", type=Path, default=Path("out/composed.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    if not given.material.exists():
        drawn(given.folder, given.material)
    done = {line["texture"] for line in lines_of(given.work)}
    tasks: list[Task] = [
        (given.material, texture, given.pieces, given.seed)
        for texture in given.textures.split(",")
        if texture not in done
    ]
    found = sorted(measured(given.work, tasks, one, given.jobs, shown), key=lambda line: CLASSES.index(line["texture"]))
    print("## Composed: what the base writes beside what people wrote\n")
    counts = ", ".join(f"{line['texture']} {line['human']}" for line in found)
    print(f"{machine()}; {given.pieces} pieces of {BARS} bars a texture, seed {given.seed}; human pieces: {counts}\n")
    heads = ("texture", "of", "people: median distance (95%)", "ours: median", "all of ours together", "outliers")
    print(table(heads, rows(found)))


if __name__ == "__main__":
    main()
