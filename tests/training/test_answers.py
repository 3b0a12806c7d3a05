"""Answers that are no finite numbers are errors, in every way to ask; and what is written as JSON is JSON."""

import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from folders.make import MADE

from elman import tasks
from elman.cli.main import main
from elman.data.tables import table_text
from elman.errors import ElmanError
from elman.training.answers import as_line, finite
from elman.training.folders import FORMAT, read_json, save_weights

KEPT = Path(__file__).parents[1] / "folders"
(NOW,) = {path.parents[1] for path in KEPT.glob("*/*/options.json") if read_json(path)["format"] == FORMAT}


@pytest.fixture(params=[make.__name__ for make in MADE])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model whose weights are finite, and its answers are not."""
    folder = shutil.copytree(NOW / request.param, tmp_path / request.param)
    task = tasks.restore(folder)
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.fill_(3e38)
    save_weights(task, folder)
    return folder


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_no_way_to_ask_gives_what_is_not_finite(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (asked,) = folder.glob("asked.*")
    if folder.name.startswith("language"):
        ways = [["generate", str(folder), "--temperature", each, "--length", "3"] for each in ("0", "1")]
    else:
        ways = [["predict", str(folder), "--data", str(asked)]]
    if folder.name not in ("classify_series", "language", "language_strings", "tag"):  # a row is more than a line here
        ways.append(["predict", str(folder), "--stream"])
        rows = asked.read_text(encoding="utf-8").splitlines(keepends=True)[1:]
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(rows)))
    for way in ways:
        line = refused(way, capsys)
        assert "an answer is no finite number: " in line or "have NaN in them: the model is broken" in line


@pytest.mark.parametrize("folder", ["language", "language_strings"], indirect=True)
def test_judging_gives_nothing_that_is_not_finite(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "data.txt"
    data.write_text("\n".join(["anelmo", "elan", "moel"] * 30) if "strings" in folder.name else "the sun rose. " * 100)
    assert "is no finite number: " in refused(["evaluate", str(folder), "--data", str(data)], capsys)


@pytest.mark.parametrize(
    "numbers",
    [
        math.nan,
        np.array([1.0, math.inf]),
        torch.tensor([[1.0, math.nan]]),
        pl.DataFrame({"text": ["a"], "score": [math.inf]}),
        pl.DataFrame({"scores": [[[1.0], [math.nan]]]}),
    ],
)
def test_what_is_not_finite_is_found(numbers: Any) -> None:
    with pytest.raises(ElmanError, match="an answer is no finite number"):
        finite(numbers)


def test_what_is_missing_is_no_number_that_is_not_finite() -> None:
    frame = pl.DataFrame({"text": ["a", None], "score": [None, 0.5], "scores": [[0.5, None], None]})
    assert finite(frame) is frame


def test_a_line_is_json() -> None:
    assert json.loads(as_line({"scores": [0.5], "text": "é"})) == {"scores": [0.5], "text": "é"}
    with pytest.raises(ElmanError, match="an answer is no finite number"):
        as_line({"scores": [math.nan]})


def test_lines_of_a_table_are_json() -> None:
    frame = pl.DataFrame({"of the user": [math.nan, math.inf, 1.5], "lists": [[math.nan], [1.0], None]})
    rows = [json.loads(line, parse_constant=pytest.fail) for line in table_text(frame, ".jsonl").splitlines()]
    assert rows[0] == {"of the user": None, "lists": [None]}
    assert [row["of the user"] for row in rows] == [None, None, 1.5]


def test_that_lines_are_read_as_rows_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    classifier: Any = tasks.restore(NOW / "classify")
    with caplog.at_level("INFO"):
        row, text, other = classifier.stream(["a great film,good", "a great film", "the film,bad"])
    assert row == text != other
    assert [line for line in caplog.messages if "is a row" in line] == [
        "the stream: a line with the cells text, label is a row, others are bare texts"
    ]
