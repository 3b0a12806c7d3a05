"""The text of every element-wise operation in LLVM's language, by the name that it has in ``ops.py``."""

from collections.abc import Callable

from llvmlite import ir

from elman.compiler.contract import NotCompilable
from elman.compiler.executors.llvm import functions
from elman.compiler.executors.llvm.arithmetic import constant

Text = Callable[..., ir.Value]  # of a builder and the arguments


def text(name: str) -> Text:
    """What writes an operation.

    Raises:
        NotCompilable: there is none for it.
    """
    if name not in _TEXTS:
        raise NotCompilable(f"llvm has no text for {name}")
    return _TEXTS[name]


def _number(b: ir.IRBuilder, truth: ir.Value, like: ir.Value) -> ir.Value:
    return b.select(truth, constant(like.type, 1.0), constant(like.type, 0.0))


def _compared(sign: str) -> Callable[..., ir.Value]:
    ordered = sign != "!="
    return lambda b, x, y: _number(b, (b.fcmp_ordered if ordered else b.fcmp_unordered)(sign, x, y), x)


def power(b: ir.IRBuilder, x: ir.Value, exponent: float) -> ir.Value:
    """``x`` to a constant power: by multiplications where it is a whole number."""
    if exponent != int(exponent):
        return functions.exp(b, b.fmul(constant(x.type, exponent), functions.log(b, x)))
    result, square, left = None, x, abs(int(exponent))
    while left:
        if left & 1:
            result = square if result is None else b.fmul(result, square)
        left >>= 1
        square = b.fmul(square, square) if left else square
    one = constant(x.type, 1.0)
    result = one if result is None else result
    return result if exponent >= 0 else b.fdiv(one, result)


_TEXTS: dict[str, Text] = {
    "add": lambda b, x, y: b.fadd(x, y),
    "sub": lambda b, x, y: b.fsub(x, y),
    "mul": lambda b, x, y: b.fmul(x, y),
    "div": lambda b, x, y: b.fdiv(x, y),
    "neg": lambda b, x: b.fneg(x),
    "where": lambda b, c, x, y: b.select(b.fcmp_unordered("!=", c, constant(c.type, 0.0)), x, y),
    "gt": _compared(">"),
    "ge": _compared(">="),
    "lt": _compared("<"),
    "le": _compared("<="),
    "eq": _compared("=="),
    "ne": _compared("!="),
    "detach": lambda b, x: x,
    "abs": functions.absolute,
    **{
        name: getattr(functions, name)
        for name in (
            "cos erf exp expm1 floor log log1p maximum minimum relu round rsqrt "
            "sigmoid sign sin softplus sqrt tanh".split()
        )
    },
}


OPERATIONS = frozenset([*_TEXTS, "pow"])  # whose exponent is a number and no value of LLVM's
