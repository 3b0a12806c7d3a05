"""What a column of numbers is, where it is no amount: a counter, a name of rows, a flag, a constant, a part of time."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from elman.data.columns import is_identity, is_named, is_numbered, listed
from elman.data.numbers.cells import as_numbers, has_value, is_numeric
from elman.data.tables import Table
from elman.data.times.column import is_of_day, is_stamp, is_time
from elman.data.times.dates import is_yearless
from elman.data.times.forms import YEARS
from elman.errors import ElmanError, brief, counted, quoted

FLAG = {0.0, 1.0}
CODES = "codes that begin with zeros"
ALIKE = 0.9  # of codes at least have as many digits as most
FEWEST, MOST = 10, 0.75  # rows at least, and the share of them that is alike at least, where two numbers are a flag
BEGUN = r"^[^\p{L}\d]{0,3}\d"  # as numbers begin
SHOWN, BRIEF = 3, 30  # cells, and characters of each


def counts(column: pl.Series) -> bool:
    """Whether a column counts rows: whole numbers, each one more than that before it.

    >>> counts(pl.Series([7, 8, 9])), counts(pl.Series([1, 2, 4]))
    (True, False)
    """
    numbers = as_numbers(column)
    if len(numbers) < 3 or numbers.null_count() or not numbers.is_finite().all():
        return False
    return bool((np.diff(numbers.to_numpy()) == 1).all())


def holds_codes(column: pl.Series) -> bool:
    """Whether a column holds codes of digits, as zips and telephone numbers are: some begin with zeros.

    Most have as many digits as those; an amount with decimals is none.

    >>> [holds_codes(pl.Series(cells)) for cells in (["01234", "94110"], ["0", "12", "7"], ["00.5", "01.5"])]
    [True, False, False]
    """
    if column.dtype != pl.String:
        return False
    digits = column.filter(has_value(column)).str.strip_chars()
    if not digits.str.contains(r"^0\d").any() or not digits.str.contains(r"^\d+$").all():
        return False
    lengths = digits.str.len_chars()
    usual = lengths.mode()[0]
    return bool((lengths == usual).mean() >= ALIKE and digits.filter(lengths == usual).str.starts_with("0").any())


def numbers_of(table: Table, column: str) -> pl.Series:
    """A column as numbers, in the notation that it was found to have."""
    return as_numbers(table.frame[column], table.notation(column))


def is_flag(numbers: pl.Series) -> bool:
    """Whether numbers only mark rows: they are 0 and 1, or two whole ones of which most rows have the same.

    >>> is_flag(pl.Series([0, 1, 1])), is_flag(pl.Series([7] * 29 + [8])), is_flag(pl.Series([7, 8] * 15))
    (True, True, False)
    """
    given = numbers.drop_nulls().cast(pl.Float64)
    values = given.unique().head(3).to_list()
    if len(values) != 2 or set(values) == FLAG:
        return len(values) == 2
    most = max((given == value).sum() for value in values)
    return all(map(float.is_integer, values)) and len(given) >= FEWEST and most >= MOST * len(given)


def names_rows(table: Table, column: str) -> bool:
    """Whether a column only names or counts rows."""
    if is_identity(column) or is_numbered(column) or is_named(column, "identity", "row number"):
        return True
    if not table.is_numeric(column):
        return False
    try:
        return counts(numbers_of(table, column))
    except ElmanError:  # a mark that could be either, which is asked about where the column is used
        return False


def runs_through(table: Table, column: str) -> bool:
    """Whether a column is named as a part of the calendar, and counts on from row to row, or begins again.

    >>> from elman.data.bad import BadRows
    >>> from elman.data.reading import read_table
    >>> table = read_table({"week": [51, 51, 52, 1, 1], "day": [3, 1, 2, 9, 9]}, BadRows())
    >>> runs_through(table, "week"), runs_through(table, "day")
    (True, False)
    """
    named = is_named(column, "part of the time", "period", "week of the year", "month", "day", "hour")
    if not named or not table.is_numeric(column):
        return False
    numbers = numbers_of(table, column)
    steps = numbers.diff().drop_nulls()
    again = numbers[1:] <= 1
    return bool(numbers.null_count() == 0 and (steps.is_in([0.0, 1.0]) | again).all())


def no_amount(table: Table, column: str, *, dated: bool = False) -> str:
    """Why a column of numbers is no amount that is worth a forecast, in a word; "" where it is one.

    Args:
        table: that has it.
        column: its name.
        dated: whether there are dates besides, of which it may be a part.
    """
    numbers = numbers_of(table, column).drop_nulls()
    different = set(numbers.unique().head(3).to_list())
    whole = bool((numbers == numbers.floor()).all())
    if len(different) <= 1:  # of a column that has words beside its only number the words tell
        return "constant" if len(numbers) == has_value(table.frame[column]).sum() else "a flag"
    if holds_codes(table.frame[column]) and not is_stamp(table.frame[column]):
        return CODES
    if whole and is_named(column, "number of a place"):
        return "a name"
    if is_flag(numbers):
        return "a flag"
    if is_stamp(table.frame[column]):
        return "a time"
    if counts(numbers):
        return "a counter"
    if whole and (is_identity(column) or is_numbered(column) or is_named(column, "identity", "row number")):
        return "a name"
    if whole and runs_through(table, column):
        return "a part of the time"
    part = is_named(column, "part of the time") and bool((numbers <= YEARS[1]).all())
    if dated and whole and (part or is_named(column, "period")):
        return "a part of the time"
    return ""


def unused(table: Table, columns: Sequence[str]) -> list[str]:
    """Names of columns that are not used, with what keeps one from being a column of numbers or of times.

    >>> from elman.data.bad import BadRows
    >>> from elman.data.reading import read_table
    >>> cells = {"load": ["12 kW", "300 W"], "when": ["Jan 05 12:00", "Jan 06 12:00"], "who": ["a", "b"]}
    >>> for said in unused(read_table(cells, BadRows()), list(cells)):
    ...     print(said)
    load ('12 kW', '300 W' are no numbers of one kind)
    when (days without a year, such as 'Jan 05 12:00'; with the year in them they are times)
    who
    """
    return [f"{name} ({why})" if (why := _why_unused(table, name)) else name for name in columns]


def no_numbers(table: Table) -> str:
    """That a table has no column of numbers, and some cells of the column that is the most like one."""
    texts = [c for c in table.columns if table.frame[c].dtype == pl.String and not is_time(table.frame[c])]
    begun = [name for name in texts if "no numbers" in _why_unused(table, name)]
    with_digits = [name for name in texts if table.frame[name].str.contains(r"\d").sum() * 2 > len(table)]
    said = f"its columns are {listed(table.columns)}"
    if not texts:
        return said
    if wordy := next((f"{name}: {why}" for name in texts if (why := _words_among(table.frame[name]))), ""):
        return f"{said}; {wordy}"
    like = (begun or with_digits or texts)[0]
    cells = table.frame[like].drop_nulls().unique(maintain_order=True).head(SHOWN).to_list()
    return f"{said}; {like} is {', '.join(quoted(brief(cell, BRIEF)) for cell in cells)}" if cells else said


def _why_unused(table: Table, column: str) -> str:
    cells = table.frame[column]
    if holds_codes(cells):
        return CODES
    if cells.dtype != pl.String or table.is_numeric(column):
        return ""
    given = cells.filter(has_value(cells)).str.strip_chars()
    if is_yearless(given):
        return f"days without a year, such as {quoted(given[0])}; with the year in them they are times"
    if words := _words_among(given):
        return words
    begin = given.str.contains(BEGUN)
    if 2 * int(begin.sum()) <= len(given) or is_time(cells) or is_of_day(cells):
        return ""
    odd = given.filter(as_numbers(given).is_null()).unique(maintain_order=True)
    return f"{', '.join(quoted(brief(cell, BRIEF)) for cell in odd.head(SHOWN))} are no numbers of one kind"


def _words_among(cells: pl.Series) -> str:
    """Which words stand among cells that are numbers for the greater part, and how to leave them out; "" elsewhere."""
    given = cells.filter(has_value(cells)).str.strip_chars()
    digits = given.str.contains(r"\d")
    words = given.filter(~digits)
    if not 0 < 2 * len(words) < len(given) or not is_numeric(given.filter(digits)):
        return ""
    kinds = words.unique(maintain_order=True)
    shown = [quoted(brief(cell, BRIEF)) for cell in kinds.head(SHOWN)]
    number, are = counted(len(cells), "cells"), "is" if len(kinds) == 1 else "are"
    what = f"{', '.join(shown)} in {len(words):,} of {number} {are} no number"
    if len(kinds) > SHOWN or kinds.str.contains(",").any():
        return what
    return f"{what}; --missing {quoted(','.join(kinds))} takes such for no value"
