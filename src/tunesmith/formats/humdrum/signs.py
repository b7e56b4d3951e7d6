"""What tandem interpretations and bar lines say: meters, keys, tempo, transposition, repeats.

    *M3/4 *M2/1 *M3/0   meter; 0 is the breve     *k[f#c#]   key signature
    *D: *d: *D:dor      tonic and mode            *MM120     quarters per minute
    *Trd1c2             the notes of this spine have been moved up a step, two semitones (see the package)

Source: https://www.humdrum.org/guide/ch06/ and https://www.humdrum.org/rep/kern/ ("Common tandem interpretations").
"""

from __future__ import annotations

import re
from fractions import Fraction

from tunesmith.theory import MODES, fifths_of

METER = re.compile(r"\*M(\d{1,3})(?:%(\d{1,3}))?/(\d{1,3})(?:%(\d{1,3}))?$")
NO_METER = re.compile(r"\*M(X|None|-)?$|\*MX")
SIGNATURE = re.compile(r"\*k\[((?:[A-Ga-g](?:#+|-+|n)?)*)\]")
TONIC = re.compile(r"\*([A-Ga-g])(#|-)?:(\w*)$")
TEMPO = re.compile(r"\*MM\[?(\d{1,4}(?:\.\d{1,6})?)(?:-\d+)?\]?$")
TRANSPOSED = re.compile(r"\*Trd([+-]?\d{1,2})c([+-]?\d{1,3})$")
_ACCIDENTAL = re.compile(r"([A-Ga-g])(#|-)")
_LINE = re.compile("[:|!]+")

_MODE_NAMES = {
    "ion": "major", "dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian",
    "aeo": "minor", "loc": "locrian",
}  # fmt: skip  # a table, read across
_MINOR_THIRD = {"minor", "dorian", "phrygian", "locrian"}
SLOWEST, FASTEST = 5.0, 1000.0
_LARGEST_UNIT = 64


def meter_of(text: str) -> tuple[int, int] | None:
    """The (beats, unit) of `*M...`; None for a meter that no time signature can say.

    `*M3/0` counts three breves, which is (6, 1); `*M3%2/2` one and a half halves, which is (3, 4).
    """
    found = METER.match(text)
    if not found:
        return None
    beats = Fraction(int(found[1]), int(found[2] or 1) or 1)
    breves = Fraction(1, 2 ** len(found[3]))  # 0 is a breve, 00 a long
    unit = Fraction(int(found[3]), int(found[4] or 1) or 1) or breves
    if unit < 1:
        beats, unit = beats / unit, Fraction(1)
    beats, unit = beats * beats.denominator, unit * beats.denominator
    whole = unit.denominator == 1 and unit.numerator & (unit.numerator - 1) == 0
    return (int(beats), int(unit)) if whole and 0 < beats < 1000 and unit <= _LARGEST_UNIT else None


def signature_of(text: str) -> int | None:
    """The signature of `*k[...]` in fifths; None where it is no signature, or mixes sharps and flats."""
    found = SIGNATURE.match(text)
    if not found:
        return None
    signs = {letter.upper(): sign for letter, sign in _ACCIDENTAL.findall(found[1])}
    sharps = sum(sign == "#" for sign in signs.values())
    return None if 0 < sharps < len(signs) else sharps or -len(signs)


def tonic_of(text: str) -> tuple[int, str] | None:
    """The tonic, on the line of fifths, and mode of `*G:`, `*e:` or `*D:dor`."""
    found = TONIC.match(text)
    if not found:
        return None
    tonic = fifths_of(found[1].upper(), {"#": 1, "-": -1}.get(found[2], 0))
    mode = _MODE_NAMES.get(found[3][:3].lower(), "major" if found[1].isupper() else "minor")
    return tonic, mode


def key_of(signature: int | None, tonic: tuple[int, str] | None) -> tuple[int, str] | None:
    """(signature in fifths, mode) from what a key signature and a tonic say together.

    Where they differ, as in old music that writes a flat less, the signature and the tonic are kept and the mode
    follows from them: D minor without a signature is D dorian.
    """
    if tonic is None:
        return None if signature is None else (signature, "major")
    place, mode = tonic
    own = place - MODES[mode]
    if signature is None or signature == own:
        return (own, mode) if -7 <= own <= 7 else None
    alike = [m for m in MODES if MODES[m] == place - signature and (m in _MINOR_THIRD) == (mode in _MINOR_THIRD)]
    return signature, alike[0] if alike else "major"


def tempo_of(text: str) -> float | None:
    """The quarters per minute of `*MM...`."""
    found = TEMPO.match(text)
    bpm = float(found[1]) if found else 0.0
    return bpm if SLOWEST <= bpm <= FASTEST else None


def bar_line(text: str) -> list[str]:
    """What a bar line is, as kinds of `form.Mark`: "close" and "open" of repeats, "double", or "bar"."""
    found = _LINE.search(text)
    signs = found[0] if found else ""
    closes, opens = len(signs) > 1 and signs[0] == ":", len(signs) > 1 and signs[-1] == ":"
    if closes or opens:
        return ["close"] * closes + ["open"] * opens
    return ["double"] if text.startswith("==") or len(signs) > 1 else ["bar"]
