"""The long short-term memory without a product of its state."""

import torch
import torch.nn.functional as F
from torch import Tensor

from elman.cells.cell import Cell


class MinLSTMCell(Cell):
    """minLSTM (Feng et al. 2024): gates and candidate see the input alone, so that the step is linear in its state.

        i = sigmoid(W_ii x + b_ii)
        f = sigmoid(W_if x + b_if)
        g = W_ig x + b_ig
        h' = f / (f + i) * h + i / (f + i) * g

    This is the paper's plain form; its form in logarithms makes ``g`` positive first.

    Example:
        >>> cell = MinLSTMCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_ih.shape
        (torch.Size([2, 7, 5]), torch.Size([15, 3]))
    """

    gates = ("i", "f", "g")
    dense = False

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g = x.chunk(3, -1)
        # f / (f + i) by the gates' logarithms, which is finite where both gates are shut
        f = torch.sigmoid(F.softplus(-i) - F.softplus(-f))
        h = f * h + (1 - f) * g
        return h, h
