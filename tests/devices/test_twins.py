"""Steps that are those of ``torch.nn`` are found however they are written, and no others are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from cases import Variant, variants
from torch import Tensor, nn

from elman import adopt, cells
from elman.cells import Cell
from elman.cells.recurrence import Recurrence
from elman.compiler import interpret
from elman.compiler.executor import Sequences
from elman.compiler.executors.fused.operation import run
from elman.compiler.executors.fused.twins import Twin, twin_of
from elman.compiler.executors.fused.weights import weights_of
from elman.compiler.program import Program, Value
from elman.compiler.reading import read
from elman.testing import assert_close
from tests.cells.adopted import PUBLISHED

KINDS = {
    "elman": "RNN_TANH",
    "elman-relu": "RNN_RELU",
    "lstm": "LSTM",
    "lstm_projected": "LSTM",
    "gru": "GRU",
}


def program_of(cell: Recurrence) -> Program:
    return read(cell, tuple((name, cell.extra_sizes.get(name, 1)) for name in cell.extra_inputs)).program


def kind_of(cell: Recurrence) -> str:
    twin = twin_of(program_of(cell).text)
    return "" if twin is None else twin.kind


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_of_our_cells_those_of_torch_are_found_and_no_others(variant: Variant) -> None:
    for hidden in (5, 1):
        own = KINDS.get(str(variant), "")
        assert kind_of(variant.make(3, hidden)) == ("" if (variant.name, hidden) == ("lstm_projected", 1) else own)
        if "bias" not in variant.options:
            assert kind_of(variant.make(3, hidden, bias=False)) == kind_of(variant.make(3, hidden))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: nn.LSTMCell(3, 4), "LSTM"),
        (lambda: nn.GRUCell(3, 4), "GRU"),
        (lambda: nn.RNNCell(3, 4), "RNN_TANH"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="relu"), "RNN_RELU"),
        (lambda: nn.LSTMCell(3, 4, bias=False), "LSTM"),
    ],
)
def test_cells_of_torch_are_found_when_they_are_adopted(make: Callable[[], nn.Module], kind: str) -> None:
    assert kind_of(adopt(make())) == kind


ADOPTED = {"torch_lstm_cell": "LSTM", "torch_gru_cell": "GRU"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_other_published_cell_is_taken_for_one(name: str) -> None:
    published = PUBLISHED[name]
    assert kind_of(adopt(published.make(3, 6), **published.options(6))) == ADOPTED.get(name, "")


class Turned(Cell):
    """A GRU whose gates stand in another order, whose update gate is the other way round, and all is written apart."""

    gates = ("n", "u", "r")

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xn, xu, xr = x.chunk(3, -1)
        r = torch.sigmoid(self.recurrent(h, "r") + xr)
        u = torch.sigmoid(-(xu + self.recurrent(h, "u")))
        n = torch.tanh(r * self.recurrent(h, "n") + xn)
        return (new := n + (h - n) * (1 - u)), new


class Forgetting(Cell):
    """An LSTM with its states in another order, gates as Keras names them, and one that is open from the beginning."""

    gates = ("f", "i", "c", "o")

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, recurrent_size=hidden_size, **options)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f, i, g, o = (self.recurrent(h) + x).chunk(4, -1)
        c = torch.tanh(g) * torch.sigmoid(i) + c * torch.sigmoid(f + 1.0)
        h = torch.tanh(c) * torch.sigmoid(o)
        return h, h, c


class Matrices(nn.Module):
    """An LSTM as it is written by hand: a matrix for each gate, the cell state first, and a gate that closes."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.ModuleList(nn.Linear(3, 4) for _ in range(4))
        self.h = nn.ModuleList(nn.Linear(4, 4, bias=n > 1) for n in range(4))

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        c, h = state
        closed, i, o, g = (a(x) + b(h) for a, b in zip(self.x, self.h, strict=True))
        c = c - torch.sigmoid(closed) * c - torch.sigmoid(i) * torch.tanh(-g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (c, h)


class Halved(Cell):
    """A simple network that reads half of itself, with its product the other way round."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = -torch.tanh(-(0.5 * (h @ self.weight_hh)) - x * 2 + 0.25)
        return h, h


def test_a_step_of_ones_own_that_is_the_same_is_found() -> None:
    torch.manual_seed(0)
    for cell, kind in (
        (Turned(3, 4, dtype=torch.float64), "GRU"),
        (Forgetting(3, 4, dtype=torch.float64), "LSTM"),
        (adopt(Matrices().double(), state=(torch.zeros(1, 4, dtype=torch.float64),) * 2), "LSTM"),
        (Halved(3, 4, dtype=torch.float64), "RNN_TANH"),
        (Halved(3, 4, bias=False, dtype=torch.float64), "RNN_TANH"),
    ):
        traced = read(cell)
        twin = twin_of(traced.program.text)
        assert twin is not None, cell
        assert twin.kind == kind
        s = sequences(traced.program, cell.weight_ih, cell.bias_ih, traced.evaluate(cell))
        assert_same(twin, traced.program, s, type(cell).__name__)


class Coupled(Cell):
    """An LSTM in which a gate keeps what the other does not take."""

    gates = ("f", "g", "o")

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f, g, o = (x + self.recurrent(h)).chunk(3, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(-f) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, h, c


class Detached(Cell):
    """A GRU through whose gate no gradient goes."""

    gates = ("r", "z", "n")

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        xr, xz, xn = x.chunk(3, -1)
        hr, hz, hn = self.recurrent(h).chunk(3, -1)
        z = torch.sigmoid(xz + hz).detach()
        n = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
        return (new := (1 - z) * n + z * h), new


class Squashed(Cell):
    """A simple network whose output is not its state."""

    gates = ("h",)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(x + self.recurrent(h))
        return torch.tanh(h), h


@pytest.mark.parametrize("cell", [Coupled, Detached, Squashed])
def test_what_differs_in_anything_is_not(cell: type[Cell]) -> None:
    assert kind_of(cell(3, 4)) == ""


def sequences(program: Program, weight: Tensor, bias: Tensor | None, operands: Sequence[Tensor]) -> Sequences:
    """Random sequences for a Program."""
    states = [torch.randn(3, width, dtype=torch.float64) for width in program.states.values()]
    return Sequences(
        x=torch.randn(3, 5, weight.shape[1], dtype=torch.float64),
        weight=weight,
        bias=bias,
        operands=dict(zip(program.operands, operands, strict=True)),
        first=states,
        initial=states,
        extras={},
        lengths=None,
        begins=None,
        reverse=False,
    )


@torch.no_grad()
def assert_same(twin: Twin, program: Program, s: Sequences, what: str) -> None:
    outputs, *final = run(twin, program, s, None)
    right = interpret.run(program, s, None)
    assert_close(outputs, right.outputs, f"outputs of {what}")
    for name, own, part in zip(program.states, final, right.final, strict=True):
        assert_close(own, part, f"final {name} of {what}")


HALF = Value("constant", (), 1, number=0.5)
ONE = ("sigmoid", "tanh", "relu", "neg", "abs", "exp", "softplus", "detach")
TWO = ("add", "sub", "mul", "div", "maximum", "pow")


def changed(program: Program) -> Iterator[tuple[str, Program]]:
    """A Program with one operation changed or more, in every place."""
    for i, v in enumerate(program.values):
        others = ONE if v.op in ONE else TWO if v.op in TWO else ()
        found = [(op, replace(v, op=op)) for op in others if op != v.op]
        if v.op in TWO:
            found.append(("turned", replace(v, args=v.args[::-1])))
        if v.op in ("x", "vector", "slice") and v.offset:
            found.append(("other columns", replace(v, offset=v.offset - 1)))
        for what, value in found:
            yield f"{what} in the place of {v.op} {i}", with_value(program, i, value)
        for op in ONE:
            yield f"{op} of {v.op} {i}", with_more(program, i, lambda new, op=op: [Value(op, (new,), 0)])
        for op in ("mul", "add"):
            more = with_more(program, i, lambda new, op=op: [HALF, Value(op, (new, new + 1), 0)])
            yield f"{op} 0.5 with {v.op} {i}", more


def with_value(program: Program, i: int, value: Value) -> Program:
    return replace(program, values=(*program.values[:i], value, *program.values[i + 1 :]))


def with_more(program: Program, i: int, make: Callable[[int], list[Value]]) -> Program:
    """A Program in which something is made of a value, and stands in its place."""
    more = [replace(v, width=v.width or program.values[i].width) for v in make(i)]
    new = i + len(more)

    def moved(n: int) -> int:
        return n if n < i else n + len(more)

    after = (replace(v, args=tuple(map(moved, v.args))) for v in program.values[i + 1 :])
    return replace(
        program,
        values=(*program.values[: i + 1], *more, *after),
        results={name: new if n == i else moved(n) for name, n in program.results.items()},
    )


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", KINDS)
def test_with_one_operation_changed_it_is_another_or_the_same_by_its_numbers(name: str) -> None:
    torch.manual_seed(0)
    cell = next(variant for variant in variants() if str(variant) == name).make(dtype=torch.float64)
    traced = read(cell)
    s = sequences(traced.program, cell.weight_ih, cell.bias_ih, traced.evaluate(cell))
    found = 0
    for what, program in changed(traced.program):
        twin = twin_of(program.text)
        if twin is not None:
            assert "detach" not in what
            assert_same(twin, program, s, what)
            found += 1
    assert found < 0.3 * sum(1 for _ in changed(traced.program))


def test_parameters_that_lie_as_torch_takes_them_are_not_copied() -> None:
    for name in ("gru", "lstm", "elman", "lstm_projected"):
        for bias in (True, False):
            cell = cells.load(name)(3, 4, bias=bias)
            traced = read(cell)
            twin = twin_of(traced.program.text)
            assert twin is not None
            operands = dict(zip(traced.program.operands, traced.evaluate(cell), strict=True))
            weights, biased = weights_of(twin, cell.weight_ih, cell.bias_ih, operands)
            assert biased is bias
            own = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh, getattr(cell, "weight_hr", None)]
            for given, right in zip(weights, (t for t in own if t is not None), strict=True):
                assert (given.data_ptr(), given.shape) == (right.data_ptr(), right.shape)


def test_those_of_an_adopted_cell_are_not_copied_either() -> None:
    for made in (nn.GRUCell(3, 4), nn.LSTMCell(3, 4)):
        cell = adopt(made)
        traced = read(cell)
        twin = twin_of(traced.program.text)
        assert twin is not None
        operands = dict(zip(traced.program.operands, traced.evaluate(cell), strict=True))
        weights, _ = weights_of(twin, cell.weight_ih, cell.bias_ih, operands)
        right = [made.weight_hh, made.bias_ih, made.bias_hh]
        assert [t.data_ptr() for t in weights[1:]] == [t.data_ptr() for t in right]
        x, h = torch.randn(2, 3), torch.zeros(2, 4)
        assert_close(F.linear(x, weights[0]), F.linear(x, made.weight_ih), "the input's share")
        assert h.shape == (2, 4)
