"""Series of a table that sum up others."""

import logging
from pathlib import Path
from typing import Any

import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.errors import ElmanError
from elman.tasks.anomaly.streams import Columns as Watched
from elman.tasks.anomaly.streams import find_columns as find_watched
from elman.tasks.anomaly.streams import read_streams
from elman.tasks.forecast.columns import Columns, find_columns
from elman.tasks.forecast.series import Panel, read_panel
from elman.tasks.forecast.totals import without_series

DAYS = [f"2024-01-{day:02d}" for day in range(1, 21)]


def panel(path: Path, text: str, *ignore: str) -> Panel:
    path.write_text(text, encoding="utf-8")
    table = read_table(path, BadRows())
    return without_series(read_panel(table, find_columns(table, Columns(""), ignore)), ignore)


def long(total: str, off: int = 0) -> str:
    parts = [(n * n % 17 + 1.5, 3 * n % 11 + 2.25) for n in range(len(DAYS))]
    rows = [
        f"{day},{name},{value}"
        for n, (day, (a, b)) in enumerate(zip(DAYS, parts, strict=True))
        for name, value in ((total, a + b + (n < off)), ("north", a), ("south", b))
    ]
    return "\n".join(["date,region,sales", *rows]) + "\n"


@pytest.mark.parametrize("total", ["Total", "Gesamt", "Insgesamt", "Σ", "合计", "world"])
def test_a_series_that_is_the_sum_of_the_others_is_named(total: str, tmp_path: Path, caplog: Any) -> None:
    for off in (0, 1):  # at almost every time
        caplog.clear()
        panel(tmp_path / "long.csv", long(total, off))
        said = f"the series {total} of region is the sum of north, south; --ignore "
        assert [each for each in caplog.messages if each.startswith(said)]
    assert [each.name for each in panel(tmp_path / "long.csv", long(total), total).series] == [("north",), ("south",)]


def test_a_series_that_is_not_the_sum_is_not_named_so(tmp_path: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        panel(tmp_path / "long.csv", long("west", 10))
    assert not caplog.messages


def test_a_series_without_a_name_is_said(tmp_path: Path, caplog: Any) -> None:
    panel(tmp_path / "long.csv", long(""))
    assert caplog.messages[-2:] == [
        "a series has no name: its rows have nothing in region",
        "the series with nothing in region is the sum of north, south; its rows can be left out",
    ]


def test_totals_of_a_table_with_a_series_a_row_are_named(tmp_path: Path, caplog: Any) -> None:
    years = ",".join(str(year) for year in range(2000, 2010))
    rows = {("A", "Total"): 7, ("A", "x"): 3, ("A", "y"): 4, ("B", "Total"): 3, ("B", "x"): 1, ("B", "y"): 2}
    cells = {name: ",".join(str(n * n * times) for n in range(10)) for name, times in rows.items()}
    text = "\n".join([f"Land,Item,{years}", *(f"{a},{b},{row}" for (a, b), row in cells.items())]) + "\n"
    assert len(panel(tmp_path / "wide.csv", text, "Total").series) == 4
    caplog.clear()
    panel(tmp_path / "wide.csv", text)
    assert caplog.messages[-1] == "the series Total of Item is the sum of x, y; --ignore Total leaves it out"


def test_what_is_to_be_left_out_is_there(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="has no column 'Totl'; its columns are date, region"):
        panel(tmp_path / "long.csv", long("Total"), "Totl")
    with pytest.raises(ElmanError, match=f"no column '{DAYS[0]}', and no series of that name; its columns are date"):
        panel(tmp_path / "long.csv", long("Total"), DAYS[0])
    with pytest.raises(ElmanError, match="no series but those that are to be left out"):
        panel(tmp_path / "long.csv", long("Total"), "Total", "north", "south")


def test_a_stream_that_is_the_sum_of_the_others_is_named(tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "long.csv").write_text(long(""))
    read_streams(tmp_path / "long.csv", find_watched(tmp_path / "long.csv", Watched(())), BadRows())
    assert "a stream has no name: its rows have nothing in region" in caplog.messages
    assert "the series with nothing in region is the sum of north, south; its rows can be left out" in caplog.messages
