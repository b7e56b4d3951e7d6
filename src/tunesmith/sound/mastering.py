"""The last step: a piece at -16 LUFS with its true peaks below -1 dBFS, on a tape in a temporary file.

Two passes, in blocks: play and measure; then bring to the level and limit. Where limiting took loudness away,
the second is done again with that made up for, as far as it can be. Memory stays flat; the disk holds 350 kB a
second of sound, twice, while this goes on.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np

from tunesmith.errors import FormatError
from tunesmith.files import storage_error
from tunesmith.score import Score
from tunesmith.sound import BLOCK, CHANNELS, Stream, decibels
from tunesmith.sound.effects import Gain, apply, chain
from tunesmith.sound.limiter import Limiter
from tunesmith.sound.loudness import SILENCE, Meter
from tunesmith.sound.performance import CAREFUL
from tunesmith.sound.sampler import render

TARGET = -16.0  # LUFS
CLOSE = 0.2  # LU from the target that need no correction
MOST_PUSH = 6.0  # dB into the limiter beyond the target; more would flatten the playing
ROUNDS = 3


class Tape:
    """A recording in a temporary file that disappears with it. `loudness` in LUFS, `peak` of the samples."""

    def __init__(self, stream: Stream) -> None:
        """Record a stream to its end.

        Raises:
            StorageError: there is no room for temporary files.
        """
        meter = Meter()
        self._lock = threading.Lock()  # several readers share the one file
        try:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as the tape
            for block in meter.through(stream):
                self._put(block.tobytes())
        except OSError as error:
            self.close()
            raise storage_error(error, Path(tempfile.gettempdir())) from error
        except BaseException:
            self.close()
            raise
        self.frames, self.peak, self.loudness = meter.frames, meter.peak, meter.loudness

    def blocks(self) -> Stream:
        """What was recorded, in blocks of `BLOCK` frames."""
        size = BLOCK * CHANNELS * 4
        for place in range(0, self.frames * CHANNELS * 4, size):
            with self._lock:
                self._file.seek(place)
                data = self._file.read(size)
            yield np.frombuffer(data, np.float32).reshape(-1, CHANNELS)

    def close(self) -> None:
        """Give the disk space back."""
        if hasattr(self, "_file"):
            self._file.close()

    def __del__(self) -> None:
        self.close()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:  # an unbuffered file may take less than it is given
            view = view[self._file.write(view) :]


def mastered(stream: Stream) -> Tape:
    """The stream at `TARGET` loudness, its true peak below -1 dBFS.

    Raises:
        FormatError: the stream is silent.
        StorageError: there is no room for temporary files.
    """
    raw = Tape(stream)
    if raw.peak == 0:
        raise FormatError("nothing to hear: the sound is silent")
    # What is too soft to pass the gate of the measurement is judged by its peak, at a piano's usual distance.
    loudness = raw.loudness if raw.loudness > SILENCE else decibels(raw.peak) - 15.0
    push = 0.0
    for _ in range(ROUNDS):
        level = Gain(TARGET - loudness + push)
        tape = Tape(Limiter()(level(raw.blocks())))
        short = TARGET - tape.loudness
        if abs(short) <= CLOSE or push >= MOST_PUSH:
            break
        push = min(push + 1.3 * short, MOST_PUSH)  # the limiter takes part of what is added
    raw.close()
    return tape


_last: tuple[tuple[Score, str, float, int], Tape] | None = None
_last_lock = threading.Lock()


def tape_of(score: Score, sound: str = "piano", feel: float = CAREFUL, seed: int = 0) -> Tape:
    """The finished sound of a score. The last one is kept, so that a WAV, an MP3 and a page cost one rendering.

    Raises:
        RequestError: `sound` is unknown, or `feel` is not between 0 and 1.
        FormatError: there is nothing to play.
        StorageError: there is no room for temporary files, or the sample pack is damaged.
    """
    global _last  # noqa: PLW0603 - one piece is written in several formats, each knowing only the score
    key = (score, sound, feel, seed)
    with _last_lock:
        if _last is None or _last[0] != key:
            effects = chain(sound)
            _last = key, mastered(apply(effects, render(score, feel, seed)))
        return _last[1]
