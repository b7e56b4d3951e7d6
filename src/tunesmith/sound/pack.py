"""Sample packs: recorded notes of an instrument, decoded when a note first needs them.

A pack is an uncompressed zip of `index.json` (credits, licence, and a row for every recording) and one Ogg
file a recording, made by a script in `tools/`. A recording starts `lead_seconds` before its attack; `gain`
undoes the even level it is stored at; `level_db` is its K-weighted loudness once that is undone; `agreement`
is the correlation of its waveform with the next softer layer's (0 in the softest layer).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tunesmith.errors import StorageError
from tunesmith.files import read_bytes
from tunesmith.sound import Audio

PACKS = {"piano": Path(__file__).parent / "packs" / "piano.zip"}
CACHE_BYTES = 96 * 2**20  # of notes ready to be mixed; more are decoded again when they come back


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded note: its MIDI pitch, the velocity it stands for, and what the module says of it."""

    file: str
    pitch: int
    velocity: int
    frames: int
    gain: float
    level_db: float
    agreement: float


class Pack:
    """An instrument: its recordings by layer (rows, softest first) and pitch, and notes made from them."""

    def __init__(self, data: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        index = json.loads(self._zip.read("index.json"))
        self.credits: dict[str, object] = {key: value for key, value in index.items() if key != "notes"}
        self.lead_seconds = float(index["lead_seconds"])
        rows = [Recording(**row) for row in index["notes"]]
        self.velocities = tuple(sorted({row.velocity for row in rows}))
        self.pitches = tuple(sorted({row.pitch for row in rows}))
        found = {(row.velocity, row.pitch): row for row in rows}
        self.recordings = tuple(tuple(found[v, p] for p in self.pitches) for v in self.velocities)
        self._cache: OrderedDict[tuple[int, int], Audio] = OrderedDict()
        self._cached_bytes = 0

    def recording(self, layer: int, pitch: int) -> Recording:
        """The recording nearest to a pitch."""
        return min(self.recordings[layer], key=lambda row: abs(row.pitch - pitch))

    def note(self, layer: int, pitch: int, frames: int) -> Audio:
        """A note as it would sound if held: at least `frames` frames of it, or the whole recording."""
        key = layer, pitch
        audio = self._cache.pop(key, None)
        if audio is not None:
            self._cached_bytes -= audio.nbytes
        row = self.recording(layer, pitch)
        ratio = 2.0 ** ((pitch - row.pitch) / 12)
        if audio is None or len(audio) < min(frames, int((row.frames - 3) / ratio)):
            audio = resampled(self._decoded(row, int(frames * ratio) + 4), ratio)
        self._cache[key] = audio
        self._cached_bytes += audio.nbytes
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return audio

    def _decoded(self, row: Recording, frames: int) -> Audio:
        audio: Audio
        audio, _ = soundfile.read(io.BytesIO(self._zip.read(row.file)), min(frames, row.frames), dtype="float32")
        audio *= np.float32(row.gain)
        return audio


@lru_cache
def load_pack(name: str = "piano") -> Pack:
    """A pack of `PACKS`, its index read, nothing decoded yet.

    Raises:
        StorageError: the pack is missing or damaged.
    """
    path = PACKS[name]
    try:
        return Pack(read_bytes(path))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise StorageError("the sample pack is damaged", path=path, fix="install tunesmith again") from error


def resampled(audio: Audio, ratio: float) -> Audio:
    """The audio played `ratio` times as fast, by cubic Lagrange interpolation; 3 frames shorter at its end.

    A semitone up or down, the image of a partial at 2 kHz lies 90 dB below it, at 5 kHz 57 dB.
    """
    if ratio == 1.0:
        return audio
    places = np.arange(int((len(audio) - 3) / ratio)) * ratio
    whole = places.astype(np.intp)
    x: NDArray[np.float32] = (places - whole).astype(np.float32)
    frames = np.ascontiguousarray(audio).view(np.complex64)[:, 0]  # both channels at once
    before = np.concatenate([frames[:1], frames])  # so that before[i] is the frame ahead of frames[i]
    result = before[whole] * (-x * (x - 1) * (x - 2) / 6)
    result += before[whole + 1] * ((x + 1) * (x - 1) * (x - 2) / 2)
    result += before[whole + 2] * (-x * (x + 1) * (x - 2) / 2)
    result += before[whole + 3] * (x * (x + 1) * (x - 1) / 6)
    stereo: Audio = result.view(np.float32).reshape(-1, 2)
    return stereo
