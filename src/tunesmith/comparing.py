"""Is a piece new? It is held against songs, or against those that a model learned from, and they against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tunesmith import corpus, formats, scheme
from tunesmith.checkpoint import Learned, LearnedSongs
from tunesmith.errors import FormatError, RequestError, SongWarning, StorageError, TunesmithError
from tunesmith.formats import ReadOptions
from tunesmith.inspection import load_model
from tunesmith.originality import LEAST, Index, Originality, View, Yardstick, originality, yardstick
from tunesmith.plans import BASE
from tunesmith.prepare import prepare
from tunesmith.score import Score

PathLike = str | Path
MODEL = ".safetensors"
LEAST_SAID, MOST_SAID = 2, 1000  # notes that a run may be asked to have


@dataclass(frozen=True, slots=True)
class InModel:
    """Where a song can be had again: the songs of a model, and its number among them, from 0."""

    songs: LearnedSongs
    number: int

    def __str__(self) -> str:
        return "kept in the model"

    def score(self) -> Score:
        """The song."""
        return scheme.decode(self.songs[self.number])


@dataclass(frozen=True, slots=True)
class InFile:
    """Where a song can be had again: a file, and its number, from 0, among the songs there that can be read."""

    path: Path
    number: int
    options: ReadOptions | None

    def __str__(self) -> str:
        return self.path.name

    def score(self) -> Score:
        """The song, read once more.

        Raises:
            StorageError: the file has gone, or the song from it.
            FormatError: the file can no longer be read.
        """
        songs = (song for song in formats.read(self.path, self.options) if isinstance(song, Score))
        found = next(islice(songs, self.number, None), None)
        if found is None:
            raise StorageError("the song is no longer in it", path=self.path)
        return prepare(found)


@dataclass(frozen=True, slots=True)
class Against:
    """Songs that pieces are held against: their names, and for each view an index, and what they have in common with
    each other. `least`: notes of a run that counts as copied. `problems`: a line for each song that could not be read.
    `origins`: where each song can be had again, since of many only what the indexes need is kept.
    """

    names: tuple[str, ...]
    least: int
    indexes: dict[View, Index]
    yardsticks: dict[View, Yardstick]
    problems: tuple[str, ...] = ()
    origins: tuple[InModel | InFile, ...] = ()

    def score(self, song: int) -> Score:
        """A song, as it was compared.

        Raises:
            StorageError: its file has gone, or the song from it.
            FormatError: its file can no longer be read.
        """
        return self.origins[song].score()


@dataclass(frozen=True, slots=True)
class Checked:
    """A piece held against songs, in each view. What counts is the whole; notes or rhythm alone are for information.

    `piece`: as it was compared, quantised and in voices.
    """

    name: str
    against: Against
    views: dict[View, Originality]
    piece: Score

    @property
    def whole(self) -> Originality:
        """Notes and rhythm together."""
        return self.views[View.WHOLE]

    @property
    def usual(self) -> Yardstick:
        """What the songs have of each other, notes and rhythm together."""
        return self.against.yardsticks[View.WHOLE]

    @property
    def closest(self) -> list[tuple[int, str, int]]:
        """For every bar its number, the song that it has most of, and how many notes in a row that are."""
        return [(bar, self.against.names[song], notes) for bar, (song, notes) in self.whole.closest.items()]

    @property
    def verdict(self) -> str:
        """What it means, in a sentence."""
        found = self.whole.altered
        if len(found) <= (self.usual.most_altered or 0):
            return self._of_runs
        (first, last), song = found[0].bars, self.against.names[found[0].song]
        bars = f"bars {first}-{last} are" if last > first else f"bar {first} is"
        more = f", and so {len(found) - 1} more of other bars" if len(found) > 1 else ""
        return f"its {bars} from {song} with notes altered{more}; by runs that are not altered {self._of_runs}"

    @property
    def _of_runs(self) -> str:
        """What the runs mean."""
        by, found = self.usual, self.whole
        if found.notes == 0:
            return "there are no notes to compare"
        if by.songs < 2:
            return f"{found.share:.0%} of its notes stand in the song it was held against"
        usual = found.longest <= max(by.most_longest, found.least - 1)  # shorter runs are everybody's
        if found.share <= by.share and usual:
            return "it is as new as these songs are to each other"
        if found.share <= by.most_share and usual:
            return "it has no more of these songs than the most that one of them has of the others"
        first = found.runs[0] if found.runs else None
        of = f": {first.notes} notes in a row of {self.against.names[first.song]}" if first else ""
        return f"it has more of these songs than any of them has of the others{of}"


def against(
    *sources: PathLike | Learned,
    options: ReadOptions | None = None,
    least: int = LEAST,
    whole_alone: bool = False,
    say: Callable[[str], object] = str,
) -> Against:
    """Get songs ready to hold pieces against: files, folders, or models, whose songs they then are.

    Runs of `least` notes count as copied. `whole_alone`: leave the views aside that are for information, which is
    quicker. `say` is told the name of every song.

    Raises:
        StorageError: a path does not exist.
        ModelError: a model file is not readable.
        RequestError: there is no song to hold anything against, or runs of so few notes say nothing.
    """
    if not LEAST_SAID <= least <= MOST_SAID:
        raise RequestError(f"runs of {least} notes make no sense", fix=f"choose from {LEAST_SAID} to {MOST_SAID}")
    songs: list[Score] = []
    names, problems, origins = list[str](), list[str](), list[InModel | InFile]()
    for source in sources:
        for name, song in _songs_of(source, options):
            say(name)
            if isinstance(song, TunesmithError):
                problems.append(str(song))
            else:
                origin, score = song
                songs.append(score)
                names.append(name)
                origins.append(origin)
    if not songs:
        what = problems[0] if problems else "a model was named that keeps no songs"
        raise RequestError(f"nothing to compare with: {what}", fix="name songs, or a model that keeps its songs")
    indexes = {view: Index.of(songs, view) for view in ((View.WHOLE,) if whole_alone else View)}
    yardsticks = {view: yardstick(songs, index, least, with_altered=True) for view, index in indexes.items()}
    return Against(tuple(names), least, indexes, yardsticks, tuple(problems), tuple(origins))


def check(piece: Score, songs: Against, name: str = "") -> Checked:
    """Hold a piece against songs. `name`: what it is called, its title if nothing is said."""
    prepared = prepare(piece)
    views = {
        view: originality(prepared, index, songs.least, with_altered=True) for view, index in songs.indexes.items()
    }
    return Checked(name or piece.title, songs, views, prepared)


Found = tuple[InModel | InFile, Score]


def _songs_of(source: PathLike | Learned, options: ReadOptions | None) -> Iterator[tuple[str, Found | TunesmithError]]:
    """Songs with their names; errors for those that cannot be read."""
    if not isinstance(source, Learned) and (str(source) == BASE or Path(source).suffix.lower() == MODEL):
        source = load_model(source)
    if isinstance(source, Learned):
        for number, name in enumerate(source.songs.names):
            kept = InModel(source.songs, number)
            yield name, (kept, kept.score())
        return
    for path in corpus.find_files([Path(source)]):
        number = 0
        try:
            for song in formats.read(path, options):
                if isinstance(song, Score):
                    yield song.title or path.stem, (InFile(path, number, options), prepare(song))
                    number += 1
                elif isinstance(song, FormatError) and not isinstance(song, SongWarning):
                    yield path.stem, song
        except TunesmithError as error:
            yield path.stem, error
