"""What people hold in memory, brought to one of four forms: paths, a table, an array of numbers, or a list.

Libraries that are not ours are never imported here unless what is given comes from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from elman.data.bad import BadRows
from elman.data.columns import listed
from elman.data.encodings import check_characters
from elman.data.reading import read_table
from elman.data.tables import columns_of, each_once
from elman.errors import ElmanError, counted

Held: TypeAlias = Path | pl.DataFrame | np.ndarray | list[Any]

TIME = "time"  # the column that an index of times becomes
KINDS: dict[str, Any] = {"bool": lambda name: name == "True", "int": int, "float": float, "str": str}


@dataclass(frozen=True)
class Arrays:
    """Series in memory, and what belongs to each.

    Args:
        series: each ``[T, C]``, NaN where there is no value.
        labels: one for each series, where there are any.
    """

    series: list[np.ndarray]
    labels: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.series)


def opened(data: Any) -> Held:
    """What a person holds, in one of four forms.

    Args:
        data: a path or the name of a file; a list of paths of tables; a data frame, series or table of pandas, polars
            or pyarrow; a data set of Hugging Face; columns by name; a list of rows that are dicts, or of anything else;
            an array of numpy or a tensor of torch.

    Returns:
        A path; a table; an array of numbers, or of bool; or a list of anything else.

    Raises:
        ElmanError: what is none of these, with what would be.

    Example:
        >>> opened({"text": ["so", "no"], "label": [1, 0]}).columns
        ['text', 'label']
        >>> opened(np.array(["so", "no"]))
        ['so', 'no']
    """
    library = type(data).__module__.partition(".")[0]
    if isinstance(data, str | Path):
        return Path(data)
    if library in _OPENERS:
        return _OPENERS[library](data)
    if isinstance(data, np.ndarray):
        return _array(data)
    if isinstance(data, memoryview):
        return _array(np.asarray(data))
    if isinstance(data, Mapping):
        return columns_of(data)
    if isinstance(data, list | tuple | set | frozenset):
        return _listed(list(data))
    if hasattr(data, "__array__"):
        try:
            return _array(np.asarray(data))
        except (TypeError, ValueError) as error:
            raise ElmanError(f"{_kind(data)} says that it is an array, and gives none: {error}") from error
    if isinstance(data, Iterable) and not isinstance(data, bytes | bytearray):
        return _listed(list(data))
    raise ElmanError(
        f"data is a file, an array, a list, columns by name, or a table of pandas, polars or pyarrow; not {_kind(data)}"
    )


def _polars(data: Any) -> Held:
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.Series):
        return _listed(data.to_list())
    raise ElmanError(f"of polars, data is a DataFrame, a LazyFrame or a Series, not {_kind(data)}")


def _pandas(data: Any) -> Held:
    import pandas as pd

    if isinstance(data, pd.Series):
        if not isinstance(data.index, pd.DatetimeIndex | pd.PeriodIndex):
            return _listed(_pandas_column("", data).to_list())
        data = data.to_frame(data.name if data.name is not None else "value")
    if isinstance(data, pd.Index):
        return _listed(_pandas_column("", data.to_series()).to_list())
    if not isinstance(data, pd.DataFrame):
        raise ElmanError(f"of pandas, data is a DataFrame or a Series, not {_kind(data)}")
    if isinstance(data.columns, pd.MultiIndex):
        raise ElmanError("columns of pandas have one name each, not several; give them one with .droplevel()")
    # an index with names, or of times, says something; one of numbers only counts the rows
    dated = _is_dated(data.index) and data.index.name is None
    said = [TIME] if dated else [name for name in data.index.names if name is not None]
    each_once([str(name) for name in [*said, *data.columns]])
    if dated:
        data = data.rename_axis(TIME).reset_index()
    elif said:
        data = data.reset_index()
    return pl.DataFrame([_pandas_column(str(name), data[name]) for name in data.columns])


def _is_dated(index: Any) -> bool:
    import pandas as pd

    return isinstance(index, pd.DatetimeIndex | pd.PeriodIndex)


def without_index(data: Any) -> Any:
    """The same without an index of pandas, where rows are counted and not named."""
    of_pandas = type(data).__module__.partition(".")[0] == "pandas"
    return data.reset_index(drop=True) if of_pandas and hasattr(data, "reset_index") else data


def names_rows(data: Any) -> bool:
    """Whether an index of pandas has a name or a moment for each row, and is no part of what is in it."""
    index = getattr(data, "index", None) if type(data).__module__.partition(".")[0] == "pandas" else None
    return index is not None and index.nlevels == 1 and (index.is_unique or _is_dated(index))


def _pandas_column(name: str, column: Any) -> pl.Series:
    """A column of pandas; what it takes for missing is none here."""
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.PeriodDtype):
        column, kind = column.dt.to_timestamp(), np.dtype("M8[us]")
    if isinstance(kind, pd.DatetimeTZDtype):
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[us]")
        zone = str(kind.tz)
        return pl.Series(name, moments).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    if isinstance(kind, np.dtype) and kind.kind in "biuf":
        return pl.Series(name, column.to_numpy())
    if isinstance(kind, np.dtype) and kind.kind == "M":
        return pl.Series(name, column.to_numpy().astype("M8[us]"))
    missing = pd.isna(column).to_list()
    values = [None if lacks is True else _plain(value) for value, lacks in zip(column, missing, strict=True)]
    return columns_of({"cells": values}).to_series().alias(name)


def _pyarrow(data: Any) -> Held:
    if not hasattr(data, "schema"):
        return _listed(data.to_pylist())
    each_once(list(data.schema.names))
    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _hugging_face(data: Any) -> Held:
    """A data set of Hugging Face; numbers that stand for names are the names."""
    if isinstance(data, Mapping):
        shown = ", ".join(map(repr, data))
        raise ElmanError(f"these are several data sets ({shown}); give one, such as dataset[{next(iter(data))!r}]")
    if not hasattr(data, "to_dict"):
        raise ElmanError("a data set that comes piece by piece is given as a list: list(dataset.take(10_000))")
    columns = dict(data[:])
    for name, feature in data.features.items():
        columns[name] = _named(columns[name], feature)
    return columns_of(columns)


def _named(values: Any, feature: Any) -> list[Any]:
    inner = getattr(feature, "feature", None)
    if inner is not None and hasattr(inner, "names"):
        return [None if row is None else _named(row, inner) for row in values]
    if not hasattr(feature, "names"):
        return list(values)
    return [None if value is None or value < 0 else feature.names[value] for value in values]


def _torch(data: Any) -> Held:
    import torch

    if not isinstance(data, torch.Tensor):
        raise ElmanError(f"of torch, data is a tensor, not {_kind(data)}")
    if data.layout != torch.strided:
        raise ElmanError("a sparse tensor is not taken, since a series has a value at every step; give x.to_dense()")
    if data.is_meta:
        raise ElmanError("a tensor of the device meta has no values")
    data = data.detach().cpu().resolve_conj().resolve_neg()
    return _array((data.float() if data.dtype == torch.bfloat16 else data).numpy())


def _sparse(data: Any) -> Held:
    raise ElmanError("a sparse matrix is not taken, since a series has a value at every step; give X.toarray()")


_OPENERS = {
    "polars": _polars,
    "pandas": _pandas,
    "pyarrow": _pyarrow,
    "datasets": _hugging_face,
    "torch": _torch,
    "scipy": _sparse,
}


def _array(values: np.ndarray) -> Held:
    values = np.asarray(unmasked(values))  # a matrix would stay one in each of its rows
    kind = values.dtype.kind
    if kind in "biuf":
        return values
    if kind == "c":
        raise ElmanError("Complex data not supported: give real and imaginary parts as two channels")
    if kind == "O" and values.ndim > 1:
        try:
            return values.astype(float)
        except (OverflowError, TypeError, ValueError):
            pass_on = f"an array {list(values.shape)} of objects that are no numbers"
            if values.shape[1:] != (1,):
                raise ElmanError(f"{pass_on} is not taken; give a table with a name for each column") from None
    if kind in "OUSM":
        return _listed([_plain(value) for value in (values.ravel() if values.ndim < 2 else values[:, 0]).tolist()])
    raise ElmanError(f"an array holds numbers, texts or objects, not {values.dtype}")


def unmasked(values: Any) -> Any:
    """The same where it is no masked array; of one, NaN, or None among other things than numbers, where it is masked.

    >>> unmasked(np.ma.masked_array([1, 2], [False, True])).tolist()
    [1.0, nan]
    """
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if not np.ma.is_masked(values):
        return values.data
    if values.dtype.kind in "biuf":
        return np.where(np.ma.getmaskarray(values), np.nan, values.data)
    return _masked_out(values)


def _masked_out(values: np.ma.MaskedArray) -> np.ndarray:
    found = np.array(values.data, object)
    found[np.ma.getmaskarray(values)] = None
    return found


def _listed(values: list[Any]) -> Held:
    """A list; a table where it has rows that are dicts, or the paths of several tables."""
    if values and all(isinstance(value, Path) for value in values):
        return joined(values)
    if values and all(isinstance(value, Mapping) for value in values):
        names = list(dict.fromkeys(name for row in values for name in row))
        return columns_of({name: [row.get(name) for row in values] for name in names})
    _check_texts(values)
    return values


def _check_texts(values: Iterable[Any]) -> None:
    """Refuse texts, in lists as well, that cannot be written."""
    for value in values:
        if isinstance(value, list | tuple):
            _check_texts(value)
        elif isinstance(value, str):
            check_characters(value)


def _plain(value: Any) -> Any:
    """A value of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _kind(data: Any) -> str:
    if data is None:
        return "None"
    name = type(data).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def joined(paths: Sequence[Path]) -> pl.DataFrame:
    """Several tables as one, the rows of the first before those of the second.

    Raises:
        ElmanError: tables with other columns.
    """
    frames = [read_table(path, BadRows()).frame for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame.columns != frames[0].columns:
            raise ElmanError(
                f"{path} has the columns {listed(frame.columns, 5)} and {paths[0]} {listed(frames[0].columns, 5)}; "
                "several files have the same"
            )
    return pl.concat(frames, how="vertical_relaxed")


def numbers(value: Any) -> np.ndarray | None:
    """An array of numbers, if that is what a value is; of a table, its columns side by side.

    >>> numbers([[1, 2], [3, None]]).tolist(), numbers("a")
    ([[1.0, 2.0], [3.0, nan]], None)
    """
    held = opened(value) if not isinstance(value, str | Path | int | float) else value
    if isinstance(held, pl.DataFrame):
        if not all(kind.is_numeric() or kind == pl.Boolean for kind in held.dtypes):
            return None
        return held.cast(pl.Float64).to_numpy()
    if isinstance(held, np.ndarray):
        return held
    if isinstance(held, list) and held and not any(isinstance(each, str | Mapping) for each in held):
        try:
            return np.array([unmasked(each) for each in held], dtype=float)
        except (OverflowError, TypeError, ValueError):
            return None
    return None


def series_of(data: Any) -> list[np.ndarray] | None:
    """Series ``[T, C]``, one a row of the data; None where they are no numbers.

    Args:
        data: an array ``[N, T, C]``; one ``[N, T]``, whose columns are the steps of one channel; or a list of arrays
            or tables, each ``[T]`` or ``[T, C]``, as long as it is.

    Raises:
        ElmanError: numbers of another shape, or infinite ones.

    Example:
        >>> [each.shape for each in series_of(np.zeros((2, 5)))], [each.shape for each in series_of([[1], [2, 3]])]
        ([(5, 1), (5, 1)], [(1, 1), (2, 1)])
    """
    whole = numbers(data)
    if whole is not None:
        return _rows(whole)
    held = opened(data)
    if not isinstance(held, list) or not held:
        return None
    found = [numbers(each) for each in held]
    if any(each is None for each in found):
        return None
    series = [np.atleast_1d(each) for each in found if each is not None]
    series = [each[:, None] if each.ndim == 1 else each for each in series]
    for n, each in enumerate(series, 1):
        if each.ndim != 2 or each.shape[1:] != series[0].shape[1:]:
            raise ElmanError(
                f"series {n} has the shape {list(each.shape)}, the first {list(series[0].shape)}; each is "
                "[time, channels], with as many channels"
            )
    return [finite(each) for each in series]


def array_series(data: Any) -> list[np.ndarray] | None:
    """The same of an array of numpy or a tensor of torch; None of a table, whose columns have names, or a list.

    >>> [each.shape for each in array_series(np.zeros((2, 5)))], array_series(pl.DataFrame({"x_1": [1]}))
    ([(5, 1), (5, 1)], None)
    """
    held = opened(data)
    return _rows(held) if isinstance(held, np.ndarray) else None


def _rows(values: np.ndarray) -> list[np.ndarray]:
    if values.ndim not in (2, 3):
        raise ElmanError(
            f"series have the shape [rows, steps] or [rows, steps, channels], not {list(values.shape)}. "
            "Reshape your data: x[None] where it is one series, x[:, None] where each row has one step"
        )
    values = finite(values)
    return list(values[..., None] if values.ndim == 2 else values)


def finite(values: np.ndarray) -> np.ndarray:
    """The same array of numbers in float32.

    Raises:
        ElmanError: one without numbers, or with infinite ones.
    """
    if not values.size:
        raise ElmanError(
            f"Found array with {len(values)} sample(s) and {values.shape[-1]} feature(s) (shape={values.shape}) "
            "while a minimum of 1 is required."
        )
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if np.isinf(values).any():
        raise ElmanError("a value is infinity, or too large for float32; NaN says that there is no value")
    return values


def labels_of(y: Any, number: int) -> list[Any]:
    """What belongs to each row, as plain values.

    Args:
        y: an array, a list, a column, whose index says nothing; ``[N]`` or ``[N, 1]``, or lists of several labels a
            row. NaN is None.
        number: rows.

    Raises:
        ElmanError: another number of rows.

    Example:
        >>> labels_of(np.array([[1], [0]]), 2)
        [1, 0]
    """
    held = plain_labels(y)
    if len(held) != number:
        raise ElmanError(f"X has {counted(number, 'rows')} and y has {len(held):,}; they are to be as many")
    return held


def plain_labels(y: Any) -> list[Any]:
    """As ``labels_of``, of as many rows as there are."""
    if isinstance(y, np.ma.MaskedArray):
        y = _masked_out(y)  # so that whole numbers stay whole
    held = opened(without_index(y))
    if isinstance(held, pl.DataFrame):
        if held.width != 1:
            raise ElmanError(f"y has {counted(held.width, 'columns')}, {listed(held.columns)}; it has one")
        held = held.to_series().to_list()
    if isinstance(held, np.ndarray):
        if held.ndim == 0 or held.ndim > 2 or held.shape[1:] not in ((), (1,)):
            raise ElmanError(
                f"y has the shape {list(held.shape)}, one for each row is [rows]; several labels a row "
                "are lists of names"
            )
        held = held.reshape(len(held)).tolist()
    if isinstance(held, Path):
        raise ElmanError(f"y has a label for each row, or names a column of a table; not {str(held)!r}")
    held = [_plain(each) for each in held]
    return [None if isinstance(each, float) and each != each else each for each in held]


def kind_of(values: Iterable[Any]) -> str:
    """The kind of plain values, by which ``typed`` makes them again from their texts.

    >>> kind_of([1, 2]), kind_of([0.5, 1.0]), kind_of(["1", 2])
    ('int', 'float', 'str')
    """
    kinds = {type(value).__name__ for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 and kinds <= set(KINDS) else "str"


def typed(names: Iterable[str], kind: str) -> list[Any]:
    """Texts as values of a kind again.

    >>> typed(["1", "2"], "int"), typed(["True"], "bool")
    ([1, 2], [True])
    """
    return [KINDS[kind](name) for name in names]
