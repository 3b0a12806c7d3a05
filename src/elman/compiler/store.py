"""Compiled kernels on disk, so that the next process need not make them again."""

import contextlib
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elman.errors import ElmanWarning

_MAGIC = b"elman-kernel-1\n"
_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".kernel"
_PART = ".part"  # a file that is being written
_LIMIT = 256 << 20  # bytes of all entries together
_warned: set[str] = set()


class Kernel(NamedTuple):
    """What is stored of one compiled module."""

    key: str  # what was asked for, to be shown
    names: tuple[str, ...]  # the functions it defines
    code: bytes  # the object file


class Entry(NamedTuple):
    """One file of the folder."""

    path: Path
    key: str | None  # None where the file is damaged
    bytes: int
    used: float  # seconds since the epoch


def folder() -> Path:
    """Where kernels are kept: ``$ELMAN_CACHE``, else ``elman`` in the user's own cache folder."""
    if own := os.environ.get("ELMAN_CACHE"):
        return Path(os.path.expanduser(own))  # noqa: PTH111 - the one of pathlib fails where a user has no home
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(base)) / "elman"  # noqa: PTH111


def entries() -> list[Entry]:
    """All kernels on disk, the most recently used first."""
    found = []
    for path, status in _files(_SUFFIX):
        kernel = _parse(path.stem, _bytes(path) or b"")
        found.append(Entry(path, kernel and kernel.key, status.st_size, status.st_mtime))
    return sorted(found, key=lambda entry: -entry.used)


def clear() -> int:
    """Delete all kernels on disk and return how many there were."""
    paths = [path for path, _ in _files(_SUFFIX)]
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def read(name: str) -> Kernel | None:
    """The kernel stored under ``name``, or None where there is none that is whole and can be trusted."""
    path = folder() / (name + _SUFFIX)
    data = _bytes(path)
    if data is None or not _trusted(path.parent):
        return None
    kernel = _parse(name, data)
    if kernel is not None:
        with contextlib.suppress(OSError):  # only tells which kernels are in use; a folder that is read-only cannot say
            os.utime(path)
    return kernel


def write(name: str, kernel: Kernel) -> None:
    """Store a kernel, or say once why that is not possible."""
    place = folder()
    part = None
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _trusted(place):
            return
        handle, part = tempfile.mkstemp(dir=place, suffix=_PART)
        with os.fdopen(handle, "wb") as file:
            file.write(_format(name, kernel))
        Path(part).replace(place / (name + _SUFFIX))
        _prune()
    except OSError as error:
        if part is not None:
            with contextlib.suppress(OSError):  # what keeps us from writing may keep us from deleting; said below
                Path(part).unlink(missing_ok=True)
        _warn(f"compiled kernels cannot be kept in {place} ({error.strerror}); set ELMAN_CACHE to a folder of your own")


def _format(name: str, kernel: Kernel) -> bytes:
    body = json.dumps({"key": kernel.key, "names": kernel.names}).encode() + b"\n" + kernel.code
    return _MAGIC + _checksum(name, body) + body


def _parse(name: str, data: bytes) -> Kernel | None:
    """The kernel in the bytes of a file, or None where they are not what was written."""
    start = len(_MAGIC) + _DIGEST
    digest, body = data[len(_MAGIC) : start], data[start:]
    if not data.startswith(_MAGIC) or digest != _checksum(name, body):
        return None
    header, code = body.split(b"\n", 1)
    fields = json.loads(header)
    return Kernel(fields["key"], tuple(fields["names"]), code)


def _checksum(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + body).digest()


def _bytes(path: Path) -> bytes | None:
    """What is in a file, or None where it cannot be read."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        _warn(f"a compiled kernel cannot be read from {path} ({error.strerror}); it is made anew")
        return None


def _trusted(place: Path) -> bool:
    """Whether nobody else can put a file into the folder: what is in it will be executed."""
    if not hasattr(os, "getuid"):  # Windows: the user's own profile
        return True
    status = place.stat()
    if status.st_uid != os.getuid():
        _warn(f"the folder of compiled kernels {place} is another user's and is not used; set ELMAN_CACHE to your own")
        return False
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _warn(f"the folder of compiled kernels {place} can be written by others and is not used; run chmod 700 on it")
        return False
    return True


def _files(suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder().glob("*" + suffix):
        with contextlib.suppress(FileNotFoundError):  # another process has just deleted it
            yield path, path.stat()


def _prune() -> None:
    """Delete the least recently used kernels until the rest fit, and what a killed process left half written."""
    for path, status in _files(_PART):
        if status.st_mtime < time.time() - 3600:
            path.unlink(missing_ok=True)
    total = 0
    for path, status in sorted(_files(_SUFFIX), key=lambda file: -file[1].st_mtime):
        total += status.st_size
        if total > _LIMIT:
            path.unlink(missing_ok=True)


def _warn(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, ElmanWarning, stacklevel=2)
