"""The long short-term memory with exponential gates."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.compiler.ops import block_linear
from elman.errors import ElmanError


class SLSTMCell(Cell):
    """sLSTM of xLSTM (Beck et al. 2024): exponential gates, a normaliser, and heads that do not see each other.

        z = tanh(W_iz x + b_iz + R_z h)
        o = sigmoid(W_io x + b_io + R_o h)
        i~ = W_ii x + b_ii + R_i h
        f~ = W_if x + b_if + R_f h
        log f = log sigmoid(f~), or f~ if the forget gate is exponential
        m' = max(log f + m, i~)
        i = exp(i~ - m')
        f = exp(log f + m - m')
        c' = f * c + i * z
        n' = f * n + i
        h' = o * c' / n'

    ``m`` keeps the exponentials in range and cancels out of ``h'``. The ``R`` are block-diagonal by heads.

    Args:
        heads: groups of units that do not see each other's state; a divisor of ``hidden_size``.
        forget: the forget gate, ``"sigmoid"`` or ``"exp"``; the paper has both.

    Parameters: ``weight_hh [4H, H/heads]``, in the order of ``gates``: a row for each unit with a column for each
    unit of its head. There is no ``bias_hh``.

    Raises:
        ElmanError: ``heads`` that do not divide ``hidden_size``, or another kind of forget gate.

    Example:
        >>> cell = SLSTMCell(3, 8, heads=2)
        >>> outputs, (h, c, n, m) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_hh.shape
        (torch.Size([2, 7, 8]), torch.Size([32, 4]))
    """

    gates = ("i", "f", "z", "o")
    dense = False

    def __init__(
        self, input_size: int, hidden_size: int, *, heads: int = 1, forget: str = "sigmoid", **options: Any
    ) -> None:
        super().__init__(input_size, hidden_size, **options)
        if not isinstance(heads, int) or heads < 1 or hidden_size % heads:
            raise ElmanError(f"heads is a divisor of hidden_size = {hidden_size}, not {heads!r}")
        if forget not in ("sigmoid", "exp"):
            raise ElmanError(f"forget is 'sigmoid' or 'exp', not {forget!r}")
        self.heads, self.forget = heads, forget
        if forget == "exp":
            self.forget_gates = ()
        self.weight_hh = nn.Parameter(self.weight_ih.new_empty(4 * hidden_size, hidden_size // heads))
        self.reset_parameters()

    def step(
        self, x: Tensor, h: Tensor, c: Tensor, n: Tensor, m: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        size = self.hidden_size // self.heads
        r = self.weight_hh.view(4, self.heads, size, size)
        i, f, z, o = x.chunk(4, -1)
        i = i + block_linear(h, r[0])
        f = f + block_linear(h, r[1])
        z = z + block_linear(h, r[2])
        o = o + block_linear(h, r[3])
        if self.forget == "sigmoid":
            f = F.logsigmoid(f)
        kept = f + m
        m = torch.maximum(kept, i)
        i = torch.exp(i - m)
        f = torch.exp(kept - m)
        c = f * c + i * torch.tanh(z)
        n = f * n + i
        # n is zero only where all inputs so far underflow beside the initial m, and c is zero there too
        h = torch.sigmoid(o) * c / torch.clamp(n, min=1e-30)
        return h, h, c, n, m
