"""Rows of named columns, from whatever holds them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import UNKNOWN, Dialect
from elman.data.files import suffix
from elman.data.formats import delimited, objects, parquet
from elman.data.tables import Table, columns_of, held
from elman.errors import ElmanError

TABLES = (".csv", ".tsv", *objects.OBJECTS, ".parquet")  # how the names of files end that are tables


def read_table(source: Path | pl.DataFrame | Mapping[str, Any], bad: BadRows, dialect: Dialect = UNKNOWN) -> Table:
    """A table from a file, a data frame of polars or pandas, or lists by name.

    Args:
        source: text with separators, JSON lines (``.jsonl``, ``.ndjson``, ``.json``) or Parquet; in UTF-8, with or
            without a byte order mark, lines ending as on any system, packed with gzip or not.
        bad: what is done about rows that cannot be used.
        dialect: how the file is written, as far as that is known.

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
        table = _read(source, bad, dialect)
    except ElmanError as error:
        if len(bad.listed) > before:  # why nothing is left
            raise ElmanError(f"{error} that can be used; {bad.listed[before]}") from error
        raise
    bad.read(table.size)
    if not table.columns:
        raise ElmanError(f"{table.name} has no columns: nothing in any of its rows has a name")
    return table


def _read(source: Path | pl.DataFrame | Mapping[str, Any], bad: BadRows, dialect: Dialect) -> Table:
    if not isinstance(source, str | Path):
        frame = source if isinstance(source, pl.DataFrame) else columns_of(source)
        return held(frame, "the table", bad, dialect).without_missing()
    path = Path(source)
    kind = suffix(path)
    form = parquet if kind == ".parquet" else objects if kind in objects.OBJECTS else delimited
    return form.read(path, bad, dialect).without_missing()
