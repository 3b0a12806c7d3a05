"""Rows of unequal length in batches of similar length, padded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

POOL = 50  # batches among which rows are sorted by length


@dataclass(frozen=True, eq=False)
class Batches:
    """Which rows make the batch of a step: similar in length, in another order each epoch, from seed and step alone.

    Args:
        lengths: ``[N]``, steps of each row.
        rows: of a batch.
        seed: the same seed, the same batches.

    Example:
        >>> batches = Batches(np.array([3, 1, 2, 1]), rows=2)
        >>> len(batches), sorted(np.concatenate([batches[0], batches[1]]).tolist())
        (2, [0, 1, 2, 3])
        >>> [rows.tolist() for rows in batches.in_order()]
        [[1, 3], [2, 0]]
    """

    lengths: np.ndarray
    rows: int
    seed: int = 1

    def __len__(self) -> int:
        """Batches of an epoch, a smaller one included."""
        return -(-len(self.lengths) // self.rows)

    def __getitem__(self, step: int) -> np.ndarray:
        """The rows of the batch of a step, which may be of any epoch."""
        epoch, place = divmod(step, len(self))
        return _epoch(self, epoch)[place]

    def in_order(self) -> list[np.ndarray]:
        """All rows once, the short ones first; for judging."""
        return _cut(np.argsort(self.lengths, kind="stable"), self.rows)


@lru_cache(maxsize=4)
def _epoch(batches: Batches, epoch: int) -> list[np.ndarray]:
    random = np.random.default_rng([batches.seed, epoch])
    order = random.permutation(len(batches.lengths))
    pools = _cut(order, POOL * batches.rows)
    order = np.concatenate([pool[np.argsort(batches.lengths[pool], kind="stable")] for pool in pools])
    cut = _cut(order, batches.rows)
    return [cut[place] for place in random.permutation(len(cut))]


def _cut(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def pad(sequences: Sequence[np.ndarray], value: float = 0) -> tuple[Tensor, Tensor]:
    """Sequences side by side, ``[B, T, ...]`` with ``value`` behind their ends, and their lengths ``[B]``.

    Example:
        >>> padded, lengths = pad([np.array([1, 2, 3]), np.array([4])])
        >>> padded.tolist(), lengths.tolist()
        ([[1, 2, 3], [4, 0, 0]], [3, 1])
    """
    lengths = [len(sequence) for sequence in sequences]
    first = sequences[0]
    padded = np.full((len(sequences), max(lengths), *first.shape[1:]), value, first.dtype)
    for row, sequence in enumerate(sequences):
        padded[row, : len(sequence)] = sequence
    return torch.from_numpy(padded), torch.tensor(lengths)
