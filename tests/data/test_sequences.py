"""Sequences of numbers: .ts files, long tables, words, and how labelled data is found to lie."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.bad import BadRows
from elman.data.dialect import Dialect, Notation
from elman.data.formats.ts import read_ts
from elman.errors import ElmanError
from elman.tasks.classify.labelled import read_labelled, warn_of_leaks
from elman.tasks.classify.layout import ColumnSpec, Layout, find_layout

TS = """# a comment
@problemName Two
@timeStamps false
@classLabel true up down
@data
1,2,3:4,5,6:up
1,?:-1,-2:down

7:8:up
"""
LONG = """id,time,a,b,label
x,2,1,10,up
y,1,4,,down
x,1,3,20,up
y,2,5,60,down
x,2,2,,up
"""


def written(folder: Path, content: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def read(path: Path, *, skip: bool = False, labelled: bool = True, **wishes: Any) -> tuple[Layout, Any]:
    layout = find_layout(path, ColumnSpec(**wishes), BadRows(skip=True))
    return layout, read_labelled(path, layout, BadRows(skip), labelled=labelled)


def test_a_ts_file(tmp_path: Path) -> None:
    found = read_ts(written(tmp_path, TS, "x.ts"), BadRows())
    assert found.labels == ["up", "down", "up"]
    assert found.lines == [6, 7, 9]
    assert found.sequences[0].values.tolist() == [[1, 4], [2, 5], [3, 6]]
    np.testing.assert_array_equal(found.sequences[1].values, [[1, -1], [np.nan, -2]])


def test_a_ts_file_with_times_that_differ_between_channels(tmp_path: Path) -> None:
    text = "@timeStamps true\n@classLabel true a b\n@data\n(0,1),(2,3):(2,5),(1,4):a\n"
    (found,) = read_ts(written(tmp_path, text, "x.ts"), BadRows()).sequences
    assert found.times.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found.values, [[1, np.nan], [np.nan, 4], [3, 5]])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("(0:00,1):(1,2):a", "line 4: '0:00' is not a number"),  # the colon of a time parts no channels
        ("(nan,1):(1,2):a", "line 4: 'nan' is no time"),
        (":" * 100_000, "line 4: has no .time,value."),
    ],
)
def test_a_bad_row_of_a_ts_file_with_times(row: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"@timeStamps true\n@classLabel true a b\n@data\n{row}\n", "x.ts")
    with pytest.raises(ElmanError, match=message):
        read_ts(path, BadRows())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2:3,4:5,6:up", "line 4: has 3 channels where the first row has 2"),
        ("1,x:3,4:up", "line 4: 'x' is not a number"),
        ("1,inf:3,4:up", "line 4: 'inf' is beyond 1e.38"),
        ("1,2", "line 4: has no label after its last :"),
    ],
)
def test_a_bad_row_of_a_ts_file(row: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"@classLabel true up down\n@data\n1:2:up\n{row}\n3:4:down\n", "x.ts")
    with pytest.raises(ElmanError, match=message):
        read_ts(path, BadRows())
    bad = BadRows(skip=True)
    assert read_ts(path, bad).index == [0, 2]
    assert len(bad.listed) == 1


def test_a_long_table_is_sorted_by_time_and_the_later_of_two_rows_counts(tmp_path: Path) -> None:
    layout, rows = read(written(tmp_path, LONG))
    assert layout == Layout(
        "long", label="label", identity="id", time=("time",), channels=("a", "b"),
        dialect=Dialect(",", True, numbers={"a": Notation(), "b": Notation()}),
        columns=("id", "time", "a", "b", "label"), forms=("numbers",),
    )  # fmt: skip
    assert rows.labels == ["up", "down"]
    assert rows.inputs[0].values.tolist() == [[3, 20], [2, 10]]
    np.testing.assert_array_equal(rows.inputs[1].values, [[4, np.nan], [5, 60]])
    assert rows.where[1].endswith("data.csv, line 3 (id y)")


def test_a_measurement_a_row_with_labels_in_another_file(tmp_path: Path) -> None:
    text = "RecordID,Time,Parameter,Value\n1,00:30,HR,70\n1,25:00,pH,7\n2,00:10,HR,80\n3,00:10,HR,1\n"
    labels = written(tmp_path, "RecordID,ward,died\n2,w,0\n1,v,1\n", "labels.csv")
    path = written(tmp_path, text)
    with pytest.raises(ElmanError, match=r"line 5 \(RecordID 3\): has no label"):
        read(path, labels=str(labels))
    layout, rows = read(path, labels=str(labels), skip=True)
    assert layout.channels == ("HR", "pH")
    assert rows.labels == ["1", "0"]
    assert rows.inputs[0].times.tolist() == [1800, 90000]
    np.testing.assert_array_equal(rows.inputs[0].values, [[70, np.nan], [np.nan, 7]])
    assert rows.parting("random", "ward", ())["groups"] == ["v", "w"]
    assert len(read(path, labels=str(labels), labelled=False)[1]) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("x,1,3", "x,1,three"), "line 4: a is 'three', not a number"),
        (("x,1,3", "x,1,inf"), "line 4: a is 'inf', not a number"),
        (("x,1,3", "x,soon,3"), "line 4: time is 'soon', which is no time like the others"),
        (("x,1,3", ",1,3"), "line 4: id is empty"),
        (("20,up", "20,down"), "id x has several labels in label"),
    ],
)
def test_a_bad_row_of_a_long_table(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    more = "".join(f"z,{n},1,1,up\n" for n in range(40))
    with pytest.raises(ElmanError, match=message):
        read(written(tmp_path, LONG.replace(*change) + more), label="label", identity="id", time=("time",))


def test_texts_in_every_shape(tmp_path: Path) -> None:
    expected = [("so good", "yes"), ("so bad", "no"), ("good", "yes")]
    folder, files = tmp_path / "folder", tmp_path / "files"
    shapes = [
        (written(tmp_path, "text,label\nso good,yes\nso bad,no\ngood,yes\n"), {}),
        (written(tmp_path, "id,what,opinion\n1,so good,yes\n2,so bad,no\n3,good,yes\n", "b.csv"), {}),
        (written(tmp_path, "so good|yes\nso bad|no\ngood|yes\n", "c.csv"), {"text": "1", "label": "2"}),
        (written(tmp_path, "yes so good\nno so bad\nyes good\n", "d.txt"), {}),
        (written(tmp_path, "__label__yes so good\n__label__no so bad\n__label__yes good\n", "e.txt"), {}),
        (written(tmp_path, '{"label": "yes", "text": "so good"}\n{"label": "no", "text": "so bad"}\n'
                           '{"label": "yes", "text": "good"}\n', "f.jsonl"), {}),
    ]  # fmt: skip
    for path, wishes in shapes:
        rows = read(path, **wishes)[1]
        assert list(zip(rows.inputs, rows.labels, strict=True)) == expected, path
    for name, text in (("yes/1.txt", "so good\n"), ("yes/2.txt", "good"), ("no/1.txt", "so bad")):
        written(folder, text, name)
    for name, text in (("yes.txt", "so good\n\ngood\n"), ("no.txt", "so bad\n")):
        written(files, text, name)
    for path in (folder, files):
        rows = read(path)[1]
        assert sorted(zip(rows.inputs, rows.labels, strict=True)) == sorted(expected)
    assert rows.where[1].endswith("yes.txt, line 1")


def test_what_lacks_a_label_or_a_text_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\ngood,yes\nbad,\n")
    with pytest.raises(ElmanError, match=r"data.csv, line 3: has no label; .*--skip-bad"):
        read(path)
    assert len(read(path, skip=True)[1]) == 1
    with pytest.raises(ElmanError, match="no column 'opinion'; its columns are text, label"):
        read(path, label="opinion")
    with pytest.raises(ElmanError, match=r"no column that looks like the text, .*; say which with --text-column"):
        read(written(tmp_path, "a,b\n1,2\n1,3\n", "n.csv"))


def test_a_leak_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"{who},{t},{t * who},{who % 2 + 5},{'ab'[who % 2]}\n" for who in range(9) for t in range(3))
    layout, found = read(written(tmp_path, "id,t,x,ward,label\n" + rows))
    warn_of_leaks(found, layout)
    assert "ward alone tells the label" in caplog.text
    assert "x alone" not in caplog.text
    caplog.clear()
    layout, found = read(written(tmp_path, "text,label\na good one,good\nthe bad one,bad\n", "t.csv"))
    warn_of_leaks(found, layout)
    assert "the text has its label in it" in caplog.text


def test_a_split_by_time_or_by_group(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label,who,at\na,x,p,2024-01-03\nb,y,q,2024-01-01\nc,x,q,2024-01-02\n")
    rows = read(path)[1]
    assert np.argsort(rows.parting("time", "", ("at",))["times"]).tolist() == [1, 2, 0]
    assert rows.parting("time", "", "")["times"].tolist() == [0, 1, 2]
    assert rows.parting("random", "who", "") == {"groups": ["p", "q", "q"]}
    with pytest.raises(ElmanError, match="no column 'whom' to part by; there are text, label, who, at"):
        rows.parting("random", "whom", "")
    with pytest.raises(ElmanError, match="--split is random or time, not 'last'"):
        rows.parting("last", "", "")


def test_a_long_table_of_bad_rows_says_why(tmp_path: Path) -> None:
    layout, _ = read(written(tmp_path, LONG))
    path = written(tmp_path, "id,time,a,b,label\nu,soon,1,2,up\nu,late,1,2,up\n", "bad.csv")
    with pytest.raises(ElmanError, match=r"bad.csv has no rows that can be used; .*bad.csv, line 2: time is 'soon'"):
        read_labelled(path, layout, BadRows("all"))
