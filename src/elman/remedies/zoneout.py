"""Units that now and then keep their old value."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.cells.cell import Cell
from elman.cells.remedy import RunRemedy, StepRemedy
from elman.compiler.executor import Run
from elman.errors import ElmanError
from elman.remedies.checks import check_number


@dataclass(frozen=True)
class Zoneout(RunRemedy, StepRemedy):
    """Zoneout (Krueger et al. 2017): each unit of each state keeps its old value with probability ``p``.

        s' = d * s + (1 - d) * step(s)      d = 1 with probability p, else 0, drawn for every unit and step
        s' = p * s + (1 - p) * step(s)      in evaluation: the expectation

    As in the paper, zoneout comes after the whole step: an LSTM's ``h`` is made from the ``c`` of the step itself, not
    from the one that is kept. An output that is a state is that state after zoneout; other outputs are unchanged.

    States that share one scale, such as ``c``, ``n`` and ``m`` of ``slstm``, must be kept together or not at all:
    there, give ``h`` alone a probability.

    Args:
        p: one probability, or a tuple of one for each state in the cell's order, such as ``(0.05, 0.5)`` for the ``h``
            and the ``c`` of an LSTM.

    Raises:
        ElmanError: a probability outside 0 to 1, or another number of them than there are states.

    Example:
        >>> from elman import Recurrent
        >>> layer = Recurrent("lstm", 3, 5, remedies=[Zoneout((0.05, 0.5))])
        >>> layer(torch.zeros(2, 7, 3))[0].shape
        torch.Size([2, 7, 5])
    """

    p: float | tuple[float, ...]

    def __post_init__(self) -> None:
        if isinstance(self.p, list):
            object.__setattr__(self, "p", tuple(self.p))
        for p in self.p if isinstance(self.p, tuple) else [self.p]:
            check_number("the probability of Zoneout", p, 0, 1)

    def start(self, cell: Cell) -> None:
        if isinstance(self.p, tuple) and len(self.p) != len(cell.states):
            raise ElmanError(
                f"{self} has {len(self.p)} probabilities; {type(cell).__name__} has {len(cell.states)} states, "
                f"{', '.join(cell.states)}: give one number, or one for each"
            )

    def rates(self, cell: Cell) -> tuple[float, ...]:
        """The probability of each state of a cell."""
        return self.p if isinstance(self.p, tuple) else (self.p,) * len(cell.states)

    def run(self, run: Callable[..., Run], cell: Cell, x: Tensor, /, **extras: Tensor) -> Run:
        if cell.training:
            for name, size, p in zip(cell.states, cell.state_sizes, self.rates(cell), strict=True):
                if p:
                    extras[f"zoneout_{name}"] = torch.rand(*x.shape[:2], size, dtype=x.dtype, device=x.device)
        return run(cell, x, **extras)

    def step(
        self, step: Callable[..., tuple[Tensor, ...]], cell: Cell, x: Tensor, /, *state: Tensor, **extras: Tensor
    ) -> tuple[Tensor, ...]:
        drawn = [extras.pop(f"zoneout_{name}", None) for name in cell.states]
        output, *new = step(cell, x, *state, **extras)
        kept = list(new)
        for k, (u, p, old) in enumerate(zip(drawn, self.rates(cell), state, strict=True)):
            if p:
                kept[k] = p * old + (1 - p) * new[k] if u is None else torch.where(u < p, old, new[k])
        same = [k for k, value in enumerate(new) if value is output]
        return kept[same[0]] if same else output, *kept
