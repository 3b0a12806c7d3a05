"""Other settings and other recurrences, trained as the model itself is: on the same data, under a like budget."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl

from elman.data.plain import restored
from elman.errors import ElmanError
from elman.training import manifest
from elman.training.answers import finite
from elman.training.checkpoints import seed_all
from elman.training.folders import SEARCH, TOKENS, TRIAL, read_json, write_json
from elman.training.loop import Progress, has_checkpoint, train
from elman.training.memory import check_batch, check_model
from elman.training.options import checked, listed
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
    """A new task and its data, with the same random numbers whenever it is made.

    What a run that was cut before its first checkpoint has made of the data is made anew: nothing tells it from that of
    other data.
    """
    check_model(make, options, vocabulary, training)
    seed_all(training.seed)
    task = make(options, vocabulary)
    if not has_checkpoint(folder):
        for name in TOKENS:
            manifest.forget(folder, name)
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

    What is tried is in ``search.json`` in the folder, and is not tried again when the search goes on. The first trial
    has the settings as they are.

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
    direction, measure = ("minimize", "loss") if make.monitor is None else ("maximize", make.monitor)
    within = {each.name: distribution(each) for _, each in free}
    done = _noted(folder)
    short = Budget(**{name: _part(name, value) for name, value in asdict(budget).items()})
    while len(done) < number:
        # what is tried follows from what is finished, so that a search that was cut tries the same
        sampler = optuna.samplers.TPESampler(seed=training.seed + len(done))
        study = optuna.create_study(direction=direction, sampler=sampler)
        try:
            for each in done:
                told = optuna.trial.create_trial(params=each.settings, distributions=within, value=each.value)
                study.add_trial(told)
        except ValueError as error:
            raise ElmanError(
                f"{folder / SEARCH} is of another search ({error}); train anew with --overwrite"
            ) from error
        if not done:
            study.enqueue_trial({each.name: getattr(group, each.name) for group, each in free})
        chosen = study.ask(within).params
        place = folder / TRIAL
        if place.exists():  # what a trial that was killed has left
            shutil.rmtree(place)
        found = attempt(make, with_some(options, chosen), read, place, with_some(training, chosen), short, callbacks)
        shutil.rmtree(place)
        assert found.progress.best is not None
        done.append(Tried(chosen, finite(found.progress.best[measure])))
        write_json(folder / SEARCH, {"trials": [asdict(each) for each in done]})
        log.info("trial %s: %.4f with %s", len(done), done[-1].value, shown(chosen))
    best = (min if make.monitor is None else max)(done, key=lambda each: each.value)
    log.info("the best of %s: %.4f with %s", number, best.value, shown(best.settings))
    return with_some(options, best.settings), with_some(training, best.settings)


@dataclass(frozen=True)
class Tried:
    """Settings that were tried, and what came of them."""

    settings: dict[str, bool | int | float | str]
    value: float


def _noted(folder: Path) -> list[Tried]:
    """What was tried already in a search that goes on."""
    if not manifest.is_there(folder, SEARCH):
        return []
    value = read_json(folder / SEARCH)
    try:
        return [restored(Tried, each) for each in restored(dict[str, list[dict[str, Any]]], value)["trials"]]
    except (ElmanError, KeyError) as error:
        raise ElmanError(f"{folder / SEARCH} is damaged: {error}; train anew with --overwrite") from error


def distribution(each: Field[Any]) -> Any:
    """What a trial chooses a setting from: a list, or between two numbers, by their ratio where it is large."""
    from optuna import distributions

    among = each.metadata["search"]
    if isinstance(among, list):
        return distributions.CategoricalDistribution(among)
    low, high = among
    kind = distributions.IntDistribution if isinstance(low, int) else distributions.FloatDistribution
    return kind(low, high, log=high >= 8 * low > 0)


def with_some(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Settings, with those of ``values`` that they have.

    Raises:
        ElmanError: a value of another type than the setting's, or out of its range.
    """
    known: Any = settings
    chosen = {each.name: values[each.name] for each in fields(known) if each.name in values}
    return replace(known, **checked(type(known), chosen))


def shown(values: Mapping[str, Any]) -> str:
    """Settings in words."""
    return ", ".join(f"{name} {v:.3g}" if isinstance(v, float) else f"{name} {v}" for name, v in values.items())


def _part(name: str, value: Any) -> Any:
    """A trial's part of the budget."""
    if value is None or name == "patience":
        return value
    return value / PART if isinstance(value, float) else max(1, value // PART)
