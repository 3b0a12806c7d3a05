"""Times: what is read of each way in which people write them, and what is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

import numpy as np
import polars as pl
import pytest

from elman.data.times.column import is_of_day, is_time, read_times
from elman.data.times.found import find_form
from elman.errors import ElmanError

HOUR = 3600 * 1_000_000


def moment(*parts: int) -> int:
    """Microseconds since 1970, by Python's own calendar."""
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type]


DAY = moment(2020, 1, 31)
MINUTE = moment(2020, 1, 31, 15, 30)
SECOND = moment(2020, 1, 31, 15, 30, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # ISO 8601
        ("2020-01-31", DAY),
        ("2020-1-31", DAY),
        ("2020/01/31", DAY),
        ("2020.01.31", DAY),
        ("2020年1月31日", DAY),
        ("2020년 1월 31일", DAY),
        ("2020年1月31日(金) 15時30分", MINUTE),
        ("2020年01月31日15:30:05", SECOND),
        ("2020年1月", moment(2020, 1, 1)),
        ("2020-S05", moment(2020, 1, 27)),
        ("31.01.2020 15:30 - 16:30", MINUTE),
        ("31.01.2020 15:30 \u2013 31.01.2020 16:30", MINUTE),
        ("2020-01-31 to 2020-02-06", DAY),
        ("2020-01-31T15:30", MINUTE),
        ("2020-01-31t15:30:05", SECOND),
        ("2020-01-31 15", moment(2020, 1, 31, 15)),
        ("2020-01-31 15:30:05.123456", SECOND + 123456),
        ("2020-01-31 15:30:05,5", SECOND + 500_000),
        ("2020-01-31T15:30:05Z", SECOND),
        ("2020-01-31T15:30:05.123456789Z", SECOND + 123456),
        ("2020-01-31 15:30:05+02:00", SECOND - 2 * HOUR),
        ("2020-01-31T15:30:05 -0130", SECOND + 3 * HOUR // 2),
        ("2020-01-31 15:30:05 UTC", SECOND),
        ("2020-01-31 15:30-08", MINUTE + 8 * HOUR),
        ("2020-01-31T15:30:05+01:00[Europe/Paris]", SECOND - HOUR),
        ("2020-01-30 24:00", DAY),
        ("2020-06-30 23:59:60", moment(2020, 7, 1)),
        ("20200131T153005", SECOND),
        ("20200131T153005Z", SECOND),
        ("20200131T1530+0100", MINUTE - HOUR),
        ("2020-W05-5", DAY),
        ("2020W055", DAY),
        ("2020-W05", moment(2020, 1, 27)),
        ("2020-W53-7", moment(2021, 1, 3)),
        ("2020-031", DAY),
        ("2020-366", moment(2020, 12, 31)),
        # stamps of digits
        ("20200131", DAY),
        ("2020013115", moment(2020, 1, 31, 15)),
        ("202001311530", MINUTE),
        ("20200131153005", SECOND),
        ("20200131153005123", SECOND + 123_000),
        ("20200131_1530", MINUTE),
        ("20200131 15:30", MINUTE),
        ("20200131-153005", SECOND),
        ("31012020", DAY),
        ("01312020", DAY),
        ("2020031", DAY),
        ("202001", moment(2020, 1, 1)),
        ("990131", moment(1999, 1, 31)),
        # names of months
        ("31 Jan 2020", DAY),
        ("31-Jan-2020", DAY),
        ("31-Jan-20", DAY),
        ("31JAN2020", DAY),
        ("31JAN2020:15:30:05", SECOND),
        ("Jan 31, 2020", DAY),
        ("January 31 2020 3:30 PM", MINUTE),
        ("31st January 2020", DAY),
        ("2020-Jan-31", DAY),
        ("January 2020", moment(2020, 1, 1)),
        ("Jan 2020", moment(2020, 1, 1)),
        ("Jan-20", moment(2020, 1, 1)),
        ("31. Januar 2020", DAY),
        ("5. März 2020", moment(2020, 3, 5)),
        ("31 janvier 2020", DAY),
        ("1er février 2020", moment(2020, 2, 1)),
        ("15 déc. 2020", moment(2020, 12, 15)),
        ("31 de enero de 2020", DAY),
        ("ene-20", moment(2020, 1, 1)),
        ("31 gennaio 2020", DAY),
        ("31 de janeiro de 2020 15:30", MINUTE),
        ("3 maart 2020", moment(2020, 3, 3)),
        ("31 stycznia 2020", DAY),
        ("wrzesień 2020", moment(2020, 9, 1)),
        ("1 października 2020", moment(2020, 10, 1)),
        ("31 января 2020", DAY),
        ("Май 2020", moment(2020, 5, 1)),
        # what programs write
        ("Fri, 31 Jan 2020 15:30:05 GMT", SECOND),
        ("Fri, 31 Jan 2020 15:30:05 +0100", SECOND - HOUR),
        ("Fri, 31 Jan 2020 15:30:05 EST", SECOND + 5 * HOUR),
        ("Fri Jan 31 15:30:05 2020", SECOND),
        ("Fri Jan 31 15:30:05 UTC 2020", SECOND),
        ("Fri Jan 31 15:30:05 +0100 2020", SECOND - HOUR),
        ("Fri Jan 31 15:30:05 2020 +0100", SECOND - HOUR),
        ("Fri Jan 31 2020 15:30:05 GMT+0100 (Central European Standard Time)", SECOND - HOUR),
        ("[31/Jan/2020:15:30:05 -0700]", SECOND + 7 * HOUR),
        ("Freitag, 31. Januar 2020", DAY),
        ("vendredi 31 janvier 2020", DAY),
        # numbers between dots, strokes and dashes, and clocks
        ("31.01.2020", DAY),
        ("31.1.2020 15.30.05", SECOND),
        ("31/01/2020 15h30", MINUTE),
        ("31-01-2020 15:30 Uhr", MINUTE),
        ("31. 1. 2020", DAY),
        ("1/31/2020 3:30 PM", MINUTE),
        ("1/31/2020 3:30:05 p.m.", SECOND),
        ("01/31/2020 12:30 AM", moment(2020, 1, 31, 0, 30)),
        ("01/31/2020 12:30 a.m.", moment(2020, 1, 31, 0, 30)),
        ("31/01/99", moment(1999, 1, 31)),
        # longer than a day
        ("2020", moment(2020, 1, 1)),
        ("2020Q1", moment(2020, 1, 1)),
        ("2020-Q2", moment(2020, 4, 1)),
        ("Q3 2020", moment(2020, 7, 1)),
        ("4Q19", moment(2019, 10, 1)),
        ("T2 2020", moment(2020, 4, 1)),
        ("2020 W5", moment(2020, 1, 27)),
        ("KW05 2020", moment(2020, 1, 27)),
        ("2020-01", moment(2020, 1, 1)),
        ("2020M01", moment(2020, 1, 1)),
        ("01/2020", moment(2020, 1, 1)),
        ("2020-03-30T2205", moment(2020, 3, 30, 22, 5)),
        ("2020-03-30T220507Z", moment(2020, 3, 30, 22, 5, 7)),
        ("22:05 30.03.2020", moment(2020, 3, 30, 22, 5)),
        ("10:05 pm, Mar 30, 2020", moment(2020, 3, 30, 22, 5)),
        ("30. marts 2020", moment(2020, 3, 30)),
        # years of their own, halves and quarters of people and offices
        ("FY2020/21", moment(2020, 1, 1)),
        ("2019/2020", moment(2019, 1, 1)),
        ("1999/00", moment(1999, 1, 1)),
        ("Saison 2019/20", moment(2019, 1, 1)),
        ("FY20", moment(2020, 1, 1)),
        ("FY 2020", moment(2020, 1, 1)),
        ("FY19/20", moment(2019, 1, 1)),
        ("2020 [YR2020]", moment(2020, 1, 1)),
        ("H2 2019", moment(2019, 7, 1)),
        ("1960-S2", moment(1960, 7, 1)),
        ("S1 2020", moment(2020, 1, 1)),
        ("2020H2", moment(2020, 7, 1)),
        ("2H 2020", moment(2020, 7, 1)),
        ("2. Halbjahr 2020", moment(2020, 7, 1)),
        ("2º semestre de 2020", moment(2020, 7, 1)),
        ("S12 2020", moment(2020, 3, 16)),
        ("II квартал 2020 г.", moment(2020, 4, 1)),
        ("2020-IV", moment(2020, 10, 1)),
        ("3er trimestre 2020", moment(2020, 7, 1)),
        ("2020. 3. negyedév", moment(2020, 7, 1)),
        ("3rd quarter of 2020", moment(2020, 7, 1)),
        ("20Q3", moment(2020, 7, 1)),
        ("Q3 FY2020", moment(2020, 7, 1)),
        ("2020 3Q", moment(2020, 7, 1)),
        ("2020:Q3", moment(2020, 7, 1)),
        ("2020年第三季度", moment(2020, 7, 1)),
        ("2020年第3四半期", moment(2020, 7, 1)),
        ("2020년 3분기", moment(2020, 7, 1)),
        ("T12/2020", moment(2020, 12, 1)),
        ("Tháng 1/2020", moment(2020, 1, 1)),
        ("2020年度", moment(2020, 1, 1)),
        # in other scripts
        ("2020. 1. 31.", DAY),
        ("2020. január 31.", DAY),
        ("31.01.2020.", DAY),
        ("2020년 1월 31일 15시", moment(2020, 1, 31, 15)),
        ("2020-01-31 오후 3:30:05", SECOND),
        ("2020年1月31日 下午3时30分", MINUTE),
        ("2020/01/31 午後3:30", MINUTE),
        ("令和2年1月31日", DAY),
        ("R2.1.31", DAY),
        ("平成元年1月31日", moment(1989, 1, 31)),
        ("民國109年1月31日", DAY),
        ("۲۰۲۰-۰۱-۳۱", DAY),
        ("३१-०१-२०२०", DAY),
        ("31 Ιανουαρίου 2020 3:30 μ.μ.", MINUTE),
        ("31 січня 2020", DAY),
        ("31. ledna 2020", DAY),
        ("31 Ocak 2020", DAY),
        ("31. tammikuuta 2020", DAY),
        ("31 يناير 2020", DAY),
        ("/Date(1580484605000)/", SECOND),
        ("30. maj 2020", moment(2020, 5, 30)),
        ("2020-03-30 22:05 Europe/Berlin", moment(2020, 3, 30, 20, 5)),
        ("30/03/2020 22:05 [America/New_York]", moment(2020, 3, 31, 2, 5)),
        # since 1970
        ("1580484605", SECOND),
        ("1580484605.5", SECOND + 500_000),
        ("1580484605000", SECOND),
        ("1580484605000000", SECOND),
        ("1580484605000000000", SECOND),
    ],
)
def test_a_time_is_read_in_the_way_it_is_written(text: str, expected: int) -> None:
    for column in (pl.Series([text]), pl.Series([text, None, f"  {text}"])):
        times = read_times(column)
        assert times.dated
        assert times.values[0] == expected
    assert read_times(pl.Series([text]), form=times.form).values[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2020-13-01",
        "2021-02-29",
        "31.02.2020",
        "2020-01-31 25:00",
        "2020-01-31 24:01",
        "13/13/2020",
        "2019-W53-1",
        "2021-366",
        "2020Q5",
        "31 Foo 2020",
        "0001-01-01",
        "1799-12-31",
        "2201-01-01",
        "9999-12-31",
        "10:30",
        "Room 12",
        "Tuesday",
        "192.168.1.100",
        "2019/21",
        "10/11",
        "Season 12",
        "1h20",
        "110/1/31",
        "31/1/2563",
        "2020-01-31 13:00 PM",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert np.isnan(read_times(pl.Series([text])).values).all()
    assert not is_time(pl.Series([text]))


FIRST = datetime(2019, 12, 30, 22, 15)
HOURS = [FIRST + timedelta(hours=n) for n in range(2000)]
DAYS = [datetime(2019, 11, 25) + timedelta(days=n) for n in range(400)]
MONTHS = [datetime(1996 + n // 12, 1 + n % 12, 1) for n in range(60)]


@pytest.mark.parametrize(
    ("written", "moments"),
    [
        (lambda d: f"{d:%Y-%m-%d %H:%M}", HOURS),
        (lambda d: f"{d:%d/%m/%Y %H:%M:%S}", HOURS),
        (lambda d: f"{d:%m/%d/%y %I:%M %p}", HOURS),
        (lambda d: f"{d.day}.{d.month}.{d:%y} {d:%H.%M}", HOURS),
        (lambda d: f"{d:%y-%m-%d %H:%M}", HOURS),
        (lambda d: f"{d:%Y%m%d%H}", [d.replace(minute=0) for d in HOURS]),
        (lambda d: int(f"{d:%Y%m%d%H%M}"), HOURS),
        (lambda d: float(f"{d:%Y%m%d}"), DAYS),
        (lambda d: f"{d:%d%m%Y}", DAYS),
        (lambda d: f"{d:%m%d%Y}", DAYS),
        (lambda d: f"{d:%y%m%d}", DAYS),
        (lambda d: f"{d:%b %d, %Y}", DAYS),
        (lambda d: f"{d:%Y-%j}", DAYS),
        (lambda d: f"{d:%G-W%V-%u}", DAYS),
        (lambda d: f"{d:%c}", HOURS),
        (lambda d: f"{d:%b-%y}", MONTHS),
        (lambda d: f"{d:%m/%Y}", MONTHS),
        (lambda d: f"{d:%Y-%m}", MONTHS),
        (lambda d: int(f"{d:%Y%m}"), MONTHS),
        (lambda d: f"{d:%d/%m/%Y}", MONTHS),
        (lambda d: f"{d:%m/%d/%Y}", MONTHS),
        (lambda d: round((d - datetime(1970, 1, 1)).total_seconds() * 1e9), HOURS),
        (lambda d: (d - datetime(1970, 1, 1)).total_seconds(), HOURS),
    ],
)
@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_a_column_is_read_as_a_whole(
    written: Callable[[datetime], str | int | float], moments: list[datetime], order: str
) -> None:
    if order == "backward":
        moments = moments[::-1]
    if order == "shuffled":
        moments = np.random.default_rng(1).permutation(np.array(moments)).tolist()
    times = read_times(pl.Series("time", [written(each) for each in moments]))
    assert times.values.tolist() == [moment(*each.timetuple()[:6]) for each in moments]


def test_a_year_and_the_next_are_a_year_and_not_the_months_of_one() -> None:
    years = range(1999, 2019)
    for written in ("{0}/{1:02}", "{0}-{1:02}"):
        for cells in ([written.format(y, (y + 1) % 100) for y in each] for each in (years, years[::-1], [2000, 2001])):
            values = read_times(pl.Series("year", cells)).values
            assert [str(np.datetime64(int(each), "us"))[:10] for each in values] == [f"{c[:4]}-01-01" for c in cells]
        months = [written.format(y, m) for y in years for m in range(1, 13)]
        assert read_times(pl.Series("year", months)).values[1] == moment(1999, 2, 1)
    assert read_times(pl.Series(["2000-01"])).values[0] == moment(2000, 1, 1)
    short = [f"{y % 100:02}/{(y + 1) % 100:02}" for y in years]
    assert read_times(pl.Series("Season", short)).values[-1] == moment(2018, 1, 1)
    assert not is_time(pl.Series("age", short))  # which are ages, maybe


def test_halves_and_weeks_of_one_letter_are_told_apart_over_the_column() -> None:
    halves = [f"{y}-S{h:02}" for y in (2019, 2020) for h in (1, 2)]
    assert read_times(pl.Series(halves)).values[-1] == moment(2020, 7, 1)
    weeks = [f"S{w} {y}" for y in (2019, 2020) for w in range(1, 53)]
    assert read_times(pl.Series(weeks)).values[1] == moment(2019, 1, 7)
    short = ["1H20", "2H20", "1H21"]
    assert read_times(pl.Series("half", short)).values[1] == moment(2020, 7, 1)
    assert not is_time(pl.Series("length", short))  # an hour and 20 minutes, maybe


def test_numbers_of_days_are_times_where_a_column_is_called_so() -> None:
    days = [DAY, DAY + 6 * HOUR, MINUTE]
    since = np.array([(each - moment(1970, 1, 1)) / (24 * HOUR) for each in days])
    for name, zero, said in [
        ("Date", 25569, "a spreadsheet's day numbers"),
        ("datum", 25569, "a spreadsheet's day numbers"),
        ("jd", 2440587.5, "Julian day numbers"),
        ("mjd", 40587, "modified Julian day numbers"),
        ("datenum", 719529, "MATLAB's day numbers"),
    ]:
        times = read_times(pl.Series(name, since + zero))
        assert (times.how, times.values.tolist()) == (said, days)
    assert not read_times(pl.Series("load", since + 25569)).dated
    assert not read_times(pl.Series("step", [1990, 1991])).dated
    assert read_times(pl.Series("year", [1990, 1991])).values.tolist() == [moment(1990, 1, 1), moment(1991, 1, 1)]


@pytest.mark.parametrize("days", [3, 12])
def test_where_nothing_tells_days_from_months_it_is_asked(days: int) -> None:
    first = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(days)]
    column = pl.Series("Date", [f"{d:%d/%m/%Y}" for d in first])
    with pytest.raises(ElmanError, match=r"Date has dates such as '01/01/2024', .* --date-order dmy or mdy"):
        read_times(column)
    assert read_times(column, order="dmy").values.tolist() == [moment(d.year, d.month, d.day) for d in first]
    assert read_times(column, order="mdy").values[1] == moment(2024, 2, 1)
    assert read_times(column, form="mdy").values[1] == moment(2024, 2, 1)
    assert is_time(column)


COMPACT = {
    "dmy": ["%d%m%y", "%d%m%Y", "%d%m%y%H%M", "%d%m%y%H%M%S", "%d%m%Y%H%M", "%d%m%Y%H%M%S"],
    "mdy": ["%m%d%y", "%m%d%Y", "%m%d%y%H%M", "%m%d%y%H%M%S", "%m%d%Y%H%M", "%m%d%Y%H%M%S"],
    "ymd": ["%y%m%d", "%Y%m%d", "%y%m%d%H%M", "%y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H%M%S"],
}


@pytest.mark.parametrize(("order", "written"), [(order, each) for order, ways in COMPACT.items() for each in ways])
def test_a_moment_in_a_number_is_read_in_the_order_that_makes_a_series(order: str, written: str) -> None:
    for first, rows in ((datetime(2024, 1, 1), 30), (datetime(2020, 11, 1), 200)):
        step = timedelta(hours=12) if "%H" in written else timedelta(days=1)
        moments = [first + n * step for n in range(rows)]
        expected = [moment(*each.timetuple()[:6]) for each in moments]
        cells = [each.strftime(written) for each in moments]
        times = read_times(pl.Series("date", cells))
        assert times.values.tolist() == expected
        assert read_times(pl.Series("date", cells), order=order).values.tolist() == expected
        assert read_times(pl.Series("date", cells)[7:8], form=times.form).values.tolist() == expected[7:8]
        # as a spreadsheet writes them, without the zero before
        assert read_times(pl.Series("date", map(int, cells)), form=times.form).values.tolist() == expected


def test_a_zero_that_a_spreadsheet_left_out_before_a_day_is_there() -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(366)]
    for written in ("%d%m%y", "%m%d%y", "%d%m%Y", "%m%d%Y", "%d%m%Y%H%M"):
        column = pl.Series("date", [int(each.strftime(written)) for each in days])
        assert read_times(column).values.tolist() == [moment(*each.timetuple()[:3]) for each in days]
    assert not read_times(pl.Series("time", range(10101, 10130))).dated
    assert read_times(pl.Series("date", range(41001, 41031))).how == "a spreadsheet's day numbers"


def test_where_nothing_tells_the_order_of_six_digits_it_is_asked_and_what_is_said_is_obeyed() -> None:
    column = pl.Series("date", [f"{n:02d}0124" for n in (1, 2, 3, 5, 8, 12)])
    with pytest.raises(ElmanError, match=r"'010124', .* daymonthyear or monthdayyear; say it with --date-order dmy or"):
        read_times(column)
    for order, second in (("dmy", (2024, 1, 2)), ("mdy", (2024, 2, 1)), ("ymd", (2002, 1, 24))):
        assert read_times(column, order=order).values[1] == moment(*second)


def test_one_day_after_the_twelfth_tells_of_all() -> None:
    column = pl.Series([f"{1 + n % 12:02d}/{1 + n % 7:02d}/2024" for n in range(5000)] + ["03/13/2024"])
    times = read_times(column)
    assert times.how == "month/day/year"
    assert times.values[1] == moment(2024, 2, 2)


def test_a_cell_that_is_no_time_among_good_ones_is_none() -> None:
    column = pl.Series(
        [f"{1 + n % 28}.1.2020" for n in range(40)] + ["?", "soon", "32.1.2020", "2020-01-31", "1.1.0020"]
    )
    values = read_times(column).values
    assert np.flatnonzero(np.isnan(values)).tolist() == [40, 41, 42, 44]
    assert values[43] == DAY  # what begins with a year is what it says
    stamps = pl.Series("timestamp", [1.5e9 + 60 * n for n in range(50)] + [0.0])
    assert np.flatnonzero(np.isnan(read_times(stamps).values)).tolist() == [50]


def test_columns_of_types() -> None:
    assert read_times(pl.Series([date(2020, 1, 31), None])).values[0] == DAY
    far = pl.Series([date(1, 1, 1), date(9999, 12, 31), date(2020, 1, 31)])
    assert np.isnan(read_times(far).values).tolist() == [True, True, False]
    for unit in ("ms", "us", "ns"):
        column = pl.Series([datetime(2020, 1, 31, 15, 30, 5)]).cast(pl.Datetime(unit))
        assert read_times(column).values[0] == SECOND
        lowest = pl.Series([-(2**63) + 1, 2**63 - 1]).cast(pl.Datetime(unit))
        assert np.isnan(read_times(lowest).values).sum() >= (unit != "ns")
    clocks = pl.Series([clock_time(10, 30)])
    assert not is_time(clocks)
    assert is_of_day(clocks)
    assert np.isnan(read_times(clocks).values).all()
    assert find_form(pl.Series([["2020-01-01"]])).form == ""


def test_numbers_are_only_numbers() -> None:
    times = read_times(pl.Series([0, 2, 4]))
    assert not times.dated
    assert times.values.tolist() == [0, 2, 4]
    assert not is_time(pl.Series(["1", "2"]))
    assert is_time(pl.Series(["2024-01-01", "2024-01-02", None]))
    assert not is_time(pl.Series([20240101, 20240102]))
    assert is_time(pl.Series([202401011530, 202401011540]))
    assert not is_time(pl.Series("item", ["SET-12"] * 9))
    assert not is_time(pl.Series([True]))


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


@pytest.mark.parametrize("value", [[], [[]], ["2020-01-01"], {"a": 1}])
def test_lists_and_objects_are_no_times(value: object) -> None:
    column = pl.Series([value])
    assert not is_time(column)
    assert np.isnan(read_times(column, form="year-month-day").values).all()


@pytest.mark.parametrize("written", ["%b %d %H:%M:%S", "%d %b %H:%M", "%a %d. %B, %H:%M"])
def test_days_without_a_year_are_no_times(written: str) -> None:
    assert np.isnan(read_times(pl.Series("time", [each.strftime(written) for each in HOURS])).values).all()
    assert np.isnan(read_times(pl.Series("date", [f"{each:%b %d}" for each in DAYS])).values).all()


@pytest.mark.parametrize("rows", [48, 60])
@pytest.mark.parametrize("written", ["%d/%m/%y", "%m/%d/%y", "%y/%m/%d"])
def test_of_several_orders_the_one_that_is_even_and_in_order_is_right(written: str, rows: int) -> None:
    months = [datetime(2001 + n // 12, 1 + n % 12, 1) for n in range(rows)]
    times = read_times(pl.Series("date", [each.strftime(written) for each in months]))
    assert times.values.tolist() == [moment(each.year, each.month, each.day) for each in months]


@pytest.mark.parametrize("written", ["%y-%m-%d", "%d-%b-%y", "%b-%y"])
def test_years_of_two_digits_begin_where_they_go_on_to_1969_and_that_is_said(written: str) -> None:
    years = [datetime(year, 6, 30) for year in range(1950, 2010)]
    column = pl.Series("date", [each.strftime(written) for each in years])
    for cells in (column, column.reverse()):
        times = read_times(cells)
        assert sorted(times.values.astype("M8[us]").astype("M8[Y]").astype(int) + 1970) == list(range(1950, 2010))
        assert times.how.endswith(", years of two digits, 1950 to 2009")
        assert np.array_equal(read_times(cells[:5], form=times.form).values, times.values[:5])
    many = pl.Series("date", [datetime(year, 6, 30).strftime(written) for year in range(1900, 2020)])
    with pytest.raises(ElmanError, match=r"^date has years of two digits, such as in '.*; write them with four"):
        read_times(many)
    later = pl.Series("date", [datetime(year, 6, 30).strftime(written) for year in range(1970, 2060)])
    assert np.isfinite(read_times(later).values).all()


@pytest.mark.parametrize("written", ["%d.%m.%y", "%y-%m-%d %H:%M", "%b %d, '%y", "%y%m%d", "%d%m%y", "%b-%y"])
def test_which_years_two_digits_are_is_said(written: str) -> None:
    months = [datetime(2031 + n // 12, 1 + n % 12, 31 if n % 12 in (0, 2) else 28) for n in range(84)]
    cells = pl.Series("date", [each.strftime(written) for each in months])
    for column in (cells, pl.concat([cells] * 80)):
        assert read_times(column).how.endswith(", years of two digits, 2031 to 2037")
    assert read_times(cells[:12]).how.endswith(", years of two digits, 2031")
    for full in ("%d.%m.%Y", "%Y%m%d"):
        assert "digits" not in read_times(pl.Series("date", [each.strftime(full) for each in months])).how


def test_a_number_beyond_all_others_is_no_time() -> None:
    found = read_times(pl.Series([1706648400000.0, 1707253200000.0, 1e308, 1707858000000.0]), form="milliseconds")
    assert np.isnan(found.values).tolist() == [False, False, True, False]


@pytest.mark.parametrize("name", ["date", "period", "Datum"])
def test_a_year_and_its_month_behind_a_point_are_a_month_where_a_column_is_called_a_time(name: str) -> None:
    cells = [f"{2015 + n // 12}.{1 + n % 12:02d}" for n in range(24)]
    for column in (pl.Series(name, cells), pl.Series(name, [float(cell) for cell in cells])):
        times = read_times(column)
        assert times.values.tolist() == [moment(2015 + n // 12, 1 + n % 12, 1) for n in range(24)]


@pytest.mark.parametrize(
    ("cells", "first", "last", "how"),
    [
        ([1949.083, 1949.167, 1949.25], (1949, 2, 1), (1949, 4, 1), "years and twelfths of them"),
        ([1949.08, 1949.17, 1949.67], (1949, 2, 1), (1949, 9, 1), "years and twelfths of them"),
        ([1958.2027, 1958.2877, 1958.3699], (1958, 3, 1), (1958, 5, 1), "years and twelfths of them"),
        ([2000.5, 2001.5], (2000, 7, 1), (2001, 7, 1), "years and twelfths of them"),
        ([2021 + n / 365 for n in range(40)], (2021, 1, 1), (2021, 2, 9), "years and parts of them, to the day"),
        ([2020 + n / 8784 for n in range(9)], (2020, 1, 1), (2020, 1, 1, 8), "years and parts of them, to the minute"),
    ],
)
def test_years_and_parts_of_them_are_moments(
    cells: list[float], first: tuple[int, ...], last: tuple[int, ...], how: str
) -> None:
    for name in ("time", "year", "decimal_date"):
        for column in (pl.Series(name, cells), pl.Series(name, [str(cell) for cell in cells])):
            times = read_times(column)
            assert (times.values[0], times.values[-1], times.how) == (moment(*first), moment(*last), how)
            assert read_times(column[-1:], form=times.form).values[0] == moment(*last)
    assert not read_times(pl.Series("level", cells)).dated
    assert not read_times(pl.Series("time", [1700.5, 1701.5])).dated


def test_weeks_of_a_year_in_six_digits_are_no_numbers() -> None:
    weeks = [datetime(2019, 12, 30) + timedelta(weeks=n) for n in range(60)]
    for cells in ([f"{d:%G%V}" for d in weeks], [int(f"{d:%G%V}") for d in weeks]):
        times = read_times(pl.Series("date", cells))
        assert (times.how, times.values.tolist()) == ("yearweek", [moment(d.year, d.month, d.day) for d in weeks])


def test_a_separator_of_columns_parts_no_day_from_its_time() -> None:
    assert find_form(pl.Series(["2024-03-01;20", "2024-03-02;21"])).form != "ymd"


def test_parts_of_a_day_are_whole_minutes_where_all_may_be() -> None:
    hours = [f"{45352 + n / 24:.5f}" for n in range(50)]
    assert set(np.diff(read_times(pl.Series("date", hours)).values)) == {3600e6}
    seconds = [f"{45352 + n * 7.25 / 86400:.9f}" for n in range(50)]
    np.testing.assert_allclose(np.diff(read_times(pl.Series("date", seconds)).values), 7.25e6, atol=1000)


def test_between_points_a_day_is_before_its_month() -> None:
    found = find_form(pl.Series(["01.03.2024", "02.03.2024", "05.03.2024"]))
    assert found == ("dmy", ())
    assert find_form(pl.Series(["01/03/2024", "02/03/2024", "05/03/2024"])).rivals
    assert find_form(pl.Series(["01.03.2024"]), order="mdy").form == "mdy"
