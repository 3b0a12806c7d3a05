"""What a model answers: finite numbers, and lines of JSON."""

import json
from typing import Any, TypeVar

import numpy as np
import polars as pl
from torch import Tensor

from elman.errors import ElmanError

Numbers = TypeVar("Numbers", Tensor, np.ndarray, pl.DataFrame, float)
WHY = "what is asked about is too far from what was learnt, or the weights are damaged"


def finite(numbers: Numbers) -> Numbers:
    """Numbers of an answer as they are.

    Args:
        numbers: one, an array or a tensor of any shape, or the columns of a frame.

    Raises:
        ElmanError: one of them is not finite.

    Example:
        >>> finite(0.5)
        0.5
        >>> finite(np.array([0.5, np.nan]))
        Traceback (most recent call last):
        elman.errors.ElmanError: an answer is no finite number: what is asked about is too far from what was learnt, ...
    """
    if isinstance(numbers, Tensor):
        right = bool(numbers.isfinite().all())
    elif isinstance(numbers, pl.DataFrame):
        right = all(_is_finite(column) for column in numbers)
    else:
        right = bool(np.isfinite(numbers).all())
    if not right:
        raise ElmanError(f"an answer is no finite number: {WHY}")
    return numbers


def as_line(answer: Any) -> str:
    """An answer as a line of JSON.

    Raises:
        ElmanError: a number that is not finite, which JSON does not have.

    Example:
        >>> as_line({"score": 0.5})
        '{"score": 0.5}'
    """
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError as error:
        raise ElmanError(f"an answer is no finite number: {WHY}") from error


def _is_finite(column: pl.Series) -> bool:
    while isinstance(column.dtype, pl.List):
        column = column.explode()
    return not column.dtype.is_float() or bool(column.drop_nulls().is_finite().all())
