"""AnomalyDetector: what is unusual in streams of numbers."""

from typing import Any

import numpy as np
import polars as pl
from sklearn.base import OutlierMixin

from elman.data.memory import labels_of, numbers, opened, series_of
from elman.errors import ElmanError
from elman.estimators.base import Answering, Taken, path_of
from elman.estimators.constructors import AnomalyDetectorOptions

LABEL = "anomaly"


class AnomalyDetector(OutlierMixin, Answering, AnomalyDetectorOptions):
    """What is unusual in a stream of numbers, in the order in which they came: a row for each moment.

    Example:
        >>> wave = np.sin(np.arange(600) / 5)
        >>> wave[500] += 3
        >>> model = AnomalyDetector(steps=20, hidden=8, horizons="1", verbose=False).fit(wave)
        >>> int(model.score_samples(wave).argmin()) in (500, 501, 502)
        True
    """

    n_features_in_: int

    def _taken(self, X: Any, y: Any) -> Taken:
        source = self._rows(X)
        if y is None:
            return Taken(source)
        if isinstance(y, str):
            return Taken(source, {"label_column": y})
        if not isinstance(source, pl.DataFrame):
            raise ElmanError("y goes with one table; of files and of several streams, the labels are a column of each")
        labels = labels_of(y, len(source))
        if set(labels) == {1, -1} or set(labels) == {-1}:  # as predict has them
            labels = [label == -1 for label in labels]
        if not set(labels) <= {0, 1}:
            raise ElmanError("y says of each row whether it is an anomaly: True or False, 1 or 0, or else -1 or 1")
        return Taken(source.with_columns(pl.Series(LABEL, [int(label) for label in labels])), {"label_column": LABEL})

    def _rows(self, X: Any) -> Any:
        if (path := path_of(X)) is not None:
            return path
        held = opened(X)
        if isinstance(held, pl.DataFrame):
            return held
        whole = numbers(held)
        if whole is not None and whole.ndim in (1, 2):
            return _table(whole)
        series = series_of(held)
        if series is None:
            raise ElmanError(
                "these are no streams of numbers; an AnomalyDetector takes a table, an array [rows] or [rows, "
                "channels], several streams as [streams, rows, channels] or as a list of arrays, a file or a folder"
            )
        return [_table(each) for each in series]

    def score_samples(self, X: Any) -> np.ndarray:
        """How usual each row is: the lower, the more unusual; -3 is one row in a thousand, were errors normal."""
        scores = self.predict_frame(X)["score"].fill_null(0.0).to_numpy()
        return -scores

    @property
    def offset_(self) -> float:
        """What is subtracted from ``score_samples``: rows below 0 then reach the alarm threshold."""
        return -float(self._fitted().threshold)

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


def _table(values: np.ndarray) -> pl.DataFrame:
    values = values[:, None] if values.ndim == 1 else values
    channels = values.shape[1]
    names = ["value"] if channels == 1 else [f"value {n}" for n in range(1, channels + 1)]
    return pl.DataFrame({name: values[:, n].astype(float) for n, name in enumerate(names)})
