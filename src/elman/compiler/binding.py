"""How to do again what a call of a stack of cells did: by kernels alone, from addresses to addresses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from elman.compiler import plan
from elman.compiler.calls import Calls, Owner, Place, Plan, Stage
from elman.compiler.compiled import Compiled
from elman.compiler.executor import Kernels
from elman.compiler.tensors import PLAIN

LARGE = 1 << 20  # bytes; about tensors of more Python costs nothing


@dataclass(frozen=True)
class Member:
    """A cell of a stack, and the names of its parameters in the module that is called."""

    cell: Any
    names: Mapping[str, str]


@dataclass(frozen=True)
class Stack:
    """What was called."""

    members: Sequence[Member]  # layer by layer, within a layer the forward direction before the reverse one
    directions: int = 1
    steps_first: bool = False  # whether the input is [T, B, I], not [B, T, I]; [T, I] may stand for one sequence


@dataclass(frozen=True)
class _Call:
    """Tensors of a call, in the order of their numbers."""

    stack: Stack
    owner: Owner
    x: Tensor
    states: tuple[Tensor, ...]
    outputs: Tensor
    last: tuple[Tensor, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Batch, steps and features."""
        if self.x.dim() == 2:
            return 1, self.x.shape[0], self.x.shape[1]
        first, second, features = self.x.shape
        return (second, first, features) if self.stack.steps_first else (first, second, features)

    def axes(self, t: Tensor) -> tuple[int, int]:
        """The strides of the input, or of outputs, from row to row of the batch and from step to step."""
        strides = t.stride()
        if len(strides) == 2:
            return 0, strides[0]
        return (strides[1], strides[0]) if self.stack.steps_first else (strides[0], strides[1])

    def numbers(self) -> tuple[dict[str, int], int]:
        """The numbers of the parameters by name, and that of the outputs."""
        first = 2 + len(self.states)
        names = [name for name, t in self.owner.items() if t is not None]
        return {name: first + n for n, name in enumerate(names)}, first + len(names)


def again(
    calls: Calls,
    flags: object,
    owner: Owner,
    x: Tensor,
    states: tuple[Tensor, ...],
    stack: Callable[[], Stack | None],
    run: Callable[[], tuple[Tensor, Any]],
) -> tuple[Tensor, Any]:
    """Outputs and last states: as a call like this one was bound, or by ``run``. It is for ``ordinary`` surroundings.

    Args:
        calls: of the module that is called.
        flags: what beside tensors a call depends on.
        owner: the parameters of the module, by name.
        x: the input, a tensor of no other class.
        states: those to start from, none for zeros, as ``bind`` has them.
        stack: what is called, None where more than kernels is needed. It is asked where a call is bound.
        run: the ordinary way.
    """
    flags = flags, plan.forced()
    found = calls.run(flags, owner, x, states)
    if found is None:
        found = run()
        if calls.due(owner, x, states):
            called = stack()
            how = called and bind(called, owner, x, states, found)
            if how:
                calls.add(flags, owner, x, states, found, how)
    return found


def bind(stack: Stack, owner: Owner, x: Tensor, states: tuple[Tensor, ...], made: tuple[Tensor, Any]) -> Plan | None:
    """How to do again what a call did; None where it is not small, or where more than kernels is needed.

    Args:
        owner: the parameters of the module that was called, by name.
        states: those that were given, none where the call began with zeros, each ``[cells, B, S]``, without its first
            axis where there is one cell.
        made: outputs and last states.
    """
    outputs, last = made
    call = _Call(stack, owner, x, states, outputs, (last,) if isinstance(last, Tensor) else tuple(last))
    if not _readable(call):
        return None
    batch, time, _ = call.shape
    widths = [member.cell.output_size for member in stack.members]
    between = [batch * time * stack.directions * width for width in widths[: -stack.directions : stack.directions]]
    zeros = x.new_zeros(batch * max(max(member.cell.state_sizes) for member in stack.members))
    stages = list(_stages(call, zeros))
    return Plan(stages, between, zeros) if len(stages) == len(stack.members) else None


def _readable(call: _Call) -> bool:
    """Whether all tensors are such that kernels read and write them as they lie."""
    whole = [*call.states, *(t for t in call.owner.values() if t is not None), *call.last]
    rows = [call.x, call.outputs]
    return (
        all(
            type(t) in PLAIN and t.dtype == call.x.dtype and t.is_cpu and t.layout is torch.strided and not t.is_neg()
            for t in (*whole, *rows)
        )
        and all(t.is_contiguous() for t in whole)
        and all(t.stride(-1) == 1 or t.shape[-1] == 1 for t in rows)
        and prod(call.shape) > 0
        and max(t.nbytes for t in (call.outputs, *call.last)) < LARGE
    )


def _stages(call: _Call, zeros: Tensor) -> Iterator[Stage]:
    """The runs of all cells, as far as kernels run them."""
    stack, (batch, time, features), size = call.stack, call.shape, call.x.element_size()
    _, outputs = call.numbers()
    count, inner = len(stack.members), outputs + 1 + len(call.last)
    x, x_axes = (1, 0), call.axes(call.x)
    for index, member in enumerate(stack.members):
        layer, direction = divmod(index, stack.directions)
        width = stack.directions * member.cell.output_size
        if index + stack.directions >= count:
            output, axes = outputs, call.axes(call.outputs)
        else:
            output, axes = inner + layer, (time * width, width)
        cell, mode = member.cell, (member.cell.training, ())
        executor = plan.choose(cell, mode, call.x)
        known = executor.plain(cell, mode, call.x.dtype) if isinstance(executor, Compiled) else None
        if known is None:
            return
        kernels, sources = known
        small = kernels.small((batch, time, features), x_axes, axes, bool(direction))
        places = _places(call, index, kernels, sources, zeros)
        if small is None or any(name not in places for name in small.order):
            return
        given = tuple(places[name] for name in small.order)
        yield Stage(small, given, x, (output, direction * member.cell.output_size * size))
        if direction == stack.directions - 1:
            x, x_axes, features = (output, 0), axes, width


def _places(call: _Call, index: int, kernels: Kernels, sources: Sequence[str], zeros: Tensor) -> dict[str, Place]:
    """Where what the kernels of a cell take is, as far as it is a tensor of the call."""
    member = call.stack.members[index]
    numbers, outputs = call.numbers()
    here = {name: (numbers[own], 0) for name, own in member.names.items() if own in numbers}
    places = {"bias": here.get("bias_ih", (0, 0))}
    if "weight_ih" in here:
        places["weight"] = here["weight_ih"]
    for operand, source in zip(kernels.program.operands, sources, strict=True):
        if source in here:
            places |= {f"{kind} {operand}": here[source] for kind in ("matrix", "vector")}
    sizes = member.cell.state_sizes
    for n, (name, width) in enumerate(zip(kernels.program.states, sizes, strict=True)):
        start = index * call.shape[0] * width * call.x.element_size()
        places[f"last {name}"] = outputs + 1 + n, start
        first = (2 + n, start) if call.states else (0, zeros.data_ptr())
        places[f"first {name}"] = places[f"initial {name}"] = first
    return places
