"""Dropout whose mask is that of the whole sequence."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch.nn.functional as F
from torch import Tensor

from elman.cells.cell import Cell
from elman.cells.recurrence import view
from elman.cells.remedy import RunRemedy, StepRemedy
from elman.compiler.executor import Run
from elman.errors import ElmanError
from elman.remedies.checks import check_number


@dataclass(frozen=True, kw_only=True)
class VariationalDropout(RunRemedy, StepRemedy):
    """Variational dropout (Gal and Ghahramani 2016): features are dropped for a whole sequence, not for a step.

        x_t -> m_x * x_t                          the input
        W_hh h + b_hh -> W_hh (m_h * h) + b_hh    what the recurrent product reads of the state
        y_t -> m_y * y_t                          the output, and not the state that it may be

    Each mask has a number for each row and feature, ``0`` with the probability of its kind and ``1 / (1 - p)`` else. It
    is drawn anew for every row of every call: a sequence cut into windows has a mask for each window. The state that is
    carried on is left whole. In evaluation nothing is dropped.

    Args:
        inputs: the probability that a feature of the input is dropped, before the projection.
        states: that a unit of the state is dropped where ``Cell.recurrent`` reads it.
        outputs: that a feature of the output is dropped.

    Raises:
        ElmanError: a probability outside 0 to 1, or ``states`` for a cell without that product.

    Example:
        >>> import torch
        >>> from elman import Recurrent
        >>> layer = Recurrent("gru", 3, 5, 2, remedies=[VariationalDropout(inputs=0.3, states=0.2)])
        >>> layer(torch.zeros(2, 7, 3))[0].shape
        torch.Size([2, 7, 5])
    """

    inputs: float = 0.0
    states: float = 0.0
    outputs: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_number(f"{field.name} of VariationalDropout", getattr(self, field.name), 0, 1)

    def start(self, cell: Cell) -> None:
        if self.states and not cell.dense:
            raise ElmanError(
                f"VariationalDropout(states=...) drops what the recurrent product reads, and {type(cell).__name__} has "
                "none of the contract's; for its states take Zoneout"
            )

    def run(self, run: Callable[..., Run], cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
        if not cell.training:
            return run(cell, x, **extras)
        if self.inputs:
            x = x * _mask(x, cell.input_size, self.inputs)[:, None]
        if self.states:
            extras["dropout_states"] = _mask(x, cell.output_size, self.states)
        found = run(cell, x, **extras)
        if self.outputs:
            found = found._replace(outputs=found.outputs * _mask(x, cell.output_size, self.outputs)[:, None])
        return found

    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Cell, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        mask = extras.pop("dropout_states", None)
        if mask is None:
            return step(cell, x, *state, **extras)
        fixed = mask.detach()  # nobody wants its gradient, and the kernels need not compute it
        dropped = view(cell, recurrent=lambda h, *gates: cell.recurrent(h * fixed, *gates))
        return step(dropped, x, *state, **extras)


def _mask(x: Tensor, size: int, p: float) -> Tensor:
    """One number for each row and feature, ``[B, size]``."""
    return F.dropout(x.new_ones(x.shape[0], size), p)
