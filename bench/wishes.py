"""Do wishes hold, and what do they cost: each alone, and pairs and triples by chance, in pieces of 8 bars by the base.

    python bench/wishes.py [--count 1000] [--jobs 2] [--work WORK]

Values of wishes are by chance too, from the number of the piece; 8 of 10 pieces are melodies, one is a lead sheet, one
has four voices. Whether a piece keeps a wish is looked up in its score alone (`tests/holding.py`). Pairs and triples
leave out wishes that contradict each other, such as no rests and a breath. Bits per note are those that the base gives
to the pieces, no wish counted; the rise is over pieces of the same seeds and textures without wishes. But for the rows
that name it no piece has a cap on copying. Seconds are of one thread, at whatever else the machine does. What was
measured is kept in WORK; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from measure import Line, lines_of, machine, measured, now, table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from holding import Facts, broken, groups  # noqa: E402 - found by the line above

from tunesmith import checkpoint, sample, scheme, theory  # noqa: E402
from tunesmith.checkpoint import Learned  # noqa: E402
from tunesmith.errors import RequestError, Unsatisfiable  # noqa: E402
from tunesmith.evaluation import bits_of  # noqa: E402
from tunesmith.habits import TEXTURES  # noqa: E402
from tunesmith.models import score as log_probabilities  # noqa: E402
from tunesmith.originality import BASE_MUSIC, Fingerprint  # noqa: E402
from tunesmith.request import OFF, Request  # noqa: E402
from tunesmith.score import TPQ, Key, Meter, Score  # noqa: E402

BARS, CHUNK = 8, 20
TEXTURE = ("melody",) * 8 + ("lead sheet", "voices")  # by the number of the piece
Random = np.random.Generator
METERS = ((2, 4), (3, 4), (4, 4), (6, 8), (2, 2))
MODES = ("major", "minor", "dorian", "mixolydian")
PROGRESSIONS = ("C|F|G7|C", "Am|Dm|E7|Am", "C Am|Dm G7", "C|Em|F|C G", "Dm7|G7|Cmaj7|Am7", "C")


def one_of(random: Random, choices: Sequence[Any]) -> Any:
    """One of some choices."""
    return choices[int(random.integers(len(choices)))]


def number(random: Random, low: int, high: int) -> int:
    """A whole number, both ends included."""
    return int(random.integers(low, high + 1))


def ranges(random: Random, texture: str) -> dict[str, Any]:
    """A range of all voices, or of four one each."""
    if texture != "voices":
        low = number(random, 52, 66)
        return {"range": ((0, low, low + number(random, 14, 24)),)}
    lows = [number(random, low - 3, low + 3) for low in (60, 53, 48, 41)]
    return {"range": tuple((voice, low, low + number(random, 16, 22)) for voice, low in enumerate(lows, 1))}


def pinned(random: Random, texture: str) -> dict[str, Any]:
    """One to three notes of C major on the first beats of bars."""
    scale = [pitch for pitch in range(62, 77) if pitch % 12 in theory.scale(0)]
    bars = sorted(random.permutation(np.arange(1, BARS))[: number(random, 1, 3)].tolist())
    return {"notes": tuple((bar, Fraction(1), one_of(random, scale)) for bar in bars)}


def least_and_most(random: Random, texture: str) -> dict[str, Any]:
    """Fewest and most notes in a bar."""
    least = number(random, 0, 3)
    return {"density": (least, least + number(random, 3, 6))}


def cadences(random: Random, texture: str) -> dict[str, Any]:
    """How phrases end."""
    asked = ((("tonic", 0),), (("half", 4), ("tonic", 8)), (("tonic", 4), ("tonic", 8)), (("half", 0),))
    return {"cadence": one_of(random, asked)}


def heights(random: Random, texture: str) -> dict[str, Any]:
    """A line of two to six heights."""
    return {"contour": tuple(np.round(random.uniform(-5, 5, number(random, 2, 6)), 2).tolist())}


def chords(random: Random, texture: str) -> dict[str, Any]:
    """Chords that are usual in C, bar by bar."""
    return {"key": Key(), "chords": Request(bars=BARS).changed(chords=one_of(random, PROGRESSIONS)).chords}


# a row of the table -> its values, from the texture of the piece
VALUES: dict[str, Callable[[Random, str], dict[str, Any]]] = {
    "bars": lambda r, _: {"bars": number(r, 1, 16)},
    "key": lambda r, _: {"key": Key(0, number(r, -4, 4), one_of(r, MODES))},
    "meter": lambda r, _: {"meter": Meter(0, *one_of(r, METERS))},
    "range": ranges,
    "tempo": lambda r, _: {"tempo": float(number(r, 40, 200))},
    "shortest": lambda r, _: {"shortest": one_of(r, (TPQ // 2, TPQ))},
    "density": least_and_most,
    "leap": lambda r, _: {"leap": number(r, 3, 12)},
    "chords": chords,
    "cadence": cadences,
    "form": lambda r, _: {"form": one_of(r, ("AABA", "ABAC", "AB", "AA"))},
    "form, varied": lambda r, _: {"form": one_of(r, ("AA'BA", "ABA'C", "AA'"))},
    "rests": lambda r, _: {"rests": False},
    "breath": lambda r, _: {"breath": number(r, 1, 4)},
    "contour": heights,
    "notes": pinned,
    "repeats": lambda r, _: {"repeats": number(r, 4, 8)},
    "steps": lambda r, _: {"steps": one_of(r, (TPQ // 2, TPQ))},
    "preset historical": lambda r, _: {"texture": "melody", "range": ((0, 48, 71),), "steps": TPQ},
    "chromatic": lambda r, _: {"chromatic": 0.0},
    "max_copy": lambda r, _: {"max_copy": number(r, 8, 12)},
}
PLAIN = "no wish"
FIVE = "key, meter, bars, range and cadence"
TOGETHER = {"two by chance": 2, "three by chance": 3}
ROWS = (PLAIN, *VALUES, FIVE, *TOGETHER)
SINGLE = [name for name in VALUES if name not in ("bars", "form, varied", "preset historical")]


@cache
def base() -> Learned:
    """The base."""
    return checkpoint.load(checkpoint.BASE)


@cache
def music() -> Fingerprint | None:
    """What the base learned from."""
    return Fingerprint.load(BASE_MUSIC) if BASE_MUSIC.exists() else None


def request_of(row: str, piece: int) -> Request:
    """The request of a piece of a row."""
    texture = TEXTURE[piece % len(TEXTURE)]
    random = np.random.default_rng([piece, ROWS.index(row)])
    names: Sequence[str] = (row,) if row in VALUES else ()
    if row == FIVE:
        names = ("key", "meter", "bars", "range", "cadence")
    if row in TOGETHER:
        names = one_of(random, [g for g in groups(TOGETHER[row], SINGLE) if not {"notes", "chromatic"} <= set(g)])
    options: dict[str, Any] = {"bars": BARS, "texture": texture, "max_copy": OFF, "seed": piece}
    for name in names:
        options |= VALUES[name](random, texture)
    if row == FIVE:
        options["bars"] = max(8, options["bars"])
    return Request(**options)


def facts_of(request: Request) -> Facts:
    """What wishes need to know of the texture, as the base has it."""
    kind = TEXTURES[str(request.texture)]
    return Facts(kind.low, kind.high, base=music(), voices=kind.most, chord_voice=bool(kind.chords))


def cost(piece: Score) -> tuple[float, int]:
    """Bits of a piece by the base, and its notes."""
    song = scheme.as_song(scheme.encode(piece))
    found = bits_of(log_probabilities(base().model, song), song)
    return found.symbols + found.durations, found.notes


Task = tuple[str, int, str]


def one(task: Task) -> Line:
    """Some pieces of a row: what is broken, what was refused, seconds, bits and notes of each."""
    row, chunk, digest = task
    pieces: list[dict[str, Any]] = []
    for number_of in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        request, started = request_of(row, number_of), now()
        told: dict[str, Any] = {"piece": number_of}
        try:
            piece = next(sample.compose(base(), request))
        except (Unsatisfiable, RequestError) as error:
            told |= {"refused": str(error), "kind": type(error).__name__}
        told["seconds"] = round(now() - started, 3)
        if "refused" not in told:
            told["broken"] = broken(request, piece, facts_of(request))
            told["bits"], told["notes"] = cost(piece)
        pieces.append(told)
    return {"base": digest, "row": row, "chunk": chunk, "pieces": pieces}


def shown(line: Line) -> str:
    """Some pieces in a line; what is wrong with them in more."""
    pieces = line["pieces"]
    wrong = [f"  {p['piece']}: {said}" for p in pieces for said in (*p.get("broken", ()), p.get("refused", "")) if said]
    seconds = sum(p["seconds"] for p in pieces)
    return "\n".join([f"{line['row']}, from {line['chunk'] * CHUNK} on: {seconds:.1f} s", *wrong])


def rows(found: Sequence[Line]) -> list[list[str]]:
    """The table: a row for each wish."""
    by_row = {row: [piece for line in found if line["row"] == row for piece in line["pieces"]] for row in ROWS}
    plain = {piece["piece"]: piece for piece in by_row[PLAIN] if piece.get("notes")}
    lines = []
    for row, pieces in by_row.items():
        if not pieces:
            continue
        made = [piece for piece in pieces if "refused" not in piece]
        held = sum(not piece["broken"] for piece in made)
        paired = [piece for piece in made if piece["piece"] in plain and piece["notes"]]
        others = [plain[piece["piece"]] for piece in paired]
        bits = [sum(p["bits"] for p in some) / max(1, sum(p["notes"] for p in some)) for some in (paired, others)]
        seconds = [piece["seconds"] for piece in pieces]
        refused = [sum(p.get("kind") == kind for p in pieces) for kind in ("Unsatisfiable", "RequestError")]
        times = f"{median(seconds):.2f}", f"{max(seconds):.2f}"
        rise = f"{bits[0] / bits[1] - 1:+.1%}" if row != PLAIN and bits[1] else ""
        lines.append([row, f"{held} of {len(pieces)}", *map(str, refused), *times, f"{bits[0]:.2f}", rise])
    return lines


def main() -> None:
    """Measure what is not measured yet, and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--rows", default=";".join(ROWS), help="names, with semicolons between")
    options.add_argument("--work", type=Path, default=Path("out/wishes.jsonl"))
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    digest, chunks = base().digest[:16], range(-(-given.count // CHUNK))
    asked = given.rows.split(";")

    def mine(line: Line) -> bool:
        return line["base"] == digest and line["chunk"] in chunks and line["row"] in asked

    done = {(line["row"], line["chunk"]) for line in lines_of(given.work) if mine(line)}
    tasks: list[Task] = [(row, chunk, digest) for chunk in chunks for row in asked if (row, chunk) not in done]
    found = [line for line in measured(given.work, tasks, one, given.jobs, shown) if mine(line)]
    print("## Wishes\n")
    print(f"{machine()}; {len(chunks) * CHUNK} pieces of {BARS} bars a row\n")
    titles = ["wish", "kept", "unsatisfiable", "no such request", "seconds", "most", "bits per note", "rise"]
    print(table(titles, rows(found)))


if __name__ == "__main__":
    main()
