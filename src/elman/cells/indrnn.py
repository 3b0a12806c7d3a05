"""The recurrent network whose units do not see each other."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.cells.cell import Cell


class IndRNNCell(Cell):
    """Independently recurrent network (Li et al. 2018): each unit sees its own past alone.

        h' = relu(W_ih x + b_ih + u * h)

    The paper also clips ``|u|`` to ``γ^(1/T)`` after each update; that is the training's part and not the cell's.

    Parameters: ``weight_hh [H]`` is ``u``, which starts uniform in 0 to 1, so that no unit explodes.

    Example:
        >>> cell = IndRNNCell(3, 5)
        >>> outputs, h = cell(torch.zeros(2, 7, 3))
        >>> outputs.shape, cell.weight_hh.shape
        (torch.Size([2, 7, 5]), torch.Size([5]))
    """

    gates = ("h",)
    dense = False
    initialisers: ClassVar = {"weight_hh": nn.init.uniform_}

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.weight_hh = nn.Parameter(self.weight_ih.new_empty(hidden_size))
        self.reset_parameters()

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(x + self.weight_hh * h)
        return h, h
