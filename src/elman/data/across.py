"""Tables in which each row is a series: columns that name it, then a column for each of its steps."""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from elman.data.columns import is_identity, is_named
from elman.data.numbers.cells import has_value
from elman.data.roles import names_rows
from elman.data.tables import Table
from elman.data.times.column import is_time
from elman.data.times.headings import are_times, times_of
from elman.data.times.names import MONTHS
from elman.data.wide import find_wide
from elman.errors import ElmanError, brief, quoted

LEAST = 8  # columns of numbers that make a table of one series a row
FEWEST = 3  # where they are named by years or dates in their order
MOST_NAMES = 20  # columns before those at most
BEHIND = 3  # columns behind those at most
# of what a year's column is called a letter more, which has a mark for each of its numbers
FLAGS = re.compile(r"(?P<of>.*\d)[A-Za-z]")


def names_of_rows(table: Table, order: str) -> tuple[str, ...]:
    """The columns that name the series where each row is one; none where a row is something else.

    Args:
        table: the rows.
        order: of day, month and year in the names of columns, where it is said.

    Raises:
        ElmanError: columns are years or dates, and two rows are named alike.
    """
    columns = without_flags(table.columns)
    start, end = _steps(columns, 1, order)
    names, values = columns[: start or 1], columns[start or 1 : end]
    if behind := _names_behind(columns, order):
        start, names, values = 1, columns[-behind:], columns[:-behind]
    if len(values) < (FEWEST if start else LEAST) or any(is_time(table.frame[name]) for name in names):
        return ()
    several = len(names) > 1 or len(values) < LEAST
    if several and any(is_named(name, "time", "step", "period", "year", "month", "day") for name in names):
        return ()
    numbers = [table.is_numeric(name) for name in values]
    dated = start > 0 and _follow(values, order)
    # where series end is empty; text anywhere makes it another kind of table, unless most are numbers under times
    filled = [number for name, number in zip(values, numbers, strict=True) if has_value(table.frame[name]).any()]
    if not all(filled) and not (dated and 2 * sum(numbers) > len(filled)):
        return ()
    texts = [name for name in names if not table.is_numeric(name)]
    texts.sort(key=lambda name: not (is_named(name, "series") or is_identity(name)))
    counted = [name for name in names if name not in texts and start and names_rows(table, name)]
    some = [each for count in (1, 2, 3) for each in combinations(texts[:8], count)] + [(name,) for name in counted]
    found = next((each for each in some if _tell_apart(table.frame.select(each))), ())
    if not found and dated and texts:
        _refuse_alike(table, texts, values)
    return found


def refuse_months(table: Table, named: Sequence[str] = ()) -> None:
    """Refuse a table with a column for each month and a row for each year, where columns would be series of years.

    Args:
        table: the rows, each of which is a moment.
        named: columns that the user names for series, which they are then.

    Raises:
        ElmanError: columns are called January to December, in any language, one beside the other.
    """
    plain = [name.strip().lower().strip(".") for name in table.columns]
    months = [MONTHS.get(name, 0) for name in plain]
    year = list(range(1, 13))
    start = next((n for n in range(len(months)) if months[n : n + 12] == year), -1)
    if start < 0 or set(named) & set(table.columns[start : start + 12]):
        return
    first, last = table.columns[start], table.columns[start + 11]
    raise ElmanError(
        f"{table.name}: {first} to {last} are the months of a year in each row, and one series; write a row for each "
        f"month, with the year in one column, the month in the next, and the value; or name columns, such as {first}, "
        "that are to be series of years"
    )


def _refuse_alike(table: Table, texts: Sequence[str], values: Sequence[str]) -> None:
    """Refuse rows under years or dates of which some are named alike; where most are, a row is no series."""
    named = [tuple(cell or "" for cell in row) for row in table.frame.select(texts).iter_rows()]
    places: dict[tuple[str, ...], int] = {}
    again = [row for row, cells in enumerate(named) if places.setdefault(cells, row) < row]
    if not again or 2 * len(again) > len(named):
        return
    row, first = again[0], places[named[again[0]]]
    name = " ".join(filter(None, named[row]))
    said = quoted(brief(name, 60)) if name else "named by nothing"
    raise ElmanError(
        f"{table.where(row)}: a row is a series over {values[0]} to {values[-1]}, and this one is {said} as that in "
        f"{table.place(first)} is; give each a name of its own, or leave one out"
    )


def without_flags(columns: Sequence[str]) -> list[str]:
    """Columns without those of marks beside years, as those of the FAO are: Y1961F beside Y1961.

    >>> without_flags(["Area", "Y1961", "Y1961F", "Y1962", "Y1962F"])
    ['Area', 'Y1961', 'Y1962']
    """
    names = set(columns)
    return [name for name in columns if not ((match := FLAGS.fullmatch(name)) and match["of"] in names)]


def value_columns(columns: Sequence[str], series: Sequence[str], order: str = "") -> tuple[str, ...]:
    """The columns of the values where a row is a series: those at the end that count or are times, or else all others.

    Of day, month and year in the names of columns an order may be said.

    >>> value_columns(["id", "shop", *(f"d_{n}" for n in range(1, 9))], ["id"])[:2], value_columns(["a", "b"], ["a"])
    (('d_1', 'd_2'), ('b',))
    """
    columns = without_flags(columns)
    before = columns[: min(map(columns.index, series), default=0)]
    if len(before) >= FEWEST and _follow(before, order):
        return tuple(before)
    first = max((columns.index(name) for name in series), default=-1) + 1
    start, end = _steps(columns, first, order)
    return tuple(columns[start:end]) if start else tuple(name for name in columns if name not in series)


def _steps(columns: Sequence[str], first: int, order: str) -> tuple[int, int]:
    """From which column on to which, the last not included, names count or are times; 0 and all where too few do.

    Behind them may stand a few others, such as a total or a remark.

    >>> _steps(["shop", "2019", "2020", "2021", "Total"], 1, "")
    (1, 4)
    """
    for end in range(len(columns), max(len(columns) - 1 - BEHIND, 0), -1):
        if start := _first_step(columns[:end], first, order):
            return start, end
    return 0, len(columns)


def _first_step(columns: Sequence[str], first: int, order: str) -> int:
    """From which column on all names count or are times, not before the given one; 0 where that are too few."""
    last = min(first + MOST_NAMES, len(columns) - FEWEST)
    few = len(columns) - LEAST  # and the step from which on they are fewer than that
    return next((n for n in range(first, last + 1) if (_are_steps if n <= few else _follow)(columns[n:], order)), 0)


def _names_behind(columns: Sequence[str], order: str) -> int:
    """How many columns stand behind those of years or dates that a table begins with; 0 where it does not."""
    if not are_times(columns[:1]):
        return 0
    most = min(BEHIND, len(columns) - FEWEST)
    return next((n for n in range(1, most + 1) if _follow(columns[:-n], order)), 0)


def _tell_apart(names: pl.DataFrame) -> bool:
    """Whether each row is named, and as no other."""
    filled = names.select(pl.any_horizontal(has_value(names[name]) for name in names.columns)).to_series()
    return bool(filled.all()) and names.n_unique() == len(names)


def _follow(names: Sequence[str], order: str) -> bool:
    """Whether the names of columns are years or dates, in their order or in the opposite one.

    >>> [_follow(names, "") for names in (["2019", "2020", "2025"], ["2023", "2019", "2024"], ["1/22/20", "1/23/20"])]
    [True, False, True]
    """
    if not are_times(names):
        return False
    steps = np.diff(times_of(names, None, order).values)
    return bool((steps > 0).all() or (steps < 0).all())


def _are_steps(names: Sequence[str], order: str) -> bool:
    """Whether the names of columns count, or are times."""
    wide = find_wide(names)
    if wide is not None and len(wide.columns) == len(names):
        return True
    return are_times(names) and not np.isnan(times_of(names, None, order).values).any()
