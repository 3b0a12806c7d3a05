"""Rows to be answered: a line of a stream, a row of a file and one in memory are read as the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.data.columns import NAMES, find, normal
from elman.data.dialect import Dialect
from elman.data.reading import read_table
from elman.data.rows import Asked, Known, Line, read_again, read_texts
from elman.errors import ElmanError

MOMENTS = Known(("time", "warm", "load", "fault"), ("load",), ("fault",), ("time",))
TEXTS = Known(("label", "text"), ("text",), ("label",), dialect=Dialect("\t", False), free=True)


def said(line: str, known: Known) -> dict[str, Any]:
    (row,) = read_again(Line(line), known, BadRows()).frame.to_dicts()
    return row


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("1,2,3,0", {"time": "1", "warm": "2", "load": "3", "fault": "0"}),
        ("1,2,3", {"time": "1", "warm": "2", "load": "3"}),
        ('1,"3"', {"time": "1", "load": "3"}),
        ("3", {"load": "3"}),
        ("", {"load": None}),
        ('{"fault": null, "load": 3}', {"fault": None, "load": 3}),
        ('{"time": 1}', {"time": 1, "load": None}),
    ],
)
def test_a_line_has_all_cells_of_a_row_or_those_that_are_needed(line: str, row: dict[str, Any]) -> None:
    assert said(line, MOMENTS) == row


def test_a_line_of_another_width_is_refused() -> None:
    with pytest.raises(ElmanError, match=r"time, load, x or time, warm, load, x, or is .*, not '1,2'"):
        said("1,2", Known(("time", "warm", "load", "x"), ("time", "load", "x")))


def test_a_text_is_cut_where_its_cells_are_those_of_a_row() -> None:
    assert said("good\tso, so", TEXTS) == {"label": "good", "text": "so, so"}
    assert said("so, so", TEXTS) == {"text": "so, so"}
    assert said("{not JSON, but a text", TEXTS) == {"text": "{not JSON, but a text"}
    commas = Known(("id", "text", "label"), ("text",), ("label",), dialect=Dialect(",", True), free=True)
    assert said("7,so good,yes", commas) == {"id": "7", "text": "so good", "label": "yes"}
    assert said('7,"so, so"', commas) == {"id": "7", "text": "so, so"}
    for line in ("so good", "so, so, so", '"so", he said, "good"', "a,b,c,d", '"so good"'):
        assert said(line, commas) == {"text": line}
    for line, known in (('7,"so, so",yes,no', commas), ("a\tb\tc", TEXTS)):
        with pytest.raises(
            ElmanError, match=r"the line has . cells, and rows have .*; a bare text .* is given as JSON"
        ):
            said(line, known)
    lines = Known(("label", "text"), ("text",), ("label",), free=True)  # which were no table
    assert said("good,so", lines) == {"text": "good,so"}


def test_a_row_with_its_answer_has_one_that_was_learnt() -> None:
    known = Known(("text", "label"), ("text",), ("label",), dialect=Dialect(",", True), free=True)
    learnt = replace(known, is_answer={"yes", "no"}.__contains__)
    assert said("so good,yes", learnt) == {"text": "so good", "label": "yes"}
    assert said("so good,really", learnt) == {"text": "so good,really"}
    bad = BadRows()
    read_again(Line("so good,yes"), learnt, bad)
    assert list(bad.remarks) == ["the stream: a line with the cells text, label is a row, others are bare texts"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("all.tsv", "good\ta b\nbad\t7\n"),
        ("without.tsv", "a b\n7\n"),
        ("lines.txt", "a b\n7\n"),
        ("named.jsonl", '{"label": "good", "text": "a b"}\n{"text": "7"}\n'),
        ("number.jsonl", '{"anything": "a b"}\n{"anything": 7.0}\n'),
    ],
)
def test_texts_are_the_same_from_any_file(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    table, column = read_texts(tmp_path / name, "text", TEXTS, BadRows(), usual="text")
    assert table[column] == ["a b", "7"]
    for place, line in enumerate(content.splitlines()):
        one, column = read_texts(Line(line), "text", TEXTS, BadRows(), usual="text")
        assert one[column] == [table.frame[place, -1 if name != "named.jsonl" else "text"]]


@pytest.mark.parametrize("first", ["text\n", "comment\n", ""])
def test_a_first_line_that_is_no_usual_name_is_a_text(first: str, tmp_path: Path) -> None:
    known = Known(("text", "label"), ("text",), ("label",), dialect=Dialect(",", True), free=True)
    (tmp_path / "some.csv").write_text(f"{first}so good\nso bad\n")
    bad = BadRows()
    table, column = read_texts(tmp_path / "some.csv", "text", known, bad, usual="text")
    assert table[column] == ["so good", "so bad"]
    assert any("the first line, 'so good', is a text" in remark for remark in bad.remarks) == (not first)


def test_empty_lines_are_texts_but_for_those_at_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.txt").write_text("a\n\nb\n\n\n")
    bad = BadRows()
    table, column = read_texts(tmp_path / "x.txt", "text", TEXTS, bad, usual="text")
    assert (table[column], table.size) == (["a", "", "b"], 3)
    with caplog.at_level("INFO"):
        bad.tell()
    assert caplog.messages == [f"{tmp_path / 'x.txt'}: empty lines at the end are left out: 2"]


def test_what_is_left_out_of_a_file_that_is_read_again_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\na,b\ntext,label\nc,d\n,\n")
    bad, known = BadRows(), Known(("text", "label"), ("text",), ("label",), dialect=Dialect(",", True))
    assert read_again(tmp_path / "x.csv", known, bad)["text"] == ["a", "c"]
    assert [remark.partition(": ")[2] for remark in bad.remarks] == [
        "rows without any value are left out: 1",
        "the header stands again, and is left out there, in line 3",
    ]


@pytest.mark.parametrize(
    ("name", "content", "hollow"),
    [
        ("a.csv", "text,label\na,b\n,\n\nc,d\n , \n\n", [3, 4, 6]),
        ("a.csv", 'text,label\n\na,b\nc,"d\n\n"\n"",""\ne,f\n', [7]),  # not the empty line below a header or in a cell
        ("a.csv", "text,label\n\na,b\n\nc,d\n\n", []),  # nor those behind every row
        ("a.csv", ",\ntext,label\na,b\nc,d\n,\n", [5]),
        ("a.txt", "text label\na 1\nb 2\n\nc 3\n", [4]),
        ("a.jsonl", '{"text": "a"}\n\n{"text": "b"}\n{"text": "c"}\n\n', [2]),
    ],
)
def test_a_row_in_which_nothing_stands_has_its_place_among_the_answers(
    name: str, content: str, hollow: list[int], tmp_path: Path
) -> None:
    known = Known(("text", "label"), ("text",), ("label",), dialect=Dialect(" " if name == "a.txt" else ",", True))
    (tmp_path / name).write_text(content)
    bad = BadRows(answers=True)
    table = read_again(tmp_path / name, known, bad)
    said = [remark.partition(": ")[2] for remark in bad.remarks if "an empty answer" in remark]
    numbers = [f"line {line}" for line in hollow]
    told = f"{len(hollow)} rows have nothing in them" if len(hollow) > 1 else "1 row has nothing in it"
    assert said == ([f"{told} and an empty answer: {', '.join(numbers)}"] if hollow else [])
    assert not bad.listed
    assert table.size == len(table) + len(hollow) == table.index[-1] + 1 + sum(table.lines[-1] < np.array(hollow))
    assert not any("without any value" in remark for remark in bad.remarks) or content.startswith(",")
    assert read_again(tmp_path / name, known, BadRows("all")).size <= table.size  # nothing of it is learnt from


@pytest.mark.parametrize("line", [",", " , ", ",,", "", " "])
def test_a_line_in_which_nothing_stands_is_bad(line: str) -> None:
    known = Known(("id", "text", "label"), ("text",), ("label",), ("id",), dialect=Dialect(",", True), free=True)
    with pytest.raises(ElmanError, match="the line has nothing in it"):
        read_again(Line(line), known, BadRows())


def test_what_says_that_there_is_no_value_is_something(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n-999,-999\n")
    known = Known(("a", "b"), ("a", "b"), dialect=Dialect(",", True, missing=("-999",)))
    table = read_again(tmp_path / "a.csv", known, BadRows(answers=True))
    assert table.frame.rows() == [("1", "2"), (None, None)]


@pytest.mark.parametrize("values", [["a b", 7, None], ("a b", 7.0, None)])
def test_texts_in_memory(values: Any) -> None:
    for source in (values, pl.DataFrame({"text": ["a b", "7", None], "label": [1, 2, 3]}), {"x": ["a b", "7", None]}):
        table, column = read_texts(source, "text", TEXTS, BadRows("all"), usual="text")
        assert (table[column], table.index.tolist(), table.size) == (["a b", "7"], [0, 1], 3)
        with pytest.raises(ElmanError, match=f"row 3: has no text in {column}"):
            read_texts(source, "text", TEXTS, BadRows(), usual="text")
    with pytest.raises(ElmanError, match=r"a list to predict has texts, not \['a'\]"):
        read_texts(["a", ["a"]], "text", TEXTS, BadRows(), usual="text")


def test_the_line_of_column_names_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text\na\n")
    known = Known(("text", "label"), ("text",), ("label",), dialect=Dialect(",", True), free=True)
    table, column = read_texts(tmp_path / "x.txt", "text", known, BadRows(), usual="text")
    assert (table[column], table.size, table.index.tolist()) == (["a"], 1, [0])


def test_what_cannot_be_used_has_no_answer() -> None:
    asked = Asked(["b"], np.array([1]), 3, pl.DataFrame({"text": ["a", "b", "c"], "predicted": [1, 2, 3]}))
    answers = pl.DataFrame({"predicted": [["x"]], "p": [0.5]})
    assert asked.beside(answers).rows() == [("a", None, None), ("b", ["x"], 0.5), ("c", None, None)]
    none = Asked([], np.array([], int), 1, pl.DataFrame({"text": ["a"]}))
    assert none.beside(answers.clear()).rows() == [("a", None, None)]


def test_names_of_columns_are_one_table() -> None:
    assert all(name == normal(name) for names in NAMES.values() for name in names)
    assert all(len(set(names)) == len(names) for names in NAMES.values())
    assert find(["date", "Time", "timestamp"], "time") == "timestamp"
    assert find(["t", "Date Time"], "step", "time") == "t"
    assert json.dumps(find(["movieId", "userId"], "person", "item", bare=True)) == '"userId"'


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.csv", "id;text\nr1;good, so good\nr2;bad film\n", ["good, so good", "bad film"]),
        ("b.csv", "id|text\nr1|good film\nr2|bad film\n", ["good film", "bad film"]),
        ("c.tsv", "id\ttext\nr1\tgood film\nr2\tbad film\n", ["good film", "bad film"]),
        ("d.txt", "id;text\nr1;good film\nr2;bad film\n", ["good film", "bad film"]),
        ("e.csv", "sep=;\nid;text\nr1;good film\nr2;bad film\n", ["good film", "bad film"]),
        ("f.csv", "text\ngood; film\nbad; film\n", ["good; film", "bad; film"]),
        ("g.csv", "review\ngood; text\nbad; film\n", ["good; text", "bad; film"]),
    ],
)
def test_a_file_has_its_own_separator(name: str, content: str, texts: list[str], tmp_path: Path) -> None:
    known = Known(("id", "text", "label"), ["text"], ["label"], dialect=Dialect(",", True), free=True)
    (tmp_path / name).write_text(content)
    table, column = read_texts(tmp_path / name, "text", known, BadRows(), usual="text")
    assert table[column] == texts


def test_a_file_without_names_has_its_own_separator(tmp_path: Path) -> None:
    known = Known(("user", "item", "time"), ["user", "item"], [], ["time"], dialect=Dialect("\t", False))
    (tmp_path / "new.csv").write_text("u1,i1,5\nu2,i2,6\n")
    assert read_again(tmp_path / "new.csv", known, BadRows())["item"] == ["i1", "i2"]


@pytest.mark.parametrize(
    ("usual", "content", "texts"),
    [
        (",", "so, so;yes\nno way, no;no\n", ["so, so", "no way, no"]),
        ("\t", "so good,yes\nso bad,no\n", ["so good", "so bad"]),
        (",", "so; so\nno; no\n", ["so; so", "no; no"]),
        ("\t", "so, so\n", ["so, so"]),
        ("\t", "so so\nno no\n", ["so so", "no no"]),
    ],
)
def test_a_file_of_texts_without_names_has_its_own_separator(
    usual: str, content: str, texts: list[str], tmp_path: Path
) -> None:
    known = Known(("1", "2"), ["1"], ["2"], dialect=Dialect(usual, False), free=True)
    (tmp_path / "new.txt").write_text(content)
    (tmp_path / "new.csv").write_text(content)
    for name in ("new.txt", "new.csv"):
        table, column = read_texts(tmp_path / name, "1", known, BadRows(), usual="text")
        assert table[column] == texts


def test_several_files_without_names_have_each_their_own_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,5.5\n2,6.5\n")
    (tmp_path / "b.csv").write_text("3;7,5\n4;8,5\n")
    assert read_table(tmp_path / "*.csv", BadRows()).frame.rows() == [
        ("1", "5.5"),
        ("2", "6.5"),
        ("3", "7,5"),
        ("4", "8,5"),
    ]


def test_each_of_several_files_has_its_own_separator(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.csv").write_text("text,label\nso good,yes\n")
    (tmp_path / "b.csv").write_text("label;text\nno;so, so\n")
    with caplog.at_level("INFO"):
        assert read_table(tmp_path / "*.csv", BadRows())["text"] == ["so good", "so, so"]
    assert "b.csv: columns between semicolons" in caplog.text


def test_an_array_of_numbers_is_no_table() -> None:
    for array in (np.ones((1, 12)), np.zeros((2, 12)), np.ones((3, 12, 1))):
        with pytest.raises(ElmanError, match=r"a table, or columns by name, not an array"):
            read_again(array, MOMENTS, BadRows())  # pyright: ignore[reportArgumentType]


def test_of_many_columns_a_message_names_the_first() -> None:
    names = [f"temperature_of_sensor_{n}" for n in range(12)]
    known = Known(["time", *names, "label"], names, ["label"], ["time"], dialect=Dialect(",", True))
    with pytest.raises(
        ElmanError, match="_0, temperature_of_sensor_1, temperature_of_sensor_2 and 9 more or "
    ) as error:
        read_again(Line("1,2,3"), known, BadRows())
    assert len(str(error.value)) < 350


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("names", ["id text", "id text label", "text label"])
def test_the_names_of_columns_are_no_line_of_a_stream(names: str, separator: str) -> None:
    known = Known(("id", "text", "label"), ("text",), ("label",), dialect=Dialect(separator, True), free=True)
    with pytest.raises(ElmanError, match="the line has the names of columns"):
        read_texts(Line(names.replace(" ", separator)), "text", known, BadRows(), usual="text")
    assert read_texts(Line("id, please"), "text", known, BadRows(), usual="text")[0]["text"] == ["id, please"]
