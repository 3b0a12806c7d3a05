"""What a recurrence over time is given: what is not a tensor, and the tensors, flat and by what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from elman.compiler.executor import Sequences, segment_begins
from elman.compiler.program import Program

Optional = Tensor | None


@dataclass(frozen=True)
class Scan:
    """What to run: a Program as text, and how."""

    executor: str  # whose kernels
    program: str
    reverse: bool
    every: int  # what is kept for the backward pass: 0 nothing, 1 every step, k the state before every k-th
    narrow: bool = False  # whether the factors of products are rounded to bfloat16

    @property
    def plain(self) -> tuple[str, str, bool, int, bool]:
        """As the operations of PyTorch take it."""
        return self.executor, self.program, self.reverse, self.every, self.narrow

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many operands, states and extra inputs there are among the tensors."""
        return _counts(self.program)


@lru_cache(maxsize=256)
def _counts(text: str) -> tuple[int, int, int]:
    program = Program.read(text)
    return len(program.operands), len(program.states), len(program.extras)


@dataclass(slots=True)
class Parts:
    """The flat tensors, by what they are."""

    x: Tensor
    weight: Tensor
    bias: Optional
    operands: Sequence[Tensor]
    first: Sequence[Tensor]
    initial: Sequence[Tensor]
    extras: Sequence[Tensor]
    lengths: Optional
    resets: Optional

    @staticmethod
    def of(scan: Scan, tensors: Sequence[Any]) -> "Parts":
        n, s, k = scan.counts
        x, weight, bias, *rest = tensors
        ends = [n, n + s, n + 2 * s, n + 2 * s + k]
        operands, first, initial, extras = (rest[a:b] for a, b in zip([0, *ends], ends, strict=False))
        lengths, resets = rest[ends[-1] :]
        return Parts(x, weight, bias, operands, first, initial, extras, lengths, resets)

    def to(self, dtype: torch.dtype) -> "Parts":
        """The same in another format of numbers, with autograd."""
        return Parts(
            x=self.x.to(dtype),
            weight=self.weight.to(dtype),
            bias=None if self.bias is None else self.bias.to(dtype),
            operands=[t.to(dtype) for t in self.operands],
            first=[t.to(dtype) for t in self.first],
            initial=[t.to(dtype) for t in self.initial],
            extras=[t.to(dtype) for t in self.extras],
            lengths=self.lengths,
            resets=self.resets,
        )

    def flat(self) -> list[Any]:
        return [
            self.x, self.weight, self.bias, *self.operands, *self.first, *self.initial, *self.extras,
            self.lengths, self.resets,
        ]  # fmt: skip

    def lists(self) -> tuple[Any, ...]:
        """As the operations of PyTorch take them."""
        return (
            self.x, self.weight, self.bias, self.operands, self.first, self.initial, self.extras,
            self.lengths, self.resets,
        )  # fmt: skip

    def sequences(self, program: Program, reverse: bool) -> Sequences:
        return Sequences(
            x=self.x,
            weight=self.weight,
            bias=self.bias,
            operands=dict(zip(program.operands, self.operands, strict=True)),
            first=self.first,
            initial=self.initial,
            extras=dict(zip(program.extras, self.extras, strict=True)),
            lengths=self.lengths,
            begins=None if self.resets is None else segment_begins(self.resets, self.lengths, reverse),
            reverse=reverse,
        )
