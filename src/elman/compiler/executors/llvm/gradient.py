"""Products over all rows of a tape: ``C += A' B``, which is the cotangent of a weight, and the sums of A's columns.

The rows of ``A`` and ``B`` lie wherever a table says, or at equal distances. A block of rows of both is copied side by
side, ``A`` in tiles and ``B`` in panels, and multiplied in registers, before the next block is read. Each number of
``C`` is one chain of multiply-adds in the order of the rows: threads divide the numbers of ``C`` and never the rows, so
that the result does not depend on how many there are.

    C[m, n] += sum_r A[r, m] B[r, n]        sums[m] += sum_r A[r, m]
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from llvmlite import ir

from elman.compiler.executors.llvm import jit, lanes, threads
from elman.compiler.executors.llvm.arithmetic import paired
from elman.compiler.executors.llvm.emit import I64, POINTER, Emitter, integer
from elman.compiler.executors.llvm.gemm import tile
from elman.compiler.executors.llvm.host import host, once

BLOCK_ROWS = 188  # a panel of so many stays next to the registers; no power of two, or panels fall on the same lines
BLOCK_PANELS = 12  # of B, copied at once
GROUP_TILES = 16  # tiles of A, copied at once

_SIZES = (
    "rows", "m", "n", "a step", "a stride", "b step", "b stride", "out stride", "m part", "n part", "n parts", "parts",
    "blocks", "block part",
)  # fmt: skip
_TABLE = ("a", "a offsets", "b", "b offsets", "out", "sums", "scratch", "scratch size")
_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
_NOWHERE = ctypes.c_int64(0)  # the table of rows that have none


@dataclass(frozen=True)
class Columns:
    """How columns of a matrix lie: row ``r`` is at ``offsets[r]`` numbers after the first, or at ``r * stride``."""

    width: int
    stride: int = 0
    offsets: int = 0  # the address of a table of 64-bit whole numbers


NONE = Columns(0)


class Product:
    """``C += A' B`` and ``sums += sum A`` for matrices that lie in one way, again and again.

    Args:
        a: columns ``[rows, m]``.
        b: columns ``[rows, n]``; ``NONE`` where only the sums are wanted.
        rows: how many rows both have.
        out_stride: how far the rows of ``C`` are apart.
        threads_wanted: how many threads may divide the work; the result is the same for any number.
        double: whether all numbers are of 64 bits, not 32.
        blocks: so many such products side by side: the next block reads the next columns of both and is added to the
            next ``m`` rows of ``C``.
        pairs: whether the numbers of ``A`` and ``B`` are rounded to bfloat16, those of two rows together, where the
            machine multiplies such at twice the rate. Sums stay float32.

    Example:
        >>> a, b, c = torch.ones(5, 2), torch.arange(15.0).view(5, 3), torch.zeros(2, 3)
        >>> Product(Columns(2, 2), Columns(3, 3), 5, 3, 1, False).run(a.data_ptr(), b.data_ptr(), c.data_ptr(), 0)
        >>> c.tolist()
        [[30.0, 35.0, 40.0], [30.0, 35.0, 40.0]]
    """

    def __init__(
        self, a: Columns, b: Columns, rows: int, out_stride: int, threads_wanted: int, double: bool, blocks: int = 1,
        pairs: bool = False,
    ) -> None:  # fmt: skip
        self.out_stride = out_stride
        self.address, self.function = _function(double, pairs)
        # threads divide the numbers of one block, or else the blocks
        m_part, n_part, n_parts, parts = _parts(
            a.width, b.width, threads_wanted if blocks == 1 else 1, row_tiles()[0], _panel(double)
        )
        several = blocks > 1 and lanes.fits(a.width, b.width, double)
        if several:  # heads to a vector
            address = lanes.gradient(a.width, double, (_SIZES, _TABLE[:-1]))
            self.address, self.function = address, _ENTRY(address)
        shared = lanes.groups(a.width, blocks, double) if several else blocks
        block_part = -(-shared // threads_wanted)
        self.count = parts * -(-shared // block_part)
        sides = [number for side in (a, b) for number in ((1, 0) if side.offsets else (0, side.stride))]
        numbers = rows, a.width, b.width, *sides, out_stride, m_part, n_part, n_parts, parts, blocks, block_part
        self.sizes = (ctypes.c_int64 * len(_SIZES))(*numbers)
        nowhere = ctypes.addressof(_NOWHERE)
        self.a_offsets, self.b_offsets = a.offsets or nowhere, b.offsets or nowhere
        wide = _lanes(double)
        tiles = min(m_part, GROUP_TILES * row_tiles()[0])
        panels = -(-min(n_part, BLOCK_PANELS * _panel(double)) // wide) * wide
        self.each = min(-(-rows // 2) if pairs else rows, BLOCK_ROWS) * (tiles + panels) + wide
        self.dtype = torch.float64 if double else torch.float32

    def run(self, a: int, b: int, out: int, sums: int) -> None:
        """The product of the matrices at these addresses; ``sums`` may be 0."""
        scratch = torch.empty(self.each * self.count, dtype=self.dtype)
        places = a, self.a_offsets, b, self.b_offsets, out, sums, scratch.data_ptr(), self.each
        table = (ctypes.c_int64 * len(_TABLE))(*places)
        threads.run(self.function, self.address, ctypes.addressof(self.sizes), ctypes.addressof(table), self.count)


def panel_vectors() -> int:
    """Vectors in a panel: with the largest tile, as many accumulators as the registers hold."""
    return 3 if host().vector_registers == 32 else 2


def row_tiles() -> tuple[int, ...]:
    """Rows of the tiles, that is columns of A, the largest first."""
    return (8, 4, 2, 1) if host().vector_registers == 32 else (6, 4, 2, 1)


def _panel(double: bool) -> int:
    return panel_vectors() * _lanes(double)


def _lanes(double: bool) -> int:
    return host().vector_bytes // (8 if double else 4)


@lru_cache(maxsize=1024)
def _parts(m: int, n: int, count: int, tall: int, wide: int) -> tuple[int, int, int, int]:
    """Columns of A and of B in each part, parts along B, and all parts: the cheapest grid of at most ``count``.

    Parts are whole tiles of ``tall`` columns of A, and whole panels of ``wide`` columns of B.
    """

    def part(size: int, unit: int, parts: int) -> int:
        units = -(-size // unit)
        return max(1, -(-units // parts)) * unit

    found = []
    for m_parts in range(1, count + 1):
        n_parts = count // m_parts
        m_part, n_part = part(m, tall, m_parts), part(n, wide, n_parts)
        m_parts, n_parts = max(1, -(-m // m_part)), max(1, -(-n // n_part))
        # a multiplication costs one, a number that is copied as much as about eight
        found.append((m_part * n_part + 8 * (m_part + n_part), m_part, n_part, n_parts, m_parts * n_parts))
    return min(found)[1:]


@once
def _function(double: bool, pairs: bool) -> tuple[int, Callable[..., None]]:
    kind = "pairs" if pairs else "double" if double else "float"
    address = jit.load(f"gradient {kind}", lambda: _module(double, pairs)).address("gradient")
    return address, _ENTRY(address)


def _module(double: bool, pairs: bool) -> ir.Module:
    module = ir.Module("gradient")
    tiles = {
        (rows, vectors): tile(module, rows, vectors, double, columnwise=True, pairs=pairs)
        for rows in row_tiles()
        for vectors in range(1, panel_vectors() + 1)
    }
    copies = _copy_tiles(module, double, pairs), _copy_panels(module, double, pairs)
    _gradient(module, *copies, _sum(module, double), _multiply(module, tiles, double), double, pairs)
    return module


# A row's address, from the table and the distance of rows: one of the two is always nothing.
_SIDE = [POINTER, POINTER, I64, I64, I64, I64]  # matrix, table, its step, stride, first row, rows


def _row(e: Emitter, side: list[ir.Value], index: ir.Value) -> ir.Value:
    matrix, table, step, stride, first, _ = side
    r = e.plus(first, index)
    return e.at(matrix, e.plus(e.integer_at(table, e.mul(r, step)), e.mul(r, stride)))


Load = Callable[[ir.Value], ir.Value]


class _Lines:
    """The rows of a side, or its pairs of rows, which have a zero beside an odd last row."""

    def __init__(self, e: Emitter, side: list[ir.Value], pairs: bool) -> None:
        self.e, self.side, self.pairs, rows = e, side, pairs, side[-1]
        self.count = e.b.sdiv(e.plus(rows, 1), integer(2)) if pairs else rows

    def at(self, index: ir.Value) -> Callable[[ir.Value, Load], ir.Value]:
        """Of line ``index``, what ``load`` finds in the columns from a place on."""
        e, b = self.e, self.e.b
        if not self.pairs:
            row = _row(e, self.side, index)
            return lambda column, load: load(e.at(row, column))
        first = e.mul(index, 2)
        more = b.icmp_signed("<", e.plus(first, 1), self.side[-1])
        low = _row(e, self.side, first)
        high = _row(e, self.side, e.plus(first, b.zext(more, I64)))

        def both(column: ir.Value, load: Load) -> ir.Value:
            one, other = (load(e.at(row, column)) for row in (low, high))
            return paired(b, one, b.select(more, other, ir.Constant(other.type, None)))

        return both


def _copy_tiles(module: ir.Module, double: bool, pairs: bool) -> ir.Function:
    """Rows of A, in tiles: number ``r`` of a tile's row ``k`` is at ``k * tile's rows + r``."""
    e = Emitter(module, "copy_tiles", [*_SIDE, I64, POINTER], double, inner=True)
    e.function.attributes.add("noinline")
    *side, width, target = e.function.args
    lines = _Lines(e, side, pairs)
    with e.loop(0, lines.count) as k:
        line = lines.at(k.index)
        done: ir.Value = integer(0)
        for size in row_tiles():
            several = ir.VectorType(e.number, size)
            stop = e.plus(done, e.mul(e.b.sdiv(e.minus(width, done), integer(size)), size))
            with e.loop(done, stop, size) as m:
                values = line(m.index, lambda at, several=several: e.b.load(at, typ=several, align=e.bytes))
                place = e.at(target, e.plus(e.mul(m.index, lines.count), e.mul(k.index, size)))
                e.b.store(values, place, align=e.bytes)
            done = stop
    e.b.ret_void()
    return e.function


def _copy_panels(module: ir.Module, double: bool, pairs: bool) -> ir.Function:
    """Rows of B, in panels; the columns that the last vector lacks are zero."""
    e = Emitter(module, "copy_panels", [*_SIDE, I64, POINTER], double, inner=True)
    e.function.attributes.add("noinline")
    *side, width, target = e.function.args
    lines, full = _Lines(e, side, pairs), _panel(double)
    whole = e.mul(e.b.sdiv(width, integer(full)), full)
    rest = e.mul(e.b.sdiv(e.plus(e.minus(width, whole), e.lanes - 1), integer(e.lanes)), e.lanes)
    some = e.mul(e.b.sdiv(width, integer(e.lanes)), e.lanes)
    mask, ragged = e.mask(e.minus(width, some)), e.b.icmp_signed(">", width, some)
    with e.loop(0, lines.count) as k:
        line = lines.at(k.index)
        with e.loop(0, whole, full) as n:
            place = e.at(target, e.plus(e.mul(n.index, lines.count), e.mul(k.index, full)))
            for v in range(panel_vectors()):
                e.store(line(e.plus(n.index, v * e.lanes), e.load), e.at(place, v * e.lanes))
        last = e.at(target, e.plus(e.mul(whole, lines.count), e.mul(k.index, rest)))
        with e.loop(whole, some, e.lanes) as n:
            e.store(line(n.index, e.load), e.at(last, e.minus(n.index, whole)))
        with e.b.if_then(ragged):
            e.store(line(some, lambda at: e.load_masked(at, mask)), e.at(last, e.minus(some, whole)))
    e.b.ret_void()
    return e.function


def _sum(module: ir.Module, double: bool) -> ir.Function:
    """The sums of A's columns, a few vectors at a time."""
    e = Emitter(module, "sum", [*_SIDE, I64, POINTER], double, inner=True)
    e.function.attributes.add("noinline")
    *side, width, sums = e.function.args
    several = 4
    with e.loop(0, width, several * e.lanes) as m:
        columns = [e.plus(m.index, v * e.lanes) for v in range(several)]
        masks = [e.mask(e.minus(width, column)) for column in columns]
        first = [e.load_masked(e.at(sums, column), mask) for column, mask in zip(columns, masks, strict=True)]
        with e.loop(0, side[-1], 1, first) as k:
            row = _row(e, side, k.index)
            k.next(
                *(
                    e.b.fadd(total, e.load_masked(e.at(row, column), mask))
                    for total, column, mask in zip(k.values, columns, masks, strict=True)
                )
            )
        for total, column, mask in zip(k.values, columns, masks, strict=True):
            e.store_masked(total, e.at(sums, column), mask)
    e.b.ret_void()
    return e.function


def _multiply(module: ir.Module, tiles: dict[tuple[int, int], ir.Function], double: bool) -> ir.Function:
    """The product of a group of tiles and a block of panels, added to C."""
    e = Emitter(module, "multiply", [POINTER, POINTER, I64, I64, I64, POINTER, I64], double, inner=True)
    e.function.attributes.add("noinline")
    a, b, rows, m_count, n_count, out, out_stride = e.function.args
    full = _panel(double)
    with e.loop(0, n_count, full) as panels:
        n = panels.index
        here = e.least(e.minus(n_count, n), full)
        vectors = e.b.sdiv(e.plus(here, e.lanes - 1), integer(e.lanes))
        panel, column = e.at(b, e.mul(n, rows)), e.at(out, n)
        done = e.b.append_basic_block("panel_done")
        switch = e.b.switch(vectors, done)
        for v in range(1, panel_vectors() + 1):
            block = e.b.append_basic_block(f"vectors_{v}")
            switch.add_case(integer(v), block)
            e.b.position_at_end(block)
            m: ir.Value = integer(0)
            for size in row_tiles():
                stop = e.plus(m, e.mul(e.b.sdiv(e.minus(m_count, m), integer(size)), size))
                with e.loop(m, stop, size) as loop:
                    c = e.at(column, e.mul(loop.index, out_stride))
                    own = e.at(a, e.mul(loop.index, rows))
                    e.b.call(tiles[size, v], [own, integer(0), rows, panel, c, out_stride, c, out_stride, here])
                m = stop
            e.b.branch(done)
        e.b.position_at_end(done)
    e.b.ret_void()
    return e.function


def _gradient(
    module: ir.Module,
    copy_tiles: ir.Function,
    copy_panels: ir.Function,
    sum_columns: ir.Function,
    multiply: ir.Function,
    double: bool,
    pairs: bool,
) -> None:
    """One thread's part of C, block by block."""
    e = Emitter(module, "gradient", [POINTER, POINTER, I64], double, inner=False)
    sizes, table, thread = e.function.args
    size = {name: e.integer_at(sizes, i) for i, name in enumerate(_SIZES)}
    address = {name: e.pointer_at(table, i) for i, name in enumerate(_TABLE[:-1])}
    each = e.integer_at(table, len(_TABLE) - 1)
    b, group, block_columns = e.b, GROUP_TILES * row_tiles()[0], BLOCK_PANELS * _panel(double)
    b_block = e.at(address["scratch"], e.mul(thread, each))
    part = b.srem(thread, size["parts"])
    m_part, n_part = b.sdiv(part, size["n parts"]), b.srem(part, size["n parts"])
    block_first = e.mul(b.sdiv(thread, size["parts"]), size["block part"])
    block_stop = e.least(size["blocks"], e.plus(block_first, size["block part"]))
    m_first, n_first = e.mul(m_part, size["m part"]), e.mul(n_part, size["n part"])
    m_stop = e.least(size["m"], e.plus(m_first, size["m part"]))
    n_stop = e.least(size["n"], e.plus(n_first, size["n part"]))
    sums_wanted = b.and_(
        b.icmp_unsigned("!=", b.ptrtoint(address["sums"], I64), integer(0)), b.icmp_signed("==", n_part, integer(0))
    )
    # once even where B has no columns, for the sums
    once = b.select(b.icmp_signed(">", n_stop, n_first), n_stop, e.plus(n_first, 1))
    by_blocks = e.loop(block_first, block_stop)
    block_rows = 2 * BLOCK_ROWS if pairs else BLOCK_ROWS
    by_columns, by_rows = e.loop(n_first, once, block_columns), e.loop(0, size["rows"], block_rows)
    with e.flushed(), by_blocks as block, by_columns as columns, by_rows as blocks:
        n, r = columns.index, blocks.index
        a_first, b_first = e.mul(block.index, size["m"]), e.mul(block.index, size["n"])
        first = {"a": a_first, "b": b_first, "sums": a_first, "out": e.mul(a_first, size["out stride"])}
        own = {name: e.at(address[name], column) for name, column in first.items()}
        n_count = e.least(e.minus(n_stop, n), block_columns)
        rows = e.least(e.minus(size["rows"], r), block_rows)
        lines = b.sdiv(e.plus(rows, 1), integer(2)) if pairs else rows

        def side(
            name: str, column: ir.Value, r: ir.Value = r, rows: ir.Value = rows, own: dict[str, ir.Value] = own
        ) -> list[ir.Value]:
            matrix = e.at(own[name], column)
            return [matrix, address[f"{name} offsets"], size[f"{name} step"], size[f"{name} stride"], r, rows]

        b.call(copy_panels, [*side("b", n), n_count, b_block])
        wide = e.mul(b.sdiv(e.plus(n_count, e.lanes - 1), integer(e.lanes)), e.lanes)
        a_block = e.at(b_block, e.mul(wide, lines))
        with_sums = b.and_(sums_wanted, b.icmp_signed("==", n, n_first))
        with e.loop(m_first, m_stop, group) as groups:
            m = groups.index
            m_count = e.least(e.minus(m_stop, m), group)
            with b.if_then(with_sums):
                b.call(sum_columns, [*side("a", m), m_count, e.at(own["sums"], m)])
            b.call(copy_tiles, [*side("a", m), m_count, a_block])
            c = e.at(own["out"], e.plus(e.mul(m, size["out stride"]), n))
            b.call(multiply, [a_block, b_block, lines, m_count, n_count, c, size["out stride"]])
    b.ret_void()
