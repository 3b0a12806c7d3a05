"""A session a line: numbers or names of items with blanks between them, the user before them or not."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.dialect import Dialect
from elman.data.formats import beginning
from elman.data.hollow import filled_lines
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError, quoted
from elman.tasks.recommend.heading import find_heading

FEWEST = 3  # lines
WIDE = 5  # whole numbers a line at least that are a session even where lines have equally many
STAMP = 9  # digits of a number that tells a time
ITEM = re.compile(r"[A-Za-z_][\w-]*\d[\w-]*|\d+")  # such as B7, as items are numbered, and words are not
LISTS, USERS = ("items",), ("user", "items")  # the columns of such a table


def is_sessions(path: Path, encoding: str, *, again: bool = False) -> bool:
    """Whether all lines of a file are whole numbers, or names such as B7, with blanks between them.

    Lines of equally many are columns, unless they are long, or names of one kind stand in all but the first.

    Args:
        path: the file.
        encoding: of it, as for ``read_whole``.
        again: whether such lines were learnt from.
    """
    rows = _rows(path, encoding)
    rows = rows[bool(_heading(rows)) :]
    if not rows or not all(ITEM.fullmatch(cell) for row in rows for cell in row[1:]):
        return False
    if not (whole := _are_whole(rows)) and not all(re.fullmatch(r"[\w.@-]+", row[0]) for row in rows):
        return False
    if again:
        return True
    if len(rows) < FEWEST or sum(map(len, rows)) < 2 * len(rows):
        return False
    if len({len(row) for row in rows}) > 1:
        return True
    columns = [set(column) for column in zip(*rows, strict=True)][1:]
    if whole:
        return len(columns) + 1 >= WIDE and not any(all(len(cell) >= STAMP for cell in column) for column in columns)
    named = not any(cell.isdigit() for column in columns for cell in column)
    return named and len(set().union(*columns)) < sum(map(len, columns))


def _rows(path: Path, encoding: str) -> list[list[str]]:
    return [line.split() for line in beginning(path, encoding).full]


def _heading(rows: list[list[str]], learnt: Sequence[str] | None = None) -> tuple[str, ...]:
    """What stands above sessions, which is shorter than they are: as many names as there are cells are a table's."""
    found = find_heading(rows, learnt)
    return found if max(map(len, rows), default=0) > len(found) else ()


def _are_whole(rows: list[list[str]]) -> bool:
    return all(cell.isascii() and cell.isdigit() for row in rows for cell in row)


def read_sessions(
    path: Path, bad: BadRows, dialect: Dialect, numbered: bool | None = None, learnt: Sequence[str] | None = None
) -> Table:
    """The sessions, with a list of items each, and the user that stands before them.

    Args:
        path: the file.
        bad: what is done about lines that are none.
        dialect: how it is written.
        numbered: whether users stand before the items; else they do where the first numbers rise from line to line, and
            where the first names differ and are none of the others.
        learnt: the names in the first line of the file that was learnt from.
    """
    first = _rows(path, dialect.encoding)
    heading = _heading(first, learnt)
    whole = _are_whole(first[bool(heading) :])
    what = "whole numbers" if whole else "names such as B7"
    text = read_whole(path, dialect.encoding)
    lines = [(n, line.split()) for n, line in filled_lines(text, answers=bad.answers)][bool(heading) :]
    good = []
    for place, (number, cells) in enumerate(lines):
        if wrong := next((cell for cell in cells[not whole :] if not _fits(cell, whole)), None):
            bad.add(f"{path}, line {number}", f"has {quoted(wrong)}, where a session is {what} with blanks between")
        else:
            good.append((place, number, cells))
    if not good:
        raise ElmanError(f"{path} has no rows")
    if numbered is None:
        numbered = have_users([cells for *_, cells in good], whole)
    items = [cells[1:] if numbered else cells for _, _, cells in good]
    frame = pl.DataFrame({"items": pl.Series(items, dtype=pl.List(pl.String))})
    if numbered:
        users = [cells[0] if cells else None for _, _, cells in good]
        frame = frame.with_columns(user=pl.Series(users, dtype=pl.String)).select("user", "items")
    bad.read(len(lines))
    index, places = (np.array([each[n] for each in good]) for n in (0, 1))
    notes = (f"the first line has names: {listed(heading)}",) if heading else ()
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), frame, places, index, len(lines), bad, dialect, notes=notes)


def _fits(cell: str, whole: bool) -> bool:
    return cell.isascii() and cell.isdigit() if whole else ITEM.fullmatch(cell) is not None


def have_users(rows: list[list[str]], whole: bool) -> bool:
    """Whether the first of each line is not one of its items."""
    if not whole:
        firsts = {cells[0] for cells in rows}
        return len(firsts) == len(rows) and firsts.isdisjoint(cell for cells in rows for cell in cells[1:])
    numbers = [(len(cells[0].lstrip("0")), cells[0].lstrip("0")) for cells in rows]  # in the order of numbers
    return all(a < b for a, b in pairwise(numbers))
