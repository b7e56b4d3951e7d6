"""Playing on: what somebody has begun is continued bar by bar, so soon that the next bar is there before it is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith import ways
from tunesmith.checkpoint import Learned
from tunesmith.constraints import MaxCopy
from tunesmith.errors import RequestError
from tunesmith.request import Request
from tunesmith.sample import cap_of
from tunesmith.score import Score


@dataclass(frozen=True, slots=True)
class Player:
    """A model that is ready to continue whatever is begun: what takes long, looking through its songs, is done."""

    learned: Learned
    request: Request
    cap: MaxCopy | None

    @classmethod
    def ready(cls, learned: Learned, request: Request) -> Player:
        """Get ready for a request of one piece.

        Raises:
            RequestError: it makes no sense.
            ModelError: the songs in the model file are no music.
        """
        request.check()
        if request.pieces != 1:
            raise RequestError(f"{request.pieces} pieces at once", fix="play one, and then another with a new seed")
        return cls(learned, request, cap_of(learned, request))

    def on(self, beginning: Score) -> Iterator[Score]:
        """The beginning with what comes in the next bar, then in the one after, and so on up to the `bars` asked for.

        What was told stays, but that the last notes may be held on. So a wish about what is to come, such as an
        ending, cannot choose among earlier bars, and the piece is not the one that `continued` gives for the seed.

        Raises:
            RequestError: a wish does not fit the beginning.
            NotCarried: the beginning cannot be carried.
            Unsatisfiable: what was told cannot go on with the wishes.
        """
        task = ways.carry_on(self.learned, beginning, self.request)
        return ways.written_along(self.learned, task, self.request, self.cap)
