"""The inside of a worker process; see `workers`. It imports little before its job, so that it starts quickly."""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from tunesmith.errors import TunesmithError

OUT_OF_MEMORY = 112  # exit code
BEAT_SECONDS = 0.5  # between signs of life
MAX_FRAME = 1 << 24  # bytes


def named(name: str) -> Callable[..., Any]:
    """The function called "module:function".

    Raises:
        ImportError, AttributeError, ValueError: there is none.
    """
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def write_frame(file: IO[bytes], value: dict[str, Any]) -> None:
    """Send a frame."""
    data = json.dumps(value, ensure_ascii=True).encode()
    file.write(len(data).to_bytes(4, "big") + data)
    file.flush()


def read_frame(file: IO[bytes]) -> dict[str, Any] | None:
    """The next frame; None where there is no more.

    Raises:
        ValueError: it is none.
    """
    prefix = file.read(4)
    size = int.from_bytes(prefix, "big")
    if len(prefix) < 4 or size > MAX_FRAME:
        return None
    found: dict[str, Any] = json.loads(file.read(size))
    return found


class _Signs:
    """Signs of life of this process: where they go, and when the last one was given."""

    answers: IO[bytes] | None = None
    last = 0.0


def alive() -> None:
    """Say that the job has done a part of its work: the time it may take begins anew. Outside a worker, nothing."""
    now = time.monotonic()
    if _Signs.answers and now - _Signs.last > BEAT_SECONDS:
        _Signs.last = now
        write_frame(_Signs.answers, {"alive": True})


def main() -> None:
    """Take requests from standard input, one after the other, until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    asking, answers = _private_streams()
    head = read_frame(asking) or {}
    job = named(head["job"])
    _limit(head["memory"])
    write_frame(answers, {})
    _Signs.answers = answers
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what libraries in C say of a broken file helps nobody
    requests = _requests(asking)
    while True:
        answer = _answer(job, requests.get())
        # What a large file leaves behind in memory must not count against the files after it.
        answer["last"] = bool(head["memory"]) and _peak() > head["memory"] // 2
        write_frame(answers, answer)


def _private_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for the frames alone: a library that prints must not break them."""
    asking, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return asking, answers


def _requests(asking: IO[bytes]) -> queue.SimpleQueue[dict[str, Any]]:
    """Requests as they come; the process ends when there can be no more, whatever it is doing.

    So it does not outlive the process that started it, also where that one was killed.
    """
    found: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(OSError, ValueError):
            while (request := read_frame(asking)) is not None:
                found.put(request)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return found


def _answer(job: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"reply": job(request), "failure": ""}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except TunesmithError as error:
        return {"reply": None, "failure": str(error)}
    except OSError as error:
        return {"errno": error.errno or 0, "text": error.strerror or str(error)}
    except Exception as error:  # a job names what can go wrong; this is a fault of ours, and is told
        return {"reply": None, "failure": f"a fault in Tunesmith ({type(error).__name__}: {error}); please report it"}


def _limit(memory: int) -> None:
    """Let this process use so many bytes of memory and no more, where the system can, and leave no core behind."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory and sys.platform == "linux":  # macOS takes such limits and does not keep them
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _peak() -> int:
    """The largest resident size of this process so far in bytes; 0 where it is not known."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
