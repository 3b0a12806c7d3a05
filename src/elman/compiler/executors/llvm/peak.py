"""What the machine can do: multiply-adds that never leave the registers."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from llvmlite import ir

from elman.compiler.executors.llvm import gemm, jit, pack, threads
from elman.compiler.executors.llvm.arithmetic import constant, fma
from elman.compiler.executors.llvm.emit import I64, POINTER, Emitter
from elman.compiler.executors.llvm.host import host, once

CHAINS = 12  # independent sums: more than latency times units, and as many as fit 16 registers with the factor and term
TURNS = 400_000


@dataclass(frozen=True)
class Peak:
    """Work that runs at the machine's peak, and the floating-point operations in it."""

    work: Callable[[], None]
    operations: float


def peak(count: int) -> Peak:
    """Float32 multiply-adds on ``count`` threads, a few milliseconds of them.

    >>> peak(1).work()
    """
    address = _address()
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(address)
    count = min(count, threads.available())
    lanes = host().vector_bytes // 4
    turns = np.array([TURNS], np.int64)
    sums = np.ones((count, lanes), np.float32)

    def work() -> None:
        threads.run(kernel, address, turns.ctypes.data, sums.ctypes.data, count)

    return Peak(work, 2.0 * lanes * CHAINS * TURNS * count)


@once
def speed(count: int, double: bool) -> float:
    """Floating-point operations a second at the peak of ``count`` threads, measured in a twentieth of a second.

    >>> speed(1, double=False) > speed(1, double=True)
    True
    """
    most = peak(count)
    fastest = most.operations / _seconds(most.work, 0.05)
    return fastest / 2 if double else fastest


@once
def product_speed(rows: int, depth: int, columns: int, double: bool, pairs: bool = False) -> float:
    """The same of one thread in a product ``[rows, depth]`` by ``[depth, columns]``, packed before.

    >>> product_speed(4, 64, 64, double=False) > 0
    True
    """
    dtype = torch.float64 if double else torch.float32
    _, multiply, _ = gemm.functions(dtype, pairs)
    a, c = torch.zeros(rows, depth, dtype=dtype), torch.zeros(rows, columns, dtype=dtype)
    packed = torch.zeros(pack.packed_size(depth, columns, double, pairs), dtype=dtype)
    each = 2 * rows * depth * columns
    times = 1 + 1_000_000 // each  # many small ones, since the clock has its own cost

    def work(of: int) -> Callable[[], None]:
        out = c.data_ptr(), columns
        given = a.data_ptr(), depth, of, depth, packed.data_ptr(), columns, *out, *out

        def run() -> None:
            for _ in range(times):
                multiply(*given)

        return run

    # less what it costs to call from Python, which is that of a product without rows
    seconds = _seconds(work(rows), 0.02) - _seconds(work(0), 0.02)
    return min(speed(1, double) * (2 if pairs else 1), times * each / max(seconds, 1e-9))


def _seconds(work: Callable[[], None], budget: float) -> float:
    """The shortest of as many runs as fit the budget."""
    work()
    shortest, end = float("inf"), time.perf_counter() + budget
    while (begun := time.perf_counter()) < end:
        work()
        shortest = min(shortest, time.perf_counter() - begun)
    return shortest


@once
def _address() -> int:
    return jit.load(f"peak {CHAINS}", _module).address("peak")


def _module() -> ir.Module:
    """``peak(turns, sums, thread)``: every sum ``s`` becomes ``s/2 + 1``, again and again, which is 2 in the end."""
    module = ir.Module("peak")
    e = Emitter(module, "peak", [POINTER, POINTER, I64], double=False, inner=False)
    turns, sums, thread = e.function.args
    place = e.at(sums, e.mul(thread, e.lanes))
    # read and not written here, so that the loop cannot be worked out beforehand
    one = e.load(place)
    half = e.b.fmul(one, constant(e.vector, 0.5))
    first = [e.b.fmul(one, constant(e.vector, float(k))) for k in range(CHAINS)]
    with e.loop(0, e.integer_at(turns, 0), 1, first) as loop:
        loop.next(*[fma(e.b, value, half, one) for value in loop.values])
    total = loop.values[0]
    for value in loop.values[1:]:
        total = e.b.fadd(total, value)
    # each sum is 2 by now, so that what is written for the next call is what was read: one
    e.store(e.b.fdiv(total, constant(e.vector, 2.0 * CHAINS)), place)
    e.b.ret_void()
    return module
