"""Devices of other kinds, which are the CPU: what is done around a device's operations is then tried without one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from elman.compiler import devices
from elman.compiler.executors import graph, inductor

T = TypeVar("T")
ALL = devices.Kind(fused=True, compiled=True)


class Recording(TorchDispatchMode):
    """Writes down each operation, and does it again in the same memory: what a graph on a device does."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self.done.append((func, args, kwargs or {}, made))
        return made

    def again(self) -> None:
        with torch.no_grad():
            for func, args, kwargs, made in self.done:
                for own, new in zip(tree_leaves(made), tree_leaves(func(*args, **kwargs)), strict=True):
                    if isinstance(own, Tensor) and own.data_ptr() != new.data_ptr():
                        own.copy_(new)


class Graphs:
    """What records operations on the CPU. As on a device, what is recorded has no numbers before it is done again."""

    recorded = 0  # graphs

    def warm(self, work: Callable[[], Any]) -> None:
        work()

    def record(self, work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        Graphs.recorded += 1
        with Recording() as recording:
            made = work()
        for t in (t for t in tree_leaves(made) if isinstance(t, Tensor)):
            t.data.fill_(float("nan"))
        return made, recording.again


def as_it_is(step: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """In the place of ``torch.compile``."""
    return step


@contextmanager
def device(kind: devices.Kind = ALL, *, watched: int = 1, compile: Callable[..., Any] = as_it_is) -> Iterator[None]:
    """Within it, the CPU is a device of a kind; ``watched`` calls of a kind precede one that is recorded."""
    with (
        patch.dict(devices.KINDS, {"cpu": kind}),
        patch.dict(graph.RECORDERS, {"cpu": Graphs}),
        patch.object(graph, "WATCHED", watched),
        patch.object(torch, "compile", compile),
    ):
        inductor._compiled.cache_clear()
        yield
    inductor._compiled.cache_clear()
    inductor._failed.clear()
    graph.forget()
