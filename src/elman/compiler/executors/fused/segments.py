"""Where the segments of sequences stand in what PyTorch calls a packed sequence.

Lengths and resets divide the rows of a batch into segments that never see each other. Each is a row of a packed
sequence, in which the longest comes first, so that one operation runs them all. A row without a step has none.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from elman.compiler.executor import segment_begins


class Segments(NamedTuple):
    """The segments of a batch of ``B`` rows of ``T`` steps, the longest in front."""

    places: Tensor  # [N], for each step in the order of the packed sequence, its place in [B * T]
    sizes: Tensor  # how many segments have a first step, a second one, ...; on the CPU, as PyTorch wants it
    starts: Tensor  # [S], for each segment the row whose state it starts from; B more where that is the initial one
    rows: Tensor  # the rows that have a step
    last: Tensor  # for each of those the segment that ends it


def segments(lengths: Tensor | None, resets: Tensor | None, batch: int, time: int, reverse: bool) -> Segments:
    """Find them, on the CPU.

    Args:
        lengths: ``[B]``, on the CPU.
        resets: ``[B, T]``, on the CPU; see ``eager.run``.
        reverse: whether rows run from their own last step to their first.

    >>> found = segments(torch.tensor([3, 0, 2]), None, 3, 4, reverse=True)
    >>> found.places.tolist(), found.sizes.tolist(), found.rows.tolist()
    ([2, 9, 1, 8, 0], [2, 2, 1], [0, 2])
    """
    with torch.device("cpu"):
        return _segments(lengths, resets, batch, time, reverse)


def _segments(lengths: Tensor | None, resets: Tensor | None, batch: int, time: int, reverse: bool) -> Segments:
    ends = torch.full((batch,), time) if lengths is None else lengths
    steps = torch.arange(time)
    order = (ends[:, None] - 1 - steps).clamp(min=0) if reverse else steps.expand(batch, time)
    valid = steps < ends[:, None]
    begins = torch.zeros(batch, time, dtype=torch.bool)
    if resets is not None:
        begins = segment_begins(resets, lengths, reverse).gather(1, order) & valid
    first = valid & (begins | (steps == 0))
    row, start = first.nonzero(as_tuple=True)
    following = torch.cat([row[1:] == row[:-1], torch.zeros(min(1, len(row)), dtype=torch.bool)])
    end = torch.where(following, start.roll(-1), ends[row])
    long, by_length = (end - start).sort(descending=True, stable=True)
    where = torch.empty_like(by_length)
    where[by_length] = torch.arange(len(row))
    counts = torch.bincount(long, minlength=1)
    sizes = counts.flip(0).cumsum(0).flip(0)[1:]
    step, which = (torch.arange(len(row)) < sizes[:, None]).nonzero(as_tuple=True)
    which = by_length[which]
    places = row[which] * time + order[row[which], start[which] + step]
    fresh = begins[row, start]
    return Segments(places, sizes, (row + batch * fresh)[by_length], row[~following], where[~following])
