"""The gated recurrent unit for irregular times."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.cells.cell import Cell


class DecayGRUCell(Cell):
    """GRU whose state decays over the time since the last step, the state's part of GRU-D (Che et al. 2018).

        h^ = exp(-relu(w_dh dt + b_dh)) * h
        r = sigmoid(W_ir x + b_ir + W_hr h^ + b_hr)
        z = sigmoid(W_iz x + b_iz + W_hz h^ + b_hz)
        n = tanh(W_in x + b_in + r * (W_hn h^ + b_hn))
        h' = (1 - z) * n + z * h^

    The extra input ``dt [B, T, 1]`` is the time since the step before this one. The rest is ``GRUCell``, its reset gate
    after the product; the paper resets before it. Replacing missing inputs, and telling the cell which are, is the part
    of whoever makes ``x``.

    Parameters: ``weight_dh [H]`` and ``bias_dh [H]`` give each unit its own rate.

    Example:
        >>> cell = DecayGRUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3), dt=torch.rand(2, 7, 1))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("r", "z", "n")
    forget_gates = ("z",)
    extra_sizes: ClassVar = {"dt": 1}

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.weight_dh = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.bias_dh = nn.Parameter(self.weight_ih.new_empty(hidden_size)) if self.bias else None
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor, *, dt: Tensor) -> tuple[Tensor, Tensor]:
        rate = self.weight_dh * dt
        if self.bias_dh is not None:
            rate = rate + self.bias_dh
        h = torch.exp(-torch.relu(rate)) * h
        xr, xz, xn = x.chunk(3, -1)
        hr, hz, hn = self.recurrent(h).chunk(3, -1)
        r = torch.sigmoid(xr + hr)
        z = torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        h = (1 - z) * n + z * h
        return h, h
