"""Arrow's own format of files and streams, which Feather and the data sets of Hugging Face are."""

from io import BytesIO
from pathlib import Path

import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Format
from elman.data.packed import opened
from elman.data.tables import Table, held
from elman.errors import ElmanError

FILE, STREAM = b"ARROW1", b"\xff\xff\xff\xff"  # what each begins with
NAMES = (".feather", ".arrow", ".ipc")


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file."""
    with opened(path) as file:
        data = file.read()
    reader = pl.read_ipc_stream if data.startswith(STREAM) else pl.read_ipc
    try:
        frame = reader(BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise ElmanError(f"{path} is no file of Arrow (Feather), or was cut short: {said}") from error
    return held(frame, str(path), bad, dialect)


FORMAT = Format(
    "a file of Arrow (Feather)",
    lambda begun: begun.data.startswith((FILE, STREAM)) or (begun.name.endswith(NAMES) and not begun.text),
    read,
)
