"""An initial state that is learnt."""

from dataclasses import dataclass

from torch import nn

from elman.cells.cell import Cell
from elman.cells.remedy import Remedy
from elman.remedies.checks import own_parameter


@dataclass(frozen=True)
class LearntState(Remedy):
    """A learnt initial state: a parameter that is the same for all rows, and that resets return to.

    Parameters: for each state ``initial_NAME [S]``, such as ``initial_h`` and ``initial_c``, which start from zeros.

    Example:
        >>> from elman import Recurrent
        >>> layer = Recurrent("lstm", 3, 5, remedies=[LearntState()])
        >>> h, c = layer.initial_state(2)
        >>> h.shape, c.requires_grad
        (torch.Size([1, 2, 5]), True)
    """

    def start(self, cell: Cell) -> None:
        for name, size in zip(cell.states, cell.state_sizes, strict=True):
            nn.init.zeros_(own_parameter(cell, f"initial_{name}", size))
