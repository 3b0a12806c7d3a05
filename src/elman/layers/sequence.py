"""What all layers over a sequence share: their one interface, and what lengths, resets and a kept past mean to them."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from elman.cells.recurrence import check_lengths
from elman.compiler.surroundings import autocasts
from elman.errors import ElmanError


class SequenceLayer(Protocol):
    """The interface that ``Recurrent`` and every layer beside it has.

    ``layer(x, state=None, *, lengths=None)`` takes ``x [B, T, input_size]`` and gives outputs ``[B, T, output_size]``
    and the state to go on from, a tensor or a tuple of states whose every tensor has the batch on its second axis.
    A layer without a state has ``()``. A layer that shortens time says by how much with ``stride``: a row of ``n``
    steps gives ``ceil(n / stride)``, its last one filled up with zeros.
    """

    input_size: int
    output_size: int

    def initial_state(self, batch: int) -> Any: ...

    def __call__(self, x: Tensor, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Tensor, Any]: ...


def check_input(
    layer: SequenceLayer, weight: Tensor, x: Tensor, lengths: Tensor | None, resets: Tensor | None = None
) -> None:
    """Refuse what is not ``[batch, time, input_size]`` of the dtype and device of ``weight``, and wrong lengths."""
    name = type(layer).__name__
    if x.dim() != 3 or x.shape[2] != layer.input_size:
        raise ElmanError(f"{name} takes an input of [batch, time, {layer.input_size}], not {list(x.shape)}")
    if x.device != weight.device or (x.dtype != weight.dtype and not autocasts(x.device.type)):
        raise ElmanError(
            f"{name} has weights of {weight.dtype} on {weight.device} and was given {x.dtype} on {x.device}"
        )
    batch, time = x.shape[:2]
    if not torch.compiler.is_compiling():
        check_lengths(lengths, batch, time)
    if resets is not None and (resets.dtype != torch.bool or list(resets.shape) != [batch, time]):
        raise ElmanError(f"resets are bool of {[batch, time]}, not {resets.dtype} of {list(resets.shape)}")


def check_parts(layer: SequenceLayer, state: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The parts of a state, one for each name; refuse another number of them, and tensors in place of a tuple."""
    if not isinstance(state, tuple | list) or len(state) != len(names):
        given = f"one of {len(state)}" if isinstance(state, tuple | list) else type(state).__name__
        wanted = f"a tuple of {len(names)} ({', '.join(names)})" if names else "no state: () or None"
        raise ElmanError(f"{type(layer).__name__} takes {wanted}, not {given}")
    return tuple(state)


def check_shape(layer: SequenceLayer, what: str, part: Any, shape: Sequence[int]) -> None:
    """Refuse a tensor of a state that has not this shape."""
    given = list(part.shape) if isinstance(part, Tensor) else type(part).__name__
    if given != list(shape):
        raise ElmanError(f"{type(layer).__name__} takes {what} of {list(shape)}, not {given}")


def valid_steps(lengths: Tensor, x: Tensor) -> Tensor:
    """Which steps of ``x [B, T, ...]`` are within their row: bool ``[B, T]``."""
    return torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]


def zero_padding(x: Tensor, lengths: Tensor | None) -> Tensor:
    """``x [B, T, ...]`` with zeros in its padding, whatever stood there, NaN included.

    >>> zero_padding(torch.ones(2, 3, 1), torch.tensor([1, 3]))[..., 0]
    tensor([[1., 0., 0.],
            [1., 1., 1.]])
    """
    if lengths is None:
        return x
    valid = valid_steps(lengths, x)
    return torch.where(valid.view(*valid.shape, *[1] * (x.dim() - 2)), x, x.new_zeros(()))


def segments(resets: Tensor, lengths: Tensor | None, past: int = 0) -> Tensor:
    """The number of the segment of each of ``past`` kept steps and of every new one, ``[B, past + T]``.

    What was kept is segment 0; padding belongs to the last segment of its row.
    """
    if lengths is not None:
        resets = resets & valid_steps(lengths, resets)
    return F.pad(resets.cumsum(1), (past, 0))


def recent(joined: Tensor, keep: int, time: int, lengths: Tensor | None) -> Tensor:
    """The last ``keep`` steps of each row of ``joined [B, past + time, ...]``, whose last ``time`` steps are new.

    With ``lengths`` only so many of a row's new steps are there; what would lie before its first step is arbitrary.
    """
    if lengths is None:
        return joined[:, joined.shape[1] - keep :]
    ends = joined.shape[1] - time + lengths.to(joined.device)
    slots = (ends[:, None] - keep + torch.arange(keep, device=joined.device)).clamp(min=0)
    return joined[torch.arange(joined.shape[0], device=joined.device)[:, None], slots]


def shortened(lengths: Tensor, stride: int) -> Tensor:
    """The lengths after time is shortened by ``stride``: a last part of a stride counts as a whole one.

    >>> shortened(torch.tensor([0, 1, 4, 5]), 2)
    tensor([0, 1, 2, 3])
    """
    return -(-lengths // stride)
