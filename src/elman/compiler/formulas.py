"""Formulas of one unit, and of all units of a row: what element-wise functions of PyTorch and norms come to."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from elman.compiler.program import Builder


@dataclass(frozen=True, eq=False)
class Expression:
    """A value of a Program, to be written with as a formula has it."""

    b: Builder
    index: int

    def op(self, name: str, *others: Any) -> "Expression":
        """An element-wise operation of this and others."""
        return Expression(self.b, self.b.op(name, self.index, *(self._index(other) for other in others)))

    def _index(self, other: Any) -> int:
        return other.index if isinstance(other, Expression) else self.b.constant(other)

    def _reversed(self, name: str, other: Any) -> "Expression":
        return Expression(self.b, self.b.op(name, self._index(other), self.index))

    def __add__(self, other: Any) -> "Expression":
        return self.op("add", other)

    def __sub__(self, other: Any) -> "Expression":
        return self.op("sub", other)

    def __mul__(self, other: Any) -> "Expression":
        return self.op("mul", other)

    def __truediv__(self, other: Any) -> "Expression":
        return self.op("div", other)

    def __radd__(self, other: Any) -> "Expression":
        return self._reversed("add", other)

    def __rsub__(self, other: Any) -> "Expression":
        return self._reversed("sub", other)

    def __rmul__(self, other: Any) -> "Expression":
        return self._reversed("mul", other)

    def __rtruediv__(self, other: Any) -> "Expression":
        return self._reversed("div", other)

    def __neg__(self) -> "Expression":
        return self.op("neg")

    def sum(self) -> "Expression":
        """Over the units, one number a row."""
        width = self.b.values[self.index].width
        return self if width == 1 else Expression(self.b, self.b.sum(self.index))

    def mean(self) -> "Expression":
        return self.sum() * (1 / self.b.values[self.index].width)

    def largest(self) -> "Expression":
        """Of the units, one number a row: the larger of two halves, again and again."""
        value = self
        while (width := self.b.values[value.index].width) > 1:
            half = width // 2
            first, second = (Expression(self.b, self.b.slice(value.index, at, half)) for at in (0, half))
            pair = first.op("maximum", second)
            if width % 2:
                last = Expression(self.b, self.b.slice(value.index, width - 1, 1))
                pair = pair.op("maximum", last)
            value = pair
        return value


def _times(v: Any, w: Any, alpha: float) -> Any:
    return w if alpha == 1 else w * alpha


def where(condition: Any, input: Any, other: Any) -> Expression:
    given = condition, input, other
    like = next(each for each in given if isinstance(each, Expression))
    return Expression(like.b, like.b.op("where", *(like._index(each) for each in given)))


def _clamp(v: Any, min: Any = None, max: Any = None) -> Expression:
    v = v if min is None else where(v.op("lt", min), min, v)
    return v if max is None else where(v.op("gt", max), max, v)


def _number(v: Any) -> Any:
    """A number, of an expression that is one always."""
    known = v.b.number(v.index) if isinstance(v, Expression) else None
    return v if known is None else known


def _power(v: Any, exponent: Any) -> Expression:
    v, exponent = _number(v), _number(exponent)
    if isinstance(exponent, Expression):
        if not isinstance(v, Expression):
            return _base(exponent, v)
        raise ValueError("a power by something that is not a number")
    if exponent == 0:
        return v.op("eq", v).op("maximum", 1)
    if exponent == 2:
        return v * v
    return v.op("sqrt") if exponent == 0.5 else v.op("pow", float(exponent))


def _base(exponent: Any, v: Any) -> Expression:
    if isinstance(v, Expression) or v <= 0:
        raise ValueError("a power of something that is not a number above zero")
    return (exponent * math.log(v)).op("exp")


def _softplus(v: Any, beta: float = 1, threshold: float = 20) -> Expression:
    scaled = v if beta == 1 else v * beta
    soft = scaled.op("softplus") if beta == 1 else scaled.op("softplus") / beta
    return soft if threshold >= 20 else where(scaled.op("gt", threshold), v, soft)  # above 20 there is no difference


def _gelu(v: Any, approximate: str = "none") -> Expression:
    if approximate == "tanh":
        return 0.5 * v * (1 + (math.sqrt(2 / math.pi) * (v + 0.044715 * v * v * v)).op("tanh"))
    return v * 0.5 * (1 + (v * 0.5**0.5).op("erf"))


def _elu(v: Any, alpha: float = 1.0, inplace: bool = False) -> Expression:
    above = v.op("gt", 0)
    return where(above, v, alpha * where(above, 0, v).op("expm1"))


def _selu(v: Any, inplace: bool = False) -> Expression:
    return 1.0507009873554805 * _elu(v, 1.6732632423543772)


def _hardsigmoid(v: Any, inplace: bool = False) -> Expression:
    within = v.op("gt", -3) * v.op("lt", 3)
    return where(within, v * (1 / 6) + 0.5, v.op("ge", 3))


def _hardtanh(v: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Expression:
    return where(v.op("le", min_val), min_val, where(v.op("ge", max_val), max_val, v))


def _leaky(v: Any, negative_slope: Any = 0.01, inplace: bool = False) -> Expression:
    return where(v.op("gt", 0), v, negative_slope * v)


def _lerp(a: Any, b: Any, weight: Any) -> Expression:
    return a + weight * (b - a)


def _addcmul(v: Any, a: Any, b: Any, *, value: float = 1) -> Expression:
    return v + (a * b if value == 1 else a * b * value)


def _addcdiv(v: Any, a: Any, b: Any, *, value: float = 1) -> Expression:
    return v + (a / b if value == 1 else a / b * value)


def _remainder(v: Any, w: Any) -> Expression:
    return v - w * (v / w).op("floor")


def _truncated(v: Any) -> Expression:
    return where(v.op("ge", 0), v.op("floor"), -(-v).op("floor"))


def _fmod(v: Any, w: Any) -> Expression:
    return v - w * _truncated(v / w)


def _round(v: Any, *, decimals: int = 0) -> Expression:
    if decimals:
        raise ValueError("round to decimals")
    return v.op("round")


def _nan_to_num(v: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Expression:
    if posinf is None or neginf is None:
        raise ValueError("nan_to_num without posinf and neginf, which then hang on the dtype")
    number = where(v.op("ne", v), nan, v)
    return where(v.op("eq", math.inf), posinf, where(v.op("eq", -math.inf), neginf, number))


def length(v: Expression) -> Expression:
    square = (v * v).sum()
    some = square.op("gt", 0)  # the derivative of no length is none
    return some * where(some, square, 1.0).op("sqrt")


def variance(v: Expression, less: float) -> Expression:
    size = v.b.values[v.index].width
    centred = v - v.mean()
    return (centred * centred).sum() * (1 / (size - less))


def logsumexp(v: Expression) -> Expression:
    largest = v.largest().op("detach")
    return largest + (v - largest).op("exp").sum().op("log")


def normalised(v: Expression, eps: float) -> Expression:
    centred = v - v.mean()
    return centred * ((centred * centred).mean() + eps).op("rsqrt")


FORMULAS: dict[str, Callable[..., Expression]] = {
    "add": lambda v, w, *, alpha=1: v + _times(v, w, alpha),
    "sub": lambda v, w, *, alpha=1: v - _times(v, w, alpha),
    "rsub": lambda v, w, *, alpha=1: w - _times(w, v, alpha),
    "rtruediv": lambda v, w: w / v,
    "clamp": _clamp,
    "clamp_min": lambda v, min: _clamp(v, min),
    "clamp_max": lambda v, max: _clamp(v, None, max),
    "pow": _power,
    "rpow": _base,
    "square": lambda v: v * v,
    "reciprocal": lambda v: 1 / v,
    "masked_fill": lambda v, mask, value: where(mask, value, v),
    "logical_and": lambda v, w: v.op("ne", 0) * w.op("ne", 0),
    "logical_or": lambda v, w: (v.op("ne", 0)).op("maximum", w.op("ne", 0)),
    "logical_not": lambda v: v.op("eq", 0),
    "softplus": _softplus,
    "log_sigmoid": lambda v: -(-v).op("softplus"),
    "silu": lambda v, inplace=False: v * v.op("sigmoid"),
    "mish": lambda v, inplace=False: v * v.op("softplus").op("tanh"),
    "gelu": _gelu,
    "relu": lambda v, inplace=False: v.op("relu"),
    "relu6": lambda v, inplace=False: _hardtanh(v, 0.0, 6.0),
    "elu": _elu,
    "celu": lambda v, alpha=1.0, inplace=False: _elu(v / alpha, 1.0) * alpha,
    "selu": _selu,
    "leaky_relu": _leaky,
    "prelu": _leaky,
    "hardsigmoid": _hardsigmoid,
    "hardswish": lambda v, inplace=False: v * _hardsigmoid(v),
    "hardtanh": _hardtanh,
    "softsign": lambda v: v / (1 + v.op("abs")),
    "tanhshrink": lambda v: v - v.op("tanh"),
    "log2": lambda v: v.op("log") * (1 / math.log(2)),
    "log10": lambda v: v.op("log") * (1 / math.log(10)),
    "exp2": lambda v: (v * math.log(2)).op("exp"),
    "lerp": _lerp,
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
    "remainder": _remainder,
    "fmod": _fmod,
    "trunc": _truncated,
    "ceil": lambda v: -(-v).op("floor"),
    "frac": lambda v: v - _truncated(v),
    "round": _round,
    "floordiv": lambda v, w: (v / w).op("floor"),
    "rfloordiv": lambda v, w: (w / v).op("floor"),
    "floor_divide": lambda v, w: (v / w).op("floor"),
    "nan_to_num": _nan_to_num,
}
