"""The formats of files, each in a file of its own and known by what a file begins with.

A module here with a ``FORMAT`` is registered by being here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.encodings import check_encoding, marked
from elman.data.files import matching
from elman.data.packed import opened, unpacked_name
from elman.data.tables import Table
from elman.errors import ElmanError

SIZE = 1 << 16  # bytes of a beginning


@dataclass(frozen=True)
class Beginning:
    """What a file begins with, unpacked.

    Args:
        name: of the file, in lower case, without what says that it is packed.
        data: its first bytes.
        text: the same as text; "" where it is none.
        whole: whether that is all.
    """

    name: str
    data: bytes
    text: str
    whole: bool

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are whole, without what says where they end."""
        lines = self.text.splitlines()
        return lines if self.whole or len(lines) < 2 else lines[:-1]

    @cached_property
    def full(self) -> list[str]:
        """Those of the lines that are not empty."""
        return [line for line in self.lines if line.strip()]


@dataclass(frozen=True)
class Format:
    """A format of files.

    Args:
        name: for people, as in "the file is ...".
        recognise: whether a file that begins so is of the format.
        read: the rows of such a file as a table; None where one task alone knows what they are.
        tasks: the names of the tasks that it is for; none where it suits any that takes tables.
        rank: a lower one is asked first.
    """

    name: str
    recognise: Callable[[Beginning], bool]
    read: Callable[[Path, BadRows, Dialect], Table] | None = None
    tasks: tuple[str, ...] = ()
    rank: int = 0


@cache
def formats() -> list[Format]:
    """All formats, in the order in which they are asked."""
    modules = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
    return sorted((each.FORMAT for each in modules if hasattr(each, "FORMAT")), key=lambda each: each.rank)


def beginning(path: Path, encoding: str = "") -> Beginning:
    """What a file begins with, or the first of several by a pattern.

    Raises:
        ElmanError: no such file, or one that is damaged where it begins.
    """
    parts, size = [], 0
    with opened(matching(path)[0]) as file:
        while size < SIZE and (part := file.read(SIZE - size)):
            parts.append(part)
            size += len(part)
        whole = not file.read(1)
    data = b"".join(parts)
    told, mark = marked(data)
    if encoding:
        check_encoding(encoding)
    text = data[mark:].decode(told or encoding or "utf-8", "replace")
    return Beginning(unpacked_name(path).lower(), data, "" if "\0" in text else text, whole)


def format_of(path: Path, encoding: str = "") -> Format:
    """The format of a file.

    Raises:
        ElmanError: no such file, or one that is damaged where it begins.
    """
    begun = beginning(path, encoding)
    return next(each for each in formats() if each.recognise(begun))  # the last one takes any


def check_task(source: object, task: str, encoding: str = "") -> None:
    """Refuse a file whose format is for other tasks.

    Raises:
        ElmanError: what it is, and the command for it.
    """
    if not isinstance(source, Path) or source.is_dir():
        return
    found = format_of(source, encoding)
    if found.tasks and task not in found.tasks:
        raise ElmanError(f"{source} is {found.name}; elman train {found.tasks[0]} --data {source} learns from it")
