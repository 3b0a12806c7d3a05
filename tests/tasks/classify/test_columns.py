"""Which column of a table is the label and which the text, where nobody says it; and what is no text."""

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.errors import ElmanError
from elman.tasks.classify.columns import check_texts
from elman.tasks.classify.layout import ColumnSpec, Layout, find_layout

ROWS = 30
MADE: dict[str, list[Any]] = {
    "id": list(range(ROWS)),
    "review": [f"film {n} was rather {'good' if n % 2 else 'bad'}" for n in range(ROWS)],
    "is_good": ["TRUE", "FALSE"] * 15,
    "language": ["en", "de"] * 15,
    "one": ["en"] * ROWS,
    "category": ["film"] * ROWS,
    "stars": ["1", "2", "3"] * 10,
    "name": [f"Chad{n}" for n in range(ROWS)],
    "patient": [f"P{n}" for n in range(ROWS)],
    "machine": ["m1", "m2", "m3"] * 10,
    "age": [20.5 + n * n % 37 for n in range(ROWS)],
    "bmi": [20 + n * n % 7 / 10 for n in range(ROWS)],
    "smoker": ["yes", "no"] * 15,
    "time": [f"2024-01-{n + 1:02} 10:00" for n in range(ROWS)],
    "state": ["ok", "bad"] * 15,
    "surname": [f"{'ABC'[n % 3]}nna{'xyz'[n % 3]}{n}" for n in range(ROWS)],
    **{str(year): [n * n % 11 / 2 for n in range(ROWS)] for year in range(2019, 2023)},
}


def found(columns: str) -> Layout:
    frame = pl.DataFrame({name: MADE["state" if name == "label" else name] for name in columns.split()})
    return find_layout(frame, ColumnSpec(), BadRows())


@pytest.mark.parametrize(
    ("columns", "label", "why"),
    [
        ("id review language is_good stars", "is_good", "since it says yes or no"),
        ("id review is_good one stars", "is_good", "since it says yes or no"),
        ("review one language stars", "language", "by its name"),
        ("review category stars", "category", ""),
        ("review stars machine one", "stars", "since it has the fewest values"),
        ("id review label language is_good", "label", ""),
        ("surname state", "state", "since it has the fewest values"),
        ("name 2019 2020 2021 2022 smoker", "smoker", "since it says yes or no"),
    ],
)
def test_what_is_taken_for_the_label_without_a_usual_name_is_said(
    columns: str, label: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "elman")
    assert found(columns).label == label
    said = [each for each in caplog.messages if "--label-column" in each]
    assert said == ([f"the table: {label!r} is taken for the label, {why}; --label-column says another"] if why else [])


def test_a_constant_column_named_as_labels_are_is_left_for_another_so_named() -> None:
    frame = pl.DataFrame({"text": MADE["review"], "category": MADE["category"], "sentiment": MADE["state"]})
    assert find_layout(frame, ColumnSpec(), BadRows()).label == "sentiment"


def test_names_beside_columns_that_count_are_no_texts() -> None:
    layout = found("name 2019 2020 2021 2022 label")
    assert layout.kind == "wide"
    assert layout.steps == (("2019", "2020", "2021", "2022"),)


@pytest.mark.parametrize(
    "columns", ["patient age bmi smoker label", "patient age bmi label", "machine time 2019 state", "smoker label"]
)
def test_names_times_and_yes_or_no_are_no_texts(columns: str) -> None:
    with pytest.raises(ElmanError, match=r"no column that looks like the text, .*; say which with --text-column; its"):
        found(columns)
    frame = pl.DataFrame({name: MADE["state" if name == "label" else name] for name in columns.split()})
    said = find_layout(frame, ColumnSpec(text=columns.split()[0]), BadRows())
    assert said.text == columns.split()[0]


@pytest.mark.parametrize(("columns", "text"), [("surname state", "surname"), ("name label age", "name")])
def test_single_words_are_texts_where_nothing_else_is_to_be_read_or_they_are_named_so(columns: str, text: str) -> None:
    assert found(columns).text == text


def test_the_labels_of_series_are_in_a_file_of_their_own_with_two_columns(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [n // 5 for n in range(30)], "load": [n * n % 7 / 2 for n in range(30)]})
    labels = tmp_path / "labels.csv"
    wishes = ColumnSpec(labels=str(labels), identity="id")
    labels.write_text("id,state\n" + "".join(f"{n},{'ok' if n % 2 else 'bad'}\n" for n in range(6)))
    layout = find_layout(frame, wishes, BadRows())
    assert (layout.label, layout.label_identity, layout.channels) == ("state", "id", ("load",))
    labels.write_text("id\n0\n1\n2\n")
    with pytest.raises(ElmanError, match=r"labels\.csv has one column, 'id'; labels stand in a second one"):
        find_layout(frame, wishes, BadRows())


def test_texts_that_are_all_empty_or_the_same_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ElmanError, match="the table: all texts in text are empty; say which column has them"):
        check_texts("the table", "text", ["", ""])
    check_texts("the table", "text", ["a b", "a b"])
    assert "all texts in text are the same, 'a b', so that nothing tells classes apart" in caplog.text
    caplog.clear()
    check_texts("the table", "text", ["a b", ""])
    assert not caplog.text
