"""A function that PyTorch differentiates once, made one that can be differentiated in any order and way.

The operations of PyTorch for a whole recurrence, and what ``torch.compile`` makes, give first derivatives: a derivative
of their backward pass is an error. Here the function is run with its graph, which is kept within one node of the graph
that the user has. The backward pass of that node is the kept graph's, or, where a derivative of it may be asked for,
that of a slow function which gives the same and has derivatives of any order.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[[Sequence[Any]], Sequence[Tensor]]


def held(fast: Function, slow: Function, tensors: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """What ``fast`` gives of ``tensors``, with the first derivatives that it has, and all others of ``slow``.

    Both are functions of the tensors and of nothing else that has a gradient.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (y,) = held(lambda t: [t[0] ** 2], lambda t: [t[0] * t[0]], [x])
    >>> torch.autograd.grad(y, x)
    (tensor(6.),)
    """
    if not (torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)):
        return tuple(fast(tensors))
    return _Held.apply(fast, slow, *tensors)  # type: ignore[return-value]


class _Held(torch.autograd.Function):
    """``apply(fast, slow, *tensors)``."""

    @staticmethod
    def forward(ctx: Any, fast: Function, slow: Function, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        own = [t if t is None else t.detach().requires_grad_(t.requires_grad) for t in tensors]
        with torch.enable_grad():
            made = fast(own)
        ctx.slow, ctx.own, ctx.made = slow, own, made
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return tuple(t.detach() for t in made)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        wanted = [n for n, need in enumerate(ctx.needs_input_grad[2:]) if need]
        if torch.is_grad_enabled() or any(g is not None and not torch._C._has_storage(g) for g in cotangents):
            found = slowly(ctx.slow, ctx.saved_tensors, wanted, cotangents)
        else:
            found = gradients(ctx.made, [ctx.own[n] for n in wanted], cotangents, retain_graph=kept())
        return None, None, *spread(found, wanted, len(ctx.own))


def kept() -> bool:
    """Whether the backward pass that is going on keeps its graph, so that it may be done again."""
    return torch._C._autograd._get_current_graph_task_keep_graph()  # pyright: ignore[reportAttributeAccessIssue]


def slowly(
    slow: Function, tensors: Sequence[Any], wanted: Sequence[int], cotangents: Sequence[Tensor | None]
) -> Sequence[Tensor | None]:
    """The gradients of a slow function by some of its tensors, with derivatives of their own."""
    given = list(tensors)
    with torch.enable_grad():
        for n in wanted:  # others that a tensor was made of are no way to it
            given[n] = tensors[n].view_as(tensors[n])
        made = slow(given)
    return gradients(made, [given[n] for n in wanted], cotangents, create_graph=torch.is_grad_enabled())


def gradients(
    made: Sequence[Tensor], wanted: Sequence[Tensor], cotangents: Sequence[Tensor | None], **options: Any
) -> Sequence[Tensor | None]:
    """The gradients of some results that have one, along cotangents of any dtype."""
    pairs = [(y, g.to(y.dtype)) for y, g in zip(made, cotangents, strict=True) if g is not None and y.requires_grad]
    if not pairs:
        return [None] * len(wanted)
    results, along = zip(*pairs, strict=True)
    return torch.autograd.grad(results, wanted, along, allow_unused=True, **options)


def spread(found: Sequence[Any], places: Sequence[int], size: int) -> list[Any]:
    """What was found, in its places among others that have nothing."""
    every: list[Any] = [None] * size
    for n, value in zip(places, found, strict=True):
        every[n] = value
    return every
