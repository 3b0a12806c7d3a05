"""PyTorch's own operations for a whole recurrence, on devices other than the CPU: cuDNN's, MIOpen's and others.

They know three recurrences, RNN, LSTM and GRU. ``forms.py`` and ``twins.py`` find out whether a step is one of these,
``weights.py`` gives its parameters as the operation takes them, ``segments.py`` and ``operation.py`` do what the
operation does not know of: lengths, resets, rows without a step, the reverse direction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from elman.compiler import interpret
from elman.compiler.devices import kind_of, unusual
from elman.compiler.executor import Mode, Run, Sequences, State
from elman.compiler.executors import eager
from elman.compiler.executors.fused.operation import run, segments_of
from elman.compiler.executors.fused.twins import Twin, twin_of
from elman.compiler.held import held
from elman.compiler.program import Program
from elman.compiler.reading import reading


class Fused:
    """Runs steps that are one of ``torch.nn``'s three, found by comparing their Programs."""

    name = "fused"
    rank = 4

    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input, empty if it does."""
        if not kind_of(x).fused:
            return f"PyTorch has no operation for a whole recurrence on {x.device.type}"
        return unusual(x)

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it cannot run the step of this cell, empty if it can."""
        twin = _twin(template, mode)
        if twin is None:
            return "its step is none of torch.nn's RNN, LSTM and GRU"
        lacking = twin.projection and not kind_of(x).projected
        return f"PyTorch's LSTM has no projection on {x.device.type}" if lacking else ""

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it runs this cell, in words."""
        twin = _twin(template, mode)
        assert twin is not None
        return f"its step is that of {twin.called}, for which PyTorch has an operation on {x.device.type}"

    def run(
        self,
        cell: Any,
        template: nn.Module,
        mode: Mode,
        x: Tensor,
        state: State,
        initial: State,
        *,
        lengths: Tensor | None,
        resets: Tensor | None,
        reverse: bool,
        extras: Mapping[str, Tensor],
        all_states: bool,
        save: int | str,
    ) -> Run:
        """Run the operation of PyTorch, with derivatives of any order.

        A loop runs where the state of every step is asked for, which the operation does not give.
        """
        twin, traced = _twin(template, mode), reading(template, mode).traced
        assert twin is not None
        assert traced is not None
        if all_states:
            return eager.EXECUTOR.run(
                cell, template, mode, x, state, initial, lengths=lengths, resets=resets, reverse=reverse,
                extras=extras, all_states=all_states, save=save,
            )  # fmt: skip
        segments = segments_of(x, lengths, resets, reverse)

        def sequences(tensors: Sequence[Any]) -> Sequences:
            return _sequences(traced.program, tensors, lengths, reverse)

        def fast(tensors: Sequence[Any]) -> list[Tensor]:
            return run(twin, traced.program, sequences(tensors), segments)

        def slow(tensors: Sequence[Any]) -> list[Tensor]:
            found = interpret.run(traced.program, sequences(tensors), resets)
            return [found.outputs, *found.final]

        tensors = [x, cell.weight_ih, cell.bias_ih, *interpret.operands_of(traced, cell), *state, *initial]
        outputs, *final = held(fast, slow, tensors)
        return Run(outputs, tuple(final), ())

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> None:
        """Nothing more than the reason: what the operation does is PyTorch's."""


EXECUTOR = Fused()


@torch.compiler.assume_constant_result
def _twin(template: nn.Module, mode: Mode) -> Twin | None:
    traced = reading(template, mode).traced
    return None if traced is None else twin_of(traced.program.text)


def _sequences(program: Program, tensors: Sequence[Any], lengths: Tensor | None, reverse: bool) -> Sequences:
    """What is run over, from the tensors of a call."""
    x, weight, bias, *rest = tensors
    operands, first = len(program.operands), len(program.operands) + len(program.states)
    return Sequences(
        x=x,
        weight=weight,
        bias=bias,
        operands=dict(zip(program.operands, rest[:operands], strict=True)),
        first=rest[operands:first],
        initial=rest[first:],
        extras={},
        lengths=lengths,
        begins=None,
        reverse=reverse,
    )
