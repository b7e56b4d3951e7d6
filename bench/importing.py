"""Import of every song below a folder: read, dropped by reason, notes, speed.

python bench/importing.py FOLDER
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from measure import machine, table

from tunesmith import corpus, formats


def main() -> None:
    """Measure each folder in FOLDER and print a Markdown table."""
    root = Path(sys.argv[1])
    rows, reasons = [], []
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        files = [f for f in corpus.find_files([folder]) if formats.readable(f)]
        with tempfile.TemporaryDirectory() as work:
            started = time.perf_counter()
            entries = list(corpus.ingest(files, Path(work)))
            seconds = time.perf_counter() - started
        status = Counter(e.status for e in entries)
        notes = sum(e.notes for e in entries)
        row = [folder.name, len(files), len(entries), status["kept"], status["duplicate"], status["dropped"]]
        rows.append([*row, f"{notes:,}", f"{notes / seconds:,.0f}"])
        reasons += [f"- {folder.name}: {e.name}: {e.reason}" for e in entries if e.status == "dropped"]
    print(f"## Import\n\n{machine()}\n")
    print(table(["folder", "files", "songs", "kept", "duplicates", "dropped", "notes", "notes/s"], rows))
    if reasons:
        print("Dropped:\n\n" + "\n".join(reasons[:50]) + "\n")


if __name__ == "__main__":
    main()
