"""Audio files: the piece played, as WAV and FLAC (16 bit, dithered), Ogg Vorbis and MP3.

Title, composer and the piece's provenance travel in the file's own tags. All four formats carry them; to be
known: libsndfile's own reader shows no WAV comment beyond 2 kB (it is in the file all the same).
The same score and options give the same bytes, with the same versions of libsndfile and its encoders.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tunesmith import __version__
from tunesmith.errors import FormatError, StorageError
from tunesmith.formats import WriteOptions
from tunesmith.score import Score
from tunesmith.sound import CHANNELS, SAMPLE_RATE, Audio
from tunesmith.sound.mastering import Tape, tape_of
from tunesmith.sound.ogg import set_serial

# ending -> libsndfile's format and subtype
_CONTAINERS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
KEPT_BYTES = 16 * 2**20  # of an MP3 that may be asked for again
_SYSTEM_ERROR = 2  # libsndfile's code where the operating system refused
_FREE = "free some space and try again"
_ID3_FRAMES = {"title": b"TIT2", "artist": b"TPE1", "software": b"TSSE", "comment": b"COMM"}


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Play the score and write it; repeats are played.

    Raises:
        RequestError: `options.sound` is unknown, or `options.feel` is not between 0 and 1.
        FormatError: there is nothing to play, or the encoder refuses.
        StorageError: the file cannot be written whole.
    """
    tape = tape_of(score, options.sound, options.feel, options.seed)
    ending = path.suffix.lower()
    tags = {"title": score.title, "artist": score.composer, "comment": score.provenance}
    tags = {name: text.replace("\0", " ") for name, text in tags.items() if text}
    tags["software"] = f"Tunesmith {__version__}"
    if ending == ".mp3":
        _write_mp3(tape, path, tags)
        return
    _encode(tape, path, ending, tags, options.seed)
    if ending == ".ogg":
        set_serial(path)


def _encode(tape: Tape, path: Path, ending: str, tags: dict[str, str], seed: int) -> None:
    container, subtype = _CONTAINERS[ending]
    convert = _dithered(seed) if subtype == "PCM_16" else _unchanged
    try:
        with soundfile.SoundFile(path, "w", SAMPLE_RATE, CHANNELS, format=container, subtype=subtype) as file:
            for name, text in tags.items():
                setattr(file, name, text)
            for block in tape.blocks():  # one big write overflows the Vorbis encoder's stack
                file.write(convert(block))
        whole = soundfile.info(path).frames == tape.frames
    except (soundfile.SoundFileError, ValueError, AssertionError) as error:
        # It asserts that all was written; a ValueError is a libsndfile too old for the format.
        if isinstance(error, ValueError) or getattr(error, "code", _SYSTEM_ERROR) != _SYSTEM_ERROR:
            raise FormatError(f"the audio library cannot write it ({error})") from error
        whole = False
    if not whole:
        full = shutil.disk_usage(path.parent).free < 2**20
        raise StorageError("the disk is full" if full else "the file system did not take all of it", fix=_FREE)


def _unchanged(block: Audio) -> NDArray[Any]:
    return block


def _dithered(seed: int) -> Callable[[Audio], NDArray[Any]]:
    """To 16 bits with triangular dither of one step, so that quiet tails fade into noise and not into steps.

    Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, "Quantization and dither", JAES 40:5 (1992).
    """
    random = np.random.default_rng((seed, 16))

    def convert(block: Audio) -> NDArray[Any]:
        noise = random.random(block.shape, np.float32) - random.random(block.shape, np.float32)
        return np.rint(block * np.float32(32767) + noise).astype(np.int16)

    return convert


def _write_mp3(tape: Tape, path: Path, tags: dict[str, str]) -> None:
    """With an ID3 tag of our own: the encoder's declares Latin-1 whatever the text is."""
    with path.open("wb") as file:
        file.write(id3_tag(tags))
        file.write(_mp3_frames(tape))


_kept: tuple[Tape, bytes] | None = None  # the last MP3: a piece's file and its web page hold the same one


def _mp3_frames(tape: Tape) -> bytes:
    """The tape as MP3, without tags; about 1 MB a minute."""
    global _kept  # noqa: PLW0603 - see above; encoding takes as long as all else together
    kept = _kept
    if kept is not None and kept[0] is tape:
        return kept[1]
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.mp3"
        _encode(tape, bare, ".mp3", {}, 0)
        data = bare.read_bytes()
    frames = data[_id3_length(data[:10]) :]
    _kept = (tape, frames) if len(frames) <= KEPT_BYTES else None
    return frames


def id3_tag(tags: dict[str, str]) -> bytes:
    """An ID3v2.4 tag in UTF-8. Source: M. Nilsson, "ID3 tag version 2.4.0 - Main Structure", id3.org 2000."""
    frames = b""
    for name, text in tags.items():
        kind = _ID3_FRAMES[name]
        body = b"\x03" + (b"und\x00" if kind == b"COMM" else b"") + text.encode("utf-8", "replace")
        frames += kind + _seven_bits(len(body)) + b"\x00\x00" + body
    return b"ID3\x04\x00\x00" + _seven_bits(len(frames)) + frames


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _id3_length(head: bytes) -> int:
    """The length of the tag that a file starts with, from its first ten bytes; 0 where there is none."""
    if head[:3] != b"ID3":
        return 0
    return 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
