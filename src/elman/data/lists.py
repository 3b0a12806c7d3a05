"""Columns whose cells are lists of numbers, or lists of such: a series in each row."""

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from elman.data.numbers.cells import LARGEST, has_value
from elman.data.numbers.units import SURE
from elman.errors import ElmanError

Cell = list[np.ndarray]  # what stands in a cell: one list of numbers, or several
Inner = Literal["", "channel", "step"]  # what each of several lists in a cell is
SAMPLE = 20  # cells that are looked at
CONSTANTS = ("true", "false", "null")
VALUE = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|true|false|null|True|False|None"""
ITEM = re.compile(VALUE, re.DOTALL)
# no blank is given back, so that very many of them are looked at once
LIST = re.compile(rf"\[\s*+(?:(?:{VALUE})(?:(?:\s*+,\s*+|\s++)(?:{VALUE}))*+\s*+,?\s*+)?\]", re.DOTALL)


def holds_lists(cells: pl.Series) -> bool:
    """Whether a column is one of lists of numbers, or of lists of such, be they written as JSON.

    >>> holds_lists(pl.Series([[1, 2]])), holds_lists(pl.Series(["[1, null]", "[]"])), holds_lists(pl.Series([["a"]]))
    (True, True, False)
    """
    given = cells.filter(has_value(cells)).head(SAMPLE)
    if given.dtype == pl.String:
        return len(given) > 0 and bool(given.str.contains(r"^\s*\[.*\]\s*$").all()) and any(map(parsed, given))
    kind = cells.dtype
    while isinstance(kind, pl.List | pl.Array):
        kind = kind.inner
    return cells.dtype.is_nested() and (kind.is_numeric() or kind == pl.Boolean)


def parsed(cell: Any) -> Cell | None:
    """The lists of numbers in a cell, NaN where there is none; None where it holds something else.

    >>> parsed("[[1, null], [2]]"), parsed([1, "a"])
    ([array([ 1., nan]), array([2.])], None)
    """
    try:
        value = json.loads(cell) if isinstance(cell, str) else cell
        if not isinstance(value, list):
            return None
        several = any(isinstance(each, list) for each in value)
        found = [np.array(each, float) for each in (value if several else [value])]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    fine = all(each.ndim == 1 and not (np.abs(each) > LARGEST).any() for each in found)
    return found if fine else None


def written_list(text: str) -> list[Any] | None:
    """The list that a text is, as JSON, Python, pandas or NumPy write one of texts and numbers; None where it is none.

    Example:
        >>> written_list("['B-PER', 'O']"), written_list('["it" "is"]'), written_list('["a", 1]')
        (['B-PER', 'O'], ['it', 'is'], ['a', 1])
        >>> written_list("[sic] he went"), written_list("[]")
        (None, [])
    """
    found = text.strip()
    if LIST.fullmatch(found) is None:
        return None
    parts = ITEM.findall(found[1:-1])
    try:
        return [json.loads(part) if part in CONSTANTS else ast.literal_eval(part) for part in parts]
    except (ValueError, SyntaxError):
        return None


def with_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """The same, with lists of texts in the columns whose cells are such, written out, as tables of pandas have them.

    Example:
        >>> with_lists(pl.DataFrame({"who": ["ann", "bob"], "items": ["['tea', 'milk']", "[]"]}))["items"].to_list()
        [['tea', 'milk'], []]
    """
    return frame.with_columns(found for cells in frame if (found := _as_lists(cells)) is not None)


def _as_lists(cells: pl.Series) -> pl.Series | None:
    """A column of texts as lists, where each of these is one."""
    if cells.dtype != pl.String or not cells.drop_nulls().head(SAMPLE).str.contains(r"^\s*\[.*\]\s*$").all():
        return None
    found = [None if cell is None else written_list(cell) for cell in cells]
    some = [each for each in found if each is not None]
    if len(some) < cells.len() - cells.null_count() or not any(some):
        return None
    texts = [each and [None if part is None else str(part) for part in each] for each in found]
    return pl.Series(cells.name, texts, dtype=pl.List(pl.String))


def find_inner(column: str, cells: Sequence[Cell | None]) -> Inner:
    """What each of several lists in the cells of a column is: a channel, or a step.

    Lists that are equally many in all rows, of different lengths, are channels; lists that are equally long in all
    rows, and differently many, are steps. Where both are the same in all rows, steps are more than channels.

    Raises:
        ElmanError: neither is the same in all rows.

    Example:
        >>> a, b = np.zeros(1), np.zeros(2)
        >>> find_inner("x", [[b, b], [a, a]]), find_inner("x", [[b] * 4, [b] * 5]), find_inner("x", [[b] * 3])
        ('channel', 'step', 'step')
    """
    given = [cell for cell in cells if cell and any(map(len, cell))]
    if all(len(cell) == 1 for cell in given):
        return ""
    number, same_number = _usual([len(cell) for cell in given])
    length, same_length = _usual([len(each) for cell in given for each in cell])
    if not (same_number or same_length):
        raise ElmanError(
            f"{column} holds lists of lists, of which neither the number nor the length is the same in all rows; a row "
            "has a list for each channel, or one for each step"
        )
    return "channel" if same_number and (not same_length or number < length) else "step"


def _usual(sizes: Sequence[int]) -> tuple[int, bool]:
    """The most frequent of some sizes, and whether nearly all are so."""
    size, count = Counter(sizes).most_common(1)[0]
    return size, count >= SURE * len(sizes)


def width(cells: Sequence[Cell | None], inner: Inner) -> int:
    """The channels of most cells."""
    given = [cell for cell in cells if cell and any(map(len, cell))]
    return 1 if not inner else _usual([len(cell) if inner == "channel" else len(cell[0]) for cell in given])[0]


def side_by_side(parts: Sequence[Cell], inner: Sequence[Inner], widths: Sequence[int]) -> np.ndarray | None:
    """The cells of a row as a series ``[T, C]``, NaN behind the end of a shorter channel; None where channels lack."""
    channels: list[np.ndarray] = []
    for cell, kind, channel in zip(parts, inner, widths, strict=True):
        if kind == "step":
            if any(len(each) != channel for each in cell):
                return None
            channels += list(np.array(cell).reshape(len(cell), channel).T)
        elif len(cell) != channel:
            return None
        else:
            channels += cell
    found = np.full((max(map(len, channels)), len(channels)), np.nan, np.float32)
    for n, each in enumerate(channels):
        found[: len(each), n] = each
    return found
