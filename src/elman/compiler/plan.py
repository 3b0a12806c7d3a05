"""Which executor runs a recurrence, and why."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from elman.compiler import devices, executors
from elman.compiler.executor import Executor, Mode
from elman.compiler.surroundings import beyond, transformed
from elman.errors import ElmanWarning, user_level

log = logging.getLogger(__name__)

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
    ``torch.func``. A step that none can run but the loop is named once, by a warning; what else runs on a device other
    than the CPU is said once for each class of cells, by the log.
    """
    *others, loop = _candidates()
    if _mapped_in_a_compiler() if torch.compiler.is_compiling() else beyond():
        return executors.LOADED[loop]
    refused: tuple[str, ...] = ()
    for name in others:
        executor = executors.LOADED[name]
        if not executor.objection(x):
            refusal = executor.refusal(template, mode, x)
            if not refusal:
                if not x.is_cpu:
                    _say(template, mode, x, executor, refused)
                return executor
            refused = (*refused, refusal)
    if refused or unknown(x):
        _tell(template, mode, "; ".join(refused) or f"nothing of Elman or PyTorch is faster on {x.device.type}")
    return executors.LOADED[loop]


def explained(template: nn.Module, mode: Mode, x: Tensor) -> tuple[Executor, str]:
    """The same executor, and the reason: of the loop, what the others refuse, or what the first of them objects to."""
    *others, loop = _candidates()
    objection, refused = beyond(), list[str]()
    for executor in () if objection else map(executors.load, others):
        against = executor.objection(x)
        if against:
            objection = objection or against
            continue
        refusal = executor.refusal(template, mode, x)
        if not refusal:
            why = "it was asked for" if _forced.get() else executor.reason(template, mode, x)
            return executor, "; ".join([*refused, why])
        refused.append(refusal)
    return executors.load(loop), "; ".join(refused) or objection or "it was asked for"


def able(template: nn.Module, mode: Mode, x: Tensor) -> tuple[str, ...]:
    """The names of all executors that can run a step over such an input; the loop is always among them.

    >>> from elman.cells import load
    >>> able(load("gru")(3, 4), (True, ()), torch.zeros(1, 1, 3))
    ('eager', 'llvm')
    """
    each = ((name, executors.load(name)) for name in executors.names())
    return tuple(name for name, executor in each if not (executor.objection(x) or executor.refusal(template, mode, x)))


@torch.compiler.assume_constant_result
def _candidates() -> tuple[str, ...]:
    """The executors that may run something, in the order in which they are tried; the last is the loop."""
    (*others, loop), forced = executors.ranked(), _forced.get()
    return *(name for name in others if forced in ("", name)), loop


@torch.compiler.assume_constant_result
def _mapped_in_a_compiler() -> bool:
    """Whether what is compiled has a transform of ``torch.func`` in it, which the compiler enters as it reads it."""
    return transformed()


def unknown(x: Tensor) -> bool:
    """Whether nothing is known of the kind of device that an input is on."""
    return x.device.type not in ("cpu", "meta", *devices.KINDS)


_said: WeakKeyDictionary[type, set[Any]] = WeakKeyDictionary()


def _say(template: nn.Module, mode: Mode, x: Tensor, executor: Executor, refused: tuple[str, ...]) -> None:
    """Say once for each class of cells what runs it on a device, and why."""
    said = _said.setdefault(type(template), set())
    key = executor.name, x.device.type, refused
    if key not in said:
        said.add(key)
        why = "; ".join([*refused, executor.reason(template, mode, x)])
        log.info("%s on %s runs by %s: %s", type(template).__name__, x.device.type, executor.name, why)


_told: WeakKeyDictionary[nn.Module, set[Any]] = WeakKeyDictionary()


@torch.compiler.assume_constant_result
def _tell(template: nn.Module, mode: Mode, refusal: str) -> None:
    """Say once for each mode of a cell why a loop runs it."""
    told = _told.setdefault(template, set())
    key = mode, getattr(template, "remedies", ())
    if key not in told:
        told.add(key)
        warnings.warn(f"{refusal}. It runs in a loop.", ElmanWarning, stacklevel=user_level())
