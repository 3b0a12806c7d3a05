"""Translator: a sequence to another one of any length."""

from typing import Any

import polars as pl

from elman.data.memory import opened
from elman.errors import ElmanError, counted
from elman.estimators.base import Answering, Taken, is_one, path_of
from elman.estimators.constructors import TranslatorOptions


class Translator(Answering, TranslatorOptions):
    """Translate one text to another of any length: a translation, a summary, a reply, a spelling.

    Example:
        >>> pairs = [("one two", "un deux"), ("two one", "deux un"), ("one", "un"), ("two", "deux")] * 10
        >>> options = {"held_out": 0, "steps": 300, "hidden": 32, "embedding": 16, "dropout": 0.0, "lr": 0.01}
        >>> model = Translator(batch=8, verbose=False, **options).fit(pairs)
        >>> model.predict("two one")
        'deux un'
    """

    takes = (
        "texts; pairs of (source, target); a table with a column of each; or the name of a file.",
        "the text that belongs to each; or the name of their column.",
    )

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if (path := path_of(X)) is not None:
            return Taken(path, _column(y))
        held = opened(X)
        if isinstance(held, pl.DataFrame) and (y is None or isinstance(y, str)):
            return Taken(held, _column(y))
        given = None if y is None or isinstance(y, str) else opened(y)
        if isinstance(held, list) and held and isinstance(given, list):
            if len(held) != len(given):
                raise ElmanError(
                    f"X has {counted(len(held), 'texts')} and y has {len(given):,}; they are to be as many"
                )
            return Taken(_texts(zip(held, given, strict=True)))
        if isinstance(held, list) and held and y is None and all(isinstance(each, list | tuple) for each in held):
            return Taken(_texts(held))
        raise ElmanError(f"these are no pairs of texts; {WANTED}")

    def _rows(self, X: Any) -> Any:
        if is_one(X):
            return [X]
        if (path := path_of(X)) is not None:
            return path
        held = opened(X)
        if not isinstance(held, pl.DataFrame | list):
            raise ElmanError(f"these are no texts; {WANTED}")
        if isinstance(held, list) and held and all(isinstance(each, list | tuple) and len(each) == 2 for each in held):
            return [each[0] for each in held]
        return held

    def _nothing(self) -> pl.DataFrame:
        return self.task_.answer([])

    def predict(self, X: Any) -> Any:
        """What is written for each text, as a list; of one text alone that text."""
        found = self.predict_frame(X)["predicted"].to_list()
        return found[0] if is_one(X) else found

    def _figure(self, metrics: dict[str, float]) -> float:
        """chrF, from 0 to 100: how many pieces of words are those of the right answer."""
        return metrics["chrf"]


WANTED = "a Translator takes fit(X, y) with two lists of texts, a list of pairs, a table with two columns, or a file"


def _column(y: Any) -> dict[str, Any]:
    if y is not None and not isinstance(y, str):
        raise ElmanError("a file has both sides in it; y is the name of the column that is written")
    return {} if y is None else {"target_column": y}


def _texts(pairs: Any) -> list[tuple[Any, ...]]:
    found = [tuple(pair) for pair in pairs]
    for n, pair in enumerate(found, 1):
        if len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise ElmanError(f"pair {n} is two texts, not {pair!r}")
    return found
