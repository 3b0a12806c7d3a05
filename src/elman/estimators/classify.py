"""Classifier and Regressor: a label, several, or a number, for a text or a series."""

from typing import Any, Self, TypeGuard

import numpy as np
import polars as pl
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score

from elman.data.memory import (
    KINDS,
    Arrays,
    labels_of,
    names_rows,
    numbers,
    opened,
    plain_labels,
    series_of,
    typed,
    without_index,
)
from elman.data.spellings import plain
from elman.data.tables import columns_of
from elman.errors import ElmanError
from elman.estimators.base import Answering, Taken, as_array, is_one, of_columns, path_of
from elman.estimators.constructors import ClassifierOptions, RegressorOptions
from elman.tasks.classify.target import as_name

LABEL = "label"  # the column in which labels from elsewhere are put


class Labelling(Answering):
    """What takes texts or series, and something that belongs to each."""

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if (path := path_of(X)) is not None:
            return Taken(path, self._column(y))
        held = opened(X := _each_bare(X))
        if isinstance(held, pl.DataFrame):
            bare = opened(without_index(X))
            if isinstance(bare, pl.DataFrame):
                return self._of_table(held, bare if _all_numbers(held) or names_rows(X) else held, y, like)
            held = bare  # a column, whose index is no part of it
        if y is None:
            raise ElmanError(f"requires y to be passed, but the target y is None: {self._wanted()}")
        if _are_texts(held):
            text, label = _columns(like)
            return Taken(pl.DataFrame({text: held, label: _label_column(y, len(held))}), {"label_column": label})
        if (series := series_of(held)) is not None:
            return self._of_series(series, y, {"features": _width(held)})
        raise ElmanError(f"these are neither texts nor series of numbers; {self._wanted()}")

    def _of_table(self, table: pl.DataFrame, bare: pl.DataFrame, y: Any, like: Any) -> Taken:
        """A table whose columns of numbers are the steps of a series, or one in which the task looks for itself.

        Args:
            table: all of it.
            bare: it without an index, which is no step.
            y: the labels, or the column that has them.
            like: the task that goes on, or is judged.
        """
        inside = y if isinstance(y, str) else None
        if inside is not None and inside not in table.columns:
            raise ElmanError(f"the table has no column {inside!r} for y; its columns are {', '.join(table.columns)}")
        given = bare.drop(inside, strict=False) if inside is not None else bare
        if y is not None and given.width and not self._option("id_column") and _all_numbers(given):
            values = table[inside].to_list() if inside is not None else y
            series = series_of(given)
            assert series is not None  # since all are numbers
            return self._of_series(series, values, {"features": given.width, "names": given.columns})
        if y is None or inside is not None:
            return Taken(table, self._column(inside))
        name = _columns(like)[1] if like else next(name for name in (LABEL, "y", " y") if name not in table.columns)
        return Taken(table.with_columns(_label_column(y, len(table)).alias(name)), {"label_column": name})

    def _of_series(self, series: list[np.ndarray], y: Any, facts: dict[str, Any]) -> Taken:
        return Taken(Arrays(series, labels_of(y, len(series))), {}, facts)

    def _column(self, y: Any) -> dict[str, Any]:
        if y is not None and not isinstance(y, str):
            raise ElmanError("a file has its labels in it; y is the name of their column")
        return {} if y is None else {"label_column": y}

    def _wanted(self) -> str:
        return (
            f"a {type(self).__name__} takes fit(X, y) with X texts, an array [rows, steps] or [rows, steps, channels], "
            "or a list of arrays of unequal lengths; or fit(table) or fit(file) with the labels inside"
        )

    def _rows(self, X: Any) -> Any:
        if self._is_one(X):
            return [X]
        if (path := path_of(X)) is not None:
            return path
        if self.task_.layout.kind != "arrays":
            held = opened(X)
            _are_texts(held)
            return held
        held = opened(without_index(of_columns(_each_bare(X), self._facts.get("names"))))
        series = series_of(held)
        if series is None:
            raise ElmanError(f"these are no series of numbers; {self._wanted()}")
        self._check_like({"features": _width(held)}, self._facts)
        return series

    def _nothing(self) -> pl.DataFrame:
        return self.task_.answer([])

    def _is_one(self, X: Any) -> bool:
        return self.task_.layout.is_text and is_one(X)


class Classifier(ClassifierMixin, Labelling, ClassifierOptions):
    """Classify texts, or series of numbers.

    Attributes:
        classes_: the classes, in the order of ``predict_proba``.

    Example:
        >>> model = Classifier(steps=30, hidden=8, embedding=8, lr=0.05, dropout=0.0, verbose=False)
        >>> model = model.fit(["so good", "so bad", "good film", "bad film"] * 8, ["yes", "no"] * 16)
        >>> model.predict(["good good", "bad"]).tolist(), str(model.predict("good"))
        (['yes', 'no'], 'yes')
    """

    takes = (
        "texts, or series of numbers: a list of texts, an array [rows, steps] or [rows, steps, channels], a list of "
        "arrays of unequal lengths, a data frame of numbers; or a table or the name of a file that has the labels "
        "too.",
        "the class of each row, a str, int, float or bool, or a list of several; or the name of their column.",
    )

    @property
    def classes_(self) -> np.ndarray:
        """The classes, in the order of ``predict_proba``."""
        return as_array(typed(self.task_.target.names, self._facts.get("kind", "str")))

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if y is not None and not isinstance(y, str) and path_of(X) is None:
            y = plain_labels(y)
            _kind(_each(y))
            if lacks := [n for n, each in enumerate(y, 1) if isinstance(each, list) and None in each]:
                raise ElmanError(f"row {lacks[0]} of y has a label that is None among others; leave it out")
        return super()._taken(X, y, like)

    def _check(self, task: Any, source: Any) -> None:
        _kind(_labels(source, task.layout.label))
        if task.target.kind == "number":
            raise ElmanError(
                "Unknown label type: the labels are numbers, which a Regressor learns; kind='classes' takes each for a "
                "class"
            )

    def _facts_of(self, source: Any) -> dict[str, Any]:
        return {"kind": _kind(_labels(source, self.task_.layout.label))}

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, *, valid: Any = None, epochs: float = 1.0
    ) -> Self:
        """Go on learning, from more data of the same kind; the first call is that of ``fit``.

        Args:
            X: data as ``fit`` takes it.
            y: the classes, where they are not in X.
            classes: all classes there are, as scikit-learn has it; the first call must have rows of each.
            valid: what to hold out; else nothing is.
            epochs: how often all of it is seen.

        Raises:
            ElmanError: data that cannot be read, or a class that was not learnt.
        """
        model = super().partial_fit(X, y, valid=valid, epochs=epochs)
        if classes is not None and (missing := set(labels_of(classes, len(classes))) - set(self.classes_.tolist())):
            raise ElmanError(f"the first call of partial_fit has no row of the class {missing.pop()!r}; give it some")
        return model

    def predict(self, X: Any) -> Any:
        """The class of each row, as an array; of one text its class alone. Of several labels a row, a list for each."""
        names, kind = self.predict_frame(X)["predicted"].to_list(), self._facts.get("kind", "str")
        several = self.task_.target.kind == "labels"
        if not names:
            return np.empty(0, object if several else self.classes_.dtype)
        found = as_array([typed(each, kind) for each in names] if several else typed(names, kind))
        return found[0] if self._is_one(X) else found

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, ``[rows, classes]``; of one text ``[classes]``."""
        frame = self.predict_frame(X)
        found = frame.select(f"p_{name}" for name in self.task_.target.names).to_numpy()
        return found[0] if self._is_one(X) else found

    def _figure(self, metrics: dict[str, float]) -> float:
        """The share of rows whose class is right; of several labels a row, of those that are all right."""
        return metrics["all_right" if "all_right" in metrics else "accuracy"]

    def score(self, X: Any = None, y: Any = None, sample_weight: Any = None) -> float:
        """The share of rows whose class is right; of several labels a row, of those that are all right.

        Args:
            X: data as ``fit`` takes it; without it, what was held out in training.
            y: the classes, where they are not in X.
            sample_weight: how much each row counts.
        """
        if y is None or isinstance(y, str) or self._fitted().target.kind == "labels":
            return self._figure(self.evaluate(X, y))
        answers = self.predict(X)
        # a class that was not learnt is a row that is wrong; names are compared as ``evaluate`` compares them
        right = [
            b is not None and plain(as_name(a)) == plain(as_name(b))
            for a, b in zip(answers.tolist(), labels_of(y, len(answers)), strict=True)
        ]
        return float(np.average(right, weights=sample_weight))


class Regressor(RegressorMixin, Labelling, RegressorOptions):
    """Predict a number from a text, or from a series of numbers.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(40, 10, 1))
        >>> model = Regressor(cell="elman", hidden=8, steps=20, verbose=False).fit(x, x.mean(1))
        >>> model.predict(x).shape
        (40, 1)
    """

    takes = (
        "texts, or series of numbers: a list of texts, an array [rows, steps] or [rows, steps, channels], a list of "
        "arrays of unequal lengths, a data frame of numbers; or a table or the name of a file that has the numbers "
        "too.",
        "the number of each row, as [rows] or [rows, 1]; or the name of their column.",
    )

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        values = None if y is None or isinstance(y, str) else numbers(without_index(y))
        column = values is not None and values.ndim == 2
        taken = super()._taken(X, y if values is None else values, like)
        return taken._replace(facts=taken.facts | {"column": column})

    def predict(self, X: Any) -> Any:
        """The number of each row, in the shape that y had; of one text its number alone."""
        found = self.predict_frame(X)["predicted"].to_numpy()
        if self._is_one(X):
            return float(found[0])
        return found[:, None] if self._facts.get("column") else found

    def _figure(self, metrics: dict[str, float]) -> float:
        """How much of the variance is explained: R², at most 1."""
        if "r2" not in metrics:
            raise ElmanError("score() takes numbers that are not all the same: without variance there is no R²")
        return metrics["r2"]

    def score(self, X: Any = None, y: Any = None, sample_weight: Any = None) -> float:
        """How much of the variance is explained: R², at most 1.

        Args:
            X: data as ``fit`` takes it; without it, what was held out in training.
            y: the numbers, where they are not in X.
            sample_weight: how much each row counts.
        """
        if sample_weight is None:
            return self._figure(self.evaluate(X, y))
        answers = np.ravel(self.predict(X))
        return float(r2_score(labels_of(y, len(answers)), answers, sample_weight=sample_weight))


def _columns(like: Any) -> tuple[str, str]:
    """The columns of text and label of a task that was learnt from a table, or as they are called by us."""
    if like is None or like.layout.kind != "table":
        return "text", LABEL
    return like.layout.text, like.layout.label


def _label_column(y: Any, number: int) -> pl.Series:
    return columns_of({LABEL: labels_of(y, number)}).to_series()


def _width(held: Any) -> int | None:
    """Steps of each row of an array ``[rows, steps]``."""
    values = numbers(held)
    return int(values.shape[1]) if values is not None and values.ndim == 2 else None


def _all_numbers(table: pl.DataFrame) -> bool:
    return all(kind.is_numeric() or kind == pl.Boolean for kind in table.dtypes)


def _labels(source: Any, column: str) -> list[Any]:
    """The labels of what was learnt from, where it is in memory."""
    if isinstance(source, Arrays):
        values = source.labels or []
    else:
        inside = isinstance(source, pl.DataFrame) and column in source.columns
        values = source[column].to_list() if inside else []
    return _each(values)


def _each(values: list[Any]) -> list[Any]:
    """The labels of all rows, where a row may have several."""
    return [each for value in values for each in (value if isinstance(value, list | tuple) else [value])]


def _kind(classes: list[Any]) -> str:
    """The one kind of classes, of which they are given back; whole numbers among others are float.

    Raises:
        ElmanError: what is no class, or classes of several kinds.
    """
    kinds = {
        type(each.item() if isinstance(each, np.generic) else each).__name__ for each in classes if each is not None
    }
    if other := sorted(kinds - set(KINDS)):
        raise ElmanError(
            f"Unknown label type: a class is a str, int, float or bool, not {' or '.join(other)}; make texts of them"
        )
    if len(kinds) > 1 and kinds != {"int", "float"}:
        raise ElmanError(f"the classes are of several types, {' and '.join(sorted(kinds))}; make them all of one")
    return "float" if len(kinds) > 1 else (kinds or {"str"}).pop()


def _are_texts(held: Any) -> TypeGuard[list[str]]:
    """Whether a list is one of texts, or of nothing in rows that the task then refuses or leaves out.

    Raises:
        ElmanError: one that is, but for some rows.
    """
    if not isinstance(held, list) or not any(isinstance(each, str) for each in held):
        return False
    if other := next(((n, each) for n, each in enumerate(held, 1) if not isinstance(each, str | None)), None):
        raise ElmanError(f"row {other[0]} is no text but {other[1]!r}; leave it out, or give it the text ''")
    return True


def _each_bare(X: Any) -> Any:
    """A list of series without their indices; else the same."""
    return [without_index(each) for each in X] if isinstance(X, list | tuple) else X
