"""Matrices of users by items as Matrix Market has them (``.mtx``): the row, the column and the value of each entry."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Beginning, Format
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, counted, quoted

MARK = "%%matrixmarket"
FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")
USUAL = "%%MatrixMarket matrix coordinate real general"  # or integer, or pattern
SIZE = re.compile(r"\s*(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s*")
NAMES = ("user", "item", "rating")
READ_AS = "rows of the matrix are read as users, columns as items"


def recognise(begun: Beginning) -> bool:
    """Whether a file begins with the mark of the format."""
    return begun.text[: len(MARK)].lower() == MARK


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """A row for each entry: its user, its item and, unless the matrix is a pattern, its rating."""
    lines = read_whole(path, dialect.encoding).removesuffix("\n").split("\n")
    field = _field(path, lines[0])
    start = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("%")), len(lines))
    size = SIZE.fullmatch(lines[start]) if start < len(lines) else None
    if size is None:
        place = f"{path}, line {min(start, len(lines) - 1) + 1}"
        raise ElmanError(f"{place}: the numbers of rows, columns and entries are wanted here, before all entries")
    rows, columns, entries = map(int, size.groups())
    texts = pl.Series(lines[start + 1 :], dtype=pl.String).str.strip_chars()
    filled = ((texts != "") & ~texts.str.starts_with("%")).arg_true()
    texts, places = texts.gather(filled), filled.to_numpy() + start + 2
    if len(texts) != entries or not entries:
        cut = ", as if it was cut short" if len(texts) < entries else ""
        raise ElmanError(f"{path}, line {start + 1}: says {entries:,} entries, and {len(texts):,} are there{cut}")
    names = NAMES[: 2 if field == "pattern" else 3]
    cells = texts.str.replace_all(r"\s+", " ").str.split(" ")
    frame = pl.DataFrame(
        [
            cells.list.get(n, null_on_oob=True).cast(kind, strict=False).alias(name)
            for n, (name, kind) in enumerate(zip(names, (pl.Int64, pl.Int64, pl.Float64), strict=False))
        ]
    )
    good = (cells.list.len() == len(names)) & frame["user"].is_between(1, rows) & frame["item"].is_between(1, columns)
    if len(names) > 2:
        good &= frame["rating"].is_finite()
    good = good.fill_null(False).to_numpy()
    for row in np.flatnonzero(~good):
        wrong = _wrong(cells[int(row)].to_list(), (rows, columns), len(names))
        bad.add(f"{path}, line {places[row]}", wrong)
    index = np.flatnonzero(good)
    if not len(index):
        raise ElmanError(f"{path} has no entries")
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), frame[index.tolist()], places[index], index, len(texts), bad, dialect, notes=(READ_AS,))


def _field(path: Path, first: str) -> str:
    """Of what the values are, as the first line says."""
    words = first.lower().split()
    if len(words) != 5 or words[1:3] != ["matrix", "coordinate"] or words[3] not in FIELDS or words[4] != "general":
        said = "a matrix of all its values, zeros too" if "array" in words else quoted(first.strip())
        raise ElmanError(f"{path}, line 1: is {said}; a list of entries is read, under a first line {USUAL}")
    return words[3]


def _wrong(cells: Sequence[str], size: tuple[int, int], width: int) -> str:
    """What is wrong with an entry."""
    if len(cells) != width:
        value = " and a value" if width > 2 else ""
        return f"has {counted(len(cells), 'numbers')}, where an entry has its row, its column{value}"
    for what, cell, most in zip(("row", "column"), cells, size, strict=False):
        if not re.fullmatch(r"\d{1,18}", cell) or not 1 <= int(cell) <= most:
            return f"the {what} is {quoted(cell)}, and those of the matrix are 1 to {most:,}"
    return f"the value is {quoted(cells[-1])}, not a number"


FORMAT = Format("a matrix as Matrix Market has them", recognise, read, tasks=("recommend",), rank=-1)
