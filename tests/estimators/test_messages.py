"""What is said of the wrong estimator, of a cell that is none, and what help says of data."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import elman
from elman import cells
from elman.errors import ElmanError
from elman.estimators.folders import ESTIMATORS

QUICK: dict[str, Any] = {"hidden": 4, "steps": 1, "verbose": False}
X = np.random.default_rng(0).normal(size=(40, 6))
TEXTS, NAMES = ["so good", "so bad"] * 20, ["pos", "neg"] * 20


@pytest.mark.parametrize("data", [(TEXTS, NAMES), (X, NAMES), ({"text": TEXTS, "label": NAMES},)])
def test_a_regressor_of_names_tells_of_the_classifier(data: tuple[Any, ...]) -> None:
    with pytest.raises(ElmanError, match="the labels are names and no numbers, such as 'pos'; a Classifier, or "):
        elman.Regressor(**QUICK).fit(*data)


def test_numbers_that_are_all_the_same_are_told_beside_names() -> None:
    with pytest.raises(
        ElmanError, match="labels of 20 samples are all the same, and others are no numbers, such as 'neg'"
    ):
        elman.Regressor(**QUICK).fit(X, ["1", "neg"] * 20)
    with pytest.raises(ElmanError, match="labels of 40 samples are all the same; there is nothing to learn"):
        elman.Regressor(**QUICK).fit(X, [3.0] * 40)


@pytest.mark.parametrize("data", [(TEXTS, X[:, 0]), (X, X[:, 0]), ({"text": TEXTS, "label": X[:, 0]},)])
def test_a_classifier_of_amounts_tells_of_the_regressor(data: tuple[Any, ...]) -> None:
    with pytest.raises(ElmanError, match="the labels are numbers, which a Regressor learns"):
        elman.Classifier(**QUICK).fit(*data)
    with pytest.raises(ElmanError, match="too many for classes; a Regressor, or kind number, learns numbers"):
        elman.Classifier(kind="classes", **QUICK).fit(*data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": cells.load("gru")(3, 4)}, "^cell is the class GRUCell, not a cell that is made of it"),
        ({"cell": dict}, "^cell is the name of a cell or a class of elman.Cell, not dict$"),
        ({"cell": 3}, "^cell is the name of a cell or its class, not 3$"),
        ({"cell": "lsmt"}, "^there is no cell 'lsmt'; did you mean 'lstm'"),
        ({"compare": "lsmt"}, "^there is no cell 'lsmt'; did you mean 'lstm'"),
        ({"kind": "x"}, "^kind is classes, labels or number, not 'x'$"),
        ({"learning": "x"}, "^learning is truncated, checkpointed, rtrl, snap1 or eprop, not 'x'$"),
    ],
)
def test_an_option_that_is_wrong_is_told_before_data_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        elman.Classifier(**{**QUICK, **options}).fit("none.csv")


def test_that_there_is_no_data_is_said() -> None:
    with pytest.raises(ElmanError, match=r"data is a file, an array, .*; not None$"):
        elman.Classifier(**QUICK).fit()


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_help_says_what_may_be_learnt_from(name: str) -> None:
    made = getattr(elman, name)
    text = " ".join(str(made.fit.__doc__).split())
    for argument, said in zip(("X", "y"), made.takes, strict=True):
        assert f"{argument}: {said}" in text
    assert "what the class says" not in text
    assert max(map(len, made.fit.__doc__.splitlines())) <= 120


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.zeros(20, 3).to_sparse(), r"a sparse tensor is not taken, .*; give x.to_dense\(\)"),
        (torch.zeros(20, 3, device="meta"), "a tensor of the device meta has no values"),
        (torch.nn.Linear(1, 1), "of torch, data is a tensor, not a Linear"),
        ({"text": TEXTS, "label": 3}, "the column 'label' is a list or an array, not 3"),
        ([*TEXTS[1:], "\ud800"], r"'\\ud800' has half of a pair of surrogates, which is no character"),
        ({"text": ["\ud800"] * 40}, r"text: '\\ud800' has half of a pair of surrogates"),
        ([10**400] * 40, "these are neither texts nor series"),
    ],
)
def test_what_is_no_data_is_told(data: Any, message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        elman.Classifier(**QUICK).fit(data, NAMES)


def test_numbers_in_sixteen_bits_are_numbers() -> None:
    half = torch.from_numpy(X).bfloat16()
    assert len(elman.Classifier(**QUICK).fit(half, NAMES).predict(half)) == len(X)


def test_a_prompt_and_names_of_columns_are_texts() -> None:
    model = elman.LanguageModel(embedding=4, batch=2, bptt=8, **QUICK).fit("the sun rose over the sea.\n" * 40)
    with pytest.raises(ElmanError, match=r"a prompt is a text, not \['a'\]"):
        model.generate(["a"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ElmanError, match="y is the name of the column to forecast, or several"):
        elman.Forecaster(**QUICK).fit({"load": range(60)}, [None] * 60)


def test_a_column_of_dated_numbers_is_no_series_a_row() -> None:
    column = pd.Series(range(20), index=pd.date_range("2024", periods=20))
    with pytest.raises(ElmanError, match=r"series have the shape \[rows, steps\] or .*, not \[20\]"):
        elman.Classifier(**QUICK).fit(column, ["a", "b"] * 10)


def test_what_is_asked_about_is_texts_or_a_file() -> None:
    model = elman.Classifier(embedding=4, **QUICK).fit(TEXTS, NAMES)
    with pytest.raises(ElmanError, match=r"a list to predict has texts, not array\(\[0., 0.\]\)"):
        model.predict_frame([np.zeros(2)])
    with pytest.raises(ElmanError, match=r"there is no file xxx.*: File name too long"):
        elman.AnomalyDetector(**QUICK).fit("x" * 5000)
    assert len(model.predict(["x" * 300])) == 1
    assert isinstance(model.predict("x" * 300), str)


@pytest.mark.parametrize("label", [[1], np.zeros((3, 2)), "1", None])
def test_marks_of_anomalies_are_numbers(label: Any) -> None:
    model = elman.AnomalyDetector(bptt=16, horizons="1", **QUICK).fit(np.sin(np.arange(200) / 4))
    with pytest.raises(ElmanError, match="y says of each row whether it is an anomaly"):
        model.evaluate(pl.DataFrame({"value": range(40)}), [label] * 40)
