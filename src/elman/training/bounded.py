"""A bound on what is made meanwhile, so that a damaged size ends in one line and not in all memory."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from elman.errors import ElmanError

aten = torch.ops.aten
MAKERS = {aten.empty, aten.zeros, aten.ones, aten.full, aten.rand, aten.randn}  # of tensors whose size comes first
LONG = {aten.eye: 2, aten.arange: 1}  # of those that follow from so many numbers at most


class Bounded(TorchDispatchMode):
    """While it is entered, tensors that are made from sizes may have so many numbers in all.

    Args:
        most: numbers.

    Raises:
        ElmanError: more are asked for, which are not made then.

    Example:
        >>> with Bounded(1_000):
        ...     layer = torch.nn.Linear(10, 10)
        >>> with Bounded(1_000):
        ...     layer = torch.nn.Linear(10, 10**9)
        Traceback (most recent call last):
        elman.errors.ElmanError: it would have 10,000,000,000 numbers or more, and 1,000 are kept at most
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.made = most, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        self.made += _numbers(func.overloadpacket, args)
        if self.made > self.most:
            raise ElmanError(f"it would have {self.made:,} numbers or more, and {self.most:,} are kept at most")
        named: Mapping[str, Any] = kwargs or {}
        return func(*args, **named)


def _numbers(packet: Any, args: tuple[Any, ...]) -> int:
    """How many numbers an operation makes from sizes alone."""
    if packet in MAKERS:
        return math.prod(args[0])
    sizes = [each for each in args[: LONG.get(packet, 0)] if isinstance(each, int)]
    return math.prod(sizes) if sizes else 0
