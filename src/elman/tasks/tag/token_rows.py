"""Tables with a token a row: whether a table is one, and which of its rows are a sentence."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from elman.data.columns import normal
from elman.data.tables import Table

ENDLESS = (
    "has a word a row, and nothing says where a sentence ends: give it a column 'sentence' that names the sentence of "
    "each row, or leave a row empty behind each sentence, or give a list of words for each sentence"
)


def sentence_column(columns: Sequence[str], *others: str) -> str:
    """The column, none of the others, that says to which sentence a row belongs, or "".

    >>> sentence_column(["Sentence #", "Word", "POS"], "Word", "POS"), sentence_column(["sentence"], "sentence")
    ('Sentence #', '')
    """
    return next((name for name in columns if normal(name).startswith("sentence") and name not in others), "")


def has_token_rows(table: Table, word: str, tag: str, group: str, *, again: bool = False) -> bool:
    """Whether the rows of a table are tokens and not sentences.

    Args:
        table: a single row is a token where those learnt from are.
        word: its column of words.
        tag: that of tags, which may not be there.
        group: that which names the sentence of each row, or "".
        again: whether those of the table learnt from are.
    """
    cells = [table.frame[name] for name in (word, tag) if name in table.columns]
    if len(table) < (1 if again else 2) or any(each.dtype.is_nested() for each in cells):
        return False
    words, *tags = map(_are_single, cells)
    return all(tags) and (words or (bool(group) and _goes_on(table, group)))


def has_ends(table: Table, word: str, tag: str, group: str) -> bool:
    """Whether something in a table with a token a row says where its sentences end."""
    return bool(group) or bool(_empty(table, word, tag).any())


def sentence_rows(table: Table, word: str, tag: str, group: str) -> list[np.ndarray]:
    """The rows of each sentence: one ends where ``group`` names another, before an empty row, and with its file."""
    names = table[group] if group else [None] * len(table)
    found: list[list[int]] = [[]]
    last = None
    ends = np.zeros(len(table), bool)
    if table.files is not None:
        ends[1:] = table.files[1:] != table.files[:-1]
    for row, (name, empty) in enumerate(zip(names, _empty(table, word, tag), strict=True)):
        if empty or ends[row] or (name is not None and name != last):
            found.append([])
        last = last if name is None else name
        found[-1] += [] if empty else [row]
    return [np.array(rows) for rows in found if rows]


def _are_single(cells: pl.Series) -> bool:
    """Whether each cell is one word or number, or nothing; a list written as JSON is none."""
    if cells.dtype != pl.String:
        return True
    return not (cells.str.strip_chars().str.contains(r"\s") | cells.str.contains(r"^\[.+\]$")).any()


def _goes_on(table: Table, group: str) -> bool:
    """Whether a sentence has several rows: its name is repeated, or stands in the first of them alone."""
    names = table.frame[group]
    return bool((names.is_null() | (names == names.shift())).any())


def _empty(table: Table, word: str, tag: str) -> np.ndarray:
    """Which rows have neither a word nor a tag."""
    cells = [table.frame[name].is_null().to_numpy() for name in (word, tag) if name in table.columns]
    return np.logical_and.reduce(cells)
