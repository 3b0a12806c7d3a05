"""What is done to a recurrence so that it trains or generalises better, apart from the recurrence itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor

from elman.compiler.executor import Run


class Remedy(ABC):
    """What is done to any recurrence so that it trains or generalises better: a value that ``Cell.attach`` takes.

    This one is done with when the parameters have their values; a ``RunRemedy`` acts around each run over a sequence,
    a ``StepRemedy`` around each step, and a remedy may be both.
    """

    @abstractmethod
    def start(self, cell: Any) -> None:
        """Fill the parameters that this is about, giving the cell first those that it has not got.

        Raises:
            ElmanError: a cell that this does not fit.
        """


class RunRemedy(Remedy):
    """A remedy that acts around each run: here random numbers are drawn, once a run and never in evaluation."""

    @abstractmethod
    def run(self, run: Callable[..., Run], cell: Any, x: Tensor, /, **extras: Tensor) -> Run:
        """``run(cell, x, **extras)`` with changes of what goes in or comes out.

        ``x`` is ``[B, T, I]``; ``cell`` may be replaced by a view of other parameters. Extra inputs that are added,
        ``[B, T, S]`` or ``[B, S]``, arrive in ``StepRemedy.step``, which takes them out before the cell's own step.
        """


class StepRemedy(Remedy):
    """A remedy that acts around each step, in operations that compile."""

    @abstractmethod
    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Any, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        """``step(cell, x, *state, **extras)`` with changes of what goes in or comes out."""
