"""Tables: every format gives the same rows, and what is wrong is named with its line."""

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.reading import read_table
from elman.data.separators import guess_separator
from elman.data.tables import column_of, write_table
from elman.errors import ElmanError

ROWS = [{"text": "fine, really", "label": "good", "n": 1.5}, {"text": 'so "so"', "label": "bad", "n": None}]


def table(folder: Path, content: str | bytes, name: str = "data.csv", *, skip: bool = False, **options: Any) -> Any:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, BadRows(skip), Dialect(**options))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_what_is_written_is_read_again(suffix: str, tmp_path: Path) -> None:
    rows = [{**row, "text": row["text"].replace('"', "'") if suffix == ".tsv" else row["text"]} for row in ROWS]
    write_table(pl.DataFrame(rows), tmp_path / f"rows{suffix}")
    read = read_table(tmp_path / f"rows{suffix}", BadRows())
    assert read.numeric("n").frame.to_dicts() == rows


@pytest.mark.parametrize(
    "content",
    [
        b"text,label\nfine,good\nso so,bad\n",
        b"text,label\r\nfine,good\r\nso so,bad\r\n",
        b"\xef\xbb\xbftext,label\nfine,good\nso so,bad",
        b"text;label\nfine;good\n\nso so;bad\n\n",
        b"text\tlabel\nfine\tgood\nso so\tbad\n",
        b'"text","label"\n"fine","good"\n"so so","bad"\n',
        gzip.compress(b"text,label\nfine,good\nso so,bad\n", mtime=0),
        b'{"text": "fine", "label": "good"}\n\n{"label": "bad", "text": "so so"}\n',
    ],
)
def test_line_ends_marks_separators_and_packing_do_not_matter(content: bytes, tmp_path: Path) -> None:
    read = table(tmp_path, content, "data.jsonl" if content.startswith(b"{") else "data.csv")
    assert read.frame.to_dicts() == [{"text": "fine", "label": "good"}, {"text": "so so", "label": "bad"}]


def test_a_line_is_where_a_row_begins(tmp_path: Path) -> None:
    read = table(tmp_path, 'text,label\n"two\nlines",good\n\nplain,bad\n')
    assert read.lines.tolist() == [2, 5]
    assert read["text"] == ["two\nlines", "plain"]
    assert read.where(1) == f"{tmp_path / 'data.csv'}, line 5"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("a,b\n1,2\n3\n", "data.csv", "data.csv, line 3: has 1 column where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "data.csv", "line 3: has 3 columns where the header has 2"),
        ('a,b\n"1"x,2\n', "data.csv", "line 2: a cell goes on after its closing quotation mark"),
        ('a,b\n1,2\n"3,4\n5,6\n', "data.csv", "line 3: a quotation mark opens a cell that never ends"),
        ("a,a\n1,2\n", "data.csv", "two columns named 'a'"),
        ("a,b\n", "data.csv", "has no rows"),
        ("", "data.csv", "is empty"),
        (b"a,b\n\0,2\n", "data.csv", "is binary"),
        (b"a,b\n1,\xff\n", "data.csv", "not UTF-8: byte 6, in line 2"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "data.csv.gz", "damaged or cut short"),
        ('{"a": 1}\n{"a": \n', "data.jsonl", "data.jsonl, line 2: is no JSON object"),
        ("[1, 2]\n", "data.jsonl", "line 1: is no JSON object"),
        (b"PAR1 no", "data.parquet", "is no Parquet file"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content: str | bytes, name: str, message: str, tmp_path: Path) -> None:
    header = None if "two columns" not in message else True
    with pytest.raises(ElmanError) as error:
        table(tmp_path, content, name, header=header)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_rows_are_left_out_counted_and_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read = table(tmp_path, 'n,m\n1,2\n3\n"x"y,9\nfour,5\ninf,1\n6,7\n', skip=True).numeric("n", "m")
    assert read["n"] == [1, 6]
    assert read.index.tolist() == [0, 5]
    assert read.size == 6
    lines = [line.split("data.csv, ")[1] for line in read.bad.listed]
    assert [line.split(":")[0] for line in lines] == ["line 4", "line 3", "line 5", "line 6"]
    assert "n is 'four', not a number" in lines[2]
    read.bad.tell()
    assert "4 rows left out" in caplog.text


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    read = table(tmp_path, "a;b\n1,5;NA\n-2,0;7\n 3 ;\n").numeric("a", "b")
    assert read["a"] == [1.5, -2, 3]
    assert read["b"] == [None, 7, None]
    with pytest.raises(ElmanError, match=r"line 3: a is 'x', not a number"):
        table(tmp_path, "a,b\n1,2\nx,3\n").numeric("a")


@pytest.mark.parametrize(
    ("content", "name", "header"),
    [
        ("1,2\n3,4\n", "x.csv", False),
        ("a,b\n3,4\n", "x.csv", True),
        ("text,label\nfine,good\nbad,bad\n", "x.csv", True),
        ("fine,good\nlovely,good\nweak,bad\n", "x.csv", False),
        ("Go.\tVa !\nRun.\tCours !\n", "x.tsv", False),
        ("source\ttarget\nRun.\tCours !\n", "x.tsv", True),
        (",value\n0,1\n1,2\n", "x.csv", True),
        ("time,0.5,1.5\n2024-01-01 00:00,3.1,4\n2024-01-01 01:00,5,6\n", "x.csv", True),
        ("datetime;100;200\n01.02.2024;3;4\n02.02.2024;5;6\n", "x.csv", True),
        ("day\t10\t20\n1\t3\t4\n2\t5\t6\n", "x.tsv", True),
        ("2024-01-01,10,20\n2024-01-02,3,4\n2024-01-03,5,6\n", "x.csv", False),
        ("n/a,10,20\n2024-01-02,3,4\n2024-01-03,5,6\n", "x.csv", False),
        ("country,2019,2020,2021\nChad,1000,1167,1321\nMali,900,950,970\n", "x.csv", True),
        ("Chad,1000,1167,1321\nMali,900,950,970\n", "x.csv", False),
    ],
)
def test_a_header_is_told_from_values(content: str, name: str, header: bool, tmp_path: Path) -> None:
    assert table(tmp_path, content, name).dialect.header is header
    assert table(tmp_path, content, name, header=not header).dialect.header is not header


@given(st.lists(st.lists(st.text("ab ,;\"'\t|\r\nü", max_size=5), min_size=2, max_size=2), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_quoted_cells_come_back_as_pythons_csv_reads_them(rows: list[list[str]]) -> None:
    from io import StringIO
    from tempfile import TemporaryDirectory

    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["first", "second"], *rows])
    with TemporaryDirectory() as folder:
        read = table(Path(folder), text.getvalue(), separator=",", header=True)
    unified = [[cell.replace("\r\n", "\n").replace("\r", "\n") or None for cell in row] for row in rows]
    assert [list(row) for row in read.frame.rows()] == unified


def test_separators_are_those_that_give_the_same_width() -> None:
    assert guess_separator("a,b\tc\n1\t2,3\n") == "\t"
    assert guess_separator('"a,b";c\n"1,2,3";4\n') == ";"
    assert guess_separator("one\ntwo\n") == ","


@pytest.mark.parametrize("quote", ["", '"'])
def test_in_a_file_of_one_column_an_empty_line_is_a_row(quote: str, tmp_path: Path) -> None:
    read = table(tmp_path, f"\ntext\n{quote}lovely lamp{quote}\n\nawful lamp\n\n")
    assert read["text"] == ["lovely lamp", None, "awful lamp", None]
    assert (read.lines.tolist(), read.index.tolist(), read.size) == ([3, 4, 5, 6], [0, 1, 2, 3], 4)
    assert len(table(tmp_path, f"text,n\n{quote}a{quote},1\n\nb,2\n\n")) == 2


def test_cells_are_texts_each_by_itself(tmp_path: Path) -> None:
    read = table(tmp_path, '{"a": 1.0, "b": [1]}\n{"a": 2.5, "b": [2]}\n', "data.jsonl").text("a")
    assert read["a"] == ["1", "2.5"]
    with pytest.raises(ElmanError, match=r"data\.jsonl: b holds lists or objects, not texts"):
        read.text("b")
    with pytest.raises(ElmanError, match="a holds lists or objects"):
        replace(read, frame=pl.DataFrame({"a": [1j]})).text("a")
    assert column_of("a", [np.zeros(2), "b"]).to_list() == ["[0.0, 0.0]", "b"]


def test_frames_in_memory() -> None:
    class Pandas:
        """As much of a data frame of pandas as is used."""

        def __iter__(self) -> Any:
            return iter(["text", "n"])

        def __getitem__(self, name: str) -> np.ndarray:
            return np.array(["a", float("nan")], object) if name == "text" else np.array([1.0, float("nan")])

    read = read_table(Pandas(), BadRows())  # pyright: ignore[reportArgumentType]
    assert read.frame.to_dicts() == [{"text": "a", "n": 1.0}, {"text": None, "n": None}]
    with pytest.raises(ElmanError, match="has no column 'x'; its columns are text, n"):
        _ = read["x"]


def test_a_name_says_how_a_table_is_written(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=r"name it \*.csv, \*.tsv, \*.jsonl or \*.parquet"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / "a.xls")
    write_table(pl.DataFrame({"a": [["x", "y"], None], "b": [1, 2]}), tmp_path / "a.csv")
    first, second = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert json.loads(first["a"]) == ["x", "y"]
    assert second["a"] == ""


def test_rows_without_lines_are_counted_from_one_and_called_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": ["1", "two"]})
    again = {"n": ["1", "ERR", "3", "ERR", *"45678"]}
    with pytest.raises(ElmanError, match=r"n is 'ERR', not a number; --missing ERR takes such for no value"):
        read_table(again, BadRows()).numeric("n")
    with pytest.raises(ElmanError, match=r"the table, row 2: n is 'two', not a number"):
        read_table(frame, BadRows()).numeric("n")
    frame.write_parquet(tmp_path / "few.parquet")
    assert read_table(tmp_path / "few.parquet", BadRows()).where(0) == f"{tmp_path / 'few.parquet'}, row 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "has no rows but its header"),
        ("a,b\n1,2,3\n4\n", "has no row with as many columns as its header, which has 2; line 2 has 3"),
        ('a,b\n"1"x,2\n', "has no row that can be read; the first is in line 2"),
    ],
)
def test_a_table_of_which_no_row_can_be_used_says_why(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(text)
    with pytest.raises(ElmanError, match=message):
        read_table(tmp_path / "few.csv", BadRows(skip=True))


def test_a_number_beyond_what_can_be_computed_with_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("a,b\n1,-1e38\n2,1e39\n")
    with pytest.raises(ElmanError, match=r"line 3: b is 1e\+39, and numbers reach 1e\+38 at most"):
        read_table(path, BadRows()).numeric("a", "b")
    assert read_table(path, BadRows("all")).numeric("a", "b")["b"] == [-1e38]


@pytest.mark.parametrize("name", ["*", "^$", "^.*$"])
def test_a_name_that_stands_for_others_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(f"{name},b\nx,1\ny,2\n")
    for source in (tmp_path / "few.csv", pl.DataFrame({name: [1], "b": [2]})):
        with pytest.raises(ElmanError, match=r"names a column '.*', which stands for others: rename it"):
            read_table(source, BadRows())


def test_a_whole_number_of_thousands_of_digits_is_only_a_cell(tmp_path: Path) -> None:
    long = "9" * 5000
    (tmp_path / "few.csv").write_text(f"{long},1\n{long},2\n")
    table = read_table(tmp_path / "few.csv", BadRows("all"))
    assert table.dialect.header is False
    assert not len(table.numeric("1"))


def test_objects_that_have_each_their_own_names_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps({f"k{n}": n}) + "\n" for n in range(3_000)))
    with pytest.raises(ElmanError, match=r"3,000 different names in all, and 1 in each .* have the same names"):
        read_table(path, BadRows())
    path.write_text("".join(json.dumps({f"k{n}": n, "text": "so"}) + "\n" for n in range(300)))
    assert len(read_table(path, BadRows()).columns) == 301


def test_a_table_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    path.write_text(json.dumps({f"k{n}": n for n in range(20_001)}))
    with pytest.raises(ElmanError, match="20,001 columns, and 20,000 are read at most"):
        read_table(path, BadRows())


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl"])
def test_a_name_that_nobody_can_read_is_refused_and_not_repeated(name: str, tmp_path: Path) -> None:
    long, path = "v" * 1_000_000, tmp_path / name
    rows = f"time,{long}\n1,2\n2,3\n" if name == "data.csv" else f'{{"time": 1, "{long}": 2}}\n' * 2
    path.write_text(rows)
    with pytest.raises(ElmanError, match="the name of column 2 has 1,000,000 characters, and 10,000 are") as error:
        read_table(path, BadRows())
    assert len(str(error.value)) < 300 + len(str(path))


def test_a_row_that_is_wrong_in_two_columns_is_one_bad_row() -> None:
    bad = BadRows(skip=True)
    table = read_table({"a": ["1", "x", "3"], "b": ["4", "y", "z"]}, bad).numeric("a", "b")
    assert table.frame.rows() == [(1.0, 4.0)]
    assert [line.partition(": ")[2] for line in bad.listed] == ["a is 'x', not a number", "b is 'z', not a number"]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("Zeit;Last\n30.01.2021 22:00;0,5\n30.01.2021 23:00;0,75\n30.01.2021 24:00;1,5\n", ";"),
        ("Zeit|Last\n30.01.2021 22:00:00|0,5\n30.01.2021 23:00:00|0,75\n", "|"),
        ("30.01.2021 22:00|0,5\n30.01.2021 23:00|0,75\n", "|"),
        ("Zeit;Last;Grad;Wind\n30.01.2021 22.00 Uhr;1;2;3\n30.01.2021 23.00 Uhr;1;2;3\n", ";"),
        ("time,load\n2021.01.30 22:00,1.5\n2021.01.30 23:00,2.5\n", ","),
        ("2021.01.30 22:00,1.5\n2021.01.30 23:00,2.5\n", ","),
        ("20210130 2200,1\n20210130 2300,2\n", ","),
        ("quarter;n\n2001 Q1;1\n2001 Q2;2\n", ";"),
        ("month;n\n2001 Jan;1\n2001 Feb;2\n", ";"),
        ("jour;n\n2021-01-30;1 100,67\n2021-01-31;1 200,5\n", ";"),
        ("jour,n\n2021-01-30,1 100\n2021-01-31,1 200\n", ","),
        ("a b\n1,5 2,5\n3,5 4,5\n", " "),  # decimal commas
        ("1,5 2,5\n3,5 4,5\n", " "),
        ("text,label\ngood | bad,a|b\nfine | so,b|c\n", ","),
        ("1 2 3;\n4 5 6;\n", " "),
    ],
)
def test_a_character_that_parts_all_lines_alike_is_before_blanks(content: str, separator: str) -> None:
    assert guess_separator(content) == separator


def test_two_colons_may_stand_between_columns_and_within_cells(tmp_path: Path) -> None:
    rows = [f'{n}::"Toy" Story, The ({1990 + n})::Animation|Comedy' for n in range(9)]
    (tmp_path / "movies.dat").write_text("\n".join(rows) + "\n")
    read = read_table(tmp_path / "movies.dat", BadRows())
    assert read.dialect.separator == "::"
    assert read["2"][0] == '"Toy" Story, The (1990)'
    (tmp_path / "hosts.csv").write_text("host,n\n" + "fe80::1,5\n" * 9)
    assert read_table(tmp_path / "hosts.csv", BadRows()).columns == ["host", "n"]


@pytest.mark.parametrize(
    "cells", [[[0, []]], [[1], [[1.5]]], [[1, 2.5], ["a"]], [[1, 2.5], [[[1]]]], [[1, 2.5], [10**400]]]
)
def test_lists_that_are_not_of_numbers_alike_are_json(cells: list[Any], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"x": cell}) + "\n" for cell in cells))
    assert read_table(tmp_path / "a.jsonl", BadRows())["x"] == [json.dumps(cell) for cell in cells]
    (tmp_path / "b.jsonl").write_text('{"x": [1, 2.5, null]}\n{"x": []}\n{"x": null}\n')
    assert read_table(tmp_path / "b.jsonl", BadRows())["x"] == [[1.0, 2.5, None], [], None]


def test_rows_at_their_places_keep_columns_of_any_name() -> None:
    frame = pl.DataFrame({"row": [1, 2], "\0row": [3, 4], "": [5, 6]})
    assert read_table(frame, BadRows()).spread().equals(frame)


@pytest.mark.parametrize(
    ("header", "row", "cells"),
    [
        ("id,day,load", "{n};2020-01-0{n};3,5", ["1", "2020-01-01", "3,5"]),
        ("day,load", "2020-01-0{n};3,5", ["2020-01-01", "3,5"]),
        ('"id";"day"', "{n},2020-01-0{n}", ["1", "2020-01-01"]),
        ("text,label", "so fine\tgood", ["so fine", "good"]),
        ("day;load;heat", "2020-01-0{n}   3.5 {n}", ["2020-01-01", "3.5", "1"]),
    ],
)
def test_a_header_may_be_parted_otherwise_than_its_rows(
    header: str, row: str, cells: list[str], tmp_path: Path
) -> None:
    read = table(tmp_path, "\n".join([header, *(row.format(n=n) for n in range(1, 6))]) + "\n")
    assert [list(read.frame.row(0)), len(read)] == [cells, 5]
    assert "stand between the names of the header" in read.notes[0]
    again = read_table(tmp_path / "data.csv", BadRows(), read.dialect, lambda names: set(names) == set(read.columns))
    assert again.frame.equals(read.frame)


@pytest.mark.parametrize("name", ["data.tsv", "data.txt"])
def test_a_name_above_classes_that_is_none_of_them_is_a_header_whatever_the_file_is_called(
    name: str, tmp_path: Path
) -> None:
    rows = "".join(f"das ist Satz {n}\t{'Lob' if n % 2 else 'Tadel'}\n" for n in range(12))
    assert table(tmp_path, f"Satz\tKlasse\n{rows}", name).columns == ["Satz", "Klasse"]
    assert table(tmp_path, rows, name).columns == ["1", "2"]
    pairs = "".join(f"day {n}\tTag {n}\n" for n in range(12))
    assert table(tmp_path, f"Go.\tVa !\n{pairs}", name).columns == ["1", "2"]
    asked = "".join(f"u{n % 2}\tB{n % 2}\n" for n in range(12))
    assert table(tmp_path, f"u7\tB7\n{asked}", name).columns == ["1", "2"]


@pytest.mark.parametrize(
    ("arrays", "kind"),
    [
        ([np.zeros((3, 2))] * 20, pl.List(pl.List(pl.Float64))),
        ([np.zeros((3, 2)), np.zeros((1, 2))], pl.List(pl.List(pl.Float64))),
        ([np.array(3.0), np.array(4.0)], pl.Float64),
        ([np.array(["a"]), None], pl.List(pl.String)),
        ([np.array([1, "a", None], dtype=object)] * 3, pl.String),
        ([np.zeros(2), np.zeros((2, 2)), "a"], pl.String),
        ([np.array([1 + 2j])] * 2, pl.String),
    ],
    ids=str,
)
def test_arrays_of_any_kind_may_be_cells(arrays: list[Any], kind: pl.DataType) -> None:
    column = column_of("a", arrays)
    assert column.dtype == kind
    assert len(column) == len(arrays)


def test_lines_are_split_some_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [",".join("x" * random.randrange(9) for _ in range(3)) for random in [Random(0)] for _ in range(200)]
    lines[50] = "a," + "b" * 300 + ",c"
    (tmp_path / "a.csv").write_text("p,q,r\n" + "\n".join(lines) + "\n")
    whole = read_table(tmp_path / "a.csv", BadRows("all")).frame
    monkeypatch.setattr("elman.data.formats.delimited.AT_ONCE", 64)
    assert read_table(tmp_path / "a.csv", BadRows("all")).frame.equals(whole)
    assert whole["q"][50] == "b" * 300
