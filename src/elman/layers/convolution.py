"""Convolution over time: a front end that filters and shortens, and the temporal convolutional network."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalised

from elman.errors import ElmanError
from elman.layers.recurrent import check_stack
from elman.layers.sequence import (
    check_input,
    check_parts,
    check_shape,
    recent,
    segments,
    shortened,
    zero_padding,
)


def check_counts(**counts: object) -> None:
    """Refuse what is not a whole number of at least 1, by its name."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ElmanError(f"{name} must be a whole number of at least 1, not {count!r}")


class Convolution(nn.Module):
    """One convolution over time that can be stepped, to filter and shorten the input of a recurrence.

        y[j] = b + sum_k W[k] x[(j + 1) stride - 1 - (K - 1 - k) dilation]

    Output ``j`` is made as soon as the stride that it stands for is over, and sees nothing later. A row of ``n`` steps
    gives ``ceil(n / stride)``; where it ends within a stride, zeros fill that up, and count when the row goes on. So a
    stream that is given in parts should be cut at multiples of the stride.

    Args:
        input_size: features of the input, ``I``.
        output_size: features of the output, ``O``.
        kernel_size: taps, ``K``.
        stride: steps of the input for each of the output.
        dilation: steps between two taps.
        centred: whether the taps lie on both sides of what they stand for; there is no state then, and no stream.
        activation: applied to every output, such as ``torch.relu``.
        bias: whether there is one.

    Attributes:
        span: steps that an output sees, from its first tap to its last.

    Raises:
        ElmanError: a size below 1, or a stride that leaps over what no tap sees.

    Example:
        >>> layer = Convolution(3, 8, kernel_size=5, stride=2, activation=torch.relu)
        >>> outputs, state = layer(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 4, 1, 0]))
        >>> outputs.shape, state.shape, layer.output_lengths(torch.tensor([7, 4, 1, 0]))
        (torch.Size([4, 4, 8]), torch.Size([3, 4, 3]), tensor([4, 2, 1, 0]))
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        dilation: int = 1,
        centred: bool = False,
        activation: Callable[[Tensor], Tensor] | None = None,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_counts(
            input_size=input_size, output_size=output_size, kernel_size=kernel_size, stride=stride, dilation=dilation
        )
        self.input_size, self.output_size, self.stride, self.centred = input_size, output_size, stride, centred
        self.span = (kernel_size - 1) * dilation + 1
        if stride > self.span:
            raise ElmanError(
                f"a stride of {stride} leaps over steps that no tap sees; a kernel of {kernel_size} with a dilation "
                f"of {dilation} allows a stride of up to {self.span}"
            )
        self.activation = activation
        self.conv = nn.Conv1d(
            input_size, output_size, kernel_size, stride, dilation=dilation, bias=bias, device=device, dtype=dtype
        )

    def initial_state(self, batch: int) -> Any:
        """What lies before a sequence, zeros: ``[span - stride, batch, I]``; ``()`` if the convolution is centred."""
        if self.centred:
            return ()
        return self.conv.weight.new_zeros(self.span - self.stride, batch, self.input_size)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """How many outputs rows of these lengths have."""
        return shortened(lengths, self.stride)

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the inputs before it, ``[span - stride, B, I]``; ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``. A row's outputs past its end are zero.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which sees nothing of the others.

        Returns:
            Outputs ``[B, ceil(T / stride), O]`` and the state.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit, or resets with a stride.
        """
        check_input(self, self.conv.weight, x, lengths, resets)
        if resets is not None and self.stride > 1:
            raise ElmanError(f"resets go with a stride of 1; a stride of {self.stride} has steps of two segments in it")
        batch, time = x.shape[:2]
        context = self.span - self.stride
        if self.centred:
            check_parts(self, () if state is None else state, ())
            past = x.new_zeros(batch, context // 2, self.input_size)
        else:
            state = self.initial_state(batch) if state is None else state
            check_shape(self, "a state", state, [context, batch, self.input_size])
            past = state.transpose(0, 1)
        joined = torch.cat([past, zero_padding(x, lengths)], 1)
        parts = None if resets is None else segments(resets, lengths, past.shape[1])
        ends = None if lengths is None else shortened(lengths, self.stride)
        after = self.stride - 1 + (context - context // 2 if self.centred else 0)
        joined = F.pad(joined, (0, 0, 0, after))
        outputs = zero_padding(self._filter(joined, parts, time), ends)
        if self.centred:
            return outputs, ()
        if parts is not None:
            joined = torch.where((parts == parts[:, -1:])[..., None], joined, 0.0)
        # a row that ends within a stride goes on after the zeros that fill it up
        filled = outputs.shape[1] * self.stride
        kept = recent(joined[:, : context + filled], context, filled, None if ends is None else ends * self.stride)
        return outputs, kept.transpose(0, 1)

    def _filter(self, joined: Tensor, parts: Tensor | None, time: int) -> Tensor:
        """The outputs ``[B, ceil(time / stride), O]`` of ``joined``, which has all that their taps see."""
        if time == 0:
            return joined.new_zeros(joined.shape[0], 0, self.output_size)
        if parts is None:
            outputs = self.conv(joined.transpose(1, 2)).transpose(1, 2)
        else:
            windows = joined.unfold(1, self.span, 1)[..., :: self.conv.dilation[0]]
            after = joined.shape[1] - parts.shape[1]
            seen = F.pad(parts, (0, after), value=-1).unfold(1, self.span, 1)[..., :: self.conv.dilation[0]]
            seen = seen == parts[:, parts.shape[1] - time :, None]
            windows = torch.where(seen[:, :, None], windows, 0.0)
            outputs = torch.einsum("btik,oik->bto", windows, self.conv.weight)
            outputs = outputs if self.conv.bias is None else outputs + self.conv.bias
        return outputs if self.activation is None else self.activation(outputs)

    def extra_repr(self) -> str:
        return "centred=True" if self.centred else ""


class ImageConvolution(nn.Module):
    """A small front end for images: each frame by itself to a vector of features.

    For each of ``widths`` a convolution of 3 x 3 with stride 2, group normalisation and ReLU; then the means over a
    coarse grid of places, and a linear map. Frames may be of any size.

    Args:
        channels: colours of the images, ``C``.
        output_size: features, ``O``.
        widths: channels after each convolution; each halves both sides of the image.
        grid: places, along each side, whose means are the features' source.

    Raises:
        ElmanError: a size below 1, or no widths.

    Example:
        >>> layer = ImageConvolution(1, 16)
        >>> layer(torch.zeros(4, 7, 1, 28, 28), lengths=torch.tensor([7, 4, 1, 0]))[0].shape
        torch.Size([4, 7, 16])
        >>> layer(torch.zeros(4, 1, 28, 28))[0].shape
        torch.Size([4, 16])
    """

    def __init__(
        self,
        channels: int,
        output_size: int,
        widths: Sequence[int] = (16, 32),
        *,
        grid: int = 2,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if not widths:
            raise ElmanError("widths name the channels after each convolution, such as (16, 32); there are none")
        check_counts(channels=channels, output_size=output_size, grid=grid)
        check_counts(**{f"widths[{k}]": width for k, width in enumerate(widths)})
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.input_size, self.output_size, self.grid = channels, output_size, grid
        self.frame = nn.Sequential()
        for before, width in zip((channels, *widths), widths, strict=False):
            self.frame.append(nn.Conv2d(before, width, 3, 2, 1, **place))
            self.frame.append(nn.GroupNorm(1, width, **place))
            self.frame.append(nn.ReLU())
        self.features = nn.Linear(widths[-1] * grid**2, output_size, **place)

    def initial_state(self, batch: int) -> tuple[()]:
        """There is none: every frame is seen by itself."""
        return ()

    def forward(self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Tensor, tuple[()]]:
        """Features ``[B, T, O]`` of frames ``[B, T, C, Y, X]``, or ``[B, O]`` of single images ``[B, C, Y, X]``.

        Raises:
            ElmanError: another shape, a length that does not fit, or lengths of single images.
        """
        check_parts(self, () if state is None else state, ())
        if x.dim() not in (4, 5) or x.shape[-3] != self.input_size or 0 in x.shape[-2:]:
            channels = self.input_size
            raise ElmanError(
                f"ImageConvolution takes [batch, time, {channels}, Y, X] or [batch, {channels}, Y, X], "
                f"not {list(x.shape)}"
            )
        single = x.dim() == 4
        if single and lengths is not None:
            raise ElmanError("lengths are for [batch, time, ...]; single images have none")
        x = x.unsqueeze(1) if single else x
        check_input(self, self.features.weight, x[..., 0, 0], lengths)
        frames = zero_padding(x, lengths).flatten(0, 1)
        features = zero_padding(self._features(frames).unflatten(0, x.shape[:2]), lengths)
        return features[:, 0] if single else features, ()

    def _features(self, frames: Tensor) -> Tensor:
        if not frames.shape[0]:
            return frames.new_zeros(0, self.output_size)
        return self.features(F.adaptive_avg_pool2d(self.frame(frames), self.grid).flatten(1))


class TemporalConvolution(nn.Module):
    """Temporal convolutional network (Bai, Kolter and Koltun 2018), a baseline for recurrences with their interface.

        y = dropout(relu(conv(x)));  y = dropout(relu(conv(y)));  x' = relu(y + x)        in each of ``L`` layers

    The convolutions of layer ``l`` have a dilation of ``2^l``, so that the span doubles with each layer. The first
    layer brings ``x`` to ``H`` features by a matrix where it has another number of them. Weights start as PyTorch's do,
    and not as small as the paper's. The state is the last inputs of each convolution.

    Args:
        input_size: features of the input, ``I``.
        hidden_size: features of every layer and of the output, ``H``.
        num_layers: layers, ``L``.
        kernel_size: taps of each convolution.
        bidirectional: whether the taps lie on both sides; there is no state then.
        dropout: dropout probability of each convolution's outputs.
        weight_norm: whether a weight is a direction and a length (Salimans and Kingma 2016), as in the paper.

    Attributes:
        span: steps that an output sees.

    Raises:
        ElmanError: a size or a number of layers below 1, a dropout outside 0 to 1.

    Example:
        >>> layer = TemporalConvolution(3, 8, num_layers=3)
        >>> outputs, state = layer(torch.zeros(4, 7, 3), lengths=torch.tensor([7, 4, 1, 0]))
        >>> outputs, state = layer(torch.zeros(4, 1, 3), state)  # go on where the last call ended
        >>> outputs.shape, layer.span
        (torch.Size([4, 1, 8]), 29)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 4,
        *,
        kernel_size: int = 3,
        bidirectional: bool = False,
        dropout: float = 0.0,
        weight_norm: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_stack(num_layers, dropout)
        check_counts(input_size=input_size, hidden_size=hidden_size, kernel_size=kernel_size)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, hidden_size
        self.num_layers, self.bidirectional = num_layers, bidirectional
        self.span = 1 + 2 * (kernel_size - 1) * (2**num_layers - 1)
        self.convolutions = nn.ModuleList()
        for layer in range(num_layers):
            for _ in range(2):
                conv = Convolution(
                    hidden_size if self.convolutions else input_size,
                    hidden_size,
                    kernel_size,
                    dilation=2**layer,
                    centred=bidirectional,
                    activation=torch.relu,
                    **place,
                )
                if weight_norm:
                    normalised(conv.conv)
                self.convolutions.append(conv)
        self.shortcut = nn.Identity() if input_size == hidden_size else nn.Linear(input_size, hidden_size, **place)
        self.dropout = nn.Dropout(dropout)

    def initial_state(self, batch: int) -> tuple[Any, ...]:
        """What lies before a sequence, zeros: for each convolution ``[(K - 1) dilation, batch, I or H]``."""
        return tuple(conv.initial_state(batch) for conv in self._stack())

    def forward(
        self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None, resets: Tensor | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run over a sequence.

        Args:
            x: ``[B, T, I]``.
            state: the state to start from, one for each convolution; ``initial_state`` if not given.
            lengths: ``[B]`` whole numbers from 0 to ``T``. A row's outputs past its end are zero.
            resets: ``[B, T]`` bool, true where a step begins a new segment, which sees nothing of the others.

        Returns:
            Outputs ``[B, T, H]`` and the state.

        Raises:
            ElmanError: a shape, a dtype or a length that does not fit.
        """
        stack = self._stack()
        names = [f"convolution {k}" for k in range(len(stack))]
        starts = [None] * len(stack) if state is None else check_parts(self, state, names)
        check_input(self, stack[0].conv.weight, x, lengths, resets)
        x = zero_padding(x, lengths)
        states = []
        for first in range(0, len(stack), 2):
            y = x
            for k in (first, first + 1):
                y, new = stack[k](y, starts[k], lengths=lengths, resets=resets)
                y = self.dropout(y)
                states.append(new)
            x = zero_padding(torch.relu(y + (x if first else self.shortcut(x))), lengths)
        return x, tuple(states)

    def _stack(self) -> list[Convolution]:
        return cast(list[Convolution], list(self.convolutions))
