"""Packed sequences and padded ones made of each other, by places that are found once.

PyTorch's ``pad_packed_sequence`` copies the rows of every step for themselves, and each of these copies has a gradient
as large as all of them: going back through it can take longer than going back through the recurrence.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


class Padded(NamedTuple):
    """What was packed, with zeros behind the end of each row, the rows in the order that they had before."""

    x: Tensor  # [B, T, I], or [T, B, I]
    lengths: Tensor  # [B], on the CPU
    places: Tensor  # [N], of each row of the packed data its place in the first two dimensions of x, counted through


def padded(packed: PackedSequence, batch_first: bool) -> Padded:
    """A packed sequence as a padded one.

    >>> from torch.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([torch.ones(1, 1), torch.ones(3, 1)], enforce_sorted=False)
    >>> found = padded(packed, batch_first=True)
    >>> found.x.flatten(1).tolist(), found.lengths.tolist(), found.places.tolist()
    ([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]], [1, 3], [3, 0, 4, 5])
    """
    data, sizes = packed.data, packed.batch_sizes
    batch, time = int(sizes[0]), len(sizes)
    has_step = torch.arange(batch, device="cpu") < sizes[:, None]
    step, row = has_step.nonzero(as_tuple=True)  # in the order in which they are packed
    lengths = has_step.sum(0)
    if packed.sorted_indices is not None and packed.unsorted_indices is not None:
        lengths, row = lengths[packed.unsorted_indices.cpu()], packed.sorted_indices.cpu()[row]
    places = (row * time + step if batch_first else step * batch + row).to(data.device)
    shape = (batch, time) if batch_first else (time, batch)
    x = data.new_zeros(batch * time, *data.shape[1:]).index_copy(0, places, data)
    return Padded(x.unflatten(0, shape), lengths, places)


def packed_like(packed: PackedSequence, outputs: Tensor, places: Tensor) -> PackedSequence:
    """Padded outputs, packed as their input was.

    Args:
        packed: the input.
        outputs: ``[B, T, O]``, or ``[T, B, O]``.
        places: what ``padded`` found.
    """
    data = outputs.flatten(0, 1).index_select(0, places)
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
