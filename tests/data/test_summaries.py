"""Rows and columns that sum up the others: the former are left out, the latter are named with what leaves them out."""

import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.numbers.sums import told_sums
from elman.data.reading import read_table
from elman.data.tables import Table

SALES = "shop;2021;2022\nnorth;1.000,5;3\nsouth;2.000,25;4\nwest;10;5\n"


def table(tmp_path: Path, content: str, bad: BadRows | None = None) -> Table:
    (tmp_path / "a.csv").write_text(content)
    return read_table(tmp_path / "a.csv", bad or BadRows())


@pytest.mark.parametrize(
    "name", ["Total", "TOTAL:", "Summe", "Gesamt", "Somme", "Итого", "合计", "Grand Total", "Suma"]
)
def test_a_last_row_that_is_the_sum_of_those_above_is_left_out_and_said(name: str, tmp_path: Path) -> None:
    found = table(tmp_path, f"{SALES}{name};3.010,75;12\n")
    assert found["shop"] == ["north", "south", "west"]
    assert [note for note in found.notes if "sum of those above" in note] == [
        f"line 5, {name!r}, is the sum of those above and left out"
    ]
    whole = table(tmp_path, f"{SALES}{name};3.010,75;12\n", BadRows(answers=True))
    assert len(whole) == 4  # among rows to be answered it is one


def test_several_rows_sum_up_those_above(tmp_path: Path) -> None:
    found = table(tmp_path, f"{SALES}Summe;3.010,75;12\nMittelwert;1.003,58;4\nMax;2.000,25;5\nMin;10;3\n;;\n")
    assert found["shop"] == ["north", "south", "west"]
    assert [note.rpartition(" is ")[2].partition(" of ")[0] for note in found.notes[1:]] == [
        "the sum", "the mean", "the most", "the least",
    ]  # fmt: skip


@pytest.mark.parametrize("last", ["Total;7;9", "east;3.010,75;12", "Total;;"])
def test_a_last_row_that_is_none_stays(last: str, tmp_path: Path) -> None:
    assert len(table(tmp_path, f"{SALES}{last}\n")) == 4
    assert len(table(tmp_path, "shop,sold\nTotal,5\na,2\nb,3\n")) == 3  # nor is one that is not the last


def parts(rows: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(50, 20, (rows, 3)).round(1)


def test_a_column_that_is_the_sum_of_others_is_named() -> None:
    a, b, c = parts().T
    one = "t is the sum of a, b, c in every row; --ignore t leaves it out"
    assert told_sums(["a", "b", "c", "t"], np.column_stack([a, b, c, a + b + c])) == [one]
    assert told_sums(["t", "a", "b", "c"], np.column_stack([a + b + c, a, b, c])) == [one]
    assert not told_sums(["a", "b", "t"], np.column_stack([1e300 * a, b, 1e300 * a + b]))  # nothing to compute with
    rounded = np.column_stack([a, b, c, (a + b + c).round()])
    assert told_sums(["a", "b", "c", "t"], rounded) == []
    known = np.column_stack([c, a, b, a + b, a - b])  # beside others, and with a value missing
    known[3, 1] = np.nan
    assert told_sums(["c", "a", "b", "t", "d"], known) == [
        "t is the sum of a, b in every row; --ignore t leaves it out"
    ]


def test_columns_that_are_no_sum_are_not_named() -> None:
    a, b, c = parts().T
    for others in ([a, b, c], [a, a, b], [a, a * 0, a], [a, b, a + b + (np.arange(20) == 7)]):
        assert told_sums(["x", "y", "z"], np.column_stack(others)) == []
    assert told_sums(["x", "y", "z"], np.column_stack([a, b, a + b])[:4]) == []  # too few to tell
    flags = np.random.default_rng(1).integers(0, 2, (50, 9)).astype(float)
    assert told_sums([f"f{n}" for n in range(9)], flags) == []


def test_a_name_with_blanks_is_quoted_as_a_shell_takes_it() -> None:
    a, b, _ = parts().T
    (line,) = told_sums(["a", "b", "all of it [kWh]"], np.column_stack([a, b, a + b]))
    assert line.endswith("--ignore 'all of it [kWh]' leaves it out")


def test_it_is_said_where_the_columns_are_learnt_from(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"{a},{b},{a + b:.1f}\n" for a, b, _ in parts().tolist())
    found = table(tmp_path, f"a,b,Total\n{rows}")
    with caplog.at_level(logging.WARNING):
        found.written("a", "b", "Total")
    assert caplog.messages == ["Total is the sum of a, b in every row; --ignore Total leaves it out"]


def test_dates_that_python_has_not_are_looked_at_by_nobody() -> None:
    days = pl.Series([1, 2, 2**31 - 1], dtype=pl.Int32).cast(pl.Date)
    table = read_table(pl.DataFrame({"shop": ["a", "b", "Total"], "day": days, "sold": [2, 3, 5]}), BadRows())
    assert (table["shop"], len(table.notes)) == (["a", "b"], 1)
