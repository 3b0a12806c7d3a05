"""A layer over a sequence by its name: any recurrence, or one of the baselines that stand in for it."""

from elman import cells
from elman.layers.convolution import TemporalConvolution
from elman.layers.recurrent import Recurrent
from elman.layers.sequence import SequenceLayer
from elman.layers.transformer import Transformer

BASELINES = ("transformer", "convolution")
HEAD = 32  # features of a head of the transformer


def encoder(
    name: str,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> SequenceLayer:
    """A layer over a sequence.

    Args:
        name: a cell, as ``elman.cells.names`` lists them; ``"transformer"`` or ``"convolution"`` for the baselines,
            which have as many outputs as the recurrence would.
        input_size: features of the input.
        hidden_size: units of each layer and direction.
        num_layers: layers.
        bidirectional: whether a step also sees what comes after it.
        dropout: the share of what passes between layers that training sets to zero.

    Raises:
        ElmanError: an unknown name, with those that there are.

    Example:
        >>> encoder("gru", 3, 8, bidirectional=True).output_size, encoder("transformer", 3, 8).output_size
        (16, 8)
    """
    size = 2 * hidden_size if bidirectional else hidden_size
    if name == "transformer":
        heads = max((n for n in range(1, max(2, size // HEAD + 1)) if size % (2 * n) == 0), default=1)
        return Transformer(input_size, size, num_layers, heads=heads, bidirectional=bidirectional, dropout=dropout)
    if name == "convolution":
        return TemporalConvolution(input_size, size, num_layers, bidirectional=bidirectional, dropout=dropout)
    return Recurrent(
        cells.load(name), input_size, hidden_size, num_layers, bidirectional=bidirectional, dropout=dropout
    )
