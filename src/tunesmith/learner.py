"""From songs to a model: ingest, hold out, learn, compare, save. Yields what happens, prints nothing."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import platform
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import __version__, checkpoint, corpus, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.corpus import Corpus, Entry, Gathered, Ingested
from tunesmith.errors import CorpusError, MissingExtra, RequestError
from tunesmith.files import make_folder
from tunesmith.models import Model, name_of
from tunesmith.plans import KINDS, NETWORKS, SIZES, LearnRequest, start_of
from tunesmith.recipes import RECIPES
from tunesmith.scheme import steps
from tunesmith.score import Score
from tunesmith.train import Epoch

__all__ = ["KINDS", "SIZES", "Event", "Finished", "LearnRequest", "learning"]
MOST_FILES = 100_000  # named in a model's provenance


@dataclass(frozen=True, slots=True)
class Finished:
    """The model is learned, and saved if that was asked for. `report`: plain values, also in the model file."""

    learned: Learned
    report: dict[str, Any]


Event = Gathered | Entry | Ingested | Epoch | Finished


def learning(request: LearnRequest) -> Iterator[Event]:
    """Learn; yields how many files there are, every song's line of the report, every epoch, and at last the model.

    Raises:
        RequestError: the request makes no sense.
        StorageError: a path does not exist, or the output cannot be written.
        ModelError: there is no network in the model to start from.
        CorpusError: there is nothing to learn from.
        MissingExtra: torch is not installed.
    """
    request.check()
    _check_output(request)
    before = start_of(request)  # before an hour of reading, not after it
    if before and len(before.songs) and (request.only != "all" or request.drop_near_duplicates):
        what = "the songs that the model holds stay whole, so neither a line nor near-duplicates can be left out"
        raise RequestError(what, fix="leave out --only and --drop-near-duplicates, or learn with --from base")
    if request.model in NETWORKS and importlib.util.find_spec("torch") is None:
        raise MissingExtra("torch, which learning needs,", "learn")
    with _work_folder(request) as folder:
        songs = yield from _ingested(request, folder, before)
        model, report = yield from RECIPES[_kind(request)](request, songs, folder)
        learned = _learned(model, request, songs, report, before)
        if request.output is not None:
            learned = checkpoint.save(learned, request.output)
        yield Finished(learned, report)


def _kind(request: LearnRequest) -> str:
    """The model to learn: counts are the songs in another form, so without songs a mixture is its network alone."""
    return "rnn" if request.model == "mixture" and not request.keep_songs else request.model


class _work_folder:  # noqa: N801 - reads as a function
    """Where the corpus and the state of the training are while learning; kept if it is interrupted."""

    def __init__(self, request: LearnRequest) -> None:
        self._keep = request.output is not None
        if request.output is None:
            self.path = Path(tempfile.mkdtemp(prefix="tunesmith-"))
        else:
            self.path = request.output.with_name(request.output.name + ".work")
            if not request.resume:
                shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Path:
        return make_folder(self.path)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # Kept for going on after Ctrl-C (or a crash); an error in the request or the songs leaves nothing behind.
        if error is None or isinstance(error, CorpusError) or not self._keep:
            shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.rmdir()  # an error before any work leaves it empty


def _check_output(request: LearnRequest) -> None:
    """Find out before an hour of learning, not after it, that the output cannot be written."""
    if request.output is None:
        return
    if request.output.suffix != ".safetensors":
        raise RequestError("a model file ends in .safetensors", fix=f"write: -o {request.output}.safetensors")
    make_folder(request.output.parent)
    from tunesmith.files import probe_writable

    probe_writable(request.output)


def _ingested(request: LearnRequest, folder: Path, before: Learned | None) -> Generator[Event, None, Corpus]:
    encode = steps.encode_steps if request.model == "seed" else scheme.encode
    importing, known = request.importing(), _scores(before)
    importing = dataclasses.replace(importing, songs=(*known, *importing.songs))
    songs = yield from corpus.gathered(importing, folder / "songs", encode)
    names = songs.names() if len(songs) < 10_000 else []
    held = [] if known else corpus.split(songs, request.seed)[1]
    yield dataclasses.replace(Ingested.of(songs, tuple(names[i] for i in held if names)), known=len(known))
    return songs


def _scores(before: Learned | None) -> list[Score]:
    """The songs that a model knows."""
    if before is None:
        return []
    return [scheme.decode(before.songs[i]).replace(title=name) for i, name in enumerate(before.songs.names)]


def _learned(
    model: Model, request: LearnRequest, songs: Corpus, report: dict[str, Any], before: Learned | None
) -> Learned:
    files = {entry.path: entry.sha256 for entry in songs.entries() if entry.status == "kept" and entry.sha256}
    named = [{"name": Path(path).name, "sha256": mark} for path, mark in files.items()]
    named = [*(before.about["files"] if before else ()), *named]
    about = {
        "program": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": metadata.version("torch") if request.model in NETWORKS else None,
        "seed": request.seed,
        "started_from": before.digest if before else "",
        "files": named[:MOST_FILES],
        "files_not_named": max(0, len(named) - MOST_FILES),
        "report": json.loads(json.dumps(report)),
    }
    stored = LearnedSongs()
    if not request.keep_songs:
        about["report"].pop("held_out", None)  # their names
    else:
        arrays = [np.stack([song.symbols, song.durations], 1) for song in songs]
        stored = LearnedSongs.of(songs.names(), arrays)
    features = tuple(f.name for f in model.spec.features)
    learned = Learned(name_of(model), model, features, stored, about)
    return dataclasses.replace(learned, digest=checkpoint.digest_of(learned))
