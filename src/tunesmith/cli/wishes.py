"""What can be wished for, as options that all the ways of composing share; from options to a request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith.cli.group import SONGS
from tunesmith.errors import RequestError

if TYPE_CHECKING:
    from tunesmith.api import Request

Option = Callable[[Any], Any]

# of music from nothing: what a piece that is there has already
OPENING: tuple[Option, ...] = (
    click.option("--texture", metavar="NAME", help="melody, lead sheet, voices, keyboard, song or ensemble."),
    click.option("--key", metavar="KEY", help='Such as D, "F# minor", "E dorian" (default: as learned).'),
    click.option("--meter", metavar="METER", help="Such as 3/4 (default: as learned)."),
    click.option("--tempo", type=float, help="Quarter notes a minute (default: as learned)."),
    click.option("--form", metavar="LETTERS", help="Sections that come back: AABA, ABAC; AA'BA has a varied one."),
    click.option("--preset", metavar="NAME", help="historical: one voice, C3 to B4, equal steps."),
)
WISHES: tuple[Option, ...] = (
    click.option("--range", metavar="PITCHES", help='Such as C4-G5, or "soprano C4-G5, bass E2-C4".'),
    click.option("--chords", metavar="CHORDS", help='Bar by bar, over and over: "| Dm | G7 | C | F C |".'),
    click.option("--cadence", metavar="WORDS", help='How phrases end: tonic, or "half 8, tonic 16".'),
    click.option("--chromatic", type=float, help="Notes outside the key: 0 none to 1 as the model likes."),
    click.option("--leap", metavar="INTERVAL", help="The largest leap: fifth, or 7 (semitones)."),
    click.option("--density", metavar="NOTES", help="Fewest and most notes in a bar: 2-8."),
    click.option("--shortest", metavar="LENGTH", help="The shortest note: 1/8, or eighth."),
    click.option("--rests/--no-rests", default=None, help="Whether voices may rest (default: they may)."),
    click.option("--breath", type=int, metavar="BARS", help="The first voice rests at the end of every so many bars."),
    click.option("--contour", metavar="HEIGHTS", help='The line of the first voice: "0 3 5 2".'),
    click.option("--notes", metavar="PLACES", help='Notes to be there, bar.beat=pitch: "1=C4, 8.3=G4".'),
    click.option("--repeats", type=int, metavar="NOTES", help="The longest run of notes that may come back."),
    click.option("--max-copy", type=int, metavar="NOTES", help="The longest run that songs may have (0: no cap)."),
    click.option("--particles", type=int, help="Pieces tried side by side (default: as the wishes need)."),
    click.option("--temperature", type=float, help="0.1 safe to 2 wild (default: 1, as learned)."),
    click.option("--rhythm-temperature", type=float, help="The same for note lengths."),
    click.option("--top-p", type=float, help="Choose among this share of probability (default: 0.95)."),
    click.option("--seed", type=int, help="The same seed and request give the same piece (default: 1)."),
    click.option("-n", "--pieces", type=int, help="How many pieces (default: 1)."),
    click.option("--request", "file", type=SONGS, metavar="FILE", help="Wishes from a TOML or JSON file."),
)
NAMES: tuple[str, ...] = (
    "texture",
    "key",
    "meter",
    "tempo",
    "form",
    "preset",
    "bars",
    "range",
    "chords",
    "cadence",
    "chromatic",
)
NAMES += ("leap", "density", "shortest", "rests", "breath", "contour", "notes", "repeats", "max_copy", "particles")
NAMES += ("temperature", "rhythm_temperature", "top_p", "seed", "pieces")


def wish_options(opening: bool) -> Option:
    """The options of all wishes; `opening`: also of what a piece begins with."""

    def add(command: Any) -> Any:
        for option in reversed((*(OPENING if opening else ()), *WISHES)):
            command = option(command)
        return command

    return add


def request_of(options: dict[str, Any]) -> Request:
    """The request that options make, on top of a request file.

    Raises:
        RequestError: a word makes no sense.
        StorageError: the file cannot be read.
    """
    from tunesmith import api

    file: Path | None = options["file"]
    given = {name: options[name] for name in NAMES if options.get(name) is not None}
    if file is None:
        return api.Request.of(given)
    words = {name.replace("-", "_"): value for name, value in api.request_file(file).items()}
    try:
        api.Request.of(words | {name: given[name] for name in given if name == "bars"})
    except RequestError as error:
        raise error.at(file) from None
    return api.Request.of(words | given)
