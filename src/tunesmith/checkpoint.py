"""One `.safetensors` file holds a model: weights, settings, vocabulary, provenance, the songs learned.

The file's metadata has one entry, "tunesmith": JSON text. Tensors are named `model.*` (weights or counts) and
`songs.*` (the songs learned: events of all songs in a row, and where each begins). No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import __version__, scheme
from tunesmith.errors import ModelError, StorageError
from tunesmith.files import replacing
from tunesmith.models import MODELS, Model, Tensors, model_class
from tunesmith.scheme import vocabulary as v

FORMAT = 1  # raised when older programs could not read the file
MAX_BYTES = 4 << 30
_LEARN = "learn one: tunesmith learn SONGS -o mine.safetensors"
_AGAIN = "copy it again, or learn it again"


@dataclass(frozen=True, slots=True)
class LearnedSongs:
    """The songs a model learned from: names, and their events (N, 2) in a row, song i in [starts[i], starts[i+1])."""

    names: tuple[str, ...] = ()
    events: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 2), np.int16))
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    @classmethod
    def of(cls, names: Iterable[str], songs: Iterable[NDArray[Any]]) -> LearnedSongs:
        """From the events (T, 2) of each song."""
        arrays = [np.asarray(song, np.int16) for song in songs]
        starts = np.cumsum([0] + [len(a) for a in arrays]).astype(np.int64)
        events = np.concatenate(arrays) if arrays else np.zeros((0, 2), np.int16)
        return cls(tuple(names), events, starts)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> list[scheme.Event]:
        """The events of a song."""
        rows = self.events[self.starts[number] : self.starts[number + 1]]
        return [(int(symbol), int(duration)) for symbol, duration in rows]


@dataclass(frozen=True, slots=True)
class Learned:
    """A model with all that belongs to it.

    `name`: in `MODELS`. `viewpoints`: the features it sees. `about`: provenance (files, counts, seed, versions),
    the report of the learning, plain JSON values. `digest`: SHA-256 of weights and settings, where saved or loaded.
    """

    name: str
    model: Model
    viewpoints: tuple[str, ...]
    songs: LearnedSongs
    about: dict[str, Any]
    digest: str = ""


def save(learned: Learned, path: Path) -> Learned:
    """Write the file at once or not at all; returns the model with its digest.

    Raises:
        StorageError: it cannot be written; an older file at `path` survives.
    """
    from safetensors.numpy import save as pack

    tensors = {f"model.{name}": np.ascontiguousarray(value) for name, value in learned.model.tensors().items()}
    head = {
        "format": FORMAT,
        "program": __version__,
        "vocabulary": v.VERSION,
        "model": learned.name,
        "settings": learned.model.settings(),
        "viewpoints": list(learned.viewpoints),
        "about": learned.about,
        "songs": list(learned.songs.names),
    }
    songs: Tensors = {"songs.events": learned.songs.events, "songs.starts": learned.songs.starts}
    digest = _digest(tensors, head)
    head |= {"digest": digest, "songs_mark": _mark(songs)}
    data = pack(tensors | songs, {"tunesmith": json.dumps(head | {"mark": _mark({}, head)}, sort_keys=True)})
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return Learned(learned.name, learned.model, learned.viewpoints, learned.songs, learned.about, digest)


def _digest(tensors: Tensors, head: dict[str, Any]) -> str:
    return _mark(tensors, [head["model"], head["settings"], head["viewpoints"]])


def _mark(tensors: Tensors, plain: object = None) -> str:
    """The SHA-256 of plain JSON values and tensors."""
    mark = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        mark.update(f"{name} {value.dtype} {value.shape}".encode())
        mark.update(np.ascontiguousarray(value).tobytes())
    return mark.hexdigest()


def load(path: Path) -> Learned:
    """Read a model file.

    Raises:
        StorageError: it cannot be opened.
        ModelError: it is damaged, not a Tunesmith model, or of a newer version.
    """
    head, tensors = _read(path)
    try:
        return _built(head, tensors)
    except ModelError as error:
        raise error.at(path) from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        raise ModelError("the model file is damaged", path=path, fix=_AGAIN) from error


def read_head(path: Path) -> dict[str, Any]:
    """What a model file says of itself: settings, provenance, report; without loading the weights.

    Raises:
        StorageError: it cannot be opened.
        ModelError: it is damaged, not a Tunesmith model, or of a newer version.
    """
    return _read(path, weights=False)[0]


def _read(path: Path, weights: bool = True) -> tuple[dict[str, Any], Tensors]:
    from safetensors import SafetensorError, safe_open

    _check_openable(path)
    try:
        with safe_open(path, framework="numpy") as file:
            head = _checked_head(file.metadata(), path)
            tensors = {name: file.get_tensor(name) for name in file.keys()} if weights else {}  # noqa: SIM118 - no dict
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:  # odd types of tensor
        raise ModelError("is not a model file, or only a part of one", path=path, fix=_AGAIN) from error
    return head, tensors


def _check_openable(path: Path) -> None:
    from tunesmith.files import storage_error

    try:
        if path.is_dir():
            raise StorageError("is a folder, not a model file", path=path, fix=_LEARN)
        if path.exists() and not path.is_file():  # a pipe or device would block for ever
            raise ModelError("is not a regular file", path=path, fix=_LEARN)
        with path.open("rb") as file:
            if not file.read(1):
                raise ModelError("the file is empty", path=path, fix=_LEARN)
        if path.stat().st_size > MAX_BYTES:
            raise ModelError("larger than any model of ours", path=path, fix=_LEARN)
    except OSError as error:
        raise storage_error(error, path) from error


def _checked_head(metadata: dict[str, str] | None, path: Path) -> dict[str, Any]:
    try:
        head = json.loads((metadata or {})["tunesmith"])
        version, vocabulary = int(head["format"]), int(head["vocabulary"])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError("is a safetensors file, but not a Tunesmith model", path=path, fix=_LEARN) from error
    if version > FORMAT or vocabulary > v.VERSION:
        what = f"was made by a newer Tunesmith ({head.get('program', 'unknown')}); this is {__version__}"
        raise ModelError(what, path=path, fix="update with: pip install -U tunesmith")
    if vocabulary < v.VERSION:
        raise ModelError("was made with an older vocabulary", path=path, fix="learn it again")
    found: dict[str, Any] = head
    mark = found.pop("mark", None)
    if mark != _mark({}, found):
        raise ModelError("what the model file says of itself was changed or damaged", path=path, fix=_AGAIN)
    return found


def _built(head: dict[str, Any], tensors: Tensors) -> Learned:
    name = str(head["model"])
    if name not in MODELS:
        raise ModelError(f"the model {name!r} is not known to this version")
    weights = {key: value for key, value in tensors.items() if key.startswith("model.")}
    if _digest(weights, head) != head["digest"]:
        raise ModelError("the weights are not those that were saved", fix=_AGAIN)
    known = frozenset(head["viewpoints"])
    world = scheme.spec(known)
    if {f.name for f in world.features} != known:
        raise ModelError("the model uses viewpoints that this version does not know")
    model = model_class(name).load(
        world, head["settings"], {key.removeprefix("model."): value for key, value in weights.items()}
    )
    songs = LearnedSongs(tuple(head["songs"]), tensors["songs.events"], tensors["songs.starts"])
    if _mark({"songs.events": songs.events, "songs.starts": songs.starts}) != head["songs_mark"]:
        raise ModelError("the songs in it are not those that were saved", fix=_AGAIN)
    if not _sound(songs):
        raise ModelError("the model file is damaged", fix=_AGAIN)
    return Learned(name, model, tuple(head["viewpoints"]), songs, dict(head["about"]), str(head["digest"]))


def _sound(songs: LearnedSongs) -> bool:
    """Whether the songs are rows of events of the vocabulary, one for each name."""
    events, starts = songs.events, songs.starts
    shaped = events.ndim == 2 and events.shape[1] == 2 and starts.shape == (len(songs.names) + 1,)
    if not shaped or starts[0] != 0 or starts[-1] != len(events) or (np.diff(starts) < 0).any():
        return False
    return bool(((events >= 0) & (events < (v.SYMBOLS, v.DURATIONS))).all())
