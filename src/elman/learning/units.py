"""Whether the derivative of a step keeps to the units, and how it is made to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from elman.cells.cell import Cell
from elman.cells.recurrence import view
from elman.cells.remedy import StepRemedy
from elman.compiler.program import Program, Value
from elman.errors import counted


@lru_cache(maxsize=256)
def entangled(text: str) -> str:
    """Why a parameter or an old state of one unit reaches the new state of another in a step; empty if none does.

    Then the derivative of the state by all parameters is as large as the parameters, and not as many times as there
    are units. What is detached has no derivative. Takes the text of a Program that is not fused.
    """
    program = Program.read(text)
    sizes = set(program.states.values())
    if len(sizes) > 1:
        return f"the states have {' and '.join(map(str, sorted(sizes)))} units"
    (size,) = sizes
    owned: list[bool] = []  # by a unit: a state, a product of parameters, and what is made from these
    for value in program.values:
        made = value.op != "detach" and any(owned[a] for a in value.args)
        owned.append(made or value.op in ("x", "state", "vector", "mix"))
    reached = _differentiable(program)
    for value in reached:
        if value.op == "mix" and (value.transposed or owned[value.args[0]]):
            return "a matrix product mixes the units"
        if value.op == "sum" and owned[value.args[0]]:
            return "a sum goes over the units"
    for value in reached:
        if value.op == "cat" or (value.op in ("x", "vector", "slice") and (value.width != size or value.offset % size)):
            return f"{counted(value.width, 'columns')} of {value.op} cannot be those of the {size} units"
    return ""


def _differentiable(program: Program) -> list[Value]:
    """The values that the new states have a derivative by, in order."""
    todo, found = [program.results[f"state:{name}"] for name in program.states], set[int]()
    while todo:
        i = todo.pop()
        if i not in found:
            found.add(i)
            if program.values[i].op != "detach":
                todo.extend(program.values[i].args)
    return [program.values[i] for i in sorted(found)]


@dataclass(frozen=True)
class Untangled(StepRemedy):
    """The same step with another derivative: none through ``Cell.recurrent``, or none but each unit's by itself.

        W_hh h  ->  W_hh detach(h)                                   nothing of it
        W_hh h  ->  W_hh detach(h) + diag(W_hh) * (h - detach(h))    each unit's own, ``own``

    ``diag`` is that of each gate's square block, so that ``weight_hh`` has its own derivative, and ``h`` this one.
    """

    own: bool

    def start(self, cell: Cell) -> None:
        """Nothing: there are no parameters to fill."""

    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Cell, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        def recurrent(h: Tensor, *gates: str) -> Tensor:
            cut = h.detach()
            share = cell.recurrent(cut, *gates)
            if not self.own:
                return share
            gates, size = gates or cell.gates, cell.hidden_size
            rows = cell.rows(*gates)
            diagonal = cell.weight_hh[rows].view(len(gates), size, size).diagonal(dim1=1, dim2=2).reshape(-1)
            return share + diagonal * torch.cat([h - cut] * len(gates), -1)

        return step(view(cell, recurrent=recurrent) if cell.dense else cell, x, *state, **extras)
