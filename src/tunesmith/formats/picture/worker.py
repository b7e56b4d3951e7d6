"""The engraver's own process: MusicXML comes in on standard input, SVG pages go out on standard output.

Run as a script by `engraver`, so that it loads Verovio and nothing else:

    python -P worker.py FOLDER      FOLDER is where the package `verovio` lies

Messages are frames: a length (4 bytes, big-endian), then that many bytes. It first sends an empty frame: ready.
A job is a frame of JSON, `{"options": {...}, "seconds": 60}`, and a frame of MusicXML; the answer is a frame of
JSON, `{"pages": 3}` (0: the score cannot be engraved), and as many frames of SVG. It ends when its input ends.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

MEMORY = 2 * 2**30  # bytes of address space, where the system can bound it
LENGTH = struct.Struct(">I")


def read_frame(stream: IO[bytes]) -> bytes:
    """The next frame.

    Raises:
        EOFError: the stream has ended, also in the midst of a frame.
    """
    head = stream.read(LENGTH.size)
    data = stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
    if len(head) < LENGTH.size or len(data) < LENGTH.unpack(head)[0]:
        raise EOFError
    return data


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Send a frame, without flushing."""
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)


def bound_memory() -> None:
    """Beyond `MEMORY`, Verovio fails, and with it this process alone."""
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit, macOS may refuse it
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def bound_time(seconds: int) -> None:
    """End this process after so many seconds (0: never), even if nobody is left to do so.

    The system does it: Verovio lets no Python code run meanwhile.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def engraved(verovio: Any, text: str, options: dict[str, Any]) -> list[str]:
    """MusicXML as SVG pages; none where it cannot be engraved."""
    # Verovio's default resource path exists only in the thread that imported it.
    toolkit = verovio.toolkit(False)
    toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))
    toolkit.setOptions(options)
    if not toolkit.loadData(text):
        return []
    return [toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1)]


def serve(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Do jobs until there are no more."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    write_frame(answers, b"")
    answers.flush()
    while True:
        job = json.loads(read_frame(jobs))
        text = read_frame(jobs).decode()
        bound_time(job["seconds"])
        pages = engraved(verovio, text, job["options"])
        write_frame(answers, json.dumps({"pages": len(pages)}).encode())
        for page in pages:
            write_frame(answers, page.encode())
        answers.flush()
        bound_time(0)


def main() -> None:
    """Serve on standard input and output; what Verovio itself prints goes nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started this one
    bound_memory()
    sys.path.append(sys.argv[1])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    with suppress(EOFError, BrokenPipeError):
        serve(sys.stdin.buffer, answers)
    os._exit(0)  # at once: neither Verovio nor a broken pipe has a last word


if __name__ == "__main__":
    main()
