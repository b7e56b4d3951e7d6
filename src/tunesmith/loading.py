"""Songs of files and folders, ready to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import corpus, formats
from tunesmith.errors import CorpusError, TunesmithError
from tunesmith.formats import ReadOptions
from tunesmith.prepare import only, prepare
from tunesmith.score import Score

PathLike = str | Path


@dataclass(frozen=True, slots=True)
class Songs(Sequence[Score]):
    """Songs that were read, and `problems`: why others were not, or what is doubtful in some."""

    scores: tuple[Score, ...]
    problems: tuple[TunesmithError, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Any) -> Any:
        return self.scores[index]


def load_songs(*paths: PathLike, options: ReadOptions | None = None) -> Songs:
    """Read the songs of files and folders, quantised, in voices, in a key: ready to learn from.

    Raises:
        StorageError: a path does not exist.
        CorpusError: no song could be read.
    """
    scores: list[Score] = []
    problems: list[TunesmithError] = []
    for path in corpus.find_files([Path(p) for p in paths]):
        try:
            for song in formats.read(path, options):
                if isinstance(song, TunesmithError):
                    problems.append(song)
                else:
                    line = only(song, options.only if options else "all")
                    scores.append(prepare(line if line.title else line.replace(title=_name(path))))
        except TunesmithError as error:
            problems.append(error)
    if not scores:
        raise CorpusError(str(problems[0]) if problems else "no songs there", path=None if problems else paths[0])
    return Songs(tuple(scores), tuple(problems))


def _name(path: Path) -> str:
    """What a song is called after its file; a name that is no Unicode could not be written as a title."""
    return path.stem.encode(errors="replace").decode()
