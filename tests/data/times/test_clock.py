"""The step between rows, and where times fall in the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from elman.data.times.clock import DAY, Clock, find_clock, said_clock
from elman.data.times.column import placed, read_times
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
        (["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"], "a month, on the last day of a month"),
        (["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"], "a month, on the last day of a month"),
        (["2023-09-29", "2023-10-31", "2023-11-30", "2023-12-29"], "a month, on the last weekday of a month"),
        (["2023-10-02", "2023-11-01", "2023-12-01", "2024-01-01"], "a month, on the first weekday of a month"),
        ([f"{1990 + n // 4}Q{1 + n % 4}" for n in range(9)], "a quarter"),
        ([f"{1990 + n // 2}-S{1 + n % 2}" for n in range(9)], "half a year"),
        ([f"{1999 + n}/{n:02}" for n in range(9)], "a year"),
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


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ((5, 6), "a day from Monday to Friday"),
        ((4, 5), "a day from Sunday to Thursday"),
        ((6,), "a day from Monday to Saturday"),
        ((1, 2, 4, 5, 6), "a day on Monday, Thursday"),
    ],
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_days_of_the_week_without_rows_are_no_steps(closed: tuple[int, ...], said: str, zone: str | None) -> None:
    days = [datetime(2024, 1, 1, 9) + timedelta(days=n) for n in range(140)]
    rows = placed(np.array([moment(*d.timetuple()[:6]) for d in days if d.weekday() not in closed], float), zone)
    clock = find_clock([np.delete(rows, [7, 20])], True, zone)
    assert clock.describe() == said
    assert clock.slots(rows).tolist() == list(range(len(rows)))
    assert np.array_equal(clock.times(np.arange(len(rows))), rows)


def test_days_that_are_missing_by_chance_are_steps() -> None:
    days = of(datetime(2024, 1, 1), timedelta(days=1), 60)
    some = np.sort(np.random.default_rng(3).choice(days, 35, replace=False))
    assert find_clock([some], True, None).describe() == "a day"
    assert find_clock([days[:5]], True, None).describe() == "a day"


@pytest.mark.parametrize(
    ("minutes", "steps", "days", "said"),
    [
        (15, 32, 5, "15 minutes (09:00 to 16:45, from Monday to Friday)"),
        (60, 9, 7, "an hour (09:00 to 17:00)"),
        (420, 2, 5, "7 hours (09:00 to 16:00, from Monday to Friday)"),
        (60, 15, 6, "an hour (09:00 to 23:00, from Monday to Saturday)"),
    ],
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_hours_of_the_day_without_rows_are_no_steps(
    minutes: int, steps: int, days: int, said: str, zone: str | None
) -> None:
    opens = [datetime(2024, 3, 4, 9) + timedelta(days=n) for n in range(40) if n % 7 < days]
    shown = [each + timedelta(minutes=minutes * n) for each in opens for n in range(steps)]
    rows = placed(np.array([moment(*each.timetuple()[:6]) for each in shown], float), zone)
    clock = find_clock([np.delete(rows, [7, 20])], True, zone)
    assert clock.describe() == said
    assert clock.slots(rows).tolist() == list(range(len(rows)))
    assert np.array_equal(clock.times(np.arange(len(rows))), rows)
    assert clock.cycles()[-2:] == [steps * days, round(steps * days * 365.2425 / 7)]
    later = Clock(**{**clock.to_json(), "origin": rows[3]})
    assert np.array_equal(later.times(np.arange(5)), rows[3:8])
    night = rows[:1] - 4 * 3600 * 10**6
    assert clock.slots(night).tolist() == [-0.5]
    whole = of(datetime(2024, 3, 4), timedelta(minutes=minutes), 200)
    assert find_clock([whole], True, None).unit == "fixed"


def test_a_row_on_a_day_that_usually_has_none_is_between_two_steps() -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(140)]
    times = np.array([moment(*d.timetuple()[:3]) for n, d in enumerate(days) if n % 7 < 5 or n == 40], float)
    clock = find_clock([times], True, None)
    assert clock.describe() == "a day from Monday to Friday"
    assert np.flatnonzero(clock.slots(times) % 1).tolist() == [30]


def test_one_row_a_month_on_any_day_is_a_month() -> None:
    fridays = [datetime(2020 + n // 12, 1 + n % 12, 1) for n in range(40)]
    fridays = [day + timedelta(days=14 + (4 - day.weekday()) % 7) for day in fridays]
    times = np.array([moment(*day.timetuple()[:3]) for day in fridays], float)
    clock = find_clock([times], True, None)
    assert clock.describe() == "a month, on any day of a month, told as the first"
    assert clock.texts(clock.times(np.array([40]))) == ["2023-05-01"]
    assert find_clock([of(datetime(2020, 1, 3), timedelta(days=28), 20)], True, None).describe() == "4 weeks"


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
