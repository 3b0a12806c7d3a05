"""Matrix products: one family of register tiles for every product there is.

``C = start + A B``, where ``B`` is packed in panels of a few vectors, row by row. Each number of ``C`` is one chain of
multiply-adds along ``k``, whatever tile it falls in, so that no result depends on how many rows there are or on who
computes them. The packed matrix may be of bfloat16, which halves what is read; the products and sums are float32 still,
as if it had been rounded before.

Both may be of bfloat16, where the machine multiplies pairs of such and adds them to a float32 at twice the rate: ``B``
is packed in pairs of numbers that follow each other along ``k``, and rows of ``A`` are rounded on the way. A pair is as
large as a float32, and so are all sizes in what follows; an odd last number has a zero beside it.

    pack(B, stride of k, stride of columns, K, columns, packed)
    gemm(A, row stride, rows, K, packed, columns, start, start's row stride, C, C's row stride)

A matrix in blocks, one for each head, is packed block by block; block ``n`` is multiplied by the ``n``-th ``K`` columns
of ``A`` and gives the ``n``-th ``columns`` of ``C``. The threads of a team divide the blocks.

    pack_blocks(first block, stride of k, stride of columns, K, columns, packed, blocks, stride of blocks)
    gemm_blocks(A, ..., C's row stride, blocks, seat, team)
"""

import ctypes
from collections.abc import Callable

import torch
from llvmlite import ir

from elman.compiler.executors.llvm import jit, pack
from elman.compiler.executors.llvm.arithmetic import dot, fma, halves
from elman.compiler.executors.llvm.emit import I16, I64, POINTER, VOID, Emitter, integer
from elman.compiler.executors.llvm.host import once
from elman.compiler.executors.llvm.pack import Panels, pairs_of, panel_vectors, size_of

GEMM = ir.FunctionType(VOID, [POINTER, I64, I64, I64, POINTER, I64, POINTER, I64, POINTER, I64])
GEMM_BLOCKS = ir.FunctionType(VOID, [*GEMM.args, I64, I64, I64])

BLOCK = 512  # rows of B that stay in cache while all rows of A pass
ROUNDED_ROWS = 96  # of A, rounded at once to a tenth of a megabyte on the stack


def row_tiles() -> tuple[int, ...]:
    """Rows of the tiles, the largest first."""
    return (6, 4, 3, 2, 1)


def _library(packed: torch.dtype, pairs: bool) -> jit.Library:
    if pairs:
        return jit.load("gemm pairs", lambda: _module(False, False, True))
    double, narrow = packed == torch.float64, packed == torch.bfloat16
    return jit.load(f"gemm {packed}", lambda: _module(double, narrow, False))


@once
def addresses(packed: torch.dtype, pairs: bool = False) -> tuple[int, int]:
    """The addresses of ``gemm`` and ``pack``, for kernels. Beside a matrix of bfloat16 all else is float32."""
    library = _library(packed, pairs)
    return library.address("gemm"), library.address("pack")


@once
def block_addresses(packed: torch.dtype, pairs: bool = False) -> tuple[int, int]:
    """The addresses of ``gemm_blocks`` and ``pack_blocks``."""
    library = _library(packed, pairs)
    return library.address("gemm_blocks"), library.address("pack_blocks")


@once
def functions(packed: torch.dtype, pairs: bool = False) -> "tuple[int, Callable[..., None], Callable[..., None]]":
    """The address of ``gemm``, and ``gemm`` and ``pack`` to be called from Python."""
    pointer, long = ctypes.c_void_p, ctypes.c_int64
    gemm = ctypes.CFUNCTYPE(None, pointer, long, long, long, pointer, long, pointer, long, pointer, long)
    packs = ctypes.CFUNCTYPE(None, pointer, long, long, long, long, pointer)
    product, packing = addresses(packed, pairs)
    return product, gemm(product), packs(packing)


def _module(double: bool, narrow: bool, pairs: bool) -> ir.Module:
    module = ir.Module("gemm")
    kind = {"narrow": narrow, "pairs": pairs}
    tiles = {
        (rows, vectors): tile(module, rows, vectors, double, **kind)
        for rows in row_tiles()
        for vectors in range(1, panel_vectors() + 1)
    }
    two = tile(module, 1, panel_vectors(), double, panels=2, **kind)
    gemm = _gemm_of_pairs(module, tiles, two) if pairs else _gemm(module, tiles, two, double, narrow)
    _gemm_blocks(module, gemm, double, narrow, pairs)
    pack.write(module, double, narrow, pairs)
    return module


def tile(
    module: ir.Module,
    rows: int,
    vectors: int,
    double: bool,
    panels: int = 1,
    columnwise: bool = False,
    narrow: bool = False,
    pairs: bool = False,
) -> ir.Function:
    """The product of a few rows and one panel (or two, for a single row), in registers.

    Number ``k`` of row ``r`` of ``A`` is at ``r * a_stride + k``, or at ``k * rows + r`` where ``A`` is ``columnwise``.
    The panel is of bfloat16 if it is ``narrow``. Where both are of ``pairs``, these count as numbers.
    """
    arguments = [POINTER, I64, I64, POINTER, POINTER, I64, POINTER, I64, I64]
    e = Emitter(module, f"tile_{rows}_{vectors}_{panels}", arguments, double, inner=True)
    e.function.attributes.add("noinline")  # half the time to make the module, and no slower
    a, a_stride, k, panel, start, start_stride, c, c_stride, columns = e.function.args
    width = vectors * e.lanes
    b = e.b
    masks: list[ir.Value | None] = [None] * (vectors * panels - 1)
    masks.append(e.mask(e.minus(columns, (vectors * panels - 1) * e.lanes)))
    row_of = [e.at(a, r if columnwise else e.mul(a_stride, r)) for r in range(rows)]
    first = [
        e.load_masked(address, mask) if mask is not None else e.load(address)
        for r in range(rows)
        for v, mask in enumerate(masks)
        for address in [e.at(e.at(start, e.mul(start_stride, r)), v * e.lanes)]
    ]
    held, multiply = Panels(e, narrow), dot if pairs else fma
    second = held.at(panel, e.mul(k, width))

    def turn(at: ir.Value, sums: list[ir.Value]) -> list[ir.Value]:
        weights = []
        for base in (panel, second)[:panels]:
            line = held.at(base, e.mul(at, width))
            weights += [held.load(held.at(line, v * e.lanes)) for v in range(vectors)]
        result = []
        for r in range(rows):
            x = e.one(e.at(row_of[r], e.mul(at, rows) if columnwise else at))
            result += [multiply(b, x, w, s) for w, s in zip(weights, sums[r * len(weights) :], strict=False)]
        return result

    done: ir.Value = integer(0)
    sums = first
    for unroll in (4 if len(first) <= 16 else 2, 1):
        stop = b.and_(k, integer(-unroll))
        with e.loop(done, stop, unroll, sums) as loop:
            sums = list(loop.values)
            for u in range(unroll):
                sums = turn(e.plus(loop.index, u), sums)
            loop.next(*sums)
        done, sums = stop, list(loop.values)
    for r in range(rows):
        for v, mask in enumerate(masks):
            address = e.at(e.at(c, e.mul(c_stride, r)), v * e.lanes)
            value = sums[r * len(masks) + v]
            if mask is None:
                e.store(value, address)
            else:
                e.store_masked(value, address, mask)
    b.ret_void()
    return e.function


def _gemm(
    module: ir.Module, tiles: dict[tuple[int, int], ir.Function], two: ir.Function, double: bool, narrow: bool
) -> ir.Function:
    e = Emitter(module, "gemm", GEMM.args, double, inner=False)
    a, a_stride, rows, depth, packed, columns, start, start_stride, c, c_stride = e.function.args
    b = e.b
    once = b.select(b.icmp_signed(">", depth, integer(0)), depth, integer(1))  # an empty product is its start
    with e.loop(0, once, BLOCK) as blocks:
        k0 = blocks.index
        k = e.least(e.minus(depth, k0), BLOCK)
        begun = b.icmp_signed(">", k0, integer(0))  # later blocks go on from what the first have left in C
        begin = b.select(begun, c, start), b.select(begun, c_stride, start_stride)
        held = Panels(e, narrow)
        _panels(
            e, tiles, two, held, (e.at(a, k0), a_stride, rows), (packed, depth, k0, k), columns, begin, (c, c_stride)
        )
    b.ret_void()
    return e.function


def _panels(
    e: Emitter, tiles: dict[tuple[int, int], ir.Function], two: ir.Function, held: Panels,
    left: tuple[ir.Value, ir.Value, ir.Value], right: tuple[ir.Value, ir.Value, ir.Value, ir.Value],
    columns: ir.Value, begin: tuple[ir.Value, ir.Value], to: tuple[ir.Value, ir.Value],
) -> None:  # fmt: skip
    """The product of rows with ``k`` rows of the packed matrix from ``k0`` on, panel by panel."""
    a, a_stride, rows = left
    packed, depth, k0, k = right
    start, start_stride = begin
    c, c_stride = to
    b, full = e.b, panel_vectors() * e.lanes
    single = b.icmp_signed("==", rows, integer(1))
    by_twos = b.select(b.and_(single, b.icmp_signed("==", k, depth)), columns, integer(0))
    by_twos = e.mul(b.sdiv(by_twos, integer(2 * full)), 2 * full)
    with e.loop(0, by_twos, 2 * full) as panels:
        n = panels.index
        panel = held.at(packed, e.mul(n, depth))
        b.call(two, [a, a_stride, k, panel, e.at(start, n), start_stride, e.at(c, n), c_stride, integer(2 * full)])
    with e.loop(by_twos, columns, full) as panels:
        n = panels.index
        here = e.least(e.minus(columns, n), full)
        vectors = b.sdiv(e.plus(here, e.lanes - 1), integer(e.lanes))
        panel = held.at(held.at(packed, e.mul(n, depth)), e.mul(e.mul(k0, vectors), e.lanes))
        done = b.append_basic_block("panel_done")
        switch = b.switch(vectors, done)
        for v in range(1, panel_vectors() + 1):
            block = b.append_basic_block(f"vectors_{v}")
            switch.add_case(integer(v), block)
            b.position_at_end(block)
            same = (a, a_stride, k, panel, e.at(start, n), start_stride, e.at(c, n), c_stride, here)
            _rows(e, {r: tiles[r, v] for r in row_tiles()}, rows, *same)
            b.branch(done)
        b.position_at_end(done)


def _gemm_of_pairs(module: ir.Module, tiles: dict[tuple[int, int], ir.Function], two: ir.Function) -> ir.Function:
    """Some rows at a time, which are rounded first, a block of ``k`` after the other."""
    e = Emitter(module, "gemm", GEMM.args, double=False, inner=False)
    a, a_stride, rows, depth, packed, columns, start, start_stride, c, c_stride = e.function.args
    b, whole = e.b, pairs_of(e, depth)
    stride = BLOCK // 2 + e.lanes  # no power of two, or all rows would fall on the same lines of the cache
    buffer = b.alloca(e.number, integer(ROUNDED_ROWS * stride))
    buffer.align = 64
    rounded = b.inttoptr(b.ptrtoint(buffer, I64), POINTER)
    once = b.select(b.icmp_signed(">", depth, integer(0)), depth, integer(1))  # an empty product is its start
    with e.loop(0, rows, ROUNDED_ROWS) as parts, e.loop(0, once, BLOCK) as blocks:
        first, k0 = parts.index, blocks.index
        count, k = e.least(e.minus(rows, first), ROUNDED_ROWS), e.least(e.minus(depth, k0), BLOCK)
        own, begun, target = (
            e.at(base, e.mul(first, by)) for base, by in ((a, a_stride), (start, start_stride), (c, c_stride))
        )
        with e.loop(0, count) as row, e.loop(0, k, e.lanes) as units:
            source = e.at(own, e.plus(e.mul(row.index, a_stride), e.plus(k0, units.index)))
            numbers = halves(b, e.load_masked(source, e.mask(e.minus(k, units.index))))
            line = e.at(rounded, e.mul(row.index, stride))
            b.store(numbers, b.gep(line, [units.index], source_etype=I16), align=2)
        later = b.icmp_signed(">", k0, integer(0))  # blocks after the first go on from what it has left in C
        begin = b.select(later, target, begun), b.select(later, c_stride, start_stride)
        left, right = (rounded, integer(stride), count), (packed, whole, b.sdiv(k0, integer(2)), pairs_of(e, k))
        _panels(e, tiles, two, Panels(e, False), left, right, columns, begin, (target, c_stride))
    b.ret_void()
    return e.function


def _gemm_blocks(module: ir.Module, gemm: ir.Function, double: bool, narrow: bool, pairs: bool) -> None:
    """One block after another, of those that fall to a seat of the team."""
    e = Emitter(module, "gemm_blocks", GEMM_BLOCKS.args, double, inner=False)
    held = Panels(e, narrow)
    a, a_stride, rows, depth, packed, columns, start, start_stride, c, c_stride, blocks, seat, team = e.function.args
    size = size_of(e, pairs_of(e, depth) if pairs else depth, columns)
    with e.loop(*share(e, blocks, seat, team)) as loop:
        n = e.mul(loop.index, columns)
        own, panels = e.at(a, e.mul(loop.index, depth)), held.at(packed, e.mul(loop.index, size))
        places = e.at(start, n), start_stride, e.at(c, n), c_stride
        e.b.call(gemm, [own, a_stride, rows, depth, panels, columns, *places])
    e.b.ret_void()


def share(e: Emitter, count: ir.Value, seat: ir.Value, team: ir.Value) -> tuple[ir.Value, ir.Value]:
    """From where to where the ``count`` things go that fall to a seat of a team."""
    return e.b.sdiv(e.mul(count, seat), team), e.b.sdiv(e.mul(count, e.plus(seat, 1)), team)


def _rows(e: Emitter, tiles: dict[int, ir.Function], rows: ir.Value, *same: ir.Value) -> None:
    """All rows by tiles; eight as twice four, because a tile with rows missing costs half."""
    a, a_stride, k, panel, start, start_stride, c, c_stride, columns = same
    done: ir.Value = integer(0)
    rest = e.b.srem(rows, integer(6))
    fours = e.b.and_(e.b.icmp_signed("==", rest, integer(2)), e.b.icmp_signed(">", rows, integer(6)))
    sixes = e.b.select(fours, e.minus(e.minus(rows, rest), 6), e.minus(rows, rest))
    for size, tile in tiles.items():
        stop = sixes if size == 6 else e.plus(done, e.mul(e.b.sdiv(e.minus(rows, done), integer(size)), size))
        with e.loop(done, stop, size) as loop:
            r = loop.index
            here = [
                e.at(base, e.mul(r, stride)) for base, stride in ((a, a_stride), (start, start_stride), (c, c_stride))
            ]
            e.b.call(tile, [here[0], a_stride, k, panel, here[1], start_stride, here[2], c_stride, columns])
        done = stop
