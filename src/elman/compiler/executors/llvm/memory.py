"""Large buffers, in large pages, and used again: a fresh page costs more to enter than to fill."""

import mmap
import threading
import weakref
from math import isfinite, prod

import numpy as np
import torch
from torch import Tensor

from elman import system

LARGE = 2 << 20
SHARE = 32  # of the machine's memory, the part that is kept while nothing uses it
MOST = 512 << 20
_KINDS = {torch.float32: np.float32, torch.float64: np.float64}


class _Pool:
    """Memory that was used, by its size, for those who want as much again.

    Whoever finds it busy does without: a finalizer may run within any line of this very class, and a process may be
    forked there.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.free: dict[int, list[mmap.mmap]] = {}  # the sizes that came back last at the end, none without memory
        self.bytes = 0
        self.busy = threading.Lock()

    def take(self, size: int) -> mmap.mmap:
        if self.busy.acquire(blocking=False):
            try:
                if size in self.free:
                    return self._remove(size)
            finally:
                self.busy.release()
        return system.fresh_memory(size)

    def give(self, block: mmap.mmap) -> None:
        size = len(block)
        if size > self.most or not self.busy.acquire(blocking=False):
            return
        try:
            while self.bytes + size > self.most:
                self._remove(next(iter(self.free)))
            self.free[size] = [*self.free.pop(size, []), block]
            self.bytes += size
        finally:
            self.busy.release()

    def _remove(self, size: int) -> mmap.mmap:
        block = self.free[size].pop()
        if not self.free[size]:
            del self.free[size]
        self.bytes -= size
        return block


def _most() -> int:
    """Bytes that are kept; few, where a machine does not tell how many it has."""
    there = system.memory_in_all()
    return int(min(MOST, (there if isfinite(there) else 1 << 30) / SHARE))


_pool = _Pool(_most())


def empty(shape: tuple[int, ...], dtype: torch.dtype, turned: bool = False) -> Tensor:
    """An uninitialised tensor, whose memory, if it is large, is kept for the next one when nothing uses it any more.

    One of three axes may be ``turned``: the first two then lie in the other order. It is no view of another tensor, so
    that autograd lets it be changed in place.

    >>> empty((2, 3), torch.float32).shape, empty((2, 3, 4), torch.float32, turned=True).stride()
    (torch.Size([2, 3]), (4, 8, 1))
    """
    size, kind = prod(shape) * dtype.itemsize, _KINDS.get(dtype)
    if size < LARGE or kind is None:
        if not turned:
            return torch.empty(shape, dtype=dtype)
        return torch.empty_strided(shape, (shape[2], shape[0] * shape[2], 1), dtype=dtype)
    block = _pool.take(-(-size // LARGE) * LARGE)
    unit = dtype.itemsize
    strides = (shape[2] * unit, shape[0] * shape[2] * unit, unit) if turned else None
    held = np.ndarray(shape, kind, block, 0, strides)  # no view of one, that autograd would take for a view too
    weakref.finalize(held, _pool.give, block).atexit = False
    return torch.from_numpy(held)
