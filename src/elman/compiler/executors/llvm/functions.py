"""Element-wise functions as LLVM's language, for float and double, one number or a vector of them.

Each takes a builder and values of one type, writes instructions at the builder's position, and returns the value.
``sin`` and ``cos`` (from ``trigonometry.py``) start new blocks; the others stay in the builder's block.

float32 results are within 2.5 units in the last place of the right ones for ``exp``, ``tanh`` and ``sigmoid``, within 4
for the others, over all of float32; float64 results are within 4. NaN in gives NaN out, and results below the smallest
normal number are right too. The polynomials are minimax fits, their coefficients rounded one by one from the lowest,
the rest fitted again each time.
"""

import math
from dataclasses import dataclass

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import (
    DOUBLE,
    FLOAT,
    at_least,
    at_most,
    bits_of,
    constant,
    fma,
    format_of,
    horner,
    intrinsic,
    quotient,
)
from elman.compiler.executors.llvm.trigonometry import cos, sin

__all__ = [
    "absolute", "cos", "erf", "exp", "expm1", "floor", "log", "log1p", "maximum", "minimum", "relu", "round", "rsqrt",
    "sigmoid", "sign", "sin", "softplus", "sqrt", "tanh",
]  # fmt: skip


@dataclass(frozen=True)
class _Numbers:
    """What the functions need to know for one floating-point type."""

    ln2: tuple[float, float]  # in two parts: any exponent times the first is exact
    shift: int  # 2^(n + shift) is a normal number for every n that exp meets below zero
    exp_range: tuple[float, float]  # outside of it exp is 0 and infinite
    exp: tuple[float, ...]  # expm1(r) = r + r^2 P(r) for |r| <= ln(2) / 2
    log: tuple[float, ...]  # float: log1p(f) = f - f^2/2 + f^3 P(f); double: 2 atanh(s) = 2 s + s^3 P(s^2)
    erf_small: tuple[float, ...]  # erf(x) = x + x P(x^2) for |x| <= 1
    erf_large: tuple[float, ...]  # log(erfc(x)) = x P(x) for 1 <= x <= erf_end
    erf_end: float  # from here on erf is 1


_NUMBERS = {
    FLOAT: _Numbers(
        ln2=(0.693145751953125, 1.428606765330187e-06),
        shift=64,
        exp_range=(-104.0, 89.0),
        exp=(0.4999999701976776, 0.1666654646396637, 0.04166743904352188, 0.008366258814930916, 0.0013870313996449113),
        log=(
            0.3333333134651184, -0.250008225440979, 0.2000124752521515, -0.16623321175575256, 0.14201413094997406,
            -0.13160257041454315, 0.12763440608978271, -0.07636138051748276,
        ),
        erf_small=(
            0.12837916612625122, -0.3761262595653534, 0.11283578723669052, -0.026853350922465324, 0.0051871794275939465,
            -0.000799810397438705, 7.80807386036031e-05,
        ),
        erf_large=(
            -1.1285960674285889, -0.635425865650177, -0.10563946515321732, 0.023061389103531837, -0.0031638629734516144,
            0.0001323595060966909, 2.9656865081051365e-05, -3.654789452411933e-06,
        ),
        erf_end=4.0,
    ),
    DOUBLE: _Numbers(
        ln2=(0.6931471805598903, 5.497923018708371e-14),
        shift=512,
        exp_range=(-746.0, 710.0),
        exp=(
            0.5000000000000006, 0.1666666666666662, 0.041666666666573766, 0.00833333333336876, 0.0013888888932326847,
            0.00019841269764575377, 2.4801504501169514e-05, 2.7557366421921696e-06, 2.762630905077219e-07,
            2.506690348526977e-08,
        ),
        log=(
            0.6666666666666734, 0.3999999999941708, 0.28571428741887583, 0.22222198621451184, 0.18183561960216474,
            0.153141077354169, 0.14795408731015214,
        ),
        erf_small=(
            0.12837916709551256, -0.3761263890318337, 0.11283791670939075, -0.02686617064239513, 0.00522397760083003,
            -0.0008548325697721506, 0.00012055287181563403, -1.4924597938988766e-05, 1.6445809539646974e-06,
            -1.6196777166972447e-07, 1.3671949990130722e-08, -7.710264179610632e-10,
        ),
        erf_large=(
            -1.1283792012840537, -0.6366193626387338, -0.1027749093985498, 0.019136555721847793, 0.00018921088628020516,
            -0.0016595087784119762, 0.0005380363645712137, 3.258336750929882e-05, -0.00011705737800330491,
            6.776385777723826e-05, -2.5439686642058768e-05, 7.143814438253287e-06, -1.5585575670097552e-06,
            2.653645911603441e-07, -3.475574604918719e-08, 3.389770125837008e-09, -2.3207778746822415e-10,
            9.953000944498513e-12, -2.0112606290219913e-13,
        ),
        erf_end=6.0,
    ),
}  # fmt: skip


def exp(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``e^x``."""
    numbers = _numbers(x.type)
    x = at_most(builder, at_least(builder, x, numbers.exp_range[0]), numbers.exp_range[1])
    below = builder.fcmp_ordered("<", x, constant(x.type, 0.0))
    bias = format_of(x.type).magic + format_of(x.type).bias
    # 2^n is made in two factors, for n may lie beyond the exponents of normal numbers on either side
    magic = builder.select(below, constant(x.type, bias + numbers.shift), constant(x.type, bias - numbers.shift))
    scale, r = _reduced(builder, x, magic)
    last = builder.select(below, constant(x.type, 2.0**-numbers.shift), constant(x.type, 2.0**numbers.shift))
    return builder.fmul(builder.fmul(_exp_near_zero(builder, r), scale), last)


def expm1(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``e^x - 1``."""
    form, numbers = format_of(x.type), _numbers(x.type)
    # half of the result is made, for 2^n itself may be too large where the result is not
    x = at_most(builder, at_least(builder, x, -40.0), numbers.exp_range[1])
    half, r = _reduced(builder, x, constant(x.type, form.magic + form.bias - 1))
    p = _expm1_near_zero(builder, r, numbers.exp)
    result = fma(builder, half, p, builder.fsub(half, constant(x.type, 0.5)))
    return builder.fadd(result, result)


def sigmoid(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``1 / (1 + e^-x)``, as ``e^x / (1 + e^x)`` below zero, where the other loses its last digits."""
    form, numbers = format_of(x.type), _numbers(x.type)
    z = at_least(builder, _minus_absolute(builder, x), numbers.exp_range[0])
    scale, r = _reduced(builder, z, constant(x.type, form.magic + form.bias + numbers.shift))
    e = builder.fmul(builder.fmul(_exp_near_zero(builder, r), scale), constant(x.type, 2.0**-numbers.shift))
    one = constant(x.type, 1.0)
    above = builder.select(builder.fcmp_ordered("<", x, constant(x.type, 0.0)), e, one)
    return quotient(builder, above, builder.fadd(one, e))


def tanh(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``-t / (t + 2)`` with ``t = e^(-2|x|) - 1``, and the sign of ``x``."""
    form, numbers = format_of(x.type), _numbers(x.type)
    z = at_least(builder, _minus_absolute(builder, x), -20.0)
    # z is -|x| where the exponent is -2|x|: the doubling is in the coefficients, where it costs nothing and is exact
    scale, r = _reduced(builder, z, constant(x.type, form.magic + form.bias), double=True)
    p = _expm1_near_zero(builder, r, tuple(c * 2.0 ** (k + 2) for k, c in enumerate(numbers.exp)), double=True)
    one = constant(x.type, 1.0)
    t = fma(builder, scale, p, builder.fsub(scale, one))
    # t + 2, but not from t: its rounding would count twice
    size = quotient(builder, t, fma(builder, scale, p, builder.fadd(scale, one)))
    return intrinsic(builder, "copysign", size, x)


def log(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The natural logarithm."""
    form = format_of(x.type)
    small = builder.fcmp_ordered("<", x, constant(x.type, 2.0 ** (1 - form.bias)))
    lift = form.fraction + 1  # makes a number below the smallest normal one normal
    normal = builder.select(small, builder.fmul(x, constant(x.type, 2.0**lift)), x)
    k, m = _split(builder, normal)
    k = builder.fsub(k, builder.select(small, constant(x.type, float(lift)), constant(x.type, 0.0)))
    result = _log1p_near_zero(builder, builder.fsub(m, constant(x.type, 1.0)), k, constant(x.type, 0.0))
    return _log_ends(builder, x, x, result)


def log1p(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``log(1 + x)``."""
    one = constant(x.type, 1.0)
    u = builder.fadd(one, x)
    large = builder.fcmp_ordered(">", x, one)
    lost = builder.select(large, builder.fsub(one, builder.fsub(u, x)), builder.fsub(x, builder.fsub(u, one)))
    k, m = _split(builder, u)
    near = builder.fcmp_ordered("==", k, constant(x.type, 0.0))
    f = builder.select(near, x, builder.fsub(m, one))
    rest = builder.select(near, constant(x.type, 0.0), builder.fdiv(lost, u))
    return _log_ends(builder, x, u, _log1p_near_zero(builder, f, k, rest))


def softplus(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``log(1 + e^x)``, as ``max(x, 0) + log(1 + e^-|x|)``."""
    e = exp(builder, _minus_absolute(builder, x))
    zero, one, half = (constant(x.type, value) for value in (0.0, 1.0, 0.5))
    # 1 + e is (1 + f) 2^k with f near zero, exactly
    large = builder.fcmp_ordered(">", e, constant(x.type, math.sqrt(2) - 1))
    f = builder.select(large, builder.fmul(builder.fsub(e, one), half), e)
    log = _log1p_near_zero(builder, f, builder.select(large, one, zero), zero)
    return builder.fadd(relu(builder, x), log)


def erf(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The error function."""
    numbers = _numbers(x.type)
    size = intrinsic(builder, "fabs", x)
    inner = fma(builder, x, horner(builder, builder.fmul(x, x), numbers.erf_small), x)
    far = at_most(builder, size, numbers.erf_end)
    tail = exp(builder, builder.fmul(far, horner(builder, far, numbers.erf_large)))
    outer = intrinsic(builder, "copysign", builder.fsub(constant(x.type, 1.0), tail), x)
    return builder.select(builder.fcmp_ordered("<", size, constant(x.type, 1.0)), inner, outer)


def sqrt(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The square root."""
    return intrinsic(builder, "sqrt", x)


def rsqrt(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``1 / sqrt(x)``."""
    return builder.fdiv(constant(x.type, 1.0), sqrt(builder, x))


def absolute(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``|x|``."""
    return intrinsic(builder, "fabs", x)


def sign(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """1 above zero, -1 below, and 0 for zero and NaN, as ``torch.sign``."""
    zero = constant(x.type, 0.0)
    below = builder.select(builder.fcmp_ordered("<", x, zero), constant(x.type, -1.0), zero)
    return builder.select(builder.fcmp_ordered(">", x, zero), constant(x.type, 1.0), below)


def round(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The nearest whole number, of two the even one: beyond ``2^23``, or ``2^52``, there are no others."""
    size = absolute(builder, x)
    whole = constant(x.type, 2.0 ** format_of(x.type).fraction)
    near = builder.fsub(builder.fadd(size, whole), whole)
    near = builder.select(builder.fcmp_ordered("<", size, whole), near, size)
    return intrinsic(builder, "copysign", near, x)


def floor(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The largest whole number that is not above ``x``."""
    near = round(builder, x)
    less = builder.fsub(near, constant(x.type, 1.0))
    return builder.select(builder.fcmp_ordered(">", near, x), less, near)


def relu(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``max(x, 0)``."""
    return at_least(builder, x, 0.0)


def minimum(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """The smaller of two, and NaN where either is."""
    return intrinsic(builder, "minimum", a, b)


def maximum(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """The larger of two, and NaN where either is."""
    return intrinsic(builder, "maximum", a, b)


def _numbers(type: ir.Type) -> _Numbers:
    return _NUMBERS[format_of(type).element]


def _minus_absolute(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fneg(intrinsic(builder, "fabs", x))


def _reduced(builder: ir.IRBuilder, x: ir.Value, magic: ir.Value, *, double: bool = False) -> tuple[ir.Value, ir.Value]:
    """A power of two and the rest ``r``: ``e^x = 2^n e^r``, or with ``double`` ``e^2x = 2^n e^2r``.

    ``magic`` is the format's magic number and what is to be added to ``n`` to make the exponent's bits. Adding it
    rounds ``n`` to a whole number and leaves those bits at the low end; shifted into place they are the power.
    """
    form = format_of(x.type)
    high, low = _numbers(x.type).ln2
    factor = 2.0 if double else 1.0
    sum = fma(builder, x, constant(x.type, factor / math.log(2)), magic)
    n = builder.fsub(sum, magic)
    r = fma(builder, n, constant(x.type, -high / factor), x)
    r = fma(builder, n, constant(x.type, -low / factor), r)
    bits = bits_of(x.type)
    shifted = builder.shl(builder.bitcast(sum, bits), constant(bits, form.fraction))
    return builder.bitcast(shifted, x.type), r


def _exp_near_zero(builder: ir.IRBuilder, r: ir.Value) -> ir.Value:
    return horner(builder, r, (1.0, 1.0, *_numbers(r.type).exp))


def _expm1_near_zero(
    builder: ir.IRBuilder, r: ir.Value, coefficients: tuple[float, ...], *, double: bool = False
) -> ir.Value:
    """``r + r^2 P(r)``, or with ``double`` ``2 r + r^2 P(r)``, losing nothing of a small ``r``."""
    first = builder.fadd(r, r) if double else r
    return fma(builder, builder.fmul(r, r), horner(builder, r, coefficients), first)


def _split(builder: ir.IRBuilder, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """``k`` and ``m`` of ``x = m 2^k`` with ``m`` from ``sqrt(1/2)`` to ``sqrt(2)``, for a normal ``x`` above zero."""
    form = format_of(x.type)
    bits = bits_of(x.type)
    root = int(math.sqrt(0.5) * 2.0 ** (form.fraction + 1)) + (form.bias - 2 << form.fraction)  # the bits of sqrt(1/2)
    own = builder.bitcast(x, bits)
    k = builder.ashr(builder.sub(own, constant(bits, root)), constant(bits, form.fraction))
    m = builder.bitcast(builder.sub(own, builder.shl(k, constant(bits, form.fraction))), x.type)
    magic = builder.bitcast(constant(x.type, form.magic), bits)
    return builder.fsub(builder.bitcast(builder.add(k, magic), x.type), constant(x.type, form.magic)), m


def _log1p_near_zero(builder: ir.IRBuilder, f: ir.Value, k: ir.Value, rest: ir.Value) -> ir.Value:
    """``k log(2) + log(1 + f) + rest`` for ``1 + f`` from ``sqrt(1/2)`` to ``sqrt(2)``, small terms added first."""
    numbers = _numbers(f.type)
    high, low = (constant(f.type, part) for part in numbers.ln2)
    half_square = builder.fmul(builder.fmul(f, constant(f.type, 0.5)), f)
    rest = fma(builder, k, low, rest)
    if format_of(f.type).element == FLOAT:
        cube = builder.fmul(builder.fmul(f, f), f)
        rest = fma(builder, cube, horner(builder, f, numbers.log), rest)
    else:
        s = builder.fdiv(f, builder.fadd(f, constant(f.type, 2.0)))
        square = builder.fmul(s, s)
        series = builder.fmul(square, horner(builder, square, numbers.log))
        rest = fma(builder, s, builder.fadd(half_square, series), rest)
    return fma(builder, k, high, builder.fadd(f, builder.fsub(rest, half_square)))


def _log_ends(builder: ir.IRBuilder, x: ir.Value, argument: ir.Value, inside: ir.Value) -> ir.Value:
    """The logarithm of ``argument``: ``inside`` where that is above zero and finite, else what it is at the ends."""
    zero, infinity = constant(x.type, 0.0), constant(x.type, math.inf)
    ends = builder.select(builder.fcmp_ordered("==", argument, infinity), infinity, constant(x.type, math.nan))
    ends = builder.select(builder.fcmp_ordered("==", argument, zero), constant(x.type, -math.inf), ends)
    proper = builder.and_(builder.fcmp_ordered(">", argument, zero), builder.fcmp_ordered("<", argument, infinity))
    return builder.select(proper, inside, ends)
