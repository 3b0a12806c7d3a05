"""Truncated backpropagation through time."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from elman.errors import ElmanError


@dataclass(frozen=True)
class Truncated:
    """Backpropagation through windows of ``steps``; the state goes on between them and the gradient does not.

    (Williams and Peng 1990, with as many steps between updates as the gradient goes back.)

    Args:
        steps: the length of a window, at least 1.

    Example:
        >>> import torch
        >>> state = torch.ones(1, requires_grad=True) * 2
        >>> Truncated(64).carry((state, state))[0].requires_grad
        False
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ElmanError(f"the gradient goes back through at least 1 step, not {self.steps}")

    def carry(self, state: Any) -> Any:
        """The state that the next window starts from: the same, without what it was made of."""
        if isinstance(state, Tensor):
            return state.detach()
        return state if state is None else tuple(self.carry(part) for part in state)
