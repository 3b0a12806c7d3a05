"""What runs a recurrence: the contract of an executor, and that of the kernels which one may make."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from elman.compiler.program import Program
from elman.compiler.proofs import Proof

State = tuple[Tensor, ...]
Widths = tuple[tuple[str, int], ...]  # of the extra inputs, by name
Mode = tuple[bool, Widths]  # whether it trains, and its extra inputs: what a step may depend on without its parameters


class Run(NamedTuple):
    """What running a recurrence over a sequence gives."""

    outputs: Tensor  # [B, T, O]
    final: State  # each [B, S]
    states: State  # after every step, each [B, T, S]; empty where they were not asked for


class Runnable(Protocol):
    """What an executor needs of a cell."""

    weight_ih: Any
    bias_ih: Any

    def step(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]: ...

    def project(self, x: Tensor) -> Tensor: ...


class Account(Protocol):
    """What an executor says of how its kernels would run something: a dataclass of plain values."""

    @property
    def program(self) -> Mapping[str, list[str]]:
        """The lines of the step that run "once", for a "block" of steps, at each "step"."""
        ...

    @property
    def linear(self) -> Proof: ...

    @property
    def elementwise(self) -> Proof: ...

    def lines(self) -> Iterator[str]:
        """Its plan and what it costs, for people."""
        ...


class Executor(Protocol):
    """One way to run a recurrence: a file or folder of ``executors``, whose name is the registry.

    The module holds it as ``EXECUTOR``. ``plan.py`` takes, of those that neither object nor refuse, the one of the
    highest rank. ``Compiled`` in ``compiled.py`` is all of this for an executor that turns Programs into kernels.
    """

    name: str
    rank: int

    def objection(self, x: Tensor) -> str:
        """Why it runs nothing over such an input: its device, its dtype. Empty if it does; asked at every call."""
        ...

    def refusal(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it cannot run the step of this cell over such an input, found once for each mode. Empty if it can."""
        ...

    def reason(self, template: nn.Module, mode: Mode, x: Tensor) -> str:
        """Why it is right for a cell that it does not refuse, over an input that it does not object to."""
        ...

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
        """Run over ``x [B, T, I]``, not yet projected.

        ``cell`` has the parameters to run with; its step is that of ``template``, which outlives it. ``save`` is what
        is kept for the backward pass, as a cell takes it.
        """
        ...

    def account(
        self, cell: Any, mode: Mode, x: Tensor, *, training: bool, threads: int | None, save: int | str
    ) -> Account | None:
        """How it would run a cell that it does not refuse, and at what cost; None where there is no more to say."""
        ...


@dataclass(slots=True)
class Sequences:
    """What kernels run over."""

    x: Tensor  # [B, T, I]
    weight: Tensor  # [x_width, I]
    bias: Tensor | None  # [x_width]
    operands: Mapping[str, Tensor]
    first: Sequence[Tensor]  # the state before, each [B, S]
    initial: Sequence[Tensor]  # the state after a reset, each [B, S]
    extras: Mapping[str, Tensor]  # [B, T, S] or [B, S]
    lengths: Tensor | None  # [B]
    begins: Tensor | None  # [B, T], where in the direction of the run a segment begins
    reverse: bool


@dataclass(frozen=True)
class Cotangents:
    """What a backward pass gives: the cotangents of everything in ``Sequences``."""

    x: Tensor | None
    weight: Tensor
    bias: Tensor
    operands: Mapping[str, Tensor]
    first: Sequence[Tensor]
    initial: Sequence[Tensor]
    extras: Mapping[str, Tensor]


class KernelMaker(Protocol):
    """The part of an executor by which it makes kernels."""

    @property
    def target(self) -> Hashable:
        """What it makes kernels for; those for another are others."""
        ...

    def kernels(self, program: Program, dtype: torch.dtype) -> "Kernels": ...


class Kernels(Protocol):
    """A Program that an executor has made ready to run, for one format of numbers."""

    @property
    def program(self) -> Program: ...

    @property
    def dtype(self) -> torch.dtype:
        """Of the tensors that it takes."""
        ...

    @property
    def output_width(self) -> int: ...

    @property
    def tape_width(self) -> int:
        """Numbers that are kept for the backward pass, for each row of each step."""
        ...

    def forward(self, s: Sequences, every: int) -> tuple[Tensor, list[Tensor], Tensor]:
        """Outputs ``[B, T, O]``, the last states, and what is kept.

        ``every`` says what is kept for ``backward``: 0 nothing, 1 the tape of every step, more the state every so many.
        """
        ...

    def backward(
        self, s: Sequences, kept: Tensor, outputs: Tensor, last: Sequence[Tensor], every: int, input_too: bool = True
    ) -> Cotangents:
        """The cotangents of everything that went in, from those of the outputs and of the last states.

        That of the input is a product of its own, which is left out unless it is wanted.
        """
        ...

    def small(
        self, shape: tuple[int, int, int], x: tuple[int, int], output: tuple[int, int], reverse: bool
    ) -> "Small | None":
        """A call over inputs of a batch, steps and features; None where it is not small.

        ``x`` and ``output`` are the strides from row to row, and from step to step, of input and outputs.
        """
        ...

    def learning(
        self, shape: tuple[int, int, int], x: tuple[int, int], output: tuple[int, int], reverse: bool
    ) -> "tuple[Small, Small] | None":
        """The same with a tape, and its way back; the cotangents lie as input and outputs do."""
        ...


class Small(Protocol):
    """Kernels for inputs of one shape that lie in one way."""

    @property
    def order(self) -> Sequence[str]:
        """What it takes the address of.

        ``weight``, ``bias`` (0 for none), ``matrix NAME`` and ``vector NAME`` for the operands, ``first NAME``,
        ``last NAME`` and ``initial NAME`` for the states.
        """
        ...

    @property
    def tape(self) -> tuple[int, int]:
        """The shape of what is kept for the way back."""
        ...

    def __call__(self, addresses: Sequence[int], x: int, output: int, tape: int = 0) -> None:
        """Run forward. Nothing is looked at: the caller has seen that what lies there is as kernels read it."""
        ...

    def back(self, addresses: Sequence[int], x: int, output: int, tape: int, read: int, targets: Sequence[int]) -> None:
        """Run backward, from the cotangents of ``output`` and of the last states, which are ``first`` here.

        What is at ``x``, the input's, and at ``last`` is written; what is at ``targets``, those of the weight, of the
        bias and of the operands in their order, is added to. The input itself is at ``read``.
        """
        ...


def segment_begins(resets: Tensor, lengths: Tensor | None, reverse: bool) -> Tensor:
    """Where, in the direction of a run, the segments begin that ``resets`` marks the first steps of."""
    if lengths is not None:
        steps = torch.arange(resets.shape[1], device=resets.device)
        resets = resets & (steps < lengths.to(resets.device)[:, None])
    return torch.cat([resets[:, 1:], resets.new_zeros(len(resets), 1)], 1) if reverse else resets
