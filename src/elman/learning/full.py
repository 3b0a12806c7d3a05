"""Backpropagation through the whole sequence."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from elman.learning.learning import Batch, Learning, LossFunction, Window, detached


@dataclass(frozen=True)
class FullBPTT(Learning):
    """Backpropagation through all steps that are given (Werbos 1990); memory grows with their number.

    Example:
        >>> import torch
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("gru", 3, 5), torch.randn(2, 7, 3), torch.zeros(2, 7, 5)
        >>> loss, state = FullBPTT().backward(layer, x, y, nn.functional.mse_loss)
        >>> layer.cells[0].weight_hh.grad.shape, state.shape
        (torch.Size([15, 5]), torch.Size([1, 2, 5]))
    """

    def window(self, model: nn.Module, state: Any = None) -> AbstractContextManager[Window]:
        return nullcontext(Window(state, detached))

    def _learn(self, model: nn.Module, batch: Batch, loss: LossFunction, state: Any) -> tuple[Tensor, Any]:
        outputs, state = batch.run(model, state)
        value = batch.value(outputs, loss)
        value.backward()
        return value.detach(), detached(state)
