"""The long short-term memory that forgets as much as it takes in."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class CoupledLSTMCell(Cell):
    """LSTM with coupled input and forget gates, CIFG (Greff et al. 2015), as the ONNX operator with ``input_forget``.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)
        c' = (1 - i) * c + i * g
        h' = o * tanh(c')

    Without the peepholes that the paper's LSTM also has.

    Example:
        >>> cell = CoupledLSTMCell(3, 5)
        >>> outputs, (h, c) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_hh.shape
        (torch.Size([2, 7, 5]), torch.Size([15, 5]))
    """

    gates = ("i", "g", "o")
    update_gates = ("i",)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, g, o = (x + self.recurrent(h)).chunk(3, -1)
        i = torch.sigmoid(i)
        c = (1 - i) * c + i * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, h, c
