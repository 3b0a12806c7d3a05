"""What tells the files of a user from those that they were before."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from elman.data.files import alternatives, matching
from elman.data.packed import is_there
from elman.errors import ElmanError


def fingerprint(path: Path) -> str | None:
    """What tells what is in a file, in the files of a pattern or in those of a folder; None of what is no such.

    Raises:
        ElmanError: a file that is not there.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "data.csv"
        >>> _ = path.write_text("value\\n1\\n")
        >>> before = fingerprint(path)
        >>> _ = path.write_text("value\\n2\\n")
        >>> fingerprint(path) == before
        False
    """
    whole = hashlib.sha256()
    for each in [file for name in alternatives(path) for file in matching(name)]:
        if not is_there(each):
            raise ElmanError(f"there is no file {each}")
        if not (each.is_file() or each.is_dir()):  # a pipe, which is read once
            return None
        for file in _files(each):
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            whole.update(f"{file.relative_to(each.parent).as_posix()!a} {digest}\n".encode())
    return whole.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from sorted(each for each in path.rglob("*") if each.is_file())
