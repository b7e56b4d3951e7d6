"""Processes of our own that do one job after another, each within limits of time and memory.

`outcomes` gives every request to one of so many workers and yields what came of it, in the order of the requests.
A worker that hangs, crashes or wants too much memory is killed and replaced; its request gets the reason, and the
others go on. The standard library's process pool breaks when one of its processes dies.

A worker is this Python with the main loop of `worker_main`, spoken to through its standard input and output in
frames: a length (4 bytes, big endian) and JSON. So it works the same on every system, a script that calls it needs
no `if __name__ == "__main__"`, and nothing is pickled. A job is a function named "module:function" that takes and
returns plain values; what is large goes through files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from tunesmith.corpus.worker_main import OUT_OF_MEMORY, alive, named, read_frame, write_frame
from tunesmith.errors import TunesmithError

__all__ = ["Limits", "Outcome", "alive", "cores", "name_of", "named", "outcomes", "possible"]

AHEAD = 64  # requests a worker, done before their turn, that may wait for an earlier one
START_SECONDS = 120.0  # for a worker to start on a busy machine

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: `seconds` for each part of its work, longer by `per_mib` for every MiB of its file;
    `memory` in bytes.

    A part is a song: a book of many songs may take as long as each of them goes on. See `alive`.
    Memory is limited where the system can: on Linux (RLIMIT_DATA). Elsewhere it is not.
    """

    seconds: float = 60.0
    memory: int = 1536 * 2**20
    per_mib: float = 20.0

    def seconds_for(self, size: int) -> float:
        """The seconds that a file of so many bytes may take."""
        return self.seconds + self.per_mib * (size // 2**20)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: the job's reply, or, where there is none, why."""

    reply: Request | None
    failure: str = ""


def possible() -> bool:
    """Whether workers can be started: not where Python is a part of another program."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def name_of(function: Callable[..., Any]) -> str:
    """The name by which `named` finds a function; empty where it does not."""
    name = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    try:
        return name if named(name) is function else ""
    except (ImportError, AttributeError, ValueError):
        return ""


def outcomes(job: str, requests: Iterable[tuple[Request, float]], workers: int, memory: int = 0) -> Generator[Outcome]:
    """Do the job for every request, each given with the seconds it may take, with so many workers at once.

    Outcomes come in the order of the requests; at most `AHEAD` a worker are waiting. `memory`: bytes that a worker
    may use, 0 = any.

    Raises:
        TunesmithError: the workers do not start.
        OSError: a job could not write what it found.
    """
    pool = _Pool(job, iter(requests), workers, memory)
    try:
        yield from pool.outcomes()
    finally:
        pool.close()


class _Pool:
    """A thread for every worker takes requests and keeps their outcomes until it is their turn."""

    def __init__(self, job: str, requests: Iterator[tuple[Request, float]], workers: int, memory: int) -> None:
        self._job, self._memory, self._requests = job, memory, requests
        self._ahead = AHEAD * workers
        self._changed = threading.Condition()
        self._done: dict[int, Outcome] = {}
        self._taken = self._turn = 0
        self._last: int | None = None  # how many requests there are, once that is known
        self._error: BaseException | None = None
        self._closed = False
        self._workers: set[_Worker] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]

    def outcomes(self) -> Iterator[Outcome]:
        for thread in self._threads:
            thread.start()
        while (outcome := self._next()) is not None:
            yield outcome

    def close(self) -> None:
        with self._changed:
            self._closed = True
            for worker in self._workers:
                worker.kill()
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for worker in self._workers:  # of threads that ended by an error
            worker.stop()

    def _next(self) -> Outcome | None:
        """The outcome whose turn it is; None after the last."""
        with self._changed:
            # in slices: on Windows, Ctrl-C does not end a wait without a time
            while not (self._turn in self._done or self._turn == self._last or self._error):
                self._changed.wait(0.5)
            if self._error:
                raise self._error
            outcome = self._done.pop(self._turn, None)
            self._turn += 1
            self._changed.notify_all()
            return outcome

    def _serve(self) -> None:
        """What a thread does: requests, one after the other."""
        worker: _Worker | None = None
        try:
            while (task := self._take()) is not None:
                number, (request, seconds) = task
                worker, outcome = self._done_by(worker, request, seconds)
                with self._changed:
                    self._done[number] = outcome
                    self._changed.notify_all()
        except BaseException as error:  # it is raised where the outcomes are waited for
            with self._changed:
                self._error = self._error or (None if self._closed else error)
                self._changed.notify_all()
        finally:
            if worker:
                self._leave(worker)

    def _take(self) -> tuple[int, tuple[Request, float]] | None:
        with self._changed:
            while not self._closed and self._taken - self._turn >= self._ahead:
                self._changed.wait()
            if self._closed or self._last is not None:
                return None
            try:
                task = next(self._requests)
            except StopIteration:
                self._last = self._taken
                self._changed.notify_all()
                return None
            self._taken += 1
            return self._taken - 1, task

    def _done_by(self, worker: _Worker | None, request: Request, seconds: float) -> tuple[_Worker | None, Outcome]:
        """Have a request done; also the worker, if it can be used again.

        What fails in a worker that has done others before is done again by a new one, unless it took too long: what
        one request leaves behind in memory is not the fault of the next, and outcomes must not depend on the order.
        """
        while True:
            used = worker is not None
            worker = worker or self._start()
            outcome, overdue = worker.do(request, seconds)
            if worker.ended:
                self._leave(worker)
                worker = None
            if outcome.reply is not None or overdue or not used or self._closed:
                return worker, outcome

    def _start(self) -> _Worker:
        worker = _Worker(self._job, self._memory)
        with self._changed:
            self._workers.add(worker)
            if self._closed:
                worker.kill()
        worker.wait_until_ready()
        return worker

    def _leave(self, worker: _Worker) -> None:
        worker.stop()
        with self._changed:
            self._workers.discard(worker)


class _Worker:
    """A process, seen from here."""

    def __init__(self, job: str, memory: int) -> None:
        self._job, self._memory = job, memory
        self.ended = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        self._process = subprocess.Popen(
            # -P: nothing is imported from the folder where the user happens to be
            [sys.executable, "-P", "-c", "from tunesmith.corpus.worker_main import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=_environment(),
        )

    def wait_until_ready(self) -> None:
        head = {"job": self._job, "memory": self._memory}
        reply, overdue = self._asked(head, START_SECONDS)
        if reply is not None:
            return
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "no word from it")
        self.stop()
        raise TunesmithError(f"a process for reading songs does not start ({'too slow' if overdue else last.strip()})")

    def do(self, request: Request, seconds: float) -> tuple[Outcome, bool]:
        """The outcome of a request, and whether it took too long."""
        reply, overdue = self._asked(request, seconds)
        while reply and "alive" in reply and not self.ended:
            reply, overdue = self._asked(None, seconds)
        if reply is None or "alive" in reply:  # the latter where the time was up in the same moment
            failure = f"took longer than {seconds:g} s" if overdue else self._failure()
            return Outcome(None, failure), overdue
        if "errno" in reply:
            raise OSError(reply["errno"], reply["text"])
        self.ended |= bool(reply["last"])
        return Outcome(reply["reply"], reply["failure"]), False

    def _asked(self, request: Request | None, seconds: float) -> tuple[Request | None, bool]:
        """What it says next, once it was told the request, if any; and whether it took too long and was killed."""
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            self.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                write_frame(_not_none(self._process.stdin), request)
            reply = read_frame(_not_none(self._process.stdout))
        except (OSError, ValueError):  # it has ended
            reply = None
        timer.cancel()
        timer.join()
        self.ended |= reply is None or overdue.is_set()
        return reply, overdue.is_set()

    def _failure(self) -> str:
        code = self._process.wait()
        if code == OUT_OF_MEMORY:
            return f"needs more than {self._memory / 2**30:.3g} GiB of memory"
        return f"crashed the reader ({f'signal {-code}' if code < 0 else f'exit code {code}'})"

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        """End it and let go of what it had."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._complaints):
            with suppress(OSError):  # what was not sent is of no use any more
                _not_none(file).close()


def _environment() -> dict[str, str]:
    """As ours, with the same modules in reach, and one thread each for arrays: there is a worker for every core."""
    paths = os.pathsep.join(path for path in sys.path if path)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return os.environ | threads | {"PYTHONPATH": paths}


def _not_none(file: IO[bytes] | None) -> IO[bytes]:
    assert file is not None, "the process was started with pipes"  # noqa: S101 - tells the type checker
    return file
