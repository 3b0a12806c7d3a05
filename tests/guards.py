"""Memory that shows when something is written beside it, and cases that lie in such memory."""

from collections.abc import Callable
from typing import Any

import cases
import torch
from cases import Given
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from elman.compiler import scan

INSIDE = {made._opoverload: made._init_fn for made in (scan._scan_op, scan._scan_backward_op)}
GUARD = 1032  # bytes on each side: more than a panel of vectors, and no multiple of one


class Guards(TorchDispatchMode):
    """Within it, all memory that PyTorch hands out lies between areas of a pattern, each word of which is a NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.guarded: list[tuple[Tensor, Tensor, int]] = []

    def place(self, tensor: Tensor) -> Tensor:
        """A copy of a tensor, with its strides, between guards."""
        extent = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
        size = (extent if tensor.numel() else 0) * tensor.element_size()
        words = -(-(2 * GUARD + size) // 4) + 2
        # a NaN as float32 and as the upper half of a float64, no two alike, so that no copy of one looks intact
        pattern = (torch.arange(words) + 7919 * len(self.guarded)) % (1 << 18) + 0x7FFC0000
        memory = pattern.to(torch.int32).view(torch.uint8)
        self.guarded.append((memory, memory.clone(), size))
        inside = memory.numpy()[GUARD : GUARD + max(size, tensor.element_size())]
        copy = torch.from_numpy(inside).view(tensor.dtype).as_strided(tensor.shape, tensor.stride())
        return copy.copy_(tensor)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.namespace == "elman":  # what it does inside is to be seen as well
            with self:
                return INSIDE[function](*args, **(kwargs or {}))
        result = function(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        fresh = lambda t: t.device.type == "cpu" and t.untyped_storage().data_ptr() not in given  # noqa: E731
        return tree_map_only(Tensor, lambda t: self.place(t) if fresh(t) else t, result)

    def check(self) -> None:
        for memory, before, size in self.guarded:
            for where, part in (("before", slice(0, GUARD)), ("after", slice(GUARD + size, None))):
                assert torch.equal(memory[part], before[part]), f"{where} a buffer of {size} bytes was written to"


def guarded(some: Given, guards: Guards) -> Given:
    """The same case with everything in guarded memory."""
    place: Callable[[Tensor], Tensor] = lambda t: guards.place(t.detach()).requires_grad_(t.is_floating_point())  # noqa: E731
    other = some.to(some.x.dtype)
    for module in other.cell.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(place(parameter)))
    run = {key: place(v) if isinstance(v, Tensor) else v for key, v in some.run.items()}
    extras = {name: place(value) for name, value in some.extras.items()}
    return Given(other.cell, place(some.x), tuple(map(place, some.state)), run, extras)


def results(some: Given) -> dict[str, Tensor]:
    outputs, final = some.cell(some.x, some.state, **some.run, **some.extras)
    final = (final,) if isinstance(final, Tensor) else final
    gradients = cases.pull(some.leaves, outputs, *final)
    return {"outputs": outputs, **{f"final {i}": part for i, part in enumerate(final)}, **gradients}


def inference(some: Given) -> Tensor:
    with torch.no_grad():
        return some.cell(some.x, some.state, **some.run, **some.extras)[0]
