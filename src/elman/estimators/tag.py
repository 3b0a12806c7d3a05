"""Tagger: a tag for each word of a sentence."""

from typing import Any

import polars as pl

from elman.data.memory import opened, without_index
from elman.data.tables import column_of, columns_of
from elman.errors import ElmanError, counted
from elman.estimators.base import Answering, Taken, is_one, path_of
from elman.estimators.constructors import TaggerOptions
from elman.tasks.tag.token_rows import ENDLESS


class Tagger(Answering, TaggerOptions):
    """Tag each word of a sentence.

    A sentence is a list of words, or a text with spaces between them. A table has a sentence a row, or a token a row
    and a column that names the sentence of each, such as ``sentence_id``, or an empty row behind each sentence.

    Example:
        >>> pairs = [(["the", "cat"], ["DET", "NOUN"]), (["a", "dog"], ["DET", "NOUN"])] * 20
        >>> model = Tagger(steps=30, hidden=8, embedding=8, lr=0.05, dropout=0.0, verbose=False).fit(pairs)
        >>> model.predict(["a cat", ["dog"]]), model.predict("the dog")
        ([['DET', 'NOUN'], ['NOUN']], ['DET', 'NOUN'])
    """

    takes = (
        "sentences, each a list of words or a text with spaces; pairs of (words, tags); a table with a sentence a "
        "row, or with a token a row and a column such as sentence_id; or the name of a file.",
        "the tags of each sentence, as many as it has words; or the name of their column.",
    )

    def _figure(self, metrics: dict[str, float]) -> float:
        """F1 of spans where there are such, as of the names of people; else the share of words that are right."""
        return metrics["f1" if "f1" in metrics else "accuracy"]

    def _taken(self, X: Any, y: Any, like: Any = None) -> Taken:
        if (path := path_of(X)) is not None:
            return Taken(path, _column(y))
        held = opened(X)
        if isinstance(held, pl.DataFrame) and (y is None or isinstance(y, str)):
            return Taken(held, _column(y))
        given = None if y is None or isinstance(y, str) else opened(without_index(y))
        if isinstance(held, pl.DataFrame) and isinstance(given, list):
            return Taken(_with_tags(held, given), {"tag_column": TAG})
        if isinstance(held, list) and isinstance(given, list) and _are_tokens(held) and _are_tokens(given):
            return Taken(_with_tags(columns_of({"word": held}), given))
        if isinstance(held, list) and held and y is None and all(_is_pair(each) for each in held):
            sentences, tags = [each[0] for each in held], [each[1] for each in held]
        else:
            if not (isinstance(held, list) and held and isinstance(given, list)):
                raise ElmanError(f"these are no sentences with their tags; {WANTED}")
            sentences, tags = held, given
        if len(sentences) != len(tags):
            raise ElmanError(
                f"X has {counted(len(sentences), 'sentences')} and y has {len(tags):,}; they are to be as many"
            )
        words = [_words(sentence, n) for n, sentence in enumerate(sentences, 1)]
        marks = [_words(each, n) for n, each in enumerate(tags, 1)]
        return Taken(pl.DataFrame({"tokens": words, "tags": marks}))

    def _rows(self, X: Any) -> Any:
        if is_one(X):
            return [X]
        if (path := path_of(X)) is not None:
            return path
        held = opened(X)
        if not isinstance(held, pl.DataFrame | list):
            raise ElmanError(f"these are no sentences; {WANTED}")
        if isinstance(held, list) and held and all(_is_pair(each) for each in held):
            return [_words(each[0], n) for n, each in enumerate(held, 1)]
        if self.task_.layout.kind == "rows" and isinstance(held, list) and _are_tokens(held):
            raise ElmanError(f"the list {ENDLESS}")
        return held

    def _nothing(self) -> pl.DataFrame:
        return self.task_.answer([])

    def predict(self, X: Any) -> Any:
        """The tags of each sentence, a list for each; of one text its tags alone; of a token a row, a tag a row."""
        found = self.predict_frame(X)["predicted"].to_list()
        return found[0] if is_one(X) else found


WANTED = (
    "a Tagger takes fit(X, y) with X a list of sentences and y a list of their tags, a list of (words, tags), a table "
    "with a column of each, or a file"
)
TAG = "tag"  # the column in which tags from elsewhere are put


def _are_tokens(values: list[Any]) -> bool:
    """Whether a list has a token in each row, or nothing in one that ends a sentence, and no sentences."""
    given = [each for each in values if each is not None]
    return len(values) > 1 and all(isinstance(each, str) and len(each.split()) == 1 for each in given)


def _with_tags(table: pl.DataFrame, tags: list[Any]) -> pl.DataFrame:
    if len(table) != len(tags):
        raise ElmanError(f"X has {counted(len(table), 'rows')} and y has {len(tags):,}; they are to be as many")
    return table.with_columns(column_of(TAG, tags))


def _column(y: Any) -> dict[str, Any]:
    if y is not None and not isinstance(y, str):
        raise ElmanError("a file has its tags in it; y is the name of their column")
    return {} if y is None else {"tag_column": y}


def _is_pair(each: Any) -> bool:
    """Whether something is (words, tags) and not a sentence of two words."""
    if not isinstance(each, list | tuple) or len(each) != 2:
        return False
    texts = isinstance(each, tuple) and all(isinstance(part, str) and " " in part for part in each)
    return texts or all(isinstance(part, list | tuple) for part in each)


def _words(sentence: Any, number: int) -> list[str]:
    words = sentence.split() if isinstance(sentence, str) else opened(sentence)
    if not isinstance(words, list):
        raise ElmanError(f"sentence {number} is a list of words, or a text with spaces between them, not {sentence!r}")
    return [str(word) for word in words]
