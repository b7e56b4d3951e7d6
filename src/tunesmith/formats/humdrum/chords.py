"""Chord symbols: the tokens of **mxhm, **harte and **chord spines, where they are simple."""

from __future__ import annotations

import re

from tunesmith.score import Chord
from tunesmith.theory import QUALITIES, parse_chord, pitch_class

# A **mxhm token has a kind of MusicXML ("C major-seventh/E"); **harte has its own words ("C:maj7/3")
_KINDS = {quality.kind: quality.suffix for quality in reversed(QUALITIES)}
_HARTE = {"maj": "", "min": "m", "hdim7": "m7b5", "minmaj7": "mM7", "min7": "m7", "maj6": "6", "min6": "m6"}
_SYMBOL = re.compile(r"([A-G])(#|-|b)?(?:[ :]([\w-]*))?([^/]*?)(?:/([A-G](?:#|-|b)?))?$")


def chord_of(text: str, onset: int, duration: int) -> Chord | None:
    """A chord symbol, or None where the text is none that is known."""
    found = _SYMBOL.match(text.strip())
    if not found:
        return None
    word = found[3]
    suffix = found[4] if word is None else _KINDS.get(word, _HARTE.get(word, word))
    root = found[1] + (found[2] or "").replace("-", "b")
    bass = "/" + found[5].replace("-", "b") if found[5] else ""
    chord = parse_chord(root + suffix + bass)
    if chord is None:
        return None
    place, quality, low = chord
    return Chord(onset, duration, pitch_class(place), quality, None if low is None else pitch_class(low), place)
