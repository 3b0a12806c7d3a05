"""Times: read from text or numbers, the even step between them, and where each stands in the calendar."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from elman.data.numbers import as_numbers, has_value
from elman.errors import ElmanError

SECOND = 1_000_000  # times are whole microseconds since 1970, in UTC where they have a zone
UNITS = {"s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND, "w": 7 * 86400 * SECOND}
ROUND = (1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)  # seconds
MONTHS = {"mo": 1, "q": 3, "y": 12}
DAY, WEEK = UNITS["d"], UNITS["w"]
YEAR = 365.2425 * DAY
# each cycle of the calendar, with the waves that tell where in it a time is: of a week as many as tell its days
WAVES = {"day": (DAY, 4), "week": (WEEK, 3), "year": (YEAR, 2)}
NAMES = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "q": "quarter",
    "y": "year",
}
CLOCK_TIMES = ("", " %H:%M:%S%.f", " %H:%M")
# each way to write a day; a column is written in one of them, with or without a time of day
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y")
ZONE = r"\s?(?:Z|UTC|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class Clock:
    """An even step between the rows of a series; slot ``n`` is ``n`` steps after the origin.

    Args:
        unit: ``"fixed"``, so many microseconds; ``"month"``, so many months; ``"weekday"``, days from Monday to Friday;
            ``"number"``, times that are only numbers; ``"row"``, no times at all.
        step: how many of them.
        origin: a time on which a step falls.
        zone: where the clocks hang that people's days follow; times are in UTC where there is one.
    """

    unit: str
    step: float
    origin: float = 0
    zone: str | None = None

    def slots(self, times: np.ndarray) -> np.ndarray:
        """How many steps after the origin times are, as fractions where they fall between two steps."""
        if self.unit == "month":
            return (_months(times) - _months(np.array([self.origin], np.int64))[0]) // self.step
        if self.unit == "weekday":
            days, start = _days(times), _days(np.array([self.origin], np.int64))[0]
            return np.busday_count(start, days).astype(float) + 0.5 * ~np.is_busday(days)
        return (times - self.origin) / self.step

    def times(self, slots: np.ndarray) -> np.ndarray:
        """The times of slots."""
        slots = np.asarray(slots)
        if self.unit == "month":
            day = np.array([self.origin], np.int64) - _as_time(_months(np.array([self.origin], np.int64)))
            months = _months(np.array([self.origin], np.int64)) + slots.astype(np.int64) * int(self.step)
            # the 31st of a shorter month is its last day
            return np.minimum(_as_time(months) + day, _as_time(months + 1) - DAY + day % DAY)
        if self.unit == "weekday":
            start = np.datetime64(int(self.origin), "us")
            days = np.busday_offset(start.astype("M8[D]"), slots.astype(np.int64), roll="forward")
            return days.astype("M8[us]").astype(np.int64) + int(self.origin) % DAY
        times = self.origin + slots * self.step
        return times if self.unit in ("number", "row") else times.astype(np.int64)

    def column(self, name: str, times: np.ndarray) -> pl.Series:
        """Times as a column of a table: dates and times of day, or numbers."""
        if self.unit in ("number", "row"):
            whole = np.all(times == np.floor(times))
            return pl.Series(name, times.astype(np.int64) if whole else times)
        column = pl.Series(name, times.astype(np.int64)).cast(pl.Datetime("us"))
        return column if self.zone is None else column.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)

    def drawn(self, slots: np.ndarray) -> np.ndarray:
        """The times of slots for a picture: dates, on the clocks of the zone, or numbers."""
        column = self.column("", self.times(slots))
        if not column.dtype.is_temporal():
            return column.to_numpy()
        return column.dt.replace_time_zone(None).to_numpy()

    def texts(self, times: np.ndarray) -> list[str]:
        """Times as text."""
        column = self.column("", times)
        if not column.dtype.is_temporal():
            return [f"{value:g}" if isinstance(value, float) else str(value) for value in column]
        days = self.unit in ("month", "weekday") or self.step % DAY == 0
        bare = days and self.zone is None and not np.any(times % DAY)
        return column.dt.strftime("%Y-%m-%d" if bare else "%Y-%m-%d %H:%M:%S" + ("%z" if self.zone else "")).to_list()

    def waves(self, longest: float) -> list[str]:
        """The cycles that steps are shorter than and that are not longer than so many microseconds."""
        length = {"fixed": self.step, "weekday": DAY, "month": self.step * 28 * DAY}.get(self.unit, math.inf)
        return [name for name, (cycle, _) in WAVES.items() if length < cycle <= longest]

    def calendar(self, times: np.ndarray, cycles: Sequence[str]) -> np.ndarray:
        """Where times stand in some cycles, ``[N, F]``: waves of one to several a cycle, as cosine and sine."""
        waves = []
        local = self._local(times) if cycles else times
        # 1970 began on a Thursday
        phases = {
            "day": lambda: local % DAY / DAY,
            "week": lambda: (local // DAY + 3) % 7 / 7,
            "year": lambda: _of_year(local),
        }
        for cycle in cycles:
            phase = phases[cycle]()
            for k in range(1, WAVES[cycle][1] + 1):
                waves += [np.cos(2 * math.pi * k * phase), np.sin(2 * math.pi * k * phase)]
        return np.stack(waves, -1).astype(np.float32) if waves else np.zeros((len(times), 0), np.float32)

    def span(self, rows: int) -> float:
        """The microseconds that so many rows take; 0 where times are no dates."""
        length = {"fixed": self.step, "weekday": DAY * 1.4, "month": self.step * YEAR / 12}
        return rows * length.get(self.unit, 0.0)

    def cycles(self) -> list[int]:
        """How many steps make a day, a week, a year, where these are whole numbers of steps, or near enough."""
        if self.unit == "month":
            return [round(12 / self.step)] if self.step < 12 else []
        if self.unit == "weekday":
            return [5, 261]
        if self.unit != "fixed":
            return []
        lengths = [3600 * SECOND, DAY, WEEK, YEAR]
        return [round(c / self.step) for c in lengths if c / self.step >= 2 and (c % self.step == 0 or c == YEAR)]

    def describe(self) -> str:
        """The step as people say it."""
        if self.unit == "row":
            return "a step"
        if self.unit == "number":
            return f"{self.step:g}"
        if self.unit == "weekday":
            return "a day from Monday to Friday"
        sizes = MONTHS if self.unit == "month" else UNITS
        units = [unit for unit in sizes if unit in NAMES and self.step % sizes[unit] == 0]
        if not units:
            return f"{self.step / SECOND:g} seconds"
        count, name = round(self.step / sizes[units[-1]]), NAMES[units[-1]]
        return f"{'an' if name == 'hour' else 'a'} {name}" if count == 1 else f"{count} {name}s"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def _local(self, times: np.ndarray) -> np.ndarray:
        if self.zone is None:
            return times.astype(np.int64)
        return self.column("", times).dt.replace_time_zone(None).to_physical().to_numpy()


class Times(NamedTuple):
    """Times, and how they are to be understood."""

    values: np.ndarray  # [N] microseconds, or plain numbers; NaN where there is no time
    dated: bool  # whether they are microseconds
    zone: str | None  # where the clocks hang; the values are in UTC then
    how: str  # they were read, for people


def read_times(column: pl.Series, zone: str | None = None) -> Times:
    """Times of a column.

    Args:
        column: text, dates, or numbers; numbers of the size of seconds or milliseconds since 1970 are such.
        zone: where clocks hang that give times without a zone of their own.

    Raises:
        ElmanError: an unknown zone.

    Example:
        >>> read_times(pl.Series(["1970-01-01 00:00:01", "soon"]))
        Times(values=array([1000000.,      nan]), dated=True, zone=None, how='dates')
    """
    if column.dtype.is_temporal():
        if column.dtype == pl.Date or getattr(column.dtype, "time_zone", None) is None:
            return _placed(column.cast(pl.Datetime("us")), zone)
        moments = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Times(_floats(moments), True, zone or "UTC", "dates")
    numbers = as_numbers(column).cast(pl.Float64)
    values: np.ndarray = numbers.to_numpy()
    given = values[np.isfinite(values)]
    if len(given) and len(given) >= 0.95 * has_value(column).to_numpy().sum() and not _is_day_number(given):
        low, high = given.min(), given.max()
        for size, name in ((SECOND, "seconds"), (SECOND // 1000, "milliseconds")):
            if 3e8 * SECOND / size < low and high < 5e9 * SECOND / size:
                return Times(values * size, True, zone or "UTC", f"{name} since 1970")
        return Times(values, False, None, "numbers")
    if column.dtype != pl.String:
        column = column.cast(pl.String)
    return _read_text(column.str.strip_chars(), zone)


def is_time(column: pl.Series) -> bool:
    """Whether a column is one of dates, for the greater part."""
    if column.dtype.is_temporal():
        return True
    if column.dtype != pl.String:
        return False
    given = column.filter(has_value(column))[:1000]
    if not len(given) or len(as_numbers(given).drop_nulls()) > 0.5 * len(given):
        return False
    return bool(np.isfinite(_read_text(given.str.strip_chars(), None).values).mean() > 0.5)


def find_clock(parts: list[np.ndarray], dated: bool, zone: str | None) -> Clock:
    """The step that most rows of several series are apart.

    Args:
        parts: the times of each series, rising.
        dated: whether they are microseconds, and not only numbers.
        zone: where the clocks hang, for times in UTC.
    """
    gaps = np.concatenate([np.diff(part) for part in parts]) if parts else np.zeros(0)
    gaps = gaps[gaps > 0]
    origin = float(min((part[0] for part in parts if len(part)), default=0))
    if not len(gaps):
        return Clock("fixed", DAY, origin, zone) if dated else Clock("number", 1, origin)
    values, counts = np.unique(gaps, return_counts=True)
    usual = float(values[counts.argmax()])
    if counts.max() < 0.3 * len(gaps):  # rows are unevenly apart
        usual = float(np.median(gaps))
        if dated:  # near what people count in
            usual = min((float(n * SECOND) for n in ROUND), key=lambda step: abs(math.log(step / usual)))
    if not dated:
        return Clock("number", usual, origin)
    local = [part.astype(np.int64) for part in parts]
    months = np.concatenate([np.diff(_months(part)) for part in local])
    if 27.5 * DAY <= usual <= 366.5 * DAY and _one_a_month(np.concatenate(local)):
        steps, counts = np.unique(months[months > 0], return_counts=True)
        return Clock("month", int(steps[counts.argmax()]), origin, zone)
    if usual == DAY and len(gaps) >= 10:
        days = _days(np.concatenate(local))
        if np.is_busday(days).all():
            return Clock("weekday", 1, origin, zone)
    return Clock("fixed", round(usual), origin, zone)


def said_clock(text: str, origin: float, dated: bool, zone: str | None) -> Clock:
    """The step that a user names: ``15min``, ``1h``, ``1d``, ``1mo``, ``weekday``; for numbers a number.

    Raises:
        ElmanError: another word.
    """
    match = re.fullmatch(r"(\d*\.?\d*)\s*(s|min|h|d|w|mo|q|y)?", text.strip().lower())
    if text == "weekday" and dated:
        return Clock("weekday", 1, origin, zone)
    if match and text.strip() and (bool(match[2]) == dated):
        count, unit = float(match[1] or 1), match[2]
        if count > 0 and unit in UNITS:
            return Clock("fixed", round(count * UNITS[unit]), origin, zone)
        if count > 0 and unit in MONTHS and count == int(count):
            return Clock("month", int(count) * MONTHS[unit], origin, zone)
        if count > 0 and not unit:
            return Clock("number", count, origin)
    raise ElmanError(
        f"a frequency is such as 15min, 1h, 1d, 1w, 1mo, 1q, 1y or weekday, not {text!r}"
        if dated
        else f"the times are numbers, and so is the step between them, not {text!r}"
    )


def _read_text(text: pl.Series, zone: str | None) -> Times:
    text = text.str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "${1} ").str.replace(r"^(\d\S+ \d\d?)$", "${1}:00")
    quarters = text.str.extract(r"^\d{4}\s?-?[Qq]([1-4])$")
    if quarters.is_not_null().any():
        months = ((quarters.cast(pl.Int32) - 1) * 3 + 1).cast(pl.String).str.zfill(2)
        text = pl.Series((text.str.slice(0, 4) + "-" + months).fill_null("")).set(quarters.is_null(), "")  # pyright: ignore
    zoned = text.str.contains(ZONE) & text.str.contains(":", literal=True)
    if zoned.any():
        bare = text.str.replace(r"\s?(?:Z|UTC)$", "+00:00").str.replace(r"\s([+-])(\d{2}:?\d{2})$", "${1}${2}")
        moments = _coalesced(bare.set(~zoned.fill_null(False), ""), [f"%Y-%m-%d{t}%#z" for t in CLOCK_TIMES[1:]])
        values = _floats(moments.dt.replace_time_zone(None))
        if zone is not None:  # what is written without a zone is of this one
            rest = _placed(_dates(text.set(zoned.fill_null(False), ""))[0], zone)
            values = np.where(np.isnan(values), rest.values, values)
        return Times(values, True, zone or "UTC", "dates with a zone")
    dates, how = _dates(text)
    return _placed(dates, zone)._replace(how=how)


def _dates(text: pl.Series) -> tuple[pl.Series, str]:
    """Dates in the one way of writing days that reads the most."""
    best, most, how = pl.Series([None] * len(text), dtype=pl.Datetime("us")), (0, 0.0, 0.0), "dates"
    sample = text[:: max(1, len(text) // 500)]
    for day in (*DAYS, "%Y-%m", "%b %Y", "%Y%m"):
        if not _coalesced(sample, _ways(day)).drop_nulls().len():
            continue
        read = _coalesced(text, _ways(day))
        numbers = read.drop_nulls().to_physical().to_numpy()
        # where 3/4 may be of March or of April, times that keep their order and their distance tell
        rising = float((np.diff(numbers) >= 0).mean()) if len(numbers) > 1 else 1.0
        gaps = np.diff(np.unique(numbers)) if len(numbers) > 1 else np.zeros(0)
        score = (len(numbers), rising, -float(gaps.max() / gaps.min()) if len(gaps) else 0.0)
        if score > most:
            best, most, how = read, score, "dates" if day.startswith("%Y-") else f"dates, {_said(day)}"
    return best, how


def _ways(day: str) -> list[str]:
    return [day + time for time in CLOCK_TIMES] if "%d" in day else [day]


def _coalesced(text: pl.Series, formats: list[str]) -> pl.Series:
    """Text as dates, each cell in the first of some formats that reads it."""
    read: pl.Series | None = None
    for form in formats:
        each = text.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC" if "z" in form else None)
        read = each if read is None else read.zip_with(read.is_not_null(), each)
        if not read.null_count():
            break
    assert read is not None
    return read


def _placed(dates: pl.Series, zone: str | None) -> Times:
    """Dates on the clocks of a zone as moments; the second of two equal ones is that after clocks were set back."""
    if zone is None:
        return Times(_floats(dates), True, None, "dates")
    second = ~dates.is_first_distinct()
    try:
        moments = dates.dt.replace_time_zone(
            zone, ambiguous=pl.select(pl.when(second).then(pl.lit("latest")).otherwise(pl.lit("earliest"))).to_series(),
            non_existent="null",
        )  # fmt: skip
    except pl.exceptions.ComputeError as error:
        raise ElmanError(f"there is no time zone {zone!r}; zones are such as Europe/Berlin or UTC") from error
    return Times(_floats(moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None)), True, zone, "dates")


def _floats(dates: pl.Series) -> np.ndarray:
    # microseconds of our centuries are whole numbers of float64
    return dates.cast(pl.Datetime("us")).to_physical().cast(pl.Float64).fill_null(math.nan).to_numpy()


def _is_day_number(numbers: np.ndarray) -> bool:
    """Whether numbers are days such as 20240131."""
    if not 18000101 <= numbers.min() <= numbers.max() <= 21001231:
        return False
    return _coalesced(pl.Series(numbers).cast(pl.Int64).cast(pl.String), ["%Y%m%d"]).null_count() == 0


def _one_a_month(times: np.ndarray) -> bool:
    """Whether times fall on the same day of their months, or all on the last."""
    days = times // DAY * DAY
    of_month = (days - _as_time(_months(days))) // DAY
    last = _months(days + DAY) > _months(days)
    return len(np.unique(of_month)) == 1 or bool(last.all())


def _months(times: np.ndarray) -> np.ndarray:
    return times.astype(np.int64).astype("M8[us]").astype("M8[M]").astype(np.int64)


def _as_time(months: np.ndarray) -> np.ndarray:
    return months.astype("M8[M]").astype("M8[us]").astype(np.int64)


def _days(times: np.ndarray) -> np.ndarray:
    return times.astype(np.int64).astype("M8[us]").astype("M8[D]")


def _of_year(times: np.ndarray) -> np.ndarray:
    """How much of its year is over at each time."""
    start = times.astype("M8[us]").astype("M8[Y]").astype("M8[us]").astype(np.int64)
    return (times - start) / YEAR


def _said(day: str) -> str:
    words = {"%Y": "year", "%m": "month", "%d": "day", "%b": "month"}
    return " ".join(words[part] for part in re.findall(r"%[Ymdb]", day))
