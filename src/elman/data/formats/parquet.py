"""Parquet: columns with types."""

from pathlib import Path

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.tables import Table, held
from elman.errors import ElmanError


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file."""
    if not path.exists():
        raise ElmanError(f"there is no file {path}")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise ElmanError(f"{path} is no Parquet file, or was cut short: {error}") from error
    return held(frame, str(path), bad, dialect)
