"""Information fields: what the text after `K:`, `M:`, `L:`, `Q:` and `T:` says."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from tunesmith import theory

Signature = dict[str, int]  # letter -> sharps (positive) or flats that the key gives it
FREE = ("", "none")


class Fault(Exception):
    """Something in a tune that cannot be read. `column` counts from 1, 0 = the whole line."""

    def __init__(self, what: str, column: int = 0, fix: str | None = None) -> None:
        super().__init__(what)
        self.what, self.column, self.fix = what, column, fix


@dataclass(frozen=True, slots=True)
class KeyField:
    """A key: its signature in fifths and its mode, or None where there is none, and what it does to each letter."""

    fifths: int | None
    mode: str
    signature: Signature


def signature_of(fifths: int) -> Signature:
    """What a key signature does to each letter."""
    return dict(theory.letter_and_alter(place) for place in range(fifths - 1, fifths + 6))


_CLEF = re.compile(
    r"(?:treble|bass|alto|tenor|perc|soprano|mezzosoprano|baritone)[1-5]?(?:[+-]8)?$|[A-Za-z]\w*=.*", re.IGNORECASE
)
_ALTERED = re.compile(r"(\^\^|\^|__|_|=)([A-Ga-g])")
_ALTER = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_PIPES = KeyField(2, "mixolydian", signature_of(2))  # Highland pipes: A mixolydian, written or not
_KEY_FIX = "write a key such as K:G, K:Am, K:D dorian or K:none"


def parse_key(text: str) -> KeyField | None:
    """Read a `K:` field; None where it only names a clef."""
    words = [w for w in re.sub(r'"[^"]*"', "", text).replace("♯", "#").replace("♭", "b").split() if not _CLEF.match(w)]
    if not words:
        return None if text.strip() else KeyField(None, "major", signature_of(0))
    if words[0] in ("HP", "Hp"):
        return _PIPES
    altered = {letter.upper(): _ALTER[sign] for word in words for sign, letter in _ALTERED.findall(word)}
    names = [w for w in words if not _ALTERED.match(w)]
    if not names or names[0].lower() == "none":
        return KeyField(None, "major", signature_of(0) | altered)
    tonic, explicit = names[0], any(w.lower() == "exp" for w in names[1:])
    mode = names[1] if len(names) > 1 and not explicit and _is_mode(names[1]) else ""
    try:
        if explicit:
            return _explicit_key(tonic, altered)
        fifths, mode = theory.parse_key(f"{tonic} {mode}" if mode else tonic)
    except ValueError as error:
        raise Fault(str(error), 3, _KEY_FIX) from None
    return KeyField(fifths, mode, signature_of(fifths) | altered)


def _is_mode(word: str) -> bool:
    short = word.lower()
    return short in ("m", "min", "maj", "ionian", "ion", "aeolian", "aeo") or short[:3] in {m[:3] for m in theory.MODES}


def _explicit_key(tonic: str, altered: Signature) -> KeyField:
    """`K:D exp _b _e ^f`: just these accidentals; the mode on this tonic whose signature is nearest."""
    wanted = dict.fromkeys("CDEFGAB", 0) | altered
    major, _ = theory.parse_key(tonic[:2] if tonic[1:2] in ("#", "b") else tonic[:1])
    keys = [(major - move, mode) for mode, move in theory.MODES.items() if -7 <= major - move <= 7]
    fifths, mode = min(keys, key=lambda k: sum(signature_of(k[0])[letter] != wanted[letter] for letter in wanted))
    return KeyField(fifths, mode, wanted)


_METER_WORDS = {"C": (4, 4), "C|": (2, 2), "c": (4, 4), "c|": (2, 2)}
_METER = re.compile(r"\(?\s*(\d{1,3}(?:\s*\+\s*\d{1,3})*)\s*\)?\s*/\s*(\d{1,3})$")


def parse_meter(text: str) -> tuple[int, int] | None:
    """Read an `M:` field: (beats, unit), 2+3+2/8 as 7/8; None = free meter."""
    text = text.strip()
    if text.lower() in FREE:
        return None
    found = _METER.match(text)
    beats, unit = (sum(map(int, found[1].split("+"))), int(found[2])) if found else _METER_WORDS.get(text, (0, 1))
    if not 1 <= beats <= 128 or unit not in (1, 2, 4, 8, 16, 32, 64):
        raise Fault(f"{text!r} is not a meter", 3, "write a meter such as M:4/4, M:6/8, M:C| or M:none")
    return beats, unit


def parse_unit(text: str) -> Fraction:
    """Read an `L:` field: the unit note length as a part of a whole note."""
    found = re.match(r"\s*1(?:\s*/\s*(\d{1,3}))?\s*$", text)
    unit = int(found[1] or 1) if found else 0
    if unit not in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        raise Fault(f"{text.strip()!r} is not a note length", 3, "write a length such as L:1/8")
    return Fraction(1, unit)


def default_unit(meter: tuple[int, int] | None) -> Fraction:
    """The unit note length where no `L:` says: 1/16 in meters below 3/4, else 1/8."""
    return Fraction(1, 16) if meter and 4 * meter[0] < 3 * meter[1] else Fraction(1, 8)


_BPM = r"=?\s*(\d{1,7}(?:\.\d{1,20})?)"
_TEMPO = re.compile(rf"((?:\d{{1,3}}/\d{{1,3}}\s*)+|[A-Ga-g]\d{{0,3}}(?:/\d{{1,3}})?\s*)?{_BPM}\s*$")


def parse_tempo(text: str, unit: Fraction) -> float | None:
    """Read a `Q:` field: quarter notes per minute; None where it has words only."""
    said = re.sub(r'"[^"]*"', " ", text).strip()
    found = _TEMPO.match(said)
    if not found:
        if "=" in said:
            raise Fault(f"{said!r} is not a tempo", 3, "write a tempo such as Q:1/4=120")
        return None
    try:
        beat = _beat((found[1] or "").strip(), unit)
    except ZeroDivisionError:
        beat = Fraction(0)
    bpm = float(Fraction(found[2]) * beat * 4)
    if not 1 <= bpm <= 10_000:
        raise Fault(f"a tempo of {bpm:g} quarter notes a minute cannot be", 3, "write a tempo such as Q:1/4=120")
    return bpm


def _beat(text: str, unit: Fraction) -> Fraction:
    """The beat of a tempo as a part of a whole note: `3/8`, `1/4 3/8`, `C3`, or the unit note length."""
    if not text:
        return unit
    if text[0].isalpha():
        return unit * Fraction(text[1:] or "1")
    return sum((Fraction(part) for part in text.split()), Fraction(0))


_MARKS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "o": "\u030a", "H": "\u030b", "v": "\u030c", "c": "\u0327", ",": "\u0327", ";": "\u0328",
}  # fmt: skip  # a table, read across
_PAIRS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "/o": "ø", "/O": "Ø",
    "/l": "ł", "/L": "Ł", "/d": "đ", "/D": "Đ", "DH": "Ð", "dh": "ð", "TH": "Þ", "th": "þ",
}  # fmt: skip  # a table, read across
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\([%\\&])|\\(..)|(&#?\w{1,32};)")


def parse_text(text: str) -> str:
    r"""Text with its escapes read: \'e, \"o, &eacute;, \u00e9, \%, \&."""
    return _ESCAPE.sub(_unescape, text.strip()).strip()


def _unescape(found: re.Match[str]) -> str:
    code, plain, pair, entity = found.groups()
    if code:
        character = chr(int(code, 16))
        return character if character.isprintable() else ""
    if plain or entity:
        return plain or html.unescape(entity)
    if pair in _PAIRS:
        return _PAIRS[pair]
    accented = unicodedata.normalize("NFC", pair[1] + _MARKS.get(pair[0], "\\\\"))
    return accented if len(accented) == 1 else found[0]


def write_text(text: str) -> str:
    """A text as a field holds it: one line, its special characters escaped."""
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return re.sub(r"[\\%&]", r"\\\g<0>", line)


_NO_CHORD = {"n.c.", "nc", "n.c", "no chord"}
_CHORD_HABITS = (  # how tune collections write what `theory.parse_chord` knows by other names
    (re.compile(r"(?<=/)([A-Ga-g])\+$"), r"\1#"),  # D/f+ is D over f sharp
    (re.compile(r"^([A-G][#b]?)d$"), r"\1dim"),
    (re.compile(r"^([A-G][#b]?)a$"), r"\1aug"),
)
ChordSymbol = tuple[int, int, int | None]


@lru_cache(maxsize=4096)
def parse_chord(text: str) -> ChordSymbol | bool:
    """Read quoted text: a chord symbol as `theory.parse_chord` gives it; False = "N.C."; True = a remark.

    Of alternatives, as in `G(Em)`, the first counts.
    """
    text = text.strip()
    if text[:1] in "^_<>@":
        return True
    if text.lower() in _NO_CHORD:
        return False
    for reading in (text, re.split(r"(?<=.)[(;,\s]", text, maxsplit=1)[0]):
        tidy = reading
        for habit, better in _CHORD_HABITS:
            tidy = habit.sub(better, tidy)
        found = theory.parse_chord(tidy)
        if found:
            return found
    return True
