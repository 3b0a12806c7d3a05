"""Recommender: the next items of a session or of a person."""

from typing import Any

import numpy as np
import polars as pl

from elman.data.memory import kind_of, opened, typed
from elman.errors import ElmanError
from elman.estimators.base import Answering, Taken, path_of
from elman.estimators.constructors import RecommenderOptions


class Recommender(Answering, RecommenderOptions):
    """Recommend the next items, after events of who took what and when.

    Example:
        >>> sessions = [["tea", "milk", "sugar"], ["ink", "pen", "paper"]] * 20
        >>> options = {"steps": 40, "hidden": 8, "embedding": 8, "dropout": 0.0, "lr": 0.05, "split": "people"}
        >>> model = Recommender(verbose=False, **options).fit(sessions)
        >>> [items[0] for items in model.predict([["tea", "milk"], ["ink"]])]
        ['sugar', 'pen']
    """

    takes = (
        "events: a table of who, what and when; sessions, each a list of items; or the name of a file.",
        "nothing: a Recommender learns from the events alone.",
    )

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if y is not None:
            raise ElmanError("a Recommender learns from the events alone: fit(X)")
        return Taken(self._rows(X))

    def _rows(self, X: Any) -> Any:
        if (path := path_of(X)) is not None:
            return path
        held = opened(X)
        if isinstance(held, pl.DataFrame):
            return held
        if isinstance(held, np.ndarray) and held.ndim == 2 and held.dtype.kind in "iu":
            return held.tolist()
        if isinstance(held, list) and held and all(isinstance(each, list | tuple) for each in held):
            return [list(each) for each in held]
        raise ElmanError(
            "these are no events; a Recommender takes a table of events (who, what, when), a list of sessions, each a "
            "list of items, or a file"
        )

    def _facts_of(self, source: Any) -> dict[str, Any]:
        values: list[Any] = []
        if isinstance(source, list):
            values = [item for session in source for item in session]
        elif isinstance(source, pl.DataFrame):
            cells = source[self.task_.layout.item]
            values = (cells.explode() if cells.dtype.is_nested() else cells).to_list()
        return {"kind": kind_of(values) if not self.task_.layout.within.strip() else "str"}

    def _nothing(self) -> pl.DataFrame:
        return pl.DataFrame(schema={"items": pl.List(pl.String), "scores": pl.List(pl.Float64)})

    def predict(self, X: Any) -> list[list[Any]]:
        """The items that may come next, the likeliest first: a list for each session or person."""
        found = self.predict_frame(X)["items"].to_list()
        return [typed(items or [], self._facts.get("kind", "str")) for items in found]

    def _figure(self, metrics: dict[str, float]) -> float:
        """Recall at 20: how often the item that came is among the first twenty."""
        return metrics["recall@20"]
