"""AnomalyDetector: what is unusual in streams of numbers."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import OutlierMixin

from elman.data.memory import finite, labels_of, numbers, opened, series_of
from elman.errors import ElmanError
from elman.estimators.base import Answering, Taken, on_the_class_too, path_of
from elman.estimators.constructors import AnomalyDetectorOptions

LABEL = "anomaly"  # the column in which labels from elsewhere are put


class AnomalyDetector(OutlierMixin, Answering, AnomalyDetectorOptions):
    """Find what is unusual in streams of numbers: each row is a moment, in the order in which they came.

    Example:
        >>> wave = np.sin(np.arange(600) / 5)
        >>> wave[500] += 3
        >>> model = AnomalyDetector(steps=20, hidden=8, horizons="1", verbose=False).fit(wave)
        >>> int(model.score_samples(wave).argmin()) in (500, 501, 502)
        True
    """

    takes = (
        "streams of numbers: a table, an array [rows] or [rows, channels], several such in a list, or the name of a "
        "file or a folder.",
        "nothing learns from it; it is here as scikit-learn has it. Labels for the measures are a column of the "
        "table, as label_column says, or the y of evaluate and score.",
    )

    @on_the_class_too
    def fit(self, X: Any = None, y: Any = None, *, valid: Any = None) -> Self:
        """Learn what is usual, without labels.

        Args:
            X: a table, an array ``[rows]`` or ``[rows, channels]``, several such in a list, a file or a folder.
            y: nothing learns from it; it is here as scikit-learn has it. Labels for the measures are a column of the
                table, as ``label_column`` says, or the y of ``evaluate`` and ``score``.
            valid: other streams to hold out, best with labels. [the rows after those that are learnt from]

        Raises:
            ElmanError: data that cannot be read, or an option that is out of its range.
        """
        return super().fit(X, None, valid=valid)

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        source, facts = _streams(X), {"features": _width(X)}
        if y is None:
            return Taken(source, {}, facts)
        if not isinstance(source, pl.DataFrame):
            raise ElmanError("y goes with one table; of files and of several streams, the labels are a column of each")
        labels = labels_of(y, len(source))
        plain = all(isinstance(label, bool | int | float | np.generic) for label in labels)
        if plain and -1 in labels and all(label in (1, -1) for label in labels):  # as predict has them
            labels = [label == -1 for label in labels]
        if not plain or not all(label in (0, 1) for label in labels):
            raise ElmanError("y says of each row whether it is an anomaly: True or False, 1 or 0, or else -1 or 1")
        name = (like and like.columns.label) or LABEL
        return Taken(source.with_columns(pl.Series(name, [int(label) for label in labels])), {}, facts)

    def _rows(self, X: Any) -> Any:
        width, shape = self._facts.get("features"), _shape(X)
        if width not in (None, 1) and len(shape) == 1:
            raise ElmanError(
                f"X has the shape {list(shape)}, where [rows, {width}] is wanted. Reshape your data: x[None] is one row"
            )
        self._check_like({"features": _width(X)}, self._facts)
        return _streams(X)

    def _nothing(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"score": pl.Float64, "alarm": pl.Boolean})

    def score_samples(self, X: Any) -> np.ndarray:
        """How usual each row is: the lower, the more unusual; -3 is one row in a thousand, were errors normal.

        A row that is not judged, since it has no value or too few are before it, is 0.0, the most usual that there is,
        so that what takes scores finds a number in each place; ``predict_frame`` has null for a row without a value.
        """
        return -self.predict_frame(X)["score"].fill_null(0.0).to_numpy()

    @property
    def offset_(self) -> float:
        """What is subtracted from ``score_samples``: rows below 0 then reach the alarm threshold."""
        return -float(self.task_.threshold)

    def decision_function(self, X: Any) -> np.ndarray:
        """How usual each row is, beside the threshold: below 0 for what is an anomaly."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for each row that is an anomaly and 1 for the others; ``predict_frame`` has the alarms, one an event."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _figure(self, metrics: dict[str, float]) -> float:
        """The area under the ROC curve of the scores."""
        if "auroc" not in metrics:
            raise ElmanError("score() takes rows of which some are anomalies and some are not: score(X, y)")
        return metrics["auroc"]


def _streams(X: Any) -> Any:
    """A table, several in a list, or a path."""
    if (path := path_of(X)) is not None:
        return path
    if isinstance(X, list | tuple) and X and all(isinstance(each, Path) for each in X):
        return list(X)
    held = opened(X)
    if isinstance(held, pl.DataFrame):
        return held
    whole = numbers(held)
    if whole is not None and whole.ndim in (1, 2):
        return _table(whole)
    series = series_of(held)
    if series is None:
        raise ElmanError(
            "these are no streams of numbers; an AnomalyDetector takes a table, an array [rows] or [rows, channels], "
            "several streams as [streams, rows, channels] or a list of arrays, a file or a folder"
        )
    return [_table(each) for each in series]


def _table(values: np.ndarray) -> pl.DataFrame:
    finite(values)
    values = values[:, None] if values.ndim == 1 else values
    channels = values.shape[1]
    names = ["value"] if channels == 1 else [f"value {n}" for n in range(1, channels + 1)]
    return pl.DataFrame({name: values[:, n].astype(float) for n, name in enumerate(names)})


def _shape(X: Any) -> tuple[int, ...]:
    values = None if path_of(X) is not None else numbers(X)
    return () if values is None else values.shape


def _width(X: Any) -> int | None:
    """The channels of an array ``[rows, channels]``."""
    shape = _shape(X)
    return shape[1] if len(shape) == 2 else None
