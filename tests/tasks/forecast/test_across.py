"""Tables with a series in each row, as they are published."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.errors import ElmanError
from elman.tasks.anomaly.streams import Columns as Watched
from elman.tasks.anomaly.streams import find_columns as find_watched
from elman.tasks.classify.layout import ColumnSpec, find_layout
from elman.tasks.forecast.columns import Columns, find_columns
from elman.tasks.forecast.series import Panel, read_panel


def panel(folder: Path, text: str, name: str = "table.csv") -> Panel:
    (folder / name).write_text(text)
    table = read_table(folder / name, BadRows())
    return read_panel(table, find_columns(table, Columns("")))


YEARS = [str(year) for year in range(2000, 2012)]


@pytest.mark.parametrize(
    ("head", "names", "steps", "clock"),
    [
        ("Country Name,Series,", "A,p B,p A,q B,q", [f"{year} [YR{year}]" for year in YEARS], "a year"),
        ("Area Code,Area,Unit,", "1,A,t 2,B,t", [f"Y{year}" for year in YEARS], "a year"),
        ("country,", "A B", [f"X{year}" for year in YEARS], "a year"),
        ("Region,Lat,Long,", "A,1.5,7 B,2.5,8", [f"X1.{day}.20" for day in range(20, 29)], "a day"),
        ("Country,Attribute,", "A,Value B,Value", [f"2020M{month}" for month in range(1, 13)], "a month"),
        ("Country,Attribute,", "A,Value B,Value", [f"{year}Q{n}" for year in YEARS[:2] for n in (1, 2, 3, 4)],
         "a quarter"),
        ("Land,", "A B", ["1990", "2000", "2010", "2015", "2020"], "5 years"),
    ],
)  # fmt: skip
def test_columns_are_named_by_times_as_offices_of_statistics_write_them(
    head: str, names: str, steps: list[str], clock: str, tmp_path: Path
) -> None:
    times = dict(zip(steps, range(len(steps)), strict=True))
    for order in (steps, steps[::-1]):
        rows = [
            f"{each},{','.join('..' if times[s] == 1 else str(times[s] + 0.5) for s in order)}"
            for each in names.split()
        ]
        found = panel(tmp_path, "\n".join([head + ",".join(order), *rows]) + "\n")
        assert (found.columns.layout, found.clock.describe(), len(found.series)) == ("rows", clock, len(rows))
        given = found.series[-1].values[:, 0]
        assert given[np.isfinite(given)].tolist() == [n + 0.5 for n in range(len(steps)) if n != 1]


def test_marks_beside_years_are_left_out(tmp_path: Path, caplog: Any) -> None:
    text = "Area,Unit,Y2000,Y2000F,Y2001,Y2001F,Y2002,Y2002F\nA,t,1,E,2,E,3,A\nB,t,4,A,5,,6,A\n"
    with caplog.at_level("INFO"):
        found = panel(tmp_path, text)
    assert [each.values[:, 0].tolist() for each in found.series] == [[1, 2, 3], [4, 5, 6]]
    assert "not used: Unit, Y2000F, Y2001F, Y2002F" in caplog.messages


def test_names_may_stand_behind_years(tmp_path: Path) -> None:
    found = panel(tmp_path, "2000,2001,2002,Land\n1,2,3,A\n4,5,6,B\n")
    assert [(each.name, each.values[:, 0].tolist()) for each in found.series] == [
        (("A",), [1, 2, 3]),
        (("B",), [4, 5, 6]),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Land,2000,2001,2002\nA,1,2,3\nB,4,5,6\nA,7,8,9\n",
         "line 4: a row is a series over 2000 to 2002, and this one is 'A' as that in line 2 is"),
        ("Land,2000,2001,2002\nA,1,2,3\nB,secret,5,6\nC,7,8,9\n", "2000 is 'secret', not a number"),
        ("Land,1990,2000,2013,2020,2030\nA,1,2,3,4,5\nB,4,5,6,4,5\n", "to 2030, are not evenly apart: of 4 only 0"),
    ],
)  # fmt: skip
def test_of_rows_over_years_nothing_is_read_otherwise_in_silence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=re.escape(said)):
        panel(tmp_path, text)


@pytest.mark.parametrize("separator", ["\t", ","])
def test_tables_of_eurostat_are_read_without_flags(separator: str, tmp_path: Path, caplog: Any) -> None:
    head = separator.join([r"freq,unit,geo\TIME_PERIOD", "2020 ", "2021 ", "2022 ", "2023 "])
    rows = (
        separator.join(each)
        for each in (["A,EUR,AT", "1.5 p", ": ", "-3 be", "4 "], ["A,EUR,BE", ": c", "2", "3 e", "4"])
    )
    with caplog.at_level("INFO"):
        found = panel(tmp_path, "\n".join([head, *rows]) + "\n", "estat.tsv")
    named = {each.name: (each.start, each.values[:, 0].tolist()) for each in found.series}
    np.testing.assert_equal(named, {("AT",): (0, [1.5, np.nan, -3, 4]), ("BE",): (1, [2, 3, 4])})
    assert any("flags behind numbers (be, c, e, p) are left out" in message for message in caplog.messages)


def test_a_header_of_years_is_one_in_any_order_and_with_gaps(tmp_path: Path) -> None:
    for years in ("2003,2002,2001", "1990,2000,2020"):
        found = panel(tmp_path, f"Firm,{years}\nAcme,0,1,2\nBolt,3,4,5\n")
        assert [each.name for each in found.series] == [("Acme",), ("Bolt",)]


def test_anomalies_are_not_looked_for_across_countries(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("Land,2000,2001,2002\n" + "".join(f"L{n},{n},{n * n},3\n" for n in range(9)))
    with pytest.raises(ElmanError, match="a row is a series over 2000 to 2002, named by Land"):
        find_watched(tmp_path / "wide.csv", Watched(()))


def test_months_over_several_years_are_one_series_of_what_is_classified(tmp_path: Path) -> None:
    months = [f"{year}-{month:02d}" for year in (2021, 2020) for month in range(12, 0, -1)]
    rows = (f"c{n},{','.join(str(n + k) for k in range(24))},{'yes' if n % 2 else 'no'}" for n in range(12))
    (tmp_path / "wide.csv").write_text("\n".join([f"customer,{','.join(months)},left", *rows]) + "\n")
    layout = find_layout(tmp_path / "wide.csv", ColumnSpec(), BadRows())
    assert (layout.kind, layout.label, layout.steps) == ("wide", "left", (tuple(months[::-1]),))


@pytest.mark.parametrize(
    "months",
    [
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    ],
)
@pytest.mark.parametrize("head", ["Year", "Region,Year"])
def test_years_of_twelve_months_in_a_row_are_no_series_of_years(months: str, head: str, tmp_path: Path) -> None:
    names = months.split()
    rows = [
        f"{'A,' * head.count(',')}{year},{','.join(str(year + n) for n in range(12))},7.5" for year in range(1990, 2012)
    ]
    (tmp_path / "table.csv").write_text("\n".join([f"{head},{','.join(names)},Annual", *rows]) + "\n", encoding="utf-8")
    table = read_table(tmp_path / "table.csv", BadRows())
    said = f"{re.escape(names[0])} to {re.escape(names[11])} are the months of a year in each row, and one series"
    with pytest.raises(ElmanError, match=said):
        find_columns(table, Columns(""))
    with pytest.raises(ElmanError, match=said):
        find_watched(tmp_path / "table.csv", Watched(()))
    assert find_columns(table, Columns("", targets=(names[0],))).targets == (names[0],)
