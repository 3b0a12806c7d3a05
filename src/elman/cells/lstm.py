"""The long short-term memory."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), as ``torch.nn.LSTM``.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)
        f = sigmoid(W_if x + b_if + W_hf h + b_hf)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)
        c' = f * c + i * g
        h' = o * tanh(c')

    The forget gate is that of Gers et al. (2000).

    Example:
        >>> cell = LSTMCell(3, 5)
        >>> outputs, (h, c) = cell(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 0]))
        >>> outputs.shape, h.shape, c.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]), torch.Size([2, 5]))
    """

    gates = ("i", "f", "g", "o")

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, g, o = (x + self.recurrent(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, h, c
