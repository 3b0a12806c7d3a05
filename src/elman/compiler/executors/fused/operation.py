"""An operation of PyTorch for a whole recurrence, with all around it that it does not know of."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from elman.compiler.executor import Sequences
from elman.compiler.executors.fused.segments import Segments, segments
from elman.compiler.executors.fused.twins import Twin
from elman.compiler.executors.fused.weights import weights_of
from elman.compiler.one_piece import in_one_piece
from elman.compiler.program import Program


def segments_of(x: Tensor, lengths: Tensor | None, resets: Tensor | None, reverse: bool) -> Segments | None:
    """The segments of a batch ``x [B, T, I]``, on its device; None where each row is one of all steps.

    What lengths and resets are is asked of the device, which waits for it.
    """
    batch, time = x.shape[:2]
    lengths = None if lengths is None else lengths.cpu()
    if resets is None and (lengths is None or bool((lengths == time).all())):
        return None
    found = segments(lengths, None if resets is None else resets.cpu(), batch, time, reverse)
    return Segments(*(part if part is found.sizes else part.to(x.device) for part in found))


def run(twin: Twin, program: Program, s: Sequences, segments: Segments | None) -> list[Tensor]:
    """Outputs and last states, these in the order of the Program's."""
    weights, biased = weights_of(twin, s.weight, s.bias, s.operands)
    weights = in_one_piece(weights)
    order = [list(program.states).index(name) for name in twin.states]
    first, initial = ([part[n] for n in order] for part in (s.first, s.initial))
    train = torch.is_grad_enabled() and any(t.requires_grad for t in (s.x, *weights, *first, *initial))
    options = weights, biased, 1, 0.0, train, False  # one layer, no dropout, one direction
    call = getattr(torch, twin.kind.lower())
    if segments is None:
        outputs, last = _whole(call, s.x.flip(1) if s.reverse else s.x, first, options)
        outputs = outputs.flip(1) if s.reverse else outputs
    else:
        width = program.states[twin.states[0]]
        outputs, last = _packed(call, s.x, first, initial, segments, width, options)
    return [outputs, *(last[order.index(n)] for n in range(len(order)))]


def _whole(
    call: Callable[..., tuple[Tensor, ...]], x: Tensor, first: Sequence[Tensor], options: tuple[Any, ...]
) -> tuple[Tensor, list[Tensor]]:
    """Run rows of one segment and of all steps."""
    outputs, *last = call(x, _state(first), *options, True)
    return outputs, [part.squeeze(0) for part in last]


def _packed(
    call: Callable[..., tuple[Tensor, ...]], x: Tensor, first: Sequence[Tensor], initial: Sequence[Tensor],
    where: Segments, width: int, options: tuple[Any, ...],
) -> tuple[Tensor, list[Tensor]]:  # fmt: skip
    """Run segments, each as a row of its own. A row without a step keeps its state."""
    if not len(where.places):
        return x.new_zeros(*x.shape[:2], width), list(first)
    begin = [torch.cat([a, b]).index_select(0, where.starts) for a, b in zip(first, initial, strict=True)]
    packed = x.flatten(0, 1).index_select(0, where.places)
    made, *ends = call(packed, where.sizes, _state(begin), *options)
    outputs = made.new_zeros(x.shape[0] * x.shape[1], width).index_copy(0, where.places, made)
    last = [
        old.to(end.dtype).index_copy(0, where.rows, end.squeeze(0).index_select(0, where.last))
        for old, end in zip(first, ends, strict=True)
    ]
    return outputs.unflatten(0, x.shape[:2]), last


def _state(parts: Sequence[Tensor]) -> Any:
    """A state as the operation takes it: ``[1, B, S]``, bare where there is only one."""
    own = [part.unsqueeze(0).contiguous() for part in parts]
    return own if len(own) > 1 else own[0]
