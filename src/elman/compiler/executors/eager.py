"""The slow truth: a recurrence as a plain loop over time. Every fast path is compared with this one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from elman.compiler.contract import check_results
from elman.compiler.executor import Mode, Run, Runnable, State


class Eager:
    """Runs everything, everywhere PyTorch does."""

    name = "eager"
    rank = 0

    def objection(self, x: Tensor) -> str:
        """None, over any input."""
        return ""

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """None, of any step."""
        return ""

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it is right for a cell."""
        return "it runs everything"

    def run(
        self,
        cell: Runnable,
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
        """Run the cell's own step; PyTorch keeps what it wants for the backward pass.

        Raises:
            ElmanError: a step that gives something else than its output and its new states.
        """
        x, extras = without_padding(x, extras, lengths)

        def check(results: Any) -> None:
            check_results(template, results, x.shape[0])

        return run(
            cell.step,
            cell.project(x),
            state,
            initial,
            lengths=lengths,
            resets=resets,
            reverse=reverse,
            extras=extras,
            check=check,
        )

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> None:
        """Nothing more than that it is a loop."""


EXECUTOR = Eager()


def without_padding(
    x: Tensor, extras: Mapping[str, Tensor], lengths: Tensor | None
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The inputs with what stands past the end of each row overwritten, so that nothing of it reaches a gradient."""
    if lengths is None:
        return x, extras
    padding = (torch.arange(x.shape[1], device=x.device) >= lengths.to(x.device)[:, None])[:, :, None]
    # ones, since one may be a gap of time, which must not be zero
    ones = {name: value.masked_fill(padding, 1) if value.dim() == 3 else value for name, value in extras.items()}
    return x.masked_fill(padding, 0), ones


def run(
    step: Callable[..., tuple[Tensor, ...]],
    x: Tensor,
    state: State,
    initial: State,
    *,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    reverse: bool = False,
    extras: Mapping[str, Tensor] | None = None,
    check: Callable[[Any], None] | None = None,
) -> Run:
    """Run ``step`` over every time step of ``x``.

    Args:
        step: ``step(x_t, *state, **extras_t) -> (output, *new_state)``.
        x: the input's share, already projected, ``[B, T, gates * H]`` with ``T >= 1``.
        state: the state before the first step, a tuple of ``[B, S]``.
        initial: the state that a reset returns to, a tuple of ``[B, S]``.
        lengths: ``[B]`` valid steps of each row, zero allowed; a finished row keeps its state and its outputs are zero.
        resets: ``[B, T]`` bool, true where a step begins a new segment. Segments never see each other: forward in time
            the state returns to ``initial`` before that step, in reverse after it.
        reverse: run from the last valid step of each row to its first.
        extras: extra inputs by name, ``[B, T, S]`` one value a step or ``[B, S]`` one value a sequence.
        check: is given what the first step returns, to refuse it before it is taken apart.
    """
    batch, time = x.shape[:2]
    valid = None
    if lengths is not None:
        valid = torch.arange(time, device=x.device) < lengths.to(x.device)[:, None]
    begins = None
    if resets is not None:
        begins = resets.to(x.device)
        if valid is not None:
            begins = begins & valid
        if reverse:  # a segment ends where the next one begins
            begins = torch.cat([begins[:, 1:], begins.new_zeros(batch, 1)], 1)
    extras = extras or {}
    outputs: list[Tensor] = [x] * time
    states: list[State] = [state] * time
    for t in reversed(range(time)) if reverse else range(time):
        if begins is not None:
            state = _where(begins[:, t], initial, state)
        now = {name: value[:, t] if value.dim() == 3 else value for name, value in extras.items()}
        results = step(x[:, t], *state, **now)
        if check is not None:
            check(results)
            check = None
        output, *new = results
        if valid is None:
            state = tuple(new)
        else:
            output = torch.where(valid[:, t, None], output, torch.zeros_like(output))
            state = _where(valid[:, t], new, state)
        outputs[t], states[t] = output, state
    return Run(torch.stack(outputs, 1), state, tuple(torch.stack(s, 1) for s in zip(*states, strict=True)))


def _where(row: Tensor, yes: Sequence[Tensor], no: Sequence[Tensor]) -> State:
    """``yes`` in the rows where ``row`` is true, ``no`` in the others."""
    return tuple(torch.where(row[:, None], a, b) for a, b in zip(yes, no, strict=True))
