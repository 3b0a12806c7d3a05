"""An executor that turns Programs into kernels: what all of these have in common."""

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, fx, nn

from elman.compiler import executors, scan
from elman.compiler.executor import Account, Kernels, Mode, Run, Runnable, State
from elman.compiler.ops import derived_from
from elman.compiler.precision import WHOLE, Dtypes, precision, results
from elman.compiler.program import Program, elementwise
from elman.compiler.reading import reading
from elman.compiler.trace import Traced, attribute
from elman.errors import ElmanError

LEAN = 32  # steps between the states that are kept: a thirtieth of the memory of all states

_prologues: dict[str, fx.GraphModule] = {}


class Plain(NamedTuple):
    """A step that is nothing but kernels."""

    program: str
    kernels: Kernels
    sources: tuple[str, ...]  # the paths of its operands


class Compiled(ABC):
    """An executor that makes kernels of a step's Program.

    A subclass has a name and a rank, says over which inputs it runs and which operations it has a text for, and makes
    the kernels. The operation of PyTorch that runs them, with its derivatives, is ``scan.py``.
    """

    name: ClassVar[str]
    rank: ClassVar[int]

    @property
    @abstractmethod
    def operations(self) -> frozenset[str]:
        """The element-wise operations of ``ops.py`` that this executor has a text for."""

    @property
    @abstractmethod
    def target(self) -> Hashable:
        """What it makes kernels for; those for another are others."""

    @abstractmethod
    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input, empty if it does."""

    @abstractmethod
    def kernels(self, program: Program, dtype: torch.dtype) -> Kernels:
        """The kernels of a Program that is not fused; they are kept by ``scan.py``."""

    @abstractmethod
    def explain(
        self, traced: Traced, cell: Any, x: Tensor, *, training: bool, threads: int | None, every: int
    ) -> Account:
        """How the kernels of ``traced`` would run over ``x``; ``every`` is what is kept for the backward pass."""

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it cannot run the step of this cell, empty if it can."""
        return _refusal(self.name, template, mode)

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it is right for a cell."""
        return "its step compiles"

    def run(
        self,
        cell: Runnable,
        template: nn.Module,
        mode: Mode,
        x: Tensor,
        state: State,
        initial: State,
        *,
        lengths: Tensor | None,
        resets: Tensor | None,
        reverse: bool,
        extras: Mapping[str, Tensor],
        all_states: bool,
        save: int | str,
    ) -> Run:
        """Run the kernels of the step, as one operation of PyTorch."""
        program, sources, key = _step(template, mode, all_states)
        how = precision(x)
        plain = how.autocast is None and x.dtype == how.work
        with nullcontext() if how.autocast is None else torch.autocast(x.device.type, enabled=False):
            weight, operands = cell.weight_ih, [attribute(cell, path) for path in sources]
            if not plain:  # what is computed of them once is not rounded again
                operands = [operand.to(how.work) for operand in operands]
            if key:
                operands = _prologues[key](*operands)
            along = list(extras.values())
            parts = scan.Parts(
                x, weight, cell.bias_ih, list(operands), list(state), list(initial), along, lengths, resets
            )
            every = saved_every(self.name, save, program, x)
            how_to_run = scan.Scan(self.name, program, reverse, every, how.products == torch.bfloat16)
            output, last = scan.run(how_to_run, parts if plain else parts.to(how.work))
            run = _split(output, last, state, lengths, reverse) if all_states else Run(output, tuple(last), ())
        if plain:
            return run
        rows, more = (tuple(t.dtype for t in group) for group in (state, along))
        given = Dtypes(x.dtype, weight.dtype, rows, more, lengths is not None or resets is not None)
        dtypes = results(template, mode, x.device.type, how.autocast, given)
        return Run(
            run.outputs.to(dtypes[0]),
            tuple(s.to(dtype) for s, dtype in zip(run.final, dtypes[1:], strict=True)),
            tuple(s.to(dtype) for s, dtype in zip(run.states, dtypes[1:], strict=False)),
        )

    def plain(self, template: nn.Module, mode: Mode, dtype: torch.dtype) -> Plain | None:
        """The kernels of a step and what they read; None where anything is computed around their run."""
        program, sources, key = _step(template, mode, False)
        if key or dtype not in WHOLE or torch.is_autocast_enabled("cpu"):
            return None
        return Plain(program, scan.kernels_of(self.name, program, dtype), sources)

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> Account:
        """How it would run a cell, and at what cost."""
        traced = reading(cell, mode).traced
        assert traced is not None
        every = saved_every(self.name, save, traced.program.text, x)
        return self.explain(traced, cell, x, training=training, threads=threads, every=every)


def _split(output: Tensor, last: Sequence[Tensor], state: State, lengths: Tensor | None, reverse: bool) -> Run:
    """The outputs, and beside them the states of every step."""
    sizes = [output.shape[-1] - sum(s.shape[1] for s in state), *(s.shape[1] for s in state)]
    output, *states = output.split(sizes, -1)
    if lengths is not None:  # a row that is not running has the state that it ended with, or is to begin with
        valid = torch.arange(output.shape[1], device=output.device) < lengths.to(output.device)[:, None]
        held = state if reverse else last
        states = [torch.where(valid[:, :, None], s, h[:, None]) for s, h in zip(states, held, strict=True)]
    return Run(output, tuple(last), tuple(states))


@torch.compiler.assume_constant_result
def _refusal(name: str, template: nn.Module, mode: Mode) -> str:
    found = reading(template, mode)
    return found.why if found.traced is None else lacking(name, found.traced.program.text)


@lru_cache(maxsize=256)
def lacking(name: str, text: str) -> str:
    """What an executor has no text for, of a Program, given as text, and its derivatives; empty if there is nothing."""
    executor = executors.load(name)
    assert isinstance(executor, Compiled)
    used = (value.op for _, value in elementwise(Program.read(text)))
    missing = sorted(derived_from(used) - executor.operations)
    return f"{name} has no text for {', '.join(missing)}" if missing else ""


@torch.compiler.assume_constant_result
def _step(template: nn.Module, mode: Mode, all_states: bool) -> tuple[str, tuple[str, ...], str]:
    """The Program as text, the parameters it reads, and the key of its prologue, empty where it has none."""
    found = reading(template, mode)
    assert found.traced is not None
    key, prologue = found.prologue
    if prologue is not None:
        _prologues.setdefault(key, prologue)
    return found.trajectory if all_states else found.traced.program.text, found.traced.sources, key


def saved_every(name: str, save: int | str, program: str, x: Tensor) -> int:
    """What a backward pass over ``x`` finds: 1 the tape of every step, more the state before every so many.

    Args:
        name: of the executor.
        save: what a cell was given.
        program: as text.

    >>> saved_every("llvm", "lean", "", torch.zeros(2, 100, 3))
    32
    """
    if save == "fast" or save == "lean":
        return 1 if save == "fast" else min(LEAN, max(2, x.shape[1]))
    if isinstance(save, int) and not isinstance(save, bool) and save >= 1:
        return save
    amount = re.fullmatch(r"([0-9.]+) ?([KMG])iB", save) if isinstance(save, str) else None
    if amount is None:
        raise ElmanError(f"save is 'fast', 'lean', a number of steps or an amount such as '2GiB', not {save!r}")
    budget = float(amount[1]) * {"K": 2**10, "M": 2**20, "G": 2**30}[amount[2]]
    batch, time = x.shape[:2]
    step, state = scan.kept_bytes(name, program, precision(x).work)
    for every in (1, *(2**n for n in range(1, 31))):
        kept = batch * (step * time if every == 1 else state * -(-time // every) + step * min(every, time))
        if kept <= budget:
            return every
        if every > time:
            break
    raise ElmanError(f"{batch} rows of {time} steps cannot be trained in {save}: even a few steps take more")
