"""Dates and times of day as people write them, in one form a column."""

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

SECOND = 1_000_000  # times are whole microseconds since 1970, in UTC where they have a zone
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
YEARS = (1800, 2200)  # what is earlier or later is no time
PIVOT = 69  # 69 is 1969 and 68 is 2068, as in POSIX

# in ten languages of Europe, from English to Swedish; no name is of two months
MONTH_NAMES = [
    "jan january januar janvier janv enero ene gennaio gen janeiro januari jän jänner",
    "feb february februar février fevrier févr fevr fév fev febrero febbraio fevereiro februari",
    "mar march märz maerz mär mrz mars marzo março marco maart mrt marts",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei maj",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juillet juil julio luglio lug julho",
    "aug august août aout aoû agosto ago augustus augusti",
    "sep sept september septembre septiembre set settembre setembro",
    "oct october oktober okt octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dezember dez décembre decembre déc diciembre dic dicembre dezembro desember des",
]
MONTHS = {name: n for n, names in enumerate(MONTH_NAMES, 1) for name in names.split()}
# those of RFC 2822, and others that mean one thing; minutes before UTC
ZONES = {
    name: 60 * hours
    for hours, names in {
        0: "z utc gmt ut wet",
        -4: "edt", -5: "est cdt", -6: "cst mdt", -7: "mst pdt", -8: "pst",
        1: "cet mez west", 2: "cest mesz eet", 3: "eest msk", 9: "jst", 10: "aest", 11: "aedt",
    }.items()
    for name in names.split()
}  # fmt: skip

_BETWEEN = r"\s?[-/._\s\u2010\u2011\u2013]\s?"
_YEAR = r"'?(?P<Y>\d{4}|\d{2})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|°|ª)?"
_NAME = r"(?P<b>[^\W\d_]{3,10})\.?"
_OF = r"[-\s/.,_]*(?:(?:de|of|del|di)\s+)?"
_QUARTER = r"(?:q|t|quarter|quartal|trimestre|trim\.?)"
_WEEK = r"(?:w|kw|week|woche|semaine|semana)"
_WEEKDAY = (
    r"(?:(?:(?:mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|mié|mie|jeu|jue|ven|vie|sam|sáb|sab|dim|dom|die|mit|don|fre|"
    r"son|gio|seg|ter|qua|qui|sex|maa|din|woe|vri|zat|zon)[^\W\d_]*(?:-feira)?|mo|di|mi|do|fr|sa|so)\.?,?\s+)?"
)
_CLOCK = (
    r"(?P<H>\d{1,2})(?:[:.h]\s?(?P<M>\d{2})(?:[:.]?(?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?)?"
    r"(?:\s?(?:h|hrs|uhr)\b)?"
)
_HALF = r"(?:\s?(?P<p>[ap])\.?\s?m\b\.?)?"
_TIGHT = r"(?P<H>\d{2})(?::?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,:]?(?P<f>\d{1,9}))?)?)?"  # with or without colons
_OFFSET = r"(?P<o>[-+\u2212]\d{1,2}(?::?\d{2})?)"
_ZONE = (
    rf"(?:\s?(?P<z>{'|'.join(sorted(ZONES, key=len, reverse=True))})\b)?(?:\s?{_OFFSET})?"
    r"(?:\s?\[[\w/+-]+\])?(?:\s?\([^)]*\))?"
)
_THEN = r"(?:\s*[T_,;]\s*|\s+(?:(?:at|um|à|om|alle|às|a las)\s+)?|[-:])"
_AFTER = rf"(?:{_THEN}{_CLOCK}{_HALF}{_ZONE})?"
_COMPACT = rf"(?:[T_\s:-]?{_TIGHT}{_HALF}{_ZONE})?"


# a day of a month, and a time of day or nothing: the year is not said
_YEARLESS = (
    rf"(?i)^{_WEEKDAY}(?:(?P<b>[^\W\d_]{{3,10}})\.?[-\s/]+(?P<d>\d{{1,2}})|(?P<d2>\d{{1,2}})\.?[-\s/]+"
    r"(?P<b2>[^\W\d_]{3,10})\.?)(?P<c>[\sT,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?)?$"
)


def lacks_year(text: pl.Series) -> bool:
    """Whether most cells are a day of a month without a year; of a month and a number those that go on day by day.

    >>> [lacks_year(pl.Series(cells)) for cells in (["Jan 30 12:00:00"], ["Jan 01", "Jan 02"], ["Jan 01", "Feb 01"])]
    [True, True, False]
    """
    parts = text.drop_nulls().str.extract_groups(_YEARLESS).struct.unnest()
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


class Form(NamedTuple):
    """A way to write times; the first group of letters of ``pattern`` that stands in it tells what it has.

    Args:
        said: for people, without the time of day.
        pattern: with groups for the year, the month's number or name, the day, the week and its day, the day of the
            year, the quarter: ``Y m b d w u j q``; those of the time of day: ``H M S f p``; of the zone: ``z o``.
        digits: whether it is of digits alone, so that cells may be numbers as well.
        period: whether it names more than a day, which has no time of day.
    """

    said: str
    pattern: str
    digits: bool = False
    period: bool = False


FORMS = {
    "ymd": Form("year-month-day", rf"{_WEEKDAY}{_YEAR}{_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}(?P<d>\d{{1,2}}){_AFTER}"),
    "dmy": Form("day/month/year", rf"{_WEEKDAY}(?P<d>\d{{1,2}}){_BETWEEN}(?P<m>\d{{1,2}}){_BETWEEN}{_YEAR}{_AFTER}"),
    "mdy": Form("month/day/year", rf"{_WEEKDAY}(?P<m>\d{{1,2}}){_BETWEEN}(?P<d>\d{{1,2}}){_BETWEEN}{_YEAR}{_AFTER}"),
    "dby": Form("day month year", rf"{_WEEKDAY}{_DAY}{_OF}{_NAME}{_OF}{_YEAR}{_AFTER}"),
    "bdy": Form("month day year", rf"{_WEEKDAY}{_NAME}[-\s/]*{_DAY}[-\s/,.]+{_YEAR}{_AFTER}"),
    "ybd": Form("year month day", rf"(?P<Y>\d{{4}}){_OF}{_NAME}[-\s/]*{_DAY}{_AFTER}"),
    "ctime": Form(
        "weekday month day time year",
        rf"{_WEEKDAY}{_NAME}\s+(?P<d>\d{{1,2}}),?\s+{_CLOCK}{_HALF}{_ZONE}\s+(?P<Y>\d{{4}})(?:\s(?P<o2>[-+]\d{{4}}))?",
    ),
    "iso week": Form("year and week", rf"(?P<Y>\d{{4}})[-\s/,.]*{_WEEK}\s?(?P<w>\d{{1,2}})(?:-?(?P<u>[1-7]){_AFTER})?"),
    "week year": Form("week and year", rf"{_WEEK}[\s.]*(?P<w>\d{{1,2}})[-\s/.,]*{_YEAR}", period=True),
    "quarter": Form("year and quarter", rf"(?P<Y>\d{{4}})[-\s/._]*{_QUARTER}\s?(?P<q>[1-4])", period=True),
    "quarter year": Form("quarter and year", rf"{_QUARTER}\s?(?P<q>[1-4])[-\s/._,]*{_YEAR}", period=True),
    "1q20": Form("quarter and year", rf"(?P<q>[1-4])[.\s]*{_QUARTER}[-\s/._,]*{_YEAR}", period=True),
    "my": Form("month/year", rf"m?(?P<m>\d{{1,2}}){_BETWEEN}(?P<Y>\d{{4}})", period=True),
    "ym": Form("year-month", rf"(?P<Y>\d{{4}})(?:[-\s/._]?m|{_BETWEEN})(?P<m>\d{{1,2}})", period=True),
    "by": Form("month year", rf"{_NAME}{_OF}{_YEAR}", period=True),
    "yb": Form("year month", rf"(?P<Y>\d{{4}}){_OF}{_NAME}", period=True),
    "ordinal": Form(
        "year and day of the year", rf"(?P<Y>\d{{4}})[-/.]?(?P<j>\d{{3}})(?:T{_TIGHT}{_HALF}{_ZONE})?", digits=True
    ),
    "yyyymmdd": Form("yearmonthday", rf"(?P<Y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_COMPACT}", digits=True),
    "ddmmyyyy": Form("daymonthyear", rf"(?P<d>\d{{2}})(?P<m>\d{{2}})(?P<Y>\d{{4}}){_AFTER}", digits=True),
    "mmddyyyy": Form("monthdayyear", rf"(?P<m>\d{{2}})(?P<d>\d{{2}})(?P<Y>\d{{4}}){_AFTER}", digits=True),
    "yyyymm": Form("yearmonth", r"(?P<Y>\d{4})(?P<m>\d{2})", digits=True, period=True),
    "yymmdd": Form("yearmonthday", rf"(?P<Y>\d{{2}})(?P<m>\d{{2}})(?P<d>\d{{2}}){_AFTER}", digits=True),
    "year": Form("year", r"(?P<Y>\d{4})", digits=True, period=True),
    "yearweek": Form("yearweek", r"(?P<Y>\d{4})(?P<w>\d{2})", digits=True, period=True),
    "year-week": Form("year-week", rf"(?P<Y>\d{{4}}){_BETWEEN}(?P<w>\d{{1,2}})", period=True),
    "week/year": Form("week/year", rf"(?P<w>\d{{1,2}}){_BETWEEN}(?P<Y>\d{{4}})", period=True),
    "year.quarter": Form("year.quarter", r"(?P<Y>\d{4})\s?[-:./_]?\s?(?P<q>[1-4])", period=True),
    "year.month": Form("year.month", r"(?P<Y>\d{4})\.(?P<m>\d{2})", period=True),
}  # the first that reads the most cells is taken
# those that only the name of a column tells from others, by role
NAMED = {
    "yearweek": "year and week",
    "year-week": "year and week",
    "week/year": "year and week",
    "year.quarter": "year and quarter",
    "year.month": "year and month",
}
# of these a column may be readable in several, of which each means another day
ORDERS = {
    "ymd": ("ymd",),
    "dmy": ("dmy", "ddmmyyyy"),
    "mdy": ("mdy", "mmddyyyy"),
}


# of the usual ways to write some forms those that can be read at once
FORMATS = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d"),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y"),
    "dby": ("%d %b %Y", "%d-%b-%Y"),
    "bdy": ("%b %d, %Y",),
    "yyyymmdd": ("%Y%m%d",),
}
CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p",
          " %H.%M", " %H.%M.%S")  # fmt: skip
TIGHT_CLOCKS = ("", "%H%M", "%H%M%S", "T%H%M%S", "_%H%M%S")
MANY = 5000  # cells from which on that is worth a try


_TIGHT_BEHIND = r"^(\d{4}-\d{2}-\d{2}T\d{2})(\d{2})"
_CLOCK_FIRST = r"(?i)^(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?)[\s,]+([^:]*\d[^:]*)$"


def arranged(text: pl.Series) -> pl.Series:
    """Cells with the time of day behind the day, and with colons in it where the day has its marks.

    >>> arranged(pl.Series(["2021-01-30T2200Z", "10:00 pm 30.01.2021"])).to_list()
    ['2021-01-30T22:00Z', '30.01.2021 10:00 pm']
    """
    text = text.str.replace(_TIGHT_BEHIND + r"(\d{2})(\D.*)?$", "$1:$2:$3$4")
    return text.str.replace(_TIGHT_BEHIND + r"(\D.*)?$", "$1:$2$3").str.replace(_CLOCK_FIRST, "$2 $1")


def tidied(text: pl.Series, form: str) -> pl.Series:
    """Cells of a form as its pattern has them: years without a mark for thousands, October with both of its digits."""
    if form == "year":
        return text.str.replace(r"^(\d)[.,](\d{3})$", "$1$2")
    return text.str.replace(r"^(\d{4}\.1)$", "${1}0") if form == "year.month" else text


class Read(NamedTuple):
    """What stands in cells.

    Args:
        values: ``[N]`` microseconds since 1970 on the clock that is written; NaN for what is no time.
        offset: ``[N]`` microseconds that this clock is before UTC, NaN where a cell does not say.
        clock: how the time of day is written, for people, such as ``hour:minute``; empty where there is none.
    """

    values: np.ndarray
    offset: np.ndarray
    clock: str


def read_form(text: pl.Series, form: str) -> Read:
    """Cells in one form.

    Args:
        text: ``[N]``, in lower or upper case, without blanks around.
        form: a name of ``FORMS``.

    Example:
        >>> read_form(pl.Series(["31.01.2020 18.00.00", "soon"]), "dmy").values.astype("M8[us]").tolist()
        [datetime.datetime(2020, 1, 31, 18, 0), None]
    """
    known = _by_format(text, form) if len(text) > MANY else None
    if known is None:
        return _by_pattern(text, form)
    rest = np.isnan(known.values) & text.is_not_null().to_numpy()
    if rest.any():
        others = _by_pattern(text.filter(pl.Series(rest)), form)
        known.values[rest], known.offset[rest] = others.values, others.offset
    return known


def has_short_years(text: pl.Series, form: str) -> bool:
    """Whether a cell of a form has a year of two digits."""
    years = text.str.extract_groups(_cell(form)).struct.unnest()["Y"]
    return bool((years.str.len_chars() == 2).any())


def found_in(text: pl.Series, names: Sequence[str]) -> list[str]:
    """Those forms in which one cell at least is written; of all there are, most are none."""
    cells = text.drop_nulls().to_list()
    return [name for name in names if any(map(_pattern(name).match, cells))]


@cache  # to make one takes as long as to read a thousand cells
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(_cell(form))


def _cell(form: str) -> str:
    return rf"(?i)^[\['\"]?(?:{FORMS[form].pattern})[\]'\"]?$"


def _by_pattern(text: pl.Series, form: str) -> Read:
    parts = text.str.extract_groups(_cell(form)).struct.unnest()
    day, good = _days(parts)
    day, of_day, clock = day * DAY, np.zeros(len(parts)), ""
    if "H" in parts.columns:
        of_day, fine = _of_day(parts)
        good &= fine
        clock = _said_clock(parts)
    values = np.where(good, day + of_day, math.nan)
    return Read(values, _offset(parts), clock)


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
    parts = text.str.extract_groups(rf"(?i)^(?:T?{_CLOCK}{_HALF})$").struct.unnest()
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


def _days(parts: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970, and which cells have one."""
    years = _number(parts, "Y")
    short = (parts["Y"].str.len_chars() == 2).fill_null(False).to_numpy()
    years = np.where(short, years + np.where(years >= PIVOT, 1900, 2000), years)
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
            months = 3 * _number(parts, "q") - 2
        elif "b" in parts.columns:
            names = parts["b"].str.to_lowercase()
            months = names.replace_strict(MONTHS, default=None, return_dtype=pl.Float64).fill_null(math.nan).to_numpy()
        else:
            months = _number(parts, "m", 1)
        days = days_of(years, months, _number(parts, "d", 1))
    return np.nan_to_num(days), np.isfinite(days)


def _of_day(parts: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds since midnight, and which cells have such as a clock shows; 24:00 is the next midnight."""
    hours, minutes, seconds = (_number(parts, name, 0) for name in "HMS")
    fraction = parts["f"].str.pad_end(9, "0").cast(pl.Int64, strict=False).fill_null(0).to_numpy() // 1000
    half = parts["p"].str.to_lowercase()
    twelve = half.is_not_null().to_numpy()
    good = ~twelve | ((hours >= 1) & (hours <= 12))
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


def _said_clock(parts: pl.DataFrame) -> str:
    names = {"H": "hour", "M": "minute", "S": "second"}
    found = [said for name, said in names.items() if parts[name].null_count() < len(parts)]
    return ":".join(found) + (" AM or PM" if parts["p"].null_count() < len(parts) else "")


def plain_text(column: pl.Series) -> pl.Series:
    """The cells of a column as texts to be read: without blanks around, whole numbers without a point.

    Of lists and objects there are none.
    """
    if column.dtype.is_nested():
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        column = whole.cast(pl.String).zip_with((whole == column).fill_null(False), column.cast(pl.String))
    text = column.cast(pl.String) if column.dtype != pl.String else column
    return text.str.strip_chars()


def order_of(form: str) -> str:
    """In which order a form of numbers has day, month and year; empty for what can be read in one way only."""
    return next((order for order, forms in ORDERS.items() if form in forms), "")
