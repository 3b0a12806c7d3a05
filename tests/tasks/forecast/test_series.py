"""Tables of series: which columns are what, and what of them comes onto an even clock."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.data.times.clock import Clock
from elman.errors import ElmanError
from elman.tasks.forecast.columns import Columns, find_columns
from elman.tasks.forecast.rolling import Rolling
from elman.tasks.forecast.seasons import find_seasons
from elman.tasks.forecast.series import Panel, Series, read_panel


def panel(folder: Path, text: str, *, skip: bool = False, **said: Any) -> tuple[Panel, BadRows]:
    path, bad = folder / "table.csv", BadRows(skip)
    path.write_text(text, encoding="utf-8")
    table = read_table(path, bad)
    frequency = said.pop("frequency", None)
    return read_panel(table, find_columns(table, Columns(**{"layout": "", **said})), frequency), bad


def hours(values: list[Any], head: str = "time,value") -> str:
    return "\n".join([head, *(f"2024-01-01 {n:02d}:00,{value}" for n, value in enumerate(values))]) + "\n"


def test_a_series_a_column(tmp_path: Path) -> None:
    found, _ = panel(tmp_path, "date,a,b\n2024-01-01,1,4\n2024-01-02,2,\n2024-01-03,NA,6\n")
    (series,) = found.series
    assert found.columns.targets == ("a", "b")
    assert found.clock.describe() == "a day"
    np.testing.assert_array_equal(series.values, [[1, 4], [2, np.nan], [np.nan, 6]])
    assert found.label(series, 1) == "b"


def test_many_series_below_each_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "shop,day,sold,region\nx,2024-01-01,1,north\ny,2024-01-01,5,south\nx,2024-01-02,2,north\ny,2024-01-02,6,south\n"
    )
    with caplog.at_level(logging.INFO):
        found, _ = panel(tmp_path, text)
    assert found.columns.series == ("shop",)
    assert found.columns.constants == ("region",)
    assert found.columns.targets == ("sold",)
    assert [s.name for s in found.series] == [("x",), ("y",)]
    assert [s.values[:, 0].tolist() for s in found.series] == [[1, 2], [5, 6]]
    assert [s.constants.tolist() for s in found.series] == [[1, 0], [0, 1]]
    assert "series: 2 different of shop" in caplog.text


def test_two_columns_together_name_a_series(tmp_path: Path) -> None:
    rows = [
        f"{shop},{item},2024-01-0{day},{day}" for shop in ("x", "y") for item in ("p", "q", "r") for day in (1, 2, 3)
    ]
    found, _ = panel(tmp_path, "\n".join(["shop,item,day,sold", *rows]) + "\n")
    assert set(found.columns.series) == {"shop", "item"}
    assert len(found.series) == 6


def test_a_series_a_row_with_empty_cells_after_its_end(tmp_path: Path) -> None:
    head = ",".join(f"V{n}" for n in range(1, 12))
    found, _ = panel(tmp_path, f"{head}\nH1,{','.join(map(str, range(10)))}\nH2,7,8,,9,,,,,,\n")
    assert found.columns.layout == "rows"
    assert [s.name for s in found.series] == [("H1",), ("H2",)]
    np.testing.assert_array_equal(found.series[1].values[:, 0], [7, 8, np.nan, 9])


def test_the_columns_of_a_series_a_row_may_be_dates(tmp_path: Path) -> None:
    months = [f"2023-{n:02d}" for n in range(1, 11)]
    found, _ = panel(tmp_path, f"town,{','.join(months)}\nA,{','.join(map(str, range(10)))}\n")
    assert found.clock.describe() == "a month"
    assert found.clock.texts(found.clock.times(found.series[0].slots[:2])) == ["2023-01-01", "2023-02-01"]


def test_columns_behind_those_of_steps_are_not_learnt_from(tmp_path: Path, caplog: Any) -> None:
    years = [str(year) for year in range(1990, 2010)]
    for behind, last in (("Total", "20"), ("Total,Remark", "20,so"), ("Remark", "")):
        rows = "".join(f"{name},{','.join(['1'] * 20)},{last}\n" for name in "ABC")
        (tmp_path / "wide.csv").write_text(f"Country,{','.join(years)},{behind}\n{rows}")
        caplog.clear()
        with caplog.at_level("INFO"):
            table = read_table(tmp_path / "wide.csv", BadRows())
            columns = find_columns(table, Columns(""))
        assert (columns.layout, columns.series) == ("rows", ("Country",))
        assert f"not used: {behind.replace(',', ', ')}" in caplog.messages
        assert [len(each) for each in read_panel(table, columns).series] == [20] * 3


@pytest.mark.parametrize(
    ("names", "steps", "series", "clock"),
    [
        ("id=a/b/c item_id=x/x/y dept_id=p/p/p", [f"d_{n}" for n in range(1, 30)], ("id",), "a step"),
        ("RegionID=7/8/9 SizeRank=1/2/3 RegionName=A/B/C State=s/s/s",
         [f"{2000 + n // 12}-{n % 12 + 1:02d}" for n in range(24)], ("RegionName",), "a month"),
        ("Country=A/A/B Unit=t/m/t", [str(year) for year in range(1990, 2020)], ("Country", "Unit"), "a year"),
        ("Province=P/Q/ Country=A/A/B Lat=1.5/2.5/3.5 Long=1.5/7.5/9.5",
         [f"1/{n}/20" for n in range(1, 32)], ("Province", "Country"), "a day"),
    ],
)  # fmt: skip
def test_a_row_may_have_several_names(
    names: str, steps: list[str], series: tuple[str, ...], clock: str, tmp_path: Path
) -> None:
    heads, cells = zip(*(each.split("=") for each in names.split()), strict=True)
    named = zip(*(each.split("/") for each in cells), strict=True)
    rows = [",".join([*each, *(str(n + 0.5) for n in range(len(steps)))]) for each in named]
    found, _ = panel(tmp_path, "\n".join([",".join([*heads, *steps]), *rows]) + "\n")
    assert (found.columns.layout, found.columns.series) == ("rows", series)
    assert found.clock.describe() == clock
    assert [each.values[:, 0].tolist() for each in found.series] == [[n + 0.5 for n in range(len(steps))]] * 3


def test_columns_that_count_beside_a_time_are_no_series_a_row(tmp_path: Path) -> None:
    rows = [f"2024-01-{n:02d},A," + ",".join(["1.5", str(n)] * 5) for n in range(1, 20)]
    found, _ = panel(tmp_path, "\n".join(["date,town," + ",".join(f"x_{n}" for n in range(10)), *rows]) + "\n")
    assert found.columns.layout == "columns"


def test_year_month_day_and_hour_make_a_time(tmp_path: Path) -> None:
    rows = [f"{n},2024,2,{1 + n // 24},{n % 24},{n}" for n in range(30)]
    found, _ = panel(tmp_path, "\n".join(["No,year,month,day,hour,x", *rows]) + "\n")
    assert found.columns.time == ("year", "month", "day", "hour")
    assert found.columns.targets == ("x",)
    assert found.clock.describe() == "an hour"
    assert len(found.series[0]) == 30


def test_without_times_the_order_is_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        found, _ = panel(tmp_path, "a,b\n1.5,2\n2.5,3\n")
    assert found.clock.unit == "row"
    assert "rows are taken to be in order" in caplog.text


def test_missing_rows_are_gaps_and_unordered_ones_are_sorted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "time,v\n2024-01-01 03:00,3\n2024-01-01 00:00,0\n2024-01-01 01:00,1\n2024-01-01 06:00,6\n2024-01-01 07:00,7\n"
    )
    with caplog.at_level(logging.INFO):
        found, _ = panel(tmp_path, text)
    np.testing.assert_array_equal(found.series[0].values[:, 0], [0, 1, np.nan, 3, np.nan, np.nan, 6, 7])
    assert "not in order of time; they were sorted" in caplog.text


def test_what_is_known_reaches_beyond_the_last_target(tmp_path: Path) -> None:
    text = "time,v,holiday\n2024-01-01,1,no\n2024-01-02,2,yes\n2024-01-03,,no\n2024-01-04,,\n"
    found, _ = panel(tmp_path, text, targets=("v",), known=("holiday",))
    (series,) = found.series
    assert len(series) == 2
    assert found.columns.kinds == {"holiday": ["no", "yes"]}
    np.testing.assert_array_equal(series.known, [[1, 0], [0, 1], [1, 0], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (hours([1, "x", *range(22)]), r"line 3: value is 'x', not a number"),
        (hours([1, "inf", *range(22)]), r"line 3: value is 'inf', not a number"),
        (hours([1, 2, 3]) + "soon,4\n", r"line 5: time is 'soon', which is no time like the others"),
        ("time,v\n" + "".join(f"{n},{n}\n" for n in range(24)) + "1e400,4\n", r"line 26: time is '1e400', which is no"),
        (hours([1, 2, 3]) + "2024-01-01 01:00,4\n", r"line 5: the time 2024-01-01 01:00 stands already in line 3"),
        (hours([1, 2, 3]) + "2124-01-01 01:00,4\n", r"line 5: time is far from all before it"),
        ("time,word\n2024-01-01,a\n2024-01-02,b\n", "no column of numbers to forecast"),
    ],
)
def test_a_bad_row_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=message):
        panel(tmp_path, text)


def test_bad_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    text = hours([1, "x", 3, 4, *range(20)]) + "2024-01-01 03:00,9\nnever,1\n"
    found, bad = panel(tmp_path, text, skip=True)
    assert len(bad.listed) == 3
    np.testing.assert_array_equal(found.series[0].values[:4, 0], [1, np.nan, 3, 4])


def test_an_hour_that_comes_twice_where_clocks_are_set_back(tmp_path: Path) -> None:
    clocks = ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"]
    text = "time,v\n" + "".join(f"2024-10-27 {c},{n}\n" for n, c in enumerate(clocks))
    with pytest.raises(ElmanError, match="where clocks are set back, say their zone with --timezone"):
        panel(tmp_path, text)
    found, _ = panel(tmp_path, text, zone="Europe/Berlin")
    assert found.series[0].values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_times_with_and_without_a_zone_do_not_mix(tmp_path: Path) -> None:
    text = "time,v\n2024-01-01 00:00Z,1\n2024-01-01 01:00+00:00,2\n2024-01-01 02:00,3\n"
    with pytest.raises(ElmanError, match="line 4: time is '2024-01-01 02:00', which is no time like the others"):
        panel(tmp_path, text)
    found, _ = panel(tmp_path, text.replace("02:00,3", "03:00,3"), zone="Europe/Berlin")  # 02:00 in UTC
    assert found.series[0].values[:, 0].tolist() == [1, 2, 3]


def test_a_day_and_a_clock_make_one_series(tmp_path: Path) -> None:
    rows = [f"{1 + n // 24:02d}/03/2004;{n % 24:02d}.00.00;{n}" for n in range(480) if n != 100]
    found, _ = panel(tmp_path, "\n".join(["Date;Time;CO", *rows]) + "\n")
    assert found.columns.time == ("Date", "Time")
    assert found.columns.forms == ("dmy", "time of day")
    assert found.clock.describe() == "an hour"
    (series,) = found.series
    assert np.flatnonzero(np.isnan(series.values[:, 0])).tolist() == [100]
    rolling = Rolling(found.columns, found.clock, 5, 3)
    pushed = [rolling.push(row) for row in rows[:30]]
    assert pushed[29] is not None
    assert pushed[29].series[0].slots[-1] == 29


def test_a_day_and_a_month_are_read_from_a_line_as_from_the_file(tmp_path: Path) -> None:
    rows = [f"{1 + n % 28:02d}/{1 + n // 28:02d}/2021,{n}" for n in range(56)]
    found, _ = panel(tmp_path, "\n".join(["Date,CO", *rows]) + "\n")
    rolling = Rolling(found.columns, found.clock, 5, 3)
    rolling.push("02/01/2021,1")
    pushed = rolling.push("03/01/2021,1")  # alone it might be the first of March as well
    assert pushed is not None
    assert pushed.series[0].slots.tolist() == [0, 1]


def test_a_step_that_most_rows_do_not_keep_is_refused(tmp_path: Path) -> None:
    gaps = np.random.default_rng(1).integers(40, 4000, 300).cumsum()
    moments = [np.datetime64("2024-01-01T00:00:00") + np.timedelta64(int(gap), "s") for gap in gaps]
    text = "time,v\n" + "".join(f"{str(moment).replace('T', ' ')},1.5\n" for moment in moments)
    with pytest.raises(ElmanError, match=r"not evenly apart in time: of 299 only \d+ keep a step of .*--frequency"):
        panel(tmp_path, text)
    found, _ = panel(tmp_path, text, frequency="1h")
    assert found.clock.describe() == "an hour"
    read = read_panel(read_table(tmp_path / "table.csv", BadRows()), found.columns, found.clock, uneven=True)
    assert len(read.series[0]) == len(found.series[0])
    few = "".join(f"{1 + n} of a week,{n}\n" for n in range(9))
    with pytest.raises(ElmanError, match="time cannot be read as times: '1 of a week', '2 of a week'"):
        panel(tmp_path, f"time,v\n{few}")
    found, _ = panel(tmp_path, hours([1, 2, 3, 4]) + "2024-01-02 09:00,5\n2024-01-02 13:00,5\n")
    assert len(found.series[0]) == 38  # gaps are whole numbers of steps


def test_a_clock_that_is_a_little_early_or_late_keeps_its_step(tmp_path: Path) -> None:
    seconds = [300 * n + (n * 7) % 20 for n in range(100)]
    moments = [np.datetime64("2024-01-01T00:00:00") + np.timedelta64(second, "s") for second in seconds]
    found, _ = panel(tmp_path, "time,v\n" + "".join(f"{moment},1\n" for moment in moments), frequency="5min")
    assert read_panel(read_table(tmp_path / "table.csv", BadRows()), found.columns, found.clock).clock == found.clock


def test_a_column_may_be_left_out(tmp_path: Path) -> None:
    text = "time,v,other\nsoon,1,2\nlate,2,4\nnow,3,1\n"
    (tmp_path / "left.csv").write_text(text, encoding="utf-8")
    table = read_table(tmp_path / "left.csv", BadRows())
    found = find_columns(table, Columns(""), ("time", "other"))
    assert (found.time, found.targets) == ((), ("v",))
    with pytest.raises(ElmanError, match="has no column 'o'"):
        find_columns(table, Columns(""), ("o",))


def test_a_column_is_named_for_one_thing(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="'value' is named for two things"):
        panel(tmp_path, hours([1, 2]), targets=("value",), known=("value",))
    with pytest.raises(ElmanError, match="has no column 'demand'"):
        panel(tmp_path, hours([1, 2]), targets=("demand",))


def made(values: np.ndarray, clock: Clock) -> Panel:
    empty = np.zeros((len(values), 0))
    series = Series((), 0, values[:, None], empty, empty, np.zeros(0))
    return Panel("made", Columns("columns", targets=("x",)), clock, [series])


@pytest.mark.parametrize(
    ("period", "clock", "expected"),
    [
        (12, Clock("row", 1), [12]),
        (25, Clock("fixed", 3600 * 10**6), [24]),  # near a day of hours
        (25, Clock("row", 1), [25]),
        (None, Clock("row", 1), []),
    ],
)
def test_a_season_is_found_in_noise_and_trend(period: int | None, clock: Clock, expected: list[int]) -> None:
    random, steps = np.random.default_rng(1), np.arange(1200)
    values = 0.01 * steps + random.standard_normal(1200)
    if period is None:
        values = values.cumsum()  # a random walk repeats nothing
    else:
        values += 2 * np.sin(2 * np.pi * steps / period)
    values[100:130] = np.nan
    assert find_seasons(made(values, clock), [1200]) == expected


def test_a_week_of_days_is_found_beside_the_day() -> None:
    steps = np.arange(24 * 7 * 12)
    load = np.sin(2 * np.pi * steps / 24) * np.where(steps // 24 % 7 < 5, 1.0, 0.4)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(steps))
    assert find_seasons(made(load + noise, Clock("fixed", 3600 * 10**6)), [len(steps)]) == [24, 168]


@pytest.mark.parametrize("unit", [1e-30, 1e37])
def test_a_season_is_found_in_any_unit(unit: float) -> None:
    wave = np.sin(2 * np.pi * np.arange(240) / 12) + 3
    assert find_seasons(made(unit * wave, Clock("row", 1)), [240]) == [12]


def test_a_constant_series_has_no_season() -> None:
    assert find_seasons(made(np.ones(200), Clock("row", 1)), [200]) == []


def test_a_stream_of_rows_becomes_the_series_of_the_file(tmp_path: Path) -> None:
    text = "time,v,warm\n" + "".join(
        f"2024-01-01 {n:02d}:00,{n if n != 4 else ''},{n % 3}\n" for n in range(12) if n != 7
    )
    found, _ = panel(tmp_path, text, targets=("v",), known=("warm",))
    rolling = Rolling(found.columns, found.clock, 5, 3)
    pushed = [rolling.push(line) for line in text.splitlines()[1:]]
    assert pushed[4] is None  # it has no target
    (whole,) = found.series
    told = pushed[5]
    assert told is not None
    np.testing.assert_array_equal(told.series[0].known, whole.known[1:6])  # of the row without a target too
    last = pushed[-1]
    assert last is not None
    (series,) = last.series
    assert series.start == 7
    np.testing.assert_array_equal(series.values, whole.values[-5:])
    np.testing.assert_array_equal(series.known, whole.known[-5:])
    with pytest.raises(ElmanError, match="is not after 2024-01-01 11:00:00"):
        rolling.push("2024-01-01 11:00,1,1")
    with pytest.raises(ElmanError, match="v is 'x', not a number"):
        rolling.push("2024-01-01 12:00,x,1")


def test_a_stream_tells_what_is_known_of_the_future() -> None:
    columns = Columns("columns", ("t",), ("who",), ("v",), ("warm",))
    rolling = Rolling(columns, Clock("number", 1), 4, 3)
    assert rolling.push(json.dumps({"t": 0, "who": "a", "v": 1, "warm": 5})) is not None
    assert rolling.push(json.dumps({"t": 2, "who": "a", "v": None, "warm": 7})) is None
    assert rolling.push(json.dumps({"t": 0, "who": "b", "v": 1, "warm": 0})) is not None
    found = rolling.push(json.dumps({"t": 1, "who": "a", "v": 2, "warm": 6}))
    assert found is not None
    np.testing.assert_array_equal(found.series[0].known[:, 0], [5, 6, 7])
    assert len(found.series[0]) == 2


HOUR, DAY = Clock("fixed", 3600 * 10**6), Clock("fixed", 24 * 3600 * 10**6)


def beside(kind: str, number: int, random: np.random.Generator) -> np.ndarray:
    """What moves slowly, or without order, and repeats nothing."""
    steps, noise = np.arange(number), random.standard_normal(number)
    return {
        "drift": 10 * np.sin(steps / 2400) + 20 * np.sin(steps / 700) + 0.4 * noise,
        "faster drift": 20 * np.sin(steps / 150) + 0.4 * noise,
        "bend": 1e-5 * steps.astype(float) ** 2 + 0.5 * noise,
        "walk": noise.cumsum(),
        "noise": noise,
        "slow noise": lfilter([1], [1, -0.9], noise),
    }[kind]


@pytest.mark.parametrize("kind", ["drift", "faster drift", "bend", "walk", "noise", "slow noise"])
@pytest.mark.parametrize("clock", [HOUR, DAY, Clock("row", 1)])
def test_what_moves_slowly_or_at_random_is_no_season(kind: str, clock: Clock) -> None:
    for number in (100, 300, 3000):
        values = beside(kind, number, np.random.default_rng(2))
        assert find_seasons(made(values, clock), [number]) == []


@pytest.mark.parametrize(
    ("kind", "clock", "period", "size"),
    [
        ("drift", HOUR, 24, 1.5),
        ("faster drift", HOUR, 24, 1.5),
        ("bend", HOUR, 24, 1.0),
        ("walk", HOUR, 24, 3.0),
        ("drift", DAY, 7, 1.0),
        ("walk", DAY, 7, 2.5),
        ("drift", Clock("row", 1), 25, 1.5),
        ("slow noise", HOUR, 168, 4.0),
    ],
)
def test_slow_movements_hide_no_season(kind: str, clock: Clock, period: int, size: float) -> None:
    values = beside(kind, 3000, np.random.default_rng(3)) + size * np.sin(2 * np.pi * np.arange(3000) / period)
    assert find_seasons(made(values, clock), [3000])[:1] == [period]


def test_a_table_without_the_names_of_its_series_is_told(tmp_path: Path) -> None:
    columns = Columns("columns", series=("shop",), targets=("v",))
    (tmp_path / "bare.csv").write_text("v,w\n1,2\n3,4\n")
    with pytest.raises(ElmanError, match=r"bare.csv has no column 'shop'; its columns are v, w"):
        read_panel(read_table(tmp_path / "bare.csv", BadRows()), columns)


def test_a_second_column_of_times_is_no_target(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text = "open_time,open,close_time\n" + "".join(
        f"{(1_600_000_000 + 60 * n) * 1000},{n % 7}.5,{(1_600_000_060 + 60 * n) * 1000 - 1}\n" for n in range(40)
    )
    found, _ = panel(tmp_path, text)
    assert (found.columns.time, found.columns.targets) == (("open_time",), ("open",))
    assert "not to forecast, unless --target names them: close_time (a time)" in caplog.messages


def test_rows_of_another_step_than_those_that_were_learnt_from_are_refused(tmp_path: Path) -> None:
    found, _ = panel(tmp_path, hours(list(range(24))))
    path = tmp_path / "other.csv"
    for step, said in ((2, "2 hours"), (24, "a day")):
        times = [np.datetime64("2024-01-01T00") + np.timedelta64(step * n, "h") for n in range(8)]
        path.write_text("time,value\n" + "".join(f"{time},{n}\n" for n, time in enumerate(times)))
        with pytest.raises(ElmanError, match=rf"its rows are {said} apart in time, .* from an hour; give rows"):
            read_panel(read_table(path, BadRows()), found.columns, found.clock)
    path.write_text("time,value\n2024-01-01 00:00,1\n2024-01-01 05:00,2\n2024-01-01 06:00,2\n")  # rows are missing
    assert len(read_panel(read_table(path, BadRows()), found.columns, found.clock).series[0]) == 7


def test_parts_of_the_time_places_and_flags_are_no_targets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rows = [
        f"2020-01-{n + 1:02d},{n % 7},{n // 9},{10115 + n % 2},{'a' if n == 9 else 0},{n % 5}.5\n" for n in range(31)
    ]
    found, _ = panel(tmp_path, "date,DayOfWeek,mnth,zip,StateHoliday,Sales\n" + "".join(rows))
    assert found.columns.targets == ("Sales",)
    (said,) = [each for each in caplog.messages if each.startswith("not to forecast")]
    assert said.endswith(
        "DayOfWeek (a part of the time), mnth (a part of the time), zip (a name), StateHoliday (a flag)"
    )


def test_what_keeps_a_column_from_being_used_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"{1 + n % 28:02d}.01.,{n} {('kW', 'W', 'MW')[n % 3]},{n}" for n in range(28)]
    with caplog.at_level(logging.INFO):
        panel(tmp_path, "\n".join(["start,load,other", *rows]) + "\n")
    said = "start (days without a year, such as '01.01.'; with the year in them they are times), load ('0 kW', '1 W', "
    assert f"not used: {said}'2 MW' are no numbers of one kind)" in caplog.text
    with pytest.raises(ElmanError, match=r"no column of numbers to forecast; .*load is '0 kW', '1 W', '2 MW'"):
        panel(tmp_path, "\n".join(["start,load", *(row.rpartition(",")[0] for row in rows)]) + "\n")
    with pytest.raises(ElmanError, match="load is '0 kW', not a number, and others are '1 W' and '2 MW'"):
        panel(tmp_path, "\n".join(["start,load,other", *rows]) + "\n", targets=("load",))


def test_codes_that_begin_with_zeros_are_no_amounts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"2020-01-{day:02d},{7000 + 13 * day % 9:05d},{day % 7}.5,{day % 5:02d}.5" for day in range(1, 30)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["date,where,load,padded", *rows]))
    with caplog.at_level("INFO"):
        found = find_columns(read_table(path, BadRows()), Columns(""))
    assert found.targets == ("load", "padded")
    assert "not to forecast, unless --target names them: where (codes that begin with zeros)" in caplog.text
    assert find_columns(read_table(path, BadRows()), Columns("", targets=("where",))).targets == ("where",)
    path.write_text("\n".join(["date,where", *(row.rsplit(",", 2)[0] for row in rows)]))
    with pytest.raises(ElmanError, match=r"unless --target names where \(codes that begin with zeros\)"):
        find_columns(read_table(path, BadRows()), Columns(""))


@pytest.mark.parametrize(
    ("steps", "rows"),
    [
        (["2019", "2020", "2021"], True),
        (["2019-01", "2019-02", "2019-03", "2019-04"], True),
        (["2019", "2023", "2024"], True),
        (["2021", "2020", "2019"], True),
        (["2019", "2024", "2023"], False),
        (["high", "low", "mean"], False),
    ],
)
def test_of_years_or_dates_that_follow_each_other_few_make_a_row_a_series(
    steps: list[str], rows: bool, tmp_path: Path
) -> None:
    text = f"country,{','.join(steps)}\n" + "".join(
        f"Land {n}," + ",".join(str(n * 10 + 3 * k) for k in range(len(steps))) + "\n" for n in range(20)
    )
    found, _ = panel(tmp_path, text)
    assert found.columns.layout == ("rows" if rows else "columns")
    assert [series.name for series in found.series][:2] == ([("Land 0",), ("Land 1",)] if rows else [()])
    months = text.replace("country", "month")
    assert panel(tmp_path, months)[0].columns.layout == "columns"  # such rows are moments, of several years each


def test_a_series_is_named_by_columns_that_are_not_both_empty(tmp_path: Path) -> None:
    dates = [f"1/{day}/20" for day in range(20, 30)]
    places = [("", "Chad"), ("Yukon", "Canada"), ("Quebec", "Canada")]
    text = f"Province/State,Country/Region,Lat,{','.join(dates)}\n" + "".join(
        f"{province},{country},{n}.5,{','.join(map(str, range(10)))}\n" for n, (province, country) in enumerate(places)
    )
    found, _ = panel(tmp_path, text)
    assert [series.name for series in found.series] == places
    assert found.label(found.series[0], 0) == "Chad"
    assert panel(tmp_path, text.replace("Quebec,Canada", "Hubei,China"))[0].columns.series == ("Country/Region",)


def test_of_dates_that_name_columns_the_order_is_asked_for_and_kept(tmp_path: Path) -> None:
    dates = [f"{n}/1/24" for n in range(1, 11)]
    text = f"Province,Country,{','.join(dates)}\n" + "".join(f"P{n},C{n % 2},{'3,' * 9}{n}\n" for n in range(4))
    with pytest.raises(ElmanError, match=r"the first row has dates such as '1/1/24', .* --date-order dmy or mdy"):
        panel(tmp_path, text)
    table = read_table(tmp_path / "table.csv", BadRows())
    for order, step in (("dmy", "a day"), ("mdy", "a month")):
        columns = find_columns(table, Columns(""), order=order)
        assert columns.series == ("Province",)
        assert read_panel(table, columns).clock.describe() == step
