"""Modules that are alike are read once; whatever a step may depend on makes them unlike."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elman.cells import Cell, load, names
from elman.compiler import reading
from elman.compiler.executors.llvm import jit
from elman.compiler.likeness import likeness
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.remedies import Zoneout

SLOPE = 0.5
OPTIONS: dict[str, float] = {"slope": 0.5}
SEEN = SimpleNamespace(slope=0.5)


def bent(x: Tensor) -> Tensor:
    return torch.tanh(SLOPE * x)


class Bent(Cell):
    """It reaches a constant by a function."""

    gates = ("h",)
    power = 1.0

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = bent(x + self.recurrent(h)) * self.factor() + math.pi - math.pi
        return h, h

    def factor(self) -> float:
        return self.power


class ByOptions(Bent):
    def factor(self) -> float:
        return OPTIONS["slope"]


class ByObject(Bent):
    def factor(self) -> float:
        return SEEN.slope


class ByName(Bent):
    def factor(self) -> float:
        return getattr(self, "po" + "wer")


class ByImport(Bent):
    def factor(self) -> float:
        from string import digits

        return float(len(digits))


class Within(Cell):
    """It has modules within it."""

    gates = ("h",)

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.norm, self.drop = nn.LayerNorm(self.hidden_size), nn.Dropout(0.0)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(self.drop(self.norm(x + self.recurrent(h))))
        return h, h


def _times(factor: float) -> Callable[[Tensor], Tensor]:
    return lambda x: factor * x


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes whose steps are read."""
    found, own = list[str](), reading._read
    monkeypatch.setattr(reading, "_alike", {})

    def seen(template: nn.Module, widths: Any) -> Any:
        found.append(type(template).__name__)
        return own(template, widths)

    monkeypatch.setattr(reading, "_read", seen)
    return found


X = torch.randn(2, 4, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GRU(3, 4),
        lambda: RNN(3, 4),
        lambda: LSTM(3, 4, proj_size=2),
        lambda: Bent(3, 4),
        lambda: Within(3, 4),
    ],
)
def test_a_second_module_of_a_kind_is_not_read(make: Callable[[], nn.Module], read: list[str]) -> None:
    for _ in range(3):
        make()(X)
    assert len(read) == 1


@pytest.mark.parametrize("name", names())
def test_every_cell_is_read_once(name: str) -> None:
    make = load(name)
    assert likeness(make(3, 5)) == likeness(make(3, 5))
    assert likeness(make(3, 5)) is not None
    assert likeness(make(3, 5)) != likeness(make(3, 6))
    assert likeness(make(3, 5)) != likeness(make(3, 5).eval())


@pytest.mark.parametrize("make", [ByOptions, ByObject, ByName, ByImport])
def test_where_something_is_reached_that_is_not_plain_each_is_read(make: type[Cell], read: list[str]) -> None:
    for _ in range(2):
        make(3, 4)(X)
    assert len(read) == 2


def change_of(cell: Any, name: str, value: Any) -> Any:
    setattr(cell, name, value)
    return cell


CHANGES: dict[str, Callable[[], Cell]] = {
    "hidden": lambda: Within(3, 5),
    "bias": lambda: Within(3, 4, bias=False),  # type: ignore[arg-type]
    "an attribute": lambda: change_of(Within(3, 4), "more", 1),
    "evaluation within": lambda: change_of(Within(3, 4), "drop", nn.Dropout(0.0).eval()),
    "dropout within": lambda: change_of(Within(3, 4), "drop", nn.Dropout(0.5)),
    "no bias within": lambda: change_of(Within(3, 4), "norm", nn.LayerNorm(4, bias=False)),
    "a buffer": lambda: change_of(Within(3, 4), "more", nn.Buffer(torch.ones(1))),
    "a remedy": lambda: Within(3, 4).attach(Zoneout(0.0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_step_may_depend_on_makes_it_unlike(change: str) -> None:
    assert likeness(Within(3, 4)) is not None
    assert likeness(CHANGES[change]()) != likeness(Within(3, 4))


def test_a_hook_within_is_not_known() -> None:
    cell = Within(3, 4)
    cell.norm.register_forward_hook(lambda *_: None)
    assert likeness(cell) is None


def test_constants_and_classes_may_change_between_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    def outputs() -> Tensor:
        torch.manual_seed(0)
        return Bent(3, 4)(X)[0]

    first = outputs()
    monkeypatch.setattr(f"{__name__}.SLOPE", 0.25)
    second = outputs()
    monkeypatch.setattr(Bent, "power", 2.0)
    third = outputs()
    monkeypatch.setattr(Bent, "factor", lambda self: 4.0)
    fourth = outputs()
    assert not torch.equal(second, first)
    torch.testing.assert_close(third, third.clone())
    for a, b in ((second, third), (third, fourth)):
        assert not torch.equal(a, b)


def test_classes_that_a_function_makes_are_told_by_what_they_close_over() -> None:
    def make(factor: float) -> type[Cell]:
        class Closed(Cell):
            gates = ("h",)

            def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
                h = torch.tanh(factor * (x + self.recurrent(h)))
                return h, h

        return Closed

    one, two = (make(factor)(3, 4) for factor in (1.0, 1.0))
    for cell, factor in ((one, 3.0), (two, 2.0)):
        change_of(change_of(cell, "first", _times(2.0)), "second", _times(factor))
    assert likeness(one) != likeness(two)
    assert likeness(make(1.0)(3, 4)) == likeness(make(1.0)(3, 4)) != likeness(make(2.0)(3, 4))


def test_what_is_done_to_one_layer_is_not_done_to_another() -> None:
    layers = [GRU(3, 4) for _ in range(2)]
    layers[0]._cells[0].attach(Zoneout(0.0))
    layers[0]._cells[0].register_forward_hook(lambda *_: None)
    other = GRU(3, 4)
    for layer in (layers[1], other):
        assert layer._cells[0].remedies == ()
        assert not layer._cells[0]._forward_hooks
    assert Recurrent("gru", 3, 4).cells[0].remedies == ()


@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "lstm_projected", "gru_reset_before"])
def test_another_size_has_the_same_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(features: int, hidden: int) -> None:
        cell = load(name)(features, hidden)
        cell(torch.randn(2, 3, features, requires_grad=True))[0].sum().backward()
        with torch.no_grad():
            cell(torch.randn(2, 3, features))

    run(4, 16)
    monkeypatch.setattr(jit, "_make", lambda key, build: pytest.fail(f"made anew: {key}"))
    for features, hidden in ((4, 97), (9, 33), (1, 7)):
        run(features, hidden)
