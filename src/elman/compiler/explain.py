"""What would run, and why: a recurrence's equations, Program and plan for given sizes, and what it costs."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from elman.compiler import plan, proofs
from elman.compiler.llvm import gemm, peak, threads
from elman.compiler.llvm.host import host
from elman.compiler.llvm.layout import Forward
from elman.compiler.llvm.run import Kernels
from elman.compiler.program import Program, elementwise
from elman.compiler.proofs import Proof
from elman.compiler.wording import words
from elman.errors import ElmanError

# operations of one number, about: a function of the polynomials that it is made of, a root as long as several
_HEAVY: dict[str, int] = {
    **dict.fromkeys("exp expm1 log log1p sigmoid tanh softplus sin cos erf pow".split(), 16),
    **dict.fromkeys("div sqrt rsqrt".split(), 8),
}
_LARGEST = 1 << 11  # rows and columns of the products that are timed: more are no faster


@dataclass(frozen=True)
class Work:
    """Floating-point operations of all steps and rows; a function such as ``tanh`` counts as 16."""

    products: int  # in the recurrence, one step after another
    projections: int  # of blocks of steps: of the input, and of the weights' gradients
    elementwise: int


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


@dataclass(frozen=True)
class Part:
    """One recurrence of a module."""

    name: str
    input_size: int
    hidden_size: int
    states: Mapping[str, int]
    parameters: int
    equations: tuple[str, ...]
    executor: str
    why: str
    kernel: Kernel | None  # None where a loop runs it
    times: int = 1  # how many there are of this kind

    def __str__(self) -> str:
        return "\n".join(_part_lines(self))


@dataclass(frozen=True)
class Explanation:
    """How a module would run; ``str`` of it is for people, ``as_dict`` for programs."""

    batch: int
    time: int
    dtype: str
    training: bool
    parts: tuple[Part, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        found = asdict(self)
        for part in found["parts"]:
            if part["kernel"]:
                part["kernel"] |= {n: part["kernel"][n]._asdict() for n in ("linear", "elementwise")}
        return found

    def __str__(self) -> str:
        purpose = "training" if self.training else "inference"
        head = f"{_many(self.time, 'step')} of {_many(self.batch, 'row')}, {self.dtype}, {purpose}"
        return "\n\n".join([head, *map(str, self.parts)])


def explain(
    module: nn.Module,
    batch: int,
    time: int,
    *,
    training: bool = True,
    threads_wanted: int | None = None,
    save: int | str = "fast",
) -> Explanation:
    """Explain how a cell, or every cell of a layer, would run; nothing is run but a measurement of the machine.

    Args:
        module: a cell, or a layer of cells.
        batch: rows, at least 1.
        time: steps, at least 1.
        training: whether a backward pass follows.
        threads_wanted: how many threads it may use; those of PyTorch if not given.
        save: what is kept for the backward pass, as a layer takes it.

    Raises:
        ElmanError: a size below 1, a ``save`` that does not exist, or a module without a recurrence.

    Example:
        >>> from elman import GRU
        >>> found = explain(GRU(3, 5), batch=2, time=7)
        >>> found.parts[0].executor, found.parts[0].kernel.elementwise.holds
        ('llvm', False)
    """
    for name, size in (("batch", batch), ("time", time), ("threads", threads_wanted)):
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ElmanError(f"{name} must be a whole number of at least 1, not {size!r}")
    count = threads_wanted or threads.available()
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())
    parts: list[Part] = []
    for cell in _cells(module):
        part = _part(cell, batch, time, dtype, training, count, save)
        same = next((i for i, other in enumerate(parts) if replace(other, times=1) == part), None)
        if same is None:
            parts.append(part)
        else:
            parts[same] = replace(parts[same], times=parts[same].times + 1)
    if not parts:
        raise ElmanError(f"{type(module).__name__} has no recurrence to explain; give a cell or a layer of cells")
    return Explanation(batch, time, str(dtype).removeprefix("torch."), training, tuple(parts))


def _cells(module: nn.Module) -> Iterator[Any]:
    """The recurrences of a module; drop-ins hold theirs in tuples, so that PyTorch does not see their parameters."""
    for inner in module.modules():
        hidden = [m for value in vars(inner).values() if isinstance(value, tuple) for m in value]
        yield from (m for m in [inner, *hidden] if isinstance(m, nn.Module) and hasattr(m, "step"))


def _part(cell: Any, batch: int, time: int, dtype: torch.dtype, training: bool, count: int, save: int | str) -> Part:
    sizes = {name: cell.stream_sizes.get(name, 1) for name in cell.streams}
    # one number stands for all of the input, since only its shape matters
    place_of = next(p.device for p in cell.parameters())
    x = torch.empty(1, dtype=dtype, device="cpu" if place_of.type == "meta" else place_of)
    x = x.expand(batch, time, cell.input_size)
    streams = {name: x[:, :, :1].expand(batch, time, size) for name, size in sizes.items()}
    executor, why = plan.executor(cell, x, streams)
    kernel = None
    if executor == "llvm":
        traced = plan.read(cell, tuple(sizes.items()))
        lines = words(traced, cell.gates, cell.bias_ih is not None)
        every = plan.saved_every(save, traced.program.text, x)
        kernel = _kernel(traced.program, lines, cell, batch, time, dtype, training, count, every)
    return Part(
        name=type(cell).__name__,
        input_size=cell.input_size,
        hidden_size=cell.hidden_size,
        states=dict(zip(cell.states, cell.state_sizes, strict=True)),
        parameters=sum(p.numel() for p in cell.parameters()),
        equations=_equations(cell),
        executor=executor,
        why=why,
        kernel=kernel,
    )


def _equations(cell: Any) -> tuple[str, ...]:
    """The first indented lines of the docstring."""
    text = re.split(
        r"^(?:Args|Parameters|Raises|Returns|Example)s?:", inspect.cleandoc(cell.__doc__ or ""), flags=re.M
    )[0]
    found = re.search(r"(?:^    .*\n?)+", text, re.M)
    return tuple(line.strip() for line in found.group().splitlines()) if found else ()


def _kernel(
    program: Program,
    lines: Mapping[str, list[str]],
    cell: Any,
    batch: int,
    time: int,
    dtype: torch.dtype,
    training: bool,
    count: int,
    every: int,
) -> Kernel:
    kernels = Kernels(program, dtype)
    dtype, double = kernels.dtype, kernels.double
    layout: Forward = kernels.training if training else kernels.inference
    rows = kernels.place(batch, time, cell.input_size, None, count)
    most = int(max(rows.first[1:] - rows.first[:-1]))
    block = kernels.block(layout, rows)
    forward, again, backward = _forward(kernels, cell, batch * time), None, None
    scratch, kept = layout.scratch_width, 0
    if training:
        again = forward if every > 1 else None
        backward = _backward(kernels, cell, batch * time)
        scratch = max(scratch, kernels.back.scratch_width)
        kept = layout.tape_width * time if every == 1 else sum(program.states.values()) * -(-time // every)
    one = peak.speed(1, double)
    works = [work for work in (forward, again, backward) if work]
    return Kernel(
        program=lines,
        linear=proofs.linear(program),
        elementwise=proofs.elementwise(program),
        threads=rows.threads,
        rows=most,
        tiles=tiles(most),
        tile_columns=gemm.panel_vectors() * host().vector_bytes // dtype.itemsize,
        block=block,
        kept=kept / (time * cell.hidden_size),
        kept_bytes=kept * batch * dtype.itemsize,
        every=every,
        again_bytes=layout.tape_width * batch * min(every, time) * dtype.itemsize if again else 0,
        scratch_bytes=scratch * batch * dtype.itemsize,
        forward=forward,
        again=again,
        backward=backward,
        peak=one * rows.threads,
        seconds_at_peak=sum(work.products + work.projections for work in works) / (one * rows.threads),
        seconds=_seconds(kernels.program, works, cell, most, block, double) * most / batch,
    )


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


def _depths(program: Program) -> int:
    """Multiply-adds of a fused Program's products, for one row."""
    return sum(program.values[m.input].width * m.width for m in program.products)


def _operations(program: Program) -> int:
    """Element-wise operations of a Program, for one row."""
    sums = sum(program.values[v.args[0]].width for v in program.values if v.op == "sum")
    return sums + sum(value.width * _HEAVY.get(value.op, 1) for _, value in elementwise(program))


def _forward(kernels: Kernels, cell: Any, count: int) -> Work:
    projection = kernels.program.x_width * cell.input_size
    return Work(2 * count * _depths(kernels.program), 2 * count * projection, count * _operations(kernels.program))


def _backward(kernels: Kernels, cell: Any, count: int) -> Work:
    """The cotangents of states step by step; those of the input and of all matrices for blocks of steps."""
    back = kernels.back.program
    blocks = 2 * kernels.program.x_width * cell.input_size + _depths(kernels.program)
    return Work(2 * count * _depths(back), 2 * count * blocks, count * _operations(back))


def _seconds(program: Program, works: Sequence[Work], cell: Any, rows: int, block: int, double: bool) -> float:
    """About the time of all work on one thread, from the speeds of products of these very sizes."""
    operations = seconds = 0.0
    for product in program.products:
        depth = program.values[product.input].width
        speed = peak.product_speed(rows, min(depth, _LARGEST), min(product.width, _LARGEST), double)
        operations += depth * product.width
        seconds += depth * product.width / speed
    wide = min(program.x_width, _LARGEST)
    in_blocks = peak.product_speed(min(rows * block, 192), min(cell.input_size, _LARGEST), wide, double)
    step = operations / seconds if seconds else in_blocks
    one = peak.speed(1, double) / 2  # whose operations are multiply-adds, two at once
    return sum(w.products / step + w.projections / in_blocks + w.elementwise / one for w in works)


def _part_lines(part: Part) -> Iterator[str]:
    states = ", ".join(f"{name} of {size}" for name, size in part.states.items())
    times = f"{part.times} times " if part.times > 1 else ""
    yield f"{times}{part.name}, {part.input_size} features to {_many(part.hidden_size, 'unit')}"
    yield f"  {_many(part.parameters, 'parameter')}; states: {states}"
    if part.equations:
        yield "\nEquations"
        yield from (f"  {line}" for line in part.equations)
    if part.kernel is None:
        yield f"\nPlan\n  executor: {part.executor}, a loop in Python over {part.name}.step: {part.why}"
        return
    yield from _kernel_lines(part.kernel, part)


def _kernel_lines(k: Kernel, part: Part) -> Iterator[str]:
    for when, title in (("once", "once a call"), ("block", "for a block of steps"), ("step", "at each step")):
        if k.program[when]:
            yield f"\nProgram, {title}"
            yield from (f"  {line}" for line in k.program[when])
    yield "\nProved of the Program"
    for what, proof in (("linear in its state", k.linear), ("element-wise in its state", k.elementwise)):
        yield f"  {what}: {'yes' if proof.holds else 'no'}; {proof.why}"
    if k.linear.holds and k.elementwise.holds:
        yield "  so that its steps could run in parallel over time"
    yield "\nPlan"
    yield f"  executor: {part.executor}, since {part.why}"
    yield f"  threads: {k.threads}, each with its rows for all steps, at most {_many(k.rows, 'row')}"
    yield f"  register tiles: {_runs(k.tiles)} rows by {k.tile_columns} columns"
    yield f"  input projected for {_many(k.block, 'step')} at once"
    if k.backward:
        yield f"  kept for the backward pass: {k.kept:.3g} numbers a step, row and unit, {_bytes(k.kept_bytes)} in all"
    if k.again:
        yield (
            f"    the states before every {k.every} steps, which the backward pass runs again, "
            f"in {_bytes(k.again_bytes)}"
        )
    yield f"  scratch: {_bytes(k.scratch_bytes)}"
    yield "\nFloating-point operations, a function such as tanh counted as 16"
    for name, work in (("forward", k.forward), ("forward again", k.again), ("backward", k.backward)):
        if work:
            yield (
                f"  {name}: {_si(work.products)} in products step by step, {_si(work.projections)} in products of "
                f"blocks, {_si(work.elementwise)} element-wise"
            )
    yield "\nTime, from short measurements just now"
    yield f"  this machine's peak on {_many(k.threads, 'thread')}: about {_si(k.peak)} operations a second"
    yield f"  the products at that peak: {_time(k.seconds_at_peak)}"
    yield f"  all work at the speeds of these very sizes: about {_time(k.seconds)}"
    yield "  moving data and starting each step come on top; for small sizes that is more than the work"


def _runs(sizes: Sequence[int]) -> str:
    """6 6 6 4 4 as ``3 of 6, 2 of 4``."""
    return ", ".join(f"{sizes.count(size)} of {size}" for size in dict.fromkeys(sizes))


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _si(number: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.0f}"


def _bytes(number: int) -> str:
    for size, unit in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"


def _time(seconds: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
