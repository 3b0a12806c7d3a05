"""What cells are tried on: awkward sizes, and random inputs to go with them."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor

from elman.cells.recurrence import Recurrence

FLAG = (False, True)
Make = Callable[..., Recurrence]  # one from input_size, hidden_size and the keywords bias and dtype


@dataclass(frozen=True)
class Case:
    """Sizes and the kind of input of one run.

    >>> str(Case(7, 3, 5, torch.float64, reverse=True, lengths=True, resets=False, bias=True))
    'T7-B3-H5-float64-reverse-lengths-bias'
    """

    time: int
    batch: int
    hidden: int
    dtype: torch.dtype
    reverse: bool
    lengths: bool
    resets: bool
    bias: bool

    def __str__(self) -> str:
        flags = [name for name in ("reverse", "lengths", "resets", "bias") if getattr(self, name)]
        sizes = f"T{self.time}-B{self.batch}-H{self.hidden}-{str(self.dtype).removeprefix('torch.')}"
        return "-".join([sizes, *flags])


def covering(*factors: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Few combinations in which every two values of every two factors meet at least once, found greedily."""
    columns = list(combinations(range(len(factors)), 2))

    def pairs(row: tuple[Any, ...]) -> set[tuple[Any, ...]]:
        return {(i, j, row[i], row[j]) for i, j in columns}

    rows = list(product(*factors))
    missing = set().union(*map(pairs, rows))
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(missing & pairs(row)))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


CASES = [
    Case(*row)
    for row in covering((7, 1, 63), (3, 1, 17), (5, 1, 33, 64), (torch.float64, torch.float32), FLAG, FLAG, FLAG, FLAG)
]


@dataclass
class Given:
    """A cell with all that it is run on."""

    cell: Recurrence
    x: Tensor  # [B, T, I]
    state: tuple[Tensor, ...]
    run: dict[str, Any]  # lengths, resets, reverse
    extras: dict[str, Tensor]

    @property
    def leaves(self) -> dict[str, Tensor]:
        """Everything that has a gradient, by name."""
        state = dict(zip((f"state {name}" for name in self.cell.states), self.state, strict=True))
        return {"x": self.x, **state, **self.extras, **dict(self.cell.named_parameters())}

    def to(self, dtype: torch.dtype) -> "Given":
        """The same in another dtype."""

        def copy(leaf: Tensor) -> Tensor:
            return leaf.detach().to(dtype).requires_grad_()

        extras = {name: copy(value) for name, value in self.extras.items()}
        return Given(deepcopy(self.cell).to(dtype), copy(self.x), tuple(map(copy, self.state)), self.run, extras)


def given(make: Make, case: Case, input_size: int = 3) -> Given:
    """A random cell, input, state, lengths (with a zero and a full one), resets and extra inputs."""
    cell = make(input_size, case.hidden, bias=case.bias, dtype=case.dtype)
    shape = case.batch, case.time
    lengths = torch.randint(0, case.time + 1, (case.batch,))
    lengths[0] = case.time
    lengths[1:2] = 0
    run = {
        "reverse": case.reverse,
        "lengths": lengths if case.lengths else None,
        "resets": torch.rand(shape) < 0.3 if case.resets else None,
    }
    extras = random_extras(cell, *shape)
    state = random_state(cell, case.batch)
    x = torch.randn(*shape, input_size, dtype=case.dtype)
    for leaf in (x, *state, *extras.values()):
        leaf.requires_grad_()
    return Given(cell, x, state, run, extras)


def random_extras(cell: Recurrence, *shape: int) -> dict[str, Tensor]:
    """An extra input for each that the cell takes; positive, since it may be a gap of time."""
    sizes = {name: cell.extra_sizes.get(name, 1) for name in cell.extra_inputs}
    return {name: torch.rand(*shape, size, dtype=cell.like.dtype) + 0.1 for name, size in sizes.items()}


def random_state(cell: Recurrence, batch: int) -> tuple[Tensor, ...]:
    """A state as the cell itself reaches it from its initial one, since not every tensor need be a state of it."""
    state = cell.initial_state(batch)
    with torch.no_grad():
        for _ in range(3):
            x = cell.project(2 * torch.randn(batch, cell.input_size, dtype=cell.like.dtype))
            _, *new = cell.step(x, *state, **random_extras(cell, batch))
            state = tuple(new)
    return tuple(part.clone() for part in state)


def pull(leaves: Mapping[str, Tensor], *results: Tensor) -> dict[str, Tensor]:
    """The gradient of every leaf, for fixed random weights on every element of ``results``."""
    weights = torch.Generator().manual_seed(1)
    loss = torch.stack(
        [(r * torch.randn(r.shape, generator=weights, dtype=torch.float64).to(r.dtype)).sum() for r in results]
    ).sum()
    grads = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, grads, strict=True))
