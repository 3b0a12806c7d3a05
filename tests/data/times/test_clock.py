"""The step between rows, and where times fall in the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from elman.data.times.clock import DAY, Clock, find_clock, said_clock
from elman.data.times.column import read_times
from elman.errors import ElmanError


def moment(*parts: int) -> int:
    """Microseconds since 1970, by Python's own calendar."""
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type]


def of(start: datetime, step: timedelta, count: int) -> np.ndarray:
    return np.array([moment(*(start + n * step).timetuple()[:6]) for n in range(count)], float)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (timedelta(minutes=30), "30 minutes"),
        (timedelta(hours=1), "an hour"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(days=1), "a day"),
        (timedelta(days=7), "a week"),
    ],
)
def test_the_usual_step_is_found_through_gaps(step: timedelta, said: str) -> None:
    times = np.delete(of(datetime(2024, 1, 6, 12, 15), step, 60), [3, 4, 5, 20, 41])
    clock = find_clock([times], True, None)
    assert clock.describe() == said
    assert np.diff(clock.slots(times)).max() == 4
    assert np.array_equal(clock.times(clock.slots(times)), times)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([f"{1990 + n // 12}-{1 + n % 12:02d}" for n in range(40)], "a month"),
        (["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"], "a month"),
        ([f"{1990 + n // 4}Q{1 + n % 4}" for n in range(9)], "a quarter"),
        ([f"{1990 + n}-07-01" for n in range(9)], "a year"),
    ],
)
def test_months_are_steps_of_unequal_length(times: list[str], said: str) -> None:
    values = read_times(pl.Series(times)).values
    clock = find_clock([values], True, None)
    assert clock.describe() == said
    assert clock.slots(values).tolist() == list(range(len(times)))
    assert np.array_equal(clock.times(np.arange(len(times))), values)


def test_days_without_weekends() -> None:
    days = of(datetime(2024, 1, 1), timedelta(days=1), 40)
    working = np.array([d for n, d in enumerate(days) if n % 7 < 5])
    clock = find_clock([working], True, None)
    assert clock.unit == "weekday"
    assert clock.slots(working).tolist() == list(range(len(working)))
    assert np.array_equal(clock.times(np.arange(len(working))), working)
    assert find_clock([days], True, None).describe() == "a day"


def test_a_step_that_is_said() -> None:
    assert said_clock("30min", 0, True, None).step == 1800 * 1_000_000
    assert said_clock("2mo", 0, True, None) == Clock("month", 2)
    assert said_clock("5", 0, False, None) == Clock("number", 5)
    for text, dated in (("often", True), ("5", True), ("1h", False), ("0h", True)):
        with pytest.raises(ElmanError, match="not"):
            said_clock(text, 0, dated, None)


def test_the_calendar_is_that_of_the_zone() -> None:
    clock = Clock("fixed", 3600 * 1_000_000, 0, "Australia/Melbourne")
    noons = [datetime(2024, month, 3, 12, tzinfo=ZoneInfo("Australia/Melbourne")) for month in (1, 7)]
    waves = clock.calendar(np.array([round(noon.timestamp()) * 1_000_000 for noon in noons], float), clock.waves(1e15))
    assert waves.shape == (2, 18)
    np.testing.assert_allclose(waves[:, :2], [[-1, 0], [-1, 0]], atol=1e-6)  # half of the day is over


def test_waves_of_a_week_tell_its_days_apart_and_those_of_a_long_step_are_left_out() -> None:
    week = Clock("fixed", DAY).calendar(np.arange(7) * float(DAY), ["week"])
    assert np.linalg.matrix_rank(np.concatenate([week, np.ones((7, 1))], 1)) == 7
    assert Clock("month", 1).waves(1e15) == ["year"]
    assert Clock("fixed", 3600 * 10**6).waves(30 * DAY) == ["day", "week"]
    assert Clock("row", 1).waves(1e15) == []


def test_times_that_are_numbers_are_told_with_all_their_digits() -> None:
    assert Clock("number", 1).texts(np.array([1234567.0, 0.1 + 0.2])) == ["1234567", "0.3"]
