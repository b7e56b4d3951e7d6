"""One `.safetensors` file holds a model: weights, settings, vocabulary, provenance, the songs learned.

The file's metadata has one entry, "tunesmith": JSON text. Tensors are named `model.*` (weights or counts) and
`songs.*` (the songs learned: events of all songs in a row, and where each begins). No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith import __version__, scheme
from tunesmith.errors import ModelError, StorageError
from tunesmith.files import replacing
from tunesmith.models import MODELS, Model, Tensors, model_class
from tunesmith.models.spec import Spec
from tunesmith.scheme import vocabulary as v

FORMAT = 1  # raised when older programs could not read the file
MAX_BYTES = 4 << 30
BASE = Path(__file__).with_name("weights") / "base.safetensors"  # the model that ships with the program
_LEARN = "learn one: tunesmith learn SONGS -o mine.safetensors"
_AGAIN = "copy it again, or learn it again"
_FOREIGN = "is a safetensors file, but not a Tunesmith model"
_DAMAGED = "the model file is damaged"
_DEPTH = 32  # of what a model file says of itself; ours is 6 deep
_HEAD: dict[str, type] = {  # what it says, all of it required
    "format": int,
    "vocabulary": int,
    "program": str,
    "model": str,
    "settings": dict,
    "viewpoints": list,
    "about": dict,
    "songs": list,
    "songs_mark": str,
    "digest": str,
}
_ABOUT: dict[str, type] = {"seed": int, "files": list, "report": dict}
# What reading content that nobody of us wrote may stumble over
_ODD = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, RecursionError)


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
    the report of the learning, plain JSON values. `digest`: of what it composes from (`digest_of`), where known.
    """

    name: str
    model: Model
    viewpoints: tuple[str, ...]
    songs: LearnedSongs
    about: dict[str, Any]
    digest: str = ""


def save(learned: Learned, path: Path, half: bool = False) -> Learned:
    """Write the file at once or not at all; returns the model with its digest. `half`: weights in 16 bits, not 32.

    Raises:
        StorageError: it cannot be written; an older file at `path` survives.
    """
    from safetensors.numpy import save as pack

    head, tensors = _described(learned, half)
    data = pack(tensors, {"tunesmith": json.dumps(head | {"mark": mark_of({}, head)}, sort_keys=True)})
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return replace(learned, digest=head["digest"])


def digest_of(learned: Learned) -> str:
    """The SHA-256 of all that a model composes from: weights, settings, viewpoints, and the events of its songs.

    Saving the model gives its file the same digest; neither names nor provenance matter.
    """
    return str(_described(learned)[0]["digest"])


def _described(learned: Learned, half: bool = False) -> tuple[dict[str, Any], Tensors]:
    """What a model file says of itself, all but the mark, and its tensors."""
    weights = {f"model.{name}": np.ascontiguousarray(value) for name, value in learned.model.tensors().items()}
    if half:
        weights = {
            name: value.astype(np.float16) if value.dtype == np.float32 else value for name, value in weights.items()
        }
    songs: Tensors = {"songs.events": learned.songs.events, "songs.starts": learned.songs.starts}
    head = {
        "format": FORMAT,
        "program": __version__,
        "vocabulary": v.VERSION,
        "model": learned.name,
        "settings": learned.model.settings(),
        "viewpoints": list(learned.viewpoints),
        "about": learned.about,
        "songs": list(learned.songs.names),
        "songs_mark": mark_of(songs),
    }
    return head | {"digest": _digest(weights, head)}, weights | songs


def _digest(weights: Tensors, head: dict[str, Any]) -> str:
    return mark_of(weights, [head["model"], head["settings"], head["viewpoints"], head["songs_mark"]])


def mark_of(tensors: Tensors, plain: object = None) -> str:
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
    try:
        head, tensors = _read(path)
        return _built(head, tensors)
    except (ModelError, StorageError) as error:
        if path == BASE:  # no file of the user's: what helps with those does not help here
            error.fix = "it is a part of Tunesmith: install that again"
        raise error.at(path) from None
    except _ODD as error:
        raise ModelError(_DAMAGED, path=path, fix=_AGAIN) from error


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
    except (SafetensorError, OSError, *_ODD) as error:  # odd types of tensor among them
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
        version, vocabulary, program = head["format"], head["vocabulary"], str(head.get("program", "unknown"))
        ours = type(version) is int and type(vocabulary) is int and _shallow(head)
    except _ODD as error:
        raise ModelError(_FOREIGN, path=path, fix=_LEARN) from error
    if not ours:
        raise ModelError(_FOREIGN, path=path, fix=_LEARN)
    if version > FORMAT or vocabulary > v.VERSION:
        what = f"was made by a newer Tunesmith ({program}); this is {__version__}"
        raise ModelError(what, path=path, fix="update with: pip install -U tunesmith")
    if vocabulary < v.VERSION:
        raise ModelError("was made with an older vocabulary", path=path, fix="learn it again")
    found: dict[str, Any] = head
    mark = found.pop("mark", None)
    if mark != mark_of({}, found):
        raise ModelError("what the model file says of itself was changed or damaged", path=path, fix=_AGAIN)
    if not _complete(found):
        raise ModelError(_DAMAGED, path=path, fix=_AGAIN)
    return found


def _shallow(value: object) -> bool:
    """Whether plain values are not nested deeper than `_DEPTH`; whatever goes through them may then call itself."""
    level = [value]
    for _ in range(_DEPTH):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return not level


def _complete(head: dict[str, Any]) -> bool:
    """Whether a file says of itself all that it should, and in the right types."""
    if any(type(head.get(name)) is not kind for name, kind in _HEAD.items()):
        return False
    if any(type(head["about"].get(name)) is not kind for name, kind in _ABOUT.items()):
        return False
    words = [head["program"], head["model"], head["digest"], *head["viewpoints"], *head["songs"]]
    return all(isinstance(word, str) and word.isprintable() for word in words)


def _built(head: dict[str, Any], tensors: Tensors) -> Learned:
    name = head["model"]
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
    if mark_of({"songs.events": songs.events, "songs.starts": songs.starts}) != head["songs_mark"]:
        raise ModelError("the songs in it are not those that were saved", fix=_AGAIN)
    if not _sound(songs, world):
        raise ModelError(_DAMAGED, fix=_AGAIN)
    return Learned(name, model, tuple(head["viewpoints"]), songs, head["about"], head["digest"])


def _sound(songs: LearnedSongs, world: Spec) -> bool:
    """Whether the songs are rows of events of the vocabulary, one with notes for each name."""
    events, starts = songs.events, songs.starts
    typed = events.dtype == np.dtype(np.int16) and starts.dtype == np.dtype(np.int64)
    if not typed or events.ndim != 2 or events.shape[1] != 2:
        return False
    # Compared, not subtracted: differences of large numbers come round to small ones.
    rising = starts.shape == (len(songs.names) + 1,) and bool((starts[1:] >= starts[:-1]).all())
    if not rising or starts[0] != 0 or starts[-1] != len(events):
        return False
    if not ((events >= 0) & (events < (world.symbols, world.durations))).all():
        return False
    symbols, durations = events.T
    notes = np.append(0, np.cumsum(symbols < v.PITCH.end))  # before each event
    sounding = notes[starts[1:]] > notes[starts[:-1]]
    return bool(world.duration_masks[world.duration_classes[symbols], durations].all() and sounding.all())
