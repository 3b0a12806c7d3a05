"""What several remedies ask of their numbers and of a cell."""

from numbers import Real
from typing import Any

from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.errors import ElmanError


def check_number(what: str, value: Any, low: float, high: float = float("inf")) -> None:
    """Refuse what is not a number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        limits = f"from {low:g} to {high:g}" if high < float("inf") else f"of at least {low:g}"
        raise ElmanError(f"{what} must be a number {limits}, not {value!r}")


def check_gates(cell: Any, remedy: object) -> None:
    """Refuse a recurrence whose gates nobody knows but itself."""
    if not isinstance(cell, Cell):
        raise ElmanError(
            f"{type(remedy).__name__} is for a cell with gates of its own, and this is an {cell._get_name()}, whose "
            "gates are within its step; do it there"
        )


def recurrent_matrix(cell: Cell, remedy: object) -> nn.Parameter:
    """The parameter ``weight_hh``, refused where it is not a matrix."""
    weight = cell._parameters.get("weight_hh")
    if weight is None or weight.dim() != 2:
        found = "has no weight_hh" if weight is None else f"has a weight_hh of {list(weight.shape)}, a number a unit"
        raise ElmanError(
            f"{type(remedy).__name__} is for a cell with a recurrent matrix; {type(cell).__name__} {found}"
        )
    return weight


def own_parameter(cell: Cell, name: str, size: int) -> Tensor:
    """The cell's parameter of this name, which it is given if it has none."""
    if name not in cell._parameters:
        cell.register_parameter(name, nn.Parameter(cell.like.new_empty(size)))
    return cell.get_parameter(name)
