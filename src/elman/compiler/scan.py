"""A recurrence over time as one operation of PyTorch, with everything that PyTorch asks of an operation.

In eager mode, and under the transforms of ``torch.func``, a call is an ``autograd.Function``; while PyTorch compiles,
exports, traces or fakes, it is ``torch.ops.elman.scan``. Both know one backward pass, ``scan_backward``, whose own
derivative is the backward pass of the Program's tangent. Derivatives of a higher order, and those for many cotangents
at once, are not asked of kernels: ``by_loop.py`` has them.
"""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor
from torch._functorch.utils import unwrap_dead_wrappers
from torch._subclasses.fake_tensor import DynamicOutputShapeException
from torch.utils.flop_counter import register_flop_formula

from elman.compiler import by_loop, executors, flops
from elman.compiler.derive import tangent
from elman.compiler.executor import KernelMaker, Kernels
from elman.compiler.parts import Optional, Parts, Scan
from elman.compiler.program import Program
from elman.compiler.surroundings import beyond, in_forward_mode, recorded, stands_for_another, traced, transformed
from elman.compiler.tensors import PLAIN
from elman.errors import ElmanError

_READABLE = PLAIN | {type(None)}  # numbers of another class may be elsewhere than kernels look


def kernels_of(executor: str, text: str, dtype: torch.dtype) -> Kernels:
    """The kernels of a Program, given as text, whose products are of factors of one format."""
    return _made(executor, text, dtype, cast(KernelMaker, executors.load(executor)).target)


@lru_cache(maxsize=256)
def _made(executor: str, text: str, dtype: torch.dtype, target: Hashable) -> Kernels:
    return cast(KernelMaker, executors.load(executor)).kernels(Program.read(text), dtype)


def kept_bytes(executor: str, program: str, dtype: torch.dtype) -> tuple[int, int]:
    """Bytes for each row of the batch: of the tape for a step, and of a state."""
    kernels = kernels_of(executor, program, dtype)
    return kernels.tape_width * dtype.itemsize, sum(kernels.program.states.values()) * dtype.itemsize


@lru_cache(maxsize=256)
def _tangent(text: str) -> str:
    return tangent(Program.read(text)).text


def _kernels(scan: Scan, x: Tensor) -> Kernels:
    return kernels_of(scan.executor, scan.program, torch.bfloat16 if scan.narrow else x.dtype)


def run(scan: Scan, parts: Parts) -> tuple[Tensor, list[Tensor]]:
    """Outputs ``[B, T, O]`` and the last states, by the kernels of an executor, with derivatives of any order.

    All tensors are of float32, or all of float64.
    """
    tensors = parts.flat()
    differentiable = torch.is_grad_enabled() or traced()  # a trace is the same with derivatives and without, which
    needed = differentiable and any(t is not None and t.requires_grad for t in tensors)  # jit.trace holds it to
    if torch.compiler.is_compiling() or recorded() or not _READABLE.issuperset(map(type, tensors)):
        if not torch.compiler.is_compiling():
            if not (recorded() or any(map(stands_for_another, tensors))):
                return by_loop.forward(scan, tensors)
            if torch.onnx.is_in_onnx_export():
                raise ElmanError(
                    "ONNX has no operator for a recurrence of any cell; export the torch.nn twin of an RNN, LSTM or "
                    "GRU, which takes its state_dict"
                )
        kept = replace(scan, every=scan.every * needed)
        output, _, *last = torch.ops.elman.scan(*parts.lists(), *kept.plain)
        return output, last
    if needed or transformed():
        output, _, *last = _apply(_Scan, scan, *tensors)
        return output, last
    output, last, _ = _computed(replace(scan, every=0), parts)
    return output, last


def _apply(function: type[torch.autograd.Function], *inputs: Any) -> Any:
    """``function.apply``, without the reading of a signature that PyTorch does for transforms, where there are none."""
    if not transformed():
        return super(torch.autograd.Function, function).apply(*unwrap_dead_wrappers(inputs))  # type: ignore[misc]
    return function.apply(*inputs)


def _forward(scan: Scan, tensors: Sequence[Any]) -> list[Tensor]:
    """The outputs, the tape (empty if it is not kept), and the last states."""
    output, last, kept = _computed(scan, Parts.of(scan, tensors))
    return [output, kept, *last]


def _computed(scan: Scan, parts: Parts) -> tuple[Tensor, list[Tensor], Tensor]:
    """The outputs, the last states, and the tape."""
    kernels = _kernels(scan, parts.x)
    return kernels.forward(parts.sequences(kernels.program, scan.reverse), scan.every)


def _backward(
    scan: Scan, tensors: Sequence[Any], tape: Tensor, cotangents: Sequence[Tensor], input_too: bool = True
) -> list[Any]:
    """The cotangent of each tensor, from those of the output and the last states."""
    kernels = _kernels(scan, tensors[0])
    parts = Parts.of(scan, tensors)
    sequences = parts.sequences(kernels.program, scan.reverse)
    found = kernels.backward(sequences, tape, cotangents[0], cotangents[1:], scan.every, input_too=input_too)
    bias = None if parts.bias is None else found.bias
    operands = [found.operands[name] for name in kernels.program.operands]
    extras = [found.extras[name] for name in kernels.program.extras]
    return [found.x, found.weight, bias, *operands, *found.first, *found.initial, *extras, None, None]


def _second(scan: Scan, tensors: Sequence[Any], cotangents: Sequence[Tensor], directions: Sequence[Optional]) -> Any:
    """The derivative of the backward pass along its results' cotangents, which are ``directions``.

    The backward pass is ``J' u``; of ``v' J' u`` the derivative by ``u`` is ``J v``, the tangent, and that by what
    ``J`` depends on is the tangent's own backward pass. That of a higher order is the loop's.
    """
    if not _kernels_differentiate(tensors, [*cotangents, *directions]) or torch.is_grad_enabled():
        return by_loop.second(scan, tensors, cotangents, directions)
    along = replace(scan, program=_tangent(scan.program), every=1)
    both = _tangent_tensors(scan, tensors, directions)
    output, tape, *last = _forward_op(along, both)
    count = len(cotangents) - 1
    zeros = [torch.zeros_like(state) for state in last[:count]]
    found = backward(along, both, tape, [cotangents[0], *zeros, *cotangents[1:]])
    parts, size = Parts.of(along, found), tensors[0].shape[-1]
    rows = tensors[1].shape[0]
    weight = parts.weight[:rows, :size] + parts.weight[rows:, size:]
    bias = None if parts.bias is None else parts.bias[:rows]
    groups = (parts.operands, parts.first, parts.initial, parts.extras)
    same = [tensor for group in groups for tensor in group[: len(group) // 2]]
    return [parts.x[..., :size], weight, bias, *same, None, None], [output, *last[count:]]


def _tangent_tensors(scan: Scan, tensors: Sequence[Any], directions: Sequence[Optional]) -> list[Any]:
    """What the tangent runs over: everything with its direction beside it."""
    p = Parts.of(scan, tensors)
    filled: list[Any] = [
        None if t is None or not t.is_floating_point() else torch.zeros_like(t) if d is None else d
        for t, d in zip(tensors, directions, strict=True)
    ]
    d = Parts.of(scan, filled)
    weight = torch.cat([torch.cat([p.weight, torch.zeros_like(p.weight)], 1), torch.cat([d.weight, p.weight], 1)])
    bias = None if p.bias is None or d.bias is None else torch.cat([p.bias, d.bias])
    return Parts(
        torch.cat([p.x, d.x], -1), weight, bias,
        [*p.operands, *d.operands], [*p.first, *d.first], [*p.initial, *d.initial], [*p.extras, *d.extras],
        p.lengths, p.resets,
    ).flat()  # fmt: skip


def _kernels_differentiate(tensors: Sequence[Any], cotangents: Sequence[Optional]) -> bool:
    """Whether a backward pass is one that kernels give.

    A gradient for many cotangents at once gives tensors that have no memory, without a transform that could be seen.
    """
    if torch.compiler.is_compiling() or stands_for_another(tensors[0]):
        return True
    if in_forward_mode() or beyond():
        return False
    return transformed() or all(t is None or torch._C._has_storage(t) for t in cotangents)


def _forward_op(scan: Scan, tensors: Sequence[Any]) -> list[Tensor]:
    """``_forward`` as an operation that autograd sees."""
    if torch.compiler.is_compiling() or recorded() or stands_for_another(tensors[0]):
        return torch.ops.elman.scan(*Parts.of(scan, tensors).lists(), *scan.plain)
    return list(_apply(_Scan, scan, *tensors))


def backward(
    scan: Scan, tensors: Sequence[Any], tape: Tensor, cotangents: Sequence[Tensor], input_too: bool = True
) -> list[Any]:
    """``_backward`` as an operation that autograd sees."""
    if not _kernels_differentiate(tensors, cotangents):
        return by_loop.backward(scan, tensors, cotangents)
    if torch.compiler.is_compiling() or recorded() or stands_for_another(tensors[0]):
        lists = Parts.of(scan, tensors).lists()
        found = torch.ops.elman.scan_backward(*lists, *scan.plain, tape, list(cotangents))
        return _spread(found, tensors[2] is not None)
    if not torch.is_grad_enabled() and not transformed():
        *tensors, tape = unwrap_dead_wrappers((*tensors, tape))
        return _backward(scan, tensors, tape, unwrap_dead_wrappers(tuple(cotangents)), input_too)
    return list(_apply(_ScanBackward, scan, len(tensors), *tensors, tape, *cotangents))


def _flat(lists: Sequence[Any]) -> list[Any]:
    """The flat tensors, from the lists that PyTorch's operations take."""
    x, weight, bias, operands, first, initial, extras, lengths, resets = lists
    return Parts(x, weight, bias, operands, first, initial, extras, lengths, resets).flat()


def _spread(found: Sequence[Any], bias: bool) -> list[Any]:
    """The cotangents of all tensors from those of the operation, which has none of an absent bias."""
    x, weight, *rest = found
    return [x, weight, *(rest if bias else [None, *rest]), None, None]


class _Scan(torch.autograd.Function):
    """``apply(scan, *tensors)`` gives what ``_forward`` gives."""

    @staticmethod
    def forward(scan: Scan, *tensors: Any) -> tuple[Tensor, ...]:
        return tuple(_forward(scan, tensors))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        scan, *tensors = inputs
        ctx.scan = scan
        ctx.save_for_backward(*tensors, output[1])
        ctx.save_for_forward(*tensors)
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)  # there would be zeros for the tape, which is the largest tensor of all
        ctx.shapes = [output[0].shape, *(part.shape for part in output[2:])]

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        output, _, *last = cotangents
        *tensors, tape = ctx.saved_tensors
        given = [
            tensors[0].new_zeros(shape) if cotangent is None else cotangent
            for cotangent, shape in zip((output, *last), ctx.shapes, strict=True)
        ]
        return None, *backward(ctx.scan, tensors, tape, given, ctx.needs_input_grad[1])

    @staticmethod
    def jvp(ctx: Any, *inputs: Any) -> tuple[Any, ...]:
        _, *directions = inputs
        tensors = ctx.saved_tensors
        along = replace(ctx.scan, program=_tangent(ctx.scan.program), every=1)
        output, _, *last = _forward_op(along, _tangent_tensors(ctx.scan, tensors, directions))
        return output, None, *last[len(last) // 2 :]

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        scan, *tensors = inputs
        weights = 3 + scan.counts[0]
        size = info.batch_size
        if all(d is None for d in in_dims[1 : 1 + weights][1:]):  # one set of weights: the new axis joins the batch
            moved = [
                t if t is None or 1 <= i < weights else _joined(t, d, size)
                for i, (t, d) in enumerate(zip(tensors, in_dims[1:], strict=True))
            ]
            output, _, *last = _Scan.apply(scan, *moved)
            results = [t.unflatten(0, (size, -1)) for t in (output, *last)]
            tape = output.new_empty(size, 0)
            return (results[0], tape, *results[1:]), (0,) * (len(results) + 1)
        each = [_Scan.apply(scan, *_member(tensors, in_dims[1:], i)) for i in range(size)]
        return tuple(torch.stack(group) for group in zip(*each, strict=True)), (0,) * len(each[0])


class _ScanBackward(torch.autograd.Function):
    """``apply(scan, count, *tensors, tape, *cotangents)`` gives what ``_backward`` gives."""

    @staticmethod
    def forward(scan: Scan, count: int, *rest: Any) -> tuple[Any, ...]:
        return tuple(_backward(scan, rest[:count], rest[count], rest[count + 1 :]))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.scan, ctx.count, *rest = inputs
        ctx.save_for_backward(*rest[: ctx.count], *rest[ctx.count + 1 :])

    @staticmethod
    def backward(ctx: Any, *directions: Any) -> tuple[Any, ...]:
        tensors, cotangents = ctx.saved_tensors[: ctx.count], ctx.saved_tensors[ctx.count :]
        found, by_cotangents = _second(ctx.scan, tensors, cotangents, directions)
        return None, None, *found, None, *by_cotangents

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        scan, count, *rest = inputs
        dims = list(in_dims[2:])
        each = []
        for i in range(info.batch_size):
            own = _member(rest, dims, i)
            if own[count].numel() == 0:  # the tape of a batch that was joined; each member makes its own
                own[count] = _forward(scan, own[:count])[1]
            each.append(_ScanBackward.apply(scan, count, *own))
        groups = list(zip(*each, strict=True))
        results = tuple(None if g[0] is None else torch.stack(g) for g in groups)
        return results, tuple(None if r is None else 0 for r in results)


def _joined(tensor: Tensor, dim: int | None, size: int) -> Tensor:
    """A tensor whose batch is that of all members of a ``vmap``."""
    tensor = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return tensor.flatten(0, 1)


def _member(tensors: Sequence[Any], dims: Sequence[int | None], i: int) -> list[Any]:
    return [t if d is None else t.select(d, i) for t, d in zip(tensors, dims, strict=True)]


_TENSORS = (
    "Tensor x, Tensor weight, Tensor? bias, Tensor[] operands, Tensor[] first, Tensor[] initial, Tensor[] extras, "
    "Tensor? lengths, Tensor? resets, str executor, str program, bool reverse, int every, "
    "bool narrow"
)


@torch.library.custom_op("elman::scan", mutates_args=(), schema=f"({_TENSORS}) -> Tensor[]")
def _scan_op(
    x: Tensor, weight: Tensor, bias: Optional, operands: Sequence[Tensor], first: Sequence[Tensor],
    initial: Sequence[Tensor], extras: Sequence[Tensor], lengths: Optional, resets: Optional, executor: str,
    program: str, reverse: bool, every: int, narrow: bool,
) -> list[Tensor]:  # fmt: skip
    scan = Scan(executor, program, reverse, every, narrow)
    return _forward(scan, Parts(x, weight, bias, operands, first, initial, extras, lengths, resets).flat())


@_scan_op.register_fake
def _scan_fake(
    x: Tensor, weight: Tensor, bias: Optional, operands: Sequence[Tensor], first: Sequence[Tensor],
    initial: Sequence[Tensor], extras: Sequence[Tensor], lengths: Optional, resets: Optional, executor: str,
    program: str, reverse: bool, every: int, narrow: bool,
) -> list[Tensor]:  # fmt: skip
    kernels = _kernels(Scan(executor, program, reverse, every, narrow), x)
    batch, time = x.shape[:2]
    if every > 1:
        steps = (time + every - 1) // every
        tape = x.new_empty(steps, sum(f.shape[0] * f.shape[1] for f in first))
    elif every:
        rows = batch * time + bool(kernels.tape_width)
        if lengths is not None:
            with suppress(DynamicOutputShapeException):  # where no size may be unknown, the largest stands for it
                rows = torch.library.get_ctx().new_dynamic_size()
        tape = x.new_empty(rows, kernels.tape_width)
    else:
        tape = x.new_empty(0)
    width = kernels.output_width
    output = x.new_empty(batch, time, width) if x.is_contiguous() else x.new_empty(time, batch, width).transpose(0, 1)
    return [output, tape, *(torch.empty_like(f) for f in first)]


@torch.library.custom_op(
    "elman::scan_backward", mutates_args=(), schema=f"({_TENSORS}, Tensor tape, Tensor[] cotangents) -> Tensor[]"
)
def _scan_backward_op(
    x: Tensor, weight: Tensor, bias: Optional, operands: Sequence[Tensor], first: Sequence[Tensor],
    initial: Sequence[Tensor], extras: Sequence[Tensor], lengths: Optional, resets: Optional, executor: str,
    program: str, reverse: bool, every: int, narrow: bool, tape: Tensor,
    cotangents: Sequence[Tensor],
) -> list[Tensor]:  # fmt: skip
    scan = Scan(executor, program, reverse, every, narrow)
    tensors = Parts(x, weight, bias, operands, first, initial, extras, lengths, resets).flat()
    return [g.contiguous() for g in _backward(scan, tensors, tape, cotangents) if g is not None]


@_scan_backward_op.register_fake
def _scan_backward_fake(
    x: Tensor, weight: Tensor, bias: Optional, operands: Sequence[Tensor], first: Sequence[Tensor],
    initial: Sequence[Tensor], extras: Sequence[Tensor], lengths: Optional, resets: Optional, executor: str,
    program: str, reverse: bool, every: int, narrow: bool, tape: Tensor,
    cotangents: Sequence[Tensor],
) -> list[Tensor]:  # fmt: skip
    given = [x, weight, *([] if bias is None else [bias]), *operands, *first, *initial, *extras]
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in given]


def _scan_context(ctx: Any, inputs: Any, output: Any) -> None:
    *lists, executor, program, reverse, every, narrow = inputs
    ctx.scan = Scan(executor, program, reverse, every, narrow)
    ctx.save_for_backward(*_flat(lists), output[1])


def _scan_autograd(ctx: Any, cotangents: Sequence[Tensor]) -> Any:
    *tensors, tape = ctx.saved_tensors
    found = backward(ctx.scan, tensors, tape, [cotangents[0], *cotangents[2:]])
    return *Parts.of(ctx.scan, found).lists(), *[None] * 5


def _scan_backward_context(ctx: Any, inputs: Any, output: Any) -> None:
    *lists, executor, program, reverse, every, narrow, _, cotangents = inputs
    ctx.scan = Scan(executor, program, reverse, every, narrow)
    tensors = _flat(lists)
    ctx.count = len(tensors)
    ctx.save_for_backward(*tensors, *cotangents)


def _scan_backward_autograd(ctx: Any, directions: Sequence[Optional]) -> Any:
    tensors, cotangents = ctx.saved_tensors[: ctx.count], ctx.saved_tensors[ctx.count :]
    found, by_cotangents = _second(ctx.scan, tensors, cotangents, _spread(directions, tensors[2] is not None))
    return *Parts.of(ctx.scan, found).lists(), *[None] * 6, by_cotangents


_scan_op.register_autograd(_scan_autograd, setup_context=_scan_context)
_scan_backward_op.register_autograd(_scan_backward_autograd, setup_context=_scan_backward_context)
register_flop_formula(torch.ops.elman.scan)(flops.forward)
register_flop_formula(torch.ops.elman.scan_backward)(flops.backward)
