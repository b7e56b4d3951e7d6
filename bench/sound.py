"""Speed and memory of sound: `python bench/sound.py` prints a Markdown table.

Three minutes of four-voice piano, each row in a process of its own, so that no memory or cache is shared.
Times include decoding the recordings, reverberation, loudness, and the limiter; encoding has its own rows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import machine

from tunesmith.score import TPQ, Note, Part, Score, Tempo

SCALE = (0, 2, 4, 5, 7, 9, 11)
BPM = 100.0


def four_voices(seconds: float, seed: int = 1) -> Score:
    """Four voices that wander along a scale, in quarters and halves, the highest in eighths too."""
    random = np.random.default_rng(seed)
    end = int(seconds * BPM / 60) * TPQ
    parts = []
    for voice, base in enumerate((72, 64, 55, 43)):
        notes, now, degree = [], 0, 3
        while now < end:
            length = int(random.choice([TPQ // 2, TPQ, TPQ, 2 * TPQ] if voice == 0 else [TPQ, TPQ, 2 * TPQ]))
            length = min(length, end - now)
            degree = int(np.clip(degree + random.integers(-2, 3), -4, 8))
            notes.append(Note(now, length, base + 12 * (degree // 7) + SCALE[degree % 7]))
            now += length
        parts.append(Part(tuple(notes)))
    return Score(tuple(parts), tempos=(Tempo(0, BPM),))


CASES = {  # name -> (seconds of music, sound, ending of the file to write or "")
    "piano, mastered": (180, "piano", ""),
    "classic, mastered": (180, "classic", ""),
    "piano, mastered, ten times as long": (1800, "piano", ""),
    "16 bars, cold start": (38, "piano", ""),
    "16 bars to WAV": (38, "piano", ".wav"),
    "16 bars to MP3": (38, "piano", ".mp3"),
    "three minutes to OGG": (180, "piano", ".ogg"),
}


def measure(name: str) -> dict[str, float]:
    """Render one case in this process: seconds of sound, seconds taken (imports included), peak megabytes."""
    seconds, sound, ending = CASES[name]
    score = four_voices(seconds)
    begin, spent = time.perf_counter(), time.process_time()
    from tunesmith import formats
    from tunesmith.sound.mastering import tape_of

    if ending:
        with tempfile.TemporaryDirectory() as folder:
            formats.write(score, Path(folder) / f"piece{ending}", formats.WriteOptions(sound=sound))
    tape = tape_of(score, sound)
    taken, spent = time.perf_counter() - begin, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"sound": tape.frames / 44_100, "taken": taken, "cpu": spent, "peak": peak, "loudness": tape.loudness}


def main() -> None:
    """Print the table."""
    print(f"## Sound\n\n{machine()}\n")
    print("| what | sound, s | taken, s | of it CPU, s | x real time | peak memory, MB | LUFS |")
    print("|---|---|---|---|---|---|---|")
    for name in CASES:
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        row = json.loads(done.stdout)
        print(
            f"| {name} | {row['sound']:.1f} | {row['taken']:.2f} | {row['cpu']:.2f} "
            f"| {row['sound'] / row['taken']:.0f} | {row['peak']:.0f} | {row['loudness']:.1f} |"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
