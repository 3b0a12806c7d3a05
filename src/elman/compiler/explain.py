"""What would run, and why: a recurrence's equations, Program and plan for given sizes, and what it costs."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from elman.compiler import plan
from elman.compiler.units import many
from elman.errors import ElmanError


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
    kernel: Any  # the account of an executor that makes kernels; None of others
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
        head = f"{many(self.time, 'step')} of {many(self.batch, 'row')}, {self.dtype}, {purpose}"
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
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())
    parts: list[Part] = []
    for cell in _cells(module):
        part = _part(cell, batch, time, dtype, training=training, threads=threads_wanted, save=save)
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


def _part(
    cell: Any, batch: int, time: int, dtype: torch.dtype, *, training: bool, threads: int | None, save: int | str
) -> Part:
    # one number stands for all of the input, since only its shape matters
    place = next(p.device for p in cell.parameters())
    x = torch.empty(1, dtype=dtype, device="cpu" if place.type == "meta" else place)
    x = x.expand(batch, time, cell.input_size)
    mode = cell.training, tuple((name, cell.extra_sizes.get(name, 1)) for name in cell.extra_inputs)
    executor, why = plan.explained(cell, mode, x)
    return Part(
        name=cell._get_name(),
        input_size=cell.input_size,
        hidden_size=cell.hidden_size,
        states=dict(zip(cell.states, cell.state_sizes, strict=True)),
        parameters=sum(p.numel() for p in cell.parameters()),
        equations=_equations(cell),
        executor=executor.name,
        why=why,
        kernel=executor.account(cell, mode, x, training=training, threads=threads, save=save),
    )


def _equations(cell: Any) -> tuple[str, ...]:
    """The first indented lines of the docstring."""
    text = re.split(
        r"^(?:Args|Parameters|Raises|Returns|Example)s?:", inspect.cleandoc(cell.__doc__ or ""), flags=re.M
    )[0]
    found = re.search(r"(?:^    .*\n?)+", text, re.M)
    return tuple(line.strip() for line in found.group().splitlines()) if found else ()


def _part_lines(part: Part) -> Iterator[str]:
    states = ", ".join(f"{name} of {size}" for name, size in part.states.items())
    times = f"{part.times} times " if part.times > 1 else ""
    yield f"{times}{part.name}, {part.input_size} features to {many(part.hidden_size, 'unit')}"
    yield f"  {many(part.parameters, 'parameter')}; states: {states}"
    if part.equations:
        yield "\nEquations"
        yield from (f"  {line}" for line in part.equations)
    if part.kernel is None and part.executor != "eager":
        yield f"\nPlan\n  executor: {part.executor}, since {part.why}"
        return
    if part.kernel is None:
        yield f"\nPlan\n  executor: {part.executor}, a loop in Python over {part.name}.step: {part.why}"
        return
    for when, title in (("once", "once a call"), ("block", "for a block of steps"), ("step", "at each step")):
        if part.kernel.program[when]:
            yield f"\nProgram, {title}"
            yield from (f"  {line}" for line in part.kernel.program[when])
    yield "\nProved of the Program"
    linear, elementwise = part.kernel.linear, part.kernel.elementwise
    for what, proof in (("linear in its state", linear), ("element-wise in its state", elementwise)):
        yield f"  {what}: {'yes' if proof.holds else 'no'}; {proof.why}"
    if linear.holds and elementwise.holds:
        yield "  so that its steps could run in parallel over time"
    yield f"\nPlan\n  executor: {part.executor}, since {part.why}"
    yield from part.kernel.lines()
