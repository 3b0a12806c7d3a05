"""What the laws run over: every cell and executor, awkward sizes, and random inputs to go with them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from elman import cells
from elman.cells import Cell
from elman.compiler import plan

# by name, a context within which every cell is run by that executor
EXECUTORS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "eager": lambda: plan.use("eager"),
    "llvm": lambda: plan.use("llvm"),
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


@dataclass(frozen=True)
class Case:
    """Sizes and the kind of input of one run."""

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


FLAG = (False, True)
CASES = [
    Case(*row)
    for row in covering((7, 1, 63), (3, 1, 17), (5, 1, 33, 64), (torch.float64, torch.float32), FLAG, FLAG, FLAG, FLAG)
]


@dataclass
class Given:
    """A cell with all that it is run on."""

    cell: Cell
    x: Tensor  # [B, T, I]
    state: tuple[Tensor, ...]
    run: dict[str, Any]  # lengths, resets, reverse
    streams: dict[str, Tensor]

    @property
    def leaves(self) -> dict[str, Tensor]:
        """Everything that has a gradient, by name."""
        state = dict(zip((f"state {name}" for name in self.cell.states), self.state, strict=True))
        return {"x": self.x, **state, **self.streams, **dict(self.cell.named_parameters())}

    def to(self, dtype: torch.dtype) -> "Given":
        """The same in another dtype."""

        def copy(leaf: Tensor) -> Tensor:
            return leaf.detach().to(dtype).requires_grad_()

        streams = {name: copy(value) for name, value in self.streams.items()}
        return Given(deepcopy(self.cell).to(dtype), copy(self.x), tuple(map(copy, self.state)), self.run, streams)


def given(variant: Variant, case: Case, input_size: int = 3) -> Given:
    """A random cell, input, state, lengths (with a zero and a full one), resets and streams."""
    cell = variant.make(input_size, case.hidden, bias=case.bias, dtype=case.dtype)
    shape = case.batch, case.time
    lengths = torch.randint(0, case.time + 1, (case.batch,))
    lengths[0] = case.time
    lengths[1:2] = 0
    run = {
        "reverse": case.reverse,
        "lengths": lengths if case.lengths else None,
        "resets": torch.rand(shape) < 0.3 if case.resets else None,
    }
    streams = random_streams(cell, *shape)
    state = random_state(cell, case.batch)
    x = torch.randn(*shape, input_size, dtype=case.dtype)
    for leaf in (x, *state, *streams.values()):
        leaf.requires_grad_()
    return Given(cell, x, state, run, streams)


def random_streams(cell: Cell, *shape: int) -> dict[str, Tensor]:
    """A stream for each that the cell takes; positive, since it may be a gap of time."""
    sizes = {name: cell.stream_sizes.get(name, 1) for name in cell.streams}
    return {name: torch.rand(*shape, size, dtype=cell.weight_ih.dtype) + 0.1 for name, size in sizes.items()}


def random_state(cell: Cell, batch: int) -> tuple[Tensor, ...]:
    """A state as the cell itself reaches it from its initial one, since not every tensor need be a state of it."""
    state = cell.initial_state(batch)
    with torch.no_grad():
        for _ in range(3):
            x = cell.project(2 * torch.randn(batch, cell.input_size, dtype=cell.weight_ih.dtype))
            _, *new = cell.step(x, *state, **random_streams(cell, batch))
            state = tuple(new)
    return tuple(part.clone() for part in state)


class Truth(NamedTuple):
    """What a run must give."""

    outputs: Tensor  # [B, T, O]
    final: tuple[Tensor, ...]  # each [B, S]
    states: tuple[Tensor, ...]  # each [B, T, S]


def truth(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    *,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    reverse: bool = False,
    streams: Mapping[str, Tensor] | None = None,
) -> Truth:
    """Run a cell as plainly as can be: each row alone, cut to its length and into segments, one step after another."""
    batch, time = x.shape[:2]
    initial = cell.initial_state(1)
    outputs = [[x.new_zeros(cell.output_size)] * time for _ in range(batch)]
    states = [[tuple(part[b] for part in state)] * time for b in range(batch)]
    finals = []
    for b in range(batch):
        row = tuple(part[b : b + 1] for part in state)
        length = time if lengths is None else int(lengths[b])
        for fresh, steps in _segments(length, None if resets is None else resets[b], reverse):
            row = initial if fresh else row
            for t in steps:
                now = {name: (v[b : b + 1, t] if v.dim() == 3 else v[b : b + 1]) for name, v in (streams or {}).items()}
                output, *new = cell.step(cell.project(x[b : b + 1, t]), *row, **now)
                row = tuple(new)
                outputs[b][t] = output[0]
                states[b][t] = tuple(part[0] for part in row)
        for t in () if reverse else range(length, time):
            states[b][t] = tuple(part[0] for part in row)
        finals.append(row)
    return Truth(
        torch.stack([torch.stack(row) for row in outputs]),
        tuple(torch.cat(parts) for parts in zip(*finals, strict=True)),
        tuple(
            torch.stack([torch.stack([now[k] for now in row]) for row in states]) for k in range(len(cell.state_sizes))
        ),
    )


def _segments(length: int, resets: Tensor | None, reverse: bool) -> Iterator[tuple[bool, list[int]]]:
    """The segments of a row in the order they are run, each with whether it starts from the initial state."""
    steps = list(range(length))
    cuts = [t for t in steps if resets is not None and resets[t]]
    edges = [0, *(t for t in cuts if t), length]
    segments = [steps[start:end] for start, end in pairwise(edges)]
    if reverse:
        segments = [list(reversed(segment)) for segment in reversed(segments)]
    for k, segment in enumerate(segments):
        # the first segment goes on from the state it is given, unless a reset stands before its own first step
        yield k > 0 or (not reverse and 0 in cuts), segment


def pull(leaves: Mapping[str, Tensor], *results: Tensor) -> dict[str, Tensor]:
    """The gradient of every leaf, for fixed random weights on every element of ``results``."""
    weights = torch.Generator().manual_seed(1)
    loss = sum((r * torch.randn(r.shape, generator=weights, dtype=torch.float64).to(r.dtype)).sum() for r in results)
    assert isinstance(loss, Tensor)
    grads = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, grads, strict=True))
