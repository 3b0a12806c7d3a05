"""``manifest.json``: the size and the SHA-256 of each file of a model folder, held against it when the file is read.

A file is written aside, then the manifest names both what stands and what comes, then the file takes its place, and
then the manifest names it alone. So what stands is named at every moment, and a process may be killed at any.
"""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

from elman.data.files import written_aside
from elman.errors import ElmanError
from elman.system import READ, sync_folder

T = TypeVar("T")

MANIFEST = "manifest.json"
AGAIN = "take a copy, or train again"


@dataclass(frozen=True)
class Sum:
    """What a file is told by."""

    bytes: int
    sha256: str


Files = dict[str, list[Sum | None]]  # what each may be, by its name within the folder; None is that it is not there


def exists(folder: Path) -> bool:
    """Whether a folder has a manifest; those of formats 1 and 2 have none."""
    return os.path.lexists(folder / MANIFEST)


def is_there(folder: Path, name: str) -> bool:
    """Whether a folder has a file.

    Raises:
        ElmanError: it had one, as its manifest says.
    """
    there = os.path.lexists(folder / name)
    if not there and exists(folder) and None not in _read(folder).get(name, [None]):
        raise ElmanError(f"the model folder {folder} lacks {name}; {AGAIN}")
    return there


def read(folder: Path, name: str) -> bytes:
    """The bytes of a file of a folder.

    Raises:
        ElmanError: no such file, or one that is not as it was written.
    """
    return _checked(folder, name, _all)


def check(folder: Path, name: str) -> None:
    """Hold a file of a folder, which may be larger than memory, against the manifest.

    Raises:
        ElmanError: no such file, or one that is not as it was written.
    """
    _checked(folder, name, lambda file: (None, _sum(file)))


def sums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of those of some files that a folder has, as its manifest names them."""
    files = _read(folder) if exists(folder) else _as_they_stand(folder, names)
    return {name: found.sha256 for name in names for found in files.get(name, [])[:1] if found is not None}


def forget(folder: Path, name: str) -> None:
    """Remove a file of a folder, which is not missed then."""
    if exists(folder):
        files = _read(folder)
        if files.pop(name, None) is not None:
            _write(folder, files)
    (folder / name).unlink(missing_ok=True)


def _checked(folder: Path, name: str, take: Callable[[BufferedReader], tuple[T, Sum]]) -> T:
    """What is taken of a file that is as the manifest says."""
    while True:
        files = _read(folder) if exists(folder) else None
        with _opened(folder, name) as file:
            taken, found = take(file)
        if _is_named(folder, name, found, files):
            return taken


@contextmanager
def written(folder: Path, name: str, others: Iterable[str] = ()) -> Iterator[Path]:
    """A path to write a file of a folder to; it takes its place, and is named in the manifest, when all went well.

    Args:
        folder: the model folder.
        name: of the file, within the folder.
        others: files that a folder without a manifest may have, which are named as they stand.

    Raises:
        ElmanError: what is no file stands in its place.
    """
    for each in (name, MANIFEST):
        if os.path.lexists(folder / each) and not stat.S_ISREG((folder / each).lstat().st_mode):
            raise ElmanError(f"{folder / each} is a link, a pipe or a device and should be a file; {AGAIN}")
    (folder / name).parent.mkdir(exist_ok=True)
    files = _read(folder) if exists(folder) else _as_they_stand(folder, others)
    before: list[Sum | None] = files.get(name, [None])
    if len(before) > 1:  # a process was killed here
        before = [_standing(folder, name)]
    with written_aside(folder / name) as aside:
        yield aside
        with aside.open("rb") as file:
            now = _sum(file)
        _write(folder, files | {name: [now, *before]})
    alone: Files = {name: [now]}
    _write(folder, files | alone)


def _is_named(folder: Path, name: str, found: Sum, files: Files | None) -> bool:
    """Whether a file is what the manifest names; False where another process has meanwhile written it anew."""
    path = folder / name
    if files is None or found in files.get(name, []):
        return True
    if exists(folder) and _read(folder) != files:
        return False
    if name not in files:
        raise ElmanError(f"{path} is no file of this model, since {MANIFEST} does not name it; {AGAIN}")
    raise ElmanError(f"{path} is damaged or was changed: its checksum in {MANIFEST} is another; {AGAIN}")


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[BufferedReader]:
    path = folder / name
    if not os.path.lexists(path):
        raise ElmanError(f"the model folder {folder} lacks {name}; {AGAIN}")
    if path.is_dir():
        raise ElmanError(f"{path} is a folder and should be a file; {AGAIN}")
    try:
        handle = os.open(path, READ)
    except OSError as error:  # a link that leads nowhere, a file of another user
        raise ElmanError(f"{path} cannot be read ({error.strerror}); {AGAIN}") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ElmanError(f"{path} is a pipe or a device and should be a file; {AGAIN}")
        yield file


def _standing(folder: Path, name: str) -> Sum | None:
    if not (folder / name).is_file():
        return None
    with _opened(folder, name) as file:
        return _sum(file)


def _as_they_stand(folder: Path, names: Iterable[str]) -> Files:
    return {name: [found] for name in names if (found := _standing(folder, name)) is not None}


def _all(file: BufferedReader) -> tuple[bytes, Sum]:
    data = file.read()
    return data, Sum(len(data), hashlib.sha256(data).hexdigest())


def _sum(file: BufferedReader) -> Sum:
    return Sum(os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _text(files: Files) -> str:
    """The manifest, whose last line is the checksum of the rest: a byte that has changed in it is found, too."""
    named = {name: [each and asdict(each) for each in sums] for name, sums in sorted(files.items())}
    digest = hashlib.sha256(json.dumps(named).encode()).hexdigest()
    return json.dumps({"files": named, "sha256": digest}, indent=1) + "\n"


def _write(folder: Path, files: Files) -> None:
    with written_aside(folder / MANIFEST) as aside:
        aside.write_text(_text(files), encoding="utf-8")
    sync_folder(folder)  # what it names must not reach the disk before it


def _read(folder: Path) -> Files:
    with _opened(folder, MANIFEST) as file:
        data = file.read()
    try:
        named: dict[str, list[dict[str, Any] | None]] = json.loads(data)["files"]
        files: Files = {name: [None if each is None else Sum(**each) for each in sums] for name, sums in named.items()}
        same = _text(files).encode() == data
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ElmanError(f"{folder / MANIFEST} is damaged or was changed; {AGAIN}") from error
    if not same:
        raise ElmanError(f"{folder / MANIFEST} is damaged or was changed; {AGAIN}")
    return files
