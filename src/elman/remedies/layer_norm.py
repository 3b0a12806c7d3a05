"""Layer normalisation of what the gates are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell
from elman.cells.recurrence import view
from elman.cells.remedy import StepRemedy
from elman.errors import ElmanError
from elman.remedies.checks import check_gates, own_parameter


@dataclass(frozen=True)
class LayerNorm(StepRemedy):
    """Layer normalisation of both shares of the gates (Ba et al. 2016), for any cell.

        LN(v; α, β) = α * (v - mean(v)) / sqrt(variance(v) + 1e-5) + β
        W_ih x + b_ih  ->  LN(W_ih x; α_ih, β_ih)     the input's share, over all units of all gates
        W_hh h + b_hh  ->  LN(W_hh h; α_hh, β_hh)     what ``Cell.recurrent`` gives, over all units of its gates

    A step that asks ``Cell.recurrent`` for some gates at a time, as a GRU with the reset before the product does, has
    each answer normalised by itself, with the elements of ``α_hh`` and ``β_hh`` that belong to it. Of a cell that is
    not ``dense`` the input's share alone is normalised. States and products of a cell's own are left as they are;
    ``lstm_layer_norm`` also normalises ``c`` on its way to the output.

    Parameters: the gains ``α`` are ``gain_ih`` and ``gain_hh``, each ``[G*H]``, which start from ones. The shifts ``β``
    are ``shift_ih`` and ``shift_hh``: the biases under new names, since a bias before the mean is taken away would be
    lost; a cell without biases has no shifts.

    Raises:
        ElmanError: a cell that normalises by itself.

    Example:
        >>> import torch
        >>> from elman import Recurrent
        >>> layer = Recurrent("gru", 3, 5, remedies=[LayerNorm()])
        >>> layer(torch.zeros(2, 7, 3))[0].shape, layer.cells[0].gain_hh.shape
        (torch.Size([2, 7, 5]), torch.Size([15]))
    """

    def start(self, cell: Cell) -> None:
        check_gates(cell, self)
        if "gain_ih" in cell._parameters and self not in cell.remedies:
            raise ElmanError(f"{type(cell).__name__} normalises its gates already; leave LayerNorm out")
        for share in ("ih", "hh") if cell.dense else ("ih",):
            nn.init.ones_(own_parameter(cell, f"gain_{share}", len(cell.gates) * cell.hidden_size))
            if f"shift_{share}" not in cell._parameters:
                cell.register_parameter(f"shift_{share}", getattr(cell, f"bias_{share}"))
                setattr(cell, f"bias_{share}", None)

    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Any, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        x = F.layer_norm(x, (len(cell.gates) * cell.hidden_size,), cell.gain_ih, cell.shift_ih)
        if cell.dense:
            cell = view(cell, recurrent=lambda h, *gates, plain=cell: _normalised(plain, h, *gates))
        return step(cell, x, *state, **extras)


def _normalised(cell: Any, h: Tensor, *gates: str) -> Tensor:
    """The state's share of some gates, or of all, normalised."""
    share, gain, shift = cell.recurrent(h, *gates), cell.gain_hh, cell.shift_hh
    if gates:
        rows = cell.rows(*gates)
        gain, shift = gain[rows], None if shift is None else shift[rows]
    return F.layer_norm(share, (len(gates or cell.gates) * cell.hidden_size,), gain, shift)
