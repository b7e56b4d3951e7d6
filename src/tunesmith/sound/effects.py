"""Effects: frozen parameters and a call from stream to stream; their state lives in the generator.

`CHAINS` names the chains that `--sound` offers. To add an effect, write a dataclass here; to add a chain, a line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tunesmith.errors import RequestError
from tunesmith.sound import CHANNELS, SAMPLE_RATE, Audio, Stream, amplitude, filters
from tunesmith.sound.streams import convolved

Effect = Callable[[Stream], Stream]

# A room swallows the highs sooner: (upper edge in Hz, share of the reverberation time).
_BANDS = ((250.0, 1.15), (1000.0, 1.0), (3000.0, 0.8), (7000.0, 0.5), (SAMPLE_RATE / 2, 0.3))


@dataclass(frozen=True, slots=True)
class Gain:
    """Louder or softer by `level_db`."""

    level_db: float

    def __call__(self, stream: Stream) -> Stream:
        """The stream, scaled."""
        factor = np.float32(amplitude(self.level_db))
        return (block * factor for block in stream)


@dataclass(frozen=True, slots=True)
class Reverb:
    """A room: `seconds` to fade by 60 dB (250 to 1000 Hz), `wet_db` beside the direct sound, `before` seconds late.

    Convolution with a synthetic response: noise, different left and right, that decays by band. The energy of
    the response is scaled to `wet_db`. After J. A. Moorer, "About this reverberation business", CMJ 3:2 (1979).
    """

    seconds: float = 1.4
    wet_db: float = -11.0
    before: float = 0.012
    seed: int = 1979

    def __call__(self, stream: Stream) -> Stream:
        """The stream in the room, with its tail."""
        return convolved(stream, _room(self))


@lru_cache(maxsize=4)
def _room(reverb: Reverb) -> Audio:
    frames = int(1.2 * reverb.seconds * SAMPLE_RATE)
    noise = np.random.default_rng(reverb.seed).standard_normal((frames, CHANNELS))
    spectrum = np.fft.rfft(noise, axis=0)
    hertz = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE)
    seconds = np.arange(frames) / SAMPLE_RATE
    tail = np.zeros_like(noise)
    lower = 60.0  # below, a room adds only mud
    for upper, share in _BANDS:
        band = spectrum * ((hertz >= lower) & (hertz < upper))[:, None]
        tail += np.fft.irfft(band, frames, axis=0) * (10 ** (-3 * seconds / (reverb.seconds * share)))[:, None]
        lower = upper
    tail[: SAMPLE_RATE // 200] *= np.linspace(0, 1, SAMPLE_RATE // 200)[:, None]
    tail *= amplitude(reverb.wet_db) / np.sqrt((tail**2).sum(0))
    response = np.concatenate([np.zeros((int(reverb.before * SAMPLE_RATE), CHANNELS)), tail])
    response[0] = 1.0  # the direct sound
    return response.astype(np.float32)


@dataclass(frozen=True, slots=True)
class LowPass:
    """Takes away what is above `cutoff` Hz, 12 dB per octave."""

    cutoff: float

    def __call__(self, stream: Stream) -> Stream:
        """The stream, darker."""
        taps = max(256, int(4 * SAMPLE_RATE / self.cutoff))  # by then the response is 100 dB down
        return convolved(stream, filters.impulse_response((filters.low_pass(self.cutoff),), taps))


@dataclass(frozen=True, slots=True)
class Tremolo:
    """The level swings `rate` times a second, down by `depth` (0 to 1) of itself."""

    rate: float = 5.0
    depth: float = 0.3

    def __call__(self, stream: Stream) -> Stream:
        """The stream, trembling."""
        now = 0
        for block in stream:
            turns = (np.arange(now, now + len(block)) * (self.rate / SAMPLE_RATE)) % 1.0
            swing = 1.0 - self.depth * 0.5 * (1.0 - np.cos(2 * np.pi * turns))
            now += len(block)
            yield block * swing.astype(np.float32)[:, None]


CHAINS: dict[str, tuple[Effect, ...]] = {
    "piano": (Reverb(),),
    "classic": (Reverb(seconds=1.8, wet_db=-7.0), LowPass(700.0), Tremolo()),  # the historical chain
}


def chain(name: str) -> tuple[Effect, ...]:
    """A chain of `CHAINS`.

    Raises:
        RequestError: there is none of this name.
    """
    if name not in CHAINS:
        raise RequestError(f"unknown sound {name!r}", fix=f"known are: {' '.join(CHAINS)}")
    return CHAINS[name]


def apply(effects: tuple[Effect, ...], stream: Stream) -> Stream:
    """The stream through the effects, first to last."""
    for effect in effects:
        stream = effect(stream)
    return stream
