"""MIDI files, `.mid` and `.midi`: notes, meters, keys, tempos and instruments.

Reading is raw: nothing is quantised and every note is of voice 1 (finding grid and voices is for `prepare`).
- A part is a channel of a track; its program is the one in force at its first note. Channel 10 is drums.
- The sustain pedal does not lengthen notes. Notes of no length and later
  changes of program are left out; a `SongWarning` counts them.
- A first meter that ends before a bar of the next one is over is a pickup: one bar of 1/4 before 4/4, or a 4/4
  repeated after one quarter. Sequencers and notation programs write pickups so; MIDI has no other way. Where that is
  not meant, our own files say so in a text.
- A file of type 2 holds several songs, one a track.

Writing gives a type 1 file, a conductor track and then one track a part. Repeats are written out. Lost: voices
and spelling, modes but major and minor, chord symbols (written as markers, not read back), parts without notes;
of notes that sound one pitch in one part, the later ends the earlier, and of two that begin together the longer stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tunesmith.errors import FormatError, SongWarning
from tunesmith.files import read_bytes
from tunesmith.formats import midi_bytes
from tunesmith.formats.midi_bytes import COMPOSER, DRUM_CHANNEL, FIRST_BAR, PROVENANCE, WHOLE
from tunesmith.formats.midi_write import carried, write
from tunesmith.score import TPQ, Key, Meter, Note, Part, Score, Tempo

if TYPE_CHECKING:
    from tunesmith.formats import ReadOptions

__all__ = ["carried", "read", "write"]

_NO_TITLES = {"control track", "conductor", "conductor track", "tempo", "tempo track", "untitled", "track 1"}

# What no song needs, but what would make a small hostile file eat hours or gigabytes further on.
MAX_BYTES = 2 * 2**20
MAX_NOTES = 250_000
MAX_PARTS = 1_000  # and songs of a type 2 file
MAX_CHANGES = 20_000  # of tempo, of meter, of key, of program
MAX_BARS = 100_000
MAX_HOURS = 24

Change = TypeVar("Change", Meter, Key, Tempo)


def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]:
    """The song of a file, or of a type 2 file every track as a song; see `formats.read`."""
    del options
    data = read_bytes(path, MAX_BYTES)
    file = midi_bytes.read_file(data)
    if file.kind < 2:
        yield from _song(file, [midi_bytes.read_track(data, chunk) for chunk in file.chunks])
        return
    if len(file.chunks) > MAX_PARTS:
        raise FormatError(f"{len(file.chunks):,} songs in a file of type 2; {MAX_PARTS:,} is the most", where="byte 10")
    for chunk in file.chunks:
        try:
            yield from _song(file, [midi_bytes.read_track(data, chunk)])
        except FormatError as error:
            yield error


def _song(file: midi_bytes.File, tracks: list[midi_bytes.Track]) -> Iterator[Score | FormatError]:
    """The score that the tracks make, then what is not in it as written."""
    score = _score(file, tracks)
    yield score
    counts = {
        "notes of no length, left out": sum(track.silent for track in tracks),
        "notes never switched off, ended with their track": sum(track.hanging for track in tracks),
        "changes of instrument inside a part, left out": sum(map(_later_programs, tracks)),
    }
    for what, count in counts.items():
        if count:
            yield SongWarning(f"{what}: {count}", where=_where(tracks))


def _where(tracks: list[midi_bytes.Track]) -> str:
    return f"track {tracks[0].number}" if len(tracks) == 1 else f"all {len(tracks)} tracks"


def _later_programs(track: midi_bytes.Track) -> int:
    """How often a channel changes its program while its notes go on."""
    now: dict[int, int] = {}
    spans = {channel: (min(raw)[0], max(raw)[0]) for channel, raw in track.notes.items()}
    count = 0
    for tick, channel, program in track.programs:
        first, last = spans.get(channel, (0, -1))
        count += first < tick <= last and now.get(channel, 0) != program
        now[channel] = program
    return count


def _score(file: midi_bytes.File, tracks: list[midi_bytes.Track]) -> Score:
    where = _where(tracks)
    counts = [len(notes) for track in tracks for notes in track.notes.values()]
    if not counts:
        raise FormatError("no notes", where=where)
    if sum(counts) > MAX_NOTES or len(counts) > MAX_PARTS:
        what = f"{sum(counts):,} notes in {len(counts):,} parts; {MAX_NOTES:,} in {MAX_PARTS:,} is the most"
        raise FormatError(what, where=where)
    scale = Fraction(TPQ * file.per, file.ticks)
    meters, pickup = tuple(Meter(at, *m) for at, m in _changes([t.meters for t in tracks], scale)), 0
    if _text(tracks, FIRST_BAR) != WHOLE:
        meters, pickup = _pickup(meters)
    keys = (Key(at, fifths, "minor" if m else "major") for at, (fifths, m) in _changes([t.keys for t in tracks], scale))
    tempos = (Tempo(at, _bpm(us)) for at, (us,) in _changes([t.tempos for t in tracks], scale))
    score = Score(
        parts=tuple(_parts(file, tracks, scale)),
        meters=meters,
        keys=tuple(keys),
        tempos=(Tempo(),) if file.frames else tuple(tempos),  # film frames are seconds: no tempo changes them
        pickup=pickup,
        title=_title(file, tracks),
        composer=_text(tracks, COMPOSER),
        provenance=_text(tracks, PROVENANCE),
    )
    end = max(note[1] for track in tracks for raw in track.notes.values() for note in raw)
    _check_length(score, -(-end * scale.numerator // scale.denominator), where)
    return score


def _parts(file: midi_bytes.File, tracks: list[midi_bytes.Track], scale: Fraction) -> Iterator[Part]:
    num, den, half = scale.numerator, scale.denominator, scale.denominator // 2
    programs = [(tick, track.number, channel, p) for track in tracks for tick, channel, p in track.programs]
    _check_changes(len(programs))
    for track in tracks:
        name = _name(track) if file.kind == 1 and not _names_song(track, tracks) else ""
        for channel, raw in sorted(track.notes.items()):
            notes = []
            for onset, end, pitch, velocity in raw:
                start, stop = (onset * num + half) // den, (end * num + half) // den
                notes.append(Note(start, max(1, stop - start), pitch, velocity))
            first = min(raw)[0]
            yield Part(tuple(notes), name, _program(programs, track.number, channel, first), channel == DRUM_CHANNEL)


def _program(programs: list[tuple[int, int, int, int]], track: int, channel: int, tick: int) -> int:
    """The program of a channel at a tick: what the track itself says goes before what other tracks say."""
    said = [(number == track, at, p) for at, number, c, p in programs if c == channel and at <= tick]
    return max(reversed(said), key=lambda s: s[:2], default=(False, 0, 0))[2]


def _changes(tracks: list[list[tuple[Any, ...]]], scale: Fraction) -> list[tuple[int, tuple[Any, ...]]]:
    """Changes of all tracks by onset in ticks of the score: the first track's, the last of those at one tick."""
    num, den, half = scale.numerator, scale.denominator, scale.denominator // 2
    merged: dict[int, tuple[Any, ...]] = {}
    for track in tracks:
        own = {(tick * num + half) // den: tuple(values) for tick, *values in track}
        for onset, values in own.items():
            merged.setdefault(onset, values)
    _check_changes(len(merged))
    return sorted(merged.items())


def _check_changes(count: int) -> None:
    if count > MAX_CHANGES:
        raise FormatError(f"{count:,} changes of tempo, meter, key or program; {MAX_CHANGES:,} of one is the most")


def _pickup(meters: tuple[Meter, ...]) -> tuple[tuple[Meter, ...], int]:
    """The meters, and the pickup that a short first meter stands for; see the head of this module."""
    if len(meters) < 2 or meters[0].onset:
        return meters, 0
    first, second = meters[:2]
    length = second.onset
    repeated = (first.beats, first.unit) == (second.beats, second.unit)
    if length >= second.bar or not (length == first.bar or repeated):
        return meters, 0
    return (dataclasses.replace(second, onset=0), *meters[2:]), length


def _bpm(microseconds: int) -> float:
    """The plainest number of quarter notes a minute that lasts these microseconds: 92, not 91.99998773."""
    exact = 60e6 / microseconds
    plain = (round(exact, digits) for digits in range(7))
    return next((bpm for bpm in plain if bpm and round(60e6 / bpm) == microseconds), exact)


def _names_song(track: midi_bytes.Track, tracks: list[midi_bytes.Track]) -> bool:
    """Whether a track's name is the song's: that of a first track that conducts, or that holds all the notes."""
    return track is tracks[0] and (not track.notes or not any(other.notes for other in tracks[1:]))


def _title(file: midi_bytes.File, tracks: list[midi_bytes.Track]) -> str:
    name = _name(tracks[0]) if file.kind != 1 or _names_song(tracks[0], tracks) else ""
    return "" if name.lower() in _NO_TITLES else name


def _name(track: midi_bytes.Track) -> str:
    """The track's name in one line, control characters as spaces."""
    name = next((_decode(content) for kind, content in track.texts if kind == midi_bytes.NAME), "")
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _text(tracks: list[midi_bytes.Track], beginning: str) -> str:
    """What follows after a text's known beginning, or nothing."""
    start = beginning.encode()
    texts = (content for track in tracks for kind, content in track.texts if kind == midi_bytes.TEXT)
    return next((_decode(text[len(start) :]) for text in texts if text.startswith(start)), "")


def _decode(content: bytes) -> str:
    """Text of unknown encoding: UTF-8, or else Latin-1."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _check_length(score: Score, end: int, where: str) -> None:
    lasts = [changes[-1].onset for changes in (score.meters, score.keys, score.tempos) if changes]
    end = max([end, *lasts])
    hours = float(score.seconds(end)) / 3600
    if hours > MAX_HOURS:
        raise FormatError(f"lasts {hours:,.0f} hours; {MAX_HOURS} is the most", where=where)
    meters = (Meter(), *score.meters, Meter(end))
    bars = sum(1 + (after.onset - meter.onset) // meter.bar for meter, after in pairwise(meters))
    if bars > MAX_BARS:
        raise FormatError(f"has {bars:,} bars; {MAX_BARS:,} is the most", where=where)
