"""The real-gated linear recurrent unit."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.errors import ElmanError


def _long_memory(decay: Tensor) -> None:
    """Fill ``decay`` so that ``sigmoid(decay) ** 8`` is uniform in 0.9 to 0.999, as the paper has it."""
    decay.uniform_(0.9, 0.999).pow_(1 / 8).logit_()


class RGLRUCell(Cell):
    """Real-gated linear recurrent unit of Griffin (De et al. 2024): linear in its state, which neither grows nor fades.

        r = sigmoid(W_ir x + b_ir)
        i = sigmoid(W_ii x + b_ii)
        v = W_iv x + b_iv
        a = sigmoid(Λ) ^ (c r)
        h' = a * h + sqrt(1 - a^2) * (i * v)

    In the paper the gates see ``v``, by block-diagonal matrices; here all three are products of the cell's own input,
    so that the recurrence has no matrix at all.

    Args:
        c: how much further than ``sigmoid(Λ)`` an open gate ``r`` forgets.

    Parameters: ``decay [H]`` is ``Λ``, which starts so that ``sigmoid(Λ)^8`` is uniform in 0.9 to 0.999.

    Raises:
        ElmanError: ``c`` that is not positive.

    Example:
        >>> cell = RGLRUCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.decay.shape
        (torch.Size([2, 7, 5]), torch.Size([5]))
    """

    gates = ("r", "i", "v")
    dense = False
    initialisers: ClassVar = {"decay": _long_memory}

    def __init__(self, input_size: int, hidden_size: int, *, c: float = 8.0, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        if not c > 0:
            raise ElmanError(f"c must be positive, not {c!r}")
        self.c = c
        self.decay = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        r, i, v = x.chunk(3, -1)
        # by logarithms, since 1 - a^2 would lose its digits where a is close to 1
        log_a = -self.c * F.softplus(-self.decay) * torch.sigmoid(r)
        # the bound keeps the square root's derivative finite where r is shut altogether
        taken = torch.sqrt(torch.clamp(-torch.expm1(2 * log_a), min=1e-30))
        h = torch.exp(log_a) * h + taken * (torch.sigmoid(i) * v)
        return h, h
