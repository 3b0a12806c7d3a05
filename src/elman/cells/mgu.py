"""The gated recurrent unit with one gate."""

import torch
from torch import Tensor

from elman.cells.cell import Cell


class MGUCell(Cell):
    """Minimal gated unit (Zhou et al. 2016): the forget gate alone resets and updates.

        f = sigmoid(W_if x + b_if + W_hf h + b_hf)
        n = tanh(W_in x + b_in + W_hn (f * h) + b_hn)
        h' = (1 - f) * h + f * n

    As in the paper an open gate ``f`` takes the new value in and a shut one keeps the old, unlike that of an LSTM.

    Example:
        >>> cell = MGUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("f", "n")
    forget_gates = ()
    update_gates = ("f",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xf, xn = x.chunk(2, -1)
        f = torch.sigmoid(xf + self.recurrent(h, "f"))
        n = torch.tanh(xn + self.recurrent(f * h, "n"))
        h = (1 - f) * h + f * n
        return h, h
