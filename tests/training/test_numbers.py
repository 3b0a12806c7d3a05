"""Numbers, tables and sentences about them."""

import math
from typing import Any

import pytest

from elman.training.loop import Progress
from elman.training.measures import HIGH, LOW, Measure, leading
from elman.training.numbers import alike, digits_of, shown
from elman.training.remarks import of_training, remarks
from elman.training.table import in_columns
from elman.training.task import HELD_OUT, LEARNT_FROM, JudgedRows

MEASURES = {
    "accuracy": Measure(HIGH, share=True),
    "error": Measure(LOW, label="error of the mean"),
    "number": Measure(),
    "loss": Measure(LOW),
}
CHOSEN = {"loss": 0.5, "accuracy": 0.8}


@pytest.mark.parametrize(
    ("values", "digits", "written"),
    [
        ([0.6931, 0.0412], 4, ["0.6931", "0.0412"]),
        ([0.00004, 0.5], 4, ["0.000040", "0.500000"]),
        ([0.5, 0.00004], 4, ["0.50000", "0.00004"]),
        ([0.5, 0.00000004], 4, ["0.5000", "4e-08"]),
        ([123456.7891, 98.2], 4, ["123457", "98"]),
        ([1.0, 0.5, 0.0], 2, ["1.00", "0.50", "0.00"]),
        ([math.nan, 2.5, None, math.inf], 3, ["nan", "2.50", "", "inf"]),
        ([-0.0709, 0.4464], 3, ["-0.0709", "0.4464"]),
        ([3e12], 4, ["3e+12"]),
        ([], 4, []),
    ],
)
def test_numbers_have_the_digits_that_they_deserve(values: list[Any], digits: int, written: list[str]) -> None:
    assert alike(values, digits) == written


def test_no_number_that_is_not_zero_looks_like_zero() -> None:
    for exponent in range(-12, 12):
        for text in [*alike([1.0, 3 * 10.0**exponent]), *alike([3 * 10.0**exponent, 1.0]), shown(3 * 10.0**exponent)]:
            assert float(text.replace(",", "")) != 0
            assert len(text) <= 12


def test_few_rows_have_few_digits() -> None:
    assert [digits_of(rows) for rows in (1, 30, 100, 101, 10_001, None)] == [2, 2, 2, 3, 4, 4]


def test_columns_stand_apart_however_long_a_name_is() -> None:
    long = "a_package_of_my_own.cells:LeakyIntegrator"
    table = {"model": {"error": 0.123, "loss": 12.5}, long: {"error": 1.5}, "tf-idf + logistic regression": {}}
    lines = in_columns(table, MEASURES, None).splitlines()
    assert lines[-2:][0].split() == ["error", "of", "the", "mean", "0.1230", "1.5000"]
    assert lines[-1].split() == ["loss", "12.50"]
    assert lines[-1].index(".") == lines[-2].index(".")
    heads = "\n".join(lines[:-2])
    assert [w for w in heads.split() if w in long] == ["a_package_of_my_ow", "n.cells:LeakyInteg", "rator"]
    assert "tf-idf + logistic" in heads
    assert lines[2].split() == ["model", "rator", "regression"]


def test_a_table_that_is_wider_than_the_screen_stands_in_parts() -> None:
    table = {f"method {n}": {"loss": n + 0.5} for n in range(9)}
    text = in_columns(table, {}, None, width=40)
    assert max(map(len, text.splitlines())) <= 40
    assert text.count("loss") > 1
    assert [float(word) for word in text.split() if "." in word] == [n + 0.5 for n in range(9)]
    assert in_columns(table, {}, None).count("loss") == 1


def said(table: dict[str, dict[str, float]], number: int = 1000, part: str = HELD_OUT, **other: Any) -> list[str]:
    simple, recurrences = other.get("simple", ["majority"]), other.get("recurrences", [])
    return remarks(table, simple, recurrences, MEASURES, part, JudgedRows(number, "texts", other.get("more", [])))


def test_a_simple_method_that_is_better_is_named_with_what_and_by_how_much() -> None:
    table = {"model": CHOSEN, "majority": {"accuracy": 0.5}}
    assert said(table) == []
    assert said(table | {"tf-idf": {"accuracy": 0.9}}, simple=["majority", "tf-idf"]) == [
        "A simple method is better: tf-idf, with accuracy 0.900 against 0.800."
    ]
    assert said({"model": {"error": 3.0}, "majority": {"error": 1.0}}) == [
        "A simple method is better: majority, with error of the mean 1.00 against 3.00."
    ]
    assert said(table | {"gru": {"accuracy": 0.85}}, 100, recurrences=["gru"]) == [
        "Another recurrence is better: gru, with accuracy 0.85 against 0.80; of 100 texts that may be chance."
    ]


def test_what_is_neither_high_nor_low_tells_nothing() -> None:
    assert leading(MEASURES, {"number": 1.0}, {"number": 2.0}) is None
    assert said({"model": {"number": 1.0}, "majority": {"number": 2.0}}) == []
    assert said({"model": {"accuracy": math.nan}, "majority": {"number": 2.0}}) == []


def test_few_rows_are_said_with_how_far_they_may_be_off() -> None:
    table = {"model": {"accuracy": 0.75}}
    (few,) = said(table, 12, simple=[])
    assert few == "Only 12 texts were judged, so the figures mean little: accuracy, 0.75, may be off by 0.25."
    assert said({"model": {"error": 2.0}}, 29, simple=[]) == ["Only 29 texts were judged, so the figures mean little."]
    assert said(table, 30, simple=[]) == []


def test_what_a_task_says_of_its_answers_comes_first_and_what_was_learnt_from_is_no_test() -> None:
    first, second = said({"model": CHOSEN}, part=LEARNT_FROM, simple=[], more=["All 1,000 answers are 'yes'."])
    assert first == "All 1,000 answers are 'yes'."
    assert second.startswith("Nothing was held out")


def test_that_nothing_was_learnt_is_said() -> None:
    untrained = {"loss": 0.7, "accuracy": 0.9}
    progress = Progress(step=5, before=untrained, best={"loss": 0.6, "accuracy": 0.9})
    assert of_training(progress, None) == []
    (by_accuracy,) = of_training(progress, "accuracy")
    assert "Nothing was learnt in 5 steps: on what was held out, accuracy is 0.9000 after training" in by_accuracy
    (by_loss,) = of_training(Progress(step=1, before=untrained, best={"loss": 0.8}), None)
    assert "in a step" in by_loss
