"""What the laws of this project run over: every cell and executor that there is."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, Protocol

import pytest
import torch
from torch import Tensor

from elman import cells
from elman.cells import Cell
from elman.compiler import executors, plan
from elman.testing import Check, assert_close
from elman.testing import cases as shipped
from elman.testing.cases import FLAG, Case, Given, covering, pull, random_extras, random_state
from elman.testing.truth import truth

__all__ = [
    "EXECUTORS", "FLAG", "OPTIONS", "Case", "Given", "Variant", "assert_equal_to_the_loop", "covering", "given",
    "params", "pull", "random_extras", "random_state", "results", "truth", "variants",
]  # fmt: skip

# by name, a context within which every cell is run by that executor, of those that run something on the CPU
EXECUTORS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    name: partial(plan.use, name)
    for name in executors.names()
    if not executors.load(name).objection(torch.zeros(1, 1, 1))
}

# the options of a cell that make another recurrence of it; the laws run over the cell with and without them
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "elman": [{"nonlinearity": "relu"}],
    "lif": [{"recurrent": False}],
    "slstm": [{"forget": "exp"}],
}


class Variant(NamedTuple):
    """A cell by name, and options for it."""

    name: str
    options: dict[str, Any]

    def __str__(self) -> str:
        return "-".join([self.name, *(str(value) for value in self.options.values())])

    def make(self, input_size: int = 3, hidden_size: int = 4, **options: Any) -> Cell:
        return cells.load(self.name)(input_size, hidden_size, **self.options, **options)


def variants() -> list[Variant]:
    return [Variant(name, options) for name in cells.names() for options in [{}, *OPTIONS.get(name, [])]]


def params(variant: Variant, checks: Iterable[Check]) -> list[Any]:
    """The checks of a variant as parameters; of each law the first case is quick, where its kernels are soon made."""
    found, seen = [], set()
    for check in checks:
        law, executor = check.name.split("-")[0], check.name.rpartition("-")[2]
        slow = (law, executor) in seen or law.startswith(("gradients_are", "second_derivatives", "trajectory"))
        seen.add((law, executor))
        found.append(pytest.param(check, id=f"{variant}-{check.name}", marks=[pytest.mark.slow] if slow else []))
    return found


class Kind(Protocol):
    """A cell with its options, or a throwaway one."""

    def make(self, input_size: int = ..., hidden_size: int = ..., **options: Any) -> Cell: ...


def given(kind: Kind, case: Case, input_size: int = 3) -> Given:
    """A random cell of this kind with all that it is run on."""
    return shipped.given(kind.make, case, input_size)


def results(some: Given, executor: str) -> dict[str, Tensor]:
    """Outputs, last states and all gradients by one executor."""
    with plan.use(executor):
        outputs, final = some.cell(some.x, some.state, **some.run, **some.extras)
        final = (final,) if isinstance(final, Tensor) else final
        gradients = pull(some.leaves, outputs, *final)
    last = {f"final {name}": part for name, part in zip(some.cell.states, final, strict=True)}
    return {"outputs": outputs, **last, **{f"the gradient of {name}": g for name, g in gradients.items()}}


def assert_equal_to_the_loop(some: Given) -> None:
    rough, exact = (results(some.to(dtype), "eager") for dtype in (torch.float32, torch.float64))
    for name, value in results(some, "llvm").items():
        assert_close(value, exact[name], name, rough[name])
