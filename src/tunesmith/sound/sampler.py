"""The sampler: strikes -> audio in blocks, from the recordings of a pack. Memory does not grow with the piece.

A note blends the two recorded layers around its velocity (they are aligned, so this changes the colour, not
the level), shifted from the nearest recorded pitch. Its level follows one curve of velocity for the whole
keyboard. A damper lets it die away quickly, the bass slower; the highest strings have none, as on a real
piano. A key struck again takes over its string.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tunesmith.score import Score
from tunesmith.sound import BLOCK, CHANNELS, SAMPLE_RATE, Audio, Stream, amplitude
from tunesmith.sound.pack import Pack, load_pack
from tunesmith.sound.performance import CAREFUL, Strike, perform

LEVEL_DB = -24.0  # of a note in the middle of the keyboard at velocity 100, K-weighted, before mastering
VELOCITY_DB = 30.6  # times log10(velocity / 100): 16 dB between velocity 30 and 100
SOFTEST = 8  # velocities below sound like this one: a whisper, yet to be heard
UNDAMPED = 90  # F sharp 6 and above: strings without dampers
SAME_STROKE = 0.015  # seconds: two voices on one key this close together are one stroke
PURE = 0.12  # a layer whose share is smaller is left out
BLENDS = 0.5  # layers that agree less would partly cancel: the nearer one is taken alone
QUIET = amplitude(-66.0)  # where a damped note is let go
FADE_FRAMES = 44  # of a note cut into at the very start of the piece


@dataclass(frozen=True, slots=True)
class Sound:
    """A strike as the mixer sees it: frames from the start of the piece, gain of each layer's recording."""

    start: int
    damped: int  # the frame where the damper falls
    pitch: int
    gains: tuple[tuple[int, float], ...]  # (layer, gain)


def render(
    score: Score, feel: float = CAREFUL, seed: int = 0, *, block: int = BLOCK, pack: Pack | None = None
) -> Stream:
    """The sound of a score, dry, in blocks of `block` frames; see `perform` for `feel`, `seed` and errors."""
    return play(perform(score, feel, seed), block=block, pack=pack)


def play(strikes: Sequence[Strike], *, block: int = BLOCK, pack: Pack | None = None) -> Stream:
    """The sound of strikes sorted by onset, to the end of the last tail."""
    pack = pack or load_pack()
    sounds = [_sound(strike, pack) for strike in _strings(strikes)]
    needed: dict[tuple[int, int], int] = {}  # (layer, pitch) -> the most frames that any sound takes of it
    for sound in sounds:
        frames = sound.damped - sound.start + len(_damper(sound.pitch))
        for layer, _ in sound.gains:
            needed[layer, sound.pitch] = max(frames, needed.get((layer, sound.pitch), 0))
    return _mixed(sounds, needed, pack, block)


def _mixed(sounds: list[Sound], needed: dict[tuple[int, int], int], pack: Pack, size: int) -> Stream:
    active: list[_Voice] = []  # in order of start, so that sums do not depend on the block size
    now, upcoming = 0, 0
    while upcoming < len(sounds) or active:
        block = np.zeros((size, CHANNELS), np.float32)
        while upcoming < len(sounds) and sounds[upcoming].start < now + size:
            active.extend(_voices(sounds[upcoming], needed, pack))
            upcoming += 1
        for voice in active:
            voice.mix(block, now)
        end = max((voice.end for voice in active), default=now) if upcoming == len(sounds) else now + size
        active = [voice for voice in active if voice.end > now + size]
        yield block[: end - now]
        now += size


@dataclass(frozen=True, slots=True)
class _Voice:
    """One layer of a sound on its way into the mix."""

    audio: Audio
    gain: np.float32
    start: int
    damped: int
    damper: Audio  # (frames, 1), from 1 down to `QUIET`

    @property
    def end(self) -> int:
        return min(self.start + len(self.audio), self.damped + len(self.damper))

    def mix(self, block: Audio, now: int) -> None:
        """Add what falls into the block that starts at frame `now`."""
        first, last = max(self.start, now), min(self.end, now + len(block))
        turn = min(max(self.damped, first), last)
        if first < turn:
            block[first - now : turn - now] += self.audio[first - self.start : turn - self.start] * self.gain
        if turn < last:
            fall = self.damper[turn - self.damped : last - self.damped] * self.gain
            block[turn - now : last - now] += self.audio[turn - self.start : last - self.start] * fall


def _voices(sound: Sound, needed: dict[tuple[int, int], int], pack: Pack) -> Iterator[_Voice]:
    for layer, gain in sound.gains:
        audio = pack.note(layer, sound.pitch, needed[layer, sound.pitch])
        if sound.start < 0:  # the piece starts with the note: only the silence before its attack is cut
            audio = audio[-sound.start :].copy()
            audio[:FADE_FRAMES] *= np.linspace(0, 1, FADE_FRAMES, dtype=np.float32)[:, None]
        yield _Voice(audio, np.float32(gain), max(sound.start, 0), sound.damped, _damper(sound.pitch))


@lru_cache(maxsize=128)
def _damper(pitch: int) -> Audio:
    """How a string dies away once its damper falls: exponentially, the longer and heavier the slower."""
    time_constant = 0.18 * 2.0 ** (-(pitch - 21) / 36)  # seconds: 0.18 at the lowest string, 0.08 at middle C
    frames = int(-math.log(QUIET) * time_constant * SAMPLE_RATE)
    fall: Audio = np.exp(-np.arange(frames) / (time_constant * SAMPLE_RATE)).astype(np.float32)[:, None]
    return fall


def _sound(strike: Strike, pack: Pack) -> Sound:
    start = round((strike.onset_seconds - pack.lead_seconds) * SAMPLE_RATE)
    damped = start + round((strike.ring_seconds + pack.lead_seconds) * SAMPLE_RATE)
    if strike.pitch >= UNDAMPED:
        damped = start + 60 * SAMPLE_RATE  # longer than any recording
    return Sound(start, damped, strike.pitch, tuple(_gains(strike.velocity, strike.pitch, pack)))


def _gains(velocity: int, pitch: int, pack: Pack) -> Iterator[tuple[int, float]]:
    """The layers that a velocity blends, and the gain of each."""
    wanted = LEVEL_DB + VELOCITY_DB * math.log10(max(velocity, SOFTEST) / 100) + _tilt(pack, pitch)
    place = float(np.interp(velocity, pack.velocities, range(len(pack.velocities))))
    lower = min(int(place), len(pack.velocities) - 2)
    agreement = pack.recording(lower + 1, pitch).agreement
    pure = PURE if agreement > BLENDS else 0.5
    share = place - lower
    share = 0.0 if share < pure else 1.0 if share >= 1 - pure else share
    together = math.sqrt((1 - share) ** 2 + share**2 + 2 * agreement * share * (1 - share))  # level of the blend
    for layer, part in ((lower, 1 - share), (lower + 1, share)):
        if part:
            yield layer, part / together * amplitude(wanted - pack.recording(layer, pitch).level_db)


def _tilt(pack: Pack, pitch: int) -> float:
    """How much louder than the middle of the keyboard the piano is here, in dB, note by note unevenness taken out."""
    return float(np.interp(pitch, pack.pitches, _tilts(pack)))


@lru_cache(maxsize=4)
def _tilts(pack: Pack) -> tuple[float, ...]:
    levels = np.array([[row.level_db for row in layer] for layer in pack.recordings]).mean(0)
    curve = np.polyval(np.polyfit(pack.pitches, levels, 4), pack.pitches)
    middle = float(np.interp(60, pack.pitches, curve))
    return tuple((curve - middle).tolist())


def _strings(strikes: Sequence[Strike]) -> list[Strike]:
    """The strikes as the strings hear them: a key has one string, and a new stroke takes it over."""
    result: list[Strike] = []
    sounding: dict[int, int] = {}  # pitch -> index into result of its last stroke
    for strike in strikes:
        index = sounding.get(strike.pitch, -1)
        before = result[index] if index >= 0 else None
        left = before.onset_seconds + before.ring_seconds - strike.onset_seconds if before else 0.0
        ring = max(strike.ring_seconds, left)  # the voice that holds the key longer decides
        if before and strike.onset_seconds - before.onset_seconds < SAME_STROKE:
            ring += strike.onset_seconds - before.onset_seconds
            result[index] = replace(before, velocity=max(before.velocity, strike.velocity), ring_seconds=ring)
            continue
        if before and left > 0:
            result[index] = replace(before, ring_seconds=strike.onset_seconds - before.onset_seconds)
        sounding[strike.pitch] = len(result)
        result.append(replace(strike, ring_seconds=ring))
    return result
