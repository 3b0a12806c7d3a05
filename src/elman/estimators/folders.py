"""Estimators in model folders: those that an estimator wrote, and those of the command line."""

import importlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from elman import tasks
from elman.data.files import written_aside
from elman.errors import ElmanError
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
}  # their tasks, each in the file that bears its name


class Kept(NamedTuple):
    """What an estimator knows beside its options, in a folder or in memory."""

    task: Task
    facts: dict[str, Any]  # plain values about what was learnt from
    result: dict[str, Any]
    history: pl.DataFrame


def save(kept: Kept, about: dict[str, Any], folder: Path) -> Path:
    """Write an estimator to a folder, for ``load`` and for the command line."""
    kept.task.save(folder)
    note(about, folder)
    write_json(folder / RESULT, kept.result)
    with written_aside(folder / HISTORY) as aside:
        kept.history.write_csv(aside)
    return folder


def note(about: dict[str, Any], folder: Path) -> None:
    """Write to a model folder what an estimator knows beside its task."""
    options = {name: value for name, value in about["options"].items() if _is_plain(value)}
    write_json(folder / ABOUT, {**about, "options": options})


def load(folder: str | Path) -> Any:
    """The estimator that a model folder holds, ready to use, whether it or the command line wrote the folder.

    Raises:
        ElmanError: no model folder, a file that is missing or damaged, or a folder of a newer version.
    """
    folder = Path(folder)
    task = tasks.restore(folder)
    path = folder / ABOUT
    about = read_json(path) if path.exists() else _of_command_line(folder, task)
    try:
        name, options, facts = about["estimator"], about["options"], about["facts"]
        model = getattr(importlib.import_module(f"elman.estimators.{ESTIMATORS[name]}"), name)(**options)
    except (KeyError, TypeError) as error:
        raise ElmanError(f"{path} is damaged: {error!r}; take a copy") from error
    result = read_json(folder / RESULT) if (folder / RESULT).exists() else {}
    noted = pl.read_csv(folder / HISTORY) if (folder / HISTORY).exists() else history(folder)
    model.take(Kept(task, facts, result, noted))
    return model


def _of_command_line(folder: Path, task: Task) -> dict[str, Any]:
    """What an estimator would have noted, of a folder that the command line wrote."""
    number = task.name() == "classify" and task.vocabulary["target"]["kind"] == "number"
    (name,) = (name for name, of in ESTIMATORS.items() if of == task.name() and (name == "Regressor") == number)
    make = getattr(importlib.import_module(f"elman.estimators.{task.name()}"), name)
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
