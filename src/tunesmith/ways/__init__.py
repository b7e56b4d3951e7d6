"""Working on a piece that is there: continuing it, writing bars anew, harmonising it, varying it.

All of them are composing with something kept: what is kept is a wish like any other, and the particles that suit it
best live on.
"""

from tunesmith.ways.briefing import KINDS_OF_HARMONY, KINDS_OF_VARYING, carry_on, harmonise, rewrite, vary
from tunesmith.ways.material import Material, put_back
from tunesmith.ways.task import Task
from tunesmith.ways.writing import written, written_along

__all__ = [
    "KINDS_OF_HARMONY",
    "KINDS_OF_VARYING",
    "Material",
    "Task",
    "carry_on",
    "harmonise",
    "put_back",
    "rewrite",
    "vary",
    "written",
    "written_along",
]
