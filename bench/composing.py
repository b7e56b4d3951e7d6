"""How long people wait: for a piece with wishes, for the first bar that is played on, and for hearing of a clash.

    python bench/composing.py

All by the base, in one process; medians and the longest over seeds. Rows of the last table are wishes that cannot all
be kept: those of the first kind are seen before a note is drawn, the others only when nothing can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from measure import machine, now, table

from tunesmith import checkpoint, formats, sample
from tunesmith.composing import bars_of
from tunesmith.errors import Unsatisfiable
from tunesmith.playing import Player
from tunesmith.request import OFF, Request
from tunesmith.score import TPQ, Key, Meter, Score

SONGS = Path(__file__).parents[1] / "examples" / "songs"
SEEDS, BARS, PARTICLES = 8, 16, 64
TEXTURES = ("melody", "lead sheet", "voices")
FIVE: dict[str, Any] = {
    "bars": BARS,
    "key": Key(0, 1, "major"),
    "meter": Meter(0, 3, 4),
    "range": ((0, 55, 79),),
    "cadence": (("half", 8), ("tonic", 0)),
}
AT_ONCE: dict[str, dict[str, Any]] = {
    "a note outside the key, chromatic 0": {"chromatic": 0.0, "notes": ((16, Fraction(1), 61),)},
    "a note outside the range": {"range": ((0, 60, 72),), "notes": ((16, Fraction(1), 50),)},
    "two notes farther apart than small leaps come": {
        "leap": 1,
        "notes": ((15, Fraction(1), 60), (16, Fraction(1), 90)),
    },
    "a half cadence and a tonic at the same place of a form": {"form": "AA", "cadence": (("half", 8), ("tonic", 16))},
    "a breath and a cadence at the same place": {"breath": 4, "cadence": (("half", 12),)},
}
IN_TIME: dict[str, dict[str, Any]] = {
    "six quarters in a bar of four": {"density": (6, 6), "steps": TPQ},
    "no rests, and two quarters in a bar of four": {"density": (1, 2), "steps": TPQ, "rests": False},
    "a form, and no five notes that come back": {"form": "AABA", "repeats": 4, "density": (4, 9)},
    "eighths within a fourth, and no three that come back": {"repeats": 2, "steps": TPQ // 2, "range": ((0, 60, 65),)},
}


def seconds(work: Callable[[int], object]) -> list[float]:
    """How long it takes, seed by seed."""
    found = []
    for seed in range(SEEDS):
        started = now()
        work(seed)
        found.append(now() - started)
    return found


def pieces() -> Iterator[list[str]]:
    """Pieces with five wishes."""
    for texture in TEXTURES:

        def make(seed: int, texture: str = texture) -> object:
            return next(sample.compose(base, Request(texture=texture, particles=PARTICLES, seed=seed, **FIVE)))

        taken = seconds(make)
        yield [texture, f"{median(taken):.2f}", f"{max(taken):.2f}"]


def played_on() -> Iterator[list[str]]:
    """The first bar after songs that people know, and those after it."""
    for count in (32, PARTICLES):
        first, later = list[float](), list[float]()
        for path in sorted(SONGS.glob("*.abc")):
            (song,) = (found for found in formats.read(path) if isinstance(found, Score))
            player = Player.ready(base, Request(bars=bars_of(song) + 8, seed=1, particles=count))
            started = now()
            taken = []
            for _ in player.on(song):
                taken.append(now() - started)
                started = now()
            first.append(taken[0])
            later += taken[1:]
        cells = (median(first), max(first), median(later), max(later))
        yield [str(count), *(f"{1000 * value:.0f}" for value in cells)]


def clashes(cases: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Wishes that clash, and what is said."""
    for name, options in cases.items():
        for texture in TEXTURES:

            def refuse(seed: int, name: str = name, options: dict[str, Any] = options, texture: str = texture) -> None:
                own = options | {"bars": BARS, "key": Key(), "meter": Meter(), "max_copy": OFF}
                request = Request(texture=texture, seed=seed, **own)
                try:
                    next(sample.compose(base, request))
                except Unsatisfiable:
                    return
                raise SystemExit(f"{name}, {texture}, seed {seed}: it was made")

            taken = seconds(refuse)
            yield [name, texture, f"{median(taken):.2f}", f"{max(taken):.2f}"]


if __name__ == "__main__":
    base = checkpoint.load(checkpoint.BASE)
    sample.base_music()
    print(f"## Waiting\n\n{machine()}\n")
    print(f"{BARS} bars with five wishes (key, meter, bars, range, cadence), {PARTICLES} particles, seconds:\n")
    print(table(["texture", "median", "most"], list(pieces())))
    print("\nPlaying on after the songs of the examples, milliseconds until a bar is there:\n")
    print(table(["particles", "first bar", "most", "later bars", "most"], list(played_on())))
    print(f"\nWishes that clash, in pieces of {BARS} bars, seconds until that is said:\n")
    print(table(["wishes", "texture", "median", "most"], [*clashes(AT_ONCE), *clashes(IN_TIME)]))
