"""Files on disk: bounded reads, atomic writes, and errors that say which file and why."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tunesmith.errors import FormatError, StorageError

MAX_SONG_BYTES = 64 * 1024 * 1024  # no notated song comes near this; an unbounded read could fill the memory

_REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EEXIST: "a file of this name is where a folder should be",
    errno.EFBIG: "the file would be larger than the system allows",
    errno.ELOOP: "a link that leads to itself",
    errno.ENAMETOOLONG: "the file name is too long",
}


def storage_error(error: OSError, path: str | Path) -> StorageError:
    """Translate an `OSError` into one clear line about `path`."""
    reason = _REASONS.get(error.errno or 0) or (error.strerror or str(error))
    fix = "free some space and try again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return StorageError(reason, path=path, fix=fix)


def read_bytes(path: Path, limit: int = MAX_SONG_BYTES) -> bytes:
    """The content of a song file.

    Raises:
        StorageError: the file cannot be opened.
        FormatError: the file is empty, not a regular file, or larger than `limit` bytes.
    """
    try:
        if path.is_dir():
            raise FormatError("is a folder, not a file", path=path)
        if not path.exists():
            raise StorageError("no such file or folder", path=path)
        if not path.is_file():  # a pipe or device would block for ever
            raise FormatError("is not a regular file", path=path)
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise storage_error(error, path) from error
    except ValueError as error:  # an embedded null byte in the name
        raise StorageError(str(error), path=path) from error
    if not data:
        raise FormatError("the file is empty", path=path)
    if len(data) > limit:
        raise FormatError(f"larger than {limit // 2**20} MiB, too large for a song", path=path)
    return data


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to a temporary file beside `path`, then put it in place at once.

    Whatever goes wrong (a full disk, Ctrl-C, `kill -9`), `path` holds either its old content or the whole new
    content, never a part. The temporary name keeps the ending of `path`, for libraries that look at it.

    Raises:
        StorageError: the folder does not exist or cannot be written, or the disk is full.
    """
    try:
        if path.is_dir():
            raise StorageError("is a folder, not a file", path=path)
        handle, name = tempfile.mkstemp(prefix=".tunesmith-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise storage_error(error, path) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def probe_writable(path: Path) -> None:
    """Raise `StorageError` now if a file could not be written at `path` later; leaves nothing behind."""
    try:
        if path.is_dir():
            raise StorageError("is a folder, not a file", path=path)
        with tempfile.NamedTemporaryFile(prefix=".tunesmith-", dir=path.parent):
            pass
    except OSError as error:
        raise storage_error(error, path) from error


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Call `write` on a temporary file and put it in place of `path`; see `replacing`."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        write(file)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; return it.

    Raises:
        StorageError: it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path) from error
    return path


def _umask() -> int:
    mask = os.umask(0)  # the only portable way to ask
    os.umask(mask)
    return mask
