"""What people want done: a folder a task, whose name is the registry; the contract is ``training/task.py``.

``task.py`` of a folder holds the task, the files beside it what it alone needs. No task imports another.
"""

import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from elman.errors import ElmanError

if TYPE_CHECKING:
    from elman.training.task import Task


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
    if name not in names():
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ElmanError(f"there is no task {name!r}; {hint}the tasks are {', '.join(names())}")
    from elman.training.task import Task

    module = importlib.import_module(f"{__name__}.{name}.task")
    (task,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Task) and value.__module__ == module.__name__
    )
    return task


def restore(folder: str | Path) -> "Task":
    """The trained task that a model folder holds, ready to use.

    Raises:
        ElmanError: no model folder, a file that is missing or damaged, or a folder of a newer version.
    """
    from elman.training.task import read_model

    return read_model(Path(folder), load)
