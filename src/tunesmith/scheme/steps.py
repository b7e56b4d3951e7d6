"""The historical alphabet: one voice, 25 symbols (rest, C3 to B4), one equal step each."""

from __future__ import annotations

from tunesmith.errors import NotCarried
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.codec import Event, carried, header
from tunesmith.score import TPQ, Score

LOW, HIGH = 48, 71  # C3 and B4
SYMBOLS = (*range(LOW, HIGH + 1), v.REST)
STEP = v.DURATION[TPQ]


def encode_steps(score: Score) -> list[Event]:
    """A score as events of one quarter note each, rests repeated.

    Raises:
        NotCarried: more than one voice, a pitch outside C3 to B4, or unequal steps.
    """
    score = carried(score)
    notes = score.parts[0].notes
    if len(score.parts) > 1 or score.chords or len({n.voice for n in notes}) > 1:
        raise NotCarried("more than one voice; the historical preset takes one")
    outside = next((n for n in notes if not LOW <= n.pitch <= HIGH), None)
    if outside:
        raise NotCarried(f"pitch {outside.pitch} lies outside C3 to B4 (48 to 71)", fix="transpose the song")
    if any(n.onset % TPQ or n.duration != TPQ for n in notes) or len({n.onset for n in notes}) < len(notes):
        raise NotCarried("notes of unequal length; the historical preset takes equal steps of a quarter note")
    pitches = {n.onset: n.pitch for n in notes}
    steps = [(pitches.get(onset, v.REST), STEP) for onset in range(0, score.end, TPQ)]
    return [*header(score), *steps, (v.END, v.NONE)]
