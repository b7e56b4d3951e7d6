"""Music text: the table of its tokens, and what the numbers in them say."""

from __future__ import annotations

import re
from functools import lru_cache

from tunesmith import theory
from tunesmith.formats.abc.fields import Fault

MAX_COUNT = 999  # bars of rest in one Z, notes in one tuplet
MAX_PASSES = 20  # of a repeat

LENGTH = r"\d*/*\d*"
TOKENS = (
    ("space", r"[ \t`\\$]+"),
    ("note", rf"(?P<sign>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{LENGTH})"),
    ("bar", r"(?P<line>\.?:*\[?\|+\]?:*|::+)(?:[ \t]*(?P<volta>\d[\d,.\-]*))?"),
    ("ending", r'\[[ \t]*(?:"(?P<named>\d[\d,.\-]*)"|(?P<passes>\d[\d,.\-]*))'),
    ("inline", r"\[(?P<field>[A-Za-z]):(?P<text>[^\]]*)\]"),
    ("chord", r"\["),
    ("quoted", r'"(?P<quote>[^"]*)"'),
    ("grace", r"\{[^}]*\}"),
    ("rest", rf"[zx](?P<rest_length>{LENGTH})"),
    ("bars_rest", r"[ZX](?P<count>\d*)"),
    ("tuplet", r"\((?P<p>\d+)(?P<q>:\d*)?(?P<r>:\d*)?"),
    ("broken", r"<+|>+"),
    ("tie", r"\.?-"),
    ("spacer", rf"y{LENGTH}"),
    ("long_overlay", r"\(&"),
    ("overlay", r"&+"),
    ("stray", r"[',]"),
    ("passed_over", r"![^!\s|:]{0,40}!|\+[^+\s|\[\]]{1,40}\+|[.~H-Wh-w()!+#*;?@]"),
)
TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in TOKENS))
OUTER_LENGTH = re.compile(LENGTH)  # behind a chord's bracket
ALTER = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # the time that p notes take; 5, 7, 9: 3 in compound meters, else 2
_UNCLOSED = {'"': "the quote that opens here does not close", "{": "the brace that opens here does not close"}
Fractional = tuple[int, int]  # numerator, denominator: quicker than a Fraction


@lru_cache(maxsize=1024)
def place_of(written: str, marks: str) -> tuple[tuple[str, int], int]:
    """(letter, octave) of a written letter with its octave marks, and the pitch of its natural."""
    octave = (4 if written < "a" else 5) + marks.count("'") - marks.count(",")
    return (written.upper(), octave), 12 * (octave + 1) + theory.NATURAL_PITCH_CLASS[written.upper()]


def times(a: Fractional, b: Fractional) -> Fractional:
    """The product of two fractions, not reduced."""
    return a[0] * b[0], a[1] * b[1]


@lru_cache(maxsize=4096)
def _read_length(text: str) -> Fractional:
    number, _, rest = text.partition("/")
    slashes = len(text) - len(number) - len(rest.lstrip("/"))
    below = rest.lstrip("/")
    if len(number) > 6 or len(below) > 6 or slashes > 12:
        return 0, 1
    return int(number or 1), int(below) if below else 2**slashes


def length_of(text: str, position: int) -> Fractional:
    """A length such as 3/2 or //, in unit note lengths; `position` is where it stands in its line, from 0."""
    if not text:
        return 1, 1
    length = _read_length(text)
    if not all(length) or length[0] > MAX_COUNT * length[1]:
        short = text if len(text) <= 16 else text[:13] + "..."
        raise Fault(f"{short!r} is no length that a note can have", position + 1)
    return length


def count_of(text: str, of: str, position: int, least: int = 1) -> int:
    """A count of something, from `least` to `MAX_COUNT`."""
    number = int(text) if len(text) <= 3 else MAX_COUNT + 1
    if not least <= number <= MAX_COUNT:
        raise Fault(f"{text[:16]} {of}: from 1 to {MAX_COUNT} can be", position + 1)
    return number


def passes_of(text: str, position: int) -> tuple[int, ...]:
    """`1,3` or `1-2` as passes."""
    passes: set[int] = set()
    for part in filter(None, re.split(r"[,.]", text[:64])):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()) or max(len(first), len(last)) > 2:
            raise Fault(f"{text[:16]!r} is no ending", position + 1, "write [1 or [1,3 or [1-3")
        passes.update(range(int(first), int(last or first) + 1))
    if not passes or min(passes) < 1 or max(passes) > MAX_PASSES:
        raise Fault(f"{text[:16]!r} is no ending", position + 1, f"endings are from 1 to {MAX_PASSES}")
    return tuple(sorted(passes))


def unexpected(character: str) -> str:
    """What is wrong where no token begins with this character."""
    return _UNCLOSED.get(character) or f"{character!r} does not belong in a line of music"
