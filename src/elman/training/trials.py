"""Other settings and other recurrences, trained as the model itself is: on the same data, under a like budget."""

import errno
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl

from elman.errors import ElmanError
from elman.training.checkpoints import seed_all
from elman.training.folders import SEARCH, TRIAL
from elman.training.loop import Progress, has_checkpoint, train
from elman.training.memory import check_batch, check_model
from elman.training.options import listed
from elman.training.settings import Budget, Training
from elman.training.task import MadeTask, Task, TrainingData

log = logging.getLogger(__name__)

Settings = TypeVar("Settings")
PART = 4  # of the budget that a trial has, one


@dataclass(frozen=True)
class Trial:
    """A task trained with some settings."""

    task: Task
    data: TrainingData
    progress: Progress


def made(
    make: type[MadeTask], options: Any, vocabulary: dict[str, Any], read: Any, folder: Path, training: Training
) -> tuple[MadeTask, TrainingData]:
    """A new task and its data, with the same random numbers whenever it is made."""
    check_model(make, options, vocabulary, training)
    seed_all(training.seed)
    task = make(options, vocabulary)
    data = task.data(read, folder, rows=training.rows, steps=training.bptt, seed=training.seed)
    check_batch(task, data, training)
    task.start(data)
    return task, data


def attempt(
    make: type[Task],
    options: Any,
    read: Any,
    folder: Path,
    training: Training,
    budget: Budget,
    callbacks: tuple[pl.Callback, ...] = (),
) -> Trial:
    """Train a task of class ``make`` with some options, or go on where the folder has a checkpoint of that."""
    folder.mkdir(parents=True, exist_ok=True)
    task, data = made(make, options, make.learn(options, read), read, folder, training)
    progress = train(task, data, folder, training, budget, resume=has_checkpoint(folder), callbacks=callbacks)
    return Trial(task, data, progress)


def others(options: Any, names: str) -> dict[str, Any]:
    """The options with other recurrences, by their names, which stand between commas.

    Raises:
        ElmanError: options that have no recurrence to choose.
    """
    wanted = listed(names)
    if wanted and not any(each.name == "cell" for each in fields(options)):
        raise ElmanError("--compare takes a task with --cell")
    return {name: replace(options, cell=name) for name in wanted}


def search(
    make: type[Task],
    options: Any,
    training: Training,
    budget: Budget,
    read: Any,
    folder: Path,
    number: int,
    fixed: frozenset[str],
    callbacks: tuple[pl.Callback, ...] = (),
) -> tuple[Any, Training]:
    """Try settings, each for a part of the budget, and give the best: the options, and how to train.

    What is tried is in ``search.db`` in the folder, and is not tried again when the search goes on. The first trial has
    the settings as they are.

    Args:
        make: the class of the task.
        options: settings to begin with.
        training: more of them.
        budget: that of the whole run; each trial has a quarter.
        read: the data.
        folder: the model folder.
        number: trials in all.
        fixed: names of settings that stay as they are.
        callbacks: Lightning's.

    Raises:
        ElmanError: Optuna is not there, or nothing can be searched.
    """
    try:
        import optuna
    except ImportError as error:
        raise ElmanError("--search takes Optuna: pip install elman[search]") from error
    places = [(group, each) for group in (options, training) for each in fields(group)]
    free = [(group, each) for group, each in places if "search" in each.metadata and each.name not in fixed]
    if not free:
        raise ElmanError("there is nothing to search: all that could be is given")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / SEARCH}",
        study_name=make.name(),
        load_if_exists=True,
        direction="minimize" if make.monitor is None else "maximize",
    )
    short = Budget(**{name: _part(name, value) for name, value in asdict(budget).items()})

    def objective(trial: Any) -> float:
        chosen = {each.name: suggested(trial, each) for _, each in free}
        place = folder / TRIAL
        if place.exists():  # what a trial that was killed has left
            shutil.rmtree(place)
        found = attempt(make, with_some(options, chosen), read, place, with_some(training, chosen), short, callbacks)
        shutil.rmtree(place)
        assert found.progress.best is not None
        return found.progress.best["loss" if make.monitor is None else make.monitor]

    def finished() -> list[Any]:
        return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))

    while (done := len(finished())) < number:
        # what is tried follows from what is finished, so that a search that was cut tries the same
        study.sampler = optuna.samplers.TPESampler(seed=training.seed + done)
        if not done and not study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,)):
            study.enqueue_trial({each.name: getattr(group, each.name) for group, each in free})
        study.optimize(objective, n_trials=1)
        last = finished()[-1]
        log.info("trial %s: %.4f with %s", len(finished()), last.value, shown(last.params))
    log.info("the best of %s: %.4f with %s", number, study.best_value, shown(study.best_params))
    return with_some(options, study.best_params), with_some(training, study.best_params)


@contextmanager
def told_of_the_disk(folder: Path) -> Iterator[None]:
    """What goes wrong where trials are noted, such as a full disk, is an error as of any other file.

    Raises:
        OSError: what the database said.
    """
    try:
        yield
    except Exception as error:
        wrong = next((each for each in _causes(error) if isinstance(each, sqlite3.Error)), None)
        if wrong is None:
            raise
        raise OSError(errno.EIO, str(wrong), str(folder / SEARCH)) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def suggested(trial: Any, each: Field[Any]) -> Any:
    """What a trial chooses for a setting: one of a list, or between two numbers, by their ratio where it is large."""
    among = each.metadata["search"]
    if isinstance(among, list):
        return trial.suggest_categorical(each.name, among)
    low, high = among
    if isinstance(low, int):
        return trial.suggest_int(each.name, low, high, log=high >= 8 * low > 0)
    return trial.suggest_float(each.name, low, high, log=high >= 8 * low > 0)


def with_some(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Settings, with those of ``values`` that they have."""
    known: Any = settings
    return replace(known, **{each.name: values[each.name] for each in fields(known) if each.name in values})


def shown(values: Mapping[str, Any]) -> str:
    """Settings in words."""
    return ", ".join(f"{name} {v:.3g}" if isinstance(v, float) else f"{name} {v}" for name, v in values.items())


def _part(name: str, value: Any) -> Any:
    """A trial's part of the budget."""
    if value is None or name == "patience":
        return value
    return value / PART if isinstance(value, float) else max(1, value // PART)
