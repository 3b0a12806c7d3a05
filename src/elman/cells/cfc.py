"""The closed-form continuous-time network."""

from typing import ClassVar

import torch
from torch import Tensor

from elman.cells.cell import Cell


class CfCCell(Cell):
    """Closed-form continuous-time network (Hasani et al. 2022): how far it goes depends on the time that has passed.

        g = tanh(W_ig x + b_ig + W_hg h + b_hg)
        k = tanh(W_ik x + b_ik + W_hk h + b_hk)
        a = W_ia x + b_ia + W_ha h + b_ha
        b = W_ib x + b_ib + W_hb h + b_hb
        t = sigmoid(a * dt + b)
        h' = (1 - t) * g + t * k

    The extra input ``dt [B, T, 1]`` is the time since the step before this one. As it grows the unit goes from ``g`` to
    ``k``, the paper's ``h``, where ``a``, the paper's ``f``, is positive, and back where it is negative; ``b`` is that
    of the paper's published code. There all four read a common hidden layer; here they read input and state themselves.

    Example:
        >>> cell = CfCCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3), dt=torch.rand(2, 7, 1))
        >>> outputs.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("g", "k", "a", "b")
    extra_sizes: ClassVar = {"dt": 1}

    def step(self, x: Tensor, h: Tensor, *, dt: Tensor) -> tuple[Tensor, Tensor]:
        g, k, a, b = (x + self.recurrent(h)).chunk(4, -1)
        t = torch.sigmoid(a * dt + b)
        h = (1 - t) * torch.tanh(g) + t * torch.tanh(k)
        return h, h
