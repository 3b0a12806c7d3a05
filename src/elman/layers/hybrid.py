"""A stack of recurrent and attention layers."""

from typing import Any

import torch

from elman.cells import Cell
from elman.errors import ElmanError
from elman.layers.recurrent import Recurrent, check_stack
from elman.layers.sequence import SequenceLayer
from elman.layers.transformer import Blocks, SelfAttention


class Hybrid(Blocks):
    """Recurrences for what is far, attention over a window for what is near (Griffin, De et al. 2024).

    Each layer, of a recurrence or of self-attention, is followed by a feed-forward layer, both normalised before and
    beside a shortcut. The state has a constant size. Griffin has two recurrent layers and one of attention in turn, as
    the default has; its convolution and gate around the recurrence, and its single head for keys, are left out.

    Args:
        cell: a cell's name or class.
        input_size: features of the input, ``I``.
        hidden_size: features of every layer and of the output, ``H``; the cell's outputs must be as many.
        num_layers: layers, ``L``.
        pattern: the kind of each layer, ``r`` for recurrent and ``a`` for attention, repeated for all layers.
        heads: heads of each layer of attention, which divide ``H`` into even parts.
        window: steps that a step sees in a layer of attention; all before it if ``None``, and then the state grows.
        dropout: dropout probability of the attention, and of what each layer adds.
        options: the cell's own, as for ``Recurrent``.

    Raises:
        ElmanError: another letter in the pattern, or what ``Recurrent`` or ``SelfAttention`` refuses.

    Example:
        >>> layer = Hybrid("rg_lru", 3, 16, num_layers=3, heads=2, window=4)
        >>> outputs, state = layer(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 4, 1, 0]))
        >>> outputs, state = layer(torch.zeros(4, 1, 3), state)  # go on where the last call ended
        >>> outputs.shape
        torch.Size([4, 1, 16])
    """

    def __init__(
        self,
        cell: type[Cell] | str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 3,
        *,
        pattern: str = "rra",
        heads: int = 4,
        window: int | None = 128,
        dropout: float = 0.0,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        check_stack(num_layers, dropout)
        if not pattern or set(pattern) - set("ra"):
            raise ElmanError(f"a pattern is of r (recurrent) and a (attention), such as 'rra', not {pattern!r}")
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        mixers: list[SequenceLayer] = []
        for layer in range(num_layers):
            if pattern[layer % len(pattern)] == "r":
                mixers.append(Recurrent(cell, hidden_size, hidden_size, **place, **options))
            else:
                mixers.append(SelfAttention(hidden_size, heads, window=window, dropout=dropout, **place))
        super().__init__(input_size, mixers, dropout=dropout, **place)
        self.hidden_size, self.num_layers, self.pattern = hidden_size, num_layers, pattern
