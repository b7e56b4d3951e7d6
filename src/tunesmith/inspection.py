"""Looking into files: what is in them, and how well a model predicts them; and the pictures of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import checkpoint, corpus, formats, scheme
from tunesmith.checkpoint import Learned
from tunesmith.errors import FormatError, SongWarning, StorageError, TunesmithError, UnknownFormat
from tunesmith.evaluation import Bits, bits_of, total
from tunesmith.files import write_atomically
from tunesmith.formats import ReadOptions
from tunesmith.models import score
from tunesmith.plans import BASE
from tunesmith.prepare import only, prepare
from tunesmith.scheme.steps import encode_steps
from tunesmith.score import Score
from tunesmith.surprise import Surprise, by_bits, surprises

PathLike = str | Path
DRAWN = ("png", "svg", "pdf")  # how a picture of surprise may end
SURPRISING = (1, 2, 4, 8)  # bits: where its colours change


def _song_file(path: PathLike) -> Path:
    """The path of a file: what is not there, or a folder, is said before any word about its ending."""
    path = Path(path)
    if path.is_dir():
        raise StorageError("is a folder, not a file", path=path, fix="name a file in it")
    if not path.exists():
        raise StorageError("no such file", path=path)
    return path


def read_songs(path: PathLike, options: ReadOptions | None = None) -> Iterator[Score | FormatError]:
    """Every song of a file as it was read (not prepared for learning); for a bad one, the reason.

    Raises:
        TunesmithError: the whole file cannot be read.
    """
    return formats.read(_song_file(path), options)


def is_warning(problem: TunesmithError) -> bool:
    """Whether a problem is a remark about a song that was read all the same."""
    return isinstance(problem, SongWarning)


def load_model(path: PathLike = BASE) -> Learned:
    """Read a model file; "base" stands for the model that ships with the program.

    Raises:
        StorageError: it cannot be opened.
        ModelError: it is damaged, not ours, or of a newer version.
    """
    return checkpoint.load(checkpoint.BASE if str(path) == BASE else Path(path))


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How well a model predicts a song: its name, and bits per note; `problem` says why it could not be measured.

    Where notes were asked for: what every event cost, and the score as the model sees it.
    """

    name: str
    bits: Bits
    problem: str = ""
    notes: tuple[Surprise, ...] = ()
    score: Score | None = None


def evaluate(
    model: Learned | PathLike, *paths: PathLike, options: ReadOptions | None = None, notes: bool = False
) -> Iterator[Evaluated]:
    """Bits per note of every song of files and folders under a model, song by song. See `evaluation.bits_of`.

    With `notes`, also what every event cost.

    Raises:
        StorageError: a path does not exist.
        ModelError: the model file is not readable.
    """
    learned = model if isinstance(model, Learned) else load_model(model)
    for path in corpus.find_files([Path(p) for p in paths]):
        try:
            for song in formats.read(path, options):
                if isinstance(song, SongWarning):
                    continue
                if isinstance(song, FormatError):
                    yield Evaluated(path.stem, Bits(), str(song))
                else:
                    line = only(song, options.only if options else "all")
                    yield _evaluated(learned, line, song.title or path.stem, notes)
        except TunesmithError as error:
            yield Evaluated(path.stem, Bits(), str(error))


def _evaluated(learned: Learned, song: Score, name: str, notes: bool) -> Evaluated:
    encode = encode_steps if learned.name == "alphabet" else scheme.encode
    try:
        events = encode(prepare(song))
    except TunesmithError as error:
        return Evaluated(name, Bits(), str(error))
    arrays = scheme.as_song(events)
    log_p = score(learned.model, arrays)
    bits = bits_of(log_p, arrays)
    problem = "" if np.isfinite(bits.per_note) else "holds something this model can never write"
    if not notes or problem:
        return Evaluated(name, bits, problem)
    carried = scheme.decode(events).replace(title=name)
    return Evaluated(name, bits, notes=tuple(surprises(log_p, events, name)), score=carried)


def picture_kind(path: PathLike) -> str:
    """Which of the pictures of surprise a file is, by its ending: one of `DRAWN`.

    Raises:
        UnknownFormat: the ending is another one.
    """
    path = Path(path)
    kind = path.suffix.lstrip(".").lower()
    if kind not in DRAWN:
        fix = f"end it in one of: {' '.join('.' + kind for kind in DRAWN)}"
        raise UnknownFormat(f"{path.name} is not a picture", fix=fix)
    return kind


def save_curve(
    training: Sequence[float], held_out: Sequence[float], baselines: Mapping[str, float], path: PathLike
) -> None:
    """Write the learning curve, bits per note by epoch, as a PNG picture.

    Raises:
        MissingExtra: matplotlib is not installed.
        StorageError: the file cannot be written.
    """
    from tunesmith.plots import loss_curve

    data = loss_curve(training, held_out, baselines)
    write_atomically(Path(path), lambda file: file.write(data))


def save_surprise(result: Evaluated, path: PathLike) -> None:
    """Write the notes of a song as bars over time, darker the more bits they cost: a .svg, .png or .pdf file.

    `result` is of `evaluate` with `notes=True`.

    Raises:
        UnknownFormat: the ending is another one.
        FormatError: nothing was measured.
        MissingExtra: matplotlib is not installed.
        StorageError: the file cannot be written.
    """
    kind = picture_kind(path)
    if result.score is None:
        raise FormatError(result.problem or "the notes were not measured", path=result.name)
    from tunesmith.plots import surprise_roll

    data = surprise_roll(result.score, by_bits(result.notes, SURPRISING), SURPRISING, kind)
    write_atomically(Path(path), lambda file: file.write(data))


def summed(results: Iterable[Evaluated]) -> Bits:
    """All songs that could be measured together."""
    return total(result.bits for result in results if not result.problem)


def info(path: PathLike, options: ReadOptions | None = None) -> dict[str, Any]:
    """What is in a file: a model's provenance and report, or its songs, with the problems of those that cannot be
    read and remarks about doubtful ones. Plain values.

    Raises:
        TunesmithError: it cannot be read.
    """
    path = checkpoint.BASE if str(path) == BASE else Path(path)
    if path.suffix.lower() == ".safetensors":
        head = checkpoint.read_head(path)
        return (
            {"file": path.name, "kind": "model"}
            | {k: head[k] for k in ("model", "program", "digest", "about")}
            | {"songs": head["songs"]}
        )
    found = list(read_songs(path, options))
    lost = [song for song in found if isinstance(song, FormatError) and not is_warning(song)]
    songs = [_described(song) for song in found if isinstance(song, Score)]
    if lost and not songs:
        what = f"none of its {len(lost)} songs can be read (the first: {lost[0]})"
        raise lost[0] if len(lost) == 1 else FormatError(what, path=path)
    remarks = [str(song) for song in found if isinstance(song, SongWarning)]
    return {"file": path.name, "kind": "songs", "songs": songs, "problems": list(map(str, lost)), "remarks": remarks}


def _described(song: Score) -> dict[str, Any]:
    meter, end = song.meter_at(0), song.end
    found: dict[str, Any] = {
        "title": song.title,
        "composer": song.composer,
        "bars": sum(bar.number > 0 for bar in song.bars()),
        "notes": song.note_count,
        "parts": [p.name or f"program {p.program}" for p in song.parts],
        "key": str(song.key_at(0)) if song.keys else None,
        "meter": f"{meter.beats}/{meter.unit}",
        "tempo": song.tempo_at(0).bpm if song.tempos else None,
        "seconds": round(float(song.seconds(end)), 2),
        "repeats": len(song.repeats),
    }
    if song.provenance:
        try:
            found["provenance"] = json.loads(song.provenance)
        except ValueError:
            found["provenance"] = song.provenance
    return found
