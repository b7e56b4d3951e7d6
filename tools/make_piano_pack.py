"""Make the piano sample pack: `python tools/make_piano_pack.py [FOLDER_WITH_TARBALLS]`.

Source: the Salamander Grand Piano V3 by Alexander Holm (CC-BY 3.0), three of its sixteen velocity layers, as
the npm packages below, fetched with `npm pack` unless the folder holds the tarballs already. What is done:

1. align: the three layers of a note are shifted so that their waveforms agree (they are one piano, and blend
   like one once aligned), then everything before 2 ms ahead of the attack is cut off;
2. clean: a gentle high-pass below the note's fundamental takes out the room's rumble;
3. tune: deviations from the piano's own smooth stretch tuning are taken out while resampling to 44.1 kHz;
4. cut at 6 s with a fade, encode as Ogg Vorbis at an even peak level (the gain back is stored).

The pack is an uncompressed zip of one Ogg file a note and `index.json`, and the same bytes every time.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import butter, correlate, resample, sosfilt

from tunesmith.sound import SAMPLE_RATE, Audio
from tunesmith.sound.loudness import weighted_power
from tunesmith.sound.ogg import set_serial

PACK = Path(__file__).parents[1] / "src/tunesmith/sound/packs/piano.zip"
VERSION = "1.0.5"
SOURCES = (  # layer of the sixteen, the MIDI velocity it stands for, and npm's integrity of the tarball
    (4, 40, "q7TqNxzGPpr+WsluagKkyU7DqpoXzU8YqOuV0N06g6FsiaC6swyQ9PSLUvbJwQ8wLn6dMKWfKfLPJLhJPjsdUQ=="),
    (10, 76, "u56gCoMSSy1uLUhCaXjaobBx90dD0e/Hec7K/oAkmyfdV6CtDim2Rd9hSL3TlCetiLe3iryffSgnhb7Bb+WmZg=="),
    (16, 124, "JhTYYAv30PXMa0yUpXHKp+OmOSduXcCVgtsMQN2U4i7YH/eUbr0hGlr0znDzuXXnoCa7KBpE9Li4Jknc1uPrrQ=="),
)
NAMES = {"C": 0, "D#": 3, "F#": 6, "A": 9}
PITCHES = {f"{name}{octave}": 12 * (octave + 1) + step for octave in range(9) for name, step in NAMES.items()}
NOTES = {name: pitch for name, pitch in PITCHES.items() if 21 <= pitch <= 108}
LEAD = 0.002  # seconds kept before the attack
LONGEST = 6.0  # seconds
FADE = 1.5  # seconds of it that fade out
QUALITY = 0.7  # soundfile's compression level: 0 best, 1 smallest
CREDITS = {
    "name": "Salamander Grand Piano V3",
    "author": "Alexander Holm",
    "instrument": "Yamaha C5",
    "source": "https://archive.org/details/SalamanderGrandPianoV3",
    "licence": "Creative Commons Attribution 3.0 Unported (CC-BY 3.0)",
    "licence_url": "https://creativecommons.org/licenses/by/3.0/",
    "obtained_from": [f"npm @audio-samples/piano-velocity{layer} {VERSION}" for layer, _, _ in SOURCES],
    "changes": "three of sixteen velocity layers; aligned, high-passed, evened in tuning, cut at 6 s with a fade, "
    "resampled to 44.1 kHz, re-encoded as Ogg Vorbis",
}


def fetch(folder: Path, layer: int, integrity: str) -> dict[str, tuple[Audio, int]]:
    """The notes of a layer by name, each (audio, sample rate), from the npm tarball, checked."""
    tarball = folder / f"audio-samples-piano-velocity{layer}-{VERSION}.tgz"
    if not tarball.exists():
        name = f"@audio-samples/piano-velocity{layer}@{VERSION}"
        subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    data = tarball.read_bytes()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != integrity:
        raise SystemExit(f"{tarball.name}: sha512 is {found}, expected {integrity}")
    notes = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for name in NOTES:
            member = archive.extractfile(f"package/audio/{name}v{layer}.ogg")
            assert member is not None
            notes[name] = sf.read(io.BytesIO(member.read()), dtype="float32", always_2d=True)
    return notes


def attack(audio: Audio, rate: int) -> int:
    """The frame where the attack starts: where the power of 1 ms first passes 1% of the attack's own."""
    width = rate // 1000
    power = np.convolve((audio.astype(np.float64) ** 2).sum(1), np.ones(width), "full")[: len(audio)]
    return int(np.argmax(power > 0.01 * power[: rate // 5].max())) - width // 2


def lag(reference: Audio, other: Audio, rate: int) -> int:
    """By how many frames `other` comes late, from the correlation of their first 0.4 s; at most 4 ms.

    0 where the waveforms do not agree anywhere near (the lowest strings): the attacks are in step already.
    """
    length, reach = int(0.4 * rate), rate // 250
    a, b = reference[:length].astype(np.float64), other[:length].astype(np.float64)
    products = sum(correlate(b[:, c], a[:, c], method="fft") for c in range(2))[length - 1 - reach : length + reach]
    best = int(np.argmax(products))
    return best - reach if products[best] > 0.7 * np.sqrt((a**2).sum() * (b**2).sum()) else 0


def aligned(layers: list[Audio], rate: int) -> list[Audio]:
    """The layers of one note, cut to start `LEAD` before the attack, in step with the middle one."""
    starts = [attack(audio, rate) for audio in layers]
    middle = layers[1][starts[1] :]
    late = [lag(middle, audio[start:], rate) for audio, start in zip(layers, starts, strict=True)]
    lead = int(LEAD * rate)
    return [cut(audio, start + offset - lead) for audio, start, offset in zip(layers, starts, late, strict=True)]


def cut(audio: Audio, start: int) -> Audio:
    """`audio` from `start` on, which may lie before its beginning."""
    return audio[start:] if start >= 0 else np.concatenate([np.zeros((-start, 2), np.float32), audio])


def cents_off(audio: Audio, rate: int, pitch: int) -> float:
    """How far the strongest partial (the first, or the second in the bass) is from equal temperament."""
    partial = 1 if pitch > 40 else 2
    nominal = partial * 440.0 * 2 ** ((pitch - 69) / 12)
    tone = audio[rate // 10 :][: 2 * rate].sum(1)
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), size))
    frequency = np.arange(len(spectrum)) * rate / size
    near = (frequency > nominal * 0.96) & (frequency < nominal * 1.04)
    top = int(np.argmax(spectrum * near))
    a, b, c = np.log(spectrum[top - 1 : top + 2] + 1e-12)
    return float(1200 * np.log2((top + 0.5 * (a - c) / (a - 2 * b + c)) * rate / size / nominal))


def stretch(pitches: NDArray[np.float64], cents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The piano's smooth stretch tuning: a robust cubic through what was measured."""
    weight = np.ones_like(cents)
    for _ in range(5):  # outliers (a measured wrong partial) lose their say
        curve = np.polyval(np.polyfit(pitches - 64, cents, 3, w=weight), pitches - 64)
        weight = 1.0 / (1.0 + ((cents - curve) / 4.0) ** 2)
    return curve


def converted(audio: Audio, rate: int, pitch: int, cents: float) -> Audio:
    """High-passed, shifted by `cents`, at 44.1 kHz, faded in over 1 ms and out at the end."""
    fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
    low_cut = butter(2, min(0.6 * fundamental, 60.0), "highpass", fs=rate, output="sos")
    audio = sosfilt(low_cut, audio[: int((LONGEST + 0.2) * rate)], axis=0)
    length = round(len(audio) * SAMPLE_RATE / rate * 2 ** (-cents / 1200))
    audio = resample(audio, length, axis=0)[: int(LONGEST * SAMPLE_RATE)]
    fade_in, fade_out = SAMPLE_RATE // 1000, min(int(FADE * SAMPLE_RATE), len(audio) // 3)
    audio[:fade_in] *= np.linspace(0, 1, fade_in)[:, None]
    audio[-fade_out:] *= np.cos(np.linspace(0, np.pi / 2, fade_out))[:, None] ** 2
    return audio.astype(np.float32)


def trimmed(audio: Audio) -> Audio:
    """Without the end that lies 80 dB below the peak."""
    loud = np.flatnonzero(np.abs(audio).max(1) > 1e-4 * np.abs(audio).max())
    return audio[: loud[-1] + 1]


def encoded(audio: Audio) -> bytes:
    """The audio as Ogg Vorbis, the same bytes every time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note.ogg"
        with sf.SoundFile(path, "w", SAMPLE_RATE, 2, format="OGG", subtype="VORBIS", compression_level=QUALITY) as file:
            for start in range(0, len(audio), 65_536):  # one big write overflows the encoder's stack
                file.write(audio[start : start + 65_536])
        set_serial(path)
        return path.read_bytes()


def level_db(audio: Audio) -> float:
    """The loudness of a note: the K-weighted power of its first half second, in dB."""
    return 10 * float(np.log10(weighted_power(audio[: SAMPLE_RATE // 2])))


def agreement(a: Audio, b: Audio) -> float:
    """The correlation of two notes' first half second: 1 where they blend as one, 0 where they would clash."""
    x, y = a[: SAMPLE_RATE // 2].ravel().astype(np.float64), b[: SAMPLE_RATE // 2].ravel().astype(np.float64)
    size = min(len(x), len(y))
    return float(x[:size] @ y[:size] / np.sqrt((x[:size] @ x[:size]) * (y[:size] @ y[:size])))


def main(folder: Path) -> None:
    """Fetch, convert, write the pack."""
    sources = [fetch(folder, layer, integrity) for layer, _, integrity in SOURCES]
    rate = 48_000
    assert all(found == rate for layer in sources for _, found in layer.values())
    notes = {name: aligned([layer[name][0] for layer in sources], rate) for name in NOTES}
    measured = np.array([np.median([cents_off(a, rate, NOTES[name]) for a in notes[name]]) for name in NOTES])
    wanted = stretch(np.array(list(NOTES.values()), np.float64), measured)
    corrections = np.where(np.abs(wanted - measured) < 8, wanted - measured, 0.0)  # more is a misreading
    files: list[tuple[str, bytes]] = []
    rows = []
    for (name, pitch), cents in zip(NOTES.items(), corrections, strict=True):
        softer = None
        for (_, velocity, _), audio in zip(SOURCES, notes[name], strict=True):
            sound = trimmed(converted(audio, rate, pitch, float(cents)))
            gain = float(np.abs(sound).max()) / 0.7  # peak at -3 dB: the encoder hears every layer alike
            file = f"{pitch:03d}-{velocity:03d}.ogg"
            row = {"file": file, "pitch": pitch, "velocity": velocity, "frames": len(sound)}
            row |= {"gain": round(gain, 6), "level_db": round(level_db(sound), 2)}
            rows.append(row | {"agreement": 0.0 if softer is None else round(agreement(softer, sound), 2)})
            softer = sound
            files.append((file, encoded(sound / gain)))
    index = {"version": 1, **CREDITS, "sample_rate": SAMPLE_RATE, "lead_seconds": LEAD, "notes": rows}
    with zipfile.ZipFile(PACK, "w", zipfile.ZIP_STORED) as pack:
        for file, data in [("index.json", json.dumps(index, indent=1).encode()), *files]:
            pack.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), data)
    digest = hashlib.sha256(PACK.read_bytes()).hexdigest()
    print(f"{PACK.name}: {len(rows)} notes, {PACK.stat().st_size / 1e6:.2f} MB, sha256 {digest}")
    print("tuning evened by (cents):", " ".join(f"{cents:+.1f}" for cents in corrections))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
