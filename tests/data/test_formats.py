"""Formats of files: each is known by its content, packed or not; what is damaged is one line that says where."""

import gzip
import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zstandard
from formats import EXAMPLES, Example

from elman import tasks
from elman.data.bad import BadRows
from elman.data.columns import find
from elman.data.dialect import Dialect
from elman.data.formats import check_task, format_of, formats
from elman.data.formats.arff import _cells
from elman.data.formats.ts import read_ts
from elman.data.headers import has_header
from elman.data.reading import is_table, read_table
from elman.data.rows import Known, Line, read_again
from elman.data.text import read_whole
from elman.errors import ElmanError
from elman.tasks.classify.task import ClassifyTask
from elman.training.runs import fit, noted
from elman.training.task import Sources

BY_TITLE = {example.title: example for example in EXAMPLES}
SINGLE = [example for example in EXAMPLES if len(example.files) == 1 and example.title != "Packed"]
FORMATS = {  # of the examples, where that is not lines of text
    "Tables of Eurostat": "a table of Eurostat",
    "Sessions of objects": "JSON",
    "Spans of characters": "JSON",
    "Logs of web servers": "a log of a web server",
    "UEA and UCR archives, .ts": "a .ts file of series with their labels",
    "Weka's ARFF": "an ARFF file of Weka",
    "Monash archive, .tsf": "a .tsf file of series",
    "Matrix Market, .mtx": "a matrix as Matrix Market has them",
    "NumPy": "a file of NumPy",
    "CoNLL-U": "a CoNLL-U file of sentences",
    "CoNLL-2003": "a CoNLL file of sentences",
    "fastText": "lines of a label and a text, as fastText has them",
    "JSON lines": "JSON",
    "Series in lists": "JSON",
    "JSON": "JSON",
    "Texts of a table": "JSON",
    "Parquet": "a Parquet file",
    "Feather and Arrow": "a file of Arrow (Feather)",
}


def loaded(name: str) -> Any:
    """The class of a task, whose options are its own."""
    return tasks.load(name)


def said(example: Example, path: Path) -> list[str]:
    """What the task of an example announces of a file."""
    make = loaded(example.task)
    with noted() as found:
        make.read(make.Options(**example.options), Sources(path))
    return [line.replace(str(path), "FILE") for line in found]


def refused(example: Example, path: Path) -> str:
    """Why the task of an example does not take a file; "" where it does."""
    try:
        said(example, path)
    except ElmanError as error:
        return str(error)
    return ""


def table(folder: Path, content: str | bytes, name: str = "data", *, skip: Any = False, **options: Any) -> Any:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, BadRows(skip), Dialect(**options))


@pytest.mark.parametrize("example", SINGLE, ids=lambda example: example.title)
def test_a_format_is_known_by_content_whatever_the_name(example: Example, tmp_path: Path) -> None:
    (data,) = example.files.values()
    path = tmp_path / "data"
    path.write_bytes(data)
    encoding = example.options.get("encoding", "")
    assert format_of(path, encoding).name == FORMATS.get(example.title, "lines of text")


@pytest.mark.parametrize("example", SINGLE, ids=lambda example: example.title)
@pytest.mark.parametrize("how", ["gzip", "zip", "Zstandard"])
def test_a_packed_file_is_read_as_it_is(how: str, example: Example, tmp_path: Path) -> None:
    (data,) = example.files.values()
    plain, packed = tmp_path / "a" / example.name, tmp_path / "b" / example.name
    for path in (plain, packed):
        path.parent.mkdir()
    plain.write_bytes(data)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inside", data)
    ways = {"gzip": gzip.compress(data), "zip": file.getvalue(), "Zstandard": zstandard.compress(data)}
    packed.write_bytes(ways[how])
    assert said(example, packed) == said(example, plain)


@pytest.mark.parametrize("example", SINGLE, ids=lambda example: example.title)
@pytest.mark.parametrize("left", [0.02, 0.3, 0.6, 0.95])
def test_what_is_cut_short_is_read_as_far_as_it_goes_or_refused_in_one_line(
    left: float, example: Example, tmp_path: Path
) -> None:
    (data,) = example.files.values()
    path = tmp_path / example.name
    path.write_bytes(data[: int(left * len(data))])
    message = refused(example, path)
    assert "\n" not in message
    assert not message or str(path) in message or any(word in message for word in ("sentence", "series", "row"))


@pytest.mark.parametrize(
    "title",
    ["UEA and UCR archives, .ts", "Monash archive, .tsf", "Matrix Market, .mtx", "CoNLL-U", "CoNLL-2003", "fastText"],
)
def test_a_file_for_another_task_says_which(title: str, tmp_path: Path) -> None:
    example = BY_TITLE[title]
    path = tmp_path / example.name
    path.write_bytes(example.files[example.name])
    own = format_of(path).tasks
    for name in tasks.names():
        if name in own:
            continue
        make = loaded(name)
        if name == "language":
            with noted() as found:
                make.read(make.Options(), Sources(path))
            assert any(f"read as plain text; elman train {own[0]} knows its rows" in line for line in found)
            continue
        with pytest.raises(
            ElmanError, match=f"is {format_of(path).name}; elman train {own[0]} --data .* learns from it"
        ):
            make.read(make.Options(), Sources(path))


def test_every_format_has_a_name_and_the_last_one_takes_any_file(tmp_path: Path) -> None:
    path = tmp_path / "prose"
    path.write_text("Well, well.\nWho knows?\n")
    assert all(each.name and (each.read or each.tasks) for each in formats())
    assert format_of(path) is formats()[-1]
    assert not is_table(path)
    check_task(path, "tag")


# --- damaged files --------------------------------------------------------------------------------------------------

ARFF = "@relation r\n@attribute a numeric\n@attribute 'b c' {x,'y z'}\n@data\n1,x\n?,'y z'\n{0 3, 1 'y z'}\n{1 x}\n"
TSF = "@relation r\n@attribute series_name string\n@attribute start_timestamp date\n@frequency monthly\n@data\n"
MTX = "%%MatrixMarket matrix coordinate real general\n% a remark\n3 2 2\n1 2 0.5\n3 1 2\n"


def test_the_moments_of_a_ts_file_may_be_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    head = "@timestamps true\n@classlabel true a b\n@data\n"
    path.write_text(head + "(2021-01-01 00:00:00,0.5),(2021-01-01 00:00:10,?):a\n(0,1),(2.5,3):b\n")
    dated, counted = read_ts(path, BadRows()).sequences
    assert (np.diff(dated.times).tolist(), np.diff(counted.times).tolist()) == ([10], [2.5])
    path.write_text(head + "(2021-01-01,1),(2021-13-01,2):a\n")
    with pytest.raises(ElmanError, match="line 4: '2021-13-01' is no date"):
        read_ts(path, BadRows())


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (ARFF.replace("1,x", "1,w"), "a.arff", "line 5: b c is 'w', which is not among the values that are declared"),
        (ARFF.replace("1,x", "one,x"), "a.arff", "line 5: a is 'one', not a number"),
        (ARFF.replace("1,x", "1,x,2"), "a.arff", "line 5: has 3 values where 2 attributes are declared"),
        (ARFF.replace("1,x", "1,'x"), "a.arff", "line 5: a quotation does not end"),
        (ARFF.replace("{0 3", "{7 3"), "a.arff", "line 7: '7 3' is no number of an attribute"),
        (ARFF.replace("numeric", "complex"), "a.arff", "line 2: 'complex' is no type"),
        (ARFF.replace("'b c'", "a"), "a.arff", "line 3: the attribute 'a' is declared a second time"),
        (ARFF.partition("@data")[0], "a.arff", "has no @data, as if it was cut short"),
        (ARFF.partition("1,x")[0], "a.arff", "has no rows after @data"),
        (TSF + "T1:2020-01-01 00-00-00:1,2,x\n", "a.tsf", "line 6: 'x' is not a number"),
        (TSF + "T1:soon:1,2\n", "a.tsf", "line 6: start_timestamp is 'soon', not a time such as"),
        (TSF + "T1:1,2\n", "a.tsf", "line 6: has 1 parts before its values, where 2 attributes are declared"),
        (TSF.replace("monthly", "often") + "T1:2020-01-01:1\n", "a.tsf", "line 6: @frequency often is not known"),
        (TSF, "a.tsf", "has no series after @data"),
        (MTX.replace("coordinate", "array"), "a.mtx", "line 1: is a matrix of all its values, zeros too"),
        (MTX.replace("general", "symmetric"), "a.mtx", "line 1: is '%%MatrixMarket matrix coordinate real symmetric'"),
        (MTX.replace("3 2 2", "3 2 4"), "a.mtx", "line 3: says 4 entries, and 2 are there, as if it was cut short"),
        (MTX.replace("3 2 2", "3 2"), "a.mtx", "line 3: the numbers of rows, columns and entries are wanted here"),
        (MTX.partition("3 2 2")[0], "a.mtx", "line 2: the numbers of rows, columns and entries are wanted here"),
        (MTX.replace("1 2 0.5", "1 3 0.5"), "a.mtx", "line 4: the column is '3', and those of the matrix are 1 to 2"),
        (MTX.replace("1 2 0.5", "1 2 x"), "a.mtx", "line 4: the value is 'x', not a number"),
        (MTX.replace("1 2 0.5", "1 2"), "a.mtx", "line 4: has 2 numbers, where an entry has its row, its column"),
        ('[{"a": 1}, {"a": }]', "a.json", "line 1: is no JSON"),
        ('{"data": [{"a": 1},\n 7]}', "a.json", "line 2: is no JSON object"),
        ('{"version": 1,\n "data": {}}', "a.json", "is one object with version, data; rows are a list of objects"),
        ('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]", "a.json", "nested too deeply"),
        ("{}\n{}\n", "a.jsonl", "has objects with nothing in them"),
        (b"\x93NUMPY\x01\x00v", "a.npy", "is no file of NumPy that can be read"),
        (b"\x93NUMPY\x01\x00\x06\x00{'a':\n", "a.npy", "is no file of NumPy that can be read"),
        ('"a"b,c\n1,2\n', "a.csv", "line 1: a cell goes on after its closing quotation mark"),
        (b"ARROW1\0\0 nothing", "a.feather", "is no file of Arrow"),
        (b"PAR1 nothing", "a.csv", "is no Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "a.xls", "is an Excel workbook; save its sheet as CSV"),
        (b"SQLite format 3\0" * 9, "a.db", "is an SQLite database"),
        (b"\x80\x04\x95abc", "a.csv", "is a pickle of Python, which could run anything"),
        (b"\0" * 257 + b"ustar\0", "a.csv", "is a tar archive"),
        ("<!DOCTYPE html>\n<html></html>\n", "a.csv", "is a page of the web"),
        ("a;b;\n1;2;3\n4;5;6\n", "a.csv", ""),
    ],
)
def test_a_damaged_file_is_one_line_that_says_where(
    content: str | bytes, name: str, message: str, tmp_path: Path
) -> None:
    if not message:
        assert table(tmp_path, content, name).columns == ["a", "b", "column 3"]
        return
    with pytest.raises(ElmanError) as error:
        table(tmp_path, content, name)
    assert message in str(error.value)
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_rows_of_any_format_can_be_left_out(tmp_path: Path) -> None:
    assert table(tmp_path, ARFF.replace("1,x", "one,x"), skip="all").index.tolist() == [1, 2, 3]
    assert table(tmp_path, TSF + "A:2020-01-01:1,x\nB:2020-01-01:3,4\n", skip="all")["value"] == [3, 4]
    assert table(tmp_path, '[{"a": 1}, 7, {"a": 3}]', "a.json", skip="all").index.tolist() == [0, 2]


# --- each format ----------------------------------------------------------------------------------------------------


def test_the_entries_of_a_matrix_are_what_users_took(tmp_path: Path) -> None:
    read = table(tmp_path, MTX, skip="all")
    assert read.frame.to_dict(as_series=False) == {"user": [1, 3], "item": [2, 1], "rating": [0.5, 2]}
    assert read.where(1).endswith("line 5")
    pattern = table(tmp_path, MTX.replace("real", "pattern").replace(" 0.5", "").replace("3 1 2", "3\t1 "))
    assert pattern.frame.to_dict(as_series=False) == {"user": [1, 3], "item": [2, 1]}
    assert table(tmp_path, MTX.replace("1 2 0.5", "0 2 0.5"), skip="all").index.tolist() == [1]
    with pytest.raises(ElmanError, match="line 3: says 0 entries, and 0 are there"):
        table(tmp_path, MTX.partition("3 2 2")[0] + "3 2 0\n")


def test_arff_has_quoted_sparse_and_missing_values(tmp_path: Path) -> None:
    read = table(tmp_path, ARFF)
    assert read.frame.to_dict(as_series=False) == {"a": [1, None, 3, 0], "b c": ["x", "y z", "y z", "x"]}
    assert read.where(2).endswith("line 7")


def test_a_large_cell_of_arff_takes_the_place_of_a_few_of_itself() -> None:
    for text in ("'" + "7" * 10**6 + "',1", "'x'," + "a" + " " * 10**6 + "b"):
        tracemalloc.start()
        found = _cells(text)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [len(cell or "") for cell in found] == [len(cell.strip("'")) for cell in text.split(",")]
        assert most < 10 * len(text)


def test_the_lines_of_a_relational_attribute_are_channels(tmp_path: Path) -> None:
    head = "@relation r\n@attribute s relational\n@attribute t0 numeric\n@attribute t1 numeric\n@end s\n"
    read = table(tmp_path, head + "@attribute label {u,v}\n@data\n'1,2\\n3,?',u\n\"5,6\\n7,8\",v\n")
    assert read.columns == ["s_1_1", "s_1_2", "s_2_1", "s_2_2", "label"]
    assert read.frame.row(0) == (1, 2, 3, None, "u")
    assert read.frame.row(1) == (5, 6, 7, 8, "v")


@pytest.mark.parametrize(
    ("frequency", "third"),
    [("yearly", "2022-01-31"), ("monthly", "2020-03-31"), ("weekly", "2020-02-14"), ("daily", "2020-02-02"),
     ("half_hourly", "2020-01-31 01:00"), ("10_minutes", "2020-01-31 00:20"), ("4_seconds", "2020-01-31 00:00:08")],
)  # fmt: skip
def test_the_times_of_a_tsf_file_follow_its_frequency(frequency: str, third: str, tmp_path: Path) -> None:
    read = table(tmp_path, TSF.replace("monthly", frequency) + "T1:2020-01-31 00-00-00:1,?,3\n")
    assert str(read["time"][2]).startswith(third)
    assert read["value"] == [1, None, 3]
    assert read["series_name"] == ["T1"] * 3


def test_a_tsf_file_without_times_has_steps(tmp_path: Path) -> None:
    head = "@attribute series_name string\n@missing false\n@data\n"
    assert table(tmp_path, head + "A:1,2\nB:3\n")["step"] == [0, 1, 0]


@pytest.mark.parametrize(
    "content",
    [
        '{"a": 1, "b": "x"}\n\n{"b": "y", "a": 2}\n',
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        '[\n  {"a": 1, "b": "x"},\n  {"a": 2, "b": "y"}\n]\n',
        '{"data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "version": "1"}',
        '{\n "rows": [\n{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}',
        '{"meta": {"n": 7}, "result": {"records": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}}',
        '{"meta": {"n": 7},\n "result": {"more": [{"c": 1}], "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}}',
        '{"schema": {"fields": [{"name": "a"}, {"name": "b"}]}, "data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        '{"features": [{"type": "Feature", "properties": {"a": 1, "b": "x"}, "geometry": {}},'
        ' {"type": "Feature", "properties": {"a": 2, "b": "y"}, "geometry": {}}]}',
        '[{"page": 1}, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]]',
        '[[{"a": 1, "b": "x"}], [{"a": 2, "b": "y"}]]',
    ],
)
def test_json_of_any_shape_gives_the_same_rows(content: str, tmp_path: Path) -> None:
    assert table(tmp_path, content).frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


@pytest.mark.parametrize(
    "content",
    [
        {"latitude": 5.5, "hourly": {"time": DAYS, "v": [5, 6, 7]}, "daily": {"time": DAYS[:2], "w": [1, 2]}},
        {"data": {"result": [{"metric": {}, "values": [[DAYS[0], 5], [DAYS[1], 6], [DAYS[2], 7]]}]}},
        {"results": [{"series": [{"columns": ["time", "v"], "values": [[DAYS[0], 5], [DAYS[1], 6], [DAYS[2], 7]]}]}]},
        {"Meta Data": {"1. Symbol": "X"}, "Daily": {day: {"v": v} for day, v in zip(DAYS, (5, 6, 7), strict=True)}},
        {"v": dict(zip(DAYS, (5, 6, 7), strict=True)), "by": {"who": "x"}},
        [["time", "v"], [DAYS[0], 5], [DAYS[1], 6], [DAYS[2], 7]],
        {"v": [[DAYS[0], 5], [DAYS[1], 6], [DAYS[2], 7]], "other": [[DAYS[0], 1], [DAYS[1], 1], [DAYS[2], 1]]},
        [{"target": "v", "datapoints": [[5, DAYS[0]], [6, DAYS[1]], [7, DAYS[2]]]}],
        {str(n): {"time": day, "v": 5 + n} for n, day in enumerate(DAYS)},
    ],
)  # fmt: skip
@pytest.mark.parametrize("indent", [None, 1])
def test_series_of_services_are_rows_of_times_and_values(content: Any, indent: int | None, tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text(json.dumps(content, indent=indent))
    read = read_table(tmp_path / "answer.json", BadRows())
    values = next(name for name in ("v", "value") if name in read.columns)
    assert (read["time"], read[values]) == (DAYS, [5, 6, 7])


def test_rows_under_moments_in_numbers_are_those_of_pandas_by_index(tmp_path: Path) -> None:
    days = range(1577836800000, 1578009600001, 86400000)
    (tmp_path / "frame.json").write_text(json.dumps({str(day): {"v": n, "w": 7} for n, day in enumerate(days)}))
    read = read_table(tmp_path / "frame.json", BadRows())
    assert read.frame.to_dict(as_series=False) == {"time": list(days), "v": [0, 1, 2], "w": [7, 7, 7]}


def test_what_is_read_of_an_object_of_several_lists_is_said(tmp_path: Path) -> None:
    rows = {"hourly": {"time": DAYS, "v": [5, 6, 7]}, "places": [{"a": n} for n in range(3)], "n": 5}
    (tmp_path / "answer.json").write_text(json.dumps({"found": rows}))
    read = read_table(tmp_path / "answer.json", BadRows())
    assert read.notes == ("its rows are under found.hourly; not read: found.places",)


def test_a_row_alone_keeps_its_lists(tmp_path: Path) -> None:
    for row in ({"text": "so", "spans": [{"a": 1}, {"a": 2}]}, {"id": 1, "x": [1, 2, 3], "y": [1, 2, 3]}):
        (tmp_path / "one.jsonl").write_text(json.dumps(row))
        assert read_table(tmp_path / "one.jsonl", BadRows()).columns == list(row)
    (tmp_path / "one.json").write_text(json.dumps([{"text": "so", "spans": [{"a": 1}, {"a": 2}]}]))
    assert read_table(tmp_path / "one.json", BadRows()).columns == ["text", "spans"]


def test_infinity_in_json_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "inf.jsonl").write_text('{"v": 1.5}\n{"v": Infinity}\n{"v": 2.5}\n')
    with pytest.raises(ElmanError, match="line 2: v is inf, not a number that can be computed with"):
        read_table(tmp_path / "inf.jsonl", BadRows()).numeric("v")


def test_the_rows_of_a_list_know_their_lines(tmp_path: Path) -> None:
    assert table(tmp_path, '{"data": [\n{"a": 1},\n\n{"a": [2,\n3]}, {"a": 4}]}').lines.tolist() == [2, 4, 5]


def test_arrays_are_rows_of_columns_or_of_steps(tmp_path: Path) -> None:
    def saved(**arrays: Any) -> bytes:
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    assert table(tmp_path, saved(x=np.zeros((3, 2)))).columns == ["0", "1"]
    read = table(tmp_path, saved(X=np.arange(12).reshape(2, 3, 2), y=np.array(["u", "v"])))
    assert read.columns == [
        "channel_0_0",
        "channel_0_1",
        "channel_0_2",
        "channel_1_0",
        "channel_1_1",
        "channel_1_2",
        "label",
    ]
    assert read.frame.row(1) == (6, 8, 10, 7, 9, 11, "v")
    with pytest.raises(ElmanError, match="it holds objects of Python"):
        table(tmp_path, saved(x=np.array([{}, {}], object)))


def test_a_stream_of_arrow_is_read_as_a_file_of_it(tmp_path: Path) -> None:
    file = io.BytesIO()
    pl.DataFrame({"a": [1, 2]}).write_ipc_stream(file)
    assert table(tmp_path, file.getvalue())["a"] == [1, 2]


# --- lines of text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        ("a;b;;\n1;2;;\n3;4;;\n", ["a", "b"], 2),  # separators at the ends
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], 2),
        ("1,2,\n3,4,\n", ["1", "2"], 2),
        ("a,,b\n1,9,2\n3,9,4\n", ["a", "column 2", "b"], 2),  # a column without a name that has values
        ("a,b\n1,1,2\n2,3,4\n3,0,0\n", ["row", "a", "b"], 3),  # as R writes names of rows
        ("sep=;\na;b\n1;2\n", ["a", "b"], 1),
        ("# made by hand\n# in 2020\na,b\n1,2\n# the end\n", ["a", "b"], 1),
        ("#a,b\n1,2\n3,4\n", ["a", "b"], 2),  # a header behind the mark of a remark
        ("# a b\n1.5 2.5\n3.5 4.5\n", ["a", "b"], 2),
        ("#,name\n1,x\n2,y\n", ["#", "name"], 2),
        ("  a   b\n  1   2\n 10  20\n", ["a", "b"], 2),
        ("1.5 2.5\n3 4\n-1e3\t5\n", ["1", "2"], 3),
        ("a b\n1,5 2,5\n3,5 4,5\n", ["a", "b"], 2),
        ("1,5;2,5\n3,5;4,5\n", ["1", "2"], 2),
    ],
)
def test_lines_as_people_write_them(content: str, columns: list[str], rows: int, tmp_path: Path) -> None:
    read = table(tmp_path, content, "data.csv")
    assert read.columns == columns
    assert len(read) == rows


def test_columns_of_fixed_width_have_their_gaps(tmp_path: Path) -> None:
    read = table(tmp_path, "day  load  rain\n  1   2.5\n  2   3.5   0.1\n  3         0.2\n  4   1.0   0.3\n")
    assert read["load"] == ["2.5", "3.5", None, "1.0"]
    assert read["rain"] == [None, "0.1", "0.2", "0.3"]


@pytest.mark.parametrize(
    "content", ["so good to see\nnot so bad\n", "1 so good\n0 so bad\n", "go 1 2\nstop\n", "one\n"]
)
def test_prose_has_no_columns(content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text(content)
    assert not is_table(path)


def test_a_line_that_begins_with_a_hash_and_fits_is_a_row(tmp_path: Path) -> None:
    read = table(tmp_path, "#fun is here\tgood\nso bad\tbad\n", "data.tsv")
    assert read["1"] == ["#fun is here", "so bad"]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (["0 1 2", "5 3 1", "2 2 2"], False),
        (["0 1 2", "5 3.5 1", "2 2 2"], True),
        (["0 1 2 3", "5 3 1 7", "2 2 2 2"], True),
        (["1 2 3 4", "5 6 7 8", "2 2 2 2"], False),  # each row counts
        (["name 1990 1991 1992", "x 5 3 1.5"], True),
        (["1 2", "3 4"], False),
        (["1 2", "a b", "c d"], True),
        (["date load", "2020-01-01 5"], True),
        (["a a", "1 2"], True),  # of which one is to be named otherwise
        (["? ? b", "1 2 b"], False),
        ([" a", "0 1"], True),
    ],
)
def test_a_header_may_count(rows: list[str], header: bool) -> None:
    assert has_header([row.split(" ") for row in rows], ".csv") is header


# --- tasks ----------------------------------------------------------------------------------------------------------


def test_labels_and_series_are_the_same_in_each_format_of_series(tmp_path: Path) -> None:
    values = [[float(v) for v in row] for row in np.random.default_rng(0).normal(size=(12, 5)).round(3)]
    labels = ["1", "2", "3"] * 4
    rows = list(zip(labels, values, strict=True))

    def text(row: list[float], between: str) -> str:
        return between.join(map(str, row))

    arff = [*(f"@attribute a{n} real" for n in range(5)), "@attribute label {1,2,3}", "@data"]
    files = {
        "a.tsv": [f"{label}\t{text(row, chr(9))}" for label, row in rows],
        "b.txt": [f"  {float(label):.7e}  {text(row, '  ')}" for label, row in rows],
        "c.csv": ["label," + ",".join(map(str, range(5))), *(f"{label},{text(row, ',')}" for label, row in rows)],
        "d.arff": ["@relation r", *arff, *(f"{text(row, ',')},{label}" for label, row in rows)],
        "e.ts": [
            "@problemName r",
            "@classLabel true 1 2 3",
            "@data",
            *(f"{text(row, ',')}:{label}" for label, row in rows),
        ],
    }
    make = loaded("classify")
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        read = make.read(make.Options(held_out=0.0), Sources(tmp_path / name))
        assert read.learnt.labels == labels, name
        np.testing.assert_allclose([one.values[:, 0] for one in read.learnt.inputs], values, rtol=1e-6)


def test_a_model_of_wide_rows_answers_every_row_and_line(tmp_path: Path) -> None:
    example = BY_TITLE["Wide tables"]
    path = tmp_path / example.name
    path.write_bytes(example.files[example.name])
    model = fit(ClassifyTask, path, steps=2, hidden=4)
    answers = model.predict(path)
    assert answers["id"].to_list() == [str(n) for n in range(24)]
    lines = path.read_text().splitlines()
    streamed = [json.loads(answer) for answer in model.stream(iter(lines[1:4]))]
    assert [each["predicted"] for each in streamed] == answers["predicted"].to_list()[:3]
    assert model.predict(path.rename(tmp_path / "again.csv")).equals(answers)


def test_the_column_of_conllu_goes_by_its_name(tmp_path: Path) -> None:
    example = BY_TITLE["CoNLL-U"]
    path = tmp_path / example.name
    path.write_bytes(example.files[example.name])
    make = loaded("tag")
    read = make.read(make.Options(held_out=0.0), Sources(path))
    assert read.learnt.tokens[0] == ["der", "Hund", "sieht"]
    assert read.learnt.tags[0] == ["DET", "NOUN", "VERB"]
    read = make.read(make.Options(held_out=0.0, tag_column="lemma"), Sources(path))
    assert read.learnt.tags[0] == ["der", "hund", "sieht"]
    with pytest.raises(ElmanError, match="line 3: has no tag in the column xpos"):
        make.read(make.Options(tag_column="xpos"), Sources(path))
    path.write_text(path.read_text().replace("2\tHund\thund", "2\tHund", 1))
    with pytest.raises(ElmanError, match=r"line 4: has 9 columns where CoNLL-U has 10, with tabs between"):
        make.read(make.Options(), Sources(path))


def test_lines_of_fasttext_may_have_several_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("__label__a __label__b so good\n__label__a fine\n__label__b bad\n" * 4)
    make = loaded("classify")
    read = make.read(make.Options(held_out=0.0), Sources(path))
    assert read.learnt.inputs[:2] == ["so good", "fine"]
    assert read.learnt.labels[:2] == [["a", "b"], ["a"]]
    assert read.target.kind == "labels"


def test_sessions_a_line_are_those_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "sessions.txt"
    path.write_text("1 10 11\n2 11 12 10\n5 12 12\n9 10\n")
    make = loaded("recommend")
    read = make.read(make.Options(held_out=0.0, split="people"), Sources(path))
    assert [[read.learnt.names[n] for n in items] for items in read.learnt.items][1] == ["11", "12", "10"]
    assert read.learnt.keys["user"].to_list() == ["1", "2", "5", "9"]


def test_what_is_no_amount_is_not_forecast_unasked(tmp_path: Path) -> None:
    rows = [
        f"2024-05-{1 + n // 24:02d} {n % 24:02d}:00,{n % 24},{n},{7 * n % 5},{n % 2},3,{n % 12 + 0.5}"
        for n in range(72)
    ]
    path = tmp_path / "load.csv"
    path.write_text("\n".join(["time,hour,count,store_id,is_holiday,floor,load", *rows]) + "\n")
    example = replace(BY_TITLE["A header of numbers"], options={})
    found = said(example, path)
    assert "to forecast: load" in found
    (left,) = (line for line in found if line.startswith("not to forecast, unless --target names them"))
    for part in (
        "hour (a part of the time)",
        "count (a counter)",
        "store_id (a name)",
        "is_holiday (a flag)",
        "floor (constant)",
    ):
        assert part in left
    assert "to forecast: is_holiday" in said(replace(example, options={"target": "is_holiday"}), path)


def test_a_file_in_another_encoding_trains_and_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    example = BY_TITLE["Encodings"]
    path, other = tmp_path / example.name, tmp_path / "utf8.csv"
    path.write_bytes(example.files[example.name])
    model = fit(ClassifyTask, path, steps=2, hidden=4, encoding="latin-1")
    assert "café" in model.predict(path)["text"][0]
    other.write_text(path.read_text(encoding="latin-1"), encoding="utf-8")
    model.predict(other)
    assert "looks like UTF-8 and is read as latin-1" in caplog.text


# --- several files --------------------------------------------------------------------------------------------------


def test_several_files_by_a_pattern_or_a_folder_are_one_table(tmp_path: Path) -> None:
    for name, rows in (("b", "3,4\n5,x\n"), ("a", "1,2\n")):
        (tmp_path / f"{name}.csv").write_text(f"p,q\n{rows}")
    (tmp_path / "README.md").write_text("Two files.\n")
    for source in (tmp_path / "*.csv", tmp_path):
        read = read_table(source, BadRows())
        assert read["p"] == ["1", "3", "5"]
        assert read.index.tolist() == [0, 1, 2]
        assert read.where(2) == f"{tmp_path / 'b.csv'}, line 3"
        assert read.take(np.array([2])).with_files()["file"] == ["b.csv"]
    with pytest.raises(ElmanError, match=r"b.csv, line 3: q is 'x', not a number"):
        read.numeric("q")
    (tmp_path / "c.csv").write_text("p,r\n1,2\n")
    with pytest.raises(ElmanError, match=r"c.csv has the columns p, r, and .*a.csv has p, q"):
        read_table(tmp_path / "*.csv", BadRows())
    with pytest.raises(ElmanError, match=r"no file is named as .*\*.tsv says"):
        read_table(tmp_path / "*.tsv", BadRows())


def test_series_of_the_same_times_in_several_files_go_by_the_file(tmp_path: Path) -> None:
    example = BY_TITLE["Remarks, Excel's separator, empty columns"]
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_bytes(example.files[example.name])
    assert "series: 2 different of file" in said(example, tmp_path / "*.csv")


def test_texts_in_several_files_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two\n")
    assert read_whole(tmp_path / "?.txt") == "one\ntwo\n"


def test_a_header_that_cannot_be_read_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="line 1: the first row cannot be read, and is wanted for the columns"):
        table(tmp_path, '"a"b,c\n1,2\n3,4\n', "a.csv", skip="all")


def test_a_file_of_lines_may_have_one(tmp_path: Path) -> None:
    line = '{"tokens": ["a", "b"], "tags": ["X", "Y"]}'
    assert len(table(tmp_path, line, "a.jsonl")) == 1
    assert len(table(tmp_path, line, "a.json")) == 2  # which are columns


def test_cells_between_tabs_are_quoted_where_all_of_a_column_are(tmp_path: Path) -> None:
    quoted = table(tmp_path, '"text"\t"n"\n"so ""so"""\t1\n"fine"\t2\n', "a.tsv")
    assert quoted.frame.to_dict(as_series=False) == {"text": ['so "so"', "fine"], "n": ["1", "2"]}
    plain = table(tmp_path, 'text\tn\n"No"\t1\n"Yes," he said\t2\n', "b.tsv")
    assert plain["text"] == ['"No"', '"Yes," he said']


def test_a_wrong_attribute_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=r"a.arff, line 2: a quotation does not end, from \"'a\" on"):
        table(tmp_path, "@relation r\n@attribute 'a numeric\n@data\n1\n", "a.arff")


def test_columns_of_json_are_of_characters(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match=r"a.json: it has half of a pair of surrogates"):
        table(tmp_path, '{"a": ["\\ud800", "b"]}', "a.json")


def test_columns_of_json_may_have_an_index_as_pandas_writes_them(tmp_path: Path) -> None:
    read = table(tmp_path, '{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}', "a.json")
    assert read.frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_rows_of_separators_alone_are_none_wherever_they_stand(mark: str, tmp_path: Path) -> None:
    content = ";;;\nday;load;\n1;2.5;\n;;\n2;3.5;\n ; ;\n;;;;\n"
    found = table(tmp_path, content.replace(";", mark), "a.csv")
    assert found["load"] == ["2.5", "3.5"]
    assert (found.lines.tolist(), found.size) == ([3, 5], 2)
    assert "rows without any value are left out: 4" in found.notes
    quoted = table(tmp_path, 'day,text\n1,"so\n,\nso"\n"",""\n2,so\n,\n', "b.csv")
    assert quoted["text"] == ["so\n,\nso", None, "so"]


def test_a_cell_that_a_spreadsheet_keeps_as_text_is_what_stands_in_it(tmp_path: Path) -> None:
    found = table(tmp_path, 'id;load;"=""note"""\n="001";="2,5";"=""so; so"""\n"=""002""";="3,5";=1\n', "a.csv")
    assert found["id"] == ["001", "002"]
    assert found["note"] == ["so; so", "=1"]
    assert found.numeric("load")["load"] == [2.5, 3.5]
    known = Known(("id", "load"), ["id", "load"], dialect=found.written("load"))
    assert read_again(Line('="003";="4,5"'), known, BadRows()).numeric("load").frame.rows() == [("003", 4.5)]


def test_objects_in_objects_are_columns_by_names_with_points(tmp_path: Path) -> None:
    rows = ['{"who": {"id": 7, "name": {"first": "Ann"}}, "load": 1.5, "at": {}}', '{"who": {"id": 8}, "load": 2}']
    for content in ("\n".join(rows), f"[{', '.join(rows)}]", f'{{"data": [{", ".join(rows)}]}}'):
        found = table(tmp_path, content, "a.json")
        assert found.columns == ["who.id", "who.name.first", "load"]
        assert (found["who.id"], found["who.name.first"]) == ([7, 8], ["Ann", None])
    assert (find(["meta.votes", "label.name"], "label"), find(["body.text", "at"], "text")) == (
        "label.name",
        "body.text",
    )
    known = Known(("who.id", "load"), ["who.id", "load"])
    assert read_again(Line(rows[1]), known, BadRows()).frame.rows() == [(8, 2)]
    with pytest.raises(ElmanError, match=r"it has 'a.b' twice, by itself and in an object"):
        table(tmp_path, '{"a": {"b": 1}, "a.b": 2}', "a.jsonl")


def test_a_log_of_a_web_server_is_a_table_of_requests(tmp_path: Path) -> None:
    common = '127.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a%20b HTTP/1.0" 200 2326'
    combined = '::1 - - [01/Feb/2024:00:00:00 +0000] "-" 408 - "-" "Mozilla/5.0 \\"x\\" (X11)" 0.003'
    found = table(tmp_path, f"{common}\n{combined}\n", "access.log")
    assert found.columns == ["time", "client", "remote_user", "method", "url", "protocol", "status", "bytes", "agent"]
    assert found.frame.rows() == [
        ("2000-10-10T13:55:36-07:00", "127.0.0.1", "ann", "GET", "/a%20b", "HTTP/1.0", "200", "2326", None),
        ("2024-02-01T00:00:00+00:00", "::1", None, None, None, None, "408", None, 'Mozilla/5.0 \\"x\\" (X11)'),
    ]
    many = f"{common}\n" * 20
    with pytest.raises(ElmanError, match="line 21: is no request as the others are; mend it"):
        table(tmp_path, f"{many}what\n", "access.log")
    bad = BadRows("all", answers=True)
    (tmp_path / "access.log").write_text(f"{many}\nwhat\n{common}\n")
    found = read_table(tmp_path / "access.log", bad)
    assert (len(found), found.size, len(bad.listed), len(bad.remarks)) == (21, 23, 1, 1)


def test_a_name_that_stands_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(ElmanError, match="has two columns named 'load'; rename one"):
        table(tmp_path, "day,load,load\n2021-01-01,1,2\n2021-01-02,2,3\n", "a.csv")
    assert table(tmp_path, "?,?,b\n1,2,b\n3,4,c\n", "b.csv").columns == ["1", "2", "3"]


def test_a_header_that_stands_again_is_left_out(tmp_path: Path) -> None:
    found = table(tmp_path, "day,load\n2021-01-01,1\nday,load\n2021-01-02,2\n", "a.csv")
    assert found["load"] == ["1", "2"]
    assert found.lines.tolist() == [2, 4]
    assert "the header stands again, and is left out there, in line 3" in found.notes
    assert table(tmp_path, "good,yes\nbad,no\ngood,yes\n", "b.csv").columns == ["1", "2"]


@pytest.mark.parametrize("mark", ["#", "%", "//"])
def test_remarks_before_the_header_are_left_out(mark: str, tmp_path: Path) -> None:
    found = table(tmp_path, f"{mark} made by x, y\n{mark} z\nday,load\n2021-01-01,1\n2021-01-02,2\n", "a.csv")
    assert found["load"] == ["1", "2"]
    assert f"lines that begin with {mark} are remarks: 2" in found.notes
    assert table(tmp_path, f"{mark}day,load\n2021-01-01,1\n2021-01-02,2\n", "b.csv").columns == ["day", "load"]


@pytest.mark.parametrize(
    "content",
    [
        "Our loads\nday;load\n" + "30.01.2021 10:00;1,5\n" * 5,
        '"Data Source","World Bank",\n\n"day","a","b","c"\n' + '"2021-01-01","1","2","3"\n' * 5,
    ],
)
def test_a_title_before_the_header_is_left_out(content: str, tmp_path: Path) -> None:
    read = table(tmp_path, content, "a.csv")
    assert (read.columns[0], len(read), read.size) == ("day", 5, 5)
    assert any(note.startswith("lines before the header, which is in line") for note in read.notes)


@pytest.mark.parametrize(
    ("above", "columns", "said"),
    [
        ("Time;Temp\n[s];[°C]\n", ["Time", "Temp"], ["below the header stand units ([s], [°C])"]),
        ("Device;X-200\nSerial;7\nt;V\n", ["t", "V"], ["lines before the header, which is in line 3"]),
        ("Device: X;\nt;V\ns;mV\n", ["t", "V"], ["lines before the header, which is in line 2", "units (s, mV)"]),
        ('"TOA5";"S";"CR1000"\n"T";"V"\n"TS";"mV"\n"";"Avg"\n', ["T", "V"], ["line 2", "units (TS, mV)"]),
    ],
)
def test_rows_of_units_and_lines_above_the_header_are_left_out_and_said(
    above: str, columns: list[str], said: list[str], tmp_path: Path
) -> None:
    rows = "".join(f"{n};{n % 3},5\n" for n in range(6))
    read = table(tmp_path, above + rows, "a.csv")
    assert (read.columns, len(read), read.size) == (columns, 6, 6)
    assert read.where(0).endswith(f"line {above.count(chr(10)) + 1}")
    assert all(any(part in note for note in read.notes) for part in said)
    again = read_table(tmp_path / "a.csv", BadRows(), read.dialect, lambda names: set(names) == set(columns))
    assert again.frame.equals(read.frame)


def test_of_two_rows_that_may_be_the_header_it_is_asked_which_is(tmp_path: Path) -> None:
    rows = "".join(f"{n};{n % 3},5\n" for n in range(6))
    with pytest.raises(ElmanError, match=r"line 2: has no numbers .* line 1, which has names too; remove the one"):
        table(tmp_path, f"Time;Temp\nfast;slow\n{rows}", "a.csv")
    assert len(table(tmp_path, f"Time;Temp\nn/a;\n{rows}", "b.csv")) == 7
    assert len(table(tmp_path, f"name;load\nAda;soon\n{rows}".replace("0;0", "Bob;0"), "c.csv", skip="all")) == 7


def test_tables_of_r_have_names_before_rows_and_quoted_cells_between_blanks(tmp_path: Path) -> None:
    rows = "".join(f'"{n}" "2024-01-{n:02}" "New York" {n}.5\n' for n in range(1, 13))
    (tmp_path / "r.txt").write_text('"date" "place name" "v"\n' + rows)
    read = read_table(tmp_path / "r.txt", BadRows())
    assert read.columns == ["row", "date", "place name", "v"]
    assert (read["date"][1], read["place name"][1], read["v"][1]) == ("2024-01-02", "New York", "2.5")
