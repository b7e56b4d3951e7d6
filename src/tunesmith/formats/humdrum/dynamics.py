"""Dynamics: the marks of a **dynam spine as velocities. Hairpins and accents (sf, fp) leave the velocity as it is."""

from __future__ import annotations

import re

_MARK = re.compile(r"\W*(p{1,5}|f{1,5}|mp|mf)(?![a-zA-Z])")
# velocities as MuseScore plays the marks
_VELOCITIES = {"ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 126}


def velocity_of(text: str) -> int | None:
    """The velocity of a mark, 1 to 127; None for other signs."""
    found = _MARK.match(text)
    return _VELOCITIES[found[1][:3]] if found else None
