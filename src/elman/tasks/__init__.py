"""What people want done: a folder a task, whose name is the registry; the contract is ``training/task.py``.

``task.py`` of a folder holds the task, ``options.py`` what can be chosen about it, which is read without PyTorch,
``suits.py`` how well data suits it, and the other files what it alone needs. No task imports another.
"""

import importlib
import pkgutil
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from elman.errors import ElmanError
from elman.training.options import TaskOptions

if TYPE_CHECKING:
    from elman.training.inspection import Suits
    from elman.training.task import Task

T = TypeVar("T")


def names() -> list[str]:
    """The names of all tasks, as ``elman train`` takes them.

    >>> "language" in names()
    True
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> "type[Task]":
    """The class of the task with this name.

    >>> load("language").__name__
    'LanguageTask'
    """
    _check(name)
    from elman.training.task import Task

    return _only(Task, f"{__name__}.{name}.task")


def options(name: str) -> type[TaskOptions]:
    """The options of the task with this name, a dataclass; PyTorch is not imported.

    >>> options("language").__name__
    'LanguageOptions'
    """
    _check(name)
    return _only(TaskOptions, f"{__name__}.{name}.options")


def suits(name: str) -> "Callable[[Any, Path], Suits]":
    """The function of the task with this name that says how well what it read, from where, suits it."""
    _check(name)
    return importlib.import_module(f"{__name__}.{name}.suits").suits


def summary(name: str) -> str:
    """What the task with this name does, in one line; PyTorch is not imported.

    >>> summary("language")
    'Language modelling: a text, or strings, one a line.'
    """
    _check(name)
    return (importlib.import_module(f"{__name__}.{name}").__doc__ or "").strip().splitlines()[0]


def _check(name: str) -> None:
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ElmanError(f"there is no task {name!r}; {hint}the tasks are {', '.join(names())}")


def _only(kind: type[T], name: str) -> type[T]:
    """The one class of a kind that a module itself has."""
    module = importlib.import_module(name)
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, kind) and value.__module__ == module.__name__
    )
    return found


def restore(folder: str | Path) -> "Task":
    """The trained task that a model folder holds, ready to use.

    Raises:
        ElmanError: no model folder, a file that is missing or damaged, or a folder of a newer version.
    """
    from elman.training.task import read_model

    return read_model(Path(folder), load)
