"""Which executor runs a recurrence, and why."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx, nn
from torch._C._functorch import peek_interpreter_stack

from elman.compiler import derive, eager, scan
from elman.compiler.program import Program
from elman.compiler.trace import NotCompilable, Traced, attribute, trace
from elman.errors import ElmanError, ElmanWarning

EXECUTORS = ("eager", "llvm")

_forced: str | None = None


class Recurrence(Protocol):
    """What the executors need of a cell."""

    weight_ih: Any
    bias_ih: Any

    def step(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...

    def project(self, x: Tensor) -> Tensor: ...


@contextmanager
def use(executor: str) -> Iterator[None]:
    """Run everything in this context, in all threads, by one executor: for measurements and tests.

    >>> with use("eager"):
    ...     pass
    """
    global _forced
    if executor not in EXECUTORS:
        raise ElmanError(f"there is no executor {executor!r}; the executors are {', '.join(EXECUTORS)}")
    before, _forced = _forced, executor
    try:
        yield
    finally:
        _forced = before


def run(
    cell: Recurrence,
    template: nn.Module,
    x: Tensor,
    state: eager.State,
    initial: eager.State,
    *,
    lengths: Tensor | None,
    resets: Tensor | None,
    reverse: bool,
    streams: Mapping[str, Tensor],
    all_states: bool,
    save: int | str,
) -> eager.Run:
    """Run a recurrence over ``x [B, T, I]``, not yet projected, by the executor that is best for it.

    ``cell`` has the parameters to run with; its step is that of ``template``, which outlives it.
    """
    found = None
    if _forced != "eager" and _suits(x):
        widths = tuple((name, s.shape[-1]) for name, s in streams.items())
        found = _compiled(template, (template.training, widths), all_states)
    if found is None:
        return _eager(cell, x, state, initial, lengths, resets, reverse, streams)
    program, sources, key = found
    operands = [attribute(cell, path) for path in sources]
    if x.dtype == torch.bfloat16:  # what is computed of them once is not rounded again
        operands = [operand.float() for operand in operands]
    if key:
        operands = _prologues[key](*operands)
    along = list(streams.values())
    parts = scan.Parts(
        x, cell.weight_ih, cell.bias_ih, list(operands), list(state), list(initial), along, lengths, resets
    )
    output, last = scan.run(program, reverse, saved_every(save, program, x), parts)
    if not all_states:
        return eager.Run(output, tuple(last), ())
    sizes = [output.shape[-1] - sum(s.shape[1] for s in state), *(s.shape[1] for s in state)]
    output, *states = output.split(sizes, -1)
    if lengths is not None:  # a row that is not running has the state that it ended with, or is to begin with
        valid = torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]
        held = state if reverse else last
        states = [torch.where(valid[:, :, None], s, h[:, None]) for s, h in zip(states, held, strict=True)]
    return eager.Run(output, tuple(last), tuple(states))


LEAN = 32  # steps between the states that are kept: a thirtieth of the memory of all states


def saved_every(save: int | str, program: str, x: Tensor) -> int:
    """What a backward pass over ``x`` finds: 1 the tape of every step, more the state before every so many.

    >>> saved_every("lean", "", torch.zeros(2, 100, 3))
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
    step, state = scan.kept_bytes(program, x.dtype)
    for every in (1, *(2**n for n in range(1, 31))):
        kept = batch * (step * time if every == 1 else state * -(-time // every) + step * min(every, time))
        if kept <= budget:
            return every
        if every > time:
            break
    raise ElmanError(f"{batch} rows of {time} steps cannot be trained in {save}: even a few steps take more")


def executor(template: nn.Module, x: Tensor, streams: Mapping[str, Tensor]) -> tuple[str, str]:
    """The executor that runs this, and the reason."""
    if _forced == "eager":
        return "eager", "it was asked for"
    if not _suits(x):
        return "eager", f"there are no kernels to train {x.dtype} on {x.device.type}, for autocast, or for no rows"
    try:
        read(template, tuple((name, s.shape[-1]) for name, s in streams.items()))
    except NotCompilable as error:
        return "eager", str(error)
    return "llvm", "its step compiles"


def _suits(x: Tensor) -> bool:
    """Whether there are kernels for this input."""
    if x.device.type != "cpu" or x.shape[0] == 0 or torch.is_autocast_enabled("cpu"):
        return False
    plain = not (torch.is_grad_enabled() or torch.compiler.is_compiling() or peek_interpreter_stack() is not None)
    return x.dtype in (torch.float32, torch.float64) or (x.dtype == torch.bfloat16 and plain)


Streams = tuple[tuple[str, int], ...]  # names and widths

# by the module: what its step may depend on without its parameters, and the Program or why there is none
_read: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], Traced | str]] = WeakKeyDictionary()


def read(template: nn.Module, streams: Streams = ()) -> Traced:
    """The Program of a cell's step, read once for training, for evaluation, and for each set of remedies.

    Raises:
        NotCompilable: the step has something that the compiler does not know.
    """
    known = _read.setdefault(template, {})
    key = _variant(template, template.training, streams)
    if key not in known:
        states = dict(zip(template.states, template.state_sizes, strict=True))  # type: ignore[arg-type]
        try:
            known[key] = trace(template, len(template.weight_ih), states, dict(streams))  # type: ignore[arg-type]
        except NotCompilable as error:
            known[key] = str(error)
    found = known[key]
    if isinstance(found, str):
        raise NotCompilable(found)
    return found


def _variant(template: nn.Module, training: bool, streams: Streams) -> tuple[Any, ...]:
    return training, streams, getattr(template, "remedies", ())


_prologues: dict[str, fx.GraphModule] = {}


@torch.compiler.assume_constant_result
def _compiled(
    template: nn.Module, mode: tuple[bool, Streams], all_states: bool
) -> tuple[str, tuple[str, ...], str] | None:
    """The Program as text, the parameters it reads, and the key of its prologue, empty where it has none.

    None for a step that does not compile, which is said once.
    """
    first = _variant(template, *mode) not in _read.get(template, {})
    try:
        traced = read(template, mode[1])
    except NotCompilable as error:
        if first:
            warnings.warn(f"{error}. It runs in a loop.", ElmanWarning, stacklevel=2)
        return None
    key = ""
    if traced.prologue is not None:
        key = f"{traced.program.text}\n{traced.prologue.code}"
        _prologues.setdefault(key, traced.prologue)
    return _trajectory(traced.program.text) if all_states else traced.program.text, traced.sources, key


@lru_cache(maxsize=256)
def _trajectory(text: str) -> str:
    return derive.trajectory(Program.read(text)).text


def _eager(
    cell: Recurrence,
    x: Tensor,
    state: eager.State,
    initial: eager.State,
    lengths: Tensor | None,
    resets: Tensor | None,
    reverse: bool,
    streams: Mapping[str, Tensor],
) -> eager.Run:
    if lengths is not None:  # the padding is overwritten, so that nothing of it reaches a gradient
        valid = torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]
        x = x.masked_fill(~valid[:, :, None], 0)
        streams = {  # ones, since a stream may be a gap of time, which must not be zero
            name: value.masked_fill(~valid[:, :, None], 1) if value.dim() == 3 else value
            for name, value in streams.items()
        }
    return eager.run(
        cell.step,
        cell.project(x),
        state,
        initial,
        lengths=lengths,
        resets=resets,
        reverse=reverse,
        streams=streams,
    )
