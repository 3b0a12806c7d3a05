"""Kernels for a processor of another kind, run by an emulator: everything else runs here, as it always does.

Within ``machine()``, kernels are made for AArch64 and linked as libraries for it; a small program, ``emulated.c``,
loads them under ``qemu-aarch64``. Each call copies there what its tables name, and back what has been written. What
lies at an address is known from where addresses are taken: ``data_ptr``, ``ctypes.addressof``, and the tables of rows.
"""

import bisect
import ctypes
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import llvmlite.binding as llvm
import torch

from elman.compiler import store
from elman.compiler.executors.llvm import gradient, jit, threads, workspace
from elman.compiler.executors.llvm.host import host, of_processor, use

TRIPLE = "aarch64-linux-gnu"
HOST = of_processor(TRIPLE, "generic", {"neon": True})  # what every AArch64 has
COMPILER, LINKER, EMULATOR = f"{TRIPLE}-gcc", f"{TRIPLE}-ld", "qemu-aarch64"
LIBRARIES = Path("/usr") / TRIPLE
WHY_NOT = ", ".join(name for name in (COMPILER, LINKER, EMULATOR) if shutil.which(name) is None)
SMALLEST = 1 << 32  # no count is so large, and no address so small


class Regions:
    """What lies at addresses that were taken: where each begins, how long it is, and whether it holds addresses."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.known: dict[int, tuple[int, bool]] = {}

    def add(self, start: int, size: int, table: bool) -> None:
        if not start or not size or self.known.get(start) == (size, table):
            return
        first = bisect.bisect_right(self.starts, start) - 1
        if first < 0 or self.starts[first] + self.known[self.starts[first]][0] <= start:
            first += 1
        last = bisect.bisect_left(self.starts, start + size)
        for gone in self.starts[first:last]:  # it was freed, and its place is another's
            del self.known[gone]
        self.starts[first:last] = [start]
        self.known[start] = (size, table)

    def at(self, address: int) -> int | None:
        """The beginning of what an address is in."""
        place = bisect.bisect_right(self.starts, address) - 1
        if place < 0:
            return None
        start = self.starts[place]
        return start if address < start + self.known[start][0] else None


class Process:
    """The emulator, and what is known of its memory and of ours."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="elman-emulated-")
        place = Path(self.folder.name)
        source = Path(__file__).with_suffix(".c")
        command = [COMPILER, "-O1", "-pthread", "-o", place / "run", source, "-ldl"]
        subprocess.run(command, check=True)
        command = [EMULATOR, "-L", LIBRARIES, place / "run"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.regions, self.functions, self.calls = Regions(), set[int](), 0

    def send(self, letter: str, *numbers: int, data: bytes = b"") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(letter.encode() + struct.pack(f"<{len(numbers)}q", *numbers) + data)

    def receive(self, size: int) -> bytes:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.flush()
        data = self.process.stdout.read(size)
        assert len(data) == size, f"the emulator ended with {self.process.wait()}"
        return data

    def number(self) -> int:
        return struct.unpack("<q", self.receive(8))[0]

    def function(self, name: str, library: int = 0) -> int:
        """The address of a function, of a library or of all that is loaded."""
        self.send("S", library, len(name), data=name.encode())
        address = self.number()
        self.functions.add(address)
        return address

    def linked(self, name: str, kernel: store.Kernel) -> jit.Library:
        """In the place of ``jit._linked``."""
        place = Path(self.folder.name) / name
        place.with_suffix(".o").write_bytes(kernel.code)
        library = place.with_suffix(".so")
        subprocess.run([LINKER, "-shared", "-o", library, place.with_suffix(".o")], check=True)
        path = str(library).encode()
        self.send("L", len(path), data=path)
        handle = self.number()
        return jit.Library({each: self.function(each, handle) for each in kernel.names}, self)

    def moved(self, number: int, there: dict[int, int]) -> int:
        """A number, or where what it is the address of lies there; that is copied, if it has not been before."""
        start = self.regions.at(number)
        if start is None:
            assert abs(number) < SMALLEST or number in self.functions, f"nothing is known to lie at {number:#x}"
            return number
        if start not in there:
            size, table = self.regions.known[start]
            self.send("A", size)
            there[start] = self.number()
            data = ctypes.string_at(start, size)
            if table:
                numbers = struct.unpack(f"<{size // 8}q", data)
                data = struct.pack(f"<{size // 8}q", *(self.moved(each, there) for each in numbers))
            self.send("W", there[start], size, data=data)
        return there[start] + number - start

    def call(self, letter: str, function: int, *given: int, counted: bool = False) -> None:
        """A call, with all that its arguments lead to, of which tensors are copied back."""
        there: dict[int, int] = {}
        numbers = [self.moved(number, there) for number in given]
        self.send(letter, function, *([len(numbers)] if counted else []), *numbers)
        assert self.number() == 1
        for start, other in there.items():
            size, table = self.regions.known[start]
            if not table:
                self.send("R", other, size)
                ctypes.memmove(start, self.receive(size), size)
        self.send("F")
        self.calls += 1

    def entry(self, address: int) -> Callable[..., None]:
        """A function of ours that calls one there."""
        return lambda *given: self.call("C", address, *(int(number or 0) for number in given), counted=True)

    def run(self, kernel: Callable[..., None], address: int, sizes: int, table: int, count: int, team: int = 0) -> None:
        """In the place of ``threads.run``."""
        self.call("T", address, sizes, table, count, team)

    def stop(self) -> None:
        """End the emulator."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@cache
def process() -> Process:
    """The emulator of this process, which is started once."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return Process()


@contextmanager
def machine() -> Iterator[Process]:
    """Kernels are made for another machine and run by its emulator within this context."""
    other = process()
    pointer, of, prototype, place = (
        torch.Tensor.data_ptr,
        ctypes.addressof,
        ctypes.CFUNCTYPE,
        workspace.Workspace.place,
    )

    def data_ptr(tensor: torch.Tensor) -> int:
        memory = tensor.untyped_storage()
        other.regions.add(memory.data_ptr(), memory.nbytes(), table=False)
        return pointer(tensor)

    def addressof(value: Any) -> int:
        other.regions.add(of(value), ctypes.sizeof(value), table=True)
        return of(value)

    def function_type(*types: Any) -> Callable[[int], Callable[..., None]]:
        return lambda address: other.entry(address) if address in other.functions else prototype(*types)(address)

    def placed(work: workspace.Workspace, rows: Any) -> None:
        for array in (rows.first, rows.starts, rows.order, rows.lengths):
            other.regions.add(array.ctypes.data, array.nbytes, table=False)
        place(work, rows)

    with ExitStack() as stack:
        for where, name, instead in (
            (torch.Tensor, "data_ptr", data_ptr),
            (ctypes, "addressof", addressof),
            (ctypes, "CFUNCTYPE", function_type),
            (workspace, "_ENTRY", other.entry),
            (gradient, "_ENTRY", other.entry),
            (workspace.Workspace, "place", placed),
            (threads, "run", other.run),
            (threads, "yielding", lambda: other.function("sched_yield")),
            (jit, "_linked", other.linked),
        ):
            stack.enter_context(patch.object(where, name, instead))
        stack.enter_context(use(HOST))
        assert host() == HOST
        yield other
