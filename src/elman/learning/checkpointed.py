"""Backpropagation through the whole sequence in little memory."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from elman.cells.recurrence import Recurrence
from elman.errors import ElmanError
from elman.learning.following import cells_of, with_attributes
from elman.learning.learning import Batch, Learning, LossFunction, Window, check_one_way, check_steps, detached

PROBE = 32  # steps from which the memory of a step is told
OF_A_WINDOW = 8 << 10  # bytes that a window keeps beside its state: the random numbers' and the graph's own


@dataclass(frozen=True)
class Checkpointed(Learning):
    """Backpropagation through all steps that keeps one state for each stretch of them, and runs the stretches again.

    The gradient is that of the whole sequence, for about a third more time. Outputs and losses exist for one stretch at
    a time, so that memory grows by a state for each stretch (Chen et al. 2016).

    Args:
        every: steps of a stretch.
        memory: or how much may be kept for the backward pass, such as ``"2GiB"``. The stretches are as long as fits,
            and where the whole sequence fits nothing is run twice. The backward pass itself takes about as much again.

    Raises:
        ElmanError: neither of the two or both, numbers out of their range; later, an amount that nothing fits.

    Example:
        >>> from elman import Recurrent
        >>> layer, x, y = Recurrent("lstm", 3, 5), torch.randn(2, 1000, 3), torch.zeros(2, 1000, 5)
        >>> loss, state = Checkpointed(every=100).backward(layer, x, y, nn.functional.mse_loss)
    """

    every: int | None = None
    memory: str | None = None

    def __post_init__(self) -> None:
        if (self.every is None) == (self.memory is None):
            raise ElmanError("give one of the two: every=, a number of steps, or memory=, such as '2GiB'")
        if self.every is not None:
            check_steps("every", self.every)
        if self.memory is not None:
            _bytes(self.memory)

    @contextmanager
    def window(self, model: nn.Module, state: Any = None) -> Iterator[Window]:
        cells = cells_of(model).values()
        save = self.every or f"{_bytes(str(self.memory)) / 2**10 / max(1, len(cells)):f}KiB"

        def run(cell: Recurrence, *args: Any, **options: Any) -> Any:
            return type(cell).forward(cell, *args, **{**options, "save": save})

        with with_attributes({cell: {"forward": partial(run, cell)} for cell in cells}):
            yield Window(state, detached)

    def _learn(self, model: nn.Module, batch: Batch, loss: LossFunction, state: Any) -> tuple[Tensor, Any]:
        check_one_way(model, type(self).__name__)

        def stretch(part: Batch, state: Any) -> tuple[Tensor, Any]:
            outputs, state = part.run(model, state)
            return part.value(outputs, loss) * (part.number / batch.number), state

        *parts, last = batch.windows(self.every or self._fitting(stretch, batch, state))
        total = torch.zeros(())
        for part in parts:
            value, state = checkpoint(stretch, part, state, use_reentrant=False)
            total = total + value
        # the backward pass begins with the last one, which need not be run again
        value, state = stretch(last, state)
        total = total + value
        total.backward()
        return total.detach(), detached(state)

    def _fitting(self, stretch: Callable[..., Any], batch: Batch, state: Any) -> int:
        """The longest stretch with which no more is kept than ``memory``."""
        assert self.memory is not None
        limit, time = _bytes(self.memory), batch.time
        if time <= 2 * PROBE:
            return time
        # the state of a sequence that is under way, since there may be none to begin with
        with torch.random.fork_rng(), torch.no_grad():
            _, state = stretch(batch.window(0, PROBE), state)
        short, long = (
            _kept(lambda n=n: stretch(batch.window(PROBE, PROBE + n), state), batch) for n in (PROBE // 2, PROBE)
        )
        step, held = (long - short) / (PROBE - PROBE // 2), OF_A_WINDOW + sum(t.nbytes for t in _tensors(state))
        if step * time <= limit:
            return time
        # step * every + held * time / every is what is kept
        root = limit**2 - 4 * step * held * time
        if root < 0:
            least = 2 * math.sqrt(step * held * time)
            raise ElmanError(
                f"{time} steps cannot be trained in {self.memory}: they take {least / 2**20:.3g}MiB at least"
            )
        count = math.ceil(time / ((limit + math.sqrt(root)) / (2 * step)))
        return math.ceil(time / count)


def _bytes(amount: str) -> float:
    found = re.fullmatch(r"([0-9]+\.?[0-9]*) ?([KMG])iB", amount)
    if found is None or not float(found[1]):
        raise ElmanError(f"memory is an amount such as '2GiB' or '500MiB', not {amount!r}")
    return float(found[1]) * {"K": 2**10, "M": 2**20, "G": 2**30}[found[2]]


def _kept(run: Callable[[], Any], batch: Batch) -> int:
    """Bytes that are kept for the backward pass of ``run``, beside the data."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.random.fork_rng(), saved_tensors_hooks(keep, lambda tensor: tensor):
        made = run()
    for data in (batch.x, batch.target, *batch.inputs.values()):
        kept.pop(data.untyped_storage().data_ptr(), None)
    del made
    return sum(kept.values())


def _tensors(state: Any) -> Iterable[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | tuple | list):
        for part in state.values() if isinstance(state, dict) else state:
            yield from _tensors(part)
