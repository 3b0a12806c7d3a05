"""What a recurrence is: ``cell.py`` is the contract, each other file holds one cell, and its name is the registry."""

import importlib
import pkgutil
from difflib import get_close_matches

from elman.cells.cell import Cell
from elman.errors import ElmanError


def names() -> list[str]:
    """The names of all cells, as ``--cell`` and ``Recurrent`` take them.

    >>> "gru" in names()
    True
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "cell")


def load(name: str) -> type[Cell]:
    """The class of the cell with this name.

    >>> load("lstm").__name__
    'LSTMCell'
    """
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ElmanError(f"there is no cell {name!r}; {hint}the cells are {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    (cell,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Cell) and value.__module__ == module.__name__
    )
    return cell
