"""The gated recurrent unit."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), the reset gate after the product, as in cuDNN and ``torch.nn.GRU``.

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
        h' = (1 - z) * n + z * h

    Example:
        >>> cell = GRUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("r", "z", "n")
    forget_gates = ("z",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xr, xz, xn = x.chunk(3, -1)
        hr, hz, hn = self.recurrent(h).chunk(3, -1)
        r = torch.sigmoid(xr + hr)
        z = torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        h = (1 - z) * n + z * h
        return h, h
