"""Small words of LLVM's language for numbers and vectors of numbers alike."""

from dataclasses import dataclass

from llvmlite import ir

from elman.compiler.executors.llvm.host import host

FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()


class _BFloat(ir.Type):
    """The upper half of a float32, which llvmlite has no name for."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


BFLOAT = _BFloat()


@dataclass(frozen=True)
class Format:
    """How a floating-point type keeps its bits."""

    element: ir.Type
    integer: ir.IntType  # of the same width
    fraction: int  # bits after the leading one
    bias: int  # what is added to the exponent

    @property
    def magic(self) -> float:
        """A number so large that adding it rounds to a whole number, which then stands in its lowest bits."""
        return 1.5 * 2.0**self.fraction


FORMATS = {FLOAT: Format(FLOAT, ir.IntType(32), 23, 127), DOUBLE: Format(DOUBLE, ir.IntType(64), 52, 1023)}


class _Splat(ir.Constant):
    """A vector constant with one number in every lane."""

    def __init__(self, type: ir.VectorType, one: ir.Constant) -> None:
        super().__init__(type, ir.Undefined)
        self.one = one

    def get_reference(self) -> str:
        """The text of the constant, without its type."""
        return f"splat ({self.one})"


def lanes(type: ir.Type) -> int:
    """How many numbers a value of this type holds."""
    return type.count if isinstance(type, ir.VectorType) else 1


def format_of(type: ir.Type) -> Format:
    """The format of the numbers in a value of this type."""
    return FORMATS[type.element if isinstance(type, ir.VectorType) else type]


def like(type: ir.Type, element: ir.Type) -> ir.Type:
    """The type with as many numbers as ``type``, each an ``element``."""
    return ir.VectorType(element, type.count) if isinstance(type, ir.VectorType) else element


def bits_of(type: ir.Type) -> ir.Type:
    """The type of whole numbers that has the same bits as the floating-point ``type``."""
    return like(type, format_of(type).integer)


def constant(type: ir.Type, value: float) -> ir.Constant:
    """``value`` in every lane."""
    if not isinstance(type, ir.VectorType):
        return ir.Constant(type, value)
    # one number in the text and not one a lane, which would be most of what LLVM has to read
    return _Splat(type, ir.Constant(type.element, value))


def broadcast(builder: ir.IRBuilder, value: ir.Value, count: int) -> ir.Value:
    """A vector of ``count`` lanes, each the scalar ``value``."""
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, count), ir.Undefined), value, ir.IntType(32)(0))
    every = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(one, ir.Constant(one.type, ir.Undefined), every)


def call(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Call one of LLVM's own functions by its full name."""
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(result, [a.type for a in arguments]), name)
    return builder.call(function, arguments)


def intrinsic(builder: ir.IRBuilder, name: str, first: ir.Value, *rest: ir.Value) -> ir.Value:
    """Call the intrinsic ``llvm.name`` whose arguments and result are all of one type."""
    width = format_of(first.type).integer.width
    suffix = f"v{first.type.count}f{width}" if isinstance(first.type, ir.VectorType) else f"f{width}"
    return call(builder, f"llvm.{name}.{suffix}", first.type, first, *rest)


def fma(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """``a * b + c``: one instruction where the host has it, else two. (``llvm.fma`` would then call the C library.)"""
    return intrinsic(builder, "fmuladd", a, b, c)


def dot(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """``c + a0 b0 + a1 b1`` in each lane of float32, whose two halves in ``a`` and ``b`` are numbers of bfloat16.

    It is an instruction of AVX-512, for 16 lanes.
    """
    pairs = ir.VectorType(BFLOAT, 2 * c.type.count)
    a, b = (builder.bitcast(value, pairs) for value in (a, b))
    return call(builder, "llvm.x86.avx512bf16.dpbf16ps.512", c.type, c, a, b)


def halves(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The bits of float32 numbers rounded to bfloat16, to the nearest, ties to even; what is not normal is zero."""
    narrow = builder.fptrunc(value, like(value.type, BFLOAT))
    return builder.bitcast(narrow, like(value.type, ir.IntType(16)))


def paired(builder: ir.IRBuilder, low: ir.Value, high: ir.Value) -> ir.Value:
    """Two float32 numbers as one of as many bits, whose halves are of bfloat16."""
    bits = bits_of(low.type)
    low_bits, high_bits = (builder.zext(halves(builder, value), bits) for value in (low, high))
    sixteen = bits([16] * bits.count) if isinstance(bits, ir.VectorType) else bits(16)
    return builder.bitcast(builder.or_(low_bits, builder.shl(high_bits, sixteen)), low.type)


def horner(builder: ir.IRBuilder, x: ir.Value, coefficients: tuple[float, ...]) -> ir.Value:
    """The polynomial with these coefficients, the constant term first."""
    result = constant(x.type, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = fma(builder, result, x, constant(x.type, coefficient))
    return result


def at_least(builder: ir.IRBuilder, x: ir.Value, bound: float) -> ir.Value:
    """``max(x, bound)``, and NaN where ``x`` is."""
    limit = constant(x.type, bound)
    return builder.select(builder.fcmp_ordered("<", x, limit), limit, x)


def at_most(builder: ir.IRBuilder, x: ir.Value, bound: float) -> ir.Value:
    """``min(x, bound)``, and NaN where ``x`` is."""
    limit = constant(x.type, bound)
    return builder.select(builder.fcmp_ordered(">", x, limit), limit, x)


def quotient(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """``a / b`` for ``|a| <= 1 <= b <= 2``, where a division would take longer than all the rest of a function.

    With AVX-512 and float32 it is an estimate of 14 bits and one correction, within 0.6 units in the last place. A lane
    gives the same whatever the other lanes hold and however many they are.
    """
    if format_of(a.type).element != FLOAT or host().vector_bytes < 64:
        return builder.fdiv(a, b)
    inverse = _estimate(builder, b)
    result = builder.fmul(a, inverse)
    rest = fma(builder, builder.fneg(result), b, a)
    return fma(builder, rest, inverse, result)


def _estimate(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """``1 / x`` to 14 bits, by the instruction of AVX-512 for 16 lanes at a time."""
    count = lanes(x.type)
    if count == 1 and not isinstance(x.type, ir.VectorType):
        return builder.extract_element(_estimate(builder, broadcast(builder, x, 4)), ir.IntType(32)(0))
    if count in (4, 8, 16):
        mask = ir.IntType(max(8, count))(-1)
        return call(builder, f"llvm.x86.avx512.rcp14.ps.{32 * count}", x.type, x, constant(x.type, 0.0), mask)
    if count % 32:
        raise ValueError(f"vectors of float32 have 4, 8, 16 or a multiple of 32 lanes, not {count}")
    low, high = (_pick(builder, x, range(start, start + count // 2)) for start in (0, count // 2))
    return _join(builder, _estimate(builder, low), _estimate(builder, high))


def _pick(builder: ir.IRBuilder, x: ir.Value, which: range) -> ir.Value:
    return builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), _indices(which))


def _join(builder: ir.IRBuilder, low: ir.Value, high: ir.Value) -> ir.Value:
    return builder.shuffle_vector(low, high, _indices(range(2 * lanes(low.type))))


def _indices(which: range) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(which)), list(which))
