"""Smaller files of which the same thing goes wrong."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from fuzz.memory import without
from fuzz.ways import Case

Item = TypeVar("Item", str, bytes, int)
SMALL = 400  # bytes of a file of which single ones are taken out
CELL = 40  # bytes of a cell that is not cut further


def shrunk(case: Case, same: Callable[[Case], bool], seconds: float = 30) -> Case:
    """A case with less in its files, or a script with fewer lines, of which the same is wrong.

    Args:
        case: which is wrong.
        same: whether another is wrong in the same way.
        seconds: after which what was found so far is given.
    """
    end = time.monotonic() + seconds

    def tried(other: Case) -> bool:
        return time.monotonic() < end and same(other)

    for text in without(case.script):
        if tried(replace(case, script=text)):
            return shrunk(replace(case, script=text), same, end - time.monotonic())
    for name in sorted(case.files):
        fewer = {key: data for key, data in case.files.items() if key != name}
        if len(case.files) > 1 and tried(replace(case, files=fewer)):
            case = replace(case, files=fewer)

    def holds(name: str) -> Callable[[bytes], bool]:
        return lambda data: tried(replace(case, files={**case.files, name: data}))

    for name in sorted(case.files):
        data = case.files[name]
        for smaller in (fewer_lines, fewer_columns, shorter_cells, fewer_bytes):
            data = smaller(data, holds(name))
        case = replace(case, files={**case.files, name: data})
    return case


def fewer_lines(data: bytes, holds: Callable[[bytes], bool]) -> bytes:
    """A file without those of its lines that do not matter."""
    return b"".join(fewer(data.splitlines(keepends=True), lambda lines: holds(b"".join(lines))))


def fewer_columns(data: bytes, holds: Callable[[bytes], bool]) -> bytes:
    """A file without the cells between separators, in all lines, that do not matter."""
    separator = max((b",", b";", b"\t", b"|"), key=data.count)
    rows = [line.split(separator) for line in data.splitlines(keepends=True)]
    width = max((len(row) for row in rows), default=0)
    if not 1 < width <= 5000:
        return data

    def kept(places: Sequence[int]) -> bytes:
        wanted = set(places)
        lines = (separator.join(cell.rstrip(b"\r\n") for n, cell in enumerate(row) if n in wanted) for row in rows)
        return b"".join(line + b"\n" for line in lines)

    whole = kept(range(width))
    return kept(fewer(list(range(width)), lambda places: holds(kept(places)))) if holds(whole) else data


def shorter_cells(data: bytes, holds: Callable[[bytes], bool]) -> bytes:
    """A file whose long lines are cut to halves as long as that does not matter."""
    lines = data.splitlines(keepends=True)
    for n, line in enumerate(lines):
        while len(line) > CELL:
            half = len(line) // 2
            halves = (line[:half] + line[-1:], line[half:], line[: half // 2] + line[-half // 2 :])
            found = next((each for each in halves if holds(b"".join([*lines[:n], each, *lines[n + 1 :]]))), None)
            if found is None:
                break
            lines[n] = line = found
    return b"".join(lines)


def fewer_bytes(data: bytes, holds: Callable[[bytes], bool]) -> bytes:
    """A small file without those of its bytes that do not matter."""
    if len(data) > SMALL:
        return data
    return bytes(fewer(list(data), lambda kept: holds(bytes(kept))))


def fewer(items: list[Item], holds: Callable[[list[Item]], bool]) -> list[Item]:
    """The items that matter, found by leaving out ever smaller parts.

    >>> fewer(list(range(100)), lambda kept: {7, 70} <= set(kept))
    [7, 70]
    """
    size = max(1, len(items) // 2)
    while items:
        for start in _starts(len(items), size):
            less = items[:start] + items[start + size :]
            if len(less) < len(items) and holds(less):
                items = less
        if size == 1:
            break
        size = max(1, min(size, len(items)) // 2)
    return items


def _starts(length: int, size: int) -> Iterator[int]:
    """Where parts begin, the last first, so that leaving one out moves none of those to come."""
    return iter(range((length - 1) // size * size, -1, -size))
