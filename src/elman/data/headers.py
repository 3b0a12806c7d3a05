"""Whether the first row of a table has the names of its columns, and what these are."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from elman.data.columns import is_named
from elman.data.numbers.cells import has_value
from elman.data.separators import is_number
from elman.data.times.column import is_time
from elman.data.times.forms import YEARS
from elman.errors import ElmanError

WIDEST = 20_000  # columns of a table, each of which is looked at by itself
WHOLE = re.compile(r"[0-9]{1,18}")
CLASSED = 5  # rows of a class at least, on the average
FEWEST = 3  # years that are names
LOOKED = 20  # rows below it that are looked at, whether they count too


def check_width(name: Any, columns: int) -> None:
    """Refuse a table of more columns than are looked at one by one.

    Raises:
        ElmanError: it has more.
    """
    if columns > WIDEST:
        raise ElmanError(
            f"{name} has {columns:,} columns, and {WIDEST:,} are read at most; leave out what is not needed, or put "
            "the steps of series below each other, in rows"
        )


def has_header(rows: Sequence[list[str]], kind: str) -> bool:
    """Whether the first row has names, and not values like those below it.

    Args:
        rows: the first ones, as texts.
        kind: how the name of the file ends.

    Example:
        >>> has_header([["0", "1", "2"], ["0.5", "0.1", "3"]], ".csv"), has_header([["1", "2"], ["3", "4"]], ".csv")
        (True, False)
    """
    first, *below = ([cell.strip() for cell in row] for row in rows)
    names = [cell for cell in first if cell]
    if not names:
        return False
    if len(set(names)) < len(names) or (len(names) > 1 and first in below):
        return _names_again(first, [row for row in below if row != first])
    columns = [[row[n] for row in below if n < len(row) and row[n]] for n in range(len(first))]
    if any(map(is_number, names)):
        counts = _counts(first, below, columns) or _has_years(first, below)
        return counts or _tops_times(first, columns) or _are_other(first, columns)
    if any(column and all(map(is_number, column)) for column in columns):
        return True
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    if any(is_named(cell, "heading") for cell in names):
        return True
    brief = all(len(cell) <= 30 and len(cell.split()) <= 3 for cell in names)
    if kind == ".csv":
        return brief
    return brief and not re.search(r"\d", "".join(names)) and any(map(has_classes, columns))


def has_classes(column: Sequence[str]) -> bool:
    """Whether a column has few values, each again and again, so that what stands above it once is a name.

    >>> has_classes(["good", "bad"] * 6), has_classes(["good", "bad"] * 6 + ["new"])
    (True, False)
    """
    numbers = Counter(column)
    return len(column) >= CLASSED * len(numbers) and min(numbers.values(), default=0) > 1


def _names_again(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row in which a name stands twice, or that stands again below, has names: it does above numbers."""
    names = [cell for cell in first if cell]
    if any(map(is_number, names)) or not has_value(pl.Series(names)).all():
        return False
    columns = [[row[n] for row in below if n < len(row) and row[n]] for n in range(len(first))]
    return any(
        name and column and all(map(is_number, column)) for name, column in zip(first, columns, strict=True)
    ) or (all(is_named(name, "heading") for name in names))


def _counts(first: Sequence[str], below: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a row counts, as 0, 1, 2 or years do, beside names; and those below it do not."""
    if not _rises(first) or any(_rises(row) for row in below[:LOOKED]):
        return False
    counted = [column for cell, column in zip(first, columns, strict=True) if cell.isdigit() and column]
    broken = any(not cell.lstrip("-+").isdigit() for column in counted for cell in column)
    numbers = [int(cell) for cell in first if WHOLE.fullmatch(cell)]
    years = len(numbers) >= FEWEST and len(numbers) < len(first) and YEARS[0] <= numbers[0] <= numbers[-1] <= YEARS[1]
    # two or three whole numbers above whole ones may be a row as well, unless they are years beside a name
    return bool(counted) and (broken or len(counted) > 3 or (years and any(map(str.isalpha, first))))


def _has_years(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has years in their order, or in the opposite one, beside names; and no row below it has.

    >>> rows = [["Chile", "5", "7", "6"], ["Kenya", "3", "4", "2"]]
    >>> _has_years(["name", "2020", "2010", "2000"], rows), _has_years(["Chile", "1990", "5", "7"], rows)
    (True, False)
    """
    return _are_years(first) and not any(map(_are_years, below))


def _are_years(row: Sequence[str]) -> bool:
    numbers = [int(cell) for cell in row if WHOLE.fullmatch(cell)]
    others = [cell for cell in row if cell and not WHOLE.fullmatch(cell)]
    if len(numbers) < FEWEST or not any(map(str.isalpha, "".join(others))) or any(map(is_number, others)):
        return False
    order = numbers if numbers[0] < numbers[-1] else numbers[::-1]
    return YEARS[0] <= order[0] and order[-1] <= YEARS[1] and all(a < b for a, b in pairwise(order))


def _rises(row: Sequence[str]) -> bool:
    """Whether the whole numbers of a row, two or more, rise by one; what else there is are names, and fewer."""
    numbers = [int(cell) for cell in row if WHOLE.fullmatch(cell)]
    others = [cell for cell in row if cell and not WHOLE.fullmatch(cell)]
    if len(numbers) < 2 or len(others) > len(numbers) or any(map(is_number, others)):
        return False
    return all(b == a + 1 for a, b in pairwise(numbers))


def _tops_times(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a row has a name above times, whatever else it has: a word, or what those that count are called.

    >>> _tops_times(["who", "10"], [["2024-01-01", "2024-01-02"], ["3", "5"]])
    True
    >>> _tops_times(["day", "10"], [["1", "2"], ["3", "5"]]), _tops_times(["n/a", "10"], [["1", "2"], ["3", "5"]])
    (True, False)
    """
    for cell, column in zip(first, columns, strict=True):
        if not cell[:1].isalpha() or is_number(cell) or len(column) < 2 or not has_value(pl.Series([cell])).all():
            continue
        if is_time(pl.Series(column)) and not is_time(pl.Series([cell])):
            return True
        if is_named(cell, "time", "step", "period") and all(map(is_number, column)):
            return True
    return False


def _are_other(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a row is all numbers, and every column below it is texts."""
    return all(map(is_number, filter(None, first))) and all(
        len(column) > 1 and not any(map(is_number, column)) for cell, column in zip(first, columns, strict=True) if cell
    )
