"""Times of day in a column of their own: as a clock shows them, in numbers, or as the periods of a day, counted."""

import math
import re

import numpy as np
import polars as pl

from elman.data.columns import NAMES, words_of
from elman.data.numbers.cells import as_floats, has_value, is_numeric
from elman.data.times.column import is_of_day
from elman.data.times.dates import plain_text, read_clock
from elman.data.times.forms import DAY, HOUR, MINUTE, SECOND

CLOCK, HOURS, COMPACT, SHARE = "time of day", "hours", "hoursminutes", "share of a day"  # forms of a time of day
HALF = "half of the day"  # AM or PM in a column of its own, behind a time of day
MERIDIEM = r"(?i)^\s*([ap])\.?\s?m\.?\s*$"
IN_WORDS = r"(?i)^(?:he|h|hr|hour|std|stunde|hora|heure|ora|uur)\.?\s?(\d{1,2})$"  # HE is the hour that ends then
FROM_TO = r"^(\d{1,2})(:\d{2})?\s?[-\u2013]\s?\d{1,2}(?::\d{2})?$"
PERIODS = (24, 48, 96, 144, 288, 1440)  # of a day
COUNTED = re.compile(r"([01]) to (\d+) of a day")  # the form of periods that are counted


def clock_form(column: pl.Series, *, named: bool, days: np.ndarray | None = None) -> str:
    """How a column has times of day; empty where it has none. Numbers are such only where they are named so.

    Args:
        column: the cells.
        named: whether it is called as times of day are.
        days: ``[N]``, on which they are, where that is known.

    >>> clock_form(pl.Series(["HE01", "HE02"]), named=True), clock_form(pl.Series([30, 1530]), named=True)
    ('hours', 'hoursminutes')
    >>> clock_form(pl.Series("period", [*range(1, 49)]), named=False, days=np.zeros(48))
    '1 to 48 of a day'
    """
    if is_of_day(column) and (named or not is_numeric(column)):  # 8.30 may be a number like others
        return CLOCK
    if column.dtype.is_temporal() or column.dtype.is_nested():
        return ""
    cells = _bare(column)
    if cells.dtype == pl.String and named and is_of_day(cells):
        return CLOCK
    if not is_numeric(cells):
        return ""
    numbers = as_floats(cells)
    given = numbers[~np.isnan(numbers)]
    if not len(given) or given.min() < 0:
        return ""
    whole = (given == np.floor(given)).all()
    if named and not whole:
        return SHARE if given.max() < 1 else ""
    if named and given.max() <= 24:
        return HOURS
    counted = _periods(numbers, days) if days is not None and whole else ""
    if counted and (named or not words_of(column.name).isdisjoint(NAMES["period of the day"])):
        return counted
    if not named or given.max() < 100:
        return ""
    if given.max() <= 2400 and (given % 100 < 60).all():
        return COMPACT
    six = given.max() <= 240000 and (given % 100 < 60).all() and (given // 100 % 100 < 60).all()
    return COMPACT + "seconds" if six else ""


def read_of_day(column: pl.Series, form: str, *, zoned: bool = False) -> tuple[np.ndarray, str]:
    """Microseconds since midnight, NaN where there is none, and how they are written.

    Args:
        column: the cells.
        form: as ``clock_form`` gives it.
        zoned: whether a day may have an hour more, on which clocks are set back.
    """
    if column.dtype == pl.Time:
        return (column.to_physical().cast(pl.Float64) / 1000).fill_null(math.nan).to_numpy(), "times of day"
    cells = _bare(column)
    if form == CLOCK:
        return read_clock(plain_text(cells))
    numbers = as_floats(cells)
    if counted := COUNTED.fullmatch(form):
        first, last = map(int, counted.groups())
        count = last - first + 1
        places = numbers - first + (count == 24 and first == 1)  # hours are those that end
        most = count * (1 + zoned / 24) - (count != 24)
        return np.where((places >= 0) & (places <= most), places * (DAY // count), math.nan), f"periods from {form}"
    if form == COMPACT + "seconds":
        values = numbers // 10000 * HOUR + numbers // 100 % 100 * MINUTE + numbers % 100 * SECOND
    elif form == COMPACT:
        values = numbers // 100 * HOUR + numbers % 100 * MINUTE
    else:
        values = np.round(numbers * (HOUR if form == HOURS else DAY) / 1000) * 1000
    return np.where((values >= 0) & (values <= DAY), values, math.nan), form


def place_of_day(form: str, hours: float) -> str:
    """The cell for so many hours since midnight, where a form counts periods.

    >>> place_of_day("1 to 48 of a day", 15.5)
    '32'
    """
    first, last = map(int, COUNTED.fullmatch(form).groups())  # pyright: ignore[reportOptionalMemberAccess]
    count = last - first + 1
    return str(int(hours * count / 24) + first - (count == 24 and first == 1))


def is_clock(form: str) -> bool:
    """Whether a form is one of times of day."""
    return form in (CLOCK, HOURS, COMPACT, COMPACT + "seconds", SHARE) or is_counted(form)


def is_counted(form: str) -> bool:
    """Whether a form is one of periods of a day that are counted."""
    return COUNTED.fullmatch(form) is not None


def are_halves(cells: pl.Series) -> bool:
    """Whether a column says AM or PM, and nothing else."""
    if cells.dtype != pl.String:
        return False
    given = cells.filter(has_value(cells)).unique()
    return len(given) > 0 and bool(given.str.contains(MERIDIEM).all())


def with_half(of_day: np.ndarray, halves: pl.Series) -> np.ndarray:
    """Times of day of a clock of twelve hours, ``[N]`` microseconds, on one of twenty-four; NaN where no half is."""
    said = plain_text(halves).str.extract(MERIDIEM).str.to_lowercase()
    afternoon, told = (said == "p").fill_null(False).to_numpy(), said.is_not_null().to_numpy()
    return np.where(told & (of_day < 13 * HOUR), of_day % (12 * HOUR) + 12 * HOUR * afternoon, math.nan)


def _bare(column: pl.Series) -> pl.Series:
    """Cells without a word for hours before them; of two hours the first."""
    if column.dtype != pl.String:
        return column
    return column.str.strip_chars().str.replace(IN_WORDS, "$1").str.replace(FROM_TO, "$1$2")


def _periods(numbers: np.ndarray, days: np.ndarray) -> str:
    """The form of numbers that count the periods of most days, be it with an hour more on some; or ""."""
    frame = pl.DataFrame({"day": days, "number": numbers}).filter(pl.col("number").is_not_nan())
    first = float(numbers[~np.isnan(numbers)].min())
    last = float(frame.group_by("day").agg(pl.max("number"))["number"].mode().max())  # pyright: ignore[reportArgumentType]
    count = last - first + 1
    longest = float(np.nanmax(numbers)) - first + 1
    if first not in (0, 1) or count not in PERIODS or longest > count * 25 / 24:
        return ""
    return f"{first:.0f} to {last:.0f} of a day"
