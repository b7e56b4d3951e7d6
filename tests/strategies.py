"""Generated scores for property tests: quantised, in every texture the scheme carries."""

from __future__ import annotations

from hypothesis import strategies as st

from tunesmith import theory
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Score, Tempo

PLAIN = (TPQ // 4, TPQ // 2, 3 * TPQ // 4, TPQ, 3 * TPQ // 2, 2 * TPQ, 3 * TPQ, 4 * TPQ, 11 * TPQ // 4, 9 * TPQ)
TUPLETS = ((TPQ // 3, 3), (TPQ // 6, 6), (TPQ // 5, 5), (TPQ // 7, 7), (2 * TPQ // 3, 3))


@st.composite
def voices(draw: st.DrawFn, number: int = 1, chords: bool = False, size: int = 12) -> list[Note]:
    """A voice: notes, chords and rests one after the other, tuplets in whole groups."""
    notes: list[Note] = []
    now = 0
    for _ in range(draw(st.integers(1, size))):
        if draw(st.integers(0, 4)) == 0:
            length, count = draw(st.sampled_from(TUPLETS))
        else:
            length, count = draw(st.sampled_from(PLAIN)), 1
        for _ in range(count):
            pitches = draw(st.sets(st.integers(30, 100), min_size=0, max_size=4 if chords else 1))
            notes += [Note(now, length, pitch, voice=number) for pitch in pitches]
            now += length
    return notes


@st.composite
def scores(draw: st.DrawFn, chords: bool = True, max_parts: int = 3, lead_sheet: bool = True) -> Score:
    """A quantised score with meter and key changes, a pickup, several parts and voices, chord symbols."""
    parts = []
    for index in range(draw(st.integers(1, max_parts))):
        notes = [n for number in range(1, draw(st.integers(1, 2)) + 1) for n in draw(voices(number, chords))]
        parts.append(Part(tuple(notes), program=draw(st.sampled_from((0, 40, 73))), name=f"part {index + 1}"))
    meter = draw(st.sampled_from(((4, 4), (3, 4), (6, 8), (2, 2), (5, 8))))
    meters, keys = [Meter(0, *meter)], [draw(key_at(0))]
    pickup = draw(st.sampled_from((0, 0, TPQ // 2, TPQ)))
    for bar in sorted(draw(st.sets(st.integers(1, 4), max_size=2))):
        onset = pickup + bar * meters[0].bar
        if draw(st.booleans()) and len(meters) == 1:
            meters.append(Meter(onset, *draw(st.sampled_from(((2, 4), (3, 8))))))
        else:
            keys.append(draw(key_at(onset)))
    symbols = draw(chord_rows()) if lead_sheet and draw(st.booleans()) else ()
    return Score(tuple(parts), tuple(meters), tuple(keys), (Tempo(0, draw(st.floats(30, 240))),), symbols, pickup)


@st.composite
def key_at(draw: st.DrawFn, onset: int) -> Key:
    return Key(onset, draw(st.integers(-7, 7)), draw(st.sampled_from(tuple(theory.MODES))))


@st.composite
def chord_rows(draw: st.DrawFn) -> tuple[Chord, ...]:
    now, found = 0, []
    for _ in range(draw(st.integers(0, 5))):
        now += draw(st.sampled_from((0, 0, TPQ)))
        length = draw(st.sampled_from((TPQ, 2 * TPQ, 4 * TPQ)))
        found.append(Chord(now, length, draw(st.integers(0, 11)), draw(st.integers(0, len(theory.QUALITIES) - 1))))
        now += length
    return tuple(found)


def melody(pitches: list[int], length: int = TPQ, **fields: object) -> Score:
    """A plain melody of equal notes."""
    notes = tuple(Note(i * length, length, p) for i, p in enumerate(pitches) if p)
    return Score((Part(notes),), **fields)  # type: ignore[arg-type]  # any field of Score
