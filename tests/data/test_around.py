"""What stands around tables: titles, notes, rows of units, and remarks that have the names of columns."""

from pathlib import Path

import pytest

from elman.data.bad import BadRows
from elman.data.reading import read_table
from elman.data.tables import Table
from elman.errors import ElmanError

DAYS = [f"2024-01-{day:02d},{day * day}.5,{day % 7}" for day in range(1, 15)]
HEAD = "day,load,heat"


def read(path: Path, *lines: str, answers: bool = False) -> Table:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bad = BadRows()
    bad.answers = answers
    return read_table(path, bad)


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize(
    ("above", "below", "said"),
    [
        (["Loads of 2024", ""], [], ["lines before the header, which is in line 3, are left out: 1"]),
        (["Data Source,World", "", "Last Updated,2024", ""], [], ["which is in line 5, are left out: 2"]),
        (["Loads of 2024,,", ",,"], [], ["which is in line 3, are left out: 1"]),
        ([], ["Source: the office"], ["lines below the table are left out: 1, from line 16 on, 'Source: the office'"]),
        (
            [],
            ["", "Provisional", "and more"],
            ["lines below the table are left out: 2, from line 17 on, 'Provisional'"],
        ),
        ([], [",,", "Quelle: Amt,,"], ["left out: 1, from line 17 on, 'Quelle: Amt'"]),
        ([], ["", "* first, and second, too"], ["left out: 1, from line 17 on, '* first"]),
        (["A title"], ["© the office, 2024"], ["are left out: 1", "from line 17 on, '© the office  2024'"]),
    ],
)
def test_titles_and_notes_around_a_table_are_left_out_and_said(
    above: list[str], below: list[str], said: list[str], answers: bool, tmp_path: Path
) -> None:
    found = read(tmp_path / "table.csv", *above, HEAD, *DAYS, *below, answers=answers)
    assert found.columns == ["day", "load", "heat"]
    assert found["day"] == [row.split(",")[0] for row in DAYS]
    assert found.lines.tolist() == [len(above) + 2 + n for n in range(14)]
    assert found.size == 14
    for each in said:
        assert any(each in note for note in found.notes), found.notes


def test_a_title_stands_above_a_header_of_years(tmp_path: Path) -> None:
    rows = [f'"{name}","X","1.5","","3.5",' for name in ("Chile", "Kenya", "Nepal", "Peru")]
    found = read(tmp_path / "a.csv", '"Data Source","WDI",', "", '"Country","Code","2000","2001","2002",', *rows)
    assert found.columns == ["Country", "Code", "2000", "2001", "2002"]
    assert found["2002"] == ["3.5"] * 4


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((HEAD, *DAYS, "2024-01-15"), "line 16: has 1 column where the header has 3"),
        ((HEAD, *DAYS[:5], "Source: the office", *DAYS[5:]), "line 7: has 1 column where the header has 3"),
        (
            ("a title", *DAYS),
            "line 2: has 3 columns where the header has 1; most lines have 3: remove the lines before",
        ),
        (("text,label", "so,good", "no", "yes,bad"), "line 3: has 1 column where the header has 2"),
    ],
)
def test_rows_that_are_cut_off_are_no_notes(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=said):
        read(tmp_path / "table.csv", *lines)


def test_a_last_row_with_words_but_no_note_stays(tmp_path: Path) -> None:
    assert len(read(tmp_path / "table.csv", HEAD, *DAYS, "2024-01-15,,")) == 15
    assert read(tmp_path / "table.csv", HEAD, *DAYS, "no,value,there")["load"][-1] == "value"


@pytest.mark.parametrize("units", ["date,m/s,degC", ",EUR,", "TS,Volts,Deg C", ",in Euro,%", "d,kWh,m3/s"])
def test_rows_of_units_are_left_out(units: str, tmp_path: Path) -> None:
    found = read(tmp_path / "table.csv", HEAD, units, *DAYS)
    assert found["day"] == [row.split(",")[0] for row in DAYS]
    assert any(note.startswith("below the header stand units") for note in found.notes)


@pytest.mark.parametrize(
    ("head", "separator"),
    [
        (["#Version: 1.0", "#Fields: day load heat"], " "),
        (["#Software: IIS", "#Fields: day load heat"], "\t"),
        (["#separator \\x09", "#fields\tday\tload\theat", "#types\ttime\tcount\tcount"], "\t"),
        (["#day load heat", "#d    m/s degC"], " "),
    ],
)
def test_names_of_columns_in_remarks_are_their_names(head: list[str], separator: str, tmp_path: Path) -> None:
    found = read(tmp_path / "a.log", *head, *(row.replace(",", separator) for row in DAYS))
    assert (found.columns, len(found)) == (["day", "load", "heat"], 14)


def test_weather_and_satellites_are_told_as_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="is an EPW file of weather"):
        read(tmp_path / "a.epw", "LOCATION,Oslo,-,NOR", "DESIGN CONDITIONS,0", "2001,1,1,1,60,A,9,9")
    with pytest.raises(ElmanError, match="is a RINEX file"):
        read(tmp_path / "a.24o", "     3.04           OBSERVATION DATA    M                   RINEX VERSION / TYPE")
