"""Numbers that are times: since when they count, and in what; years and parts of them."""

from typing import NamedTuple

import numpy as np
import polars as pl

from elman.data.columns import is_named
from elman.data.times.forms import DAY, MINUTE, SECOND, YEARS

MOST = 0.95  # share of the numbers that is in the range of a way


class Numbers(NamedTuple):
    """A way in which numbers are times: ``origin + number * unit``, from ``low`` to ``high``."""

    said: str
    unit: float  # microseconds
    origin: float  # microseconds since 1970
    low: float
    high: float


def _days_from(said: str, zero: float, first: float, last: float) -> Numbers:
    """Numbers of days, of which ``zero`` is the first of January 1970."""
    return Numbers(said, DAY, -zero * DAY, zero + first, zero + last)


CENTURY_AND_A_HALF = -7305, 47846  # 1950 to 2100, in days since 1970
EPOCHS = {
    name: Numbers(f"{name} since 1970", SECOND / size, 0, 3e8 * size, 5e9 * size)
    for name, size in {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}.items()
}
DAY_NUMBERS = {
    "spreadsheet": _days_from("a spreadsheet's day numbers", 25569, *CENTURY_AND_A_HALF),
    "julian day": _days_from("Julian day numbers", 2440587.5, -62091, 84371),
    "modified julian day": _days_from("modified Julian day numbers", 40587, *CENTURY_AND_A_HALF),
    "datenum": _days_from("MATLAB's day numbers", 719529, *CENTURY_AND_A_HALF),
}
# numbers of years, by the longest unit of which all steps are whole: 2020.5 is the middle of 2020
MONTHLY, DAILY, FINER = "year and twelfths", "year and days", "year and minutes"
YEAR_NUMBERS = {
    MONTHLY: "years and twelfths of them",
    DAILY: "years and parts of them, to the day",
    FINER: "years and parts of them, to the minute",
}
NUMBERED = {name: way.said for name, way in (EPOCHS | DAY_NUMBERS).items()} | YEAR_NUMBERS  # for people
ROUNDED = 0.1  # of a month: by so much twelfths of a year are off in two decimals, or in a calendar of unequal months


def find_way(name: str, numbers: np.ndarray) -> str:
    """The way in which the numbers of a column are times, by what it is called where they alone do not tell; or "".

    >>> [find_way("time", np.array([first, first + 1])) for first in (1.6e9, 43831.5, 737061.25, 1958.2027, 0.0)]
    ['seconds', 'spreadsheet', 'datenum', 'year and twelfths', '']
    """
    dated = is_named(name, "time")
    ways = list(EPOCHS)
    if is_named(name, "julian day"):
        ways += ["modified julian day" if "m" in name.lower()[:1] else "julian day"]
    ways += ["spreadsheet"] if dated or is_named(name, "spreadsheet day") else []
    ways += ["julian day"] if dated else []
    ways += ["datenum"] if dated or is_named(name, "datenum") else []
    for way, (_, _, _, low, high) in (EPOCHS | DAY_NUMBERS).items():
        if way in ways and ((numbers >= low) & (numbers <= high)).mean() >= MOST:
            return way
    years = numbers[(numbers >= YEARS[0]) & (numbers < YEARS[1] + 1)]
    told = len(years) >= MOST * len(numbers) and (dated or is_named(name, "year", "decimal year"))
    return _parts_of_years(years) if told else ""


def moments(numbers: np.ndarray, way: str, written: pl.Series) -> np.ndarray:
    """What numbers are as times, ``[N]`` microseconds, NaN where they are none.

    Args:
        numbers: ``[N]``, NaN where there is none.
        way: of ``NUMBERED``.
        written: ``[N]``, the same as text; of nanoseconds a float64 does not hold all digits.

    Example:
        >>> moments(np.array([1958.2027]), "year and days", pl.Series(["1958.2027"])).astype("M8[us]").tolist()
        [datetime.datetime(1958, 3, 16, 0, 0)]
    """
    if way in YEAR_NUMBERS:
        return _of_years(numbers, way)
    _, unit, origin, low, high = (EPOCHS | DAY_NUMBERS)[way]
    inside = (numbers >= low) & (numbers <= high)
    if unit < 1:
        whole = written.cast(pl.Int64, strict=False)
        return np.where(inside, (whole // 1000).cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
    values = origin + np.where(inside, numbers, np.nan) * unit
    fine = _fineness(values) if way in DAY_NUMBERS else 1  # a part of a day is no round number
    return np.round(values / fine) * fine


def _fineness(values: np.ndarray) -> int:
    """Of times that were parts of days the longest unit of which all are whole, as nearly as five decimals of a day."""
    given = values[np.isfinite(values)]
    units = (MINUTE, SECOND)
    return next((unit for unit in units if (np.abs(given - np.round(given / unit) * unit) <= 5e-6 * DAY).all()), 1000)


def _parts_of_years(numbers: np.ndarray) -> str:
    """The way in which parts of years are months, all in their beginnings or all in their middles, or days, or less."""
    numbers = np.unique(numbers)
    months = numbers * 12
    monthly = any((np.abs(months - part - np.round(months - part)) <= ROUNDED).mean() >= MOST for part in (0, 0.5))
    for way in (MONTHLY, DAILY) if monthly else (DAILY,):
        if len(np.unique(_of_years(numbers, way))) >= MOST * len(numbers):
            return way
    return FINER


def _of_years(numbers: np.ndarray, way: str) -> np.ndarray:
    """Microseconds at which so many years and parts of one are over."""
    given = (numbers >= YEARS[0]) & (numbers < YEARS[1] + 1)
    numbers = np.where(given, numbers, YEARS[0])
    if way == MONTHLY:
        found = (np.floor(numbers * 12 + ROUNDED).astype(np.int64) - 1970 * 12).astype("M8[M]").astype("M8[us]")
        return np.where(given, found.astype(np.float64), np.nan)
    years = np.floor(numbers).astype(np.int64) - 1970
    begin, end = (each.astype("M8[Y]").astype("M8[us]").astype(np.float64) for each in (years, years + 1))
    fine = DAY if way == DAILY else MINUTE
    return np.where(given, begin + np.round((numbers % 1) * (end - begin) / fine) * fine, np.nan)
