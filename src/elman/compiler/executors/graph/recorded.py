"""A function of tensors that was recorded: it reads and writes tensors of its own, which are copied to and from."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from elman.compiler.executors.graph.record import Recorder
from elman.compiler.held import Function, gradients, kept, slowly, spread


class Recorded:
    """A function, recorded for tensors like some that are given, with its backward pass where a gradient is wanted.

    One call of it with a gradient goes on until its backward pass is done: what that needs stands in its memory. So it
    is taken by ``take`` and given back by ``give_back``.
    """

    def __init__(self, recorder: Recorder, function: Function, tensors: Sequence[Tensor | None]) -> None:
        self._lock, self._taken = Lock(), False
        self._given = [None if t is None else _like(t) for t in tensors]
        self._wanted = [t for t in self._given if t is not None and t.requires_grad]
        with torch.enable_grad() if self._wanted else torch.no_grad():
            recorder.warm(lambda: self._differentiated(function(self._given)))
            made, self._again = recorder.record(lambda: list(function(self._given)))
        self._made = [t.detach() for t in made]
        self.differentiable = [t.requires_grad for t in made]
        self._cotangents = [torch.zeros_like(t) for t in made] if any(self.differentiable) else []
        self._found: Sequence[Tensor | None] = [None] * len(self._wanted)
        if self._cotangents:
            # what is kept is not given back: the pass may be done twice
            self._found, self._back = recorder.record(
                lambda: gradients(made, self._wanted, self._cotangents, retain_graph=True)
            )
            self._graph = made  # which has what the pass needs

    def _differentiated(self, made: Sequence[Tensor]) -> None:
        gradients(made, self._wanted, [torch.zeros_like(t) for t in made])

    def take(self) -> bool:
        """Whether it was free, and is now the caller's until it is given back."""
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken

    def give_back(self) -> None:
        self._taken = False

    def forward(self, tensors: Sequence[Tensor | None]) -> list[Tensor]:
        """What the function gives."""
        pairs = [(a, b) for a, b in zip(self._given, tensors, strict=True) if a is not None and b is not None]
        with torch.no_grad():
            for own, given in pairs:
                own.copy_(given)
            self._again()
            return [t.clone() for t in self._made]

    def backward(self, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The gradients of the tensors that have one, after ``forward``."""
        if not self._cotangents:
            return [None] * len(self._wanted)
        for own, given in zip(self._cotangents, cotangents, strict=True):
            own.zero_() if given is None else own.copy_(given)
        self._back()
        return [None if t is None else t.clone() for t in self._found]


def _like(t: Tensor) -> Tensor:
    own = torch.empty(t.shape, dtype=t.dtype, device=t.device).copy_(t.detach())
    return own.requires_grad_(t.requires_grad and torch.is_grad_enabled())


class _Hold:
    """That a recorded function is in use; it ends at the latest with the graph of which it is a part."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    def end(self) -> None:
        self.__dict__.pop("recorded").give_back()

    def __del__(self) -> None:
        if "recorded" in self.__dict__:
            self.end()


def replay(
    recorded: Recorded, slow: Callable[..., Sequence[Tensor]], tensors: Sequence[Tensor | None]
) -> tuple[Tensor, ...]:
    """What a recorded function that the caller has taken gives; derivatives of a higher order are those of ``slow``."""
    hold = _Hold(recorded)
    if not (torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)):
        made = tuple(recorded.forward(tensors))
        hold.end()
        return made
    return _Replayed.apply(hold, slow, *tensors)  # type: ignore[return-value]


class _Replayed(torch.autograd.Function):
    """``apply(hold, slow, *tensors)``."""

    @staticmethod
    def forward(ctx: Any, hold: _Hold, slow: Function, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        made = hold.recorded.forward(tensors)
        ctx.hold, ctx.slow = hold, slow
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*(t for t, own in zip(made, hold.recorded.differentiable, strict=True) if not own))
        return tuple(made)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        tensors = ctx.saved_tensors  # it is an error of PyTorch's if they are gone, or were changed
        wanted = [n for n, t in enumerate(tensors) if t is not None and t.requires_grad]
        if torch.is_grad_enabled() or any(g is not None and not torch._C._has_storage(g) for g in cotangents):
            found = slowly(ctx.slow, tensors, wanted, cotangents)
        else:
            found = ctx.hold.recorded.backward(cotangents)
            if not kept():
                ctx.hold.end()
        return None, None, *spread(found, wanted, len(tensors))
