"""``check_cell`` for people who write their own: a good cell passes, and each way to be wrong is caught by its law."""

import re
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.cells import Cell
from elman.errors import ElmanError, ElmanWarning
from elman.testing import LawBroken, cell_checks, check_cell


class Leaky(Cell):
    """A good cell with an extra input and an option of its own."""

    gates = ("a", "h")

    def __init__(self, input_size: int, hidden_size: int, *, rate: float = 1.0, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.rate = rate

    def step(self, x: Tensor, h: Tensor, *, gap: Tensor) -> tuple[Tensor, Tensor]:
        a, n = (x + self.recurrent(h)).chunk(2, -1)
        keep = torch.exp(-self.rate * gap) * torch.sigmoid(a)
        h = keep * h + (1 - keep) * torch.tanh(n)
        return h, h


class Looped(Cell):
    """A good cell whose step has a function that no kernel has."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.cumprod(1 + 0.1 * torch.tanh(x + self.recurrent(h)), 1) - 1
        return h, h


class Forgetful(Cell):
    """It has two states, and gives one back."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        c = c + torch.tanh(x + self.recurrent(h))
        return c, c


class Tripled(torch.autograd.Function):
    """Three times as much, with the gradient of twice as much."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 3 * x

    @staticmethod
    def backward(ctx: Any, *shares: Tensor) -> Tensor:
        return 2 * shares[0]


class WronglyDerived(Cell):
    """Its gradient is not the derivative."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(Tripled.apply(x) + self.recurrent(h))  # pyright: ignore[reportOperatorIssue]
        return h, h


class Averaged(Cell):
    """Its rows see each other."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h).mean(0, keepdim=True))
        return h, h


class Unpadded(Cell):
    """It does not ask where a row ends."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h))
        return h, h

    def forward(self, x: Tensor, state: Any = None, *, lengths: Any = None, **options: Any) -> tuple[Tensor, Any]:
        return super().forward(x, state, **options)


class Counting(Cell):
    """It keeps a state outside its states, and so a split is not the whole, nor a run the same twice."""

    gates = ("h",)
    calls = 0

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        h = torch.tanh(x + self.recurrent(h) + 0.01 * self.calls)
        return h, h


@cache
def broken(cell: type[Cell]) -> dict[str, str]:
    """What of a cell's checks under the loop fails: by the name of the law, the last message."""
    found = {}
    for check in cell_checks(cell, executors=["eager"]):
        try:
            check.run()
        except LawBroken as error:
            found[check.name.split("-")[0]] = str(error)
    return found


def test_a_good_cell_with_an_extra_input_and_an_option_passes() -> None:
    check_cell(Leaky, rate=0.1)


def test_a_good_cell_that_no_kernel_runs_passes_under_the_loop() -> None:
    names = [check.name for check in cell_checks(Looped)]
    assert all(name.endswith("-eager") for name in names)
    assert not broken(Looped)


def test_a_cell_that_compiles_is_held_to_every_law_under_the_kernels_too() -> None:
    names = [check.name for check in cell_checks(Leaky)]
    assert len(set(names)) == len(names) > 100
    eager, llvm = ({n.removesuffix(by) for n in names if n.endswith(by)} for by in ("-eager", "-llvm"))
    assert eager - llvm == {"a_step_gives_an_output_and_every_state"}
    assert llvm < eager


def test_an_executor_that_is_demanded_and_cannot_is_said() -> None:
    (check,) = (c for c in cell_checks(Looped, executors=["llvm"]) if c.name == "it_gives_the_same_twice-llvm")
    with pytest.warns(ElmanWarning, match="It runs in a loop"):
        check.run()


@pytest.mark.parametrize(
    ("cell", "law", "says"),
    [
        (Forgetful, "a_step_gives_an_output_and_every_state", "the new h, c: 3 tensors, not 2"),
        (WronglyDerived, "gradients_are_the_derivatives", "numerical:tensor"),
        (Averaged, "rows_do_not_see_each_other", "outputs in the other rows"),
        (Unpadded, "padding_does_not_matter", "outputs"),
        (Unpadded, "a_row_of_no_steps_keeps_its_state_and_passes_the_gradient_on", "are not all zero"),
        (Unpadded, "equals_the_truth_with_every_gradient", "off by"),
        (Counting, "split_anywhere_is_the_whole", "off by"),
        (Counting, "it_gives_the_same_twice", "and must be the same"),
    ],
)
def test_what_is_wrong_is_caught_by_the_law_that_it_breaks(cell: type[Cell], law: str, says: str) -> None:
    found = broken(cell)
    assert law in found, list(found)
    assert says in found[law]
    assert found[law].startswith(f"{cell.__name__} breaks the law {law.replace('_', ' ')!r} for ")


def test_what_is_right_is_not_said_to_be_wrong() -> None:
    assert set(broken(WronglyDerived)) == {
        "gradients_are_the_derivatives",
        "second_derivatives_are_right",
        "derivatives_of_every_mode_are_those_of_the_loop",
    }


def test_the_case_is_named_with_sizes_dtype_lengths_resets_and_direction() -> None:
    name = "padding_does_not_matter-T7-B3-H5-float64-reverse-lengths-resets-bias-filling=nan-eager"
    (check,) = (check for check in cell_checks(Unpadded, executors=["eager"]) if check.name == name)
    case = "for T7-B3-H5-float64-reverse-lengths-resets-bias, filling=nan, eager: outputs: off by"
    with pytest.raises(AssertionError, match=re.escape(case)):
        check.run()


def test_a_check_leaves_random_numbers_and_threads_as_they_were() -> None:
    before = torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(2)
    next(iter(cell_checks(Leaky, executors=["eager"]))).run()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before[1])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.are_deterministic_algorithms_enabled() is before[2]


@pytest.mark.parametrize("given", ["gru", 3, torch.nn.GRUCell, Leaky(2, 3)], ids=lambda given: type(given).__name__)
def test_what_is_no_class_of_cells_is_refused(given: Any) -> None:
    with pytest.raises(ElmanError, match=r"a subclass of elman\.Cell is checked"):
        check_cell(given)


def test_a_cell_without_a_step_is_refused() -> None:
    class Nothing(Cell):
        gates = ("h",)

    with pytest.raises(ElmanError, match="Nothing has no step"):
        check_cell(Nothing)
