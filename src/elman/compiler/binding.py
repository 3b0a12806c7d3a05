"""How to do again what a call of a stack of cells did: by kernels alone, from addresses to addresses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import torch
from torch import Tensor

from elman.compiler import plan
from elman.compiler.calls import Calls, Learning, Owner, Place, Plan, Stage
from elman.compiler.compiled import Compiled, Plain
from elman.compiler.parts import Parts, Scan
from elman.compiler.scan import backward
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
        if calls.due(x):
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
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, *states, *owner.values())):
        return _learn(call, zeros)
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
        _, step = _step(call, member)
        small = step and step.kernels.small((batch, time, features), x_axes, axes, bool(direction))
        given = None if step is None or small is None else _found(_places(call, index, step, zeros), small.order)
        if small is None or given is None:
            return
        yield Stage(small, given, x, (output, direction * member.cell.output_size * size))
        if direction == stack.directions - 1:
            x, x_axes, features = (output, 0), axes, width


def _step(call: _Call, member: Member) -> tuple[str, Plain | None]:
    """The executor of a cell and what it runs; None where more than kernels is needed."""
    cell, mode = member.cell, (member.cell.training, ())
    executor = plan.choose(cell, mode, call.x)
    return executor.name, executor.plain(cell, mode, call.x.dtype) if isinstance(executor, Compiled) else None


def _found(places: Mapping[str, Place], names: Sequence[str]) -> tuple[Place, ...] | None:
    return tuple(places[name] for name in names) if all(name in places for name in names) else None


def _of_parameters(call: _Call, member: Member, step: Plain) -> dict[str, Place]:
    """Where the weight, the bias and the operands are, as far as they are parameters."""
    numbers, _ = call.numbers()
    here = {name: (numbers[own], 0) for name, own in member.names.items() if own in numbers}
    places = {"bias": here.get("bias_ih", (0, 0))}
    if "weight_ih" in here:
        places["weight"] = here["weight_ih"]
    for operand, source in zip(step.kernels.program.operands, step.sources, strict=True):
        if source in here:
            places |= {f"{kind} {operand}": here[source] for kind in ("matrix", "vector")}
    return places


def _places(call: _Call, index: int, step: Plain, zeros: Tensor) -> dict[str, Place]:
    """Where what the kernels of a cell take is, as far as it is a tensor of the call."""
    member, (_, outputs) = call.stack.members[index], call.numbers()
    places, sizes = _of_parameters(call, member, step), member.cell.state_sizes
    for n, (name, width) in enumerate(zip(step.kernels.program.states, sizes, strict=True)):
        start = index * call.shape[0] * width * call.x.element_size()
        places[f"last {name}"] = outputs + 1 + n, start
        first = (2 + n, start) if call.states else (0, zeros.data_ptr())
        places[f"first {name}"] = places[f"initial {name}"] = first
    return places


def _learn(call: _Call, zeros: Tensor) -> Plan | None:
    """How to do again a call for a gradient, of one cell alone whose input and outputs are in one piece."""
    (member,), (_, outputs) = call.stack.members[:1], call.numbers()
    if len(call.stack.members) > 1 or not (call.x.is_contiguous() and call.outputs.is_contiguous()):
        return None
    executor, step = _step(call, member)
    both = step and step.kernels.learning(call.shape, call.axes(call.x), call.axes(call.outputs), False)
    if not (step and both):
        return None
    forward, back = both
    given = _found(_places(call, 0, step, zeros), forward.order)
    names = ["weight", "bias", *(f"matrix {name}" for name in step.kernels.program.operands)]
    numbers = {name: number for name, (number, _) in _of_parameters(call, member, step).items()}
    if given is None or any(name not in numbers for name in names):
        return None
    places, spare = _places_back(call, step)
    way = _found(places, back.order)
    if way is None:
        return None
    targets = tuple(places["no bias"] if not numbers[name] else (outputs - 1 + numbers[name], 0) for name in names)
    used = frozenset({1, *range(2, 2 + len(call.states)), *(numbers[name] for name in names)})
    otherwise = _Otherwise(call, Scan(executor, step.program, False, 1), [numbers[name] for name in names])
    learning = Learning(back, way, targets, used, 2 + len(call.states), spare, otherwise)
    return Plan([Stage(forward, given, (1, 0), (outputs, 0))], [], zeros, learning)


def _places_back(call: _Call, step: Plain) -> tuple[dict[str, Place], int]:
    """Where what the way back takes is, in the numbers of ``Learning``, and the size of the buffer that it needs."""
    (member,), (_, outputs) = call.stack.members, call.numbers()
    places, program, batch = _of_parameters(call, member, step), step.kernels.program, call.shape[0]
    given, spare = outputs - 1, 0
    unwanted = {"no bias": program.x_width}
    for n, (name, width) in enumerate(program.states.items()):
        places[f"first {name}"] = 2 * given + 2 + n, 0
        unwanted[f"initial {name}"] = batch * width
        if call.states:
            places[f"last {name}"] = given + 2 + n, 0
        else:
            unwanted[f"last {name}"] = batch * width
    for name, size in unwanted.items():
        places[name] = 2 * given + 2 + len(call.last), spare * call.x.element_size()
        spare += size
    return places, spare


class _Otherwise:
    """The way back by the operation of PyTorch, which has derivatives of its own.

    Args:
        call: one like those that come.
        numbers: of the weight, the bias and the operands among the tensors, 0 for none.
    """

    def __init__(self, call: _Call, scan: Scan, numbers: Sequence[int]) -> None:
        self.scan, self.numbers, self.states = scan, numbers, len(call.states)
        self.alone, self.turned = call.x.dim() == 2, call.x.dim() == 3 and call.stack.steps_first
        self.widths, self.width = call.stack.members[0].cell.state_sizes, call.outputs.shape[-1]

    def __call__(
        self, tensors: Sequence[Tensor], tape: Tensor, cotangents: Sequence[Tensor | None]
    ) -> list[Tensor | None]:
        """The cotangents of what was given."""
        x = self._by_rows(tensors[0])
        batch, time, _ = x.shape
        weight, bias, *operands = (tensors[n - 1] if n else None for n in self.numbers)
        zeros = [x.new_zeros(batch, width) for width in self.widths]
        first = [t.reshape(batch, -1) for t in tensors[1 : 1 + self.states]] or zeros
        parts = Parts(x, cast(Tensor, weight), bias, cast(list[Tensor], operands), first, zeros, [], None, None)
        output, *last = cotangents
        wanted = [x.new_zeros(batch, time, self.width) if output is None else self._by_rows(output)]
        wanted += [z if t is None else t.reshape(batch, -1) for t, z in zip(last, zeros, strict=True)]
        found = Parts.of(self.scan, backward(self.scan, parts.flat(), tape, wanted))
        own: list[Tensor | None] = [None] * len(tensors)
        own[0] = found.x.reshape_as(tensors[0]) if self.alone or not self.turned else found.x.transpose(0, 1)
        for n in range(self.states):
            own[1 + n] = found.first[n].reshape_as(tensors[1 + n])
        for n, t in zip(self.numbers, (found.weight, found.bias, *found.operands), strict=True):
            if n:
                own[n - 1] = t if own[n - 1] is None else own[n - 1] + t  # pyright: ignore[reportOperatorIssue]
        return own

    def _by_rows(self, t: Tensor) -> Tensor:
        """``[B, T, S]``."""
        return t[None] if self.alone else t.transpose(0, 1) if self.turned else t
