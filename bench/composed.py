"""What the base composes beside what people composed: pitch classes, intervals, lengths and repetition, by texture.

    python bench/composed.py FOLDER [--material MATERIAL] [--pieces 100] [--seed 1] [--textures melody] [--work WORK]

MATERIAL is what `tools/base_material.py` made of the data folder's `base/` (an hour; done where it is not there); of it
only works that the base never learned from are read: pieces of `BARS` bars or more, of each the first `BARS`, for so
long are the pieces composed. A piece is described by four things: its notes by pitch class from the tonic, the
intervals within its voices, the lengths of its notes, and the share of its notes at which a voice repeats its latest
`RUN` steps (interval and length). How far a piece lies from people is, for the first three, the Jensen-Shannon
divergence in bits between `SAMPLED` of its notes by chance and all human pieces (of a human piece: those of other
works) and, for repetition, the share itself. An outlier lies further than 95 of 100 human pieces do; a piece of fewer
than `LEAST_NOTES` notes is one in everything. Where there are few human pieces, more than 5 in 100 are so by chance.
"""

from __future__ import annotations

import argparse
import math
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
from train_base import MOST_SILENCE, Material, silence  # noqa: E402 - found by the line above

BARS, RUN, LEAST_NOTES, SAMPLED = 16, 4, 16, 40
REACH = 13  # semitones: an octave, and further
LENGTHS = tuple(TPQ * n // 12 for n in (1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 36, 48))  # others count as the next longer
MOST_HUMAN = 200
ASPECTS = ("pitch classes", "intervals", "lengths")


@dataclass(frozen=True)
class Described:
    """A piece in figures: a histogram for each of `ASPECTS`, the share of repeated notes, and how many notes it has."""

    histograms: tuple[NDArray[np.float64], ...]
    repetition: float
    notes: int
    work: str = ""


def lines_in(score: Score) -> list[list[tuple[int, int, int]]]:
    """(onset, pitch, length) of each voice, the top note of its chords alone."""
    voices: dict[tuple[int, int], dict[int, tuple[int, int, int]]] = {}
    for number, part in enumerate(score.parts):
        for note in sorted(part.notes, key=lambda note: note.pitch):
            voices.setdefault((number, note.voice), {})[note.onset] = (note.onset, note.pitch, note.duration)
    return [[line[onset] for onset in sorted(line)] for line in voices.values()]


def described(score: Score, work: str = "") -> Described | None:
    """A piece in figures; None where it has too few notes."""
    bars = [bar for bar in score.bars() if bar.number <= BARS]
    notes = [(n.onset, n.pitch, n.duration) for part in score.parts for n in part.notes if n.onset < bars[-1].end]
    if len(notes) < LEAST_NOTES:
        return None
    classes = [(pitch - score.key_at(onset).tonic) % 12 for onset, pitch, _ in notes]
    lengths = [min(int(np.searchsorted(LENGTHS, length)), len(LENGTHS) - 1) for _, _, length in notes]
    intervals: list[int] = []
    repeated = steps_in_all = 0
    for whole in lines_in(score):
        line = [note for note in whole if note[0] < bars[-1].end]
        steps = [(b[1] - a[1], b[2]) for a, b in pairwise(line)]
        intervals += [max(-REACH, min(REACH, step)) + REACH for step, _ in steps]
        seen = Counter[tuple[tuple[int, int], ...]]()
        for end in range(RUN, len(steps) + 1):
            run = tuple(steps[end - RUN : end])
            repeated += seen[run] > 0
            steps_in_all += 1
            seen[run] += 1
    sizes = 12, 2 * REACH + 1, len(LENGTHS)
    histograms = tuple(_sampled(of, size) for of, size in zip((classes, intervals, lengths), sizes, strict=True))
    return Described(histograms, repeated / max(steps_in_all, 1), len(notes), work)


def _sampled(values: Sequence[int], size: int) -> NDArray[np.float64]:
    """A histogram of `SAMPLED` values by chance: how far histograms lie apart hangs on how many they count."""
    chosen = np.random.default_rng(0).permutation(np.array(values, np.int64))[:SAMPLED]
    return np.bincount(chosen, minlength=size).astype(np.float64)


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
    """Pieces of a class, of works that the base never learned from."""
    works = set(ts.info("base")["about"]["report"]["held_out"])
    unheard = [number for number, work in material.works.items() if work in works]
    numbers = np.flatnonzero((material.pieces["kind"] == kind) & np.isin(material.pieces["song"], unheard))
    numbers = np.random.default_rng(0).permutation(numbers)[:MOST_HUMAN]
    found = []
    for number in numbers.tolist():
        song = material.song(number)
        if CLASSES[kind] == "melody" and silence(song) > MOST_SILENCE:  # nor did it learn from such
            continue
        piece = scheme.decode([(int(s), int(d)) for s, d in zip(song.symbols, song.durations, strict=True)])
        if max(bar.number for bar in piece.bars()) >= BARS:
            found.append(described(piece, material.works[int(material.pieces["song"][number])]))
    return [piece for piece in found if piece]


def limit_of(distances: Sequence[float]) -> float:
    """Beyond which 5 in 100 more of the kind would lie, or as near as so few can tell.

    Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005 (conformal prediction).
    """
    place = min(len(distances), math.ceil(0.95 * (len(distances) + 1)))
    return sorted(distances)[place - 1]


def compared(mine: Sequence[Described], lost: int, theirs: Sequence[Described]) -> Line:
    """For each aspect: median and limit of human distances; of ours the median, share of outliers, pooled distance.

    `lost`: pieces of ours with too few notes.
    """
    found: Line = {}
    for place, aspect in enumerate(ASPECTS):
        whole = sum((piece.histograms[place] for piece in theirs), np.zeros_like(theirs[0].histograms[place]))
        own = []
        for piece in theirs:
            others = [other.histograms[place] for other in theirs if other.work != piece.work]
            own.append(divergence(piece.histograms[place], sum(others, np.zeros_like(whole))))
        ours = [divergence(piece.histograms[place], whole) for piece in mine]
        limit = limit_of(own)
        pooled = divergence(sum((p.histograms[place] for p in mine), np.zeros_like(whole)), whole)
        outliers = (sum(d > limit for d in ours) + lost) / (len(mine) + lost)
        found[aspect] = [float(np.median(own)), limit, float(np.median(ours)), outliers, pooled]
    own, ours = [piece.repetition for piece in theirs], [piece.repetition for piece in mine]
    middle = float(np.median(own))
    limit = limit_of([abs(share - middle) for share in own])
    outliers = (sum(abs(share - middle) > limit for share in ours) + lost) / (len(mine) + lost)
    found["repetition"] = [middle, middle + limit, float(np.median(ours)), outliers, max(0.0, middle - limit)]
    return found


Task = tuple[Path, str, int, int, str]


def one(task: Task) -> Line:
    """One texture."""
    folder, texture, pieces, seed, base = task
    theirs = human(Material.of(folder), CLASSES.index(texture))
    composed = ts.compose("base", texture=texture, bars=BARS, seed=seed, pieces=pieces)
    mine = [piece for piece in map(described, composed) if piece]
    notes = [float(np.median([p.notes for p in group])) for group in (theirs, mine)]
    about = {"kind": [base, pieces, seed], "texture": texture, "human": len(theirs), "composed": len(mine)}
    about |= {"works": len({piece.work for piece in theirs}), "notes": notes}
    return about | {"aspects": compared(mine, pieces - len(mine), theirs)}


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
    kind = [ts.load_model().digest[:16], given.pieces, given.seed]
    done = {line["texture"] for line in lines_of(given.work) if line.get("kind") == kind}
    tasks: list[Task] = [
        (given.material, texture, given.pieces, given.seed, kind[0])
        for texture in given.textures.split(",")
        if texture not in done
    ]
    lines = [line for line in measured(given.work, tasks, one, given.jobs, shown) if line.get("kind") == kind]
    found = sorted(lines, key=lambda line: CLASSES.index(line["texture"]))
    print("## Composed: what the base writes beside what people wrote\n")
    print(f"{machine()}; {given.pieces} pieces of {BARS} bars a texture, seed {given.seed}\n")
    for line in found:
        about = f"{line['human']} human pieces of {line['works']} works, {line['notes'][0]:.0f} notes in the median"
        few = f", of which {given.pieces - line['composed']} have too few notes" * (line["composed"] < given.pieces)
        print(f"- {line['texture']}: {about}; {given.pieces} composed, {line['notes'][1]:.0f} notes{few}")
    print()
    heads = ("texture", "of", "people: median distance (95%)", "ours: median", "all of ours together", "outliers")
    print(table(heads, rows(found)))


if __name__ == "__main__":
    main()
