"""Of no rows there are no answers: an empty array, list or frame, as that of some rows is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import elman

QUICK: dict[str, Any] = {"hidden": 4, "steps": 1, "verbose": False}
X = np.random.default_rng(0).normal(size=(60, 6))
TEXTS, CLASSES = ["so good", "so bad"] * 20, ["a", "b"] * 20
MAKERS: dict[str, Callable[[], Any]] = {
    "Classifier of texts": lambda: elman.Classifier(embedding=4, **QUICK).fit(TEXTS, CLASSES),
    "Classifier of several": lambda: elman.Classifier(embedding=4, **QUICK).fit(TEXTS, [["a"], ["a", "b"]] * 20),
    "Classifier of numbers": lambda: elman.Classifier(**QUICK).fit(X, [0, 1] * 30),
    "Regressor": lambda: elman.Regressor(**QUICK).fit(X, X[:, 0]),
    "Regressor of a column": lambda: elman.Regressor(**QUICK).fit(X, X[:, :1]),
    "Tagger": lambda: elman.Tagger(embedding=4, **QUICK).fit([["a", "b"]] * 20, [["D", "N"]] * 20),
    "Translator": lambda: elman.Translator(embedding=4, held_out=0.2, **QUICK).fit(TEXTS, TEXTS),
    "Forecaster": lambda: elman.Forecaster(horizon=3, context=6, **QUICK).fit(np.sin(np.arange(200) / 3)),
    "AnomalyDetector": lambda: elman.AnomalyDetector(horizons="1", **QUICK).fit(X.repeat(5, 0)),
    "Recommender": lambda: elman.Recommender(embedding=4, **QUICK).fit([list("abcab"), list("bcabc")] * 10),
}
SOME: dict[str, Any] = {
    "Classifier of numbers": X[:3],
    "Regressor": X[:3],
    "Regressor of a column": X[:3],
    "Tagger": [["a", "b"]],
    "Forecaster": np.sin(np.arange(30) / 3),
    "AnomalyDetector": X[:50],
    "Recommender": [list("abc")],
}


@pytest.mark.parametrize("name", list(MAKERS))
def test_of_no_rows_there_are_no_answers(name: str) -> None:
    model, some = MAKERS[name](), SOME.get(name, TEXTS[:3])
    nothing: list[Any] = [
        [],
        (),
        np.zeros((0, 6)),
        pd.Series([], dtype=object),
        pl.DataFrame({"text": []}),
        {"text": []},
    ]
    for method in ("predict", "predict_proba", "decision_function", "score_samples", "predict_frame"):
        if not hasattr(model, method):
            continue
        expected = getattr(model, method)(some)
        for each in nothing:
            found = getattr(model, method)(each)
            assert type(found) is type(expected)
            assert len(found) == 0
            if isinstance(found, np.ndarray):
                assert found.dtype.kind == expected.dtype.kind
                assert found.shape[1:] == expected.shape[1:]
            if isinstance(found, pl.DataFrame):  # beside the answers there may be the rows themselves
                assert found.schema.items() <= expected.schema.items()
                assert found.width


def test_a_single_value_is_not_nothing() -> None:
    model = MAKERS["Translator"]()
    assert len(model.predict(np.array("so good"))) == 1
    with pytest.raises(elman.ElmanError, match="row 1: has no text"):
        model.predict(np.array(None))
