"""The contract of a way to learn: what it is given, and what it leaves behind."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from elman.errors import ElmanError

LossFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """Sequences with what a model is to say of them."""

    x: Tensor  # [B, T, ...]
    target: Tensor  # [B, T, ...]
    counted: Tensor | None  # [B, T], the steps that the loss is a mean over; all of them where it is None
    inputs: Mapping[str, Tensor]  # lengths, resets and extra inputs, as far as they are given
    number: int  # of steps that count

    @property
    def time(self) -> int:
        return self.x.shape[1]

    def window(self, low: int, high: int) -> "Batch":
        """Steps ``low`` to ``high``."""
        counted = None if self.counted is None else self.counted[:, low:high]
        inputs = {name: _cut(name, value, low, high) for name, value in self.inputs.items()}
        number = len(self.x) * (high - low) if counted is None else int(counted.sum())
        return replace(
            self, x=self.x[:, low:high], target=self.target[:, low:high], counted=counted, inputs=inputs, number=number
        )

    def windows(self, steps: int) -> Iterator["Batch"]:
        """The whole, in windows of ``steps``; the last may be shorter."""
        return (self.window(low, min(low + steps, self.time)) for low in range(0, self.time, steps))

    def run(self, model: nn.Module, state: Any) -> tuple[Tensor, Any]:
        """What the model says, and its state after the last step."""
        outputs, state = model(self.x, state, **self.inputs)
        if outputs.shape[:2] != self.x.shape[:2]:
            raise ElmanError(
                f"the model gives an output a step, {[*self.x.shape[:2]]} and its features, not {[*outputs.shape]}"
            )
        return outputs, state

    def value(self, outputs: Tensor, loss: LossFunction) -> Tensor:
        """The mean loss of the steps that count; zero, and not of the model, where there are none."""
        if not self.number:
            return outputs.new_zeros(())
        rows, targets = outputs.flatten(0, 1), self.target.flatten(0, 1)
        if self.counted is not None:
            counted = self.counted.flatten()
            rows, targets = rows[counted], targets[counted]
        value = loss(rows, targets)
        if value.dim():
            raise ElmanError(f"the loss is one number, the mean over the steps it is given, not {[*value.shape]}")
        return value


def _cut(name: str, value: Tensor, low: int, high: int) -> Tensor:
    if name == "lengths":
        return (value - low).clamp(0, high - low)
    return value[:, low:high] if name == "resets" or value.dim() > 2 else value  # the rest is constant over time


@dataclass(frozen=True)
class Window:
    """A stretch of time within which a model is run."""

    state: Any  # to run the model from
    carry: Callable[[Any], Any]  # from the model's state after it to what the next window is begun with


class Learning(ABC):
    """A way to have the gradient of a recurrent model: a value, used in a training loop of any kind."""

    def backward(
        self,
        model: nn.Module,
        x: Tensor,
        target: Tensor,
        loss: LossFunction,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        resets: Tensor | None = None,
        mask: Tensor | None = None,
        **extras: Tensor,
    ) -> tuple[Tensor, Any]:
        """Run a model over sequences and add the gradient of the mean loss to ``.grad``, as ``loss.backward()`` would.

        Args:
            model: ``model(x, state)`` gives outputs ``[B, T, ...]`` and the state after the last step. It is given
                lengths, resets and extra inputs by name where there are any.
            x: ``[B, T, ...]``, data: what has parameters belongs in the model.
            target: ``[B, T, ...]``.
            loss: of the steps that count, each a row, ``loss(outputs [N, ...], targets [N, ...])`` gives the mean, as
                ``torch.nn.functional.cross_entropy`` and ``mse_loss`` do.
            state: what the call before returned, if these sequences go on where that one ended.
            lengths: ``[B]`` whole numbers from 0 to ``T``; steps from there on do not count.
            resets: ``[B, T]`` bool, true where a step begins a new segment.
            mask: ``[B, T]`` bool, the steps that count, all if not given.
            extras: the model's extra inputs by name, ``[B, T, S]`` or, constant over time, ``[B, S]``.

        Returns:
            The mean loss, and what the next call goes on from, neither with a graph.

        Raises:
            ElmanError: shapes that do not fit, nothing that counts, or a model that cannot be learnt in this way.
        """
        if x.dim() < 2 or x.shape[:2] != target.shape[:2]:
            raise ElmanError(
                f"x and target are [batch, time, ...], the same batch and time, not {[*x.shape]} and {[*target.shape]}"
            )
        if x.requires_grad:
            raise ElmanError("x is data and takes no gradient: put what computes it into the model, or detach it")
        if any(getattr(module, "batch_first", True) is False for module in model.modules()):
            raise ElmanError(
                "the model has a layer with time first; sequences are [batch, time, ...]: batch_first=True"
            )
        given = {"lengths": lengths, "resets": resets, **extras}
        counted = _counted(x, lengths, mask)
        number = x.shape[0] * x.shape[1] if counted is None else int(counted.sum())
        if not number:
            raise ElmanError("there is nothing to learn from: no step counts")
        inputs = {name: value for name, value in given.items() if value is not None}
        return self._learn(model, Batch(x, target, counted, inputs, number), loss, state)

    @abstractmethod
    def window(self, model: nn.Module, state: Any = None) -> AbstractContextManager[Window]:
        """One window of a longer sequence, for a training loop that runs the model and the backward pass itself.

            with learning.window(model, state) as window:
                outputs, end = model(x, window.state)
            loss(outputs, target).backward()
            state = window.carry(end)

        The model is called once in the ``with`` block. What is carried on has no graph.
        """

    @abstractmethod
    def _learn(self, model: nn.Module, batch: Batch, loss: LossFunction, state: Any) -> tuple[Tensor, Any]:
        """``backward``, of what has been checked."""


def _counted(x: Tensor, lengths: Tensor | None, mask: Tensor | None) -> Tensor | None:
    shape = [*x.shape[:2]]
    if mask is not None and (mask.dtype != torch.bool or [*mask.shape] != shape):
        raise ElmanError(f"mask is bool of {shape}, not {mask.dtype} of {[*mask.shape]}")
    if lengths is None:
        return mask
    valid = torch.arange(shape[1], device=x.device) < lengths.to(x.device)[:, None]
    return valid if mask is None else valid & mask


def detached(state: Any) -> Any:
    """A state without what it was made of: a tensor, or tensors in tuples, lists and dictionaries."""
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, dict):
        return {name: detached(part) for name, part in state.items()}
    if not isinstance(state, tuple | list):
        return state
    parts = map(detached, state)
    return (
        type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    )  # a named tuple takes them one by one


def check_steps(name: str, steps: int, least: int = 1) -> None:
    """Refuse a number of steps that is not a whole one of at least ``least``."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < least:
        raise ElmanError(f"{name} is a whole number of steps, at least {least}, not {steps!r}")


def check_one_way(model: nn.Module, method: str) -> None:
    """Refuse a model that would see the end of a window before its beginning."""
    if any(getattr(module, "bidirectional", False) for module in model.modules()):
        raise ElmanError(
            f"{method} runs a model window by window, and a bidirectional layer needs the whole sequence; "
            "FullBPTT runs it whole, and save='lean' in the layer's call keeps little"
        )
