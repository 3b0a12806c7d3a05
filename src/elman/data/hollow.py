"""Rows in which nothing stands: separators alone, as spreadsheets write below a table, and empty lines within one."""

import logging
from collections.abc import Sequence

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.errors import counted

NOTHING = "nothing in it"  # what a row has that is told to be bad
SHOWN = 3  # of such rows


def have_empty_answers(bad: BadRows, name: str, places: Sequence[str]) -> None:
    """Remark on rows in which nothing stands, which have empty answers; training leaves them out with a line as well.

    Args:
        bad: that takes the remark.
        name: of the file.
        places: where each row is.

    Example:
        >>> bad = BadRows(answers=True)
        >>> have_empty_answers(bad, "a.csv", ["line 2", "line 5"])
        >>> [*bad.remarks]
        ['a.csv: 2 rows have nothing in them and an empty answer: line 2, line 5']
    """
    if places:
        more = f" and {len(places) - SHOWN:,} more" if len(places) > SHOWN else ""
        what = f"nothing in {'it' if len(places) == 1 else 'them'}"
        said = f"{counted(len(places), 'rows have')} {what} and an empty answer: {', '.join(places[:SHOWN])}{more}"
        bad.remark(name, [said], logging.WARNING)


def of_separators(text: str, separator: str, lines: np.ndarray, cells: pl.Series) -> np.ndarray:
    """Which rows are separators alone, as spreadsheets write empty ones; cells in quotation marks are something.

    Args:
        text: of the file.
        separator: what stands between its cells.
        lines: ``[N]``, in which each row begins, counted from 1.
        cells: ``[N]``, lists of texts.
    """
    found = ((cells.list.len() > 1) & (cells.list.first().str.strip_chars() == "")).fill_null(False).to_numpy().copy()
    if found.any():  # few rows as a rule, so that no others are looked at cell by cell
        begun = cells.filter(pl.Series(found))
        found[found] = begun.list.eval(pl.element().str.strip_chars() == "").list.all().to_numpy()
    if found.any() and '"' in text:
        raw = text.split("\n")
        found[found] = [not raw[line - 1].strip(f"{separator} ") for line in lines[found]]
    return found


def empty_lines(text: str, separator: str = "") -> np.ndarray:
    """The lines in which nothing stands, between blanks not even a blank, counted from 1.

    >>> empty_lines("a,b\\n\\n1,2\\n").tolist()
    [2, 4]
    """
    lines = text.split("\n")
    return np.array([n for n, line in enumerate(lines, 1) if not (line.strip() if separator == " " else line)], int)


def filled_lines(text: str, marks: str = "", *, answers: bool = False) -> list[tuple[int, str]]:
    """The lines of a text and their numbers, without those in which nothing stands but blanks or marks between cells.

    Args:
        text: of the file.
        marks: that part cells.
        answers: whether each line is to be answered, so that those of marks, and empty ones between others, stay.

    Example:
        >>> filled_lines("a,b\\n\\nc\\nd\\n\\n", ","), filled_lines("a,b\\n , \\nc\\nd\\n\\n", ",", answers=True)
        ([(1, 'a,b'), (3, 'c'), (4, 'd')], [(1, 'a,b'), (2, ''), (3, 'c'), (4, 'd')])
    """
    lines = text.split("\n")
    blank = "" if answers else marks
    filled = np.array([n for n, line in enumerate(lines, 1) if line.strip(f"{blank} \t")], int)
    kept = np.union1d(filled, within(empty_lines(text, " "), filled)) if answers else filled
    return [(n, lines[n - 1] if lines[n - 1].strip(f"{marks} \t") else "") for n in kept.tolist()]


def within(empty: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those of the empty lines that stand between rows, unless one does behind each, as other ends of lines leave them.

    Args:
        empty: the lines in which nothing stands.
        rows: those in which rows begin, in order.

    Example:
        >>> within(np.array([1, 4, 7]), np.array([2, 3, 5, 6])).tolist(), within(np.array([2, 4]), np.array([1, 3, 5]))
        ([4], array([], dtype=int64))
    """
    found = empty[(empty > rows[0]) & (empty < rows[-1])] if len(rows) else empty[:0]
    behind = len(np.unique(np.searchsorted(rows, found)))  # rows that have some behind them
    return found[:0] if len(rows) > 2 and behind == len(rows) - 1 else found


def placed(
    frame: pl.DataFrame, lines: np.ndarray, index: np.ndarray, hollow: np.ndarray
) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """The rows of a table with empty ones between them; the lines of these, and which of all rows each is.

    Args:
        frame: the rows that can be used.
        lines: ``[N]``, of all rows in which something stands.
        index: which of them are in the frame.
        hollow: the lines of those in which nothing stands.

    Example:
        >>> frame = pl.DataFrame({"a": ["x", "z"]})
        >>> whole, lines, index = placed(frame, np.array([2, 3, 5]), np.array([0, 2]), np.array([4]))
        >>> whole["a"].to_list(), lines.tolist(), index.tolist()
        (['x', None, 'z'], [2, 4, 5], [0, 2, 3])
    """
    found = np.concatenate([lines[index], hollow])
    order = np.argsort(found)
    whole = pl.concat([frame, frame.clear(len(hollow))])[order.tolist()]
    return whole, found[order], np.searchsorted(np.sort(np.concatenate([lines, hollow])), found[order])
