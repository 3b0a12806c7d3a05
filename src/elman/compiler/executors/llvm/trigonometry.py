"""Sine and cosine as LLVM's language, right for every argument however large."""

import math
from fractions import Fraction

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import (
    DOUBLE,
    FLOAT,
    bits_of,
    constant,
    fma,
    format_of,
    horner,
    intrinsic,
    lanes,
    like,
)

_LONG, _WIDE, _INDEX = ir.IntType(64), ir.IntType(128), ir.IntType(32)
_NEAR = 2.0**20  # up to here the quarter turns are subtracted in three parts, beyond by whole numbers of 192 bits

# For |r| <= pi / 4: sin(r) = r + r^3 P(r^2) and cos(r) = 1 - r^2/2 + r^4 P(r^2), minimax with rounded coefficients.
_SIN = {
    FLOAT: (-0.1666666716337204, 0.008333379402756691, -0.00019853074627462775, 2.8327656309556914e-06),
    DOUBLE: (
        -0.16666666666666666, 0.008333333333333042, -0.00019841269840962505, 2.755731907394225e-06,
        -2.5052070882157244e-08, 1.605430144377719e-10, -7.388688458245124e-13,
    ),
}  # fmt: skip
_COS = {
    FLOAT: (0.0416666679084301, -0.0013888980029150844, 2.482202216924634e-05, -2.888121173327818e-07),
    DOUBLE: (
        0.041666666666666664, -0.0013888888888888389, 2.4801587301180722e-05, -2.755731906057824e-07,
        2.08767219694408e-09, -1.1466855477937e-11, 4.5923186819525515e-14,
    ),
}  # fmt: skip


def sin(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The sine; NaN of an infinity. May start new blocks."""
    sine = _turned(builder, x, 0)
    # the angle was that of |x|: an odd function takes the sign of x
    bits = bits_of(x.type)
    mask = constant(bits, 1 << bits_width(x.type) - 1)
    sign = builder.and_(builder.bitcast(x, bits), mask)
    return builder.bitcast(builder.xor(builder.bitcast(sine, bits), sign), x.type)


def cos(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The cosine; NaN of an infinity. May start new blocks."""
    return _turned(builder, x, 1)


def bits_width(type: ir.Type) -> int:
    return format_of(type).integer.width


def _turned(builder: ir.IRBuilder, x: ir.Value, turn: int) -> ir.Value:
    """The sine of ``|x|`` and ``turn`` quarter turns."""
    element = format_of(x.type).element
    size = intrinsic(builder, "fabs", x)
    r, quarter = _reduced(builder, size)
    square = builder.fmul(r, r)
    cube = builder.fmul(square, r)
    sine = fma(builder, cube, horner(builder, square, _SIN[element]), r)
    start = fma(builder, square, constant(x.type, -0.5), constant(x.type, 1.0))
    cosine = fma(builder, builder.fmul(square, square), horner(builder, square, _COS[element]), start)

    quarter = builder.add(quarter, constant(quarter.type, turn))
    odd = builder.trunc(quarter, like(x.type, ir.IntType(1)))
    bits = bits_of(x.type)
    value = builder.bitcast(builder.select(odd, cosine, sine), bits)
    half = builder.lshr(quarter, constant(quarter.type, 1))  # odd: half a turn, the sign is the other
    if quarter.type != bits:
        half = builder.trunc(half, bits)
    sign = builder.shl(half, constant(bits, bits_width(x.type) - 1))
    result = builder.bitcast(builder.xor(value, sign), x.type)
    endless = builder.fcmp_ordered("==", size, constant(x.type, math.inf))
    return builder.select(endless, constant(x.type, math.nan), result)


def _reduced(builder: ir.IRBuilder, size: ir.Value) -> tuple[ir.Value, ir.Value]:
    """``r`` and a whole ``q`` of 64 bits with ``size = r + q pi / 2``, the last two bits of ``q`` alone being right."""
    wide = size if format_of(size.type).element == DOUBLE else builder.fpext(size, like(size.type, DOUBLE))
    r, quarter = _reduced_near(builder, wide)
    far = builder.fcmp_ordered(">", wide, constant(wide.type, _NEAR))
    before = builder.block
    with builder.if_then(_any(builder, far), likely=False):
        argument = builder.select(far, wide, constant(wide.type, _NEAR))
        far_r, far_quarter = _reduced_far(builder, argument)
        far_r, far_quarter = builder.select(far, far_r, r), builder.select(far, far_quarter, quarter)
        inside = builder.block
    both = []
    for near_value, far_value in ((r, far_r), (quarter, far_quarter)):
        phi = builder.phi(near_value.type)
        phi.add_incoming(near_value, before)
        phi.add_incoming(far_value, inside)
        both.append(phi)
    r, quarter = both
    return (r if wide is size else builder.fptrunc(r, size.type)), quarter


def _reduced_near(builder: ir.IRBuilder, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The same for ``0 <= x <= _NEAR``: the first two parts of pi / 2 are so short that their multiples are exact."""
    magic = constant(x.type, format_of(x.type).magic)
    sum = fma(builder, x, constant(x.type, 2 / math.pi), magic)
    n = builder.fsub(sum, magic)
    for part in _parts(_pi(256) / 2, (33, 33, 53)):
        x = fma(builder, n, constant(x.type, -part), x)
    return x, builder.bitcast(sum, bits_of(x.type))


def _reduced_far(builder: ir.IRBuilder, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The same for ``x >= _NEAR``, lane by lane."""
    function = _far_function(builder.module)
    if not isinstance(x.type, ir.VectorType):
        result = builder.call(function, [x])
        return builder.extract_value(result, 0), builder.extract_value(result, 1)
    r = ir.Constant(x.type, ir.Undefined)
    quarter = ir.Constant(like(x.type, _LONG), ir.Undefined)
    for lane in range(lanes(x.type)):
        result = builder.call(function, [builder.extract_element(x, _INDEX(lane))])
        r = builder.insert_element(r, builder.extract_value(result, 0), _INDEX(lane))
        quarter = builder.insert_element(quarter, builder.extract_value(result, 1), _INDEX(lane))
    return r, quarter


def _far_function(module: ir.Module) -> ir.Function:
    """The module's function from a double to its rest and quarter turns, in whole numbers (Payne and Hanek 1983).

    x is m 2^e with m of 53 bits. Of 2 / pi only the 192 bits matter that m 2^e brings near the point: those above give
    whole turns, those below are too small. Of their product the first two bits are the quarter turns.
    """
    name = "elman.quarter_turns"
    found = module.globals.get(name)
    if found is not None:
        return found
    function = ir.Function(module, ir.FunctionType(ir.LiteralStructType([DOUBLE, _LONG]), [DOUBLE]), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    form = format_of(DOUBLE)
    own = builder.bitcast(function.args[0], _LONG)
    exponent = builder.sub(builder.lshr(own, _LONG(form.fraction)), _LONG(form.bias + form.fraction))
    hidden = 1 << form.fraction
    mantissa = builder.or_(builder.and_(own, _LONG(hidden - 1)), _LONG(hidden))

    table = _two_over_pi(module)
    start = builder.add(exponent, _LONG(64 - 2))  # the table begins with 64 zeros
    word, offset = builder.lshr(start, _LONG(6)), builder.and_(start, _LONG(63))
    words = [
        builder.load(
            builder.gep(table, [_LONG(0), builder.add(word, _LONG(k))], source_etype=table.value_type), typ=_LONG
        )
        for k in range(4)
    ]
    window = [_funnel(builder, words[k], words[k + 1], offset) for k in range(3)]
    m = builder.zext(mantissa, _WIDE)
    low = builder.mul(m, builder.zext(window[2], _WIDE))
    middle = builder.add(builder.mul(m, builder.zext(window[1], _WIDE)), builder.lshr(low, _WIDE(64)))
    top = builder.add(builder.mul(mantissa, window[0]), builder.trunc(builder.lshr(middle, _WIDE(64)), _LONG))

    quarter = builder.lshr(builder.add(top, _LONG(1 << 61)), _LONG(62))  # to the nearest
    rest = builder.sub(top, builder.shl(quarter, _LONG(62)))
    negative = builder.icmp_signed("<", rest, _LONG(0))
    fraction = builder.or_(
        builder.shl(builder.zext(rest, _WIDE), _WIDE(64)), builder.zext(builder.trunc(middle, _LONG), _WIDE)
    )
    fraction = builder.select(negative, builder.sub(_WIDE(0), fraction), fraction)  # over 2^126
    zeros = builder.ctlz(fraction, ir.IntType(1)(0))
    leading = builder.trunc(builder.lshr(builder.shl(fraction, zeros), _WIDE(64)), _LONG)
    power = builder.sub(_LONG(form.bias - 62), builder.trunc(zeros, _LONG))
    scale = builder.bitcast(builder.shl(power, _LONG(form.fraction)), DOUBLE)
    r = builder.fmul(builder.fmul(builder.uitofp(leading, DOUBLE), scale), DOUBLE(math.pi / 2))
    r = builder.select(negative, builder.fneg(r), r)
    result = builder.insert_value(ir.Constant(function.function_type.return_type, ir.Undefined), r, 0)
    builder.ret(builder.insert_value(result, quarter, 1))
    return function


def _funnel(builder: ir.IRBuilder, high: ir.Value, low: ir.Value, count: ir.Value) -> ir.Value:
    """The first 64 bits of ``high`` and ``low`` together, shifted left by ``count`` below 64."""
    both = builder.or_(builder.shl(builder.zext(high, _WIDE), _WIDE(64)), builder.zext(low, _WIDE))
    shifted = builder.shl(both, builder.zext(count, _WIDE))
    return builder.trunc(builder.lshr(shifted, _WIDE(64)), _LONG)


def _two_over_pi(module: ir.Module) -> ir.GlobalVariable:
    """64 zeros and then the bits of 2 / pi, as far as the largest double needs them."""
    words = 20
    bits = int(2 / _pi(64 * words + 64) * 2 ** (64 * (words - 1)))
    values = [bits >> 64 * (words - 1 - k) & (1 << 64) - 1 for k in range(words)]
    kind = ir.ArrayType(_LONG, words)
    table = ir.GlobalVariable(module, kind, "elman.two_over_pi")
    table.linkage, table.global_constant, table.initializer = "internal", True, ir.Constant(kind, values)
    return table


def _pi(bits: int) -> Fraction:
    """pi to so many bits: 16 atan(1/5) - 4 atan(1/239) (Machin 1706)."""
    one = 1 << bits + 16

    def atan_of_inverse(x: int) -> int:
        total, power, k = 0, one // x, 0
        while power:
            total += (-1) ** k * (power // (2 * k + 1))
            power //= x * x
            k += 1
        return total

    return Fraction(16 * atan_of_inverse(5) - 4 * atan_of_inverse(239), one)


def _parts(number: Fraction, lengths: tuple[int, ...]) -> list[float]:
    """``number``, at least 1 and below 2, as a sum of floats with so many bits each."""
    parts = []
    for length in lengths:
        exponent = math.frexp(float(number))[1]
        unit = Fraction(2) ** (exponent - length)
        part = number // unit * unit
        parts.append(float(part))
        number -= part
    return parts


def _any(builder: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """Whether any lane is true."""
    if not isinstance(mask.type, ir.VectorType):
        return mask
    packed = ir.IntType(mask.type.count)
    return builder.icmp_unsigned("!=", builder.bitcast(mask, packed), packed(0))
