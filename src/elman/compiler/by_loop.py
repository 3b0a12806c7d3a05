"""A recurrence over time and its derivatives by PyTorch's own operations: of any order, in any mode, and slow."""

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

from elman.compiler import interpret
from elman.compiler.parts import Optional, Parts, Scan
from elman.compiler.program import Program
from elman.compiler.surroundings import autocasts

T = TypeVar("T")


def _as_given(function: Callable[..., T]) -> Callable[..., T]:
    """Without autocast, which has been heeded by whoever converted the tensors that are given."""

    @wraps(function)
    def run(scan: Scan, tensors: Sequence[Any], *rest: Any) -> T:
        kind = tensors[0].device.type
        if not autocasts(kind):
            return function(scan, tensors, *rest)
        with torch.autocast(kind, enabled=False):
            return function(scan, tensors, *rest)

    return run


_program = lru_cache(maxsize=256)(Program.read)


@_as_given
def forward(scan: Scan, tensors: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
    """Outputs and last states."""
    program, parts = _program(scan.program), Parts.of(scan, tensors)
    found = interpret.run(program, parts.sequences(program, scan.reverse), parts.resets)
    return found.outputs, list(found.final)


@_as_given
def backward(scan: Scan, tensors: Sequence[Any], cotangents: Sequence[Tensor]) -> list[Any]:
    """The cotangent of each tensor, from those of the outputs and the last states."""
    places = [i for i, t in enumerate(tensors) if t is not None and t.is_floating_point()]

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        output, last = forward(scan, _filled(tensors, places, values))
        return output, *last

    _, pull, *_ = torch.func.vjp(run, *(tensors[i] for i in places))
    return _filled([None] * len(tensors), places, pull(tuple(cotangents)))


@_as_given
def second(
    scan: Scan, tensors: Sequence[Any], cotangents: Sequence[Tensor], directions: Sequence[Optional]
) -> tuple[list[Any], list[Tensor]]:
    """The derivatives of ``backward`` along ``directions``: by each tensor, and by each cotangent."""
    places = [i for i, t in enumerate(tensors) if t is not None and t.is_floating_point()]

    def pulled(*values: Tensor) -> tuple[Tensor, ...]:
        given, along = values[: len(places)], values[len(places) :]
        found = backward(scan, _filled(tensors, places, given), along)
        return tuple(found[i] for i in places)

    found, pull, *_ = torch.func.vjp(pulled, *(tensors[i] for i in places), *cotangents)
    chosen = zip(found, (directions[i] for i in places), strict=True)
    asked = [torch.zeros_like(g) if direction is None else direction for g, direction in chosen]
    results = pull(tuple(asked))
    return _filled([None] * len(tensors), places, results), list(results[len(places) :])


def _filled(tensors: Sequence[Any], places: Sequence[int], values: Sequence[Tensor]) -> list[Any]:
    """The tensors with these values in some places."""
    own = list(tensors)
    for i, value in zip(places, values, strict=False):
        own[i] = value
    return own
