"""A compact fingerprint of much music, small enough to ship: which stretches of steps stand in it, but not where.

Every window of some steps in a row becomes a hash of 64 bits, and the hashes a Bloom filter. What stands in the music
is always found; of what does not, a small share that is known is found by mistake. The notes are not in it, but it
keeps no secret: guessing step after step could bring stretches back.

A hash is a polynomial over the mixed steps, mixed once more, modulo 2**64: the same on every machine, and of a window
alone the same as in its line. `mixed` is the end of SplitMix64.

Sources: B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13 (1970); A. Kirsch,
M. Mitzenmacher, "Less hashing, same performance: building a better Bloom filter", ESA (2006); G. L. Steele, D. Lea,
C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA (2014).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import FormatError, ModelError
from tunesmith.files import read_bytes, replacing
from tunesmith.originality.lines import LEAST, Steps

Hashes = NDArray[np.uint64]
Bits = NDArray[np.uint8]
BASE_MUSIC = Path(__file__).parents[1] / "weights" / "base_music.safetensors"  # what the base model has learned from
FORMAT = 1  # raised when older programs could not read the file
SIZE = LEAST - 1  # steps of a window: those of the shortest run that counts as copied
MOST_SIZE, MOST_PROBES, MAX_BYTES = 64, 32, 64 << 20  # of a file that is read
CHUNK = 1 << 16  # hashes that are taken at once
_FACTOR, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_MIXING = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)), (31, np.uint64(1)))
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)  # in each byte
_ODD = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)  # what reading foreign content may raise
_AGAIN = "it is a part of Tunesmith: install that again"


def mixed(numbers: Hashes) -> Hashes:
    """Numbers spread over 64 bits, one to one."""
    with np.errstate(over="ignore"):  # it is meant to; of a single number NumPy would warn
        for shift, factor in _MIXING:
            numbers = (numbers ^ (numbers >> np.uint64(shift))) * factor
    return numbers


def windows(steps: Steps, size: int = SIZE) -> Hashes:
    """A hash for every `size` steps in a row, (..., max(0, n - size + 1)), of steps (..., n): one line or many."""
    each = mixed(np.asarray(steps, np.int64).astype(np.uint64) + _FACTOR)
    count = max(0, each.shape[-1] - size + 1)
    found = np.zeros((*each.shape[:-1], count), np.uint64)
    for place in range(size if count else 0):
        found = found * _FACTOR + each[..., place : place + count]
    return mixed(found)


_MASK = (1 << 64) - 1


def window(steps: Sequence[int]) -> int:
    """The hash that `windows` gives of these steps as one window, without arrays: many times as quick for a few."""
    found = 0
    for step in steps:
        found = (found * int(_FACTOR) + _mixed_one((step + int(_FACTOR)) & _MASK)) & _MASK
    return _mixed_one.__wrapped__(found)


@lru_cache(maxsize=1 << 16)
def _mixed_one(number: int) -> int:
    """`mixed` of one number. Steps are few, and come again and again."""
    for shift, factor in _MIXING:
        number = ((number ^ (number >> shift)) * int(factor)) & _MASK
    return number


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Music as a Bloom filter of its windows.

    bits (bytes,): bit b of the filter is bit b % 8, from the lowest, of byte b // 8. `size`: steps of a window.
    `probes`: bits that a window sets. `count`: distinct windows put in.
    """

    bits: Bits
    size: int
    probes: int
    count: int

    @classmethod
    def of(cls, hashes: Hashes, bits_each: float, size: int = SIZE) -> Fingerprint:
        """Of the hashes of windows of `size` steps, so many bits for each that is distinct."""
        distinct = np.unique(hashes)
        length = max(8, math.ceil(len(distinct) * bits_each / 8))
        probes = min(max(1, round(bits_each * math.log(2))), MOST_PROBES)  # the best number for so many bits
        empty, places = cls(np.zeros(length, np.uint8), size, probes, len(distinct)), np.zeros(length * 8, bool)
        for start in range(0, len(distinct), CHUNK):
            places[empty._places(distinct[start : start + CHUNK])] = True
        return cls(np.packbits(places, bitorder="little"), size, probes, len(distinct))

    def has(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Whether each window (...) stands in the music: True for all that do, and for few others."""
        places = self._places(hashes)
        found: NDArray[np.bool_] = (self.bits[places >> 3] >> (places & 7).astype(np.uint8) & 1).all(-1)
        return found

    def has_one(self, number: int) -> bool:
        """The same for the hash of one window."""
        total = 8 * len(self.bits)
        stride = _mixed_one.__wrapped__(number ^ int(_SECOND)) % (total // 2) * 2 + 1
        places = ((number % total + stride * probe) % total for probe in range(self.probes))
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in places)

    def longest(self, steps: Steps) -> int:
        """Notes of the longest run of a line (n steps) that may stand in the music; 0 where none has a whole window.

        None that does stand there is longer. Whether windows that follow each other do so there too is not known.
        """
        missing = np.flatnonzero(~self.has(windows(steps, self.size)))
        ends = np.concatenate([[-1], missing, [max(0, len(steps) - self.size + 1)]])
        row = int(np.diff(ends).max()) - 1
        return self.size + row if row > 0 else 0

    @property
    def false_positives(self) -> float:
        """The share of windows found that are not in the music, as the bits that are set let expect."""
        return float(_ONES[self.bits].sum() / (8 * len(self.bits))) ** self.probes

    def save(self, path: Path) -> None:
        """Write the file at once or not at all.

        Raises:
            StorageError: it cannot be written; an older file at `path` survives.
        """
        from safetensors.numpy import save

        shape = np.array([FORMAT, self.size, self.probes, self.count], np.int64)
        data = save({"bits": self.bits, "shape": shape, "mark": _mark(self.bits, shape)})
        with replacing(path) as temporary:
            temporary.write_bytes(data)

    @classmethod
    def load(cls, path: Path) -> Fingerprint:
        """Read such a file.

        Raises:
            StorageError: it cannot be opened.
            ModelError: it is damaged, not a fingerprint, or of a newer version.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(read_bytes(path, MAX_BYTES))
            bits, shape, mark = (tensors[name] for name in ("bits", "shape", "mark"))
            version, size, probes, count = (int(value) for value in shape)
        except (FormatError, SafetensorError, *_ODD) as error:
            raise ModelError("is not a fingerprint, or only a part of one", path=path, fix=_AGAIN) from error
        if version > FORMAT:
            raise ModelError("was made by a newer Tunesmith", path=path, fix="update with: pip install -U tunesmith")
        bounded = 1 <= size <= MOST_SIZE and 1 <= probes <= MOST_PROBES and count >= 0 and version == FORMAT
        typed = bits.dtype == np.uint8 and bits.ndim == 1 and len(bits) >= 8 and shape.dtype == np.int64
        if not (bounded and typed and np.array_equal(mark, _mark(bits, shape))):
            raise ModelError("the fingerprint is damaged", path=path, fix=_AGAIN)
        return cls(bits, size, probes, count)

    def _places(self, hashes: Hashes) -> NDArray[np.int64]:
        """The bits (..., probes) of each hash (...): by double hashing, from a first one on in equal strides.

        Strides are odd: they share no factor of 2 with the bits, and seldom come back to one that was there.
        """
        total = 8 * len(self.bits)
        first = (hashes % np.uint64(total)).astype(np.int64)
        stride = (mixed(hashes ^ _SECOND) % np.uint64(total // 2)).astype(np.int64) * 2 + 1
        places: NDArray[np.int64] = (first[..., None] + stride[..., None] * np.arange(self.probes)) % total
        return places


def _mark(bits: Bits, shape: NDArray[Any]) -> Bits:
    """What changes with any of it: SHA-256 (32,)."""
    data = shape.astype("<i8").tobytes() + np.ascontiguousarray(bits).tobytes()
    return np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
