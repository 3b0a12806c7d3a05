"""The machines that kernels are tried on: the levels of x86-64 that this one has, and AArch64 where it is emulated."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import emulated
import pytest

from elman.compiler.executors.llvm.host import levels, of_level, use

Machine = Callable[[], AbstractContextManager[Any]]  # a context within which kernels are made for it and run on it

LEVELS: dict[str, Machine] = {level: partial(use, of_level(level)) for level in levels()}
every = pytest.mark.parametrize(
    "machine",
    [
        *(pytest.param(machine, id=level) for level, machine in LEVELS.items()),
        pytest.param(
            emulated.machine,
            id="aarch64",
            marks=pytest.mark.skipif(bool(emulated.WHY_NOT), reason=f"{emulated.WHY_NOT} not installed"),
        ),
    ],
)
