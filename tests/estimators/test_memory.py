"""What people hold in memory is read by its names, its rows and its kinds, or refused in one sentence."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import elman
from elman.data.memory import labels_of, opened, series_of
from elman.data.tables import write_table
from elman.errors import ElmanError

QUICK: dict[str, Any] = {"hidden": 4, "steps": 5, "verbose": False}
X = np.random.default_rng(0).normal(size=(40, 6))
FRAME = pd.DataFrame(X, columns=list("uvwxyz"))
TURNED = FRAME[list("zyxwvu")]
Y = X[:, 0] * 3
CLASSES = ["a", "b"] * 20
TEXTS = ["so good", "so bad"] * 20


def regressor() -> elman.Regressor:
    return elman.Regressor(**QUICK)


def classifier() -> elman.Classifier:
    return elman.Classifier(embedding=4, **QUICK)


def test_columns_go_by_their_names_wherever_there_are_any() -> None:
    model = regressor().fit(FRAME, Y)
    turned = [TURNED, pl.from_pandas(TURNED), TURNED.assign(more="x")]
    for each in turned:
        assert model.evaluate(each, Y) == model.evaluate(FRAME, Y)
        assert model.score(each, Y) == model.score(FRAME, Y)
        assert np.array_equal(model.predict(each), model.predict(FRAME))
    again = [regressor().fit(FRAME, Y, valid=(each, Y)) for each in (FRAME, TURNED)]
    assert again[0].evaluate() == again[1].evaluate()
    more = [regressor().fit(FRAME, Y).partial_fit(each, Y).predict(FRAME) for each in (FRAME, TURNED)]
    assert np.array_equal(more[0], more[1])
    inside = regressor().fit(FRAME.assign(label=Y), "label")
    assert inside.evaluate(TURNED.assign(label=Y), "label") == inside.evaluate(FRAME.assign(label=Y), "label")


def test_columns_that_lack_are_refused_wherever_there_are_names() -> None:
    model, other = regressor().fit(FRAME, Y), FRAME.rename(columns={"u": "a"})
    calls: list[Callable[[], Any]] = [
        lambda: model.predict(other),
        lambda: model.evaluate(other, Y),
        lambda: model.score(other, Y),
        lambda: model.partial_fit(other, Y),
        lambda: regressor().fit(FRAME, Y, valid=(other, Y)),
    ]
    for call in calls:
        with pytest.raises(ElmanError, match="the table lacks the column 'u', which was learnt from"):
            call()
    with pytest.raises(ElmanError, match="X has 3 features, but Regressor is expecting 6"):
        regressor().fit(X, Y, valid=(X[:, :3], Y))


@pytest.mark.parametrize("index", ["id", "time"])
def test_an_index_is_no_step(index: str) -> None:
    days = pd.date_range("2025-01-01", periods=40, name=index)
    named = FRAME.set_index(days) if index == "time" else FRAME.rename_axis(index)
    plain, model = regressor().fit(FRAME, Y), regressor().fit(named, pd.Series(Y, named.index))
    assert model.n_features_in_ == 6
    assert list(model.feature_names_in_) == list("uvwxyz")
    for each in (plain, model, regressor().fit(X, Y)):
        assert np.array_equal(each.predict(named), plain.predict(FRAME))
        assert each.evaluate(named, Y) == plain.evaluate(FRAME, Y)
    series = [pd.DataFrame({"u": row}).rename_axis(index) for row in X]
    assert regressor().fit(series, Y).predict(series).tolist() == plain.predict(X).tolist()


def test_an_index_that_says_to_which_series_a_row_belongs_is_kept() -> None:
    n = np.arange(200)
    long = pd.DataFrame({"id": [f"s{k // 10}" for k in n], "t": n % 10, "heat": np.sin(n), "label": n // 10 % 2})
    model = classifier().fit(long.set_index("id"), "label")
    assert (model.task_.layout.kind, model.task_.layout.identity) == ("long", "id")


def test_labels_go_by_place_and_not_by_an_index() -> None:
    wanted = regressor().fit(X, Y).predict(X)
    turned = pd.Series(Y, index=range(40, 0, -1), name="y")
    dated = turned.set_axis(pd.date_range("2025-01-01", periods=40))
    for y in (
        turned,
        dated,
        turned.rename_axis("id").to_frame(),
        dated.to_frame(),
        memoryview(Y.data),
        Y[:, None].view(np.matrix),
    ):
        assert np.array_equal(regressor().fit(X, y).predict(X).ravel(), wanted)


@pytest.mark.parametrize(
    ("classes", "types"),
    [
        ([1, "a"], "of several types, int and str"),
        ([True, 0], "of several types, bool and int"),
        ([date(2025, 1, 1), date(2025, 1, 2)], "not date"),
        (np.array(["2025-01-01", "2025-01-02"], "M8[D]"), "not date"),
        ([b"a", b"b"], "not bytes"),
        ([Decimal(1), Decimal(2)], "not Decimal"),
        ([{"a"}, {"b"}], "not set"),
        ([["a", "b"], ["a", 1]], "of several types, int and str"),
        ([["a", "b"], ["a", None]], "row 2 of y has a label that is None"),
        (["a", None], "has no label"),
        ([1.0, float("nan")], "has no label"),
        (np.ma.masked_array([1, 2], [False, True]), "has no label"),
    ],
)
def test_what_is_no_class_is_refused(classes: Any, types: str) -> None:
    tiled = np.ma.concatenate([classes] * 20) if isinstance(classes, np.ma.MaskedArray) else None
    y = tiled if tiled is not None else np.tile(classes, 20) if isinstance(classes, np.ndarray) else classes * 20
    for data in (X, TEXTS):
        with pytest.raises(ElmanError, match=types):
            classifier().fit(data, y)


def test_a_column_of_what_is_no_class_is_refused_before_it_is_learnt() -> None:
    days = pl.Series([date(2025, 1, 1), date(2025, 1, 2)] * 20)
    with pytest.raises(ElmanError, match="not date"):
        classifier().fit(pl.DataFrame({"text": TEXTS, "label": days}))


def test_whole_numbers_among_others_are_classes_as_they_were(tmp_path: Any) -> None:
    y = [1, 2.5] * 20
    model = elman.load(elman.Classifier(kind="classes", **QUICK).fit(X, y).save(tmp_path / "model"))
    assert model.classes_.tolist() == [1.0, 2.5]
    assert model.score(X, y) == model.evaluate(X, y)["accuracy"]
    spaced = [" a", "b"] * 20
    model = classifier().fit(X, spaced)
    assert model.score(X, spaced) == model.evaluate(X, spaced)["accuracy"] > 0


def test_what_is_masked_is_no_value() -> None:
    holes, masked = np.where(X > 1, np.nan, X), np.ma.masked_array(X, X > 1)
    model = regressor().fit(holes, Y)
    for each in (masked, list(masked)):
        assert np.array_equal(regressor().fit(each, Y).predict(each), model.predict(holes))
    assert labels_of(np.ma.masked_array([1, 2], [True, False]), 2) == [None, 2]
    found: Any = opened(np.ma.masked_array(["a", "b"], [True, False]))
    assert found == [None, "b"]


def test_other_arrays_are_arrays() -> None:
    for each in (X.view(np.matrix), memoryview(X.data)):
        series = series_of(each)
        assert series is not None
        assert {one.shape for one in series} == {(6, 1)}
    with pytest.raises(ElmanError, match="not a bytes"):
        opened(b"so good")


def test_names_that_are_there_twice_are_refused() -> None:
    twice = pd.DataFrame(X, columns=list("uvwxyu"))
    arrow = pytest.importorskip("pyarrow").table([[1.0] * 40, Y], names=["u", "u"])
    for each in (twice, FRAME.rename_axis("u"), arrow, {1: Y, "1": Y}):
        with pytest.raises(ElmanError, match=r"the table has several columns \(or an index\) named '[u1]'"):
            regressor().fit(each, Y)


def test_a_row_that_is_no_text_is_named() -> None:
    with pytest.raises(ElmanError, match="row 2 is no text but 3"):
        classifier().fit(["so good", 3] * 20, CLASSES)
    with pytest.raises(ElmanError, match="row 2 is no text but 3"):
        classifier().fit(TEXTS, CLASSES).predict(["so good", 3])


LACKS: list[Any] = ["so good", None, "so bad"]
ASKED = {
    "list": LACKS,
    "series": pd.Series(LACKS),
    "pandas": pd.DataFrame({"text": LACKS}),
    "polars": pl.DataFrame({"text": LACKS}),
    "rows": [{"text": each} for each in LACKS],
}


@pytest.fixture(scope="module")
def readers() -> dict[str, Any]:
    translator: Any = elman.Translator(embedding=4, held_out=0.2, **QUICK)
    return {"classify": classifier().fit(TEXTS, CLASSES), "translate": translator.fit(TEXTS, TEXTS)}


@pytest.mark.parametrize("task", ["classify", "translate"])
@pytest.mark.parametrize("kind", [*ASKED, ".jsonl", ".parquet"])
def test_a_row_without_a_text_is_refused_or_has_no_answer(kind: str, task: str, readers: Any, tmp_path: Any) -> None:
    model, asked = readers[task], ASKED.get(kind)
    if asked is None:
        asked = tmp_path / f"asked{kind}"
        write_table(pl.DataFrame({"text": LACKS}), asked)
    with pytest.raises(ElmanError, match=r"(row|line) 2: has no text in (text|source|input)"):
        model.predict(asked)
    answers = model.predict_frame(asked, skip_bad=True)["predicted"].to_list()
    assert answers == [*model.predict(LACKS[:1]), None, *model.predict(LACKS[2:])]


def test_an_empty_text_is_a_text(readers: Any, tmp_path: Any) -> None:
    path = tmp_path / "asked.csv"
    path.write_text("id,text\n1,so good\n2,\n3,so bad\n")
    expected = readers["classify"].predict(["so good", "", "so bad"]).tolist()
    assert readers["classify"].predict(path).tolist() == expected
    assert readers["classify"].predict(pl.DataFrame({"text": ["so good", "", "so bad"]})).tolist() == expected


def test_a_row_without_a_text_is_not_learnt_from() -> None:
    texts, labels = [*TEXTS, None], [*CLASSES, "a"]
    for data in ((texts, labels), (pl.DataFrame({"text": texts, "label": labels}),)):
        with pytest.raises(ElmanError, match="row 41: has no text in text"):
            classifier().fit(*data)
        assert elman.Classifier(embedding=4, skip_bad=True, **QUICK).fit(*data).result["skipped"] == 1


def test_numbers_that_cannot_be_computed_with_are_refused() -> None:
    with pytest.raises(ElmanError, match=r"the labels reach .*e\+300, and only numbers up to 1e\+150"):
        regressor().fit(X, Y * 1e300)
    model = regressor().fit(X, Y * 1e30)
    assert np.isfinite(model.score(X, Y * 1e30))
    with pytest.raises(ElmanError, match="too large to compute with"):
        model.evaluate(X, Y * 1e60)
