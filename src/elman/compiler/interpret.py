"""A Program as a loop of PyTorch's own operations: what kernels have no derivative of, or cannot be given."""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.compiler.executor import Run, Sequences
from elman.compiler.executors import eager
from elman.compiler.ops import OPS, block_product
from elman.compiler.program import Program, Value
from elman.compiler.tensors import told
from elman.compiler.trace import Traced
from elman.errors import ElmanError


def run(program: Program, s: Sequences, resets: Tensor | None) -> Run:
    """Run a Program that is not fused, in any mode of PyTorch and with derivatives of any order and kind."""
    x, extras = eager.without_padding(s.x, s.extras, s.lengths)
    return eager.run(
        step_of(program, s.operands),
        F.linear(x, s.weight, s.bias),
        tuple(s.first),
        tuple(s.initial),
        lengths=s.lengths,
        resets=resets,
        reverse=s.reverse,
        extras=extras,
    )


def operands_of(traced: Traced, module: nn.Module) -> list[Tensor]:
    """The operands of a module's step, as it has them now.

    Raises:
        ElmanError: one of another shape than it had when the step was read.
    """
    found = traced.evaluate(module)
    for (name, shape), own in zip(traced.program.operands.items(), found, strict=True):
        if own.shape != shape:
            raise ElmanError(f"{name} is {told(own)}, where {list(shape)} is right")
    return found


def step_of(program: Program, operands: Mapping[str, Tensor]) -> Callable[..., tuple[Tensor, ...]]:
    """The step of a Program with these operands: ``step(x, *states, **extras) -> (output, *new_states)``."""

    def step(x: Tensor, *states: Tensor, **extras: Tensor) -> tuple[Tensor, ...]:
        leaves = {"x ": x, **{f"extra {name}": value for name, value in extras.items()}}
        leaves |= {f"state {name}": value for name, value in zip(program.states, states, strict=True)}
        values: list[Tensor] = []
        for value in program.values:
            values.append(_value(value, [values[a] for a in value.args], leaves, operands, x))
        return tuple(values[program.results[name]] for name in ("output", *(f"state:{n}" for n in program.states)))

    return step


def _value(
    v: Value, args: Sequence[Tensor], leaves: Mapping[str, Tensor], operands: Mapping[str, Tensor], like: Tensor
) -> Tensor:
    columns = slice(v.offset, v.offset + v.width)
    match v.op:
        case "constant":
            return like.new_full((len(like), 1), v.number)
        case "vector":
            return operands[v.name].reshape(-1)[columns].expand(len(like), -1)
        case "x" | "state" | "extra":
            return leaves[f"{v.op} {v.name}"][:, columns]
        case "slice":
            return args[0][:, columns]
        case "cat":
            return torch.cat(list(args), -1)
        case "sum":
            return args[0].sum(-1, keepdim=True)
        case "widen":
            return args[0].expand(-1, v.width)
        case "mix":
            matrix = operands[v.name] if v.transposed else operands[v.name].mT
            return args[0] @ matrix if matrix.dim() == 2 else block_product(args[0], matrix)
    return OPS[v.op].eager(*args)
