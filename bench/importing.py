"""`tunesmith import` of a whole data folder: what was kept, what was not and why, by collection.

    python bench/importing.py FOLDER [--report FILE.csv] [--keep PREPARED]

Runs the command once, as anyone would, with a process for each core. `--report` keeps the CSV of every song.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from data import collections_of
from measure import machine, now, peak_of, table

Rows = list[dict[str, str]]


def by_collection(report: Path, root: Path) -> dict[str, Rows]:
    """The rows of the report, collection by collection."""
    names = {collection.name for collection in collections_of(root)}
    found: dict[str, Rows] = defaultdict(list)
    with report.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            folder = next((part for part in Path(line["path"]).parts if part in names), "?")
            found[folder].append(line)
    return found


def row(name: str, lines: Rows) -> list[object]:
    """A line of the table."""
    status = Counter(line["status"] for line in lines)
    near = sum(bool(line["like"]) and line["status"] == "kept" for line in lines)
    notes = sum(int(line["notes"] or 0) for line in lines)
    files = len({line["path"] for line in lines})
    counts = [files, len(lines), status["kept"], status["duplicate"], near, status["dropped"], notes]
    return [name, *(f"{count:,}" for count in counts)]


def main() -> None:
    """Import and print Markdown tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--report", type=Path, help="keep the CSV here (an existing one is shown, nothing is run)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report, said = given.report or Path(scratch) / "songs.csv", ""
        if not report.exists():
            started = now()
            peak = _import(given.folder, report)
            said = f"; {now() - started:,.0f} s, largest process {peak:,.0f} MiB"
        found = by_collection(report, given.folder)
    print(f"## Import\n\n{machine()}{said}\n")
    columns = ["collection", "files", "songs", "kept", "duplicates", "nearly the same as another", "dropped", "notes"]
    print(table(columns, [row(name, lines) for name, lines in found.items()]))
    dropped = Counter(
        (name, re.sub(r"[\d,]+", "N", line["reason"]).replace("|", "\\|"))
        for name, lines in found.items()
        for line in lines
        if line["status"] == "dropped"
    )
    print("### Dropped\n")
    print(table(["collection", "times", "why"], [[name, times, why] for (name, why), times in dropped.most_common(40)]))


def _import(folder: Path, report: Path) -> float:
    """Run the command; its peak resident size in MiB. It ends with 1 where songs were dropped, which is no failure."""
    command = [sys.executable, "-m", "tunesmith", "import", str(folder), "--report", str(report)]
    code = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode not in (0, 1))"
    return peak_of([sys.executable, "-c", code, *command])


if __name__ == "__main__":
    main()
