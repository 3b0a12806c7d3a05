"""A basket a line: the names of items with commas or their like between them, and lines of different lengths."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import find
from elman.data.dialect import Dialect
from elman.data.formats import beginning, delimited, format_of
from elman.data.hollow import filled_lines
from elman.data.separators import REGULAR, SEPARATORS, allow_cells_of
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError
from elman.tasks.recommend.lines import FEWEST, have_users

MARKS = (",", ";", "\t", "|")


def mark_between(path: Path, encoding: str = "") -> str:
    """What stands between the items of lines that are baskets; "" where they are none.

    Lines are of different lengths then, and items stand now at one place of a line and now at another.

    Args:
        path: the file.
        encoding: of it, as for ``read_whole``.
    """
    if format_of(path, encoding) is not delimited.FORMAT:
        return ""
    lines = beginning(path, encoding).full
    if any(_are_columns([_cells(line, mark) for line in lines]) for mark in MARKS):
        return ""  # with lists in the cells of one
    return next((mark for mark in MARKS if _are_baskets([_cells(line, mark) for line in lines])), "")


def _are_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all lines have as many cells, several."""
    width, number = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    return width > 1 and number >= REGULAR * len(rows)


def _are_baskets(rows: Sequence[Sequence[str]]) -> bool:
    widths = Counter(map(len, rows))
    if len(rows) < FEWEST or max(widths.values()) >= REGULAR * len(rows):
        return False
    places: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        for place, item in enumerate(row):
            places[item].append(place)
    again = [each for each in places.values() if len(each) > 1]
    return 2 * sum(map(len, again)) > sum(map(len, rows)) and 2 * sum(len(set(each)) > 1 for each in again) > len(again)


def read_baskets(path: Path, bad: BadRows, dialect: Dialect, mark: str, numbered: bool | None = None) -> Table:
    """The baskets, with a list of items each, and the user that stands before them.

    A first line of names such as ``item 1, item 2`` tells in which columns the items are.

    Args:
        path: the file.
        bad: what is done about lines that are none.
        dialect: how it is written.
        mark: what stands between items.
        numbered: whether users stand before the items; else they do as in ``read_sessions``.
    """
    text = read_whole(path, dialect.encoding)
    allow_cells_of(len(text))
    rows = [(n, _cells(line, mark)) for n, line in filled_lines(text, mark, answers=bad.answers)]
    if rows and (columns := _columns_of_items(rows[0][1])):
        rows = [(n, [row[c] for c in columns if c < len(row)]) for n, row in rows[1:]]
    if not rows:
        raise ElmanError(f"{path} has no rows")
    baskets = [row for _, row in rows]
    if numbered is None:
        numbered = have_users(baskets, all(cell.isascii() and cell.isdigit() for row in baskets for cell in row))
    items = pl.Series([row[numbered:] for row in baskets], dtype=pl.List(pl.String))
    users = {"user": [row[0] or None for row in baskets]} if numbered else {}
    frame = pl.DataFrame({**users, "items": items})
    bad.read(len(rows))
    note = f"a basket in each line, {'a user and then ' if numbered else ''}items with {SEPARATORS[mark]} between them"
    alone = sum(not line.strip(f"{mark} ") and line.strip() != "" for line in text.split("\n"))
    notes = (note, f"rows without any value are left out: {alone:,}") if alone and not bad.answers else (note,)
    places, index = np.array([n for n, _ in rows]), np.arange(len(rows))
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), frame, places, index, len(rows), bad, dialect, notes=notes)


def _cells(line: str, mark: str) -> list[str]:
    """The cells of a line, without empty ones at its end."""
    row = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [""]) if '"' in line else line.split(mark)
    row = [cell.strip() for cell in row]
    return row[: max((n for n, cell in enumerate(row, 1) if cell), default=1)]


def _columns_of_items(first: Sequence[str]) -> list[int]:
    """Which cells of a header name items, alone or by numbers; none where a line is no header.

    >>> _columns_of_items(["Item(s)", "Item 1", "Item 2"]), _columns_of_items(["items"]), _columns_of_items(["milk"])
    ([1, 2], [0], [])
    """
    plain = [re.sub(r"s?[ _.-]?\d*$", "", cell) for cell in first]
    named = [n for n, cell in enumerate(plain) if find([cell], "item", bare=True)]
    return [n for n in named if first[n][-1].isdigit()] or (named if len(first) == 1 else [])
