"""Dropout of the recurrent matrix."""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from elman.cells.cell import Cell
from elman.cells.recurrence import bind
from elman.cells.remedy import RunRemedy
from elman.compiler.executor import Run
from elman.remedies.checks import check_number, recurrent_matrix


@dataclass(frozen=True)
class WeightDrop(RunRemedy):
    """Weight drop (Merity et al. 2018), a DropConnect: elements of the recurrent matrix are zero for a whole call.

        W_hh -> M * W_hh      M = 0 with probability p, else 1 / (1 - p), for each element

    The mask is drawn once a call, for all rows and steps. The parameter ``weight_hh`` itself stays as it is; in
    evaluation it is used whole.

    Args:
        p: the probability that an element is dropped.

    Raises:
        ElmanError: a probability outside 0 to 1, or a cell without a recurrent matrix.

    Example:
        >>> import torch
        >>> from elman import Recurrent
        >>> layer = Recurrent("lstm", 3, 5, remedies=[WeightDrop(0.5)])
        >>> layer(torch.zeros(2, 7, 3))[0].shape
        torch.Size([2, 7, 5])
    """

    p: float

    def __post_init__(self) -> None:
        check_number("the probability of WeightDrop", self.p, 0, 1)

    def start(self, cell: Cell) -> None:
        recurrent_matrix(cell, self)

    def run(self, run: Callable[..., Run], cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
        if cell.training and self.p:
            dropped = F.dropout(recurrent_matrix(cell, self), self.p)
            cell = bind(cell, {**cell._parameters, "weight_hh": dropped})
        return run(cell, x, **extras)
