"""What can be wished for where something of a piece is kept: wishes about what is kept are refused, not forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tunesmith.checkpoint import Learned
from tunesmith.constraints import CHORD_VOICE, Ending, Pins, Wish
from tunesmith.errors import RequestError
from tunesmith.framing import Frame, Gap
from tunesmith.habits import header
from tunesmith.request import Request
from tunesmith.scheme import vocabulary as v
from tunesmith.ways.material import Placed


def in_gaps(wanted: Sequence[Wish], room: Frame, kept: Sequence[Placed]) -> None:
    """Raise `RequestError` for wished notes, breaths and cadences where nothing is written anew, or what is kept is
    otherwise.

    A cadence is of all voices: one of them that is written anew will do, if the others end so.
    """
    endings: dict[str, bool] = {}
    for wish in wanted:
        if isinstance(wish, Pins):
            if not all(room.is_free(wish.voice, tick) for tick in wish.ticks):
                raise RequestError("a note is wished for where one is kept", fix="leave it out of the notes")
        elif isinstance(wish, Ending):
            free = room.is_free(wish.voice, wish.tick - 1)
            endings[wish.words] = endings.get(wish.words, False) or free
            if not free and not _ends_so(wish, [p for p in kept if p.place[0] == wish.voice - (not room.chords)]):
                raise RequestError(f"{wish.words}: what is kept of the piece does not end so", fix="leave it out")
    for words, free in endings.items():
        if not free:
            raise RequestError(f"{words} is wished for where the piece keeps its notes", fix="leave it out")


def _ends_so(ending: Ending, voice: Sequence[Placed]) -> bool:
    """Whether what is kept of a voice ends as it is wished for, or rests there."""
    sounding = list[int]()
    for placed in voice:
        (_, tick, joined), (symbol, _) = placed.place, placed.event
        if tick < ending.tick and symbol != v.HOLD:
            sounding = [*(sounding if joined else []), symbol]
    last = max((placed.end for placed in voice if placed.place[1] < ending.tick), default=0)
    if last < ending.tick or v.REST in sounding:
        return True
    chords = ending.voice == CHORD_VOICE
    return all((symbol if chords else symbol % 12) in ending.wanted for symbol in sounding)


def parted(gaps: Sequence[Gap], controls: Mapping[int, object]) -> Iterator[Gap]:
    """Gaps parted where the meter or the key changes: there all voices stand together."""
    for voice, start, end in gaps:
        places = [start, *sorted(tick for tick in controls if start < tick < end), end]
        yield from ((voice, a, b) for a, b in pairwise(places))


def no_header(request: Request) -> None:
    """Raise `RequestError` where a wish is about what the piece has already."""
    for name in ("texture", "key", "meter", "form", "tempo"):
        if getattr(request, name) is not None:
            raise RequestError(f"the piece has its {name} already", fix=f"leave the {name} out")


def leave_out(request: Request, names: Sequence[str], why: str) -> None:
    """Raise `RequestError` for wishes about what is kept: they could not hold."""
    for name in names:
        if getattr(request, name) not in (None, (), True):
            raise RequestError(f"{why}: no wish for {name} can change it", fix=f"leave the {name} out")


def only_in(request: Request, bars: range, what: str) -> None:
    """Raise `RequestError` for wishes about bars that are kept."""
    for name, told in (("cadence", request.cadence), ("notes", request.notes)):
        for wish in told:
            bar = int(wish[1] if name == "cadence" else wish[0]) or bars[-1]
            if bar not in bars:
                raise RequestError(f"a wish for bar {bar}, which is not of {what}", fix=f"leave it out of the {name}")


def knows_chords(learned: Learned) -> bool:
    """Whether a model has met chord symbols: a network that began from the base has, and one whose songs have them."""
    began = learned.about.get("base") or learned.about.get("started_from")
    songs = (header(learned, number) for number in range(len(learned.songs)))
    return bool(began) or any((v.CHORDS, v.NONE) in head for head in songs)
