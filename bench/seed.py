"""The historical recipe on the nine bundled digit songs: what it claims, and what it does on songs left out.

    python bench/seed.py

Every song is left out once: the recipe learns the other eight and is asked to predict the ninth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from measure import machine, table

import tunesmith as ts

DIGITS = Path(__file__).parent.parent / "examples" / "digits"


def main() -> None:
    """Measure and print a Markdown table."""
    rows = []
    reports = []
    for seed in range(3):
        learned = ts.learn(DIGITS, model="seed", seed=seed)
        reports.append(learned.about["report"])
    for name, key in (("its own nine songs", "training"), ("a song left out", "left_out")):
        nats = [r[key]["nats_per_token"] for r in reports]
        right = [r[key]["accuracy"] for r in reports]
        rows.append([name, f"{np.median(nats):.2f}", f"{min(nats):.2f} to {max(nats):.2f}", f"{np.median(right):.2f}"])
    rows.append(["guessing evenly", f"{reports[0]['uniform_nats']:.2f}", "", f"{1 / 25:.2f}"])
    print(f"## The historical recipe\n\n{machine()}; three seeds, another song left out in each\n")
    print(table(["measured on", "nats per token", "spread", "accuracy"], rows))


if __name__ == "__main__":
    main()
