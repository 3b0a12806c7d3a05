"""The long short-term memory whose gates see the cell state."""

from typing import Any

import torch
from torch import Tensor, nn

from elman.cells.cell import Cell


class PeepholeLSTMCell(Cell):
    """LSTM with peephole connections (Gers and Schmidhuber 2000), as the ONNX operator with its input ``P``.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi + w_ci * c)
        f = sigmoid(W_if x + b_if + W_hf h + b_hf + w_cf * c)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        c' = f * c + i * g
        o = sigmoid(W_io x + b_io + W_ho h + b_ho + w_co * c')
        h' = o * tanh(c')

    The paper squashes ``g`` to ±2 and does not squash ``c'``; tanh in both places is today's usage.

    Parameters: ``weight_ci``, ``weight_cf`` and ``weight_co``, each ``[H]``, are the peepholes.

    Example:
        >>> cell = PeepholeLSTMCell(3, 5)
        >>> outputs, (h, c) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_ci.shape
        (torch.Size([2, 7, 5]), torch.Size([5]))
    """

    gates = ("i", "f", "g", "o")

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.weight_ci = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.weight_cf = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.weight_co = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, g, o = (x + self.recurrent(h)).chunk(4, -1)
        i = torch.sigmoid(i + self.weight_ci * c)
        f = torch.sigmoid(f + self.weight_cf * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + self.weight_co * c) * torch.tanh(c)
        return h, h, c
