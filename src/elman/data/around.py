"""What stands around a table: titles and remarks above its header, sources and notes below its last row."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from elman.data.preamble import DEEPEST, FEWEST, MOST
from elman.data.separators import SAMPLE, is_number

# with what a note begins: a mark of one, or a word in front of it
NOTE = re.compile(
    r"\s*+(?:\*|\u2020|\u00a9|\(?\d\)\s|\W*+(?:sources?|(?:foot)?notes?|data from|last updated|quelle|hinweis|"
    r"anmerkung|stand|fuente|notas?|fonti|fonte|bron|kilde|k\u00e4lla|\u0438\u0441\u0442\u043e\u0447\u043d\u0438\u043a)\b|"
    r"\u6ce8|\u51fa\u5178|\u6765\u6e90|\u8cc7\u6599)",
    re.IGNORECASE,
)
YEAR = re.compile(r"(?:1[89]|2[01])\d\d")
WORDS = 4  # of a sentence at least


class Bounds(NamedTuple):
    """Where a table lies among the rows of a file: from which row on to which, the last not included."""

    first: int
    end: int


def bounds(rows: pl.Series, blank: Sequence[bool]) -> Bounds:
    """Where a table lies, by the width that most rows have, and by numbers; of texts alone all rows are of it.

    Args:
        rows: all of a file, lists of texts.
        blank: of each of the last rows, ``DEEPEST`` at most, whether nothing stands in the line before it.

    Example:
        >>> rows = [["Sales"], ["day", "a", "b"], ["1", "2", "3"], ["2", "3", "4"], ["3", "5", "5"], ["Source: us"]]
        >>> bounds(pl.Series(rows), [False] * 6)
        Bounds(first=1, end=5)
    """
    whole = Bounds(0, len(rows))
    head = rows[:SAMPLE].to_list()
    width, number = Counter(map(len, head)).most_common(1)[0] if head else (0, 0)
    if width < 2 or 2 * number <= len(head):
        return whole
    first = next(n for n, row in enumerate(head) if len(row) == width and not _is_alone(row))
    below = [row for row in head[first + 1 :] if len(row) == width and not _is_alone(row)]
    if first > DEEPEST or len(below) < FEWEST or not _has_numbers(below, width):
        return whole
    if first and (any(len(row) > width for row in head[:first]) or not _heads(head[first], below)):
        first = 0
    last = rows[max(first, len(rows) - len(blank)) :].to_list()
    begun = len(last)
    while begun > 0 and _is_beside(last[begun - 1], width):
        begun -= 1
    gaps = list(blank)[-len(last) :] if last else []
    notes = next((n for n in range(begun, len(last)) if _is_note(last[n]) or (gaps[n] and _has_words(last[n]))), None)
    end = len(rows) if notes is None or begun == 0 else len(rows) - len(last) + notes
    return Bounds(first, end)


def _is_alone(row: Sequence[str]) -> bool:
    """Whether of three cells or more the first one alone is filled, as spreadsheets write a title."""
    return len(row) > 2 and bool(row[0].strip()) and not any(cell.strip() for cell in row[1:])


def _is_beside(row: Sequence[str], width: int) -> bool:
    """Whether a row at the end has fewer cells than those of the table, only its first, or a note with commas in it."""
    noted = len(row) == width and NOTE.match(row[0]) is not None and _is_note(row)
    return len(row) < width or _is_alone(row) or noted


def _has_numbers(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a column of rows is one of numbers."""
    columns = ([cell for row in rows if (cell := row[n].strip())] for n in range(width))
    return any(len(cells) >= FEWEST and sum(map(is_number, cells)) >= MOST * len(cells) for cells in columns)


def _heads(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has names, some of them above numbers, or years in their place."""
    names = [cell.strip() for cell in row if cell.strip()]
    texts = [name for name in names if not is_number(name)]
    if not texts or len(set(names)) < len(names):
        return False
    above = [n for n, cell in enumerate(row) if cell.strip() and any(is_number(each[n]) for each in below)]
    return any(not is_number(row[n]) or YEAR.fullmatch(row[n].strip()) for n in above)


def _is_note(row: Sequence[str]) -> bool:
    """Whether a row is a note, by how it begins or as a sentence, and has no number but a year in a cell of its own."""
    if any(is_number(cell) and not YEAR.fullmatch(cell.strip()) for cell in row if cell.strip()):
        return False
    text = " ".join(row)
    return NOTE.match(text) is not None or len(text.split()) >= WORDS


def _has_words(row: Sequence[str]) -> bool:
    return bool(re.search(r"[^\W\d]{3}", row[0])) and not any(is_number(cell) for cell in row if cell.strip())
