"""When rows were: which columns say it, in any task, and what is refused."""

import logging
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.data.times.found import find_form
from elman.data.times.parts import find_parts
from elman.data.times.when import When, find_when, how_written
from elman.errors import ElmanError

HOURS = [datetime(2020, 1, 30, 22) + timedelta(hours=n) for n in range(60)]


def microseconds(moments: list[datetime]) -> list[float]:
    return [round(each.replace(tzinfo=UTC).timestamp()) * 1e6 for each in moments]


def found(columns: dict[str, Any], *roles: str, said: tuple[str, ...] = ()) -> When:
    table = read_table(columns, BadRows())
    return find_when(table, said, table.columns, *roles)


VALUES = list(range(60))


def in_parts(names: str) -> dict[str, list[int]]:
    """The hours in columns of years, months, days and hours."""
    parts = zip(names.split(), ("year", "month", "day", "hour"), strict=True)
    return {name: [getattr(h, part) for h in HOURS] for name, part in parts}


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"Date": [f"{h:%d/%m/%Y}" for h in HOURS], "Time": [f"{h:%H.%M.%S}" for h in HOURS]}, ("Date", "Time")),
        ({"Datum": [f"{h:%d.%m.%y}" for h in HOURS], "Uhrzeit": [f"{h:%H:%M}" for h in HOURS]}, ("Datum", "Uhrzeit")),
        ({"data": [f"{h:%Y-%m-%d}" for h in HOURS], "ora": [h.hour for h in HOURS]}, ("data", "ora")),
        ({"fecha": [f"{h:%d/%m/%Y}" for h in HOURS], "hora": [f"{h:%I:%M %p}" for h in HOURS]}, ("fecha", "hora")),
        ({"day": [h.date() for h in HOURS], "hour": [h.hour for h in HOURS]}, ("day", "hour")),
        ({"date": [f"{h:%Y-%m-%d}" for h in HOURS], "time": [f"{h:%I:%M}" for h in HOURS],
          "half": [f"{h:%p}" for h in HOURS]}, ("date", "time", "half")),
        ({"date": [f"{h:%d.%m.%Y}" for h in HOURS], "hour": [int(f"{h:%I}") for h in HOURS],
          "AM/PM": [("a.m.", "p.m.")[h.hour > 11] for h in HOURS]}, ("date", "hour", "AM/PM")),
        ({"date": [int(f"{h:%Y%m%d}") for h in HOURS], "time": [int(f"{h:%H%M}") for h in HOURS]}, ("date", "time")),
        ({"date": [h.date() for h in HOURS], "clock": [h.time() for h in HOURS]}, ("date", "clock")),
        ({"date": [f"{h:%x}" for h in HOURS], "time": [h.hour / 24 for h in HOURS]}, ("date", "time")),
        ({"日期": [f"{h:%Y/%m/%d}" for h in HOURS], "时间": [f"{h:%H:%M:%S}" for h in HOURS]}, ("日期", "时间")),
        ({name: [getattr(h, name) for h in HOURS] for name in ("year", "month", "day", "hour")},
         ("year", "month", "day", "hour")),
        ({"Jahr": [h.year for h in HOURS], "Monat": [h.month for h in HOURS], "Tag": [h.day for h in HOURS],
          "Stunde": [h.hour for h in HOURS]}, ("Jahr", "Monat", "Tag", "Stunde")),
        ({"year": [h.year for h in HOURS], "doy": [h.timetuple().tm_yday for h in HOURS],
          "hour": [h.hour for h in HOURS]}, ("year", "doy", "hour")),
        (in_parts("YEAR MO DY HR"), ("YEAR", "MO", "DY", "HR")),
        (in_parts("Y M D H"), ("Y", "M", "D", "H")),
        (in_parts("Rok Měsíc Den Hodina"), ("Rok", "Měsíc", "Den", "Hodina")),
        (in_parts("年 月 日 時"), ("年", "月", "日", "時")),
        ({name: [f"{h:{written}}" for h in HOURS] for name, written in
          (("#YY", "%y"), ("MM", "%m"), ("DD", "%d"), ("hh", "%H"), ("mm", "%M"))}, ("#YY", "MM", "DD", "hh", "mm")),
        ({"yr": [h.year for h in HOURS], "mn": [h.month for h in HOURS], "dy": [h.day for h in HOURS],
          "time": [f"{h:%H:%M}" for h in HOURS]}, ("yr", "mn", "dy", "time")),
        ({"Year": [h.year for h in HOURS], "Month": [f"{h:%b}" for h in HOURS], "Day": [h.day for h in HOURS],
          "HHMM": [f"{h:%H%M}" for h in HOURS]}, ("Year", "Month", "Day", "HHMM")),
        ({"year": [f"{h:%G}" for h in HOURS], "week": [f"{h:%V}" for h in HOURS],
          "weekday": [f"{h:%A}" for h in HOURS], "hour": [h.hour for h in HOURS]}, ("year", "week", "weekday", "hour")),
        ({"Day": [int(f"{h:%Y%m%d}") for h in HOURS], "Hour": [h.hour for h in HOURS]}, ("Day", "Hour")),
        ({"day": [f"{h:%Y-%m-%d}" for h in HOURS], "hour": [f"{h:%H}-{h.hour + 1:02}" for h in HOURS]},
         ("day", "hour")),
        ({"Timestamp [UTC]": [f"{h:%Y-%m-%d %H:%M}" for h in HOURS], "hour": [h.hour for h in HOURS]},
         ("Timestamp [UTC]",)),
        ({"day": [h.date() for h in HOURS], "at": HOURS}, ("at",)),
        ({"id": [f"Jan-{n % 3 + 10}" for n in VALUES], "czas": [f"{h:%Y-%m-%d %H:%M}" for h in HOURS]}, ("czas",)),
    ],
)  # fmt: skip
def test_the_columns_that_say_it_are_found(
    columns: dict[str, Any], named: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    table = read_table({**columns, "load": VALUES}, BadRows())
    when = find_when(table, (), [name for name in table.columns if name != "id"])
    assert when.columns == named
    assert when.read(table.frame).values.tolist() == microseconds(HOURS)
    assert found({**columns, "load": VALUES}, said=named).forms == when.forms
    assert caplog.messages[0].startswith("times: ")
    assert all(f'"{name}"' in caplog.messages[0] for name in named)
    # a row alone, and a row as a stream has it, are read as all of them
    assert [when.read(table.frame[row : row + 1]).values[0] for row in (0, 59)] == microseconds([HOURS[0], HOURS[59]])
    cells = when.cells(f"{HOURS[7]:%Y-%m-%d %H:%M:%S}")
    assert when.read(pl.DataFrame({name: [cell] for name, cell in cells.items()})).values[0] == microseconds(HOURS)[7]


@pytest.mark.parametrize(
    ("columns", "step"),
    [
        ({"Day": "2024-03-{0}", "Hour": "HE{2:02}"}, 24),
        ({"SETTLEMENT_DATE": "{0}-Mar-2024", "SETTLEMENT_PERIOD": "{2}"}, 48),
        ({"date": "2024-03-{0}", "interval": "{1}"}, 96),
        ({"Year": "2024", "Month": "3", "Day": "{0}", "period": "{2}"}, 288),
    ],
)
def test_the_periods_of_a_day_are_counted_beside_it(columns: dict[str, str], step: int) -> None:
    places = [(day, n) for day in range(10, 13) for n in range(step)]
    cells = {name: [cell.format(day, n, n + 1) for day, n in places] for name, cell in columns.items()}
    table = read_table({**cells, "load": [5.0 + n % 7 for n in range(len(places))]}, BadRows())
    when = find_when(table, (), table.columns)
    assert when.columns == tuple(columns)
    read = when.read(table.frame).values
    assert set(np.diff(read)) == {24 * 3600e6 / step}
    assert read[0] in microseconds([datetime(2024, 3, 10), datetime(2024, 3, 10, 1)])
    assert when.read(table.frame[5:6]).values[0] == read[5]
    assert how_written(table.frame, when.columns).forms == when.forms
    again = {name: [cell] for name, cell in when.cells("2024-03-11 12:00:00").items()}
    assert when.read(pl.DataFrame(again)).values[0] == microseconds([datetime(2024, 3, 11, 12)])[0]


def test_a_day_on_which_clocks_are_set_back_has_more_periods() -> None:
    last = {26: 48, 27: 50, 28: 48}
    places = [(day, n) for day, most in last.items() for n in range(1, most + 1)]
    table = read_table({"date": [f"2024-10-{day}" for day, _ in places], "period": [n for _, n in places]}, BadRows())
    when = find_when(table, (), table.columns)
    assert set(np.diff(when.read(table.frame, "Europe/London").values)) == {1800e6}
    longer = np.flatnonzero(np.isnan(when.read(table.frame).values))
    assert [places[row] for row in longer] == [(27, 49), (27, 50)]
    assert "say their zone with --timezone" in when.missing(table, int(longer[0]))
    hours = [(day, n) for day, most in last.items() for n in range(1, most // 2 + 1)]
    table = read_table({"date": [f"2024-10-{day}" for day, _ in hours], "hour": [n for _, n in hours]}, BadRows())
    when = find_when(table, (), table.columns)
    assert set(np.diff(when.read(table.frame, "Europe/Madrid").values)) == {3600e6}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Year": ["2019", "2019", "2020"], "period": ["M11", "M12", "M01"]}, [(2019, 11), (2019, 12), (2020, 1)]),
        ({"year": ["2019", "2019", "2020"], "half": ["H1", "H2", "H1"]}, [(2019, 1), (2019, 7), (2020, 1)]),
        ({"FY": ["FY2019", "FY2019", "FY2020"], "quarter": ["Q3", "Q4", "Q1"]}, [(2019, 7), (2019, 10), (2020, 1)]),
        ({"Rok": [2019, 2019, 2020], "kwartał": [3, 4, 1]}, [(2019, 7), (2019, 10), (2020, 1)]),
        ({"yr": [2019, 2019, 2020], "mn": [11, 12, 1]}, [(2019, 11), (2019, 12), (2020, 1)]),
    ],
)
def test_a_year_and_a_part_of_it_in_two_columns(columns: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    when = found({**columns, "load": [1.5, 2.5, 3.5]})
    assert when.columns == tuple(columns)
    assert when.read(pl.DataFrame(columns)).values.tolist() == microseconds([datetime(y, m, 1) for y, m in expected])


def test_of_several_parts_of_a_year_the_one_that_tells_most_rows_apart_is_taken() -> None:
    year, month = [2019 + n // 12 for n in range(24)], [1 + n % 12 for n in range(24)]
    quarter = [f"Q{(m + 2) // 3}" for m in month]
    load = [n + 0.5 for n in range(24)]
    assert found({"Year": year, "Quarter": quarter, "Month": month, "x": load}).columns == ("Year", "Month")
    assert found({"Year": year, "Month": [m // 5 + 1 for m in month], "Week": month, "x": load}).columns == (
        "Year",
        "Week",
    )


def test_names_of_one_letter_are_parts_right_behind_each_other_alone() -> None:
    parts = {"Y": [2021, 2021, 2021], "M": [1, 1, 1], "D": [1, 2, 3]}
    assert found({**parts, "flow": [1.5, 2.5, 3.5]}).columns == ("Y", "M", "D")
    assert found({"y": [2021.5, 1999, 2030], "m": [1, 1, 1]}).columns == ()
    assert found({"year": [2021, 2022, 2023], "flow": [1.5, 2.5, 3.5], "m": [1, 2, 3]}).columns == ("year",)
    assert found({"year": [2021, 2022, 2023], "m": [70, 80, 90]}).columns == ("year",)


MONTHLY = [(2009 + n // 12, 1 + n % 12) for n in range(36)]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Monat", "{1:02}.{0}"),
        ("Monat", "{1}.{0}"),
        ("Month", "{1}/{0}"),
        ("mois", "{1:02}-{0}"),
        ("periodo", "{1:02}.{0}"),
        ("Stichtag", "{1:02}.{0}"),
        ("Datum", "{1}.{0}"),
        ("Jahr_Monat", "{0}{1:02}"),
        ("AñoMes", "{0}{1:02}"),
        ("Měsíc", "{1}. {0}"),
        ("Monat", "{0}.{1:02}"),
        ("TIME_PERIOD", "{0}{1:02}"),
        ("月份", "{0}年{1}月"),
        ("연월", "{0}. {1}."),
    ],
)
def test_months_are_times_and_no_numbers_where_a_column_is_called_so(name: str, written: str) -> None:
    months = [written.format(*each) for each in MONTHLY]
    expected = microseconds([datetime(y, m, 1) for y, m in MONTHLY])
    for cells, rows in ((months, expected), (months[::-1], expected[::-1])):
        when = found({name: cells, "x": [n + 0.5 for n in range(36)]})
        assert (when.columns, when.read(pl.DataFrame({name: cells})).values.tolist()) == ((name,), rows)
    # rows with the sum of a year are none of the others
    whole = [cell for n, month in enumerate(months) for cell in ((month, "Summe 2010") if n % 12 == 11 else (month,))]
    when = found({name: whole, "x": [n + 0.5 for n in range(39)]})
    assert when.columns == (name,)
    assert np.flatnonzero(np.isnan(when.read(pl.DataFrame({name: whole})).values)).tolist() == [12, 25, 38]


def test_months_whose_last_digit_a_number_has_lost() -> None:
    cells = {"Monat": [float(f"{m}.{y}") for y, m in MONTHLY], "x": [n + 0.5 for n in range(36)]}
    assert found(cells).read(pl.DataFrame(cells)).values.tolist() == microseconds([datetime(*m, 1) for m in MONTHLY])
    assert found({"time": [1.19, 1.2, 1.21], "x": [1.5, 2.5, 3.5]}).forms == ("numbers",)


def test_parts_of_the_calendar_are_times_where_they_are_counted() -> None:
    for months, named in (([1, 2, 3], ("month",)), ([1, 2, 1], ())):
        table = read_table({"month": months, "x": [1, 2, 3]}, BadRows())
        assert find_when(table, (), table.columns, counted=True).columns == named


def test_hours_that_end_at_24() -> None:
    columns = {"date": ["2020-01-31"] * 24, "hour": list(range(1, 25))}
    read = found(columns).read(pl.DataFrame(columns)).values
    assert np.ptp(np.diff(read)) == 0
    assert read[-1] == microseconds([datetime(2020, 2, 1)])[0]


@pytest.mark.parametrize(
    ("columns", "roles", "named"),
    [
        ({"hour": [1, 2, 1], "x": [1, 2, 3]}, ("period",), ("hour",)),
        ({"t": [0, 1, 2], "x": [1, 2, 3]}, (), ("t",)),
        ({"time": [0.5, 1, 2], "x": [1, 2, 3]}, (), ("time",)),
        ({"data": [0.5, 1, 2], "x": [1, 2, 3]}, (), ()),
        ({"hour": [1, 2, 1], "x": [1, 2, 3]}, (), ()),
        ({"julian": [1, 2, 3], "x": [1, 2, 3]}, (), ()),
        ({"year": [1990, 1991, 1992], "x": [1, 2, 3]}, (), ("year",)),
        ({"a": ["x", "y", "z"]}, (), ()),
        ({"opened": ["10:30", "11:30", "9:15"], "x": [1, 2, 3]}, (), ()),
    ],
)
def test_numbers_are_times_by_their_names(
    columns: dict[str, Any], roles: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert found(columns, *roles).columns == named


@pytest.mark.parametrize(
    ("name", "cells", "message"),
    [
        ("time", ["soon", "late", "never", "now"], r"time cannot be read as times: 'soon', 'late', 'never'; .*2020Q1"),
        ("Fecha", ["x1", "x2", "x3"], r"Fecha cannot be read as times: 'x1', 'x2', 'x3'; .*--ignore Fecha"),
        ("дата", ["завтра", "вчера"], "дата cannot be read as times: 'завтра', 'вчера'"),
        ("ds", [time(n) for n in range(4)], "ds has times of day without a day: '00:00:00', '01:00:00', '02:00:00'"),
        ("time", ["10:30", "11:30"], "time has times of day without a day: '10:30', '11:30'"),
        ("date", ["0001-01-01", "0001-01-02"], "date cannot be read as times: '0001-01-01', '0001-01-02'"),
        ("date", [datetime(9999, 1, 1), datetime(9999, 1, 2)], "date cannot be read as times: '9999-01-01"),
        ("time", ["1706e400", "1707e400", "-1"], "time cannot be read as times: '1706e400', '1707e400', '-1'"),
        ("date", ["01/02/2020", "02/02/2020"], r"dates such as '01/02/2020', .*--date-order dmy or mdy"),
    ],
)
def test_a_column_that_is_called_a_time_and_cannot_be_read_is_told(name: str, cells: list[Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        found({name: cells, "x": [1.0] * len(cells)})
    with pytest.raises(ElmanError, match=message):
        found({name: cells, "x": [1.0] * len(cells)}, said=(name,))


@pytest.mark.parametrize("name", ["date", "Zeitpunkt", "timestamp"])
def test_long_numbers_that_are_no_moments_are_told_where_a_column_is_called_a_time(name: str) -> None:
    odd = [f"2024{d.day:02d}{d.month:02d}" for d in (datetime(2024, 1, 1) + timedelta(days=n) for n in range(200))]
    with pytest.raises(ElmanError, match=f"{name} cannot be read as times: '20240101', '20240201', .*; .*--ignore"):
        found({name: [int(cell) for cell in odd], "x": [1.0] * len(odd)})
    for positions in (range(100000, 100600, 10), [172792 - 7 * n for n in range(60)], [n * n for n in range(600)]):
        assert found({name: list(positions), "x": [1.0] * len(positions)}).forms == ("numbers",)
    assert found({name: odd, "x": [1.0] * len(odd)}, said=(name,)).forms == ("numbers",)


@pytest.mark.parametrize(
    "name",
    ["tidspunkt", "Klokkeslæt", "tidpunkt", "tidsstämpel", "Tijdstip", "znacznik czasu", "data e hora"],
)
def test_times_have_names_in_more_languages(name: str) -> None:
    with pytest.raises(ElmanError, match=f"{name} cannot be read as times: 'x1', 'x2', 'x3'"):
        found({name: ["x1", "x2", "x3"], "x": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("วันที่", "{1}/{2}/{3}"),
        ("x", "{1}/{2}/{3}"),
        ("روز", "{4}/{2:02}/{1:02}"),
        ("period", "day {1} of month {2} of {0}"),
        ("Jahr", "{0} Nr. {1}, {2}"),
        ("ngày_tháng", "{1} & {2} & {0}"),
        ("תאריך", "{3}~{2}~{1}"),
        ("Ημερομηνία", "{1}η {2}ου {3}"),
    ],
)
def test_what_looks_like_times_and_cannot_be_read_is_told(name: str, written: str) -> None:
    days = [datetime(2021, 1, 1) + timedelta(days=n) for n in range(80)]
    cells = [written.format(d.year, d.day, d.month, d.year + 543, d.year - 621) for d in days]
    for each in (cells, cells[::-1]):
        table = read_table({name: each, "x1": [n % 7 + 0.5 for n in range(80)]}, BadRows())
        with pytest.raises(ElmanError, match=f"{name} cannot be read as times: "):
            find_when(table, (), table.columns, counted=True)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("model", "X-{1}-{0}"),
        ("invoice", "INV-{1}-{0:04}"),
        ("order_no", "2021-{0:04}"),
        ("version", "{0}.1.0"),
        ("period", "P{0}"),
        ("size", "{0} x {1}"),
    ],
)
def test_what_only_counts_is_no_time(name: str, written: str) -> None:
    cells = [written.format(n, n + 2000) for n in range(1, 61)]
    table = read_table({name: cells, "x": [n % 7 + 0.5 for n in range(60)]}, BadRows())
    assert find_when(table, (), table.columns, counted=True).columns == ()


def test_columns_that_make_no_time_together() -> None:
    with pytest.raises(ElmanError, match="the table: a, b make no time together"):
        how_written(pl.DataFrame({"a": ["x"], "b": ["y"]}), ("a", "b"))


def test_what_has_passed_is_a_time_where_series_begin_with_it() -> None:
    table = read_table({"Time": ["00:07", "26:30", "x"]}, BadRows())
    when = find_when(table, (), ["Time"], elapsed=True)
    np.testing.assert_array_equal(when.read(table.frame).values, [420, 95400, np.nan])


def test_the_first_version_kept_a_name() -> None:
    frame = pl.DataFrame({"when": ["2020-01-31"], "year": [2020], "month": [1]})
    for kept in ("when", ("when",)):
        assert When(kept).read(frame).dated  # type: ignore[arg-type]
    assert When(("year", "month")).read(frame).values[0] == microseconds([datetime(2020, 1, 1)])[0]
    assert When("").columns == ()  # type: ignore[arg-type]


def test_a_quarter_beside_a_time_of_day_is_no_part_of_a_moment() -> None:
    when = When(("day", "clock"), ("quarter", "time of day"))
    read = when.read(pl.DataFrame({"day": ["2024-Q2"], "clock": ["12:00"]}))
    assert read.values.astype("M8[us]").tolist() == [datetime(2024, 4, 1, 12)]


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["MESS_DATUM"], ["%Y%m%d%H"]),
        (["<DATE>", "<TIME>"], ["%Y%m%d", "%H%M%S"]),
        (["YYYYMMDD", "HH"], ["%Y%m%d", "%H"]),
        (["Unix Timestamp"], ["%s"]),
        (["obs_date", "hh"], ["%Y%m%d", "%H"]),
        (["unix"], ["%s000"]),
    ],
)
def test_a_moment_in_a_number_is_found_by_its_name_and_a_temperature_is_none(
    names: list[str], written: list[str]
) -> None:
    def cell(at: datetime, form: str) -> str:
        return at.strftime(form.replace("%s", str(round(at.replace(tzinfo=UTC).timestamp()))))

    columns = {name: [cell(each, form) for each in HOURS] for name, form in zip(names, written, strict=True)}
    for rest in ({"T": [n % 7 for n in VALUES]}, {"travel_time": [1990 + n for n in VALUES]}):
        table = read_table({**rest, **columns}, BadRows())
        when = find_when(table, (), table.columns, counted=True)
        assert when.columns == tuple(names)
        assert when.read(table.frame).values.tolist() == microseconds(HOURS)


def test_a_step_goes_on_and_a_temperature_goes_up_and_down() -> None:
    for cells, named in (([0, 1, 2, 0, 1, 2], ("T",)), ([0, 0, 5, 5, 9, 9], ("T",)), ([4, 6, 4, 3, 6, 5], ())):
        table = read_table({"T": cells, "x": VALUES[:6]}, BadRows())
        assert find_when(table, (), table.columns, counted=True).columns == named


WEEKS = [datetime(2020, 1, 6) + timedelta(weeks=n) for n in range(60)]
QUARTERS = [datetime(2001 + n // 4, 1 + 3 * (n % 4), 1) for n in range(60)]
MONTHS = [datetime(2001 + n // 12, 1 + n % 12, 1) for n in range(60)]
YEARS = [datetime(1950 + n, 1, 1) for n in range(60)]


@pytest.mark.parametrize(
    ("name", "written", "moments"),
    [
        ("week", lambda d: f"{d:%G%V}", WEEKS),
        ("yearweek", lambda d: int(f"{d:%G%V}"), WEEKS),
        ("week", lambda d: f"{d:%V/%G}", WEEKS),
        ("week", lambda d: f"{d:%G-%V}", WEEKS),
        ("quarter", lambda d: f"{d.year}.{d.month // 3 + 1}", QUARTERS),
        ("quarter", lambda d: f"{d.year}:{d.month // 3 + 1}", QUARTERS),
        ("quarter", lambda d: d.year + (d.month // 3 + 1) / 10, QUARTERS),
        ("month", lambda d: f"{d:%Y.%m}", MONTHS),
        ("month", lambda d: float(f"{d:%Y.%m}"), MONTHS),
        ("month", lambda d: f"{d.year}.{d.month}", MONTHS),
        ("year", lambda d: f"{d.year:,}", YEARS),
    ],
)
def test_a_year_and_a_part_of_it_in_a_cell(name: str, written: Any, moments: list[datetime]) -> None:
    table = read_table({name: [written(each) for each in moments], "x": VALUES}, BadRows())
    when = find_when(table, (), table.columns, counted=True)
    assert when.columns == (name,)
    assert when.read(table.frame).values.tolist() == microseconds(moments)
    assert when.read(table.frame[9:10]).values.tolist() == microseconds(moments[9:10])


def test_quarters_and_weeks_with_their_letters_are_parts() -> None:
    for columns, moments in (
        ({"Year": [d.year for d in QUARTERS], "Qtr": [f"Q{d.month // 3 + 1}" for d in QUARTERS]}, QUARTERS),
        ({"Jahr": [f"{d:%G}" for d in WEEKS], "KW": [f"KW {d:%V}" for d in WEEKS]}, WEEKS),
    ):
        assert found(columns).read(pl.DataFrame(columns)).values.tolist() == microseconds(moments)


def test_a_time_of_day_in_three_or_four_digits_beside_its_day() -> None:
    days = ["20240301"] * 4 + ["20240302"]
    table = read_table({"DATE": days, "HHMM": ["0", "30", "100", "2330", "0"], "x": list("12345")}, BadRows())
    when = find_when(table, (), table.columns)
    assert when.columns == ("DATE", "HHMM")
    np.testing.assert_array_equal(np.diff(when.read(table.frame).values) / 60e6, [30, 30, 22 * 60 + 30, 30])


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        ({"source": ["gj04"] * 4, "label": [0, 1, 1, 0]}, ()),  # as CoLA names where its sentences are from
        ({"event_date": [20240301] * 4, "user_pseudo_id": [1.17, 2.17, 1.17, 3.4]}, ("event_date",)),
        ({"event_date": ["20240301"] * 4, "user_pseudo_id": ["1.17", "2.17", "1.17", "3.40"]}, ("event_date",)),
        ({"Datum": ["01.03.2024"] * 4, "Uhrzeit": ["1.17", "2.17", "1.18", "3.40"]}, ("Datum", "Uhrzeit")),
    ],
)
def test_numbers_and_names_beside_times_are_none(cells: dict[str, list[Any]], columns: tuple[str, ...]) -> None:
    assert tuple(found(cells).columns) == columns


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (["Jahr", "Periode"], ["{year}", "{month}"]),
        (["Fiscal Year", "Posting Period"], ["{year}", "{month:03}"]),
        (["FY", "Period"], ["FY{short}", "P{month:02}"]),
        (["FISCPER"], ["{year}{month:03}"]),
        (["period"], ["{month:03}.{year}"]),
        (["Geschäftsjahr/Periode"], ["{year}/{month:03}"]),
    ],
)
def test_periods_of_years_of_money_are_months(columns: list[str], cells: list[str], tmp_path: Path) -> None:
    rows = [[2015 + n // 12, n % 12 + 1] for n in range(36)]
    lines = [";".join(cell.format(year=y, short=y - 2000, month=m) for cell in cells) + f";{y}{m}" for y, m in rows]
    (tmp_path / "money.csv").write_text("\n".join([";".join([*columns, "sum"]), *lines]) + "\n", encoding="utf-8")
    table = read_table(tmp_path / "money.csv", BadRows())
    when = find_when(table, (), table.columns)
    assert list(when.columns) == columns
    read = when.read(table.frame).values.astype("M8[us]").astype("M8[M]")
    assert list(read) == [np.datetime64(f"{year}-{month:02}") for year, month in rows]


def test_days_of_years_and_periods_of_days_are_no_months() -> None:
    days = [f"2015{n:03}" for n in range(1, 13)] + [f"2016{n:03}" for n in range(1, 20)]
    assert find_form(pl.Series("date", days)).form == "ordinal"
    assert find_parts(pl.DataFrame({"year": [2015] * 8, "period": [1, 2, 3, 4] * 2}), ["year", "period"]) == {}
