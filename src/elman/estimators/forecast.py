"""Forecaster: what comes next in series of numbers."""

from typing import Any

import numpy as np
import polars as pl

from elman.data.memory import numbers, opened, series_of
from elman.errors import ElmanError
from elman.estimators.base import Answering, Taken, path_of
from elman.estimators.constructors import ForecasterOptions


class Forecaster(Answering, ForecasterOptions):
    """Forecast series of numbers, with quantiles.

    Example:
        >>> import numpy as np
        >>> load = 10 + np.sin(np.arange(400) * np.pi / 6)
        >>> model = Forecaster(horizon=12, steps=5, hidden=8, verbose=False).fit(load)
        >>> model.predict().columns
        ['step', 'forecast', 'q0.1', 'q0.5', 'q0.9']
    """

    takes = (
        "series of numbers: a table over time, an array [steps], [steps, series] or [series, steps, channels], a "
        "list of arrays of unequal lengths, a column with an index of times; or the name of a file.",
        "the name of the column to forecast, or several; without it, all columns of numbers.",
    )

    def _figure(self, metrics: dict[str, float]) -> float:
        """1 - MASE: above 0 where forecasts are better than to repeat the season before, 1 where they are right."""
        if "mase" not in metrics:
            raise ElmanError("score() is beside repeating the season before, which these series always do")
        return 1 - metrics["mase"]

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        named = isinstance(y, str) or (isinstance(y, list | tuple) and all(isinstance(each, str) for each in y))
        if y is not None and not named:
            raise ElmanError("y is the name of the column to forecast, or several; X has all columns, that one too")
        names = [y] if isinstance(y, str) else list(y or ())
        return Taken(self._rows(X), {"target": ",".join(names)} if names else {})

    def _rows(self, X: Any) -> Any:
        if (path := path_of(X)) is not None:
            return path
        held = opened(X)
        if isinstance(held, pl.DataFrame):
            return held
        whole = numbers(held)
        if whole is not None and whole.ndim == 1:
            return pl.DataFrame({"value": whole})
        if whole is not None and whole.ndim == 2:
            return pl.DataFrame({name: whole[:, n] for n, name in enumerate(_names(whole.shape[1]))})
        series = series_of(held)
        if series is None:
            raise ElmanError(
                "these are no series of numbers; a Forecaster takes a table over time, an array [steps], [steps, "
                "series] or [series, steps, channels], a list of arrays of unequal lengths, or a file"
            )
        rows = [
            pl.DataFrame({"series": [f"series {n}"] * len(each), "step": range(len(each))}).with_columns(
                pl.Series(name, each[:, c].astype(float)) for c, name in enumerate(_names(each.shape[1]))
            )
            for n, each in enumerate(series, 1)
        ]
        return pl.concat(rows)

    def _nothing(self) -> pl.DataFrame:
        columns = self.task_.columns
        named = [*columns.series, *(["target"] if len(columns.targets) > 1 else [])]
        moments = self.task_.clock.column(self.task_.when, np.zeros(0))
        texts = [pl.Series(name, [], dtype=pl.String) for name in named]
        return pl.DataFrame([*texts, moments, *(pl.Series(name, [], dtype=pl.Float64) for name in self.task_.outputs)])

    def predict(self, X: Any = None) -> pl.DataFrame:
        """What comes after the end of series: a frame with a row for each step of each.

        Args:
            X: the series, as ``fit`` takes them; without them, those that were learnt from.
        """
        self._fitted()
        if X is None:
            if not hasattr(self, "_run"):
                raise ElmanError("a model that was loaded does not have the series it learnt; give predict() series")
            X = self._run.source
        return self.predict_frame(X)


def _names(channels: int) -> list[str]:
    return ["value"] if channels == 1 else [f"value {n}" for n in range(1, channels + 1)]
