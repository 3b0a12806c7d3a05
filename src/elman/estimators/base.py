"""What all estimators share: training, judging, keeping, and what is known of a run."""

import html
import re
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, cast

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from elman import tasks
from elman.data.bad import BadRows
from elman.data.memory import opened
from elman.data.packed import is_there
from elman.errors import ElmanError, ElmanWarning, counted
from elman.estimators.folders import Kept, load, note, save
from elman.estimators.homes import Homes, holds
from elman.estimators.options import OWN, Constructor, arguments, check_own, in_python
from elman.layers.encoder import check_cells
from elman.training.checkpoints import randomness_kept
from elman.training.folders import CHECKPOINTS, OPTIONS, REPORT, RESULT, check_place
from elman.training.loop import Progress, train
from elman.training.options import check_kept, listed, plain
from elman.training.progress import Bar
from elman.training.report import Section, curves, fragment
from elman.training.runs import Run, begin, facts, finish, searched, trained
from elman.training.runs import fit as fit_task
from elman.training.settings import LIMITS, Budget, Comparison, Training, configured, groups
from elman.training.summary import history
from elman.training.task import Predictor, Sources, Task, evaluate

Method = TypeVar("Method", bound=Callable[..., Any])


class Taken(NamedTuple):
    """What a person gave to learn from, or to judge on."""

    source: Any  # as the task takes it
    options: dict[str, Any] = {}  # noqa: RUF012 that follow from how it was given
    facts: dict[str, Any] = {}  # noqa: RUF012 plain values about it that the task does not keep


class Trained(NamedTuple):
    """A run, while it is in memory."""

    run: Run
    place: Path  # where it was written
    progress: Progress
    source: Any


class _OnTheClassToo:
    """A method that a class itself was called with in version 0.1, as ``Classifier.fit(data, steps=100)``."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is not None:
            return self.method.__get__(instance, owner)

        @wraps(self.method)
        def called(*args: Any, **options: Any) -> Any:
            if args and isinstance(args[0], Estimator):
                return self.method(*args, **options)
            name = owner.__name__
            warnings.warn(
                f"{name}.fit(data, ...) on the class is from version 0.1: write {name}(...).fit(data)",
                ElmanWarning,
                stacklevel=2,
            )
            return fit_task(tasks.load(owner.constructor.task), *args, **owner.constructor.fixed, **options)

        called.__doc__ = _of_its_own(str(self.method.__doc__), *owner.takes)
        return called


def _of_its_own(text: str, data: str, labels: str) -> str:
    """The docstring of ``fit`` with what an estimator takes for X and for y."""
    parts = re.split(r"(?<=\n)(?= {12}\w+: )", text)
    said = {"X": data, "y": labels}
    return "".join(
        fill(f"{name}: {said[name]}", 116, initial_indent=" " * 12, subsequent_indent=" " * 16) + "\n"
        if (name := part.strip().partition(":")[0]) in said
        else part
        for part in parts
    )


def on_the_class_too(method: Method) -> Method:
    """The same method, which may for a version be called on the class as well."""
    return cast(Method, _OnTheClassToo(method))


class Estimator(BaseEstimator):
    """What every estimator has: options in the constructor, ``fit``, and then what can be asked of the model.

    Attributes:
        task_: the trained task, once there is one.
        n_features_in_: columns of the array or the table of numbers that was learnt from, if it was such.
        feature_names_in_: their names, if they have any.
    """

    constructor: ClassVar[Constructor]
    takes: ClassVar[tuple[str, str]]  # what X and y of ``fit`` may be, for people
    task_: Any
    n_features_in_: int
    feature_names_in_: np.ndarray

    # what was found out in training beside the task itself, and is kept with it
    _facts: dict[str, Any]
    _result: dict[str, Any]
    _history: pl.DataFrame

    # ---- what an estimator of a kind says of its data

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        """What a task takes, from what a person gives to learn from; or to judge or go on with the task ``like``."""
        raise NotImplementedError

    def _facts_of(self, source: Any) -> dict[str, Any]:
        """Plain values about what was learnt from that the task does not keep, once there is a task."""
        return {}

    def _know(self, facts: dict[str, Any]) -> None:
        """Take the facts about what was learnt from, in training or out of a folder."""
        features, names = facts.get("features"), facts.get("names")
        if not isinstance(features, int | None) or not isinstance(names, list | tuple | None):
            raise TypeError(f"{features!r} features with the names {names!r}")
        self._facts = facts
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
        if features is not None:
            self.n_features_in_ = features
        if names is not None:
            self.feature_names_in_ = np.array(names, object)

    def _check(self, task: Task, source: Any) -> None:
        """Refuse what another estimator is for, once the data is read."""

    def _taken_like(self, X: Any, y: Any, like: Any, known: dict[str, Any]) -> Taken:
        """What a task takes, of the columns that the facts know, in their order."""
        taken = self._taken(of_columns(X, known.get("names"), y), y, like)
        self._check_like(taken.facts, known)
        return taken

    def _check_like(self, facts: dict[str, Any], learnt: dict[str, Any]) -> None:
        """Refuse rows with more or fewer features than those that were learnt from."""
        width, known = facts.get("features"), learnt.get("features")
        if width is not None and known is not None and width != known:
            raise ElmanError(
                f"X has {width} features, but {type(self).__name__} is expecting {known} features as input"
            )

    # ---- to learn

    @on_the_class_too
    def fit(self, X: Any = None, y: Any = None, *, valid: Any = None) -> Self:
        """Learn from data.

        Args:
            X: what to learn from: a file's name, or what the class says.
            y: what belongs to each row, where it is not in X already; or the name of its column.
            valid: what to hold out, as X, or as a pair of X and y. [a part of X]

        Returns:
            The estimator itself.

        Raises:
            ElmanError: data that cannot be read, or an option that is out of its range.
        """
        with in_words_of_python(), randomness_kept():
            self._check_options()
            taken = self._taken(X, y)
            held_out = None if valid is None else self._taken_like(*_pair(valid, y), None, taken.facts).source
            self._train(taken.source, held_out, taken.options)
        self._know(taken.facts | self._facts_of(taken.source))
        if self._option("folder") is not None:
            note(self._about(), self._run.place)
            self._homes.add(self._run.place)
        return self

    def partial_fit(self, X: Any, y: Any = None, *, valid: Any = None, epochs: float = 1.0) -> Self:
        """Go on learning, from more data of the same kind; the first call is that of ``fit``.

        What the network knows of names stays as it is: classes, tags, items and columns that were not learnt are
        refused, words that were not are read as the unknown word. Nothing is held out but ``valid``.

        Args:
            X: data as ``fit`` takes it.
            y: what belongs to each row, where it is not in X.
            valid: what to hold out.
            epochs: how often all of it is seen.

        Raises:
            ElmanError: data that cannot be read, or a name that was not learnt.
        """
        if not hasattr(self, "task_"):
            return self.fit(X, y, valid=valid)
        with in_words_of_python(), randomness_kept():
            check_own({each.name: self._option(each.name) for each in OWN})
            if (folder := self._option("folder")) is not None:
                self._homes.check(Path(folder), overwrite=bool(self._option("overwrite")))
            taken = self._taken_like(X, y, self.task_, self._facts)
            held_out = None if valid is None else self._taken_like(*_pair(valid, y), self.task_, self._facts).source
            self._go_on(Sources(taken.source, held_out, BadRows(plain(self._option("skip_bad")))), epochs)
            if folder is not None:
                self.save(folder, overwrite=bool(self._option("overwrite")))
        return self

    def _go_on(self, sources: Sources, epochs: float) -> None:
        task, before = self.task_, {"steps": 0, "before": None, **self._result}
        training = replace(configured(type(task.options), Training, self._given()), warmup=0)
        place = self._scratch()
        place.mkdir()
        with sources.bad.settled():
            read = task.more(sources)
        data = task.data(read, place, rows=training.rows, steps=training.bptt, seed=training.seed + before["steps"])
        self._say(data.describe())
        budget = Budget(epochs=epochs)
        progress = train(task.train(), data, place, training, budget, callbacks=self._callbacks())
        shutil.rmtree(place / CHECKPOINTS)
        comparison = Comparison(baselines=bool(self._option("baselines")))
        run = Run(task, read, data, training, budget, comparison, None, None, sources.bad)
        self._run = Trained(run, place, progress, sources.data)
        steps = before["steps"] + progress.step
        self._result = {**before, **facts(run, progress), "steps": steps, "before": before["before"]}
        more = history(place).with_columns(pl.col("step") + before["steps"])
        self._history = pl.concat([self._history, more], how="diagonal")

    def _check_options(self) -> None:
        """Refuse what is wrong with the options before data is read that may be much."""
        options = tasks.options(self.constructor.task)
        check_own({each.name: self._option(each.name) for each in OWN})
        chosen, _, _, comparison = (configured(options, group, self._given()) for group in groups(options))
        check_cells([chosen.cell, *listed(comparison.compare)])
        folder = self._option("folder")
        if folder is None:
            return
        check_kept(chosen)
        if (Path(folder) / OPTIONS).exists() and not self._option("overwrite"):
            raise ElmanError(f"{folder} holds a model already: overwrite=True replaces it, or give folder another name")

    def _train(self, source: Any, held_out: Any, more: dict[str, Any]) -> None:
        make, place = tasks.load(self.constructor.task), self._place()
        bars = self._callbacks()
        sources = Sources(source, held_out, BadRows(plain(self._option("skip_bad"))))
        run = begin(make, sources, place, self._given() | more, overwrite=bool(self._option("overwrite")))
        self._check(run.task, source)
        self._say("\n".join([*run.found, run.data.describe()]))
        run = searched(run, place, bars)
        progress = trained(run, place, bars)
        self._say(f"{counted(progress.step, 'steps')} in {progress.seconds:,.0f} s; {progress.ended}")
        self._history = history(place)
        if self._option("folder") is not None or run.comparison.compare:
            self._result = finish(run, place, progress, bars)
        else:
            self._result = facts(run, progress)
            for path in (place / CHECKPOINTS).glob("*.ckpt"):  # nobody goes on from them
                path.unlink()
        self._run = Trained(run, place, progress, source)
        self.task_ = run.task

    def _place(self) -> Path:
        """Where the run is written: the model folder, or one that goes when the estimator does."""
        folder = self._option("folder")
        if folder is not None:
            return Path(folder)
        return self._scratch()

    def _scratch(self) -> Path:
        scratch = tempfile.mkdtemp(prefix="elman-")
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        return Path(scratch) / "model"

    def _callbacks(self) -> tuple[Any, ...]:
        return (*((Bar(),) if self._option("verbose") else ()), *self._option("callbacks"))

    def _option(self, name: str) -> Any:
        return getattr(self, name)

    def _given(self) -> dict[str, Any]:
        """The options that a person set, with those that are fixed, and defaults that the task has otherwise."""
        known = {each.name: each.default for each in arguments(self.constructor)}
        own = {"folder", "overwrite", "skip_bad", "verbose", "callbacks"}
        values = {name: self._option(name) for name in known if name not in own}
        given = {name: value for name, value in values.items() if value is not known[name] and value != known[name]}
        if not any(given.get(name) is not None for name in LIMITS):
            given |= {name: known[name] for name, _ in self.constructor.usual for name in LIMITS}
        return {**dict(self.constructor.usual), **given, **self.constructor.fixed}

    def _say(self, text: str) -> None:
        if self._option("verbose"):
            print(in_python(text), flush=True)

    # ---- to judge

    def evaluate(self, X: Any = None, y: Any = None, *, skip_bad: bool = False) -> dict[str, float]:
        """All measures of the model on data with answers.

        Args:
            X: data as ``fit`` takes it; without it, what was held out in training.
            y: what belongs to each row, where it is not in X.
            skip_bad: whether rows that cannot be used are left out.
        """
        task, bad = self._fitted(), BadRows("all" if skip_bad else False)
        if X is None:
            if not self._result.get("after"):
                raise ElmanError(f"the model was loaded without its {RESULT}: give data to judge it on")
            return dict(self._result["after"])
        with in_words_of_python(), tempfile.TemporaryDirectory() as scratch:
            taken = self._taken_like(X, y, task, self._facts)
            metrics = evaluate(task, task.evaluation(taken.source, Path(scratch), bad)).metrics
        bad.tell()
        return metrics

    def score(self, X: Any = None, y: Any = None) -> float:
        """One figure of how good the model is on data with answers, or on what was held out; more is better."""
        return self._figure(self.evaluate(X, y))

    def _figure(self, metrics: dict[str, float]) -> float:
        """The measure, among all, that ``score`` gives."""
        raise NotImplementedError

    # ---- what is known of the run

    @property
    def history(self) -> pl.DataFrame:
        """The course of training: a row for each step that was noted, with the loss and the held-out measures."""
        self._fitted()
        return self._history

    @property
    def result(self) -> dict[str, Any]:
        """The results of the run, as in ``result.json``; after ``report``, those of the simple methods as well."""
        self._fitted()
        return self._result

    def report(self, path: str | Path = REPORT) -> Path:
        """Compare the model with simple methods, and write the results on one page.

        Returns:
            The path of the page, which needs nothing beside itself.
        """
        self._fitted()
        if not hasattr(self, "_run"):
            raise ElmanError("the report is of a run in memory, and this model was loaded; its folder has report.html")
        run, place, progress, _ = self._run
        if not (place / REPORT).exists():
            with randomness_kept():
                self._result = finish(run, place, progress)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.absolute() != (place / REPORT).absolute():
            shutil.copyfile(place / REPORT, path)
        return path

    # ---- to keep

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model to a folder, for ``elman.load`` and for the command line.

        The folder that the model was trained in keeps the report and the checkpoints of that run.

        Args:
            folder: a new one, or one that this model was saved to or comes from.
            overwrite: whether to replace the model of another in the folder.

        Raises:
            ElmanError: a folder that holds another model, or anything that is no model.
        """
        task, folder = self._fitted(), Path(folder)
        kept = Kept(task, self._facts, self._result, self._history)
        with in_words_of_python():
            self._homes.check(folder, overwrite=overwrite)
            check_place(folder)
            if not holds(folder, task):
                save(kept, self._about(), folder)
            note(self._about(), folder)
        self._homes.add(folder)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The estimator that a model folder holds."""
        found = load(folder)
        if not isinstance(found, cls):
            raise ElmanError(f"{folder} holds a {type(found).__name__}, not a {cls.__name__}; elman.load takes any")
        return found

    def take(self, kept: Kept, folder: Path) -> None:
        """Become a model that was trained before, as a folder has it."""
        self._check_options()
        self.task_, self._result, self._history = kept.task, kept.result, kept.history
        self._know(kept.facts)
        self._homes.add(folder)

    @property
    def _homes(self) -> Homes:
        """The folders that hold the model."""
        return vars(self).setdefault("_written", Homes())

    def _about(self) -> dict[str, Any]:
        """What is noted of an estimator in a folder."""
        given = self.get_params(deep=False).items()
        options = {name: plain(value) for name, value in given if name not in ("folder", "callbacks")}
        return {"estimator": type(self).__name__, "options": options, "facts": self._facts}

    def __getstate__(self) -> dict[str, Any]:
        # the run is of this process, with its data and its folder
        return {name: value for name, value in vars(self).items() if name not in ("_run",)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # it says that there is no value
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    def _repr_html_inner(self) -> str:
        """What a notebook shows: the options, and once there is a model what came of it and how it learnt."""
        text = f"<pre>{html.escape(repr(self))}</pre>"
        return text + (fragment(self._shown()) if hasattr(self, "task_") else "")

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_inner()}

    def _shown(self) -> list[Section]:
        rows = [[name.replace("_", " "), value] for name, value in (self._result.get("after") or {}).items()]
        lines = {
            label: self._history.select("step", name).drop_nulls().get_columns()
            for name, label in (("loss", "while learning"), ("held_out_loss", "held out"))
            if name in self._history.columns
        }
        points = {label: (steps.to_list(), losses.to_list()) for label, (steps, losses) in lines.items()}
        about = self._result.get("about_data", "")
        return [
            Section("What was held out", about, header=["", ""] if rows else (), rows=rows),
            Section("Learning", figures=[curves(points, "step", "loss")] if points else []),
        ]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "task_")

    def _fitted(self) -> Any:
        if not hasattr(self, "task_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit(X, y) first")
        return self.task_


class Answering(Estimator):
    """An estimator of a task that answers rows."""

    def _rows(self, X: Any) -> Any:
        """What the task answers, from what a person gives."""
        raise NotImplementedError

    def _nothing(self) -> pl.DataFrame:
        """The answers to no rows: the columns of answers, with their types."""
        raise NotImplementedError

    def predict_frame(self, X: Any, *, skip_bad: bool = False) -> pl.DataFrame:
        """A row of answers for each row of the data, in its order.

        Args:
            X: a file's name, or rows as ``fit`` takes them, without answers; of no rows there are no answers.
            skip_bad: whether a row that cannot be used gets an empty answer instead of an error.
        """
        task = self._fitted()
        assert isinstance(task, Predictor)
        if _has_no_rows(X):
            return self._nothing()
        with in_words_of_python():
            return task.predict(self._rows(X), skip_bad=skip_bad)

    def stream(self, lines: Iterable[str]) -> Iterator[str]:
        """Answer lines one by one, each before the next is read; an answer is a JSON object."""
        task = self._fitted()
        assert isinstance(task, Predictor)
        return task.stream(lines)


def _has_no_rows(X: Any) -> bool:
    """Whether rows in memory are none, in whatever they are held."""
    if isinstance(X, str | Path):
        return False
    columns = list(X.values()) if isinstance(X, Mapping) else [X]
    return all(_is_empty(column) for column in columns)


def _is_empty(column: Any) -> bool:
    single = getattr(column, "shape", None) == ()  # one value, which has no length
    return hasattr(column, "__len__") and not single and not len(column)


def is_one(X: Any) -> bool:
    """Whether what is asked about is one text, and not the name of a file."""
    return isinstance(X, str) and not is_file(X)


def is_file(name: str) -> bool:
    """Whether a text is the name of a file."""
    return len(name) < 1000 and "\n" not in name and is_there(Path(name))


def path_of(X: Any) -> Path | None:
    """The path that a person gave, if it was one.

    Raises:
        ElmanError: a name that no file can have.
    """
    if not isinstance(X, str | Path):
        return None
    try:
        Path(X).exists()
    except OSError as error:
        raise ElmanError(f"there is no file {X}: {error.strerror}") from error
    return Path(X)


def table_of(X: Any) -> pl.DataFrame | None:
    """The table that a person gave, if it was one."""
    held = opened(X)
    return held if isinstance(held, pl.DataFrame) else None


def of_columns(X: Any, names: list[str] | None, y: Any = None) -> Any:
    """Of a table, the columns that were learnt from, in their order, and that of y where it is named; else the same.

    Raises:
        ElmanError: a column that is not there.
    """
    if names is None or path_of(X) is not None:
        return X
    held = opened(X)
    if not isinstance(held, pl.DataFrame):
        return held
    if missing := [name for name in names if name not in held.columns]:
        raise ElmanError(f"the table lacks the column {missing[0]!r}, which was learnt from")
    return held.select(*names, *([y] if isinstance(y, str) and y in held.columns else []))


def _pair(valid: Any, y: Any) -> tuple[Any, Any]:
    """What is held out, as X and y."""
    if isinstance(valid, tuple) and len(valid) == 2 and y is not None:
        return valid
    return valid, y if isinstance(y, str) else None


@contextmanager
def in_words_of_python() -> Iterator[None]:
    """Mistakes are told with the names that options have in Python."""
    try:
        yield
    except ElmanError as error:
        if (text := in_python(str(error))) == str(error):
            raise
        raise ElmanError(text) from None


def as_array(values: list[Any]) -> np.ndarray:
    """Answers as an array of one dimension, also where they are lists."""
    if any(isinstance(value, list | dict) for value in values):
        found = np.empty(len(values), object)
        found[:] = values
        return found
    return np.array(values)
