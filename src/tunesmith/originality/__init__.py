"""Is a piece new? What it has in common with songs, found in any key, at any tempo, anywhere in the bar.

`lines` turns scores into steps, `index` finds the longest stretches that two have in common, `altered` those with a few
notes altered, `report` says what that means. `fingerprint` knows again what stands in music that is too much to ship.
"""

from tunesmith.originality.altered import LEAST_ALTERED, Altered
from tunesmith.originality.fingerprint import BASE_MUSIC, Fingerprint, windows
from tunesmith.originality.index import Index, Source
from tunesmith.originality.lines import LEAST, Line, View, lines
from tunesmith.originality.report import Originality, Run, Yardstick, originality, yardstick

__all__ = [
    "BASE_MUSIC",
    "LEAST",
    "LEAST_ALTERED",
    "Altered",
    "Fingerprint",
    "Index",
    "Line",
    "Originality",
    "Run",
    "Source",
    "View",
    "Yardstick",
    "lines",
    "originality",
    "windows",
    "yardstick",
]
