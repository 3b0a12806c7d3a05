"""Cells that look like times though no form reads them, as those of other calendars do."""

import numpy as np
import polars as pl

from elman.data.columns import is_identity, is_named
from elman.data.numbers.amounts import in_ascii
from elman.data.numbers.cells import has_value, is_numeric

CALENDAR = ("year", "years", "month", "quarter", "half", "year and half", "period", "stamp", "year and month")
MOST = 0.9  # share of the cells, and of the steps between them
FEWEST = 4  # rows that show a direction
ERAS = ((1300, 1600), (1800, 2200), (2400, 2700), (5600, 5900))  # years of calendars of Persia, Europe, Siam and others
LONGEST = 40  # characters of a time


def looks_like_times(cells: pl.Series) -> bool:
    """Whether a column of texts is one of times that cannot be read.

    It is called as a part of the calendar is, and has a number in each cell; or has a year and another part of a
    moment in each, which go on in one direction from row to row.

    >>> looks_like_times(pl.Series("x", ["30/5/2564", "29/5/2564", "28/5/2564", "27/5/2564"]))
    True
    >>> looks_like_times(pl.Series("x", ["A-1", "A-2", "A-3", "A-4"]))
    False
    """
    if cells.dtype != pl.String or is_numeric(cells) or is_identity(cells.name):
        return False
    given = in_ascii(cells.filter(has_value(cells)).str.strip_chars())
    if len(given) < FEWEST or (given.str.len_chars() > LONGEST).any():
        return False
    numbers = given.str.extract_all(r"\d+")
    if (numbers.list.len() > 0).mean() < MOST:  # pyright: ignore[reportOperatorIssue]
        return False
    if is_named(cells.name, *CALENDAR) and given.n_unique() > 0.5 * len(given):
        return not _counts(numbers)
    return bool(given.str.contains(r"^\d[^A-Za-z]+$").all()) and _go_on(given)


def _counts(numbers: pl.Series) -> bool:
    """Whether a number in each cell rises, so that rows are in order whatever it counts."""
    if not (numbers.list.len() == 1).all():
        return False
    return bool((numbers.list.first().cast(pl.Float64, strict=False).diff().drop_nulls() > 0).all())


def _go_on(given: pl.Series) -> bool:
    """Whether cells have numbers between marks, one of them a year, which go on in one direction."""
    kinds = given.str.replace_all(r"\d+", "0")
    count = int(given.str.extract_all(r"\d+").list.len().mode()[0])
    if (kinds == kinds.mode()[0]).mean() < MOST or not 2 <= count <= 7:
        return False
    parts = given.str.extract_all(r"\d+").list.eval(pl.element().cast(pl.Float64, strict=False))
    numbers = np.array(parts.filter(parts.list.len() == count).to_list(), float)
    years = [n for n in range(count) if any(((numbers[:, n] >= a) & (numbers[:, n] < b)).all() for a, b in ERAS)]
    if len(years) != 1 or years[0] not in (0, 2, count - 1):
        return False
    others = [n for n in range(count) if n != years[0]]
    # behind a year come month and day, and before it they stand the other way round, or not
    orders = [years + others, [*years, *others[:2][::-1], *others[2:]]]
    if not (numbers[:, others[:2]] <= 366).all() or given.str.contains(r"\d{4}\D+\d{4}").any():
        return False
    return any(_is_rising(numbers[:, order]) for order in orders)


def _is_rising(numbers: np.ndarray) -> bool:
    """Whether rows of numbers rise or fall, each as a whole, from first to last."""
    steps = np.diff(numbers, axis=0)
    first = np.array([next((step for step in row if step), 0.0) for row in steps])
    return max(float((first > 0).mean()), float((first < 0).mean())) >= MOST
