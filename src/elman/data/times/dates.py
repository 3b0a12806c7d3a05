"""Cells with dates and times of day, read in one of the forms."""

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from elman.data.times.forms import (
    CLOCK,
    CLOCKS,
    DAY,
    FIRST_YEAR,
    FORMATS,
    FORMS,
    HOUR,
    MINUTE,
    SECOND,
    TIGHT_CLOCKS,
    YEARLESS,
    YEARS,
    order_of,
)
from elman.data.times.names import MONTHS, ZONES
from elman.data.times.signs import usual

LOOKED = 100  # cells by which it is told that they are intervals
MANY = 5000  # cells from which on that is worth a try
# from one moment to another, of which the first is meant
INTERVAL = (
    r"(?i)^(.*\d.*?)\s+(?:[-\u2013\u2014/]|to|bis|until|au|à|hasta|al)\s+"
    r".*?(?:\d{1,2}:\d{2}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}).*$"
)
_TIGHT_BEHIND = r"^(\d{4}-\d{2}-\d{2}T\d{2})(\d{2})"
_ENDED = r"^(\d{4}\.\s?\d{1,2}\.\s?\d{1,2}|\d{4}\..*\d|.*\d\.\s?\d{4})\.(\s.*)?$"  # with a point behind the day
_CLOCK_FIRST = r"(?i)^(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?)[\s,]+([^:]*\d[^:]*)$"


def lacks_year(text: pl.Series) -> bool:
    """Whether most cells are a day of a month without a year; of a month and a number those that go on day by day.

    >>> [lacks_year(pl.Series(cells)) for cells in (["Jan 30 12:00:00"], ["Jan 01", "Jan 02"], ["Jan 01", "Feb 01"])]
    [True, True, False]
    """
    parts = text.drop_nulls().str.extract_groups(YEARLESS).struct.unnest()
    names = parts["b"].fill_null(parts["b2"]).str.to_lowercase()
    told = names.is_in(list(MONTHS)).fill_null(False)
    if not len(told) or 2 * told.sum() <= len(told):
        return False
    # a day before a month, or a time of day behind: no year is written so
    if 2 * (told & (parts["c"].is_not_null() | parts["d2"].is_not_null())).sum() > len(told):
        return True
    days = parts["d"].cast(pl.Int64).filter(told)
    steps, same = days.diff().abs().drop_nulls(), (names.filter(told) == names.filter(told).shift(1)).drop_nulls()
    return len(steps) > 0 and bool((days <= 31).all()) and 2 * (same & (steps == 1)).sum() > len(steps)


def is_yearless(text: pl.Series) -> bool:
    """Whether most cells are days without a year, be it in digits alone.

    >>> [is_yearless(pl.Series(cells)) for cells in (["05.01.", "6.1."], ["05/01", "31/12"], ["1/2"], ["5 Jan"])]
    [True, True, False, True]
    """
    given = text.drop_nulls()
    in_digits = int(given.str.contains(r"^(?:\d{1,2}\.\s?\d{1,2}\.|\d{2}/\d{2})$").sum())
    return 2 * in_digits > len(given) or lacks_year(given)


def arranged(text: pl.Series) -> pl.Series:
    """Cells with the time of day behind the day, with colons in it where the day has its marks, and no point after it.

    >>> arranged(pl.Series(["2021-01-30T2200Z", "10:00 pm 30.01.2021", "2021. 1. 30."])).to_list()
    ['2021-01-30T22:00Z', '30.01.2021 10:00 pm', '2021. 1. 30']
    """
    text = text.str.replace(_TIGHT_BEHIND + r"(\d{2})(\D.*)?$", "$1:$2:$3$4")
    text = text.str.replace(_TIGHT_BEHIND + r"(\D.*)?$", "$1:$2$3").str.replace(_CLOCK_FIRST, "$2 $1")
    return text.str.replace(_ENDED, "$1$2")


def tidied(text: pl.Series, form: str) -> pl.Series:
    """Cells of a form as its pattern has them: years without a mark for thousands, October with both of its digits.

    Numbers of pairs of digits have the zero before them that a spreadsheet leaves out.

    >>> tidied(pl.Series(["1,999"]), "year")[0], tidied(pl.Series(["10124"]), "ddmmyy")[0]
    ('1999', '010124')
    """
    if form == "year":
        return text.str.replace(r"^(\d)[.,](\d{3})$", "$1$2")
    if FORMS[form].digits and order_of(form):
        return text.str.replace(r"^(\d(?:\d\d){2,6})$", "0$1")
    if form == "month.year":  # 1.2010 has lost its last digit as a number
        return text.str.replace(r"^(\d{1,2}\.\d{3})$", "${1}0")
    return text.str.replace(r"^(\d{4}\.1)$", "${1}0") if form == "year.month" else text


class Read(NamedTuple):
    """What stands in cells.

    Args:
        values: ``[N]`` microseconds since 1970 on the clock that is written; NaN for what is no time.
        offset: ``[N]`` microseconds that this clock is before UTC, NaN where a cell does not say.
        clock: how the time of day is written, for people, such as ``hour:minute``; empty where there is none.
        short: whether there are years of two digits.
    """

    values: np.ndarray
    offset: np.ndarray
    clock: str
    short: bool = False


def read_form(text: pl.Series, form: str, first_year: int = FIRST_YEAR) -> Read:
    """Cells in one form.

    Args:
        text: ``[N]``, in lower or upper case, without blanks around.
        form: a name of ``FORMS``.
        first_year: of the hundred that years of two digits are of.

    Example:
        >>> read_form(pl.Series(["31.01.2020 18.00.00", "soon"]), "dmy").values.astype("M8[us]").tolist()
        [datetime.datetime(2020, 1, 31, 18, 0), None]
    """
    known = _by_format(text, form) if len(text) > MANY else None
    if known is None:
        return _by_pattern(text, form, first_year)
    rest = np.isnan(known.values) & text.is_not_null().to_numpy()
    if rest.any():
        others = _by_pattern(text.filter(pl.Series(rest)), form, first_year)
        known.values[rest], known.offset[rest] = others.values, others.offset
        return known._replace(short=others.short)
    return known


def short_years(text: pl.Series, form: str) -> list[int]:
    """The years of two digits in cells of a form, each once and rising."""
    years = text.str.extract_groups(_cell(form)).struct.unnest()["Y"]
    return sorted(set(years.filter(years.str.len_chars() == 2).cast(pl.Int64)))


def found_in(text: pl.Series, names: Sequence[str]) -> list[str]:
    """Those forms in which one cell at least is written; of all there are, most are none."""
    cells = text.drop_nulls().to_list()
    return [name for name in names if any(map(_pattern(name).match, cells))]


@cache  # to make one takes as long as to read a thousand cells
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(_cell(form))


def _cell(form: str) -> str:
    return rf"(?i)^[\['\"]?(?:{FORMS[form].pattern})[\]'\"]?$"


def _by_pattern(text: pl.Series, form: str, first_year: int = FIRST_YEAR) -> Read:
    parts = text.str.extract_groups(_cell(form)).struct.unnest()
    day, good = _days(parts, first_year)
    day, of_day, clock = day * DAY, np.zeros(len(parts)), ""
    if "H" in parts.columns:
        of_day, fine = _of_day(parts)
        good &= fine
        clock = _said_clock(parts)
    values = np.where(good, day + of_day, math.nan)
    short = bool((parts["Y"].str.len_chars() == 2).filter(pl.Series(good)).any())
    return Read(values, _offset(parts), clock, short)


def _by_format(text: pl.Series, form: str) -> Read | None:
    """Cells in the one format that most of a sample has, which is quicker; None where there is no such.

    Only what it reads as the pattern does is taken from it; with a zone values are in UTC, and the offset is 0.
    """
    sample = text.drop_nulls()[:: max(1, text.len() // 200)]
    truth = _by_pattern(sample, form)
    zoned = np.isfinite(truth.offset)
    moments = truth.values - np.nan_to_num(truth.offset)
    days, clocks = FORMATS.get(form, ()), TIGHT_CLOCKS if form == "yyyymmdd" else CLOCKS
    zones = ("Z", "%#z") if zoned.any() else ("",)
    for each in (day + clock + zone for day in days for clock in clocks for zone in zones):
        read = _formatted(sample, each)
        same = read == moments
        if same.mean() >= 0.9 and (same | np.isnan(read)).all():
            values = _formatted(text, each)
            offset = np.where(np.isfinite(values) & zoned.any(), 0.0, math.nan)
            return Read(values, offset, truth.clock)
    return None


def _formatted(text: pl.Series, each: str) -> np.ndarray:
    zone = "UTC" if each.endswith("%#z") else None
    read = text.str.to_datetime(each, strict=False, time_unit="us", time_zone=zone)
    return read.to_physical().cast(pl.Float64).fill_null(math.nan).to_numpy(writable=True)


def read_clock(text: pl.Series) -> tuple[np.ndarray, str]:
    """Times of day: ``[N]`` microseconds since midnight, NaN for what is none, and how they are written.

    Example:
        >>> read_clock(pl.Series(["18.00.00", "6:30 pm", "noon"]))[0] / 3600e6
        array([18. , 18.5,  nan])
    """
    parts = text.str.extract_groups(CLOCK).struct.unnest()
    # a number alone is no time of day
    given = parts["M"].is_not_null() | parts["p"].is_not_null() | text.str.contains(r"(?i)\d\s?(?:h|hrs|uhr)$")
    of_day, good = _of_day(parts)
    return np.where(good & given.fill_null(False).to_numpy(), of_day, math.nan), _said_clock(parts)


def days_of(years: np.ndarray, months: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Days since 1970, NaN for days that there are not, and for years that are none.

    Args:
        years, months, days: ``[N]`` whole numbers, NaN where there is none.

    Example:
        >>> days_of(np.array([1970.0, 2023.0]), np.array([1.0, 2.0]), np.array([2.0, 29.0]))
        array([ 1., nan])
    """
    given = (years >= YEARS[0]) & (years <= YEARS[1]) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    start = (np.where(given, (years - 1970) * 12 + months - 1, 0)).astype(np.int64).astype("M8[M]")
    found = start.astype("M8[D]").astype(np.int64) + np.where(given, days, 1).astype(np.int64) - 1
    return np.where(given & (found.astype("M8[D]").astype("M8[M]") == start), found, math.nan)


def _days(parts: pl.DataFrame, first_year: int) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970, and which cells have one."""
    years = _number(parts, "Y")
    short = (parts["Y"].str.len_chars() == 2).fill_null(False).to_numpy()
    years = np.where(short, first_year + (years - first_year) % 100, years)
    one = np.ones(len(parts))
    if "w" in parts.columns:  # the first week is that of the fourth of January
        week, weekday = _number(parts, "w"), _number(parts, "u", 1)
        fourth = days_of(years, one, 4 * one)
        monday = fourth - (fourth + 3) % 7
        last = days_of(years, 12 * one, 28 * one)  # is always in the last week
        days = monday + 7 * (week - 1) + weekday - 1
        days = np.where((week >= 1) & (monday + 7 * (week - 1) <= last), days, math.nan)
    elif "j" in parts.columns:
        of_year = _number(parts, "j")
        first, after = days_of(years, one, one), days_of(years, 12 * one, 31 * one)
        days = np.where((of_year >= 1) & (first + of_year - 1 <= after), first + of_year - 1, math.nan)
    else:
        if "q" in parts.columns:
            months = 3 * _roman(parts, "q") - 2
        elif "h" in parts.columns:
            months = 6 * _roman(parts, "h") - 5
        elif "b" in parts.columns:
            names = parts["b"].str.to_lowercase()
            months = names.replace_strict(MONTHS, default=None, return_dtype=pl.Float64).fill_null(math.nan).to_numpy()
        else:
            months = _number(parts, "m", 1)
        days = days_of(years, months, _number(parts, "d", 1))
    if "Y2" in parts.columns:  # of two years the second is the next one
        following = (parts["Y2"].cast(pl.Float64) - years - 1).to_numpy()
        days = np.where(following % np.where(parts["Y2"].str.len_chars() == 2, 100, 10_000) == 0, days, math.nan)
    return np.nan_to_num(days), np.isfinite(days)


def _of_day(parts: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds since midnight, and which cells have such as a clock shows; 24:00 is the next midnight."""
    hours, minutes, seconds = (_number(parts, name, 0) for name in "HMS")
    fraction = parts["f"].str.pad_end(9, "0").cast(pl.Int64, strict=False).fill_null(0).to_numpy() // 1000
    half = parts["p"].str.to_lowercase()
    twelve = half.is_not_null().to_numpy()
    good = ~twelve | (hours <= 12)
    hours = np.where(twelve, hours % 12 + 12 * (half == "p").fill_null(False).to_numpy(), hours)
    found = hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction
    # a leap second is the first of the next minute
    return found, good & (minutes < 60) & (seconds <= 60) & (found <= DAY)


def _offset(parts: pl.DataFrame) -> np.ndarray:
    """Microseconds before UTC, NaN where nothing is said of it."""
    found = np.full(len(parts), math.nan)
    if "z" in parts.columns and parts["z"].null_count() < len(parts):
        zones = parts["z"].str.to_lowercase().replace_strict(ZONES, default=None, return_dtype=pl.Float64)
        found = zones.fill_null(math.nan).to_numpy() * MINUTE
    for name in ("o", "o2"):
        if name not in parts.columns or parts[name].null_count() == len(parts):
            continue
        text = parts[name].str.replace_all(":", "", literal=True)
        digits = text.str.slice(1)
        hours = digits.str.slice(0, 2).cast(pl.Float64).fill_null(math.nan).to_numpy()
        minutes = digits.str.slice(2).cast(pl.Float64, strict=False).fill_null(0).to_numpy()
        sign = np.where((text.str.slice(0, 1) == "+").fill_null(False).to_numpy(), 1, -1)
        said = sign * (hours * HOUR + minutes * MINUTE)
        found = np.where(np.isnan(said), found, said)
    return found


def _number(parts: pl.DataFrame, name: str, otherwise: float = math.nan) -> np.ndarray:
    if name not in parts.columns:
        return np.full(len(parts), otherwise)
    return parts[name].cast(pl.Float64, strict=False).fill_null(otherwise).to_numpy()


def _roman(parts: pl.DataFrame, name: str) -> np.ndarray:
    numbers = parts.with_columns(pl.col(name).str.to_lowercase().replace({"i": "1", "ii": "2", "iii": "3", "iv": "4"}))
    return _number(numbers, name)


def _said_clock(parts: pl.DataFrame) -> str:
    names = {"H": "hour", "M": "minute", "S": "second"}
    found = [said for name, said in names.items() if parts[name].null_count() < len(parts)]
    return ":".join(found) + (" AM or PM" if parts["p"].null_count() < len(parts) else "")


def plain_text(column: pl.Series) -> pl.Series:
    """The cells of a column as texts to be read: without blanks around, whole numbers without a point.

    Of an interval it is the beginning. The digits and signs of other scripts are the usual ones.

    Of lists and objects there are none.
    """
    if column.dtype.is_nested():
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        column = whole.cast(pl.String).zip_with((whole == column).fill_null(False), column.cast(pl.String))
    text = column.cast(pl.String) if column.dtype != pl.String else column
    text = text.str.strip_chars()
    text = usual(text)
    return text.str.replace(INTERVAL, "$1") if are_intervals(text) else text


def are_intervals(text: pl.Series) -> bool:
    """Whether cells go from one moment to another, as ``01.01.2024 00:00 - 01:00`` does."""
    given = text.drop_nulls().head(LOOKED)
    return len(given) > 0 and int(given.str.strip_chars().str.contains(INTERVAL).sum()) >= 0.9 * len(given)
