"""What a step must give and may have in it, and where in the user's code the step that does not is written."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from elman.errors import ElmanError


def place_of(code: Any) -> str:
    """The file and line of a class or function, or its name where it has no file.

    >>> place_of(place_of).rpartition(":")[0].endswith("contract.py")
    True
    """
    code = inspect.unwrap(code)
    try:
        return f"{inspect.getsourcefile(code)}:{inspect.getsourcelines(code)[1]}"
    except (OSError, TypeError):
        return f"{code.__module__}.{code.__qualname__}"


class NotCompilable(ElmanError):
    """The step has something that the compiler does not know; the message names it and its line."""


class ContractError(ElmanError):
    """A step gives something else than its output and its new states; the message has its file and line."""


def broken(cell: nn.Module, what: str) -> ContractError:
    """The error that a cell's step does not keep to the contract."""
    wanted = ", ".join(["output", *(f"new {name}" for name in cell.states)])  # type: ignore[union-attr]
    step = type(cell).step  # type: ignore[attr-defined]
    return ContractError(f"{place_of(step)}: {type(cell).__name__}.step returns ({wanted}), and this one {what}")


def check_results(cell: nn.Module, results: Any, batch: int) -> None:
    """Refuse what a step of ``cell`` returned for a batch if it is not the output and the new states, each a row.

    Raises:
        ElmanError: not as many as there must be, or one of another shape, with the step's file and line.
    """
    check_number(cell, results)
    for name, width, result in zip(results_of(cell), widths_of(cell), results, strict=True):
        shape = list(result.shape) if isinstance(result, Tensor) else None
        if shape is None:
            raise broken(cell, f"gives {type(result).__name__} as {name}")
        if shape != [batch, width]:
            raise broken(cell, f"gives {name} of {shape} where {[batch, width]} is right")
        if not result.is_floating_point():
            raise broken(cell, f"gives {name} of {result.dtype}, which has no gradient, where floats are right")


def check_number(cell: nn.Module, results: Any) -> None:
    """Refuse results that are not one tuple of the output and as many states as the step takes."""
    wanted = len(results_of(cell))
    if not isinstance(results, tuple | list):
        given = "a generator" if isinstance(results, Iterator) else "one value"
        raise broken(cell, f"gives {given} and no tuple")
    if len(results) != wanted:
        raise broken(cell, f"gives {len(results)} values where {wanted} are right")


def results_of(cell: nn.Module) -> Sequence[str]:
    """What a step gives, in words."""
    return ["the output", *(f"the new {name}" for name in cell.states)]  # type: ignore[union-attr]


def widths_of(cell: nn.Module) -> Sequence[int]:
    """The columns of what a step gives."""
    return [cell.output_size, *cell.state_sizes]  # type: ignore[list-item, misc]
