"""Every element-wise operation once: what it is in PyTorch, its derivative, what it costs and how it is written.

A derivative is a function of a builder, the arguments, the result and the cotangent ``g`` of the result; it returns the
cotangent of each argument, or None where there is none. Its text for a target stands with that target, under the same
name.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from elman.compiler.program import Builder

Derivative = Callable[[Builder, Sequence[int], int, int], Sequence[int | None]]


@dataclass(frozen=True)
class Op:
    """One element-wise operation."""

    eager: Callable[..., Tensor]
    derivative: Derivative
    linear: bool = False  # in all its arguments together
    cost: int = 1  # operations of one number, about: those of the polynomials that a function is made of
    sign: str = ""  # between two arguments; without it the name stands before them, as that of a function does


def _d(partial: Callable[[Builder, int, int], int]) -> Derivative:
    """The derivative of an operation of one argument: ``partial(builder, argument, result)`` times the cotangent."""
    return lambda b, a, y, g: (b.op("mul", g, partial(b, a[0], y)),)


def _none(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[None]:
    return [None] * len(a)


def _times(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[int]:
    return b.op("mul", g, a[1]), b.op("mul", g, a[0])


def _over(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[int]:
    first = b.op("div", g, a[1])
    return first, b.op("neg", b.op("mul", first, y))


def _greater(compare: str) -> Derivative:
    """Of the greater or the smaller one; equal ones share, as in PyTorch."""

    def derivative(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[int]:
        half = b.op("mul", b.constant(0.5), b.op("eq", a[0], a[1]))
        first = b.op("add", b.op(compare, a[0], a[1]), half)
        return b.op("mul", g, first), b.op("mul", g, b.op("sub", b.constant(1), first))

    return derivative


def _chosen(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[int | None]:
    zero = b.constant(0)
    return None, b.op("where", a[0], g, zero), b.op("where", a[0], zero, g)


def _power(b: Builder, a: Sequence[int], y: int, g: int) -> Sequence[int | None]:
    less = b.op("pow", a[0], b.op("sub", a[1], b.constant(1)))
    return b.op("mul", g, b.op("mul", a[1], less)), None


def _one_minus(b: Builder, v: int) -> int:
    return b.op("sub", b.constant(1), v)


def _compare(function: Callable[..., Tensor], sign: str) -> Op:
    return Op(lambda a, b: function(a, b).to(a.dtype), _none, sign=sign)


FUNCTION, ROOT = 16, 8  # what a polynomial costs, and a root or a quotient

OPS: dict[str, Op] = {
    "add": Op(torch.add, lambda b, a, y, g: (g, g), linear=True, sign="+"),
    "sub": Op(torch.sub, lambda b, a, y, g: (g, b.op("neg", g)), linear=True, sign="-"),
    "neg": Op(torch.neg, lambda b, a, y, g: (b.op("neg", g),), linear=True),
    "mul": Op(torch.mul, _times, sign="*"),
    "div": Op(torch.div, _over, cost=ROOT, sign="/"),
    "exp": Op(torch.exp, _d(lambda b, x, y: y), cost=FUNCTION),
    "expm1": Op(torch.expm1, _d(lambda b, x, y: b.op("add", y, b.constant(1))), cost=FUNCTION),
    "log": Op(torch.log, lambda b, a, y, g: (b.op("div", g, a[0]),), cost=FUNCTION),
    "log1p": Op(torch.log1p, lambda b, a, y, g: (b.op("div", g, b.op("add", b.constant(1), a[0])),), cost=FUNCTION),
    "sigmoid": Op(torch.sigmoid, _d(lambda b, x, y: b.op("mul", y, _one_minus(b, y))), cost=FUNCTION),
    "tanh": Op(torch.tanh, _d(lambda b, x, y: _one_minus(b, b.op("mul", y, y))), cost=FUNCTION),
    "relu": Op(torch.relu, _d(lambda b, x, y: b.op("gt", x, b.constant(0)))),
    "softplus": Op(torch.nn.functional.softplus, _d(lambda b, x, y: b.op("sigmoid", x)), cost=FUNCTION),
    "sqrt": Op(torch.sqrt, lambda b, a, y, g: (b.op("div", b.op("mul", b.constant(0.5), g), y),), cost=ROOT),
    "rsqrt": Op(torch.rsqrt, _d(lambda b, x, y: b.op("div", b.op("mul", b.constant(-0.5), y), x)), cost=ROOT),
    "abs": Op(torch.abs, _d(lambda b, x, y: b.op("sign", x))),
    "sign": Op(torch.sign, _none),
    "floor": Op(torch.floor, _none),
    "round": Op(torch.round, _none),
    "sin": Op(torch.sin, _d(lambda b, x, y: b.op("cos", x)), cost=FUNCTION),
    "cos": Op(torch.cos, _d(lambda b, x, y: b.op("neg", b.op("sin", x))), cost=FUNCTION),
    "erf": Op(
        torch.erf,
        _d(
            lambda b, x, y: b.op("mul", b.constant(2 / math.sqrt(math.pi)), b.op("exp", b.op("neg", b.op("mul", x, x))))
        ),
        cost=FUNCTION,
    ),
    "pow": Op(torch.pow, _power, cost=FUNCTION),
    "maximum": Op(torch.maximum, _greater("gt")),
    "minimum": Op(torch.minimum, _greater("lt")),
    "where": Op(lambda c, a, b: torch.where(c != 0, a, b), _chosen),
    "gt": _compare(torch.gt, ">"),
    "ge": _compare(torch.ge, ">="),
    "lt": _compare(torch.lt, "<"),
    "le": _compare(torch.le, "<="),
    "eq": _compare(torch.eq, "=="),
    "ne": _compare(torch.ne, "!="),
    "detach": Op(torch.detach, _none),
}


@cache
def _derivative_of(name: str) -> frozenset[str]:
    """The operations that the derivative of one is made of."""
    b = Builder()
    args = [b.leaf("x", 2, offset=2 * i) for i in range(3)]  # as many as any operation has
    OPS[name].derivative(b, args, b.leaf("saved", 2), b.leaf("cotangent", 2))
    return frozenset(value.op for value in b.values if value.op in OPS)


def derived_from(names: Iterable[str]) -> frozenset[str]:
    """These operations with all that their derivatives of any order are made of.

    >>> sorted(derived_from(["sin"]))
    ['add', 'cos', 'mul', 'neg', 'sin']
    """
    found, todo = set[str](), {"add", "mul", "neg", *names}  # cotangents are scaled and added up
    while todo:
        name = todo.pop()
        found.add(name)
        todo |= _derivative_of(name) - found
    return frozenset(found)


def block_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A product by heads: each reads and writes its own units alone, as a block-diagonal matrix would.

    Args:
        x: ``[B, heads * in]``.
        weight: ``[heads, out, in]``.
        bias: ``[heads * out]``.

    Returns:
        ``[B, heads * out]``.
    """
    if has_torch_function((x, weight)):  # torch.fx reads it as one operation
        return handle_torch_function(block_linear, (x, weight), x, weight, bias)
    product = block_product(x, weight.mT)
    return product if bias is None else product + bias


def block_product(x: Tensor, blocks: Tensor) -> Tensor:
    """The product of ``x [B, heads * in]`` with ``blocks [heads, in, out]``, ``[B, heads * out]``."""
    heads, size, _ = blocks.shape
    return torch.einsum("bhi,hio->bho", x.unflatten(-1, (heads, size)), blocks).flatten(-2)


def blocks(weight: Tensor) -> Tensor:
    """The matrix ``[heads * out, heads * in]`` of the blocks ``[heads, out, in]``."""
    return torch.block_diag(*weight)


def heads_of(matrix: Tensor) -> int:
    """How many blocks of the same size, of more than one number, a matrix has, with zeros all around them.

    >>> heads_of(blocks(torch.ones(3, 4, 2))), heads_of(torch.ones(4, 6)), heads_of(torch.eye(4))
    (3, 1, 2)
    """
    rows, columns = matrix.shape
    most = math.gcd(rows, columns)
    for heads in range(most, 1, -1):
        if most % heads == 0 and rows * columns > heads**2:
            outside = matrix.unflatten(1, (heads, -1)).unflatten(0, (heads, -1)).abs().sum((1, 3))
            if not outside.fill_diagonal_(0).any():
                return heads
    return 1


def parts_of_blocks(matrix: Tensor, heads: int, rows: int, columns: int) -> Tensor:
    """``[heads, rows, columns]``: the blocks of a matrix, without the zeros around them."""
    return matrix.reshape(heads, rows, heads, columns).diagonal(dim1=0, dim2=2).movedim(-1, 0)
