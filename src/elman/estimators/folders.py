"""Estimators in model folders: those that an estimator wrote, and those of the command line."""

import importlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from elman import tasks
from elman.data.files import written_aside
from elman.errors import ElmanError
from elman.estimators.base import Estimator
from elman.training.folders import RESULT, read_json, read_options, write_json
from elman.training.options import renamed
from elman.training.settings import groups
from elman.training.summary import history
from elman.training.task import Task

ABOUT, HISTORY = "estimator.json", "history.csv"
ESTIMATORS = {
    "AnomalyDetector": "anomaly",
    "Classifier": "classify",
    "Forecaster": "forecast",
    "LanguageModel": "language",
    "Recommender": "recommend",
    "Regressor": "classify",
    "Tagger": "tag",
    "Translator": "translate",
}  # where each is


def save(model: Estimator, folder: Path) -> Path:
    """Write an estimator to a folder, beside what its task writes."""
    model.task_.save(folder)
    note(model, folder)
    write_json(folder / RESULT, model.result)
    with written_aside(folder / HISTORY) as aside:
        model.history.write_csv(aside)
    return folder


def note(model: Estimator, folder: Path) -> None:
    """Write to a folder what the estimator knows beside its task."""
    given = model.get_params(deep=False).items()
    options = {name: value for name, value in given if name not in ("folder", "callbacks") and _is_plain(value)}
    write_json(folder / ABOUT, {"estimator": type(model).__name__, "options": options, "facts": model._facts})


def load(folder: str | Path) -> Any:
    """The estimator that a model folder holds, ready to use, whether it or the command line wrote the folder.

    Raises:
        ElmanError: no model folder, a file that is missing or damaged, or a folder of a newer version.
    """
    folder = Path(folder)
    task = tasks.restore(folder)
    about = read_json(folder / ABOUT) if (folder / ABOUT).exists() else _of_command_line(folder, task)
    try:
        name, options, facts = about["estimator"], about["options"], about["facts"]
        make = getattr(importlib.import_module(f"elman.estimators.{ESTIMATORS[name]}"), name)
        model: Estimator = make(**options)
    except (KeyError, TypeError) as error:
        raise ElmanError(f"{folder / ABOUT} is damaged: {error!r}; take a copy") from error
    model.task_ = task
    model._know(facts)
    model._result = read_json(folder / RESULT) if (folder / RESULT).exists() else {}
    model._history = pl.read_csv(folder / HISTORY) if (folder / HISTORY).exists() else history(folder)
    return model


def _of_command_line(folder: Path, task: Task) -> dict[str, Any]:
    """What an estimator would have noted, of a folder that the command line wrote."""
    number = task.name() == "classify" and task.vocabulary["target"]["kind"] == "number"
    (name,) = (name for name, room in ESTIMATORS.items() if room == task.name() and (name == "Regressor") == number)
    make = getattr(importlib.import_module(f"elman.estimators.{ESTIMATORS[name]}"), name)
    about = read_options(folder)
    known = set(make().get_params(deep=False))
    given = {**about["options"], **about.get("training", {}), **about.get("budget", {}), **about.get("comparison", {})}
    kept = renamed(groups(type(task).Options), given)
    return {"estimator": name, "options": {k: v for k, v in kept.items() if k in known}, "facts": {}}


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
