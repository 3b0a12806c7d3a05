"""The spiking neuron."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.errors import ElmanError


def _spread(decay: Tensor) -> None:
    """Fill ``decay`` so that ``sigmoid(decay)`` is uniform in 0.8 to 0.98: memories of 5 to 50 steps."""
    decay.uniform_(0.8, 0.98).logit_()


class LIFCell(Cell):
    """Leaky integrate-and-fire neurons, trained by a surrogate gradient (Neftci et al. 2019).

        v' = sigmoid(β) * v + W_iv x + b_iv + W_hv s + b_hv - s
        s' = 1 if v' > 1 else 0

    A spike takes the threshold, 1, off the voltage at the next step. The output is the spikes. Backward, ``s'`` has
    the derivative of a fast sigmoid (Zenke and Ganguli 2018), ``1 / (1 + slope |v' - 1|)^2``, and the
    voltage taken off has none.

    Args:
        slope: how narrow the surrogate is around the threshold.
        recurrent: whether the neurons see each other's spikes; if not, there are no ``W_hv`` and ``b_hv``.

    Parameters: ``decay [H]`` is ``β``, learnt for each neuron (Fang et al. 2021), which starts so that ``sigmoid(β)``
    is uniform in 0.8 to 0.98.

    Raises:
        ElmanError: a slope that is not positive.

    Example:
        >>> cell = LIFCell(3, 5)
        >>> spikes, (s, v) = cell(torch.ones(2, 7, 3))
        >>> spikes.shape, bool(((spikes == 0) | (spikes == 1)).all())
        (torch.Size([2, 7, 5]), True)
    """

    gates = ("v",)
    smooth = False
    initialisers: ClassVar = {"decay": _spread}

    def __init__(
        self, input_size: int, hidden_size: int, *, slope: float = 25.0, recurrent: bool = True, **options: Any
    ) -> None:
        if not slope > 0:
            raise ElmanError(f"slope must be positive, not {slope!r}")
        self.dense = recurrent
        super().__init__(input_size, hidden_size, **options)
        self.slope = slope
        self.decay = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.dense:
            x = x + self.recurrent(s)
        v = torch.sigmoid(self.decay) * v + x - s.detach()
        above = v - 1
        soft = above / (1 + self.slope * torch.abs(above))
        # the value is that of the first term alone, the derivative that of soft
        s = torch.relu(torch.sign(above)) + (soft - soft.detach())
        return s, s, v
