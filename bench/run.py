"""All benchmarks, one after the other, into docs/benchmarks.md.

    python bench/run.py            # what needs no data (about ten minutes)
    python bench/run.py FOLDER     # and import of every song below FOLDER

Each part is also a command of its own: python bench/PART.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("training", "stepping", "sound", "commands", "memory")
HEAD = """# Benchmarks

Written by `make bench`. Timings of a shared machine are noisy: compare the columns of a table, which were measured
side by side in one run, rather than single figures of two runs.
"""


def main() -> None:
    """Run every part; stop at the first that fails."""
    pieces = [HEAD]
    jobs = [[part] for part in PARTS] + [["importing", folder] for folder in sys.argv[1:]]
    for job in jobs:
        print(f"running {' '.join(job)} ...", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / f"{job[0]}.py"), *job[1:]]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, flush=True)
        pieces.append(done.stdout)
    (HERE.parent / "docs" / "benchmarks.md").write_text("\n".join(pieces), "utf-8")


if __name__ == "__main__":
    main()
