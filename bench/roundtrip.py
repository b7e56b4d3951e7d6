"""Every song of a data folder, quantised, written and read back: is it the same score?

    python bench/roundtrip.py FOLDER [--formats .mid,.musicxml,.abc] [--share 1.0] [--collection NAME]

Equal means: what comes back is what the format carries of the score (`CARRIED` in tests/test_formats.py says exactly
what that is: MIDI, for example, has no spelling). ABC is asked for melodies only: one part, one voice, no chords.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import sys
import tempfile
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path

from data import Collection, collections_of, sample
from measure import machine, now, table

from tunesmith import formats
from tunesmith.errors import TunesmithError
from tunesmith.prepare import quantise
from tunesmith.score import Score

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from test_formats import CARRIED

Outcome = tuple[str, str]  # "equal", "unequal" or "refused", and what differs


def is_melody(score: Score) -> bool:
    """Whether a score is one line."""
    if len(score.parts) != 1 or score.parts[0].drums:
        return False
    notes = score.parts[0].notes
    return len({n.voice for n in notes}) == 1 and all(a.end <= b.onset for a, b in pairwise(notes))


def there_and_back(score: Score, path: Path) -> Outcome:
    """Write and read one score."""
    try:
        formats.write(score, path)
    except TunesmithError as error:
        return "refused", str(error).removeprefix(f"{path}: ")
    found = next((song for song in formats.read(path) if isinstance(song, Score)), Score())
    expected = CARRIED[path.suffix](score)
    return ("equal", "") if found == expected else ("unequal", difference(expected, found))


def difference(expected: Score, found: Score) -> str:
    """The first field that differs, and where."""
    for field in dataclasses.fields(Score):
        a, b = getattr(expected, field.name), getattr(found, field.name)
        if a == b:
            continue
        if field.name != "parts" or len(a) != len(b):
            return f"{field.name}: {str(a)[:150]} became {str(b)[:150]}"
        number, one, other = next((i, x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
        if len(one.notes) != len(other.notes):
            return f"part {number}: {len(one.notes)} notes became {len(other.notes)}"
        pairs = zip(one.notes, other.notes, strict=True)
        notes = next(((x, y) for x, y in pairs if x != y), None)
        return f"part {number}: {notes[0]} became {notes[1]}" if notes else f"part {number}: its head"
    return ""


def check(path: Path, endings: list[str]) -> list[tuple[str, int, Outcome]]:
    """All songs of a file: ending, number of notes, outcome."""
    found = []
    try:
        songs = [song for song in formats.read(path) if isinstance(song, Score)]
    except TunesmithError:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for song in songs:
            score = quantise(song)
            for ending in endings:
                if ending != ".abc" or is_melody(score):
                    outcome = there_and_back(score, Path(folder) / f"song{ending}")
                    found.append((ending, score.note_count, outcome))
    return found


def measure(collection: Collection, share: float, endings: list[str], pool: multiprocessing.pool.Pool) -> list[Outcome]:
    """The rows of a collection in `main`'s table; prints what differs on standard error."""
    files = sample(collection.songs, max(1, round(share * len(collection.songs))), 0)
    started = now()
    tally: dict[str, Counter[str]] = {ending: Counter() for ending in endings}
    reasons: Counter[tuple[str, str, str]] = Counter()
    for path, results in zip(files, pool.imap(partial(check, endings=endings), files, chunksize=4), strict=True):
        for ending, notes, (outcome, why) in results:
            tally[ending][outcome] += 1
            tally[ending]["notes"] += notes
            if why:
                reasons[ending, outcome, why.split(":")[0]] += 1
                print(f"{path}: {ending}: {outcome}: {why}", file=sys.stderr)
    seconds = f"{now() - started:.0f}"
    rows = []
    for ending, t in tally.items():
        songs = t["equal"] + t["unequal"] + t["refused"]
        if songs:
            shown = [f"{t[k]:,}" for k in ("notes", "equal", "unequal", "refused")]
            rows.append([collection.name, ending, f"{songs:,}", *shown, seconds])
    return rows


def main() -> None:
    """Measure and print a Markdown table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--formats", default=".mid,.musicxml,.abc")
    options.add_argument("--share", type=float, default=1.0, help="of the files of each collection")
    options.add_argument("--collection", help="only this one")
    given = options.parse_args()
    endings = given.formats.split(",")
    rows = []
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=50) as pool:
        for collection in collections_of(given.folder):
            if collection.songs and given.collection in (None, collection.name):
                rows += measure(collection, given.share, endings, pool)
    print(f"## Written and read back\n\n{machine()}; {given.share:.0%} of the files\n")
    print(table(["collection", "format", "songs", "notes", "equal", "unequal", "refused", "seconds (all)"], rows))


if __name__ == "__main__":
    main()
