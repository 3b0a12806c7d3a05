"""What is in a table, column by column, and what in it is doubtful."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from elman.data.numbers.cells import as_numbers, has_value
from elman.data.numbers.stand_ins import in_one_line, stand_ins
from elman.data.tables import Table
from elman.data.times.clock import find_clock
from elman.data.times.column import is_time, read_times
from elman.data.times.forms import FORMS, order_of
from elman.data.times.found import find_form
from elman.errors import ElmanError, counted

SHOWN = 5  # values of a column that are shown
EXACT = 2.0**53  # up to which a float has each whole number
FEW = 30  # different values of a column at most, where all are counted


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Args:
        name: of it.
        kind: ``number``, ``whole number``, ``time``, ``text``, ``list`` or ``empty``.
        missing: how many cells hold nothing.
        different: how many values there are.
        shown: its range, its step, its most frequent values or its first ones, in words.
        doubts: what is odd about it, a sentence each.
    """

    name: str
    kind: str
    missing: int
    different: int
    shown: str
    doubts: list[str]


def profile(table: Table, most: int = 100) -> list[Column]:
    """What the first columns of a table hold, ``most`` of them at most.

    Example:
        >>> from elman.data.bad import BadRows
        >>> from elman.data.reading import read_table
        >>> for column in profile(read_table({"size": ["1", "2", "?"], "word": ["a", "a", "b"]}, BadRows())):
        ...     print(column.name, column.kind, column.missing, column.shown, sep="; ")
        size; whole number; 1; 1 to 2
        word; text; 0; a 2, b 1
    """
    return [_column(table, name) for name in table.columns[:most]]


def doubled_rows(table: Table) -> int:
    """How many rows are the same as one before them."""
    if any(kind.is_nested() for kind in table.frame.schema.values()):
        return 0
    return len(table) - table.frame.n_unique()


def _column(table: Table, name: str) -> Column:
    column = table.frame[name]
    given = column.filter(has_value(column))
    missing = len(column) - len(given)
    if not len(given):
        return Column(column.name, "empty", missing, 0, "", [f"{column.name} is empty"])
    if column.dtype.is_nested():
        return Column(column.name, "list", missing, len(given), _first(given), [])
    different = given.n_unique()
    doubts = [f"{column.name} is the same in all rows: {given[0]}"] if different == 1 and len(given) > 1 else []
    if column.dtype == pl.Boolean:
        return Column(column.name, "text", missing, different, _counted(given.cast(pl.String)), doubts)
    if is_time(column):
        return _times(column, missing, different, doubts)
    numeric = table.is_numeric(name)
    if numeric and not _are_codes(given):
        return _numbers(table, column, given, missing, different, doubts)
    share = as_numbers(given).is_not_null().mean()
    if isinstance(share, float) and share > 0.5 and not (numeric and share == 1):
        odd = given.filter(as_numbers(given).is_null())
        others = f"and in others text such as {odd[0]!r}" if len(odd) else "of which some cannot be computed with"
        doubts.append(f"{column.name} has numbers in {share:.0%} of its cells, {others}")
    shown = _counted(given) if different <= FEW else _first(given)
    return Column(column.name, "text", missing, different, shown, doubts)


def _numbers(
    table: Table, column: pl.Series, given: pl.Series, missing: int, different: int, doubts: list[str]
) -> Column:
    try:
        numbers = as_numbers(given, table.notation(column.name))
    except ElmanError as error:  # a mark that could be either
        numbers, doubts = as_numbers(given), [*doubts, str(error)]
    odd = given.filter(numbers.is_null())
    if len(odd):
        doubts.append(f"{column.name} has {counted(len(odd), 'cells that are no numbers')}, such as {odd[0]!r}")
    values = numbers.drop_nulls()
    kind = "whole number" if (values == values.floor()).all() else "number"
    doubts += in_one_line([(column.name, each) for each in stand_ins(values.to_numpy())])
    ends: Any = (values.min(), values.max())
    if kind == "whole number" and ends[1] > EXACT and not (whole := given.cast(pl.Int64, strict=False)).null_count():
        ends = (whole.min(), whole.max())  # as they stand, which floats do not
    form = ",.6g" if kind == "number" else ",d" if isinstance(ends[0], int) else ",.0f"
    low, high = (format(each, form) for each in ends)
    shown = _counted(given.cast(pl.String)) if different <= SHOWN and kind == "whole number" and different > 2 else ""
    return Column(column.name, kind, missing, different, shown or f"{low} to {high}", doubts)


def _are_codes(given: pl.Series) -> bool:
    """Whether cells are whole numbers with zeros before them, as codes have them."""
    return given.dtype == pl.String and bool(given.str.contains(r"^\s*0\d+\s*$").any())


def _times(column: pl.Series, missing: int, different: int, doubts: list[str]) -> Column:
    found = find_form(column)
    try:  # of several orders one is shown; years of two digits are those that a task reads
        times = read_times(column, order=order_of(found.form))
    except ElmanError as error:
        times, doubts = read_times(column, form=found.form), [*doubts, str(error)]
    if found.rivals:
        orders = " or ".join(FORMS[each].said for each in found.rivals)
        doubts.append(f"{column.name} has dates of which nothing tells whether they are {orders}; say --date-order")
    values = np.sort(times.values[np.isfinite(times.values)])
    if not len(values):
        return Column(column.name, "text", missing, different, _first(column.drop_nulls().cast(pl.String)), doubts)
    if wrong := len(column) - missing - len(values):
        doubts.append(f"{column.name} has {counted(wrong, 'cells that are no times')}")
    first, last = (str(np.datetime64(int(each), "us")).rstrip("0").rstrip(".") for each in (values[0], values[-1]))
    first, last = (each.removesuffix("T00:00:00").removesuffix(":00:00").replace("T", " ") for each in (first, last))
    step = find_clock([np.unique(values)], times.dated, times.zone).describe()
    back = int((np.diff(times.values[np.isfinite(times.values)]) < 0).sum())
    order = f", not in order in {counted(back, 'places')}" if back else ""
    return Column(column.name, "time", missing, different, f"{first} to {last}, {step} apart{order}", doubts)


def _counted(column: pl.Series) -> str:
    counts = Counter(column.to_list()).most_common()
    more = f", and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    return ", ".join(f"{_short(value)} {count:,}" for value, count in counts[:SHOWN]) + more


def _first(column: pl.Series) -> str:
    return ", ".join(_short(value) for value in column[:2].to_list()) + (", ..." if len(column) > 2 else "")


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 24 else text[:21] + "..."
