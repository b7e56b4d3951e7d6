"""Jobs for worker processes, good and bad: what tests of the workers name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tunesmith.corpus import workers
from tunesmith.corpus.songs import read_file

LOG = "TUNESMITH_TEST_LOG"


def double(request: dict[str, Any]) -> dict[str, Any]:
    """Twice the number, in the process that is told."""
    time.sleep(request.get("sleep", 0.0))
    return {"double": 2 * request["number"], "process": os.getpid()}


def steady(request: dict[str, Any]) -> dict[str, Any]:
    """Take long, part by part."""
    for _ in range(request["parts"]):
        time.sleep(0.6)
        workers.alive()
    return {}


def hang(_: dict[str, Any]) -> None:
    """Never end."""
    while True:
        time.sleep(1)


def eat(_: dict[str, Any]) -> None:
    """Use memory until there is no more."""
    eaten = []
    while True:
        eaten.append(bytearray(1 << 24))


def leave(_: dict[str, Any]) -> None:
    """End without a word."""
    os._exit(3)


def write_on(request: dict[str, Any]) -> None:
    """Write the parcel again and again, its folder too."""
    while True:
        Path(request["parcel"]).parent.mkdir(exist_ok=True)
        Path(request["parcel"]).write_bytes(b"")


def crash(_: dict[str, Any]) -> None:
    """Read where no memory is."""
    ctypes.string_at(0)


def fail(_: dict[str, Any]) -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError("by nothing")


def fill(_: dict[str, Any]) -> None:
    """Find the disk full."""
    raise OSError(28, "No space left on device")


def deep(request: dict[str, Any]) -> dict[str, Any]:
    """Call itself until Python says no."""
    return deep(request)


def chatter(_: dict[str, Any]) -> dict[str, Any]:
    """Print, as libraries do, also below Python."""
    print("la la la")
    os.write(1, b"la la la\n")
    sys.stderr.write("la la la\n")
    return {}


def kept(request: dict[str, Any]) -> dict[str, Any]:
    """Hold on to 40 MiB for ever, and say how many processes did so before."""
    KEPT.append(bytearray(40 * 2**20))
    return {"process": os.getpid()}


KEPT: list[bytearray] = []
BAD = {"write": write_on, "hang": hang, "eat": eat, "leave": leave, "crash": crash, "fail": fail}


def anything(request: dict[str, Any]) -> Any:
    """Double, or what the request names."""
    return BAD[request["bad"]](request) if "bad" in request else double(request)


def read_or_die(request: dict[str, Any]) -> Any:
    """Read a file as the importer does, but for files that are named after a bad job; keep a log of what is read."""
    path = Path(request["path"])
    if LOG in os.environ:
        with Path(os.environ[LOG]).open("a") as log:
            log.write(f"{path.name}\n")
    if path.stem == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return BAD[path.stem](request) if path.stem in BAD else read_file(request)
