"""The long short-term memory with a recurrent projection."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.errors import ElmanError


class ProjectedLSTMCell(Cell):
    """LSTM whose output is projected to fewer features (Sak et al. 2014), as ``torch.nn.LSTM(proj_size=...)``.

        i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)
        f = sigmoid(W_if x + b_if + W_hf h + b_hf)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        o = sigmoid(W_io x + b_io + W_ho h + b_ho)
        c' = f * c + i * g
        h' = W_hr (o * tanh(c'))

    Args:
        proj_size: features of ``h``, ``P``, less than ``hidden_size``; half of ``hidden_size`` if not given.

    Parameters: ``weight_hh`` is ``[4H, P]``, and ``weight_hr`` is ``[P, H]``.

    Example:
        >>> cell = ProjectedLSTMCell(3, 8, proj_size=2)
        >>> outputs, (h, c) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, c.shape
        (torch.Size([2, 7, 2]), torch.Size([2, 8]))
    """

    gates = ("i", "f", "g", "o")

    def __init__(self, input_size: int, hidden_size: int, *, proj_size: int | None = None, **options: Any) -> None:
        if proj_size is None:
            proj_size = (hidden_size + 1) // 2
        elif not 0 < proj_size < hidden_size:
            raise ElmanError(f"proj_size is at least 1 and less than hidden_size = {hidden_size}, not {proj_size}")
        super().__init__(input_size, hidden_size, recurrent_size=proj_size, **options)
        self.proj_size = proj_size
        self.weight_hr = nn.Parameter(self.weight_hh.new_empty(proj_size, hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, g, o = (x + self.recurrent(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = F.linear(torch.sigmoid(o) * torch.tanh(c), self.weight_hr)
        return h, h, c
