"""Gradients that are too large, made smaller: each way is a value, called between the backward pass and the update."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from elman.errors import ElmanError


class Clip(ABC):
    """A way to clip gradients, called between the backward pass and the step of the optimiser.

        loss.backward()
        norm = clip(model.parameters())
        optimizer.step()

    ``norm`` is that of all gradients together, before they were clipped.
    """

    def __call__(self, parameters: Iterable[Tensor]) -> Tensor:
        """Clip ``.grad`` of the parameters in place, and return the norm of all of it before."""
        having = [p for p in parameters if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in having if p.grad is not None])
        self._clip(having, norm)
        return norm

    @abstractmethod
    def _clip(self, parameters: list[Tensor], norm: Tensor) -> None:
        """Clip the gradients, whose norm is ``norm``."""


@dataclass(frozen=True)
class ClipNorm(Clip):
    """Scale all gradients together, so that their norm is at most ``greatest`` (Pascanu et al. 2013).

    Raises:
        ElmanError: a bound that is not positive.

    Example:
        >>> weight = torch.ones(4, requires_grad=True)
        >>> (3 * weight).sum().backward()
        >>> float(ClipNorm(1.0)([weight])), weight.grad.norm().round(decimals=4).item()
        (6.0, 1.0)
    """

    greatest: float

    def __post_init__(self) -> None:
        _check("the greatest norm", self.greatest)

    def _clip(self, parameters: list[Tensor], norm: Tensor) -> None:
        nn.utils.clip_grads_with_norm_(parameters, self.greatest, norm)


@dataclass(frozen=True)
class ClipValue(Clip):
    """Clip each number of a gradient to the range from ``-greatest`` to ``greatest`` (Graves 2013).

    Raises:
        ElmanError: a bound that is not positive.

    Example:
        >>> weight = torch.ones(2, requires_grad=True)
        >>> (torch.tensor([3.0, -0.5]) * weight).sum().backward()
        >>> norm = ClipValue(1.0)([weight])
        >>> weight.grad
        tensor([ 1.0000, -0.5000])
    """

    greatest: float

    def __post_init__(self) -> None:
        _check("the greatest value", self.greatest)

    def _clip(self, parameters: list[Tensor], norm: Tensor) -> None:
        nn.utils.clip_grad_value_(parameters, self.greatest)


@dataclass(frozen=True)
class AdaptiveClip(Clip):
    """Scale the gradient of each unit to at most a share of the norm of the unit's weights (Brock et al. 2021).

        g_u <- g_u * min(1, ratio * max(|w_u|, eps) / |g_u|)

    A unit is a row of a matrix, or all of a vector. The bound need not be tuned anew for another model or loss. The
    paper leaves out the last layer: do not give its parameters.

    Args:
        ratio: the greatest share.
        eps: the norm that the weights are taken to have at least, so that those at zero can move.

    Raises:
        ElmanError: a number that is not positive.

    Example:
        >>> weight = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
        >>> (torch.tensor([[6.0, 8.0], [0.0, 1e-6]]) * weight).sum().backward()
        >>> norm = AdaptiveClip(0.01)([weight])
        >>> weight.grad
        tensor([[3.0000e-02, 4.0000e-02],
                [0.0000e+00, 1.0000e-06]])
    """

    ratio: float = 0.01
    eps: float = 1e-3

    def __post_init__(self) -> None:
        _check("ratio", self.ratio)
        _check("eps", self.eps)

    @torch.no_grad()
    def _clip(self, parameters: list[Tensor], norm: Tensor) -> None:
        for p in parameters:
            assert p.grad is not None
            most = self.ratio * _of_units(p).clamp(min=self.eps)
            p.grad.mul_((most / _of_units(p.grad).clamp(min=torch.finfo(p.dtype).tiny)).clamp(max=1))


def _of_units(tensor: Tensor) -> Tensor:
    """The norm of each unit, in a shape that goes with the tensor."""
    axes = tuple(range(1, tensor.dim())) or None
    return torch.linalg.vector_norm(tensor, dim=axes, keepdim=True)


def _check(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ElmanError(f"{name} is a number above 0, not {value!r}")
