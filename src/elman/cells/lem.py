"""The long expressive memory."""

from typing import Any

import torch
from torch import Tensor

from elman.cells.cell import Cell
from elman.errors import ElmanError


class LEMCell(Cell):
    """Long expressive memory (Rusch et al. 2022): two coupled states, each with a learnt time step of its own.

        s = dt sigmoid(W_is x + b_is + W_hs y + b_hs)
        d = dt sigmoid(W_id x + b_id + W_hd y + b_hd)
        z' = (1 - s) * z + s * tanh(W_iz x + b_iz + W_hz y + b_hz)
        y' = (1 - d) * y + d * tanh(W_iy x + b_iy + W_hy z' + b_hy)

    ``s`` and ``d`` are the paper's ``Δt`` and its barred twin, ``x`` its ``u``. The output is ``y``.

    Args:
        dt: the longest time step, above 0 and at most 1.

    Raises:
        ElmanError: ``dt`` out of its range.

    Example:
        >>> cell = LEMCell(3, 5)
        >>> outputs, (y, z) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, z.shape
        (torch.Size([2, 7, 5]), torch.Size([2, 5]))
    """

    gates = ("s", "d", "z", "y")
    update_gates = ("s", "d")

    def __init__(self, input_size: int, hidden_size: int, *, dt: float = 1.0, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        if not 0 < dt <= 1:
            raise ElmanError(f"dt must be above 0 and at most 1, not {dt!r}")
        self.dt = dt

    def step(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        xs, xd, xz, xy = x.chunk(4, -1)
        hs, hd, hz = self.recurrent(y, "s", "d", "z").chunk(3, -1)
        s = self.dt * torch.sigmoid(xs + hs)
        d = self.dt * torch.sigmoid(xd + hd)
        z = (1 - s) * z + s * torch.tanh(xz + hz)
        y = (1 - d) * y + d * torch.tanh(xy + self.recurrent(z, "y"))
        return y, y, z
