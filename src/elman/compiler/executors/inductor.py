"""The loop over a step of which ``torch.compile`` made code, on devices that have nothing better."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.compiler import interpret
from elman.compiler.devices import kind_of, unusual
from elman.compiler.executor import Mode, Run, State
from elman.compiler.executors import eager
from elman.compiler.held import held
from elman.compiler.program import Program
from elman.compiler.reading import reading

Step = Callable[[Tensor, Sequence[Tensor], Mapping[str, Tensor], Mapping[str, Tensor]], tuple[Tensor, ...]]

_failed: dict[str, str] = {}  # Programs that torch.compile could not do, and why


class Inductor:
    """Runs steps that can be read, on devices for which ``torch.compile`` makes code."""

    name = "inductor"
    rank = 1

    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input, empty if it does."""
        if not kind_of(x).compiled:
            return f"torch.compile makes no code for steps on {x.device.type}"
        return unusual(x)

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it cannot run the step of this cell, empty if it can."""
        found = reading(template, mode)
        return found.why if found.traced is None else _failed.get(found.traced.program.text, "")

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it runs this cell, in words."""
        return f"torch.compile makes code of its step on {x.device.type}, and a loop runs that"

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
        """Run the code of the step, with derivatives of any order; its own step, where no code can be made."""
        traced = reading(template, mode).traced
        assert traced is not None
        program, states = traced.program, len(state)

        def loop(step: Step, given: Sequence[Any]) -> list[Tensor]:
            x, weight, bias, *rest = given
            first, rest = tuple(rest[:states]), rest[states:]
            after, rest = tuple(rest[:states]), rest[states:]
            along = dict(zip(extras, rest[: len(extras)], strict=True))
            operands = dict(zip(program.operands, rest[len(extras) :], strict=True))
            x, along = eager.without_padding(x, along, lengths)
            found = eager.run(
                lambda x, *state, **extras: step(x, state, extras, operands),
                F.linear(x, weight, bias), first, after, lengths=lengths, resets=resets, reverse=reverse, extras=along,
            )  # fmt: skip
            return [found.outputs, *found.final, *(found.states if all_states else ())]

        tensors = [x, cell.weight_ih, cell.bias_ih, *state, *initial, *extras.values()]
        tensors += interpret.operands_of(traced, cell)
        outputs, *rest = held(
            lambda given: _first_that_runs(program.text, loop, given),
            lambda given: loop(_step_of(program.text), given),
            tensors,
        )
        return Run(outputs, tuple(rest[:states]), tuple(rest[states:]))

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> None:
        """Nothing more than the reason: it is a loop."""


EXECUTOR = Inductor()


def _first_that_runs(text: str, loop: Callable[[Step, Sequence[Any]], list[Tensor]], given: Sequence[Any]) -> Any:
    """What the loop gives with the code of a step, or with the step itself if there can be no code."""
    if text not in _failed:
        try:
            return loop(_compiled(text), given)
        except Exception as error:  # of whatever kind the tools below torch.compile raise
            result = loop(_step_of(text), given)  # which raises what is wrong with a call
            _failed[text] = f"torch.compile cannot make code of its step: {str(error).strip().splitlines()[0]}"
            return result
    return loop(_step_of(text), given)


@lru_cache(maxsize=64)
def _step_of(text: str) -> Step:
    program = Program.read(text)

    def step(
        x: Tensor, state: Sequence[Tensor], extras: Mapping[str, Tensor], operands: Mapping[str, Tensor]
    ) -> tuple[Tensor, ...]:
        return interpret.step_of(program, operands)(x, *state, **extras)

    return step


@lru_cache(maxsize=64)
def _compiled(text: str) -> Step:
    return torch.compile(_step_of(text), fullgraph=True)
