"""Whole commands: time, memory, and what they import.

    python bench/commands.py

`compose` starts cold each time (a new process) and writes 16 bars in all formats.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from measure import machine, median_of, run, table

ROOT = Path(__file__).parent.parent
TUNESMITH = [sys.executable, "-m", "tunesmith"]


def imports_torch(command: list[str]) -> bool:
    """Whether a command imports torch, seen from inside its process."""
    code = (
        "import sys; from tunesmith.cli import run; code = run(sys.argv[1:]); "
        "print('torch' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return done.stderr.strip().endswith("True")


def main() -> None:
    """Measure and print a Markdown table."""
    with tempfile.TemporaryDirectory() as name:
        model, piece, song = (str(Path(name) / file) for file in ("m.safetensors", "piece", "piece.mid"))
        learn = ["learn", str(ROOT / "examples" / "songs"), "-o", model]
        wall, peak = run([*TUNESMITH, *learn])
        torch = "yes" if imports_torch([*learn[:-1], f"{name}/brief.safetensors", "--epochs", "1"]) else "no"
        rows = [["learn the bundled songs", f"{wall:.1f}", "", f"{peak:.0f}", torch]]
        commands = {
            "--help": ["--help"],
            "compose, 16 bars, all formats": ["compose", "-m", model, "-o", piece],
            "compose, 16 bars, MIDI": ["compose", "-m", model, "-o", song],
            "render to WAV": ["render", song, "-o", str(Path(name) / "x.wav")],
            "convert MIDI to ABC": ["convert", song, str(Path(name) / "x.abc")],
            "info": ["info", song],
            "evaluate": ["evaluate", "-m", model, song],
        }
        for label, command in commands.items():
            median, least, most, peak = median_of([*TUNESMITH, *command])
            torch = "yes" if imports_torch(command) else "no"
            rows.append([label, f"{median:.2f}", f"{least:.2f} to {most:.2f}", f"{peak:.0f}", torch])
    print(f"## Commands\n\n{machine()}; median of five after a warm-up\n")
    print(table(["command", "wall, s", "spread", "peak memory, MiB", "imports torch"], rows))


if __name__ == "__main__":
    main()
