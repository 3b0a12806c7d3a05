"""The beginning of large data: files that are read whole take a second then, whatever they hold."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from elman.data.bad import BadRows
from elman.data.encodings import marked
from elman.data.files import alternatives, matching, suffix
from elman.data.formats import beginning, delimited, formats, mtx, objects, parquet
from elman.data.packed import is_packed, is_there, opened, unpacked_name
from elman.data.reading import read_table
from elman.data.tables import Table
from elman.data.text import beginning as text_beginning
from elman.errors import ElmanError

LARGE = 1 << 18  # bytes that are read of one file, or of all files of a folder
LEAST = 1 << 12  # bytes that are read of each file of a folder
MOST_FILES = 2000
ROWS = 50_000  # of a file that has no lines
CUT = (*delimited.NAMES, *objects.OBJECTS)  # how files are named whose beginning may have no row that is whole
WIDEST, LAST = 200, 20  # columns of a table that tasks look at, and how many of them are its last


class Sample(NamedTuple):
    """Where a part of some data lies, as the data itself does."""

    path: Path
    whole: bool  # whether it is all of the data
    bytes: int  # of all of the data
    part: int  # bytes of it that were looked at
    first: Path | None = None  # of several files by a pattern, the one that is looked at
    files: int = 1  # by the pattern


@contextmanager
def sampled(path: Path) -> Iterator[Sample]:
    """The data itself where it is small, else the beginning of each of its files, in a folder that goes again.

    Args:
        path: a file, a folder, or several files in one name as ``train.{en,de}``; of a pattern the first file is it.

    Raises:
        ElmanError: no such file.
    """
    path, *others = matching(path)
    first, number = (path, 1 + len(others)) if others else (None, 1)
    files = [file for each in alternatives(path) for file in _files(each)]
    total = sum(file.stat().st_size for file in files)
    every = total + sum(file.stat().st_size for file in others)
    if total <= LARGE and not any(map(is_packed, files)):
        yield Sample(path, not others, every, total, first, number)
        return
    share = max(LEAST, LARGE // len(files)) if path.is_dir() else LARGE
    with tempfile.TemporaryDirectory() as scratch:
        base = path if path.is_dir() else path.parent
        parts = [(file, Path(scratch) / "data" / file.relative_to(base)) for file in files[:MOST_FILES]]
        read = [_copy_beginning(file, to, share) for file, to in parts]
        if len(files) > 1 and not path.is_dir():  # parallel files go line by line
            _cut_alike([_unpacked(to) for _, to in parts])
        there = Path(scratch) / "data" / ("" if path.is_dir() else _unpacked(path).name)
        whole = len(files) <= MOST_FILES and all(read) and not others
        part = sum(_unpacked(to).stat().st_size for _, to in parts)
        yield Sample(there, whole, every, part, first, number)


@contextmanager
def narrowed(path: Path, table: Table | None) -> Iterator[Path]:
    """The file itself, or, where it is a table of very many columns, one of its first and last ones.

    Args:
        path: of the file.
        table: what was read of it, where it is a table.
    """
    if table is None or len(table.columns) <= WIDEST:
        yield path
        return
    frame = table.frame.select(*table.columns[: WIDEST - LAST], *table.columns[-LAST:])
    with tempfile.TemporaryDirectory() as scratch:
        to = Path(scratch) / path.name
        with to.open("wb") as file:
            if table.dialect.separator:
                frame.write_csv(file, separator=table.dialect.separator, include_header=bool(table.dialect.header))
            else:
                frame.write_parquet(file)
        yield to


def ends_within_a_row(sample: Sample) -> bool:
    """Whether the beginning of a table holds no row that is whole, so that its rows cannot be read."""
    if sample.whole or not sample.path.is_file() or suffix(sample.path) not in CUT:
        return False
    part = sample.path.read_bytes()
    return part.count(b"\n") <= 1 or (suffix(sample.path) == ".csv" and part.count(b'"') % 2 == 1)


def _files(path: Path) -> list[Path]:
    if not is_there(path):
        raise ElmanError(f"there is no file {path}")
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not found:
        raise ElmanError(f"the folder {path} is empty")
    return found


def _unpacked(path: Path) -> Path:
    return path.with_name(unpacked_name(path))


def _copy_beginning(path: Path, to: Path, size: int) -> bool:
    """Write the first lines of a file, unpacked; say whether it was all of it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    begun = beginning(path)
    if begun.data.startswith(parquet.MARK) and not is_packed(path):  # whose rows need not all be read
        return _copy_rows(parquet.first_rows(path, ROWS), to)
    found = next(each for each in formats() if each.recognise(begun))
    one = found is mtx.FORMAT or (found is objects.FORMAT and objects.is_one(begun.text, suffix(path)))
    if found.read is not None and (one or not begun.text):
        return _copy_rows(read_table(path, BadRows(skip=True)).frame, to)
    if marked(begun.data)[0] not in ("", "utf-8"):  # whose lines end otherwise
        text = text_beginning(path, size + 1)
        _unpacked(to).write_text(text if len(text) <= size else text[: text.rfind("\n", 0, size) + 1], encoding="utf-8")
        return len(text) <= size
    with opened(path) as file:
        data = file.read(size + 1)
    _unpacked(to).write_bytes(data if len(data) <= size else _whole_lines(data[:size]))
    return len(data) <= size


def _copy_rows(frame: pl.DataFrame, to: Path) -> bool:
    """The first rows as Parquet, which is known by its content, whatever the name is."""
    with _unpacked(to).open("wb") as file:  # whose name may be no text
        frame.head(ROWS).write_parquet(file)
    return len(frame) < ROWS


def _whole_lines(data: bytes) -> bytes:
    """The lines of some bytes that are whole, and so that no quotation is cut in two."""
    end = data.rfind(b"\n") + 1
    for _ in range(100):
        if data[:end].count(b'"') % 2 == 0:
            break
        end = data.rfind(b"\n", 0, end - 1) + 1
    return data[: end or len(data)]


def _cut_alike(paths: list[Path]) -> None:
    texts = [path.read_bytes().removesuffix(b"\n").split(b"\n") for path in paths]
    lines = min(map(len, texts))
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(b"\n".join(text[:lines]) + b"\n")
