"""Which column of a table is the label and which the text, where the user does not say it."""

import logging
from collections.abc import Sequence

import polars as pl

from elman.data.columns import find, is_identity, is_named
from elman.data.numbers.cells import as_numbers, as_text
from elman.data.roles import FLAG, names_rows
from elman.data.tables import Table
from elman.data.times.column import is_time
from elman.errors import ElmanError, brief, quoted

log = logging.getLogger(__name__)

PROSE = 2.5  # words of a text at least, on the average
FEW = 0.2  # of the rows, as a share, have different values at most where those are few
ANSWERS = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"})


def named_label(table: Table, wish: str, among: Sequence[str]) -> str:
    """The column that the user names, or that is named as labels usually are, or "".

    One that is constant is left for others; where all are, it is told that there is nothing to learn.
    """
    if wish:
        return table.known(wish)
    return find([column for column in among if _kinds(table, column) > 1], "label") or find(among, "label")


def likely_label(table: Table, among: Sequence[str]) -> tuple[str, str]:
    """The column that is most likely the label where none is named so, and why it is taken; "" where there is none.

    It says yes or no, or is a language or a country, or has the fewest different values; it is neither constant nor
    names rows.
    """
    usable = [column for column in among if 1 < _kinds(table, column) < len(table) and not names_rows(table, column)]
    if answer := next((column for column in usable if _is_answer(table, column)), ""):
        return answer, "since it says yes or no"
    if origin := find(usable, "origin"):
        return origin, "by its name"
    return min(usable, key=lambda column: _kinds(table, column), default=""), "since it has the fewest values"


def likely_text(table: Table, texts: Sequence[str], columns: Sequence[str], label: str) -> str:
    """The column of the texts: one that is named so, or else the longest that may be one; "" where there is none.

    Args:
        table: that has them.
        texts: the columns that may be it.
        columns: all that are used.
        label: that of the labels, or "" where it is not known.
    """
    among = [column for column in texts if column != label]
    if named := find(among, "text"):
        return named
    among.sort(key=lambda column: -float(table.frame[column].str.len_chars().mean() or 0))  # pyright: ignore[reportArgumentType]
    for column in among:
        rest = [name for name in columns if name not in (column, label)]
        answer = label or likely_label(table, rest)[0]
        if not _is_no_text(table, column, any(_is_amount(table, name) for name in rest if name != answer)):
            return column
    return ""


def is_text(table: Table, column: str) -> bool:
    """Whether a column beside those that count is rather what is to be read: texts, and no names of series."""
    cells = table.frame[column]
    return is_prose(cells) or (is_named(column, "text") and not is_named(column, "series"))


def is_prose(cells: pl.Series) -> bool:
    """Whether a column holds texts of several words."""
    return not cells.dtype.is_nested() and _words(cells) >= PROSE


def _is_no_text(table: Table, column: str, amounts: bool) -> bool:
    """Whether a column holds times, yes and no, or, beside amounts that would not be read, few words or names."""
    cells = table.frame[column].drop_nulls()
    if is_time(cells) or _is_answer(table, column):
        return True
    kinds = cells.n_unique()
    return amounts and not is_prose(cells) and (kinds <= FEW * len(cells) or kinds == len(cells) or is_identity(column))


def _is_amount(table: Table, column: str) -> bool:
    return table.is_numeric(column) and not names_rows(table, column) and _kinds(table, column) > 1


def _is_answer(table: Table, column: str) -> bool:
    """Whether a column says yes or no, in words or as 1 and 0."""
    cells = table.frame[column].drop_nulls()
    if cells.dtype.is_nested() or cells.dtype.is_temporal():
        return False
    if cells.dtype != pl.String or table.is_numeric(column):
        return set(as_numbers(cells).drop_nulls().unique().head(3).to_list()) == FLAG
    return set(as_text(cells).str.strip_chars().str.to_lowercase().unique().head(3).to_list()) in ANSWERS


def _kinds(table: Table, column: str) -> int:
    return table.frame[column].drop_nulls().n_unique()


def _words(cells: pl.Series) -> float:
    words = cells.cast(pl.String).drop_nulls().head(1000).str.count_matches(r"\S+")
    return float(words.mean() or 0) if len(words) else 0.0  # pyright: ignore[reportArgumentType]


def check_texts(name: str, column: str, texts: Sequence[str]) -> None:
    """Refuse texts that are all empty, and say where all are the same.

    Args:
        name: of the data.
        column: that has them, or "".
        texts: all of them.

    Raises:
        ElmanError: there is nothing in any of them.
    """
    kinds = set(texts)
    what = f"all texts{f' in {column}' if column else ''}"
    if kinds == {""}:
        raise ElmanError(f"{name}: {what} are empty; say which column has them with --text-column")
    if len(kinds) == 1:
        shown = quoted(brief(texts[0], 40))
        log.warning("%s: %s are the same, %s, so that nothing tells classes apart", name, what, shown)
