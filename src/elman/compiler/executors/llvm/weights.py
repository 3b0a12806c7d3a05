"""The cotangents of weights: products over all rows of the tape, found once for a layout and run for each call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from elman.compiler.executors.llvm import gradient
from elman.compiler.executors.llvm.rows import Rows
from elman.compiler.fuse import columns
from elman.compiler.layout import Backward, by_heads
from elman.compiler.program import Mix, Program

WORTH_A_THREAD = 2_000_000  # multiply-adds, about ten microseconds


@dataclass(frozen=True)
class Columns:
    """Columns of the tape, of the cotangents, or of the input."""

    where: str  # "tape", "cotangents", "totals" or "x"
    first: int
    width: int


@dataclass(frozen=True)
class Job:
    """``target[row:, column:] += a' b`` and ``sums_of[sums:] += sum a``; either may be absent."""

    a: Columns
    b: Columns | None = None
    target: str = ""  # "weight" or an operand
    row: int = 0
    column: int = 0
    sums_of: str = ""  # "bias" or an operand
    sums: int = 0
    blocks: int = 1  # equal shares of the columns of both, each with rows of its own in the target


def jobs(layout: Backward) -> list[Job]:
    """Everything that the weights' cotangents are made of, neighbours in one."""
    program, results, values = layout.forward.program, layout.program.results, layout.program.values

    def result(name: str) -> Columns:
        i = results[name]
        if i in layout.totals:
            return Columns("totals", layout.totals[i], values[i].width)
        return Columns("cotangents", layout.cotangents[i], values[i].width)

    found = [
        Job(
            Columns("cotangents", run.source, run.size), Columns("x", 0, 0), "weight", run.target, 0, "bias", run.target
        )
        for run in layout.inputs
    ]
    for k, product in enumerate(program.products):
        pieces = [(offset, result(f"piece:{p}")) for offset, p in columns(program)[k] if f"piece:{p}" in results]
        for offset, part in _joined(pieces):
            value = program.values[product.input]
            if value.op == "state":
                source = Columns("tape", layout.forward.states[value.name], value.width)
            else:
                source = result(f"input:{k}")
            found += _by_heads(program, product, source, part, offset)
    vectors: dict[str, list[tuple[int, Columns]]] = {}
    for name in results:
        kind, _, rest = name.partition(":")
        if kind == "vector":
            operand, _, offset = rest.rpartition(":")
            vectors.setdefault(operand, []).append((int(offset), result(name)))
    for operand, parts in vectors.items():
        for offset, part in _joined(parts):
            # with a product that reads the same columns, if there is one
            same = (n for n, job in enumerate(found) if job.a == part and not job.sums_of)
            n = next(same, len(found))
            found[n : n + 1] = [replace(found[n] if n < len(found) else Job(part), sums_of=operand, sums=offset)]
    return found


def _by_heads(program: Program, product: Mix, source: Columns, part: Columns, offset: int) -> list[Job]:
    """The cotangent of a product's matrix from that of its columns from ``offset`` on, for whole heads and for parts.

    The matrices of heads lie one below the other.
    """
    head, depth = product.width // program.heads(product.matrix), program.depth(product)
    found = []
    for first, size, blocks in by_heads(offset, part.width, head):
        read = Columns(source.where, source.first + first // head * depth, blocks * depth)
        own = Columns(part.where, part.first + first - offset, size)
        if product.transposed:
            found.append(Job(read, own, product.matrix, first // head * depth, first % head, blocks=blocks))
        else:
            found.append(Job(own, read, product.matrix, first, 0, blocks=blocks))
    return found


def _joined(parts: list[tuple[int, Columns]]) -> list[tuple[int, Columns]]:
    """Stretches by their offset in the operand; those that are neighbours there and in memory are one."""
    result: list[tuple[int, Columns]] = []
    for offset, part in sorted(parts, key=lambda p: p[0]):
        if result:
            before, last = result[-1]
            alike = last.where == part.where
            if alike and before + last.width == offset and last.first + last.width == part.first:
                result[-1] = before, Columns(last.where, last.first, last.width + part.width)
                continue
        result.append((offset, part))
    return result


Place = tuple[int, int]  # the number of an address in a list, and bytes from there
READ = ("tape", "cotangents", "totals", "x")  # what the products read


class Placed(NamedTuple):
    """A product for matrices that lie in one way: what it reads, of ``READ``, and the targets that it is added to."""

    product: gradient.Product
    a: Place
    b: Place
    out: Place
    sums: Place

    def run(self, read: Sequence[int], targets: Sequence[int]) -> None:
        """Add the product of what lies at these addresses. The last target, 0, is none."""
        (a, a_from), (b, b_from), (out, out_from), (sums, sums_from) = self[1:]
        self.product.run(read[a] + a_from, read[b] + b_from, targets[out] + out_from, targets[sums] + sums_from)


@dataclass(frozen=True)
class Matrices:
    """What the products read, for one stretch of time."""

    tape: Tensor
    cotangents: Tensor
    totals: Tensor
    x: Tensor

    @property
    def addresses(self) -> list[int]:
        return [getattr(self, name).data_ptr() for name in READ]


def bind(
    todo: list[Job], targets: Mapping[str, Tensor], read: Matrices, rows: Rows, threads: int, pairs: bool
) -> list[Placed]:
    """The jobs for one stretch of time, in the order of time and of the batch; they can be run again.

    Args:
        targets: what is added to, by name, in the order in which their addresses will be given.
        threads: that may divide a product which is worth it.
        pairs: whether the factors are rounded to bfloat16, and multiplied in pairs.
    """
    numbers = {name: n for n, name in enumerate([*targets, ""])}

    def lie(c: Columns | None, blocks: int) -> gradient.Columns:
        if c is None:
            return gradient.NONE
        if c.where == "x":
            return gradient.Columns(read.x.shape[2], *rows.outside(read.x.stride(0), read.x.stride(1)))
        if c.where == "totals":
            return gradient.Columns(c.width // blocks, read.totals.stride(0))
        return gradient.Columns(c.width // blocks, *rows.inside(getattr(read, c.where).stride(0)))

    found, size = [], read.x.element_size()
    for job in todo:
        stride = targets[job.target].stride(-2) if job.target else 0
        count = rows.batch if job.a.where == "totals" else rows.count
        a, b = lie(job.a, job.blocks), lie(job.b, job.blocks)
        many = threads if count * a.width * b.width * job.blocks >= WORTH_A_THREAD else 1
        found.append(
            Placed(
                gradient.Product(a, b, count, stride, many, size == 8, job.blocks, pairs),
                (READ.index(job.a.where), job.a.first * size),
                (READ.index(job.b.where), job.b.first * size) if job.b else (0, 0),
                (numbers[job.target], (job.row * stride + job.column) * size),
                (numbers[job.sums_of], job.sums * size),
            )
        )
    return found
