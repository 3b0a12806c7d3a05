"""The even step between the rows of a series, and where times stand in the calendar."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

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
            return [f"{value:.15g}" if isinstance(value, float) else str(value) for value in column]
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
