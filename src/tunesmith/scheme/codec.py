"""Score -> events and back.

`decode(encode(score)) == carried(score)` for every quantised score: `carried` says what the scheme carries.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunesmith import theory
from tunesmith.errors import NotCarried
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import BODY, PARTS, Cursor
from tunesmith.score import DEFAULT_VELOCITY, Chord, Key, Meter, Note, Part, Score, Tempo

Event = tuple[int, int]  # symbol id, duration id


def carried(score: Score) -> Score:
    """The part of a quantised score that events carry: what `decode(encode(score))` gives back.

    Repeats are written out; drums, parts without notes, titles and names, dynamics, tempo changes and basses of
    chords are left out; tempo and program become their band's and family's; notes are spelled by the key;
    voices are numbered from 1.

    Raises:
        NotCarried: no notes, too many voices, a voice that overlaps itself, or times off the grid.
    """
    played = score.unfold()
    sounding = [p for p in played.parts if p.notes and not p.drums]
    if not sounding:
        raise NotCarried("no notes to learn from" + (" but drums" if score.note_count else ""))
    keys = _effective_keys(played.keys)
    parts = tuple(_carried_part(part, keys) for part in sounding)
    voices = sum(len({n.voice for n in p.notes}) for p in parts)
    if voices + bool(played.chords) > v.MAX_VOICES:
        raise NotCarried(f"{voices} voices; {v.MAX_VOICES} are the most", fix="split it or leave parts out")
    end = max(n.end for p in parts for n in p.notes)
    chords = tuple(Chord(c.onset, c.duration, c.root, c.quality) for c in played.chords)
    end = max(end, max((c.end for c in chords), default=0))
    meters = _effective_meters(played, end)
    pickup = played.pickup % meters[0].bar
    if pickup and not v.representable(pickup):
        raise NotCarried("the pickup is not on the grid", fix="quantise it first")
    return Score(
        parts=parts,
        meters=meters,
        keys=tuple(k for k in keys if k.onset < end),
        tempos=(Tempo(0, v.tempo_of(v.tempo_symbol(played.tempo_at(0).bpm))),),
        chords=chords,
        pickup=pickup,
    )


def _effective_keys(keys: Sequence[Key]) -> tuple[Key, ...]:
    """One key at 0, then only those that change something heard; of several at one tick the last."""
    last = {max(k.onset, 0): k for k in keys}
    found = [Key(0, *_signature(last.pop(0, keys[0] if keys else Key())))]
    for onset, key in sorted(last.items()):
        if (key.tonic, key.mode) != (found[-1].tonic, found[-1].mode):
            found.append(Key(onset, *_signature(key)))
    return tuple(found)


def _signature(key: Key) -> tuple[int, str]:
    return max(-7, min(7, key.fifths)), key.mode


def _effective_meters(score: Score, end: int) -> tuple[Meter, ...]:
    """One meter at 0, then only those that change the meter or move the bar line."""
    last = {max(m.onset, 0): m for m in score.meters if m.onset < end}
    opening = last.pop(0, score.meters[0] if score.meters else Meter())
    found, origin = [Meter(0, opening.beats, opening.unit)], score.pickup % opening.bar
    for onset, meter in sorted(last.items()):
        before = found[-1]
        moved = (onset - origin) % before.bar != 0
        if (meter.beats, meter.unit) != (before.beats, before.unit) or moved:
            found.append(Meter(onset, meter.beats, meter.unit))
            origin = onset
    for meter in found:
        if meter.unit not in v.UNITS or not 1 <= meter.beats <= v.METER.size:
            raise NotCarried(f"meter {meter.beats}/{meter.unit} is not in the vocabulary")
    return tuple(found)


def _carried_part(part: Part, keys: Sequence[Key]) -> Part:
    numbers = {voice: i + 1 for i, voice in enumerate(sorted({n.voice for n in part.notes}))}
    notes, onsets = {}, [k.onset for k in keys]
    for n in part.notes:
        key = keys[bisect_right(onsets, n.onset) - 1]
        fifths = theory.spell(n.pitch, key.fifths, key.mode)
        place = (n.onset, n.pitch, numbers[n.voice])
        notes[place] = Note(n.onset, n.duration, n.pitch, DEFAULT_VELOCITY, numbers[n.voice], fifths)
    return Part(tuple(notes.values()), program=part.program // 8 * 8)


def style_of(score: Score) -> str:
    """The texture of a carried score, one of `vocabulary.STYLES`."""
    voices = [len({n.voice for n in p.notes}) for p in score.parts]
    chordal = [len({(n.onset, n.voice) for n in p.notes}) < len(p.notes) for p in score.parts]
    keyboards = [p.program < 8 and (n > 1 or c) for p, n, c in zip(score.parts, voices, chordal, strict=True)]
    if score.chords:
        return "lead sheet"
    if len(score.parts) == 1:
        return "keyboard" if keyboards[0] else "melody" if voices[0] == 1 else "voices"
    if any(keyboards):
        return "song"
    return "voices" if not any(chordal) and sum(voices) <= 6 else "ensemble"


@dataclass(frozen=True, slots=True)
class _Span:
    """One thing a voice does: a chord of pitches, a rest (no symbols) or a chord symbol, maybe held over."""

    start: int
    end: int
    symbols: tuple[int, ...]
    held: bool = False

    def events(self) -> Iterator[list[Event]]:
        """The events, one list for each stretch of time."""
        for number, duration in enumerate(v.lengths_of(self.end - self.start)):
            if not self.symbols:
                yield [(v.REST, duration)]
            elif self.held or number:
                yield [(v.HOLD, duration)]
            else:
                yield [*((s, v.JOIN) for s in self.symbols[:-1]), (self.symbols[-1], duration)]


def encode(score: Score) -> list[Event]:
    """A quantised score as events: header, body, END.

    Raises:
        NotCarried: see `carried`.
    """
    score = carried(score)
    close, cuts = close_of(score), _cuts(score)
    lines = _bar_lines(score, close)
    tracks = [_filled_in(voice, score, close, lines, cuts) for voice in _voices(score)]
    return list(_merge(score, tracks))


def _voices(score: Score) -> list[list[_Span]]:
    """The spans of each voice, in voice order, without rests."""
    found = [[_Span(c.onset, c.end, (v.chord_symbol(c.root, c.quality),)) for c in score.chords]]
    for part in score.parts:
        for number in range(1, max(n.voice for n in part.notes) + 1):
            chords: dict[tuple[int, int], list[int]] = {}
            for n in part.notes:
                if n.voice == number:
                    chords.setdefault((n.onset, n.end), []).append(n.pitch)
            found.append([_Span(a, b, tuple(sorted(p))) for (a, b), p in sorted(chords.items())])
    return found if score.chords else found[1:]


def _cuts(score: Score) -> list[int]:
    """Ticks at which everything is split, since the meter or key changes there."""
    return sorted({m.onset for m in score.meters[1:]} | {k.onset for k in score.keys[1:]})


def close_of(score: Score) -> int:
    """The tick at which the piece closes: its end, filled up to a bar line or to what the pickup leaves of a bar."""
    end, meter = max(score.end, score.pickup + 1), score.meters[-1]
    origin = meter.onset if len(score.meters) > 1 else score.pickup
    closes = {(-(end - origin)) % meter.bar}
    if score.pickup < meter.bar:
        closes.add((-(end + score.pickup - origin)) % meter.bar)
    return end + min(closes)


def _filled_in(spans: list[_Span], score: Score, close: int, lines: Sequence[int], cuts: Sequence[int]) -> list[_Span]:
    """A voice from the start to the close without gaps: rests filled in, split at cuts (and rests at bar lines)."""
    filled, now = [], 0
    for span in spans:
        if span.start < now:
            bar = next((b.number for b in score.bars() if b.start <= span.start < b.end), 0)
            raise NotCarried("a voice overlaps itself", where=f"bar {bar}", fix="split its voices first")
        if span.start > now:
            filled += _rests(now, span.start, lines, cuts)
        filled += _split(span, cuts)
        now = span.end
    if now < close:
        filled += _rests(now, close, lines, cuts)
    for span in filled:
        if not v.representable(span.end - span.start):
            raise NotCarried("a length is not on the grid", where=f"tick {span.start}", fix="quantise it first")
    return filled


def _rests(start: int, end: int, bar_lines: Sequence[int], cuts: Sequence[int]) -> list[_Span]:
    """Rests split at bar lines, or, where that leaves a length off the grid, only where they must be."""
    split = _split(_Span(start, end, ()), bar_lines)
    fits = all(v.representable(rest.end - rest.start) for rest in split)
    return split if fits else _split(_Span(start, end, ()), cuts)


def _bar_lines(score: Score, close: int) -> list[int]:
    lines: list[int] = []
    now = score.pickup
    changes = [*score.meters[1:], Meter(close)]
    meter = score.meters[0]
    for following in changes:
        lines += range(now, following.onset, meter.bar)
        now, meter = following.onset, following
    return sorted({*lines, *_cuts(score)})


def _split(span: _Span, cuts: Sequence[int]) -> list[_Span]:
    inside = cuts[bisect_right(cuts, span.start) : bisect_left(cuts, span.end)]
    edges = pairwise([span.start, *inside, span.end])
    return [_Span(a, b, span.symbols, held=i > 0) for i, (a, b) in enumerate(edges)]


def header(score: Score) -> list[Event]:
    """The header events of a carried score."""
    meter, key = score.meters[0], score.keys[0]
    events = [
        (v.STYLE[v.STYLES.index(style_of(score))], v.NONE),
        _meter_event(meter),
        _key_event(key),
        (v.tempo_symbol(score.tempo_at(0).bpm), v.NONE),
    ]
    events += [(v.PICKUP, duration) for duration in (v.lengths_of(score.pickup) if score.pickup else ())]
    events += [(v.CHORDS, v.NONE)] if score.chords else []
    for part in score.parts:
        events.append((v.PART[part.program // 8], v.NONE))
        events += [(v.VOICE, v.NONE)] * (max(n.voice for n in part.notes) - 1)
    return events


def _meter_event(meter: Meter) -> Event:
    return v.METER[meter.beats - 1], v.UNITS[meter.unit]


def _key_event(key: Key) -> Event:
    return v.key_symbol(key.fifths, key.mode), v.NONE


def _merge(score: Score, tracks: list[list[_Span]]) -> Iterator[Event]:
    """Header, the voices merged by the rule "the voice furthest behind is next", END."""
    yield from header(score)
    changes: dict[int, list[Event]] = {}
    for meter in score.meters[1:]:
        changes.setdefault(meter.onset, []).append(_meter_event(meter))
    for key in score.keys[1:]:
        changes.setdefault(key.onset, []).append(_key_event(key))
    queues = [iter([e for span in spans for e in span.events()]) for spans in tracks]
    ends = [0] * len(tracks)
    while True:
        now = min(ends)
        yield from changes.pop(now, ())
        voice = ends.index(now)
        events = next(queues[voice], None)
        if events is None:
            break
        yield from events
        ends[voice] += v.TICKS[events[-1][1]]
    yield v.END, v.NONE


def decode(events: Iterable[Event]) -> Score:
    """The score of a row of events that the grammar allows (a row that stops early gives the music so far)."""
    builder = _Builder()
    for symbol, duration in events:
        builder.take(symbol, duration)
    return builder.score()


class _Builder:
    """Collects the notes of a row of events."""

    def __init__(self) -> None:
        self.cursor = Cursor()
        self.parts: list[int] = []  # the part of each voice, -1 = chord voice
        self.programs: list[int] = []
        self.notes: list[list[list[int]]] = []  # voice -> [onset, duration, pitch]
        self.open: list[list[list[int]]] = []  # voice -> what HOLD makes longer
        self.meters: list[Meter] = []
        self.keys: list[Key] = []

    def take(self, symbol: int, duration: int) -> None:
        cursor = self.cursor
        onset, voice = cursor.now, cursor.voice
        if cursor.phase in (PARTS, BODY) and (symbol < v.PITCH.end or symbol in v.CHORD):
            self._sound(voice, onset, symbol, duration, starts=not cursor.building)
        elif symbol == v.HOLD:
            for note in self.open[voice]:
                note[1] += v.TICKS[duration]
        elif symbol in v.PART or symbol == v.VOICE:
            self._open_voice(symbol)
        cursor.advance(symbol, duration)
        if symbol in v.METER:
            self.meters.append(Meter(onset, cursor.beats, cursor.unit))
        elif symbol in v.KEY:
            self.keys.append(Key(onset, cursor.fifths, cursor.mode))

    def _sound(self, voice: int, onset: int, symbol: int, duration: int, starts: bool) -> None:
        if starts:
            self.open[voice] = []
        note = [onset, 0, symbol]
        self.notes[voice].append(note)
        self.open[voice].append(note)
        if duration != v.JOIN:
            for joined in self.open[voice]:
                joined[1] += v.TICKS[duration]

    def _open_voice(self, symbol: int) -> None:
        if symbol == v.CHORDS:
            self.parts.append(-1)
        elif symbol == v.VOICE:
            self.parts.append(self.parts[-1])
        else:
            self.programs.append((symbol - v.PART.first) * 8)
            self.parts.append(len(self.programs) - 1)
        self.notes.append([])
        self.open.append([])

    def score(self) -> Score:
        parts = []
        for index, program in enumerate(self.programs):
            voices = [notes for part, notes in zip(self.parts, self.notes, strict=True) if part == index]
            notes = [
                Note(onset, duration, pitch, DEFAULT_VELOCITY, number)
                for number, voice in enumerate(voices, 1)
                for onset, duration, pitch in voice
                if duration
            ]
            parts.append(Part(tuple(notes), program=program))
        chords = [
            Chord(onset, duration, *v.chord_of(symbol))
            for part, notes in zip(self.parts, self.notes, strict=True)
            if part < 0
            for onset, duration, symbol in notes
        ]
        raw = Score(
            parts=tuple(p for p in parts if p.notes),
            meters=tuple(self.meters),
            keys=tuple(self.keys),
            tempos=(Tempo(0, v.TEMPO_BPM[self.cursor.tempo]),),
            chords=tuple(chords),
            pickup=self.cursor.pickup,
        )
        if not raw.parts:  # only rests: legal events, but no music
            return raw
        return carried(raw)
