"""Numbers and texts in the cells of a column, and which cells hold nothing."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from elman.data.dialect import UNKNOWN, Notation
from elman.data.numbers.notation import PLAIN, numbers_in, readings
from elman.data.numbers.units import SURE

# in lower case, in a column of numbers; what pandas, spreadsheets and offices of statistics have there, and people
NO_VALUE = (
    "", "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "null", "none", "nil", "missing",
    "nat", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#value!", "#div/0!", "#ref!", "#num!", "#name?", "#null!",
    "?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "\u2026",
    ":", "/", "[x]", "[c]", "[z]", "[u]", "(na)", "(x)", "(d)",
)  # fmt: skip


LARGEST = 1e38  # that a number may be: float32, in which networks compute, has hardly larger ones
# one expression, since each call of polars costs more than a short column takes
HAS_VALUE = ~pl.first().str.strip_chars().str.to_lowercase().is_in(NO_VALUE).fill_null(True)


def has_value(column: pl.Series) -> pl.Series:
    """Which cells of a column hold something, and not one of the usual words for nothing."""
    if column.dtype == pl.String:
        return column.to_frame().select(HAS_VALUE).to_series()
    if column.dtype.is_float():
        return column.is_not_null() & column.is_not_nan()
    return column.is_not_null()


def as_numbers(column: pl.Series, notation: Notation | None = None) -> pl.Series:
    """A column as numbers, null where it holds none.

    Args:
        column: of any kind; what is neither text nor numbers holds none.
        notation: how its numbers are written, where it is text; else as the column by itself tells, in which a comma
            that could be for decimals as well as for thousands is for decimals.

    Example:
        >>> as_numbers(pl.Series(["1.079,5", "(3)", "?"])).to_list()
        [1079.5, -3.0, None]
    """
    if column.dtype == pl.String:
        if notation is None:
            notation = next(iter(readings(column.filter(has_value(column)), UNKNOWN).notations), PLAIN)
        return numbers_in(column, notation).fill_nan(None)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    return column.cast(pl.Float64, strict=False).fill_nan(None)


def as_floats(column: pl.Series) -> np.ndarray:
    """A column as numbers that can be computed with, NaN where there is none and where one is too large.

    >>> as_floats(pl.Series(["2", "1e400", "?"])).tolist()
    [2.0, nan, nan]
    """
    numbers = as_numbers(column).cast(pl.Float64).fill_null(math.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, math.nan)


def as_text(column: pl.Series) -> pl.Series:
    """A column as text, each cell by itself, so that a row alone reads as it does among others.

    Example:
        >>> as_text(pl.Series([1.0, 2.5, None])).to_list(), as_text(pl.Series([True])).to_list()
        (['1', '2.5', None], ['true'])
    """
    if column.dtype == pl.Duration:
        return column.dt.to_string("polars")
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with((whole == column).fill_null(False), column.cast(pl.String))


def is_numeric(column: pl.Series, notation: Notation | None = None) -> bool:
    """Whether a column is one of numbers, give or take a few cells that are wrong; a notation as ``as_numbers`` has."""
    given = column.filter(has_value(column))
    return len(given) > 0 and as_numbers(given, notation).is_not_null().sum() >= SURE * len(given)


def without(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """A column without the cells that stand for no value, compared as they are written and as numbers.

    Example:
        >>> without(pl.Series(["-999.0", "5", "n.b."]), ["-999", "n.b."]).to_list()
        [None, '5', None]
        >>> without(pl.Series([-999, 5]), ["-999", "n.b."]).to_list()
        [None, 5]
    """
    if not missing:
        return column
    numbers = [number for word in missing if (number := as_number(word)) is not None]
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        found = text.is_in([word.strip() for word in missing])
        if numbers:
            plain = text.str.replace_all("\u2212", "-", literal=True).str.replace(",", ".", literal=True)
            found |= plain.cast(pl.Float64, strict=False).is_in(numbers).fill_null(False)
    elif column.dtype.is_numeric():
        whole = [number for number in numbers if not column.dtype.is_integer() or number.is_integer()]
        # as the column has them: -999.9 is another number in 32 bits
        same = pl.Series(whole, dtype=pl.Float64).cast(column.dtype, strict=False)
        found = column.is_in(same.drop_nulls().implode())
    elif column.dtype.is_nested():
        return column
    else:
        found = column.cast(pl.String, strict=False).is_in([word.strip() for word in missing])
    return column.set(found.fill_null(False), None) if found.any() else column


def as_number(word: str) -> float | None:
    """A word as a number, written as programs do; None where it is none."""
    try:
        return float(word)
    except ValueError:
        return None
