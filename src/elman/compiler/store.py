"""Compiled kernels on disk, so that the next process need not make them again.

What is read here is executed, so a file is trusted by what it is and not by where it lies: it is opened without
following a link or waiting for a pipe, and the open file is to be a regular one of this user's that no other can write,
in a folder of which the same holds.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elman import system
from elman.errors import ElmanWarning

_MAGIC = b"elman-kernel-1\n"
_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".kernel"
_PART = ".part"  # a file that is being written
_LIMIT = 256 << 20  # bytes of all entries together
_OF_OTHERS = {
    "owner": "is another user's and is not used; set ELMAN_CACHE to your own",
    "others": "can be written by others and is not used; run chmod 700 on it",
}
_warned: set[str] = set()

log = logging.getLogger(__name__)


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
        return system.home_at(own)
    return system.cache_folder() / "elman"


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
    if not _is_trusted(path.parent):
        return None
    data = _bytes(path)
    kernel = None if data is None else _parse(name, data)
    if kernel is not None:
        with contextlib.suppress(OSError):  # only tells which kernels are in use; a folder that is read-only cannot say
            os.utime(path)
    return kernel


def write(name: str, kernel: Kernel) -> None:
    """Store a kernel in the place of what stood under its name; where that cannot be, the next process makes it."""
    place = folder()
    part = None
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_trusted(place):
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
        log.debug("compiled kernels cannot be kept in %s (%s); ELMAN_CACHE names another folder", place, error.strerror)


def _format(name: str, kernel: Kernel) -> bytes:
    body = json.dumps({"key": kernel.key, "names": kernel.names}).encode() + b"\n" + kernel.code
    return _MAGIC + _checksum(name, body) + body


def _parse(name: str, data: bytes) -> Kernel | None:
    """The kernel in the bytes of a file, or None where they are not what was written."""
    start = len(_MAGIC) + _DIGEST
    digest, body = data[len(_MAGIC) : start], data[start:]
    if not data.startswith(_MAGIC) or digest != _checksum(name, body):
        return None
    header, _, code = body.partition(b"\n")
    try:
        fields = json.loads(header)
        key, names = fields["key"], fields["names"]
        if not (isinstance(key, str) and isinstance(names, list) and names and all(map(_is_name, names))):
            return None
        return Kernel(key, tuple(names), code)
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def _is_name(name: object) -> bool:
    """Whether a function can be named so; LLVM ends the process where it is asked for one that is named otherwise."""
    return isinstance(name, str) and re.fullmatch(r"[\w.$]+", name) is not None


def _checksum(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + body).digest()


def _bytes(path: Path) -> bytes | None:
    """What is in a file, or None where it cannot be read or is not to be trusted."""
    try:
        with os.fdopen(os.open(path, system.READ | system.NO_LINK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or _of_others(status) or status.st_size > _LIMIT:
                log.debug("%s is not a compiled kernel of this user's alone; it is made anew", path)
                return None
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        log.debug("a compiled kernel cannot be read from %s (%s); it is made anew", path, error.strerror)
        return None


def _is_trusted(place: Path) -> bool:
    """Whether a folder is there, and nobody else can put a file into it."""
    try:
        status = system.folder_status(place)
    except FileNotFoundError:
        return False
    except OSError as error:  # a link, a file, a pipe
        log.debug("%s is no folder to keep compiled kernels in (%s)", place, error.strerror)
        if os.path.islink(place):  # noqa: PTH114 - the one of pathlib fails where the path cannot be looked at
            _warn(
                f"the folder of compiled kernels {place} is a link and is not used; set ELMAN_CACHE to what it leads to"
            )
        return False
    if why := _of_others(status):
        _warn(f"the folder of compiled kernels {place} {why}")
    return not why


def _of_others(status: os.stat_result) -> str:
    """What others can do to a file or a folder, and what would be right; empty where they cannot write it."""
    return _OF_OTHERS.get(system.writable_by(status), "")


def _files(suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder().glob("*" + suffix):
        with contextlib.suppress(FileNotFoundError):  # another process has just deleted it
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                yield path, status


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
