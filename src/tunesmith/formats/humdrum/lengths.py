"""Note lengths: **kern writes the reciprocal of a length, so that 4 is a quarter and 12 a triplet eighth.

    4      a quarter            0     a breve (two whole notes), 00 a long, 000 a maxima
    4.     a dotted quarter     3%2   the reciprocal of 3/2: two thirds of a whole note

Source: https://www.humdrum.org/guide/ch06/ ("Tuplets"); D. Huron, "The Humdrum Toolkit: Reference Manual", 1994.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from tunesmith.errors import FormatError
from tunesmith.score import TPQ

WHOLE = 4 * TPQ  # ticks
SHORTEST = Fraction(WHOLE, 4096)  # about ten ticks: rounding never makes a note vanish
LONGEST = Fraction(64 * WHOLE)
FINEST = 10**30  # parts of a tick; the lengths of no real piece need more

LENGTH = re.compile(r"(\d+)(?:%(\d+))?")
_DIGITS = 9  # of a number in a length; more would only be slow to read


@lru_cache(maxsize=4096)
def length_of(digits: str, divisor: str | None, dots: int) -> Fraction:
    """A length in ticks from the parts that `LENGTH` finds, and the number of dots.

    Raises:
        FormatError: it is longer or shorter than any note.
    """
    fits = len(digits) <= _DIGITS and len(divisor or "") <= _DIGITS and dots <= _DIGITS
    number = int(digits) if fits else 0
    if not fits:
        ticks = Fraction(0)
    elif number:
        ticks = Fraction(WHOLE * int(divisor or 1), number)
    else:
        ticks = Fraction(WHOLE * 2 ** len(digits))
    ticks *= 2 - Fraction(1, 2**dots) if fits else 1
    if not SHORTEST <= ticks <= LONGEST:
        text = digits + (f"%{divisor}" if divisor else "") + "." * min(dots, 24)
        raise FormatError(f"{text[:24]!r} is no length that a note can have", fix="4 is a quarter, 8. a dotted eighth")
    return ticks
