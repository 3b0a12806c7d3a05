"""Times: what is read from text, which step is found, and where it falls in the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from elman.data.times import DAY, Clock, find_clock, is_time, read_times, said_clock
from elman.errors import ElmanError


def moment(*parts: int) -> int:
    """Microseconds since 1970, by Python's own calendar."""
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-05 07:08:09", moment(2024, 3, 5, 7, 8, 9)),
        ("2024-03-05T07:08", moment(2024, 3, 5, 7, 8)),
        ("2024-03-05 7", moment(2024, 3, 5, 7)),
        ("2024-03-05", moment(2024, 3, 5)),
        ("2024/03/05", moment(2024, 3, 5)),
        ("25.03.2024 07:08", moment(2024, 3, 25, 7, 8)),
        ("03/25/2024", moment(2024, 3, 25)),
        ("25/03/2024", moment(2024, 3, 25)),
        ("2024-03", moment(2024, 3, 1)),
        ("2024Q3", moment(2024, 7, 1)),
        ("Mar 2024", moment(2024, 3, 1)),
        ("5 Mar 2024", moment(2024, 3, 5)),
        ("20240305", moment(2024, 3, 5)),
        ("2024-03-05T07:08:09Z", moment(2024, 3, 5, 7, 8, 9)),
        ("2024-03-05 07:08:09+02:00", moment(2024, 3, 5, 5, 8, 9)),
        ("2024-03-05T07:08:09 -0130", moment(2024, 3, 5, 8, 38, 9)),
        ("1709622489", moment(2024, 3, 5, 7, 8, 9)),
        ("1709622489000", moment(2024, 3, 5, 7, 8, 9)),
    ],
)
def test_a_time_is_read_in_the_way_it_is_written(text: str, expected: int) -> None:
    times = read_times(pl.Series([text]))
    assert times.dated
    assert times.values[0] == expected


def test_the_order_of_times_tells_days_from_months() -> None:
    first = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(12)]
    european = pl.Series([f"{d:%d/%m/%Y}" for d in first])
    american = pl.Series([f"{d:%m/%d/%Y}" for d in first])
    expected = [moment(d.year, d.month, d.day) for d in first]
    assert read_times(european).values.tolist() == expected
    assert read_times(american).values.tolist() == expected


def test_numbers_are_only_numbers() -> None:
    times = read_times(pl.Series([0, 2, 4]))
    assert not times.dated
    assert times.values.tolist() == [0, 2, 4]
    assert not is_time(pl.Series(["1", "2"]))
    assert is_time(pl.Series(["2024-01-01", "2024-01-02", None]))
    assert not is_time(pl.Series(["Monday", "Tuesday"]))


def test_moments_of_several_offsets_are_put_in_one_order() -> None:
    times = read_times(pl.Series(["2024-10-27 02:30:00+02:00", "2024-10-27 02:30:00+01:00"]))
    assert times.zone == "UTC"
    assert times.values.tolist() == [moment(2024, 10, 27, 0, 30), moment(2024, 10, 27, 1, 30)]


def test_clocks_that_are_set_back_and_forward() -> None:
    back = read_times(pl.Series(["2024-10-27 02:30", "2024-10-27 02:30"]), "Europe/Berlin")
    assert back.values.tolist() == [moment(2024, 10, 27, 0, 30), moment(2024, 10, 27, 1, 30)]
    forward = read_times(pl.Series(["2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31 03:30"]), "Europe/Berlin")
    assert np.isnan(forward.values).tolist() == [False, True, False]
    assert forward.values[2] - forward.values[0] == 3600 * 1_000_000


def test_a_zone_that_is_not_there_is_refused() -> None:
    with pytest.raises(ElmanError, match="no time zone 'Europe/Berln'"):
        read_times(pl.Series(["2024-03-31"]), "Europe/Berln")


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
