"""The long short-term memory with layer normalisation."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell


class LayerNormLSTMCell(Cell):
    """LSTM with layer normalisation of both products and of the cell state (Ba et al. 2016).

        LN(v; α, β) = α * (v - mean(v)) / sqrt(variance(v) + 1e-5) + β
        (i, f, g, o) = LN(W_ih x; α_ih, β_ih) + LN(W_hh h; α_hh, β_hh)
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(LN(c'; α_c, β_c))

    The paper's further bias is one with ``β_ih + β_hh``, and left out. The state itself stays as it is.

    Args:
        bias: whether the three ``β`` exist; ``bias_ih`` and ``bias_hh``, which come before a norm, never do.

    Parameters: the gains ``α`` are ``gain_ih [4H]``, ``gain_hh [4H]`` and ``gain_c [H]``, which start from ones; the
    shifts ``β`` are ``shift_ih``, ``shift_hh`` and ``shift_c`` of the same shapes, which start from zeros.

    Example:
        >>> cell = LayerNormLSTMCell(3, 5)
        >>> outputs, (h, c) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.gain_hh.shape
        (torch.Size([2, 7, 5]), torch.Size([20]))
    """

    gates = ("i", "f", "g", "o")
    initialisers: ClassVar = {
        **dict.fromkeys(("gain_ih", "gain_hh", "gain_c"), nn.init.ones_),
        **dict.fromkeys(("shift_ih", "shift_hh", "shift_c"), nn.init.zeros_),
    }

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True, **options: Any) -> None:
        super().__init__(input_size, hidden_size, bias=False, **options)
        self.bias = bias

        def vector(size: int) -> nn.Parameter:
            return nn.Parameter(self.weight_ih.new_empty(size))

        self.gain_ih, self.gain_hh, self.gain_c = vector(4 * hidden_size), vector(4 * hidden_size), vector(hidden_size)
        self.shift_ih = vector(4 * hidden_size) if bias else None
        self.shift_hh = vector(4 * hidden_size) if bias else None
        self.shift_c = vector(hidden_size) if bias else None
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size = self.hidden_size
        x = F.layer_norm(x, (4 * size,), self.gain_ih, self.shift_ih)
        h = F.layer_norm(self.recurrent(h), (4 * size,), self.gain_hh, self.shift_hh)
        i, f, g, o = (x + h).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(F.layer_norm(c, (size,), self.gain_c, self.shift_c))
        return h, h, c
