"""B4: is what is composed new? From 9 songs of a set, 100 pieces with and without the cap, beside songs of people.

    python bench/newness.py FOLDER [--sets nova,jigs] [--pieces 100] [--bars 16] [--work WORK]

The share of notes in runs of 8 and more that stand in the 9 songs, in any key and at any tempo, and the longest run:
of pieces, and of 20 other songs of the same set, which is the yardstick; how many have a stretch that stands in one of
the songs with notes altered. The model learns from the base. The cap is the
default one, what the 9 songs have of each other. Bits per note are those of the pieces by the model, no wish counted.
What was measured is kept in WORK; the same command goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
from few_songs import TESTED, sets_of, songs_of
from measure import Line, lines_of, machine, measured, now, table

from tunesmith import api, checkpoint, sample
from tunesmith.originality import Index, originality
from tunesmith.ranking import bits_per_note
from tunesmith.request import OFF, Request

KNOWN = 9  # songs
FIGURES = 4  # of a piece: share copied, longest run, bits per note, altered copies
Task = tuple[str, tuple[Path, ...], int, int, str]


def one(task: Task) -> Line:
    """One set: the figures of pieces with and without the cap, and of songs."""
    name, files, pieces, bars, digest = task
    scores, started = songs_of(files), now()
    order = np.random.default_rng(0).permutation(len(scores)).tolist()
    known, others = ([scores[i] for i in order[a:b]] for a, b in ((0, KNOWN), (KNOWN, KNOWN + TESTED)))
    learned = api.learn(known, seed=0)
    index = Index.of(known)
    cap = sample.cap_of(learned, Request())
    found: dict[str, list[list[float]]] = {"people": [], "no cap": [], "cap": []}
    for song in others:
        of = originality(song, index, with_altered=True)
        found["people"].append([of.share, of.longest, bits_per_note(learned, song), len(of.altered)])
    for kind, most in (("no cap", OFF), ("cap", None)):
        for piece in sample.compose(learned, Request(bars=bars, pieces=pieces, seed=1, max_copy=most)):
            of = originality(piece, index, with_altered=True)
            found[kind].append([of.share, of.longest, bits_per_note(learned, piece), len(of.altered)])
    told = {"set": name, "pieces": pieces, "bars": bars, "base": digest, "cap": cap.most if cap else 0}
    return told | {"found": found, "seconds": round(now() - started, 1)}


def shown(line: Line) -> str:
    """A set in a line."""
    longest = {kind: max(row[1] for row in rows) for kind, rows in line["found"].items()}
    return f"{line['set']}: cap {line['cap']}, longest {longest} ({line['seconds']:.0f} s)"


def rows(found: Sequence[Line]) -> list[list[str]]:
    """The table: a row for each set."""
    lines = []
    for line in found:
        people, free, capped = (line["found"][kind] for kind in ("people", "no cap", "cap"))
        shares = [
            f"{median(row[0] for row in rows):.0%} ({max(row[0] for row in rows):.0%})"
            for rows in (people, free, capped)
        ]
        longest = [
            f"{median(row[1] for row in rows):g} ({max(row[1] for row in rows):g})" for rows in (people, free, capped)
        ]
        bits = [mean(row[2] for row in rows) for rows in (free, capped)]
        altered = [f"{mean(row[3] > 0 for row in rows):.0%}" for rows in (people, free, capped)]
        over = sum(row[1] > line["cap"] for row in capped)
        lines.append(
            [
                line["set"],
                *shares,
                *longest,
                *altered,
                f"{line['cap']}",
                f"{over}",
                *(f"{b:.2f}" for b in bits),
                f"{bits[1] / bits[0] - 1:+.1%}",
            ]
        )
    return lines


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--sets", default="elsass,kinder,nova,shanxi,jigs,waltzes", help="names, with commas between")
    options.add_argument("--pieces", type=int, default=100)
    options.add_argument("--bars", type=int, default=16)
    options.add_argument("--work", type=Path, default=Path("out/newness.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    sets = sets_of(given.folder)
    base = checkpoint.load(checkpoint.BASE).digest[:16]

    def mine(line: Line) -> bool:
        whole = all(len(row) == FIGURES for row in line["found"]["people"])
        return whole and (line["base"], line["pieces"], line["bars"]) == (base, given.pieces, given.bars)

    asked = given.sets.split(",")
    done = {line["set"] for line in lines_of(given.work) if mine(line)}
    tasks: list[Task] = [(n, tuple(sets[n]), given.pieces, given.bars, base) for n in asked if n not in done]
    found = [
        line for line in measured(given.work, tasks, one, given.jobs, shown) if mine(line) and line["set"] in asked
    ]
    print("## Newness: what is composed, and the songs it was learned from\n")
    print(f"{machine()}; {KNOWN} songs of each set, {given.pieces} pieces of {given.bars} bars; median (most)\n")
    kinds = ("people", "no cap", "cap")
    titles = [f"{what}: {kind}" for what in ("copied", "longest run", "altered copies") for kind in kinds]
    print(table(["set", *titles, "cap", "pieces over it", "bits: no cap", "bits: cap", "rise"], rows(found)))


if __name__ == "__main__":
    main()
