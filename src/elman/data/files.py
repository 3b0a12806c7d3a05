"""Files that are whole or not there: written aside and renamed; and several files in one name."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.data.packed import is_there, special, unpacked_name
from elman.errors import ElmanError

PATTERN = re.compile(r"[*?\[]")  # what makes a name a pattern


def suffix(path: Path) -> str:
    """How the name of a file ends, without what says that it is packed.

    >>> suffix(Path("words.csv.gz"))
    '.csv'
    """
    return Path(unpacked_name(path)).suffix.lower()


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path to write to instead of ``path``, in the same folder; it takes the place of ``path`` when all went well.

    What stood at ``path`` stays whole whatever happens: a full disk, an error, a killed process. A device or a pipe is
    written to itself, and behind a link, what it leads to.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with written_aside(path) as aside:
        ...     _ = aside.write_text("1 2 3")
        >>> path.read_text()
        '1 2 3'
    """
    if special(path):
        yield path
        return
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    place = path.resolve()
    # a name may have 255 bytes on most disks
    aside = place.with_name(f".{place.name if len(os.fsencode(place.name)) < 240 else place.name[:60]}.partial")
    try:
        yield aside
        with aside.open("rb+") as file:  # a rename must not reach the disk before what it names
            os.fsync(file.fileno())
        aside.replace(place)
    except OSError as error:
        if error.filename not in (None, str(aside)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that the user knows
    finally:
        with suppress(OSError):  # it is gone as a rule, and harms nothing where it is not
            aside.unlink()


def matching(path: Path) -> list[Path]:
    """The files that a pattern such as ``logs/*.csv`` stands for, by their names; any other name for itself.

    Raises:
        ElmanError: no file is named so.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "b.csv").write_text("x"), (folder / "a.csv").write_text("x")
        >>> [each.name for each in matching(folder / "*.csv")], [each.name for each in matching(Path("c.csv"))]
        (['a.csv', 'b.csv'], ['c.csv'])
    """
    if not PATTERN.search(str(path)) or is_there(path):
        return [path]
    anchor = Path(path.anchor)
    found = sorted(each for each in anchor.glob(str(path.relative_to(anchor))) if each.is_file())
    if not found:
        raise ElmanError(f"no file is named as {path} says")
    return found


def alternatives(path: Path) -> list[Path]:
    """The files that a name stands for: ``train.{en,de}`` for two, as in a shell; any other name for itself.

    >>> [str(path) for path in alternatives(Path("train.{en,de}.gz"))]
    ['train.en.gz', 'train.de.gz']
    """
    braces = re.search(r"\{([^{}]*,[^{}]*)\}", str(path))
    if braces is None or is_there(path):
        return [path]
    before, after = str(path)[: braces.start()], str(path)[braces.end() :]
    return [Path(before + word + after) for word in braces[1].split(",")]
