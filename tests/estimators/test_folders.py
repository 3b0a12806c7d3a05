"""Estimators and their folders: what is written is what is read, nothing of others is lost, and damage is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import elman
from elman.cells import Cell
from elman.errors import ElmanError, ElmanWarning
from elman.training.folders import read_json, write_json

QUICK: dict[str, Any] = {"hidden": 4, "steps": 2, "verbose": False, "baselines": False}
X = np.random.default_rng(0).normal(size=(40, 6))
Y = ["a", "b"] * 20


class Leaky(Cell):
    """A cell of one's own."""

    gates = ("h",)

    def step(self, x, h):
        h = 0.9 * h + 0.1 * torch.tanh(x + self.recurrent(h))
        return h, h


def classifier(**options: Any) -> elman.Classifier:
    model: Any = elman.Classifier(**{**QUICK, **options})
    return model.fit(X, Y)


@pytest.fixture(scope="module")
def model() -> elman.Classifier:
    return classifier()


def test_a_cell_of_ones_own_is_found_again(tmp_path: Path) -> None:
    model: Any = classifier(cell=Leaky)
    again: Any = elman.load(model.save(tmp_path / "model"))
    assert again.cell == f"{__name__}:Leaky"
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    fresh: Any = clone(again)
    assert fresh.fit(X, Y).task_.options.cell == again.cell


def test_a_cell_that_is_not_found_again_is_refused_before_training(tmp_path: Path) -> None:
    class Local(Leaky):
        """Known here alone."""

    with pytest.raises(ElmanError, match="Local is known to this process alone"):
        classifier(cell=Local, folder=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_numbers_of_numpy_are_kept(tmp_path: Path) -> None:
    model = classifier(steps=np.int64(3), lr=np.float32(0.5), compare=[])
    again = elman.load(model.save(tmp_path / "model"))
    assert (again.steps, again.lr, model.result["steps"]) == (3, 0.5, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 2.5}, "^steps is a whole number, not 2.5$"),
        ({"verbose": "no"}, "^verbose is True or False, not 'no'$"),
        ({"callbacks": None}, "^callbacks is a list of callbacks of Lightning, not None$"),
        ({"callbacks": [3]}, "^callbacks is a list of callbacks of Lightning, not "),
        ({"folder": 3}, "^folder is the name of a folder, not 3$"),
    ],
)
def test_an_option_of_another_type_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        classifier(**options)


def test_a_folder_has_the_model_as_it_is_after_going_on(tmp_path: Path) -> None:
    model = classifier(folder=tmp_path / "model", lr=0.1)
    before = model.predict_proba(X)
    model.partial_fit(X, Y, epochs=3.0)
    again = elman.load(tmp_path / "model")
    assert not np.array_equal(model.predict_proba(X), before)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.result == model.result


def test_things_of_others_are_left_alone(model: elman.Classifier, tmp_path: Path) -> None:
    for place in (tmp_path / "stuff", model.save(tmp_path / "model")):
        place.mkdir(exist_ok=True)
        (place / "mine.txt").write_text("mine")
        with pytest.raises(ElmanError, match=r"holds other things than a model, such as mine.txt; give folder"):
            model.save(place)
        with pytest.raises(ElmanError, match=r"holds other things than a model, such as mine.txt"):
            classifier(folder=place, overwrite=True)
        assert (place / "mine.txt").read_text() == "mine"
    with pytest.raises(ElmanError, match=r"mine.txt is a file"):
        model.save(tmp_path / "stuff" / "mine.txt")


def test_nothing_of_a_former_model_stays(model: elman.Classifier, tmp_path: Path) -> None:
    classifier(folder=tmp_path / "old", hidden=3)
    assert (tmp_path / "old" / "report.html").exists()
    model.save(tmp_path / "old", overwrite=True)
    model.save(tmp_path / "new")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert {path.name for path in (tmp_path / "old").iterdir()} == names
    assert {path.name for path in tmp_path.iterdir()} == {"old", "new"}


def test_the_model_of_another_is_replaced_only_where_that_is_said(model: elman.Classifier, tmp_path: Path) -> None:
    other = classifier(hidden=3)
    other.save(tmp_path / "model")
    with pytest.raises(ElmanError, match=r"holds another model: save\(folder, overwrite=True\) replaces it"):
        model.save(tmp_path / "model")
    assert elman.load(tmp_path / "model").hidden == 3
    other.save(tmp_path / "model")  # it is its own
    again = elman.load(tmp_path / "model")
    again.save(tmp_path / "model")  # it comes from there
    model.save(tmp_path / "model", overwrite=True)
    for late in (other, again):
        with pytest.raises(ElmanError, match="holds another model"):
            late.save(tmp_path / "model")
    with pytest.raises(ElmanError, match="holds another model"):
        again.set_params(folder=tmp_path / "model").partial_fit(X, Y)
    assert np.array_equal(elman.load(tmp_path / "model").predict_proba(X), model.predict_proba(X))


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_model_saved_where_it_was_trained_keeps_its_run(tmp_path: Path) -> None:
    model = classifier(folder=tmp_path / "model")
    before = contents(tmp_path / "model")
    assert {"report.html", "checkpoints/last.ckpt"} <= before.keys()
    for each in (model, elman.load(tmp_path / "model")):
        each.save(tmp_path / "model")
        assert contents(tmp_path / "model") == before
    model.partial_fit(X, Y, epochs=3.0)
    assert "checkpoints/last.ckpt" not in contents(tmp_path / "model")  # it is that of the model before
    assert np.array_equal(elman.load(tmp_path / "model").predict_proba(X), model.predict_proba(X))


def test_classes_of_other_names_are_another_model(model: elman.Classifier, tmp_path: Path) -> None:
    saved: Any = classifier(folder=tmp_path / "model")
    saved.set_params(overwrite=True).fit(X, ["c", "d"] * 20)
    saved.set_params(folder=None).fit(X, Y)
    saved.save(tmp_path / "model")
    assert elman.load(tmp_path / "model").classes_.tolist() == ["a", "b"]


def test_a_folder_that_is_taken_says_what_python_has_for_it(model: elman.Classifier, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    with pytest.raises(ElmanError, match="holds a model already: overwrite=True replaces it") as error:
        classifier(folder=tmp_path / "model")
    assert "resume" not in str(error.value)
    assert classifier(folder=tmp_path / "model", overwrite=True).result["steps"] == 2


def with_values(name: str, **values: Any) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / name, read_json(folder / name) | values)


def with_text(name: str, data: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def as_folder(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return make


OPTIONS = {"hidden": 4, "layers": 1}
FILES = ["options.json", "vocabulary.json", "model.safetensors", "estimator.json", "result.json", "history.csv"]
DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{f"{name} is a folder": (name, as_folder(name)) for name in FILES},
    "empty history": ("history.csv", with_text("history.csv", b"")),
    "random history": ("history.csv", with_text("history.csv", np.random.default_rng(1).bytes(300))),
    "history of words": ("history.csv", with_text("history.csv", b"step,loss\n1,none\n")),
    "empty result": ("result.json", with_text("result.json", b"")),
    "no facts": ("estimator.json", with_values("estimator.json", facts=None)),
    "a list of options": ("estimator.json", with_values("estimator.json", options=[1])),
    "no names of features": ("estimator.json", with_values("estimator.json", facts={"features": 6, "names": 3})),
    "no number of features": ("estimator.json", with_values("estimator.json", facts={"features": "6"})),
    "labels that are no numbers": ("estimator.json", with_values("estimator.json", facts={"kind": "int"})),
    "another task": ("estimator.json", with_values("estimator.json", estimator="Tagger")),
    "no estimator": ("estimator.json", with_values("estimator.json", estimator=["os"])),
    "an option that is none": ("estimator.json", with_values("estimator.json", options={"nope": 1})),
    "a format that is no number": ("options.json", with_values("options.json", format=True)),
    "hidden is a text": ("options.json", with_values("options.json", options={**OPTIONS, "hidden": "8"})),
    "hidden is below its range": ("options.json", with_values("options.json", options={**OPTIONS, "hidden": -1})),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_file_is_named(damage: str, model: elman.Classifier, tmp_path: Path) -> None:
    folder, (name, do) = model.save(tmp_path / "model"), DAMAGES[damage]
    do(folder)
    with pytest.raises(ElmanError) as error:
        elman.load(folder)
    assert str(folder / name) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("write", [Path.unlink, lambda path: write_json(path, {})])
def test_without_its_result_it_still_answers_and_goes_on(
    write: Callable[[Path], Any], model: elman.Classifier, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "model")
    write(folder / "result.json")
    with pytest.warns(ElmanWarning, match="has no result.json"):
        again = elman.load(folder)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ElmanError, match=r"without its result.json: give data"):
        again.evaluate()
    assert again.partial_fit(X, Y).evaluate()["loss"] > 0
