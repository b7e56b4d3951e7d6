"""Benchmarks, one after the other, into docs/benchmarks.md.

    python bench/run.py                        # what needs no data (hours: the wishes; else ten minutes)
    python bench/run.py FOLDER                 # and what needs a data folder (a day)
    python bench/run.py FOLDER reading fuzz    # these parts alone; the others stay as they are in the file

Each part is also a command of its own: python bench/PART.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
PARTS = ("training", "stepping", "sound", "commands", "memory", "composing", "wishes")
DATA_PARTS = (
    "importing",
    "reading",
    "agreement",
    "roundtrip",
    "rivals",
    "fuzz",
    "keys_and_meters",
    "voices",
    "beats",
    "melodies",
    "chorales",
    "few_songs",
    "ablation",
    "composed",
    "copies",
    "newness",
    "futures",
)
HEAD = """# Benchmarks

Written by `make bench`. Timings of a shared machine are noisy: compare the columns of a table, which were measured
side by side in one run, rather than single figures of two runs.
"""


def sections() -> dict[str, str]:
    """What the page says by now, part by part."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    pieces = re.split(r"<!-- part: (\w+) -->\n", text)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def write(found: dict[str, str]) -> None:
    """The page, its parts in order."""
    known = [part for part in (*PARTS, *DATA_PARTS) if part in found]
    body = "\n".join(f"<!-- part: {part} -->\n{found[part].strip()}\n" for part in known)
    PAGE.write_text(f"{HEAD}\n{body}", "utf-8")


def main() -> None:
    """Run the parts asked for; stop at the first that fails. What is done is kept."""
    folder = next((name for name in sys.argv[1:] if name not in (*PARTS, *DATA_PARTS)), None)
    asked = [name for name in sys.argv[1:] if name != folder] or [*PARTS, *(DATA_PARTS if folder else ())]
    for part in asked:
        print(f"running {part} ...", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / f"{part}.py"), *([folder] if folder and part in DATA_PARTS else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, flush=True)
        write(sections() | {part: done.stdout})


if __name__ == "__main__":
    main()
