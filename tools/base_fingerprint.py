"""The fingerprint of the music that the base model learned from, which ships beside it: a filter of 8-note windows.

    python tools/base_fingerprint.py CORPUS [--apart OTHER_CORPUS]... [-o base_music.safetensors] [--bits 10]

CORPUS and the others are those of `base_material.py`: `tunesmith import DATA/base -o CORPUS`, and corpora of DATA/bench
and examples/songs to keep apart from. The works are drawn again as they were for both stages of the training
(`STAGES`), and those that the base says were held out are left out; that they would be held out again, every one, shows
that the drawing is the same. Of every work that is left the filter holds all voices, whole, and of its windows the
voices and the melodies, from which training drew. Then it is measured: on nonsense, on the bundled songs, and on the
works held out, which the base never heard. About 10 minutes on two cores, after half an hour to import.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from base_material import (
    CLASSES,
    LEAST_NOTES,
    PIECE,
    SHARE,
    WANTED,
    Runs,
    encoded,
    in_turn,
    known_runs,
    lines_of,
    pieces_of,
    runs_of,
    score_of,
    windows_of,
)
from numpy.typing import NDArray
from train_base import Material, held_songs

from tunesmith import checkpoint, formats
from tunesmith.corpus import KEPT, Corpus
from tunesmith.originality.fingerprint import BASE_MUSIC, SIZE, Fingerprint, Hashes, windows
from tunesmith.originality.lines import lines
from tunesmith.prepare import prepare_counting
from tunesmith.prepare.melody import only
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Score

ROOT = Path(__file__).parent.parent
ROUND = 160  # songs that both drawings took at once: four batches of forty
FIRST_LINES = 3  # single lines that the first drawing took of a window with several
SEED = 0
Order = Callable[[Corpus, int], list[list[int]]]
Sizes = list[tuple[int, int]]  # class and events of pieces


def by_class(corpus: Corpus, seed: int) -> list[list[int]]:
    """The order of the first drawing: for each class its songs as chance has them, one of each group of near ones."""
    turns: list[list[int]] = [[] for _ in CLASSES]
    met: set[int] = set()
    for number in np.random.default_rng(seed).permutation(len(corpus)).tolist():
        group = int(corpus.index[number]["group"])
        if group not in met:
            met.add(group)
            turns[int(corpus[number].symbols[0]) - v.STYLE.first].append(number)
    return turns


def first_lines(score: Score, events: int, random: np.random.Generator) -> Iterator[tuple[Score, bool]]:
    """The single lines that the first drawing took of a song: of its windows any voice, as likely as another."""
    for window, whole in windows_of(score, events, random):
        found = [line for line, pitches in lines_of(window) if len(pitches) >= LEAST_NOTES]
        if len(found) > 1 or window.chords:
            chosen = random.permutation(len(found))[:FIRST_LINES]
            random.random(len(chosen))  # which of them to leave out: none, but chance was asked
            yield from ((window.replace(parts=(found[place],), chords=()), whole) for place in chosen.tolist())


@dataclass(frozen=True)
class Stage:
    """A drawing: the events wanted of each class, the order of the songs, which lines of them."""

    wanted: dict[str, int]
    order: Order
    lines: int  # which of `Work.lines`


# What was wanted at first, by class; the second drawing is the one of `base_material`
FIRST = dict(zip(CLASSES, (1_300_000, 400_000, 900_000, 900_000, 600_000, 300_000), strict=True))
STAGES = (Stage(FIRST, by_class, 0), Stage(WANTED, in_turn, 1))


@dataclass(frozen=True)
class Work:
    """What a song gives. `known`: much of it stands in a corpus to keep apart from, and it was passed over.

    `textures`: its windows. `lines`: the single lines of them that the first drawing takes, and the second.
    """

    known: bool
    textures: Sizes
    lines: tuple[Sizes, Sizes]
    hashes: Hashes


def hashes_of(scores: Iterable[Score]) -> Hashes:
    """The distinct windows of all voices."""
    found = [windows(line.steps()) for score in scores for line in lines(score)]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def is_known(score: Score, known: Runs) -> bool:
    """As in `base_material`, and quicker, since what is known is sorted."""
    for _, pitches in lines_of(score):
        runs = runs_of(pitches)
        near = np.minimum(np.searchsorted(known, runs), max(0, len(known) - 1))
        if len(known) and len(runs) >= 4 and (known[near] == runs).mean() > SHARE:
            return True
    return False


def sizes_of(pieces: Iterable[tuple[Score, bool]]) -> Sizes:
    """Class and events of pieces, those that can be carried."""
    made = (encoded(score, whole) for score, whole in pieces)
    return [(piece.kind, len(piece.events)) for piece in made if piece is not None]


def chance(number: int) -> np.random.Generator:
    """Chance as it was for a song in every drawing."""
    return np.random.default_rng([SEED, number])


def look(job: tuple[Path, list[int], Runs]) -> list[Work]:
    """What some songs give."""
    folder, numbers, known = job
    corpus, works = Corpus(folder), []
    for number in numbers:
        score, events = score_of(corpus, number), len(corpus[number].symbols)
        if is_known(score, known):
            works.append(Work(True, [], ([], []), np.empty(0, np.uint64)))
            continue
        cut = list(windows_of(score, events, chance(number)))
        textures, first = sizes_of(cut), sizes_of(first_lines(score, events, chance(number)))
        then = Counter(sizes_of(pieces_of(score, events, chance(number), 1.0))) - Counter(textures)
        tunes = (only(window, "melody") for window, _ in cut)
        hashes = hashes_of([score, *(window for window, _ in cut), *tunes])
        works.append(Work(False, textures, (first, list(then.elements())), hashes))
    return works


@dataclass(frozen=True)
class Drawing:
    """What a stage drew: pieces (N,) of `PIECE`, and how many songs were passed over as known."""

    pieces: NDArray[np.void]
    passed: int

    @property
    def songs(self) -> set[int]:
        """The songs that gave a piece."""
        return set(self.pieces["song"].tolist())


def draw(stage: Stage, corpus: Corpus, found: Callable[[list[int]], list[Work]]) -> Drawing:
    """The pieces of a stage, as `base_material` draws them. `found` gives the works of songs."""
    turns, counts, rows, passed = stage.order(corpus, SEED), Counter[int](), [], 0
    for kind in sorted(range(len(CLASSES)), key=lambda kind: CLASSES[kind] == "melody"):  # lines come on the way
        for start in range(0, len(turns[kind]), ROUND):
            if counts[kind] >= stage.wanted[CLASSES[kind]]:
                break
            lines_too, numbers = counts[0] < stage.wanted["melody"], turns[kind][start : start + ROUND]
            for number, work in zip(numbers, found(numbers), strict=True):
                passed += work.known
                for of_kind, length in work.textures + (work.lines[stage.lines] if lines_too else []):
                    rows.append((of_kind, 0, length, number, True))
                    counts[of_kind] += length
            told = ", ".join(f"{CLASSES[k]} {n:,}" for k, n in sorted(counts.items()))
            print(f"{told}; passed over {passed}", file=sys.stderr, flush=True)
    return Drawing(np.array(rows, PIECE), passed)


def drawings_of(folder: Path, known: Runs, jobs: int) -> tuple[list[Drawing], dict[int, Work]]:
    """Both drawings, and the works that they looked at."""
    works: dict[int, Work] = {}
    with ProcessPoolExecutor(jobs) as pool:

        def found(numbers: list[int]) -> list[Work]:
            new = [number for number in numbers if number not in works]
            parts = [(folder, new[start : start + 8], known) for start in range(0, len(new), 8)]
            works.update(zip(new, (work for some in pool.map(look, parts) for work in some), strict=True))
            return [works[number] for number in numbers]

        return [draw(stage, Corpus(folder), found) for stage in STAGES], works


def learned_from(corpus: Corpus, drawings: list[Drawing]) -> tuple[list[int], list[int]]:
    """The songs that the base learned from, and those held out; prints how well the drawing is that of the training."""
    entries = [entry for entry in corpus.entries() if entry.status == KEPT]
    told = set(checkpoint.read_head(checkpoint.BASE)["about"]["report"]["held_out"])
    held = sorted(number for number, entry in enumerate(entries) if entry.fingerprint in told)
    first = Material(np.empty(0), np.empty(0), drawings[0].pieces, {})
    again = {entries[number].fingerprint for number in held_songs(first)}
    if not held:
        sys.exit("none of the works held out of the base is there: the corpus is of other data")
    print(f"held out: {len(told)} works, {len(held)} are there, {len(told & again)} are held out again as they were")
    for drawing in drawings:
        events, pieces = drawing.pieces["length"].sum(), len(drawing.pieces)
        print(
            f"drawn: {pieces:,} pieces of {len(drawing.songs):,} works, {events:,} events; {drawing.passed} passed over"
        )
    kept = sorted(drawings[0].songs.union(*(drawing.songs for drawing in drawings)) - set(held))
    paths = [Path(entry.path).parent for entry in entries]
    above = len(Path(os.path.commonpath(paths)).parts)
    by = Counter((*paths[number].parts[above:], "")[0] for number in kept)
    print(f"learned from: {len(kept):,} works: {', '.join(f'{name} {count}' for name, count in by.most_common())}")
    return kept, held


def stands(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Whether windows are among the known ones, which are sorted."""
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)] == hashes
    return found


def row_of(has: NDArray[np.bool_]) -> int:
    """As `Fingerprint.longest`, of windows that stand in the music or not."""
    row = int(np.diff(np.concatenate([[-1], np.flatnonzero(~has), [len(has)]])).max()) - 1
    return SIZE + row if row > 0 else 0


def measure(what: str, scores: Iterable[Score], made: Fingerprint, known: Hashes) -> None:
    """Print what scores have in common with the music: by the filter, and by the windows themselves."""
    pieces = [[line.steps() for line in lines(score)] for score in scores]
    every = np.concatenate([windows(line) for piece in pieces for line in piece])
    print(f"{what}: {len(pieces)} pieces, {len(every):,} windows")
    print(f"  windows found {made.has(every).mean():.1%}, without mistakes {stands(every, known).mean():.1%}")
    longest = [max(made.longest(line) for line in piece) for piece in pieces]
    true = [max(row_of(stands(windows(line), known)) for line in piece) for piece in pieces]
    for name, runs in (("longest run in notes", longest), ("without mistakes", true)):
        quarters = ", ".join(f"{quarter:g}" for quarter in np.percentile(runs, [25, 50, 75]))
        over = ", ".join(f"{least}+ in {sum(run >= least for run in runs)}" for least in (12, 16, 24, 32))
        print(f"  {name}: quartiles {quarters}, most {max(runs)}; {over}")
        print(f"    each: {' '.join(map(str, runs))}")


def bundled() -> Iterator[Score]:
    """The bundled songs, prepared as they are for learning."""
    for path in sorted((ROOT / "examples" / "songs").iterdir()):
        yield from (prepare_counting(song)[0] for song in formats.read(path, None) if isinstance(song, Score))


def main() -> None:
    """Draw again, write and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("corpus", type=Path)
    options.add_argument("--apart", type=Path, action="append", default=[], help="a corpus that was kept apart from")
    options.add_argument("-o", "--output", type=Path, default=BASE_MUSIC)
    options.add_argument("--bits", type=float, default=10.0, help="of the filter for each window")
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    corpus, known = Corpus(given.corpus), known_runs([Corpus(folder) for folder in given.apart])
    print(f"{len(corpus)} songs; {len(known)} runs that were kept apart from", file=sys.stderr, flush=True)
    drawings, works = drawings_of(given.corpus, known, given.jobs)
    kept, held = learned_from(corpus, drawings)
    windows_there = np.unique(np.concatenate([works[number].hashes for number in kept]))
    Fingerprint.of(windows_there, given.bits).save(given.output)
    made = Fingerprint.load(given.output)
    size, nonsense = given.output.stat().st_size, np.random.default_rng(0).integers(0, 2**64, 1 << 20, np.uint64)
    print(f"{made.count:,} distinct windows of {made.size} steps; {size:,} bytes, {made.probes} probes")
    print(f"of nonsense {made.has(nonsense).mean():.3%} is found, {made.false_positives:.3%} expected")
    measure("bundled songs", bundled(), made, windows_there)
    measure("works held out", (score_of(corpus, number) for number in held), made, windows_there)


if __name__ == "__main__":
    main()
