"""The even step between the rows of a series, and where times stand in the calendar."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from elman.errors import ElmanError

SECOND = 1_000_000  # times are whole microseconds since 1970, in UTC where they have a zone
UNITS = {"s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND, "w": 7 * 86400 * SECOND}
ROUND = (1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)  # seconds
MONTHS = {"mo": 1, "q": 3, "y": 12}
DAY, WEEK = UNITS["d"], UNITS["w"]
A_DAY = np.timedelta64(1, "D")
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
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKDAYS, ALL_DAYS = "1111100", "1111111"
FALLS = {  # where in its month a step may be, for people
    "last": "the last day of a month",
    "first weekday": "the first weekday of a month",
    "last weekday": "the last weekday of a month",
    "any": "any day of a month, told as the first",
}
BEGIN = np.datetime64("1799-01-01", "D")  # before all times
ENOUGH = 4  # days without rows from which on they are no chance
RARE = 0.1  # share of the days of a name that have rows though there usually are none on them
FILLED, FULL = 0.75, 0.9  # shares of the steps of open days that have rows, and of the rows that keep a step


@dataclass(frozen=True)
class Clock:
    """An even step between the rows of a series; slot ``n`` is ``n`` steps after the origin.

    Args:
        unit: ``"fixed"``, so many microseconds; ``"open"``, the same, on some hours of some days; ``"month"``, so many
            months; ``"weekday"``, days of the week such as Monday to Friday; ``"number"``, times that are only numbers;
            ``"row"``, no times at all.
        step: how many of them.
        origin: a time on which a step falls.
        zone: where the clocks hang that people's days follow; times are in UTC where there is one.
        days: of ``"weekday"`` and ``"open"``, those on which steps fall: a 1 for each, from Monday to Sunday.
        opens: of ``"open"``, the microseconds of a day before its first step.
        count: of ``"open"``, the steps of a day.
        falls: of ``"month"``, on which of its days a step falls: ``"last"``, ``"first weekday"``, ``"last weekday"``,
            ``"any"``, which is told as the first; or that of the origin.
    """

    unit: str
    step: float
    origin: float = 0
    zone: str | None = None
    days: str = WORKDAYS
    opens: float = 0
    count: int = 1
    falls: str = ""

    def slots(self, times: np.ndarray) -> np.ndarray:
        """How many steps after the origin times are, as fractions where they fall between two steps."""
        if self.unit == "month":
            return (_months(times) - _months(np.array([self.origin], np.int64))[0]) // self.step
        if self.unit in ("weekday", "open"):
            return self._places(times) - np.ceil(self._places(np.array([self.origin])))
        return (times - self.origin) / self.step

    def times(self, slots: np.ndarray) -> np.ndarray:
        """The times of slots."""
        slots = np.asarray(slots)
        if self.unit == "month":
            origin = np.array([self.origin], np.int64)
            return self._in_months(_months(origin) + slots.astype(np.int64) * int(self.step), origin)
        if self.unit in ("weekday", "open"):
            first = np.ceil(self._places(np.array([self.origin])))
            days, steps = np.divmod(slots.astype(np.int64) + first.astype(np.int64), self._a_day)
            found = np.busday_offset(BEGIN, days, roll="forward", weekmask=self.days).astype("M8[us]").astype(np.int64)
            of_day = self._local(np.array([self.origin]))[0] % DAY if self.unit == "weekday" else self.opens
            return _moments(found + (of_day + steps * self.step * (self.unit == "open")).astype(np.int64), self.zone)
        times = self.origin + slots * self.step
        return times if self.unit in ("number", "row") else times.astype(np.int64)

    @property
    def _a_day(self) -> int:
        return self.count if self.unit == "open" else 1

    def _places(self, times: np.ndarray) -> np.ndarray:
        """The number of the step that times are on, counted from a day long ago; halves before it where none is."""
        local = self._local(times)
        days = _days(local)
        begun = np.busday_count(BEGIN, days, weekmask=self.days).astype(float) * self._a_day
        if self.unit == "weekday":
            return begun - 0.5 * ~np.is_busday(days, weekmask=self.days)
        steps = (local % DAY - self.opens) / self.step
        steps = np.where(steps < -0.5, -0.5, np.where(steps > self.count - 0.5, self.count - 0.5, steps))
        return begun + np.where(np.is_busday(days, weekmask=self.days), steps, -0.5)

    def _in_months(self, months: np.ndarray, origin: np.ndarray) -> np.ndarray:
        first, last = _as_time(months), _as_time(months + 1) - DAY
        of_day = int(origin[0]) % DAY
        if self.falls in ("first weekday", "last weekday"):
            day, way = (first, "forward") if self.falls == "first weekday" else (last, "backward")
            return np.busday_offset(_days(day), 0, roll=way).astype("M8[us]").astype(np.int64) + of_day
        if self.falls:
            return (last if self.falls == "last" else first) + of_day
        day = origin - _as_time(_months(origin))
        # the 31st of a shorter month is its last day
        return np.minimum(first + day, last + of_day)

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
            return [f"{value:.15g}" if isinstance(value, float) else str(value) for value in column]
        days = self.unit in ("month", "weekday") or (self.unit == "fixed" and self.step % DAY == 0)
        bare = days and self.zone is None and not np.any(times % DAY)
        return column.dt.strftime("%Y-%m-%d" if bare else "%Y-%m-%d %H:%M:%S" + ("%z" if self.zone else "")).to_list()

    def waves(self, longest: float) -> list[str]:
        """The cycles that steps are shorter than and that are not longer than so many microseconds."""
        lengths = {"fixed": self.step, "open": self.step, "weekday": DAY, "month": self.step * 28 * DAY}
        length = lengths.get(self.unit, math.inf)
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
        open_day = WEEK / self.days.count("1")
        lengths = {
            "fixed": self.step,
            "open": open_day / self.count,
            "weekday": open_day,
            "month": self.step * YEAR / 12,
        }
        return rows * lengths.get(self.unit, 0.0)

    def cycles(self) -> list[int]:
        """How many steps make a day, a week, a year, where these are whole numbers of steps, or near enough."""
        if self.unit == "month":
            return [round(12 / self.step)] if self.step < 12 else []
        if self.unit in ("weekday", "open"):
            week = self._a_day * self.days.count("1")
            hour = 3600 * SECOND / self.step if self.unit == "open" else 0
            found = [int(hour) if hour == int(hour) else 0, self._a_day, week, round(week * YEAR / WEEK)]
            return [steps for steps in dict.fromkeys(found) if steps >= 2]
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
            return f"a day {_said_days(self.days)}"
        if self.unit == "open":
            ends = (self.opens, self.opens + (self.count - 1) * self.step)
            opens, closes = (str(np.datetime64(round(each), "us"))[11:16] for each in ends)
            days = f", {_said_days(self.days)}" if "0" in self.days else ""
            return f"{Clock('fixed', self.step).describe()} ({opens} to {closes}{days})"
        sizes = MONTHS if self.unit == "month" else UNITS
        units = [unit for unit in sizes if unit in NAMES and self.step % sizes[unit] == 0]
        if not units:
            return f"{self.step / SECOND:g} seconds"
        count, name = round(self.step / sizes[units[-1]]), NAMES[units[-1]]
        falls = f", on {FALLS[self.falls]}" if self.falls else ""
        if self.unit == "month" and self.step == 6:
            return f"half a year{falls}"
        return (f"{'an' if name == 'hour' else 'a'} {name}" if count == 1 else f"{count} {name}s") + falls

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def _local(self, times: np.ndarray) -> np.ndarray:
        return _on_clocks(times, self.zone)


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
    fixed = Clock("fixed", round(usual), origin, zone)
    local = [part.astype(np.int64) for part in parts]
    even = bool(counts.max() >= FULL * len(gaps))
    found = _clock_of_months(local, fixed, even=even) if 27.5 * DAY <= np.median(gaps) <= 366.5 * DAY else None
    if found is None and usual < WEEK:
        found = _clock_of_days(np.unique(np.concatenate([_on_clocks(part, zone) for part in parts])), fixed)
    return found or fixed


def _clock_of_months(local: list[np.ndarray], fixed: Clock, *, even: bool) -> Clock | None:
    """A clock of months, where times fall on the same day of them, or are one in each though not ``even`` in days."""
    times, months = np.concatenate(local), np.concatenate([np.diff(_months(part)) for part in local])
    days = _days(times)
    last, of_month = _days(_as_time(_months(times) + 1)) - A_DAY, days - times.astype("M8[us]").astype("M8[M]")
    steps, counts = np.unique(months[months > 0], return_counts=True)
    if not len(steps):
        return None
    month = replace(fixed, unit="month", step=int(steps[counts.argmax()]))
    if len(np.unique(of_month)) == 1:
        return month
    if bool((days == last).all()):
        return replace(month, falls="last")
    if even or counts.max() < FULL * len(months):
        return None
    if bool((days == np.busday_offset(last, 0, roll="backward")).all()):
        return replace(month, falls="last weekday")
    if bool((days == np.busday_offset(days.astype("M8[M]").astype("M8[D]"), 0, roll="forward")).all()):
        return replace(month, falls="first weekday")
    return replace(month, falls="any")


def _clock_of_days(local: np.ndarray, fixed: Clock) -> Clock | None:
    """A clock of those days of a week, and those hours of a day, on which alone there are times; None where all are.

    Args:
        local: all times, on the clocks of the zone, rising.
        fixed: the step between them, without regard to when there are none.
    """
    days = np.unique(_days(local))
    mask = _days_of_week(days)
    if fixed.step % DAY == 0:
        return replace(fixed, unit="weekday", step=1, days=mask) if "0" in mask else None
    opens, closes = int((local % DAY).min()), int((local % DAY).max())
    count = round((closes - opens) / fixed.step) + 1
    open_days = int(np.is_busday(days, weekmask=mask).sum())
    if count < 2 or ("0" not in mask and (opens + DAY - closes < 1.5 * fixed.step or open_days < ENOUGH)):
        return None
    found = replace(fixed, unit="open", days=mask, opens=float(opens), count=count)
    on_steps = np.abs((local % DAY - opens) / fixed.step % 1 - 0.5) > 0.4
    there = len(local) >= FILLED * open_days * count and on_steps.mean() >= FULL
    return found if there else None


def _days_of_week(days: np.ndarray) -> str:
    """The days of the week on which rows fall; all where none is left out again and again, or rows come by chance.

    >>> _days_of_week(np.arange("2024-01-01", "2024-01-20", dtype="M8[D]")[[0, 1, 2, 3, 4, 7, 8, 9, 10, 11]])
    '1111100'
    """
    span = np.arange(days[0], days[-1] + A_DAY)
    there, of_all = (np.bincount((each.astype(np.int64) + 3) % 7, minlength=7) for each in (days, span))
    closed = (there <= RARE * of_all) & (of_all > 0)
    # of a weekend one may do
    known = of_all >= np.where(closed[5:].all() & (np.arange(7) > 4), 1, ENOUGH)
    closed &= known
    if closed.all() or there[~closed].sum() < FILLED * of_all[~closed].sum():
        return ALL_DAYS
    return "".join("0" if each else "1" for each in closed)


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


def _said_days(mask: str) -> str:
    """Days of the week for people.

    >>> _said_days("1111100"), _said_days("1111001"), _said_days("1010100")
    ('from Monday to Friday', 'from Sunday to Thursday', 'on Monday, Wednesday, Friday')
    """
    names = [name for name, there in zip(WEEKDAYS, mask, strict=True) if there == "1"]
    first = next((n for n in range(7) if "0" not in (mask * 2)[n : n + len(names)]), None)
    if first is None or len(names) < 3:
        return f"on {', '.join(names)}"
    return f"from {WEEKDAYS[first]} to {WEEKDAYS[(first + len(names) - 1) % 7]}"


def _on_clocks(times: np.ndarray, zone: str | None) -> np.ndarray:
    """Times in UTC as the clocks of a zone show them; without one as they are."""
    times = times.astype(np.int64)
    if zone is None:
        return times
    moments = pl.Series(times).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return moments.dt.replace_time_zone(None).to_physical().to_numpy()


def _moments(local: np.ndarray, zone: str | None) -> np.ndarray:
    """The times in UTC of what the clocks of a zone show, of what they skip that of the hour after."""
    if zone is None:
        return local
    shown = pl.Series(local).cast(pl.Datetime("us"))
    found = shown.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    later = (shown + timedelta(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return found.fill_null(later).to_physical().to_numpy()


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
