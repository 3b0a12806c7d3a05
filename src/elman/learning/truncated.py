"""Truncated backpropagation through time."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from elman.learning.learning import Batch, Learning, LossFunction, Window, check_one_way, check_steps, detached


@dataclass(frozen=True)
class Truncated(Learning):
    """Backpropagation through windows; the state goes on between them and the gradient does not.

    The loss of each window of ``steps`` counts once, and its gradient goes back to the beginning of the window and
    through ``overlap`` steps before it, which are run again: BPTT(h; h') of Williams and Peng (1990) with
    ``h' = steps`` and ``h = steps + overlap``. The weights are held within a call, and the first window of a call has
    nothing before it.

    Args:
        steps: the length of a window, at least 1.
        overlap: how much further back the gradient goes than the window, at least 0.

    Raises:
        ElmanError: numbers out of these ranges.

    Example:
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("lstm", 3, 5), torch.randn(2, 100, 3), torch.zeros(2, 100, 5)
        >>> loss, state = Truncated(20).backward(layer, x, y, nn.functional.mse_loss)
        >>> loss, state = Truncated(20, overlap=10).backward(layer, x, y, nn.functional.mse_loss, state)
    """

    steps: int
    overlap: int = 0

    def __post_init__(self) -> None:
        check_steps("the length of a window", self.steps)
        check_steps("the overlap", self.overlap, least=0)

    def window(self, model: nn.Module, state: Any = None) -> AbstractContextManager[Window]:
        return nullcontext(Window(state, detached))

    def _learn(self, model: nn.Module, batch: Batch, loss: LossFunction, state: Any) -> tuple[Tensor, Any]:
        check_one_way(model, type(self).__name__)
        begins = {low: max(0, low - self.overlap) for low in range(0, batch.time, self.steps)}
        states, values = {0: state}, []
        for low, begin in begins.items():
            high, state, shares = min(low + self.steps, batch.time), states[begin], []
            edges = {begin, low, high} | {other for other in begins.values() if low < other < high}
            for a, b in pairwise(sorted(edges)):
                part = batch.window(a, b)
                outputs, state = part.run(model, state)
                if a >= low:  # what comes before has counted already
                    states[b] = detached(state)
                    shares += [part.value(outputs, loss) * (part.number / batch.number)] * bool(part.number)
            values += shares
            if shares:
                torch.stack(shares).sum().backward()
            states = {at: kept for at, kept in states.items() if at >= high - self.overlap}
        return torch.stack(values).detach().sum(), states[batch.time]
