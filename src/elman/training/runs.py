"""Runs: from people's files to a model folder that is whole or not there, and what came of it."""

import logging
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import lightning.pytorch as pl

from elman.data.bad import BadRows, Skip
from elman.data.files import alternatives, matching
from elman.data.fingerprint import fingerprint
from elman.data.packed import is_there
from elman.errors import ElmanError, brief
from elman.training.folders import (
    BEGUN,
    COMPARE,
    HISTORY,
    OPTIONS,
    PIPED,
    RESULT,
    SKIPPED,
    UNTRAINED_WEIGHTS,
    WEIGHTS,
    Begun,
    about_run,
    alone,
    check_place,
    options_of,
    read_json,
    read_options,
    replaced,
    save_options,
    write_json,
    written,
)
from elman.training.judging import in_part
from elman.training.loop import Progress, has_checkpoint, train
from elman.training.memory import check_model, memory_told
from elman.training.options import check_kept, given_of, renamed
from elman.training.remarks import of_training, remarks
from elman.training.settings import Budget, Comparison, Training, configured, groups
from elman.training.summary import UNTRAINED, as_before, compared, history, judged_part, write_report
from elman.training.task import TEST, MadeTask, Sources, TrainingData, evaluate, read_model
from elman.training.trials import attempt, made, others, search

T = TypeVar("T")


@dataclass(frozen=True)
class Run(Generic[MadeTask]):
    """What is needed to train, and to judge what came of it."""

    task: MadeTask
    read: Any  # what the task read
    data: TrainingData
    training: Training
    budget: Budget
    comparison: Comparison
    source: str | None
    test: str | None
    bad: BadRows
    found: list[str] = field(default_factory=list)  # about the data, as it was announced
    searching: frozenset[str] | None = None  # what the user set, where a search for the rest is not over


@memory_told()
def begin(
    make: type[MadeTask],
    sources: Sources,
    folder: Path,
    given: dict[str, Any],
    *,
    test: Path | None = None,
    overwrite: bool = False,
    keep: Collection[Path] = (),
) -> Run[MadeTask]:
    """Make a model folder for a new run; it appears, or replaces the one that is there, once all of it is sound.

    ``keep`` are those of the files that will be gone when the run is to go on; the folder keeps a copy of them.
    """
    folder = folder.absolute()
    options, training, budget, comparison = (configured(make.Options, group, given) for group in groups(make.Options))
    for source in (sources.data, sources.valid, test):
        _check_there(source)
    if (folder / OPTIONS).exists() and not overwrite:
        if sources.data is None:
            make.read(options, sources)  # which says so, where the task has no data of its own
        raise ElmanError(
            f"{folder} holds a model already; --resume goes on with it, --overwrite replaces it, "
            "--out takes another folder"
        )
    check_place(folder)
    with replaced(folder) as new:
        with noted() as found:
            with sources.bad.settled():
                read = make.read(options, sources)
            vocabulary = make.learn(options, read)
            for other in others(options, comparison.compare).values():
                check_model(make, other, vocabulary, training)
                make(other, vocabulary)  # what cannot be made is refused before anything is trained
            task, data = made(make, options, vocabulary, read, new, training)
        given_files = {"data": sources.data, "valid": sources.valid, "test": test}
        kept = {role: _copied(path, new) if path in keep else _kept(path) for role, path in given_files.items()}
        settings = {"training": asdict(training), "budget": asdict(budget), "comparison": asdict(comparison)}
        searching = sorted(name for name, value in given.items() if value is not None) if comparison.search else None
        sums = {role: fingerprint(path) if isinstance(path, Path) else None for role, path in given_files.items()}
        more = {**kept, "sums": sums, "skip_bad": sources.bad.skip, "found": found, "searching": searching, **settings}
        save_options(new, task.name(), task.options, task.vocabulary, **more)
        if sources.bad.listed:
            skipped = "".join(f"{line}\n" for line in sources.bad.listed)
            (new / SKIPPED).write_text(skipped, encoding="utf-8", errors="replace")
    fixed = None if searching is None else frozenset(searching)
    there = _in_folder(kept, folder)
    return Run(task, read, data, training, budget, comparison, there["data"], there["test"], sources.bad, found, fixed)


@memory_told()
def go_on(
    make: type[MadeTask], sources: Sources, folder: Path, given: dict[str, Any], *, test: Path | None = None
) -> Run[MadeTask]:
    """The run in a model folder, to go on with; only its budget can be another one."""
    task = read_model(folder, lambda name: _same(make, name, folder), weights=False)
    about = read_options(folder)
    if (folder / WEIGHTS).exists() and not has_checkpoint(folder):
        raise ElmanError(f"{folder} has no checkpoint to go on from; train anew with --overwrite")
    training = options_of(Training, folder, about, "training")
    budget = options_of(Budget, folder, about, "budget")
    comparison = options_of(Comparison, folder, about, "comparison")
    begun = about_run(folder, about)
    kept = _in_folder({"data": begun.data, "valid": begun.valid, "test": begun.test}, folder.absolute())
    if sources.bad.skip not in (False, begun.skip_bad):
        how: dict[Skip, str] = {False: "without --skip-bad", True: "with --skip-bad", "all": "with --skip-bad all"}
        raise ElmanError(f"the run in {folder} was begun {how[begun.skip_bad]} and goes on so")
    bad, found, searching = BadRows(begun.skip_bad), list(begun.found), begun.searching
    for values in (task.options, training, comparison):
        now = asdict(values)
        for name, value in given_of(type(values), given).items():
            if value != now[name]:
                raise ElmanError(f"the run in {folder} has --{name.replace('_', '-')} {now[name]} and goes on with it")
    for name, path in (("data", sources.data), ("valid", sources.valid), ("test", test)):
        if path is not None and _kept(path) != kept[name]:
            usual = "the default data" if name == "data" else "no such file"
            raise ElmanError(f"the run in {folder} has --{name} {kept[name] or usual} and goes on with it")
    _check_files(begun, kept, folder)
    if given_of(Budget, given):
        budget = Budget(**given_of(Budget, given))
    data, valid = (None if name is None else Path(name) for name in (kept["data"], kept["valid"]))
    with alone(folder):
        read = make.read(task.options, Sources(data, valid, bad))
        if has_checkpoint(folder):
            data = task.data(read, folder, rows=training.rows, steps=training.bptt, seed=training.seed)
        else:  # it was cut before its first step, and begins as it did then
            task, data = made(make, task.options, task.vocabulary, read, folder, training)
    fixed = None if searching is None else frozenset(renamed(groups(make.Options), dict.fromkeys(searching)))
    return Run(task, read, data, training, budget, comparison, kept["data"], kept["test"], bad, found, fixed)


@memory_told()
def searched(run: Run[MadeTask], folder: Path, callbacks: tuple[pl.Callback, ...] = ()) -> Run[MadeTask]:
    """The run with the best settings that a search finds, where the user wishes for one that is not over."""
    if run.searching is None:
        return run
    make, number = type(run.task), run.comparison.search
    with alone(folder):
        options, training = search(
            make, run.task.options, run.training, run.budget, run.read, folder, number, run.searching, callbacks
        )
        task, data = made(make, options, make.learn(options, run.read), run.read, folder, training)
        about = read_json(folder / OPTIONS)
        kept = {name: about[name] for name in about if name in ("budget", "comparison") or name in BEGUN}
        kept |= {"training": asdict(training), "searching": None}
        save_options(folder, task.name(), task.options, task.vocabulary, **kept)
    return replace(run, task=task, data=data, training=training, searching=None)


@memory_told()
def trained(run: Run[Any], folder: Path, callbacks: tuple[pl.Callback, ...] = ()) -> Progress:
    """Train what a run is for, or go on with it where the folder has a checkpoint."""
    resume = has_checkpoint(folder)
    with alone(folder):
        return train(run.task, run.data, folder, run.training, run.budget, resume=resume, callbacks=callbacks)


def facts(run: Run[Any], progress: Progress) -> dict[str, Any]:
    """What is known of a run once it is trained, before it is compared with anything."""
    return {
        "task": run.task.name(),
        "data": run.source,
        "about_data": run.data.describe(),
        "found": run.found,
        "skipped": len(run.bad.listed),
        "options": asdict(run.task.options),
        "training": asdict(run.training),
        "budget": asdict(run.budget),
        "parameters": sum(p.numel() for p in run.task.parameters()),
        "before": progress.before,
        "after": progress.best,
        "steps": progress.step,
        "best_step": progress.best_step,
        "seconds": progress.seconds,
        f"{run.task.unit}_per_second": progress.speed,
        "ended": progress.ended,
        "processors": os.cpu_count(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("elman", "torch", "lightning")},
    }


@memory_told()
def finish(run: Run[Any], folder: Path, progress: Progress, callbacks: tuple[pl.Callback, ...] = ()) -> dict[str, Any]:
    """Judge what came of a run beside what it is compared with, and write ``result.json`` and ``report.html``.

    Returns:
        What is written to ``result.json``.
    """
    with alone(folder):
        with judged_part(run.task, run.data, run.test, run.bad, progress) as evaluation:
            judged = compared(run.task, run.data, evaluation, run.comparison.baselines)
            same = evaluation is in_part(run.data.held_out, progress.share)
            untrained = progress.before if same else as_before(run.task, evaluation, folder, UNTRAINED_WEIGHTS)
        table = {run.task.name(): judged.metrics, **judged.simple}
        recurrences = others(run.task.options, run.comparison.compare)
        for name, options in recurrences.items():
            place = folder / COMPARE / name
            other = attempt(type(run.task), options, run.read, place, run.training, run.budget, callbacks)
            with judged_part(other.task, other.data, run.test, run.bad, progress) as evaluation:
                table[name] = evaluate(other.task, evaluation).metrics
        table |= {UNTRAINED: untrained} if untrained else {}
        part, rows = TEST if run.test else run.data.test_name, judged.rows
        result = facts(run, progress) | {
            "judged_on": {"part": part, "file": run.test, "rows": rows.number, "of": rows.of},
            "compared": table,
            "remarks": remarks(table, list(judged.simple), list(recurrences), run.task.measures, part, rows)
            + of_training(progress, run.task.monitor)
            + judged.failed,
            "predicted_per_second": judged.predicted,
            "streamed_per_second": judged.streamed,
        }
        with written(folder, HISTORY) as aside:
            history(folder).write_csv(aside)
        write_json(folder / RESULT, result)
        write_report(folder, result, run.task.measures, judged.sections)
        return result


def fit(
    make: type[MadeTask],
    data: Any,
    valid: Any = None,
    *,
    folder: str | Path | None = None,
    skip_bad: Skip = False,
    overwrite: bool = False,
    callbacks: tuple[pl.Callback, ...] = (),
    **options: Any,
) -> MadeTask:
    """Train a task.

    Args:
        make: the class of the task.
        data: what to learn from: a file, a folder, or a table in memory where the task takes one.
        valid: what to hold out, if it is not a part of ``data``.
        folder: the model folder to write; without it the model is only in memory, for ``save``.
        skip_bad: whether rows that cannot be used are left out; up to a tenth, or ``"all"``.
        overwrite: whether to replace a model in the folder.
        callbacks: Lightning's.
        options: as on the command line, with ``_`` for ``-``.

    Raises:
        ElmanError: data that cannot be read, an option that does not exist or is out of its range.
    """
    options = renamed(groups(make.Options), options, announce=True)
    if folder is not None:
        check_kept(configured(make.Options, make.Options, options))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "model" if folder is None else Path(folder)
        sources = Sources(_as_path(data), _as_path(valid), BadRows(skip_bad))
        run = begin(make, sources, place, options, overwrite=overwrite)
        run = searched(run, place, callbacks)
        progress = trained(run, place, callbacks)
        if folder is not None:
            finish(run, place, progress, callbacks)
    return run.task


@contextmanager
def noted() -> Iterator[list[str]]:
    """What is logged meanwhile, line by line."""
    lines: list[str] = []
    logger, handler = logging.getLogger("elman"), _Handler(lines.append)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _Handler(logging.Handler):
    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self.take = take

    def emit(self, record: logging.LogRecord) -> None:
        self.take(brief(record.getMessage()))


def _check_there(source: Any) -> None:
    """Refuse files that are not there, before anything is said of other things."""
    for path in alternatives(source) if isinstance(source, Path) else []:
        if not all(map(is_there, matching(path))):
            raise ElmanError(f"there is no file {path}")


def _same(make: type[MadeTask], name: str, folder: Path) -> type[MadeTask]:
    if name != make.name():
        raise ElmanError(f"{folder} holds a model for {name}, not for {make.name()}")
    return make


def _check_files(begun: Begun, kept: Mapping[str, str | None], folder: Path) -> None:
    """Refuse files that have changed since a run began."""
    for role, sum in begun.sums.items():
        name = kept.get(role)
        if sum is not None and name is not None and fingerprint(Path(name)) != sum:
            raise ElmanError(
                f"{name} has changed since the run in {folder} began, which goes on with what it was: put that back, "
                "or train anew with --overwrite"
            )


def _as_path(data: Any) -> Any:
    return Path(data) if isinstance(data, str) else data


def _copied(path: Path, folder: Path) -> str:
    """Keep a file in a model folder; give its name there."""
    (folder / PIPED).mkdir(exist_ok=True)
    to = folder / PIPED / path.name
    try:
        to.hardlink_to(path)
    except OSError:  # on another disk
        shutil.copyfile(path, to)
    return f"{PIPED}/{path.name}"


def _in_folder(kept: Mapping[str, str | None], folder: Path) -> dict[str, str | None]:
    """Names of files, those that a model folder keeps as they are found from everywhere."""
    return {role: None if name is None else str(folder / name) for role, name in kept.items()}


def _kept(source: Any) -> str | None:
    return str(source.absolute()) if isinstance(source, Path) else None
