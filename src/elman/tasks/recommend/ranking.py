"""Which place the item that came takes among all items: ranks, what is made of them, and simple ways to score."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.training.measures import HIGH, LOSS, Measure

MEASURES = {
    "recall@20": Measure(HIGH, share=True, about="the share of items that are among the first 20"),
    "mrr@20": Measure(HIGH, label="MRR@20", about="the mean of 1 / rank among the first 20, or 0"),
    "ndcg@10": Measure(HIGH, label="NDCG@10", about="the discounted gain among the first 10"),
    "loss": LOSS,
}
NEIGHBOURS = 100  # of an item, whose likeness counts


def ranks(scores: Tensor, targets: Tensor, seen: Tensor | None = None) -> Tensor:
    """The place of each target among all items, 1 for the first; items that score as much stand before it.

    A target that is never answered, for it was not learnt or has been seen, is at infinity.

    Args:
        scores: ``[N, V]``; column 0 belongs to no item.
        targets: ``[N]``; 0 for an item that was not learnt.
        seen: ``[N, S]``, items that are not asked for, filled up with 0.

    Example:
        >>> scores = torch.tensor([[9.0, 1.0, 3.0, 2.0]])
        >>> ranks(scores, torch.tensor([3])).item(), ranks(scores, torch.tensor([3]), torch.tensor([[2]])).item()
        (2.0, 1.0)
    """
    scores = without(scores, seen)
    own = scores.gather(1, targets[:, None])
    return (scores >= own).sum(1).double().masked_fill(own[:, 0] == -torch.inf, torch.inf)


def without(scores: Tensor, seen: Tensor | None) -> Tensor:
    """Scores in which column 0 and the items seen are out of the question."""
    scores = scores.clone()
    if seen is not None:
        scores.scatter_(1, seen, -torch.inf)
    scores[:, 0] = -torch.inf
    return scores


def measures(places: np.ndarray) -> dict[str, float]:
    """Recall and mean reciprocal rank among the first 20, and discounted gain among the first 10.

    Example:
        >>> measures(np.array([1, 4, 21]))["mrr@20"]
        0.4166666666666667
    """
    first = 1 / places
    return {
        "recall@20": float((places <= 20).mean()),
        "mrr@20": float(np.where(places <= 20, first, 0).mean()),
        "ndcg@10": float(np.where(places <= 10, 1 / np.log2(places + 1), 0).mean()),
    }


class Popular:
    """What most people take, for everybody."""

    def __init__(self, sessions: Sequence[np.ndarray], items: int) -> None:
        self.counts = np.zeros(items + 1, np.float32)
        for session in sessions:
            np.add.at(self.counts, session, 1)

    def scores(self, seen: Tensor) -> Tensor:
        """Scores ``[N, V]`` after the items ``[N, S]`` of each session so far, filled up with 0."""
        return torch.from_numpy(self.counts).expand(len(seen), -1)


class ItemToItem:
    """What is taken by the same people as what was taken already: the cosine of the sessions of two items.

    score(j) = sum over i seen of n_ij / sqrt(n_i n_j),    over the 100 items j nearest to i
    """

    def __init__(self, sessions: Sequence[np.ndarray], items: int) -> None:
        from scipy.sparse import csr_array, vstack

        sets = [np.unique(session[session > 0]) for session in sessions]
        rows = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
        taken: Any = csr_array((np.ones(len(rows), np.float32), (rows, np.concatenate(sets))), (len(sets), items + 1))
        self.popular = Popular(sessions, items).counts
        taken = taken.multiply(1 / np.sqrt(np.maximum(taken.sum(0), 1))).tocsr()
        parts = [_nearest(taken, start) for start in range(0, items + 1, 1000)]
        self.likeness: Any = vstack(parts).tocsr()  # scipy has no types for what its products are

    def scores(self, seen: Tensor) -> Tensor:
        """Scores ``[N, V]`` after the items ``[N, S]`` of each session so far, filled up with 0."""
        from scipy.sparse import csr_array

        rows, columns = np.nonzero(seen.numpy())
        shape = (len(seen), self.likeness.shape[0])
        history: Any = csr_array((np.ones(len(rows), np.float32), (rows, seen.numpy()[rows, columns])), shape)
        # among items that are as near, the popular ones first
        return torch.from_numpy((history @ self.likeness).toarray() + 1e-6 * self.popular / self.popular.max())


def _nearest(taken: Any, start: int) -> Any:
    """The rows of the likenesses from ``start`` on, the nearest items of each alone."""
    part = (taken[:, start : start + 1000].T @ taken).tolil()
    part.setdiag(0, k=start)
    part = part.tocsr()
    for row in range(part.shape[0]):
        cells = part.data[part.indptr[row] : part.indptr[row + 1]]
        if len(cells) > NEIGHBOURS:
            cells[cells < np.partition(cells, -NEIGHBOURS)[-NEIGHBOURS]] = 0
    part.eliminate_zeros()
    return part
