"""Numbers and texts in the cells of a column, and which cells hold nothing."""

import polars as pl

NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "?", "-")  # in lower case, in a column of numbers


def has_value(column: pl.Series) -> pl.Series:
    """Which cells of a column hold something, and not one of the usual words for nothing."""
    if column.dtype == pl.String:
        return ~column.str.strip_chars().str.to_lowercase().is_in(NO_VALUE).fill_null(True)
    if column.dtype.is_float():
        return column.is_not_null() & column.is_not_nan()
    return column.is_not_null()


def as_numbers(column: pl.Series) -> pl.Series:
    """A column as numbers, null where it holds none; a decimal comma is read too where no cell has a point."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        if not text.str.contains(".", literal=True).any() and text.str.contains(r"^[-+]?\d+,\d+$").any():
            text = text.str.replace(",", ".", literal=True)
        column = text
    if not (column.dtype == pl.String or column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    numbers = column.cast(pl.Float64, strict=False)
    return numbers.fill_nan(None)


def as_text(column: pl.Series) -> pl.Series:
    """A column as text, each cell by itself, so that a row alone reads as it does among others.

    Example:
        >>> as_text(pl.Series([1.0, 2.5, None])).to_list(), as_text(pl.Series([True])).to_list()
        (['1', '2.5', None], ['true'])
    """
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with((whole == column).fill_null(False), column.cast(pl.String))


def is_numeric(column: pl.Series) -> bool:
    """Whether a column is one of numbers, give or take a few cells that are wrong."""
    given = column.filter(has_value(column))
    return len(given) > 0 and as_numbers(given).is_not_null().sum() >= 0.95 * len(given)
