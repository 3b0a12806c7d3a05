"""A layer over a sequence by its name: any recurrence, or one of the baselines that stand in for it."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from elman import cells
from elman.cells import Cell
from elman.errors import ElmanError
from elman.layers.convolution import TemporalConvolution
from elman.layers.recurrent import Recurrent
from elman.layers.sequence import SequenceLayer
from elman.layers.transformer import Transformer

BASELINES = ("transformer", "convolution")
HEAD = 32  # features of a head of the transformer


def encoder(
    cell: str | type[Cell],
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> SequenceLayer:
    """A layer over a sequence.

    Args:
        cell: its name, as ``elman.cells.load`` takes it, or its class; ``"transformer"`` or ``"convolution"`` for the
            baselines, which have as many outputs as the recurrence would.
        input_size: features of the input.
        hidden_size: units of each layer and direction.
        num_layers: layers.
        bidirectional: whether a step also sees what comes after it.
        dropout: the share of what passes between layers that training sets to zero.

    Raises:
        ElmanError: an unknown name, with those that there are; a cell that needs more than its input and the time
            between its steps.

    Example:
        >>> encoder("gru", 3, 8, bidirectional=True).output_size, encoder("transformer", 3, 8).output_size
        (16, 8)
    """
    size = 2 * hidden_size if bidirectional else hidden_size
    if cell == "transformer":
        heads = max((n for n in range(1, max(2, size // HEAD + 1)) if size % (2 * n) == 0), default=1)
        return Transformer(input_size, size, num_layers, heads=heads, bidirectional=bidirectional, dropout=dropout)
    if cell == "convolution":
        return TemporalConvolution(input_size, size, num_layers, bidirectional=bidirectional, dropout=dropout)
    make = cells.load(cell) if isinstance(cell, str) else cell
    layer = Recurrent(make, input_size, hidden_size, num_layers, bidirectional=bidirectional, dropout=dropout)
    if set(make.extra_inputs) - {"dt"}:
        raise ElmanError(
            f"{make.__name__} takes {', '.join(make.extra_inputs)} beside its input, and there is nothing here to give "
            "but dt, the time since the step before"
        )
    return Timed(layer) if make.extra_inputs else layer


def check_cells(named: Iterable[str | type]) -> None:
    """Refuse what ``encoder`` has no layer for, before there is anything to make it for.

    Args:
        named: as ``encoder`` takes it.

    Raises:
        ElmanError: a name that there is not, or a class that is no cell.
    """
    for cell in named:
        if isinstance(cell, type):
            if not issubclass(cell, Cell):
                raise ElmanError(f"--cell is the name of a cell or a class of elman.Cell, not {cell.__name__}")
        elif cell not in BASELINES:
            cells.load(cell)


class Timed(nn.Module):
    """A recurrence that looks at the time between its steps, which is 1 where nothing else is said.

    Example:
        >>> import torch
        >>> layer = Timed(Recurrent("cfc", 3, 8))
        >>> y, _ = layer(torch.zeros(2, 4, 3), dt=torch.rand(2, 4, 1))
        >>> torch.equal(layer(torch.zeros(2, 4, 3))[0], layer(torch.zeros(2, 4, 3), dt=torch.ones(2, 4, 1))[0])
        True
    """

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer = layer
        self.input_size, self.output_size = layer.input_size, layer.output_size

    def initial_state(self, batch: int) -> Any:
        """The state a sequence starts from."""
        return self.layer.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, dt: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Run over ``x [B, T, I]``, with ``dt [B, T, 1]`` from the step before to each."""
        dt = x.new_ones(*x.shape[:2], 1) if dt is None else dt
        return self.layer(x, state, lengths=lengths, dt=dt)
