"""The vanilla recurrent network."""

from typing import Any

import torch
from torch import Tensor

from elman.cells.cell import Cell
from elman.errors import ElmanError


class ElmanCell(Cell):
    """Simple recurrent network (Elman 1990), as ``torch.nn.RNN``.

        h' = tanh(W_ih x + b_ih + W_hh h + b_hh)

    Args:
        nonlinearity: ``"tanh"`` or ``"relu"``; the latter with an identity start is the IRNN (Le et al. 2015).

    Example:
        >>> cell = ElmanCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("h",)

    def __init__(self, input_size: int, hidden_size: int, *, nonlinearity: str = "tanh", **options: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ElmanError(f"nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, **options)
        self.nonlinearity = nonlinearity

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        a = x + self.recurrent(h)
        h = torch.tanh(a) if self.nonlinearity == "tanh" else torch.relu(a)
        return h, h
