"""Writing MIDI files; `midi` says what is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith import theory
from tunesmith.errors import FormatError
from tunesmith.formats.midi_bytes import COMPOSER, DRUM_CHANNEL, FIRST_BAR, PROVENANCE, WHOLE
from tunesmith.score import TPQ, Meter, Note, Part, Score

if TYPE_CHECKING:
    from tunesmith.formats import WriteOptions

DIVISIONS = (480, TPQ)  # ticks per quarter note to write: the first in which the score is exact
_MAX_DELTA = 2**28 - 1  # ticks between two events
Event = tuple[int, int, Any]  # onset in ticks, rank among those of one tick, mido message


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a type 1 file; see `formats.write`, and the head of `midi` for what is lost.

    Raises:
        FormatError: a pitch, velocity, meter, key or tempo that MIDI has no number for, or a silence too long.
    """
    del options
    import mido

    score = score.unfold()
    _check_numbers(score)
    parts = [dataclasses.replace(p, notes=tuple(_switchable(p.notes))) for p in score.parts if p.notes]
    score = score.replace(parts=tuple(parts))
    times = [t for n in score.notes() for t in (n.onset, n.end)]
    for changes in (score.meters, score.keys, score.tempos, score.chords):
        times += [change.onset for change in changes]
    times.append(score.pickup)
    division = next(d for d in DIVISIONS if all(t % (TPQ // d) == 0 for t in times) or d == TPQ)
    file = mido.MidiFile(type=1, ticks_per_beat=division, charset="utf-8")
    tracks = [_conductor(score), *(_track(p, c) for p, c in zip(parts, _channels(parts), strict=True))]
    file.tracks.extend(mido.MidiTrack(_spaced(events, TPQ // division)) for events in tracks)
    file.save(path)


def carried(score: Score) -> Score:
    """What a MIDI file holds of a score: what reading back what was written gives."""
    score = score.unfold()
    parts = [
        dataclasses.replace(p, name=_one_line(p.name), notes=tuple(_plain(p.notes))) for p in score.parts if p.notes
    ]
    keys = [dataclasses.replace(k, mode="minor" if k.mode == "minor" else "major") for k in score.keys]
    meters = score.meters
    if score.pickup and any(m.onset == score.pickup for m in meters[1:]):  # a pickup is of the bar that it leads to
        first = dataclasses.replace(score.meter_at(score.pickup), onset=0)
        meters = (first, *(m for m in meters if m.onset > score.pickup))
    return score.replace(parts=tuple(parts), meters=meters, keys=tuple(keys), chords=(), title=_one_line(score.title))


def _plain(notes: Iterable[Note]) -> Iterator[Note]:
    """Notes as a MIDI file gives them back: without voice and spelling."""
    return (Note(n.onset, n.duration, n.pitch, n.velocity) for n in _switchable(notes))


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _conductor(score: Score) -> list[Event]:
    from mido import MetaMessage

    short = not score.pickup and any(0 < m.onset < m.bar for m in score.meters[1:2])
    texts = [(COMPOSER, score.composer), (PROVENANCE, score.provenance), (FIRST_BAR, WHOLE if short else "")]
    events = [(0, 0, MetaMessage("track_name", name=_encodable(score.title)))] if score.title else []
    events += [(0, 1, MetaMessage("text", text=_encodable(start + text))) for start, text in texts if text]
    for m in _meters(score):
        click = min(255, max(1, 24 * m.beat // TPQ))
        message = MetaMessage("time_signature", numerator=m.beats, denominator=m.unit, clocks_per_click=click)
        events.append((m.onset, 2, message))
    for k in score.keys:
        mode = "minor" if k.mode == "minor" else "major"  # MIDI knows no other
        name = theory.note_name(theory.tonic_fifths(k.fifths, mode)) + ("m" if mode == "minor" else "")
        events.append((k.onset, 3, MetaMessage("key_signature", key=name)))
    events += [(t.onset, 4, MetaMessage("set_tempo", tempo=round(60e6 / t.bpm))) for t in score.tempos]
    events += [(c.onset, 5, MetaMessage("marker", text=c.text)) for c in score.chords]
    return events


def _meters(score: Score) -> Iterator[Meter]:
    """The meters to write, with a pickup as a short first bar (or, where no meter is so short, a repeated one)."""
    if not score.pickup:
        yield from score.meters
        return
    meter = max(score.meter_at(0), score.meter_at(score.pickup), key=lambda m: m.onset)
    units = [2**power for power in range(8) if 2**power >= meter.unit and score.pickup * 2**power % (4 * TPQ) == 0]
    short = Meter(0, score.pickup * units[0] // (4 * TPQ), units[0]) if units else meter
    yield from (dataclasses.replace(short, onset=0), dataclasses.replace(meter, onset=score.pickup))
    yield from (m for m in score.meters if m.onset > score.pickup)


def _track(part: Part, channel: int) -> list[Event]:
    from mido import Message, MetaMessage

    events = [(0, 0, MetaMessage("track_name", name=_encodable(part.name)))] if part.name else []
    events.append((0, 1, Message("program_change", channel=channel, program=part.program)))
    for n in part.notes:
        events.append((n.onset, 3, Message("note_on", channel=channel, note=n.pitch, velocity=n.velocity)))
        events.append((n.end, 2, Message("note_off", channel=channel, note=n.pitch)))
    return events


def _switchable(notes: Iterable[Note]) -> Iterator[Note]:
    """Notes that MIDI can hold: it has one switch a pitch. The head of `midi` says what gives way."""
    pitches: dict[int, list[Note]] = {}
    for note in sorted(notes, key=lambda n: (n.onset, -n.duration)):
        row = pitches.setdefault(note.pitch, [])
        if row and row[-1].onset == note.onset:
            continue
        if row and row[-1].end > note.onset:
            row[-1] = dataclasses.replace(row[-1], duration=note.onset - row[-1].onset)
        row.append(note)
    for row in pitches.values():
        yield from row


def _channels(parts: list[Part]) -> list[int]:
    """A channel for every part: its own while there are any, then that of its instrument, then in turn."""
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    pitched = [part.program for part in parts if not part.drums]
    own = list(zip(pitched, free, strict=False))
    by_program = dict(reversed(own))
    rest = [by_program.get(program, free[i % len(free)]) for i, program in enumerate(pitched[len(free) :])]
    channels = iter([channel for _, channel in own] + rest)
    return [DRUM_CHANNEL if part.drums else next(channels) for part in parts]


def _spaced(events: list[Event], step: int) -> Iterator[Any]:
    """Messages with the time since the one before, in ticks of the file: `step` ticks of the score each."""
    now = 0
    for onset, _, message in sorted(events, key=lambda event: event[:2]):
        if (onset - now) // step > _MAX_DELTA:
            raise FormatError(f"a silence of {(onset - now) // TPQ:,} quarter notes is too long for MIDI")
        message.time = (onset - now) // step
        now = onset
        yield message


def _check_numbers(score: Score) -> None:
    """Refuse what MIDI has no number for."""
    for number, part in enumerate(score.parts, 1):
        for n in part.notes:
            if not (0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 and n.onset >= 0 and n.duration > 0):
                raise FormatError(f"MIDI cannot hold {n}", where=f"part {number}")
    for m in _meters(score):
        if not 1 <= m.beats <= 255 or m.unit not in (1, 2, 4, 8, 16, 32, 64, 128):
            raise FormatError(f"MIDI has no meter of {m.beats}/{m.unit}")
    for k in score.keys:
        if abs(k.fifths) > 7:
            raise FormatError(f"MIDI has no key of {k.fifths} sharps")
    for t in score.tempos:
        if not (t.bpm > 0 and 1 <= 60e6 / t.bpm < 2**24):
            raise FormatError(f"MIDI has no tempo of {t.bpm:g} quarter notes a minute; 3.6 is the slowest")


def _encodable(text: str) -> str:
    """Text without the lone surrogates that a file name in an odd encoding leaves behind."""
    return text.encode("utf-8", "replace").decode("utf-8")
