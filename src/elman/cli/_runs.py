"""Model folders of runs: begun aside so that nothing half-made is ever seen, and gone on with."""

import os
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from elman import tasks
from elman.cli._options import chosen, given_of
from elman.errors import ElmanError
from elman.tasks.task import OPTIONS, RESULT, Data, Task, read_json, read_model, write_json
from elman.training import Budget, Progress, Training, has_checkpoint, seed_all


@dataclass(frozen=True)
class Run:
    """What is needed to train."""

    task: Task
    data: Data
    training: Training
    budget: Budget
    source: str | None


def begin(make: type[Task], source: Path | None, folder: Path, given: dict[str, Any], overwrite: bool) -> Run:
    """Make a model folder for a new run; it appears, or replaces the one that is there, once all of it is sound."""
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise ElmanError(f"{folder} is a file; --out takes a folder")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / OPTIONS).exists():
            raise ElmanError(f"{folder} holds other things than a model; give --out a new folder")
        if not overwrite:
            raise ElmanError(
                f"{folder} holds a model already; --resume goes on with it, --overwrite replaces it, "
                "--out takes another folder"
            )
    options, training, budget = chosen(make.Options, given), chosen(Training, given), chosen(Budget, given)
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    _remove(new)
    new.mkdir(parents=True)
    try:
        seed_all(training.seed)
        task = make(options, make.learn(options, source))
        data = task.data(source, new, rows=training.batch, steps=training.truncate)
        kept = None if source is None else str(source.absolute())
        task.save_options(new, data=kept, training=asdict(training), budget=asdict(budget))
        _remove(old)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        _remove(new)
    _remove(old)
    return Run(task, data, training, budget, kept)


def go_on(make: type[Task], source: Path | None, folder: Path, given: dict[str, Any]) -> Run:
    """The run in a model folder, to go on with; only its budget can be another one."""
    task = read_model(folder, tasks.load, weights=False)
    if type(task) is not make:
        raise ElmanError(f"{folder} holds a model for {task.name()}, not for {make.name()}")
    if not has_checkpoint(folder):
        raise ElmanError(f"{folder} has no checkpoint to go on from; train anew with --overwrite")
    about = read_json(folder / OPTIONS)
    try:
        training, budget = Training(**about["training"]), Budget(**about["budget"])
        kept = about["data"]
    except (KeyError, TypeError) as error:
        raise ElmanError(f"{folder / OPTIONS} is damaged: {error!r}; take a copy") from error
    for group, now in ((make.Options, asdict(task.options)), (Training, asdict(training))):
        for name, value in given_of(group, given).items():
            if value != now[name]:
                raise ElmanError(f"the run in {folder} has --{name.replace('_', '-')} {now[name]} and goes on with it")
    if source is not None and str(source.absolute()) != kept:
        raise ElmanError(f"the run in {folder} learns from {kept or 'the default data'} and goes on with it")
    if given_of(Budget, given):
        budget = Budget(**given_of(Budget, given))
    source = None if kept is None else Path(kept)
    data = task.data(source, folder, rows=training.batch, steps=training.truncate)
    return Run(task, data, training, budget, kept)


def write_result(run: Run, folder: Path, progress: Progress) -> None:
    """Write what came of a run."""
    result = {
        "task": run.task.name(),
        "data": run.source,
        "about_data": run.data.describe(),
        "options": asdict(run.task.options),
        "training": asdict(run.training),
        "budget": asdict(run.budget),
        "parameters": sum(p.numel() for p in run.task.parameters()),
        "before": progress.before,
        "after": progress.best,
        "steps": progress.step,
        "seconds": progress.seconds,
        f"{run.task.unit}_per_second": progress.speed,
        "ended": progress.ended,
        "processors": os.cpu_count(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("elman", "torch", "lightning")},
    }
    write_json(folder / RESULT, result)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
