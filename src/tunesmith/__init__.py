"""Tunesmith: teach it your songs; it writes new ones.

The public functions live in `tunesmith.api` and are loaded on first use, so that `import tunesmith` is quick:

    import tunesmith as ts

    model = ts.learn("my songs/", output="mine.safetensors")
    piece = next(ts.compose(model, bars=16, seed=7))
    ts.save(piece, "new.mid")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tunesmith.api import (
        Learned,
        LearnRequest,
        ReadOptions,
        Request,
        Score,
        WriteOptions,
        against,
        bass,
        check,
        compose,
        continued,
        evaluate,
        fold,
        harmonised,
        info,
        learn,
        learning,
        load_model,
        load_songs,
        melody,
        player,
        rewritten,
        save,
        varied,
    )
    from tunesmith.errors import TunesmithError

__all__ = [
    "LearnRequest",
    "Learned",
    "ReadOptions",
    "Request",
    "Score",
    "TunesmithError",
    "WriteOptions",
    "__version__",
    "against",
    "bass",
    "check",
    "compose",
    "continued",
    "evaluate",
    "fold",
    "harmonised",
    "info",
    "learn",
    "learning",
    "load_model",
    "load_songs",
    "melody",
    "player",
    "rewritten",
    "save",
    "varied",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")
    from tunesmith import api, errors

    return getattr(errors if name == "TunesmithError" else api, name)


def __dir__() -> list[str]:
    return __all__
