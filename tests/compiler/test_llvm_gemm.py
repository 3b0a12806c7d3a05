"""Matrix products of the kernels: the right numbers, one chain for each, and no memory touched but their own."""

from itertools import product

import pytest
import torch
from torch import Tensor

from elman.compiler.executors.llvm import gemm, gradient, pack
from elman.compiler.executors.llvm.host import host, levels, of_level, use

FORMATS = [torch.float32, torch.float64]
ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-13}
GUARD, PATTERN = 64, -3.25e7


class Guarded:
    """A matrix whose rows are ``gap`` numbers longer than it is wide, between two areas that nobody may write."""

    def __init__(self, values: Tensor, gap: int = 0) -> None:
        rows, columns = values.shape
        self.stride = columns + gap
        self.memory = torch.full((2 * GUARD + rows * self.stride,), PATTERN, dtype=values.dtype)
        self.view = self.memory[GUARD : GUARD + rows * self.stride].view(rows, self.stride)[:, :columns]
        self.view.copy_(values)
        self.address = self.memory.data_ptr() + GUARD * values.element_size()

    def check(self) -> None:
        """Fail if anything but the matrix itself has changed."""
        outside = self.memory.clone()
        rows, columns = self.view.shape
        outside[GUARD : GUARD + rows * self.stride].view(rows, self.stride)[:, :columns] = PATTERN
        assert (outside == PATTERN).all()


def multiply(a: Tensor, b: Tensor, start: Tensor, gap: int = 0, packed_as: torch.dtype | None = None) -> Tensor:
    """``start + a b`` by the kernel, from guarded buffers; ``start`` is of one row for all, or of each row its own."""
    double, packed_as = a.dtype == torch.float64, packed_as or a.dtype
    (rows, depth), columns = a.shape, b.shape[1]
    _, product_of, packing = gemm.functions(packed_as)
    left, first, out = Guarded(a, gap), Guarded(start, gap), Guarded(a.new_zeros(rows, columns), gap)
    packed = Guarded(torch.zeros(1, pack.packed_size(depth, columns, double), dtype=packed_as))
    packing(b.data_ptr(), b.stride(0), b.stride(1), depth, columns, packed.address)
    first_stride = first.stride if len(start) > 1 else 0
    sizes = left.stride, rows, depth, packed.address, columns, first.address, first_stride, out.address, out.stride
    product_of(left.address, *sizes)
    for each in (left, first, out, packed):
        each.check()
    return out.view.clone()


def close(actual: Tensor, expected: Tensor, depth: int) -> bool:
    """Whether ``actual`` is ``expected``, a sum of ``depth`` products of normal numbers, but for rounding."""
    allowed = ROUNDING[actual.dtype] * (1 + depth) ** 0.5
    return bool(((actual.double() - expected).abs() <= allowed).all())


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@pytest.mark.parametrize("columns", [1, 3, 16, 31, 64, 65, 129])
@pytest.mark.parametrize("depth", [0, 1, 5, 33, 512, 519])
def test_products_are_right_and_touch_nothing_else(depth, columns, dtype):
    for rows, gap in product((0, 1, 2, 3, 5, 7, 8, 13), (0, 3)):
        a, b = torch.randn(rows, depth, dtype=dtype), torch.randn(depth, columns, dtype=dtype)
        start = torch.randn(max(rows, 1) if gap else 1, columns, dtype=dtype)[: rows if gap else 1]
        assert close(multiply(a, b, start, gap), start.double() + a.double() @ b.double(), depth), (rows, gap)


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@pytest.mark.parametrize("columns", [7, 64, 150])
def test_a_row_is_the_same_alone_and_in_any_batch(columns, dtype):
    a, b, start = (torch.randn(*shape, dtype=dtype) for shape in ((23, 521), (521, columns), (1, columns)))
    alone = torch.cat([multiply(row[None], b, start) for row in a])
    for rows in range(1, len(a) + 1):
        assert torch.equal(multiply(a[:rows], b, start), alone[:rows]), rows


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_a_packed_matrix_is_the_same_from_any_strides(dtype):
    double = dtype == torch.float64
    for depth, columns in product((1, 7, 16, 37), (1, 5, 16, 33, 64, 100)):
        matrix = torch.randn(depth, columns, dtype=dtype)
        wide = torch.randn(depth * 2, columns * 3, dtype=dtype)
        wide[::2, ::3] = matrix
        packed = []
        for source in (matrix, matrix.t().contiguous().t(), wide[::2, ::3]):
            target = Guarded(torch.full((1, pack.packed_size(depth, columns, double)), torch.nan, dtype=dtype))
            gemm.functions(dtype)[2](source.data_ptr(), *source.stride(), depth, columns, target.address)
            target.check()
            packed.append(target.view)
        assert torch.equal(packed[0], packed[1]), (depth, columns)
        assert torch.equal(packed[0], packed[2]), (depth, columns)
        assert torch.equal(packed[0][packed[0] != 0].sort()[0], matrix.flatten().sort()[0]), (depth, columns)


@pytest.mark.parametrize("columns", [1, 16, 33, 64, 200])
@pytest.mark.parametrize("depth", [0, 1, 17, 519])
def test_a_matrix_packed_as_bfloat16_is_one_rounded_before(depth, columns):
    b = torch.randn(depth, columns) * 10.0 ** torch.randint(-40, 38, (depth, columns))
    b[: depth // 2 : 3] = torch.randint(0x3F800000, 0x3F900000, b[: depth // 2 : 3].shape, dtype=torch.int32).view(
        torch.float32
    )  # ties and their neighbours
    for rows, turned in product((1, 2, 6, 9), (False, True)):
        a, start = torch.randn(rows, depth), torch.randn(1, columns)
        given = b.t().contiguous().t() if turned else b
        assert torch.equal(multiply(a, given, start, 3, torch.bfloat16), multiply(a, b.bfloat16().float(), start, 3))


pairs_only = pytest.mark.skipif(not host().bf16_dot, reason="this machine does not multiply pairs of bfloat16")


def multiply_pairs(a: Tensor, b: Tensor, start: Tensor, gap: int = 0) -> Tensor:
    """``start + a b`` of factors rounded to bfloat16, from guarded buffers; ``start`` is of one row for all."""
    (rows, depth), columns = a.shape, b.shape[1]
    _, product_of, packing = gemm.functions(torch.bfloat16, True)
    left, out = Guarded(a, gap), Guarded(a.new_zeros(rows, columns), gap)
    packed = Guarded(torch.zeros(1, pack.packed_size(depth, columns, False, True)))
    packing(b.data_ptr(), b.stride(0), b.stride(1), depth, columns, packed.address)
    sizes = left.stride, rows, depth, packed.address, columns, start.data_ptr(), 0, out.address, out.stride
    product_of(left.address, *sizes)
    for each in (left, out, packed):
        each.check()
    return out.view.clone()


@pairs_only
@pytest.mark.parametrize("columns", [1, 16, 31, 65, 129])
@pytest.mark.parametrize("depth", [0, 1, 5, 33, 64, 512, 519])
def test_products_of_pairs_are_those_of_what_was_rounded(depth: int, columns: int) -> None:
    a, b, start = torch.randn(199, depth), torch.randn(depth, columns), torch.randn(1, columns)
    exact = start.double() + a.bfloat16().double() @ b.bfloat16().double()
    alone = multiply_pairs(a[-1:], b, start)
    for rows, gap, turned in product((1, 2, 5, 8, 13, 97, 199), (0, 3), (False, True)):
        found = multiply_pairs(a[-rows:], b.t().contiguous().t() if turned else b, start, gap)
        assert close(found, exact[-rows:], depth), (rows, gap, turned)
        assert torch.equal(found[-1:], alone), (rows, gap, turned)


@pairs_only
@pytest.mark.parametrize("rows", [1, 2, 7, 188, 375, 377, 800])
def test_gradients_of_pairs_are_those_of_what_was_rounded(rows: int) -> None:
    for m, n, count in product((1, 5, 8, 33, 130), (1, 16, 40, 100, 600), (1, 2)):
        a, b = torch.randn(rows, m), torch.randn(rows, n)
        c, sums = Guarded(torch.zeros(m, n)), Guarded(torch.zeros(1, m))
        sides = gradient.Columns(m, m), gradient.Columns(n, n)
        made = gradient.Product(*sides, rows, n, count, False, pairs=True)
        made.run(a.data_ptr(), b.data_ptr(), c.address, sums.address)
        c.check()
        sums.check()
        assert close(c.view, a.bfloat16().double().mT @ b.bfloat16().double(), rows), (m, n)
        assert close(sums.view[0], a.double().sum(0), rows), (m, n)


@pairs_only
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_pairs_keep_what_is_not_a_number(value: float) -> None:
    a, b = torch.eye(3), torch.tensor([[1.0, value], [0.0, 1.0], [-value, 0.5]])
    torch.testing.assert_close(multiply_pairs(a, b, torch.zeros(1, 2)), a @ b, equal_nan=True, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 3.4e38])
def test_bfloat16_keeps_what_is_not_a_number(value):
    a, b = torch.eye(3), torch.tensor([[1.0, value], [0.0, 1.0], [-value, 0.5]])
    packed = multiply(a, b, torch.zeros(1, 2), packed_as=torch.bfloat16)
    torch.testing.assert_close(packed, a @ b.bfloat16().float(), equal_nan=True, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_a_number_comes_out_as_in_pytorch(value):
    a, b, start = torch.randn(7, 20), torch.randn(20, 40), torch.zeros(1, 40)
    a[2, 3], b[5, 6] = value, value
    expected = a @ b
    assert not expected[2].isfinite().any()
    assert not expected[:, 6].isfinite().any()
    torch.testing.assert_close(multiply(a, b, start), expected, equal_nan=True)
    torch.testing.assert_close(accumulate(a.t().contiguous(), b, torch.zeros(7, 40), 1), expected, equal_nan=True)


def columns_of(matrix: Guarded, scattered: Tensor | None) -> gradient.Columns:
    """All columns of a matrix, at equal distances or by a table of its rows."""
    width = matrix.view.shape[1]
    if scattered is None:
        return gradient.Columns(width, matrix.stride)
    return gradient.Columns(width, offsets=scattered.data_ptr())


def accumulate(
    a: Tensor, b: Tensor, start: Tensor, threads: int, gap: int = 0, sums: Tensor | None = None, shuffle: bool = False
) -> Tensor:
    """``start + a' b`` from guarded buffers, and in ``sums`` the sums of a's columns; rows may lie in any order."""
    order = torch.randperm(len(a)) if shuffle else torch.arange(len(a))
    places = torch.argsort(order)  # row ``order[i]`` is stored at ``i``
    left, right, out = Guarded(a[order], gap), Guarded(b[order], 2 * gap), Guarded(start, gap)
    tables = (places * left.stride, places * right.stride) if shuffle else (None, None)
    totals = Guarded(a.new_zeros(1, a.shape[1]) if sums is None else sums[None])
    sides = columns_of(left, tables[0]), columns_of(right, tables[1])
    where = totals.address if sums is not None else 0
    product = gradient.Product(*sides, len(a), out.stride, threads, a.dtype == torch.float64)
    product.run(left.address, right.address, out.address, where)
    for each in (left, right, out, totals):
        each.check()
    if sums is not None:
        sums.copy_(totals.view[0])
    return out.view.clone()


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@pytest.mark.parametrize("n", [0, 1, 7, 32, 49, 97, 600])
@pytest.mark.parametrize("m", [1, 5, 24, 133])
def test_gradients_are_right_and_touch_nothing_else(m, n, dtype):
    for rows, shuffle in product((0, 1, 3, 187, 200, 390), (False, True)):
        a, b = torch.randn(rows, m, dtype=dtype), torch.randn(rows, n, dtype=dtype)
        start, sums = torch.randn(m, n, dtype=dtype), torch.ones(m, dtype=dtype)
        out = accumulate(a, b, start, 1, gap=3, sums=sums, shuffle=shuffle)
        assert close(out, start.double() + a.double().t() @ b.double(), rows), (rows, shuffle)
        assert close(sums, 1 + a.double().sum(0), rows), (rows, shuffle)


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@pytest.mark.parametrize(("m", "n"), [(100, 30), (30, 300), (8, 3), (1, 0), (257, 257)])
def test_gradients_are_the_same_on_any_number_of_threads(m, n, dtype):
    a, b, start = torch.randn(405, m, dtype=dtype), torch.randn(405, n, dtype=dtype), torch.randn(m, n, dtype=dtype)
    sums = [torch.zeros(m, dtype=dtype) for _ in range(5)]
    found = [accumulate(a, b, start, threads + 1, sums=sums[threads]) for threads in range(5)]
    assert all(torch.equal(each, found[0]) for each in found)
    assert all(torch.equal(each, sums[0]) for each in sums)
    # the places of the rows are no part of the result either
    assert torch.equal(accumulate(a, b, start, 1, gap=5, shuffle=True), found[0])


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 3), (8, 8), (4, 7), (24, 24)])
def test_gradients_of_blocks_are_right_and_touch_nothing_else(m, n, dtype):
    for blocks, rows, threads in product((2, 5), (0, 1, 190), (1, 2)):
        a, b = (Guarded(torch.randn(rows, blocks * size, dtype=dtype), 3) for size in (m, n))
        start, sums = torch.randn(blocks * m, n, dtype=dtype), Guarded(torch.ones(1, blocks * m, dtype=dtype))
        out = Guarded(start, 2)
        sides = gradient.Columns(m, a.stride), gradient.Columns(n, b.stride)
        made = gradient.Product(*sides, rows, out.stride, threads, dtype == torch.float64, blocks)
        made.run(a.address, b.address, out.address, sums.address)
        for each in (a, b, out, sums):
            each.check()
        left, right = (x.view.double().unflatten(1, (blocks, -1)) for x in (a, b))
        assert close(out.view, start.double() + torch.einsum("rhm,rhn->hmn", left, right).flatten(0, 1), rows)
        assert close(sums.view[0], 1 + a.view.double().sum(0), rows)


def test_a_gradient_is_one_chain_in_the_order_of_the_rows():
    a, b = torch.randn(600, 9), torch.randn(600, 20)
    chain = torch.zeros(9, 20)
    for row in range(600):
        if host().fma:  # exact in 64 bits but for the sum, whose second rounding is too rare to be met here
            chain = (chain.double() + a[row, :, None].double() * b[row].double()).float()
        else:
            chain = chain + a[row, :, None] * b[row]
    assert torch.equal(accumulate(a, b, torch.zeros(9, 20), 2), chain)


@pytest.mark.parametrize("level", levels()[:-1])
def test_narrower_machines_have_the_same_products(level):
    with use(of_level(level)):
        for dtype in FORMATS:
            for columns in (1, 31, 65):
                test_products_are_right_and_touch_nothing_else(519, columns, dtype)
            for m, n in ((5, 49), (24, 0), (133, 97)):
                test_gradients_are_right_and_touch_nothing_else(m, n, dtype)
            test_a_row_is_the_same_alone_and_in_any_batch(64, dtype)
            test_gradients_are_the_same_on_any_number_of_threads(100, 30, dtype)
            test_a_packed_matrix_is_the_same_from_any_strides(dtype)
        test_a_matrix_packed_as_bfloat16_is_one_rounded_before(17, 33)
        test_a_gradient_is_one_chain_in_the_order_of_the_rows()
