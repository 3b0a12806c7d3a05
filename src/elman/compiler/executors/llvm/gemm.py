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

from elman.compiler.executors.llvm import jit
from elman.compiler.executors.llvm.arithmetic import bits_of, constant, dot, fma, halves, like, paired
from elman.compiler.executors.llvm.emit import I16, I32, I64, POINTER, VOID, Emitter, integer
from elman.compiler.executors.llvm.host import host, once

GEMM = ir.FunctionType(VOID, [POINTER, I64, I64, I64, POINTER, I64, POINTER, I64, POINTER, I64])
PACK = ir.FunctionType(VOID, [POINTER, I64, I64, I64, I64, POINTER])
GEMM_BLOCKS = ir.FunctionType(VOID, [*GEMM.args, I64, I64, I64])
PACK_BLOCKS = ir.FunctionType(VOID, [*PACK.args, I64, I64])

BLOCK = 512  # rows of B that stay in cache while all rows of A pass
ROUNDED_ROWS = 96  # of A, rounded at once to a tenth of a megabyte on the stack


def panel_vectors() -> int:
    """Vectors in a panel: with six rows, as many accumulators as the registers hold."""
    return 4 if host().vector_registers == 32 else 2


def row_tiles() -> tuple[int, ...]:
    """Rows of the tiles, the largest first."""
    return (6, 4, 3, 2, 1)


def packed_size(k: int, columns: int, double: bool, pairs: bool = False) -> int:
    """Numbers, or pairs, in a packed matrix."""
    lanes = host().vector_bytes // (8 if double else 4)
    return (-(-k // 2) if pairs else k) * (-(-columns // lanes) * lanes)


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
    pack = ctypes.CFUNCTYPE(None, pointer, long, long, long, long, pointer)
    product, packing = addresses(packed, pairs)
    return product, gemm(product), pack(packing)


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
    pack = _pack_pairs(module) if pairs else _pack(module, double, narrow)
    _gemm_blocks(module, gemm, double, narrow, pairs)
    _pack_blocks(module, pack, double, narrow, pairs)
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


class Panels:
    """Packed numbers: as they are, or rounded to bfloat16, the upper half of a float32."""

    def __init__(self, e: Emitter, narrow: bool) -> None:
        self.e, self.narrow = e, narrow

    def at(self, base: ir.Value, index: ir.Value | int) -> ir.Value:
        """The address of number ``index`` after ``base``."""
        index = integer(index) if isinstance(index, int) else index
        return self.e.b.gep(base, [index], source_etype=I16 if self.narrow else self.e.number)

    def load(self, address: ir.Value) -> ir.Value:
        """One whole vector."""
        if not self.narrow:
            return self.e.load(address)
        b, wide = self.e.b, bits_of(self.e.vector)
        half = b.load(address, typ=like(self.e.vector, I16), align=2)
        return b.bitcast(b.shl(b.zext(half, wide), _whole(wide, 16)), self.e.vector)

    def store(self, value: ir.Value, address: ir.Value) -> None:
        """A vector, or one number."""
        if self.narrow:
            self.e.b.store(_rounded(self.e.b, value), address, align=2)
        else:
            self.e.b.store(value, address, align=self.e.bytes)


def _whole(type: ir.Type, value: int) -> ir.Constant:
    """``value`` in every lane."""
    return type([value] * type.count) if isinstance(type, ir.VectorType) else type(value)


def _rounded(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The upper half of float32 numbers, to the nearest, ties to even; what is not a number stays none."""
    wide = bits_of(value.type)
    bits = b.bitcast(value, wide)
    odd = b.and_(b.lshr(bits, _whole(wide, 16)), _whole(wide, 1))
    nearest = b.add(bits, b.add(odd, _whole(wide, 0x7FFF)))
    kept = b.select(b.fcmp_unordered("uno", value, value), b.or_(bits, _whole(wide, 0x400000)), nearest)
    return b.trunc(b.lshr(kept, _whole(wide, 16)), like(value.type, I16))


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
    b, whole = e.b, _pairs_of(e, depth)
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
        left, right = (rounded, integer(stride), count), (packed, whole, b.sdiv(k0, integer(2)), _pairs_of(e, k))
        _panels(e, tiles, two, Panels(e, False), left, right, columns, begin, (target, c_stride))
    b.ret_void()
    return e.function


def _pairs_of(e: Emitter, count: ir.Value) -> ir.Value:
    return e.b.sdiv(e.plus(count, 1), integer(2))


def _gemm_blocks(module: ir.Module, gemm: ir.Function, double: bool, narrow: bool, pairs: bool) -> None:
    """One block after another, of those that fall to a seat of the team."""
    e = Emitter(module, "gemm_blocks", GEMM_BLOCKS.args, double, inner=False)
    held = Panels(e, narrow)
    a, a_stride, rows, depth, packed, columns, start, start_stride, c, c_stride, blocks, seat, team = e.function.args
    size = _size(e, _pairs_of(e, depth) if pairs else depth, columns)
    with e.loop(*share(e, blocks, seat, team)) as loop:
        n = e.mul(loop.index, columns)
        own, panels = e.at(a, e.mul(loop.index, depth)), held.at(packed, e.mul(loop.index, size))
        places = e.at(start, n), start_stride, e.at(c, n), c_stride
        e.b.call(gemm, [own, a_stride, rows, depth, panels, columns, *places])
    e.b.ret_void()


def _pack_blocks(module: ir.Module, pack: ir.Function, double: bool, narrow: bool, pairs: bool) -> None:
    e = Emitter(module, "pack_blocks", PACK_BLOCKS.args, double, inner=False)
    matrix, k_stride, n_stride, depth, columns, packed, blocks, block_stride = e.function.args
    size = _size(e, _pairs_of(e, depth) if pairs else depth, columns)
    with e.loop(0, blocks) as loop:
        own = e.at(matrix, e.mul(loop.index, block_stride))
        e.b.call(pack, [own, k_stride, n_stride, depth, columns, Panels(e, narrow).at(packed, e.mul(loop.index, size))])
    e.b.ret_void()


def _two(e: Emitter, address: ir.Value) -> ir.Value:
    """Two vectors rounded to bfloat16, as one of pairs."""
    low, high = (halves(e.b, e.load(e.at(address, n * e.lanes))) for n in (0, 1))
    every = ir.Constant(ir.VectorType(I32, 2 * e.lanes), list(range(2 * e.lanes)))
    return e.b.bitcast(e.b.shuffle_vector(low, high, every), e.vector)


def _size(e: Emitter, depth: ir.Value, columns: ir.Value) -> ir.Value:
    """``packed_size``, of a block."""
    return e.mul(e.mul(depth, e.b.sdiv(e.plus(columns, e.lanes - 1), integer(e.lanes))), e.lanes)


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


def _pack(module: ir.Module, double: bool, narrow: bool) -> ir.Function:
    """Panels from a matrix of any strides; the columns that the last vector lacks are zero."""
    transpose = _transpose(module, double, narrow)
    e = Emitter(module, "pack", PACK.args, double, inner=False)
    held = Panels(e, narrow)
    matrix, k_stride, n_stride, depth, columns, packed = e.function.args
    b, full = e.b, panel_vectors() * e.lanes
    side_by_side = b.icmp_signed("==", n_stride, integer(1))
    downwards = b.icmp_signed("==", k_stride, integer(1))
    zero = ir.Constant(e.number, 0.0)
    with e.loop(0, columns, full) as panels:
        n = panels.index
        width = e.least(e.minus(columns, n), full)
        width = e.mul(b.sdiv(e.plus(width, e.lanes - 1), integer(e.lanes)), e.lanes)
        copied = b.select(side_by_side, depth, integer(0))
        with e.loop(0, copied) as k, e.loop(0, width, e.lanes) as vectors:
            first = e.plus(n, vectors.index)
            values = e.load_masked(
                e.at(matrix, e.plus(e.mul(k.index, k_stride), first)), e.mask(e.minus(columns, first))
            )
            held.store(values, held.at(packed, e.plus(e.plus(e.mul(n, depth), e.mul(k.index, width)), vectors.index)))
        with e.loop(0, b.select(side_by_side, integer(0), width), e.lanes) as vectors:
            first = e.plus(n, vectors.index)
            here = e.least(e.minus(columns, first), e.lanes)
            source = e.at(matrix, e.mul(first, n_stride))
            target = held.at(held.at(packed, e.mul(n, depth)), vectors.index)
            square = b.and_(downwards, b.icmp_signed("==", here, integer(e.lanes)))
            turned = b.select(square, b.and_(depth, integer(-e.lanes)), integer(0))
            with e.loop(0, turned, e.lanes) as k:
                b.call(transpose, [e.at(source, k.index), n_stride, held.at(target, e.mul(k.index, width)), width])
            with e.loop(turned, depth) as k:  # what is left, number by number
                row, line = e.at(source, e.mul(k.index, k_stride)), held.at(target, e.mul(k.index, width))
                with e.loop(0, here) as inside:
                    value = b.load(e.at(row, e.mul(inside.index, n_stride)), typ=e.number, align=e.bytes)
                    held.store(value, held.at(line, inside.index))
                with e.loop(here, integer(e.lanes)) as outside:
                    held.store(zero, held.at(line, outside.index))
    b.ret_void()
    return e.function


def _pack_pairs(module: ir.Module) -> ir.Function:
    """Panels of pairs; the columns that the last vector lacks, and what would follow an odd last row, are zero."""
    transpose = _transpose(module, False, False, pairs=True)
    e = Emitter(module, "pack", PACK.args, double=False, inner=False)
    matrix, k_stride, n_stride, depth, columns, packed = e.function.args
    b, full, pairs = e.b, panel_vectors() * e.lanes, _pairs_of(e, depth)
    side_by_side = b.icmp_signed("==", n_stride, integer(1))
    downwards = b.icmp_signed("==", k_stride, integer(1))
    zero = constant(e.vector, 0.0)
    with e.loop(0, columns, full) as panels:
        n = panels.index
        width = e.least(e.minus(columns, n), full)
        width = e.mul(b.sdiv(e.plus(width, e.lanes - 1), integer(e.lanes)), e.lanes)
        base = e.at(packed, e.mul(n, pairs))
        with e.loop(0, b.select(side_by_side, pairs, integer(0))) as p, e.loop(0, width, e.lanes) as vectors:
            first = e.plus(n, vectors.index)
            row, mask = e.at(matrix, e.plus(e.mul(e.mul(p.index, 2), k_stride), first)), e.mask(e.minus(columns, first))
            more = b.icmp_signed("<", e.plus(e.mul(p.index, 2), 1), depth)
            second = e.at(row, b.select(more, k_stride, integer(0)))
            low, high = e.load_masked(row, mask), b.select(more, e.load_masked(second, mask), zero)
            e.store(paired(b, low, high), e.at(base, e.plus(e.mul(p.index, width), vectors.index)))
        with e.loop(0, b.select(side_by_side, integer(0), width), e.lanes) as vectors:
            first = e.plus(n, vectors.index)
            here = e.least(e.minus(columns, first), e.lanes)
            source, target = e.at(matrix, e.mul(first, n_stride)), e.at(base, vectors.index)
            square = b.and_(downwards, b.icmp_signed("==", here, integer(e.lanes)))
            whole = b.sdiv(depth, integer(2 * e.lanes))
            turned = b.select(square, e.mul(whole, e.lanes), integer(0))
            with e.loop(0, turned, e.lanes) as p:
                place = e.at(target, e.mul(p.index, width))
                b.call(transpose, [e.at(source, e.mul(p.index, 2)), n_stride, place, width])
            with e.loop(turned, pairs) as p:  # what is left, pair by pair
                row, line = e.at(source, e.mul(e.mul(p.index, 2), k_stride)), e.at(target, e.mul(p.index, width))
                more = b.icmp_signed("<", e.plus(e.mul(p.index, 2), 1), depth)
                with e.loop(0, here) as inside:
                    own = e.at(row, e.mul(inside.index, n_stride))
                    low = b.load(own, typ=e.number, align=e.bytes)
                    following = e.at(own, b.select(more, k_stride, integer(0)))
                    high = b.select(more, b.load(following, typ=e.number, align=e.bytes), ir.Constant(e.number, 0.0))
                    b.store(paired(b, low, high), e.at(line, inside.index), align=e.bytes)
                with e.loop(here, integer(e.lanes)) as outside:
                    b.store(ir.Constant(e.number, 0.0), e.at(line, outside.index), align=e.bytes)
    b.ret_void()
    return e.function


def _transpose(module: ir.Module, double: bool, narrow: bool, pairs: bool = False) -> ir.Function:
    """A square of as many vectors as a vector has lanes, turned by exchanging ever larger squares within it."""
    e = Emitter(module, "transpose", [POINTER, I64, POINTER, I64], double, inner=True)
    e.function.attributes.add("noinline")
    held = Panels(e, narrow)
    source, source_stride, target, target_stride = e.function.args
    rows = [e.at(source, e.mul(source_stride, i)) for i in range(e.lanes)]
    lines = [_two(e, row) if pairs else e.load(row) for row in rows]
    size = 1
    while size < e.lanes:
        low = [i if not i & size else e.lanes + i - size for i in range(e.lanes)]
        high = [i + size if not i & size else e.lanes + i for i in range(e.lanes)]
        for i in range(e.lanes):
            if not i & size:
                pair = lines[i], lines[i + size]
                lines[i], lines[i + size] = (
                    e.b.shuffle_vector(*pair, ir.Constant(ir.VectorType(I32, e.lanes), lanes)) for lanes in (low, high)
                )
        size *= 2
    for i, line in enumerate(lines):
        held.store(line, held.at(target, e.mul(target_stride, i)))
    e.b.ret_void()
    return e.function
