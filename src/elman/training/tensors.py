"""Tensors and plain values that were read, held against those that they are to take the place of."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from elman.data.plain import shown
from elman.errors import ElmanError

LARGEST = 2**53  # of a number that counts something


def check_weights(given: Any, model: nn.Module, what: str = "the weights") -> None:
    """Refuse weights that a model cannot have had.

    Args:
        given: what was read.
        model: whose they should be.
        what: they are called.

    Raises:
        ElmanError: another name, shape or type, or a number that is not finite.
    """
    own = model.state_dict()
    learnt = {name for name, _ in model.named_parameters()}
    check_like(given, own, what, infinite=set(own) - learnt)  # a threshold may be infinite


def check_like(given: Any, like: Any, what: str, *, infinite: Collection[str] = ()) -> None:
    """Refuse plain values and tensors that are not built as others are; where these have None, anything goes.

    Args:
        given: what was read.
        like: what it is to be like: its names, its types, the shapes and types of its tensors.
        what: it is called.
        infinite: names of what may be infinite.

    Raises:
        ElmanError: what differs.
    """
    if like is None:
        return
    if isinstance(like, Tensor):
        _check_tensor(given, like, what, endless=what.rpartition(" ")[2] in infinite)
    elif isinstance(like, dict):
        if not isinstance(given, dict):
            raise ElmanError(f"{what} is {_kind(given)} and not an object")
        if lacking := [name for name in like if name not in given]:
            raise ElmanError(f"{what} lacks {lacking[0]!r}")
        if more := [name for name in given if name not in like]:
            raise ElmanError(f"{what} has {shown(more[0])}, which there is not")
        for name, each in like.items():
            check_like(given[name], each, f"{what}: {name}", infinite=infinite)
    elif isinstance(like, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(like):
            raise ElmanError(f"{what} is {_kind(given)} and not a list of {len(like)}")
        for one, other in zip(given, like, strict=True):
            check_like(one, other, what, infinite=infinite)
    elif type(given) is not type(like) and not (isinstance(like, float) and type(given) is int):
        raise ElmanError(f"{what} is {_kind(given)} and not {_kind(like)}")
    elif isinstance(given, float | int) and not abs(given) <= LARGEST:
        raise ElmanError(f"{what} is {shown(given)}, out of its range")


def _check_tensor(given: Any, like: Tensor, what: str, *, endless: bool) -> None:
    if not isinstance(given, Tensor) or given.layout != torch.strided or given.is_meta:
        raise ElmanError(f"{what} is {_kind(given)} and not a tensor")
    if given.shape != like.shape:
        raise ElmanError(f"{what} has the shape {[*given.shape]}, not {[*like.shape]}")
    if given.dtype != like.dtype:
        raise ElmanError(f"{what} has the type {given.dtype}, not {like.dtype}")
    if given.is_floating_point() and not bool((~given.isnan() if endless else given.isfinite()).all()):
        raise ElmanError(f"{what} has numbers that are not finite")


def _kind(value: Any) -> str:
    return type(value).__name__
