"""A loop over a step of which ``torch.compile`` made code."""

from collections.abc import Callable, Iterator
from typing import Any

import pretended
import pytest
import torch
from torch import Tensor

from elman import Cell, cells
from elman.compiler import plan
from elman.errors import ElmanWarning
from elman.testing import assert_close

DOUBLE: dict[str, Any] = {"dtype": torch.float64}


@pytest.fixture(autouse=True)
def compiled() -> Iterator[None]:
    with pretended.device(), plan.use("inductor"):
        yield


def right(cell: Cell, *args: Any, **options: Any) -> Tensor:
    with plan.use("eager"):
        return cell(*args, **options)[0]


def test_the_step_is_compiled_once_and_run_at_each_step() -> None:
    compiled, runs = [], []

    def compile(step: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        compiled.append(options)

        def counted(*args: Any) -> Any:
            runs.append(args)
            return step(*args)

        return counted

    with pretended.device(compile=compile):
        cell, x = cells.load("lstm_peephole")(3, 4), torch.randn(2, 5, 3)
        for _ in range(2):
            assert_close(cell(x)[0], right(cell, x), "outputs")
        cells.load("lstm_peephole")(3, 4)(x)
    assert compiled == [{"fullgraph": True}]
    assert len(runs) == 3 * 5


def test_what_torch_compile_makes_gives_what_the_loop_gives() -> None:
    """With the compiler of PyTorch, but without code: it has first derivatives alone, and ours have all."""

    def compile(step: Callable[..., Any], real: Any = torch.compile, **options: Any) -> Callable[..., Any]:
        return real(step, backend="aot_eager", **options)

    with pretended.device(compile=compile):
        cell, x = cells.load("mgu")(2, 3, **DOUBLE), torch.randn(2, 3, 2, **DOUBLE, requires_grad=True)
        lengths, resets = torch.tensor([3, 0]), torch.tensor([[True, False, True]] * 2)

        def penalty() -> tuple[Tensor, Tensor, Tensor]:
            outputs, _ = cell(x, lengths=lengths, resets=resets, reverse=True)
            (gradient,) = torch.autograd.grad(outputs.sin().sum(), x, create_graph=True)
            return outputs, gradient, torch.autograd.grad(gradient.square().sum(), cell.weight_hh)[0]

        found = penalty()
        with torch.no_grad():
            assert_close(cell(x)[0], right(cell, x), "outputs without gradients")
    with plan.use("eager"):
        for own, other, what in zip(found, penalty(), ("outputs", "a gradient", "a second derivative"), strict=True):
            assert_close(own, other, what)


def test_a_step_that_cannot_be_compiled_is_said_and_runs_in_a_loop() -> None:
    tried = []

    def compile(step: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        def fails(*args: Any) -> Any:
            tried.append(args)
            raise RuntimeError("no compiler for C++ was found\nmore")

        return fails

    with pretended.device(compile=compile):
        cell, x = cells.load("mgu")(3, 4), torch.randn(2, 5, 3)
        assert_close(cell(x)[0], right(cell, x), "outputs")
        with pytest.warns(
            ElmanWarning, match=r"cannot make code of its step: no compiler for C\+\+ was found. It runs in a loop"
        ):
            assert_close(cell(x)[0], right(cell, x), "outputs")
        assert len(tried) == 1
        assert "no compiler for C++" in plan.explained(cell, (True, ()), x)[1]


class Drawing(Cell):
    """A step that cannot be read."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h) + torch.rand_like(h))
        return h, h


def test_a_step_that_cannot_be_read_runs_in_a_loop() -> None:
    with pytest.warns(ElmanWarning, match="draws random numbers.*It runs in a loop"):
        Drawing(3, 4)(torch.randn(2, 5, 3))
