"""Wishes in words: what a musician types -> values. Where a word is wrong, the error points at it.

`WORDS` says for every wish how its words are read; the command line, request files and Python all go through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tunesmith import theory
from tunesmith.errors import RequestError
from tunesmith.score import TPQ, Key, Meter

VOICES = {"soprano": 1, "alto": 2, "tenor": 3, "bass": 4}
INTERVALS = {"second": 2, "third": 4, "fourth": 5, "fifth": 7, "sixth": 9, "seventh": 11, "octave": 12}
LENGTHS = {"whole": 1, "half": 2, "quarter": 4, "eighth": 8, "sixteenth": 16, "thirty-second": 32}
CADENCES = ("tonic", "half")
_SHARE = re.compile(r"\d{1,3}(?:/\d{1,3}|\.\d{1,6})?")  # of a whole note
Chords = tuple[tuple[tuple[int, int], ...], ...]  # bar by bar: (root pitch class, index into `theory.QUALITIES`)


def parse_key(text: str) -> Key:
    """`D minor`, `Bb`, `F# dorian` as a key.

    Raises:
        RequestError: it is not one.
    """
    try:
        return Key(0, *theory.parse_key(text))
    except ValueError as error:
        raise RequestError(str(error), fix="write for example: D, F# minor, Bb, E dorian") from None


def parse_meter(text: str) -> Meter:
    """`6/8` as a meter.

    Raises:
        RequestError: it is not one.
    """
    beats, slash, unit = text.partition("/")
    try:
        meter = Meter(0, int(beats), int(unit))
    except ValueError:
        meter = Meter(0, 0, 0)
    if not slash or meter.beats < 1 or meter.unit not in (1, 2, 4, 8, 16):
        raise RequestError(f"{text!r} is not a meter", fix="write for example: 3/4, 4/4, 6/8")
    return meter


def parse_pitch(text: str) -> int:
    """`C4`, `F#3` as a MIDI note number.

    Raises:
        RequestError: it is not one.
    """
    try:
        return theory.parse_pitch(text)
    except ValueError as error:
        raise RequestError(str(error), fix="write for example: C4 (middle C), F#3, Bb5") from None


def parse_ranges(text: str) -> tuple[tuple[int, int, int], ...]:
    """`C4-G5`, or `soprano C4-G5, bass E2-C4`, or `1 C4-G5`: (voice, lowest, highest), voice 0 = all.

    Raises:
        RequestError: it is none.
    """
    found = []
    for part in text.split(","):
        told = re.fullmatch(r"\s*(?:(\w+)[:\s]\s*)?([A-Ga-g]\S*?\d)\s*-\s*([A-Ga-g]\S*?\d)\s*", part)
        if not told:
            raise RequestError(f"{part.strip()!r} is not a range", fix="write for example: C4-G5, or bass E2-C4")
        name = (told[1] or "0").lower()
        voice = VOICES.get(name, int(name) if re.fullmatch(r"\d{1,3}", name) else -1)
        if voice < 0:
            raise RequestError(f"there is no voice {told[1]!r}", fix=f"write a number or {', '.join(VOICES)}")
        low, high = parse_pitch(told[2]), parse_pitch(told[3])
        if low > high:
            raise RequestError(f"the range {part.strip()!r} is upside down", fix="write the lower pitch first")
        found.append((voice, low, high))
    return tuple(found)


def parse_length(text: str) -> int:
    """`1/8`, `eighth`, `1/16`: a length in ticks.

    Raises:
        RequestError: it is none.
    """
    told = text.strip().lower().removesuffix(" note")
    try:  # no exponents, which may take for ever
        share = Fraction(1, LENGTHS[told]) if told in LENGTHS else Fraction(told if _SHARE.fullmatch(told) else 0)
    except ZeroDivisionError:
        share = Fraction(0)
    ticks = share * 4 * TPQ
    if ticks <= 0 or ticks.denominator != 1:
        raise RequestError(f"{text!r} is not a length", fix="write for example: 1/8, or eighth")
    return int(ticks)


def parse_density(text: str) -> tuple[int, int]:
    """`2-8` or `4`: fewest and most notes in a bar.

    Raises:
        RequestError: it is none.
    """
    told = re.fullmatch(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3}))?\s*", text)
    least, most = (int(told[1]), int(told[2] or told[1])) if told else (1, 0)
    if least > most or most == 0:
        raise RequestError(f"{text!r} is no number of notes", fix="write for example: 2-8")
    return least, most


def parse_leap(text: str) -> int:
    """`5` semitones, or `fourth`.

    Raises:
        RequestError: it is none.
    """
    told = text.strip().lower()
    if told in INTERVALS:
        return INTERVALS[told]
    if re.fullmatch(r"\d{1,3}", told) and 1 <= int(told) <= 127:
        return int(told)
    raise RequestError(f"{text!r} is no interval", fix=f"write semitones, or one of {', '.join(INTERVALS)}")


def parse_chords(text: str) -> Chords:
    """`| Dm | G7 | C | F C |`: the chords of each bar, which share it evenly; `%` = as the bar before.

    Raises:
        RequestError: a chord is none; points at it.
    """
    bars: list[tuple[tuple[int, int], ...]] = []
    for bar in re.finditer(r"[^|]+", text.strip()):
        if not bar[0].strip() and bars and bar.end() < len(text.strip()):
            raise RequestError("there is no chord", where=f"bar {len(bars) + 1}", fix="write % for the bar before")
        chords: list[tuple[int, int]] = []
        for word in re.finditer(r"\S+", bar[0]):
            if word[0] == "%" and bars:
                chords += bars[-1]
                continue
            told = theory.parse_chord(word[0])
            if told is None:
                place, row = bar.start() + word.start(), text.strip()
                pointed = f"{row[:place]}>>{word[0]}<<{row[place + len(word[0]) :]}"
                fix = "write for example: C, Dm, G7, F#m7b5, Bbmaj7"
                raise RequestError(f"{word[0]!r} is not a chord: {pointed}", where=f"bar {len(bars) + 1}", fix=fix)
            if told[2] is not None:
                fix = f"write {word[0].split('/')[0]}"
                raise RequestError(f"{word[0]!r} names a bass, which cannot be wished for", fix=fix)
            chords.append((theory.pitch_class(told[0]), told[1]))
        if chords:
            bars.append(tuple(chords))
    if not bars:
        raise RequestError("there are no chords", fix="write for example: | Dm | G7 | C | C |")
    return tuple(bars)


def parse_cadences(text: str) -> tuple[tuple[str, int], ...]:
    """`tonic`, `half 8, tonic 16`: how phrases end, and in which bar (0 = the last).

    Raises:
        RequestError: it is none.
    """
    found = []
    for part in text.split(","):
        told = re.fullmatch(r"\s*([a-z]+)(?:[\s:@]+(?:at\s+)?(?:bar\s+)?(\d{1,3}))?\s*", part.lower())
        if not told or told[1] not in CADENCES:
            raise RequestError(f"{part.strip()!r} is no cadence", fix="write for example: tonic, or half 8, tonic 16")
        found.append((told[1], int(told[2] or 0)))
    return tuple(found)


def parse_form(text: str) -> str:
    """`AABA`, `ABAC`, `AA'BA`: a letter for each section; with ' it comes back varied.

    Raises:
        RequestError: it is none.
    """
    told = text.replace(" ", "").upper().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if not re.fullmatch(r"([A-Z]'?){1,32}", told):
        raise RequestError(f"{text!r} is no form", fix="write letters, for example: AABA, or AA'BA")
    return told


def parse_contour(text: str) -> tuple[float, ...]:
    """`0 1 0.5`: heights, from any lowest to any highest number.

    Raises:
        RequestError: they are no numbers, or one alone.
    """
    try:
        heights = tuple(float(word) for word in re.split(r"[\s,]+", text.strip()))
    except ValueError:
        heights = ()
    if len(heights) < 2 or not all(abs(height) < 1e6 for height in heights):
        raise RequestError(f"{text!r} is no contour", fix="write heights, for example: 0 3 5 2")
    return heights


def parse_notes(text: str) -> tuple[tuple[int, Fraction, int], ...]:
    """`1=C4, 8.3=G4`: notes that are wished for, (bar, beat from 1, pitch), in the first voice.

    Raises:
        RequestError: they are none.
    """
    found = []
    for part in text.split(","):
        told = re.fullmatch(r"\s*(\d{1,3})(?:\.(\d{1,2}(?:[.]\d+)?))?\s*=\s*(\S+)\s*", part)
        if not told:
            raise RequestError(f"{part.strip()!r} is no place and note", fix="write bar.beat=pitch: 1=C4, 8.3=G4")
        found.append((int(told[1]), Fraction(told[2] or "1"), parse_pitch(told[3])))
    return tuple(found)


def parse_bars(text: str) -> tuple[int, int]:
    """`5-8` or `5`: first and last bar.

    Raises:
        RequestError: it is none.
    """
    told = re.fullmatch(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3}))?\s*", text)
    first, last = (int(told[1]), int(told[2] or told[1])) if told else (1, 0)
    if first > last:
        raise RequestError(f"{text!r} are no bars", fix="write for example: 5-8")
    return first, last


# the name of a wish -> how its words are read
WORDS: dict[str, Callable[[str], Any]] = {
    "key": parse_key,
    "meter": parse_meter,
    "range": parse_ranges,
    "shortest": parse_length,
    "steps": parse_length,
    "density": parse_density,
    "leap": parse_leap,
    "chords": parse_chords,
    "cadence": parse_cadences,
    "form": parse_form,
    "contour": parse_contour,
    "notes": parse_notes,
}
