"""Matrices as products read them: panels of a few vectors, row by row, for ``gemm.py``."""

from llvmlite import ir

from elman.compiler.executors.llvm.arithmetic import bits_of, constant, halves, like, paired
from elman.compiler.executors.llvm.emit import I16, I32, I64, POINTER, VOID, Emitter, integer
from elman.compiler.executors.llvm.host import host

PACK = ir.FunctionType(VOID, [POINTER, I64, I64, I64, I64, POINTER])
PACK_BLOCKS = ir.FunctionType(VOID, [*PACK.args, I64, I64])


def panel_vectors() -> int:
    """Vectors in a panel: with six rows, as many accumulators as the registers hold."""
    return 4 if host().vector_registers == 32 else 2


def packed_size(k: int, columns: int, double: bool, pairs: bool = False) -> int:
    """Numbers, or pairs, in a packed matrix."""
    lanes = host().vector_bytes // (8 if double else 4)
    return (-(-k // 2) if pairs else k) * (-(-columns // lanes) * lanes)


def write(module: ir.Module, double: bool, narrow: bool, pairs: bool) -> None:
    """Write ``pack`` and ``pack_blocks`` to the module."""
    pack = _pack_pairs(module) if pairs else _pack(module, double, narrow)
    _pack_blocks(module, pack, double, narrow, pairs)


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
    b, full, pairs = e.b, panel_vectors() * e.lanes, pairs_of(e, depth)
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


def _two(e: Emitter, address: ir.Value) -> ir.Value:
    """Two vectors rounded to bfloat16, as one of pairs."""
    low, high = (halves(e.b, e.load(e.at(address, n * e.lanes))) for n in (0, 1))
    every = ir.Constant(ir.VectorType(I32, 2 * e.lanes), list(range(2 * e.lanes)))
    return e.b.bitcast(e.b.shuffle_vector(low, high, every), e.vector)


def pairs_of(e: Emitter, count: ir.Value) -> ir.Value:
    return e.b.sdiv(e.plus(count, 1), integer(2))


def _pack_blocks(module: ir.Module, pack: ir.Function, double: bool, narrow: bool, pairs: bool) -> None:
    e = Emitter(module, "pack_blocks", PACK_BLOCKS.args, double, inner=False)
    matrix, k_stride, n_stride, depth, columns, packed, blocks, block_stride = e.function.args
    size = size_of(e, pairs_of(e, depth) if pairs else depth, columns)
    with e.loop(0, blocks) as loop:
        own = e.at(matrix, e.mul(loop.index, block_stride))
        e.b.call(pack, [own, k_stride, n_stride, depth, columns, Panels(e, narrow).at(packed, e.mul(loop.index, size))])
    e.b.ret_void()


def size_of(e: Emitter, depth: ir.Value, columns: ir.Value) -> ir.Value:
    """``packed_size``, of a block."""
    return e.mul(e.mul(depth, e.b.sdiv(e.plus(columns, e.lanes - 1), integer(e.lanes))), e.lanes)
