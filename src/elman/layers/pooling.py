"""A sequence as one vector."""

import torch
from torch import Tensor, nn

from elman.layers.attention import AdditiveAttention
from elman.layers.sequence import valid_steps


def max_and_mean(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The greatest and the mean of each feature over a row's own steps, ``[B, T, F]`` to ``[B, 2 F]``; zero for none.

    >>> max_and_mean(torch.tensor([[[1.0], [4.0], [9.0]]]), torch.tensor([2]))
    tensor([[4.0000, 2.5000]])
    """
    valid = valid_steps(lengths, outputs)[..., None]
    some = (lengths > 0).to(outputs.device)[:, None]
    most = outputs.masked_fill(~valid, -torch.inf).amax(1)
    total = outputs.masked_fill(~valid, 0).sum(1)
    mean = total / lengths.to(outputs).clamp(min=1)[:, None]
    return torch.cat([torch.where(some, most, most.new_zeros(())), mean], -1)


class AttentionPooling(nn.Module):
    """The mean of a row's steps, weighed by an additive attention whose one query is learnt (Yang et al. 2016).

    Example:
        >>> AttentionPooling(6)(torch.zeros(2, 4, 6), torch.tensor([4, 0])).shape
        torch.Size([2, 6])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(1, 1, size))
        self.attention = AdditiveAttention(size, size, size)

    def forward(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """``[B, T, F]`` to ``[B, F]``; a row of no steps gives zero."""
        query = self.query.expand(len(outputs), -1, -1)
        return self.attention(query, outputs, lengths, need_weights=False)[0][:, 0]
