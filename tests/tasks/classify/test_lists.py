"""A series in each row as lists of numbers: in JSON, Parquet, CSV and memory, of one channel or several."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman.data.bad import BadRows
from elman.errors import ElmanError
from elman.tasks import restore
from elman.tasks.classify.labelled import read_labelled
from elman.tasks.classify.layout import ColumnSpec, find_layout
from elman.tasks.classify.task import ClassifyTask
from elman.training.runs import fit

LENGTHS = {"of one length": [7] * 12, "of several lengths": [4, 7, 5] * 4}


def rows_of(lay: str, lengths: list[int]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Rows with a series of two channels each, or of one, and the series ``[T, C]``; 1 and 2.5 are both numbers."""
    random = np.random.default_rng(3)
    series = [random.integers(-9, 9, (size, 2 if lay else 1)) / 2 for size in lengths]
    found = []
    for n, each in enumerate(series):
        each[1, 0] = np.nan
        steps = [[None if v != v else int(v) if v == int(v) else v for v in step] for step in each.tolist()]
        x: Any = [list(channel) for channel in zip(*steps, strict=True)] if lay == "channel" else steps
        found.append({"x": x if lay else [step[0] for step in steps], "y": "ab"[n % 2]})
    return found, series


def read(source: Any) -> Any:
    return read_labelled(source, find_layout(source, ColumnSpec(), BadRows()), BadRows())


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("lay", ["", "channel", "step"])
def test_lists_are_series_from_wherever_they_come(lay: str, lengths: list[int], tmp_path: Path) -> None:
    rows, series = rows_of(lay, lengths)
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    frame = pl.DataFrame({"x": pl.Series([row["x"] for row in rows], strict=False), "y": [row["y"] for row in rows]})
    frame.write_parquet(tmp_path / "b.parquet")
    pd.DataFrame(rows).assign(x=[json.dumps(row["x"]) for row in rows]).to_csv(tmp_path / "c.csv", index=False)
    for source in (tmp_path / "a.jsonl", tmp_path / "b.parquet", tmp_path / "c.csv", frame):
        found = read(source)
        assert found.labels == ["a", "b"] * 6
        assert all(np.array_equal(a.values, b, equal_nan=True) for a, b in zip(found.inputs, series, strict=True))


def test_a_model_of_lists_answers_every_row_in_each_way(tmp_path: Path) -> None:
    rows, _ = rows_of("step", LENGTHS["of several lengths"])
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    model = fit(ClassifyTask, path, folder=tmp_path / "model", steps=2, hidden=4, held_out=0.25)
    answers = model.predict(path)["p_a"].to_numpy()
    asked = [{"x": row["x"]} for row in rows]
    for source in (asked, pl.DataFrame(asked, strict=False), pd.DataFrame(asked)):
        np.testing.assert_allclose(model.predict(source)["p_a"], answers, rtol=1e-5)
    streamed = [json.loads(each)["p_a"] for each in model.stream(json.dumps(row) for row in asked)]
    np.testing.assert_allclose(streamed, answers, rtol=1e-5)
    assert len(model.evaluation(path, tmp_path, BadRows()).rows) == len(rows)
    again: Any = restore(tmp_path / "model")
    assert again.predict(asked)["p_a"].to_list() == model.predict(asked)["p_a"].to_list()


def test_several_columns_of_lists_are_channels_and_one_of_times_says_when(tmp_path: Path) -> None:
    rows = [
        {"t": [0, 2, 5], "u": [1, 2, 3], "v": [4, None, 6.5], "age": 20 + n * n, "class": n % 2, "id": f"p{n}"}
        for n in range(6)
    ]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = read(tmp_path / "a.jsonl")
    np.testing.assert_array_equal(found.inputs[1].values, [[1, 4, 21], [2, np.nan, 21], [3, 6.5, 21]])
    np.testing.assert_array_equal(found.inputs[1].times, [0, 2, 5])
    assert found.frame["id"].to_list() == [f"p{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([[1, 2], [3]], "x has not the 2 channels that the others have"),
        ([[1, "a"]], r"x is .*, not a list of numbers"),
        (None, "has nothing in x"),
        ([], "has no steps"),
    ],
)
def test_what_is_no_series_like_the_others_is_bad(wrong: Any, message: str, tmp_path: Path) -> None:
    rows, _ = rows_of("step", [5, 6] * 12)
    rows[3]["x"] = wrong
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(ElmanError, match=f"line 4: {message}"):
        read(tmp_path / "a.jsonl")


def test_a_text_beside_lists_is_what_is_read(tmp_path: Path) -> None:
    rows = [{"text": f"so good {n}", "input_ids": [1, 2, n], "label": "ab"[n % 2]} for n in range(8)]
    layout = find_layout(pl.DataFrame(rows), ColumnSpec(), BadRows())
    assert (layout.kind, layout.text) == ("table", "text")


def test_measurements_that_are_no_numbers_are_refused() -> None:
    cells = {"id": ["a", "a", "b", "b"], "what": ["u", "v"] * 2, "value": ["x", "y", "x", "z"], "label": [1, 1, 2, 2]}
    with pytest.raises(ElmanError, match="has no columns of numbers besides id"):
        find_layout(pl.DataFrame(cells), ColumnSpec(parameter="what"), BadRows())
