"""Damaged songs: bit flips, cuts, splices and repeated stretches of valid files of every format.

    python bench/fuzz.py FOLDER [--count 20000] [--seed 0] [--keep FOLDER]

Each damaged file is read as `formats.read` reads any; it may be read, or refused in one line. Anything else counts:
an exception that is not ours, a message of several lines, a reader that dies, takes longer than five seconds or more
than 500 MB. `--keep` keeps such files. Every ending gets the same number of files.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from data import collections_of, sample
from measure import machine, table

from tunesmith import formats
from tunesmith.errors import FormatError, TunesmithError
from tunesmith.score import Score

MOST_SECONDS = 5.0
MOST_MIB = 500
MOST_BYTES = 60_000  # of a file to damage: small ones, so that 20,000 take minutes
SOURCES = 60  # valid files of each ending
BATCH = 50
EXAMPLES = Path(__file__).parent.parent / "examples"


@dataclass(frozen=True)
class Case:
    """A damaged file: its ending, its content, and how to make it again."""

    ending: str
    number: int
    data: bytes


def damage(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to three kinds of damage, one after the other."""
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(DAMAGES)(data, other, chance) or b"\0"
    return data


def flip(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Some bits."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def cut(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The end, or a stretch."""
    a, b = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return data[:a] + data[b:] if chance.random() < 0.5 else data[:a]


def splice(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A stretch of another file."""
    a, b = sorted((chance.randrange(len(other)), chance.randrange(len(other))))
    place = chance.randrange(len(data))
    return data[:place] + other[a : min(b, a + 2000)] + data[place:]


def again(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A short stretch, many times."""
    place, length = chance.randrange(len(data)), chance.randint(1, 40)
    return data[:place] + data[place : place + length] * chance.choice((2, 10, 500)) + data[place:]


def number(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A figure of the text, if there is one, made absurd."""
    places = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return flip(data, other, chance)
    place = chance.choice(places)
    return data[:place] + chance.choice((b"0", b"-1", b"99999999999", b"1e9", b"1/0", b"")) + data[place + 1 :]


DAMAGES = (flip, cut, splice, again, number)


def read_batch(folder: str, cases: list[Case]) -> list[tuple[int, str, float]]:
    """What came of each case: its number, what happened, seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    signal.signal(signal.SIGALRM, _late)
    found = []
    for case in cases:
        path = Path(folder) / f"case-{case.number}{case.ending}"
        path.write_bytes(case.data)
        started = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 4 * MOST_SECONDS)
        outcome = _read(path)
        signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if seconds > MOST_SECONDS:
            outcome = f"fault: {seconds:.1f} s"
        elif peak > MOST_MIB:
            outcome = f"fault: {peak:.0f} MiB"
        found.append((case.number, outcome, seconds))
        path.unlink()
    return found


def _read(path: Path) -> str:
    try:
        for song in formats.read(path):
            if isinstance(song, Score):
                song.unfold()
            elif "\n" in str(song) or not isinstance(song, FormatError):
                return f"fault: {song!r}"
    except TunesmithError as error:
        return f"fault: {error!r}" if "\n" in str(error) else "refused"
    except TimeoutError:
        return "fault: hangs"
    except Exception as error:
        return f"fault: {type(error).__name__}: {str(error)[:80]}"
    return "read"


def _late(*_: object) -> None:
    raise TimeoutError


def sources(root: Path, scratch: Path, seed: int) -> dict[str, list[bytes]]:
    """Valid files of every ending that can be read, those that no collection has written by ourselves."""
    everything = [path for c in collections_of(root) for path in c.songs] + sorted(EXAMPLES.glob("*/*.txt"))
    found: dict[str, list[bytes]] = {}
    for ending in (e for f in formats.FORMATS if f.reads for e in f.endings if e != ".midi"):
        small = [p for p in everything if p.suffix == ending and p.stat().st_size < MOST_BYTES]
        found[ending] = [path.read_bytes() for path in sample(small, SOURCES, seed)]
    found[".abc"] += [t.encode() for p in everything if p.suffix == ".abc" for t in _some_tunes(p)]
    melodies = [song for path in sample(everything, 400, seed) for song in _melodies(path)]
    for ending in (e for e, files in found.items() if len(files) < 5):
        for song in melodies[:SOURCES]:
            path = scratch / f"valid{ending}"
            try:
                formats.write(song, path)
            except TunesmithError:
                continue
            found[ending].append(path.read_bytes())
    return {ending: files for ending, files in found.items() if files}


def _some_tunes(path: Path) -> list[str]:
    import independent

    return independent.abc_tunes(path)[:8]


def _melodies(path: Path) -> list[Score]:
    if path.stat().st_size > MOST_BYTES:
        return []
    try:
        found = [song for song in formats.read(path) if isinstance(song, Score)][:2]
    except TunesmithError:
        return []
    return [song for song in found if song.note_count < 400]


def main() -> None:
    """Damage, read, and print Markdown tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, help="keep the files that broke something here")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        valid = sources(given.folder, Path(name), given.seed)
        outcomes, slowest = run(valid, given.count, given.seed, name, given.keep)
    print(f"## Damaged files\n\n{machine()}; {given.count:,} files, seed {given.seed}\n")
    rows = []
    for ending in valid:
        tally = Counter("fault" if o.startswith("fault") else o for e, o in outcomes if e == ending)
        rows.append([ending, len(valid[ending]), sum(tally.values()), tally["read"], tally["refused"], tally["fault"]])
        rows[-1].append(f"{slowest[ending]:.2f}")
    print(table(["ending", "made of", "damaged", "read", "refused", "faults", "slowest, s"], rows))
    for (ending, outcome), times in Counter((e, o) for e, o in outcomes if o.startswith("fault")).most_common(40):
        print(f"- {ending}: {times} x {outcome}")


def run(
    valid: dict[str, list[bytes]], count: int, seed: int, scratch: str, keep: Path | None
) -> tuple[list[tuple[str, str]], Counter[str]]:
    """Ending and outcome of every case, and the seconds of the slowest of each ending."""
    outcomes: list[tuple[str, str]] = []
    slowest: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=20)
    for batch in batches(valid, count, seed):
        known = {case.number: case for case in batch}
        try:
            halves = [pool.submit(read_batch, scratch, batch[i::2]) for i in (0, 1)]
            results = [found for half in halves for found in half.result()]
        except BrokenProcessPool:
            results = [(case.number, "fault: a case of this batch killed the reader", 0.0) for case in batch]
            pool = ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=20)
        for place, outcome, seconds in results:
            case = known[place]
            outcomes.append((case.ending, outcome))
            slowest[case.ending] = max(slowest[case.ending], seconds)
            if keep and outcome.startswith("fault"):
                keep.mkdir(exist_ok=True)
                (keep / f"case-{place}{case.ending}").write_bytes(case.data)
    pool.shutdown()
    return outcomes, slowest


def batches(valid: dict[str, list[bytes]], count: int, seed: int) -> list[list[Case]]:
    """The damaged files, batch by batch (made again from the seed each time)."""
    chance = random.Random(seed)
    endings = list(valid)
    cases = []
    for place in range(count):
        ending = endings[place % len(endings)]
        data, other = chance.choice(valid[ending]), chance.choice(valid[ending])
        cases.append(Case(ending, place, damage(data, other, chance)))
    return [cases[i : i + BATCH] for i in range(0, count, BATCH)]


if __name__ == "__main__":
    main()
