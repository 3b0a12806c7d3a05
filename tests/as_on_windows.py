"""Kernels as they are made for Windows, run here: what differs there is how functions are called and code is linked.

Within ``machine()``, kernels are called in the way of Windows by a function that is called in ours, and what Windows
gives them of its own is written here in its way. The linker is the one that llvmlite has there.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest.mock import patch

from llvmlite import ir

from elman import system
from elman.compiler.executors.llvm import gradient, jit, threads, workspace
from elman.compiler.executors.llvm.host import levels, of_level, use

LEVEL = (levels() or ("x86-64",))[-1]
HOST = of_level(LEVEL, "x86_64-pc-windows-msvc-elf")
WHY_NOT = "" if levels() else "an x86-64"
MOST = 12  # arguments
LONG, POINTER, VOID = ir.IntType(64), ir.PointerType(), ir.VoidType()


def _module() -> ir.Module:
    """``call(function, 12 numbers)``; and in the way of Windows copies, ``memset``, and a check of the stack."""
    module = ir.Module("windows")
    function = ir.Function(module, ir.FunctionType(VOID, [LONG] * (1 + MOST)), "call")
    b = ir.IRBuilder(function.append_basic_block())
    target = b.inttoptr(function.args[0], ir.PointerType(ir.FunctionType(VOID, [LONG] * MOST)))
    b.call(target, function.args[1:], cconv="win64cc")
    b.ret_void()
    for name, value in (("memset", ir.IntType(32)), ("memcpy", POINTER), ("memmove", POINTER)):
        function = ir.Function(module, ir.FunctionType(POINTER, [POINTER, value, LONG]), f"windows_{name}")
        function.calling_convention = "win64cc"
        b = ir.IRBuilder(function.append_basic_block())
        b.ret(b.call(ir.Function(module, function.ftype, name), function.args))
    check = ir.Function(module, ir.FunctionType(VOID, []), "windows___chkstk")
    ir.IRBuilder(check.append_basic_block()).ret_void()  # nothing but a return: here the stack grows by itself
    return module


@cache
def _library() -> tuple[Callable[..., None], dict[str, int]]:
    library = jit.load("as on windows", _module)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * (1 + MOST))(library.address("call"))
    names = "memcpy", "memmove", "memset", "__chkstk"
    return call, {name: library.address(f"windows_{name}") for name in names}


@contextmanager
def machine() -> Iterator[None]:
    """Kernels are made for Windows and called in its way within this context, on one thread as they are there."""
    call, functions = _library()

    def entry(address: int) -> Callable[..., None]:
        return lambda *given: call(address, *given, *[0] * (MOST - len(given)))

    def run(kernel: Callable[..., None], address: int, sizes: int, table: int, count: int, team: int = 0) -> None:
        assert not team
        for part in range(count):
            kernel(sizes, table, part)

    with ExitStack() as stack:
        for where, name, instead in (
            (workspace, "_ENTRY", entry),
            (gradient, "_ENTRY", entry),
            (threads, "run", run),
            (threads, "available", lambda: 1),
            (system, "functions_of_windows", lambda: functions),
        ):
            stack.enter_context(patch.object(where, name, instead))
        stack.enter_context(use(HOST))
        yield
