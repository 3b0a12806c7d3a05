"""Arrays of NumPy: ``.npy``, and ``.npz`` with several by name."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.dialect import Dialect
from elman.data.formats import Format
from elman.data.packed import opened
from elman.data.tables import Table, held
from elman.errors import ElmanError

ARRAY, SEVERAL = b"\x93NUMPY", b"PK\x03\x04"  # what each begins with


def read(path: Path, bad: BadRows, dialect: Dialect) -> Table:
    """The rows of a file: of an array ``[rows, columns]``, or ``[rows, steps, channels]`` with a column for each step.

    Of several arrays the one of most axes, and those of one axis that are as long: the first of these is the label.
    """
    with opened(path) as file:
        data = BytesIO(file.read())
    try:
        found: Any = np.load(data, allow_pickle=False)
        arrays = {"value": found} if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except Exception as error:  # NumPy has many kinds for what is damaged
        said = str(error).partition("\n")[0]
        if "pickle" in said:
            said = "it holds objects of Python; save an array of numbers or texts"
        raise ElmanError(f"{path} is no file of NumPy that can be read, or was cut short: {said}") from error
    arrays = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
    if not arrays:
        raise ElmanError(f"{path} holds no array")
    rows = max(arrays, key=lambda name: arrays[name].ndim)
    size = arrays[rows].shape[0] if arrays[rows].ndim else 0
    if not size:
        raise ElmanError(f"{path} has no rows")
    columns: dict[str, Any] = {}
    for name, array in arrays.items():
        if name == rows and array.ndim > 1:
            columns |= _columns(path, array)
        elif array.ndim == 1 and len(array) == size:
            labels = arrays[rows].ndim > 1 and "label" not in columns
            columns["label" if labels else name] = array
    return held(pl.DataFrame({name: _plain(path, array) for name, array in columns.items()}), str(path), bad, dialect)


def _columns(path: Path, array: np.ndarray) -> dict[str, np.ndarray]:
    if array.ndim == 2:
        return {str(n): array[:, n] for n in range(array.shape[1])}
    if array.ndim == 3:
        steps, channels = array.shape[1:]
        return {f"channel_{c}_{t}": array[:, t, c] for c in range(channels) for t in range(steps)}
    raise ElmanError(f"{path} holds an array of {array.ndim} axes; [rows, columns] or [rows, steps, channels] is read")


def _plain(path: Path, array: np.ndarray) -> pl.Series:
    if array.dtype.kind in "US":
        return pl.Series(
            [str(each, "utf-8", "replace") if isinstance(each, bytes) else each for each in array.tolist()]
        )
    if array.dtype.kind not in "biufM":
        raise ElmanError(f"{path} holds {array.dtype}; numbers, texts and dates are read")
    return pl.Series(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))


FORMAT = Format("a file of NumPy", lambda begun: begun.data.startswith((ARRAY, SEVERAL)), read)
