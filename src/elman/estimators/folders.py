"""Estimators in model folders: those that an estimator wrote, and those of the command line."""

import importlib
import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from elman import tasks
from elman.errors import ElmanError, ElmanWarning
from elman.training import manifest
from elman.training.folders import (
    ABOUT,
    HISTORY,
    RESULT,
    by_name,
    read_json,
    read_options,
    replaced,
    write_json,
    written,
)
from elman.training.options import renamed
from elman.training.results import read_result
from elman.training.settings import groups
from elman.training.summary import read_history
from elman.training.task import Task

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
    """Write an estimator to a folder, for ``load`` and for the command line; a former model there is replaced.

    Raises:
        ElmanError: a file, a folder with other things than a model, or a cell that no other process could find.
    """
    with replaced(folder) as new:
        kept.task.save(new)
        note(about, new)
        write_json(new / RESULT, kept.result)
        with written(new, HISTORY) as aside:
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
    path, by_python = folder / ABOUT, manifest.is_there(folder, ABOUT)
    about = read_json(path) if by_python else _of_command_line(folder, task)
    for part, kind in (("estimator", str), ("options", dict), ("facts", dict)):
        if not isinstance(about.get(part), kind):
            raise ElmanError(f"{path} is damaged: it has no {part}; take a copy")
    name, options, facts = about["estimator"], about["options"], about["facts"]
    if ESTIMATORS.get(name) != task.name():
        raise ElmanError(f"{path} is damaged: {name!r} is no estimator of the task {task.name()}; take a copy")
    if foreign := {"folder", "callbacks"} & set(options):  # which are never noted
        raise ElmanError(f"{path} is damaged: options has {min(foreign)!r}, which there is not; take a copy")
    result = read_result(folder)
    if by_python and not result:
        warnings.warn(f"{folder} has no {RESULT}: what came of the training is not known", ElmanWarning, stacklevel=2)
    noted = read_history(folder)
    try:
        model = _make(name)(**options)
        model.take(Kept(task, facts, result, noted), folder)
        getattr(model, "classes_", None)  # they are made of the facts
    except (AttributeError, ElmanError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ElmanError) else repr(error)
        raise ElmanError(f"{path} is damaged: {said}; take a copy") from error
    return model


def _make(name: str) -> Any:
    """The class of an estimator."""
    return getattr(importlib.import_module(f"elman.estimators.{ESTIMATORS[name]}"), name)


def _of_command_line(folder: Path, task: Task) -> dict[str, Any]:
    """What an estimator would have noted, of a folder that the command line wrote."""
    number = task.name() == "classify" and task.vocabulary["target"]["kind"] == "number"
    (name,) = (name for name, of in ESTIMATORS.items() if of == task.name() and (name == "Regressor") == number)
    about = read_options(folder)
    known = set(_make(name)().get_params(deep=False))
    given = {**about["options"], **about.get("training", {}), **about.get("budget", {}), **about.get("comparison", {})}
    kept = renamed(groups(type(task).Options), given)
    return {"estimator": name, "options": {k: v for k, v in kept.items() if k in known}, "facts": {}}


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, default=by_name)
    except (TypeError, ValueError):
        return False
    return True
