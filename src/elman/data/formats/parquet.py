"""Parquet: columns with types."""

from io import BytesIO
from pathlib import Path

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Format
from elman.data.packed import opened
from elman.data.tables import Table, held
from elman.errors import ElmanError


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file."""
    with opened(path) as file:
        data = BytesIO(file.read())
    try:
        frame = pl.read_parquet(data)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise ElmanError(f"{path} is no Parquet file, or was cut short: {said}") from error
    return held(frame, str(path), bad, dialect)


FORMAT = Format("a Parquet file", lambda begun: begun.data.startswith(b"PAR1") or begun.name.endswith(".parquet"), read)
