"""The coupled oscillatory recurrent network."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.errors import ElmanError


class CoRNNCell(Cell):
    """Coupled oscillatory network (Rusch and Mishra 2021): units are driven, damped oscillators.

        z' = z + dt (tanh(W_iz x + b_iz + W_hz y + b_hz + W_zz z) - γ y - ε z')
        y' = y + dt z'

    The damping takes the new ``z'`` as in the paper's analysis, not the old one as in its published code: the energy
    ``γ y^2 + z^2`` of a unit then grows by at most ``dt / ε`` a step, as long as ``γ dt <= ε``. ``x`` is the paper's
    ``u``. The output is ``y``.

    Args:
        dt: time step.
        gamma: ``γ``, the stiffness, from which the frequency follows.
        epsilon: ``ε``, the damping. The defaults of the three are the paper's for sequential digits.

    Parameters: ``weight_zz [H, H]`` is the paper's second matrix, ``weight_hh`` its first.

    Raises:
        ElmanError: a number that is not positive.

    Example:
        >>> cell = CoRNNCell(3, 5)
        >>> outputs, (y, z) = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_zz.shape
        (torch.Size([2, 7, 5]), torch.Size([5, 5]))
    """

    gates = ("z",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        dt: float = 0.042,
        gamma: float = 2.7,
        epsilon: float = 4.7,
        **options: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, **options)
        for name, value in (("dt", dt), ("gamma", gamma), ("epsilon", epsilon)):
            if not value > 0:
                raise ElmanError(f"{name} must be positive, not {value!r}")
        self.dt, self.gamma, self.epsilon = dt, gamma, epsilon
        self.weight_zz = nn.Parameter(self.weight_ih.new_empty(hidden_size, hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        force = torch.tanh(x + self.recurrent(y) + F.linear(z, self.weight_zz)) - self.gamma * y
        # solved for z', which stands on both sides of the equation
        z = (z + self.dt * force) / (1 + self.dt * self.epsilon)
        y = y + self.dt * z
        return y, y, z
