"""Which executor runs a recurrence, and why."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from elman.compiler import executors
from elman.compiler.executor import Executor, Mode
from elman.compiler.surroundings import beyond, transformed
from elman.errors import ElmanWarning, user_level

_forced: ContextVar[str] = ContextVar("the executor that was asked for", default="")


@contextmanager
def use(executor: str) -> Iterator[None]:
    """Run what can be run so by one executor, within this context: for measurements and tests.

    It holds for the thread, or the task of ``asyncio``, that enters it, and not for what ``torch.compile`` has compiled
    before. What the executor does not run, a loop does.

    >>> with use("eager"):
    ...     pass
    """
    executors.load(executor)
    before = _forced.set(executor)
    try:
        yield
    finally:
        _forced.reset(before)


def forced() -> str:
    """The executor that was asked for here, empty if none was."""
    return _forced.get()


def mode_of(template: nn.Module, extras: Mapping[str, Tensor]) -> Mode:
    """What the step of a cell may depend on without its parameters."""
    return template.training, tuple((name, s.shape[-1]) for name, s in extras.items())


def choose(template: nn.Module, mode: Mode, x: Tensor) -> Executor:
    """The executor that runs the step of ``template`` over ``x [B, T, I]``: of those that can, the first in rank.

    The loop runs where a derivative is being taken that kernels do not give: in forward mode, of a derivative by
    ``torch.func``. A step that none can run but the loop is named once, by a warning.
    """
    *others, loop = _candidates()
    if _mapped_in_a_compiler() if torch.compiler.is_compiling() else beyond():
        return executors.LOADED[loop]
    told = ""
    for name in others:
        executor = executors.LOADED[name]
        if not executor.objection(x):
            refusal = executor.refusal(template, mode)
            if not refusal:
                return executor
            told = told or refusal
    if told:
        _tell(template, mode, told)
    return executors.LOADED[loop]


def explained(template: nn.Module, mode: Mode, x: Tensor) -> tuple[Executor, str]:
    """The same executor, and the reason: of the loop, what the first of the others objects to or refuses."""
    *others, loop = _candidates()
    reason = beyond()
    for executor in () if reason else map(executors.load, others):
        against = executor.objection(x) or executor.refusal(template, mode)
        if not against:
            return executor, "it was asked for" if _forced.get() else "its step compiles"
        reason = reason or against
    return executors.load(loop), reason or "it was asked for"


@torch.compiler.assume_constant_result
def _candidates() -> tuple[str, ...]:
    """The executors that may run something, in the order in which they are tried; the last is the loop."""
    (*others, loop), forced = executors.ranked(), _forced.get()
    return *(name for name in others if forced in ("", name)), loop


@torch.compiler.assume_constant_result
def _mapped_in_a_compiler() -> bool:
    """Whether what is compiled has a transform of ``torch.func`` in it, which the compiler enters as it reads it."""
    return transformed()


_told: WeakKeyDictionary[nn.Module, set[Any]] = WeakKeyDictionary()


@torch.compiler.assume_constant_result
def _tell(template: nn.Module, mode: Mode, refusal: str) -> None:
    """Say once for each mode of a cell why a loop runs it."""
    told = _told.setdefault(template, set())
    key = mode, getattr(template, "remedies", ())
    if key not in told:
        told.add(key)
        warnings.warn(f"{refusal}. It runs in a loop.", ElmanWarning, stacklevel=user_level())
