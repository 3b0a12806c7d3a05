"""Formulas of the functions of PyTorch that a step may call, each as people write it: by a name, what is tried.

A formula takes rows ``x`` and ``h`` of six numbers, the first with awkward values among them, and a module ``p`` with
parameters and buffers; it gives a tensor with the batch as its first axis.
"""

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.compiler.ops import block_linear

SIZE = 6
Formula = Callable[[Tensor, Tensor, Any], Tensor]


class Fixed(nn.Module):
    """What does not change over time, of every kind."""

    mask: Tensor
    k: Tensor

    def __init__(self) -> None:
        super().__init__()
        shapes = {
            "v": (SIZE,), "s": (), "one": (1,), "row": (1, SIZE), "w": (SIZE, SIZE), "u": (4, SIZE), "two": (2,),
            "three": (3, 1), "blocks": (3, 2, 2), "both": (4, 2 * SIZE), "inner": (2, 2), "bias": (4,),
            "gates": (3 * SIZE, SIZE), "gates_4": (4 * SIZE, SIZE), "b_gates": (3 * SIZE,), "b_gates_4": (4 * SIZE,),
        }  # fmt: skip
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.randn(shape, dtype=torch.float64)))
        self.register_buffer("mask", torch.tensor([True, False, False, True, True, False]))
        self.register_buffer("k", torch.linspace(-1, 1, SIZE, dtype=torch.float64))
        self.linear = nn.Linear(SIZE, 4, dtype=torch.float64)
        self.norm = nn.LayerNorm(SIZE, dtype=torch.float64)
        self.mlp = nn.Sequential(self.linear, nn.GELU(), nn.Linear(4, SIZE, dtype=torch.float64))


def heads(x: Tensor) -> Tensor:
    return x.view(x.size(0), 3, 2)


def changed(x: Tensor, *calls: tuple[str, tuple[Any, ...]], **options: Any) -> Tensor:
    """A copy of ``x`` after calls of methods that change it."""
    x = x.clone()
    for name, args in calls:
        getattr(x, name)(*args, **options)
    return x


def in_place(x: Tensor, operation: Callable[[Any, Any], Any], other: Any) -> Tensor:
    return operation(x * 1, other)


def unheeded(make: Callable[[], Tensor]) -> Tensor:
    with torch.no_grad():
        return make()


def each(names: str, title: str, use: Callable[..., Tensor], place: Any = None) -> dict[str, Formula]:
    """A formula for each name, or for the function of this name in a module, which is the first argument of ``use``."""
    return {title.format(n): partial(use, n if place is None else getattr(place, n)) for n in names.split()}


# a function of one row, at any value, by PyTorch's name and as a method where there is one
PLAIN = (
    "abs absolute ceil cos erf exp exp2 expm1 floor frac neg negative positive relu round sigmoid sign sin square tanh "
    "trunc clone detach"
)
IN_PLACE = "abs ceil cos erf exp2 expm1 floor neg relu round sigmoid sin square tanh trunc frac sign"
POSITIVE = "log log10 log1p log2 reciprocal rsqrt sqrt"
ACTIVATIONS = (
    "celu elu gelu hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 selu sigmoid silu softplus "
    "softsign tanh tanhshrink"
)
SPECIAL = "expit expm1 log1p erf round"
LIKE_NUMPY: Any = {"axis": 1, "keepdims": True}
COMPARED = "eq ge gt le lt ne greater greater_equal less less_equal not_equal"
OF_TWO = "add sub mul div maximum minimum subtract multiply divide true_divide hypot logaddexp"

FORMULAS: dict[str, Formula] = {
    **each(PLAIN, "{}", lambda f, x, h, p: f(x), torch),
    **each(PLAIN, "{} of a method", lambda name, x, h, p: getattr(x, name)()),
    **each(IN_PLACE, "{}_", lambda name, x, h, p: changed(x, (f"{name}_", ()))),
    **each(POSITIVE, "{}", lambda f, x, h, p: f(x.abs() + 0.1), torch),
    **each(POSITIVE, "{}_", lambda name, x, h, p: changed(x.abs() + 0.1, (f"{name}_", ()))),
    **each(ACTIVATIONS, "F.{}", lambda f, x, h, p: f(x), F),
    **each(SPECIAL, "special.{}", lambda f, x, h, p: f(x.abs() + 0.2), torch.special),
    **each(OF_TWO, "{}", lambda f, x, h, p: f(x, h), torch),
    **each(OF_TWO, "{} by a vector", lambda f, x, h, p: f(x, p.v), torch),
    **each(OF_TWO, "{} of two heads", lambda f, x, h, p: f(heads(x), heads(h)), torch),
    **each("add sub mul div", "{}_ in place", lambda name, x, h, p: changed(x, (f"{name}_", (h,)))),
    **each(COMPARED, "{}", lambda f, x, h, p: f(x, 3.0) * h, torch),
    **each(COMPARED, "{} of rows", lambda f, x, h, p: h * f(x, p.v).to(x.dtype), torch),
    "+": lambda x, h, p: 1 + x + h + 2.5,
    "-": lambda x, h, p: 1 - x - h - p.v,
    "*": lambda x, h, p: 2 * x * h * p.s * p.one,
    "/": lambda x, h, p: 1 / (x.abs() + 1) / (h * h + 1) / 2,
    "//": lambda x, h, p: (x + 0.3).detach() // 0.7 * h + (5 // (h * h + 0.7).detach()) * x,  # it has no derivative
    "%": lambda x, h, p: (x + 0.3) % 0.7 + (h % 2) * x,
    "**": lambda x, h, p: x**2 + x**3 + (x.abs() + 1) ** 0.5 + (x.abs() + 1) ** -1.5 + 2**h + h**1,
    "** by a number of a tensor": lambda x, h, p: (x.abs() + 1) ** torch.tensor(3.0) + torch.pow(2.0, h),
    "unary": lambda x, h, p: -x + (+h),
    "+=": lambda x, h, p: in_place(x, operator.iadd, h),
    "-=": lambda x, h, p: in_place(x, operator.isub, p.v),
    "*=": lambda x, h, p: in_place(x, operator.imul, 2.0),
    "/=": lambda x, h, p: in_place(x, operator.itruediv, h * h + 1),
    "**=": lambda x, h, p: in_place(x, operator.ipow, 3),
    "rdiv": lambda x, h, p: (x.abs() + 1).__rdiv__(2.0),
    "idiv": lambda x, h, p: (x * 1).__idiv__(h * h + 1),
    "rsub": lambda x, h, p: torch.rsub(x, h) + torch.rsub(x, 2.0, alpha=3.0),
    "alpha": lambda x, h, p: torch.add(x, h, alpha=0.3) + torch.sub(x, h, alpha=2) + x.add(p.v, alpha=-1),
    "floor_divide": lambda x, h, p: torch.floor_divide((x + 0.3).detach(), (h * h + 0.7).detach()) * h,
    "remainder": lambda x, h, p: torch.remainder(x + 0.3, 0.7) + torch.remainder(x + 0.3, h * h + 0.7) + h.remainder(2),
    "remainder_": lambda x, h, p: changed(x + 0.3, ("remainder_", (0.7,))) + changed(x + 0.2, ("fmod_", (0.7,))),
    "fmod": lambda x, h, p: torch.fmod(x + 0.3, 0.7) + torch.fmod(x + 0.3, h * h + 0.7),
    "and": lambda x, h, p: h * ((x > -1) & (x < 3) | (h > 0)) + h * ~(x >= 0.5),
    "bitwise": lambda x, h, p: (
        h * torch.bitwise_and(x > 0, h > 0) + torch.bitwise_or(x > 3, h < 0) * x + torch.bitwise_not(x > 0) * h
    ),
    "logical": lambda x, h, p: (
        h * torch.logical_and(x > 0, h) + torch.logical_or(x, h < 0) * x + torch.logical_not(x > 0) * h
    ),
    "&= and |=": lambda x, h, p: h * operator.iand(x > 0, h > 0) + x * operator.ior(x > 0, h > 0),
    "clamp": lambda x, h, p: torch.clamp(x, -1, 3) * h,
    "clamp from below": lambda x, h, p: torch.clamp(x, min=-1) + x.clamp_min(0.5) + torch.clamp_min(h, 0.1),
    "clamp from above": lambda x, h, p: torch.clamp(x, max=3) + x.clamp_max(0.5) + torch.clamp_max(h, 0.1),
    "clamp by rows": lambda x, h, p: torch.clamp(x, -h.abs(), p.v.abs()),
    "clip": lambda x, h, p: torch.clip(x, -3, 0) + x.clip(0, 1) + changed(x, ("clamp_", (-1, 1))),
    "pow": lambda x, h, p: torch.pow(x.abs() + 1, 0.7) + x.pow(4) + torch.pow(x, 2) + x.pow(1) + x.pow(0),
    "pow of what is below zero": lambda x, h, p: h.pow(3) + torch.pow(h, 5.0) + h**-3,
    "pow_": lambda x, h, p: changed(x, ("pow_", (2,))) + changed(x, ("square_", ())),
    "where": lambda x, h, p: torch.where(x > 0, h, p.v) + torch.where(h > 0, x, 0.5) + torch.where(h > 0, 1.0, -x),
    "where of a mask": lambda x, h, p: torch.where(p.mask, x, h) + x.where(h > 0, p.s),
    "masked_fill": lambda x, h, p: x.masked_fill(h > 0, 0.5) + h.masked_fill(p.mask, -1.0) + x.masked_fill(~p.mask, 0),
    "masked_fill_": lambda x, h, p: changed(h, ("masked_fill_", (x > 0, 2.0))),
    "a mask": lambda x, h, p: (
        x * p.mask + h * p.k + p.mask.to(x.dtype) * p.v + (~p.mask).double() * h + (h > 0).float() * x
    ),
    "F.softplus": lambda x, h, p: F.softplus(x, beta=2) + F.softplus(h) + F.softplus(x, 0.5, threshold=1),
    "F.gelu of tanh": lambda x, h, p: F.gelu(x, approximate="tanh") + F.gelu(h),
    "activations with numbers": lambda x, h, p: (
        F.elu(x, 0.7) + F.celu(x, 0.5) + F.leaky_relu(x, 0.2) + F.hardtanh(x, -0.5, 3.0) + F.threshold(x, 0.7, 9.0)
    ),
    "activations in place": lambda x, h, p: (
        F.elu(x * 1, inplace=True)
        + F.relu(x * 1, inplace=True)
        + F.silu(x * 1, inplace=True)
        + F.leaky_relu(h * 1, inplace=True)
        + F.mish(h * 1, inplace=True)
        + torch.relu_(x * 1)
        + F.hardtanh_(x * 1)
        + F.elu_(h * 1)
        + F.leaky_relu_(x * 1)
        + torch.celu_(x * 1)
        + torch.selu_(x * 1)
        + F.relu6(x * 1, inplace=True)
        + F.hardswish(x * 1, inplace=True)
    ),
    "F.hardsigmoid in place": lambda x, h, p: F.hardsigmoid(x * 1, inplace=True),
    "F.threshold": lambda x, h, p: torch.threshold(x, 0.7, -2.0) + F.logsigmoid(h),
    "prelu": lambda x, h, p: F.prelu(x, p.one) + F.prelu(h, p.v) + torch.prelu(x, p.v),
    "softmin": lambda x, h, p: F.softmin(x, dim=-1) * h,
    "glu": lambda x, h, p: F.glu(x, -1) + F.glu(h),
    "nan_to_num": lambda x, h, p: torch.nan_to_num(x / x.abs().clamp(0.5), 0.0, 9.0, -9.0) * h,
    "max and min of two": lambda x, h, p: torch.max(x, h) * torch.min(h, p.v) + x.max(p.k),
    "lerp": lambda x, h, p: (
        torch.lerp(x, h, 0.3)
        + x.lerp(h, torch.sigmoid(p.v))
        + torch.lerp(h, x, torch.sigmoid(x))
        + changed(x, ("lerp_", (h, 0.2)))
    ),
    "addcmul": lambda x, h, p: (
        torch.addcmul(x, h, p.v)
        + x.addcmul(h, h, value=0.5)
        + torch.addcdiv(x, h, h * h + 1)
        + x.addcdiv(p.v, h * h + 1, value=-2)
        + changed(x, ("addcmul_", (h, p.v)), ("addcdiv_", (h, h * h + 1)))
    ),
    "round half to even": lambda x, h, p: torch.round(x) + x.round() + torch.round(4 * h) / 4 * x,
    "as it is": lambda x, h, p: (
        x.contiguous() * h.double()
        + x.to(h.dtype)
        + h.to(torch.float64)
        + x.type_as(h)
        + F.dropout(x, 0.5, training=False)
        + F.dropout(h, 0.0)
    ),
    # what parts, joins and puts in another order
    "chunk": lambda x, h, p: torch.cat([a * b for a, b in zip(x.chunk(3, 1), torch.chunk(h, 3, -1), strict=True)], 1),
    "chunk of a rest": lambda x, h, p: torch.cat(x.chunk(4, 1)[::-1], 1) * h,
    "split": lambda x, h, p: torch.concat([*x.split([1, 5], -1), *torch.split(h, 4, 1)][::-1], dim=-1),
    "split_with_sizes": lambda x, h, p: torch.concatenate([*x.split_with_sizes([2, 4], 1), h], 1),
    "tensor_split": lambda x, h, p: torch.hstack([*x.tensor_split(4, 1), *torch.tensor_split(h, (2, 3), dim=1)][::-1]),
    "unbind": lambda x, h, p: (
        torch.stack([a * 2 for a in heads(x).unbind(1)], 2) * torch.unbind(h, 1)[3][:, None, None]
    ),
    "narrow": lambda x, h, p: x.narrow(1, 2, 3) * torch.narrow(h, -1, 0, 3),
    "select": lambda x, h, p: heads(x).select(1, 2) * torch.select(heads(h), -1, 0)[:, :2] * x.select(1, 0)[:, None],
    "slices": lambda x, h, p: torch.cat([x[:, ::2], h[..., -2:], x[:, 1:4], heads(x)[:, 1], h[:, None, 3]], 1),
    "slices of all": lambda x, h, p: x[:] * h[..., :] * x[:, [5, 4, 3, 2, 1, 0]] * h[:, 2:3],
    "view": lambda x, h, p: heads(x) * h.reshape(-1, 3, 2) * x.view_as(heads(h)) * h.reshape_as(heads(x)),
    "flatten": lambda x, h, p: heads(x).flatten(1) * torch.flatten(h.unflatten(1, (2, 3)), 1, 2),
    "unflatten": lambda x, h, p: torch.unflatten(x, -1, (3, -1)) * h.unflatten(1, (3, 2)),
    "squeeze": lambda x, h, p: (x.unsqueeze(1) * h[:, None]).squeeze(1) * torch.squeeze(torch.unsqueeze(h, -1), 2),
    "squeeze_": lambda x, h, p: changed(x, ("unsqueeze_", (1,)), ("mul_", (2,)), ("squeeze_", (1,))) * h,
    "transpose": lambda x, h, p: heads(x).transpose(1, 2) * h.view(-1, 2, 3) * heads(x).swapaxes(1, 2),
    "transpose of the batch": lambda x, h, p: (x.t() * h.T).t() + torch.t(torch.transpose(x, 0, 1)) + x.mT.mT,
    "swapdims": lambda x, h, p: torch.swapdims(heads(x), 1, 2) + torch.swapaxes(heads(h), -1, 1) + heads(h).mT,
    "permute": lambda x, h, p: heads(x).permute(0, 2, 1) * torch.permute(heads(h), (0, 2, 1)),
    "the batch on another axis": lambda x, h, p: (heads(x).permute(1, 0, 2) * heads(h).transpose(0, 1)).movedim(1, 0),
    "movedim": lambda x, h, p: (
        torch.movedim(heads(x), 1, 2) * torch.moveaxis(heads(h), -1, 1) + heads(x).moveaxis(1, 2)
    ),
    "flip": lambda x, h, p: x.flip(-1) * torch.flip(heads(h), [1, 2]).flatten(1),
    "roll": lambda x, h, p: x.roll(2, 1) * torch.roll(h, -1, -1),
    "expand": lambda x, h, p: x[:, :1].expand(-1, SIZE) * h + h[:, 1:2].expand_as(x),
    "broadcast_to": lambda x, h, p: (
        torch.broadcast_to(x[:, 2:3], h.shape) * h + heads(x)[:, :1].expand(-1, 3, 2).flatten(1)
    ),
    "repeat": lambda x, h, p: x.repeat(1, 2) * torch.tile(h, (1, 2)) * x[:, :3].repeat_interleave(4, 1),
    "repeat_interleave": lambda x, h, p: torch.repeat_interleave(x[:, :2], 3, dim=1) * h + x[:, :3].tile(1, 2),
    "stack": lambda x, h, p: torch.stack([x, h, x * h], 1) * torch.stack((h, x, h), dim=1),
    "cat of what was filled": lambda x, h, p: torch.cat([x, torch.zeros(len(x), 2, dtype=x.dtype), h], 1),
    # products
    "linear": lambda x, h, p: F.linear(x, p.u, p.bias) * F.linear(h, p.u) + F.linear(x * h, p.u[:1]),
    "one number a row": lambda x, h, p: F.linear(h, p.u) + F.linear(x, p.u[:1]) + p.s + p.one + F.linear(x, p.w[:1]),
    "linear of heads": lambda x, h, p: F.linear(heads(x), p.inner, p.two) * heads(h),
    "linear of a module": lambda x, h, p: p.linear(h) + p.mlp(x)[:, :4],
    "linear of chunks of a weight": lambda x, h, p: (
        torch.sigmoid(F.linear(x, p.gates.chunk(3)[1], p.b_gates[:SIZE])) * F.linear(h, p.gates[-SIZE:])
    ),
    "linear of what is side by side": lambda x, h, p: F.linear(torch.cat([x, h], 1), p.both, p.bias) * x[:, :4],
    "linear of what is side by side, the input last": lambda x, h, p: (p.both @ torch.cat([h, x], -1).t()).t(),
    "linear of three side by side": lambda x, h, p: torch.cat([x[:, :3], h, x[:, 3:]], 1) @ p.both.t(),
    "matmul": lambda x, h, p: x @ p.w + torch.matmul(h, p.w.t()) + (h @ p.gates.t())[:, :SIZE] + x.matmul(p.w),
    "matmul of heads": lambda x, h, p: (heads(x) @ p.inner) * torch.matmul(heads(h), p.inner.t()),
    "matmul from the left": lambda x, h, p: (p.w @ x.t()).t() + torch.mm(p.w, h.t()).T,
    "matmul by a vector": lambda x, h, p: (x @ p.v)[:, None] * h + torch.matmul(h, p.v).unsqueeze(1),
    "mm": lambda x, h, p: torch.mm(x, p.w) + h.mm(p.w) + torch.addmm(p.v, h, p.w) + torch.addmm(p.row, x, p.w.t()),
    "bmm": lambda x, h, p: torch.bmm(heads(x).transpose(0, 1), p.blocks).transpose(0, 1) * heads(h),
    "rmatmul": lambda x, h, p: x.t().__rmatmul__(p.w).t(),
    "einsum": lambda x, h, p: (
        torch.einsum("bi,oi->bo", x, p.u)
        + torch.einsum("bhi,hoi->bho", heads(h), p.blocks).flatten(1)[:, :4]
        + torch.einsum("bhi,hoi->hbo", heads(x), p.blocks).transpose(0, 1).flatten(1)[:, :4]
    ),
    "block_linear": lambda x, h, p: block_linear(x, p.blocks, p.v) * block_linear(h, p.blocks),
    "cumsum": lambda x, h, p: torch.cumsum(x, -1) * h.cumsum(1) + torch.cumsum(heads(x), 1).flatten(1),
    "cumulative shares": lambda x, h, p: torch.cumsum(torch.softmax(h, -1), -1) * x,
    # over the units
    "sum": lambda x, h, p: x * h.sum(-1, keepdim=True) + torch.sum(x, dim=1, keepdim=True) + h.sum(1)[:, None],
    "sum of heads": lambda x, h, p: (
        heads(x).sum(1, keepdim=True) * heads(h) + heads(x).sum((1, 2))[:, None, None] + x.sum(**LIKE_NUMPY)[:, None]
    ),
    "mean": lambda x, h, p: x - h.mean(-1, keepdim=True) * torch.mean(x, 1, True) + heads(h).mean(2).repeat(1, 2),
    "var": lambda x, h, p: x * h.var(-1, keepdim=True) + torch.var(x, 1, False, True) * h + x.var(**LIKE_NUMPY),
    "var of a correction": lambda x, h, p: (
        torch.var(x, -1, correction=2, keepdim=True) * x.std(-1, correction=0)[:, None]
    ),
    "std": lambda x, h, p: x / h.std(-1, keepdim=True) + torch.std(x, 1, unbiased=False, keepdim=True),
    "amax": lambda x, h, p: x * h.amax(-1, keepdim=True) + torch.amax(heads(h), 1).repeat(1, 3),
    "amin": lambda x, h, p: x * h.amin(-1, keepdim=True) + torch.amin(heads(h), (1, 2))[:, None],
    "logsumexp": lambda x, h, p: (
        h * torch.logsumexp(x, -1, keepdim=True)
        + torch.special.logsumexp(h, 1)[:, None]
        + heads(x).logsumexp(1).repeat(1, 3)
    ),
    "softmax": lambda x, h, p: (
        torch.softmax(x, -1) * F.softmax(h, dim=1) + x.softmax(1) + torch.special.softmax(heads(h), 1).flatten(1)
    ),
    "softmax of heads": lambda x, h, p: torch.softmax(heads(x), -1) * F.log_softmax(heads(h), dim=1),
    "log_softmax": lambda x, h, p: torch.log_softmax(x, -1) * h.log_softmax(1),
    "norm": lambda x, h, p: (
        x / h.norm(dim=-1, keepdim=True)
        + torch.norm(x, p=2, dim=1, keepdim=True)
        + torch.linalg.vector_norm(h, dim=-1, keepdim=True)
        + torch.linalg.norm(x, dim=1, keepdim=True)
    ),
    "norm of nothing": lambda x, h, p: (h * 0).norm(dim=-1, keepdim=True) + x,
    "normalize": lambda x, h, p: F.normalize(x, dim=-1) * F.normalize(heads(h), dim=2).flatten(1),
    "cosine_similarity": lambda x, h, p: F.cosine_similarity(x, h, -1)[:, None] * x,
    "layer_norm": lambda x, h, p: F.layer_norm(x, (SIZE,), p.v, p.k) * p.norm(h) + F.layer_norm(h, (SIZE,), eps=0.1),
    "layer_norm of heads": lambda x, h, p: F.layer_norm(heads(x), (2,), p.two) * F.layer_norm(heads(h), (3, 2)),
    "group_norm": lambda x, h, p: F.group_norm(x, 3, p.v, p.k) * F.group_norm(h, 2),
    "rms_norm": lambda x, h, p: F.rms_norm(x, (SIZE,), p.v, eps=0.1) * F.rms_norm(h, (SIZE,), eps=1e-3),
    "rms_norm of heads": lambda x, h, p: F.rms_norm(heads(x), (2,), p.two, eps=0.1),
    # whole cells
    "gru_cell": lambda x, h, p: torch.gru_cell(x, h, p.gates, p.gates * 0.5, p.b_gates, p.b_gates),
    "gru_cell without biases": lambda x, h, p: torch.gru_cell(x, h, p.gates, p.gates * 0.5),
    "lstm_cell": lambda x, h, p: torch.cat(
        torch.lstm_cell(x, (h, h * 0.5), p.gates_4, p.gates_4 * 0.5, p.b_gates_4, p.b_gates_4), 1
    ),
    "rnn_tanh_cell": lambda x, h, p: torch.rnn_tanh_cell(x, h, p.w, p.w.t(), p.v, p.v),
    "rnn_relu_cell": lambda x, h, p: torch.rnn_relu_cell(x, h, p.w, p.w.t()),
    # numbers, what is filled, what is made once, what is not heeded
    "filled": lambda x, h, p: (
        x
        + torch.zeros_like(x)
        + torch.ones(len(x), SIZE, dtype=x.dtype) * h
        + x.new_zeros(x.shape)
        + h.new_ones(SIZE) * x
        + torch.full_like(h, 0.3) * x
        + x.new_full((len(x), 1), 2.0) * h
        + torch.tensor(1.5) * x
        + torch.zeros(SIZE, dtype=x.dtype)
        + torch.full((), 0.5) * x
        + torch.ones_like(h)
    ),
    "constants of mathematics": lambda x, h, p: math.pi * x + h * math.e - 1e-6,
    "made once": lambda x, h, p: x * torch.sigmoid(p.v) + F.linear(h, p.w - p.w.t()) - torch.exp(p.s) * torch.tanh(p.k),
    "made once and repeated": lambda x, h, p: p.v.expand(len(x), -1) * x + p.row.repeat(len(x), 1) * h,
    "a vector of heads": lambda x, h, p: heads(x) * p.three + heads(h) * p.two + p.blocks[:, 0],
    "a row of one": lambda x, h, p: p.row * x + h * p.row[0] + p.v.unsqueeze(0),
    "not heeded": lambda x, h, p: x * unheeded(lambda: h.sigmoid()) + h * (x * p.v).detach() + h * x.data,
    "made once and not heeded": lambda x, h, p: x * unheeded(lambda: p.v.exp()) + h * p.s.detach(),
    "assigned": lambda x, h, p: torch.cat([x.mul(2).add_(1).relu_(), changed(h, ("mul_", (x,)), ("sigmoid_", ()))], 1),
}
