"""Moments whose parts stand in a column each: year, month, day, hour and so on."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from elman.data.columns import NAMES, is_named, normal
from elman.data.numbers.cells import as_floats, has_value, is_numeric
from elman.data.times.column import read_times
from elman.data.times.dates import days_of, plain_text
from elman.data.times.forms import DAY, FIRST_YEAR, HOUR, MINUTE, SECOND, YEARS
from elman.data.times.found import find_form
from elman.data.times.names import MONTHS, WEEKDAYS

RANGES = {  # of the numbers of each part
    "quarter": (1, 4),
    "half": (1, 2),
    "month": (1, 12),
    "week of the year": (1, 53),
    "day of the year": (1, 366),
    "weekday": (1, 7),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
}
PARTS = ("year", *RANGES)
ALONE = {"year": "y", "month": "m", "day": "d", "hour": "h", "minute": "mn", "second": "s"}  # letters that name a part
AFTER = {  # which part may follow which
    "year": ("quarter", "half", "month", "week of the year", "day of the year"),
    "month": ("day",),
    "day": ("hour",),
    "day of the year": ("hour",),
    "week of the year": ("weekday",),
    "weekday": ("hour",),
    "hour": ("minute",),
    "minute": ("second",),
}
LETTERS = {"m": "month", "q": "quarter", "t": "quarter", "s": "half", "h": "half", "w": "week of the year"}
NUMBERED = (
    r"(?i)^(?:q|qtr|quarter|quartal|t|trim|w|wk|kw|week|woche|h|hj|hy|s|sem|m|mo|month|monat|d|day|tag|p)?\.?\s?"
    r"0{0,2}(\d{1,3})\.?$"
)
ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4"}
YEAR_FORMS = ("year", "own year", "fy20", "two years", "fy19/20", "19/20")  # of cells that are years and no more
MONTHS_OF_YEAR = 12
MOST = 0.9  # share of the cells that are in the range of a part


def find_parts(frame: pl.DataFrame, among: Sequence[str]) -> dict[str, str]:
    """Which columns have which part of a moment; none where there is no year and a part of it.

    A name of one letter, or one of two parts, tells only of a column that stands right behind the part before.

    >>> frame = pl.DataFrame({"Y": [2021, 2021], "M": [1, 1], "D": [30, 31], "flow": [1.5, 2.5]})
    >>> find_parts(frame, frame.columns)
    {'Y': 'year', 'M': 'month', 'D': 'day'}
    """
    named = [name for name in among if (_is_part(name, "year") or is_named(name, "years")) and _are_years(frame[name])]
    for year in sorted(named, key=lambda name: _rank(name, "year")):
        ways = [_way(frame, among, year, part) for part in AFTER["year"]]
        # of a quarter and a month, or a month and a week, the one that tells more rows apart
        found = max(ways, key=lambda way: frame.select(list(way)).n_unique() if way else 0)
        alone = len(found) < 3 and all(len(normal(name)) == 1 for name in found)
        if found and not alone:
            return found
    return {}


def _way(frame: pl.DataFrame, among: Sequence[str], year: str, second: str) -> dict[str, str]:
    """The columns of parts from a year on, of which the second has a given part; none where no column has it."""
    found, parts = {year: "year"}, (second,)
    while following := _following(frame, [name for name in among if name not in found], list(found)[-1], parts):
        name, part = following
        found[name] = part
        parts = AFTER.get(part, ())
    return found if len(found) > 1 else {}


def _following(frame: pl.DataFrame, rest: Sequence[str], before: str, parts: Sequence[str]) -> tuple[str, str] | None:
    place = frame.columns.index(before) + 1
    behind = frame.columns[place] if place < len(frame.columns) else ""
    for each in parts:
        named = [name for name in rest if _may_be(frame[name], each) and (len(normal(name)) > 1 or name == behind)]
        if named:
            return min(named, key=lambda name: (name != behind, _rank(name, each))), each
    return None


def _is_part(name: str, part: str) -> bool:
    return is_named(name, part) or (len(normal(name)) == 1 and normal(name) in ALONE.get(part, ""))


def _rank(name: str, part: str) -> int:
    names = NAMES[part]
    return names.index(normal(name)) if normal(name) in names else len(names)


def _may_be(cells: pl.Series, part: str) -> bool:
    """Whether a column is named as a part is, and has its numbers or its names."""
    if part == "month" and is_named(cells.name, "period of the year") and _are_all_months(cells):
        return True
    letter = _letter(cells)
    if letter:
        return letter == part and is_named(cells.name, part, "period", "year and month", "year and quarter")
    if not _is_part(cells.name, part):
        return False
    numbers = numbers_of(cells, part)
    numbers = numbers[~np.isnan(numbers)]
    given = int(has_value(cells).sum())
    low, high = RANGES[part]
    inside = (numbers == np.floor(numbers)) & (numbers >= low) & (numbers <= high)
    return 0 < given <= inside.sum() / MOST


def _are_all_months(cells: pl.Series) -> bool:
    """Whether a column counts the periods of years of money, each of which is a month: P1 to P12, and all of them."""
    return set(numbers_of(cells, "month").tolist()) == set(range(1, MONTHS_OF_YEAR + 1))


def _letter(cells: pl.Series) -> str:
    """The part that the letter before all numbers of a column says, as of M01, M02; or ""."""
    if cells.dtype != pl.String:
        return ""
    letters = plain_text(cells.filter(has_value(cells))).str.extract(r"(?i)^([mqtshw])0?\d{1,2}$").str.to_lowercase()
    letter = letters.mode().head(1)
    return LETTERS[letter[0]] if letters.null_count() <= (1 - MOST) * len(letters) and len(letter) else ""


def _are_years(cells: pl.Series) -> bool:
    if cells.dtype.is_nested() or cells.dtype.is_temporal() or not has_value(cells).any():
        return False
    if not is_numeric(cells):
        return find_form(cells.alias("year")).form in YEAR_FORMS
    years = numbers_of(cells, "year")
    return bool(((years >= YEARS[0]) & (years <= YEARS[1]) & (years == np.floor(years))).sum() >= MOST * len(years))


def said_parts(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Which part of a moment each column has, by its name, or else by its place; nothing where they are no parts."""
    if len(columns) < 2:
        return ()
    found = find_parts(frame.select(columns), columns)
    if tuple(found) == tuple(columns):
        return tuple(found.values())
    named = [next((part for part in PARTS if is_named(name, part)), "") for name in columns]
    if named[0] == "year" and all(named) and len(set(named)) == len(named):
        return tuple(named)
    years = find_form(frame[columns[0]].alias("year")).form == "year"
    usual = ("year", "month", "day", "hour", "minute", "second")
    return usual[: len(columns)] if years and len(columns) <= len(usual) else ()


def are_parts(forms: Sequence[str]) -> bool:
    """Whether columns have a part of a moment each, and not a day and a time of it: a quarter may be either."""
    return len(forms) > 1 and forms[0] == "year" and forms[1] in PARTS


def read_parts(frame: pl.DataFrame, columns: Sequence[str], forms: Sequence[str]) -> np.ndarray:
    """Microseconds since 1970 of moments in parts, NaN where they make none."""
    given = {part: numbers_of(frame[name], part) for name, part in zip(columns, forms, strict=True)}
    one = np.ones(len(frame))
    years, months = given["year"], given.get("month", one)
    if "quarter" in given:
        months = 3 * given["quarter"] - 2
    if "half" in given:
        months = 6 * given["half"] - 5
    days = days_of(years, months, given.get("day", one))
    if "day of the year" in given:
        days = days_of(years, one, one) + given["day of the year"] - 1
        days = np.where(days <= days_of(years, 12 * one, 31 * one), days, math.nan)
    if "week of the year" in given:  # the first is that of the fourth of January
        fourth = days_of(years, one, 4 * one)
        days = fourth - (fourth + 3) % 7 + 7 * (given["week of the year"] - 1) + given.get("weekday", one) - 1
    sizes = {"hour": HOUR, "minute": MINUTE, "second": SECOND}
    of_day = np.sum([given.get(part, 0 * one) * size for part, size in sizes.items()], 0)
    return np.where((of_day >= 0) & (of_day <= DAY), days * DAY + of_day, math.nan)


def numbers_of(cells: pl.Series, part: str) -> np.ndarray:
    """The numbers of a part, ``[N]``, NaN where there is none."""
    names = {"month": MONTHS, "weekday": WEEKDAYS}.get(part)
    if names and _are_names(cells, names):
        words = plain_text(cells).str.to_lowercase().str.strip_suffix(".")
        return words.replace_strict(names, default=None, return_dtype=pl.Float64).fill_null(math.nan).to_numpy()
    if cells.dtype == pl.String:
        cells = plain_text(cells)
        cells = cells.str.replace(r"^(\d)[.,](\d{3})$", "$1$2").str.replace(NUMBERED, "$1")
        if part in ("quarter", "half"):
            cells = cells.str.to_uppercase().replace(ROMAN)
    if part != "year":
        return as_floats(cells)
    if not is_numeric(cells):
        values = read_times(cells.alias("year")).values
        given = np.isfinite(values)
        years = np.where(given, values, 0).astype("M8[us]").astype("M8[Y]").astype(float) + 1970
        return np.where(given, years, math.nan)
    years = as_floats(cells)
    short = (years >= 0) & (years < 100) & (normal(cells.name) == "yy")
    return np.where(short, FIRST_YEAR + (years - FIRST_YEAR) % 100, years)


def _are_names(cells: pl.Series, names: dict[str, int]) -> bool:
    if cells.dtype != pl.String:
        return False
    words = cells.filter(has_value(cells)).unique().str.strip_chars().str.to_lowercase().str.strip_suffix(".")
    return len(words) > 0 and bool(words.is_in(list(names)).all())
