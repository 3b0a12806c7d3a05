"""The cotangents of weights: products over all rows of the tape, found once for a layout and run for each call."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from elman.compiler.fuse import columns
from elman.compiler.llvm import gradient
from elman.compiler.llvm.layout import Backward
from elman.compiler.llvm.rows import Rows


@dataclass(frozen=True)
class Columns:
    """Columns of the tape, of the shares, or of the input."""

    where: str  # "tape", "shares" or "x"
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


def jobs(layout: Backward) -> list[Job]:
    """Everything that the weights' cotangents are made of, neighbours in one."""
    program, results, values = layout.forward.program, layout.program.results, layout.program.values

    def share(name: str) -> Columns:
        i = results[name]
        return Columns("shares", layout.shares[i], values[i].width)

    found = [
        Job(Columns("shares", run.source, run.size), Columns("x", 0, 0), "weight", run.target, 0, "bias", run.target)
        for run in layout.inputs
    ]
    for k, product in enumerate(program.products):
        pieces = [(offset, share(f"piece:{p}")) for offset, p in columns(program)[k] if f"piece:{p}" in results]
        for offset, part in _joined(pieces):
            value = program.values[product.input]
            on_tape = value.op == "state"
            source = Columns("tape", layout.forward.states[value.name], value.width) if on_tape else share(f"input:{k}")
            if product.transposed:
                found.append(Job(source, part, product.matrix, 0, offset))
            else:
                found.append(Job(part, source, product.matrix, offset, 0))
    vectors: dict[str, list[tuple[int, Columns]]] = {}
    for name in results:
        kind, _, rest = name.partition(":")
        if kind == "vector":
            operand, _, offset = rest.rpartition(":")
            vectors.setdefault(operand, []).append((int(offset), share(name)))
    for operand, parts in vectors.items():
        found += [Job(part, sums_of=operand, sums=offset) for offset, part in _joined(parts)]
    return found


def _joined(parts: list[tuple[int, Columns]]) -> list[tuple[int, Columns]]:
    """Stretches by their offset in the operand; those that are neighbours there and in memory are one."""
    result: list[tuple[int, Columns]] = []
    for offset, part in sorted(parts, key=lambda p: p[0]):
        if result:
            before, last = result[-1]
            if before + last.width == offset and last.first + last.width == part.first:
                result[-1] = before, Columns(last.where, last.first, last.width + part.width)
                continue
        result.append((offset, part))
    return result


def run(
    todo: list[Job], targets: Mapping[str, Tensor], tape: Tensor, shares: Tensor, x: Tensor, rows: Rows, threads: int
) -> None:
    """Add the cotangents of one stretch of time to ``targets``, in the order of time and of the batch."""
    size = x.element_size()

    def place(c: Columns) -> gradient.Columns:
        if c.where == "x":
            return gradient.Columns(x.data_ptr(), x.shape[2], *rows.outside(x.stride(0), x.stride(1)))
        matrix = tape if c.where == "tape" else shares
        return gradient.Columns(matrix.data_ptr() + c.first * size, c.width, *rows.inside(matrix.stride(0)))

    for job in todo:
        out, stride, sums = 0, 0, 0
        if job.b is not None:
            target = targets[job.target]
            stride = target.stride(0)
            out = target.data_ptr() + (job.row * stride + job.column) * size
        if job.sums_of and job.sums_of in targets:
            sums = targets[job.sums_of].data_ptr() + job.sums * size
        b = gradient.NONE if job.b is None else place(job.b)
        gradient.accumulate(place(job.a), b, rows.count, out, stride, sums, threads, size == 8)
