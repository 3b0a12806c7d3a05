"""The parameters of an RNN, LSTM or GRU behind each other in one piece of memory, as cuDNN wants them.

Where they lie otherwise PyTorch puts them so at every call, and warns of it. In the piece there are the matrices first,
in their order, and then the biases; zeros stand there for biases that there are none of.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def wanted(parameters: Sequence[Tensor]) -> bool:
    """Whether cuDNN runs what has these parameters."""
    return all(t.is_cuda and torch.backends.cudnn.is_acceptable(t) for t in parameters)


def in_one_piece(parameters: list[Tensor]) -> list[Tensor]:
    """The parameters as they are, if they lie so or need not; or else copies that do."""
    return joined(parameters) if wanted(parameters) and not lie_in_order(parameters) else parameters


def joined(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Copies of the parameters in one piece of memory, from its beginning; they have gradients.

    >>> [t.storage_offset() for t in joined([torch.zeros(4, 3), torch.zeros(4, 4), torch.zeros(4), torch.zeros(4)])]
    [0, 12, 28, 32]
    """
    order = _order(parameters)
    pieces = [parameters[n].reshape(-1) for n in order]
    if all(t.dim() > 1 for t in parameters):
        pieces.append(parameters[0].new_zeros(2 * len(parameters[0])))
    whole, found, start = torch.cat(pieces), list(parameters), 0
    for n in order:
        found[n] = whole[start : start + parameters[n].numel()].view(parameters[n].shape)
        start += parameters[n].numel()
    return found


@torch.no_grad()
def put_in_one_piece(parameters: Sequence[Tensor]) -> None:
    """Move the numbers of parameters into one piece of memory; each is still the same tensor."""
    for own, moved in zip(parameters, joined(parameters), strict=True):
        own.set_(moved.untyped_storage(), moved.storage_offset(), moved.shape, moved.stride())


def lie_in_order(parameters: Sequence[Tensor]) -> bool:
    """Whether parameters lie so, with the biases that there are none of."""
    memory, end = parameters[0].untyped_storage(), 0
    for n in _order(parameters):
        t = parameters[n]
        if not t.is_contiguous() or t.data_ptr() != memory.data_ptr() + end:
            return False
        end += t.nbytes
    biases = 0 if any(t.dim() == 1 for t in parameters) else 2 * len(parameters[0]) * parameters[0].element_size()
    return memory.nbytes() >= end + biases


def _order(parameters: Sequence[Tensor]) -> list[int]:
    return sorted(range(len(parameters)), key=lambda n: -parameters[n].dim())
