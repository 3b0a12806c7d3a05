"""Files that are whole or not there: written aside and renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path to write to instead of ``path``, in the same folder; it takes the place of ``path`` when all went well.

    What stood at ``path`` stays whole whatever happens: a full disk, an error, a killed process.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with written_aside(path) as aside:
        ...     _ = aside.write_text("1 2 3")
        >>> path.read_text()
        '1 2 3'
    """
    aside = path.with_name(f".{path.name}.partial")
    try:
        yield aside
        with aside.open("rb+") as file:  # a rename must not reach the disk before what it names
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
