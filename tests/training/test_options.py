"""An option takes what its type says, from wherever it comes, and a mistake is told by its name."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import ElmanError
from elman.tasks.classify.options import ClassifyOptions
from elman.training.options import chosen, usual
from elman.training.settings import Budget, Comparison, Training


def taken(group: type, **values: Any) -> dict[str, Any]:
    return asdict(chosen(group, usual(group), values))  # pyright: ignore


@pytest.mark.parametrize(
    ("group", "values", "message"),
    [
        (ClassifyOptions, {"hidden": "8"}, "--hidden is a whole number, not '8'"),
        (ClassifyOptions, {"hidden": True}, "--hidden is a whole number, not True"),
        (ClassifyOptions, {"hidden": [8]}, "--hidden is a whole number, not"),
        (ClassifyOptions, {"bidirectional": "no"}, "--bidirectional is True or False, not 'no'"),
        (ClassifyOptions, {"header": "no"}, "--header is True or False, not 'no'"),
        (ClassifyOptions, {"label_column": ["a"]}, "--label-column is a text, not"),
        (ClassifyOptions, {"ignore": ["a,b"]}, "--ignore is a text or a list, not"),
        (ClassifyOptions, {"ignore": {"a": 1}}, "--ignore is a text or a list, not"),
        (ClassifyOptions, {"hidden": np.int64(0)}, "--hidden is 1 or more, not 0"),
        (ClassifyOptions, {"hidden": 10**400}, r"--hidden is from 1 to 9\.0072e\+15, not 1000"),
        (ClassifyOptions, {"missing": "\udcff"}, "half of a pair of surrogates"),
        (Training, {"lr": 10**400}, "--lr is a number, not 1000"),
        (Training, {"lr": "0.1"}, "--lr is a number, not '0.1'"),
        (Training, {"lr": float("nan")}, "--lr is a number, not nan"),
        (Training, {"precision": 32}, "--precision is a text, not 32"),
        (Budget, {"steps": 2.5}, "--steps is a whole number, not 2.5"),
        (Comparison, {"compare": 3.5j}, "--compare is a text or a list, not"),
    ],
)
def test_a_value_of_another_type_is_refused(group: type, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        taken(group, **values)


def test_numbers_of_numpy_and_pytorch_are_those_of_python() -> None:
    found = [
        taken(Budget, steps=np.int64(5))["steps"],
        taken(Budget, steps=5.0)["steps"],
        taken(Training, lr=np.float32(0.5))["lr"],
        taken(Training, lr=torch.tensor(0.5))["lr"],
        taken(Training, decay=1)["decay"],
        taken(ClassifyOptions, bidirectional=np.bool_(True))["bidirectional"],
    ]
    assert found == [5, 5, 0.5, 0.5, 1.0, True]
    assert [type(each) for each in found] == [int, int, float, float, float, bool]


def test_a_list_stands_for_a_text_with_commas() -> None:
    assert taken(Comparison, compare=["gru", "lstm"])["compare"] == "gru,lstm"
    assert taken(ClassifyOptions, ignore=("a", np.int64(3)))["ignore"] == "a,3"
