"""The gated recurrent unit as it was first published."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class ResetBeforeGRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), the reset gate before the product, as in the paper.

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
        z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + W_hn (r * h) + b_hn)
        h' = (1 - z) * n + z * h

    Keras calls it ``reset_after=False``, ONNX ``linear_before_reset=0``.

    Example:
        >>> cell = ResetBeforeGRUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("r", "z", "n")
    forget_gates = ("z",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xr, xz, xn = x.chunk(3, -1)
        hr, hz = self.recurrent(h, "r", "z").chunk(2, -1)
        r = torch.sigmoid(xr + hr)
        z = torch.sigmoid(xz + hz)
        n = torch.tanh(xn + self.recurrent(r * h, "n"))
        h = (1 - z) * n + z * h
        return h, h
