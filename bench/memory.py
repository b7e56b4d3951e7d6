"""Memory of `learn` as the corpus grows: 1, 10 and 100 times 40 tunes, each in a process of its own.

    python bench/memory.py [--tunes 40]

The tunes are made by chance from a seed, written as ABC books of 100. One epoch each; the figure is the largest
resident size of the process, which has torch and NumPy in it from the start.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import machine, peak_of, table

NAMES = "CDEFGABcdefgab"


def tune(number: int, random: np.random.Generator) -> str:
    """A tune of 16 bars of eighths and quarters: a walk over the scale."""
    place, bars = 7, []
    for _ in range(16):
        notes, left = [], 8
        while left:
            length = int(random.choice([1, 2, 2])) if left > 1 else 1
            place = int(np.clip(place + random.integers(-3, 4), 0, len(NAMES) - 1))
            notes.append(NAMES[place] + (str(length) if length > 1 else ""))
            left -= length
        bars.append(" ".join(notes))
    return f"X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:C\n" + " |\n".join(bars) + " |]\n"


def write_books(folder: Path, tunes: int) -> None:
    """So many tunes in books of 100."""
    random = np.random.default_rng(tunes)
    for book in range(0, tunes, 100):
        text = "\n".join(tune(n, random) for n in range(book, min(book + 100, tunes)))
        (folder / f"book{book:06}.abc").write_text(text, "utf-8")


def main() -> None:
    """Measure and print a Markdown table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tunes", type=int, default=40, help="tunes in the smallest corpus")
    base = options.parse_args().tunes
    rows = []
    for factor in (1, 10, 100):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_books(folder, base * factor)
            command = [sys.executable, "-m", "tunesmith", "learn", name, "-o", str(folder / "m.safetensors")]
            started = time.perf_counter()
            peak = peak_of([*command, "--epochs", "1", "--size", "small", "--from", "scratch"])
            rows.append([f"{factor} x", f"{base * factor:,}", f"{peak:,.0f}", f"{time.perf_counter() - started:.0f}"])
    print(f"## Memory of learning\n\n{machine()}\n")
    print(table(["corpus", "tunes", "peak memory, MiB", "seconds"], rows))


if __name__ == "__main__":
    main()
