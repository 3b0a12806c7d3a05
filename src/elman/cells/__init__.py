"""What a recurrence is: ``cell.py`` is the contract, each other file holds one cell, and its name is the registry."""

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType
from typing import TYPE_CHECKING, Any

from elman.errors import ElmanError

if TYPE_CHECKING:
    from elman.cells.cell import Cell
    from elman.cells.recurrence import name_of

_OTHERS = {"adopt", "cell", "recurrence", "remedy"}  # files that hold no cell
__all__ = ["Cell", "load", "name_of", "names"]


def __getattr__(name: str) -> Any:
    """What needs PyTorch, imported when it is used: the names of the cells are read without it."""
    if name not in ("Cell", "name_of"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{'cell' if name == 'Cell' else 'recurrence'}"), name)


def names() -> list[str]:
    """The names of all cells, as ``--cell`` and ``Recurrent`` take them.

    >>> "gru" in names()
    True
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _OTHERS)


def load(name: str) -> "type[Cell]":
    """The class of the cell with this name, or of one of the user's own: ``package.module:Class``.

    Raises:
        ElmanError: a name that no cell has, or a class that cannot be imported, with what would make it so.

    >>> load("lstm").__name__
    'LSTMCell'
    """
    if ":" in name:
        return _imported(name)
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        own = "a cell of your own is module:Class"
        raise ElmanError(f"there is no cell {name!r}; {hint}the cells are {', '.join(names())}; {own}")
    module = importlib.import_module(f"{__name__}.{name}")
    found = _cells_in(module)
    if len(found) != 1:
        raise ElmanError(f"{module.__file__} has {', '.join(found) or 'no cell'}; a file of this folder has one cell")
    return next(iter(found.values()))


def _imported(name: str) -> "type[Cell]":
    from elman.cells.cell import Cell

    place, _, path = name.partition(":")
    if not path or not all(part.isidentifier() for part in (*place.split("."), *path.split("."))):
        raise ElmanError(f"a cell of your own is module:Class, such as mypackage.cells:Leaky, not {name!r}")
    if place == "__main__":
        raise ElmanError(f"{name} is of a script that ran; put {path} into a module and import it from there")
    try:
        module = found = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise ElmanError(f"the module of the cell {name} needs {error.name}, which is not installed") from error
        raise ElmanError(
            f"the cell {name} needs the module {place}, and there is no {error.name}; install it, or name the folder "
            "that it is in by PYTHONPATH"
        ) from error
    except Exception as error:  # whatever a person's own code may raise
        raise ElmanError(
            f"the module of the cell {name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or not issubclass(found, Cell):
        own = ", ".join(_cells_in(module)) or "none"
        raise ElmanError(f"{module.__file__} has no cell {path}; the cells in it: {own}")
    return found


def _cells_in(module: ModuleType) -> "dict[str, type[Cell]]":
    """The classes of cells that a module defines, by name."""
    from elman.cells.cell import Cell

    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Cell) and value.__module__ == module.__name__
    }
