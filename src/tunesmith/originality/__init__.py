"""Is a piece new? What it has in common with songs, found in any key, at any tempo, anywhere in the bar.

`lines` turns scores into steps, `index` finds the longest stretches that two have in common, `report` says what that
means.
"""

from tunesmith.originality.index import Index, Source
from tunesmith.originality.lines import Line, View, lines
from tunesmith.originality.report import LEAST, Originality, Run, Yardstick, originality, yardstick

__all__ = [
    "LEAST",
    "Index",
    "Line",
    "Originality",
    "Run",
    "Source",
    "View",
    "Yardstick",
    "lines",
    "originality",
    "yardstick",
]
