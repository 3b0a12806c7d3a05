"""When each row of a table was: which columns say it, together or alone, and how they are read."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from elman.data.columns import find, is_named, normal
from elman.data.numbers.cells import as_floats, as_numbers, has_value, is_numeric
from elman.data.tables import Table
from elman.data.times.column import (
    PLAIN,
    Times,
    find_form,
    is_of_day,
    is_stamp,
    is_time,
    placed,
    read_times,
    said_form,
)
from elman.data.times.dates import are_intervals, days_of, is_yearless, plain_text, read_clock
from elman.data.times.forms import DAY, HOUR, MINUTE, SECOND
from elman.data.times.names import MONTHS
from elman.data.times.numbered import YEAR_NUMBERS
from elman.errors import ElmanError, quoted

log = logging.getLogger(__name__)

PARTS = ("year", "quarter", "month", "week of the year", "day of the year", "day", "hour", "minute", "second")
AFTER = {  # which part may follow which in columns of their own
    "year": ("quarter", "month", "week of the year", "day of the year"),
    "month": ("day",),
    "day": ("hour",),
    "day of the year": ("hour",),
    "hour": ("minute",),
    "minute": ("second",),
}
CLOCK, HOURS, COMPACT, SHARE = "time of day", "hours", "hoursminutes", "share of a day"  # forms of a time of day
HALF = "half of the day"  # AM or PM in a column of its own, behind a time of day
ELAPSED = "elapsed"
IN_NUMBERS = ("julian day", "spreadsheet day", "datenum", "decimal year")  # roles of times that are numbers
MERIDIEM = r"(?i)^\s*([ap])\.?\s?m\.?\s*$"
NUMBERED = r"(?i)^(?:q|qtr|quarter|quartal|t|trim|w|wk|kw|week|woche)\.?\s?(\d{1,2})$"
EVENLY = 0.9  # share of the steps that are the same where numbers count evenly
LENGTH = r"^(\d+):(\d{2})(?::(\d{2}(?:\.\d+)?))?$"  # the hours may go on beyond a day
READ = "2020-01-31 15:30, 31.01.2020, Jan 2020, 2020Q1, or seconds since 1970"


@dataclass(frozen=True)
class When:
    """The columns that say when a row was, and how they are written; kept with a model.

    Args:
        columns: one; a day and a time of day, and AM or PM; or the year, the month and further parts. None where the
            order of rows is all.
        forms: of each of them; of folders of the first version none, which found them out again in each table.
    """

    columns: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.columns, str):  # in folders of the first version
            object.__setattr__(self, "columns", (self.columns,) if self.columns else ())

    @property
    def said(self) -> str:
        """The columns, for people."""
        return ", ".join(self.columns)

    def example(self, place: int) -> dict[str, Any]:
        """The cells of a row's time, where all that is known of it is its place among others."""
        if self.forms in ((), (PLAIN,), (ELAPSED,)):
            return dict.fromkeys(self.columns, place)
        return self.cells(f"{datetime(2000, 1, 1) + timedelta(seconds=place):%Y-%m-%d %H:%M:%S}")

    def cells(self, time: str) -> dict[str, str]:
        """A time, as a clock gives it in text, in the cells of these columns.

        >>> When(("day", "hour"), ("dmy", "hours")).cells("2020-01-31 18:00:00")
        {'day': '2020-01-31', 'hour': '18.0'}
        """
        if len(self.columns) < 2:
            return dict.fromkeys(self.columns, time)
        moment = datetime.fromisoformat(time)
        week = moment.isocalendar()
        parts = {
            "year": week.year if "week of the year" in self.forms else moment.year,
            "quarter": (moment.month + 2) // 3,
            "week of the year": week.week,
            "day of the year": moment.timetuple().tm_yday,
        }
        half = moment.hour // 12
        if HALF in self.forms:
            moment = moment.replace(hour=moment.hour % 12)
        hours = moment.hour + moment.minute / 60 + moment.second / 3600
        compact = f"{moment:%H%M}"
        clocks = {HOURS: str(hours), COMPACT: compact, COMPACT + "seconds": f"{moment:%H%M%S}", SHARE: str(hours / 24)}
        first, *more = self.forms or ("year", "month", "day", "hour", "minute")
        if _are_parts((first, *more)):
            cells = (str(parts.get(part, getattr(moment, part, ""))) for part in (first, *more))
            return dict(zip(self.columns, cells, strict=False))
        halves = [("AM", "PM")[half]] if HALF in more else []
        cells = (f"{moment:%Y-%m-%d}", clocks.get(more[0], f"{moment:%H:%M:%S}"), *halves)
        return dict(zip(self.columns, cells, strict=True))

    def missing(self, table: Table, row: int, zone: str | None = None) -> str:
        """What is wrong with a row that has no time."""
        cells = [table.frame[name][row] for name in self.columns]
        if all(cell is None for cell in cells):
            return f"has no {self.said}"
        given = ", ".join(quoted(cell if isinstance(cell, int | float) else str(cell)) for cell in cells)
        local = zone not in (None, "UTC")
        zones = f", or does not exist in {zone}, where clocks are set forward" if local else ""
        return f"{self.said} is {given}, which is no time like the others{zones}"

    def read(self, frame: pl.DataFrame, zone: str | None = None) -> Times:
        """The times of rows; their order where no column says it.

        Args:
            frame: the rows.
            zone: where clocks hang that give times without a zone of their own.

        Raises:
            ElmanError: an unknown zone.

        Example:
            >>> frame = pl.DataFrame({"Date": ["31/01/2020"], "Time": ["18.00.00"]})
            >>> When(("Date", "Time"), ("dmy", "time of day")).read(frame).values.astype("M8[us]").tolist()
            [datetime.datetime(2020, 1, 31, 18, 0)]
        """
        if not self.columns:
            return Times(np.arange(len(frame), dtype=float), False, None, "order")
        forms = list(self.forms or _said_parts(frame, self.columns)) or [""]
        first = frame[self.columns[0]]
        if _are_parts(forms):
            values = _of_parts(frame, self.columns, forms)
            return Times(placed(values, zone), True, zone, f"columns of {', '.join(forms)}")
        if forms[0] == ELAPSED:
            return _elapsed(first)
        if len(forms) == 1:
            return read_times(first, zone, form=forms[0])
        days, (of_day, said) = read_times(first, None, form=forms[0]), _clock(frame[self.columns[1]], forms[1])
        if forms[2:] == [HALF]:
            of_day, said = _with_half(of_day, frame[self.columns[2]]), f"{said} AM or PM"
        values = days.values + of_day
        values = values if days.zone else placed(values, zone)
        return Times(values, True, days.zone or zone, f"{days.how} and {said}", days.form)


def find_when(
    table: Table,
    said: Sequence[str],
    among: Sequence[str],
    *roles: str,
    order: str = "",
    zone: str | None = None,
    elapsed: bool = False,
    counted: bool = False,
) -> When:
    """Which columns say when a row was: as said, or as found out, which is logged in a line.

    Args:
        table: the rows.
        said: the columns that the user named.
        among: those that are looked at if none was.
        roles: by which columns of nothing but numbers are found beside those of times and steps, such as ``period``.
        order: of day, month and year, where the user says it.
        zone: where clocks hang that give times without a zone.
        elapsed: whether times of day alone are times, of what has passed since a series began.
        counted: whether a part of the calendar is a time where it only rises, as of days that are counted.

    Raises:
        ElmanError: a column that is named as times are, or was said, and cannot be read; days and months that nothing
            tells apart.
    """
    for name in said:
        table.known(name)
    columns = tuple(said) or _columns(table, among, roles, elapsed, counted)
    if not columns:
        return When()
    found = how_written(table.frame, columns, order, table.name, elapsed=elapsed)
    times = found.read(table.frame, zone)
    begun = any(table.frame[name].dtype == pl.String and are_intervals(table.frame[name]) for name in columns)
    said_columns = ", ".join(f'"{name}"' for name in columns)
    log.info("times: %s, in %s%s", said_form(times), said_columns, ", the beginnings of intervals" if begun else "")
    return found


def how_written(
    frame: pl.DataFrame, columns: Sequence[str], order: str = "", name: str = "the table", *, elapsed: bool = False
) -> When:
    """How the columns are written that say when a row was.

    Args:
        frame: the rows.
        columns: one; a day and a time of day; or the year, the month and further parts of a moment.
        order: of day, month and year, where the user says it.
        name: of the table, for people.
        elapsed: whether times of day alone are times, of what has passed since a series began.

    Raises:
        ElmanError: columns that cannot be read; days and months that nothing tells apart.
    """
    columns = tuple(columns)
    first = frame[columns[0]]
    if len(columns) == 1 and elapsed and _is_elapsed(first):
        return When(columns, (ELAPSED,))
    parts = _said_parts(frame, columns)
    halved = len(columns) == 3 and _are_halves(frame[columns[2]])
    clock = ""
    if not parts and (halved or len(columns) == 2):
        clock = _clock_form(frame[list(columns)[1]], named=True)
    if len(columns) > 1 and not parts and not clock:
        raise ElmanError(
            f"{name}: {', '.join(columns)} make no time together; a day and a time of day do, or year, month and day"
        )
    form = "" if parts else read_times(first, order=order).form
    if not parts and (not form or (clock and form == PLAIN)):
        raise ElmanError(_refusal(name, first))
    found = When(columns, parts or (form, *([clock] if clock else []), *([HALF] if clock and halved else [])))
    if not np.isfinite(found.read(frame).values).any():
        raise ElmanError(_refusal(name, first))
    return found


def _columns(table: Table, among: Sequence[str], roles: Sequence[str], elapsed: bool, counted: bool) -> tuple[str, ...]:
    frame = table.frame
    moments = {name: frame[name].n_unique() for name in among if is_time(frame[name])}
    if moments:  # where several are, such as a time and its day, the finest; of alike ones the one that is named so
        finest = max(moments.values())
        fine = [name for name in moments if moments[name] >= 0.9 * finest]
        day = next((name for name in fine if is_named(name, "time")), fine[0])
        return (day, *_clock_beside(frame, day, among))
    if parts := _parts(frame, among):
        return parts
    stamps = [name for name in among if is_stamp(frame[name])]
    if stamps:
        day = next((name for name in stamps if is_named(name, "time")), stamps[0])
        return (day, *_clock_beside(frame, day, among))
    roles = ("time", "step", *roles)
    named = [name for name in among if is_named(name, *roles, *IN_NUMBERS) and has_value(frame[name]).any()]
    for name in named:
        if frame[name].dtype.is_nested() or not is_numeric(frame[name]):
            continue
        form = find_form(frame[name]).form
        if form != PLAIN:
            return (name, *_clock_beside(frame, name, among))
        if not is_named(name, *roles) or (counted and not is_named(name, "time") and not _goes_on(frame[name])):
            continue
        # "data" is a date in some languages, and anything in others
        if is_named(name, "time") and normal(name) != "data" and _is_odd_stamp(frame[name]):
            raise ElmanError(_refusal(table.name, frame[name]))
        if normal(name) != "data" and not _is_of_day_named(name, among):
            return (name,)
    year = find(among, "year")
    if year and is_numeric(frame[year]) and find_form(frame[year].alias("year")).form in ("year", *YEAR_NUMBERS):
        return (year,)
    if counted:
        for name in among:
            rising = is_named(name, "period") and is_numeric(frame[name])
            if rising and (as_numbers(frame[name]).diff().drop_nulls() > 0).all():
                return (name,)
    for name in named:
        if is_named(name, "time") and not is_numeric(frame[name]):
            if elapsed and _is_elapsed(frame[name]):
                return (name,)
            raise ElmanError(_refusal(table.name, frame[name]))
    return ()


def _is_of_day_named(name: str, among: Sequence[str]) -> bool:
    """Whether a column of numbers is the hour of a day whose column there is, though it could not be read."""
    return is_named(name, "clock") and any(is_named(other, "time") for other in among if other != name)


def _goes_on(cells: pl.Series) -> bool:
    """Whether a column of numbers goes on as steps do: it rises, each is there once, or most are as far apart."""
    numbers = as_floats(cells)
    numbers = numbers[~np.isnan(numbers)]
    steps = np.diff(numbers)
    steps = steps[steps != 0]
    if not len(steps) or len(np.unique(numbers)) == len(numbers):
        return True
    return bool((steps > 0).mean() >= 0.95 or np.unique(steps, return_counts=True)[1].max() > 0.6 * len(steps))


def _is_odd_stamp(cells: pl.Series) -> bool:
    """Whether whole numbers of more than five digits, which are no moments, do not count evenly from row to row."""
    given = plain_text(cells.filter(has_value(cells))).str.replace(r"\.0+$", "")
    if not given.str.contains(r"^\d{6,}$").all():
        return False
    numbers = as_floats(cells)
    steps = np.diff(np.unique(numbers[~np.isnan(numbers)]))
    return len(steps) > 0 and bool(np.unique(steps, return_counts=True)[1].max() < EVENLY * len(steps))


def _refusal(table: str, cells: pl.Series) -> str:
    shown = ", ".join(quoted(str(cell)) for cell in cells.filter(has_value(cells)).unique(maintain_order=True)[:3])
    if is_of_day(cells):
        why = f"has times of day without a day: {shown}; a time is such as {READ}"
    elif is_yearless(plain_text(cells)):
        why = f"has days without a year: {shown}; a time is such as {READ}"
    else:
        why = f"cannot be read as times: {shown or 'it is empty'}; a time is such as {READ}"
    return f"{table}: {cells.name} {why}. Name another with --time-column, or leave it out with --ignore {cells.name}"


def _is_elapsed(cells: pl.Series) -> bool:
    """Whether a column has what has passed since a beginning, as hours, minutes and seconds."""
    given = cells.filter(has_value(cells))
    return cells.dtype == pl.String and len(given) > 0 and 2 * plain_text(given).str.contains(LENGTH).sum() > len(given)


def _elapsed(cells: pl.Series) -> Times:
    parts = plain_text(cells).str.extract_groups(LENGTH).struct.unnest().cast(pl.Float64)
    seconds = parts.select(pl.col("1") * 3600 + pl.col("2") * 60 + pl.col("3").fill_null(0)).to_series()
    return Times(seconds.fill_null(math.nan).to_numpy(), False, None, "hours and minutes, in seconds", ELAPSED)


def _clock_beside(frame: pl.DataFrame, day: str, among: Sequence[str]) -> tuple[str, ...]:
    """The column with the time of day that stands beside a column of days, if there is one."""
    times = read_times_of_days(frame[day])
    if times is None:
        return ()
    different = len(np.unique(times))
    candidates = sorted((name for name in among if name != day), key=lambda name: not is_named(name, "clock"))
    for name in candidates:
        form = _clock_form(frame[name], named=is_named(name, "clock"))
        if not form:
            continue
        both = pl.DataFrame([pl.Series("\0day", times), frame[name]])
        if both.n_unique() > different:
            halves = [other for other in among if other not in (day, name) and _are_halves(frame[other])]
            return (name, *halves[:1])
    return ()


def _are_halves(cells: pl.Series) -> bool:
    """Whether a column says AM or PM, and nothing else."""
    if cells.dtype != pl.String:
        return False
    given = cells.filter(has_value(cells)).unique()
    return len(given) > 0 and bool(given.str.contains(MERIDIEM).all())


def _with_half(of_day: np.ndarray, halves: pl.Series) -> np.ndarray:
    """Times of day of a clock of twelve hours, ``[N]`` microseconds, on one of twenty-four; NaN where no half is."""
    said = plain_text(halves).str.extract(MERIDIEM).str.to_lowercase()
    afternoon, told = (said == "p").fill_null(False).to_numpy(), said.is_not_null().to_numpy()
    return np.where(told & (of_day < 13 * HOUR), of_day % (12 * HOUR) + 12 * HOUR * afternoon, math.nan)


def read_times_of_days(column: pl.Series) -> np.ndarray | None:
    """The days of a column without times of day; None where it has such, or cannot be read."""
    form, rivals = find_form(column)
    if not form or form == PLAIN:
        return None
    times = read_times(column, form=rivals[0] if rivals else form)
    given = times.values[np.isfinite(times.values)]
    return times.values if times.dated and times.zone is None and not (given % DAY).any() else None


def _clock_form(column: pl.Series, *, named: bool) -> str:
    """How a column has times of day; empty where it has none. Numbers are such only where they are named so."""
    if is_of_day(column):
        return CLOCK
    if not named or not is_numeric(column) or column.dtype.is_temporal():
        return ""
    numbers = as_floats(column)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers) or numbers.min() < 0:
        return ""
    whole = (numbers == np.floor(numbers)).all()
    if not whole:
        return SHARE if numbers.max() < 1 else ""
    if numbers.max() <= 24:
        return HOURS
    if numbers.max() <= 2400 and (numbers % 100 < 60).all():
        return COMPACT
    six = numbers.max() <= 240000 and (numbers % 100 < 60).all() and (numbers // 100 % 100 < 60).all()
    return COMPACT + "seconds" if six else ""


def _clock(column: pl.Series, form: str) -> tuple[np.ndarray, str]:
    """Microseconds since midnight, NaN where there is none, and how they are written."""
    if column.dtype == pl.Time:
        return (column.to_physical().cast(pl.Float64) / 1000).fill_null(math.nan).to_numpy(), "times of day"
    if form == CLOCK:
        return read_clock(plain_text(column))
    numbers = as_floats(column)
    if form == COMPACT + "seconds":
        values = numbers // 10000 * HOUR + numbers // 100 % 100 * MINUTE + numbers % 100 * SECOND
    elif form == COMPACT:
        values = numbers // 100 * HOUR + numbers % 100 * MINUTE
    else:
        values = np.round(numbers * (HOUR if form == HOURS else DAY) / 1000) * 1000
    return np.where((values >= 0) & (values <= DAY), values, math.nan), form


def _parts(frame: pl.DataFrame, among: Sequence[str]) -> tuple[str, ...]:
    """The columns of year, month and so on, each a part of a moment; none where there is no year and a part of it."""
    year = find(among, "year")
    if not year or not is_numeric(frame[year]):
        return ()
    found, part = [year], "year"
    while True:
        for following in AFTER.get(part, ()):
            name = find([each for each in among if each not in found], following)
            if name and (_counts_parts(frame[name]) or _are_months(frame[name])):
                found.append(name)
                part = following
                break
        else:
            return tuple(found) if len(found) > 1 else ()


def _are_parts(forms: Sequence[str]) -> bool:
    """Whether columns have a part of a moment each, and not a day and a time of it: a quarter may be either."""
    return len(forms) > 1 and forms[0] == "year" and forms[1] in PARTS


def _said_parts(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Which part of a moment each column has, by its name, or else by its place; nothing where they are no parts."""
    named = [next((part for part in PARTS if is_named(name, part)), "") for name in columns]
    if len(columns) > 1 and named[0] == "year" and all(named) and len(set(named)) == len(named):
        return tuple(named)
    years = find_form(frame[columns[0]].alias("year")).form == "year"
    usual = ("year", "month", "day", "hour", "minute", "second")
    return usual[: len(columns)] if years and 1 < len(columns) <= len(usual) else ()


def _of_parts(frame: pl.DataFrame, columns: Sequence[str], forms: Sequence[str]) -> np.ndarray:
    given = {part: _part(frame[name]) for name, part in zip(columns, forms, strict=True)}
    one = np.ones(len(frame))
    years, months = given["year"], given.get("month", one)
    if "quarter" in given:
        months = 3 * given["quarter"] - 2
    days = days_of(years, months, given.get("day", one))
    if "day of the year" in given:
        days = days_of(years, one, one) + given["day of the year"] - 1
        days = np.where(days <= days_of(years, 12 * one, 31 * one), days, math.nan)
    if "week of the year" in given:  # the first is that of the fourth of January
        fourth = days_of(years, one, 4 * one)
        days = fourth - (fourth + 3) % 7 + 7 * (given["week of the year"] - 1)
    sizes = {"hour": HOUR, "minute": MINUTE, "second": SECOND}
    of_day = np.sum([given.get(part, 0 * one) * size for part, size in sizes.items()], 0)
    return np.where((of_day >= 0) & (of_day <= DAY), days * DAY + of_day, math.nan)


def _part(cells: pl.Series) -> np.ndarray:
    if _are_months(cells):
        names = plain_text(cells).str.to_lowercase().str.strip_suffix(".")
        return names.replace_strict(MONTHS, default=None, return_dtype=pl.Float64).fill_null(math.nan).to_numpy()
    if cells.dtype == pl.String:
        cells = plain_text(cells)
        cells = cells.str.replace(r"^(\d)[.,](\d{3})$", "$1$2").str.replace(NUMBERED, "$1")
    return as_floats(cells)


def _counts_parts(cells: pl.Series) -> bool:
    """Whether a column has numbers of months, days and the like, be it with the letters of quarters and weeks."""
    if cells.dtype == pl.String:
        cells = plain_text(cells).str.replace(NUMBERED, "$1")
    return is_numeric(cells) and bool((as_numbers(cells).drop_nulls().median() or 0) <= 366)  # pyright: ignore[reportOperatorIssue]


def _are_months(cells: pl.Series) -> bool:
    if cells.dtype != pl.String:
        return False
    names = cells.filter(has_value(cells)).unique().str.strip_chars().str.to_lowercase().str.strip_suffix(".")
    return len(names) > 0 and bool(names.is_in(list(MONTHS)).all())
