"""How numbers were written in what was learnt from holds in every way in, and what says "no value" is none in each."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import elman
from elman.errors import ElmanError
from elman.tasks.anomaly.task import AnomalyTask
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.forecast.task import ForecastTask
from elman.tasks.recommend.task import RecommendTask
from elman.tasks.tag.task import TagTask
from elman.training.runs import fit

SMALL: dict[str, Any] = {"steps": 2, "hidden": 4, "batch": 4}
VALUES = (1500 + 700 * np.sin(np.arange(240) / 4)).round().astype(int).tolist()
OPTIONS: dict[Any, dict[str, Any]] = {ForecastTask: {"horizon": 4}, AnomalyTask: {"horizons": "1"}}


def grouped(values: Any) -> list[str]:
    """Numbers with a comma between thousands, all of them before three digits."""
    return [f"{value:,}" for value in values]


def told(values: Any) -> list[str]:
    """The same with a decimal point in the first, which tells."""
    return [f"{values[0]:,}.0", *grouped(values[1:])]


def written(folder: Path, columns: dict[str, Any], name: str) -> Path:
    pl.DataFrame(columns).write_csv(folder / name)
    return folder / name


@pytest.mark.parametrize("make", OPTIONS)
def test_files_frames_and_lines_are_read_as_the_data_learnt_from(make: Any, tmp_path: Path) -> None:
    model = fit(make, written(tmp_path, {"load": told(VALUES)}, "train.csv"), **SMALL, **OPTIONS[make])
    plain = fit(make, written(tmp_path, {"load": VALUES}, "plain.csv"), **SMALL, **OPTIONS[make])
    asked = {"load": grouped(VALUES[:60])}  # in which nothing tells; the model knows
    expected = plain.predict(pl.DataFrame({"load": VALUES[:60]}))
    for source in (written(tmp_path, asked, "new.csv"), pl.DataFrame(asked), pl.DataFrame({"load": VALUES[:60]})):
        assert model.predict(source).equals(expected)
    lines = [json.dumps({"load": cell}) for cell in asked["load"]]
    assert list(model.stream(lines)) == list(plain.stream([json.dumps({"load": v}) for v in VALUES[:60]]))
    model.save(tmp_path / "model")
    assert elman.load(tmp_path / "model").task_.predict(tmp_path / "new.csv").equals(expected)


@pytest.mark.parametrize("make", OPTIONS)
def test_what_nothing_tells_is_asked_about_before_anything_is_learnt(make: Any, tmp_path: Path) -> None:
    path = written(tmp_path, {"load": grouped(VALUES)}, "train.csv")
    with pytest.raises(ElmanError, match=r"train\.csv, line 2: load is '1,500', .*; say --decimal , or --thousands ,"):
        fit(make, path, **SMALL)
    assert fit(make, path, **SMALL, **OPTIONS[make], thousands=",").predict(path).height


def test_series_with_labels_are_read_alike(tmp_path: Path) -> None:
    values = [1500 + 600 * (n % 2) + t for n in range(20) for t in range(5)]
    rows = {
        "id": np.repeat(np.arange(20), 5).tolist(),
        "time": np.tile(np.arange(5), 20).tolist(),
        "value": told(values),
        "label": np.repeat(["low", "high"] * 10, 5).tolist(),
    }
    model = fit(ClassifyTask, written(tmp_path, rows, "train.csv"), **SMALL)
    new = written(tmp_path, {**rows, "value": grouped(values)}, "new.csv")
    assert model.predict(new).equals(model.predict(tmp_path / "train.csv"))
    assert model.input.get_buffer("mean").item() > 1000


@pytest.mark.parametrize(
    ("amounts", "kind", "low"),
    [
        ([f"{n},{n % 7}0 \u20ac" for n in range(40, 80)], "number", 40.5),
        ([f"{n}%" for n in range(40, 80)], "number", 0.4),
        (["1,2", "2", "1,3", "3"] * 10, "labels", None),
    ],
)
def test_amounts_among_labels_are_numbers_and_lists_are_not(amounts: list[str], kind: str, low: float | None) -> None:
    frame = pl.DataFrame({"text": [f"word{n} and more" for n in range(40)], "label": amounts})
    model = fit(ClassifyTask, frame, **SMALL, embedding=4)
    assert model.target.kind == kind
    if low is not None:
        (encoded,), wrong = model.target.encode([amounts[0]])
        assert not wrong
        assert encoded * model.target.scale + model.target.mean == pytest.approx(low)


def test_ratings_are_numbers_as_any(tmp_path: Path) -> None:
    events = {
        "user": [f"u{n % 10}" for n in range(80)],
        "item": [f"i{n * n % 7}" for n in range(80)],
        "rating": ["4,5" if n % 3 else "1,5" for n in range(80)],
    }
    model = fit(RecommendTask, written(tmp_path, events, "train.csv"), **SMALL, embedding=4, least_rating=3.0)
    assert model.layout.dialect.numbers is not None
    assert model.layout.dialect.numbers["rating"].decimal == ","


@pytest.mark.parametrize("make", OPTIONS)
def test_what_says_that_there_is_no_value_is_none(make: Any, tmp_path: Path) -> None:
    cells = [-999 if n % 10 == 3 else value for n, value in enumerate(VALUES)]
    gaps = [None if n % 10 == 3 else value for n, value in enumerate(VALUES)]
    path = written(tmp_path, {"load": cells}, "marked.csv")
    one = fit(make, path, **SMALL, **OPTIONS[make], missing=-999)
    other = fit(make, pl.DataFrame({"load": gaps}), **SMALL, **OPTIONS[make])
    expected = other.predict(pl.DataFrame({"load": gaps}))
    pl.DataFrame({"load": cells}).write_parquet(tmp_path / "marked.parquet")
    for source in (path, tmp_path / "marked.parquet", pl.DataFrame({"load": cells})):
        assert one.predict(source).equals(expected)
    lines = [[json.dumps({"load": cell}) for cell in each[:40]] for each in (cells, gaps)]
    assert list(one.stream(lines[0])) == list(other.stream(lines[1]))


def test_nor_is_it_a_value_in_arrays() -> None:
    series = [np.array([[1.0], [n % 2], [-999.0]]) for n in range(20)]
    model = elman.Classifier(steps=2, hidden=4, missing="-999").fit(series, [n % 2 for n in range(20)])
    assert model.task_.input.get_buffer("mean").item() > 0
    gap = np.array([[1.0], [0.0], [np.nan]])
    assert (model.predict_proba(series[:1]) == model.predict_proba([gap])).all()


def test_a_tag_that_says_nothing_makes_a_sentence_bad(tmp_path: Path) -> None:
    path = tmp_path / "few.conll"
    path.write_text("a X\nb Y\n\nc X\nd _\n\n" * 6)
    with pytest.raises(ElmanError, match="line 4: has no tag for 'd', but '_'"):
        fit(TagTask, path, steps=1, hidden=4, missing="_")
