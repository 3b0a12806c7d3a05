"""Rows of named columns, from whatever holds them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import UNKNOWN, Dialect
from elman.data.files import matching
from elman.data.formats import beginning, delimited, format_of, formats
from elman.data.headers import check_width
from elman.data.separators import SEPARATORS, SIZE, separator_again
from elman.data.summaries import without_summary
from elman.data.tables import Table, columns_of, held, joined
from elman.data.text import beginning as text_beginning
from elman.errors import ElmanError, quoted

log = logging.getLogger(__name__)

LONGEST = 10_000  # characters of the name of one, which is written wherever it is spoken of


def read_table(
    source: Path | pl.DataFrame | Mapping[str, Any],
    bad: BadRows,
    dialect: Dialect = UNKNOWN,
    fits: Callable[[Sequence[str]], bool] | None = None,
) -> Table:
    """A table from a file, a data frame of polars or pandas, or lists by name.

    Args:
        source: a file of any format of tables in ``elman.data.formats``, packed or not; several alike by a pattern
            such as ``logs/*.csv``, or all tables of a folder.
        bad: what is done about rows that cannot be used.
        dialect: how the file is written, as far as that is known.
        fits: where another table tells that, whether a first row is one of a table like it; where it is so only by
            another separator, that is the file's own.

    Raises:
        ElmanError: no such file, no rows, a row with too many or too few columns, a quotation that does not end.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "few.csv"
        >>> _ = path.write_text("text,label\\nfine,good\\n\\"not, so\\",bad\\n")
        >>> table = read_table(path, BadRows())
        >>> table["text"], table.where(1).endswith("few.csv, line 3")
        (['fine', 'not, so'], True)
    """
    before = len(bad.listed)
    try:
        table = _read(source, bad, dialect, fits)
    except ElmanError as error:
        if len(bad.listed) > before:  # why nothing is left
            raise ElmanError(f"{error} that can be used; {bad.listed[before]}") from error
        raise
    bad.read(table.size)
    if not table.columns:
        raise ElmanError(f"{table.name} has no columns: nothing in any of its rows has a name")
    check_width(table.name, len(table.columns))
    for number, name in enumerate(table.columns, 1):
        if len(name) > LONGEST:
            raise ElmanError(
                f"{table.name}: the name of column {number} has {len(name):,} characters, and {LONGEST:,} are read at "
                f"most: {quoted(name)}; give it a shorter one"
            )
    return table


def _read(
    source: Path | pl.DataFrame | Mapping[str, Any],
    bad: BadRows,
    dialect: Dialect,
    fits: Callable[[Sequence[str]], bool] | None,
) -> Table:
    if not isinstance(source, str | Path):
        array = hasattr(source, "__array__") and not hasattr(source, "columns")
        if array or isinstance(source, list | tuple):
            raise ElmanError(f"rows in memory are a table, or columns by name, not {'an array' if array else 'a list'}")
        frame = source if isinstance(source, pl.DataFrame) else columns_of(source)
        table = held(frame, "the table", bad, dialect).without_missing()
        return table if bad.answers else without_summary(table)
    path = Path(source)
    files = _tables_in(path, dialect.encoding) if path.is_dir() else matching(path)
    if len(files) > 1:
        first = _read_file(files[0], bad, dialect, fits)
        alike = replace(dialect, separator=first.dialect.separator, header=first.dialect.header)
        like = fits if dialect.separator else _like(first)
        return joined([first, *(_read_file(each, bad, alike, like) for each in files[1:])], str(path))
    return _read_file(files[0], bad, dialect, fits)


def _like(first: Table) -> Callable[[Sequence[str]], bool]:
    """Whether a first row is one of a table like another: of the same names, or as wide where it has none."""
    if first.dialect.header:
        return lambda cells: set(first.columns) <= set(cells)
    return lambda cells: len(cells) == len(first.columns)


def _tables_in(folder: Path, encoding: str) -> list[Path]:
    files = (each for each in sorted(folder.rglob("*")) if each.is_file() and not each.name.startswith("."))
    found = [each for each in files if is_table(each, encoding)]
    if not found:
        raise ElmanError(f"{folder} has no tables in it, such as files of CSV or Parquet")
    return found


def _read_file(
    path: Path, bad: BadRows, dialect: Dialect, fits: Callable[[Sequence[str]], bool] | None = None
) -> Table:
    found = format_of(path, dialect.encoding)
    if found is delimited.FORMAT and fits is not None and dialect.separator:
        text, named = text_beginning(path, SIZE, dialect.encoding), dialect.header is not False
        own = separator_again(text, dialect.separator, fits, named=named)
        if own != dialect.separator:
            log.info("%s: columns between %s", path, SEPARATORS.get(own, repr(own)))
            dialect = replace(dialect, separator=own)
    if found.read is None:
        raise ElmanError(f"{path} is {found.name}; elman train {found.tasks[0]} --data {path} learns from it")
    table = found.read(path, bad, dialect).without_missing()
    return table if bad.answers else without_summary(table)  # each row is answered, whatever it sums up


def is_table(path: Path, encoding: str = "") -> bool:
    """Whether a file holds rows of columns: by its content, or as it is named.

    Raises:
        ElmanError: no such file, or one that is damaged where it begins.
    """
    begun = beginning(path, encoding)
    found = next(each for each in formats() if each.recognise(begun))
    return found.read is not None and (found is not delimited.FORMAT or delimited.is_table(begun))
