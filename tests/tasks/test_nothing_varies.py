"""Data in which nothing varies, nothing is left, or much is asked: an answer, or one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from elman import tasks
from elman.errors import LONGEST, ElmanError
from elman.tasks.forecast.task import ForecastTask
from elman.training.folders import RESULT, read_json
from elman.training.runs import fit
from elman.training.task import Predictor

SMALL: dict[str, Any] = {"steps": 2, "hidden": 4, "batch": 8}
TABLES = ["anomaly", "classify", "forecast", "recommend", "tag", "translate"]


def said(task: str, path: Path, **options: Any) -> str:
    """What is said of a file from which nothing can be learnt; nothing where something is."""
    try:
        fit(tasks.load(task), path, **SMALL, **options)
    except ElmanError as error:
        return str(error)
    return ""


def trained(task: str, data: Any, **options: Any) -> Predictor:
    model = fit(tasks.load(task), data, **{**SMALL, **options})
    assert isinstance(model, Predictor)
    return model


def test_a_stream_that_does_not_vary_gives_no_alarm_until_it_changes() -> None:
    frame = pl.DataFrame({"value": np.ones(600), "other": np.zeros(600)})
    model = trained("anomaly", frame, steps=10, hidden=8, horizons="1,8")
    assert not model.predict(frame)["alarm"].any()
    for change in (2.0, 0.0, 1e6):
        changed = frame.with_columns(pl.Series("value", [1.0] * 400 + [change] * 200))
        assert model.predict(changed)["alarm"].arg_true()[0] == 400


def test_the_forecast_of_what_does_not_vary_is_that() -> None:
    model = fit(ForecastTask, pl.DataFrame({"load": np.full(200, 7.25)}), horizon=5, **SMALL)
    answers = model.predict(pl.DataFrame({"load": np.full(60, 7.25)}))
    np.testing.assert_allclose(answers["forecast"], 7.25, atol=0.05)


def test_series_that_do_not_vary_are_classified() -> None:
    rows = [{"id": n, "time": t, "x": 1.0, "label": "ab"[n % 2]} for n in range(20) for t in range(5)]
    model = trained("classify", pl.DataFrame(rows))
    asked = pl.DataFrame([{"id": n, "time": t, "x": 1.0} for n in range(3) for t in range(4)])
    assert len(model.predict(asked)) == 3


@pytest.mark.parametrize(
    ("name", "text", "left_out"),
    [
        ("texts.csv", "text,label\n" + ",yes\n,no\n" * 40, "tf-idf"),
        ("series.ts", "@timeStamps false\n@classLabel true a b\n@data\n" + "?,?:a\n?,?:b\n" * 30, "gradient boosting"),
    ],
)
def test_a_simple_method_that_cannot_be_learnt_is_left_out_and_said(
    name: str, text: str, left_out: str, tmp_path: Path
) -> None:
    path, folder = tmp_path / name, tmp_path / "model"
    path.write_text(text)
    if refused := said("classify", path, folder=folder):  # a row of nothing may be bad
        assert "--skip-bad" in refused or "all texts in text are empty" in refused
        return
    result = read_json(folder / RESULT)
    assert not any(name.startswith(left_out) for name in result["compared"])
    assert any(f"There is no {left_out}" in remark for remark in result["remarks"])


def test_what_cannot_be_learnt_is_left_out_of_what_is_compared(monkeypatch: Any, tmp_path: Path) -> None:
    make = tasks.load("forecast")

    def refuse(*_: Any) -> dict[str, Any]:
        def learn() -> dict[str, float]:
            raise ValueError("window shape cannot be larger than input array shape")

        return {"a method": learn, "another": lambda: {"mae": 1.0}}

    monkeypatch.setattr(make, "baselines", refuse)
    fit(make, pl.DataFrame({"load": np.sin(np.arange(300))}), folder=tmp_path / "model", horizon=4, **SMALL)
    result = read_json(tmp_path / "model" / RESULT)
    assert list(result["compared"]) == ["forecast", "another", "untrained"]
    assert "There is no a method to compare with" in " ".join(result["remarks"])


NOTHING = {
    "empty objects.jsonl": "{}\n" * 20,
    "infinite.csv": "ds,y\n" + "".join(f"2020-01-{n:02d},1e400\n" for n in range(1, 29)),
    "no rows.csv": "a,b\n",
    "no labels.csv": "text,label\n" + "good film,\n" * 30,
    "lists.jsonl": "".join(f'{{"source": "a b {n}", "target": ["x"], "value": {{"a": 1}}}}\n' for n in range(30)),
    "deep.jsonl": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n",
    "a long cell.csv": "text,label,y\n" + f"{'x' * 2_000_000},{'y' * 2_000_000},{'z' * 2_000_000}\n" * 3,
}


@pytest.mark.parametrize("task", TABLES)
@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("skip_bad", [False, "all"])
def test_where_nothing_is_left_it_is_one_short_line(task: str, name: str, skip_bad: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(NOTHING[name])
    refused = said(task, path, skip_bad=skip_bad)
    assert len(refused) <= LONGEST
    assert "\n" not in refused


@pytest.mark.parametrize("task", TABLES)
def test_columns_of_any_type_are_read_or_refused_in_one_line(task: str, tmp_path: Path) -> None:
    rows = 60
    frame = pl.DataFrame(
        {
            "text": [f"word {n % 7}" for n in range(rows)],
            "label": pl.Series([None] * rows),
            "value": pl.Series(np.arange(rows)).cast(pl.Decimal(10, 2)),
            "kind": pl.Series(["a", "b"] * (rows // 2)).cast(pl.Categorical),
            "bytes": [b"\xff\xfe"] * rows,
            "list": [[1.0, 2.0]] * rows,
            "object": [{"a": 1}] * rows,
            "span": pl.Series(np.arange(rows)).cast(pl.Duration("ms")),
        }
    )
    for left_out in (None, "text", "value", "kind", "label"):
        part = frame if left_out is None else frame.drop(left_out)
        path = tmp_path / "types.parquet"
        part.write_parquet(path)
        assert "\n" not in said(task, path, skip_bad="all")


def test_many_names_of_which_each_row_has_one_take_seconds(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({f"k{n}": 1, "value": float(np.sin(n))}) + "\n" for n in range(300)))
    model = trained("anomaly", path, folder=tmp_path / "model")
    assert len(model.predict(path)) == 300


def test_arrays_in_memory_are_series_for_a_model_of_wide_rows() -> None:
    rows = [{**{f"x_{t}": n % 2 + t / 9 for t in range(12)}, "label": "ab"[n % 2]} for n in range(40)]
    model = trained("classify", pl.DataFrame(rows))
    for array in (np.ones((3, 12)), np.zeros((3, 12)), np.ones((3, 12, 1)), torch.ones(3, 12)):
        assert len(model.predict(array)) == 3
    with pytest.raises(ElmanError, match=r"series have the shape \[rows, steps\]"):
        model.predict(np.ones(12))
