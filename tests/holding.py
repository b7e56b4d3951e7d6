"""Whether a finished piece keeps a wish: each looked up in the score alone, by what `Request` promises.

Nothing here knows how the wishes are kept: no cursor, no mask, no class of `tunesmith.constraints`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from tunesmith import theory
from tunesmith.originality import Fingerprint, Index, lines, originality
from tunesmith.request import Request
from tunesmith.score import TPQ, Note, Score

REACH = 6  # semitones that the first voice may be off a contour
BREATH = TPQ // 2


@dataclass(frozen=True)
class Facts:
    """What a wish needs to know besides the piece: of the songs learned, and of the texture asked for.

    `low`, `high`: their range. `longest`: their longest note, ticks. `songs`: themselves, for the cap. `base`: what the
    base learned from, where it is the base's piece. `voices`: how many voices of notes the piece has to have;
    `chord_voice`: whether chord symbols have a voice of their own.
    """

    low: int = 0
    high: int = 127
    longest: int = 4 * TPQ
    songs: tuple[Score, ...] = ()
    base: Fingerprint | None = None
    voices: int = 1
    chord_voice: bool = False

    @classmethod
    def of(cls, *songs: Score) -> Facts:
        """Of songs of one texture."""
        notes = [note for song in songs for note in song.notes()]
        pitches, voices = [note.pitch for note in notes], len(voices_of(songs[0]))
        longest = max(note.duration for note in notes)
        return cls(min(pitches), max(pitches), longest, songs, None, voices, bool(songs[0].chords))


def voices_of(score: Score) -> list[list[Note]]:
    """The notes of each voice, from the first part's first on."""
    found = defaultdict[tuple[int, int], list[Note]](list)
    for number, part in enumerate(score.parts):
        for note in part.notes:
            found[number, note.voice].append(note)
    return [found[place] for place in sorted(found)]


def tops_of(notes: Sequence[Note]) -> list[Note]:
    """One note after another: the top notes of chords."""
    return list({note.onset: note for note in sorted(notes, key=lambda n: (n.onset, n.pitch))}.values())


def whole(request: Request, score: Score) -> int:
    """The ticks that the piece has to have: its full bars; a pickup is what the last of them lacks."""
    return request.bars * score.meters[0].bar


def bar_lines(request: Request, score: Score) -> list[tuple[int, int]]:
    """Start and end of every bar but the pickup."""
    meter, end = score.meters[0], whole(request, score)
    return [
        (start, min(start + meter.bar, end))
        for start in (score.pickup + number * meter.bar for number in range(request.bars))
    ]


def phrase_end(request: Request, score: Score, bar: int) -> int:
    """Where the phrase ends that closes in a bar, counted from 1: before the pickup of a section that begins in it."""
    start, end = bar_lines(request, score)[bar - 1]
    count = sum(letter != "'" for letter in request.form or "")
    sections = [whole(request, score) * place // count for place in range(count)]
    return next((tick for tick in sections if start < tick < end), end)


def steps_from(tonic: int, fifths: int) -> list[int]:
    """The seven pitch classes of a key, from its tonic up."""
    naturals = sorted({7 * place % 12 for place in range(fifths - 1, fifths + 6)})
    at = naturals.index(tonic)
    return naturals[at:] + naturals[:at]


Told = Iterator[str]  # what is wrong


def _bars(request: Request, score: Score, facts: Facts) -> Told:
    end = whole(request, score)
    if score.end > end:
        yield f"it ends {score.end - end} ticks late"
    sounding = [bar.number for bar in score.bars() if bar.number > 0]
    if len(sounding) != request.bars:
        yield f"{len(sounding)} bars, not {request.bars}"


def _key(request: Request, score: Score, facts: Facts) -> Told:
    if score.keys != (request.key,):
        yield f"the keys are {score.keys}"


def _meter(request: Request, score: Score, facts: Facts) -> Told:
    if score.meters != (request.meter,):
        yield f"the meters are {score.meters}"


def _tempo(request: Request, score: Score, facts: Facts) -> Told:
    if [tempo.bpm for tempo in score.tempos] != [request.tempo]:
        yield f"the tempos are {score.tempos}"


def _range(request: Request, score: Score, facts: Facts) -> Told:
    told = {voice: (low, high) for voice, low, high in request.range}
    for number, notes in enumerate(voices_of(score), 1):
        low, high = told.get(number) or told.get(0) or (facts.low, facts.high)
        yield from (f"{n.pitch} in voice {number} is not in {low}-{high}" for n in notes if not low <= n.pitch <= high)


def _shortest(request: Request, score: Score, facts: Facts) -> Told:
    yield from (f"a note of {n.duration} ticks" for n in score.notes() if n.duration < request.shortest)


def _density(request: Request, score: Score, facts: Facts) -> Told:
    least, most = request.density
    for number, notes in enumerate(voices_of(score), 1):
        for bar, (start, end) in enumerate(bar_lines(request, score), 1):
            count = len({n.onset for n in notes if start <= n.onset < end})
            full = end - start == score.meters[0].bar
            if count > most or (full and count < least):
                yield f"{count} notes in bar {bar} of voice {number}"


def _leap(request: Request, score: Score, facts: Facts) -> Told:
    for number, notes in enumerate(voices_of(score), 1):
        for a, b in pairwise(tops_of(notes)):
            if abs(b.pitch - a.pitch) > request.leap:
                yield f"from {a.pitch} to {b.pitch} at tick {b.onset} of voice {number}"


def _chords(request: Request, score: Score, facts: Facts) -> Told:
    wanted = []
    for bar, (start, end) in enumerate(bar_lines(request, score)):
        names = request.chords[bar % len(request.chords)]
        each = score.meters[0].bar // len(names)
        for place, name in enumerate(names):
            begin = start + place * each
            if begin < end:
                wanted.append((begin, min(begin + each, end), name))
    found = [(chord.onset, chord.end, (chord.root, chord.quality)) for chord in score.chords]
    if found != wanted:
        yield f"the chords are {found}, not {wanted}"
    before = [None, *(name for _, _, name in wanted)]
    for (begin, _, (root, quality)), old in zip([] if facts.chord_voice else wanted, before, strict=False):
        tones = {(root + interval) % 12 for interval in theory.QUALITIES[quality].intervals}
        yield from (
            f"{n.pitch} begins with a chord of {tones}"
            for n in score.notes()
            if n.onset == begin and n.pitch % 12 not in tones
        )
        yield from (
            f"{n.pitch} is held into a chord of {tones}"
            for n in score.notes()
            if n.onset < begin < n.end and (root, quality) != old and _can_end(request, begin)
        )


def _can_end(request: Request, tick: int) -> bool:
    """Whether the lengths asked for let a note end at a tick."""
    return request.shortest is None and tick % (request.steps or 1) == 0


def _cadence(request: Request, score: Score, facts: Facts) -> Told:
    key, meter, bars = score.keys[0], score.meters[0], bar_lines(request, score)
    steps = steps_from(key.tonic, key.fifths)
    for kind, bar in request.cadence:
        start, end = bars[(bar or request.bars) - 1][0], phrase_end(request, score, bar or request.bars)
        home = [steps[place % 7] for place in ((0, 2, 4) if kind == "tonic" else (4, 6, 8))]
        if kind == "half" and key.mode == "minor":
            home[1] = (key.tonic + 11) % 12
        longest, voices = request.steps or facts.longest, voices_of(score)
        least = min(meter.bar // 2, 4 * TPQ // meter.unit, longest, end - start)
        for number, notes in enumerate(voices, 1):
            bass = number == len(voices) > 1
            fine = {home[0]} if bass or (kind == "tonic" and number in (1, len(voices))) else set(home)
            last = [n for n in notes if n.onset < end <= n.end]
            if not last:
                yield f"nothing sounds at the end of bar {bar} in voice {number}"
            for n in last:
                if n.pitch % 12 not in fine:
                    yield f"{n.pitch} ends bar {bar} in voice {number}, not one of {fine}"
                if n.end != end:
                    yield f"{n.pitch} is held over the end of bar {bar} in voice {number}"
                if n.duration < least:
                    yield f"{n.pitch} at the end of bar {bar} has {n.duration} ticks"
        if facts.chord_voice:
            closing = [c for c in score.chords if c.onset < end <= c.end]
            tones = [{(c.root + i) % 12 for i in theory.QUALITIES[c.quality].intervals} for c in closing]
            late = not request.chords and any(c.end != end for c in closing)  # else they are told bar by bar
            if [c.root for c in closing] != [home[0]] or not set(home) <= tones[0] or late:
                yield f"the chords at the end of bar {bar} are {closing}"


def _form(request: Request, score: Score, facts: Facts) -> Told:
    text = request.form
    letters = [(c, text[i + 1 : i + 2] == "'") for i, c in enumerate(text) if c != "'"]
    size, first = whole(request, score) // len(letters), dict[str, int]()
    beat = score.meters[0].beat
    tracks: list[list[tuple[int, int, int]]] = [
        [(n.onset, n.duration, n.pitch) for n in notes] for notes in voices_of(score)
    ]
    if not request.chords:  # where they are asked for, they are told bar by bar, and may sound on
        tracks.append([(c.onset, c.duration, 1000 + 12 * c.quality + c.root) for c in score.chords])

    def section(track: list[tuple[int, int, int]], start: int) -> list[tuple[int, int, int]]:
        return sorted((a - start, length, what) for a, length, what in track if start <= a < start + size)

    for place, (letter, varied) in enumerate(letters):
        start = place * size
        for number, track in enumerate(tracks, 1):
            if any(a < start < a + length for a, length, _ in track):
                yield f"voice {number} sounds across the beginning of section {place + 1}"
            if letter not in first:
                continue
            then, now = section(track, first[letter]), section(track, start)
            if varied:
                free = [(start + a - score.pickup) % beat != 0 and what < 1000 for a, _, what in now]
                now = [(a, length, 0 if f else what) for (a, length, what), f in zip(now, free, strict=True)]
                free = [(start + a - score.pickup) % beat != 0 and what < 1000 for a, _, what in then]
                then = [(a, length, 0 if f else what) for (a, length, what), f in zip(then, free, strict=True)]
            if then != now:
                yield f"section {place + 1} is not {letter} in voice {number}: {now}, not {then}"
        first.setdefault(letter, start)


def _rests(request: Request, score: Score, facts: Facts) -> Told:
    for number, notes in enumerate(voices_of(score), 1):
        edges = [(0, 0), *((n.onset, n.end) for n in tops_of(notes)), (whole(request, score), 0)]
        for (_, a), (b, _) in pairwise(edges):
            if a != b:
                yield f"voice {number} rests from {a} to {b}"


def _breath(request: Request, score: Score, facts: Facts) -> Told:
    notes = voices_of(score)[0]
    for bar in range(request.breath, request.bars, request.breath):
        end = phrase_end(request, score, bar)
        yield from (
            f"{n.pitch} sounds at the end of bar {bar}" for n in notes if n.onset < end and n.end > end - BREATH
        )


def _contour(request: Request, score: Score, facts: Facts) -> Told:
    told = {voice: (low, high) for voice, low, high in request.range}
    low = max(facts.low, facts.high - 24) if facts.voices > 1 else facts.low  # the two upper octaves of several voices
    low, high = told.get(1) or told.get(0) or (low, facts.high)
    inside, end = min(REACH, (high - low) // 2), whole(request, score)
    bottom, top = min(request.contour), max(request.contour)
    scale = (high - low - 2 * inside) / (top - bottom or 1)
    heights = [low + inside + (height - bottom) * scale for height in request.contour]
    ticks = [round(end * i / (len(heights) - 1)) for i in range(len(heights))]
    for n in voices_of(score)[0]:
        place = max(i for i, tick in enumerate(ticks[:-1]) if tick <= n.onset)
        share = (n.onset - ticks[place]) / (ticks[place + 1] - ticks[place])
        line = heights[place] + share * (heights[place + 1] - heights[place])
        if abs(n.pitch - line) > REACH + 1e-6:
            yield f"{n.pitch} at {n.onset} is off the line, {line:.1f}"


def _notes(request: Request, score: Score, facts: Facts) -> Told:
    meter, bars = score.meters[0], bar_lines(request, score)
    for bar, beat, pitch in request.notes:
        tick = bars[bar - 1][0] + int((beat - 1) * 4 * TPQ / meter.unit)
        begun = [n.pitch for n in voices_of(score)[0] if n.onset == tick]
        if begun != [pitch]:
            yield f"{begun} at beat {beat} of bar {bar}, not {pitch}"


def _repeats(request: Request, score: Score, facts: Facts) -> Told:
    for number, notes in enumerate(voices_of(score), 1):
        tops, seen = tops_of(notes), set[tuple[tuple[int, int], ...]]()
        for end in range(request.repeats + 1, len(tops) + 1):
            run = tops[end - request.repeats - 1 : end]
            steps = tuple((n.pitch - run[0].pitch, n.duration) for n in run)
            if steps in seen:
                yield f"{len(run)} notes of voice {number} come back at {run[0].onset}: {steps}"
            seen.add(steps)


def _steps(request: Request, score: Score, facts: Facts) -> Told:
    for notes in voices_of(score):
        if len({n.onset for n in notes}) < len(notes):
            yield "two notes at once"
        for n in notes:
            if n.duration != request.steps or n.onset % request.steps:
                yield f"a note of {n.duration} ticks at {n.onset}"


def _max_copy(request: Request, score: Score, facts: Facts) -> Told:
    longest = originality(score, Index.of(facts.songs)).longest
    if longest > request.max_copy:
        yield f"{longest} notes stand in a song"
    if facts.base:
        longest = max((facts.base.longest(line.steps()) for line in lines(score)), default=0)
        if longest > max(request.max_copy, facts.base.size):  # of shorter runs nothing is known
            yield f"{longest} notes stand in the base's music"


def _chromatic(request: Request, score: Score, facts: Facts) -> Told:
    """Of 0: none outside the key. Minor has its raised sixth and seventh too."""
    key = score.keys[0]
    inside = set(steps_from(key.tonic, key.fifths))
    inside |= {(key.tonic + 11) % 12, (key.tonic + 9) % 12} if key.mode == "minor" else set()
    yield from (f"{n.pitch} is not in {key}" for n in score.notes() if n.pitch % 12 not in inside)


CHECKS: dict[str, Callable[[Request, Score, Facts], Told]] = {
    "bars": _bars,
    "key": _key,
    "meter": _meter,
    "tempo": _tempo,
    "range": _range,
    "shortest": _shortest,
    "density": _density,
    "leap": _leap,
    "chords": _chords,
    "cadence": _cadence,
    "form": _form,
    "rests": _rests,
    "breath": _breath,
    "contour": _contour,
    "notes": _notes,
    "repeats": _repeats,
    "steps": _steps,
    "max_copy": _max_copy,
    "chromatic": _chromatic,
}
WISHES = [name for name in CHECKS if name != "bars"]
_NOTHING = {"rests": True}
# What cannot be had together, or only with values that suit each other
APART = (
    {"notes", "contour"},  # the line may lie elsewhere
    {"notes", "form"},  # two notes at the same place of a section
    {"notes", "chords"},
    {"notes", "cadence"},
    {"form", "chords"},  # other chords where the section comes back
    {"form", "cadence"},  # a half cadence where the same music ends the piece
    {"form", "breath"},
    {"form", "repeats"},  # a section is a long repeat
    {"chords", "cadence"},  # the chord in that bar may be another
    {"chords", "chromatic"},  # chords with notes outside the key
    {"cadence", "breath"},  # in the same bar
    {"rests", "breath"},
    {"steps", "shortest"},
)


def groups(count: int, names: Sequence[str] = WISHES) -> list[tuple[str, ...]]:
    """All so many wishes that can be had together."""
    return [some for some in combinations(names, count) if not any(pair <= set(some) for pair in APART)]


def asked_of(request: Request) -> list[str]:
    """The wishes that a request has and that a piece can be held to."""

    def asked(name: str) -> bool:
        value = getattr(request, name)
        if name in ("max_copy", "chromatic"):  # a cap of 0 is none; of the dial only its end promises anything
            return value is not None and (value == 0) == (name == "chromatic")
        return value not in (None, ()) and value != _NOTHING.get(name)

    return [name for name in CHECKS if asked(name)]


def holds(name: str, request: Request, score: Score, facts: Facts | None = None) -> str:
    """'' where the piece keeps this wish of the request, else what is wrong first."""
    return next(CHECKS[name](request, score, facts or Facts()), "")


def broken(request: Request, score: Score, facts: Facts | None = None) -> list[str]:
    """All wishes of a request that the piece does not keep, with what is wrong."""
    told = {name: holds(name, request, score, facts) for name in asked_of(request)}
    return [f"{name}: {what}" for name, what in told.items() if what]
