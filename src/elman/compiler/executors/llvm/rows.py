"""Which rows of a batch which thread computes, and where they lie on the tape.

Every thread has a stretch of the tape of its own: its rows in the order of their lengths, the longest first, step by
step, and at each step only those that are not finished.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from elman.errors import ElmanError


@dataclass(frozen=True, eq=False)
class Rows:
    """The places of all rows. ``Rows.of`` makes it."""

    batch: int
    time: int
    threads: int
    lengths: np.ndarray  # [B]
    order: np.ndarray  # [B], the row of the batch at each place
    first: np.ndarray  # [threads + 1], the first place of each thread
    starts: np.ndarray  # [threads, T + 1], the first row of the tape at each step of each thread

    @property
    def count(self) -> int:
        """Rows of the tape: valid steps of the whole batch."""
        return int(self.starts[-1, -1])

    @cached_property
    def where(self) -> tuple[Tensor, Tensor]:
        """The row of the batch and the step of each row of the tape."""
        rows, steps = [], []
        for i in range(self.threads):
            own = self.order[self.first[i] : self.first[i + 1]]
            t, r = np.nonzero(np.arange(self.time)[:, None] < self.lengths[own])
            rows.append(own[r])
            steps.append(t)
        return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(steps))

    def gather(self, tensor: Tensor) -> Tensor:
        """The rows of ``[B, T, ...]`` in the order of the tape."""
        if self.even and self.threads == 1:
            return tensor.transpose(0, 1).reshape(-1, *tensor.shape[2:])
        return tensor[self.where]

    def inside(self, stride: int) -> tuple[int, int]:
        """Where the rows of the tape lie, time by time and in the order of the batch: a distance, or else a table.

        The table is of multiples of ``stride``; it is kept, and its address is given.
        """
        if self.even and self.threads == 1:
            return stride, 0
        return 0, self._table((stride,), lambda: self._ordered * stride)

    def outside(self, row: int, step: int) -> tuple[int, int]:
        """The same for these rows in a tensor ``[B, T, ...]`` of these strides."""
        if self.even and (self.batch == 1 or step == self.batch * row):
            return (step if self.batch == 1 else row), 0
        rows, steps = self.where
        return 0, self._table((row, step), lambda: (rows * row + steps * step)[self._ordered])

    def _table(self, key: tuple[int, ...], make: Callable[[], Tensor]) -> int:
        table = self._tables.get(key)
        if table is None:
            table = self._tables.setdefault(key, make())
        return table.data_ptr()

    @cached_property
    def _tables(self) -> dict[tuple[int, ...], Tensor]:
        return {}

    @cached_property
    def _ordered(self) -> Tensor:
        """The rows of the tape, time by time and in the order of the batch."""
        rows, steps = self.where
        return torch.argsort(steps * self.batch + rows)

    @cached_property
    def even(self) -> bool:
        return bool((self.lengths == self.time).all())


def place(batch: int, time: int, threads: int, lengths: Tensor | None) -> Rows:
    """The places for a batch, its rows dealt to the threads so that each has about as many steps.

    Raises:
        ElmanError: lengths, of 64 bits, that do not go from 0 to ``time``.
    """
    if lengths is None:
        return _even(batch, time, threads)
    return _dealt(batch, time, threads, lengths.numpy().tobytes())


@lru_cache(maxsize=16)  # a backward pass has the lengths of its forward pass
def _dealt(batch: int, time: int, threads: int, lengths: bytes) -> Rows:
    own = np.frombuffer(lengths, dtype=np.int64)
    if own.min() < 0 or own.max() > time:
        raise ElmanError(f"lengths go from 0 to {time}, not from {own.min()} to {own.max()}")
    descending = np.argsort(-own, kind="stable")
    turn = np.arange(batch) % (2 * threads)
    thread = np.where(turn < threads, turn, 2 * threads - 1 - turn)  # back and forth, so that the sums are alike
    parts = [descending[thread == i] for i in range(threads)]
    return _rows(batch, time, own, parts)


@lru_cache(maxsize=64)
def _even(batch: int, time: int, threads: int) -> Rows:
    return _rows(batch, time, np.full(batch, time, dtype=np.int64), np.array_split(np.arange(batch), threads))


def _rows(batch: int, time: int, lengths: np.ndarray, parts: list[np.ndarray]) -> Rows:
    starts = np.zeros((len(parts), time + 1), dtype=np.int64)
    before = 0
    for i, part in enumerate(parts):
        active = (np.arange(time)[:, None] < lengths[part]).sum(1)
        starts[i, 0] = before
        starts[i, 1:] = before + np.cumsum(active)
        before = int(starts[i, -1])
    first = np.cumsum([0, *(len(p) for p in parts)]).astype(np.int64)
    order = np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
    return Rows(batch, time, len(parts), lengths, order, first, starts)
