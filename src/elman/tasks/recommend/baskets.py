"""A basket a line: the names of items with commas or their like between them, and lines of different lengths."""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.dialect import Dialect
from elman.data.formats import beginning, delimited, format_of
from elman.data.hollow import filled_lines
from elman.data.separators import REGULAR, SEPARATORS, allow_cells_of
from elman.data.tables import Table
from elman.data.text import read_whole
from elman.errors import ElmanError
from elman.tasks.recommend.heading import are_shared, find_heading, items_among, items_numbered
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
    numbered = (mark for mark in MARKS if _are_numbered([_cells(line, mark) for line in lines]))
    if found := next(numbered, ""):
        return found
    if any(_are_columns([_cells(line, mark) for line in lines]) for mark in MARKS):
        return ""  # with lists in the cells of one
    return next((mark for mark in MARKS if _are_baskets([_cells(line, mark) for line in lines])), "")


def _are_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all lines have as many cells, several."""
    width, number = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    return width > 1 and number >= REGULAR * len(rows)


def _are_numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a heading numbers the last columns alike, and the same items stand in several of them."""
    items = items_numbered(find_heading(rows))
    return bool(items) and items[-1] == len(rows[0]) - 1 and are_shared(items, rows[1:])


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


def heading_of(path: Path, encoding: str, mark: str) -> tuple[str, ...]:
    """The names in the first line of a file of baskets, or of sessions with blanks between their items; or ()."""
    lines = beginning(path, encoding).full
    return find_heading([_cells(line, mark) if mark else line.split() for line in lines])


def read_baskets(
    path: Path,
    bad: BadRows,
    dialect: Dialect,
    mark: str,
    numbered: bool | None = None,
    learnt: Sequence[str] | None = None,
) -> Table:
    """The baskets, with a list of items each, and the user that stands before them.

    A first line of names tells in which columns these are.

    Args:
        path: the file.
        bad: what is done about lines that are none.
        dialect: how it is written.
        mark: what stands between items.
        numbered: whether users stand before the items; else they do as in ``read_sessions``.
        learnt: the names in the first line of the file that was learnt from.
    """
    text = read_whole(path, dialect.encoding)
    allow_cells_of(len(text))
    rows = [(n, _cells(line, mark)) for n, line in filled_lines(text, mark, answers=bad.answers)]
    heading = find_heading([row for _, row in rows], learnt)
    rows = rows[bool(heading) :]
    if not rows:
        raise ElmanError(f"{path} has no rows")
    headed = ()
    if heading:
        items, key = items_among(heading, [row for _, row in rows])
        if key is not None or items_numbered(heading):
            numbered = key is not None and numbered is not False
        columns = [key, *items] if numbered and key is not None else items
        rows = [(n, [row[c] if c < len(row) else "" for c in columns]) for n, row in rows]
        headed = (_said(heading, columns, items),)
    baskets = [row for _, row in rows]
    if numbered is None:
        numbered = have_users(baskets, all(cell.isascii() and cell.isdigit() for row in baskets for cell in row))
    items = pl.Series([[item for item in row[numbered:] if item] for row in baskets], dtype=pl.List(pl.String))
    users = {"user": [row[0] or None for row in baskets]} if numbered else {}
    frame = pl.DataFrame({**users, "items": items})
    bad.read(len(rows))
    note = f"a basket in each line, {'a user and then ' if numbered else ''}items with {SEPARATORS[mark]} between them"
    alone = 0 if bad.answers else sum(not line.strip(f"{mark} ") and line.strip() != "" for line in text.split("\n"))
    notes = (note, *headed, *([f"rows without any value are left out: {alone:,}"] if alone else []))
    places, index = np.array([n for n, _ in rows]), np.arange(len(rows))
    dialect = replace(dialect, separator="", header=None)
    return Table(str(path), frame, places, index, len(rows), bad, dialect, notes=notes)


def _cells(line: str, mark: str) -> list[str]:
    """The cells of a line, without empty ones at its end."""
    row = next(csv.reader([line], delimiter=mark, skipinitialspace=True), [""]) if '"' in line else line.split(mark)
    row = [cell.strip() for cell in row]
    return row[: max((n for n, cell in enumerate(row, 1) if cell), default=1)]


def _said(heading: Sequence[str], columns: Sequence[int], items: Sequence[int]) -> str:
    names = [heading[n] for n in items if n < len(heading)]
    shown = f"{names[0]} to {names[-1]}" if items_numbered(names) else listed(names)
    key = [f"the user in {heading[n]}" for n in columns if n not in items]
    left = [name for n, name in enumerate(heading) if n not in columns]
    unused = f"; not used: {listed(left)}" if left else ""
    return f"the first line has names: {', '.join([*key, f'items in {shown}'])}{unused}"
