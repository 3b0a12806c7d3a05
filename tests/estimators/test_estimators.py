"""What holds of every estimator: it learns, answers, judges, is kept, goes on, and says what is wrong."""

import copy
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

import elman
from elman import tasks
from elman.cli.main import main
from elman.errors import ElmanError, ElmanWarning
from elman.estimators.base import Answering, Estimator
from elman.estimators.options import CONSTRUCTORS, arguments
from elman.estimators.stubs import STUB, stub
from elman.training.task import Predictor, read_json

QUICK: dict[str, Any] = {"hidden": 8, "steps": 5, "lr": 0.01, "verbose": False}
WAVE = np.sin(np.arange(300) / 4)
TEXTS = ["so good", "so bad", "good film", "bad film"] * 10
CLASSES = ["yes", "no"] * 20
SESSIONS = [["tea", "milk", "sugar", "cup"], ["cup", "tea", "milk", "sugar"], ["sugar", "cup", "tea", "milk"]] * 10
TEXT = "Of this, and of that, and of all.\n" * 30


def answered(model: Any, X: Any) -> Any:
    """What an estimator answers to data like that it learnt from."""
    if isinstance(model, elman.LanguageModel):
        return model.generate("Of ", length=10, seed=1)
    return model.predict(X)


# an estimator, data to learn from, and data that is answered
CASES: dict[str, tuple[Callable[[], Any], tuple[Any, ...], Any]] = {
    "Classifier": (lambda: elman.Classifier(embedding=8, **QUICK), (TEXTS, CLASSES), TEXTS[:4]),
    "Regressor": (
        lambda: elman.Regressor(**QUICK),
        (WAVE.reshape(30, 10), WAVE.reshape(30, 10).mean(1)),
        WAVE.reshape(30, 10)[:4],
    ),
    "Tagger": (
        lambda: elman.Tagger(embedding=8, **QUICK),
        ([["a", "cat"], ["a", "dog"]] * 10, [["D", "N"]] * 20),
        ["a dog"],
    ),
    "Translator": (
        lambda: elman.Translator(embedding=8, **QUICK),
        (["one two", "two one", "one", "two"] * 8, ["un deux", "deux un", "un", "deux"] * 8),
        ["one two"],
    ),
    "Forecaster": (lambda: elman.Forecaster(horizon=5, **QUICK), (WAVE,), WAVE),
    "AnomalyDetector": (lambda: elman.AnomalyDetector(horizons="1", **QUICK), (WAVE,), WAVE),
    "Recommender": (lambda: elman.Recommender(embedding=8, **QUICK), (SESSIONS,), [["tea", "milk"]]),
    "LanguageModel": (lambda: elman.LanguageModel(embedding=8, batch=2, bptt=8, **QUICK), (TEXT,), None),
}


class Fitted:
    """An estimator that has learnt."""

    def __init__(self, name: str) -> None:
        make, self.learnt, self.asked = CASES[name]
        self.name, self.model = name, make()
        assert self.model.fit(*self.learnt) is self.model
        self.answers = answered(self.model, self.asked)


@pytest.fixture(scope="module", params=list(CASES))
def fitted(request: pytest.FixtureRequest) -> Fitted:
    return Fitted(request.param)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pl.DataFrame):
        return one.equals(other)
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def test_there_is_one_for_each_task() -> None:
    assert {each.task for each in CONSTRUCTORS.values()} == set(tasks.names())
    assert set(CASES) == {name.removesuffix("Options") for name in CONSTRUCTORS}


def test_kept_in_a_folder_it_answers_the_same(fitted: Fitted, tmp_path: Path) -> None:
    folder = fitted.model.save(tmp_path / "model")
    for model in (elman.load(folder), type(fitted.model).load(folder)):
        assert type(model) is type(fitted.model)
        assert same(answered(model, fitted.asked), fitted.answers)
        assert model.get_params() == fitted.model.get_params()
        assert model.history.columns == fitted.model.history.columns
        assert model.result == read_json(folder / "result.json")
    assert tasks.restore(folder).name() == fitted.model.constructor.task


def test_pickled_and_copied_it_answers_the_same(fitted: Fitted) -> None:
    for model in (pickle.loads(pickle.dumps(fitted.model)), copy.deepcopy(fitted.model)):
        assert same(answered(model, fitted.asked), fitted.answers)


def test_it_judges(fitted: Fitted) -> None:
    measures = fitted.model.evaluate(*fitted.learnt)
    assert "loss" in measures
    assert all(isinstance(value, float) for value in measures.values())
    assert fitted.model.evaluate() == fitted.model.result["after"]
    if fitted.name != "AnomalyDetector":  # whose score takes labels
        assert isinstance(fitted.model.score(*fitted.learnt), float)
        assert isinstance(fitted.model.score(), float)


def test_it_says_how_the_run_went(fitted: Fitted) -> None:
    history, result = fitted.model.history, fitted.model.result
    assert history.columns[0] == "step"
    assert history["held_out_loss"].drop_nulls().len() > 0
    assert result["steps"] == 5
    assert result["options"]["hidden"] == 8


def test_the_report_compares_it_with_simple_methods(fitted: Fitted, tmp_path: Path) -> None:
    assert "compared" not in fitted.model.result
    page = fitted.model.report(tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    names = list(fitted.model.result["compared"])
    assert names[0] == fitted.model.constructor.task
    assert len(names) > 1 or fitted.name == "LanguageModel"
    with pytest.raises(ElmanError, match="the report is of a run in memory"):
        pickle.loads(pickle.dumps(fitted.model)).report(tmp_path / "other.html")


def test_a_row_of_answers_for_each_row(fitted: Fitted) -> None:
    if not isinstance(fitted.model, Answering):
        return
    frame = fitted.model.predict_frame(fitted.asked)
    assert isinstance(frame, pl.DataFrame)
    assert len(frame) == (5 if fitted.name == "Forecaster" else len(fitted.asked))


def test_it_goes_on_with_more_of_the_kind(fitted: Fitted) -> None:
    model = copy.deepcopy(fitted.model)
    before = model.evaluate(*fitted.learnt)["loss"]
    assert model.partial_fit(*fitted.learnt, epochs=20.0) is model
    assert model.result["steps"] > 5
    assert model.history["step"].is_sorted()
    assert model.history["step"].max() == model.result["steps"]
    after = model.evaluate(*fitted.learnt)["loss"]
    # the linear part of a forecaster knows a wave from the start
    assert after < before or (fitted.name == "Forecaster" and after != before)
    assert same(answered(fitted.model, fitted.asked), fitted.answers)  # the one it was copied from stays


@pytest.mark.parametrize(
    ("name", "learnt", "message"),
    [
        ("Classifier", (["so"], ["maybe"]), "the label 'maybe' was not learnt"),
        ("Tagger", ([["a"]], [["X"]]), "the tag 'X' was not learnt"),
        ("Recommender", ([["tea", "hat"]],), "the item 'hat' was not learnt"),
        ("LanguageModel", ("ß\n" * 100,), "the vocabulary lacks 'ß'"),
    ],
)
def test_names_that_were_not_learnt_are_refused(name: str, learnt: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ElmanError, match=message):
        Fitted(name).model.partial_fit(*learnt)


def test_before_it_has_learnt_it_says_so(fitted: Fitted) -> None:
    empty = CASES[fitted.name][0]()
    for call in (lambda: empty.evaluate(WAVE), lambda: empty.history, lambda: empty.save("nowhere"), empty.report):
        with pytest.raises(NotFittedError, match="is not fitted yet: call fit"):
            call()


def test_in_a_folder_of_its_own_it_does_all_that_the_command_line_does(tmp_path: Path) -> None:
    model = elman.Classifier(embedding=8, folder=str(tmp_path / "model"), **QUICK).fit(TEXTS, [1, 0] * 20)
    assert (tmp_path / "model" / "report.html").exists()
    assert list(model.result["compared"])[:2] == ["classify", "majority"]
    again = elman.load(tmp_path / "model")
    assert again.classes_.tolist() == [0, 1]
    assert again.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    with pytest.raises(ElmanError, match="holds a model already"):
        elman.Classifier(folder=str(tmp_path / "model"), **QUICK).fit(TEXTS, CLASSES)


def test_a_folder_of_the_command_line_is_an_estimator_too(tmp_path: Path, capsys: Any) -> None:
    pl.DataFrame({"text": TEXTS, "label": CLASSES}).write_csv(tmp_path / "texts.csv")
    out = str(tmp_path / "model")
    arguments = ["train", "classify", "--data", str(tmp_path / "texts.csv"), "--out", out, "--steps", "3"]
    assert main([*arguments, "--hidden", "8"]) == 0
    model = elman.load(out)
    assert isinstance(model, elman.Classifier)
    assert (model.hidden, model.steps, model.result["steps"]) == (8, 3, 3)
    assert model.predict("so good") in ("yes", "no")
    assert model.history["step"].to_list() == [3]
    capsys.readouterr()


def test_labels_come_back_as_they_were_given() -> None:
    x = WAVE.reshape(30, 10)
    for classes in ([3, 7], [True, False], ["a", "b"], [0.0, 1.0]):
        model = elman.Classifier(**QUICK).fit(x, np.array(classes * 15))
        assert set(model.classes_.tolist()) == set(classes)
        assert model.predict(x).dtype == np.array(classes).dtype
        assert model.predict_proba(x).sum(1) == pytest.approx(1)
    model = elman.Classifier(embedding=8, **QUICK).fit(TEXTS, [["a"], ["a", "b"]] * 20)
    assert all(isinstance(each, list) for each in model.predict(TEXTS))


def test_one_text_has_one_answer() -> None:
    model = Fitted("Classifier").model
    assert model.predict("good") in ("yes", "no")
    assert model.predict_proba("good").shape == (2,)
    assert Fitted("Tagger").model.predict("a dog") in (["D", "N"], ["D", "D"], ["N", "N"], ["N", "D"])
    assert isinstance(Fitted("Translator").model.predict("one"), str)


def test_numbers_have_the_shape_that_they_were_learnt_in() -> None:
    x = WAVE.reshape(30, 10)
    for y in (x.mean(1), x.mean(1)[:, None], x.mean(1)[:, None].tolist()):
        assert elman.Regressor(**QUICK).fit(x, y).predict(x).shape == np.shape(y)


def test_a_limit_that_is_set_takes_the_place_of_the_usual_ones() -> None:
    given = {**QUICK, "horizons": "1"}
    assert elman.AnomalyDetector(**given).fit(WAVE).result["budget"]["minutes"] is None
    usual = {each.name: each.default for each in arguments(CONSTRUCTORS["AnomalyDetectorOptions"])}
    assert (usual["steps"], usual["minutes"]) == (2000, 2.0)
    model = elman.AnomalyDetector(hidden=8)
    assert {name: model._given().get(name) for name in ("steps", "minutes", "epochs")} == {
        "steps": 2000, "minutes": 2.0, "epochs": None,
    }  # fmt: skip


def test_the_random_numbers_around_go_on() -> None:
    before = np.random.get_state()[1].copy()  # pyright: ignore
    Fitted("Regressor")
    assert np.array_equal(before, np.random.get_state()[1])  # pyright: ignore


def test_what_is_found_out_is_said(capsys: Any) -> None:
    elman.Classifier(**{**QUICK, "embedding": 8, "verbose": True}).fit(TEXTS, CLASSES)
    said = capsys.readouterr().out
    assert "2 classes: no 20, yes 20" in said
    assert "36 rows to learn from, 4 held out" in said
    elman.Classifier(**{**QUICK, "embedding": 8}).fit(TEXTS, CLASSES)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", list(CONSTRUCTORS))
def test_every_option_is_in_the_signature_and_in_the_words(name: str) -> None:
    make: Any = getattr(elman, name.removesuffix("Options"))
    parameters = inspect.signature(make).parameters
    for each in arguments(CONSTRUCTORS[name]):
        assert parameters[each.name].default == each.default
        assert f"{each.name}: " in make.__init__.__doc__
        assert not hasattr(make, each.name), f"the option {each.name} has the name of a method"
    assert not [line for line in make.__init__.__doc__.splitlines() if "--" in line]


def test_the_stub_is_that_of_the_options() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), "an option has changed: make stubs"


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(ElmanError, match="Classifier has no option 'hiden'; did you mean 'hidden'"):
        elman.Classifier(hiden=8)  # pyright: ignore
    with pytest.raises(ElmanError, match="Regressor has no option 'kind'"):
        elman.Regressor(kind="classes")  # pyright: ignore
    with pytest.raises(ElmanError, match=r"^hidden is 1 or more, not 0$"):
        elman.Classifier(hidden=0, verbose=False).fit(TEXTS, CLASSES)
    with pytest.raises(ElmanError, match="a Regressor learns"):
        elman.Classifier(verbose=False).fit(WAVE.reshape(30, 10), WAVE[:30])


def test_the_names_of_the_version_before_are_taken_with_a_warning() -> None:
    with pytest.warns(ElmanWarning, match="the option least is called min_count now"):
        assert elman.Classifier(least=3).min_count == 3  # pyright: ignore
    frame = pl.DataFrame({"text": TEXTS, "label": CLASSES})
    with pytest.warns(ElmanWarning, match=r"write Classifier\(...\).fit"):
        task: Any = elman.Classifier.fit(frame, steps=3, hidden=8)  # pyright: ignore[reportCallIssue]
    assert isinstance(task, Predictor)
    assert task.predict(["so good"]).columns[:2] == ["text", "predicted"]
    with pytest.warns(ElmanWarning, match="elman.Detector is called AnomalyDetector now"):
        assert elman.Detector is elman.AnomalyDetector  # pyright: ignore
    assert elman.Classifier.fit(elman.Classifier(embedding=8, **QUICK), TEXTS, CLASSES).predict("so") in ("yes", "no")


def test_a_language_model_writes_and_talks() -> None:
    model = elman.LanguageModel(embedding=8, batch=2, bptt=8, **QUICK).fit("A: Hello.\nB: Hi. How are you?\n" * 20)
    assert model.generate(length=7, seed=2) == model.generate(length=7, seed=2)
    talk = model.chat(length=5, seed=1)
    assert isinstance(talk("Hello."), str)
    names = elman.LanguageModel(embedding=8, samples=0, **QUICK).fit(["anna", "otto", "ada", "bob"] * 5)
    assert len(names.strings(3, seed=1)) == 3
    with pytest.raises(ElmanError, match="trained on strings"):
        names.generate()


def test_no_method_of_one_hides_that_of_another() -> None:
    for name in CASES:
        make = getattr(elman, name)
        assert issubclass(make, Estimator)
        assert make.__doc__
        assert make.fit.__doc__
