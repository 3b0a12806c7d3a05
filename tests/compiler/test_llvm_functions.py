"""Element-wise functions in kernels: compared with float64 for float32, and with mpmath for float64.

ELMAN_STRIDE=1 looks at every float32 there is, which takes about ten minutes for each function.
"""

import ctypes
import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext

import mpmath
import numpy as np
import pytest
import torch
from llvmlite import ir

from elman.compiler.executors.llvm import functions, jit
from elman.compiler.executors.llvm.arithmetic import DOUBLE, FLOAT, broadcast, constant, fma, format_of
from elman.compiler.executors.llvm.host import host, levels, of_level, use

STRIDE = int(os.environ.get("ELMAN_STRIDE", "1021"))
LIMITS = {"exp": 2.5, "tanh": 2.5, "sigmoid": 2.5}  # units in the last place; 4 for all others
SPECIAL = [0.0, math.inf, math.nan, 1.0, 2.0**-126, 2.0**-149, 2.0**-1022, 88.72, 103.97, 709.78, 745.13, 9.01, 2.0**20]


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


TRUTH: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "log": np.log,
    "log1p": np.log1p,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "erf": lambda x: torch.erf(torch.from_numpy(x)).numpy(),
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": np.sin,
    "cos": np.cos,
    "absolute": np.abs,
    "relu": lambda x: np.maximum(x, 0),
}
EXACT: dict[str, Callable] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


@pytest.fixture(params=levels() or [None])
def width(request):
    """The bytes of a vector: of this machine, or of each level that it has."""
    with use(of_level(request.param)) if request.param else nullcontext():
        yield host().vector_bytes


def module_of(names, element, count) -> ir.Module:
    """Each function in a loop over arrays, (inputs..., output, length), ``count`` numbers at a time; 0 for a scalar."""
    module = ir.Module()
    long = ir.IntType(64)
    kind = ir.VectorType(element, count) if count else element
    options = {"align": format_of(element).integer.width // 8}
    for name in names:
        inputs = 2 if name in ("minimum", "maximum") else 1
        signature = ir.FunctionType(ir.VoidType(), [ir.PointerType()] * (inputs + 1) + [long])
        function = ir.Function(module, signature, name)
        *sources, target, length = function.args
        start, loop, end = (function.append_basic_block() for _ in range(3))
        b = ir.IRBuilder(start)
        b.branch(loop)
        b.position_at_end(loop)
        at = b.phi(long)
        at.add_incoming(long(0), start)
        values = [b.load(b.gep(s, [at], source_etype=element), typ=kind, **options) for s in sources]
        result = getattr(functions, name)(b, *values)
        b.store(result, b.gep(target, [at], source_etype=element), **options)
        after = b.add(at, long(count or 1))
        at.add_incoming(after, b.block)
        b.cbranch(b.icmp_signed("<", after, length), loop, end)
        b.position_at_end(end)
        b.ret_void()
    return module


def computed(name: str, *inputs: np.ndarray, count: int) -> np.ndarray:
    """The function ``name`` of arrays whose length is a multiple of 64."""
    element = FLOAT if inputs[0].dtype == np.float32 else DOUBLE
    library = jit.load(f"test of {name} {element} {count}", lambda: module_of([name], element, count))
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(inputs) + 1), ctypes.c_int64)(library.address(name))
    output = np.full_like(inputs[0], np.nan)
    assert len(output) % 64 == 0
    call(*(array.ctypes.data for array in (*inputs, output)), len(output))
    return output


def units(value: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How far ``value`` is from ``truth``, which is of a wider type, in units in the last place of the former."""
    with np.errstate(all="ignore"):
        right = truth.astype(value.dtype)  # to nearest
        unit = np.spacing(np.minimum(np.abs(right), np.finfo(value.dtype).max)).astype(truth.dtype)
        error = np.abs(value.astype(truth.dtype) - truth) / unit
    same = (value == right) | (np.isnan(value) & np.isnan(right))
    return np.where(same, 0.0, np.where(np.isfinite(error), error, np.inf)).astype(np.float64)


def floats(stride: int):
    """Every ``stride``-th float32, in pieces, and the neighbours of the special ones."""
    piece = stride << 21
    for start in range(0, 1 << 32, piece):
        bits = np.arange(start, min(start + piece, 1 << 32), stride, dtype=np.uint64).astype(np.uint32)
        yield np.resize(bits, -(-len(bits) // 64) * 64).view(np.float32)
    centre = np.array(SPECIAL, np.float32).view(np.uint32).astype(np.int64)
    around = (centre[:, None] + np.arange(-512, 512)).ravel().clip(0, 0x7FFFFFFF).astype(np.uint32)
    yield np.concatenate([around, around | np.uint32(1 << 31)]).view(np.float32)


def worst(name: str, stride: int, count: int) -> tuple[float, float]:
    """The greatest error over the floats, and where it is."""
    found = (0.0, 0.0)
    for x in floats(stride):
        with np.errstate(all="ignore"):  # signalling NaNs are among them
            truth = TRUTH[name](x.astype(np.float64))
        error = units(computed(name, x, count=count), truth)
        at = int(error.argmax())
        found = max(found, (float(error[at]), float(x[at])))
    return found


@pytest.mark.parametrize("name", TRUTH)
def test_float32_is_right_everywhere(name):
    error, x = worst(name, STRIDE, host().vector_bytes // 4)
    assert error <= LIMITS.get(name, 4), f"{name}({x!r}) is off by {error} units in the last place"


@pytest.mark.parametrize("name", TRUTH)
def test_float32_is_right_at_every_width(name, width):
    error, x = worst(name, 40009, width // 4)
    assert error <= LIMITS.get(name, 4), f"{name}({x!r}) is off by {error} units in the last place"


def doubles(name: str) -> np.ndarray:
    random = np.random.default_rng(5)
    sizes = np.concatenate([random.standard_normal(150) * scale for scale in (1e-3, 0.3, 1, 5, 40, 300)])
    anything = random.integers(0, 1 << 64, 300, dtype=np.uint64).view(np.float64)
    turns = random.integers(1, 1 << 40, 100) * (np.pi / 2)
    special = np.array([value for one in SPECIAL for value in (one, -one)])
    near = np.concatenate([np.nextafter(special, 9e99), np.nextafter(special, -9e99)])
    x = np.concatenate([sizes, anything, turns, special, near, -np.exp(random.uniform(-700, 6.6, 100))])
    if name in ("log", "sqrt", "rsqrt"):
        x = np.concatenate([x, np.abs(x)])
    return np.resize(x, -(-len(x) // 64) * 64)


@pytest.mark.parametrize("name", EXACT)
def test_float64_is_right(name, width):
    x = doubles(name)
    y = computed(name, x, count=width // 8)
    with mpmath.workdps(400):  # enough to turn the largest double, and to add the smallest to 1
        for argument, value in zip(x.tolist(), y.tolist(), strict=True):
            truth = exact(name, argument)
            if math.isnan(truth) or truth == value:
                assert math.isnan(truth) == math.isnan(value), f"{name}({argument!r}) is {value!r}"
                continue
            unit = math.ulp(min(abs(float(truth)), sys.float_info.max))
            error = float(abs(mpmath.mpf(value) - truth) / unit) if math.isfinite(value) else math.inf
            rounds_to = float(truth) == value  # an overflow
            assert error <= 4 or rounds_to, f"{name}({argument!r}) is {value!r}, off by {error} units"


def exact(name: str, x: float):
    """The value by mpmath, and at the ends what mathematics says and mpmath does not."""
    if math.isnan(x) or (math.isinf(x) and name in ("sin", "cos")):
        return math.nan
    if (name in ("log", "sqrt", "rsqrt") and x < 0) or (name == "log1p" and x < -1):
        return math.nan
    if x == (-1 if name == "log1p" else 0) and name in ("log", "log1p"):
        return -math.inf
    if x == 0 and name == "rsqrt":
        return math.copysign(math.inf, x)
    if abs(x) > 800 and name in ("exp", "expm1", "sigmoid", "tanh", "softplus", "erf"):  # beyond the range of double
        low = {"expm1": -1.0, "tanh": -1.0, "erf": -1.0}.get(name, 0.0)
        high = {"sigmoid": 1.0, "tanh": 1.0, "erf": 1.0, "softplus": x}.get(name, math.inf)
        return low if x < 0 else high
    return EXACT[name](mpmath.mpf(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRUTH)
def test_a_lane_does_not_depend_on_the_number_of_lanes(name, dtype, width):
    with np.errstate(all="ignore"):  # signalling NaNs are among them
        x = next(floats(160001)).astype(dtype)
    one = computed(name, x, count=0)
    for count in (4, 8, 16, 64):
        np.testing.assert_array_equal(computed(name, x, count=count), one)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_choices_are_those_of_torch(dtype, width):
    values = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-40], dtype)
    a, b = (np.ascontiguousarray(m.ravel()) for m in np.meshgrid(values, values))
    for name in ("minimum", "maximum"):
        truth = getattr(torch, name)(torch.from_numpy(a), torch.from_numpy(b)).numpy()
        np.testing.assert_array_equal(computed(name, a, b, count=width // a.itemsize), truth)
    for name, torch_name in (("sign", "sign"), ("relu", "relu"), ("absolute", "abs")):
        truth = getattr(torch, torch_name)(torch.from_numpy(a)).numpy()
        np.testing.assert_array_equal(computed(name, a, count=width // a.itemsize), truth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["floor", "round"])
def test_whole_numbers_are_those_of_torch_and_ties_go_to_the_even_one(name, dtype, width):
    halves = np.arange(-33, 33) / 2
    large = np.array([2.0**22, 2.0**23, 2.0**24, 2.0**31, 2.0**51, 2.0**52, 2.0**53, 2.0**63, 1e300, math.inf])
    with np.errstate(over="ignore"):
        sizes = np.concatenate([halves, large, -large, [0.0, -0.0, math.nan, 1e-40, -1e-40]]).astype(dtype)
    with np.errstate(invalid="ignore"):
        near = np.concatenate([sizes, np.nextafter(sizes, dtype(9e30)), np.nextafter(sizes, dtype(-9e30))])
    x = np.resize(near, -(-len(near) // 64) * 64)
    truth = getattr(torch, name)(torch.from_numpy(x)).numpy()
    found = computed(name, x, count=width // x.itemsize)
    np.testing.assert_array_equal(found, truth)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(truth))


@pytest.mark.parametrize("element", [FLOAT, DOUBLE], ids=str)
@pytest.mark.parametrize("scalar", [True, False])
def test_nothing_outside_is_called(element, scalar, width):
    count = 0 if scalar else width // (format_of(element).integer.width // 8)
    text = jit.assembly(module_of(functions.__all__, element, count))
    called = set(re.findall(r"^\s*(?:callq?|jmpq?|bl)\s+_?([a-zA-Z_][\w.]*)", text, re.M))
    assert {name for name in called if not name.startswith("LBB")} <= {"elman.quarter_turns"}
    assert "elman.quarter_turns" in text


def test_a_broadcast_fills_every_lane():
    module = ir.Module()
    kind = ir.VectorType(FLOAT, 4)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.PointerType(), FLOAT]), "fill")
    b = ir.IRBuilder(function.append_basic_block())
    value = fma(b, broadcast(b, function.args[1], 4), constant(kind, 2.0), constant(kind, 1.0))
    b.store(value, function.args[0], align=4)
    b.ret_void()
    output = np.zeros(5, np.float32)
    address = jit.load("test of broadcast", lambda: module).address("fill")
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_float)(address)(output.ctypes.data, 3.0)
    assert output.tolist() == [7, 7, 7, 7, 0]
