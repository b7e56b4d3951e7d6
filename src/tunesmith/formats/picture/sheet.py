"""Which paper a score is printed on, and how small, so that its highest system fits.

A system higher than the page is printed smaller, down to staves that can just be read; what needs more room than
that gets larger paper. Lengths are tenths of a millimetre.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from tunesmith.errors import SongWarning

PAPERS = {"a4": (2100, 2970), "letter": (2159, 2794)}  # width and height of what can be asked for
NAMES = {"a4": "A4", "letter": "letter"}
LARGER = {  # what is taken where that is too small, each with twice the area of the one before
    "a4": (("A3", 2970, 4200), ("A2", 4200, 5940), ("A1", 5940, 8410)),
    "letter": (("tabloid", 2794, 4318), ("ANSI C", 4318, 5588), ("ANSI D", 5588, 8636)),
}
# the most staves of a system -> the height of a staff: engravers' rastral sizes 3, 5, 7, 8
STAFF_HEIGHTS = ((2, 70), (5, 60), (10, 48), (math.inf, 37))
LEAST_DISTANCE = 2.6  # from one staff to the next, in heights of a staff
LEAST_STAFF = 25  # the height of a staff in a pocket score
SPARE = 0.97  # of what should fit: what is printed smaller has more bars in a system, which makes it higher
MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, how high a staff is engraved for it, and by how much the engraving is printed smaller (`zoom`)."""

    paper: str  # that was asked for
    staves: int  # of a system
    larger: int = 0  # 0: the paper that was asked for; else the place in `LARGER`, from 1
    zoom: float = 1.0
    tries: int = 1

    @property
    def name(self) -> str:
        """What the paper is called."""
        return LARGER[self.paper][self.larger - 1][0] if self.larger else NAMES[self.paper]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return LARGER[self.paper][self.larger - 1][1:] if self.larger else PAPERS[self.paper]

    @property
    def staff(self) -> float:
        """How high a staff is engraved, before it is printed smaller."""
        return next(high for most, high in STAFF_HEIGHTS if self.staves <= most)

    @property
    def last(self) -> bool:
        """Whether there is no other to be tried."""
        return self.tries >= MOST_TRIES

    @classmethod
    def first(cls, paper: str, staves: int) -> Sheet:
        """The first to be tried: the usual one, unless nothing but the staves and the room between them needs more."""
        usual = cls(paper, staves)
        share = usual.size[1] / (staves * usual.staff * LEAST_DISTANCE)
        return usual if share >= 1 else usual.after(share)

    def after(self, share: float) -> Sheet:
        """The next to be tried, where no more than this share (0 to 1) of the height of a system fits on this one."""
        zoom = self.zoom * share * SPARE
        higher = [height / self.size[1] for _, _, height in LARGER[self.paper][self.larger :]]
        zooms = [zoom, *(min(1.0, zoom * times) for times in higher)]
        legible = (n for n, found in enumerate(zooms) if found * self.staff >= LEAST_STAFF)
        step = next(legible, len(zooms) - 1)
        return dataclasses.replace(self, larger=self.larger + step, zoom=zooms[step], tries=self.tries + 1)

    def remark(self) -> SongWarning | None:
        """What is to be told of the choice; None where all is as it was asked for."""
        millimetres = self.staff * self.zoom / 10
        if millimetres < LEAST_STAFF / 10 and self.larger:
            what = (
                f"a system of {self.staves} staves is too high for print: on {self.name}, {millimetres:.1f} mm a staff"
            )
            return SongWarning(what, fix="look at it on a screen, or take parts out")
        if self.larger:
            what = f"a system of {self.staves} staves does not fit on {NAMES[self.paper]}: the pages are {self.name}"
            return SongWarning(what, fix="print it smaller, or take parts out")
        return None
