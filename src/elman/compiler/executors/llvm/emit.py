"""What writing a kernel in LLVM's language needs again and again: loops, and vectors that are cut off at an end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import DOUBLE, FLOAT, broadcast, call
from elman.compiler.executors.llvm.host import host

I64, I32, I16, I8, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(16), ir.IntType(8), ir.IntType(1)
POINTER = ir.PointerType()
VOID = ir.VoidType()
FLUSH = 0x8040  # in the x86 register of modes: results, and what is read, are zero where they are not normal


def integer(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


class Emitter:
    """A function being written, for numbers of one format."""

    def __init__(self, module: ir.Module, name: str, arguments: Sequence[ir.Type], double: bool, inner: bool) -> None:
        self.number = DOUBLE if double else FLOAT
        self.bytes = 8 if double else 4
        self.lanes = host().vector_bytes // self.bytes
        self.vector = ir.VectorType(self.number, self.lanes)
        self.function = ir.Function(module, ir.FunctionType(VOID, list(arguments)), name)
        self.function.attributes.add("nounwind")
        if inner:
            self.function.linkage = "internal"
        self.b = ir.IRBuilder(self.function.append_basic_block("start"))

    def at(self, base: ir.Value, index: ir.Value | int) -> ir.Value:
        """The address of number ``index`` after ``base``."""
        index = integer(index) if isinstance(index, int) else index
        return self.b.gep(base, [index], source_etype=self.number)

    def mul(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        return self.b.mul(a, integer(b) if isinstance(b, int) else b, flags=("nsw",))

    def plus(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        return self.b.add(a, integer(b) if isinstance(b, int) else b, flags=("nsw",))

    def minus(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        return self.b.sub(a, integer(b) if isinstance(b, int) else b, flags=("nsw",))

    def least(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        b = integer(b) if isinstance(b, int) else b
        return self.b.select(self.b.icmp_signed("<", a, b), a, b)

    def load(self, address: ir.Value) -> ir.Value:
        """One whole vector."""
        return self.b.load(address, typ=self.vector, align=self.bytes)

    def store(self, value: ir.Value, address: ir.Value) -> None:
        self.b.store(value, address, align=self.bytes)

    def one(self, address: ir.Value) -> ir.Value:
        """One number in every lane."""
        return broadcast(self.b, self.b.load(address, typ=self.number, align=self.bytes), self.lanes)

    def integer_at(self, base: ir.Value, index: ir.Value | int) -> ir.Value:
        """Number ``index`` of a table of 64-bit whole numbers."""
        index = integer(index) if isinstance(index, int) else index
        return self.b.load(self.b.gep(base, [index], source_etype=I64), typ=I64, align=8)

    def pointer_at(self, base: ir.Value, index: ir.Value | int) -> ir.Value:
        return self.b.inttoptr(self.integer_at(base, index), POINTER)

    def mask(self, remaining: ir.Value) -> ir.Value:
        """True in the lanes before ``remaining``."""
        wide = ir.VectorType(I32, self.lanes)
        limit = self.b.select(self.b.icmp_signed("<", remaining, integer(self.lanes)), remaining, integer(self.lanes))
        limit = broadcast(self.b, self.b.trunc(limit, I32), self.lanes)
        return self.b.icmp_signed("<", ir.Constant(wide, list(range(self.lanes))), limit)

    def load_masked(self, address: ir.Value, mask: ir.Value) -> ir.Value:
        """A vector whose lanes outside ``mask`` are zero and are not read."""
        name = f"llvm.masked.load.v{self.lanes}f{self.bytes * 8}.p0"
        zero = ir.Constant(self.vector, None)
        return call(self.b, name, self.vector, address, ir.Constant(I32, self.bytes), mask, zero)

    def store_masked(self, value: ir.Value, address: ir.Value, mask: ir.Value) -> None:
        name = f"llvm.masked.store.v{self.lanes}f{self.bytes * 8}.p0"
        call(self.b, name, VOID, value, address, ir.Constant(I32, self.bytes), mask)

    @contextmanager
    def flushed(self) -> Iterator[None]:
        """Within this, numbers too small to be normal are zero; afterwards the caller's own mode is back.

        What fades over time passes through them, and each costs a hundred times what another number does.
        """
        if not host().triple.startswith("x86_64"):  # elsewhere they are not slow
            yield
            return
        before, now = self.b.alloca(I32), self.b.alloca(I32)
        call(self.b, "llvm.x86.sse.stmxcsr", VOID, before)
        self.b.store(self.b.or_(self.b.load(before, typ=I32), ir.Constant(I32, FLUSH)), now)
        call(self.b, "llvm.x86.sse.ldmxcsr", VOID, now)
        yield
        call(self.b, "llvm.x86.sse.ldmxcsr", VOID, before)

    @contextmanager
    def loop(
        self, start: ir.Value | int, stop: ir.Value, step: ir.Value | int = 1, carried: Sequence[ir.Value] = ()
    ) -> Iterator["Loop"]:
        """``for index in range(start, stop, step)``; values that are carried around it are set by ``Loop.next``."""
        start = integer(start) if isinstance(start, int) else start
        step = integer(step) if isinstance(step, int) else step
        before = self.b.block
        head = self.b.append_basic_block("loop")
        body = self.b.append_basic_block("body")
        after = self.b.append_basic_block("after")
        self.b.branch(head)
        self.b.position_at_end(head)
        index = self.b.phi(I64)
        index.add_incoming(start, before)
        phis = [self.b.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        self.b.cbranch(self.b.icmp_signed("<", index, stop), body, after)
        self.b.position_at_end(body)
        loop = Loop(index, phis)
        yield loop
        index.add_incoming(self.plus(index, step), self.b.block)
        for phi, value in zip(phis, loop.following, strict=True):
            phi.add_incoming(value, self.b.block)
        self.b.branch(head)
        self.b.position_at_end(after)


class Loop:
    """A loop being written: its index, and the values carried around it, which are the last ones after it."""

    def __init__(self, index: ir.Value, values: list[ir.Value]) -> None:
        self.index, self.values = index, values
        self.following: Sequence[ir.Value] = ()

    def next(self, *values: ir.Value) -> None:
        """The carried values for the next turn."""
        self.following = values
