"""Pictures of numbers: the learning curve, the piano roll and the contour. Needs matplotlib, imported on use.

`drawing` makes figures into files, `curve` is the learning curve, `rows` lays music out in rows of time, and
`roll` draws its notes there.
"""

from __future__ import annotations

from tunesmith.plots.curve import loss_curve
from tunesmith.plots.drawing import COLOURS
from tunesmith.plots.roll import contour, piano_roll, surprise_roll

__all__ = ["COLOURS", "contour", "loss_curve", "piano_roll", "surprise_roll"]
