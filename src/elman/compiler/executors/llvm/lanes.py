"""Products by heads so narrow that a vector holds several of them.

A head has as many inputs as results, ``U``, and a vector holds a *group* of ``lanes // U`` whole heads: a row of the
input is read as it lies, and turn ``k`` gives every lane number ``k`` of its own head. So no lane is idle but at the
end, and nothing passes from one head to another. The functions are those of ``gemm`` and ``gradient``, written for
one ``U``; each number is the same chain of multiply-adds.
"""

import torch
from llvmlite import ir

from elman.compiler.executors.llvm import jit
from elman.compiler.executors.llvm.arithmetic import fma
from elman.compiler.executors.llvm.emit import BIT, I32, I64, POINTER, Emitter, integer
from elman.compiler.executors.llvm.gemm import GEMM_BLOCKS, share
from elman.compiler.executors.llvm.host import host, once
from elman.compiler.executors.llvm.pack import PACK_BLOCKS, Panels


def fits(depth: int, columns: int, double: bool) -> bool:
    """Whether heads of so many inputs and results fill vectors together."""
    return depth == columns and 2 * columns <= _lanes(double)


def groups(units: int, heads: int, double: bool) -> int:
    """Vectors that so many heads fill."""
    return -(-heads // (_lanes(double) // units))


def packed_size(units: int, heads: int, double: bool) -> int:
    """Numbers in the packed matrices of all heads."""
    return groups(units, heads, double) * units * _lanes(double)


@once
def addresses(units: int, packed: torch.dtype) -> tuple[int, int]:
    """The addresses of ``gemm_blocks`` and ``pack_blocks`` for heads of so many units."""
    double, narrow = packed == torch.float64, packed == torch.bfloat16

    def build() -> ir.Module:
        module = ir.Module("lanes")
        _gemm(module, units, double, narrow)
        _pack(module, units, double, narrow)
        return module

    library = jit.load(f"lanes {units} {packed}", build)
    return library.address("gemm_blocks"), library.address("pack_blocks")


@once
def gradient(units: int, double: bool, table: tuple[tuple[str, ...], tuple[str, ...]]) -> int:
    """The address of ``gradient``, which is called with tables of sizes and of addresses of these names."""

    def build() -> ir.Module:
        module = ir.Module("lanes gradient")
        _gradient(module, units, double, *table)
        return module

    return jit.load(f"lanes gradient {units} {double}", build).address("gradient")


def _lanes(double: bool) -> int:
    return host().vector_bytes // (8 if double else 4)


class _Group:
    """The lanes of a group of heads."""

    def __init__(self, e: Emitter, units: int) -> None:
        self.e, self.units, self.heads = e, units, e.lanes // units
        self.width = self.heads * units

    def each(self, row: ir.Value, k: int) -> ir.Value:
        """Number ``k`` of its own head in every lane."""
        places = [lane // self.units * self.units + k if lane < self.width else 0 for lane in range(self.e.lanes)]
        indices = ir.Constant(ir.VectorType(I32, self.e.lanes), places)
        return self.e.b.shuffle_vector(row, ir.Constant(row.type, ir.Undefined), indices)

    def count(self, heads: ir.Value) -> ir.Value:
        """Groups of so many heads."""
        return self.e.b.sdiv(self.e.plus(heads, self.heads - 1), integer(self.heads))

    def live(self, heads: ir.Value, first: ir.Value) -> ir.Value:
        """The lanes from column ``first`` on that belong to one of so many heads."""
        return self.e.mask(self.e.least(self.e.minus(self.e.mul(heads, self.units), first), self.width))

    def of(self, head: int) -> ir.Value:
        """The lanes of one head."""
        own = range(head * self.units, (head + 1) * self.units)
        return ir.Constant(ir.VectorType(BIT, self.e.lanes), [lane in own for lane in range(self.e.lanes)])


def _gemm(module: ir.Module, units: int, double: bool, narrow: bool) -> None:
    e = Emitter(module, "gemm_blocks", GEMM_BLOCKS.args, double, inner=False)
    a, a_stride, rows, _, packed, _, start, start_stride, c, c_stride, heads, seat, team = e.function.args
    held, group = Panels(e, narrow), _Group(e, units)
    with e.loop(*share(e, group.count(heads), seat, team)) as loop:
        first = e.mul(loop.index, group.width)
        mask, panel = group.live(heads, first), held.at(packed, e.mul(loop.index, units * e.lanes))
        weights = [held.load(held.at(panel, k * e.lanes)) for k in range(units)]
        with e.loop(0, rows) as r:
            row, begun, target = (
                e.at(e.at(base, e.mul(r.index, stride)), first)
                for base, stride in ((a, a_stride), (start, start_stride), (c, c_stride))
            )
            x, total = e.load_masked(row, mask), e.load_masked(begun, mask)
            for k, weight in enumerate(weights):
                total = fma(e.b, group.each(x, k), weight, total)
            e.store_masked(total, target, mask)
    e.b.ret_void()


def _pack(module: ir.Module, units: int, double: bool, narrow: bool) -> None:
    """For each group and each ``k`` a vector; the lanes of no head are zero."""
    e = Emitter(module, "pack_blocks", PACK_BLOCKS.args, double, inner=False)
    matrix, k_stride, n_stride, _, _, packed, heads, head_stride = e.function.args
    held, group, zero = Panels(e, narrow), _Group(e, units), ir.Constant(e.vector, None)
    with e.loop(0, group.count(heads)) as loop, e.loop(0, integer(units)) as k:
        line = held.at(packed, e.mul(e.plus(e.mul(loop.index, units), k.index), e.lanes))
        held.store(zero, line)
        first = e.mul(loop.index, group.heads)
        with e.loop(0, e.least(e.minus(heads, first), group.heads)) as head, e.loop(0, integer(units)) as n:
            own = e.plus(e.mul(e.plus(first, head.index), head_stride), e.mul(k.index, k_stride))
            number = e.at(matrix, e.plus(own, e.mul(n.index, n_stride)))
            value = e.b.load(number, typ=e.number, align=e.bytes)
            held.store(value, held.at(line, e.plus(e.mul(head.index, units), n.index)))
    e.b.ret_void()


def _gradient(module: ir.Module, units: int, double: bool, sizes: tuple[str, ...], addresses: tuple[str, ...]) -> None:
    """One thread's groups, each over all rows: row ``k`` of every head's matrix is in the lanes of sum ``k``."""
    e = Emitter(module, "gradient", [POINTER, POINTER, I64], double, inner=False)
    table, places, thread = e.function.args
    size = {name: e.integer_at(table, i) for i, name in enumerate(sizes)}
    place = {name: e.pointer_at(places, i) for i, name in enumerate(addresses)}
    b, group = e.b, _Group(e, units)
    with_sums = b.icmp_unsigned("!=", b.ptrtoint(place["sums"], I64), integer(0))
    begin = e.mul(thread, size["block part"])
    end = e.least(group.count(size["blocks"]), e.plus(begin, size["block part"]))

    def row(side: str, index: ir.Value, column: ir.Value) -> ir.Value:
        """Where a row is, from the table and the distance of rows: one of the two is always nothing."""
        offset = e.integer_at(place[f"{side} offsets"], e.mul(index, size[f"{side} step"]))
        return e.at(e.at(place[side], e.plus(offset, e.mul(index, size[f"{side} stride"]))), column)

    def line(head: int, k: int, first: ir.Value) -> ir.Value:
        """Where row ``k`` of a head's matrix would begin if lane 0 held its first number."""
        return e.at(place["out"], e.minus(e.mul(e.plus(first, head * units + k), size["out stride"]), head * units))

    with e.flushed(), e.loop(begin, end) as loop:
        first = e.mul(loop.index, group.width)
        mask = group.live(size["blocks"], first)
        own = [b.and_(mask, group.of(head)) for head in range(group.heads)]
        sums = []
        for k in range(units):
            whole = ir.Constant(e.vector, None)
            for head, lanes in enumerate(own):
                whole = b.select(lanes, e.load_masked(line(head, k, first), lanes), whole)
            sums.append(whole)
        total_place = e.at(place["sums"], first)
        total_mask = b.select(with_sums, mask, ir.Constant(mask.type, None))
        sums.append(e.load_masked(total_place, total_mask))
        with e.loop(0, size["rows"], 1, sums) as r:
            x, y = (e.load_masked(row(side, r.index, first), mask) for side in ("a", "b"))
            now = [fma(b, group.each(x, k), y, r.values[k]) for k in range(units)]
            r.next(*now, b.fadd(r.values[-1], x))
        for k in range(units):
            for head, lanes in enumerate(own):
                e.store_masked(r.values[k], line(head, k, first), lanes)
        e.store_masked(r.values[-1], total_place, total_mask)
    b.ret_void()
