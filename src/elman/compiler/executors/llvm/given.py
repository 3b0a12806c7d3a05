"""What a call is given, as kernels may read it: nothing is trusted before its address is taken.

A kernel knows the shapes of its Program and reads that far, whatever lies there. So every tensor is held against the
Program at every call: that it is dense, on the CPU, of the right numbers and shape. Negative and conjugate views, whose
memory holds other numbers than they show, and what does not lie in rows are copied; all else is refused by name.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from elman.compiler.executor import Sequences
from elman.compiler.program import Program
from elman.compiler.tensors import PLAIN, WHOLE, strided, told
from elman.errors import ElmanError

Shape = Sequence[int]


def fitted(s: Sequences, program: Program, dtype: torch.dtype) -> Sequences:
    """The same with contiguous weights and states, and last axes that are contiguous.

    Raises:
        ElmanError: what is not as the Program says: which, what it is, and what would be right.
    """
    if s.lengths is None and s.begins is None and not s.extras and _fits(s, program, dtype):
        return s
    batch, time, features = _sizes(s.x)
    weight, bias, lengths, begins = (program.x_width, features), (program.x_width,), s.lengths, s.begins
    return replace(
        s,
        x=_rows("x", s.x, (batch, time, features), dtype),
        weight=contiguous("weight_ih", s.weight, weight, dtype),
        bias=None if s.bias is None else contiguous("bias_ih", s.bias, bias, dtype),
        operands={name: _operand(name, s.operands[name], shape, dtype) for name, shape in program.operands.items()},
        first=states_of("state", s.first, program, batch, dtype),
        initial=states_of("initial state", s.initial, program, batch, dtype),
        extras={name: _extra(name, t, program.extras[name], batch, time, dtype) for name, t in s.extras.items()},
        lengths=None if lengths is None else _lengths(lengths, batch),
        begins=None if begins is None else contiguous("resets", begins, (batch, time), torch.bool),
    )


def _fits(s: Sequences, program: Program, dtype: torch.dtype) -> bool:
    """Whether nothing is to be copied or refused, of what has neither lengths nor resets nor extra inputs.

    This is done at every call, so that it is written for little work and not for names.
    """
    try:
        x, bias = s.x, s.bias
        batch, time, features = x.shape
        width, widths = program.x_width, program.states.values()
        tensors, shapes = [s.weight, *s.operands.values()], [(width, features), *program.operands.values()]
        if bias is not None:
            tensors.append(bias)
            shapes.append((width,))
        for first, initial, own in zip(s.first, s.initial, widths, strict=True):
            tensors.append(first)
            shapes.append((batch, own))
            if initial is not first:
                tensors.append(initial)
                shapes.append((batch, own))
        for t, shape in zip(tensors, shapes, strict=True):
            if not _whole(t, shape, dtype):
                return False
    except (AttributeError, RuntimeError, ValueError):  # such as a nested tensor, which has no shape
        return False
    return bool(batch and time) and _in_rows(x, (batch, time, features), dtype)


def contiguous(what: str, t: Any, shape: Shape, dtype: torch.dtype) -> Tensor:
    """A tensor of this shape and these numbers, contiguous."""
    return t if _whole(t, shape, dtype) else _dense(what, t, shape, dtype).contiguous()


def rows_contiguous(what: str, t: Any, shape: Shape, dtype: torch.dtype) -> Tensor:
    """A tensor of this shape and these numbers whose last axis is contiguous."""
    return t if _in_rows(t, shape, dtype) else _rows(what, t, shape, dtype)


def states_of(what: str, states: Sequence[Any], program: Program, batch: int, dtype: torch.dtype) -> list[Tensor]:
    """One contiguous ``[batch, S]`` for each state of a Program."""
    if len(states) != len(program.states):
        raise ElmanError(f"there are {len(states)} of {what}, where {len(program.states)} are right")
    widths = program.states.items()
    return [
        contiguous(f"{what} {name}", t, (batch, width), dtype) for t, (name, width) in zip(states, widths, strict=True)
    ]


def _whole(t: Any, shape: Shape, dtype: torch.dtype) -> bool:
    return _is_plain(t, shape, dtype) and t.is_contiguous()


def _in_rows(t: Any, shape: Shape, dtype: torch.dtype) -> bool:
    return _is_plain(t, shape, dtype) and (t.stride(-1) == 1 or shape[-1] == 1)


def _is_plain(t: Any, shape: Shape, dtype: torch.dtype) -> bool:
    try:
        return (
            type(t) in PLAIN
            and t.shape == shape
            and t.dtype is dtype
            and t.is_cpu
            and t.layout is torch.strided
            and not t.is_neg()
        )
    except RuntimeError:  # a nested tensor has no shape
        return False


def _sizes(x: Any) -> tuple[int, int, int]:
    if not strided(x) or x.dim() != 3 or not x.shape[0] or not x.shape[1]:
        raise ElmanError(f"x is {told(x)}, where at least one row and one step, [batch, time, features], are right")
    batch, time, features = x.shape
    return batch, time, features


def _dense(what: str, t: Any, shape: Shape, dtype: torch.dtype) -> Tensor:
    """A tensor of this shape and these numbers, that shows the numbers which its memory holds."""
    if type(t) not in PLAIN or not strided(t) or not t.is_cpu or t.dtype is not dtype or t.shape != tuple(shape):
        raise ElmanError(f"{what} is {told(t)}, where {dtype} of {list(shape)} on the CPU is right")
    return t.resolve_conj().resolve_neg()


def _rows(what: str, t: Any, shape: Shape, dtype: torch.dtype) -> Tensor:
    t = _dense(what, t, shape, dtype)
    return t if t.stride(-1) == 1 or shape[-1] == 1 else t.contiguous()


def _operand(name: str, t: Any, shape: Shape, dtype: torch.dtype) -> Tensor:
    """A matrix, or one number a unit, which may have axes of one number beside."""
    if len(shape) == 1 and strided(t) and [n for n in t.shape if n > 1] == [n for n in shape if n > 1]:
        shape = t.shape
    return contiguous(name, t, shape, dtype)


def _extra(name: str, t: Any, width: int, batch: int, time: int, dtype: torch.dtype) -> Tensor:
    constant = strided(t) and t.dim() == 2
    shape = (batch, width) if constant else (batch, time, width)
    return rows_contiguous(name, t, shape, dtype)


def _lengths(lengths: Any, batch: int) -> Tensor:
    """Whole numbers of 64 bits; that they lie between 0 and the number of steps is seen where the rows are placed."""
    if not strided(lengths) or lengths.dtype not in WHOLE or lengths.is_meta:
        raise ElmanError(f"lengths are {told(lengths)}, where whole numbers of [{batch}] are right")
    return contiguous("lengths", lengths.cpu().to(torch.int64), (batch,), torch.int64)
