"""Texts in a column of a table, as one text or as strings, a row each."""

import logging
from pathlib import Path

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.dialect import Dialect
from elman.data.files import suffix
from elman.data.formats import delimited, format_of
from elman.data.numbers.cells import has_value
from elman.data.reading import read_table
from elman.data.rows import with_texts
from elman.data.tables import Table
from elman.data.text import HeldText
from elman.errors import ElmanError

log = logging.getLogger(__name__)

ABOVE = ("title", "name", "word")  # columns of texts, or of what stands above them
MUCH_LONGER = 5  # times, that texts are which such a column stands above


def text_of(source: Path | HeldText, column: str, encoding: str, bad: BadRows) -> Path | HeldText:
    """The texts of a table, where a file is one; any other file itself.

    Texts of several lines have an empty line between them; where each has one, it is a line.

    Args:
        source: the file; what is no table by its format is one where a column is named.
        column: of the texts, or "" for the one that is named as such are, or has the longest.
        encoding: of the file.
        bad: what is done about rows without a text.

    Raises:
        ElmanError: no such column, or none of texts.
    """
    if isinstance(source, HeldText) or not (column or _has_columns(source, encoding)):
        return source
    table = read_table(source, bad, Dialect(encoding=encoding))
    name = table.column(column, "text", among=_texts(table))
    longest = _longest(table)
    short = not column and name.lower() in ABOVE and MUCH_LONGER * _length(table, name) < _length(table, longest)
    name = longest if not name or short else name
    if not name and table.dialect.separator:  # lines with commas may be a text all the same
        return source
    if not name:
        raise ElmanError(
            f"{table.name} has no column of texts; say which it is with --text-column; its columns are "
            f"{listed(table.columns)}"
        )
    left = [each for each in table.columns if each != name]
    log.info("%s: the text is in column %r%s", table.name, name, f"; not used: {listed(left)}" if left else "")
    cells = with_texts(table, name).frame[name].fill_null("").str.replace_all("\r\n?", "\n").str.strip_chars()
    texts = cells.filter(cells != "").to_list()
    if not texts:
        raise ElmanError(f"{table.name} has no text in {name}")
    if len(texts) < len(cells):
        log.info("%s: rows without a text are left out: %s", table.name, f"{len(cells) - len(texts):,}")
    if any("\n" in text for text in texts):
        return HeldText("\n\n".join(texts) + "\n", str(source))
    return HeldText("\n".join(texts) + "\n", str(source), "row")


def _has_columns(source: Path, encoding: str) -> bool:
    """Whether a file is a table by its format; lines with a separator are one where its name says so."""
    found = format_of(source, encoding)
    if found is delimited.FORMAT:
        return suffix(source) in delimited.NAMES
    return found.read is not None and not found.tasks


def _texts(table: Table) -> list[str]:
    """The columns that have texts: of the others not all cells are numbers."""
    texts = [name for name, kind in table.frame.schema.items() if kind == pl.String]
    return [name for name in texts if has_value(table.frame[name]).any() and not table.is_numeric(name)]


def _longest(table: Table) -> str:
    """The column with the longest texts on the average, or "" where there are but ids beside lists."""
    name = max(_texts(table), key=lambda name: _length(table, name), default="")
    nested = any(kind.is_nested() for kind in table.frame.dtypes)
    return "" if name and nested and not table.frame[name].str.contains(r"\S\s+\S").any() else name


def _length(table: Table, name: str) -> float:
    """Characters of a text of a column on the average; 0 where there is no such column."""
    lengths = table.frame[name].str.len_chars() if name else pl.Series([0])
    return float(np.nan_to_num(lengths.cast(pl.Float64).to_numpy()).mean())
