"""Kernels on several threads: those of PyTorch's own OpenMP, because a second pool would fight it for the cores."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from llvmlite import ir

from elman import system
from elman.compiler.executors.llvm import jit
from elman.compiler.executors.llvm.emit import I32, I64, POINTER, VOID, Emitter
from elman.compiler.executors.llvm.host import once

_KERNEL = ir.FunctionType(VOID, [POINTER, POINTER, I64])
_ASK = ir.FunctionType(I32, [])


@cache
def _openmp() -> ctypes.CDLL | None:
    """The OpenMP library that PyTorch has loaded, if it speaks GNU's dialect."""
    for path in system.openmp(Path(torch.__file__).parent):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "GOMP_parallel"):
            return library
    return None


def available() -> int:
    """Threads that a kernel may use: as many as PyTorch does, one where its pool cannot be shared."""
    return torch.get_num_threads() if _openmp() else 1


@once
def _enter() -> tuple[int, Callable[..., None]]:
    library = _openmp()
    assert library is not None
    parallel = library.GOMP_parallel
    parallel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    parallel.restype = None
    return jit.load("threads", _module).address("enter"), parallel


@cache
def yielding() -> int:
    """The address of a function that lets other threads run."""
    library = ctypes.CDLL(None)
    return ctypes.cast(library.sched_yield, ctypes.c_void_p).value or 0


@cache
def _questions() -> tuple[int, int]:
    library = _openmp()
    return tuple(  # type: ignore[return-value]
        ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        for name in ("omp_get_thread_num", "omp_get_num_threads")
    )


def run(kernel: Callable[..., None], address: int, sizes: int, table: int, threads: int, team: int = 0) -> None:
    """Call ``kernel(sizes, table, i)`` for each ``i`` up to ``threads``, on as many threads.

    ``team`` is the address of a number, if the threads wait for each other: how many there are is written there.
    """
    if threads == 1:
        kernel(sizes, table, 0)
        return
    enter, parallel = _enter()
    who, many = _questions()
    data = (ctypes.c_int64 * 7)(address, sizes, table, threads, who, many, team)
    parallel(enter, data, threads, 0)


def _module() -> ir.Module:
    """``enter(data)``: what each thread runs. There may be fewer than asked for, so that each takes every n-th part."""
    module = ir.Module("threads")
    e = Emitter(module, "enter", [POINTER], double=False, inner=False)
    (data,) = e.function.args
    kernel = e.b.inttoptr(e.integer_at(data, 0), ir.PointerType(_KERNEL))
    sizes, table, threads = e.pointer_at(data, 1), e.pointer_at(data, 2), e.integer_at(data, 3)
    who, many = (
        e.b.sext(e.b.call(e.b.inttoptr(e.integer_at(data, slot), ir.PointerType(_ASK)), []), I64) for slot in (4, 5)
    )
    team = e.integer_at(data, 6)
    waiting = e.b.icmp_signed("!=", team, ir.Constant(I64, 0))
    with e.b.if_then(waiting):
        e.b.store(many, e.b.inttoptr(team, POINTER))
    with e.loop(who, e.b.select(waiting, many, threads), many) as part:
        e.b.call(kernel, [sizes, table, part.index])
    e.b.ret_void()
    return module
