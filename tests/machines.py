"""The machines that kernels are tried on: the levels of x86-64 that this one has, AArch64 in an emulator, and Windows.

Of Windows there is the way in which functions are called and linked, and nothing else of it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import as_on_windows
import emulated
import pytest

from elman.compiler.executors.llvm.host import levels, of_level, use

Machine = Callable[[], AbstractContextManager[Any]]  # a context within which kernels are made for it and run on it

LEVELS: dict[str, Machine] = {level: partial(use, of_level(level)) for level in levels()}
OTHERS = {"aarch64": (emulated.machine, emulated.WHY_NOT), "windows": (as_on_windows.machine, as_on_windows.WHY_NOT)}
every = pytest.mark.parametrize(
    "machine",
    [
        *(pytest.param(machine, id=level) for level, machine in LEVELS.items()),
        *(
            pytest.param(machine, id=name, marks=pytest.mark.skipif(bool(lacking), reason=f"there is no {lacking}"))
            for name, (machine, lacking) in OTHERS.items()
        ),
    ],
)
