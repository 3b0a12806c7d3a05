"""Parquet: columns with types."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Format
from elman.data.packed import opened
from elman.data.tables import Table, held
from elman.errors import ElmanError

MARK = b"PAR1"


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file."""
    with opened(path) as file:
        data = BytesIO(file.read())
    with _refused(path):
        frame = pl.read_parquet(data)
    return held(frame, str(path), bad, dialect)


def first_rows(path: Path, number: int) -> pl.DataFrame:
    """The first rows of a file that is not packed, without reading the others."""
    with _refused(path), path.open("rb") as file:  # opened here, since its name may be no text
        return pl.scan_parquet(file).head(number).collect()


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise ElmanError(f"{path} is no Parquet file, or was cut short: {said}") from error


FORMAT = Format("a Parquet file", lambda begun: begun.data.startswith(MARK) or begun.name.endswith(".parquet"), read)
