"""Times of a column: in which form they are written, and what they are."""

import math
from typing import NamedTuple

import numpy as np
import polars as pl

from elman.data.columns import is_named, is_stamped
from elman.data.numbers.cells import as_floats, as_numbers, has_value, is_numeric
from elman.data.times.apart import first_year_of, turns_back
from elman.data.times.dates import arranged, plain_text, read_clock, read_form, short_years, tidied
from elman.data.times.forms import DAY, FORMS, NAMED, SINCE, order_of, with_first_year
from elman.data.times.found import DATES, PLAIN, bounded, find_form, sampled, without_places
from elman.data.times.numbered import DAY_NUMBERS, EPOCHS, NUMBERED, moments
from elman.data.times.signs import is_year, usual
from elman.errors import ElmanError, quoted

STAMP = 12  # digits at least of a stamp to the minute
POSITIONS = "numbers, as positions in time and not as dates"


class Times(NamedTuple):
    """Times, and how they are to be understood."""

    values: np.ndarray  # [N] microseconds, or plain numbers; NaN where there is no time
    dated: bool  # whether they are microseconds
    zone: str | None  # where the clocks hang; the values are in UTC then
    how: str  # they were read, for people
    form: str = ""  # by which they are read again


def read_times(column: pl.Series, zone: str | None = None, *, form: str = "", order: str = "") -> Times:
    """Times of a column, all in one form; those of years before 1800 or after 2200 are none.

    Args:
        column: text, dates, or numbers; numbers may be seconds to nanoseconds since 1970, stamps such as 20240131, and,
            in a column that is called as times are, years or numbers of days.
        zone: where clocks hang that give times without a zone of their own.
        form: in which it is, where that is known; found out over the whole column if not.
        order: of day, month and year, ``dmy``, ``mdy`` or ``ymd``; it decides where several can be read.

    Raises:
        ElmanError: an unknown zone; days and months that nothing tells apart.

    Example:
        >>> read_times(pl.Series(["1970-01-01 00:00:01", "soon"])).values
        array([1000000.,      nan])
        >>> read_times(pl.Series(["31.01.2020 18.00", "01.02.2020 19.00"])).how
        'day/month/year hour:minute'
    """
    known = bool(form)
    if not form:
        form, rivals = find_form(column, order)
        if rivals:
            ways = " or ".join(FORMS[each].said for each in rivals)
            given = column.filter(has_value(column))
            dates = given.filter(pl.Series(np.isfinite(read_times(given, form=rivals[0]).values)))
            shown = quoted(dates[0])
            orders = " or ".join(order_of(each) for each in rivals)
            raise ElmanError(
                f"{column.name} has dates such as {shown}, and nothing tells whether they are {ways}; "
                f"say it with --date-order {orders}"
            )
    if not form:
        return Times(np.full(len(column), math.nan), True, None, "no times")
    if column.dtype.is_temporal():
        return _typed(column, zone)
    if with_first_year(form)[0] not in (PLAIN, *NUMBERED, *FORMS):  # dates, once of their type and now as text
        return read_times(column, zone, order=order)
    times = _of_numbers(column, form, zone) if form in (PLAIN, *NUMBERED) else _of_text(column, form, zone)
    turned = not known and form in FORMS and turns_back(times.values)
    if turned and (years := short_years(tidied(plain_text(column), form), form)):
        times = _of_text(column, form + SINCE + str(first_year_of(years)), zone)
        if turns_back(times.values):
            shown = quoted(column.filter(has_value(column))[0])
            raise ElmanError(
                f"{column.name} has years of two digits, such as in {shown}, that go on for more than a century; write "
                "them with four digits"
            )
    if form in (PLAIN, "ymd") or column.dtype != pl.String or not np.isnan(times.values).any():
        return times
    return _with_plain_dates(column, times, zone)


def is_time(column: pl.Series) -> bool:
    """Whether a column is one of moments, for the greater part; of numbers those that are stamps to the minute.

    >>> [is_time(pl.Series([cell])) for cell in ("Jan 31, 2020", "202001311530", "20200131", "31", "10:30")]
    [True, True, False, False, False]
    """
    if column.dtype.is_temporal():
        return column.dtype in (pl.Date, pl.Datetime)
    if column.dtype.is_nested() or column.dtype == pl.Boolean:
        return False
    given = sampled(column.filter(has_value(column)))
    if not len(given) or _is_short_number(given):
        return False
    if given.dtype == pl.String and is_year(given).all():
        return True
    if as_numbers(given).null_count() < 0.5 * len(given):
        if not is_numeric(given) and _is_called(given.name):  # months, and a total of some among them
            return find_form(given).form not in ("", PLAIN)
        text = plain_text(given)
        return bool((text.str.len_chars() >= STAMP).all()) and find_form(given).form == "yyyymmdd"
    form = find_form(given).form
    # a name and a number may be that of a thing
    return bool(form) and (form != "by" or given.n_unique() > 2 or is_named(column.name, "time"))


def _is_short_number(given: pl.Series) -> bool:
    """Whether all cells are numbers as programs write them, and the first is too short to be a stamp to the minute."""
    short = len(str(given[0])) < STAMP
    return short and not (given.dtype == pl.String and given.cast(pl.Float64, strict=False).null_count())


def is_stamp(column: pl.Series) -> bool:
    """Whether a column of numbers has moments in it, and is named so: stamps such as 2020013122, or epochs.

    >>> [is_stamp(pl.Series(name, [1600000000, 1600000060])) for name in ("unix", "open_time", "population")]
    [True, True, False]
    """
    if column.dtype.is_temporal() or column.dtype.is_nested():
        return False
    if not is_numeric(column):
        return False
    if not _is_called(column.name) and not is_named(column.name, "decimal year"):
        return is_named(column.name, "day") and find_form(column).form == "yyyymmdd"
    return find_form(column).form not in ("", PLAIN, *DAY_NUMBERS)


def _is_called(name: str) -> bool:
    """Whether a column is called as those of moments in numbers are, or of a year and a part of it."""
    return is_stamped(name) or is_named(name, *NAMED.values())


def is_of_day(column: pl.Series) -> bool:
    """Whether a column has times of day, without a day."""
    if column.dtype == pl.Time:
        return True
    given = sampled(column.filter(has_value(column)))
    if column.dtype != pl.String or not len(given):
        return False
    return bool(np.isfinite(read_clock(plain_text(given))[0]).mean() >= 0.5)


def said_form(times: Times) -> str:
    """How times were read, and in which zone their clocks hang, for people."""
    return times.how + (f", in {times.zone}" if times.zone else "")


def placed(values: np.ndarray, zone: str | None) -> np.ndarray:
    """Times on the clocks of a zone as moments; the second of two equal ones is that after clocks were set back.

    Args:
        values: ``[N]`` microseconds, NaN where there is none.
        zone: as Europe/Berlin; without one they stay.

    Raises:
        ElmanError: an unknown zone.
    """
    if zone is None:
        return values
    dates = pl.Series(values).fill_nan(None).cast(pl.Int64).cast(pl.Datetime("us"))
    second = ~dates.is_first_distinct()
    try:
        moments = dates.dt.replace_time_zone(
            zone, ambiguous=pl.select(pl.when(second).then(pl.lit("latest")).otherwise(pl.lit("earliest"))).to_series(),
            non_existent="null",
        )  # fmt: skip
    except pl.exceptions.ComputeError as error:
        raise ElmanError(f"there is no time zone {zone!r}; zones are such as Europe/Berlin or UTC") from error
    return _floats(moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_physical())


def _typed(column: pl.Series, zone: str | None) -> Times:
    if column.dtype == pl.Time:
        return Times(np.full(len(column), math.nan), True, None, "times of day")
    sizes = {"ms": 1000.0, "us": 1.0, "ns": 0.001}
    unit = getattr(column.dtype, "time_unit", None)
    values = bounded(_floats(column.to_physical()) * (sizes[unit] if unit else DAY))
    if getattr(column.dtype, "time_zone", None) is None:
        return Times(placed(values, zone), True, zone, "dates", DATES)
    return Times(values, True, zone or "UTC", "dates", DATES)


def _of_numbers(column: pl.Series, form: str, zone: str | None) -> Times:
    numbers = as_floats(usual(column) if column.dtype == pl.String else column)
    if form == PLAIN:
        return Times(numbers, False, None, POSITIONS, PLAIN)
    values = moments(numbers, form, plain_text(column))
    if form in EPOCHS:
        return Times(values, True, zone or "UTC", NUMBERED[form], form)
    return Times(placed(values, zone), True, zone, NUMBERED[form], form)


def _of_text(column: pl.Series, form: str, zone: str | None) -> Times:
    text = plain_text(column)
    kinds = text.unique()
    if 0 < len(kinds) <= len(text) // 4:  # of many series the times are the same
        once = _of_text(kinds, form, None) if zone is None else None
        if once is not None:
            values = text.replace_strict(kinds, pl.Series(once.values), return_dtype=pl.Float64).to_numpy()
            return once._replace(values=values)
    name, first_year = with_first_year(form)
    if FORMS[name].digits:
        text = text.str.replace(r"\.0+$", "")
    text, places = without_places(text)
    read = read_form(tidied(arranged(text), name), name, first_year)
    how = FORMS[name].said + (f" {read.clock}" if read.clock else "")
    values, offset = bounded(read.values), read.offset
    how += f", years of two digits, {_said_years(values)}" if read.short else ""
    for place in places.drop_nulls().unique().to_list():
        there = np.isnan(offset) & (places == place).fill_null(False).to_numpy()
        offset = np.where(there, values - placed(np.where(there, values, np.nan), place), offset)
        zone = zone or place
    zoned = np.isfinite(offset)
    if not (zoned & np.isfinite(values)).any():
        return Times(placed(values, zone), True, zone, how, form)
    moments = np.where(zoned, values - offset, math.nan)
    if zone is not None:  # what is written without a zone is of this one
        moments = np.where(zoned, moments, placed(np.where(zoned, math.nan, values), zone))
    return Times(moments, True, zone or "UTC", f"{how}, with a zone", form)


def _said_years(values: np.ndarray) -> str:
    """The first and the last year of times, for people.

    >>> _said_years(np.array([0.0, np.nan])), _said_years(np.array([0.0, 400 * DAY]))
    ('1970', '1970 to 1971')
    """
    ends = (str(np.datetime64(int(end), "us"))[:4] for end in (np.nanmin(values), np.nanmax(values)))
    return " to ".join(dict.fromkeys(ends))


def _with_plain_dates(column: pl.Series, times: Times, zone: str | None) -> Times:
    """Times of a form, and beside them those that begin with the four digits of a year: of these there is one reading.

    Args:
        column: the cells.
        times: those that the form reads.
        zone: where clocks hang that give times without a zone.
    """
    missed = np.isnan(times.values) & plain_text(column).str.contains(r"^\d{4}-\d").fill_null(False).to_numpy()
    if not missed.any():
        return times
    utc = "UTC" if times.form in EPOCHS else None
    others = _of_text(pl.select(pl.when(pl.Series(missed)).then(column)).to_series(), "ymd", zone or utc)
    if np.isnan(others.values).all():
        return times
    if np.isnan(times.values).all():
        return others._replace(form=times.form)
    values = np.where(missed, others.values, times.values)
    return times._replace(values=values) if others.zone == times.zone else times


def _floats(whole: pl.Series) -> np.ndarray:
    # microseconds of our centuries are whole numbers of float64
    return whole.cast(pl.Float64).fill_null(math.nan).to_numpy()
