"""Layers put together: one after another, around a shortcut or a highway, and with time shortened between them."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells import Cell
from elman.errors import ElmanError
from elman.layers.convolution import check_counts
from elman.layers.recurrent import Recurrent, check_stack
from elman.layers.sequence import SequenceLayer, check_input, check_parts, shortened, zero_padding


class Stack(nn.Module):
    """Layers over a sequence, each reading the outputs of the one before.

    Args:
        layers: ``Recurrent``, ``Residual``, ``Convolution``, another ``Stack``: anything with their interface.
        dropout: dropout probability between two layers.

    Attributes:
        stride: steps of the input for each of the output.

    Raises:
        ElmanError: no layers, something that is none, sizes that do not meet, a dropout outside 0 to 1.

    Example:
        >>> stack = Stack([Shorten(3, 2), Recurrent("lstm", 6, 16), Residual(Recurrent("gru", 16, 16))])
        >>> outputs, state = stack(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 4, 1, 0]))
        >>> outputs.shape, stack.stride, len(state)
        (torch.Size([4, 4, 16]), 2, 3)
    """

    def __init__(self, layers: Sequence[SequenceLayer], *, dropout: float = 0.0) -> None:
        super().__init__()
        check_stack(len(layers), dropout)
        for layer in layers:
            check_layer(layer)
        for before, after in pairwise(layers):
            if before.output_size != after.input_size:
                raise ElmanError(
                    f"a {type(after).__name__} that takes {after.input_size} features cannot follow a "
                    f"{type(before).__name__} that gives {before.output_size}"
                )
        self.input_size, self.output_size = layers[0].input_size, layers[-1].output_size
        self.stride = prod(stride_of(layer) for layer in layers)
        self.dropout = float(dropout)
        self.layers = nn.ModuleList(cast(Sequence[nn.Module], layers))

    def initial_state(self, batch: int) -> tuple[Any, ...]:
        """The state a sequence starts from, that of each layer."""
        return tuple(layer.initial_state(batch) for layer in self._layers())

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """How many outputs rows of these lengths have."""
        return shortened(lengths, self.stride)

    def forward(
        self,
        x: Tensor,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        **extras: Tensor,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from, that of each layer; ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``.
            resets: ``[B, T]`` bool, true where a step begins a new segment; not with layers that shorten time.
            extras: extra inputs by name, given to every layer.

        Returns:
            Outputs ``[B, ceil(T / stride), O]`` and the state.

        Raises:
            ElmanError: what does not fit one of the layers, or resets where time is shortened.
        """
        layers = self._layers()
        names = [type(layer).__name__ for layer in layers]
        starts = [None] * len(layers) if state is None else check_parts(self, state, names)
        if resets is not None:
            if self.stride > 1:
                raise ElmanError("resets go with layers that keep every step; these shorten time")
            extras = {**extras, "resets": resets}
        states = []
        for index, (layer, start) in enumerate(zip(layers, starts, strict=True)):
            if index and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            x, new = layer(x, start, lengths=lengths, **extras)
            lengths = None if lengths is None else shortened(lengths, stride_of(layer))
            states.append(new)
        return x, tuple(states)

    def _layers(self) -> list[SequenceLayer]:
        return cast(list[SequenceLayer], list(self.layers))


class Residual(nn.Module):
    """A layer beside a shortcut (He et al. 2016): ``y = x + dropout(layer(norm(x)))``.

    Args:
        layer: a layer over a sequence with as many outputs as inputs.
        norm: whether layer normalisation stands before the layer, which lets deep stacks train.
        dropout: dropout probability of the layer's outputs.

    Raises:
        ElmanError: a layer that changes the number of features or of steps.

    Example:
        >>> deep = Stack([Recurrent("gru", 3, 16), *(Residual(Recurrent("gru", 16, 16), norm=True) for _ in range(3))])
        >>> outputs, state = deep(torch.zeros(4, 7, 3))
        >>> outputs.shape
        torch.Size([4, 7, 16])
    """

    def __init__(self, layer: SequenceLayer, *, norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        _check_keeps(layer, type(self).__name__)
        check_stack(1, dropout)
        self.input_size = self.output_size = layer.input_size
        self.layer = layer
        self.norm = _norm(layer) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, batch: int) -> Any:
        """The state a sequence starts from, that of the layer."""
        return self.layer.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, **inputs: Tensor
    ) -> tuple[Tensor, Any]:
        """Run the layer over ``x [B, T, I]`` with its own arguments, and return ``[B, T, I]`` and its state."""
        check_input(self, next(self.parameters(), x), x, lengths)
        x = zero_padding(x, lengths)
        outputs, state = self.layer(self.norm(x), state, lengths=lengths, **inputs)
        return x + self.dropout(outputs), state


class Highway(nn.Module):
    """A layer beside a highway (Srivastava, Greff and Schmidhuber 2015).

        t = sigmoid(W x + b)
        y = t * layer(x) + (1 - t) * x

    Args:
        layer: a layer over a sequence with as many outputs as inputs.
        norm: whether layer normalisation stands before the layer and ``W``.
        bias: what ``b`` starts from; below zero, ``x`` passes nearly as it is.

    Raises:
        ElmanError: a layer that changes the number of features or of steps.

    Example:
        >>> highway = Highway(Recurrent("lstm", 16, 16))
        >>> outputs, (h, c) = highway(torch.zeros(4, 7, 16))
        >>> outputs.shape
        torch.Size([4, 7, 16])
    """

    def __init__(self, layer: SequenceLayer, *, norm: bool = False, bias: float = -1.0) -> None:
        super().__init__()
        _check_keeps(layer, type(self).__name__)
        self.input_size = self.output_size = layer.input_size
        self.layer = layer
        self.norm = _norm(layer) if norm else nn.Identity()
        self.gate = nn.Linear(self.input_size, self.input_size, **_place(layer))
        nn.init.constant_(self.gate.bias, bias)

    def initial_state(self, batch: int) -> Any:
        """The state a sequence starts from, that of the layer."""
        return self.layer.initial_state(batch)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, **inputs: Tensor
    ) -> tuple[Tensor, Any]:
        """Run the layer over ``x [B, T, I]`` with its own arguments, and return ``[B, T, I]`` and its state."""
        check_input(self, self.gate.weight, x, lengths)
        x = zero_padding(x, lengths)
        read = self.norm(x)
        outputs, state = self.layer(read, state, lengths=lengths, **inputs)
        return torch.lerp(x, outputs, torch.sigmoid(self.gate(read))), state


class Shorten(nn.Module):
    """Time shortened by putting every ``factor`` steps side by side; the last ones are filled up with zeros.

    A stream that is given in parts should be cut at multiples of the factor.

    Args:
        input_size: features of the input, ``I``.
        factor: steps that become one.

    Raises:
        ElmanError: a size or a factor below 1.

    Example:
        >>> Shorten(1)(torch.tensor([[[1.0], [2.0], [3.0]]]))[0]
        tensor([[[1., 2.],
                 [3., 0.]]])
    """

    def __init__(self, input_size: int, factor: int = 2) -> None:
        super().__init__()
        check_counts(input_size=input_size, factor=factor)
        self.input_size, self.output_size, self.stride = input_size, factor * input_size, factor

    def initial_state(self, batch: int) -> tuple[()]:
        """There is none."""
        return ()

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """How many outputs rows of these lengths have."""
        return shortened(lengths, self.stride)

    def forward(self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Tensor, tuple[()]]:
        """``[B, T, I]`` to ``[B, ceil(T / factor), factor * I]``."""
        check_parts(self, () if state is None else state, ())
        check_input(self, x, x, lengths)
        if x.shape[1] == 0:
            return x.new_zeros(x.shape[0], 0, self.output_size), ()
        parts = F.pad(zero_padding(x, lengths), (0, 0, 0, self.stride - 1)).unfold(1, self.stride, self.stride)
        return parts.transpose(2, 3).flatten(2), ()


class Pyramid(Stack):
    """Recurrences between which time is shortened, for long inputs (listener of Chan et al. 2016).

    Between two layers every ``factor`` steps are put side by side and become one, so that ``L`` layers make an output
    for every ``factor^(L - 1)`` steps, and the layers above run that much shorter. In two directions, as in the paper,
    it needs the whole sequence; in one it is also for streams, cut at multiples of ``stride``.

    Args:
        cell: a cell's name or class.
        input_size: features of the input, ``I``.
        hidden_size: units of each layer and direction, ``H``.
        num_layers: layers, ``L``.
        factor: steps that become one between two layers.
        bidirectional: whether every layer runs in both directions.
        dropout: dropout probability between two layers.
        options: the cell's own, as for ``Recurrent``.

    Raises:
        ElmanError: what ``Recurrent`` refuses, or a factor below 1.

    Example:
        >>> pyramid = Pyramid("lstm", 40, 16, num_layers=3)
        >>> lengths = torch.tensor([50, 21, 4, 0])
        >>> outputs, state = pyramid(torch.zeros(4, 50, 40), lengths=lengths)
        >>> outputs.shape, pyramid.output_lengths(lengths)
        (torch.Size([4, 13, 32]), tensor([13,  6,  1,  0]))
    """

    def __init__(
        self,
        cell: type[Cell] | str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 3,
        *,
        factor: int = 2,
        bidirectional: bool = True,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        check_stack(num_layers, dropout)
        options["bidirectional"] = bidirectional
        layers: list[SequenceLayer] = [Recurrent(cell, input_size, hidden_size, **options)]
        for _ in range(num_layers - 1):
            beside = Shorten(layers[-1].output_size, factor)
            layers.append(Stack([beside, Recurrent(cell, beside.output_size, hidden_size, **options)]))
        super().__init__(layers, dropout=dropout)


def stride_of(layer: SequenceLayer) -> int:
    """By how much a layer shortens time."""
    return getattr(layer, "stride", 1)


def check_layer(layer: object) -> None:
    """Refuse what has not the interface of a layer over a sequence."""
    if not (isinstance(layer, nn.Module) and all(hasattr(layer, name) for name in ("initial_state", "output_size"))):
        raise ElmanError(
            f"a layer over a sequence is wanted, such as Recurrent, Convolution or SelfAttention, not {layer!r}"
        )


def _check_keeps(layer: SequenceLayer, around: str) -> None:
    check_layer(layer)
    if stride_of(layer) != 1:
        raise ElmanError(f"a {around} needs a layer that keeps every step; {type(layer).__name__} shortens time")
    if layer.input_size != layer.output_size:
        raise ElmanError(
            f"a {around} needs a layer with as many outputs as inputs, not {type(layer).__name__} from "
            f"{layer.input_size} to {layer.output_size}; let a layer before it bring the input to its size"
        )


def _place(layer: SequenceLayer) -> dict[str, Any]:
    """Where the parameters of a layer are, and their dtype."""
    first = next(cast(nn.Module, layer).parameters(), torch.empty(0))
    return {"device": first.device, "dtype": first.dtype}


def _norm(layer: SequenceLayer) -> nn.LayerNorm:
    return nn.LayerNorm(layer.input_size, **_place(layer))
