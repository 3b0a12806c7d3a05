"""In which formats of numbers a recurrence runs, and in which its results come: sixteen bits, and what autocast asks.

Kernels keep states, sums and gates in float32 or float64. Tensors of sixteen bits are converted around them. Where they
are of bfloat16, or autocast asks for it, the factors of products are rounded to it. Results come in the formats that
the loop would give under the rules of autocast, which are found by running the step over tensors without numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from elman.compiler.executor import Mode
from elman.compiler.executors import eager
from elman.compiler.surroundings import autocasts, undisturbed
from elman.compiler.trace import skeleton

SIXTEEN = (torch.bfloat16, torch.float16)
CAST = (torch.float32, *SIXTEEN)  # what autocast converts from one to another
WHOLE = (torch.float32, torch.float64)  # what kernels take as it is


class Precision(NamedTuple):
    """How kernels run over an input."""

    work: torch.dtype  # of states, sums and gates
    products: torch.dtype  # to which the factors of products are rounded
    autocast: torch.dtype | None  # what autocast asks for, if it is on


def precision(x: Tensor) -> Precision:
    """The formats for an input, under autocast if it is on."""
    asked = autocast_of(x)
    work = torch.float64 if x.dtype == torch.float64 else torch.float32
    if work == torch.float32 and torch.bfloat16 in (x.dtype, asked):
        return Precision(work, torch.bfloat16, asked)
    return Precision(work, work, asked)


def autocast_of(x: Tensor) -> torch.dtype | None:
    """What autocast asks for on the device of a tensor, None if it is off."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if autocasts(kind) else None


class Dtypes(NamedTuple):
    """Those of what a run is given."""

    x: torch.dtype
    weights: torch.dtype
    states: tuple[torch.dtype, ...]
    extras: tuple[torch.dtype, ...]
    mixed: bool  # whether states before and after a step meet in one, by lengths or resets


def results(
    template: nn.Module, mode: Mode, device: str, asked: torch.dtype | None, given: Dtypes
) -> tuple[torch.dtype, ...]:
    """Those of the outputs and of the last states, as the loop would give them."""
    if asked is None:
        return (given.x,) * (1 + len(given.states))
    return _found(template, mode, device, asked, *given)


_known: WeakKeyDictionary[nn.Module, dict[Any, tuple[torch.dtype, ...]]] = WeakKeyDictionary()


@torch.compiler.assume_constant_result
def _found(
    template: nn.Module, mode: Mode, device: str, asked: torch.dtype, x: torch.dtype, weights: torch.dtype,
    states: Sequence[torch.dtype], extras: Sequence[torch.dtype], mixed: bool,
) -> tuple[torch.dtype, ...]:  # fmt: skip
    key = mode, getattr(template, "remedies", ()), device, asked, x, weights, tuple(states), tuple(extras), mixed
    known = _known.setdefault(template, {})
    if key not in known:
        with undisturbed():
            known[key] = _tried(template, mode, device, asked, x, weights, states, extras, mixed)
    return known[key]


def _tried(
    template: Any, mode: Mode, device: str, asked: torch.dtype, x: torch.dtype, weights: torch.dtype,
    states: Sequence[torch.dtype], extras: Sequence[torch.dtype], mixed: bool,
) -> tuple[torch.dtype, ...]:  # fmt: skip
    """By two steps of two rows."""
    place = torch.device(device)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), torch.autocast(device, asked):
        cell: Any = skeleton(template, place, weights)
        state = tuple(
            torch.zeros(2, size, dtype=dtype, device=place)
            for size, dtype in zip(template.state_sizes, states, strict=True)
        )
        more = {
            name: torch.ones(2, 2, width, dtype=dtype, device=place)
            for (name, width), dtype in zip(mode[1], extras, strict=True)
        }
        rows = cell.project(torch.zeros(2, 2, template.input_size, dtype=x, device=place))
        lengths = torch.full((2,), 2, device=place) if mixed else None
        run = eager.run(cell.step, rows, state, state, lengths=lengths, extras=more)
    return run.outputs.dtype, *(s.dtype for s in run.final)
