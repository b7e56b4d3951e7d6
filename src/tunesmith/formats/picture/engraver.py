"""Verovio in a process of its own: it holds the interpreter while it works, and odd input may bring it down.

The process (`worker`) is started on first use, or early by `start`, and used again. Each job has a time limit.
A process that dies or takes too long costs one job, with a `FormatError`; the next job gets a new one.
It ends with this program, however that ends, since its input does.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from tunesmith.errors import FormatError
from tunesmith.formats.picture.worker import read_frame, write_frame

WORKER = Path(__file__).with_name("worker.py")
START_SECONDS = 60  # for the process to be ready, on a busy machine
SECONDS = 30  # for a job,
SECONDS_PER_MEGABYTE = 60  # and so many more for its MusicXML; it takes about 3
DIED = "the score could not be engraved", "convert it to .musicxml or .mid"

Options = Mapping[str, object]


class Died(Exception):
    """The process has ended before it answered."""


class Engraver:
    """One engraving process, for any thread; `worker` is the script that it runs."""

    def __init__(self, worker: Path = WORKER) -> None:
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False  # whether it has said so
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process without waiting for it; engraving does so by itself, later.

        Raises:
            FormatError: it cannot be started.
        """
        with self._lock:
            self._start()

    def engrave(self, text: str, options: Options) -> tuple[str, ...]:
        """MusicXML as SVG pages; `options` are Verovio's.

        Raises:
            FormatError: it cannot be engraved, or not in time.
        """
        with self._lock:
            used = self._ready
            try:
                return self._job(text, options)
            except Died:
                if not used:
                    raise FormatError(DIED[0], fix=DIED[1]) from None
            try:  # what it did before may have been the reason: once more, in a new process
                return self._job(text, options)
            except Died:
                raise FormatError(DIED[0], fix=DIED[1]) from None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def forget(self) -> None:
        """After a fork, in the child: the process is the parent's."""
        self._process, self._ready, self._lock = None, False, threading.Lock()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is None:
            return self._process
        self._end()
        verovio = importlib.util.find_spec("verovio")
        if not verovio or not verovio.origin:
            raise FormatError("verovio, which engraves scores, is not installed", fix="run: pip install verovio")
        try:
            self._process = subprocess.Popen(
                # -P: the modules beside the script are not to be found by their bare names
                [sys.executable, "-P", str(self._worker), str(Path(verovio.origin).parents[1])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                # a group of its own: the terminal's Ctrl-C is not meant for it
                process_group=0 if os.name == "posix" else None,
            )
        except (OSError, ValueError) as error:
            raise FormatError(f"the engraver cannot be started: {error}", fix="check the Python installation") from None
        return self._process

    def _job(self, text: str, options: Options) -> tuple[str, ...]:
        data = text.encode()
        seconds = SECONDS + SECONDS_PER_MEGABYTE * len(data) // 1_000_000
        process = self._start()
        late = threading.Event()
        allowed = seconds + (0 if self._ready else START_SECONDS)
        timer = threading.Timer(allowed, _stop, (process, late))
        timer.daemon = True
        timer.start()
        try:
            return self._asked(process, json.dumps({"options": options, "seconds": seconds + 5}).encode(), data)
        except BaseException as error:  # Ctrl-C as well: half an answer may stand in the pipe
            self._end()
            if late.is_set():
                what = f"engraving took longer than {allowed} seconds"
                raise FormatError(what, fix="engrave a part of it, or convert it to .musicxml or .mid") from None
            if isinstance(error, EOFError | OSError | ValueError | LookupError | TypeError):  # no answer, or nonsense
                raise Died from error
            raise
        finally:
            timer.cancel()

    def _asked(self, process: subprocess.Popen[bytes], job: bytes, data: bytes) -> tuple[str, ...]:
        assert process.stdin and process.stdout  # noqa: S101 - tells the type checker: both are pipes
        if not self._ready:
            read_frame(process.stdout)
            self._ready = True
        write_frame(process.stdin, job)
        write_frame(process.stdin, data)
        process.stdin.flush()
        count = int(json.loads(read_frame(process.stdout))["pages"])
        return tuple(read_frame(process.stdout).decode() for _ in range(count))

    def _end(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what is left in the buffer has no reader
                    pipe.close()  # type: ignore[union-attr]  # both are pipes
            process.wait()


def _stop(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


_engraver = Engraver()
atexit.register(_engraver.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_engraver.forget)


def start() -> None:
    """Start the engraving process early, so that it gets ready while other work is done."""
    _engraver.start()


def engrave(text: str, options: Options) -> tuple[str, ...]:
    """MusicXML as SVG pages, at least one; `options` are Verovio's.

    Raises:
        FormatError: it cannot be engraved, or not in time.
    """
    pages = _engraver.engrave(text, options)
    if not pages:
        raise FormatError("the score cannot be engraved", fix=DIED[1])
    return pages


@lru_cache(maxsize=4)
def engrave_once(text: str, options: tuple[tuple[str, object], ...]) -> tuple[str, ...]:
    """`engrave`, remembering the last few: SVG and PNG show the same."""
    return engrave(text, dict(options))
