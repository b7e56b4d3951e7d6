"""Which files there are, and whether they are the same as before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tunesmith import __version__, scheme
from tunesmith.errors import StorageError
from tunesmith.files import storage_error
from tunesmith.scheme import vocabulary as v

WORK = ".safetensors.work"  # how the folder of an unfinished model ends


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that these files and folders stand for, folders with all below them, in a fixed order.

    Hidden files in folders are left out, and what learning keeps there while it works.

    Raises:
        StorageError: a path does not exist or cannot be opened.
    """
    found: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                found += [p for p in sorted(path.rglob("*")) if not (_hidden(p.relative_to(path)) or p.is_dir())]
            elif path.exists() or path.is_symlink():
                found.append(path)
            else:
                raise StorageError("no such file or folder", path=path)
        except OSError as error:  # a name too long, a folder that may not be looked into
            raise storage_error(error, path) from error
    return list(dict.fromkeys(found))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith(WORK) for part in path.parts)


def request_key(files: Sequence[Path], options: str) -> str:
    """A key that changes when the files, their content (by size and time) or the options change."""
    digest = hashlib.sha256(f"{__version__} {v.VERSION} {scheme.viewpoints.COLUMNS} {options}".encode())
    for path in files:
        try:
            found = path.stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
        except OSError:
            digest.update(f"{path}\0?\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
