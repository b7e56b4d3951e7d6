"""From a flat score to playing: accents, phrases, timing, articulation, pedal. One dial, `feel`.

`feel` 0 is mechanical: exact times, velocities as written, no pedal. 0.3 is a careful player, 1 a sloppy one.
Shaping (accents, arcs, ritardando) reaches its full measure at 0.3 and half as much again at most;
unevenness (drift, jitter) grows all the way. The same seed plays the same way.

Every part but drums is played, whatever its program: there is one instrument, the piano. Drums have no
recordings yet and are left out of the sound; chord symbols are a reading aid and are not played.

Sources: A. Friberg, R. Bresin, J. Sundberg, "Overview of the KTH rule system for musical performance", Advances in
Cognitive Psychology 2 (2006): phrase arch, high loud, final ritard, melody emphasis. W. Goebl, "Melody lead in piano
performance", JASA 110 (2001): the melody comes first. Amounts were set by ear and measurement, not from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import FormatError, RequestError
from tunesmith.score import Bar, Note, Score
from tunesmith.sound import pedal

CAREFUL = 0.3  # the feel at which shaping has its full measure
LONGEST_SECONDS = 2 * 3600.0  # of playing; more is a broken file, and would fill a disk
SHORTEST_SECONDS = 0.03  # a key is down for at least this long
PHRASE_BARS = 4

# Velocity steps by where in the bar a note starts.
ACCENTS = {"downbeat": 6.0, "mid-bar": 3.0, "beat": 0.0, "off-beat": -3.0, "between": -4.0}
# Velocity steps by what a voice is in the texture, and for the notes of a chord below its top.
ROLES = {"only": 0.0, "melody": 4.0, "inner": -9.0, "bass": -5.0}
UNDER_THE_TOP = -4.0
ARC = 9.0  # velocity steps from the edge of a phrase to its middle
CONTOUR = 0.4  # velocity steps per semitone above the voice's own middle, at most 12 semitones
UNEVEN_TOUCH = 2.0  # velocity steps, standard deviation

DRIFT = 0.012  # standard deviation of the tempo's wandering, as a share
ARC_TEMPO = 0.015  # how much slower a phrase is at its edges than in its middle
RITARDANDO = 0.35  # how much longer the last beat is
JITTER = 0.003  # seconds, standard deviation
SPREAD = 0.006  # seconds between the notes of a chord, from the top
LATE_BREATH = 0.08  # share of its length that a note at the end of a phrase gives up
# Share of its length that a key is held, by what follows in the voice.
HELD = {"legato": 0.98, "repeated": 0.86, "leap": 0.93, "last": 1.0}


@dataclass(frozen=True, slots=True)
class Strike:
    """A key struck. Times in seconds from the start of the piece.

    `duration_seconds` is how long the key is held, `ring_seconds` how long the string rings until its damper
    falls (longer under the pedal). `part` is an index into `Score.parts`; `note` is the note of the score, its
    repeats written out, that is being played.
    """

    onset_seconds: float
    duration_seconds: float
    ring_seconds: float
    pitch: int
    velocity: int
    part: int
    note: Note


def perform(score: Score, feel: float = CAREFUL, seed: int = 0) -> tuple[Strike, ...]:
    """Play a score, repeats written out: what is struck when, sorted by onset.

    Raises:
        RequestError: `feel` is not between 0 and 1.
        FormatError: there is nothing to play, or it would last longer than two hours.
    """
    if not 0.0 <= feel <= 1.0:
        raise RequestError(f"feel is {feel}", fix="it goes from 0 (mechanical) to 1 (sloppy)")
    score = score.unfold()
    voices = _voices(score)
    if not voices:
        drums = any(part.notes for part in score.parts)
        raise FormatError("nothing to play: " + ("it has drums only" if drums else "it has no notes"))
    end = float(score.seconds(max(n.end for notes in voices.values() for n in notes)))
    if not end <= LONGEST_SECONDS:
        raise FormatError(f"it would last {end / 3600:.1f} hours", fix="two hours are the most that is played")
    strikes = _exact(score, voices) if feel == 0 else _Player(score, feel, seed).play(voices)
    return tuple(sorted(strikes, key=lambda s: (s.onset_seconds, s.pitch, s.part, s.duration_seconds)))


Voices = dict[tuple[int, int], list[Note]]  # (part, voice) -> its notes in order of onset


def _voices(score: Score) -> Voices:
    voices: Voices = {}
    for index, part in enumerate(score.parts):
        for note in () if part.drums else part.notes:
            voices.setdefault((index, note.voice), []).append(note)
    return voices


def _exact(score: Score, voices: Voices) -> Iterator[Strike]:
    for (part, _), notes in voices.items():
        times = score.seconds([(n.onset, n.end) for n in notes])
        for note, (start, stop) in zip(notes, times.tolist(), strict=True):
            held = max(stop - start, SHORTEST_SECONDS)
            yield Strike(start, held, held, note.pitch, note.velocity, part, note)


class _Player:
    """What a player knows before the first note: the bars, the phrases, the pulse, and how careful to be."""

    def __init__(self, score: Score, feel: float, seed: int) -> None:
        self.shaping = min(feel / CAREFUL, 1.5)
        self.unevenness = feel / CAREFUL
        self.random = np.random.default_rng(seed)
        self.bars = list(score.bars())
        self.bar_starts = np.array([bar.start for bar in self.bars])
        self.last_phrase = max(bar.number - 1 for bar in self.bars) // PHRASE_BARS
        ticks = sorted({tick for note in score.notes() for tick in (note.onset, note.end)})
        time = self._pulse(score)
        played: list[float] = time(ticks).tolist()
        self.when = dict(zip(ticks, played, strict=True))  # ticks to performed seconds
        self.pedal = pedal.spans(score, self.bars)
        self.lifts: list[float] = time([end for _, end in self.pedal]).tolist()

    def play(self, voices: Voices) -> Iterator[Strike]:
        """All strikes, voice by voice."""
        roles = _roles(voices)
        for (part, voice), notes in voices.items():
            chords = [list(group) for _, group in groupby(notes, key=lambda n: n.onset)]
            middle = float(np.median([n.pitch for n in notes]))
            for chord, following in pairwise([*chords, []]):
                rows = zip(self._velocities(chord, roles[part, voice], middle), self._spread(len(chord)), strict=True)
                for note, (velocity, late) in zip(sorted(chord, key=lambda n: -n.pitch), rows, strict=True):
                    onset = max(0.0, self.when[note.onset] + late)
                    stop = self._release(note, following)
                    ring = pedal.damped(note, stop, self.pedal, self.lifts)
                    held_for = max(stop - onset, SHORTEST_SECONDS)
                    ring_for = max(ring - onset, held_for)
                    yield Strike(onset, held_for, ring_for, note.pitch, velocity, part, note)

    def _velocities(self, chord: list[Note], role: str, middle: float) -> list[int]:
        """Of the notes of a chord from the top down."""
        bar = self._bar(chord[0].onset)
        steps = ACCENTS[place_in_bar(chord[0].onset, bar)] + ROLES[role] + ARC * (self._arc(chord[0].onset) - 0.5)
        top = max(n.pitch for n in chord)
        result = []
        for note in sorted(chord, key=lambda n: -n.pitch):
            contour = CONTOUR * float(np.clip(note.pitch - middle, -12, 12)) + (note.pitch < top) * UNDER_THE_TOP
            touch = UNEVEN_TOUCH * self.unevenness * float(np.clip(self.random.standard_normal(), -2.5, 2.5))
            result.append(int(np.clip(round(note.velocity + self.shaping * (steps + contour) + touch), 1, 127)))
        return result

    def _spread(self, count: int) -> list[float]:
        """Seconds that each note of a chord, from the top down, is off the beat."""
        late = SPREAD * self.unevenness * np.sort(self.random.random(count)) * (np.arange(count) > 0)
        jitter = JITTER * self.unevenness * np.clip(self.random.standard_normal(count), -2.5, 2.5)
        off: list[float] = (late + jitter).tolist()
        return off

    def _release(self, note: Note, following: list[Note]) -> float:
        """When the key is let go, in seconds."""
        start, stop = self.when[note.onset], self.when[note.end]
        held = 1.0 + min(self.shaping, 1.0) * (HELD[_connection(note, following)] - 1.0)
        if following and self._phrase(following[0].onset) != self._phrase(note.onset):
            held -= self.shaping * LATE_BREATH
        return start + (stop - start) * held

    def _bar(self, onset: int) -> Bar:
        return self.bars[int(np.searchsorted(self.bar_starts, onset, side="right")) - 1]

    def _phrase(self, onset: int) -> int:
        return max(self._bar(onset).number - 1, 0) // PHRASE_BARS

    def _arc(self, onset: int) -> float:
        """0 at the edges of a phrase, 1 a little past its middle."""
        bar = self._bar(onset)
        place = max(bar.number - 1, 0) % PHRASE_BARS + (onset - bar.start) / (bar.end - bar.start)
        return float(np.sin(np.pi * (place / PHRASE_BARS) ** 1.2))

    def _pulse(self, score: Score) -> Callable[[object], NDArray[np.float64]]:
        """The time map: ticks to performed seconds, the same for all voices."""
        beats = np.array([tick for bar in self.bars for tick in range(bar.start, bar.end, bar.meter.beat)])
        grid = np.append(beats, self.bars[-1].end)
        wander = np.zeros(len(beats))
        for i, step in enumerate(self.random.standard_normal(len(beats)).tolist()):
            wander[i] = 0.85 * wander[i - 1] * (i > 0) + 0.53 * step  # standard deviation 1, a memory of six beats
        stretch = DRIFT * self.unevenness * np.clip(wander, -2.5, 2.5)
        stretch += ARC_TEMPO * self.shaping * np.array([0.5 - self._arc(beat) for beat in beats.tolist()])
        slowing = min(len(beats) // 4, self.bars[-1].meter.beats)  # beats; none in a piece of a bar
        if slowing:
            stretch[-slowing:] += RITARDANDO * self.shaping * np.linspace(0, 1, slowing + 1)[1:] ** 2
        exact = score.seconds(grid)
        played = np.concatenate([[0.0], np.cumsum(np.diff(exact) * (1.0 + stretch))])
        return lambda ticks: np.interp(score.seconds(np.asarray(ticks, np.int64)), exact, played)


def place_in_bar(onset: int, bar: Bar) -> str:
    """Which of `ACCENTS` a note gets; the place is counted from the bar's end where the bar is a pickup."""
    beat = bar.meter.beat
    place = onset - bar.start if bar.number else bar.meter.bar - (bar.end - onset)
    if place == 0:
        return "downbeat"
    if place % beat == 0:
        return "mid-bar" if place * 2 == bar.meter.bar else "beat"
    return "off-beat" if place * 2 % beat == 0 else "between"


def _roles(voices: Voices) -> dict[tuple[int, int], str]:
    """Which voice is the melody (the highest on average), which the bass, which are between."""
    height = sorted(voices, key=lambda v: float(np.mean([n.pitch for n in voices[v]])))
    if len(height) == 1:
        return {height[0]: "only"}
    return dict.fromkeys(height, "inner") | {height[0]: "bass", height[-1]: "melody"}


def _connection(note: Note, following: list[Note]) -> str:
    if not following:
        return "last"
    nearest = min(abs(n.pitch - note.pitch) for n in following)
    return "repeated" if nearest == 0 else "legato" if nearest <= 5 else "leap"
