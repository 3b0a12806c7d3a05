"""Which executor runs a recurrence, and why."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from elman.compiler import derive, eager, scan
from elman.compiler.program import Program
from elman.compiler.trace import NotCompilable, Traced, trace
from elman.errors import ElmanError

EXECUTORS = ("eager", "llvm")

_forced: str | None = None


class Recurrence(Protocol):
    """What the executors need of a cell."""

    states: tuple[str, ...]
    state_sizes: tuple[int, ...]
    weight_ih: Tensor
    bias_ih: Tensor | None

    def step(self, *args: Tensor, **kwargs: Tensor) -> tuple[Tensor, ...]: ...

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
) -> eager.Run:
    """Run a recurrence over ``x [B, T, I]``, not yet projected, by the executor that is best for it.

    ``cell`` has the parameters to run with; its step is that of ``template``, which outlives it.
    """
    traced = _compiled(template, x, streams)
    if traced is None:
        return _eager(cell, x, state, initial, lengths, resets, reverse, streams)
    text = _trajectory(traced.program.text) if all_states else traced.program.text
    tensors = [x, cell.weight_ih, cell.bias_ih, *traced.evaluate(cell), *state, *initial]  # type: ignore[arg-type]
    what = scan.Scan(text, reverse, keep=True)
    output, last = scan.run(what, [*tensors, *streams.values(), lengths, resets])
    if not all_states:
        return eager.Run(output, tuple(last), ())
    sizes = [output.shape[-1] - sum(s.shape[1] for s in state), *(s.shape[1] for s in state)]
    output, *states = output.split(sizes, -1)
    if lengths is not None:  # a row that is not running has the state that it ended with, or is to begin with
        valid = torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]
        held = state if reverse else last
        states = [torch.where(valid[:, :, None], s, h[:, None]) for s, h in zip(states, held, strict=True)]
    return eager.Run(output, tuple(last), tuple(states))


def executor(template: nn.Module, x: Tensor, streams: Mapping[str, Tensor]) -> tuple[str, str]:
    """The executor that runs this, and the reason."""
    if _forced == "eager":
        return "eager", "it was asked for"
    if x.device.type != "cpu":
        return "eager", f"there are no kernels for {x.device.type}"
    if x.dtype not in (torch.float32, torch.float64):
        return "eager", f"there are no kernels for {x.dtype}"
    if torch.is_autocast_enabled("cpu"):
        return "eager", "autocast is on"
    try:
        read(template, tuple((name, s.shape[-1]) for name, s in streams.items()))
    except NotCompilable as error:
        return "eager", str(error)
    return "llvm", "its step compiles"


def _compiled(template: nn.Module, x: Tensor, streams: Mapping[str, Tensor]) -> Traced | None:
    if _forced == "eager" or x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
        return None
    if torch.is_autocast_enabled("cpu") or x.shape[0] == 0:
        return None
    return _traced(template, tuple((name, s.shape[-1]) for name, s in streams.items()))


_read: WeakKeyDictionary[nn.Module, dict[tuple[tuple[str, int], ...], Traced | str]] = WeakKeyDictionary()


def read(template: nn.Module, streams: tuple[tuple[str, int], ...] = ()) -> Traced:
    """The Program of a cell's step, read once. ``streams`` are names and widths.

    Raises:
        NotCompilable: the step has something that the compiler does not know.
    """
    known = _read.setdefault(template, {})
    if streams not in known:
        states = dict(zip(template.states, template.state_sizes, strict=True))  # type: ignore[arg-type]
        try:
            known[streams] = trace(template, len(template.weight_ih), states, dict(streams))  # type: ignore[arg-type]
        except NotCompilable as error:
            known[streams] = str(error)
    found = known[streams]
    if isinstance(found, str):
        raise NotCompilable(found)
    return found


@torch.compiler.assume_constant_result
def _traced(template: nn.Module, streams: tuple[tuple[str, int], ...]) -> Traced | None:
    """The same, or None for a step that does not compile, which is said once."""
    first = streams not in _read.get(template, {})
    try:
        return read(template, streams)
    except NotCompilable as error:
        if first:
            warnings.warn(f"{error}. It runs in a loop.", stacklevel=2)
        return None


@torch.compiler.assume_constant_result
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
