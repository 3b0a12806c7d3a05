"""The gated recurrent unit without a product of its state."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class MinGRUCell(Cell):
    """minGRU (Feng et al. 2024): gate and candidate see the input alone, so that the step is linear in its state.

        z = sigmoid(W_iz x + b_iz)
        n = W_in x + b_in
        h' = (1 - z) * h + z * n

    This is the paper's plain form; its form in logarithms makes ``n`` positive first. An open gate ``z`` takes the new
    value in, as in the paper, and unlike that of ``GRUCell``.

    Example:
        >>> cell = MinGRUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_ih.shape
        (torch.Size([2, 7, 5]), torch.Size([10, 3]))
    """

    gates = ("z", "n")
    update_gates = ("z",)
    dense = False

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        z, n = x.chunk(2, -1)
        z = torch.sigmoid(z)
        h = (1 - z) * h + z * n
        return h, h
