"""Whether what is done could be recorded and done again: seen while it is done."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

T = TypeVar("T")

ASKING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "unique_consecutive", "_unique2"}  # of numbers
MAKING = {"lift_fresh", "lift_fresh_copy"}  # a tensor of numbers that stand in the code


class Watch(TorchDispatchMode):
    """Sees each operation within it, and has in ``found`` the first reason why they could not be done again.

    Args:
        tensors: all that may be read beside what is made.

    Example:
        >>> import torch
        >>> a, b = torch.ones(2), torch.ones(2)
        >>> with Watch([a]) as watch:
        ...     _ = (a * 2).sum()
        >>> watch.found
        ''
        >>> with Watch([a]) as watch:
        ...     _ = a + b
        >>> watch.found
        'it reads a tensor that is neither given to it nor held by its module'
    """

    def __init__(self, tensors: Iterable[Tensor | None]) -> None:
        super().__init__()
        held = [t for t in tensors if t is not None]
        self.given = [(t, t._version) for t in held if not t.is_inference()]
        self.known = set(map(_memory, held))
        self.found = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        name = func._schema.name.partition("::")[2]
        read = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        made = func(*args, **(kwargs or {}))
        if name in ASKING:
            self._say("the value of a tensor is asked for")
        elif name not in MAKING and any(_memory(t) not in self.known for t in read):
            self._say("it reads a tensor that is neither given to it nor held by its module")
        own = [t for t in tree_leaves(made) if isinstance(t, Tensor)]
        if read and any(t.device != read[0].device for t in own):
            self._say("it moves tensors from one device to another")
        self.known.update(map(_memory, own))
        return made

    def __exit__(self, *args: Any) -> None:
        super().__exit__(*args)
        if any(t._version != version for t, version in self.given):
            self._say("it changes a tensor that it is given or that its module holds")

    def _say(self, reason: str) -> None:
        self.found = self.found or reason


def _memory(t: Tensor) -> int:
    return t.untyped_storage()._cdata


def seen(function: Callable[[], T], tensors: Iterable[Tensor | None]) -> tuple[T, str]:
    """What a function gives, and why it could not be recorded; empty if it could."""
    with Watch(tensors) as watch:
        made = function()
    return made, watch.found
