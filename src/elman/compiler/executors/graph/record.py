"""Operations on a device, recorded as a graph and done again without Python."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch

T = TypeVar("T")
WARM = 3  # times before something is recorded, as PyTorch does


class Recorder(Protocol):
    """Records what belongs together: one function, and its backward pass."""

    def warm(self, work: Callable[[], Any]) -> None:
        """Do something before it is recorded, so that libraries have what they need."""
        ...

    def record(self, work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        """What ``work`` gives, and what does its operations again: in the same memory, from what then stands there.

        What is given has its numbers only when it was done again.
        """
        ...


class Graphs:
    """CUDA graphs; ROCm has them too."""

    def __init__(self) -> None:
        self._pool: Any = None

    def warm(self, work: Callable[[], Any]) -> None:
        """Do something before it is recorded, on a stream of its own, as PyTorch asks for."""
        aside, current = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(current)
        with torch.cuda.stream(aside):
            for _ in range(WARM):
                work()
        current.wait_stream(aside)

    def record(self, work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        """What ``work`` gives, and what does its operations again."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):  # others go on meanwhile
            made = work()
        self._pool = graph.pool()
        return made, graph.replay


RECORDERS: dict[str, Callable[[], Recorder]] = {"cuda": Graphs}  # by kind of device
