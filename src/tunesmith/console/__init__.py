"""What the command line shows: progress on standard error, tables and curves as text."""

from tunesmith.console.composing import made_json, novelty, ranked
from tunesmith.console.learning import LearnView, curve, result_text
from tunesmith.console.looking import check_json, check_text, evaluation_json, evaluation_table, info_text
from tunesmith.console.progress import Counter, Steps
from tunesmith.console.songs import ImportView

__all__ = [
    "Counter",
    "ImportView",
    "LearnView",
    "Steps",
    "check_json",
    "check_text",
    "curve",
    "evaluation_json",
    "evaluation_table",
    "info_text",
    "made_json",
    "novelty",
    "ranked",
    "result_text",
]
