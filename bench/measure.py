"""What the benchmarks share: the machine in a line, whole commands timed and weighed, Markdown tables."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

Yielded, Outcome = TypeVar("Yielded"), TypeVar("Outcome")


def machine() -> str:
    """A line about where and when."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{date.today().isoformat()}, {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def outcome_of(work: Generator[Yielded, None, Outcome], say: Callable[[Yielded], object] | None = None) -> Outcome:
    """Run a generator to its end; what it returns. `say` is told what it yields."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        if say:
            say(event)


Line = dict[str, Any]


def lines_of(path: Path) -> list[Line]:
    """What was measured before: a line of JSON each."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def measured(
    work: Path, tasks: Sequence[Any], measure: Callable[[Any], Line], jobs: int, say: Callable[[Line], str]
) -> list[Line]:
    """Lines of old, and one more for every task, each kept in `work` as soon as it is there; a thread a process."""
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the processes, before they import torch
    found = lines_of(work)
    work.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool, work.open("a", encoding="utf-8") as log:
        for line in pool.map(measure, tasks):
            log.write(json.dumps(line) + "\n")
            log.flush()
            found.append(line)
            print(say(line), file=sys.stderr, flush=True)
    return found


def run(command: Sequence[str], **options: object) -> tuple[float, float]:
    """Run a command; wall seconds, and the peak resident size of its process in MiB.

    Raises:
        SystemExit: the command failed.
    """
    # A child of a child, so that the largest of the children is this command alone.
    code = (
        "import resource, subprocess, sys, time\n"
        "t = time.perf_counter(); r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "wall = time.perf_counter() - t\n"
        "sys.stderr.buffer.write(r.stderr[-2000:]) if r.returncode else None\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(wall, peak / (2**20 if sys.platform == 'darwin' else 2**10)); sys.exit(r.returncode)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    wall, peak = map(float, done.stdout.split())
    return wall, peak


def peak_of(command: Sequence[str]) -> float:
    """The peak resident size of a command's process in MiB."""
    return run(command)[1]


def median_of(command: Sequence[str], runs: int = 5) -> tuple[float, float, float, float]:
    """Wall seconds (median, least, most) after one warm-up, and the largest peak in MiB."""
    run(command)
    found = [run(command) for _ in range(runs)]
    walls = sorted(wall for wall, _ in found)
    return walls[len(walls) // 2], walls[0], walls[-1], max(peak for _, peak in found)


def now() -> float:
    """Seconds of a clock that only goes forward."""
    return time.perf_counter()
