"""A piece to work on: its events, each with its place, and the way back to the score that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from tunesmith import scheme, theory
from tunesmith.constraints.formal import Place
from tunesmith.prepare import prepare
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.score import DEFAULT_VELOCITY, Bar, Chord, Note, Part, Score


@dataclass(frozen=True, slots=True)
class Placed:
    """An event of the body that takes time or is joined: voice (as the cursor counts), tick, notes joined before."""

    place: Place
    event: Event
    end: int  # ticks; of a joined note that of the whole chord


@dataclass(frozen=True, slots=True)
class Material:
    """A piece as it is written, repeats once. `score`: prepared; `head`, `body`: its events, without the end."""

    score: Score
    head: tuple[Event, ...]
    body: tuple[Placed, ...]
    controls: dict[int, tuple[Event, ...]]  # changes of meter and key, by their ticks
    end: int  # the tick where the piece closes
    bars: int  # full bars

    @classmethod
    def of(cls, piece: Score) -> Material:
        """Make a piece ready to be worked on.

        Raises:
            NotCarried: it has no notes, too many voices, or lengths that the scheme cannot carry.
        """
        score = prepare(piece)
        return cls.of_events(score, scheme.encode(score.replace(repeats=(), jumps=())))

    @classmethod
    def of_events(cls, score: Score, events: Iterable[Event]) -> Material:
        """From events of a piece that may have no score yet."""
        cursor, head, found = Cursor(), list[Event](), list[Placed]()
        controls: dict[int, tuple[Event, ...]] = {}
        for symbol, duration in events:
            if symbol >= v.CHORD.end or symbol == v.END:
                if found and symbol != v.END:
                    controls[cursor.now] = (*controls.get(cursor.now, ()), (symbol, duration))
                elif symbol != v.END:
                    head.append((symbol, duration))
            else:
                place = cursor.voice, cursor.now, len(cursor.building)
                found.append(Placed(place, (symbol, duration), cursor.now + v.TICKS[duration]))
            cursor.advance(symbol, duration)
        ends = {(p.place[0], p.place[1]): p.end for p in found if p.event[1] != v.JOIN}
        body = tuple(replace(p, end=ends.get(p.place[:2], p.end)) for p in found)
        bars = cursor.bars_before + -(-(cursor.now - cursor.origin) // cursor.bar_length)
        return cls(score, tuple(head), body, controls, cursor.now, bars)

    @property
    def chord_voice(self) -> bool:
        """Whether voice 0 carries chord symbols."""
        return (v.CHORDS, v.NONE) in self.head

    @property
    def voices(self) -> int:
        """Voices as the cursor counts them."""
        return sum(symbol in v.PART or symbol == v.VOICE for symbol, _ in self.head)

    def bar(self, number: int) -> Bar | None:
        """A bar by its number; None where the piece has none of it."""
        return next((bar for bar in self.score.bars(self.end) if bar.number == number), None)

    def events(self, body: Iterable[Placed]) -> list[Event]:
        """The header, and placed events with the changes of meter and key between them."""
        found, told = list(self.head), 0
        for placed in body:
            for tick in sorted(t for t in self.controls if told < t <= placed.place[1]):
                found += self.controls[tick]
                told = tick
            found.append(placed.event)
        return found

    def cursor(self, events: Iterable[Event]) -> Cursor:
        """The cursor after events."""
        cursor = Cursor()
        for symbol, duration in events:
            cursor.advance(symbol, duration)
        return cursor


def notes_of(material: Material) -> dict[int, list[Note]]:
    """The notes of every voice, or chord symbols as notes with the symbol for a pitch, holds added up."""
    found: dict[int, list[Note]] = {voice: [] for voice in range(material.voices)}
    for placed in material.body:
        (voice, tick, _), (symbol, _) = placed.place, placed.event
        if symbol == v.HOLD:
            last = found[voice][-1].onset
            found[voice] = [replace(n, duration=placed.end - n.onset) if n.onset == last else n for n in found[voice]]
        elif symbol != v.REST:
            found[voice].append(Note(tick, placed.end - tick, symbol))
    return found


def homes(score: Score) -> list[tuple[int, int]]:
    """For every voice of notes of a prepared score, in the order of the events: its part, and its number there."""
    return [
        (number, voice)
        for number, part in enumerate(score.parts)
        if part.notes and not part.drums
        for voice in sorted({note.voice for note in part.notes})
    ]


def put_back(material: Material, events: Sequence[Event], names: Sequence[str] = ()) -> Score:
    """The score with the music of these events: notes that were there stay as they were, others take their places.

    Voices that the score did not have become parts of their own, called `names`; chord symbols, where it had none,
    are added.
    """
    score = material.score
    made = Material.of_events(score, events)
    first = int(made.chord_voice)
    found = notes_of(made)
    known = homes(score)
    parts = [list[Note]() for _ in score.parts]
    for number, part in enumerate(score.parts):
        if not any(home[0] == number for home in known):
            parts[number] = list(part.notes)  # drums
    for voice, (number, own) in enumerate(known):
        old = {(n.onset, n.duration, n.pitch): n for n in score.parts[number].notes if n.voice == own}
        usual = round(median([n.velocity for n in old.values()] or [DEFAULT_VELOCITY]))
        for note in found.get(voice + first, ()):
            key = note.onset, note.duration, note.pitch
            parts[number].append(old.get(key) or _spelled(score, replace(note, voice=own, velocity=usual)))
    whole = [replace(part, notes=tuple(notes)) for part, notes in zip(score.parts, parts, strict=True)]
    families = [symbol - v.PART.first for symbol, _ in _voices(made.head)][first:]
    for index, voice in enumerate(range(len(known) + first, made.voices)):
        name = names[index] if index < len(names) else f"Voice {voice - first + 1}"
        notes = tuple(_spelled(score, note) for note in found[voice])
        whole.append(Part(notes, name, families[voice - first] * 8 if voice - first < len(families) else 0))
    score = score.replace(parts=tuple(whole))
    if first:
        known_chords = {(c.onset, c.duration, c.root, c.quality): c for c in score.chords}
        chords = (Chord(n.onset, n.duration, *v.chord_of(n.pitch)) for n in found[0])
        told = tuple(known_chords.get((c.onset, c.duration, c.root, c.quality), c) for c in chords)
        score = score.replace(chords=told)
    return score


def _voices(head: Sequence[Event]) -> list[Event]:
    """For each voice of a header the event of its part."""
    found: list[Event] = []
    for event in head:
        if event[0] in v.PART:
            found.append(event)
        elif event[0] == v.VOICE:
            found.append(found[-1])
    return found


def _spelled(score: Score, note: Note) -> Note:
    key = score.key_at(note.onset)
    return replace(note, fifths=theory.spell(note.pitch, key.fifths, key.mode))
