"""What the kernels of a recurrence would do for given sizes, and what that costs on this machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman.compiler import cost, proofs, units
from elman.compiler.cost import Work
from elman.compiler.executors.llvm import gemm, pack, peak, threads
from elman.compiler.executors.llvm.host import host
from elman.compiler.executors.llvm.run import Kernels
from elman.compiler.layout import Forward
from elman.compiler.precision import precision
from elman.compiler.proofs import Proof
from elman.compiler.trace import Traced
from elman.compiler.wording import words

_LARGEST = 1 << 11  # rows and columns of the products that are timed: more are no faster


@dataclass(frozen=True)
class Kernel:
    """What the kernels of one recurrence do for given sizes."""

    program: Mapping[str, list[str]]  # lines that run "once", for a "block" of steps, at each "step"
    linear: Proof
    elementwise: Proof
    threads: int
    rows: int  # of the batch, for the thread that has most
    tiles: tuple[int, ...]  # rows of the register tiles that those pass through
    tile_columns: int
    products: str  # of which numbers
    block: int  # steps whose input is projected at once
    kept: float  # numbers kept for the backward pass, for each step, row and unit
    kept_bytes: int
    every: int  # 1 where each step is kept; more where the states before every so many are, and the steps run again
    again_bytes: int  # for the steps that are run again at once
    scratch_bytes: int  # what is needed within a step
    forward: Work
    again: Work | None
    backward: Work | None
    peak: float  # operations a second, of all threads
    seconds_at_peak: float  # of the products alone
    seconds: float  # of all the work, about: moving data and starting each step come on top

    def lines(self) -> Iterator[str]:
        """Its plan and what it costs, for people."""
        yield f"  threads: {self.threads}, each with its rows for all steps, at most {units.many(self.rows, 'row')}"
        yield f"  register tiles: {_runs(self.tiles)} rows by {self.tile_columns} columns"
        if self.products not in ("float32", "float64"):
            yield f"  products: {self.products}; states, gates and sums are float32"
        yield f"  input projected for {units.many(self.block, 'step')} at once"
        if self.backward:
            kept = units.bytes(self.kept_bytes)
            yield f"  kept for the backward pass: {self.kept:.3g} numbers a step, row and unit, {kept} in all"
        if self.again:
            yield (
                f"    the states before every {self.every} steps, which the backward pass runs again, "
                f"in {units.bytes(self.again_bytes)}"
            )
        yield f"  scratch: {units.bytes(self.scratch_bytes)}"
        yield "\nFloating-point operations, a function such as tanh counted as 16"
        for name, work in (("forward", self.forward), ("forward again", self.again), ("backward", self.backward)):
            if work:
                yield (
                    f"  {name}: {units.si(work.products)} in products step by step, {units.si(work.projections)} in "
                    f"products of blocks, {units.si(work.elementwise)} element-wise"
                )
        yield "\nTime, from short measurements just now"
        threads = units.many(self.threads, "thread")
        yield f"  this machine's peak on {threads}: about {units.si(self.peak)} operations a second"
        yield f"  the products at that peak: {units.time(self.seconds_at_peak)}"
        yield f"  all work at the speeds of these very sizes: about {units.time(self.seconds)}"
        yield "  moving data and starting each step come on top; for small sizes that is more than the work"


def account(traced: Traced, cell: Any, x: Tensor, *, training: bool, threads_wanted: int | None, every: int) -> Kernel:
    """What the kernels of a step that was read would do over ``x [B, T, I]``."""
    program, (batch, time, features) = traced.program, x.shape
    asked = precision(x).products
    pairs = asked == torch.bfloat16 and host().bf16_dot
    kernels = Kernels(program, asked, pairs)
    dtype, double = kernels.dtype, kernels.double
    layout: Forward = kernels.training if training else kernels.inference
    rows = kernels.place(batch, time, features, None, threads_wanted or threads.available())
    most = int(max(rows.first[1:] - rows.first[:-1]))
    block = kernels.block(layout, rows)
    forward, again, backward = cost.forward(kernels.program, features, batch * time), None, None
    scratch, kept, marked = layout.scratch_width, 0, 0
    if training:
        again = forward if every > 1 else None
        backward = cost.backward(kernels.program, kernels.back.program, features, batch * time)
        scratch = max(scratch, kernels.back.scratch_width)
        kept = layout.tape_width * time if every == 1 else sum(program.states.values()) * -(-time // every)
        marked = layout.tape_width if every == 1 else 0  # the row of a tape that says how it was made
    one = peak.speed(1, double) * (2 if pairs else 1)  # two multiply-adds an instruction
    works = [work for work in (forward, again, backward) if work]
    return Kernel(
        program=words(traced, getattr(type(cell), "gates", ()), cell.bias_ih is not None),
        linear=proofs.linear(program),
        elementwise=proofs.elementwise(program),
        threads=rows.threads,
        rows=most,
        tiles=tiles(most),
        tile_columns=pack.panel_vectors() * host().vector_bytes // dtype.itemsize,
        products=_products(asked, pairs),
        block=block,
        kept=kept / (time * cell.hidden_size),
        kept_bytes=(kept * batch + marked) * dtype.itemsize,
        every=every,
        again_bytes=layout.tape_width * batch * min(every, time) * dtype.itemsize if again else 0,
        scratch_bytes=scratch * batch * dtype.itemsize,
        forward=forward,
        again=again,
        backward=backward,
        peak=one * rows.threads,
        seconds_at_peak=sum(work.products + work.projections for work in works) / (one * rows.threads),
        seconds=_seconds(kernels, works, features, most, block) * most / batch,
    )


def _products(asked: torch.dtype, pairs: bool) -> str:
    """In words, of which numbers products are, and why."""
    if asked != torch.bfloat16:
        return str(asked).removeprefix("torch.")
    if pairs:
        return "pairs of bfloat16, since this machine multiplies two at once"
    return "float32 with matrices of bfloat16 in memory, since this machine multiplies no bfloat16"


def tiles(rows: int) -> tuple[int, ...]:
    """The rows of the register tiles that ``gemm`` uses for so many rows, one after another.

    >>> tiles(8), tiles(13)
    ((4, 4), (6, 6, 1))
    """
    largest, *others = gemm.row_tiles()
    rest = rows % largest
    found = [largest] * (rows // largest - (rest == 2 and rows > largest))  # a tile of two rows has half the speed
    rest = rows - sum(found)
    for size in others:
        found += [size] * (rest // size)
        rest %= size
    return tuple(found)


def _seconds(kernels: Kernels, works: Sequence[Work], features: int, rows: int, block: int) -> float:
    """About the time of all work on one thread, from the speeds of products of these very sizes."""
    program, double, pairs = kernels.program, kernels.double, kernels.pairs
    operations = seconds = 0.0
    for product in program.products:
        depth, head = program.depth(product), product.width // program.heads(product.matrix)
        speed = peak.product_speed(rows, min(depth, _LARGEST), min(head, _LARGEST), double, pairs)
        operations += depth * product.width
        seconds += depth * product.width / speed
    wide = min(program.x_width, _LARGEST)
    in_blocks = peak.product_speed(min(rows * block, 192), min(features, _LARGEST), wide, double, pairs)
    step = operations / seconds if seconds else in_blocks
    one = peak.speed(1, double) / 2  # whose operations are multiply-adds, two at once
    return sum(w.products / step + w.projections / in_blocks + w.elementwise / one for w in works)


def _runs(sizes: Sequence[int]) -> str:
    """6 6 6 4 4 as ``3 of 6, 2 of 4``."""
    return ", ".join(f"{sizes.count(size)} of {size}" for size in dict.fromkeys(sizes))
