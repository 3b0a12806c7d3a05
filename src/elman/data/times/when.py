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
from elman.data.times.column import Times, is_of_day, is_stamp, is_time, placed, read_times, said_form
from elman.data.times.dates import are_intervals, is_yearless, plain_text
from elman.data.times.forms import DAY
from elman.data.times.found import PLAIN, find_form
from elman.data.times.looks import looks_like_times
from elman.data.times.numbered import YEAR_NUMBERS
from elman.data.times.of_day import (
    CLOCK,
    COMPACT,
    HALF,
    HOURS,
    SHARE,
    are_halves,
    clock_form,
    is_clock,
    is_counted,
    place_of_day,
    read_of_day,
    with_half,
)
from elman.data.times.parts import are_parts, find_parts, read_parts, said_parts
from elman.errors import ElmanError, quoted

log = logging.getLogger(__name__)

ELAPSED = "elapsed"
IN_NUMBERS = ("julian day", "spreadsheet day", "datenum", "decimal year")  # roles of times that are numbers
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
            "half": (moment.month + 5) // 6,
            "week of the year": week.week,
            "weekday": week.weekday,
            "day of the year": moment.timetuple().tm_yday,
        }
        half = moment.hour // 12
        if HALF in self.forms:
            moment = moment.replace(hour=moment.hour % 12)
        hours = moment.hour + moment.minute / 60 + moment.second / 3600
        of_day = {HOURS: hours, SHARE: hours / 24, COMPACT: f"{moment:%H%M}", COMPACT + "seconds": f"{moment:%H%M%S}"}
        clocks = {form: str(cell) for form, cell in of_day.items()}
        clocks |= {form: place_of_day(form, hours) for form in self.forms if is_counted(form)}
        first, *more = self.forms or ("year", "month", "day", "hour", "minute")
        if are_parts((first, *more)):
            times = parts | clocks | {CLOCK: f"{moment:%H:%M:%S}"}
            cells = (str(times.get(part, getattr(moment, part, ""))) for part in (first, *more))
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
        if not local and any(map(is_counted, self.forms)):
            zones = "; where clocks are set back and days are longer, say their zone with --timezone"
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
        forms = list(self.forms or said_parts(frame, self.columns)) or [""]
        first = frame[self.columns[0]]
        if are_parts(forms):
            clock = forms[-1] if is_clock(forms[-1]) else ""
            parts = len(forms) - bool(clock)
            values = read_parts(frame, self.columns[:parts], forms[:parts])
            last = frame[self.columns[-1]]
            values = _with_clock(values, last, clock, zone)[0] if clock else placed(values, zone)
            return Times(values, True, zone, f"columns of {', '.join(forms)}")
        if forms[0] == ELAPSED:
            return _elapsed(first)
        if len(forms) == 1:
            return read_times(first, zone, form=forms[0])
        days, halves = read_times(first, None, form=forms[0]), frame[self.columns[2]] if forms[2:] == [HALF] else None
        values, said = _with_clock(days.values, frame[self.columns[1]], forms[1], None if days.zone else zone, halves)
        return Times(values, True, days.zone or zone, f"{days.how} and {said}", days.form)


def _with_clock(
    days: np.ndarray, clock: pl.Series, form: str, zone: str | None, halves: pl.Series | None = None
) -> tuple[np.ndarray, str]:
    """Moments of days and times of day, ``[N]``, and how these are written; periods are counted from midnight on."""
    of_day, said = read_of_day(clock, form, zoned=zone is not None)
    if halves is not None:
        of_day, said = with_half(of_day, halves), f"{said} AM or PM"
    return placed(days, zone) + of_day if is_counted(form) else placed(days + of_day, zone), said


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
    halved = len(columns) == 3 and are_halves(frame[columns[2]])
    clock = ""
    if not parts and (halved or len(columns) == 2):
        clock = clock_form(frame[list(columns)[1]], named=True, days=read_times_of_days(first))
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


def _said_parts(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Which part of a moment each of some columns has, of which the last may be a time of day; or nothing."""
    if len(columns) > 2 and said_parts(frame, columns[:-1])[-1:] in (("day",), ("day of the year",)):
        *days, clock = columns
        parts = said_parts(frame, days)
        form = clock_form(frame[clock], named=True, days=read_parts(frame, days, parts))
        if form and form != HOURS:
            return (*parts, form)
    return said_parts(frame, columns)


def _columns(table: Table, among: Sequence[str], roles: Sequence[str], elapsed: bool, counted: bool) -> tuple[str, ...]:
    frame = table.frame
    moments = {name: frame[name].n_unique() for name in among if is_time(frame[name])}
    parts = find_parts(frame, among)
    if (
        moments and not parts.keys() >= moments.keys()
    ):  # where several are, such as a time and its day, the finest; of alike ones the one that is named so
        finest = max(moments.values())
        fine = [name for name in moments if moments[name] >= 0.9 * finest]
        day = next((name for name in fine if is_named(name, "time")), fine[0])
        return (day, *_clock_beside(frame, day, among))
    if parts:
        days = read_parts(frame, list(parts), list(parts.values()))
        rest = [name for name in among if name not in parts]
        return (*parts, *(_clock_of(frame, days, rest)[:1] if list(parts.values())[-1].startswith("day") else ()))
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
    for name in among if counted else ():  # where the order of rows would be taken for that of time
        if looks_like_times(frame[name]):
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
    return _clock_of(frame, times, [name for name in among if name != day])


def _clock_of(frame: pl.DataFrame, days: np.ndarray, among: Sequence[str]) -> tuple[str, ...]:
    """The column with the times of day of days, and that of their halves."""
    different = len(np.unique(days))
    for name in sorted(among, key=lambda name: not is_named(name, "clock")):
        if not clock_form(frame[name], named=is_named(name, "clock"), days=days):
            continue
        both = pl.DataFrame([pl.Series("\0day", days), frame[name]])
        if both.n_unique() > different:
            halves = [other for other in among if other != name and are_halves(frame[other])]
            return (name, *halves[:1])
    return ()


def read_times_of_days(column: pl.Series) -> np.ndarray | None:
    """The days of a column without times of day; None where it has such, or cannot be read."""
    form, rivals = find_form(column)
    if not form or form == PLAIN:
        return None
    times = read_times(column, form=rivals[0] if rivals else form)
    given = times.values[np.isfinite(times.values)]
    return times.values if times.dated and times.zone is None and not (given % DAY).any() else None
