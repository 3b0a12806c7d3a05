"""What runs a recurrence: each file or folder holds one executor, and its name is the registry.

``eager.py`` is the slow truth, a plain loop over time; ``llvm/`` makes kernels for the CPU. On other devices
``fused/`` calls PyTorch's operations for a whole recurrence, ``graph/`` records the loop, and ``inductor.py`` has
``torch.compile`` make code of a step. The contract is ``compiler/executor.py``.
"""

import importlib
import pkgutil
from functools import cache

from elman.compiler.executor import Executor
from elman.errors import ElmanError


@cache
def names() -> tuple[str, ...]:
    """The names of all executors.

    >>> names()
    ('eager', 'fused', 'graph', 'inductor', 'llvm')
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


LOADED: dict[str, Executor] = {}  # by name, those that were loaded


def load(name: str) -> Executor:
    """The executor with this name.

    >>> load("llvm").name
    'llvm'
    """
    if name not in names():
        raise ElmanError(f"there is no executor {name!r}; the executors are {', '.join(names())}")
    if name not in LOADED:
        LOADED[name] = importlib.import_module(f"{__name__}.{name}").EXECUTOR
    return LOADED[name]


@cache
def ranked() -> tuple[str, ...]:
    """The names of all executors, loaded, the one that is tried first in front."""
    return tuple(sorted(names(), key=lambda name: -load(name).rank))
