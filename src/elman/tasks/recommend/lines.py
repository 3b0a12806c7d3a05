"""A session a line: numbers of items with blanks between them, the number of the user before them or not."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import beginning
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, quoted

FEWEST = 3  # lines
LISTS, USERS = ("items",), ("user", "items")  # the columns of such a table


def is_sessions(path: Path, encoding: str, *, again: bool = False) -> bool:
    """Whether all lines of a file are whole numbers with blanks between them; not equally many, if that is not known.

    Args:
        path: the file.
        encoding: of it, as for ``read_whole``.
        again: whether such lines were learnt from.
    """
    begun = beginning(path, encoding)
    rows = [line.split() for line in begun.full]
    if not rows or not all(cell.isascii() and cell.isdigit() for row in rows for cell in row):
        return False
    return again or (
        len(rows) >= FEWEST and len({len(row) for row in rows}) > 1 and sum(map(len, rows)) >= 2 * len(rows)
    )


def read_sessions(path: Path, bad: BadRows, dialect: Dialect, numbered: bool | None = None) -> Table:
    """The sessions, with a list of items each, and the user that stands before them.

    Args:
        path: the file.
        bad: what is done about lines that are none.
        dialect: how it is written.
        numbered: whether users stand before the items; else they do where the first numbers rise from line to line.
    """
    lines = [(n, line.split()) for n, line in enumerate(read_whole(path, dialect.encoding).split("\n"), 1)]
    lines = [(n, cells) for n, cells in lines if cells]
    good = []
    for place, (number, cells) in enumerate(lines):
        if wrong := next((cell for cell in cells if not (cell.isascii() and cell.isdigit())), None):
            bad.add(
                f"{path}, line {number}", f"has {quoted(wrong)}, where a session is whole numbers with blanks between"
            )
        else:
            good.append((place, number, cells))
    if not good:
        raise ElmanError(f"{path} has no rows")
    if numbered is None:
        firsts = [(len(cells[0].lstrip("0")), cells[0].lstrip("0")) for *_, cells in good]  # in the order of numbers
        numbered = all(a < b for a, b in pairwise(firsts))
    items = [cells[1:] if numbered else cells for _, _, cells in good]
    frame = pl.DataFrame({"items": pl.Series(items, dtype=pl.List(pl.String))})
    if numbered:
        frame = frame.with_columns(user=pl.Series([cells[0] for _, _, cells in good])).select("user", "items")
    bad.read(len(lines))
    index, places = (np.array([each[n] for each in good]) for n in (0, 1))
    return Table(str(path), frame, places, index, len(lines), bad, replace(dialect, separator="", header=None))
